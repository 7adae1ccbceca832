/* The engine: scope -> gather -> plan -> guard -> apply -> record. The only way in which anything
 * is changed, whoever asked for it: callback, command, replay, reconcile. */
#ifndef YQ_SERVICE_SYNC_H
#define YQ_SERVICE_SYNC_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "clients/lease.h"
#include "clients/redis.h"
#include "model/view.h"
#include "plan/held.h"
#include "plan/plan.h"
#include "service/connection.h"

/* How a run that reads without the connection's lease takes it for one batch of writes at a time.
 * Meanwhile events come and go: what they touched since the reading began is left to them. */
struct yq_sync_batch {
    int (*begin)(void *context, struct yq_error *err); /* waits until `lease` of the sync is ours */
    int (*end)(void *context, struct yq_error *err);   /* gives it back, also after an error */
    bool (*overtaken)(void *context, const char *what); /* what: a subject's key, an eteams id */
    /* How many of its operations are dealt with by now. NULL: nobody asks. */
    void (*progress)(void *context, size_t done, size_t all);
    void *context;
};

/* What a run works with; everything is borrowed. */
struct yq_sync {
    struct yq_connection *connection;
    struct yq_redis *redis;
    const struct yq_keys *keys;
    struct yq_http *http;
    const struct yq_clock *clock;
    const struct yq_lease *lease;
    const struct yq_watch *watch;
    const char *run;                   /* id of the run: the entry id of what caused it */
    const struct yq_sync_batch *batch; /* NULL: whoever runs it has the lease all along */
    bool dry_run;                      /* ends with the plan: nothing is written anywhere */
    size_t run_removals, run_moves;    /* of this run in earlier scopes, for the guard */
    const struct yq_people *people;    /* eteams' people, for look-ups of very many; NULL: none */
    const struct yq_held_plan
        *approved; /* only this may be carried out; NULL: whatever is planned */
};

/* How a subject came out. */
enum yq_outcome_kind {
    YQ_OUTCOME_SETTLED, /* in step, changed, left alone, a case, or held: its events are done */
    YQ_OUTCOME_WAIT,    /* not now: its events stay pending */
    YQ_OUTCOME_REFUSED, /* a peer said no: tried again some times, then set aside */
};

struct yq_outcome {
    char key[YQ_SUBJECT_MAX];
    enum yq_outcome_kind kind;
    enum yq_verdict_kind verdict;
    struct yq_reason reason; /* lives as long as the result */
    bool on_others;          /* WAIT for other subjects' news: tried again as soon as any come */
    int64_t retry_ms;        /* WAIT: at least so long; 0: by back-off */
    int operations;          /* carried out for it */
    bool stays;              /* as it is: what is left of its operations is not tried */
    struct yq_error error;   /* of a failed operation */
    UT_hash_handle hh;
};

struct yq_sync_result {
    struct yq_outcome *outcomes; /* uthash by key: every subject of the plan */
    struct yq_plan *plan;        /* the last one; NULL where gathering failed */
    struct yq_policy policy;     /* that it was made by: superiors only once they are taken over */
    size_t applied, failed, held;
    char held_hash[33];
};
void yq_sync_result_release(struct yq_sync_result *r);

/* The entry ids behind a subject, for the audit; "" where nothing asked for it. *ret_replayed: one
 * of them was sent again. */
typedef const char *yq_events_of(void *context, const char *subject_key, bool *ret_replayed);

/* Runs the engine for the evidence in the view. Returns 0 when every subject has an outcome; -1
 * when the run ended early (LOST, FATAL, RETRY): then no outcome counts, and what was written
 * stands in the audit. */
int yq_sync_run(const struct yq_sync *s, struct yq_view *v, yq_events_of *events, void *context,
                struct yq_sync_result *ret, struct yq_error *err);

#endif
