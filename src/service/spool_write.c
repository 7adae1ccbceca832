/* The thread that stores: all that came while it was busy goes into the file in one piece, and is
 * synced once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/log.h"
#include "service/metrics.h"
#include "spool_inner.h"

#define FILE_MAX ((size_t)8 * 1024 * 1024)
#define IDLE_MS 1000   /* so long an emptied spool waits before it is over */
#define PROBE_MS 10000 /* how often to see whether a disk that failed is well again */

/* ---- the file ---- */

int spool_make_own(struct yq_spool *s, struct yq_error *err)
{
    struct yq_spool_folder place;
    if (s->own != NULL)
        return 0;
    if (yq_spool_folder_make(s->o.disk, s->root, yq_wall_ms(s->o.clock), &place, err) != 0)
        return -1;
    struct spool_folder *f = yq_calloc(1, sizeof(*f));
    f->place = place;
    f->own = true;
    f->last = &f->first;
    pthread_mutex_lock(&s->lock);
    spool_add_folder_locked(s, f);
    pthread_mutex_unlock(&s->lock);
    s->own = f;
    return 0;
}

/* The folder may have gone from under us: with nothing in it, another one is made. */
static void give_own_up(struct yq_spool *s)
{
    pthread_mutex_lock(&s->lock);
    bool empty = s->own->first == NULL;
    struct spool_folder **at = &s->folders;
    while (*at != s->own)
        at = &(*at)->next;
    if (empty)
        *at = s->own->next;
    pthread_mutex_unlock(&s->lock);
    if (!empty)
        return;
    yq_spool_folder_leave(&s->own->place);
    spool_free_folder(s->own);
    s->own = NULL;
}

/* Nothing more is added to the file. */
static void close_file(struct yq_spool *s)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    if (s->file == NULL)
        return;
    yq_spool_file_free(s->file);
    s->file = NULL;
    if (s->active == NULL) { /* it never held anything */
        yq_spool_folder_file(&s->own->place, s->files, path);
        (void)s->o.disk->remove(path); /* what stays has no record, and is cleared away later */
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->active->closed = true;
    s->active = NULL;
    pthread_cond_signal(&s->to_drain);
    pthread_mutex_unlock(&s->lock);
}

/* A file with room for `more` bytes. */
static int open_file(struct yq_spool *s, size_t more, struct yq_error *err)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    if (s->file != NULL && yq_spool_file_size(s->file) + more > FILE_MAX && s->active != NULL)
        close_file(s);
    if (s->file != NULL)
        return 0;
    if (spool_make_own(s, err) != 0)
        return -1;
    yq_spool_folder_file(&s->own->place, ++s->files, path);
    s->file = yq_spool_file_new(s->o.disk, path, err);
    if (s->file == NULL)
        give_own_up(s);
    return s->file != NULL ? 0 : -1;
}

/* Its name, too, where it is new. */
static int sync_file(struct yq_spool *s, struct yq_error *err)
{
    if (yq_spool_file_sync(s->file, err) != 0)
        return -1;
    return s->active != NULL ? 0 : yq_spool_sync_folder(s->o.disk, s->own->place.path, err);
}

/* ---- a group ---- */

/* Takes as many of them as the limit allows; the first that does not fit ends it, so that none
 * overtakes. Returns how many. */
static size_t choose(struct yq_spool *s, struct spool_push *group, size_t *ret_bytes,
                     bool *ret_full)
{
    size_t count = 0, bytes = 0;
    pthread_mutex_lock(&s->lock);
    size_t room = s->o.max_bytes > s->bytes ? s->o.max_bytes - s->bytes : 0;
    struct spool_push *p = group;
    for (; p != NULL; p = p->next) {
        size_t len = YQ_SPOOL_RECORD_HEAD + p->body.len;
        if (len > room - bytes || p->body.len > YQ_SPOOL_BODY_MAX)
            break;
        bytes += len;
        p->stored = true; /* taken back where it fails */
        count++;
    }
    s->full = *ret_full = p != NULL;
    pthread_mutex_unlock(&s->lock);
    *ret_bytes = bytes;
    return count;
}

static int store(struct yq_spool *s, struct spool_push *group, size_t count, size_t bytes,
                 struct yq_error *err)
{
    struct yq_buf records = YQ_BUF_INIT;
    if (open_file(s, bytes, err) != 0)
        return -1;
    uint64_t salt = yq_spool_file_salt(s->file);
    yq_buf_reserve(&records, bytes);
    for (struct spool_push *p = group; count > 0; p = p->next, count--)
        yq_spool_write_record(&records, salt, ++s->last_number, p->body.data, p->body.len);
    int result = yq_spool_file_add(s->file, &records, err);
    if (result == 0)
        result = sync_file(s, err);
    yq_buf_release(&records);
    return result;
}

/* From now on the drainer may have it. */
static void publish(struct yq_spool *s, size_t count, size_t bytes)
{
    pthread_mutex_lock(&s->lock);
    if (s->active == NULL) {
        s->active = yq_calloc(1, sizeof(*s->active));
        s->active->number = s->files;
        s->active->salt = yq_spool_file_salt(s->file);
        s->active->drained = YQ_SPOOL_HEAD;
        spool_add_segment(s->own, s->active);
    }
    s->active->end = yq_spool_file_synced(s->file);
    s->active->entries += count;
    s->entries += count;
    s->bytes += bytes;
    s->total_entries += count;
    s->total_bytes += bytes;
    s->fault[0] = '\0';
    spool_tell_gauges_locked(s);
    pthread_cond_signal(&s->to_drain);
    pthread_mutex_unlock(&s->lock);
}

static void fail(struct yq_spool *s, const char *why)
{
    pthread_mutex_lock(&s->lock);
    (void)snprintf(s->fault, sizeof(s->fault), "%s", why);
    s->probed_ms = spool_now_ms();
    pthread_mutex_unlock(&s->lock);
    yq_log_calm(YQ_LOG_ERROR, "spool.failed", NULL, why);
    if (s->file != NULL && (!yq_spool_file_usable(s->file) || s->active == NULL))
        close_file(s);
}

static void write_group(struct yq_spool *s, struct spool_push *group)
{
    struct yq_error err = {0};
    bool full;
    size_t bytes, count = choose(s, group, &bytes, &full);
    if (full)
        yq_log_calm(YQ_LOG_ERROR, "spool.full", NULL, "no more events are taken");
    if (count == 0)
        (void)yq_error_set(&err, YQ_ERROR_LIMIT, "the spool is full");
    else if (store(s, group, count, bytes, &err) == 0)
        publish(s, count, bytes);
    else
        fail(s, err.text);
    for (struct spool_push *p = group; p != NULL; p = p->next) {
        p->stored = p->stored && err.kind == YQ_ERROR_NONE;
        if (p->stored)
            yq_metric_add(YQ_METRIC_SPOOLED, p->share->id, NULL, NULL, 1);
        else
            atomic_fetch_sub(&p->share->held, 1);
    }
}

/* ---- the thread ---- */

/* A disk that failed is tried now and then, so that nobody need be refused to find it well. */
static void probe(struct yq_spool *s)
{
    struct yq_error err = {0};
    s->probed_ms = spool_now_ms();
    if (open_file(s, 0, &err) != 0 || sync_file(s, &err) != 0) {
        fail(s, err.text);
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->fault[0] = '\0';
    pthread_mutex_unlock(&s->lock);
    yq_log(YQ_LOG_INFO, "spool.usable", NULL);
}

static void end_locked(struct yq_spool *s)
{
    s->in_use = false;
    s->full = false;
    yq_log(YQ_LOG_INFO, "spool.ended", "entries", yq_log_int((long long)s->total_entries), "bytes",
           yq_log_int((long long)s->total_bytes), "seconds",
           yq_log_int((spool_now_ms() - s->began_ms) / 1000), NULL);
}

/* Nobody had anything for a while. Called with the lock. */
static void look_around(struct yq_spool *s)
{
    bool empty = s->entries == 0, failed = s->fault[0] != '\0';
    if (empty && s->in_use)
        end_locked(s);
    pthread_mutex_unlock(&s->lock);
    if (empty)
        close_file(s);
    if (failed && spool_now_ms() - s->probed_ms >= PROBE_MS)
        probe(s);
    pthread_mutex_lock(&s->lock);
}

static struct spool_push *take_group(struct yq_spool *s)
{
    struct spool_push *group = s->waiting.first;
    s->waiting = (struct spool_queue){NULL, &s->waiting.first};
    return group;
}

static void hand_back(struct yq_spool *s, struct spool_push *group)
{
    static const uint64_t one = 1;
    *s->written.last = group;
    while (*s->written.last != NULL)
        s->written.last = &(*s->written.last)->next;
    if (write(s->wake_fd, &one, sizeof(one)) < 0)
        yq_log_calm(YQ_LOG_ERROR, "spool.failed", NULL, "the loop cannot be woken");
}

void *spool_write(void *context)
{
    struct yq_spool *s = context;
    pthread_mutex_lock(&s->lock);
    while (s->waiting.first != NULL || !s->stopping) {
        if (s->waiting.first == NULL) {
            bool idle = s->file == NULL && !s->in_use && s->fault[0] == '\0';
            if (idle)
                pthread_cond_wait(&s->to_write, &s->lock);
            else if (!spool_wait(s, &s->to_write, IDLE_MS) && s->waiting.first == NULL)
                look_around(s);
            continue;
        }
        struct spool_push *group = take_group(s);
        s->writing = true;
        pthread_mutex_unlock(&s->lock);
        write_group(s, group);
        pthread_mutex_lock(&s->lock);
        s->writing = false;
        hand_back(s, group);
    }
    pthread_mutex_unlock(&s->lock);
    close_file(s);
    return NULL;
}
