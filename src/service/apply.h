/* Carries out a plan: stage by stage, in batches; what failed takes along what depends on it. */
#ifndef YQ_SERVICE_APPLY_H
#define YQ_SERVICE_APPLY_H

#include "record.h"
#include "service/sync.h"

/* Every operation gets its step. Returns -1 when the run must end (LOST, FATAL); what was carried
 * out until then is recorded. */
int yq_apply(const struct yq_sync *s, const struct yq_plan *p, struct yq_record *r,
             struct yq_sync_result *result, struct yq_error *err);

#endif
