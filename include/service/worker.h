/* The worker pool: threads that take a connection under its lease, read what is pending and new,
 * coalesce it into a scope, run the engine, and settle each subject.
 *
 * Threads share only the table of connections (each with its two clients, which lock themselves),
 * which a reload exchanges as a whole, and the stop flag. A thread beyond the configured number is
 * started when all are busy and a connection is ready, up to workers_max, and ends when it is idle,
 * so that a slow company never delays another. */
#ifndef YQ_SERVICE_WORKER_H
#define YQ_SERVICE_WORKER_H

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_workers;

/* Holds the settings. */
struct yq_workers *yq_workers_start(const struct yq_settings *settings,
                                    const struct yq_clock *clock, struct yq_error *err);
/* From now on these settings hold: a run that is going on ends under the old ones, what comes next
 * is done under these. */
void yq_workers_reload(struct yq_workers *w, const struct yq_settings *settings);
/* Nothing new is begun from now on; does not wait. NULL is fine. */
void yq_workers_stop_soon(struct yq_workers *w);
/* Tells the threads to stop, waits until they have (at most grace_ms for what they are doing),
 * frees. */
void yq_workers_stop(struct yq_workers *w, int grace_ms);
/* Threads alive, for readiness. */
int yq_workers_alive(const struct yq_workers *w);

#endif
