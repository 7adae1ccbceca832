/* The inside of the spool: shared by spool.c (life, what comes in), spool_write.c (the thread that
 * stores), spool_adopt.c (what others left) and spool_drain.c (the thread that brings it into
 * Redis). */
#ifndef YQ_SERVICE_SPOOL_INNER_H
#define YQ_SERVICE_SPOOL_INNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <uthash.h>

#include "clients/spool_file.h"
#include "clients/spool_folder.h"
#include "clients/spool_record.h"
#include "service/spool.h"

struct yq_spool_share {
    UT_hash_handle hh; /* by id */
    atomic_size_t held;
    char id[64];
};

struct spool_push {
    struct spool_push *next;
    struct yq_spool_share *share;
    struct yq_buf body;
    yq_spool_done *done;
    void *context;
    bool stored;
};

struct spool_segment { /* a file */
    struct spool_segment *next;
    unsigned number;
    uint64_t salt;
    size_t end;     /* of its last whole, synced record */
    size_t drained; /* up to there it is in Redis */
    size_t entries; /* behind that */
    bool closed;    /* nothing is added any more */
    bool damaged;   /* something in it is lost */
    int read_faults;
};

struct spool_folder {
    struct spool_folder *next;
    struct yq_spool_folder place;
    struct spool_segment *first, **last;
    bool own;
    bool keep; /* holds a file that cannot be read: it stays ours, so that nobody finds it anew */
};

struct spool_queue {
    struct spool_push *first, **last;
};

struct yq_spool {
    struct yq_spool_options o;
    char *root;
    struct yq_keys keys;
    struct yq_redis *redis; /* the drainer's */
    struct event *wake;
    int wake_fd;
    pthread_t writer, drainer;

    pthread_mutex_t lock;              /* for all that follows, but where it is said */
    pthread_cond_t to_write, to_drain; /* on the monotonic clock */
    bool stopping, writing, poked;
    struct spool_queue waiting, written;
    struct yq_spool_share *shares;
    struct spool_folder *folders; /* in the order in which they are drained: our own is the last */
    size_t entries, bytes;
    size_t total_entries, total_bytes; /* since it began */
    bool in_use;
    int64_t since_ms, began_ms; /* wall; monotonic */
    bool full, owing;
    char fault[256], redis_fault[256];
    bool refused;

    /* the writer's own */
    struct spool_folder *own; /* NULL: could not be made yet */
    struct yq_spool_file *file;
    struct spool_segment *active; /* of that file; NULL: nothing of it was synced */
    unsigned files;
    uint64_t last_number;
    int64_t probed_ms;

    /* the drainer's own */
    const struct spool_segment *loaded;
    char *bytes_loaded;
    size_t loaded_from, loaded_len;
};

int64_t spool_now_ms(void); /* real: a test that moves the clock does not hasten a disk */
/* Waits with the lock; false when the time was over. */
bool spool_wait(struct yq_spool *s, pthread_cond_t *what, int64_t ms);
struct yq_spool_share *spool_share_locked(struct yq_spool *s, const char *id);
void spool_begin_locked(struct yq_spool *s, const char *why);
void spool_tell_gauges_locked(const struct yq_spool *s);
void spool_add_segment(struct spool_folder *f, struct spool_segment *g);
void spool_add_folder_locked(struct yq_spool *s, struct spool_folder *f);
void spool_free_folder(struct spool_folder *f); /* without its segments' files */

void *spool_write(void *context);
/* Makes our own folder, where it is missing. */
int spool_make_own(struct yq_spool *s, struct yq_error *err);
/* Takes over all folders that nobody has. Not with the lock. */
void spool_adopt(struct yq_spool *s);
void *spool_drain(void *context);

#endif
