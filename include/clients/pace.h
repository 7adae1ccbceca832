/* How fast one peer may be called: requests per second and calls in flight, halved when the peer
 * says "too many", climbing back slowly; and a block per API while the peer has shut it.
 *
 * Pure but for the time, which is passed in (monotonic milliseconds). Not locked: its owner is. */
#ifndef YQ_CLIENTS_PACE_H
#define YQ_CLIENTS_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yq_pace_budget {
    double per_second; /* 10 */
    int in_flight;     /* 4 */
};

#define YQ_PACE_APIS 64
struct yq_pace {
    struct yq_pace_budget budget; /* the most that is ever allowed */
    double rate;                  /* now; never above the budget, never below a tenth of it */
    double parallel;              /* calls in flight allowed now; at least 1 */
    double tokens;                /* of the bucket; holds at most one second's worth, at least 1 */
    int64_t filled_ms;
    int64_t slow_until_ms; /* no call at all before this */
    int running;
    double background_tokens;  /* of the smaller bucket that background calls must pass besides */
    int background_running;    /* how many of `running` are background calls */
    int64_t background_due_ms; /* by then the next of them is let through, whatever events need */
    struct {
        char api[64];
        int64_t until_ms;
        int times; /* how often in a row: 60 s first, 60 min on repetition (wecom.md §6.2) */
    } blocks[YQ_PACE_APIS];
    size_t block_count;
};

void yq_pace_init(struct yq_pace *p, const struct yq_pace_budget *budget, int64_t now_ms);
/* 0: go on, the call is counted as running. Otherwise milliseconds to wait before asking again.
 * Background calls (a reconcile) get at most 70 % of the rate and leave one call in flight to the
 * others, unless there is only one at all: events have a reserved share (design.md §3.4). Where
 * events need more than that, background gets what they leave, but 10 % at the least. */
int64_t yq_pace_start(struct yq_pace *p, int64_t now_ms, bool background);
/* A background call came to its end: told besides, and before, one of the next. */
void yq_pace_background_ended(struct yq_pace *p);
/* Milliseconds until the API is open again; 0 = it is. */
int64_t yq_pace_blocked(const struct yq_pace *p, const char *api, int64_t now_ms);
/* The running call ended well: climb a little. */
void yq_pace_good(struct yq_pace *p, int64_t now_ms);
/* It ended without saying anything about the pace. */
void yq_pace_end(struct yq_pace *p);
/* 45033, 429001, HTTP 429: halve, and wait a moment. */
void yq_pace_too_fast(struct yq_pace *p, int64_t now_ms);
/* 45009: nothing more to this API for its window. Returns its length in milliseconds. */
int64_t yq_pace_block(struct yq_pace *p, const char *api, int64_t now_ms);

#endif
