/* Waiting for a condition with a deadline, in real time: no test sleeps for luck. */
#ifndef YQ_TESTS_SUPPORT_WAIT_H
#define YQ_TESTS_SUPPORT_WAIT_H

#include <stdbool.h>

/* Asks again and again until the condition is true; false when deadline_ms have passed without. */
bool yq_wait_until(bool (*condition)(void *arg), void *arg, int deadline_ms);

#endif
