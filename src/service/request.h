/* Events that ask for more than their subject: a reconcile, or a plan without carrying it out. They
 * are handed over to the reconciler, and are settled with that. */
#ifndef YQ_SRC_SERVICE_REQUEST_H
#define YQ_SRC_SERVICE_REQUEST_H

#include "settle.h"

/* Hands over what in the group asks for it. True when that was all there was: the group is gone. */
bool yq_request_reconcile(const struct yq_settle *s, struct yq_group *g);

#endif
