/* One turn of a worker at one connection.
 *
 *   lease -> pending entries, counted attempts -> [ new entries -> pick what is due -> engine ->
 * settle ]*
 *         -> delayed date of what must wait -> lease given back, with a look for entries missed
 * meanwhile
 *
 * Order is kept per subject: all entries of a subject are one group, tried together, and new ones
 * join those that wait. The lease is renewed, and asked for, before every call to a peer. */
#include "turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store.h"
#include "command.h"
#include "request.h"
#include "runs.h"
#include "service/log.h"
#include "service/metrics.h"
#include "settle.h"

#define SCOPE_MAX 10000   /* subjects of one run: a burst shares its lists and pages */
#define READ_COUNT 2000   /* entries of one read */
#define DEATHS_MAX 3      /* a subject that was there so often when its worker died is set aside */
#define HELD_LOOK_MS 3000 /* how soon to see whether a connection's holder is still alive */
#define OWED_GROUP "the consumer group was lost"

struct turn {
    const struct yq_turn_context *c;
    struct yq_connection *connection;
    const char *id;
    struct yq_lease lease;
    struct yq_scope scope;
    struct yq_settle settle;
    struct yq_watch watch;
    struct yq_view *view; /* of the run that is under way */
    int64_t renew_at;     /* monotonic */
    bool paused;          /* an operator said so: nothing more is begun */
};

/* ---- the lease while working ---- */

static int check(void *context, struct yq_error *err)
{
    struct turn *t = context;
    if (atomic_load(t->c->aborting))
        return yq_error_set(err, YQ_ERROR_LOST, "stopping");
    int64_t now = yq_mono_ms(t->c->clock);
    if (now >= t->renew_at) {
        if (yq_lease_renew(t->c->redis, t->c->keys, &t->lease, t->c->clock, err) < 0 &&
            (err->kind == YQ_ERROR_LOST || !yq_lease_valid(&t->lease, t->c->clock)))
            return yq_error_set(err, YQ_ERROR_LOST, "the lease was lost");
        t->renew_at = now + t->lease.ttl_ms / 3;
    }
    if (!yq_lease_valid(&t->lease, t->c->clock))
        return yq_error_set(err, YQ_ERROR_LOST, "the lease may have ended");
    return 0;
}

static int commit(struct turn *t, struct yq_error *err)
{
    if (yq_commit_count(t->settle.commit) == 0)
        return 0;
    return yq_lease_commit(t->c->redis, t->c->keys, &t->lease, t->settle.commit, err);
}

/* ---- reading ---- */

static int read_pending(struct turn *t, struct yq_error *err)
{
    char after[YQ_ENTRY_MAX] = "";
    while (!yq_scope_full(&t->scope)) {
        struct yq_deliveries d = {0};
        if (yq_queue_read_pending(t->c->redis, t->c->keys, t->id, after, READ_COUNT, &d, err) < 0)
            return -1;
        size_t count = d.count;
        if (count > 0)
            memcpy(after, d.items[count - 1].entry, sizeof(after));
        yq_scope_add(&t->scope, &d);
        if (count < READ_COUNT)
            break;
    }
    return 0;
}

/* Enough for one run. */
static int read_new(struct turn *t, struct yq_error *err)
{
    size_t count = READ_COUNT;
    for (size_t read = 0; count == READ_COUNT && read < SCOPE_MAX; read += count) {
        struct yq_deliveries d = {0};
        if (yq_scope_full(&t->scope))
            return 0;
        if (yq_queue_read_new(t->c->redis, t->c->keys, t->id, READ_COUNT, &d, err) < 0)
            return -1;
        count = d.count;
        yq_settle_begin_anew(&t->settle, &d);
        yq_scope_add(&t->scope, &d);
    }
    return 0;
}

static int load(struct turn *t, struct yq_error *err)
{
    bool made = false;
    struct yq_attempts attempts = {0};
    if (yq_queue_ensure_group(t->c->redis, t->c->keys, t->id, &made, err) < 0)
        return -1;
    bool lost = false; /* the first group of a new connection replaces nothing */
    if (made && yq_store_note_group(t->c->redis, t->c->keys, t->id, &lost, err) < 0)
        return -1;
    if (lost && yq_store_owe_reconcile(t->c->redis, t->c->keys, t->id, OWED_GROUP,
                                       yq_wall_ms(t->c->clock), err) < 0)
        return -1;
    if (yq_store_load_attempts(t->c->redis, t->c->keys, t->id, &attempts, err) < 0)
        return -1;
    yq_scope_add_attempts(&t->scope, &attempts);
    yq_attempts_release(&attempts);
    return read_pending(t, err);
}

/* ---- one run ---- */

static const char *entries_of(void *context, const char *key, bool *ret_replayed)
{
    struct turn *t = context;
    const struct yq_group *g;
    HASH_FIND_STR(t->scope.groups, key, g);
    *ret_replayed = g != NULL && yq_group_has_replay(g);
    return g ? yq_buf_text(&g->entries) : "";
}

static bool asks_for_something(const struct yq_group *g)
{
    if (g->subject.kind != YQ_SUBJECT_MEMBER && g->subject.kind != YQ_SUBJECT_DEPARTMENT)
        return false;
    for (size_t i = 0; i < g->count; i++) {
        if (g->deliveries[i]->broken)
            return false;
    }
    return true;
}

static bool add_to_view(struct turn *t, struct yq_view *v, struct yq_group *g)
{
    struct yq_evidence *e = NULL;
    struct yq_error err = {0};
    for (size_t i = 0; i < g->count; i++) {
        const struct yq_delivery *d = g->deliveries[i];
        e = yq_view_add_event(v, d->kind, &d->subject, d->at, d->data, &err);
        if (e == NULL) {
            yq_settle_dead(&t->settle, g, err.text);
            return false;
        }
    }
    e->attempts = g->attempt.attempts;
    e->waited_ms = yq_wall_ms(t->c->clock) - g->attempt.first_ms;
    return true;
}

/* What is waiting becomes the view's evidence. */
static size_t fill_view(struct turn *t, struct yq_view *v, struct yq_group **groups, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (add_to_view(t, v, groups[i]))
            groups[kept++] = groups[i];
    }
    return kept;
}

/* Its entries cannot be read, or workers died with it. */
static bool set_aside(struct turn *t, struct yq_group *g)
{
    if (yq_settle_broken(&t->settle, g))
        return true;
    if (g->attempt.deaths < DEATHS_MAX)
        return false;
    yq_settle_dead(&t->settle, g, "its worker died with it three times");
    return true;
}

/* Sets aside what no engine is needed for; the attempt at the rest begins. */
static size_t prepare(struct turn *t, struct yq_group **groups, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct yq_group *g = groups[i];
        if (set_aside(t, g) || yq_request_reconcile(&t->settle, g))
            continue;
        if (!asks_for_something(g)) {
            yq_settle_ignore(&t->settle, g);
            continue;
        }
        yq_settle_begin(&t->settle, g);
        groups[kept++] = g;
    }
    return kept;
}

/* A run is known by the entry that caused it; each command in it gets its own. */
static void record_runs(struct turn *t, struct yq_group **groups, size_t count, const char *run,
                        const struct yq_sync_result *r)
{
    bool commanded = false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < groups[i]->count; k++) {
            const struct yq_delivery *d = groups[i]->deliveries[k];
            if (d->kind != YQ_EVENT_COMMAND_SYNC && d->kind != YQ_EVENT_COMMAND_LINK)
                continue;
            yq_run_add(&t->settle,
                       &(struct yq_run_note){
                           .run = d->entry, .cause = "command", .subjects = count, .result = r});
            commanded = true;
        }
    }
    if (!commanded)
        yq_run_add(&t->settle, &(struct yq_run_note){
                                   .run = run, .cause = "event", .subjects = count, .result = r});
    yq_metric_add(YQ_METRIC_RUNS, t->id, yq_run_outcome(r), NULL, 1);
}

/* The run ended early. What the store or a peer holds for one subject cannot be read: nobody else
 * shall wait for it, so each is run alone, and the one at fault is set aside in the end. */
static void settle_early(struct turn *t, struct yq_group *g, size_t count,
                         const struct yq_error *failure)
{
    if (failure->kind != YQ_ERROR_INVALID) {
        yq_settle_postpone(&t->settle, g, failure);
    } else if (count > 1) {
        g->attempt.deaths++;
        yq_settle_postpone(&t->settle, g, failure);
    } else {
        struct yq_outcome refused = {.kind = YQ_OUTCOME_REFUSED, .error = *failure};
        refused.reason =
            (struct yq_reason){.code = YQ_REASON_UNREADABLE, .args = {refused.error.text}};
        yq_settle_outcome(&t->settle, g, &refused);
    }
}

static int settle_all(struct turn *t, struct yq_group **groups, size_t count,
                      const struct yq_sync_result *r, const struct yq_error *failure)
{
    const struct yq_error no_outcome = {.kind = YQ_ERROR_RETRY, .text = "the run had no outcome"};
    struct yq_error err = {0};
    for (size_t i = 0; i < count; i++) {
        const struct yq_outcome *o;
        HASH_FIND_STR(r->outcomes, groups[i]->key, o);
        if (failure != NULL || o == NULL)
            settle_early(t, groups[i], count, failure ? failure : &no_outcome);
        else
            yq_settle_outcome(&t->settle, groups[i], o);
    }
    return commit(t, &err);
}

static struct yq_sync sync_of(struct turn *t, const char *run)
{
    return (struct yq_sync){.connection = t->connection,
                            .redis = t->c->redis,
                            .keys = t->c->keys,
                            .http = t->c->http,
                            .clock = t->c->clock,
                            .lease = &t->lease,
                            .watch = &t->watch,
                            .run = run};
}

/* What operators said of links stands before the engine looks. */
static int run_engine(struct turn *t, struct yq_group **groups, size_t *count,
                      struct yq_sync_result *result, struct yq_error *err)
{
    char run[YQ_ENTRY_MAX] = "";
    struct yq_sync sync = sync_of(t, run);
    int done = yq_carry_out_links(&(struct yq_commands){&sync, &t->settle}, groups, count, err);
    if (done == 0)
        *count = fill_view(t, t->view, groups, *count);
    if (done == 0 && *count > 0) {
        memcpy(run, groups[0]->deliveries[0]->entry, sizeof(run));
        done = yq_sync_run(&sync, t->view, entries_of, t, result, err);
    }
    if (done == 0 && *count > 0)
        record_runs(t, groups, *count, run, result);
    return done;
}

static int run_scope(struct turn *t, struct yq_group **groups, size_t count, struct yq_error *err)
{
    struct yq_sync_result result = {0};
    count = prepare(t, groups, count);
    if (commit(t, err) < 0)
        return -1;
    if (count == 0)
        return 0;
    t->view = yq_view_new(); /* reasons may point into it until all is settled */
    int done = run_engine(t, groups, &count, &result, err);
    if (done == 0) {
        done = settle_all(t, groups, count, &result, NULL);
    } else {
        struct yq_error why = *err;
        yq_log_calm(YQ_LOG_WARN, "run.failed", t->id, err->text);
        done = settle_all(t, groups, count, &result, &why);
        if (why.kind == YQ_ERROR_LOST)
            done = -1;
    }
    yq_sync_result_release(&result);
    yq_view_free(t->view);
    return done;
}

/* Commands that are runs of their own leave the list. */
static int run_commands(struct turn *t, struct yq_group **groups, size_t *count,
                        struct yq_error *err)
{
    struct yq_sync sync = sync_of(t, "");
    size_t kept = 0;
    int done = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!yq_command_stands_alone(groups[i]))
            groups[kept++] = groups[i];
        else if (done == 0 && !set_aside(t, groups[i]))
            done = yq_carry_out_approval(&(struct yq_commands){&sync, &t->settle}, groups[i], err);
    }
    *count = kept;
    return done;
}

/* The next run is somebody else's: of the next process, or under the next settings. */
static bool is_over(const struct turn *t)
{
    return t->paused || atomic_load(t->c->stopping) || atomic_load(t->c->outdated);
}

static int work(struct turn *t, struct yq_error *err)
{
    struct yq_group **groups = yq_calloc(SCOPE_MAX, sizeof(struct yq_group *));
    int done = 0;
    while (done == 0 && !is_over(t)) {
        if ((done = read_new(t, err)) < 0)
            break;
        size_t count = yq_scope_pick(&t->scope, yq_wall_ms(t->c->clock), groups, SCOPE_MAX);
        if (count == 0)
            break;
        if ((done = check(t, err)) == 0)
            done = run_commands(t, groups, &count, err);
        if (done == 0)
            done = run_scope(t, groups, count, err);
        if (done == 0)
            done = yq_store_get_paused(t->c->redis, t->c->keys, t->id, &t->paused, err);
    }
    free(groups);
    return done;
}

/* ---- the turn ---- */

static int leave(struct turn *t, struct yq_error *err)
{
    int64_t next = yq_scope_next(&t->scope);
    bool more = false;
    int done = 0;
    if (next > 0)
        done = yq_delayed_add(t->c->redis, t->c->keys, t->id, next, err);
    if (yq_lease_release(t->c->redis, t->c->keys, &t->lease, &more, err) < 0)
        return -1;
    if (more && !t->paused) /* resuming makes it ready, too */
        done = yq_ready_add(t->c->redis, t->c->keys, t->id, yq_wall_ms(t->c->clock), err);
    return done;
}

static int take_lease(struct turn *t, struct yq_error *err)
{
    int64_t retry_ms = 0;
    switch (yq_lease_take(t->c->redis, t->c->keys, t->id, t->c->settings->lease_ms, t->c->clock,
                          &t->lease, &retry_ms, err)) {
    case YQ_LEASE_TAKEN:
        return 1;
    case YQ_LEASE_HELD: /* the holder looks again when it gives the lease back, unless it dies */
        if (retry_ms > HELD_LOOK_MS)
            retry_ms = HELD_LOOK_MS;
        if (yq_delayed_add(t->c->redis, t->c->keys, t->id, yq_wall_ms(t->c->clock) + retry_ms + 1,
                           err) < 0)
            return -1;
        return 0;
    default:
        return -1;
    }
}

int yq_turn_run(const struct yq_turn_context *c, struct yq_connection *connection,
                struct yq_error *err)
{
    struct turn t = {.c = c, .connection = connection, .id = connection->settings->id};
    int taken = take_lease(&t, err);
    if (taken <= 0)
        return taken;
    struct yq_commit *collected = yq_commit_new();
    t.watch = (struct yq_watch){.check = check, .context = &t};
    t.renew_at = yq_mono_ms(c->clock) + t.lease.ttl_ms / 3;
    t.settle = (struct yq_settle){.settings = c->settings,
                                  .keys = c->keys,
                                  .clock = c->clock,
                                  .connection = t.id,
                                  .scope = &t.scope,
                                  .commit = collected};
    int done = yq_store_get_paused(c->redis, c->keys, t.id, &t.paused, err);
    if (done == 0 && !t.paused)
        done = load(&t, err);
    if (done == 0 && !t.paused)
        done = work(&t, err);
    struct yq_error leaving = {0};
    if (leave(&t, &leaving) < 0 && done == 0) { /* what is lost is not given back: harmless */
        *err = leaving;
        done = -1;
    }
    yq_scope_release(&t.scope);
    yq_commit_free(collected);
    return done;
}
