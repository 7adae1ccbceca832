/* The engine as a reconcile uses it: it reads without the lease, takes it batch by batch, and
 * leaves out whom events touched meanwhile. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "reconcile.h"
#include "service/log.h"

#define LOOK_MS 500 /* how often the progress is told and an operator's word is looked for */
#define WAIT_MS 10  /* between two looks at a lease that a worker holds */
#define RENEWALS 3  /* in the life of a lease */

struct touched {
    UT_hash_handle hh;
    char what[];
};

/* ---- going on ---- */

static int stop(struct yq_reconcile *r, enum yq_reconcile_end end, const char *why,
                struct yq_error *err)
{
    r->end = end;
    return yq_error_set(err, YQ_ERROR_LOST, "%s", why);
}

static int renew(struct yq_reconcile *r, struct yq_lease *l, int64_t *due, struct yq_error *err)
{
    int64_t now = yq_mono_ms(r->c->clock);
    struct yq_error why = {0};
    if (now >= *due) {
        if (yq_lease_renew(r->c->redis, r->c->keys, l, r->c->clock, &why) < 0 &&
            (why.kind == YQ_ERROR_LOST || !yq_lease_valid(l, r->c->clock)))
            return yq_error_set(err, YQ_ERROR_LOST, "the lease was lost");
        *due = now + l->ttl_ms / RENEWALS;
    }
    if (!yq_lease_valid(l, r->c->clock))
        return yq_error_set(err, YQ_ERROR_LOST, "the lease may have ended");
    return 0;
}

static int look(struct yq_reconcile *r, struct yq_error *err)
{
    bool cancelled = false, paused = false;
    int64_t now = yq_mono_ms(r->c->clock);
    if (now < r->look_at)
        return 0;
    r->look_at = now + LOOK_MS;
    r->progress.at = yq_wall_ms(r->c->clock);
    r->progress.calls = yq_connection_calls();
    r->progress.applied = r->counts.applied;
    r->progress.failed = r->counts.failed;
    r->progress.held = r->counts.held;
    if (yq_store_put_reconcile_progress(r->c->redis, r->c->keys, r->id, &r->progress, &cancelled,
                                        &paused, NULL) < 0)
        return 0; /* the lease says how long that may last */
    if (cancelled)
        return stop(r, YQ_RUN_CANCELLED, "cancelled", err);
    return paused ? stop(r, YQ_RUN_PAUSED, "paused", err) : 0;
}

int yq_reconcile_check(void *reconcile, struct yq_error *err)
{
    struct yq_reconcile *r = reconcile;
    if (atomic_load(r->c->stopping) || atomic_load(r->c->aborting) ||
        atomic_load(&r->connection->outdated))
        return stop(r, YQ_RUN_STOPPED, "stopping", err);
    if (renew(r, &r->own, &r->renew_at, err) < 0 ||
        (r->holds && renew(r, &r->lease, &r->lease_renew_at, err) < 0))
        return -1;
    return look(r, err);
}

/* ---- one batch ---- */

static void add_touched(void *context, const char *what)
{
    struct yq_reconcile *r = context;
    struct touched *t;
    size_t len = strlen(what);
    HASH_FIND(hh, r->touched, what, len, t);
    if (t != NULL)
        return;
    t = yq_calloc(1, sizeof(*t) + len + 1);
    memcpy(t->what, what, len);
    HASH_ADD(hh, r->touched, what, len, t);
}

static bool overtaken(void *context, const char *what)
{
    const struct yq_reconcile *r = context;
    const struct touched *t;
    HASH_FIND(hh, r->touched, what, strlen(what), t);
    return t != NULL;
}

static int give_back(void *context, struct yq_error *err)
{
    struct yq_reconcile *r = context;
    bool more = false;
    r->holds = false;
    r->watch.background = true;
    if (yq_lease_release(r->c->redis, r->c->keys, &r->lease, &more, err) < 0)
        return -1;
    return more ? yq_ready_add(r->c->redis, r->c->keys, r->id, yq_wall_ms(r->c->clock), err) : 0;
}

/* Whom events touched is read under the lease. Where Redis lost all it had, it lost that, too: then
 * our own lease is gone, and what was read before is not to be believed. */
static int read_touched(struct yq_reconcile *r, struct yq_error *err)
{
    if (yq_store_read_touched(r->c->redis, r->c->keys, r->id, r->touched_last, add_touched, r,
                              &r->touched_last, err) < 0)
        return -1;
    r->renew_at = 0; /* at once */
    return renew(r, &r->own, &r->renew_at, err);
}

/* Whoever works on events now comes first. */
static int take(void *context, struct yq_error *err)
{
    struct yq_reconcile *r = context;
    int64_t retry_ms;
    for (;;) {
        if (yq_reconcile_check(r, err) < 0)
            return -1;
        enum yq_lease_result taken =
            yq_lease_take(r->c->redis, r->c->keys, r->id, r->c->settings->lease_ms, r->c->clock,
                          &r->lease, &retry_ms, err);
        if (taken == YQ_LEASE_ERROR)
            return -1;
        if (taken == YQ_LEASE_TAKEN)
            break;
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    }
    r->holds = true;
    r->watch.background = false; /* events wait for what it does now */
    r->lease_renew_at = yq_mono_ms(r->c->clock) + r->lease.ttl_ms / RENEWALS;
    if (read_touched(r, err) == 0)
        return 0;
    (void)give_back(r, NULL); /* else it ends by itself */
    return -1;
}

/* ---- how far it is ---- */

static void tell_read(void *context, size_t done, size_t total)
{
    struct yq_reconcile *r = context;
    r->progress.done = done;
    r->progress.total = total;
}

static void tell_written(void *context, size_t done, size_t all)
{
    struct yq_reconcile *r = context;
    r->progress.done = r->scope_from + (r->scope_to - r->scope_from) * done / all;
}

void yq_reconcile_prepare(struct yq_reconcile *r)
{
    int64_t now = yq_mono_ms(r->c->clock);
    r->batch = (struct yq_sync_batch){.begin = take,
                                      .end = give_back,
                                      .overtaken = overtaken,
                                      .progress = tell_written,
                                      .context = r};
    r->watch = (struct yq_watch){
        .check = yq_reconcile_check, .context = r, .background = true, .progress = tell_read};
    r->renew_at = now + r->own.ttl_ms / RENEWALS;
    r->look_at = now;
}

void yq_reconcile_release(struct yq_reconcile *r)
{
    struct touched *t, *next;
    HASH_ITER (hh, r->touched, t, next) {
        HASH_DEL(r->touched, t);
        free(t);
    }
    free(r->closing);
    yq_reconcile_forget_told(r);
    yq_range_release(r);
}

/* ---- one scope ---- */

struct yq_evidence *yq_reconcile_evidence(struct yq_view *v, const struct yq_subject *subject)
{
    struct yq_evidence *e = yq_view_add_event(v, YQ_EVENT_UNKNOWN, subject, 0, "{}", NULL);
    e->reconciled = true;
    return e;
}

/* What counts for the guard of the scopes to come. */
static void count_guarded(struct yq_reconcile *r, const struct yq_plan *p)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        r->removals += op->kind == YQ_OP_MEMBER_RESIGN && !op->held;
        r->moves += op->to_root && !op->held;
    }
}

static void count(struct yq_reconcile *r, const struct yq_sync_result *result,
                  yq_reconcile_each *each, void *context)
{
    r->counts.applied += result->applied;
    r->counts.failed += result->failed;
    yq_reconcile_count_held(r, result->plan);
    if (result->held > 0)
        memcpy(r->held_plan, result->held_hash, sizeof(r->held_plan));
    for (const struct yq_outcome *o = result->outcomes; o != NULL; o = o->hh.next) {
        r->counts.cases += o->kind == YQ_OUTCOME_SETTLED && o->verdict == YQ_VERDICT_CASE;
        r->counts.waiting += o->kind == YQ_OUTCOME_WAIT;
        if (each != NULL)
            each(context, o);
    }
    count_guarded(r, result->plan);
    yq_reconcile_tell(r, result->plan);
}

int yq_reconcile_scope(struct yq_reconcile *r, struct yq_view *v, yq_reconcile_each *each,
                       void *context, struct yq_error *err)
{
    struct yq_sync_result result = {0};
    const struct yq_sync sync = {.connection = r->connection,
                                 .redis = r->c->redis,
                                 .keys = r->c->keys,
                                 .http = r->c->http,
                                 .clock = r->c->clock,
                                 .lease = &r->lease,
                                 .watch = &r->watch,
                                 .run = r->run,
                                 .batch = &r->batch,
                                 .dry_run = r->dry_run,
                                 .run_removals = r->removals,
                                 .run_moves = r->moves,
                                 .people = r->people};
    int rc = yq_sync_run(&sync, v, NULL, NULL, &result, err);
    if (rc == 0) {
        count(r, &result, each, context);
        r->progress.done = r->scope_to > 0 ? r->scope_to : r->progress.done;
    }
    yq_sync_result_release(&result);
    return rc;
}
