/* The scheduler: one thread that moves delayed connections to the ready set when they are due,
 * sweeps for what a crash left out, trims the streams, and tells the gauges. Several may run
 * against one Redis: each step is harmless when done twice. */
#ifndef YQ_SERVICE_SCHEDULER_H
#define YQ_SERVICE_SCHEDULER_H

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_scheduler;
/* Holds the settings. */
struct yq_scheduler *yq_scheduler_start(const struct yq_settings *settings,
                                        const struct yq_clock *clock, struct yq_error *err);
/* Its next look is under these. NULL is fine. */
void yq_scheduler_reload(struct yq_scheduler *s, const struct yq_settings *settings);
void yq_scheduler_stop(struct yq_scheduler *s);

#endif
