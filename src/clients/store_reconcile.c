/* The full reconcile's own keys. */
#include "clients/store_reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store_inspect.h"
#include "commit.h"

#define TOUCHED_PAGE 1000

/* ---- when ---- */

static int64_t number_of(const redisReply *hash, const char *field)
{
    for (size_t i = 0; i + 1 < hash->elements; i += 2) {
        if (strcmp(hash->element[i]->str, field) == 0)
            return strtoll(hash->element[i + 1]->str, NULL, 10);
    }
    return 0;
}

static void take_reconciled(const redisReply *hash, struct yq_reconcile_state *s)
{
    s->departments_ms = number_of(hash, "departments");
    s->members_ms = number_of(hash, "members");
    s->full_ms = number_of(hash, "full");
    s->failed_ms = number_of(hash, "failed");
    s->failures = (unsigned)number_of(hash, "failures");
    s->cancelled_ms = number_of(hash, "cancelled");
}

static void take_owed(const redisReply *hash, struct yq_reconcile_state *s)
{
    for (size_t i = 0; i + 1 < hash->elements; i += 2) {
        int64_t since = strtoll(hash->element[i + 1]->str, NULL, 10);
        if (s->owed_ms != 0 && since >= s->owed_ms)
            continue;
        s->owed_ms = since > 0 ? since : 1;
        (void)snprintf(s->owed_reason, sizeof(s->owed_reason), "%s", hash->element[i]->str);
    }
}

static void take_wanted(const redisReply *hash, struct yq_reconcile_state *s)
{
    for (size_t i = 0; i + 1 < hash->elements; i += 2) {
        const char *entry = hash->element[i]->str;
        if (s->wanted[0] != '\0' && yq_entry_compare(entry, s->wanted) > 0)
            continue;
        (void)snprintf(s->wanted, sizeof(s->wanted), "%s", entry);
        (void)snprintf(s->wanted_data, sizeof(s->wanted_data), "%s", hash->element[i + 1]->str);
    }
}

static void take_going(const redisReply *count, struct yq_reconcile_state *s)
{
    s->going = count->integer > 0;
}

static void take_superiors(const redisReply *hash, struct yq_reconcile_state *s)
{
    bool on = false, locked = false;
    for (size_t i = 0; i + 1 < hash->elements; i += 2) {
        const char *field = hash->element[i]->str, *value = hash->element[i + 1]->str;
        if (strcmp(field, "state") == 0)
            s->superiors = YQ_SUPERIORS_TAKING_OVER;
        on |= strcmp(field, "state") == 0 && strcmp(value, "on") == 0;
        locked |= strcmp(field, "locked") == 0;
    }
    if (on)
        s->superiors = locked ? YQ_SUPERIORS_LOCKED : YQ_SUPERIORS_ON;
    s->superiors_tried_ms = number_of(hash, "tried");
}

static void take_settings(const redisReply *hash, struct yq_reconcile_state *s)
{
    s->paused = number_of(hash, "paused") == 1;
}

int yq_store_load_reconcile_state(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                  struct yq_reconcile_state *ret, struct yq_error *err)
{
    char names[6][YQ_KEY_MAX];
    const struct {
        const char *command, *key;
        void (*take)(const redisReply *reply, struct yq_reconcile_state *s);
    } reads[] = {
        {"HGETALL", yq_key(keys, id, "reconciled", names[0]), take_reconciled},
        {"HGETALL", yq_key(keys, id, "owed", names[1]), take_owed},
        {"HGETALL", yq_key(keys, id, "wanted", names[2]), take_wanted},
        {"EXISTS", yq_key(keys, id, "reconcile", names[3]), take_going},
        {"HGETALL", yq_key(keys, id, "settings", names[4]), take_settings},
        {"HGETALL", yq_key(keys, id, "superiors", names[5]), take_superiors},
    };
    const size_t count = sizeof(reads) / sizeof(reads[0]);
    int rc = 0;
    *ret = (struct yq_reconcile_state){0};
    for (size_t i = 0; i < count; i++) {
        if (yq_redis_append(r, 2, (const char *[]){reads[i].command, reads[i].key}, NULL, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = yq_redis_reply(r, rc == 0 ? err : NULL);
        if (reply == NULL) {
            rc = -1;
            continue;
        }
        reads[i].take(reply, ret);
        freeReplyObject(reply);
    }
    return rc;
}

void yq_store_want_reconcile(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                             const char *entry, const char *json)
{
    char wanted[YQ_KEY_MAX];
    yq_commit_add(c, "HSET", yq_key(keys, id, "wanted", wanted), entry, json, NULL);
}

void yq_store_add_owed(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *reason, int64_t now_ms)
{
    char owed[YQ_KEY_MAX], run[YQ_KEY_MAX], done[YQ_KEY_MAX], now[24];
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    yq_commit_add(c, YQ_COMMIT_OWE, yq_key(keys, id, "owed", owed),
                  yq_key(keys, id, "reconcile", run), yq_key(keys, id, "reconciled", done), reason,
                  now, NULL);
}

/* ---- the run that is going ---- */

/* KEYS: reconcile, settings. ARGV: fields and values. The hash of a run that was taken away is not
 * made again. Answers {cancelled, paused}. */
static const struct yq_redis_script progress_script = {
    "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(ARGV)) end\n"
    "return {redis.call('HGET', KEYS[1], 'cancel') or '',\n"
    "        redis.call('HGET', KEYS[2], 'paused') or ''}\n"};

int yq_store_put_reconcile_progress(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                    const struct yq_reconcile_progress *p, bool *ret_cancelled,
                                    bool *ret_paused, struct yq_error *err)
{
    char reconcile[YQ_KEY_MAX], settings[YQ_KEY_MAX], numbers[7][24];
    const char *names[] = {"done", "total", "applied", "failed", "held", "calls", "at"};
    const uint64_t values[] = {p->done, p->total, p->applied,     p->failed,
                               p->held, p->calls, (uint64_t)p->at};
    const char *argv[4 + 14] = {yq_key(keys, id, "reconcile", reconcile),
                                yq_key(keys, id, "settings", settings), "phase", p->phase};
    int argc = 4;
    for (size_t i = 0; i < 7; i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, values[i]);
        argv[argc++] = names[i];
        argv[argc++] = numbers[i];
    }
    redisReply *reply = yq_redis_script(r, &progress_script, 2, argc, argv, NULL, err);
    if (reply == NULL)
        return -1;
    *ret_cancelled = strcmp(reply->element[0]->str, "1") == 0;
    *ret_paused = strcmp(reply->element[1]->str, "1") == 0;
    freeReplyObject(reply);
    return 0;
}

/* KEYS: reconcile, wanted. ARGV: run. */
static const struct yq_redis_script cancel_script = {
    "if redis.call('HDEL', KEYS[2], ARGV[1]) == 1 then return 1 end\n"
    "if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return 0 end\n"
    "redis.call('HSET', KEYS[1], 'cancel', '1')\n"
    "return 1\n"};

int yq_store_cancel_reconcile(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              const char *run, bool *ret_found, struct yq_error *err)
{
    char reconcile[YQ_KEY_MAX], wanted[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, id, "reconcile", reconcile),
                          yq_key(keys, id, "wanted", wanted), run};
    redisReply *reply = yq_redis_script(r, &cancel_script, 2, 3, argv, NULL, err);
    if (reply == NULL)
        return -1;
    *ret_found = reply->integer == 1;
    freeReplyObject(reply);
    return 0;
}

/* ---- touched ---- */

void yq_store_touch(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                    const char *what)
{
    char reconcile[YQ_KEY_MAX], touched[YQ_KEY_MAX];
    yq_commit_add(c, YQ_COMMIT_TOUCH, yq_key(keys, id, "reconcile", reconcile),
                  yq_key(keys, id, "touched", touched), what, NULL);
}

int yq_store_count_touches(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           int64_t *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply =
        yq_redis_command(r, err, "HGET %s touches", yq_key(keys, id, "reconcile", key));
    if (reply == NULL)
        return -1;
    *ret = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
    freeReplyObject(reply);
    return 0;
}

int yq_store_read_touched(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          int64_t after, void (*take)(void *context, const char *what),
                          void *context, int64_t *ret_last, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    size_t count;
    (void)yq_key(keys, id, "touched", key);
    do {
        redisReply *reply =
            yq_redis_command(r, err, "ZRANGEBYSCORE %s (%lld +inf WITHSCORES LIMIT 0 %d", key,
                             (long long)after, TOUCHED_PAGE);
        if (reply == NULL)
            return -1;
        count = reply->elements / 2;
        for (size_t i = 0; i < count; i++) {
            take(context, reply->element[2 * i]->str);
            after = strtoll(reply->element[2 * i + 1]->str, NULL, 10);
        }
        freeReplyObject(reply);
    } while (count == TOUCHED_PAGE);
    *ret_last = after;
    return 0;
}

/* ---- all links ---- */

typedef int take_pair(void *context, const redisReply *field, const redisReply *value,
                      struct yq_error *err);

static int scan_hash(struct yq_redis *r, const char *key, take_pair *take, void *context,
                     struct yq_error *err)
{
    char cursor[24] = "0";
    int rc = 0;
    do {
        redisReply *reply = yq_redis_command(r, err, "HSCAN %s %s COUNT 1000", key, cursor);
        if (reply == NULL)
            return -1;
        (void)snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        const redisReply *pairs = reply->element[1];
        for (size_t i = 0; i + 1 < pairs->elements && rc == 0; i += 2)
            rc = take(context, pairs->element[i], pairs->element[i + 1], err);
        freeReplyObject(reply);
    } while (rc == 0 && strcmp(cursor, "0") != 0);
    return rc;
}

static int take_department(void *context, const redisReply *field, const redisReply *value,
                           struct yq_error *err)
{
    struct yq_view *v = context;
    struct yq_link_department l;
    uint32_t id;
    if (yq_wecom_id_parse(field->str, (size_t)field->len, &id) < 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "link of a malformed department id");
    if (yq_link_department_read(v->arena, id, value->str, (size_t)value->len, &l, err) < 0)
        return yq_error_prefix(err, field->str);
    yq_view_set_department_link(v, &l);
    return 0;
}

int yq_store_load_every_department_link(struct yq_redis *r, const struct yq_keys *keys,
                                        const char *id, struct yq_view *v, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    return scan_hash(r, yq_key(keys, id, "link:department", key), take_department, v, err);
}

struct member_scan {
    void (*take)(void *context, const struct yq_link_seen *link);
    void *context;
};

/* An id in quotes at `text`; returns what stands behind it, or NULL if there is none. */
static const char *take_id(const char *text, char ret[24])
{
    size_t len = *text == '"' ? strspn(text + 1, "0123456789") : 0;
    if (len == 0 || len >= 24 || text[1 + len] != '"')
        return NULL;
    memcpy(ret, text + 1, len);
    ret[len] = '\0';
    return text + len + 2;
}

/* What stands behind these words in our own writer's JSON (model/link.c): a million links are not
 * parsed. NULL: nothing. */
static const char *behind(const char *json, const char *words)
{
    const char *at = strstr(json, words);
    return at != NULL ? at + strlen(words) : NULL;
}

static void take_posts(const char *json, struct yq_link_seen *link)
{
    const char *at = behind(json, ",\"posts\":[");
    while (at != NULL && link->post_count < YQ_LINK_POSTS_MAX) {
        at = take_id(at, link->posts[link->post_count]);
        link->post_count += at != NULL;
        at = at != NULL && *at == ',' ? at + 1 : NULL;
    }
}

static int take_member(void *context, const redisReply *field, const redisReply *value,
                       struct yq_error *err)
{
    (void)err;
    struct member_scan *scan = context;
    struct yq_link_seen link = {.key = field->str};
    const char *id = behind(value->str, ",\"eteams\":");
    if (id != NULL)
        (void)take_id(id, link.eteams);
    link.left = behind(value->str, ",\"left\":true") != NULL;
    take_posts(value->str, &link);
    scan->take(scan->context, &link);
    return 0;
}

int yq_store_scan_member_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               void (*take)(void *context, const struct yq_link_seen *link),
                               void *context, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    struct member_scan scan = {take, context};
    return scan_hash(r, yq_key(keys, id, "link:member", key), take_member, &scan, err);
}
