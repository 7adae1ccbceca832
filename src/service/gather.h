/* Answers the planner's needs by reading: links from Redis, the rest from WeCom and eteams. */
#ifndef YQ_SERVICE_GATHER_H
#define YQ_SERVICE_GATHER_H

#include "service/sync.h"

/* Reads until the planner needs nothing more; *ret_plan is then complete. The policy must outlive
 * it. */
int yq_gather(const struct yq_sync *s, const struct yq_policy *policy, struct yq_view *v,
              struct yq_plan **ret_plan, struct yq_error *err);

#endif
