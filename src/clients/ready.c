/* Which connections want a worker, now or later: the sets over all connections. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "unread.h"

#define SWEEP_CHUNK 100 /* connections for one script: Redis serves others in between */

/* KEYS: delayed, ready. ARGV: now. */
static const struct yq_redis_script move_script = {
    "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1000)\n"
    "for _, id in ipairs(due) do\n"
    "  redis.call('ZADD', KEYS[2], 'NX', ARGV[1], id)\n"
    "  redis.call('ZREM', KEYS[1], id)\n"
    "end\n"
    "return #due\n"};

/* KEYS: delayed, ready, then the events of each connection. ARGV: now, group, their ids. */
static const struct yq_redis_script sweep_script = {
    YQ_LUA_HAS_UNREAD "local added = 0\n"
                      "for i = 3, #ARGV do\n"
                      "  local id, events = ARGV[i], KEYS[i]\n"
                      "  if not redis.call('ZSCORE', KEYS[1], id) then\n"
                      "    local g = group_of(events, ARGV[2])\n"
                      "    if (g and g['pending'] > 0) or has_unread(events, ARGV[2]) then\n"
                      "      added = added + redis.call('ZADD', KEYS[2], 'NX', ARGV[1], id)\n"
                      "    end\n"
                      "  end\n"
                      "end\n"
                      "return added\n"};

static int run(struct yq_redis *r, int argc, const char **argv, struct yq_error *err)
{
    redisReply *reply = yq_redis_argv(r, argc, argv, NULL, err);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

int yq_ready_add(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t now_ms,
                 struct yq_error *err)
{
    char ready[YQ_KEY_MAX], now[24];
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    const char *argv[] = {"ZADD", yq_global_key(keys, "ready", ready), "NX", now, id};
    return run(r, 5, argv, err);
}

int yq_ready_take(struct yq_redis *r, const struct yq_keys *keys, int wait_ms, char ret_id[64],
                  struct yq_error *err)
{
    char ready[YQ_KEY_MAX], seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%d.%03d", wait_ms / 1000, wait_ms % 1000);
    const char *argv[] = {"BZPOPMIN", yq_global_key(keys, "ready", ready), seconds};
    const char *at_once[] = {"ZPOPMIN", ready}; /* a wait of 0 would mean for ever */
    redisReply *reply = wait_ms > 0 ? yq_redis_wait(r, wait_ms, 3, argv, err)
                                    : yq_redis_argv(r, 2, at_once, NULL, err);
    if (reply == NULL)
        return -1;
    int taken = 0;
    size_t at = wait_ms > 0 ? 1 : 0; /* BZPOPMIN names the key first */
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == at + 2 &&
        reply->element[at]->len < 64) {
        memcpy(ret_id, reply->element[at]->str, (size_t)reply->element[at]->len + 1);
        taken = 1;
    }
    freeReplyObject(reply);
    return taken;
}

int yq_delayed_add(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t due_ms,
                   struct yq_error *err)
{
    char delayed[YQ_KEY_MAX], due[24];
    (void)snprintf(due, sizeof(due), "%" PRId64, due_ms);
    const char *argv[] = {"ZADD", yq_global_key(keys, "delayed", delayed), "LT", due, id};
    return run(r, 5, argv, err);
}

int yq_delayed_move(struct yq_redis *r, const struct yq_keys *keys, int64_t now_ms,
                    struct yq_error *err)
{
    char delayed[YQ_KEY_MAX], ready[YQ_KEY_MAX], now[24];
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    const char *argv[] = {yq_global_key(keys, "delayed", delayed),
                          yq_global_key(keys, "ready", ready), now};
    redisReply *reply = yq_redis_script(r, &move_script, 2, 3, argv, NULL, err);
    if (reply == NULL)
        return -1;
    int moved = (int)reply->integer;
    freeReplyObject(reply);
    return moved;
}

/* Sweeps up to SWEEP_CHUNK connections. */
static int sweep_chunk(struct yq_redis *r, const struct yq_keys *keys, const char *const *ids,
                       size_t count, const char *now, struct yq_error *err)
{
    char delayed[YQ_KEY_MAX], ready[YQ_KEY_MAX];
    char(*names)[YQ_KEY_MAX] = yq_malloc(count * sizeof(*names));
    const char *argv[2 + SWEEP_CHUNK + 2 + SWEEP_CHUNK];
    int n = 0, added = -1;
    argv[n++] = yq_global_key(keys, "delayed", delayed);
    argv[n++] = yq_global_key(keys, "ready", ready);
    for (size_t i = 0; i < count; i++)
        argv[n++] = yq_key(keys, ids[i], "events", names[i]);
    int key_count = n;
    argv[n++] = now;
    argv[n++] = YQ_QUEUE_GROUP;
    for (size_t i = 0; i < count; i++)
        argv[n++] = ids[i];
    redisReply *reply = yq_redis_script(r, &sweep_script, key_count, n, argv, NULL, err);
    free(names);
    if (reply != NULL) {
        added = (int)reply->integer;
        freeReplyObject(reply);
    }
    return added;
}

int yq_ready_sweep(struct yq_redis *r, const struct yq_keys *keys, const char *const *ids,
                   size_t count, int64_t now_ms, struct yq_error *err)
{
    char now[24];
    int total = 0;
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    for (size_t at = 0; at < count; at += SWEEP_CHUNK) {
        size_t n = count - at < SWEEP_CHUNK ? count - at : SWEEP_CHUNK;
        int added = sweep_chunk(r, keys, ids + at, n, now, err);
        if (added < 0)
            return -1;
        total += added;
    }
    return total;
}
