/* An installation to measure: the daemon between two simulated peers, as tests/support/stage.h has
 * it, and what the benchmarks ask of it. Every mistake ends the program. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "clients/redis.h"
#include "support/stage.h"

#define BENCH_IN_FLIGHT 8 /* calls to one peer at the same time */

struct bench {
    struct stage *s;
    struct yq_redis *redis;
    struct yq_keys keys;
    double answer_ms; /* measured */
};

double bench_now_ms(void); /* since 1970 */
void bench_die(const char *what);
int64_t bench_number_in(const cJSON *json, const char *name);
int bench_compare_doubles(const void *a, const void *b);

/* 1000 people in both directories; departments 2 and up besides the root. */
void bench_begin(struct bench *b, size_t departments);
void bench_begin_with(struct bench *b, const struct stage_options *options);
void bench_end(struct bench *b);
/* The daemon starts anew, with `to` in place of every `from` in its configuration. */
void bench_restart(struct bench *b, const char *from, const char *to);
/* How long both peers wait before they answer. */
void bench_set_delay(struct bench *b, int ms);
/* Members prefix00000 and so on, evenly over departments 2 and up. */
void bench_create_members(struct bench *b, const char *prefix, size_t count, size_t departments);
void bench_pause(struct bench *b, bool paused);
double bench_cpu_ms(struct bench *b); /* what the daemon has used */

/* Conditions for yq_wait_until: WeCom has got rid of its events; everything in the stream was given
 * to a worker, is acknowledged, and nobody works. */
bool bench_delivered(void *b);
bool bench_applied(void *b);
void bench_wait_for(struct bench *b, bool (*condition)(void *arg), const char *what);
void bench_settle(struct bench *b); /* both */

/* Calls since they were forgotten, without tokens. *ret_writes: those of them that write. */
int64_t bench_wecom_calls(struct bench *b);
int64_t bench_eteams_calls(struct bench *b, int64_t *ret_writes);
/* A figure of the rows written, as "creates". */
int64_t bench_writes(struct bench *b, const char *what);
void bench_forget_calls(struct bench *b);

#endif
