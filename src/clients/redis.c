/* One blocking connection to Redis. Errors become a kind by Redis' own error codes. */
#include "clients/redis.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "crypto/secret.h"

#define KNOWN_SCRIPTS 32

struct known_script {
    const struct yq_redis_script *script;
    char sha[41];
};

struct yq_redis {
    struct yq_redis_address address;
    int timeout_ms;
    redisContext *context;                      /* NULL: not connected */
    uint64_t connections;                       /* that were made so far */
    size_t awaited;                             /* answers that are still to come */
    struct known_script scripts[KNOWN_SCRIPTS]; /* those that Redis was given, by us */
    size_t script_count;
};

/* hiredis writes to a socket that Redis may have closed: that must be an error, not the end of the
 * process. Whoever chose another action keeps it. */
static void ignore_broken_pipes(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for SIGPIPE */
}

struct yq_redis *yq_redis_new(const struct yq_redis_address *address, int timeout_ms)
{
    assert(timeout_ms > 0);
    ignore_broken_pipes();
    struct yq_redis *r = yq_calloc(1, sizeof(*r));
    r->address = *address;
    r->timeout_ms = timeout_ms;
    return r;
}

static void hang_up(struct yq_redis *r)
{
    if (r->context != NULL)
        redisFree(r->context);
    r->context = NULL;
    r->awaited = 0;
}

void yq_redis_free(struct yq_redis *r)
{
    if (r == NULL)
        return;
    hang_up(r);
    yq_secret_wipe(&r->address, sizeof(r->address));
    free(r);
}

/* ---- errors ---- */

static bool begins_with_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}

static enum yq_error_kind classify(const char *text)
{
    static const char *const passing[] = {"LOADING",     "READONLY", "OOM",      "MASTERDOWN",
                                          "CLUSTERDOWN", "BUSY",     "TRYAGAIN", "MISCONF",
                                          "NOREPLICAS",  "UNBLOCKED"};
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        if (begins_with_word(text, passing[i]))
            return YQ_ERROR_RETRY;
    }
    return begins_with_word(text, "LOST") ? YQ_ERROR_LOST : YQ_ERROR_INVALID;
}

/* An error answer. Redis repeats a command's arguments in some texts: they are cut off. */
static void set_answer(struct yq_error *err, const char *text)
{
    const char *arguments = strstr(text, ", with args");
    int len = arguments ? (int)(arguments - text) : (int)strlen(text);
    yq_error_set(err, classify(text), "%.*s", len, text);
}

static void set_gone(const struct yq_redis *r, struct yq_error *err)
{
    const redisContext *c = r->context;
    const char *why = c == NULL || c->errstr[0] == '\0' ? "the connection was lost" : c->errstr;
    if (c != NULL && c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EINPROGRESS))
        why = "no answer in time";
    yq_error_set(err, YQ_ERROR_RETRY, "Redis: %s", why);
}

/* Turns what hiredis gave into an answer or an error. */
static redisReply *judge(struct yq_redis *r, void *answer, struct yq_error *err)
{
    redisReply *reply = answer;
    if (reply == NULL) {
        set_gone(r, err);
        hang_up(r);
        return NULL;
    }
    if (reply->type != REDIS_REPLY_ERROR)
        return reply;
    set_answer(err, reply->str);
    if (begins_with_word(reply->str, "READONLY") || begins_with_word(reply->str, "MASTERDOWN"))
        hang_up(r); /* the address may lead to the new master next time */
    freeReplyObject(reply);
    return NULL;
}

/* ---- connecting ---- */

static struct timeval to_timeval(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (long)(ms % 1000) * 1000};
}

/* One command of the greeting. */
static int greet(struct yq_redis *r, struct yq_error *err, int argc, const char **argv)
{
    redisReply *reply = judge(r, redisCommandArgv(r->context, argc, argv, NULL), err);
    if (reply == NULL) {
        hang_up(r);
        return yq_error_prefix(err, argv[0]);
    }
    freeReplyObject(reply);
    return 0;
}

static int introduce(struct yq_redis *r, struct yq_error *err)
{
    const struct yq_redis_address *a = &r->address;
    const char *with_user[] = {"AUTH", a->user, a->password};
    const char *without[] = {"AUTH", a->password};
    if (a->password[0] != '\0' && a->user[0] != '\0' && greet(r, err, 3, with_user) < 0)
        return -1;
    if (a->password[0] != '\0' && a->user[0] == '\0' && greet(r, err, 2, without) < 0)
        return -1;
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", a->database);
    if (a->database != 0 && greet(r, err, 2, (const char *[]){"SELECT", number}) < 0)
        return -1;
    return greet(r, err, 3, (const char *[]){"CLIENT", "SETNAME", "yunqiao"});
}

/* Where the master is, by the first Sentinel that knows. */
static int find_master(const struct yq_redis *r, struct yq_redis_sentinel *ret,
                       struct yq_error *err)
{
    const struct yq_redis_address *a = &r->address;
    int found = -1;
    for (size_t i = 0; i < a->sentinel_count && found < 0; i++) {
        const struct yq_redis_sentinel *s = &a->sentinels[i];
        struct timeval timeout = to_timeval(r->timeout_ms);
        redisContext *c = redisConnectWithTimeout(s->host, s->port, timeout);
        if (c != NULL && c->err == 0 && redisSetTimeout(c, timeout) == REDIS_OK) {
            redisReply *reply = redisCommand(c, "SENTINEL get-master-addr-by-name %s", a->master);
            found = yq_redis_read_master(reply, ret);
            freeReplyObject(reply);
        }
        if (c != NULL)
            redisFree(c);
    }
    return found == 0 ? 0
                      : yq_error_set(err, YQ_ERROR_RETRY, "Redis: no Sentinel knows where %s is",
                                     a->master);
}

/* A Sentinel may still name the one that was the master before. */
static int expect_master(struct yq_redis *r, struct yq_error *err)
{
    if (r->address.sentinel_count == 0)
        return 0;
    redisReply *reply = judge(r, redisCommand(r->context, "ROLE"), err);
    bool master = yq_redis_is_master(reply);
    if (reply != NULL)
        freeReplyObject(reply);
    if (master)
        return 0;
    if (reply != NULL)
        (void)yq_error_set(err, YQ_ERROR_RETRY, "Redis: this is not the master");
    hang_up(r);
    return -1;
}

static redisContext *dial(const struct yq_redis *r, struct yq_error *err)
{
    const struct yq_redis_address *a = &r->address;
    struct timeval timeout = to_timeval(r->timeout_ms);
    struct yq_redis_sentinel master;
    if (a->sentinel_count > 0)
        return find_master(r, &master, err) == 0
                   ? redisConnectWithTimeout(master.host, master.port, timeout)
                   : NULL;
    return a->port == 0 ? redisConnectUnixWithTimeout(a->host, timeout)
                        : redisConnectWithTimeout(a->host, a->port, timeout);
}

/* True when the other end is known to have hung up, or sent what nobody asked for. Asking first
 * keeps a restart of Redis from costing the next command. */
static bool is_stale(const struct yq_redis *r)
{
    char c;
    ssize_t n = recv(r->context->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static int connect_if_needed(struct yq_redis *r, struct yq_error *err)
{
    if (r->context != NULL && (r->awaited > 0 || !is_stale(r)))
        return 0;
    hang_up(r);
    r->connections++;
    struct yq_error why = {0};
    r->context = dial(r, &why);
    if (r->context == NULL || r->context->err != 0 ||
        redisSetTimeout(r->context, to_timeval(r->timeout_ms)) != REDIS_OK) {
        if (why.kind != YQ_ERROR_NONE && err != NULL)
            *err = why;
        else
            set_gone(r, err);
        hang_up(r);
        return -1;
    }
    if (r->context->connection_type == REDIS_CONN_TCP)
        (void)redisEnableKeepAlive(r->context); /* without it only our time-outs find a dead peer */
    return introduce(r, err) == 0 ? expect_master(r, err) : -1;
}

/* Makes ready for a command of its own: what an abandoned pipeline still awaits is given up. */
static int start(struct yq_redis *r, struct yq_error *err)
{
    if (r->awaited > 0)
        hang_up(r);
    return connect_if_needed(r, err);
}

int yq_redis_connect(struct yq_redis *r, struct yq_error *err)
{
    return start(r, err);
}

uint64_t yq_redis_connections(const struct yq_redis *r)
{
    return r->connections;
}

/* ---- commands ---- */

redisReply *yq_redis_command(struct yq_redis *r, struct yq_error *err, const char *format, ...)
{
    if (start(r, err) < 0)
        return NULL;
    va_list args;
    va_start(args, format);
    void *reply = redisvCommand(r->context, format, args);
    va_end(args);
    return judge(r, reply, err);
}

redisReply *yq_redis_argv(struct yq_redis *r, int argc, const char **argv, const size_t *lens,
                          struct yq_error *err)
{
    if (start(r, err) < 0)
        return NULL;
    return judge(r, redisCommandArgv(r->context, argc, argv, lens), err);
}

redisReply *yq_redis_wait(struct yq_redis *r, int extra_ms, int argc, const char **argv,
                          struct yq_error *err)
{
    if (start(r, err) < 0)
        return NULL;
    (void)redisSetTimeout(r->context, to_timeval(r->timeout_ms + extra_ms)); /* else: the shorter */
    redisReply *reply = judge(r, redisCommandArgv(r->context, argc, argv, NULL), err);
    if (r->context != NULL)
        (void)redisSetTimeout(r->context, to_timeval(r->timeout_ms)); /* else: the longer */
    return reply;
}

int yq_redis_append(struct yq_redis *r, int argc, const char **argv, const size_t *lens,
                    struct yq_error *err)
{
    if (connect_if_needed(r, err) < 0)
        return -1;
    if (redisAppendCommandArgv(r->context, argc, argv, lens) != REDIS_OK) {
        set_gone(r, err);
        hang_up(r);
        return -1;
    }
    r->awaited++;
    return 0;
}

redisReply *yq_redis_reply(struct yq_redis *r, struct yq_error *err)
{
    void *reply = NULL;
    if (r->awaited == 0) {
        yq_error_set(err, YQ_ERROR_RETRY, "Redis: the connection was lost");
        return NULL;
    }
    r->awaited--;
    if (redisGetReply(r->context, &reply) != REDIS_OK)
        reply = NULL;
    return judge(r, reply, err);
}

/* ---- scripts ---- */

static const char *find_sha(const struct yq_redis *r, const struct yq_redis_script *script)
{
    for (size_t i = 0; i < r->script_count; i++) {
        if (r->scripts[i].script == script)
            return r->scripts[i].sha;
    }
    return NULL;
}

/* Gives the script to Redis. The digest stays the same whenever that is repeated. */
static const char *load(struct yq_redis *r, const struct yq_redis_script *script,
                        struct yq_error *err)
{
    redisReply *reply = yq_redis_command(r, err, "SCRIPT LOAD %s", script->text);
    if (reply == NULL)
        return NULL;
    const char *known = find_sha(r, script);
    if (known == NULL) {
        assert(r->script_count < KNOWN_SCRIPTS && reply->len == 40);
        struct known_script *k = &r->scripts[r->script_count++];
        k->script = script;
        memcpy(k->sha, reply->str, sizeof(k->sha));
        known = k->sha;
    }
    freeReplyObject(reply);
    return known;
}

redisReply *yq_redis_script(struct yq_redis *r, const struct yq_redis_script *script, int key_count,
                            int argc, const char **argv, const size_t *lens, struct yq_error *err)
{
    const char *sha = find_sha(r, script);
    if (sha == NULL)
        sha = load(r, script, err);
    if (sha == NULL)
        return NULL;
    char keys[16];
    (void)snprintf(keys, sizeof(keys), "%d", key_count);
    size_t count = (size_t)argc + 3;
    const char **all = yq_malloc(count * sizeof(*all));
    size_t *sizes = yq_malloc(count * sizeof(*sizes));
    all[0] = "EVALSHA";
    all[1] = sha;
    all[2] = keys;
    memcpy(all + 3, argv, (size_t)argc * sizeof(*all));
    for (size_t i = 0; i < count; i++)
        sizes[i] = i >= 3 && lens != NULL ? lens[i - 3] : strlen(all[i]);
    struct yq_error why = {0};
    redisReply *reply = yq_redis_argv(r, (int)count, all, sizes, &why);
    /* Redis was restarted or its scripts flushed: nothing was done, so that it may be sent again */
    if (reply == NULL && begins_with_word(why.text, "NOSCRIPT") && load(r, script, &why) != NULL)
        reply = yq_redis_argv(r, (int)count, all, sizes, &why);
    if (reply == NULL && err != NULL)
        *err = why;
    free(all);
    free(sizes);
    return reply;
}

/* ---- keys ---- */

const char *yq_key(const struct yq_keys *k, const char *id, const char *name, char out[YQ_KEY_MAX])
{
    (void)snprintf(out, YQ_KEY_MAX, "%s:{%s}:%s", k->prefix, id, name); /* prefix 31, id 40 */
    return out;
}

const char *yq_global_key(const struct yq_keys *k, const char *name, char out[YQ_KEY_MAX])
{
    (void)snprintf(out, YQ_KEY_MAX, "%s:%s", k->prefix, name);
    return out;
}

/* ---- settings ---- */

static void add_fault(struct yq_buf *faults, const char *text)
{
    if (faults->len > 0)
        yq_buf_adds(faults, "; ");
    yq_buf_adds(faults, text);
}

int yq_redis_check_settings(struct yq_redis *r, struct yq_buf *ret_faults, struct yq_error *err)
{
    static const struct {
        const char *name, *wanted;
    } settings[] = {
        {"appendonly", "yes"}, {"appendfsync", "always"}, {"maxmemory-policy", "noeviction"}};
    struct yq_buf faults = YQ_BUF_INIT;
    int rc = -1;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        struct yq_error why = {0};
        redisReply *reply = yq_redis_command(r, &why, "CONFIG GET %s", settings[i].name);
        if (reply == NULL && why.kind == YQ_ERROR_RETRY) {
            if (err != NULL)
                *err = why;
            goto out;
        }
        if (reply == NULL) {
            add_fault(&faults, "CONFIG is forbidden, so that Redis' durability cannot be checked");
            break;
        }
        const char *value = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
                                ? reply->element[1]->str
                                : "unknown";
        if (strcmp(value, settings[i].wanted) != 0) {
            add_fault(&faults, settings[i].name);
            yq_buf_addf(&faults, " is %s, must be %s", value, settings[i].wanted);
        }
        freeReplyObject(reply);
    }
    yq_buf_adds(ret_faults, yq_buf_text(&faults));
    rc = 0;
out:
    yq_buf_release(&faults);
    return rc;
}
