/* The spool: its life, and the way in and out for the thread of the loop. */
#include "service/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/log.h"
#include "service/metrics.h"
#include "spool_inner.h"

int64_t spool_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool spool_wait(struct yq_spool *s, pthread_cond_t *what, int64_t ms)
{
    int64_t until_ms = spool_now_ms() + ms;
    struct timespec until = {(time_t)(until_ms / 1000), (long)(until_ms % 1000 * 1000000)};
    return pthread_cond_timedwait(what, &s->lock, &until) == 0;
}

/* ---- shares ---- */

struct yq_spool_share *spool_share_locked(struct yq_spool *s, const char *id)
{
    struct yq_spool_share *share;
    HASH_FIND_STR(s->shares, id, share);
    if (share != NULL)
        return share;
    share = yq_calloc(1, sizeof(*share));
    (void)snprintf(share->id, sizeof(share->id), "%s", id);
    atomic_init(&share->held, 0);
    HASH_ADD_STR(s->shares, id, share);
    return share;
}

struct yq_spool_share *yq_spool_share(struct yq_spool *s, const char *id)
{
    pthread_mutex_lock(&s->lock);
    struct yq_spool_share *share = spool_share_locked(s, id);
    pthread_mutex_unlock(&s->lock);
    return share;
}

bool yq_spool_holds(const struct yq_spool_share *share)
{
    return atomic_load(&share->held) > 0;
}

/* ---- folders and files ---- */

void spool_add_segment(struct spool_folder *f, struct spool_segment *g)
{
    g->next = NULL;
    *f->last = g;
    f->last = &g->next;
}

void spool_add_folder_locked(struct yq_spool *s, struct spool_folder *f)
{
    struct spool_folder **at = &s->folders;
    while (*at != NULL && !(*at)->own)
        at = &(*at)->next;
    f->next = *at;
    *at = f;
}

void spool_free_folder(struct spool_folder *f)
{
    while (f->first != NULL) {
        struct spool_segment *next = f->first->next;
        free(f->first);
        f->first = next;
    }
    free(f);
}

/* ---- in and out ---- */

void spool_begin_locked(struct yq_spool *s, const char *why)
{
    if (s->in_use)
        return;
    s->in_use = true;
    s->began_ms = spool_now_ms();
    s->since_ms = yq_wall_ms(s->o.clock);
    s->total_entries = s->total_bytes = 0;
    yq_log(YQ_LOG_WARN, "spool.began", "why", why, "meaning",
           "events are kept on disk until Redis takes them", NULL);
}

void spool_tell_gauges_locked(const struct yq_spool *s)
{
    yq_metric_set(YQ_METRIC_SPOOL_ENTRIES, NULL, (double)s->entries);
    yq_metric_set(YQ_METRIC_SPOOL_BYTES, NULL, (double)s->bytes);
}

void yq_spool_push(struct yq_spool *s, struct yq_spool_share *share, const struct yq_buf *body,
                   const char *why, yq_spool_done *done, void *context)
{
    struct spool_push *p = yq_calloc(1, sizeof(*p));
    p->share = share;
    p->done = done;
    p->context = context;
    yq_buf_add(&p->body, body->data, body->len);
    pthread_mutex_lock(&s->lock);
    atomic_fetch_add(&share->held, 1); /* with the lock: the drainer may set it right */
    spool_begin_locked(s, why);
    *s->waiting.last = p;
    s->waiting.last = &p->next;
    pthread_cond_signal(&s->to_write);
    pthread_mutex_unlock(&s->lock);
}

static void tell(struct yq_spool *s)
{
    pthread_mutex_lock(&s->lock);
    struct spool_push *p = s->written.first;
    s->written = (struct spool_queue){NULL, &s->written.first};
    pthread_mutex_unlock(&s->lock);
    while (p != NULL) {
        struct spool_push *next = p->next;
        p->done(p->context, p->stored);
        yq_buf_release(&p->body);
        free(p);
        p = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    uint64_t count;
    if (read(fd, &count, sizeof(count)) < 0)
        return; /* told already */
    tell(context);
}

void yq_spool_poke(struct yq_spool *s)
{
    pthread_mutex_lock(&s->lock);
    s->poked = true;
    pthread_cond_signal(&s->to_drain);
    pthread_mutex_unlock(&s->lock);
}

void yq_spool_figures(struct yq_spool *s, struct yq_spool_figures *ret)
{
    pthread_mutex_lock(&s->lock);
    *ret = (struct yq_spool_figures){.entries = s->entries,
                                     .bytes = s->bytes,
                                     .since_ms = s->entries > 0 ? s->since_ms : 0,
                                     .full = s->full,
                                     .refused = s->refused};
    memcpy(ret->fault, s->fault, sizeof(ret->fault));
    memcpy(ret->redis_fault, s->redis_fault, sizeof(ret->redis_fault));
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ---- */

static void make_locks(struct yq_spool *s)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&s->to_write, &attributes);
    pthread_cond_init(&s->to_drain, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void start_threads(struct yq_spool *s)
{
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->wake = event_new(s->o.base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
    if (s->wake_fd < 0 || s->wake == NULL || event_add(s->wake, NULL) != 0 ||
        pthread_create(&s->writer, NULL, spool_write, s) != 0 ||
        pthread_create(&s->drainer, NULL, spool_drain, s) != 0)
        abort(); /* no memory, as in base/memory.h */
}

struct yq_spool *yq_spool_start(const struct yq_spool_options *options)
{
    struct yq_spool *s = yq_calloc(1, sizeof(*s));
    s->o = *options;
    if (s->o.disk == NULL)
        s->o.disk = &yq_disk_system;
    s->root = yq_strdup(options->folder);
    (void)snprintf(s->keys.prefix, sizeof(s->keys.prefix), "%s", options->redis_prefix);
    s->redis = yq_redis_new(options->address, options->redis_timeout_ms);
    s->waiting.last = &s->waiting.first;
    s->written.last = &s->written.first;
    make_locks(s);
    spool_tell_gauges_locked(s);
    spool_adopt(s);
    struct yq_error err = {0};
    if (spool_make_own(s, &err) != 0) {
        (void)snprintf(s->fault, sizeof(s->fault), "%s", err.text);
        yq_log(YQ_LOG_ERROR, "spool.unavailable", "folder", s->root, "error", err.text, "meaning",
               "while Redis is away, WeCom is answered 503", NULL);
    }
    start_threads(s);
    return s;
}

/* What is in Redis, and owes nothing. */
static void clear_away(struct spool_folder *f)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    for (struct spool_segment *g = f->first; g != NULL; g = g->next) {
        yq_spool_folder_file(&f->place, g->number, path);
        if (g->drained == g->end && !g->damaged)
            (void)unlink(path); /* what stays is drained again, and known to be there */
    }
}

static void free_all(struct yq_spool *s)
{
    while (s->folders != NULL) {
        struct spool_folder *next = s->folders->next;
        clear_away(s->folders);
        yq_spool_folder_leave(&s->folders->place);
        spool_free_folder(s->folders);
        s->folders = next;
    }
    struct yq_spool_share *share, *next_share;
    HASH_ITER (hh, s->shares, share, next_share) {
        HASH_DEL(s->shares, share);
        free(share);
    }
    pthread_cond_destroy(&s->to_write);
    pthread_cond_destroy(&s->to_drain);
    pthread_mutex_destroy(&s->lock);
    yq_redis_free(s->redis);
    free(s->bytes_loaded);
    free(s->root);
    free(s);
}

void yq_spool_stop(struct yq_spool *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->to_write);
    pthread_cond_signal(&s->to_drain);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->writer, NULL);
    pthread_join(s->drainer, NULL);
    tell(s);
    event_free(s->wake);
    close(s->wake_fd);
    if (s->entries > 0)
        yq_log(YQ_LOG_WARN, "spool.left", "entries", yq_log_int((long long)s->entries), "bytes",
               yq_log_int((long long)s->bytes), "meaning",
               "the next process brings them into Redis", NULL);
    free_all(s);
}
