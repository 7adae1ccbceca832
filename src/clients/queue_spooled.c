/* From the spool into the queue. */
#include "clients/queue_spooled.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/queue.h"

/* KEYS: events, spooled. ARGV: folder, then for each record its number, how many words it has, and
 * the words. Whatever can fail fails at the first HGET or XADD: then nothing was written. */
static const struct yq_redis_script spooled_script = {
    "local last = redis.call('HGET', KEYS[2], ARGV[1]) or '0'\n"
    "local i, added = 2, 0\n"
    "while i <= #ARGV do\n"
    "  local words = tonumber(ARGV[i + 1])\n"
    "  if tonumber(ARGV[i]) > tonumber(last) then\n"
    "    redis.call('XADD', KEYS[1], '*', unpack(ARGV, i + 2, i + 1 + words))\n"
    "    last = ARGV[i]\n"
    "    added = added + 1\n"
    "  end\n"
    "  i = i + 2 + words\n"
    "end\n"
    "redis.call('HSET', KEYS[2], ARGV[1], last)\n"
    "redis.call('EXPIRE', KEYS[2], 2592000)\n"
    "return added\n"};

struct words {
    const char **argv;
    size_t *lens;
    size_t count;
    char (*numbers)[24]; /* two for each record */
};

static void add(struct words *w, const char *word, size_t len)
{
    w->argv[w->count] = word;
    w->lens[w->count] = len;
    w->count++;
}

static void add_record(struct words *w, const struct yq_spool_record *record, size_t i)
{
    char *number = w->numbers[2 * i], *words = w->numbers[2 * i + 1];
    (void)snprintf(number, 24, "%" PRIu64, record->number);
    (void)snprintf(words, 24, "%zu", record->argc);
    add(w, number, strlen(number));
    add(w, words, strlen(words));
    for (size_t n = 0; n < record->argc; n++)
        add(w, record->argv[n], record->lens[n]);
}

int yq_queue_push_spooled(struct yq_redis *r, const struct yq_keys *keys, const char *folder,
                          const struct yq_spool_record *const *records, size_t count,
                          int64_t now_ms, size_t *ret_added, struct yq_error *err)
{
    char events[YQ_KEY_MAX], spooled[YQ_KEY_MAX];
    const char *id = records[0]->id;
    size_t room = 3;
    for (size_t i = 0; i < count; i++)
        room += 2 + records[i]->argc;
    struct words w = {.argv = yq_calloc(room, sizeof(*w.argv)),
                      .lens = yq_calloc(room, sizeof(*w.lens)),
                      .numbers = yq_calloc(2 * count, sizeof(*w.numbers))};
    (void)yq_key(keys, id, "events", events);
    (void)yq_key(keys, id, "spooled", spooled);
    add(&w, events, strlen(events));
    add(&w, spooled, strlen(spooled));
    add(&w, folder, strlen(folder));
    for (size_t i = 0; i < count; i++)
        add_record(&w, records[i], i);
    redisReply *reply = yq_redis_script(r, &spooled_script, 2, (int)w.count, w.argv, w.lens, err);
    free(w.argv);
    free(w.lens);
    free(w.numbers);
    if (reply == NULL)
        return -1;
    *ret_added = (size_t)reply->integer;
    freeReplyObject(reply);
    (void)yq_ready_add(r, keys, id, now_ms, NULL); /* a hint: the sweep makes up for a lost one */
    return 0;
}

int yq_queue_await_replicas(struct yq_redis *r, uint64_t connection, int replicas,
                            int64_t timeout_ms, struct yq_error *err)
{
    redisReply *reply = yq_redis_command(r, err, "WAIT %d %lld", replicas, (long long)timeout_ms);
    if (reply == NULL)
        return -1;
    long long have = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    if (yq_redis_connections(r) != connection)
        return yq_error_set(err, YQ_ERROR_RETRY, "Redis: connected anew before replicas had it");
    if (have >= replicas)
        return 0;
    return yq_error_set(err, YQ_ERROR_RETRY, "Redis: %lld of %d replicas in time", have, replicas);
}

int yq_queue_forget_spooled(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            const char *folder, struct yq_error *err)
{
    char spooled[YQ_KEY_MAX];
    redisReply *reply =
        yq_redis_command(r, err, "HDEL %s %s", yq_key(keys, id, "spooled", spooled), folder);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}
