/* The reconcile threads: each looks at all connections, again and again, and runs what is due and
 * nobody else has. */
#include "reconciler.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/backoff.h"
#include "base/memory.h"
#include "clients/http_client.h"
#include "clients/system_clock.h"
#include "reconcile.h"
#include "service/log.h"

#define THREADS_MAX 4
#define LOOK_MS 1000
#define LOOK_OFTEN_MS 50 /* the same while a test moves the clock */
#define REST_MAX_MS 4000 /* while Redis is away: nobody waits for a reconcile as for an event */

struct yq_reconciler {
    struct yq_connections_place *place;
    struct yq_redis_address address;
    int redis_timeout_ms;
    const struct yq_clock *clock;
    struct yq_keys keys;
    int64_t started_ms;
    atomic_bool stopping;
    atomic_size_t next; /* where the next thread begins to look */
    pthread_mutex_t lock;
    pthread_cond_t stop; /* on the monotonic clock */
    pthread_t threads[THREADS_MAX];
    size_t count;
};

/* ---- times ---- */

/* When "HH:MM" passed last, in the zone of the process; 0: no such time. */
static int64_t last_passing(const char *full_at, int64_t now_ms)
{
    int hour, minute;
    if (full_at == NULL || sscanf(full_at, "%2d:%2d", &hour, &minute) != 2)
        return 0;
    time_t now = (time_t)(now_ms / 1000);
    struct tm day;
    if (localtime_r(&now, &day) == NULL)
        return 0;
    day.tm_hour = hour;
    day.tm_min = minute;
    day.tm_sec = 0;
    day.tm_isdst = -1;
    time_t at = mktime(&day);
    if (at > now) {
        day.tm_mday--;
        day.tm_isdst = -1;
        at = mktime(&day);
    }
    return (int64_t)at * 1000;
}

static struct yq_reconcile_times
times_of(const struct yq_reconciler *r, const struct yq_connection_settings *c, size_t connections)
{
    int64_t now = yq_wall_ms(r->clock);
    return (struct yq_reconcile_times){.now_ms = now,
                                       .started_ms = r->started_ms,
                                       .night_ms = last_passing(c->reconcile_full_at, now),
                                       .seed = yq_id_hash(c->id),
                                       .spread_ms = yq_reconcile_spread_ms(connections),
                                       .at_start = c->reconcile_at_start,
                                       .superiors = c->policy.superiors,
                                       .departments_every_ms = c->reconcile_departments_ms,
                                       .members_every_ms = c->reconcile_members_ms};
}

/* ---- the threads ---- */

/* Since when it is known that it was never reconciled. */
static int64_t new_since(struct yq_connection *connection, const struct yq_reconcile_state *s,
                         int64_t now_ms)
{
    int64_t since = 0;
    if (s->full_ms != 0)
        atomic_store(&connection->new_ms, 0);
    else if (atomic_compare_exchange_strong(&connection->new_ms, &since, now_ms))
        since = now_ms;
    return since;
}

/* A look without the lease: mostly there is nothing to do. -1: Redis is away, for all of them. */
static int look(const struct yq_turn_context *c, struct yq_reconcile_times *times,
                struct yq_connection *connection)
{
    const char *id = connection->settings->id;
    struct yq_reconcile_state s;
    struct yq_error err = {0};
    int rc = yq_store_load_reconcile_state(c->redis, c->keys, id, &s, &err);
    if (rc < 0 && err.kind == YQ_ERROR_RETRY) {
        yq_log_calm(YQ_LOG_WARN, "redis.failed", "reconciler", err.text);
        return -1;
    }
    if (rc == 0) {
        times->new_ms = new_since(connection, &s, times->now_ms);
        if (s.paused || (!s.going && yq_reconcile_due(times, &s).kind == YQ_RECONCILE_NONE))
            return 0;
        rc = yq_reconcile_run(c, connection, times, &err);
    }
    if (rc < 0)
        yq_log_calm(YQ_LOG_WARN, "reconcile.failed", id, err.text);
    return 0;
}

/* -1: Redis is away. */
static int look_at_all(struct yq_reconciler *r, struct yq_turn_context *c)
{
    struct yq_connections *t = yq_connections_take(r->place);
    size_t count = t->settings->connection_count, first = atomic_fetch_add(&r->next, 1);
    c->settings = t->settings;
    c->outdated = &t->outdated;
    int rc = 0;
    for (size_t i = 0;
         i < count && rc == 0 && !atomic_load(&r->stopping) && !atomic_load(&t->outdated); i++) {
        struct yq_connection *connection = t->items[(first + i) % count];
        struct yq_reconcile_times times = times_of(r, connection->settings, count);
        rc = look(c, &times, connection);
    }
    yq_connections_free(t);
    return rc;
}

/* After so many looks in a row for which Redis was away. */
static int rest_ms(unsigned failures)
{
    const struct yq_backoff backoff = {yq_system_clock_is_moved() ? LOOK_OFTEN_MS : LOOK_MS,
                                       REST_MAX_MS};
    return failures == 0 ? (int)backoff.first_ms
                         : (int)yq_backoff_ms(&backoff, failures + 1, (uint64_t)pthread_self());
}

/* True when it is time to end. */
static bool wait_or_stop(struct yq_reconciler *r, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long ns = until.tv_nsec + ms % 1000 * 1000000L;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&r->lock);
    int result = 0;
    while (!atomic_load(&r->stopping) && result == 0)
        result = pthread_cond_timedwait(&r->stop, &r->lock, &until);
    pthread_mutex_unlock(&r->lock);
    return atomic_load(&r->stopping);
}

static void *run_thread(void *argument)
{
    struct yq_reconciler *r = argument;
    struct yq_turn_context c = {.keys = &r->keys,
                                .clock = r->clock,
                                .redis = yq_redis_new(&r->address, r->redis_timeout_ms),
                                .http = yq_http_new(),
                                .stopping = &r->stopping,
                                .aborting = &r->stopping};
    unsigned failures = 0;
    do
        failures = look_at_all(r, &c) == 0 ? 0 : failures + 1;
    while (!wait_or_stop(r, rest_ms(failures)));
    yq_redis_free(c.redis);
    yq_http_free(c.http);
    return NULL;
}

static size_t thread_count(const struct yq_settings *s)
{
    size_t count =
        (size_t)s->workers < s->connection_count ? (size_t)s->workers : s->connection_count;
    return count < THREADS_MAX ? count : THREADS_MAX;
}

void yq_reconciler_grow(struct yq_reconciler *r)
{
    if (r == NULL)
        return;
    struct yq_connections *t = yq_connections_take(r->place);
    size_t wanted = thread_count(t->settings);
    while (r->count < wanted &&
           pthread_create(&r->threads[r->count], NULL, run_thread, r) == 0) /* fewer do, too */
        r->count++;
    yq_connections_free(t);
}

struct yq_reconciler *yq_reconciler_start(struct yq_connections_place *place,
                                          const struct yq_redis_address *address,
                                          const struct yq_clock *clock)
{
    struct yq_reconciler *r = yq_calloc(1, sizeof(*r));
    r->place = place;
    r->address = *address;
    r->clock = clock;
    r->started_ms = yq_wall_ms(clock);
    const struct yq_settings *s = place->now->settings;
    (void)snprintf(r->keys.prefix, sizeof(r->keys.prefix), "%s", s->redis_prefix);
    r->redis_timeout_ms = (int)s->redis_timeout_ms;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&r->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&r->lock, NULL);
    yq_reconciler_grow(r);
    return r;
}

void yq_reconciler_stop_soon(struct yq_reconciler *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    atomic_store(&r->stopping, true);
    pthread_cond_broadcast(&r->stop);
    pthread_mutex_unlock(&r->lock);
}

void yq_reconciler_stop(struct yq_reconciler *r)
{
    if (r == NULL)
        return;
    yq_reconciler_stop_soon(r);
    for (size_t i = 0; i < r->count; i++)
        pthread_join(r->threads[i], NULL);
    pthread_cond_destroy(&r->stop);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
