/* One random history: a made-up company, a seeded stream of what an administrator does in WeCom's
 * console, callbacks that come twice and out of order, daemons that are killed, peers that fail;
 * and in the end the oracle's judgement. */
#ifndef TESTS_HISTORY_H
#define TESTS_HISTORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "support/stage.h"

/* What goes wrong, by name. The kinds are those of the simulators (tests/sim/README.md); the last
 * ones are done by the history itself. */
#define HISTORY_FAULTS(X)                                                                          \
    X(ANSWER_LOST, "answer lost after the write")                                                  \
    X(TOKEN_DEAD, "token dead in the middle")                                                      \
    X(QUOTA, "45009")                                                                              \
    X(CONCURRENCY, "45033")                                                                        \
    X(RATE, "429001")                                                                              \
    X(CUT, "connection cut")                                                                       \
    X(ROWS_SHUFFLED, "rows shuffled")                                                              \
    X(ROWS_INCOMPLETE, "rows without keys")                                                        \
    X(ROW_FAILED, "a row failed")                                                                  \
    X(GARBAGE, "garbage")                                                                          \
    X(SERVER_ERROR, "server error")                                                                \
    X(FORM, "answer in another form")                                                              \
    X(SLOW, "slow")                                                                                \
    X(KILLED, "daemon killed")                                                                     \
    X(TWO_DAEMONS, "two daemons at once")                                                          \
    X(DUPLICATE, "delivered twice")                                                                \
    X(CLOCK, "clock far ahead at once")                                                            \
    X(LOST, "event lost")                                                                          \
    X(MEANWHILE, "changed on both sides during a reconcile")

enum history_fault {
#define X(name, text) HISTORY_##name,
    HISTORY_FAULTS(X)
#undef X
        HISTORY_FAULT_COUNT
};
const char *history_fault_name(enum history_fault f);

struct history {
    struct stage *s;
    uint64_t seed, random;
    bool guard;  /* low limits: the question is only whether they hold */
    bool talks;  /* prints what it does at once */
    bool cold;   /* nobody is linked when the changes begin */
    bool loses;  /* events get lost; one reconcile heals in the end */
    bool beside; /* reconciles run in between, and changes are made while they read; with loses */
    bool hidden; /* mobiles and e-mails cannot be read: only events tell them */
    bool daemons[2];
    struct yq_buf story;      /* what was done */
    struct yq_buf complaints; /* what is wrong */
    cJSON *touched;           /* as the oracle wants it: subject -> kinds of its events */
    cJSON *renamed;           /* userid of the beginning -> userid now */
    cJSON *deleted;           /* people who were deleted, as they were; for coming back */
    cJSON *edits;             /* by hand in eteams: {"id","value"} */
    cJSON *before, *department_links, *member_links; /* of eteams, when the changes begin */
    unsigned people_made, departments_made;
    uint64_t hits[HISTORY_FAULT_COUNT];
    size_t changes, refused;
    unsigned departments_deleted;
    unsigned left_to_people, left_to_reconcile; /* what no event can settle */
};

/* ---- history.c ---- */
/* True when nothing is wrong. The stage is ready for the next one afterwards. */
bool history_run(struct history *h);
uint32_t history_below(struct history *h, uint32_t n);
bool history_percent(struct history *h, uint32_t p);
void history_say(struct history *h, const char *format, ...) __attribute__((format(printf, 2, 3)));
void history_complain(struct history *h, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sends what WeCom holds. */
void history_deliver(struct history *h);

/* ---- history_changes.c: the administrator ---- */
void history_change(struct history *h);
/* An event about every department and, unless cold, everybody, with nothing changed in the end. */
void history_touch_all(struct history *h);

/* ---- history_faults.c: the peers fail ---- */
void history_faults_begin(struct history *h); /* some, chosen by the seed, from now on */
void history_faults_end(struct history *h);   /* none, and what there were is counted */

/* ---- history_heal.c: the full reconcile ---- */
/* How many of the events that are delivered now get lost. */
uint32_t history_lose_percent(struct history *h);
/* A slow one begins, and both sides are changed while it is at it. */
void history_meanwhile(struct history *h);
/* All changes are made: one that heals, and one that finds nothing. */
void history_heal(struct history *h);

/* ---- history_judge.c ---- */
/* The links as they are now: WeCom id -> link. Caller deletes. */
cJSON *history_links(struct history *h, const char *name);
/* Was the subject noted as this? */
bool history_noted(struct history *h, const char *userid, const char *kind);
/* Remembers eteams and the links as they are now. */
void history_remember(struct history *h);
void history_judge(struct history *h);
/* Everything about it: what was done, audit, events, differences. */
void history_print(struct history *h);

#endif
