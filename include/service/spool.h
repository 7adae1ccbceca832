/* Where events go that Redis does not take: files, written and synced in groups by one thread,
 * brought into Redis by another. An event is stored once its file was synced. While the spool holds
 * anything of a connection, whoever has a new event of it brings it here, too, so that the order of
 * its events holds.
 *
 * Each process has a folder of its own; folders of processes that are gone are adopted, at the
 * start and every 10 s. Belongs to the thread of the loop, but for yq_spool_figures. */
#ifndef YQ_SERVICE_SPOOL_H
#define YQ_SERVICE_SPOOL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "clients/disk.h"
#include "clients/redis.h"

struct yq_spool;
struct yq_spool_share; /* what it holds of one connection; lives as long as the spool */

struct yq_spool_options {
    struct event_base *base;
    const char *folder; /* copied */
    size_t max_bytes;
    const struct yq_redis_address *address; /* copied */
    int redis_timeout_ms;
    const char *redis_prefix; /* copied */
    int wait_replicas;        /* that must have what is brought into Redis; 0: none */
    int64_t wait_timeout_ms;
    const struct yq_clock *clock;
    const struct yq_disk *disk; /* NULL: the real one */
};

/* Adopts what is there. A folder that cannot be used is no failure: it is tried again, and until
 * then nothing can be stored. */
struct yq_spool *yq_spool_start(const struct yq_spool_options *options);
/* Stores what waits, tells whoever waits, and leaves the rest to the next process. NULL is fine. */
void yq_spool_stop(struct yq_spool *s);

struct yq_spool_share *yq_spool_share(struct yq_spool *s, const char *id);
/* Something of this connection is here, or on its way. */
bool yq_spool_holds(const struct yq_spool_share *share);

/* stored: the disk has it. Called once, from the loop. */
typedef void yq_spool_done(void *context, bool stored);
/* body: as yq_spool_write_body makes it; copied. why: for the log, when this is the first. */
void yq_spool_push(struct yq_spool *s, struct yq_spool_share *share, const struct yq_buf *body,
                   const char *why, yq_spool_done *done, void *context);
/* Redis may take something now: do not wait for the next attempt. */
void yq_spool_poke(struct yq_spool *s);

struct yq_spool_figures {
    size_t entries, bytes; /* not yet in Redis */
    int64_t since_ms;      /* wall: since when it is in use; 0: it is not */
    bool full;             /* the last event that came did not fit */
    char fault[256];       /* why nothing can be stored; "" where it can */
    char redis_fault[256]; /* why Redis takes nothing; "" where it does, or was not asked */
    bool refused;          /* it was Redis itself who said so */
};
void yq_spool_figures(struct yq_spool *s, struct yq_spool_figures *ret);

#endif
