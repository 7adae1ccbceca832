/* Is a reconcile due, and which? Pure: the times are passed in. */
#ifndef YQ_SERVICE_RECONCILE_DUE_H
#define YQ_SERVICE_RECONCILE_DUE_H

#include "clients/store_reconcile.h"

enum yq_reconcile_kind {
    YQ_RECONCILE_NONE,
    YQ_RECONCILE_DEPARTMENTS, /* names and places of departments: two lists */
    YQ_RECONCILE_MEMBERS,     /* and of all people */
    YQ_RECONCILE_FULL,        /* and who has left, by absence from two listings of the company */
};
const char *yq_reconcile_kind_name(enum yq_reconcile_kind kind);
enum yq_reconcile_kind yq_reconcile_kind_parse(const char *name); /* NONE: no such kind */

struct yq_reconcile_times {
    int64_t now_ms;
    int64_t started_ms; /* since when somebody looks: nothing is due from before that, where no
                           reconcile ever was complete */
    int64_t new_ms;     /* since when whoever looks knows that none ever was; 0: one was */
    int64_t night_ms;   /* when the time of the full one passed last; 0: there is none */
    uint64_t seed;      /* of the connection: companies do not wake together */
    int64_t spread_ms;  /* what is due for all connections at once is spread over so long */
    bool at_start;      /* a connection that is new, or was not compared since the start, is due */
    int64_t departments_every_ms, members_every_ms; /* 0: never by the clock */
    bool superiors; /* they shall follow WeCom: the switch is brought there; on, ten minutes after
                       the start, so that a dry run can show before what will come of it */
};

/* How far that is for so many: 100 ms for each but one, 30 s at most. One alone waits for nothing.
 */
int64_t yq_reconcile_spread_ms(size_t connections);

struct yq_reconcile_due {
    enum yq_reconcile_kind kind;
    const char *cause; /* "command", "start", "superiors", "owed", "schedule"; static text */
};

/* Commands first, at once; all else rests after a failure, for a minute at first, for an hour at
 * most. A run that was cancelled is not begun again before the next time on the schedule, or the
 * next start.
 *
 * At the start: what happened while nobody listened was told by no event. One full run that ended
 * since is enough, whichever process ran it, and one that ended in the ten minutes before puts the
 * next one off until these are over: processes that are started one after the other compare once,
 * not each. Only a full one counts, as no other finds who has left. */
struct yq_reconcile_due yq_reconcile_due(const struct yq_reconcile_times *t,
                                         const struct yq_reconcile_state *s);

/* What was to happen, as far as an overdue one is judged by it. */
struct yq_reconcile_plan {
    int64_t now_ms;
    int64_t started_ms; /* since when somebody looks: where none was ever complete, it counts from
                           here */
    int64_t going_ms;   /* when the run that is going told its progress last; 0: none is */
    bool at_night;      /* a full one every night */
    int64_t departments_every_ms, members_every_ms; /* 0: never by the clock */
};

/* The sort that should have been complete long ago: one and a half times its interval and a quarter
 * of an hour have passed since the last one, or one is owed for two hours, or they failed time
 * after time for about an hour. Not while one is going, nor while the connection is paused.
 * *ret_last_ms: when that sort was complete last, 0: never. NONE: all is in time. */
enum yq_reconcile_kind yq_reconcile_overdue(const struct yq_reconcile_plan *plan,
                                            const struct yq_reconcile_state *s,
                                            int64_t *ret_last_ms);

#endif
