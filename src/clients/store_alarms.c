/* Alarms in Redis. */
#include "clients/store_alarms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void yq_alarm_facts_release(struct yq_alarm_facts *f)
{
    yq_pairs_release(&f->alarms);
    yq_pairs_release(&f->alarmed);
    yq_pairs_release(&f->held);
    yq_pairs_release(&f->auth);
}

/* ---- reading ---- */

static void take_pairs(const redisReply *reply, struct yq_pairs *ret)
{
    size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements / 2 : 0;
    ret->items = yq_calloc(count + 1, sizeof(*ret->items));
    ret->count = count;
    for (size_t i = 0; i < count; i++) {
        const redisReply *name = reply->element[2 * i], *value = reply->element[2 * i + 1];
        ret->items[i].name = yq_strndup(name->str, name->len);
        ret->items[i].value = yq_strndup(value->str, value->len);
    }
}

static void take_alarms(const redisReply *reply, struct yq_alarm_facts *f)
{
    take_pairs(reply, &f->alarms);
}

static void take_alarmed(const redisReply *reply, struct yq_alarm_facts *f)
{
    take_pairs(reply, &f->alarmed);
}

static void take_held(const redisReply *reply, struct yq_alarm_facts *f)
{
    take_pairs(reply, &f->held);
}

static void take_auth(const redisReply *reply, struct yq_alarm_facts *f)
{
    take_pairs(reply, &f->auth);
}

static void take_cases(const redisReply *reply, struct yq_alarm_facts *f)
{
    f->cases = reply->integer;
}

static void take_dead(const redisReply *reply, struct yq_alarm_facts *f)
{
    f->dead = reply->integer;
}

static void take_last_dead(const redisReply *reply, struct yq_alarm_facts *f)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->elements > 0 && reply->element[0]->element[0]->str != NULL)
        (void)snprintf(f->last_dead, sizeof(f->last_dead), "%s",
                       reply->element[0]->element[0]->str);
}

static void take_going(const redisReply *reply, struct yq_alarm_facts *f)
{
    if (reply->type == REDIS_REPLY_STRING)
        f->going_ms = strtoll(reply->str, NULL, 10);
}

static int read_all(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                    struct yq_alarm_facts *f, struct yq_error *err)
{
    char names[8][YQ_KEY_MAX];
    (void)yq_key(keys, id, "dead", names[5]);
    const struct {
        int argc;
        const char *argv[6];
        void (*take)(const redisReply *reply, struct yq_alarm_facts *f);
    } reads[] = {
        {2, {"HGETALL", yq_key(keys, id, "alarms", names[0])}, take_alarms},
        {2, {"HGETALL", yq_key(keys, id, "alarmed", names[1])}, take_alarmed},
        {2, {"HGETALL", yq_key(keys, id, "held", names[2])}, take_held},
        {2, {"HGETALL", yq_key(keys, id, "auth", names[3])}, take_auth},
        {2, {"HLEN", yq_key(keys, id, "cases", names[4])}, take_cases},
        {2, {"XLEN", names[5]}, take_dead},
        {6, {"XREVRANGE", names[5], "+", "-", "COUNT", "1"}, take_last_dead},
        {3, {"HGET", yq_key(keys, id, "reconcile", names[6]), "at"}, take_going},
    };
    const size_t count = sizeof(reads) / sizeof(reads[0]);
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        if (yq_redis_append(r, reads[i].argc, (const char **)reads[i].argv, NULL, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        redisReply *reply = yq_redis_reply(r, rc == 0 ? err : NULL);
        if (reply == NULL) {
            rc = -1;
            continue;
        }
        reads[i].take(reply, f);
        freeReplyObject(reply);
    }
    return rc;
}

int yq_store_load_alarm_facts(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              struct yq_alarm_facts *ret, struct yq_error *err)
{
    *ret = (struct yq_alarm_facts){0};
    if (read_all(r, keys, id, ret, err) == 0 &&
        yq_store_load_reconcile_state(r, keys, id, &ret->reconcile, err) == 0)
        return 0;
    yq_alarm_facts_release(ret);
    *ret = (struct yq_alarm_facts){0};
    return -1;
}

/* ---- changing ---- */

/* KEYS: hash. ARGV: field, what it holds, what it shall hold; "" for none. */
static const struct yq_redis_script change_script = {
    "if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end\n"
    "if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end\n"
    "return 1\n"};

/* KEYS: cases, alarmed:cases. */
static const struct yq_redis_script count_script = {
    "local new = 0\n"
    "for _, known in ipairs(redis.call('SMEMBERS', KEYS[2])) do\n"
    "  if redis.call('HEXISTS', KEYS[1], known) == 0 then redis.call('SREM', KEYS[2], known) end\n"
    "end\n"
    "for _, subject in ipairs(redis.call('HKEYS', KEYS[1])) do\n"
    "  if redis.call('SISMEMBER', KEYS[2], subject) == 0 then new = new + 1 end\n"
    "end\n"
    "return new\n"};

/* KEYS: alarms, cases, alarmed:cases. ARGV: as of change_script, without the field. */
static const struct yq_redis_script raise_script = {
    "if (redis.call('HGET', KEYS[1], 'cases') or '') ~= ARGV[1] then return 0 end\n"
    "redis.call('HSET', KEYS[1], 'cases', ARGV[2])\n"
    "for _, subject in ipairs(redis.call('HKEYS', KEYS[2])) do\n"
    "  redis.call('SADD', KEYS[3], subject)\n"
    "end\n"
    "return 1\n"};

static int run(struct yq_redis *r, const struct yq_redis_script *script, int keys, int argc,
               const char **argv, struct yq_error *err)
{
    redisReply *reply = yq_redis_script(r, script, keys, argc, argv, NULL, err);
    if (reply == NULL)
        return -1;
    int answer = (int)reply->integer;
    freeReplyObject(reply);
    return answer;
}

int yq_store_change_alarm(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          const struct yq_alarm_change *change, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, id, change->hash, key), change->field,
                          change->from != NULL ? change->from : "",
                          change->to != NULL ? change->to : ""};
    return run(r, &change_script, 1, 4, argv, err);
}

int yq_store_count_new_cases(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                             int64_t *ret, struct yq_error *err)
{
    char cases[YQ_KEY_MAX], told[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, id, "cases", cases),
                          yq_key(keys, id, "alarmed:cases", told)};
    int count = run(r, &count_script, 2, 2, argv, err);
    if (count < 0)
        return -1;
    *ret = count;
    return 0;
}

int yq_store_raise_cases(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const char *from, const char *to, struct yq_error *err)
{
    char alarms[YQ_KEY_MAX], cases[YQ_KEY_MAX], told[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, id, "alarms", alarms), yq_key(keys, id, "cases", cases),
                          yq_key(keys, id, "alarmed:cases", told), from != NULL ? from : "", to};
    return run(r, &raise_script, 3, 5, argv, err);
}

int yq_store_pace_robot(struct yq_redis *r, const struct yq_keys *keys, const char *name,
                        int apart_ms, struct yq_error *err)
{
    char key[YQ_KEY_MAX], prefix[YQ_KEY_MAX];
    (void)snprintf(key, sizeof(key), "%.180s:%.64s", yq_global_key(keys, "robot", prefix), name);
    redisReply *reply = yq_redis_command(r, err, "SET %s 1 PX %d NX", key, apart_ms);
    if (reply == NULL)
        return -1;
    int free_now = reply->type != REDIS_REPLY_NIL;
    freeReplyObject(reply);
    return free_now;
}
