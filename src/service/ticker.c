/* A thread with a stop that does not wait for the interval to end. */
#include "ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/backoff.h"
#include "base/memory.h"

#define REST_MAX_MS 2000

struct yq_ticker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop; /* on the monotonic clock */
    bool stopping;
    int interval_ms;
    int (*tick)(void *context);
    void *context;
};

/* True when it is time to end. */
static bool wait_or_stop(struct yq_ticker *t, int64_t wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long long ns = until.tv_nsec + (long long)wait_ms * 1000000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&t->lock);
    int result = 0;
    while (!t->stopping && result == 0)
        result = pthread_cond_timedwait(&t->stop, &t->lock, &until);
    bool stopping = t->stopping;
    pthread_mutex_unlock(&t->lock);
    return stopping;
}

static void *run(void *context)
{
    struct yq_ticker *t = context;
    const struct yq_backoff backoff = {t->interval_ms,
                                       t->interval_ms > REST_MAX_MS ? t->interval_ms : REST_MAX_MS};
    unsigned failures = 0;
    int64_t wait_ms;
    do {
        failures = t->tick(t->context) == 0 ? 0 : failures + 1;
        wait_ms = t->interval_ms;
        if (failures > 0)
            wait_ms = yq_backoff_ms(&backoff, failures + 1, (uint64_t)(uintptr_t)t);
    } while (!wait_or_stop(t, wait_ms));
    return NULL;
}

struct yq_ticker *yq_ticker_start(int interval_ms, int (*tick)(void *context), void *context)
{
    struct yq_ticker *t = yq_calloc(1, sizeof(*t));
    t->interval_ms = interval_ms;
    t->tick = tick;
    t->context = context;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&t->lock, NULL);
    if (pthread_create(&t->thread, NULL, run, t) != 0)
        abort(); /* no memory, as in base/memory.h */
    return t;
}

void yq_ticker_stop(struct yq_ticker *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->stop);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->stop);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
