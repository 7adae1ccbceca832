/* command.approve: a plan that the guard held, and a person has read. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "runs.h"
#include "service/log.h"
#include "service/metrics.h"

#define PAGE 1000 /* events read at once */

struct approval {
    const struct yq_commands *c;
    struct yq_group *g;
    const char *entry; /* of the command */
    struct yq_arena *arena;
    const char *hash;
    struct yq_held_plan *held;
    struct yq_view *view;
};

bool yq_command_stands_alone(const struct yq_group *g)
{
    const struct yq_delivery *d = g->count > 0 ? g->deliveries[0] : NULL;
    return d != NULL && !d->broken && d->kind == YQ_EVENT_COMMAND_APPROVE;
}

static int commit(const struct yq_commands *c, struct yq_error *err)
{
    if (yq_commit_count(c->settle->commit) == 0)
        return 0;
    return yq_lease_commit(c->sync->redis, c->sync->keys, c->sync->lease, c->settle->commit, err);
}

static int refuse(struct approval *a, enum yq_reason_code code, const char *arg,
                  struct yq_error *err)
{
    const struct yq_reason reason = {.code = code, .args = {a->hash, arg}};
    const struct yq_outcome outcome = {.verdict = YQ_VERDICT_SKIP, .reason = reason};
    yq_run_add(a->c->settle,
               &(struct yq_run_note){.run = a->entry, .cause = "command", .reason = reason});
    yq_metric_add(YQ_METRIC_RUNS, a->c->settle->connection, "failed", NULL, 1);
    yq_settle_outcome(a->c->settle, a->g, &outcome);
    return commit(a->c, err);
}

/* ---- the plan ---- */

static void read_hash(struct approval *a)
{
    const char *data = a->g->deliveries[0]->data;
    cJSON *tree = data ? yq_json_parse(data, strlen(data), NULL) : NULL;
    const char *hash = yq_json_text(a->arena, tree, "hash");
    a->hash = yq_arena_strdup(a->arena, hash && strlen(hash) <= 32 ? hash : "?");
    cJSON_Delete(tree);
}

/* 1: it may be carried out; 0: it was refused; -1: error. */
static int load_plan(struct approval *a, struct yq_error *err)
{
    const struct yq_sync *s = a->c->sync;
    const char *id = a->c->settle->connection;
    struct yq_error why = {0};
    char *json = NULL;
    if (yq_store_read_plan(s->redis, s->keys, id, a->hash, &json, err) < 0)
        return -1;
    a->held = json ? yq_held_read(json, strlen(json), &why) : NULL;
    bool there = json != NULL;
    free(json);
    if (!there)
        return refuse(a, YQ_REASON_PLAN_UNKNOWN, NULL, err);
    if (a->held == NULL)
        return refuse(a, YQ_REASON_PLAN_UNKNOWN, why.text, err);
    if (a->held->replaced_by != NULL)
        return refuse(a, YQ_REASON_PLAN_REPLACED, a->held->replaced_by, err);
    if (yq_wall_ms(s->clock) - a->held->at <= YQ_HELD_MS)
        return 1;
    yq_store_drop_plan(a->c->settle->commit, s->keys, id, a->hash);
    return refuse(a, YQ_REASON_PLAN_EXPIRED, NULL, err);
}

/* ---- the evidence: what was known when it was held, and what came in since ---- */

static int add_row(struct approval *a, const struct yq_held_row *row, struct yq_error *err)
{
    const char *json = row->evidence ? row->evidence : "{}";
    struct yq_evidence *e = yq_view_add_evidence(a->view, &row->subject, json, err);
    if (e == NULL)
        return -1;
    e->waited_ms += yq_wall_ms(a->c->sync->clock) - a->held->at;
    e->attempts = a->g->attempt.attempts;
    return 0;
}

static void add_delivery(struct approval *a, const struct yq_delivery *d)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&d->subject, key);
    if (d->broken || yq_held_find(a->held, key) == NULL)
        return;
    struct yq_evidence *e = yq_view_add_event(a->view, d->kind, &d->subject, d->at, d->data, NULL);
    if (e == NULL)
        yq_log(YQ_LOG_WARN, "event.unreadable", "connection", a->c->settle->connection, "event",
               d->entry, NULL); /* its own group says what becomes of it */
    else if (d->kind == YQ_EVENT_MEMBER_CREATED || d->kind == YQ_EVENT_MEMBER_ENTERED)
        e->gone_confirmed = false; /* the listings that confirmed it are older */
}

static int add_events_since(struct approval *a, struct yq_error *err)
{
    const struct yq_sync *s = a->c->sync;
    char from[YQ_ENTRY_MAX + 1];
    size_t count = PAGE;
    bool known = a->held->since[0] != '\0' &&
                 strspn(a->held->since, "0123456789-") == strlen(a->held->since);
    (void)snprintf(from, sizeof(from), "%.47s", known ? a->held->since : "-");
    while (count == PAGE) {
        struct yq_deliveries page = {0};
        if (s->watch->check(s->watch->context, err) < 0)
            return -1;
        if (yq_queue_range(s->redis, s->keys, a->c->settle->connection, from, "+", false, PAGE,
                           &page, err) < 0) {
            yq_deliveries_release(&page);
            return -1;
        }
        count = page.count;
        for (size_t i = 0; i < count; i++)
            add_delivery(a, &page.items[i]);
        if (count > 0)
            (void)snprintf(from, sizeof(from), "(%s", page.items[count - 1].entry);
        yq_deliveries_release(&page);
    }
    return 0;
}

static int gather_evidence(struct approval *a, struct yq_error *err)
{
    a->view = yq_view_new();
    for (const struct yq_held_row *row = a->held->subjects; row != NULL; row = row->hh.next) {
        if (add_row(a, row, err) < 0)
            return -1;
    }
    return add_events_since(a, err);
}

/* ---- how it came out ---- */

static const char *entry_of(void *context, const char *key, bool *ret_replayed)
{
    const struct approval *a = context;
    (void)key;
    *ret_replayed = false;
    return a->entry;
}

/* Who has changes that nobody approved gets a run like any other. */
static int push_left_out(const struct approval *a, const struct yq_sync_result *r,
                         struct yq_error *err)
{
    const struct yq_sync *s = a->c->sync;
    for (const struct yq_verdict *v = r->plan->verdicts; v != NULL; v = v->hh.next) {
        struct yq_event e;
        if (v->kind != YQ_VERDICT_SKIP || v->reason.code != YQ_REASON_NOT_APPROVED)
            continue;
        yq_event_init(&e);
        e.kind = YQ_EVENT_COMMAND_SYNC;
        e.subject = v->subject;
        e.source = "command";
        e.at = yq_wall_ms(s->clock) / 1000;
        yq_buf_adds(&e.data, "{}");
        int pushed = yq_queue_push(s->redis, s->keys, a->c->settle->connection, &e, NULL, err);
        yq_event_release(&e);
        if (pushed < 0)
            return -1;
    }
    return 0;
}

/* The command is done when each of its subjects is; until then it is tried again. */
static struct yq_outcome worst_of(const struct yq_sync_result *r)
{
    struct yq_outcome worst = {.verdict = YQ_VERDICT_CHANGE, .operations = (int)r->applied};
    for (const struct yq_outcome *o = r->outcomes; o != NULL; o = o->hh.next) {
        if (o->kind == YQ_OUTCOME_SETTLED || worst.kind == YQ_OUTCOME_WAIT)
            continue;
        worst.kind = o->kind;
        worst.reason = o->reason;
        worst.retry_ms = o->retry_ms;
    }
    return worst;
}

static int conclude(struct approval *a, const struct yq_sync_result *r, struct yq_error *err)
{
    const struct yq_settle *s = a->c->settle;
    struct yq_outcome worst = worst_of(r);
    if (worst.kind == YQ_OUTCOME_SETTLED) {
        if (push_left_out(a, r, err) < 0)
            return -1;
        yq_store_drop_plan(s->commit, s->keys, s->connection, a->hash);
    }
    yq_run_add(s, &(struct yq_run_note){.run = a->entry,
                                        .cause = "command",
                                        .subjects = HASH_COUNT(a->held->subjects),
                                        .result = r});
    yq_metric_add(YQ_METRIC_RUNS, s->connection, yq_run_outcome(r), NULL, 1);
    yq_log(YQ_LOG_INFO, "plan.approved", "connection", s->connection, "plan", a->hash, "applied",
           yq_log_int((long long)r->applied), "held", yq_log_int((long long)r->held), "run",
           a->entry, NULL);
    yq_settle_outcome(s, a->g, &worst);
    return commit(a->c, err);
}

static int postpone(struct approval *a, struct yq_error *err)
{
    bool lost = err->kind == YQ_ERROR_LOST;
    yq_log_calm(YQ_LOG_WARN, "run.failed", a->c->settle->connection, err->text);
    yq_settle_postpone(a->c->settle, a->g, err);
    struct yq_error why = {0};
    if (commit(a->c, &why) < 0 && !lost)
        *err = why;
    else if (!lost)
        return 0;
    return -1;
}

static int carry_out(struct approval *a, struct yq_error *err)
{
    struct yq_sync_result result = {0};
    struct yq_sync sync = *a->c->sync;
    sync.run = a->entry;
    sync.approved = a->held;
    int done = gather_evidence(a, err);
    if (done == 0)
        done = yq_sync_run(&sync, a->view, entry_of, a, &result, err);
    done = done == 0 ? conclude(a, &result, err) : postpone(a, err);
    yq_sync_result_release(&result);
    return done;
}

int yq_carry_out_approval(const struct yq_commands *c, struct yq_group *g, struct yq_error *err)
{
    char entry[YQ_ENTRY_MAX];
    memcpy(entry, g->deliveries[0]->entry, sizeof(entry));
    struct approval a = {.c = c, .g = g, .entry = entry, .arena = yq_arena_new()};
    read_hash(&a);
    yq_settle_begin(c->settle, g);
    int done = commit(c, err);
    if (done == 0)
        done = load_plan(&a, err);
    if (done > 0)
        done = carry_out(&a, err);
    yq_held_free(a.held);
    yq_view_free(a.view);
    yq_arena_free(a.arena);
    return done;
}
