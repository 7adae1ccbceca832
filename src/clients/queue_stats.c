/* How a queue stands, and trimming what nobody needs any more: one script each, so that the figures
 * belong together and nothing changes between looking and trimming. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/queue.h"
#include "unread.h"

#define TRIM_STEP 1000 /* entries with their raw texts that a script looks at */

/* KEYS: events, dead, retry. ARGV: group. Answers {length, waiting, pending, dead, retrying, id of
 * the oldest entry that is not acknowledged or ""}. Redis does not know its lag after entries were
 * deleted by hand: then up to 10,000 are counted. */
static const struct yq_redis_script stats_script = {
    YQ_LUA_GROUP_OF
    "local events, group = KEYS[1], ARGV[1]\n"
    "local g = group_of(events, group)\n"
    "local length = redis.call('XLEN', events)\n"
    "local from = g and '(' .. g['last-delivered-id'] or '-'\n"
    "local pending = g and g['pending'] or 0\n"
    "local waiting = length\n"
    "if g then\n"
    "  waiting = g['lag'] or #redis.call('XRANGE', events, from, '+', 'COUNT', 10000)\n"
    "end\n"
    "local oldest = ''\n"
    "if pending > 0 then\n"
    "  oldest = redis.call('XPENDING', events, group)[2]\n"
    "elseif waiting > 0 then\n"
    "  local first = redis.call('XRANGE', events, from, '+', 'COUNT', 1)[1]\n"
    "  if first then oldest = first[1] end\n"
    "end\n"
    "return {length, waiting, pending, redis.call('XLEN', KEYS[2]), redis.call('HLEN', KEYS[3]),\n"
    "        oldest}\n"};

/* KEYS: events. ARGV: group, oldest id to keep, how many to keep (0: any number), how many may go
 * at once where these are too many. The bound moves up past what is too much, then down to the
 * oldest pending entry and to the last one that was read; without a group nothing is known to be
 * settled.
 */
static const struct yq_redis_script trim_script = {
    YQ_LUA_GROUP_OF "local events, group, bound = KEYS[1], ARGV[1], ARGV[2]\n"
                    "local g = group_of(events, group)\n"
                    "if not g then return 0 end\n"
                    "local function before(a, b)\n"
                    "  local am, as = string.match(a, '^(%d+)-(%d+)$')\n"
                    "  local bm, bs = string.match(b, '^(%d+)-(%d+)$')\n"
                    "  if am ~= bm then return tonumber(am) < tonumber(bm) end\n"
                    "  if #as ~= #bs then return #as < #bs end\n"
                    "  return as < bs\n"
                    "end\n"
                    "local most, step = tonumber(ARGV[3]), tonumber(ARGV[4])\n"
                    "local excess = most > 0 and redis.call('XLEN', events) - most or 0\n"
                    "if excess > 0 then\n"
                    "  local n = math.min(excess, step) + 1\n"
                    "  local first = redis.call('XRANGE', events, '-', '+', 'COUNT', n)\n"
                    "  if before(bound, first[#first][1]) then bound = first[#first][1] end\n"
                    "end\n"
                    "local read = g['last-delivered-id']\n"
                    "if before(read, bound) then bound = read end\n"
                    "if g['pending'] > 0 then\n"
                    "  local first = redis.call('XPENDING', events, group)[2]\n"
                    "  if before(first, bound) then bound = first end\n"
                    "end\n"
                    "return redis.call('XTRIM', events, 'MINID', '=', bound)\n"};

int yq_queue_stats(struct yq_redis *r, const struct yq_keys *keys, const char *id, int64_t now_ms,
                   struct yq_queue_stats *ret, struct yq_error *err)
{
    char events[YQ_KEY_MAX], dead[YQ_KEY_MAX], retry[YQ_KEY_MAX];
    const char *argv[] = {yq_key(keys, id, "events", events), yq_key(keys, id, "dead", dead),
                          yq_key(keys, id, "retry", retry), YQ_QUEUE_GROUP};
    redisReply *reply = yq_redis_script(r, &stats_script, 3, 4, argv, NULL, err);
    if (reply == NULL)
        return -1;
    *ret = (struct yq_queue_stats){.length = reply->element[0]->integer,
                                   .waiting = reply->element[1]->integer,
                                   .pending = reply->element[2]->integer,
                                   .dead = reply->element[3]->integer,
                                   .retrying = reply->element[4]->integer};
    int64_t oldest = strtoll(reply->element[5]->str, NULL, 10);
    if (oldest > 0) /* a clock behind Redis' own: just now, but there */
        ret->oldest_ms = now_ms > oldest ? now_ms - oldest : 1;
    freeReplyObject(reply);
    return 0;
}

void yq_queue_stats_add(struct yq_queue_stats *sum, const struct yq_queue_stats *more)
{
    sum->length += more->length;
    sum->waiting += more->waiting;
    sum->pending += more->pending;
    sum->dead += more->dead;
    sum->retrying += more->retrying;
    if (more->oldest_ms > sum->oldest_ms)
        sum->oldest_ms = more->oldest_ms;
}

int yq_queue_trim(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_retention *keep, int64_t *ret_trimmed, struct yq_error *err)
{
    char events[YQ_KEY_MAX], bound[YQ_ENTRY_MAX], most[24], step[24];
    int64_t oldest = keep->now_ms > keep->keep_ms ? keep->now_ms - keep->keep_ms : 0;
    int64_t all = 0, trimmed = TRIM_STEP;
    (void)snprintf(bound, sizeof(bound), "%" PRId64 "-0", oldest);
    (void)snprintf(most, sizeof(most), "%" PRId64, keep->most);
    (void)snprintf(step, sizeof(step), "%d", TRIM_STEP);
    const char *argv[] = {yq_key(keys, id, "events", events), YQ_QUEUE_GROUP, bound, most, step};
    for (int i = 0; i < YQ_TRIM_ROUNDS && trimmed >= TRIM_STEP; i++) {
        redisReply *reply = yq_redis_script(r, &trim_script, 1, 5, argv, NULL, err);
        if (reply == NULL)
            return -1;
        trimmed = reply->integer;
        all += trimmed;
        freeReplyObject(reply);
    }
    *ret_trimmed = all;
    return 0;
}
