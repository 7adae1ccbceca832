/* One reconcile under way: what its phases share. Its reading holds no lease and leaves the peers
 * to events; it takes the lease for one batch of writes at a time. */
#ifndef YQ_SRC_SERVICE_RECONCILE_H
#define YQ_SRC_SERVICE_RECONCILE_H

#include "model/snapshot.h"
#include "plan/drift.h"
#include "service/reconcile_due.h"
#include "service/sync.h"
#include "turn.h"

enum yq_reconcile_end { YQ_RUN_GOES_ON, YQ_RUN_STOPPED, YQ_RUN_CANCELLED, YQ_RUN_PAUSED };

struct yq_reconcile_counts {
    size_t drifted[YQ_DRIFT_KINDS]; /* members */
    size_t departments;             /* that differ */
    size_t applied, failed, held, cases, waiting;
    size_t superiors; /* written while they were taken over or put back */
};

/* What WeCom showed, compared with what it showed at the last complete run: hash `snapshot`. */
struct yq_reconcile_range {
    struct yq_buf missing; /* linked departments that cannot be seen but are there: ",7,12," */
    struct yq_buf unread;  /* nobody could say whether they are; the next run asks again */
    struct yq_buf before;  /* the same at the last complete run */
    struct yq_buf names;   /* the topmost of those that were not missing before, for people */
    size_t departments;    /* visible */
    size_t members;        /* visible */
    size_t company;        /* of the listing of ids; 0: there was none */
    int64_t members_before, company_before;
    bool shrank;
    bool only_persons; /* R9 */
    bool ids_only;     /* members were listed by user/list_id: nobody can be asked about singly */
};

struct yq_reconcile {
    const struct yq_turn_context *c;
    struct yq_connection *connection;
    const char *id;
    char run[YQ_ENTRY_MAX], cause[24];
    enum yq_reconcile_kind kind;
    struct yq_subject subject; /* of a dry run; "all" otherwise */
    bool dry_run;
    bool superiors;   /* they follow WeCom by now (S2) */
    bool replay;      /* instead of comparing: the plan of a replay, which `run` describes */
    char restore[24]; /* a backup of superiors, or "newest": put back instead of comparing */
    struct yq_reason refused; /* NONE: it was not */
    int64_t started_ms;
    struct yq_lease own;   /* of the run */
    struct yq_lease lease; /* of the connection, while `holds` */
    bool holds;
    int64_t renew_at, lease_renew_at, look_at; /* monotonic */
    enum yq_reconcile_end end;
    struct yq_watch watch;
    struct yq_sync_batch batch;
    struct touched *touched; /* uthash: what events touched */
    int64_t touched_last;
    struct yq_reconcile_progress progress;
    size_t scope_from, scope_to; /* what of `progress.done` the scope under way is worth */
    struct yq_reconcile_counts counts;
    struct yq_reconcile_range range;
    uint32_t *closing; /* departments that are gone and were not empty yet */
    size_t closing_count, closing_capacity;
    struct yq_people *people; /* of eteams, where many are new; else NULL */
    size_t removals, moves;   /* planned so far and not held */
    bool incomplete;          /* a list was not to be relied on, */
    struct yq_error half;     /* and why */
    char held_plan[33];
    struct yq_buf summary, operations, verdicts; /* the insides of JSON arrays */
    size_t lines;
    struct told *told; /* uthash: operations of a dry run, each told once */
    struct told *held; /* uthash: what the guard held, each counted once */
};

/* ---- reconcile_run.c ---- */

/* Takes the connection's reconcile, if nobody else has it and it is due or was left behind, and
 * runs it to its end. 1: it ran; 0: nothing to do; -1: Redis failed. */
int yq_reconcile_run(const struct yq_turn_context *c, struct yq_connection *connection,
                     const struct yq_reconcile_times *times, struct yq_error *err);
/* A new phase begins. */
void yq_reconcile_phase(struct yq_reconcile *r, const char *phase, size_t total);

/* ---- reconcile_scope.c ---- */

/* Told how each subject came out. */
typedef void yq_reconcile_each(void *context, const struct yq_outcome *o);
/* Runs the engine for the evidence in the view, and counts. */
int yq_reconcile_scope(struct yq_reconcile *r, struct yq_view *v, yq_reconcile_each *each,
                       void *context, struct yq_error *err);
/* Evidence that a comparison found it. */
struct yq_evidence *yq_reconcile_evidence(struct yq_view *v, const struct yq_subject *subject);
void yq_reconcile_release(struct yq_reconcile *r);
/* For yq_sync_batch and the watch. */
void yq_reconcile_prepare(struct yq_reconcile *r);
int yq_reconcile_check(void *reconcile, struct yq_error *err);

/* ---- reconcile_report.c ---- */

void yq_reconcile_tell(struct yq_reconcile *r, const struct yq_plan *p);
/* One line beside the plans. */
void yq_reconcile_tell_item(struct yq_reconcile *r, const struct yq_plan_item *item);
/* Counts what the guard holds, once however many scopes it is in. */
void yq_reconcile_count_held(struct yq_reconcile *r, const struct yq_plan *p);
/* The entry of `runs`. error: NULL when all went well. */
void yq_reconcile_forget_told(struct yq_reconcile *r);
void yq_reconcile_report(const struct yq_reconcile *r, const char *outcome,
                         const struct yq_error *error, struct yq_buf *out);

/* ---- the phases: -1 with what ends the run ---- */

int yq_reconcile_departments(struct yq_reconcile *r, struct yq_error *err);
int yq_reconcile_members(struct yq_reconcile *r, struct yq_error *err);
/* Behind the members: the departments that people had to leave first (decisions.md 24). */
int yq_reconcile_close_departments(struct yq_reconcile *r, struct yq_error *err);

/* ---- reconcile_superiors.c: the switch ---- */

/* Brings it where the configuration wants it, as far as this run may; before the members, whose
 * superiors the engine then writes. */
int yq_reconcile_switch_superiors(struct yq_reconcile *r, struct yq_error *err);
/* After them. */
int yq_reconcile_lock_superiors(struct yq_reconcile *r, struct yq_error *err);

/* ---- reconcile_restore.c ---- */

int yq_reconcile_restore(struct yq_reconcile *r, struct yq_error *err);

/* ---- reconcile_replay.c ---- */

int yq_reconcile_replay(struct yq_reconcile *r, struct yq_error *err);

/* ---- reconcile_range.c ---- */

int yq_range_load(struct yq_reconcile *r, struct yq_error *err);
bool yq_range_was_missing(const struct yq_reconcile *r, uint32_t department);
/* Linked, and out of sight in this run: known once departments were compared. */
bool yq_range_lacks(const struct yq_reconcile *r, uint32_t department);
void yq_range_add_missing(struct yq_reconcile *r, uint32_t department, const char *name);
/* No reason for an alarm. */
void yq_range_add_unread(struct yq_reconcile *r, uint32_t department);
/* Of a complete run: the snapshot's figures, and the alarm when it shows less than before. That is
 * over when all is shown again, or a run by command finds nothing newly missing. */
void yq_range_commit(struct yq_reconcile *r, int64_t size, struct yq_commit *c);
void yq_range_release(struct yq_reconcile *r);

/* ---- reconcile_gone.c ---- */

/* Who is linked, not left, and in none of two complete listings of the whole company: their
 * userids, in the arena. None, without an error, where that cannot be told for sure. */
int yq_reconcile_find_gone(struct yq_reconcile *r, const struct yq_drift_links *links,
                           const struct yq_snapshot *visible, struct yq_arena *arena,
                           const char ***ret, size_t *ret_count, struct yq_error *err);

#endif
