/* How many may be removed without asking (design §5). Pure: the figures are passed in. */
#ifndef YQ_PLAN_GUARD_H
#define YQ_PLAN_GUARD_H

#include <stdint.h>

#include "plan/held.h"
#include "plan/plan.h"

struct yq_guard_figures {
    int64_t size;     /* linked in-service people at the last complete snapshot */
    int64_t last_day; /* removals of the last 24 hours that were not approved by a person */
    int64_t run_removals, run_moves; /* of this run, before this plan: they count with its own */
};

struct yq_guard_limits {
    int64_t run, day;
};
/* limit = max(3, min(max, percent × size)); day = per_day, or max(2 × limit, 0.5 % of size). */
struct yq_guard_limits yq_guard_limits(const struct yq_policy *policy, int64_t size);

/* Holds all removals of the plan when there are more than `run` of them or when they would bring
 * the day above `day`; all moves to the root when they alone are more than `run`. What can only be
 * done after a removal is held with it. Held operations stay in the plan, marked, and their
 * subjects' verdict becomes HELD. Returns how many removals and moves were held. */
size_t yq_guard_apply(struct yq_plan *p, const struct yq_policy *policy,
                      const struct yq_guard_figures *figures);

/* The guard of a run that a person approved: no limits, but only what is in the approved plan as
 * well is carried out. Further removals and moves are held again; all else is taken out of the
 * plan, and its subjects' verdict says NOT_APPROVED: they want a run of their own. Returns how many
 * removals and moves were held. */
size_t yq_guard_approve(struct yq_plan *p, const struct yq_held_plan *approved);

/* Holds the removals and moves that wait for a person already, however few they are now. Returns
 * how many that were not held before. */
size_t yq_guard_keep(struct yq_plan *p, const struct yq_held_plan *waiting);

/* Tells the held subjects' verdicts the hash under which they are held. */
void yq_guard_name(struct yq_plan *p, const char *hash);

#endif
