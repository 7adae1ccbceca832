/* The queue of a connection: a Redis stream `events` with the consumer group `sync`.
 *
 * An entry's life: XADD before WeCom is answered -> read under the lease, under one constant
 * consumer name, so that whoever holds the lease next finds it pending -> acknowledged once its
 * subject is settled (or copied to `dead` first) -> kept for replay until the retention time is
 * over. Nothing is ever trimmed beyond the first entry that is not acknowledged. Delivered at least
 * once. */
#ifndef YQ_CLIENTS_QUEUE_H
#define YQ_CLIENTS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/lease.h"
#include "clients/redis.h"
#include "clients/retention.h"
#include "model/event.h"

#define YQ_QUEUE_GROUP "sync"
#define YQ_QUEUE_CONSUMER "worker"
#define YQ_ENTRY_MAX 48 /* "1767225600000-0" with the NUL */

/* The XADD of one event as arguments, for a blocking or an asynchronous connection. Points into key
 * and event, and into itself. */
#define YQ_PUSH_FIELDS 3 /* so many words stand before the fields of the entry */
struct yq_push {
    int argc;
    const char *argv[32];
    size_t lens[32];
    char version[8], subject[YQ_SUBJECT_MAX], at[24];
};
void yq_queue_push_args(const struct yq_event *e, const char *events_key, struct yq_push *ret);

/* Adds the event, makes the connection ready; ret_entry may be NULL. */
int yq_queue_push(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_event *e, char ret_entry[YQ_ENTRY_MAX], struct yq_error *err);

struct yq_delivery {
    char entry[YQ_ENTRY_MAX];
    enum yq_event_kind kind;
    struct yq_subject subject;
    int64_t at;                         /* seconds, as the event says */
    int64_t queued_ms;                  /* from the entry id */
    char *source, *data, *raw, *digest; /* owned; raw only when asked for */
    char origin[YQ_ENTRY_MAX];          /* of one that was sent again: where it first came in */
    bool broken; /* fields missing or of an unknown version: `data` says why; to be set aside */
};
struct yq_deliveries {
    struct yq_delivery *items;
    size_t count, capacity;
};
void yq_deliveries_release(struct yq_deliveries *d);

/* Makes the group if it is missing (from the beginning of the stream). *ret_made is true when it
 * was: what the old group had open is lost track of, so a reconcile is owed. */
int yq_queue_ensure_group(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          bool *ret_made, struct yq_error *err);
/* Appends to *d what is pending, from behind entry `after` ("" = all), or what is new; at most
 * count entries. A missing group is an INVALID error with "NOGROUP" in front. */
int yq_queue_read_pending(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          const char *after, size_t count, struct yq_deliveries *d,
                          struct yq_error *err);
int yq_queue_read_new(struct yq_redis *r, const struct yq_keys *keys, const char *id, size_t count,
                      struct yq_deliveries *d, struct yq_error *err);
/* Entries with ids from…to ("-", "+" for the ends), newest first if wanted, with their raw text. */
int yq_queue_range(struct yq_redis *r, const struct yq_keys *keys, const char *id, const char *from,
                   const char *to, bool newest_first, size_t count, struct yq_deliveries *d,
                   struct yq_error *err);

struct yq_queue_stats {
    int64_t length;  /* entries in the stream, settled ones that are kept for replay included */
    int64_t waiting; /* not yet read by a worker */
    int64_t pending; /* read, not yet acknowledged */
    int64_t dead;
    int64_t retrying;  /* subjects that wait for their next attempt */
    int64_t oldest_ms; /* age of the oldest unacknowledged entry; 0 = none */
};
int yq_queue_stats(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t now_ms,
                   struct yq_queue_stats *ret, struct yq_error *err);
/* Adds the figures of one more connection; of the ages the greatest counts. */
void yq_queue_stats_add(struct yq_queue_stats *sum, const struct yq_queue_stats *more);
/* Trims what is acknowledged and too old or too much, with its raw text; never what is not
 * acknowledged, however much that is. *ret_trimmed counts. */
int yq_queue_trim(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_retention *keep, int64_t *ret_trimmed, struct yq_error *err);

/* ---- the sets over all connections: hints only, a sweep finds what they miss ---- */
int yq_ready_add(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t now_ms,
                 struct yq_error *err);
/* Waits up to wait_ms for a ready connection. 1 = ret_id is filled, 0 = none came, -1 = error. */
int yq_ready_take(struct yq_redis *r, const struct yq_keys *keys, int wait_ms, char ret_id[64],
                  struct yq_error *err);
/* Not before due_ms; an earlier one already set stays. */
int yq_delayed_add(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t due_ms,
                   struct yq_error *err);
/* Moves what is due into the ready set; returns how many, or -1. */
int yq_delayed_move(struct yq_redis *r, const struct yq_keys *keys, int64_t now_ms,
                    struct yq_error *err);
/* Puts every connection that has waiting or pending entries and no delayed date into the ready set,
 * also where somebody holds its lease: who takes it finds out whether the holder is still alive.
 * Returns how many, or -1. */
int yq_ready_sweep(struct yq_redis *r, const struct yq_keys *keys, const char *const *ids,
                   size_t count, int64_t now_ms, struct yq_error *err);

#endif
