/* The scheduler's steps, each at its own pace, on one thread. */
#include "service/scheduler.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "clients/redis.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "current.h"
#include "service/log.h"
#include "service/metrics.h"
#include "ticker.h"

#define LOOK_MS 150      /* how late a delayed connection may be */
#define LOOK_OFTEN_MS 20 /* the same while a test moves the clock */
#define SWEEP_MS 5000
#define GAUGES_MS 15000
#define TRIM_MS 60000

struct yq_scheduler {
    struct yq_current current;
    const struct yq_settings *settings; /* held: those of this look */
    const struct yq_clock *clock;
    struct yq_keys keys;
    struct yq_redis *redis;
    const char **ids;
    struct yq_ticker *ticker;
    int64_t swept_ms, gauged_ms, trimmed_ms; /* monotonic; 0: not yet */
};

static bool is_due(int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
    if (*last_ms != 0 && now_ms - *last_ms < every_ms)
        return false;
    *last_ms = now_ms;
    return true;
}

static int move_delayed(struct yq_scheduler *s, struct yq_error *err)
{
    return yq_delayed_move(s->redis, &s->keys, yq_wall_ms(s->clock), err) < 0 ? -1 : 0;
}

static int sweep(struct yq_scheduler *s, struct yq_error *err)
{
    int found = yq_ready_sweep(s->redis, &s->keys, s->ids, s->settings->connection_count,
                               yq_wall_ms(s->clock), err);
    if (found > 0)
        yq_log(YQ_LOG_DEBUG, "scheduler.swept", "connections", yq_log_int(found), NULL);
    return found < 0 ? -1 : 0;
}

static int tell_gauges(struct yq_scheduler *s, struct yq_error *err)
{
    for (size_t i = 0; i < s->settings->connection_count; i++) {
        struct yq_queue_stats stats;
        const char *id = s->ids[i];
        if (yq_queue_stats(s->redis, &s->keys, id, yq_wall_ms(s->clock), &stats, err) != 0)
            return -1;
        yq_metric_set(YQ_METRIC_QUEUE_DEPTH, id, (double)(stats.waiting + stats.pending));
        yq_metric_set(YQ_METRIC_QUEUE_AGE, id, (double)stats.oldest_ms / 1000);
        yq_metric_set(YQ_METRIC_DEAD_LETTERS, id, (double)stats.dead);
        yq_metric_set(YQ_METRIC_RETRYING, id, (double)stats.retrying);
    }
    return 0;
}

static int trim(struct yq_scheduler *s, struct yq_error *err)
{
    for (size_t i = 0; i < s->settings->connection_count; i++) {
        int64_t trimmed;
        const struct yq_retention keep = {yq_wall_ms(s->clock), s->settings->retention_ms,
                                          s->settings->retention_max};
        if (yq_queue_trim(s->redis, &s->keys, s->ids[i], &keep, &trimmed, err) != 0 ||
            yq_store_trim(s->redis, &s->keys, s->ids[i], &keep, err) != 0)
            return -1;
        if (trimmed > 0)
            yq_log(YQ_LOG_INFO, "queue.trimmed", "connection", s->ids[i], "entries",
                   yq_log_int(trimmed), NULL);
    }
    return 0;
}

static void name_connections(struct yq_scheduler *s)
{
    free(s->ids);
    s->ids = yq_calloc(s->settings->connection_count + 1, sizeof(char *));
    for (size_t i = 0; i < s->settings->connection_count; i++)
        s->ids[i] = s->settings->connections[i].id;
}

/* What nobody measures any more is not told as if it still stood so. */
static void forget_gauges(const struct yq_settings *old, const struct yq_settings *now)
{
    for (size_t i = 0; i < old->connection_count; i++) {
        if (yq_settings_connection(now, old->connections[i].id) != NULL)
            continue;
        const char *id = old->connections[i].id;
        yq_metric_forget(YQ_METRIC_QUEUE_DEPTH, id);
        yq_metric_forget(YQ_METRIC_QUEUE_AGE, id);
        yq_metric_forget(YQ_METRIC_DEAD_LETTERS, id);
        yq_metric_forget(YQ_METRIC_RETRYING, id);
    }
}

static void take_settings(struct yq_scheduler *s)
{
    const struct yq_settings *old = s->settings, *now = yq_current_take(&s->current);
    if (now == old) {
        yq_settings_free(now);
        return;
    }
    s->settings = now;
    name_connections(s);
    s->swept_ms = s->gauged_ms = 0; /* who is new is looked at now */
    forget_gauges(old, now);
    yq_settings_free(old);
}

/* Ends at the first fault: what is left is due again at the next look, or soon after. */
static int tick(void *context)
{
    struct yq_scheduler *s = context;
    struct yq_error err = {0};
    take_settings(s);
    int64_t now = yq_mono_ms(s->clock);
    if (move_delayed(s, &err) == 0 &&
        (!is_due(&s->swept_ms, now, SWEEP_MS) || sweep(s, &err) == 0) &&
        (!is_due(&s->gauged_ms, now, GAUGES_MS) || tell_gauges(s, &err) == 0) &&
        (!is_due(&s->trimmed_ms, now, TRIM_MS) || trim(s, &err) == 0))
        return 0;
    yq_log_calm(YQ_LOG_ERROR, "scheduler.failed", yq_error_kind_name(err.kind), err.text);
    return -1;
}

struct yq_scheduler *yq_scheduler_start(const struct yq_settings *settings,
                                        const struct yq_clock *clock, struct yq_error *err)
{
    struct yq_redis_address address;
    if (yq_settings_redis(settings, &address, err) != 0)
        return NULL;
    struct yq_scheduler *s = yq_calloc(1, sizeof(*s));
    yq_current_init(&s->current, settings);
    s->settings = yq_current_take(&s->current);
    s->clock = clock;
    (void)snprintf(s->keys.prefix, sizeof(s->keys.prefix), "%s", settings->redis_prefix);
    s->redis = yq_redis_new(&address, (int)settings->redis_timeout_ms);
    name_connections(s);
    s->ticker = yq_ticker_start(yq_system_clock_is_moved() ? LOOK_OFTEN_MS : LOOK_MS, tick, s);
    return s;
}

void yq_scheduler_reload(struct yq_scheduler *s, const struct yq_settings *settings)
{
    if (s != NULL)
        yq_current_set(&s->current, settings);
}

void yq_scheduler_stop(struct yq_scheduler *s)
{
    if (s == NULL)
        return;
    yq_ticker_stop(s->ticker);
    yq_redis_free(s->redis);
    free(s->ids);
    yq_settings_free(s->settings);
    yq_current_release(&s->current);
    free(s);
}
