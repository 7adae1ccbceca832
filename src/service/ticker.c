/* A thread with a stop that does not wait for the interval to end. */
#include "ticker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

struct yq_ticker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop; /* on the monotonic clock */
    bool stopping;
    int interval_ms;
    void (*tick)(void *context);
    void *context;
};

/* True when it is time to end. */
static bool wait_or_stop(struct yq_ticker *t)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long long ns = until.tv_nsec + (long long)t->interval_ms * 1000000;
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
    do
        t->tick(t->context);
    while (!wait_or_stop(t));
    return NULL;
}

struct yq_ticker *yq_ticker_start(int interval_ms, void (*tick)(void *context), void *context)
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
