/* What operators ask of Redis: hashes, lists and streams of a connection as they stand, and how far
 * the queue's group has come. Read only; nothing here needs a lease. */
#ifndef YQ_CLIENTS_STORE_INSPECT_H
#define YQ_CLIENTS_STORE_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/queue.h"
#include "clients/redis.h"

/* Pairs of texts: a hash, or the fields of a stream's entry. */
struct yq_pairs {
    struct yq_pair {
        char *name, *value;
    } * items;
    size_t count;
};
/* The value of that name, or NULL. */
const char *yq_pairs_get(const struct yq_pairs *p, const char *name);
void yq_pairs_release(struct yq_pairs *p);

/* A whole hash, by name; `id` NULL: one of the installation. A missing one is empty. */
int yq_store_read_hash(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, struct yq_pairs *ret, struct yq_error *err);
/* One field of a hash, or with `field` NULL a string: the caller frees; *ret is NULL where there is
 * none. */
int yq_store_read_text(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, const char *field, char **ret, struct yq_error *err);
/* A list from its head, at most count elements: names are empty. */
int yq_store_read_list(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, size_t count, struct yq_pairs *ret, struct yq_error *err);
int yq_store_count_hash(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        const char *name, int64_t *ret, struct yq_error *err);

struct yq_stream_entry {
    char entry[YQ_ENTRY_MAX];
    struct yq_pairs fields;
};
struct yq_stream_entries {
    struct yq_stream_entry *items;
    size_t count, capacity;
};
void yq_stream_entries_release(struct yq_stream_entries *e);
/* Which part of a stream. */
struct yq_stream_range {
    const char *name;      /* "audit", "runs", "dead" */
    const char *from, *to; /* "-" and "+" for the ends, "(ID" for behind it; always from <= to */
    bool newest_first;
    size_t count;
};
/* Appends the entries to *ret. */
int yq_store_read_stream(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const struct yq_stream_range *range, struct yq_stream_entries *ret,
                         struct yq_error *err);
/* Id of the newest entry; "0-0" where there is none. */
int yq_store_last_entry(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        const char *name, char ret[YQ_ENTRY_MAX], struct yq_error *err);
/* Waits up to wait_ms for entries behind `after`, and appends them; none in time is no error. */
int yq_store_wait_stream(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const char *name, const char *after, int wait_ms,
                         struct yq_stream_entries *ret, struct yq_error *err);

/* How far the workers have come: what they have read, and what of that is not acknowledged. */
struct yq_queue_progress {
    char last_read[YQ_ENTRY_MAX];  /* "0-0": nothing yet, or no group */
    char (*pending)[YQ_ENTRY_MAX]; /* in order */
    size_t pending_count;
};
int yq_queue_read_progress(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           struct yq_queue_progress *ret, struct yq_error *err);
void yq_queue_progress_release(struct yq_queue_progress *p);
enum yq_entry_state { YQ_ENTRY_WAITING, YQ_ENTRY_PENDING, YQ_ENTRY_DONE };
enum yq_entry_state yq_entry_state_of(const struct yq_queue_progress *p, const char *entry);

/* Entry ids as numbers: <0, 0, >0. Malformed ones are as "0-0". */
int yq_entry_compare(const char *a, const char *b);
/* The milliseconds in an entry id. */
int64_t yq_entry_ms(const char *entry);

#endif
