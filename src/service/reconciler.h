/* Decides when a company is reconciled, and runs it: threads beside the workers, so that a company
 * whose reconcile takes hours delays no other. */
#ifndef YQ_SRC_SERVICE_RECONCILER_H
#define YQ_SRC_SERVICE_RECONCILER_H

#include "service/settings.h"
#include "turn.h"

struct yq_reconciler;

/* connections: as many as the settings have, shared with the workers. All must outlive it. */
struct yq_reconciler *yq_reconciler_start(const struct yq_settings *settings,
                                          struct yq_connection *const *connections,
                                          const struct yq_redis_address *address,
                                          const struct yq_clock *clock);
/* Runs end at their next page, to be begun again by whoever comes next. NULL is fine. */
void yq_reconciler_stop(struct yq_reconciler *r);

#endif
