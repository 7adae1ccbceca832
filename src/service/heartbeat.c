/* The sign of life of this process, and the look at Redis' settings. */
#include "service/heartbeat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/redis.h"
#include "clients/system_clock.h"
#include "current.h"
#include "epoch.h"
#include "service/log.h"
#include "service/metrics.h"
#include "service/serve.h"
#include "ticker.h"

#define LOOK_MS 250
#define LOOK_OFTEN_MS 20 /* while a test moves the clock */
#define BEAT_MS 5000
#define CHECK_MS 60000
#define FORGET_MS (INT64_C(24) * 3600 * 1000) /* a process without a beat for so long */

struct yq_heartbeat {
    struct yq_current current;
    const struct yq_clock *clock;
    struct yq_keys keys;
    struct yq_epochs *epochs;
    unsigned roles;
    char key[YQ_KEY_MAX];
    char name[320]; /* host:pid:namespace */
    int64_t started_ms;
    struct yq_redis *redis;
    struct yq_ticker *ticker;
    int64_t beat_ms, checked_ms; /* monotonic; 0: not yet */
    atomic_bool up, safe;
    pthread_mutex_t spool_lock;
    struct yq_spool *spool;          /* NULL: none */
    struct yq_spool_figures figures; /* as they were last */
    bool has_spool;
};

static void write_roles(struct yq_buf *out, unsigned roles)
{
    static const struct {
        unsigned role;
        const char *name;
    } names[] = {
        {YQ_ROLE_RECEIVER, "receiver"},
        {YQ_ROLE_WORKER, "worker"},
        {YQ_ROLE_SCHEDULER, "scheduler"},
        {YQ_ROLE_ADMIN, "admin"},
    };
    const char *comma = "";
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((roles & names[i].role) == 0)
            continue;
        yq_buf_addf(out, "%s\"%s\"", comma, names[i].name);
        comma = ",";
    }
    yq_buf_addc(out, ']');
}

/* Two containers of the same host name may both be number 1: their namespaces differ. */
static void name_self(struct yq_heartbeat *h)
{
    char host[256] = "?", space[64] = "";
    (void)gethostname(host, sizeof(host) - 1);
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof(space) - 1); /* "pid:[4026531836]" */
    const char *number = n > 0 ? strchr(space, '[') : NULL;
    (void)snprintf(h->name, sizeof(h->name), "%s:%ld:%.*s", host, (long)getpid(),
                   number != NULL ? (int)strcspn(number + 1, "]") : 0,
                   number != NULL ? number + 1 : "");
}

static void write_spool(struct yq_heartbeat *h, struct yq_buf *out)
{
    pthread_mutex_lock(&h->spool_lock);
    if (h->spool != NULL)
        yq_spool_figures(h->spool, &h->figures);
    if (h->has_spool)
        yq_buf_addf(out, ",\"spool\":{\"entries\":%zu,\"bytes\":%zu,\"since\":%lld}",
                    h->figures.entries, h->figures.bytes, (long long)h->figures.since_ms);
    pthread_mutex_unlock(&h->spool_lock);
}

static int beat(struct yq_heartbeat *h, struct yq_error *err)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_adds(&json, "{\"roles\":");
    write_roles(&json, h->roles);
    yq_buf_addf(&json, ",\"at\":%lld,\"started\":%lld,\"version\":\"" YQ_VERSION "\"",
                (long long)yq_wall_ms(h->clock), (long long)h->started_ms);
    write_spool(h, &json);
    yq_buf_addc(&json, '}');
    redisReply *reply =
        yq_redis_command(h->redis, err, "HSET %s %s %s", h->key, h->name, json.data);
    yq_buf_release(&json);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

static bool is_forgotten(const redisReply *json, int64_t now_ms)
{
    int64_t at = 0;
    cJSON *root = yq_json_parse(json->str, json->len, NULL);
    bool known = yq_json_int(root, "at", &at);
    cJSON_Delete(root);
    return !known || now_ms - at > FORGET_MS;
}

static int forget_others(struct yq_heartbeat *h, struct yq_error *err)
{
    redisReply *all = yq_redis_command(h->redis, err, "HGETALL %s", h->key);
    if (all == NULL)
        return -1;
    int64_t now = yq_wall_ms(h->clock);
    for (size_t i = 0; i + 1 < all->elements; i += 2) {
        if (!is_forgotten(all->element[i + 1], now))
            continue;
        redisReply *gone =
            yq_redis_command(h->redis, NULL, "HDEL %s %s", h->key, all->element[i]->str);
        if (gone != NULL)
            freeReplyObject(gone);
    }
    freeReplyObject(all);
    return 0;
}

static int check_settings(struct yq_heartbeat *h, struct yq_error *err)
{
    struct yq_buf faults = YQ_BUF_INIT;
    int result = yq_redis_check_settings(h->redis, &faults, err);
    if (result == 0) {
        atomic_store(&h->safe, faults.len == 0);
        yq_metric_set(YQ_METRIC_REDIS_SAFE, NULL, faults.len == 0);
    }
    if (result == 0 && faults.len > 0)
        yq_log(YQ_LOG_ERROR, "redis.unsafe", "faults", faults.data, "meaning",
               "what WeCom was told is stored can be lost", NULL);
    yq_buf_release(&faults);
    return result;
}

static bool is_due(int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
    if (*last_ms != 0 && now_ms - *last_ms < every_ms)
        return false;
    *last_ms = now_ms;
    return true;
}

static int check_epochs(struct yq_heartbeat *h, struct yq_error *err)
{
    const struct yq_settings *settings = yq_current_take(&h->current);
    int rc = yq_epochs_check(h->epochs, h->redis, &h->keys, settings, h->clock, err);
    yq_settings_free(settings);
    return rc;
}

static int tick(void *context)
{
    struct yq_heartbeat *h = context;
    struct yq_error err = {0};
    int64_t now = yq_mono_ms(h->clock);
    if (!is_due(&h->beat_ms, now, BEAT_MS))
        return 0;
    int result = beat(h, &err);
    atomic_store(&h->up, result == 0);
    if (result == 0)
        result = check_epochs(h, &err);
    if (result == 0 && is_due(&h->checked_ms, now, CHECK_MS)) {
        result = check_settings(h, &err);
        if (result == 0)
            result = forget_others(h, &err);
        if (result != 0)
            h->checked_ms = 0;
    }
    if (result != 0)
        yq_log_calm(YQ_LOG_ERROR, "heartbeat.failed", yq_error_kind_name(err.kind), err.text);
    return result;
}

struct yq_heartbeat *yq_heartbeat_start(const struct yq_settings *settings, unsigned roles,
                                        const struct yq_clock *clock, struct yq_error *err)
{
    struct yq_redis_address address;
    if (yq_settings_redis(settings, &address, err) != 0)
        return NULL;
    struct yq_heartbeat *h = yq_calloc(1, sizeof(*h));
    (void)snprintf(h->keys.prefix, sizeof(h->keys.prefix), "%s", settings->redis_prefix);
    (void)yq_global_key(&h->keys, "processes", h->key);
    name_self(h);
    yq_current_init(&h->current, settings);
    h->clock = clock;
    h->roles = roles;
    h->epochs = yq_epochs_new();
    pthread_mutex_init(&h->spool_lock, NULL);
    h->started_ms = yq_wall_ms(clock);
    atomic_init(&h->up, true); /* nothing else is known yet */
    atomic_init(&h->safe, true);
    h->redis = yq_redis_new(&address, (int)settings->redis_timeout_ms);
    h->ticker = yq_ticker_start(yq_system_clock_is_moved() ? LOOK_OFTEN_MS : LOOK_MS, tick, h);
    return h;
}

void yq_heartbeat_reload(struct yq_heartbeat *h, const struct yq_settings *settings)
{
    if (h != NULL)
        yq_current_set(&h->current, settings);
}

void yq_heartbeat_watch_spool(struct yq_heartbeat *h, struct yq_spool *spool)
{
    if (h == NULL)
        return;
    pthread_mutex_lock(&h->spool_lock);
    if (spool == NULL && h->spool != NULL)
        yq_spool_figures(h->spool, &h->figures);
    h->has_spool |= spool != NULL;
    h->spool = spool;
    pthread_mutex_unlock(&h->spool_lock);
}

/* What it leaves on its disk shall not be forgotten. */
static void say_goodbye(struct yq_heartbeat *h)
{
    if (h->figures.entries > 0) {
        (void)beat(h, NULL);
        return;
    }
    redisReply *gone = yq_redis_command(h->redis, NULL, "HDEL %s %s", h->key, h->name);
    if (gone != NULL)
        freeReplyObject(gone);
}

void yq_heartbeat_stop(struct yq_heartbeat *h)
{
    if (h == NULL)
        return;
    yq_ticker_stop(h->ticker);
    say_goodbye(h);
    yq_redis_free(h->redis);
    yq_epochs_free(h->epochs);
    yq_current_release(&h->current);
    pthread_mutex_destroy(&h->spool_lock);
    free(h);
}

bool yq_heartbeat_redis_up(const struct yq_heartbeat *h)
{
    return atomic_load(&h->up);
}

bool yq_heartbeat_redis_safe(const struct yq_heartbeat *h)
{
    return atomic_load(&h->safe);
}
