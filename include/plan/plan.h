/* The planner: what is known of both sides, the links and the policy -> ordered operations, a
 * verdict per subject, and what must still be read.
 *
 * A pure function: no I/O, no clock, no log, no randomness, nothing global. Whoever calls it
 * answers the needs by reading (service/gather.c; in tests: two directories in memory) and calls it
 * again with the fuller view, until it needs nothing more. Facts are never guessed: while a need is
 * open, the subjects that depend on it have no operations.
 *
 * Order is part of the contract: operations are sorted by stage, kind, subject; every prefix leaves
 * a valid tree. The order in which the view was filled never changes the plan. */
#ifndef YQ_PLAN_PLAN_H
#define YQ_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/operation.h"
#include "model/view.h"
#include "plan/policy.h"

enum yq_need_kind {
    YQ_NEED_ROOT,              /* eteams_root of the view */
    YQ_NEED_WECOM_MEMBER,      /* id: userid. With it: its link */
    YQ_NEED_WECOM_ASIDE,       /* id: userid; for what it says of others, not in question itself */
    YQ_NEED_WECOM_DEPARTMENT,  /* number. With it: its link */
    YQ_NEED_ETEAMS_MEMBER,     /* id; leavers too. With it: whose it is */
    YQ_NEED_ETEAMS_DEPARTMENT, /* id. With it: whose it is */
    YQ_NEED_ETEAMS_CHILDREN,   /* id of the parent; disabled ones too. With them: whose they are */
    YQ_NEED_LOOKUP,            /* id: the look-up's key. With the hits: whose they are */
    YQ_NEED_POSTS,             /* id of the person */
    YQ_NEED_ADMINISTRATORS,
    YQ_NEED_MEMBER_LINK, /* id: userid; only the link */
};

struct yq_need {
    enum yq_need_kind kind;
    const char *id;
    uint32_t number;
    char key[96]; /* for uniqueness */
    UT_hash_handle hh;
};

enum yq_verdict_kind {
    YQ_VERDICT_NONE = 0, /* needs are open */
    YQ_VERDICT_IN_STEP,  /* nothing to do; the reason may say why */
    YQ_VERDICT_CHANGE,   /* it has operations */
    YQ_VERDICT_SKIP,     /* deliberately left alone: out of sight, protected, … */
    YQ_VERDICT_WAIT,     /* cannot be decided now: try again; retry_ms where it is known */
    YQ_VERDICT_CASE,     /* a person must decide */
    YQ_VERDICT_HELD,     /* the guard holds it */
};
const char *yq_verdict_name(enum yq_verdict_kind kind);

/* Somebody whom WeCom names as a superior. */
struct yq_leader {
    const char *key; /* lower-case userid */
    bool usable;     /* in service in eteams, once the plan is carried out */
};

struct yq_verdict {
    struct yq_subject subject;
    char key[YQ_SUBJECT_MAX];
    enum yq_verdict_kind kind;
    struct yq_reason reason;
    int64_t retry_ms; /* WAIT: at least so long; 0: by back-off */
    bool asked;       /* an event or a command asked for it; false: pulled in by another subject */
    const char *eteams; /* id of the record, where it is known before the run; else NULL */
    uint64_t agreed[YQ_MEMBER_FIELD_COUNT]; /* hashes of what both sides have once it is done; 0 =
                                               not known. Departments use NAME, and MAIN_DEPARTMENT
                                               for their parent */
    int64_t
        heard_at[YQ_MEMBER_FIELD_COUNT]; /* event times of fields that only an event told; else 0 */
    int64_t born; /* event time of the member's creation, where an event told it; else 0 */
    const char *const *kept_posts; /* departments out of sight: looked at again when they change */
    size_t kept_count;
    bool serves; /* in service in eteams, once the plan is carried out; only told where superiors
                    are planned (S2) */
    bool leaders_known; /* what follows is all, in WeCom's order (S2) */
    const struct yq_leader *leaders;
    size_t leader_count;
    bool leading_changed; /* the member leads other departments than when it was last looked at */
    UT_hash_handle hh;    /* by key */
};

struct yq_plan {
    struct yq_arena *arena;
    struct yq_need *needs; /* uthash; empty when the plan is complete */
    struct yq_operation **operations;
    size_t operation_count, operation_capacity;
    struct yq_verdict *verdicts;    /* uthash by key */
    size_t removals, moves_to_root; /* counted before the guard */
};

/* Both must outlive the plan. */
struct yq_plan *yq_plan_make(const struct yq_view *view, const struct yq_policy *policy);
void yq_plan_free(struct yq_plan *p);

/* One line per operation and per verdict that says more than "in step", for people and golden
 * cases. */
void yq_plan_text(const struct yq_plan *p, struct yq_buf *out);

/* The same line by line, without the line's end, and as JSON (docs/redis.md, `runs`). */
struct yq_plan_item {
    bool operation; /* else a verdict */
    const char *text, *json;
};
typedef void yq_plan_item_of(void *context, const struct yq_plan_item *item);
void yq_plan_each(const struct yq_plan *p, yq_plan_item_of *take, void *context);
size_t yq_plan_items(const struct yq_plan *p); /* how many these are */
/* The JSON of a verdict, also for what is said beside the plan. word: as in the audit ("none",
 * "wait", "case", "held"), or "change". */
void yq_plan_write_remark(const char *word, const char *subject, const struct yq_reason *reason,
                          struct yq_buf *out);

#endif
