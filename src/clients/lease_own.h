/* Under which leases the threads of this process take or hold, by the names of their keys.
 *
 * A lease in Redis that names this process, though none of its threads works under it, is an
 * orphan: the answer to its taking was lost, or Redis was away when it should have been given back.
 * Nobody else could tell, since the process lives. */
#ifndef YQ_SRC_CLIENTS_LEASE_OWN_H
#define YQ_SRC_CLIENTS_LEASE_OWN_H

#include <stdbool.h>
#include <stdint.h>

struct yq_own;

/* This thread is about to take it; ends with one of keep and end. */
struct yq_own *yq_own_begin(const char *key);
/* No other thread of this process takes or holds it. */
bool yq_own_is_alone(const struct yq_own *o);
void yq_own_keep(struct yq_own *o, int64_t token); /* taken: kept until it is dropped */
void yq_own_end(struct yq_own *o);                 /* not taken */
/* Given back, or tried to; one that is not known is no matter. */
void yq_own_drop(const char *key, int64_t token);

#endif
