/* What processes that are gone have left: their folders are locked, their files looked through, and
 * what is torn at the end is cut off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/log.h"
#include "service/metrics.h"
#include "spool_inner.h"

struct look { /* at one file */
    struct yq_spool *s;
    struct spool_folder *f;
    struct spool_segment *g;
    char path[YQ_SPOOL_PATH_MAX + 32];
    bool last; /* of its folder: a torn tail is what a crash leaves */
};

static void report(struct look *l, const char *what, size_t at)
{
    l->g->damaged = true;
    yq_metric_add(YQ_METRIC_SPOOL_DAMAGED, NULL, NULL, NULL, 1);
    yq_log(YQ_LOG_ERROR, "spool.damaged", "file", l->path, "what", what, "at",
           yq_log_int((long long)at), "meaning", "a reconcile is owed", NULL);
}

static void count_record(struct look *l, const struct yq_spool_record *record)
{
    pthread_mutex_lock(&l->s->lock);
    atomic_fetch_add(&spool_share_locked(l->s, record->id)->held, 1);
    pthread_mutex_unlock(&l->s->lock);
    l->g->entries++;
}

static void cut_tail(struct look *l, size_t len)
{
    yq_log(YQ_LOG_WARN, "spool.cut", "file", l->path, "bytes",
           yq_log_int((long long)(len - l->g->end)), "meaning",
           "the end was not written whole: nobody was told that it is stored", NULL);
    if (truncate(l->path, (off_t)l->g->end) != 0)
        yq_log_calm(YQ_LOG_WARN, "spool.failed", NULL, "the torn end stays, and is not read");
}

static void read_records(struct look *l, const char *data, size_t len)
{
    struct yq_spool_reader r = {
        .data = data + YQ_SPOOL_HEAD, .len = len - YQ_SPOOL_HEAD, .salt = l->g->salt};
    struct yq_spool_record record;
    enum yq_spool_sight sight;
    while ((sight = yq_spool_read(&r, &record)) != YQ_SPOOL_END) {
        if (sight == YQ_SPOOL_RECORD)
            count_record(l, &record);
        else
            report(l, "a record is not readable", YQ_SPOOL_HEAD + r.at);
    }
    l->g->end = YQ_SPOOL_HEAD + r.at;
    if (l->g->end == len)
        return;
    if (l->last)
        cut_tail(l, len);
    else
        report(l, "the end is not readable", l->g->end);
}

/* False: there is nothing in it, and it is gone. */
static bool look_through(struct look *l)
{
    struct yq_error err = {0};
    size_t len;
    char *data = yq_spool_load(l->path, 0, 0, &len, &err);
    if (data == NULL) { /* stays where it is, for a person */
        report(l, err.text, 0);
        l->f->keep = true;
        pthread_mutex_lock(&l->s->lock);
        l->s->owing = true;
        pthread_mutex_unlock(&l->s->lock);
        return false;
    }
    l->g->drained = l->g->end = YQ_SPOOL_HEAD;
    if (yq_spool_read_head(data, len, &l->g->salt) == 0)
        read_records(l, data, len);
    else if (len >= YQ_SPOOL_HEAD)
        report(l, "this is no file of a spool", 0);
    free(data);
    if (len <= YQ_SPOOL_HEAD && !l->g->damaged)
        return unlink(l->path) != 0;
    return true;
}

static void look_into(struct yq_spool *s, struct spool_folder *f)
{
    unsigned *numbers = NULL;
    size_t count = 0;
    struct yq_error err = {0};
    if (yq_spool_folder_list(&f->place, &numbers, &count, &err) != 0)
        yq_log_calm(YQ_LOG_ERROR, "spool.failed", f->place.name, err.text);
    for (size_t i = 0; i < count; i++) {
        struct look l = {.s = s, .f = f, .last = i + 1 == count};
        l.g = yq_calloc(1, sizeof(*l.g));
        l.g->number = numbers[i];
        l.g->closed = true;
        yq_spool_folder_file(&f->place, numbers[i], l.path);
        if (look_through(&l))
            spool_add_segment(f, l.g);
        else
            free(l.g);
    }
    free(numbers);
}

static void take_over(struct yq_spool *s, struct spool_folder *f)
{
    size_t entries = 0, bytes = 0;
    look_into(s, f);
    for (const struct spool_segment *g = f->first; g != NULL; g = g->next) {
        entries += g->entries;
        bytes += g->end - g->drained;
    }
    pthread_mutex_lock(&s->lock);
    spool_add_folder_locked(s, f);
    if (entries > 0) {
        spool_begin_locked(s, "a process ended that still had some");
        yq_log(YQ_LOG_INFO, "spool.adopted", "folder", f->place.name, "entries",
               yq_log_int((long long)entries), "bytes", yq_log_int((long long)bytes), NULL);
    }
    s->entries += entries;
    s->bytes += bytes;
    s->total_entries += entries;
    s->total_bytes += bytes;
    spool_tell_gauges_locked(s);
    pthread_cond_signal(&s->to_write);
    pthread_mutex_unlock(&s->lock);
}

void spool_adopt(struct yq_spool *s)
{
    struct yq_spool_folder place;
    struct yq_error err = {0};
    int found;
    while ((found = yq_spool_folder_adopt(s->root, &place, &err)) > 0) {
        struct spool_folder *f = yq_calloc(1, sizeof(*f));
        f->place = place;
        f->last = &f->first;
        take_over(s, f);
    }
    if (found < 0)
        yq_log_calm(YQ_LOG_ERROR, "spool.failed", NULL, err.text);
}
