/* Who works on a connection now, and nobody else.
 *
 * The lease is the key `lease`: JSON with the fencing token, host, boot id, pid namespace, pid,
 * start time of the process, and when it was taken. Redis ends it after its time; a holder renews
 * it while it works and stops calling peers when its own monotonic clock says that it may have
 * ended. A holder on this host and boot whose process is provably gone is replaced at once. Every
 * write of a worker's results goes through yq_lease_commit, which refuses when the token is no
 * longer ours: that is the fence. */
#ifndef YQ_CLIENTS_LEASE_H
#define YQ_CLIENTS_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "clients/redis.h"

struct yq_lease {
    char connection[64];
    const char *key;       /* name of its key, static text; NULL: "lease" */
    int64_t token;         /* grows with every holder of this connection */
    char value[512];       /* what stands in the key while it is ours */
    int64_t deadline_mono; /* do nothing after this, unless renewed */
    int64_t ttl_ms;
};

enum yq_lease_result { YQ_LEASE_TAKEN, YQ_LEASE_HELD, YQ_LEASE_ERROR };

/* Takes the lease, also from a provably dead holder. HELD: *ret_retry_ms says when it ends at the
 * latest. */
enum yq_lease_result yq_lease_take(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                   int64_t ttl_ms, const struct yq_clock *clock,
                                   struct yq_lease *ret, int64_t *ret_retry_ms,
                                   struct yq_error *err);
/* The same for a connection's full reconcile, whose key is `reconcile:lease`: whoever has it runs
 * the one there is; it is no leave to write to eteams. All of what follows works with it, too. */
enum yq_lease_result yq_lease_take_reconcile(struct yq_redis *r, const struct yq_keys *keys,
                                             const char *id, int64_t ttl_ms,
                                             const struct yq_clock *clock, struct yq_lease *ret,
                                             struct yq_error *err);
/* Extends it; LOST when it is no longer ours. */
int yq_lease_renew(struct yq_redis *r, const struct yq_keys *keys, struct yq_lease *l,
                   const struct yq_clock *clock, struct yq_error *err);
bool yq_lease_valid(const struct yq_lease *l, const struct yq_clock *clock);
/* Gives it back; harmless when it is no longer ours. *ret_more is true when the stream holds
 * entries that no worker has read, and nobody else holds the lease: the caller puts the connection
 * back into the ready set, so that no wake-up is lost. */
int yq_lease_release(struct yq_redis *r, const struct yq_keys *keys, const struct yq_lease *l,
                     bool *ret_more, struct yq_error *err);
/* Who holds it, for an operator: the JSON, or "" when nobody does. Caller frees. */
char *yq_lease_holder(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                      struct yq_error *err);

/* Commands on the connection's own keys, carried out together, in order, and only while the lease
 * is ours. */
struct yq_commit;
struct yq_commit *yq_commit_new(void);
void yq_commit_free(struct yq_commit *c);
/* Arguments, 64 at most, are copied; NULL ends the list. */
void yq_commit_add(struct yq_commit *c, const char *command, ...) __attribute__((sentinel));
size_t yq_commit_count(const struct yq_commit *c);
/* Runs and empties it, whatever comes of it. Large ones are cut into several scripts of whole
 * commands; what one script does is all or nothing, unless Redis refuses one of its commands for
 * good (INVALID: a bug). LOST when the lease is not ours: nothing of the rest was done. RETRY: the
 * last script may have been carried out. */
int yq_lease_commit(struct yq_redis *r, const struct yq_keys *keys, const struct yq_lease *l,
                    struct yq_commit *c, struct yq_error *err);

#endif
