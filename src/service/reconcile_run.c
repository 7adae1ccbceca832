/* One run from its beginning to its end: taken under a lease of its own, told in the hash
 * `reconcile` while it goes, and in `runs` once it has ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorised.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "reconcile.h"
#include "service/log.h"
#include "service/metrics.h"

#define BEGUN_MAX 5 /* so often a process may die with a run before it is given up */

void yq_reconcile_phase(struct yq_reconcile *r, const char *phase, size_t total)
{
    r->progress.phase = phase;
    r->progress.done = 0;
    r->progress.total = total;
    r->scope_from = 0;
    r->scope_to = total;
    r->look_at = yq_mono_ms(r->c->clock);
}

static int commit(struct yq_reconcile *r, struct yq_commit *c, struct yq_error *err)
{
    int rc = yq_lease_commit(r->c->redis, r->c->keys, &r->own, c, err);
    yq_commit_free(c);
    return rc;
}

/* ---- the beginning ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* A subject of a command; what cannot be read is "all". */
static void take_subject(struct yq_reconcile *r, const char *text)
{
    if (yq_subject_parse(or_empty(text), &r->subject, NULL) < 0)
        r->subject = yq_subject_all();
}

/* Left behind by a process that died or was stopped: begun again under the same name. *ret_begun:
 * how often it was begun before. */
static void take_over(struct yq_reconcile *r, const struct yq_pairs *hash, long *ret_begun)
{
    (void)snprintf(r->run, sizeof(r->run), "%s", or_empty(yq_pairs_get(hash, "run")));
    (void)snprintf(r->cause, sizeof(r->cause), "%s", or_empty(yq_pairs_get(hash, "cause")));
    r->kind = yq_reconcile_kind_parse(or_empty(yq_pairs_get(hash, "kind")));
    r->dry_run = strcmp(or_empty(yq_pairs_get(hash, "dry_run")), "1") == 0;
    r->started_ms = strtoll(or_empty(yq_pairs_get(hash, "started")), NULL, 10);
    (void)snprintf(r->restore, sizeof(r->restore), "%s", or_empty(yq_pairs_get(hash, "restore")));
    r->replay = strcmp(or_empty(yq_pairs_get(hash, "replay")), "1") == 0;
    take_subject(r, yq_pairs_get(hash, "subject"));
    *ret_begun = strtol(or_empty(yq_pairs_get(hash, "begun")), NULL, 10);
    if (strcmp(or_empty(yq_pairs_get(hash, "cancel")), "1") == 0)
        r->end = YQ_RUN_CANCELLED;
    yq_log(YQ_LOG_INFO, "reconcile.taken_over", "connection", r->id, "run", r->run, NULL);
}

static void take_command(struct yq_reconcile *r, const struct yq_reconcile_state *s)
{
    struct yq_arena *arena = yq_arena_new();
    cJSON *data = yq_json_parse(s->wanted_data, strlen(s->wanted_data), NULL);
    (void)snprintf(r->run, sizeof(r->run), "%s", s->wanted);
    r->dry_run = yq_json_bool(data, "dry_run", false);
    r->replay = yq_json_bool(data, "replay", false);
    take_subject(r, yq_json_text(arena, data, "subject"));
    (void)snprintf(r->restore, sizeof(r->restore), "%s",
                   or_empty(yq_json_text(arena, data, "restore")));
    cJSON_Delete(data);
    yq_arena_free(arena);
}

/* Is one due, and which? */
static int choose(struct yq_reconcile *r, const struct yq_reconcile_times *times,
                  struct yq_error *err)
{
    struct yq_reconcile_state s;
    if (yq_store_load_reconcile_state(r->c->redis, r->c->keys, r->id, &s, err) < 0)
        return -1;
    struct yq_reconcile_due due = yq_reconcile_due(times, &s);
    if (due.kind == YQ_RECONCILE_NONE)
        return 0;
    r->kind = due.kind;
    r->started_ms = times->now_ms;
    r->subject = yq_subject_all();
    (void)snprintf(r->cause, sizeof(r->cause), "%s", due.cause);
    (void)snprintf(r->run, sizeof(r->run), "reconcile-%" PRId64, times->now_ms);
    if (s.wanted[0] != '\0')
        take_command(r, &s);
    return 1;
}

static int begin(struct yq_reconcile *r, long begun, struct yq_error *err)
{
    char reconcile[YQ_KEY_MAX], touched[YQ_KEY_MAX], wanted[YQ_KEY_MAX], started[24], times[24];
    char subject[YQ_SUBJECT_MAX];
    struct yq_commit *c = yq_commit_new();
    (void)yq_key(r->c->keys, r->id, "reconcile", reconcile);
    (void)snprintf(started, sizeof(started), "%" PRId64, r->started_ms);
    (void)snprintf(times, sizeof(times), "%ld", begun + 1);
    yq_subject_format(&r->subject, subject);
    yq_commit_add(c, "DEL", reconcile, yq_key(r->c->keys, r->id, "touched", touched), NULL);
    yq_commit_add(c, "HSET", reconcile, "run", r->run, "cause", r->cause, "kind",
                  yq_reconcile_kind_name(r->kind), "dry_run", r->dry_run ? "1" : "0", "subject",
                  subject, "restore", r->restore, "replay", r->replay ? "1" : "0", "started",
                  started, "begun", times, "owner", r->own.value, "phase", "begins", NULL);
    yq_commit_add(c, "HDEL", yq_key(r->c->keys, r->id, "wanted", wanted), r->run, NULL);
    return commit(r, c, err);
}

/* ---- the end ---- */

static void forget(struct yq_reconcile *r, struct yq_commit *c)
{
    char reconcile[YQ_KEY_MAX], touched[YQ_KEY_MAX];
    yq_commit_add(c, "DEL", yq_key(r->c->keys, r->id, "reconcile", reconcile),
                  yq_key(r->c->keys, r->id, "touched", touched), NULL);
}

static void note_complete(struct yq_reconcile *r, struct yq_commit *c)
{
    static const struct {
        enum yq_reconcile_kind from;
        const char *field;
    } sorts[] = {{YQ_RECONCILE_DEPARTMENTS, "departments"},
                 {YQ_RECONCILE_MEMBERS, "members"},
                 {YQ_RECONCILE_FULL, "full"}};
    char reconciled[YQ_KEY_MAX], now[24];
    (void)yq_key(r->c->keys, r->id, "reconciled", reconciled);
    (void)snprintf(now, sizeof(now), "%" PRId64, yq_wall_ms(r->c->clock));
    for (size_t i = 0; i < 3; i++) {
        if (r->kind >= sorts[i].from)
            yq_commit_add(c, "HSET", reconciled, sorts[i].field, now, NULL);
    }
    yq_commit_add(c, "HDEL", reconciled, "failures", "failed", NULL);
}

/* What was owed before it began is paid. */
static int clear_owed(struct yq_reconcile *r, struct yq_commit *c, struct yq_error *err)
{
    char owed[YQ_KEY_MAX];
    struct yq_pairs reasons = {0};
    if (yq_store_read_hash(r->c->redis, r->c->keys, r->id, "owed", &reasons, err) < 0)
        return -1;
    for (size_t i = 0; i < reasons.count; i++) {
        if (strtoll(reasons.items[i].value, NULL, 10) <= r->started_ms)
            yq_commit_add(c, "HDEL", yq_key(r->c->keys, r->id, "owed", owed), reasons.items[i].name,
                          NULL);
    }
    yq_pairs_release(&reasons);
    return 0;
}

static int end_complete(struct yq_reconcile *r, struct yq_commit *c, struct yq_error *err)
{
    int64_t size = 0;
    note_complete(r, c);
    if (r->kind != YQ_RECONCILE_FULL)
        return 0;
    if (yq_store_count_in_service(r->c->redis, r->c->keys, r->id, &size, err) < 0)
        return -1;
    yq_range_commit(r, size, c);
    return clear_owed(r, c, err);
}

static void note_failed(struct yq_reconcile *r, struct yq_commit *c, bool cancelled)
{
    char reconciled[YQ_KEY_MAX], now[24];
    (void)yq_key(r->c->keys, r->id, "reconciled", reconciled);
    (void)snprintf(now, sizeof(now), "%" PRId64, yq_wall_ms(r->c->clock));
    yq_commit_add(c, "HSET", reconciled, cancelled ? "cancelled" : "failed", now, NULL);
    if (!cancelled)
        yq_commit_add(c, "HINCRBY", reconciled, "failures", "1", NULL);
}

static void tell(const struct yq_reconcile *r, const char *outcome, const struct yq_error *error)
{
    yq_log(error != NULL ? YQ_LOG_WARN : YQ_LOG_INFO, "reconcile.ended", "connection", r->id, "run",
           r->run, "kind", yq_reconcile_kind_name(r->kind), "cause", r->cause, "outcome", outcome,
           "applied", yq_log_int((long long)r->counts.applied), "failed",
           yq_log_int((long long)r->counts.failed), "held", yq_log_int((long long)r->counts.held),
           "calls", yq_log_int((long long)yq_connection_calls()), "error",
           error != NULL ? error->text : NULL, NULL);
    yq_metric_add(YQ_METRIC_RUNS, r->id, outcome, NULL, 1);
}

/* failure: NULL when it came to its end. */
static int end(struct yq_reconcile *r, const struct yq_error *failure, struct yq_error *err)
{
    const struct yq_error *why = failure != NULL ? failure : r->incomplete ? &r->half : NULL;
    bool cancelled = r->end == YQ_RUN_CANCELLED;
    bool refused = r->refused.code != YQ_REASON_NONE;
    const char *outcome = cancelled            ? "cancelled"
                          : why || refused     ? "failed"
                          : r->counts.held > 0 ? "held"
                                               : "done";
    struct yq_commit *c = yq_commit_new();
    struct yq_buf json = YQ_BUF_INIT;
    yq_reconcile_report(r, outcome, why, &json);
    yq_store_add_run(c, r->c->keys, r->id, yq_buf_text(&json));
    yq_buf_release(&json);
    bool whole = r->subject.kind == YQ_SUBJECT_ALL && !r->dry_run && r->restore[0] == '\0';
    if (whole && why == NULL && end_complete(r, c, err) < 0) {
        yq_commit_free(c);
        return -1;
    }
    if (whole && why != NULL)
        note_failed(r, c, cancelled);
    forget(r, c);
    tell(r, outcome, cancelled ? NULL : why);
    return commit(r, c, err);
}

/* ---- the run ---- */

/* A dry run of one subject. */
static int one_subject(struct yq_reconcile *r, struct yq_error *err)
{
    struct yq_view *v = yq_view_new();
    int rc = -1;
    if (yq_view_add_event(v, YQ_EVENT_COMMAND_SYNC, &r->subject, r->started_ms / 1000, "{}", err) !=
        NULL)
        rc = yq_reconcile_scope(r, v, NULL, NULL, err);
    yq_view_free(v);
    return rc;
}

static int everything(struct yq_reconcile *r, struct yq_error *err)
{
    bool made;
    if (yq_queue_ensure_group(r->c->redis, r->c->keys, r->id, &made, err) < 0 ||
        yq_range_load(r, err) < 0 || yq_reconcile_departments(r, err) < 0 ||
        yq_reconcile_switch_superiors(r, err) < 0)
        return -1;
    if (r->kind >= YQ_RECONCILE_MEMBERS && yq_reconcile_members(r, err) < 0)
        return -1;
    if (yq_reconcile_close_departments(r, err) < 0)
        return -1;
    return yq_reconcile_lock_superiors(r, err);
}

static int run(struct yq_reconcile *r, long begun, struct yq_error *err)
{
    struct yq_error failure = {0};
    if (r->end == YQ_RUN_CANCELLED)
        return end(r, &(struct yq_error){.text = "cancelled"}, err);
    if (begun >= BEGUN_MAX)
        return end(r, &(struct yq_error){.text = "its process died with it too often"}, err);
    if (begin(r, begun, err) < 0)
        return -1;
    yq_connection_calls_reset();
    yq_connection_heard_reset();
    yq_reconcile_prepare(r);
    yq_log(YQ_LOG_INFO, "reconcile.begins", "connection", r->id, "run", r->run, "kind",
           yq_reconcile_kind_name(r->kind), "cause", r->cause, NULL);
    int rc = r->restore[0] != '\0'               ? yq_reconcile_restore(r, &failure)
             : r->replay                         ? yq_reconcile_replay(r, &failure)
             : r->subject.kind == YQ_SUBJECT_ALL ? everything(r, &failure)
                                                 : one_subject(r, &failure);
    if (r->end == YQ_RUN_STOPPED || r->end == YQ_RUN_PAUSED)
        return 0; /* stays as it is, to be begun again */
    if (rc < 0 && failure.kind == YQ_ERROR_LOST && r->end == YQ_RUN_GOES_ON) {
        *err = failure;
        return -1; /* somebody else has it */
    }
    if (!r->dry_run)
        yq_authorised_note(
            &(struct yq_authorised_note){r->connection, r->c->redis, r->c->keys, r->c->clock},
            rc < 0 ? &failure : NULL);
    return end(r, rc < 0 ? &failure : NULL, err);
}

/* What it is to be: left behind, or due. Returns 1, 0 or -1. */
static int find(struct yq_reconcile *r, const struct yq_reconcile_times *times, long *ret_begun,
                struct yq_error *err)
{
    struct yq_pairs hash = {0};
    bool paused = false;
    int found = 0;
    if (yq_store_get_paused(r->c->redis, r->c->keys, r->id, &paused, err) < 0 ||
        yq_store_read_hash(r->c->redis, r->c->keys, r->id, "reconcile", &hash, err) < 0)
        return -1;
    if (!paused && yq_pairs_get(&hash, "run") != NULL) {
        take_over(r, &hash, ret_begun);
        found = r->kind != YQ_RECONCILE_NONE;
    } else if (!paused) {
        found = choose(r, times, err);
    }
    yq_pairs_release(&hash);
    return found;
}

int yq_reconcile_run(const struct yq_turn_context *c, struct yq_connection *connection,
                     const struct yq_reconcile_times *times, struct yq_error *err)
{
    struct yq_reconcile *r = yq_calloc(1, sizeof(*r));
    r->c = c;
    r->connection = connection;
    r->id = connection->settings->id;
    r->progress.phase = "begins";
    enum yq_lease_result taken = yq_lease_take_reconcile(
        c->redis, c->keys, r->id, c->settings->lease_ms, c->clock, &r->own, err);
    long begun = 0;
    int found = taken == YQ_LEASE_TAKEN  ? find(r, times, &begun, err)
                : taken == YQ_LEASE_HELD ? 0
                                         : -1;
    int rc = found > 0 ? run(r, begun, err) : found;
    bool more;
    struct yq_error leaving = {0};
    if (taken == YQ_LEASE_TAKEN &&
        yq_lease_release(c->redis, c->keys, &r->own, &more, &leaving) < 0 && rc == 0) {
        *err = leaving;
        rc = -1;
    }
    bool rests = r->end == YQ_RUN_STOPPED || r->end == YQ_RUN_PAUSED;
    yq_reconcile_release(r);
    free(r);
    return rc < 0 ? -1 : found > 0 && !rests;
}
