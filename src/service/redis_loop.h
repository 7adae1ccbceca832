/* One connection to Redis on a libevent loop: asynchronous, pipelined, with deadlines, and made
 * again by itself. hiredis has no time-outs of its own; its answers come in the order of the
 * commands, so that one look at the oldest is enough. */
#ifndef YQ_SERVICE_REDIS_LOOP_H
#define YQ_SERVICE_REDIS_LOOP_H

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "clients/redis.h"

struct yq_redis_loop;

struct yq_redis_loop_options {
    struct event_base *base;
    const struct yq_redis_address *address; /* copied */
    int timeout_ms;                         /* for connecting and for each answer */
    void *context;
    void (*on_up)(void *context);    /* Redis answers (again) */
    void (*on_flush)(void *context); /* the pipeline is about to be written: last additions */
};

/* reply: NULL when the connection was lost or the answer came too late. Belongs to the caller of
 * the function. */
typedef void yq_redis_loop_reply(void *context, const redisReply *reply);

struct yq_redis_loop *yq_redis_loop_new(const struct yq_redis_loop_options *options);
/* Every waiting reply function is called with NULL. */
void yq_redis_loop_free(struct yq_redis_loop *l);
bool yq_redis_loop_up(const struct yq_redis_loop *l);
/* Gives this connection up for another one; also from a reply function. */
void yq_redis_loop_renew(struct yq_redis_loop *l, const char *why);
/* Takes one command in Redis' own form. Returns 0, or -1 when Redis is gone: then fn will not be
 * called, and a new attempt to connect may be on its way. fn may be NULL. */
int yq_redis_loop_send(struct yq_redis_loop *l, const char *command, size_t len,
                       yq_redis_loop_reply *fn, void *context);

#endif
