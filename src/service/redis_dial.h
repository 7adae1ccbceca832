/* The inside of redis_loop: shared by redis_loop.c and redis_dial.c only. */
#ifndef YQ_SERVICE_REDIS_DIAL_H
#define YQ_SERVICE_REDIS_DIAL_H

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <hiredis/async.h>
#include <stdint.h>
#include <sys/queue.h>

#include "redis_loop.h"

struct call;

struct yq_redis_loop {
    struct yq_redis_loop_options o;
    struct yq_redis_address address;
    struct yq_redis_sentinel target; /* who is dialled: Redis, or a Sentinel; port 0: a path */
    bool asking;                     /* a Sentinel, where the master is */
    redisAsyncContext *redis;        /* NULL: none, not even in the making */
    bool up;                         /* it has answered our greeting */
    bool stopping;
    bool flush_due, flushing;
    struct event *flush, *deadline, *tick;
    struct event *dial; /* ends an attempt, or starts the next */
    unsigned attempts;  /* since it was up for a while */
    int64_t dialled_ms;
    struct evdns_base *dns;         /* only where the host is a name */
    struct yq_redis_lookup *lookup; /* the name is being looked up */
    STAILQ_HEAD(, call) calls;      /* the oldest first */
    STAILQ_HEAD(, call) spare;
};

int64_t yq_redis_now_ms(void);
void yq_redis_arm(struct event *timer, int64_t wait_ms);
void yq_redis_attach(struct yq_redis_loop *l, redisAsyncContext *redis);

/* Starts an attempt to connect. */
void yq_redis_dial(struct yq_redis_loop *l);
/* Somebody wants it: does not wait for the back-off to end. */
void yq_redis_dial_soon(struct yq_redis_loop *l);
void yq_redis_on_dial(evutil_socket_t fd, short what, void *context);
/* Gives the connection up and plans the next attempt. */
void yq_redis_drop(struct yq_redis_loop *l, const char *why);
/* … plans none, and lets go of the resolver. */
void yq_redis_hang_up(struct yq_redis_loop *l);

#endif
