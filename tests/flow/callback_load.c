/* Callbacks without a pause. */
#include "callback_load.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "callback_make.h"
#include "support/talk.h"
#include "support/wait.h"

#define ANSWER_MS 8000
#define LATE_US 10000000 /* the longest that is counted */
#define STEP_US 100

struct sender {
    struct callback_load *owner;
    pthread_t thread;
    struct callback_maker *maker;
    struct talk talk; /* fd -1: not connected */
    bool keeps;
};

struct callback_load {
    int port, threads;
    unsigned members, apart_us;
    int repeats;
    struct sender *senders;
    pthread_mutex_t lock;
    unsigned char *marks; /* by serial: 1 where it was accepted */
    size_t mark_capacity;
    bool ended;
    atomic_bool stopping;
    atomic_uint next;
    atomic_long accepted, repeated, lost, unwelcome;
    atomic_uint times[LATE_US / STEP_US]; /* how many took so long */
};

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void send_request(struct sender *s, unsigned number)
{
    struct yq_buf request = YQ_BUF_INIT, text = YQ_BUF_INIT;
    callback_text(number % s->owner->members, number, &text);
    callback_make(s->maker, text.data, text.len, s->keeps ? "" : "Connection: close\r\n", &request);
    talk_send_bytes(&s->talk, request.data, request.len);
    yq_buf_release(&request);
    yq_buf_release(&text);
}

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Since before it was connected. */
static void note_time(struct callback_load *l, int64_t us)
{
    if (us >= LATE_US)
        us = LATE_US - 1;
    atomic_fetch_add(&l->times[us / STEP_US], 1);
}

static void mark(struct callback_load *l, unsigned number)
{
    pthread_mutex_lock(&l->lock);
    if (number >= l->mark_capacity) {
        size_t capacity = (size_t)number * 2 + 1024;
        l->marks = yq_realloc(l->marks, capacity, 1);
        memset(l->marks + l->mark_capacity, 0, capacity - l->mark_capacity);
        l->mark_capacity = capacity;
    }
    l->marks[number] = 1;
    pthread_mutex_unlock(&l->lock);
}

/* False without an answer. The connection is over then, and where the answer says so. */
static bool hear_answer(struct sender *s, unsigned number)
{
    struct talk_answer a = {0};
    bool answered = talk_read(&s->talk, &a, ANSWER_MS);
    bool good = answered && a.status == 200 && strcmp(yq_buf_text(&a.body), "success") == 0;
    if (good)
        mark(s->owner, number);
    if (answered)
        atomic_fetch_add(good ? &s->owner->accepted : &s->owner->unwelcome, 1);
    if (!answered || !s->keeps || strstr(a.head.data, "Connection: close") != NULL)
        talk_close(&s->talk);
    talk_answer_release(&a);
    return answered;
}

/* Once; what it comes to is counted where that is an answer. */
static bool try_one(struct sender *s, unsigned number)
{
    if (s->talk.fd < 0)
        s->talk.fd = dial(s->owner->port);
    if (s->talk.fd < 0)
        return false;
    send_request(s, number);
    return hear_answer(s, number);
}

static void send_one(struct sender *s)
{
    struct callback_load *l = s->owner;
    int64_t began = now_us();
    unsigned number = atomic_fetch_add(&l->next, 1);
    bool answered = try_one(s, number);
    for (int i = 0; i < l->repeats && !answered; i++) {
        atomic_fetch_add(&l->repeated, 1);
        answered = try_one(s, number);
    }
    if (!answered)
        atomic_fetch_add(&l->lost, 1);
    note_time(l, now_us() - began);
}

static void *run(void *context)
{
    struct sender *s = context;
    while (!atomic_load(&s->owner->stopping)) {
        send_one(s);
        (void)usleep(s->owner->apart_us);
    }
    talk_close(&s->talk);
    return NULL;
}

struct callback_load *callback_load_start(const struct callback_load_options *o)
{
    struct callback_load *l = yq_calloc(1, sizeof(*l));
    l->port = o->port;
    l->threads = o->threads;
    l->members = o->members;
    l->apart_us = o->apart_us;
    l->repeats = o->repeats;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->senders = yq_calloc((size_t)o->threads, sizeof(*l->senders));
    for (int i = 0; i < o->threads; i++) {
        struct sender *s = &l->senders[i];
        s->owner = l;
        s->talk.fd = -1;
        s->keeps = i % 2 == 1;
        s->maker = callback_maker_new();
        if (pthread_create(&s->thread, NULL, run, s) != 0)
            abort();
    }
    return l;
}

long callback_load_accepted(const struct callback_load *l)
{
    return atomic_load(&l->accepted);
}

struct more {
    const struct callback_load *load;
    long than;
};

static bool has_gone_on(void *arg)
{
    const struct more *m = arg;
    return callback_load_accepted(m->load) > m->than;
}

bool callback_load_await(const struct callback_load *l, long more, int within_ms)
{
    struct more m = {l, callback_load_accepted(l) + more};
    return yq_wait_until(has_gone_on, &m, within_ms);
}

int callback_load_listen(int *ret_port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 1024) < 0 ||
                    getsockname(fd, (struct sockaddr *)&here, &size) < 0)) {
        close(fd);
        return -1;
    }
    *ret_port = ntohs(here.sin_port);
    return fd;
}

double callback_load_slowest_ms(struct callback_load *l, int percent)
{
    unsigned long all = 0, seen = 0, wanted;
    static const size_t steps = LATE_US / STEP_US;
    for (size_t i = 0; i < steps; i++)
        all += atomic_load(&l->times[i]);
    wanted = all * (unsigned long)percent / 100;
    size_t at = 0;
    while (at < steps && (seen += atomic_exchange(&l->times[at], 0)) <= wanted)
        at++;
    for (size_t i = at; i < steps; i++)
        atomic_store(&l->times[i], 0);
    return (double)at * STEP_US / 1000;
}

void callback_load_end(struct callback_load *l)
{
    atomic_store(&l->stopping, true);
    for (int i = 0; i < l->threads && !l->ended; i++) {
        (void)pthread_join(l->senders[i].thread, NULL);
        callback_maker_free(l->senders[i].maker);
    }
    l->ended = true;
}

unsigned callback_load_count(const struct callback_load *l)
{
    return atomic_load(&l->next);
}

bool callback_load_was_accepted(const struct callback_load *l, unsigned serial)
{
    return serial < l->mark_capacity && l->marks[serial] != 0;
}

struct callback_load_figures callback_load_stop(struct callback_load *l)
{
    callback_load_end(l);
    struct callback_load_figures f = {atomic_load(&l->accepted), atomic_load(&l->repeated),
                                      atomic_load(&l->lost), atomic_load(&l->unwelcome)};
    (void)pthread_mutex_destroy(&l->lock);
    free(l->marks);
    free(l->senders);
    free(l);
    return f;
}
