/* The scheduler: one thread that moves delayed connections to the ready set when they are due,
 * sweeps for what a crash left out, trims the streams, and tells the gauges. Several may run
 * against one Redis: each step is harmless when done twice. */
#ifndef YQ_SERVICE_SCHEDULER_H
#define YQ_SERVICE_SCHEDULER_H

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_scheduler;
struct yq_scheduler *yq_scheduler_start(const struct yq_settings *settings,
                                        const struct yq_clock *clock, struct yq_error *err);
void yq_scheduler_stop(struct yq_scheduler *s);

#endif
