/* Creations with an unknown result. */
#include "made.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/eteams_client.h"
#include "clients/store.h"
#include "model/normal.h"
#include "service/connection.h"

/* ---- writing down ---- */

static const char *made_key(const struct yq_sync *s, char out[YQ_KEY_MAX])
{
    return yq_key(s->keys, s->connection->settings->id, "made", out);
}

void yq_made_note(struct yq_record *r, const struct yq_operation *op)
{
    static const char *const fields[] = {"username", "mobile", "email", "job_num"};
    char key[YQ_KEY_MAX], userid[YQ_USERID_MAX + 1];
    struct yq_buf json = YQ_BUF_INIT;
    yq_userid_key(op->subject.userid, userid);
    yq_buf_adds(&json, "{\"v\":1");
    for (size_t i = 0; i < op->change_count; i++) {
        const struct yq_change *c = &op->changes[i];
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
            if (strcmp(c->field, fields[f]) != 0 || c->after == NULL)
                continue;
            yq_buf_addf(&json, ",\"%s\":", c->field);
            yq_buf_add_json_string(&json, c->after);
        }
    }
    yq_buf_addc(&json, '}');
    yq_commit_add(r->commit, "HSET", made_key(r->sync, key), userid, yq_buf_text(&json), NULL);
    yq_buf_release(&json);
}

void yq_made_drop(struct yq_record *r, const struct yq_operation *op)
{
    char key[YQ_KEY_MAX], userid[YQ_USERID_MAX + 1];
    yq_userid_key(op->subject.userid, userid);
    yq_commit_add(r->commit, "HDEL", made_key(r->sync, key), userid, NULL);
}

/* ---- finding again ---- */

struct suspect {
    const char *userid; /* as WeCom spells it */
    char key[YQ_USERID_MAX + 1];
    const char *name, *job_num;
    struct yq_lookup *lookups[3];
};

struct suspects {
    struct suspect *items;
    size_t count;
};

/* Members of the scope that were tried before and have no link. */
static struct suspects tried_before(struct yq_view *v)
{
    struct suspects s = {yq_calloc(HASH_COUNT(v->evidence) + 1, sizeof(*s.items)), 0};
    for (const struct yq_evidence *e = v->evidence; e != NULL; e = e->hh.next) {
        if (e->subject.kind != YQ_SUBJECT_MEMBER || e->attempts < 2)
            continue;
        s.items[s.count].userid = e->subject.userid;
        yq_userid_key(e->subject.userid, s.items[s.count++].key);
    }
    return s;
}

static void read_values(struct yq_view *v, struct suspect *m, const cJSON *json)
{
    const char *mobile = yq_json_text(v->arena, json, "mobile");
    const char *email = yq_json_text(v->arena, json, "email");
    const char *name = yq_json_text(v->arena, json, "username");
    const char *job_num = yq_json_text(v->arena, json, "job_num");
    m->name = name ? yq_arena_strdup(v->arena, name) : NULL;
    m->job_num = job_num;
    m->lookups[0] = mobile ? yq_view_lookup(v, YQ_BY_MOBILE, mobile) : NULL;
    m->lookups[1] = email ? yq_view_lookup(v, YQ_BY_EMAIL, email) : NULL;
    m->lookups[2] = job_num ? yq_view_lookup(v, YQ_BY_JOB_NUM, job_num) : NULL;
}

/* Keeps those of whom something was sent, and makes their look-ups. */
static int load(const struct yq_sync *s, struct yq_view *v, struct suspects *all,
                struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    const char **argv = yq_calloc(all->count + 2, sizeof(*argv));
    size_t kept = 0;
    argv[0] = "HMGET";
    argv[1] = made_key(s, key);
    for (size_t i = 0; i < all->count; i++)
        argv[i + 2] = all->items[i].key;
    redisReply *reply = yq_redis_argv(s->redis, (int)all->count + 2, argv, NULL, err);
    free(argv);
    if (reply == NULL)
        return -1;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *value = reply->element[i];
        cJSON *json =
            value->type == REDIS_REPLY_STRING ? yq_json_parse(value->str, value->len, NULL) : NULL;
        if (json != NULL) {
            all->items[kept] = all->items[i];
            read_values(v, &all->items[kept++], json);
        }
        cJSON_Delete(json);
    }
    freeReplyObject(reply);
    all->count = kept;
    return 0;
}

static int look_up_all(const struct yq_sync *s, struct yq_view *v, const struct suspects *all,
                       struct yq_error *err)
{
    struct yq_lookup **lookups = yq_calloc(3 * all->count + 1, sizeof(*lookups));
    const char **ids = NULL;
    size_t count = 0, hits = 0, capacity = 0;
    for (size_t i = 0; i < all->count; i++) {
        for (int f = 0; f < 3; f++) {
            struct yq_lookup *l = all->items[i].lookups[f];
            if (l != NULL && l->fact == YQ_UNASKED)
                lookups[count++] = l;
        }
    }
    int done =
        count ? yq_eteams_look_up(s->connection->eteams, s->http, v, lookups, count, s->watch, err)
              : 0;
    for (size_t i = 0; done == 0 && i < count; i++) {
        for (size_t k = 0; k < lookups[i]->hit_count; k++) {
            yq_grow(&ids, &capacity, hits, sizeof(*ids));
            ids[hits++] = lookups[i]->hits[k]->id;
            lookups[i]->hits[k]->owner_asked = true;
        }
    }
    if (hits > 0)
        done = yq_store_load_member_owners(s->redis, s->keys, s->connection->settings->id, ids,
                                           hits, v, err);
    free(ids);
    free(lookups);
    return done;
}

/* The person that was made: in service, nobody's, and with the name that was sent. */
static const struct yq_eteams_member *find(struct yq_view *v, const struct suspect *m,
                                           const struct yq_error **ret_error, bool *ret_known)
{
    for (int f = 0; f < 3; f++) {
        const struct yq_lookup *l = m->lookups[f];
        if (l != NULL && l->fact != YQ_PRESENT) {
            *ret_known = false;
            *ret_error = l->error;
            return NULL;
        }
        for (size_t i = 0; l != NULL && i < l->hit_count; i++) {
            const struct yq_eteams_member *row = l->hits[i];
            if (row->in_service && !row->secondary && row->owner == NULL && m->name != NULL &&
                yq_same_name(v->arena, m->name, row->name))
                return row;
        }
    }
    return NULL;
}

static void link_with(const struct yq_sync *s, struct yq_view *v, struct yq_commit *c,
                      const struct suspect *m, const struct yq_eteams_member *row)
{
    char subject[YQ_SUBJECT_MAX], key[YQ_KEY_MAX];
    const char *id = s->connection->settings->id;
    struct yq_subject who = yq_subject_member(m->userid);
    yq_subject_key(&who, subject);
    const struct yq_link_member link = {.key = m->key,
                                        .userid = m->userid,
                                        .eteams = row->id,
                                        .how = "created",
                                        .at = yq_wall_ms(s->clock),
                                        .wrote_job_num = m->job_num != NULL};
    yq_store_put_member_link(c, s->keys, id, yq_view_set_member_link(v, &link));
    yq_commit_add(c, "HDEL", made_key(s, key), m->key, NULL);
    const char *after = yq_arena_printf(v->arena, "{\"eteams\":\"%s\"}", row->id);
    yq_store_add_audit(c, s->keys, id,
                       &(struct yq_audit){.run = s->run,
                                          .event = "",
                                          .rule = "R3",
                                          .op = yq_operation_kind_name(YQ_OP_MEMBER_LINK),
                                          .subject = subject,
                                          .before = "{}",
                                          .after = after,
                                          .result = "ok"});
}

static int adopt_all(const struct yq_sync *s, struct yq_view *v, const struct suspects *all,
                     struct yq_error *err)
{
    struct yq_commit *c = yq_commit_new();
    for (size_t i = 0; i < all->count; i++) {
        const struct suspect *m = &all->items[i];
        const struct yq_error *error = NULL;
        bool known = true;
        if (yq_view_member_link(v, m->userid) != NULL)
            continue;
        const struct yq_eteams_member *row = find(v, m, &error, &known);
        if (!known) {
            struct yq_wecom_member *w = yq_view_wecom_member(v, m->userid);
            w->fact = YQ_UNREADABLE;
            w->error = error;
        } else if (row != NULL) {
            link_with(s, v, c, m, row);
        } else { /* it never happened */
            char key[YQ_KEY_MAX];
            yq_commit_add(c, "HDEL", made_key(s, key), m->key, NULL);
        }
    }
    int done = yq_commit_count(c) > 0 ? yq_lease_commit(s->redis, s->keys, s->lease, c, err) : 0;
    yq_commit_free(c);
    return done;
}

int yq_made_adopt(const struct yq_sync *s, struct yq_view *v, struct yq_error *err)
{
    struct suspects all = tried_before(v);
    int done = all.count > 0 ? load(s, v, &all, err) : 0;
    if (done == 0 && all.count > 0) {
        const char **userids = yq_calloc(all.count, sizeof(*userids));
        for (size_t i = 0; i < all.count; i++)
            userids[i] = all.items[i].userid;
        done = yq_store_load_member_links(s->redis, s->keys, s->connection->settings->id, userids,
                                          all.count, v, err);
        free(userids);
        if (done == 0)
            done = look_up_all(s, v, &all, err);
        if (done == 0)
            done = adopt_all(s, v, &all, err);
    }
    free(all.items);
    return done;
}
