/* The leases of this process: a short list, since there are as many as threads at most. */
#include "lease_own.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"

struct yq_own {
    char *key;
    int64_t token; /* 0: not taken yet */
    struct yq_own *prev, *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct yq_own *all; /* guarded by lock */

struct yq_own *yq_own_begin(const char *key)
{
    struct yq_own *o = yq_calloc(1, sizeof(*o));
    o->key = yq_strdup(key);
    (void)pthread_mutex_lock(&lock);
    DL_APPEND(all, o);
    (void)pthread_mutex_unlock(&lock);
    return o;
}

bool yq_own_is_alone(const struct yq_own *o)
{
    const struct yq_own *other;
    bool alone = true;
    (void)pthread_mutex_lock(&lock);
    DL_FOREACH(all, other)
    alone = alone && (other == o || strcmp(other->key, o->key) != 0);
    (void)pthread_mutex_unlock(&lock);
    return alone;
}

void yq_own_keep(struct yq_own *o, int64_t token)
{
    (void)pthread_mutex_lock(&lock);
    o->token = token;
    (void)pthread_mutex_unlock(&lock);
}

/* With the lock held. */
static void take_out(struct yq_own *o)
{
    DL_DELETE(all, o);
    free(o->key);
    free(o);
}

void yq_own_end(struct yq_own *o)
{
    (void)pthread_mutex_lock(&lock);
    take_out(o);
    (void)pthread_mutex_unlock(&lock);
}

void yq_own_drop(const char *key, int64_t token)
{
    struct yq_own *o, *next;
    (void)pthread_mutex_lock(&lock);
    DL_FOREACH_SAFE(all, o, next)
    {
        if (o->token == token && token != 0 && strcmp(o->key, key) == 0)
            take_out(o);
    }
    (void)pthread_mutex_unlock(&lock);
}
