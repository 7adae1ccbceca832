/* The worker pool. */
#include "service/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/backoff.h"
#include "base/memory.h"
#include "clients/http_client.h"
#include "clients/queue.h"
#include "clients/system_clock.h"
#include "connections.h"
#include "reconciler.h"
#include "service/log.h"
#include "turn.h"

#define TAKE_MS 500         /* how long a thread waits for a ready connection before it looks up */
#define TAKE_MOVED_MS 50    /* the same while a test moves the clock */
#define EXTRA_IDLE_TAKES 20 /* so often in vain, and a thread beyond the configured number ends */
#define PAUSE_MS 200        /* after Redis failed; more each time */
#define PAUSE_MAX_MS 2000
#define PAUSE_STEP_MS 50 /* so soon a stop is noticed */

struct yq_workers {
    const struct yq_clock *clock;
    struct yq_keys keys;
    struct yq_redis_address address;
    int redis_timeout_ms;
    struct yq_connections_place place;
    struct yq_reconciler *reconciler;
    atomic_bool stopping, aborting;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t ended;
    int wanted, most; /* threads, as the settings say */
    int alive, idle;
};

/* After so many failures in a row. */
static void rest(struct yq_workers *w, unsigned failures)
{
    static const struct yq_backoff backoff = {PAUSE_MS, PAUSE_MAX_MS};
    int64_t ms = yq_backoff_ms(&backoff, failures, (uint64_t)pthread_self());
    for (; ms > 0 && !atomic_load(&w->stopping); ms -= PAUSE_STEP_MS)
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_STEP_MS * 1000000L}, NULL);
}

static void *run_thread(void *argument);

/* With the lock held. */
static int start_thread(struct yq_workers *w)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attributes, run_thread, w);
    pthread_attr_destroy(&attributes);
    if (failed)
        return -1;
    w->alive++;
    return 0;
}

/* From idle to busy: the last idle thread first starts another one, so that there is always
 * somebody waiting for the next company. */
static void become_busy(struct yq_workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->idle--;
    if (w->idle == 0 && w->alive < w->most && !atomic_load(&w->stopping))
        (void)start_thread(w); /* without it the others do the work, only later */
    pthread_mutex_unlock(&w->lock);
}

static void become_idle(struct yq_workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->idle++;
    pthread_mutex_unlock(&w->lock);
}

/* A thread beyond the configured number that found nothing to do for a while may go. */
static bool may_end(struct yq_workers *w, int takes_in_vain)
{
    pthread_mutex_lock(&w->lock);
    bool extra = w->alive > w->wanted && w->idle > 1;
    pthread_mutex_unlock(&w->lock);
    return extra && takes_in_vain >= EXTRA_IDLE_TAKES;
}

/* Under the settings that hold now. */
static void work_on(struct yq_workers *w, struct yq_turn_context *c, const char *id)
{
    struct yq_error err = {0};
    struct yq_connections *t = yq_connections_take(&w->place);
    struct yq_connection *connection = yq_connections_find(t, id);
    c->settings = t->settings;
    c->outdated = &t->outdated;
    if (connection == NULL) { /* of another configuration: its workers sweep it up */
        yq_log_calm(YQ_LOG_WARN, "connection.unknown", id, "not in this configuration");
    } else {
        become_busy(w);
        if (yq_turn_run(c, connection, &err) < 0) {
            yq_log_calm(YQ_LOG_WARN, "turn.failed", id, err.text);
            rest(w, 1);
        }
        become_idle(w);
    }
    yq_connections_free(t);
}

static int take_one(struct yq_workers *w, struct yq_turn_context *c, unsigned *failures)
{
    char id[64];
    struct yq_error err = {0};
    int wait = yq_system_clock_is_moved() ? TAKE_MOVED_MS : TAKE_MS;
    int taken = yq_ready_take(c->redis, c->keys, wait, id, &err);
    if (taken < 0) {
        yq_log_calm(YQ_LOG_WARN, "redis.failed", "ready", err.text);
        rest(w, ++*failures);
        return 0;
    }
    *failures = 0;
    if (taken == 0)
        return 0;
    work_on(w, c, id);
    return 1;
}

static void *run_thread(void *argument)
{
    struct yq_workers *w = argument;
    struct yq_turn_context c = {.keys = &w->keys,
                                .clock = w->clock,
                                .redis = yq_redis_new(&w->address, w->redis_timeout_ms),
                                .http = yq_http_new(),
                                .stopping = &w->stopping,
                                .aborting = &w->aborting};
    become_idle(w);
    unsigned failures = 0;
    int in_vain = 0;
    while (!atomic_load(&w->stopping) && !may_end(w, in_vain))
        in_vain = take_one(w, &c, &failures) ? 0 : in_vain + 1;
    yq_redis_free(c.redis);
    yq_http_free(c.http);
    pthread_mutex_lock(&w->lock);
    w->idle--;
    w->alive--;
    pthread_cond_broadcast(&w->ended);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Returns how many threads there are. */
static int start_threads(struct yq_workers *w, const struct yq_settings *s)
{
    pthread_mutex_lock(&w->lock);
    w->wanted = s->workers;
    w->most = s->workers_max;
    for (int missing = w->wanted - w->alive; missing > 0; missing--)
        (void)start_thread(w); /* fewer do, too */
    int alive = w->alive;
    pthread_mutex_unlock(&w->lock);
    return alive;
}

struct yq_workers *yq_workers_start(const struct yq_settings *settings,
                                    const struct yq_clock *clock, struct yq_error *err)
{
    struct yq_workers *w = yq_calloc(1, sizeof(*w));
    w->clock = clock;
    if (yq_settings_redis(settings, &w->address, err) < 0) {
        free(w);
        return NULL;
    }
    (void)strncpy(w->keys.prefix, settings->redis_prefix, sizeof(w->keys.prefix) - 1);
    w->redis_timeout_ms = (int)settings->redis_timeout_ms;
    yq_connections_init(&w->place, settings, clock);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ended, NULL);
    if (start_threads(w, settings) > 0) {
        w->reconciler = yq_reconciler_start(&w->place, &w->address, clock);
        return w;
    }
    yq_error_set(err, YQ_ERROR_FATAL, "no worker thread could be started");
    yq_workers_stop(w, 0);
    return NULL;
}

void yq_workers_reload(struct yq_workers *w, const struct yq_settings *settings)
{
    if (w == NULL)
        return;
    yq_connections_set(&w->place, settings);
    (void)start_threads(w, settings);
    yq_reconciler_grow(w->reconciler);
}

static void wait_until_ended(struct yq_workers *w, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&w->lock);
    while (w->alive > 0) {
        if (ms < 0)
            pthread_cond_wait(&w->ended, &w->lock);
        else if (pthread_cond_timedwait(&w->ended, &w->lock, &until) != 0)
            break;
    }
    pthread_mutex_unlock(&w->lock);
}

void yq_workers_stop_soon(struct yq_workers *w)
{
    if (w == NULL)
        return;
    atomic_store(&w->stopping, true);
    yq_reconciler_stop_soon(w->reconciler);
}

void yq_workers_stop(struct yq_workers *w, int grace_ms)
{
    if (w == NULL)
        return;
    yq_workers_stop_soon(w);
    yq_reconciler_stop(w->reconciler);
    wait_until_ended(w, grace_ms);
    atomic_store(&w->aborting, true);
    wait_until_ended(w, -1);
    yq_connections_release(&w->place);
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int yq_workers_alive(const struct yq_workers *w)
{
    struct yq_workers *own = (struct yq_workers *)w;
    pthread_mutex_lock(&own->lock);
    int alive = own->alive;
    pthread_mutex_unlock(&own->lock);
    return alive;
}
