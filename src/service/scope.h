/* What waits for one connection, grouped by subject: the deliveries a worker holds, and which of
 * them make the next scope. */
#ifndef YQ_SERVICE_SCOPE_H
#define YQ_SERVICE_SCOPE_H

#include "base/buf.h"
#include "clients/queue.h"
#include "clients/store.h"

struct yq_group { /* all deliveries of one subject, oldest first; or one command of its own */
    char key[YQ_SUBJECT_MAX];
    struct yq_subject subject;
    struct yq_delivery **deliveries;
    size_t count, capacity;
    struct yq_attempt attempt; /* attempts 0: never tried */
    struct yq_buf entries;     /* their ids, separated by blanks */
    bool fresh;                /* news came since its last attempt */
    bool early;                /* picked before its time, because something else has come */
    bool picked;               /* by the last pick */
    UT_hash_handle hh;
};

struct yq_scope {
    struct yq_group *groups;           /* uthash by key, in the order in which they came */
    struct yq_deliveries *batches[64]; /* keep the deliveries in place */
    size_t batch_count;
    bool news; /* something was added since the last pick: who waits for others may be tried */
};

void yq_scope_release(struct yq_scope *s);
/* Takes the attempts that were counted before, and the deaths among them. */
void yq_scope_add_attempts(struct yq_scope *s, const struct yq_attempts *a);
/* Takes over the deliveries. */
void yq_scope_add(struct yq_scope *s, struct yq_deliveries *d);
bool yq_scope_full(const struct yq_scope *s);
size_t yq_scope_deliveries(const struct yq_scope *s);
/* Chooses up to max groups that are due, and with leavers the newcomers who wait, and the other way
 * round: they may be one person (decisions.md 19). Whoever was there when a worker died is run
 * alone, those who were there more often after the others; of more than fifty, fifty at a time
 * before that. Returns how many. */
size_t yq_scope_pick(struct yq_scope *s, int64_t now_ms, struct yq_group **ret, size_t max);
/* The soonest next attempt; 0 = nothing waits. */
int64_t yq_scope_next(const struct yq_scope *s);
/* One of its deliveries was sent again. */
bool yq_group_has_replay(const struct yq_group *g);
/* The group is settled: forgets it. */
void yq_scope_drop(struct yq_scope *s, struct yq_group *g);

#endif
