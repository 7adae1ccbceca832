/* Writes down what a run did. Links and audit entries of a batch are committed together, right
 * after the batch, so that a crash loses at most the memory of what the next attempt finds again by
 * reading. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "clients/store_reconcile.h"
#include "record_links.h"

/* What asked for it, in the entry of the audit. */
static void note_events(const struct yq_record *r, const char *key, struct yq_audit *a)
{
    bool replayed = false;
    a->event = r->events ? r->events(r->context, key, &replayed) : NULL;
    a->source = replayed ? YQ_SOURCE_REPLAY : NULL;
}

void yq_record_reason(const char *word, const struct yq_reason *reason, struct yq_buf *out)
{
    yq_buf_addf(out, "{\"word\":\"%s\",\"reason\":\"%s\",\"args\":[", word,
                yq_reason_name(reason->code));
    for (size_t i = 0; i < 3 && reason->args[i] != NULL; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        yq_buf_add_json_string(out, reason->args[i]);
    }
    yq_buf_adds(out, "]}");
}

static void side_json(struct yq_record *r, const struct yq_operation *op, bool after,
                      struct yq_buf *out)
{
    const char *comma = "";
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < op->change_count; i++) {
        const struct yq_change *c = &op->changes[i];
        const char *value = after ? c->after : c->before;
        if (after && value == NULL && c->ref.wecom != 0) {
            const struct yq_link_department *link = yq_view_department_link(r->view, c->ref.wecom);
            value = link ? link->eteams : NULL;
        }
        if (value == NULL)
            continue;
        yq_buf_addf(out, "%s\"%s\":", comma, c->field);
        yq_buf_add_json_string(out, value);
        comma = ",";
    }
    bool post = op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE;
    if (post && after == (op->kind == YQ_OP_POST_ADD)) {
        yq_buf_addf(out, "%s\"post\":", comma);
        yq_buf_add_json_string(out, yq_record_post_department(r, op));
    }
    if (op->from_userid != NULL && !after) {
        yq_buf_addf(out, "%s\"userid\":", comma);
        yq_buf_add_json_string(out, op->from_userid);
    }
    yq_buf_addc(out, '}');
}

static void add_target(const char *target, struct yq_buf *after)
{
    if (target == NULL)
        return;
    after->len--; /* the closing brace */
    yq_buf_adds(after, after->len > 1 ? ",\"eteams\":" : "\"eteams\":");
    yq_buf_add_json_string(after, target);
    yq_buf_addc(after, '}');
}

/* A reconcile that is reading leaves it to us. Its own writes it knows. */
static void touch(struct yq_record *r, const char *what)
{
    if (r->sync->batch == NULL && what != NULL)
        yq_store_touch(r->commit, r->sync->keys, yq_record_id(r), what);
}

/* An eteams id, or of a department the one of WeCom: what makes others wait is named by either. */
static void wake(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    int64_t at = yq_wall_ms(r->sync->clock) / 1000;
    if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE)
        return;
    if (target != NULL)
        yq_store_wake_blocked(r->commit, r->sync->keys, yq_record_id(r), target, at);
    if (op->subject.kind == YQ_SUBJECT_DEPARTMENT)
        yq_store_wake_blocked(r->commit, r->sync->keys, yq_record_id(r),
                              yq_arena_printf(r->view->arena, "%u", op->subject.id), at);
}

void yq_record_operation(struct yq_record *r, const struct yq_operation *op, const char *target,
                         const struct yq_error *error)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    touch(r, key);
    touch(r, target);
    struct yq_buf before = YQ_BUF_INIT, after = YQ_BUF_INIT, result = YQ_BUF_INIT;
    bool done = error->kind == YQ_ERROR_NONE;
    if (done) {
        yq_record_link(r, op, target);
        wake(r, op, target);
    }
    side_json(r, op, false, &before);
    side_json(r, op, true, &after);
    add_target(target, &after);
    const struct yq_reason refused = {.code = YQ_REASON_PEER_REFUSED, .args = {error->text}};
    const struct yq_reason lost = {.code = YQ_REASON_ANSWER_LOST};
    if (!done)
        yq_record_reason("failed", error->kind == YQ_ERROR_UNKNOWN ? &lost : &refused, &result);
    else if (op->reason.code != YQ_REASON_NONE)
        yq_record_reason("ok", &op->reason, &result);
    else
        yq_buf_adds(&result, "ok");
    struct yq_audit audit = {.run = r->sync->run,
                             .rule = op->rule,
                             .op = yq_operation_kind_name(op->kind),
                             .subject = key,
                             .before = yq_buf_text(&before),
                             .after = yq_buf_text(&after),
                             .result = yq_buf_text(&result)};
    note_events(r, key, &audit);
    yq_store_add_audit(r->commit, r->sync->keys, yq_record_id(r), &audit);
    yq_buf_release(&before);
    yq_buf_release(&after);
    yq_buf_release(&result);
}

/* ---- verdicts ---- */

/* What stands in the way may go: then the case is looked at again. It is named by the ids among the
 * arguments of the reason. */
static void record_obstacles(struct yq_record *r, const struct yq_verdict *v)
{
    static const char digits[] = "0123456789";
    enum yq_reason_code code = v->reason.code;
    if (code != YQ_REASON_NAME_TAKEN && code != YQ_REASON_KEY_TAKEN &&
        code != YQ_REASON_SEVERAL_HITS && code != YQ_REASON_NAMESAKE &&
        code != YQ_REASON_PARENT_WAITS)
        return;
    for (size_t i = 0; i < 2 && v->reason.args[i] != NULL; i++) {
        for (const char *at = v->reason.args[i]; *(at += strcspn(at, digits)) != '\0';) {
            size_t len = strspn(at, digits);
            const char *record = yq_arena_printf(r->view->arena, "%.*s", (int)len, at);
            yq_store_add_blocked(r->commit, r->sync->keys, yq_record_id(r), record, v->key);
            at += len;
        }
    }
}

/* What events told is not told again: it is kept for when the case is looked at once more. */
static void add_told(const struct yq_record *r, const struct yq_verdict *v, struct yq_buf *json)
{
    const struct yq_evidence *e = yq_view_evidence(r->view, &v->subject);
    if (e == NULL || v->subject.kind != YQ_SUBJECT_MEMBER)
        return;
    yq_buf_adds(json, ",\"told\":");
    yq_evidence_write(e, json);
}

static void record_case(struct yq_record *r, const struct yq_verdict *v)
{
    if (v->kind != YQ_VERDICT_CASE) {
        yq_store_drop_case(r->commit, r->sync->keys, yq_record_id(r), v->key);
        return;
    }
    struct yq_buf json = YQ_BUF_INIT;
    yq_record_reason("case", &v->reason, &json);
    json.len--;
    yq_buf_addf(&json, ",\"at\":%lld", (long long)yq_wall_ms(r->sync->clock));
    add_told(r, v, &json);
    yq_buf_addc(&json, '}');
    yq_store_put_case(r->commit, r->sync->keys, yq_record_id(r), v->key, yq_buf_text(&json));
    record_obstacles(r, v);
    yq_buf_release(&json);
}

/* What a comparison finds again at every run, or whoever depends on it at every attempt, and nobody
 * can do anything about at once: told when it is new, which of cases their hash knows. */
static bool is_old_news(const struct yq_record *r, const struct yq_verdict *v)
{
    const struct yq_evidence *e = yq_view_evidence(r->view, &v->subject);
    if (v->kind == YQ_VERDICT_HELD || (e != NULL && !e->reconciled))
        return false;
    if (v->kind != YQ_VERDICT_CASE)
        return e != NULL;
    char *known = NULL, *reason = yq_printf("\"%s\"", yq_reason_name(v->reason.code));
    (void)yq_store_read_text(r->sync->redis, r->sync->keys, yq_record_id(r), "cases", v->key,
                             &known, NULL); /* then it is told once more */
    bool old = known != NULL && strstr(known, reason) != NULL;
    free(reason);
    free(known);
    return old;
}

static bool worth_an_entry(const struct yq_record *r, const struct yq_verdict *v,
                           const struct yq_outcome *o)
{
    if (!v->asked && v->kind <= YQ_VERDICT_SKIP)
        return false;
    if (o->operations == 0 && is_old_news(r, v))
        return false;
    if (o->kind != YQ_OUTCOME_SETTLED) { /* once, not at every attempt */
        const struct yq_evidence *e = yq_view_evidence(r->view, &v->subject);
        return e != NULL && e->attempts <= 1 && o->error.kind == YQ_ERROR_NONE;
    }
    return o->operations == 0 || v->kind > YQ_VERDICT_CHANGE;
}

void yq_record_verdict(struct yq_record *r, const struct yq_verdict *v,
                       const struct yq_outcome *outcome)
{
    bool settled = outcome->kind == YQ_OUTCOME_SETTLED;
    bool worth = worth_an_entry(r, v, outcome);
    if (v->asked)
        touch(r, v->key);
    bool done =
        v->kind == YQ_VERDICT_IN_STEP || v->kind == YQ_VERDICT_CHANGE || v->kind == YQ_VERDICT_CASE;
    if (settled && done)
        yq_record_agreed(r, v);
    if (settled && (v->kind == YQ_VERDICT_CASE ? worth : v->asked))
        record_case(r, v);
    for (size_t i = 0; settled && i < v->kept_count; i++)
        yq_store_add_kept_post(r->commit, r->sync->keys, yq_record_id(r), v->kept_posts[i], v->key);
    if (!worth)
        return;
    static const char *const words[] = {"none", "none", "none", "none", "wait", "case", "held"};
    struct yq_buf result = YQ_BUF_INIT;
    yq_record_reason(settled ? words[v->kind] : "wait", &outcome->reason, &result);
    struct yq_audit audit = {.run = r->sync->run,
                             .rule = v->kind == YQ_VERDICT_HELD ? "guard" : "",
                             .op = "none",
                             .subject = v->key,
                             .before = "{}",
                             .after = "{}",
                             .result = yq_buf_text(&result)};
    note_events(r, v->key, &audit);
    yq_store_add_audit(r->commit, r->sync->keys, yq_record_id(r), &audit);
    yq_buf_release(&result);
}

int yq_record_commit(struct yq_record *r, struct yq_error *err)
{
    if (yq_commit_count(r->commit) == 0)
        return 0;
    return yq_lease_commit(r->sync->redis, r->sync->keys, r->sync->lease, r->commit, err);
}
