/* Which subjects of two whole snapshots do not agree? Pure. What it finds becomes the scope of the
 * engine, which reads those subjects again before it plans: it may find more than differs, never
 * less. */
#ifndef YQ_PLAN_DRIFT_H
#define YQ_PLAN_DRIFT_H

#include "model/snapshot.h"
#include "plan/policy.h"

struct yq_drift_member { /* a member link, as little of it as is needed */
    uint64_t member;     /* yq_userid_hash */
    uint64_t eteams;     /* yq_id_hash of the record's id */
    uint32_t posts;      /* where in `posts` the departments of the posts begin that we made */
    uint16_t post_count;
    bool left;
};

struct yq_drift_department {
    uint32_t id;
    uint32_t eteams; /* yq_digest of the record's id */
};

struct yq_drift_leaders;

/* All zero is empty. Filled by the adding functions, sorted by yq_drift_find. */
struct yq_drift_links {
    struct yq_drift_member *members;
    size_t member_count, member_capacity;
    struct yq_drift_department *departments; /* the root included */
    size_t department_count, department_capacity;
    uint32_t *posts; /* digests */
    size_t post_size, post_capacity;
    uint32_t *unseen; /* digests: departments of eteams whose own WeCom does not show now */
    size_t unseen_count, unseen_capacity;
    const struct yq_drift_leaders *leaders; /* borrowed; NULL: superiors are not compared */
};

/* `posts`: eteams ids of departments. */
void yq_drift_add_member(struct yq_drift_links *l, const char *userid, const char *eteams,
                         bool left, const char *const *posts, size_t post_count);
void yq_drift_add_department(struct yq_drift_links *l, uint32_t id, const char *eteams);
/* Posts there stay as they are (decisions.md 26). */
void yq_drift_add_unseen(struct yq_drift_links *l, const char *eteams);
void yq_drift_links_release(struct yq_drift_links *l);

struct yq_drift_compared { /* somebody, on both sides */
    const struct yq_snapshot *wecom, *eteams;
    const struct yq_snapshot_person *w, *e;
    enum yq_superior_source source;
};

/* Who leads which department of WeCom, by the whole tree and a sealed snapshot that wanted leaders:
 * what superiors are compared with (S2). */
struct yq_drift_leaders *yq_drift_leaders_new(const struct yq_view *tree,
                                              const struct yq_snapshot *wecom);
void yq_drift_leaders_free(struct yq_drift_leaders *l);
/* Do the superiors that WeCom names differ from those of the record? links: sorted by member. False
 * where it cannot be told. */
bool yq_drift_superiors_differ(const struct yq_drift_links *links,
                               const struct yq_drift_compared *c);

enum yq_drift_kind {
    YQ_DRIFT_NEW,      /* in WeCom, without a link */
    YQ_DRIFT_CHANGED,  /* linked, and some field differs */
    YQ_DRIFT_LEFT,     /* linked and in service, but WeCom's status says left */
    YQ_DRIFT_RETURNED, /* linked as left, but WeCom has it in service */
    YQ_DRIFT_GONE,     /* linked and not left, but absent: only told where WeCom's side is complete.
                          `userid` is NULL, `member` its key */
    YQ_DRIFT_STALE, /* its record in eteams is not in service: only where that side is complete */
    YQ_DRIFT_KINDS
};

struct yq_drift_found {
    enum yq_drift_kind kind;
    const char *userid; /* borrowed from the snapshot */
    uint64_t member;
};

typedef void yq_drift_report(void *context, const struct yq_drift_found *found);

/* Both snapshots are sealed. Where the policy writes job numbers for everybody, eteams' side was
 * asked for them. Each member is reported once at most, in the order of their keys;
 * those whom the policy says never to touch are left out. */
void yq_drift_find(const struct yq_snapshot *wecom, const struct yq_snapshot *eteams,
                   struct yq_drift_links *links, const struct yq_policy *policy,
                   yq_drift_report *report, void *context);

#endif
