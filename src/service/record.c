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

static const char *id_of(const struct yq_record *r)
{
    return r->sync->connection->settings->id;
}

static const char *events_of(const struct yq_record *r, const char *key)
{
    const char *ids = r->events ? r->events(r->context, key) : NULL;
    return ids ? ids : "";
}

/* ---- links ---- */

static void put_department(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    struct yq_link_department link = {
        .id = op->subject.id, .eteams = target, .how = op->how, .at = yq_wall_ms(r->sync->clock)};
    yq_store_put_department_link(r->commit, r->sync->keys, id_of(r),
                                 yq_view_set_department_link(r->view, &link));
}

static void drop_department(struct yq_record *r, const struct yq_operation *op)
{
    const struct yq_link_department *link = yq_view_department_link(r->view, op->subject.id);
    if (link != NULL)
        yq_store_drop_department_link(r->commit, r->sync->keys, id_of(r), link);
}

static void put_member(struct yq_record *r, const struct yq_link_member *link)
{
    yq_store_put_member_link(r->commit, r->sync->keys, id_of(r), link);
}

static bool writes_job_num(const struct yq_operation *op)
{
    for (size_t i = 0; i < op->change_count; i++) {
        if (strcmp(op->changes[i].field, "job_num") == 0)
            return true;
    }
    return false;
}

static bool agree_member(struct yq_link_member *link, const struct yq_verdict *v)
{
    bool changed = false;
    for (int f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        if (v->agreed[f] != 0 && link->agreed[f] != v->agreed[f]) {
            link->agreed[f] = v->agreed[f];
            changed = true;
        }
        if (v->heard_at[f] > link->heard_at[f]) {
            link->heard_at[f] = v->heard_at[f];
            changed = true;
        }
    }
    return changed;
}

static void make_member(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(op->subject.userid, key);
    struct yq_link_member link = {.key = key,
                                  .userid = op->subject.userid,
                                  .eteams = target,
                                  .how = op->how,
                                  .at = yq_wall_ms(r->sync->clock),
                                  .wrote_job_num = writes_job_num(op)};
    const struct yq_verdict *v;
    char subject[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, subject);
    HASH_FIND_STR(r->plan->verdicts, subject, v);
    if (op->kind == YQ_OP_MEMBER_CREATE && v != NULL) /* its row had all that will be agreed */
        (void)agree_member(&link, v);
    put_member(r, yq_view_set_member_link(r->view, &link));
}

/* The new userid takes the link over; what stood under the new one was withdrawn or never was. */
static void move_member(struct yq_record *r, const struct yq_operation *op)
{
    const struct yq_link_member *old = yq_view_member_link(r->view, op->from_userid);
    const struct yq_link_member *twin = yq_view_member_link(r->view, op->subject.userid);
    if (old == NULL)
        return;
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(op->subject.userid, key);
    struct yq_link_member link = *old;
    link.key = key;
    link.userid = op->subject.userid;
    if (twin != NULL && twin != old)
        yq_store_drop_member_link(r->commit, r->sync->keys, id_of(r), twin);
    yq_store_drop_member_link(r->commit, r->sync->keys, id_of(r), old);
    put_member(r, yq_view_set_member_link(r->view, &link));
}

static void change_posts(struct yq_record *r, struct yq_link_member *link, const char *department,
                         bool add)
{
    const char **posts = yq_arena_alloc(r->view->arena, (link->post_count + 1) * sizeof(*posts));
    size_t count = 0;
    for (size_t i = 0; i < link->post_count; i++) {
        if (strcmp(link->posts[i], department) != 0)
            posts[count++] = link->posts[i];
    }
    if (add)
        posts[count++] = yq_arena_strdup(r->view->arena, department);
    link->posts = posts;
    link->post_count = count;
}

static void update_member(struct yq_record *r, const struct yq_operation *op, const char *target,
                          const char *department)
{
    struct yq_link_member *link = yq_view_member_link(r->view, op->subject.userid);
    bool resigns = op->kind == YQ_OP_MEMBER_RESIGN;
    if (resigns && r->sync->approved == NULL) { /* what was approved does not count */
        char key[YQ_SUBJECT_MAX];
        yq_subject_key(&op->subject, key);
        yq_store_add_removal(r->commit, r->sync->keys, id_of(r), key, yq_wall_ms(r->sync->clock));
    }
    if (link == NULL || target == NULL || strcmp(link->eteams, target) != 0)
        return; /* the record that is withdrawn is not the one that is linked */
    if (resigns || op->kind == YQ_OP_MEMBER_REHIRE) {
        link->left = resigns;
        if (resigns)
            link->post_count = 0;
    } else if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) {
        change_posts(r, link, department, op->kind == YQ_OP_POST_ADD);
    } else if (writes_job_num(op)) {
        link->wrote_job_num = true;
    } else {
        return;
    }
    put_member(r, link);
}

/* The id behind the department of a post that was just written. */
static const char *post_department(struct yq_record *r, const struct yq_operation *op)
{
    if (op->department.id != NULL)
        return op->department.id;
    const struct yq_link_department *link = yq_view_department_link(r->view, op->department.wecom);
    return link ? link->eteams : "";
}

static void record_link(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    switch (op->kind) {
    case YQ_OP_DEPARTMENT_LINK:
    case YQ_OP_DEPARTMENT_CREATE:
        put_department(r, op, target);
        break;
    case YQ_OP_DEPARTMENT_UNLINK:
        drop_department(r, op);
        break;
    case YQ_OP_MEMBER_LINK:
    case YQ_OP_MEMBER_CREATE:
        make_member(r, op, target);
        break;
    case YQ_OP_MEMBER_RELINK:
        move_member(r, op);
        break;
    case YQ_OP_MEMBER_UNLINK: {
        const struct yq_link_member *link = yq_view_member_link(r->view, op->subject.userid);
        if (link != NULL)
            yq_store_drop_member_link(r->commit, r->sync->keys, id_of(r), link);
        break;
    }
    case YQ_OP_MEMBER_REHIRE:
    case YQ_OP_MEMBER_UPDATE:
    case YQ_OP_MEMBER_RESIGN:
    case YQ_OP_POST_ADD:
    case YQ_OP_POST_REMOVE:
        update_member(r, op, target, post_department(r, op));
        break;
    default:
        break;
    }
}

/* ---- audit ---- */

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
        yq_buf_add_json_string(out, post_department(r, op));
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
        yq_store_touch(r->commit, r->sync->keys, id_of(r), what);
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
    if (done)
        record_link(r, op, target);
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
    yq_store_add_audit(r->commit, r->sync->keys, id_of(r),
                       &(struct yq_audit){.run = r->sync->run,
                                          .event = events_of(r, key),
                                          .rule = op->rule,
                                          .op = yq_operation_kind_name(op->kind),
                                          .subject = key,
                                          .before = yq_buf_text(&before),
                                          .after = yq_buf_text(&after),
                                          .result = yq_buf_text(&result)});
    yq_buf_release(&before);
    yq_buf_release(&after);
    yq_buf_release(&result);
}

/* ---- verdicts ---- */

static bool agree_department(struct yq_link_department *link, const struct yq_verdict *v)
{
    uint64_t name = v->agreed[YQ_FIELD_NAME], parent = v->agreed[YQ_FIELD_MAIN_DEPARTMENT];
    bool changed = (name && name != link->agreed_name) ||
                   (parent && parent != link->agreed_parent) ||
                   v->heard_at[YQ_FIELD_NAME] > link->heard_at;
    link->agreed_name = name ? name : link->agreed_name;
    link->agreed_parent = parent ? parent : link->agreed_parent;
    if (v->heard_at[YQ_FIELD_NAME] > link->heard_at)
        link->heard_at = v->heard_at[YQ_FIELD_NAME];
    return changed;
}

static void agree(struct yq_record *r, const struct yq_verdict *v)
{
    if (v->subject.kind == YQ_SUBJECT_MEMBER) {
        struct yq_link_member *link = yq_view_member_link(r->view, v->subject.userid);
        if (link != NULL && agree_member(link, v))
            put_member(r, link);
    } else if (v->subject.kind == YQ_SUBJECT_DEPARTMENT) {
        struct yq_link_department *link = yq_view_department_link(r->view, v->subject.id);
        if (link != NULL && agree_department(link, v))
            yq_store_put_department_link(r->commit, r->sync->keys, id_of(r), link);
    }
}

static void record_case(struct yq_record *r, const struct yq_verdict *v)
{
    if (v->kind != YQ_VERDICT_CASE) {
        yq_store_drop_case(r->commit, r->sync->keys, id_of(r), v->key);
        return;
    }
    struct yq_buf json = YQ_BUF_INIT;
    yq_record_reason("case", &v->reason, &json);
    json.len--;
    yq_buf_addf(&json, ",\"at\":%lld}", (long long)yq_wall_ms(r->sync->clock));
    yq_store_put_case(r->commit, r->sync->keys, id_of(r), v->key, yq_buf_text(&json));
    yq_buf_release(&json);
}

/* What a comparison finds again at every run, and nobody can do anything about at once: told when
 * it is new, which of cases their hash knows. */
static bool is_old_news(const struct yq_record *r, const struct yq_verdict *v)
{
    const struct yq_evidence *e = yq_view_evidence(r->view, &v->subject);
    if (e == NULL || !e->reconciled || v->kind == YQ_VERDICT_HELD)
        return false;
    if (v->kind != YQ_VERDICT_CASE)
        return true;
    char *known = NULL, *reason = yq_printf("\"%s\"", yq_reason_name(v->reason.code));
    (void)yq_store_read_text(r->sync->redis, r->sync->keys, id_of(r), "cases", v->key, &known,
                             NULL); /* then it is told once more */
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

/* Resigned by an attempt whose answer was lost: it counts for the guard, and the link says so. */
static void count_lost_removal(struct yq_record *r, const struct yq_verdict *v)
{
    const struct yq_evidence *e = yq_view_evidence(r->view, &v->subject);
    if (v->reason.code != YQ_REASON_ALREADY_LEFT || e == NULL || e->attempts < 2)
        return;
    struct yq_link_member *link = yq_view_member_link(r->view, v->subject.userid);
    if (link == NULL || link->left)
        return;
    link->left = true;
    link->post_count = 0;
    put_member(r, link);
    yq_store_add_removal(r->commit, r->sync->keys, id_of(r), v->key, yq_wall_ms(r->sync->clock));
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
        agree(r, v);
    if (settled)
        count_lost_removal(r, v);
    if (settled && (v->kind == YQ_VERDICT_CASE ? worth : v->asked))
        record_case(r, v);
    if (!worth)
        return;
    static const char *const words[] = {"none", "none", "none", "none", "wait", "case", "held"};
    struct yq_buf result = YQ_BUF_INIT;
    yq_record_reason(settled ? words[v->kind] : "wait", &outcome->reason, &result);
    yq_store_add_audit(r->commit, r->sync->keys, id_of(r),
                       &(struct yq_audit){.run = r->sync->run,
                                          .event = events_of(r, v->key),
                                          .rule = v->kind == YQ_VERDICT_HELD ? "guard" : "",
                                          .op = "none",
                                          .subject = v->key,
                                          .before = "{}",
                                          .after = "{}",
                                          .result = yq_buf_text(&result)});
    yq_buf_release(&result);
}

int yq_record_commit(struct yq_record *r, struct yq_error *err)
{
    if (yq_commit_count(r->commit) == 0)
        return 0;
    return yq_lease_commit(r->sync->redis, r->sync->keys, r->sync->lease, r->commit, err);
}
