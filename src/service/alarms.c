/* The thread of the alarms. */
#include "service/alarms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alarm_inner.h"
#include "base/memory.h"
#include "clients/system_clock.h"
#include "service/log.h"
#include "service/metrics.h"
#include "ticker.h"

#define TICK_MS 100
#define TICK_OFTEN_MS 20 /* while a test moves the clock */
#define LOOK_MS 5000
#define LOOK_OFTEN_MS 200
#define STOP_MS 1000 /* for what is being posted */

/* Those that are over fall to 0. */
static void tell_gauges(const char *id, const struct yq_pairs *open)
{
    double counts[YQ_ALARM_COUNT] = {0};
    enum yq_alarm_kind kind;
    for (size_t i = 0; i < open->count; i++) {
        if (yq_alarm_parse_key(open->items[i].name, &kind) == 0)
            counts[kind]++;
    }
    for (int k = 0; k < YQ_ALARM_COUNT; k++)
        yq_metric_set_pair(YQ_METRIC_ALARMS_OPEN, id, yq_alarm_name((enum yq_alarm_kind)k),
                           counts[k]);
}

static int look_at(struct yq_alarms *a, const struct yq_connection_settings *c,
                   struct yq_error *err)
{
    struct yq_alarm_facts facts;
    if (yq_store_load_alarm_facts(a->redis, &a->keys, c->id, &facts, err) < 0)
        return -1;
    tell_gauges(c->id, &facts.alarms);
    int rc = yq_alarm_watch(a, c, &facts, err);
    if (rc == 0)
        rc = yq_alarm_post_due(a, c->id, &facts, err);
    if (rc > 0)
        a->looked_ms = 0; /* what is new is posted at the next look, which is now */
    yq_alarm_facts_release(&facts);
    return rc < 0 ? -1 : 0;
}

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static void know_receivers(struct yq_alarms *a)
{
    a->options = (struct yq_http_options){.proxy = or_null(a->settings->alarms.proxy),
                                          .ca_file = or_null(a->settings->alarms.ca_file),
                                          .total_ms = 10000,
                                          .max_body = 65536};
    a->receiver_count = 0;
    yq_alarm_make_receivers(a);
}

static void forget_gauges(const struct yq_settings *old, const struct yq_settings *now)
{
    for (size_t i = 0; i < old->connection_count; i++) {
        if (yq_settings_connection(now, old->connections[i].id) == NULL)
            yq_metric_forget(YQ_METRIC_ALARMS_OPEN, old->connections[i].id);
    }
}

/* False while something is being posted under settings that do not hold any more: its receiver and
 * its connection are of those. */
static bool take_settings(struct yq_alarms *a)
{
    const struct yq_settings *old = a->settings, *now = yq_current_take(&a->current);
    if (now == old || a->posts != NULL) {
        yq_settings_free(now);
        return now == old;
    }
    a->settings = now;
    free(a->receivers);
    know_receivers(a);
    forget_gauges(old, now);
    yq_settings_free(old);
    return true;
}

static bool is_time_to_look(struct yq_alarms *a)
{
    int64_t now = yq_mono_ms(a->clock);
    int64_t every = yq_system_clock_is_moved() ? LOOK_OFTEN_MS : LOOK_MS;
    if (a->looked_ms != 0 && now - a->looked_ms < every)
        return false;
    a->looked_ms = now;
    return true;
}

/* Ends at the first fault: what is left is due again at the next look. */
static int tick(void *context)
{
    struct yq_alarms *a = context;
    struct yq_error err = {0};
    int rc = yq_alarm_move_posts(a, &err);
    if (rc == 0 && take_settings(a) && is_time_to_look(a)) {
        for (size_t i = 0; i < a->settings->connection_count && rc == 0; i++)
            rc = look_at(a, &a->settings->connections[i], &err);
    }
    if (rc != 0)
        yq_log_calm(YQ_LOG_ERROR, "alarms.failed", yq_error_kind_name(err.kind), err.text);
    return rc;
}

struct yq_alarms *yq_alarms_start(const struct yq_settings *settings, const struct yq_clock *clock,
                                  struct yq_error *err)
{
    struct yq_redis_address address;
    if (yq_settings_redis(settings, &address, err) != 0)
        return NULL;
    struct yq_alarms *a = yq_calloc(1, sizeof(*a));
    yq_current_init(&a->current, settings);
    a->settings = yq_current_take(&a->current);
    a->clock = clock;
    a->started_ms = yq_wall_ms(clock);
    (void)snprintf(a->keys.prefix, sizeof(a->keys.prefix), "%s", settings->redis_prefix);
    a->redis = yq_redis_new(&address, (int)settings->redis_timeout_ms);
    a->http = yq_http_new();
    know_receivers(a);
    a->ticker = yq_ticker_start(yq_system_clock_is_moved() ? TICK_OFTEN_MS : TICK_MS, tick, a);
    return a;
}

void yq_alarms_reload(struct yq_alarms *a, const struct yq_settings *settings)
{
    if (a != NULL)
        yq_current_set(&a->current, settings);
}

void yq_alarms_stop(struct yq_alarms *a)
{
    if (a == NULL)
        return;
    yq_ticker_stop(a->ticker);
    for (int ms = 0; a->posts != NULL && ms < STOP_MS; ms += TICK_MS) {
        (void)yq_http_poll(a->http, TICK_MS, NULL);
        if (yq_alarm_move_posts(a, NULL) < 0)
            break; /* without Redis its end cannot be written down */
    }
    yq_alarm_drop_posts(a);
    yq_http_free(a->http);
    yq_redis_free(a->redis);
    free(a->receivers);
    yq_settings_free(a->settings);
    yq_current_release(&a->current);
    free(a);
}
