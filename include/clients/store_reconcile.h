/* What a connection remembers about its full reconciles: the run that is going, when each sort last
 * was complete, who asks for one, what it saw; and reading all links at once. Layout:
 * docs/redis.md. What a run writes is committed under its own lease (yq_lease_take_reconcile). */
#ifndef YQ_CLIENTS_STORE_RECONCILE_H
#define YQ_CLIENTS_STORE_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/redis.h"
#include "model/view.h"

#define YQ_REASON_TEXT_MAX 64

/* How far the superior switch has come (S2). */
enum yq_superiors_state {
    YQ_SUPERIORS_OFF,
    YQ_SUPERIORS_TAKING_OVER,
    YQ_SUPERIORS_ON,     /* written, not locked yet */
    YQ_SUPERIORS_LOCKED, /* or this eteams has no lock */
};

/* ---- when: hashes reconciled, owed, wanted, reconcile, settings, superiors, in one round trip
 * ---- */
struct yq_reconcile_state {
    /* Milliseconds at which a complete run of that sort ended last; 0: never. */
    int64_t departments_ms, members_ms, full_ms;
    int64_t failed_ms; /* when the last run failed; 0 with no failures since a complete one */
    unsigned failures; /* in a row */
    int64_t cancelled_ms;
    int64_t owed_ms;                      /* since when one is owed; 0: none is */
    char owed_reason[YQ_REASON_TEXT_MAX]; /* the oldest */
    enum yq_superiors_state superiors;
    int64_t superiors_tried_ms; /* when the switch was last worked on */
    bool paused;
    bool going;                /* a run is under way, or its process died */
    char wanted[YQ_ENTRY_MAX]; /* the oldest command that waits, "" if none does */
    char wanted_data[512];     /* its JSON: {"subject":"all","dry_run":true} */
};
int yq_store_load_reconcile_state(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                  struct yq_reconcile_state *ret, struct yq_error *err);
/* A command wants a reconcile, or a dry run of one subject; entry: of the command. */
void yq_store_want_reconcile(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                             const char *entry, const char *json);
/* As yq_store_owe_reconcile, in a worker's commit. */
void yq_store_add_owed(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *reason, int64_t now_ms);

/* ---- the run that is going: hash `reconcile` ---- */

/* What is shown of it; texts are static or the run's. */
struct yq_reconcile_progress {
    const char *phase;  /* "departments", "members" (of WeCom), "people" (of eteams), "leavers",
                           "writing" … */
    size_t done, total; /* of what this phase counts: departments that differ, lists of departments
                           read, people read, members that differ; total 0: not known */
    size_t applied, failed, held;
    uint64_t calls;
    int64_t at;
};
/* Tells the progress and looks for an operator's word: *ret_cancelled, *ret_paused. */
int yq_store_put_reconcile_progress(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                    const struct yq_reconcile_progress *p, bool *ret_cancelled,
                                    bool *ret_paused, struct yq_error *err);
/* Asks the run to end, or takes back a command that waits. *ret_found: there is such a run. */
int yq_store_cancel_reconcile(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              const char *run, bool *ret_found, struct yq_error *err);

/* ---- what events touched while it reads: zset `touched`, numbered by the field `touches` ---- */

/* what: a subject's key, or an eteams id. Counts only while a reconcile is going, which the commit
 * sees: what was written before a run began, it reads itself. */
void yq_store_touch(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                    const char *what);
int yq_store_count_touches(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           int64_t *ret, struct yq_error *err);
/* What was touched after number `after`; *ret_last: the number of the newest, or `after`. */
int yq_store_read_touched(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          int64_t after, void (*take)(void *context, const char *what),
                          void *context, int64_t *ret_last, struct yq_error *err);

/* ---- all links ---- */

/* Every department link, into the view. */
int yq_store_load_every_department_link(struct yq_redis *r, const struct yq_keys *keys,
                                        const char *id, struct yq_view *v, struct yq_error *err);

#define YQ_LINK_POSTS_MAX 64
struct yq_link_seen {
    const char *key; /* lower-case userid */
    char eteams[24]; /* id of the record; "" where the link cannot be read */
    bool left;
    char posts[YQ_LINK_POSTS_MAX][24]; /* departments of the posts that we made */
    size_t post_count;
};
/* Every member link, some maybe twice. */
int yq_store_scan_member_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               void (*take)(void *context, const struct yq_link_seen *link),
                               void *context, struct yq_error *err);

#endif
