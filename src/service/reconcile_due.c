/* When a reconcile is due. Each connection has its own slots on the clock: a sort is due when its
 * last complete run ended before the present slot began. */
#include "service/reconcile_due.h"

#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SWITCH_REST_MS (10 * MINUTE_MS) /* also after an attempt that came to nothing */
#define START_REST_MS (10 * MINUTE_MS)  /* a full run this fresh is not repeated for a start */
#define SPREAD_EACH_MS 100
#define SPREAD_MS 30000
#define OWED_REST_MS INT64_C(10000) /* behind a complete one: what is owed anew collects */

static const char *const names[] = {"none", "departments", "members", "full"};

const char *yq_reconcile_kind_name(enum yq_reconcile_kind kind)
{
    return names[kind];
}

enum yq_reconcile_kind yq_reconcile_kind_parse(const char *name)
{
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            return (enum yq_reconcile_kind)i;
    }
    return YQ_RECONCILE_NONE;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t rest_ms(unsigned failures)
{
    unsigned doublings = failures > 7 ? 6 : failures - 1;
    int64_t rest = MINUTE_MS << doublings;
    return rest < HOUR_MS ? rest : HOUR_MS;
}

static bool rests(const struct yq_reconcile_times *t, const struct yq_reconcile_state *s)
{
    return s->failures > 0 && t->now_ms < s->failed_ms + rest_ms(s->failures);
}

/* When the present slot began. */
static int64_t slot(const struct yq_reconcile_times *t, int64_t every_ms)
{
    int64_t phase = (int64_t)(t->seed % (uint64_t)every_ms);
    return t->now_ms - (t->now_ms - phase) % every_ms;
}

/* The full one's, within the hour behind its time of day. */
static int64_t night_slot(const struct yq_reconcile_times *t)
{
    int64_t begin = t->night_ms + (int64_t)(t->seed % (uint64_t)HOUR_MS);
    return begin <= t->now_ms ? begin : begin - DAY_MS;
}

static bool missed(const struct yq_reconcile_times *t, const struct yq_reconcile_state *s,
                   int64_t last_ms, int64_t slot_ms)
{
    int64_t last = later(last_ms ? last_ms : t->started_ms, s->cancelled_ms);
    return last < slot_ms;
}

static enum yq_reconcile_kind by_the_clock(const struct yq_reconcile_times *t,
                                           const struct yq_reconcile_state *s)
{
    if (t->night_ms > 0 && missed(t, s, s->full_ms, night_slot(t)))
        return YQ_RECONCILE_FULL;
    if (t->members_every_ms > 0 && missed(t, s, s->members_ms, slot(t, t->members_every_ms)))
        return YQ_RECONCILE_MEMBERS;
    if (t->departments_every_ms > 0 &&
        missed(t, s, s->departments_ms, slot(t, t->departments_every_ms)))
        return YQ_RECONCILE_DEPARTMENTS;
    return YQ_RECONCILE_NONE;
}

int64_t yq_reconcile_spread_ms(size_t connections)
{
    size_t others = connections > 0 ? connections - 1 : 0;
    return others < SPREAD_MS / SPREAD_EACH_MS ? (int64_t)others * SPREAD_EACH_MS : SPREAD_MS;
}

/* The connection's own part of the spread. */
static int64_t own_share(const struct yq_reconcile_times *t)
{
    return t->spread_ms > 0 ? (int64_t)(t->seed % (uint64_t)t->spread_ms) : 0;
}

/* Since the start nobody has compared everything; or nobody ever has. */
static bool by_the_start(const struct yq_reconcile_times *t, const struct yq_reconcile_state *s)
{
    int64_t last = later(s->full_ms, s->cancelled_ms);
    bool taking_over = t->superiors && s->superiors == YQ_SUPERIORS_OFF;
    if (!t->at_start || t->now_ms < later(t->started_ms, t->new_ms) + own_share(t))
        return false;
    if (last == 0)
        return true;
    if (taking_over) /* would be part of it: time for a dry run */
        return false;
    return last < t->started_ms && t->now_ms >= last + START_REST_MS;
}

/* It is owed for a moment only. Whoever wrote that down may have a clock that is ahead of ours. */
static bool is_others_turn(const struct yq_reconcile_times *t, const struct yq_reconcile_state *s)
{
    return t->now_ms >= s->owed_ms && t->now_ms < s->owed_ms + own_share(t);
}

/* The superior switch does not stand where it shall. */
static enum yq_reconcile_kind by_the_switch(const struct yq_reconcile_times *t,
                                            const struct yq_reconcile_state *s)
{
    bool stands =
        t->superiors ? s->superiors == YQ_SUPERIORS_LOCKED : s->superiors == YQ_SUPERIORS_OFF;
    int64_t last = later(s->superiors_tried_ms, s->cancelled_ms);
    if (t->superiors && s->superiors == YQ_SUPERIORS_OFF) /* time for a dry run */
        last = later(last, t->started_ms);
    if (stands || t->now_ms < last + SWITCH_REST_MS)
        return YQ_RECONCILE_NONE;
    bool whole = t->superiors && s->superiors != YQ_SUPERIORS_ON;
    return whole ? YQ_RECONCILE_FULL : YQ_RECONCILE_DEPARTMENTS;
}

struct yq_reconcile_due yq_reconcile_due(const struct yq_reconcile_times *t,
                                         const struct yq_reconcile_state *s)
{
    if (s->paused)
        return (struct yq_reconcile_due){YQ_RECONCILE_NONE, ""};
    if (s->wanted[0] != '\0')
        return (struct yq_reconcile_due){YQ_RECONCILE_FULL, "command"};
    if (rests(t, s))
        return (struct yq_reconcile_due){YQ_RECONCILE_NONE, ""};
    if (by_the_start(t, s))
        return (struct yq_reconcile_due){YQ_RECONCILE_FULL, "start"};
    if (by_the_switch(t, s) != YQ_RECONCILE_NONE)
        return (struct yq_reconcile_due){by_the_switch(t, s), "superiors"};
    bool owed = s->owed_ms > 0 && s->owed_ms > s->cancelled_ms;
    if (owed && t->now_ms >= s->full_ms + OWED_REST_MS && !is_others_turn(t, s))
        return (struct yq_reconcile_due){YQ_RECONCILE_FULL, "owed"};
    return (struct yq_reconcile_due){by_the_clock(t, s), "schedule"};
}

/* ---- overdue ---- */

#define QUARTER_MS (15 * MINUTE_MS)
#define OWED_MS (2 * HOUR_MS)
#define FAILURES 6                 /* with the rests between them that is about an hour */
#define SILENT_MS (10 * MINUTE_MS) /* a run that says nothing for so long does not go on */

static bool is_late(const struct yq_reconcile_plan *p, const struct yq_reconcile_state *s,
                    int64_t last_ms, int64_t every_ms)
{
    int64_t from = later(last_ms ? last_ms : p->started_ms, s->cancelled_ms);
    return every_ms > 0 && p->now_ms - from > every_ms + every_ms / 2 + QUARTER_MS;
}

enum yq_reconcile_kind yq_reconcile_overdue(const struct yq_reconcile_plan *p,
                                            const struct yq_reconcile_state *s,
                                            int64_t *ret_last_ms)
{
    bool owed = s->owed_ms > 0 && s->owed_ms > s->cancelled_ms;
    if (s->paused || (s->going && p->now_ms - p->going_ms < SILENT_MS))
        return YQ_RECONCILE_NONE;
    *ret_last_ms = s->full_ms;
    if (is_late(p, s, s->full_ms, p->at_night ? DAY_MS : 0) || s->failures >= FAILURES ||
        (owed && p->now_ms - s->owed_ms > OWED_MS))
        return YQ_RECONCILE_FULL;
    *ret_last_ms = s->members_ms;
    if (is_late(p, s, s->members_ms, p->members_every_ms))
        return YQ_RECONCILE_MEMBERS;
    *ret_last_ms = s->departments_ms;
    if (is_late(p, s, s->departments_ms, p->departments_every_ms))
        return YQ_RECONCILE_DEPARTMENTS;
    return YQ_RECONCILE_NONE;
}
