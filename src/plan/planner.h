/* What the files of the planner share: the state of one planning, and how a subject is settled. */
#ifndef YQ_PLAN_PLANNER_H
#define YQ_PLAN_PLANNER_H

#include "plan/plan.h"

#define WECOM_ROOT 1u     /* wecom.md §4.2 */
#define STATUS_DISABLED 2 /* wecom.md §4.3 */
#define STATUS_LEFT 5

/* Stages: smaller ones are finished before larger ones begin. */
enum {
    STAGE_BOOK = 10,        /* links that only change hands */
    STAGE_STEP_ASIDE = 20,  /* a department takes a temporary name */
    STAGE_DEPARTMENT = 100, /* + 8 per level; + order among those that wait for each other */
    STAGE_LEVEL = 8,
    STAGE_FREE_KEY = 300,    /* a mobile or e-mail that two people swap is cleared */
    STAGE_EARLY_LEAVE = 310, /* leavers who hold what a joiner needs; their posts go one before */
    STAGE_RETURN = 315, /* who is taken back, with the mobile of old times, which others may need */
    STAGE_MEMBER = 320, /* + order among those that wait for each other */
    STAGE_MEMBER_LAST = 390,
    STAGE_POST_REMOVE = 400,
    STAGE_POST_ADD = 410,
    STAGE_SUPERIOR_CLEAR = 450, /* who would close a ring with those that are set next */
    STAGE_SUPERIOR = 460,       /* everybody who is referred to is there by now */
    STAGE_LEAVE = 510,
    STAGE_DISABLE = 600, /* + 100 for the topmost; less by one per level */
    STAGE_FORGET = 710,  /* links of what was disabled */
};

enum progress {
    UNTOUCHED = 0,
    BUSY, /* being settled further up the call chain */
    OPEN, /* needs are open */
    READY,
    WAITS,
    HIDES, /* there, but cannot be used: out of sight, protected, or a case without a record */
    GONE,
};

struct department {
    uint32_t id;
    enum progress progress;
    bool full; /* compared with eteams; otherwise only resolved through its link */
    int depth; /* levels below what this plan does not touch */
    int stage;
    struct yq_ref ref;                      /* READY: what stands for it in eteams */
    struct yq_ref parent;                   /* where it belongs */
    const char *name;                       /* the name it shall have; NULL: leave the name alone */
    const struct yq_eteams_department *row; /* NULL: none yet */
    const struct yq_link_department *link;
    bool link_is_stale, found, step_aside;
    bool parent_known; /* `parent` is settled, though the place may not be */
    bool parent_waits; /* its record is there, but may yet move */
    bool name_kept;    /* a case: only the position follows */
    bool is_postponed;
    struct department *next_postponed;
    struct yq_reason reason; /* WAITS, HIDES, GONE, or a case */
    UT_hash_handle hh;
};

enum fate { STAYS, JOINS, LEAVES, RETURNS, FROZEN, RENAMED };

struct contest { /* a record that a member's keys match, and who has the stronger claim to it */
    const struct yq_eteams_member *row;
    const struct member *claimant;
    struct contest *next;
};

struct superior { /* of somebody */
    const char *userid;
    const struct member *member;        /* settled in this plan; NULL: only known */
    const struct yq_eteams_member *row; /* NULL: made by this plan */
};

struct chain {                   /* what becomes of somebody's superiors (S2) */
    bool known;                  /* who they shall be */
    const struct superior *list; /* the direct one first; usable ones only */
    size_t count;
    bool changes, others_change;
    bool ring;              /* the direct one is below him, and left out */
    bool clear;             /* the present one is cleared before anything is set */
    struct yq_reason why;   /* of a change */
    struct yq_reason left;  /* why it stays as it is, or lacks somebody */
    struct yq_reason waits; /* cannot be settled now */
    unsigned seen;          /* mark of a search */
};

struct member {
    const char *key;
    enum progress
        identity; /* READY: row and how say who it is in eteams, or that nobody is found */
    enum progress progress;
    enum fate fate;
    const struct yq_wecom_member *w;
    const struct yq_evidence *evidence;     /* NULL: pulled in by another subject */
    const struct yq_link_member *link;      /* maybe taken over from an old userid */
    const struct yq_eteams_member *row;     /* NULL: to be created */
    const struct yq_link_member *twin_link; /* made by us before a change of userid was known */
    const struct yq_eteams_member *twin;
    const char *how; /* it was found: link by this */
    struct contest *contests;
    const char *candidates;                  /* ids of all whom its keys match, for a case */
    const char *taken_from;                  /* RELINK: the old userid */
    struct member *successor, *successor_of; /* one person under two userids (decisions.md 19) */
    const char *rule;                        /* LEAVES: why */
    struct member *claimed_from[YQ_MEMBER_FIELD_COUNT]; /* MOBILE, EMAIL: who gives it up */
    const struct member *awaited[YQ_KEY_COUNT];         /* hold what is needed to take m back */
    const char
        *said[YQ_MEMBER_FIELD_COUNT]; /* MOBILE, EMAIL: WeCom's, though it may not be written */
    bool alike;                       /* could be a leaver: a person decides */
    struct yq_reason trouble;         /* a case beside the changes that are made all the same */
    const struct member *shares_with; /* who is taken back, too, with a key of his */
    bool link_is_stale, early, rehire;
    bool keys_unknown; /* neither mobile nor e-mail, and one of them could not be read */
    bool clear[YQ_MEMBER_FIELD_COUNT]; /* MOBILE, EMAIL: cleared first, because two people swap */
    int stage;
    const char *values[YQ_MEMBER_FIELD_COUNT]; /* NAME, MOBILE, EMAIL, GENDER: normalised; NULL: not
                                                  known or not to be written */
    bool changes[YQ_MEMBER_FIELD_COUNT];
    bool job_num_taken, write_job_num;
    bool departments_known, to_root;
    struct yq_ref main;
    struct yq_ref *parts;
    size_t part_count;
    const char **unseen; /* departments whose posts stay: WeCom does not show them */
    size_t unseen_count;
    struct yq_reason posts_left;                /* why; UNREADABLE: it is asked again */
    const struct yq_wecom_member *leaders_from; /* who says the direct leaders; NULL: nobody */
    struct chain chain;
    struct yq_verdict *verdict;
    UT_hash_handle hh;
    UT_hash_handle by_row;
    UT_hash_handle by_link, by_pretended; /* plan_index.c */
};

struct blocked { /* a department whose wanted place is kept by somebody else, as was found out */
    uint32_t id;
    bool circle; /* it would come below itself, by where others move */
    const struct blocked *next;
};

struct planner {
    const struct yq_view *view;
    const struct yq_policy *policy;
    struct yq_plan *plan;
    struct yq_arena *arena; /* the plan's */
    struct department *departments;
    struct member *members;
    struct member *rows; /* uthash by the id of their record: those whose superiors are settled */
    const struct yq_evidence **evidence; /* of members and departments, in an order of its own */
    size_t evidence_count;
    struct list *renames;      /* the rest of these lines: plan_index.c */
    struct list *values;       /* who has a mobile or e-mail in WeCom */
    struct list *newcomers;    /* by name */
    struct list *returns;      /* by the keys of old times */
    struct member *takers;     /* uthash by the link that was taken over */
    struct member *pretenders; /* uthash by the record that is about to be linked */
    size_t newcomers_settled;
    bool values_indexed, newcomers_indexed, newcomers_open;
    bool tried_before;            /* something of this scope is tried again */
    struct department *postponed; /* to be settled before the outermost settle_department returns */
    int nesting;
    const struct blocked *blocked;
    struct place *places; /* uthash: who stands where, and who has claimed it */
    bool places_indexed;
};

/* plan.c */
void need(struct planner *p, enum yq_need_kind kind, const char *id, uint32_t number);
struct yq_verdict *verdict(struct planner *p, const struct yq_subject *subject);
void conclude(struct yq_verdict *v, enum yq_verdict_kind kind, enum yq_reason_code code,
              const char *arg1, const char *arg2);
struct yq_operation *operation(struct planner *p, enum yq_operation_kind kind, int stage,
                               const struct yq_subject *subject, const char *rule);
void change(struct yq_operation *op, const char *field, const char *before, const char *after);
void change_ref(struct yq_operation *op, const char *field, const char *before, struct yq_ref ref);

/* plan_index.c: who is meant, without a look at everybody. Lists are in the order of the evidence,
 * or of the view. */
struct found {
    const void *what;
    struct member *member; /* the same, of lists of those */
    const struct found *next;
};
void index_renames(struct planner *p);
/* Evidence that says `key` as the new userid. */
const struct found *renames_to(const struct planner *p, const char *key);
/* m->link was taken over from another userid; and the member to which that happened, or NULL. */
void note_taker(struct planner *p, struct member *m);
const struct member *taker_of(const struct planner *p, const struct yq_link_member *link);
/* m->row is about to be linked; and the member that is about to be linked with it, or NULL. */
void note_pretender(struct planner *p, struct member *m);
void forget_pretender(struct planner *p, struct member *m);
const struct member *pretender_to(const struct planner *p, const struct yq_eteams_member *row);
/* Members of WeCom (struct yq_wecom_member) with that mobile or e-mail, in whatever form. */
const struct found *who_has(struct planner *p, enum yq_lookup_field field, const char *value);
/* The first of those asked for with this key, which may be m itself. */
struct member *first_with(struct planner *p, const char *key, struct member *m);
/* Settles everybody who may be new. False while one of them is open. */
bool settle_newcomers(struct planner *p);
/* Those of that name, which an event may have told; NAMELESS: of whom none is known.
 */
#define NAMELESS ""
const struct found *newcomers_named(struct planner *p, const char *name);
void forget_members_index(struct planner *p);
void release_index(struct planner *p);
/* plan_departments.c: settles it, and those it depends on. full: compare it with eteams. */
struct department *settle_department(struct planner *p, uint32_t id, bool full);
/* Disabled in eteams: nothing can be put in it or below it. NULL: not known. */
bool is_closed(const struct yq_eteams_department *row);
/* plan_places.c */
/* The child of `parent` with that name, other than d's own record: an enabled one, or a disabled
 * one that nobody is linked with. With several, the smallest id: the choice must not depend on the
 * order of a list. */
const struct yq_eteams_department *child_named(struct planner *p, const char *parent,
                                               const char *name, bool enabled,
                                               const struct department *d);
/* Notes that d, which is settled, has its name in its place. */
void claim_place(struct planner *p, struct department *d);
/* Another department of this plan that has claimed d's name in d's place; NULL: none. */
struct department *rival(struct planner *p, const struct department *d);
bool in_place(const struct yq_eteams_department *row, const char *parent);
enum spot { FREE, LINK_IT, TAKEN, TAKEN_BY_LINKED, UNDECIDED, UNKNOWN };
/* The place that d wants: is somebody there, and will they go (decisions.md 10)? */
enum spot look_at_place(struct planner *p, struct department *d,
                        const struct yq_eteams_department **ret_there);
/* Is d's own record among those above the place that d wants? As eteams has them, or as this plan
 * leaves them. OPEN with a need while one of them was not asked for. */
enum progress look_above(struct planner *p, const struct department *d, bool planned,
                         bool *ret_own);
/* Settles all that is above d in WeCom, and those whose records stand between the wanted place and
 * d's own, above it; *stage is raised to the last in which one of these moves. */
enum progress settle_between(struct planner *p, const struct department *d, uint32_t wecom_parent,
                             int *stage);
/* Once everything is settled: can d's disabled record be enabled where it stands, as it is called?
 */
bool may_stand_up(struct planner *p, const struct department *d);
/* Those who depend on each other count on each other before all is known. Once everything is
 * settled: blocks whoever takes a place that is kept after all, or moves below one that does not
 * move away. True: plan anew. */
bool block_takers(struct planner *p);
bool is_blocked(const struct planner *p, const struct department *d);
/* Because it would come below itself. */
bool makes_circle(const struct planner *p, const struct department *d);
/* Is the record of a department that is gone linked with another one by this plan? */
bool is_taken_over(struct planner *p, const struct yq_eteams_department *row);
void release_places(struct planner *p);

/* plan_department_ops.c: operations and verdict of everything that was settled. */
void emit_departments(struct planner *p);

/* plan_members.c */
/* Its link, its values and who it is in eteams. Everybody is known before anybody is settled, since
 * whether a key is free depends on who is linked with its holder in this same plan. */
struct member *know_member(struct planner *p, const char *userid);
struct member *settle_member(struct planner *p, const char *userid);
/* Is what an event of that time said of the field newer than what is known of this member? */
bool is_news(const struct member *m, int64_t at, enum yq_member_field f);
/* The evidence that asks for m: its own, else that of the old userid; NULL: pulled in. */
const struct yq_evidence *told_by(const struct planner *p, const struct member *m);
/* plan_identity.c: finds the record of a member without a link. READY: m->row is set, or stays NULL
 * because nobody is found; OPEN, WAITS (a case; the verdict says why) otherwise. */
enum progress identify(struct planner *p, struct member *m);
/* plan_namesakes.c: a newcomer, placed already, whose keys cannot be read: FROZEN with a case where
 * somebody of that name is there whom nobody is linked with. An operator's word settles it. */
enum progress look_for_namesakes(struct planner *p, struct member *m);
/* Is the job number that m->row would get somebody else's? */
enum progress look_at_job_num(struct planner *p, struct member *m);
/* Once everybody is known: a record whose stronger claimant is not linked with it after all, being
 * a case or unreadable, stays undecided for whoever else it matches. */
void settle_contests(struct planner *p);
const char *key_name(enum yq_lookup_field field);
/* Hits of a look-up, or NULL with a need where it was not asked yet (*ret_open) or cannot be
 * answered. */
const struct yq_lookup *look_up(struct planner *p, enum yq_lookup_field field, const char *value,
                                bool *ret_open);
/* Whose record is it, once the links of this plan are made? NULL: nobody's. */
const char *owner_of(const struct planner *p, const struct yq_eteams_member *row);
/* The member of this plan that is about to be linked with that record; NULL: none. */
const char *pretender_of(struct planner *p, const struct yq_eteams_member *row);
/* Does another member who works have this mobile or e-mail in WeCom? */
bool wanted_by_another(struct planner *p, const struct member *m, enum yq_lookup_field field,
                       const char *value);
/* plan_leavers.c: the member is gone; decides between resigning, a change of userid and a case. */
enum progress settle_leaver(struct planner *p, struct member *m, const char *rule);
/* Reads the row behind m->link; READY, with m->row NULL where the link is stale. */
enum progress settle_row(struct planner *p, struct member *m);
/* Which of m->values differ from m->row (all of them, where there is no row). */
void compare_values(struct planner *p, struct member *m);
/* Are the posts of that person known? READY, OPEN with a need, or WAITS with a verdict. */
enum progress posts_of(struct planner *p, struct member *m, const struct yq_eteams_member *row);
void spare_administrators(struct planner *p); /* R13 */
/* Whoever turned out to be a leaver under a new userid takes the record over instead of getting a
 * new one. */
void adopt_records(struct planner *p);
/* plan_placement.c: main department and part-time departments. */
enum progress place_member(struct planner *p, struct member *m);
/* plan_keys.c: who holds the mobile and the e-mail that m needs? Changes that cannot be made are
 * taken out of m->changes, and the verdict says so. */
enum progress claim_keys(struct planner *p, struct member *m);
/* Left in eteams, working in WeCom: is the person taken back? m->rehire says so. */
enum progress settle_return(struct planner *p, struct member *m);
/* Once everybody is settled: takes back what was claimed from people who keep it after all. */
void revoke_claims(struct planner *p);
/* plan_superiors.c: whom WeCom names as superior of everybody who works (S2). Once all is settled;
 * may leave needs. */
void settle_superiors(struct planner *p);
void emit_superiors(struct planner *p, const struct member *m);
/* Tells op, which is about m, who must be resigned, or moved to the root, before it is written. */
void wait_for_guarded(const struct member *m, struct yq_operation *op);
/* plan_member_ops.c: operations and verdict of everybody who was settled. */
void emit_members(struct planner *p);

#endif
