/* yunqiao-sim as a process of its own, on a free port, with its clock in a file of its own. */
#ifndef YQ_TESTS_SUPPORT_SIM_PROCESS_H
#define YQ_TESTS_SUPPORT_SIM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_process;

/* Starts it; words as on the command line, divided by blanks: "wecom", "eteams --seed 5". Ends the
 * test if it does not come up. It does not outlive the test. */
struct sim_process *sim_process_start(const char *words);
/* True if it went with status 0 (leaks of a sanitised build count). */
bool sim_process_stop(struct sim_process *s);
/* "http://127.0.0.1:1234" */
const char *sim_process_url(const struct sim_process *s);
/* So far ahead of the real time. */
void sim_process_move_clock(struct sim_process *s, int64_t ms);

#endif
