/* The engine: one path for every change. */
#include "service/sync.h"

#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "authorised.h"
#include "base/memory.h"
#include "clients/store.h"
#include "freshness.h"
#include "gather.h"
#include "hold.h"
#include "led.h"
#include "plan/guard.h"
#include "record.h"
#include "sent.h"
#include "service/log.h"
#include "service/metrics.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

void yq_sync_result_release(struct yq_sync_result *r)
{
    struct yq_outcome *o, *next;
    HASH_ITER (hh, r->outcomes, o, next) {
        HASH_DEL(r->outcomes, o);
        free(o);
    }
    yq_plan_free(r->plan);
    *r = (struct yq_sync_result){0};
}

/* The figures cost a walk over the links, so they are fetched only where they can matter: below the
 * smallest limit of a run nothing is held but by the day. */
static int count_held(const struct yq_sync *s, struct yq_sync_result *result, struct yq_error *err)
{
    struct yq_plan *p = result->plan;
    struct yq_guard_figures figures = {0};
    const char *id = s->connection->settings->id;
    if (s->approved != NULL) {
        result->held = yq_guard_approve(p, s->approved);
        return 0;
    }
    if (p->removals == 0 && p->moves_to_root == 0)
        return 0;
    if (yq_store_count_removals(s->redis, s->keys, id, yq_wall_ms(s->clock) - DAY_MS,
                                &figures.last_day, err) < 0 ||
        yq_store_count_in_service(s->redis, s->keys, id, &figures.size, err) < 0)
        return -1;
    figures.run_removals = (int64_t)s->run_removals;
    figures.run_moves = (int64_t)s->run_moves;
    result->held = yq_guard_apply(p, &s->connection->settings->policy, &figures);
    return 0;
}

static int guard(const struct yq_sync *s, struct yq_record *r, struct yq_sync_result *result,
                 struct yq_error *err)
{
    const char *id = s->connection->settings->id;
    if (count_held(s, result, err) < 0)
        return -1;
    if (s->approved == NULL && yq_hold_waiting(r, result->plan, result, err) < 0)
        return -1;
    if (result->held == 0)
        return 0;
    bool news;
    if (yq_hold(r, result->plan, result, &news, err) < 0)
        return -1;
    if (!news)
        return 0;
    yq_metric_add(YQ_METRIC_HELD, id, NULL, NULL, (double)result->held);
    yq_log(YQ_LOG_WARN, "guard.held", "connection", id, "held", yq_log_int((long long)result->held),
           "plan", result->held_hash, "run", s->run, NULL);
    return 0;
}

static bool waits_for_others(enum yq_reason_code code)
{
    return code == YQ_REASON_KEY_TAKEN || code == YQ_REASON_PARENT_WAITS ||
           code == YQ_REASON_NOT_YET_READABLE || code == YQ_REASON_SUPERIOR_WAITS;
}

static struct yq_outcome *outcome(struct yq_sync_result *result, const struct yq_verdict *v)
{
    struct yq_outcome *o;
    HASH_FIND_STR(result->outcomes, v->key, o);
    if (o == NULL) {
        o = yq_calloc(1, sizeof(*o));
        memcpy(o->key, v->key, sizeof(o->key));
        HASH_ADD_STR(result->outcomes, key, o);
    }
    return o;
}

/* A change of userid is told under the old one: until the new one is settled, neither is that. */
static void tie_userids(const struct yq_view *v, struct yq_sync_result *result)
{
    for (const struct yq_evidence *e = v->evidence; e != NULL; e = e->hh.next) {
        struct yq_outcome *old, *now;
        char key[YQ_SUBJECT_MAX];
        if (e->new_userid == NULL)
            continue;
        struct yq_subject subject = yq_subject_member(e->new_userid);
        yq_subject_key(&subject, key);
        HASH_FIND_STR(result->outcomes, e->key, old);
        HASH_FIND_STR(result->outcomes, key, now);
        if (old == NULL || now == NULL || old->kind != YQ_OUTCOME_SETTLED ||
            now->kind == YQ_OUTCOME_SETTLED)
            continue;
        old->kind = now->kind;
        old->reason = now->reason;
        old->error = now->error;
        old->retry_ms = now->retry_ms;
        old->on_others = now->on_others;
    }
}

/* Verdict and what came of its operations, made into one outcome per subject. */
static void conclude(struct yq_record *r, struct yq_sync_result *result)
{
    for (const struct yq_verdict *v = result->plan->verdicts; v != NULL; v = v->hh.next) {
        struct yq_outcome *o = outcome(result, v);
        o->verdict = v->kind;
        if (o->kind == YQ_OUTCOME_SETTLED) {
            o->reason = v->reason;
            if (v->kind == YQ_VERDICT_WAIT) {
                o->kind = YQ_OUTCOME_WAIT;
                o->retry_ms = v->retry_ms;
                o->on_others = waits_for_others(v->reason.code);
            }
        }
        const struct yq_sync_batch *b = r->sync->batch;
        if (b != NULL && o->operations == 0 && b->overtaken(b->context, v->key)) {
            o->kind = YQ_OUTCOME_WAIT;
            o->reason = (struct yq_reason){.code = YQ_REASON_OVERTAKEN};
            continue;
        }
        yq_record_verdict(r, v, o);
    }
    tie_userids(r->view, result);
}

/* Verdicts and links are written under the lease, too: who was overtaken is left out. */
static int finish(const struct yq_sync *s, struct yq_record *r, struct yq_sync_result *result,
                  struct yq_error *err)
{
    const struct yq_sync_batch *b = s->batch;
    if (b != NULL && b->begin(b->context, err) < 0)
        return -1;
    conclude(r, result);
    int done = r->superiors ? yq_led_follow(r, result, err) : 0;
    if (yq_record_commit(r, done == 0 ? err : NULL) < 0)
        done = -1;
    if (b != NULL && b->end(b->context, done < 0 ? NULL : err) < 0)
        done = -1;
    return done;
}

/* A dry run's outcomes: the verdicts. */
static void only_judge(struct yq_sync_result *result)
{
    for (const struct yq_verdict *v = result->plan->verdicts; v != NULL; v = v->hh.next) {
        struct yq_outcome *o = outcome(result, v);
        o->verdict = v->kind;
        o->reason = v->reason;
    }
}

static int run(const struct yq_sync *s, struct yq_view *v, yq_events_of *events, void *context,
               struct yq_sync_result *ret, struct yq_error *err)
{
    struct yq_record r = {
        .sync = s, .view = v, .commit = yq_commit_new(), .events = events, .context = context};
    int done = -1;
    ret->policy = s->connection->settings->policy;
    if (yq_superiors_on(s, &ret->policy.superiors, err) < 0)
        goto out;
    r.superiors = ret->policy.superiors;
    if ((!s->dry_run && yq_sent_settle(s, v, err) < 0) ||
        yq_gather(s, &ret->policy, v, &ret->plan, err) < 0)
        goto out;
    r.plan = ret->plan;
    if (s->dry_run) {
        done = count_held(s, ret, err);
        only_judge(ret);
        goto out;
    }
    if (guard(s, &r, ret, err) < 0)
        goto out;
    if (yq_apply(s, ret->plan, &r, ret, err) < 0)
        goto out;
    done = finish(s, &r, ret, err);
out:
    yq_commit_free(r.commit);
    return done;
}

/* What the peers showed and whether they work with us, for `doctor` and the alarms. */
static void note(const struct yq_sync *s, const struct yq_view *v, const struct yq_error *failure)
{
    yq_authorised_note(&(struct yq_authorised_note){s->connection, s->redis, s->keys, s->clock},
                       failure);
    if (failure->kind == YQ_ERROR_NONE)
        yq_seen_note_view(&(struct yq_seen_note){s->connection, s->redis, s->keys, s->clock}, v);
}

int yq_sync_run(const struct yq_sync *s, struct yq_view *v, yq_events_of *events, void *context,
                struct yq_sync_result *ret, struct yq_error *err)
{
    struct yq_error failure = {0};
    *ret = (struct yq_sync_result){0};
    yq_connection_heard_reset();
    int done = run(s, v, events, context, ret, &failure);
    if (done == 0)
        failure = (struct yq_error){0};
    else if (err != NULL)
        *err = failure;
    if (!s->dry_run)
        note(s, v, &failure);
    return done;
}
