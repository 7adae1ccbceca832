/* The thread that brings the spool into Redis: oldest folder first, oldest file first, batch by
 * batch. A batch that was interrupted is sent again: what Redis has of it, it knows by number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/memory.h"
#include "clients/queue_spooled.h"
#include "clients/store.h"
#include "service/log.h"
#include "service/metrics.h"
#include "spool_inner.h"

#define BATCH 256
#define BATCH_BYTES ((size_t)512 * 1024)
#define ADOPT_MS 10000
#define FIRST_RETRY_MS 100
#define MAX_RETRY_MS 5000
#define READ_FAULTS 3 /* after so many, what cannot be read counts as damaged */
#define OWED_DAMAGE "the spool was damaged"

struct batch {
    struct yq_spool_record records[BATCH];
    bool done[BATCH];
    size_t count;
    size_t end; /* in the file */
    bool damaged;
};

static void file_of(const struct spool_folder *f, const struct spool_segment *g,
                    char out[YQ_SPOOL_PATH_MAX + 32])
{
    yq_spool_folder_file(&f->place, g->number, out);
}

/* ---- what is owed ---- */

static char **copy_ids(struct yq_spool *s, size_t *ret_count)
{
    pthread_mutex_lock(&s->lock);
    char **ids = yq_calloc(HASH_COUNT(s->shares) + 1, sizeof(*ids));
    size_t count = 0;
    for (struct yq_spool_share *share = s->shares; share != NULL; share = share->hh.next)
        ids[count++] = yq_strdup(share->id);
    pthread_mutex_unlock(&s->lock);
    *ret_count = count;
    return ids;
}

/* Whose records were lost cannot be known. */
static int owe_all(struct yq_spool *s, struct yq_error *err)
{
    size_t count;
    int result = 0;
    char **ids = copy_ids(s, &count);
    for (size_t i = 0; i < count; i++) {
        if (result == 0)
            result = yq_store_owe_reconcile(s->redis, &s->keys, ids[i], OWED_DAMAGE,
                                            yq_wall_ms(s->o.clock), err);
        free(ids[i]);
    }
    free(ids);
    return result;
}

static int pay(struct yq_spool *s, struct yq_error *err)
{
    if (owe_all(s, err) != 0)
        return -1;
    pthread_mutex_lock(&s->lock);
    s->owing = false;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* ---- reading ---- */

static void unload(struct yq_spool *s)
{
    free(s->bytes_loaded);
    s->bytes_loaded = NULL;
    s->loaded = NULL;
}

static int load(struct yq_spool *s, const struct spool_folder *f, struct spool_segment *g,
                size_t end, struct yq_error *err)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    if (s->loaded == g && g->drained < s->loaded_from + s->loaded_len)
        return 0;
    unload(s);
    file_of(f, g, path);
    s->bytes_loaded = yq_spool_load(path, g->drained, end, &s->loaded_len, err);
    if (s->bytes_loaded == NULL)
        return -1;
    s->loaded = g;
    s->loaded_from = g->drained;
    return 0;
}

static void report(struct batch *b, const struct spool_folder *f, const struct spool_segment *g,
                   size_t at)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    file_of(f, g, path);
    b->damaged = true;
    yq_log(YQ_LOG_ERROR, "spool.damaged", "file", path, "what", "a record is not readable", "at",
           yq_log_int((long long)at), "meaning", "a reconcile is owed", NULL);
}

/* Damage in a file that was adopted has been told of. */
static void collect(struct yq_spool *s, const struct spool_folder *f, const struct spool_segment *g,
                    struct batch *b)
{
    struct yq_spool_reader r = {.data = s->bytes_loaded,
                                .len = s->loaded_len,
                                .at = g->drained - s->loaded_from,
                                .salt = g->salt};
    size_t from = r.at;
    while (b->count < BATCH && r.at - from < BATCH_BYTES) {
        enum yq_spool_sight sight = yq_spool_read(&r, &b->records[b->count]);
        if (sight == YQ_SPOOL_END)
            break;
        if (sight == YQ_SPOOL_RECORD)
            b->count++;
        else if (!g->damaged)
            report(b, f, g, s->loaded_from + r.at);
    }
    if (b->count == 0 && r.at < r.len) { /* nothing readable is left of it */
        report(b, f, g, s->loaded_from + r.at);
        r.at = r.len;
    }
    b->end = s->loaded_from + r.at;
}

/* ---- into Redis ---- */

/* All of the connection of record `first`. */
static int push_one(struct yq_spool *s, const char *folder, struct batch *b, size_t first,
                    struct yq_error *err)
{
    const struct yq_spool_record *same[BATCH];
    const char *id = b->records[first].id;
    size_t count = 0, added = 0;
    for (size_t i = first; i < b->count; i++) {
        if (b->done[i] || strcmp(b->records[i].id, id) != 0)
            continue;
        same[count++] = &b->records[i];
        b->done[i] = true;
    }
    if (yq_queue_push_spooled(s->redis, &s->keys, folder, same, count, yq_wall_ms(s->o.clock),
                              &added, err) != 0)
        return -1;
    yq_metric_add(YQ_METRIC_QUEUED, id, NULL, NULL, (double)added);
    return 0;
}

static int push(struct yq_spool *s, const char *folder, struct batch *b, struct yq_error *err)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!b->done[i] && push_one(s, folder, b, i, err) != 0)
            return -1;
    }
    return 0;
}

static void take_off(struct yq_spool *s, struct spool_segment *g, const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct yq_spool_share *share = spool_share_locked(s, b->records[i].id);
        atomic_fetch_sub(&share->held, 1);
    }
    if (b->damaged && !g->damaged)
        yq_metric_add(YQ_METRIC_SPOOL_DAMAGED, NULL, NULL, NULL, 1);
    g->damaged |= b->damaged;
    size_t gone = b->end == g->end ? g->entries : b->count;
    s->bytes -= b->end - g->drained;
    s->entries -= gone;
    g->entries -= gone;
    g->drained = b->end;
    s->full = false;
}

/* What was lost on the way is not here, though it was counted. */
static void forget_lost(struct yq_spool *s)
{
    if (s->entries > 0 || s->waiting.first != NULL || s->writing)
        return;
    for (struct yq_spool_share *share = s->shares; share != NULL; share = share->hh.next)
        atomic_store(&share->held, 0);
}

/* Into Redis, and into as many replicas as are wanted. */
static int push_and_wait(struct yq_spool *s, const char *folder, struct batch *b,
                         struct yq_error *err)
{
    if (s->o.wait_replicas == 0)
        return push(s, folder, b, err);
    if (yq_redis_connect(s->redis, err) != 0)
        return -1;
    uint64_t connection = yq_redis_connections(s->redis);
    if (push(s, folder, b, err) != 0)
        return -1;
    return yq_queue_await_replicas(s->redis, connection, s->o.wait_replicas, s->o.wait_timeout_ms,
                                   err);
}

static int drain_some(struct yq_spool *s, struct spool_folder *f, struct spool_segment *g,
                      size_t end, struct yq_error *err)
{
    struct batch *b = yq_calloc(1, sizeof(*b));
    int result = load(s, f, g, end, err);
    if (result == 0)
        collect(s, f, g, b);
    else if (++g->read_faults >= READ_FAULTS) {
        report(b, f, g, g->drained);
        b->end = end;
        result = 0;
    }
    if (result == 0)
        result = push_and_wait(s, f->place.name, b, err);
    if (result == 0) {
        pthread_mutex_lock(&s->lock);
        take_off(s, g, b);
        forget_lost(s);
        spool_tell_gauges_locked(s);
        pthread_mutex_unlock(&s->lock);
    }
    free(b);
    return result;
}

/* ---- what is done with ---- */

/* What is remembered in Redis of its records is only forgotten once they surely will not come back:
 * a removal that did not reach the disk is undone when the power goes. */
static void leave_folder(struct yq_spool *s, struct spool_folder *f)
{
    size_t count;
    char **ids = copy_ids(s, &count);
    bool gone = yq_spool_sync_folder(s->o.disk, f->place.path, NULL) == 0;
    for (size_t i = 0; i < count; i++) { /* what stays ends by itself */
        if (gone)
            (void)yq_queue_forget_spooled(s->redis, &s->keys, ids[i], f->place.name, NULL);
        free(ids[i]);
    }
    free(ids);
    yq_spool_folder_leave(&f->place);
    spool_free_folder(f);
}

static int finish(struct yq_spool *s, struct spool_folder *f, struct spool_segment *g,
                  struct yq_error *err)
{
    char path[YQ_SPOOL_PATH_MAX + 32];
    if (g->damaged && owe_all(s, err) != 0)
        return -1;
    file_of(f, g, path);
    if (s->o.disk->remove(path) != 0)
        yq_log_calm(YQ_LOG_WARN, "spool.failed", NULL, "a file that is done with stays");
    if (s->loaded == g)
        unload(s);
    pthread_mutex_lock(&s->lock);
    f->first = g->next; /* always the first */
    if (f->first == NULL)
        f->last = &f->first;
    pthread_mutex_unlock(&s->lock);
    free(g);
    return 0;
}

/* ---- the thread ---- */

struct step {
    struct spool_folder *f;
    struct spool_segment *g;
    size_t end;
    bool owing;
};

/* An adopted folder without files is done with, too. */
static bool find_step(struct yq_spool *s, struct step *ret)
{
    *ret = (struct step){.owing = s->owing};
    for (struct spool_folder *f = s->folders; f != NULL && ret->f == NULL; f = f->next) {
        struct spool_segment *g = f->first;
        if (g == NULL ? !f->own && !f->keep : g->drained < g->end || g->closed)
            *ret = (struct step){f, g, g != NULL ? g->end : 0, s->owing};
    }
    return ret->f != NULL || ret->owing;
}

static void take_out(struct yq_spool *s, struct spool_folder *f)
{
    pthread_mutex_lock(&s->lock);
    struct spool_folder **at = &s->folders;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    pthread_mutex_unlock(&s->lock);
}

static int carry_out(struct yq_spool *s, const struct step *step, struct yq_error *err)
{
    if (step->owing)
        return pay(s, err);
    if (step->g == NULL) {
        take_out(s, step->f);
        leave_folder(s, step->f);
        return 0;
    }
    if (step->g->drained < step->end)
        return drain_some(s, step->f, step->g, step->end, err);
    return finish(s, step->f, step->g, err);
}

/* With the lock. The first fault of a row is told; afterwards only what is new. */
static void note_fault(struct yq_spool *s, const struct yq_error *err)
{
    if (strcmp(s->redis_fault, err->text) != 0)
        yq_log_calm(YQ_LOG_ERROR, "spool.waits", NULL, err->text);
    (void)snprintf(s->redis_fault, sizeof(s->redis_fault), "%s", err->text);
    s->refused = strncmp(err->text, "Redis: ", 7) != 0;
}

static void rest(struct yq_spool *s, unsigned attempt)
{
    static const struct yq_backoff backoff = {FIRST_RETRY_MS, MAX_RETRY_MS};
    int64_t until = spool_now_ms() + yq_backoff_ms(&backoff, attempt, (uint64_t)spool_now_ms());
    s->poked = false;
    while (!s->stopping && !s->poked && spool_now_ms() < until)
        (void)spool_wait(s, &s->to_drain, until - spool_now_ms());
}

/* Nothing to do: folders may have lost their process meanwhile. */
static void look_for_others(struct yq_spool *s, int64_t *looked_ms)
{
    if (spool_now_ms() - *looked_ms < ADOPT_MS) {
        (void)spool_wait(s, &s->to_drain, *looked_ms + ADOPT_MS - spool_now_ms());
        return;
    }
    pthread_mutex_unlock(&s->lock);
    spool_adopt(s);
    *looked_ms = spool_now_ms();
    pthread_mutex_lock(&s->lock);
}

void *spool_drain(void *context)
{
    struct yq_spool *s = context;
    int64_t looked_ms = spool_now_ms();
    unsigned attempts = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        struct step step;
        struct yq_error err = {0};
        if (!find_step(s, &step)) {
            look_for_others(s, &looked_ms);
            continue;
        }
        pthread_mutex_unlock(&s->lock);
        int result = carry_out(s, &step, &err);
        pthread_mutex_lock(&s->lock);
        if (result == 0) {
            attempts = 0;
            s->redis_fault[0] = '\0';
            s->refused = false;
        } else {
            note_fault(s, &err);
            rest(s, ++attempts);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
