/* Stored events, read anew from the text in which they came: what a replay sends again, and what a
 * dry run of it plans with.
 *
 * Only what WeCom reported is replayed (yq_event_kind_is_report), and only what is settled: the
 * rest is worked on anyway. Of an event that was sent again before, the first one stands for all
 * where both are chosen, so that a replay of everything does not double at every turn. What came in
 * after the beginning is not looked at. */
#ifndef YQ_SERVICE_REPLAY_H
#define YQ_SERVICE_REPLAY_H

#include "base/arena.h"
#include "clients/filter.h"
#include "model/event.h"

#define YQ_REPLAY_NAMED_MAX 1000

struct yq_replay {
    struct yq_event_filter filter; /* by its kind as stored or as read anew */
    const char *entries;           /* named ones, separated by blanks: instead of the filter */
};

/* Why an event is not sent again. */
enum yq_replay_left {
    YQ_REPLAY_TAKEN,
    YQ_REPLAY_MISSING,    /* no such entry; only of named ones */
    YQ_REPLAY_OPEN,       /* not settled yet */
    YQ_REPLAY_NO_REPORT,  /* a command, our own, or good for once */
    YQ_REPLAY_UNREADABLE, /* its text is not understood, still */
    YQ_REPLAY_AGAIN,      /* it was sent again itself, and the first one is chosen, too */
    YQ_REPLAY_LEFT_COUNT
};
struct yq_replay_counts {
    size_t events[YQ_REPLAY_LEFT_COUNT];
    enum yq_replay_left why;  /* of the first named one that was left out; TAKEN: none was */
    char entry[YQ_ENTRY_MAX]; /* which one */
};

/* The event has the source "replay" and its origin; it lives as long as the call. Not 0 ends the
 * walk. */
typedef int yq_replay_take(void *context, const struct yq_event *e, struct yq_error *err);
/* Oldest first. take may be NULL: only counts. -1: Redis failed, or take did. */
int yq_replay_each(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                   const struct yq_replay *replay, yq_replay_take *take, void *context,
                   struct yq_replay_counts *ret, struct yq_error *err);

/* The data of a command.replay: members without braces, and back. A command that cannot be read
 * is INVALID; `entries` then belongs to the arena. */
void yq_replay_write(const struct yq_replay *replay, struct yq_buf *out);
int yq_replay_read(struct yq_arena *arena, const char *data, struct yq_replay *ret,
                   struct yq_error *err);

#endif
