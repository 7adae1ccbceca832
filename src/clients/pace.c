/* A token bucket, a number of calls in flight, and the APIs that a peer has shut. */
#include "clients/pace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BACKGROUND_SHARE 0.7 /* of the rate: the rest is for events */
#define LEAST_SHARE 0.1      /* of the rate: what background gets however much events need */
#define CLIMB_RATE 0.01      /* of the budget, per good call */
#define CLIMB_PARALLEL 0.05  /* calls in flight, per good call */
#define SLOW_MS 2000         /* wecom.md §6.2: wait about 2 s */
#define FULL_MS 5            /* calls end when they end: ask again soon */
#define FIRST_BLOCK_MS 60000 /* wecom.md §6.1: the minute's window, then the hour's */
#define NEXT_BLOCK_MS 3600000

static double least_rate(const struct yq_pace *p)
{
    return p->budget.per_second / 10;
}

void yq_pace_init(struct yq_pace *p, const struct yq_pace_budget *budget, int64_t now_ms)
{
    memset(p, 0, sizeof(*p));
    p->budget.per_second = budget->per_second > 0 ? budget->per_second : 10;
    p->budget.in_flight = budget->in_flight > 0 ? budget->in_flight : 4;
    p->rate = p->budget.per_second;
    p->parallel = p->budget.in_flight;
    p->tokens = fmax(p->rate, 1);
    p->background_tokens = fmax(p->rate * BACKGROUND_SHARE, 1);
    p->filled_ms = now_ms;
}

static void fill(struct yq_pace *p, int64_t now_ms)
{
    if (now_ms <= p->filled_ms)
        return;
    double more = p->rate * (double)(now_ms - p->filled_ms) / 1000;
    double share = p->rate * BACKGROUND_SHARE;
    p->tokens = fmin(fmax(p->rate, 1), p->tokens + more);
    p->background_tokens = fmin(fmax(share, 1), p->background_tokens + more * BACKGROUND_SHARE);
    p->filled_ms = now_ms;
}

static int64_t wait_for_token(double tokens, double rate)
{
    return tokens < 1 - 1e-9 ? (int64_t)fmax(1, ceil((1 - tokens) * 1000 / rate)) : 0;
}

static bool is_full(const struct yq_pace *p, bool background)
{
    int most = (int)p->parallel;
    if (p->running >= most)
        return true;
    return background && p->background_running >= (most > 1 ? most - 1 : 1);
}

/* Its own bucket must allow it, and it leaves in the other what events may need at once: so they
 * get all they want, and background the rest. Kept waiting for long, it is let through. */
static int64_t wait_for_background(const struct yq_pace *p, int64_t now_ms)
{
    double reserve = fmin(p->rate * (1 - BACKGROUND_SHARE), fmax(p->rate, 1) - 1);
    int64_t own = wait_for_token(p->background_tokens, p->rate * BACKGROUND_SHARE);
    int64_t left = wait_for_token(p->tokens - reserve, p->rate);
    int64_t due = p->background_due_ms > now_ms ? p->background_due_ms - now_ms : 0;
    if (left > due)
        left = due;
    return own > left ? own : left;
}

int64_t yq_pace_start(struct yq_pace *p, int64_t now_ms, bool background)
{
    fill(p, now_ms);
    if (now_ms < p->slow_until_ms)
        return p->slow_until_ms - now_ms;
    if (is_full(p, background))
        return FULL_MS;
    int64_t wait = wait_for_token(p->tokens, p->rate);
    if (wait == 0 && background)
        wait = wait_for_background(p, now_ms);
    if (wait > 0)
        return wait;
    p->tokens -= 1;
    p->running++;
    if (background) {
        p->background_tokens -= 1;
        p->background_running++;
        p->background_due_ms = now_ms + (int64_t)(1000 / (p->rate * LEAST_SHARE));
    }
    return 0;
}

void yq_pace_background_ended(struct yq_pace *p)
{
    if (p->background_running > 0)
        p->background_running--;
}

static int find_block(const struct yq_pace *p, const char *api)
{
    for (size_t i = 0; i < p->block_count; i++) {
        if (strncmp(p->blocks[i].api, api, sizeof(p->blocks[i].api) - 1) == 0)
            return (int)i;
    }
    return -1;
}

int64_t yq_pace_blocked(const struct yq_pace *p, const char *api, int64_t now_ms)
{
    int i = find_block(p, api);
    return i < 0 || p->blocks[i].until_ms <= now_ms ? 0 : p->blocks[i].until_ms - now_ms;
}

void yq_pace_end(struct yq_pace *p)
{
    if (p->running > 0)
        p->running--;
}

void yq_pace_good(struct yq_pace *p, int64_t now_ms)
{
    yq_pace_end(p);
    fill(p, now_ms);
    p->rate = fmin(p->budget.per_second, p->rate + p->budget.per_second * CLIMB_RATE);
    p->parallel = fmin(p->budget.in_flight, p->parallel + CLIMB_PARALLEL);
}

void yq_pace_too_fast(struct yq_pace *p, int64_t now_ms)
{
    yq_pace_end(p);
    if (now_ms < p->slow_until_ms)
        return; /* it was sent before we slowed down */
    fill(p, now_ms);
    p->rate = fmax(least_rate(p), p->rate / 2);
    p->parallel = fmax(1, p->parallel / 2);
    p->tokens = fmin(p->tokens, 1);
    p->background_tokens = fmin(p->background_tokens, 1);
    p->slow_until_ms = now_ms + SLOW_MS;
}

/* The place of an API in the table: its own, a new one, or that of the block that ended first. */
static size_t block_place(struct yq_pace *p, const char *api)
{
    int found = find_block(p, api);
    if (found >= 0)
        return (size_t)found;
    size_t place = 0;
    if (p->block_count < YQ_PACE_APIS) {
        place = p->block_count++;
    } else {
        for (size_t i = 1; i < p->block_count; i++) {
            if (p->blocks[i].until_ms < p->blocks[place].until_ms)
                place = i;
        }
    }
    memset(&p->blocks[place], 0, sizeof(p->blocks[place]));
    (void)snprintf(p->blocks[place].api, sizeof(p->blocks[place].api), "%s", api);
    return place;
}

int64_t yq_pace_block(struct yq_pace *p, const char *api, int64_t now_ms)
{
    size_t i = block_place(p, api);
    if (p->blocks[i].times > 0 && now_ms < p->blocks[i].until_ms)
        return p->blocks[i].until_ms - now_ms; /* it was sent before the block */
    if (now_ms - p->blocks[i].until_ms > NEXT_BLOCK_MS)
        p->blocks[i].times = 0; /* long ago: that window is over */
    int64_t length = p->blocks[i].times++ == 0 ? FIRST_BLOCK_MS : NEXT_BLOCK_MS;
    p->blocks[i].until_ms = now_ms + length;
    return length;
}
