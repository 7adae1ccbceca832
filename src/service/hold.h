/* Keeps what the guard held, as a plan that waits for a person. */
#ifndef YQ_SERVICE_HOLD_H
#define YQ_SERVICE_HOLD_H

#include "record.h"

/* Holds whoever waits for a person already, and counts them to the result. */
int yq_hold_waiting(struct yq_record *r, struct yq_plan *p, struct yq_sync_result *result,
                    struct yq_error *err);
/* Queues the plan for the commit, in place of older ones that hold the same people, and tells its
 * hash to the result and to the verdicts. *ret_news: this run did not hold exactly that before. */
int yq_hold(struct yq_record *r, struct yq_plan *p, struct yq_sync_result *result, bool *ret_news,
            struct yq_error *err);

/* Is there a plan that waits for a person, this run's own included? Not the one that it carries
 * out.
 */
int yq_hold_any(struct yq_record *r, const struct yq_sync_result *result, bool *ret_any,
                struct yq_error *err);

#endif
