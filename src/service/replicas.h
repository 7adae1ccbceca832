/* What Redis has taken, but not yet as many of its replicas as are wanted (redis.wait_replicas).
 * WAIT holds up the connection that sends it: therefore one is under way at a time, behind all that
 * was written before it, and what is written meanwhile waits for the next one. */
#ifndef YQ_SERVICE_REPLICAS_H
#define YQ_SERVICE_REPLICAS_H

#include <stdbool.h>
#include <stdint.h>

#include "redis_loop.h"

struct yq_written { /* belongs to whoever waits, until it is told */
    struct yq_written *next;
    void (*told)(void *context, bool enough);
    void *context;
};

struct yq_replicas {
    struct yq_redis_loop *redis;
    int wanted; /* 0: nobody waits, and nothing is ever sent */
    int64_t timeout_ms;
    void *context;
    void (*caught_up)(void *context); /* there were too few, and are enough again */
    /* its own: */
    struct yq_written *first, **last;
    bool due;   /* something was written that no WAIT follows yet */
    bool asked; /* a WAIT is under way */
    bool behind;
};

/* The fields above "its own" are set. */
void yq_replicas_init(struct yq_replicas *r);
/* A command that writes was sent. */
void yq_replicas_expect(struct yq_replicas *r);
/* It was answered: told is called later, enough = false where they were too few in time, or where
 * the connection was lost. */
void yq_replicas_add(struct yq_replicas *r, struct yq_written *w);
/* Before the pipeline is written; and now and then, so that those who were behind are seen again.
 */
void yq_replicas_ask(struct yq_replicas *r);
/* The last time they were too few. */
bool yq_replicas_behind(const struct yq_replicas *r);

#endif
