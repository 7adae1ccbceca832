/* The lease of a connection: taken, renewed and given back by scripts that compare the whole value.
 */
#include "clients/lease.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "lease_own.h"
#include "process.h"
#include "unread.h"

/* KEYS: lease, fence. ARGV: ttl, the value behind its token, the value of a dead holder or "".
 * Answers {value, ""} when taken, {"", the holder's value, its remaining milliseconds} when not. */
static const struct yq_redis_script take_script = {
    "local held = redis.call('GET', KEYS[1])\n"
    "if held and held ~= ARGV[3] then\n"
    "  return {'', held, redis.call('PTTL', KEYS[1])}\n"
    "end\n"
    "local token = redis.call('INCR', KEYS[2])\n"
    "local value = '{\"token\":' .. string.format('%.0f', token) .. ARGV[2]\n"
    "redis.call('SET', KEYS[1], value, 'PX', ARGV[1])\n"
    "return {value, string.format('%.0f', token), 0}\n"};

/* KEYS: lease. ARGV: value, ttl. */
static const struct yq_redis_script renew_script = {
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
    "  return redis.error_reply('LOST the lease is not ours any more')\n"
    "end\n"
    "return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"};

/* KEYS: lease, events. ARGV: value, group. Whoever holds it instead of us sees to the entries. */
static const struct yq_redis_script release_script = {
    YQ_LUA_HAS_UNREAD "local held = redis.call('GET', KEYS[1])\n"
                      "if held and held ~= ARGV[1] then return 0 end\n"
                      "if held then redis.call('DEL', KEYS[1]) end\n"
                      "return has_unread(KEYS[2], ARGV[2]) and 1 or 0\n"};

/* Everything of the value that stands behind its token. */
static char *describe(const struct yq_process *self, int64_t now_ms)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_buf_addc(&out, ',');
    yq_process_write(self, &out);
    yq_buf_addf(&out, ",\"taken\":%" PRId64 "}", now_ms);
    return yq_buf_steal(&out);
}

/* Its process is gone, or is this one, which knows of nobody here who works under it. */
static bool is_dead(const struct yq_process *self, const struct yq_own *own, const char *value)
{
    struct yq_process holder;
    if (yq_process_read(value, &holder) != 0)
        return false;
    if (yq_process_is_same(self, &holder))
        return yq_own_is_alone(own);
    return yq_process_is_dead(self, &holder);
}

struct attempt {
    struct yq_redis *r;
    const char *id;
    int64_t ttl_ms;
    const struct yq_clock *clock;
    const char *rest;          /* of the value */
    const char *lease, *fence; /* the full names of its keys */
    const char *name;
};

static const char *name_of(const struct yq_lease *l)
{
    return l->key != NULL ? l->key : "lease";
}

/* One try; dead is the value that may be replaced, or "". On HELD, *ret_holder is the holder's
 * value (caller frees). */
static enum yq_lease_result try_take(const struct attempt *a, const char *dead,
                                     struct yq_lease *ret, char **ret_holder, int64_t *ret_retry_ms,
                                     struct yq_error *err)
{
    enum yq_lease_result result = YQ_LEASE_ERROR;
    char ttl[24];
    (void)snprintf(ttl, sizeof(ttl), "%" PRId64, a->ttl_ms);
    const char *argv[] = {a->lease, a->fence, ttl, a->rest, dead};
    int64_t before = yq_mono_ms(a->clock); /* Redis begins to count later than this */
    redisReply *reply = yq_redis_script(a->r, &take_script, 2, 5, argv, NULL, err);
    if (reply == NULL)
        return YQ_LEASE_ERROR;
    const char *value = reply->element[0]->str;
    if (*value == '\0') {
        *ret_holder = yq_strdup(reply->element[1]->str);
        int64_t left = reply->element[2]->integer;
        *ret_retry_ms = left > 0 ? left : a->ttl_ms;
        result = YQ_LEASE_HELD;
    } else if (strlen(value) >= sizeof(ret->value)) {
        yq_error_set(err, YQ_ERROR_INVALID, "the lease's value is too long");
    } else {
        *ret = (struct yq_lease){.key = a->name,
                                 .token = strtoll(reply->element[1]->str, NULL, 10),
                                 .deadline_mono = before + a->ttl_ms,
                                 .ttl_ms = a->ttl_ms};
        (void)snprintf(ret->connection, sizeof(ret->connection), "%s", a->id);
        (void)snprintf(ret->value, sizeof(ret->value), "%s", value);
        result = YQ_LEASE_TAKEN;
    }
    freeReplyObject(reply);
    return result;
}

/* a: all but who asks. */
static enum yq_lease_result take(struct attempt a, struct yq_lease *ret, int64_t *ret_retry_ms,
                                 struct yq_error *err)
{
    struct yq_process self;
    yq_process_self(&self);
    char *rest = describe(&self, yq_wall_ms(a.clock)), *holder = NULL, *next = NULL;
    struct yq_own *own = yq_own_begin(a.lease);
    a.rest = rest;
    enum yq_lease_result result = try_take(&a, "", ret, &holder, ret_retry_ms, err);
    if (result == YQ_LEASE_HELD && is_dead(&self, own, holder))
        result = try_take(&a, holder, ret, &next, ret_retry_ms, err);
    if (result == YQ_LEASE_TAKEN)
        yq_own_keep(own, ret->token);
    else
        yq_own_end(own);
    free(next);
    free(holder);
    free(rest);
    return result;
}

enum yq_lease_result yq_lease_take(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                   int64_t ttl_ms, const struct yq_clock *clock,
                                   struct yq_lease *ret, int64_t *ret_retry_ms,
                                   struct yq_error *err)
{
    char lease[YQ_KEY_MAX], fence[YQ_KEY_MAX];
    const struct attempt a = {.r = r,
                              .id = id,
                              .ttl_ms = ttl_ms,
                              .clock = clock,
                              .lease = yq_key(keys, id, "lease", lease),
                              .fence = yq_key(keys, id, "fence", fence),
                              .name = "lease"};
    return take(a, ret, ret_retry_ms, err);
}

enum yq_lease_result yq_lease_take_reconcile(struct yq_redis *r, const struct yq_keys *keys,
                                             const char *id, int64_t ttl_ms,
                                             const struct yq_clock *clock, struct yq_lease *ret,
                                             struct yq_error *err)
{
    char lease[YQ_KEY_MAX], fence[YQ_KEY_MAX];
    int64_t retry_ms;
    const struct attempt a = {.r = r,
                              .id = id,
                              .ttl_ms = ttl_ms,
                              .clock = clock,
                              .lease = yq_key(keys, id, "reconcile:lease", lease),
                              .fence = yq_key(keys, id, "reconcile:fence", fence),
                              .name = "reconcile:lease"};
    return take(a, ret, &retry_ms, err);
}

int yq_lease_renew(struct yq_redis *r, const struct yq_keys *keys, struct yq_lease *l,
                   const struct yq_clock *clock, struct yq_error *err)
{
    char lease[YQ_KEY_MAX], ttl[24];
    (void)snprintf(ttl, sizeof(ttl), "%" PRId64, l->ttl_ms);
    const char *argv[] = {yq_key(keys, l->connection, name_of(l), lease), l->value, ttl};
    int64_t before = yq_mono_ms(clock);
    redisReply *reply = yq_redis_script(r, &renew_script, 1, 3, argv, NULL, err);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    l->deadline_mono = before + l->ttl_ms;
    return 0;
}

bool yq_lease_valid(const struct yq_lease *l, const struct yq_clock *clock)
{
    return yq_mono_ms(clock) < l->deadline_mono;
}

int yq_lease_release(struct yq_redis *r, const struct yq_keys *keys, const struct yq_lease *l,
                     bool *ret_more, struct yq_error *err)
{
    char lease[YQ_KEY_MAX], events[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, l->connection, name_of(l), lease),
                          yq_key(keys, l->connection, "events", events), l->value, YQ_QUEUE_GROUP};
    redisReply *reply = yq_redis_script(r, &release_script, 2, 4, argv, NULL, err);
    yq_own_drop(lease, l->token);
    if (reply == NULL)
        return -1;
    *ret_more = reply->integer != 0;
    freeReplyObject(reply);
    return 0;
}

char *yq_lease_holder(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                      struct yq_error *err)
{
    char lease[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(r, err, "GET %s", yq_key(keys, id, "lease", lease));
    if (reply == NULL)
        return NULL;
    char *value = yq_strdup(reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    return value;
}
