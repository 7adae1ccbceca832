/* The worker pool: threads that take a connection under its lease, read what is pending and new,
 * coalesce it into a scope, run the engine, and settle each subject.
 *
 * Threads share only the table of connections (each with its two clients, which lock themselves)
 * and the stop flag. A thread beyond the configured number is started when all are busy and a
 * connection is ready, up to workers_max, and ends when it is idle, so that a slow company never
 * delays another. */
#ifndef YQ_SERVICE_WORKER_H
#define YQ_SERVICE_WORKER_H

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_workers;

/* settings must outlive the pool. */
struct yq_workers *yq_workers_start(const struct yq_settings *settings,
                                    const struct yq_clock *clock, struct yq_error *err);
/* Tells the threads to stop, waits until they have (at most grace_ms for what they are doing),
 * frees. */
void yq_workers_stop(struct yq_workers *w, int grace_ms);
/* Threads alive, for readiness. */
int yq_workers_alive(const struct yq_workers *w);

#endif
