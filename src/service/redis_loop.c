/* The asynchronous connection to Redis: how hiredis meets libevent, and what each answer waits for.
 * Its making is in redis_dial.c.
 *
 * Commands of one turn of the loop are written together, when everybody had their say: that is one
 * system call for all of them, and none to wait until the socket is writable. */
#include "redis_loop.h"

#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "redis_dial.h"
#include "service/log.h"
#include "service/metrics.h"

#define TICK_MS 2000 /* an idle connection is tried that often */

struct call {
    STAILQ_ENTRY(call) link;
    yq_redis_loop_reply *fn;
    void *context;
    int64_t since_ms;
};

/* hiredis' side of the events; lives as long as its context. */
struct wire {
    struct yq_redis_loop *loop;
    redisAsyncContext *redis;
    struct event readable, writable;
};

int64_t yq_redis_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void yq_redis_arm(struct event *timer, int64_t wait_ms)
{
    struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};
    evtimer_add(timer, &wait);
}

/* ---- events for hiredis ---- */

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    redisAsyncHandleRead(((struct wire *)context)->redis);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    redisAsyncHandleWrite(((struct wire *)context)->redis);
}

static void add_read(void *data)
{
    struct wire *w = data;
    if (!event_pending(&w->readable, EV_READ, NULL))
        event_add(&w->readable, NULL);
}

static void del_read(void *data)
{
    event_del(&((struct wire *)data)->readable);
}

/* Only a connection that is being made, or whose socket is full, waits for the socket. */
static void add_write(void *data)
{
    struct wire *w = data;
    struct yq_redis_loop *l = w->loop;
    if ((w->redis->c.flags & REDIS_CONNECTED) == 0 || l->flushing) {
        event_add(&w->writable, NULL);
    } else if (!l->flush_due) {
        l->flush_due = true;
        event_active(l->flush, 0, 0);
    }
}

static void del_write(void *data)
{
    struct wire *w = data;
    if (event_pending(&w->writable, EV_WRITE, NULL))
        event_del(&w->writable);
}

static void cleanup(void *data)
{
    struct wire *w = data;
    event_del(&w->readable);
    event_del(&w->writable);
    free(w);
}

void yq_redis_attach(struct yq_redis_loop *l, redisAsyncContext *redis)
{
    struct wire *w = yq_calloc(1, sizeof(*w));
    w->loop = l;
    w->redis = redis;
    event_assign(&w->readable, l->o.base, redis->c.fd, EV_READ | EV_PERSIST, on_readable, w);
    event_assign(&w->writable, l->o.base, redis->c.fd, EV_WRITE | EV_PERSIST, on_writable, w);
    redis->data = l;
    redis->ev.data = w;
    redis->ev.addRead = add_read;
    redis->ev.delRead = del_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = del_write;
    redis->ev.cleanup = cleanup;
}

static void on_flush(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_redis_loop *l = context;
    if (l->redis == NULL) {
        l->flush_due = false;
        return;
    }
    l->o.on_flush(l->o.context);
    l->flush_due = false;
    l->flushing = true;
    redisAsyncHandleWrite(l->redis);
    l->flushing = false;
}

/* ---- calls ---- */

static void on_reply(redisAsyncContext *redis, void *reply, void *data)
{
    struct yq_redis_loop *l = redis->data;
    struct call *call = data;
    yq_redis_loop_reply *fn = call->fn;
    void *context = call->context;
    if (reply == NULL)
        l->up = false;                   /* nobody who is told of it may send anew */
    STAILQ_REMOVE_HEAD(&l->calls, link); /* answers keep the order of the commands */
    STAILQ_INSERT_HEAD(&l->spare, call, link);
    if (fn != NULL)
        fn(context, reply);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_redis_loop *l = context;
    const struct call *oldest = STAILQ_FIRST(&l->calls);
    if (oldest == NULL)
        return;
    int64_t left_ms = oldest->since_ms + l->o.timeout_ms - yq_redis_now_ms();
    if (left_ms > 0)
        yq_redis_arm(l->deadline, left_ms);
    else
        yq_redis_drop(l, "no answer in time");
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    struct yq_redis_loop *l = context;
    if (l->up)
        l->attempts = 0;
    if (l->up && STAILQ_EMPTY(&l->calls))
        (void)yq_redis_loop_send(l, ping, sizeof(ping) - 1, NULL, NULL);
    yq_redis_arm(l->tick, TICK_MS);
}

static struct call *take_call(struct yq_redis_loop *l)
{
    struct call *call = STAILQ_FIRST(&l->spare);
    if (call == NULL)
        return yq_malloc(sizeof(*call));
    STAILQ_REMOVE_HEAD(&l->spare, link);
    return call;
}

int yq_redis_loop_send(struct yq_redis_loop *l, const char *command, size_t len,
                       yq_redis_loop_reply *fn, void *context)
{
    if (!l->up) {
        yq_redis_dial_soon(l);
        return -1;
    }
    struct call *call = take_call(l);
    *call = (struct call){.fn = fn, .context = context, .since_ms = yq_redis_now_ms()};
    if (redisAsyncFormattedCommand(l->redis, on_reply, call, command, len) != REDIS_OK) {
        free(call);
        return -1;
    }
    STAILQ_INSERT_TAIL(&l->calls, call, link);
    if (!evtimer_pending(l->deadline, NULL))
        yq_redis_arm(l->deadline, l->o.timeout_ms);
    return 0;
}

/* ---- life ---- */

static struct event *new_timer(struct yq_redis_loop *l, event_callback_fn fn)
{
    struct event *e = evtimer_new(l->o.base, fn, l);
    if (e == NULL)
        abort(); /* no memory */
    return e;
}

struct yq_redis_loop *yq_redis_loop_new(const struct yq_redis_loop_options *options)
{
    struct yq_redis_loop *l = yq_calloc(1, sizeof(*l));
    l->o = *options;
    l->address = *options->address;
    STAILQ_INIT(&l->calls);
    STAILQ_INIT(&l->spare);
    l->flush = new_timer(l, on_flush);
    l->deadline = new_timer(l, on_deadline);
    l->tick = new_timer(l, on_tick);
    l->dial = new_timer(l, yq_redis_on_dial);
    yq_redis_arm(l->tick, TICK_MS);
    yq_redis_dial(l);
    return l;
}

void yq_redis_loop_free(struct yq_redis_loop *l)
{
    if (l == NULL)
        return;
    l->stopping = true;
    yq_redis_hang_up(l);
    struct call *call;
    while ((call = STAILQ_FIRST(&l->spare)) != NULL) {
        STAILQ_REMOVE_HEAD(&l->spare, link);
        free(call);
    }
    event_free(l->flush);
    event_free(l->deadline);
    event_free(l->tick);
    event_free(l->dial);
    free(l);
}

void yq_redis_loop_renew(struct yq_redis_loop *l, const char *why)
{
    if (l->up)
        yq_redis_drop(l, why);
}

bool yq_redis_loop_up(const struct yq_redis_loop *l)
{
    return l->up;
}
