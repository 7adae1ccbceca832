/* From the spool into the queue: many entries of one connection in one step, none of them twice.
 * The hash `spooled` says for each folder of a spool up to which number its records are in the
 * stream; it is written by the same script as they are, and ends 30 days after its last use. */
#ifndef YQ_CLIENTS_QUEUE_SPOOLED_H
#define YQ_CLIENTS_QUEUE_SPOOLED_H

#include "clients/redis.h"
#include "clients/spool_record.h"

/* All records are of the connection of the first one, in the order of their numbers. *ret_added:
 * how many were not there yet. Makes the connection ready. */
int yq_queue_push_spooled(struct yq_redis *r, const struct yq_keys *keys, const char *folder,
                          const struct yq_spool_record *const *records, size_t count,
                          int64_t now_ms, size_t *ret_added, struct yq_error *err);
/* What was written since the connection was this one (yq_redis_connections) has reached so many
 * replicas (WAIT). Fewer in time is RETRY, and so is another connection: WAIT is about what its own
 * Redis was sent, which may have taken over without it. What is pushed again then is not there
 * twice. */
int yq_queue_await_replicas(struct yq_redis *r, uint64_t connection, int replicas,
                            int64_t timeout_ms, struct yq_error *err);
/* The folder is gone: so is what was remembered of it. */
int yq_queue_forget_spooled(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            const char *folder, struct yq_error *err);

#endif
