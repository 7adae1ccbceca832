/* Decides when a company is reconciled, and runs it: threads beside the workers, so that a company
 * whose reconcile takes hours delays no other. */
#ifndef YQ_SRC_SERVICE_RECONCILER_H
#define YQ_SRC_SERVICE_RECONCILER_H

#include "connections.h"
#include "turn.h"

struct yq_reconciler;

/* place: shared with the workers. All must outlive it. */
struct yq_reconciler *yq_reconciler_start(struct yq_connections_place *place,
                                          const struct yq_redis_address *address,
                                          const struct yq_clock *clock);
/* There may be more connections now: as many threads as they need. NULL is fine. */
void yq_reconciler_grow(struct yq_reconciler *r);
/* Runs end at their next page, to be begun again by whoever comes next. NULL is fine. */
void yq_reconciler_stop_soon(struct yq_reconciler *r); /* says so, and does not wait */
void yq_reconciler_stop(struct yq_reconciler *r);

#endif
