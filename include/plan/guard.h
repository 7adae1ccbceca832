/* How many may be removed without asking (design §5). Pure: the figures are passed in. */
#ifndef YQ_PLAN_GUARD_H
#define YQ_PLAN_GUARD_H

#include <stdint.h>

#include "plan/plan.h"

struct yq_guard_figures {
    int64_t size;     /* linked in-service people at the last complete snapshot */
    int64_t last_day; /* removals of the last 24 hours that were not approved by a person */
};

struct yq_guard_limits {
    int64_t run, day;
};
/* limit = max(3, min(max, percent × size)); day = per_day, or max(2 × limit, 0.5 % of size). */
struct yq_guard_limits yq_guard_limits(const struct yq_policy *policy, int64_t size);

/* Holds all removals of the plan when there are more than `run` of them or when they would bring
 * the day above `day`; all moves to the root when they alone are more than `run`. Held operations
 * stay in the plan, marked, and their subjects' verdict becomes HELD. Returns how many were held;
 * *ret_hash gets the hash (32 hex digits) of what is held: the same people give the same hash. */
size_t yq_guard_apply(struct yq_plan *p, const struct yq_policy *policy,
                      const struct yq_guard_figures *figures, char ret_hash[33]);

#endif
