/* One thread, two lists under one lock: questions to the thread, answers to the loop, which an
 * eventfd wakes. */
#include "inquiry.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/log.h"

#define MAX_WAITING 64

struct question {
    STAILQ_ENTRY(question) link;
    yq_inquiry_work *work;
    void *context;
    struct yq_exchange *exchange;
    struct yq_buf answer;
    int status;
};
STAILQ_HEAD(questions, question);

struct yq_inquiry {
    struct yq_redis *redis; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows, but `answered` */
    pthread_cond_t asked;
    struct questions waiting, done;
    size_t open; /* questions not yet answered; the loop's own */
    bool stopping;
    int wake_fd;
    struct event *answered;
};

static void work_on(struct yq_inquiry *q, struct question *one)
{
    struct yq_error err = {0};
    one->status = one->work(one->context, q->redis, &one->answer, &err) == 0 ? 200 : 503;
    if (one->status != 200)
        yq_log_calm(YQ_LOG_ERROR, "admin.failed", yq_error_kind_name(err.kind), err.text);
}

static void *run(void *context)
{
    struct yq_inquiry *q = context;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        struct question *one = STAILQ_FIRST(&q->waiting);
        if (q->stopping)
            break;
        if (one == NULL) {
            pthread_cond_wait(&q->asked, &q->lock);
            continue;
        }
        STAILQ_REMOVE_HEAD(&q->waiting, link);
        pthread_mutex_unlock(&q->lock);
        work_on(q, one);
        pthread_mutex_lock(&q->lock);
        STAILQ_INSERT_TAIL(&q->done, one, link);
        eventfd_write(q->wake_fd, 1);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static void answer(struct yq_inquiry *q, struct question *one)
{
    q->open--;
    if (one->status == 200)
        yq_exchange_answer(one->exchange, 200, "application/json", yq_buf_text(&one->answer),
                           one->answer.len);
    else
        yq_exchange_answer_text(one->exchange, 503, "unavailable\n");
    yq_buf_release(&one->answer);
    free(one);
}

static struct question *take(struct yq_inquiry *q, struct questions *from)
{
    pthread_mutex_lock(&q->lock);
    struct question *one = STAILQ_FIRST(from);
    if (one != NULL)
        STAILQ_REMOVE_HEAD(from, link);
    pthread_mutex_unlock(&q->lock);
    return one;
}

static void on_answered(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct yq_inquiry *q = context;
    struct question *one;
    eventfd_t count;
    (void)eventfd_read(fd, &count);
    while ((one = take(q, &q->done)) != NULL)
        answer(q, one);
}

struct yq_inquiry *yq_inquiry_new(struct event_base *base, const struct yq_settings *settings,
                                  struct yq_error *err)
{
    struct yq_redis_address address;
    if (yq_settings_redis(settings, &address, err) != 0)
        return NULL;
    struct yq_inquiry *q = yq_calloc(1, sizeof(*q));
    q->redis = yq_redis_new(&address, (int)settings->redis_timeout_ms);
    q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    q->answered = event_new(base, q->wake_fd, EV_READ | EV_PERSIST, on_answered, q);
    STAILQ_INIT(&q->waiting);
    STAILQ_INIT(&q->done);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->asked, NULL);
    if (q->wake_fd < 0 || q->answered == NULL || pthread_create(&q->thread, NULL, run, q) != 0)
        abort(); /* no memory, or no descriptors at the very start */
    event_add(q->answered, NULL);
    return q;
}

void yq_inquiry_free(struct yq_inquiry *q)
{
    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    q->stopping = true;
    pthread_cond_signal(&q->asked);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    struct question *one;
    while ((one = take(q, &q->done)) != NULL || (one = take(q, &q->waiting)) != NULL)
        answer(q, one);
    event_free(q->answered);
    close(q->wake_fd);
    yq_redis_free(q->redis);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->asked);
    free(q);
}

void yq_inquiry_ask(struct yq_inquiry *q, yq_inquiry_work *work, void *context,
                    struct yq_exchange *x)
{
    if (q->open >= MAX_WAITING) {
        yq_exchange_answer_text(x, 503, "unavailable\n");
        return;
    }
    struct question *one = yq_calloc(1, sizeof(*one));
    one->work = work;
    one->context = context;
    one->exchange = x;
    q->open++;
    pthread_mutex_lock(&q->lock);
    STAILQ_INSERT_TAIL(&q->waiting, one, link);
    pthread_cond_signal(&q->asked);
    pthread_mutex_unlock(&q->lock);
}
