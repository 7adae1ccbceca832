/* Creations, resignations and part-time departments with an unknown result. */
#include "record_links.h"
#include "sent_inner.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"
#include "service/connection.h"

/* ---- writing down ---- */

static const char *sent_key(const struct yq_sync *s, char out[YQ_KEY_MAX])
{
    return yq_key(s->keys, s->connection->settings->id, "sent", out);
}

bool yq_sent_counts(const struct yq_operation *op)
{
    return op->kind == YQ_OP_DEPARTMENT_CREATE || op->kind == YQ_OP_MEMBER_CREATE ||
           op->kind == YQ_OP_MEMBER_RESIGN || op->kind == YQ_OP_POST_ADD;
}

static void add_value(struct yq_buf *json, const char *field, const char *value)
{
    if (value == NULL)
        return;
    yq_buf_addf(json, ",\"%s\":", field);
    yq_buf_add_json_string(json, value);
}

/* Of part-time departments a member may get several at once. */
static void field_of(struct yq_record *r, const struct yq_operation *op,
                     char out[YQ_SENT_FIELD_MAX])
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, subject);
    bool post = op->kind == YQ_OP_POST_ADD;
    (void)snprintf(out, YQ_SENT_FIELD_MAX, "%s%s%.24s", subject, post ? " " : "",
                   post ? yq_record_post_department(r, op) : "");
}

void yq_sent_note(struct yq_record *r, const struct yq_operation *op, const char *parent)
{
    static const char *const fields[] = {"username", "mobile", "email", "job_num", "name"};
    char key[YQ_KEY_MAX], field[YQ_SENT_FIELD_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    field_of(r, op, field);
    yq_buf_adds(&json, "{\"v\":1");
    for (size_t i = 0; i < op->change_count; i++) {
        const struct yq_change *c = &op->changes[i];
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
            if (strcmp(c->field, fields[f]) == 0)
                add_value(&json, c->field, c->after);
        }
    }
    if (op->kind == YQ_OP_DEPARTMENT_CREATE)
        add_value(&json, "parent", parent);
    else /* the key of the subject is in lower case */
        add_value(&json, "userid", op->subject.userid);
    if (op->kind == YQ_OP_MEMBER_RESIGN)
        add_value(&json, "resigned", op->target);
    yq_buf_addc(&json, '}');
    yq_commit_add(r->commit, "HSET", sent_key(r->sync, key), field, yq_buf_text(&json), NULL);
    yq_buf_release(&json);
}

void yq_sent_drop(struct yq_record *r, const struct yq_operation *op)
{
    char key[YQ_KEY_MAX], field[YQ_SENT_FIELD_MAX];
    field_of(r, op, field);
    yq_commit_add(r->commit, "HDEL", sent_key(r->sync, key), field, NULL);
}

/* ---- reading ---- */

static const char *value_of(struct yq_view *v, const cJSON *json, const char *field)
{
    const char *text = yq_json_text(v->arena, json, field);
    return text ? yq_arena_strdup(v->arena, text) : NULL;
}

static bool read_suspect(struct yq_view *v, struct yq_suspect *m, const cJSON *json)
{
    const char *mobile = value_of(v, json, "mobile"), *email = value_of(v, json, "email");
    const char *parent = value_of(v, json, "parent"), *userid = value_of(v, json, "userid");
    m->job_num = value_of(v, json, "job_num");
    m->resigned = value_of(v, json, "resigned");
    m->name = value_of(v, json, m->subject.kind == YQ_SUBJECT_MEMBER ? "username" : "name");
    if (m->subject.kind == YQ_SUBJECT_MEMBER) {
        m->lookups[0] = mobile ? yq_view_lookup(v, YQ_BY_MOBILE, mobile) : NULL;
        m->lookups[1] = email ? yq_view_lookup(v, YQ_BY_EMAIL, email) : NULL;
        m->lookups[2] = m->job_num ? yq_view_lookup(v, YQ_BY_JOB_NUM, m->job_num) : NULL;
        if (userid != NULL)
            m->subject = yq_subject_member(userid);
    } else if (parent != NULL) {
        m->above = yq_view_eteams_department(v, parent);
    }
    return m->name != NULL || m->resigned != NULL || m->post;
}

/* "member:li.na", or of a post "member:li.na DEPARTMENT". */
static bool read_field(struct yq_suspect *m, const char *field)
{
    char subject[YQ_SENT_FIELD_MAX];
    (void)snprintf(m->field, sizeof(m->field), "%s", field);
    (void)snprintf(subject, sizeof(subject), "%.*s", (int)strcspn(m->field, " "), m->field);
    m->post = strchr(m->field, ' ') != NULL;
    return yq_subject_parse(subject, &m->subject, NULL) == 0;
}

static int load(const struct yq_sync *s, struct yq_view *v, struct yq_suspects *all,
                struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(s->redis, err, "HGETALL %s", sent_key(s, key));
    if (reply == NULL)
        return -1;
    all->items = yq_calloc(reply->elements / 2 + 1, sizeof(*all->items));
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *value = reply->element[i + 1];
        struct yq_suspect *m = &all->items[all->count];
        cJSON *json = yq_json_parse(value->str, value->len, NULL);
        *m = (struct yq_suspect){.name = NULL};
        if (json != NULL && read_field(m, reply->element[i]->str) && read_suspect(v, m, json))
            all->count++;
        cJSON_Delete(json);
    }
    freeReplyObject(reply);
    return 0;
}

static int load_links(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                      struct yq_error *err)
{
    const char *id = s->connection->settings->id;
    const char **userids = yq_calloc(all->count, sizeof(*userids));
    uint32_t *departments = yq_calloc(all->count, sizeof(*departments));
    size_t members = 0, others = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].subject.kind == YQ_SUBJECT_MEMBER)
            userids[members++] = all->items[i].subject.userid;
        else
            departments[others++] = all->items[i].subject.id;
    }
    int done =
        members ? yq_store_load_member_links(s->redis, s->keys, id, userids, members, v, err) : 0;
    if (done == 0 && others > 0)
        done = yq_store_load_department_links(s->redis, s->keys, id, departments, others, v, err);
    free(userids);
    free(departments);
    return done;
}

/* ---- concluding ---- */

static void put_link(const struct yq_sync *s, struct yq_view *v, struct yq_commit *c,
                     const struct yq_suspect *m, const char *eteams)
{
    const char *id = s->connection->settings->id;
    int64_t now = yq_wall_ms(s->clock);
    if (m->subject.kind == YQ_SUBJECT_MEMBER) {
        char key[YQ_USERID_MAX + 1];
        yq_userid_key(m->subject.userid, key);
        const struct yq_link_member link = {.key = key,
                                            .userid = m->subject.userid,
                                            .eteams = eteams,
                                            .how = "created",
                                            .at = now,
                                            .wrote_job_num = m->job_num != NULL};
        yq_store_put_member_link(c, s->keys, id, yq_view_set_member_link(v, &link));
    } else {
        const struct yq_link_department link = {
            .id = m->subject.id, .eteams = eteams, .how = "created", .at = now};
        yq_store_put_department_link(c, s->keys, id, yq_view_set_department_link(v, &link));
    }
}

static void link_with(const struct yq_sync *s, struct yq_view *v, struct yq_commit *c,
                      const struct yq_suspect *m, const char *eteams)
{
    bool member = m->subject.kind == YQ_SUBJECT_MEMBER;
    const char *after = yq_arena_printf(v->arena, "{\"eteams\":\"%s\"}", eteams);
    put_link(s, v, c, m, eteams);
    yq_store_add_audit(c, s->keys, s->connection->settings->id,
                       &(struct yq_audit){.run = s->run,
                                          .event = "",
                                          .rule = member ? "R3" : "R1",
                                          .op = yq_operation_kind_name(
                                              member ? YQ_OP_MEMBER_LINK : YQ_OP_DEPARTMENT_LINK),
                                          .subject = m->field,
                                          .before = "{}",
                                          .after = after,
                                          .result = "ok"});
}

/* We let the person go: so we take it back, too, and it counts for the guard. */
static void mark_left(const struct yq_sync *s, struct yq_view *v, struct yq_commit *c,
                      const struct yq_suspect *m, const char *eteams)
{
    const char *id = s->connection->settings->id;
    struct yq_link_member *link = yq_view_member_link(v, m->subject.userid);
    yq_store_add_removal(c, s->keys, id, m->field, yq_wall_ms(s->clock));
    if (link == NULL || strcmp(link->eteams, eteams) != 0)
        return;
    link->left = true;
    link->post_count = 0;
    yq_store_put_member_link(c, s->keys, id, link);
}

/* The link is to name those of ours that are there, and no others. */
static void take_posts(const struct yq_sync *s, struct yq_view *v, struct yq_commit *c,
                       const struct yq_suspect *m, const char *eteams)
{
    struct yq_link_member *link = yq_view_member_link(v, m->subject.userid);
    struct yq_record r = {.sync = s, .view = v, .commit = c};
    (void)eteams;
    if (yq_record_posts(&r, link, NULL))
        yq_store_put_member_link(c, s->keys, s->connection->settings->id, link);
}

static void let_wait(struct yq_view *v, const struct yq_suspect *m, const struct yq_error *error)
{
    if (m->subject.kind == YQ_SUBJECT_MEMBER) {
        struct yq_wecom_member *w = yq_view_wecom_member(v, m->subject.userid);
        w->fact = YQ_UNREADABLE;
        w->error = error;
    } else {
        struct yq_wecom_department *w = yq_view_wecom_department(v, m->subject.id);
        w->fact = YQ_UNREADABLE;
        w->error = error;
    }
}

static int conclude(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                    struct yq_error *err)
{
    struct yq_commit *c = yq_commit_new();
    char key[YQ_KEY_MAX];
    for (size_t i = 0; i < all->count; i++) {
        const struct yq_suspect *m = &all->items[i];
        struct yq_sent_answer a = yq_sent_answer(v, m);
        if (!a.known) {
            let_wait(v, m, a.error);
            continue;
        }
        if (a.id != NULL)
            (m->resigned != NULL ? mark_left : m->post ? take_posts : link_with)(s, v, c, m, a.id);
        yq_commit_add(c, "HDEL", sent_key(s, key), m->field, NULL);
    }
    int done = yq_commit_count(c) > 0 ? yq_lease_commit(s->redis, s->keys, s->lease, c, err) : 0;
    yq_commit_free(c);
    return done;
}

static int settle(const struct yq_sync *s, struct yq_view *v, struct yq_error *err)
{
    struct yq_suspects all = {0};
    int done = load(s, v, &all, err);
    if (done == 0 && all.count > 0 &&
        (load_links(s, v, &all, err) < 0 || yq_sent_ask(s, v, &all, err) < 0 ||
         conclude(s, v, &all, err) < 0))
        done = -1;
    free(all.items);
    return done;
}

/* What another worker is just sending is noted, too: only under the lease it is known to be over.
 */
int yq_sent_settle(const struct yq_sync *s, struct yq_view *v, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    const struct yq_sync_batch *b = s->batch;
    if (b == NULL)
        return settle(s, v, err);
    redisReply *reply = yq_redis_command(s->redis, err, "EXISTS %s", sent_key(s, key));
    if (reply == NULL)
        return -1;
    bool any = reply->integer > 0;
    freeReplyObject(reply);
    if (!any)
        return 0;
    if (b->begin(b->context, err) < 0)
        return -1;
    int done = settle(s, v, err);
    if (b->end(b->context, done < 0 ? NULL : err) < 0)
        done = -1;
    return done;
}
