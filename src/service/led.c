/* Who leads whom. */
#include "led.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "clients/store_inspect.h"
#include "clients/store_reconcile.h"

#define OWED_LEADERS "who leads a department changed"
#define OWED_MOVED "a department moved, and with it who is above"
#define PAGE 1000

int yq_superiors_on(const struct yq_sync *s, bool *ret, struct yq_error *err)
{
    char *state = NULL;
    *ret = false;
    if (!s->connection->settings->policy.superiors)
        return 0;
    if (s->dry_run) { /* what would come of it */
        *ret = true;
        return 0;
    }
    if (yq_store_read_text(s->redis, s->keys, s->connection->settings->id, "superiors", "state",
                           &state, err) < 0)
        return -1;
    *ret = state != NULL && strcmp(state, "on") == 0;
    free(state);
    return 0;
}

/* ---- the pairs ---- */

static const char *key_of(const struct yq_record *r, bool led, char out[YQ_KEY_MAX])
{
    const char *id = r->sync->connection->settings->id;
    return led ? yq_key(r->sync->keys, id, "superiors:led", out)
               : yq_key(r->sync->keys, id, "superiors:awaited", out);
}

/* In eteams and in service, as far as the links say. */
static bool is_there(const struct yq_record *r, const char *userid)
{
    const struct yq_link_member *link = yq_view_member_link(r->view, userid);
    return link != NULL && !link->left;
}

static void note_leaders(struct yq_record *r, const struct yq_verdict *v)
{
    char keys[2][YQ_KEY_MAX], member[YQ_USERID_MAX + 1];
    (void)key_of(r, false, keys[0]);
    (void)key_of(r, true, keys[1]);
    yq_userid_key(v->subject.userid, member);
    for (size_t i = 0; i < v->leader_count; i++) {
        const struct yq_leader *l = &v->leaders[i];
        bool led = l->usable && is_there(r, l->key);
        const char *pair = yq_arena_printf(r->plan->arena, "%s %s", l->key, member);
        yq_commit_add(r->commit, "ZADD", keys[led], "0", pair, NULL);
        yq_commit_add(r->commit, "ZREM", keys[!led], pair, NULL);
    }
}

/* ---- waking ---- */

/* An entry like any other: the member is looked at again. */
static void push_look(struct yq_record *r, const char *userid)
{
    char events[YQ_KEY_MAX];
    const char *id = r->sync->connection->settings->id;
    struct yq_push push;
    struct yq_event e;
    yq_event_init(&e);
    e.kind = YQ_EVENT_SUPERIOR_CHANGED;
    e.subject = yq_subject_member(userid);
    e.source = "yunqiao";
    e.at = yq_wall_ms(r->sync->clock) / 1000;
    yq_queue_push_args(&e, yq_key(r->sync->keys, id, "events", events), &push);
    const char *const *w = push.argv; /* 19 words: the stream, its fields and their values */
    yq_commit_add(r->commit, w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10],
                  w[11], w[12], w[13], w[14], w[15], w[16], w[17], w[18], NULL);
    yq_event_release(&e);
}

static bool is_settled(const struct yq_record *r, const struct yq_sync_result *result,
                       const char *userid)
{
    char key[YQ_SUBJECT_MAX];
    const struct yq_outcome *o;
    const struct yq_verdict *v;
    struct yq_subject subject = yq_subject_member(userid);
    yq_subject_key(&subject, key);
    HASH_FIND_STR(result->outcomes, key, o);
    HASH_FIND_STR(r->plan->verdicts, key, v);
    return v != NULL && v->leaders_known && o != NULL && o->kind == YQ_OUTCOME_SETTLED;
}

/* The pairs of this leader that say otherwise. */
static int ask_pairs(struct yq_record *r, const char *leader, bool led, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    const char *from = yq_arena_printf(r->plan->arena, "[%s ", leader);
    const char *to = yq_arena_printf(r->plan->arena, "(%s!", leader); /* ' ' + 1 */
    const char *argv[] = {"ZRANGEBYLEX", key_of(r, led, key), from, to};
    return yq_redis_append(r->sync->redis, 4, argv, NULL, err);
}

static void wake(struct yq_record *r, const struct yq_sync_result *result, bool led,
                 const redisReply *pairs)
{
    char key[YQ_KEY_MAX];
    (void)key_of(r, led, key);
    for (size_t i = 0; i < pairs->elements; i++) {
        const char *pair = pairs->element[i]->str, *member = pair ? strchr(pair, ' ') : NULL;
        if (member == NULL || is_settled(r, result, member + 1))
            continue;
        push_look(r, member + 1);
        yq_commit_add(r->commit, "ZREM", key, pair, NULL);
    }
}

/* Who came into eteams, or left it, in this run or by an operator's word before it. */
static int wake_led(struct yq_record *r, const struct yq_sync_result *result, struct yq_error *err)
{
    bool *asked = yq_calloc(HASH_COUNT(r->plan->verdicts) + 1, sizeof(*asked)); /* for the led? */
    size_t count = 0;
    int rc = 0;
    for (const struct yq_verdict *v = r->plan->verdicts; v != NULL && rc == 0; v = v->hh.next) {
        if (v->subject.kind != YQ_SUBJECT_MEMBER || !v->asked)
            continue;
        bool there = r->sync->batch == NULL && is_there(r, v->subject.userid) && v->serves;
        bool away = !is_there(r, v->subject.userid);
        if (!there && !away)
            continue;
        char key[YQ_USERID_MAX + 1];
        yq_userid_key(v->subject.userid, key);
        asked[count++] = away;
        rc = ask_pairs(r, key, away, err);
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = yq_redis_reply(r->sync->redis, rc == 0 ? err : NULL);
        if (reply == NULL)
            rc = -1;
        else if (rc == 0)
            wake(r, result, asked[i], reply);
        if (reply != NULL)
            freeReplyObject(reply);
    }
    free(asked);
    return rc;
}

/* ---- what only a listing shows ---- */

static bool moved_department(const struct yq_plan *p)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        for (size_t c = 0; op->kind == YQ_OP_DEPARTMENT_UPDATE && c < op->change_count; c++) {
            if (strcmp(op->changes[c].field, "parent") == 0)
                return true;
        }
    }
    return false;
}

static void owe(struct yq_record *r, const char *why)
{
    yq_store_add_owed(r->commit, r->sync->keys, r->sync->connection->settings->id, why,
                      yq_wall_ms(r->sync->clock));
}

int yq_led_follow(struct yq_record *r, const struct yq_sync_result *result, struct yq_error *err)
{
    bool leading = false;
    for (const struct yq_verdict *v = r->plan->verdicts; v != NULL; v = v->hh.next) {
        const struct yq_outcome *o;
        HASH_FIND_STR(result->outcomes, v->key, o);
        if (o == NULL || o->kind != YQ_OUTCOME_SETTLED)
            continue;
        leading |= v->leading_changed;
        if (v->leaders_known)
            note_leaders(r, v);
    }
    bool reconcile = r->sync->batch != NULL; /* which looks at everybody, and again at who waits */
    if (leading && !reconcile)
        owe(r, OWED_LEADERS);
    if (!reconcile && moved_department(r->plan))
        owe(r, OWED_MOVED);
    return wake_led(r, result, err);
}

/* ---- at the end of a reconcile ---- */

struct arrival {
    struct yq_redis *redis;
    const char *links;
    struct yq_arena *arena;
    const char **list;
    size_t count, capacity;
};

/* One page of pairs with the links of their leaders. */
static int take_page(struct arrival *a, const redisReply *pairs, struct yq_error *err)
{
    for (size_t i = 0; i < pairs->elements; i++) {
        size_t len = strcspn(pairs->element[i]->str, " ");
        const char *leader = yq_arena_printf(a->arena, "%.*s", (int)len, pairs->element[i]->str);
        const char *argv[] = {"HGET", a->links, leader};
        if (yq_redis_append(a->redis, 3, argv, NULL, err) < 0)
            return -1;
    }
    int rc = 0;
    for (size_t i = 0; i < pairs->elements; i++) {
        redisReply *link = yq_redis_reply(a->redis, rc == 0 ? err : NULL);
        const char *member = strchr(pairs->element[i]->str, ' ');
        if (link == NULL)
            rc = -1;
        bool there = link != NULL && link->type == REDIS_REPLY_STRING &&
                     strstr(link->str, ",\"left\":true") == NULL;
        if (there && member != NULL) {
            yq_grow(&a->list, &a->capacity, a->count, sizeof(*a->list));
            a->list[a->count++] = yq_arena_strdup(a->arena, member + 1);
        }
        if (link != NULL)
            freeReplyObject(link);
    }
    return rc;
}

int yq_led_find_arrived(struct yq_redis *redis, const struct yq_keys *keys, const char *id,
                        struct yq_arena *arena, const char ***ret, size_t *ret_count,
                        struct yq_error *err)
{
    char awaited[YQ_KEY_MAX], links[YQ_KEY_MAX];
    struct arrival a = {
        .redis = redis, .links = yq_key(keys, id, "link:member", links), .arena = arena};
    (void)yq_key(keys, id, "superiors:awaited", awaited);
    size_t count = PAGE;
    int rc = 0;
    for (long from = 0; count == PAGE && rc == 0; from += PAGE) {
        redisReply *pairs =
            yq_redis_command(redis, err, "ZRANGE %s %ld %ld", awaited, from, from + PAGE - 1);
        if (pairs == NULL)
            rc = -1;
        count = rc == 0 ? pairs->elements : 0;
        if (rc == 0)
            rc = take_page(&a, pairs, err);
        if (pairs != NULL)
            freeReplyObject(pairs);
    }
    if (rc < 0) {
        free(a.list);
        return -1;
    }
    *ret = a.list;
    *ret_count = a.count;
    return 0;
}
