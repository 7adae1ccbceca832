/* A libevent loop on a thread of its own: a pipe brings the calls, so that the loop itself needs no
 * locks, as in the program. */
#include "support/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

struct call {
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

struct test_loop {
    struct event_base *base;
    struct event *calls;
    int pipe[2];
    pthread_t thread;
};

static void on_call(evutil_socket_t fd, short what, void *context)
{
    (void)what, (void)context;
    struct call *call;
    if (read(fd, &call, sizeof(call)) != (ssize_t)sizeof(call))
        abort();
    call->fn(call->arg);
    sem_post(&call->done);
}

struct test_loop *test_loop_new(void)
{
    struct test_loop *l = yq_calloc(1, sizeof(*l));
    l->base = event_base_new();
    if (l->base == NULL || pipe(l->pipe) != 0)
        abort();
    l->calls = event_new(l->base, l->pipe[0], EV_READ | EV_PERSIST, on_call, l);
    event_add(l->calls, NULL);
    return l;
}

struct event_base *test_loop_base(struct test_loop *l)
{
    return l->base;
}

static void *run(void *context)
{
    struct test_loop *l = context;
    event_base_dispatch(l->base);
    return NULL;
}

void test_loop_start(struct test_loop *l)
{
    if (pthread_create(&l->thread, NULL, run, l) != 0)
        abort();
}

void test_loop_call(struct test_loop *l, void (*fn)(void *arg), void *arg)
{
    struct call call = {.fn = fn, .arg = arg};
    struct call *at = &call;
    sem_init(&call.done, 0, 0);
    if (write(l->pipe[1], &at, sizeof(at)) != (ssize_t)sizeof(at))
        abort();
    while (sem_wait(&call.done) != 0)
        ;
    sem_destroy(&call.done);
}

static void end_loop(void *base)
{
    event_base_loopbreak(base);
}

void test_loop_stop(struct test_loop *l)
{
    test_loop_call(l, end_loop, l->base);
    pthread_join(l->thread, NULL);
}

void test_loop_free(struct test_loop *l)
{
    event_free(l->calls);
    event_base_free(l->base);
    close(l->pipe[0]);
    close(l->pipe[1]);
    free(l);
}
