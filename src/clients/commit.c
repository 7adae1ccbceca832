/* A worker's writes, carried out together by one script that first looks whether the lease is still
 * ours. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "clients/lease.h"
#include "commit.h"

#define CHUNK_COMMANDS 500
#define CHUNK_BYTES ((size_t)256 * 1024)
#define ARGUMENTS_MAX 64
#define JOINED_MAX 128 /* words of a command that others joined */
#define LOOK_BACK 4    /* so far, for one that can be joined */

struct command {
    int argc, capacity;
    size_t bytes;
    const char **argv;
};

struct yq_commit {
    struct yq_arena *arena;
    struct command *commands;
    size_t count, capacity;
};

/* KEYS: lease. ARGV: value, then for each command the number of its words and the words. Five
 * words of our own, and YQ.OWE, because they need an answer in between: YQ.AUDIT stream list field
 * value …, which enters the new id in the list of its subject; YQ.HDELIF hash field value, which
 * deletes what still is so; YQ.TOUCH hash zset member, which counts while a reconcile is going;
 * YQ.DEAD dead events entry field value …, which copies what else the entry has; YQ.WAKE zset
 * stream cases record at, which opens the cases again that the record stood in the way of. */
static const struct yq_redis_script commit_script = {
    YQ_OWE_LUA
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then\n"
    "  return redis.error_reply('LOST the lease is not ours any more')\n"
    "end\n"
    "local i = 2\n"
    "while i <= #ARGV do\n"
    "  local last = i + tonumber(ARGV[i])\n"
    "  local command = ARGV[i + 1]\n"
    "  if command == '" YQ_COMMIT_AUDIT "' then\n"
    "    local id = redis.call('XADD', ARGV[i + 2], '*', unpack(ARGV, i + 4, last))\n"
    "    redis.call('LPUSH', ARGV[i + 3], id)\n"
    "    redis.call('LTRIM', ARGV[i + 3], 0, 63)\n"
    "    redis.call('EXPIRE', ARGV[i + 3], 2592000)\n"
    "  elseif command == '" YQ_COMMIT_HDELIF "' then\n"
    "    if redis.call('HGET', ARGV[i + 2], ARGV[i + 3]) == ARGV[i + 4] then\n"
    "      redis.call('HDEL', ARGV[i + 2], ARGV[i + 3])\n"
    "    end\n"
    "  elseif command == '" YQ_COMMIT_TOUCH "' then\n"
    "    if redis.call('EXISTS', ARGV[i + 2]) == 1 then\n"
    "      local n = redis.call('HINCRBY', ARGV[i + 2], 'touches', 1)\n"
    "      redis.call('ZADD', ARGV[i + 3], n, ARGV[i + 4])\n"
    "    end\n"
    "  elseif command == '" YQ_COMMIT_DEAD "' then\n"
    "    local words, given = {unpack(ARGV, i + 5, last)}, {}\n"
    "    for w = 1, #words, 2 do given[words[w]] = true end\n"
    "    local found = redis.call('XRANGE', ARGV[i + 3], ARGV[i + 4], ARGV[i + 4])[1]\n"
    "    local fields = found and found[2] or {}\n"
    "    for w = 1, #fields, 2 do\n"
    "      if not given[fields[w]] then\n"
    "        words[#words + 1] = fields[w]\n"
    "        words[#words + 1] = fields[w + 1]\n"
    "      end\n"
    "    end\n"
    "    redis.call('XADD', ARGV[i + 2], '*', unpack(words))\n"
    "  elseif command == '" YQ_COMMIT_WAKE "' then\n"
    "    local from = ARGV[i + 5] .. ' '\n"
    "    for _, m in ipairs(redis.call('ZRANGEBYLEX', ARGV[i + 2], '[' .. from, '(' .. from .. "
    "'\\255')) do\n"
    "      local subject, kept = string.match(string.sub(m, #from + 1), '^(%S+) ?(%S*)$')\n"
    "      local case = redis.call('HGET', ARGV[i + 4], subject)\n"
    "      redis.call('ZREM', ARGV[i + 2], m)\n"
    "      if case or kept ~= '' then\n"
    "        redis.call('XADD', ARGV[i + 3], '*', 'v', '1', 'kind', 'case.reopened', 'subject',\n"
    "                   subject, 'source', 'yunqiao', 'at', ARGV[i + 6], 'digest', '', 'data',\n"
    "                   case and '{\"case\":' .. case .. '}' or '{}', 'raw', '')\n"
    "      end\n"
    "    end\n"
    "  elseif command == '" YQ_COMMIT_OWE "' then\n"
    "    owe(unpack(ARGV, i + 2, last))\n"
    "  else\n"
    "    redis.call(unpack(ARGV, i + 1, last))\n"
    "  end\n"
    "  i = last + 1\n"
    "end\n"
    "return redis.status_reply('OK')\n"};

struct yq_commit *yq_commit_new(void)
{
    struct yq_commit *c = yq_calloc(1, sizeof(*c));
    c->arena = yq_arena_new();
    return c;
}

void yq_commit_free(struct yq_commit *c)
{
    if (c == NULL)
        return;
    yq_arena_free(c->arena);
    free(c->commands);
    free(c);
}

/* How many words a command shares with those that may join it: command and key, for XACK the group,
 * too. 0: nothing joins it. */
static int shared_words(const char *command)
{
    if (strcmp(command, "HSET") == 0 || strcmp(command, "HDEL") == 0)
        return 2;
    return strcmp(command, "XACK") == 0 ? 3 : 0;
}

/* Fields of one hash, and entries to be acknowledged, go into one command where nothing stands
 * between that uses the same key, or must have happened first: Redis takes a fraction of the time
 * for them. NULL: it stays alone. */
static struct command *to_join(struct yq_commit *c, const struct command *added)
{
    int shared = shared_words(added->argv[0]);
    for (size_t n = 1; shared > 0 && n <= LOOK_BACK && n <= c->count; n++) {
        struct command *old = &c->commands[c->count - n];
        int same = 0;
        while (same < shared && same < old->argc && strcmp(old->argv[same], added->argv[same]) == 0)
            same++;
        if (same == shared)
            return old->argc + added->argc - shared <= JOINED_MAX ? old : NULL;
        bool audit = strcmp(old->argv[0], YQ_COMMIT_AUDIT) == 0;
        if ((shared_words(old->argv[0]) == 0 && !audit) ||
            strcmp(old->argv[1], added->argv[1]) == 0)
            return NULL;
    }
    return NULL;
}

static void join(struct yq_commit *c, struct command *old, const struct command *added)
{
    int shared = shared_words(added->argv[0]), more = added->argc - shared;
    if (old->argc + more > old->capacity) {
        old->capacity = JOINED_MAX;
        const char **longer = yq_arena_alloc(c->arena, JOINED_MAX * sizeof(*longer));
        memcpy(longer, old->argv, (size_t)old->argc * sizeof(*longer));
        old->argv = longer;
    }
    memcpy(old->argv + old->argc, added->argv + shared, (size_t)more * sizeof(*added->argv));
    old->argc += more;
    old->bytes += added->bytes;
}

void yq_commit_add(struct yq_commit *c, const char *command, ...)
{
    const char *words[ARGUMENTS_MAX];
    struct command added = {.argv = words};
    va_list args;
    va_start(args, command);
    for (const char *word = command; word != NULL; word = va_arg(args, const char *)) {
        if (added.argc == ARGUMENTS_MAX)
            abort(); /* a bug: no caller has that many */
        words[added.argc++] = yq_arena_strdup(c->arena, word);
        added.bytes += strlen(word);
    }
    va_end(args);
    struct command *old = to_join(c, &added);
    if (old != NULL) {
        join(c, old, &added);
        return;
    }
    added.capacity = added.argc;
    added.argv = yq_arena_alloc(c->arena, (size_t)added.argc * sizeof(*added.argv));
    memcpy(added.argv, words, (size_t)added.argc * sizeof(*added.argv));
    yq_grow(&c->commands, &c->capacity, c->count, sizeof(*c->commands));
    c->commands[c->count++] = added;
}

size_t yq_commit_count(const struct yq_commit *c)
{
    return c->count;
}

static void clear(struct yq_commit *c)
{
    yq_arena_free(c->arena);
    c->arena = yq_arena_new();
    c->count = 0;
}

/* How many commands from `from` on go into one script. */
static size_t chunk_size(const struct yq_commit *c, size_t from)
{
    size_t bytes = 0, n = 0;
    while (from + n < c->count && n < CHUNK_COMMANDS) {
        bytes += c->commands[from + n].bytes;
        if (n > 0 && bytes > CHUNK_BYTES)
            break;
        n++;
    }
    return n;
}

static int run_chunk(struct yq_redis *r, const char *lease_key, const char *value,
                     const struct command *commands, size_t count, struct yq_error *err)
{
    size_t words = 2;
    for (size_t i = 0; i < count; i++)
        words += 1 + (size_t)commands[i].argc;
    const char **argv = yq_malloc(words * sizeof(*argv));
    char(*numbers)[8] = yq_malloc(count * sizeof(*numbers));
    size_t n = 0;
    argv[n++] = lease_key;
    argv[n++] = value;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%d", commands[i].argc);
        argv[n++] = numbers[i];
        for (int w = 0; w < commands[i].argc; w++)
            argv[n++] = commands[i].argv[w];
    }
    redisReply *reply = yq_redis_script(r, &commit_script, 1, (int)words, argv, NULL, err);
    free(argv);
    free(numbers);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

int yq_lease_commit(struct yq_redis *r, const struct yq_keys *keys, const struct yq_lease *l,
                    struct yq_commit *c, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    int rc = 0;
    (void)yq_key(keys, l->connection, l->key != NULL ? l->key : "lease", key);
    for (size_t at = 0, n; at < c->count && rc == 0; at += n) {
        n = chunk_size(c, at);
        rc = run_chunk(r, key, l->value, c->commands + at, n, err);
    }
    clear(c);
    return rc;
}
