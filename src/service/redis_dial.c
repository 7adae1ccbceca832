/* How the asynchronous connection to Redis is made, and made again: name, socket, greeting,
 * back-off. */
#include "redis_dial.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/memory.h"
#include "service/log.h"
#include "service/metrics.h"

#define FIRST_RETRY_MS 100
#define MAX_RETRY_MS 2000

static void retry_later(struct yq_redis_loop *l)
{
    static const struct yq_backoff backoff = {FIRST_RETRY_MS, MAX_RETRY_MS};
    l->redis = NULL;
    l->up = false;
    yq_metric_set(YQ_METRIC_REDIS_UP, NULL, 0);
    if (!l->stopping)
        yq_redis_arm(l->dial, yq_backoff_ms(&backoff, ++l->attempts, (uint64_t)l->dialled_ms));
}

void yq_redis_drop(struct yq_redis_loop *l, const char *why)
{
    redisAsyncContext *redis = l->redis;
    if (!l->stopping)
        yq_log_calm(YQ_LOG_ERROR, "redis.lost", l->target.host, why);
    retry_later(l);
    if (redis != NULL)
        redisAsyncFree(redis); /* tells those who wait */
}

/* ---- the greeting ---- */

/* privdata says whether this is the last of them. */
static void on_greeting(redisAsyncContext *redis, void *data, void *is_last)
{
    struct yq_redis_loop *l = redis->data;
    const redisReply *reply = data;
    if (redis != l->redis || reply == NULL)
        return; /* lost: on_disconnect is told as well */
    if (reply->type == REDIS_REPLY_ERROR) {
        yq_redis_drop(l, reply->str); /* NOAUTH, WRONGPASS, LOADING: never holds the password */
        return;
    }
    if (is_last == NULL)
        return;
    if (l->address.sentinel_count > 0 && !yq_redis_is_master(reply)) {
        yq_redis_drop(l, "this is not the master"); /* any more, or not yet */
        return;
    }
    evtimer_del(l->dial);
    l->up = true; /* attempts stay until the next tick: it may be given up again at once */
    yq_metric_set(YQ_METRIC_REDIS_UP, NULL, 1);
    yq_log(YQ_LOG_INFO, "redis.up", "address", l->target.host, NULL);
    l->o.on_up(l->o.context);
}

static void greet(struct yq_redis_loop *l)
{
    const struct yq_redis_address *a = &l->address;
    redisAsyncContext *redis = l->redis;
    if (a->password[0] != '\0' && a->user[0] != '\0')
        redisAsyncCommand(redis, on_greeting, NULL, "AUTH %s %s", a->user, a->password);
    else if (a->password[0] != '\0')
        redisAsyncCommand(redis, on_greeting, NULL, "AUTH %s", a->password);
    if (a->database != 0)
        redisAsyncCommand(redis, on_greeting, NULL, "SELECT %d", a->database);
    redisAsyncCommand(redis, on_greeting, l, l->address.sentinel_count > 0 ? "ROLE" : "PING");
}

static void dial_target(struct yq_redis_loop *l);

/* From the Sentinel to the master: the same attempt, with what is left of its time. */
static void on_master(redisAsyncContext *sentinel, void *data, void *context)
{
    (void)context;
    struct yq_redis_loop *l = sentinel->data;
    if (sentinel != l->redis || data == NULL)
        return; /* lost: on_disconnect is told as well */
    if (yq_redis_read_master(data, &l->target) != 0) {
        yq_redis_drop(l, "this Sentinel does not know the master");
        return;
    }
    l->redis = NULL;
    l->asking = false;
    redisAsyncFree(sentinel);
    dial_target(l);
}

/* ---- the socket ---- */

static void on_connect(const redisAsyncContext *redis, int status)
{
    struct yq_redis_loop *l = redis->data;
    if (redis != l->redis || status == REDIS_OK)
        return;
    yq_log_calm(YQ_LOG_ERROR, "redis.unreachable", l->target.host, redis->errstr);
    retry_later(l); /* hiredis frees its context */
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct yq_redis_loop *l = redis->data;
    if (redis != l->redis)
        return;
    yq_log_calm(YQ_LOG_ERROR, "redis.lost", l->target.host,
                status == REDIS_OK ? "closed" : redis->errstr);
    retry_later(l);
}

static void take_socket(struct yq_redis_loop *l, redisAsyncContext *redis)
{
    if (redis == NULL || redis->err != 0) {
        yq_log_calm(YQ_LOG_ERROR, "redis.unreachable", l->target.host,
                    redis != NULL ? redis->errstr : "no memory");
        if (redis != NULL)
            redisAsyncFree(redis);
        retry_later(l);
        return;
    }
    l->redis = redis;
    yq_redis_attach(l, redis);
    redisAsyncSetConnectCallback(redis, on_connect);
    redisAsyncSetDisconnectCallback(redis, on_disconnect);
    if (l->asking)
        redisAsyncCommand(redis, on_master, NULL, "SENTINEL get-master-addr-by-name %s",
                          l->address.master);
    else
        greet(l);
}

/* ---- the name ---- */

/* Outlives the loop where that is freed first: the resolver answers when it likes. */
struct yq_redis_lookup {
    struct yq_redis_loop *loop; /* NULL: nobody waits any more */
};

static void on_resolved(int failed, struct evutil_addrinfo *found, void *context)
{
    struct yq_redis_lookup *lookup = context;
    struct yq_redis_loop *l = lookup->loop;
    free(lookup);
    if (l == NULL) {
        if (found != NULL)
            evutil_freeaddrinfo(found);
        return;
    }
    l->lookup = NULL;
    if (failed != 0 || found == NULL) {
        yq_log_calm(YQ_LOG_ERROR, "redis.unreachable", l->target.host, evutil_gai_strerror(failed));
        retry_later(l);
        return;
    }
    char ip[INET6_ADDRSTRLEN];
    const void *at = found->ai_family == AF_INET6
                         ? (const void *)&((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr
                         : (const void *)&((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
    (void)inet_ntop(found->ai_family, at, ip, sizeof(ip));
    evutil_freeaddrinfo(found);
    take_socket(l, redisAsyncConnect(ip, l->target.port));
}

/* hiredis itself would ask the resolver and hold up the loop. */
static void resolve(struct yq_redis_loop *l)
{
    if (l->dns == NULL)
        l->dns = evdns_base_new(l->o.base, EVDNS_BASE_INITIALIZE_NAMESERVERS |
                                               EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    l->lookup = yq_calloc(1, sizeof(*l->lookup));
    l->lookup->loop = l;
    if (l->dns == NULL) {
        on_resolved(EVUTIL_EAI_FAIL, NULL, l->lookup);
        return;
    }
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    (void)evdns_getaddrinfo(l->dns, l->target.host, NULL, &hints, on_resolved, l->lookup);
}

static bool is_numeric(const char *host)
{
    unsigned char room[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

static void dial_target(struct yq_redis_loop *l)
{
    const struct yq_redis_sentinel *t = &l->target;
    if (t->port == 0)
        take_socket(l, redisAsyncConnectUnix(t->host));
    else if (is_numeric(t->host))
        take_socket(l, redisAsyncConnect(t->host, t->port));
    else
        resolve(l);
}

/* Every attempt asks the next Sentinel. */
static void choose_target(struct yq_redis_loop *l)
{
    const struct yq_redis_address *a = &l->address;
    l->asking = a->sentinel_count > 0;
    if (l->asking) {
        l->target = a->sentinels[l->attempts % a->sentinel_count];
        return;
    }
    memcpy(l->target.host, a->host, sizeof(a->host));
    l->target.port = a->port;
}

void yq_redis_dial(struct yq_redis_loop *l)
{
    l->dialled_ms = yq_redis_now_ms();
    yq_redis_arm(l->dial, l->o.timeout_ms);
    choose_target(l);
    dial_target(l);
}

static bool is_dialling(const struct yq_redis_loop *l)
{
    return l->redis != NULL || l->lookup != NULL;
}

void yq_redis_dial_soon(struct yq_redis_loop *l)
{
    if (!is_dialling(l) && !l->stopping && yq_redis_now_ms() - l->dialled_ms >= FIRST_RETRY_MS)
        yq_redis_dial(l);
}

void yq_redis_on_dial(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_redis_loop *l = context;
    if (l->lookup != NULL)
        return; /* the resolver has a time-out of its own, and always answers */
    if (l->redis == NULL)
        yq_redis_dial(l);
    else
        yq_redis_drop(l, "no connection in time");
}

void yq_redis_hang_up(struct yq_redis_loop *l)
{
    if (l->lookup != NULL)
        l->lookup->loop = NULL;
    yq_redis_drop(l, "stopping");
    if (l->dns != NULL)
        evdns_base_free(l->dns, 1);
    l->dns = NULL;
}
