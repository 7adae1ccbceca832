/* Which subjects of two whole snapshots do not agree? Pure. What it finds becomes the scope of the
 * engine, which reads those subjects again before it plans. */
#ifndef YQ_PLAN_DRIFT_H
#define YQ_PLAN_DRIFT_H

#include "model/snapshot.h"
#include "plan/policy.h"

struct yq_drift_member { /* a member link, as little of it as is needed */
    uint64_t member;     /* yq_id_hash of the lower-case userid */
    uint64_t eteams;     /* yq_id_hash of the record's id */
    bool left;
};

struct yq_drift_department {
    uint32_t id;
    uint64_t eteams;
};

struct yq_drift_links { /* sorted in place by yq_drift_find */
    struct yq_drift_member *members;
    size_t member_count;
    struct yq_drift_department *departments; /* the root included */
    size_t department_count;
};

enum yq_drift_kind {
    YQ_DRIFT_NEW,      /* in WeCom, without a link */
    YQ_DRIFT_CHANGED,  /* linked, and some field differs */
    YQ_DRIFT_LEFT,     /* linked and in service, but WeCom's status says left */
    YQ_DRIFT_RETURNED, /* linked as left, but WeCom has it in service */
    YQ_DRIFT_GONE,     /* linked and not left, but absent: only told where WeCom's side is complete.
                          `userid` is NULL, `member` its key */
    YQ_DRIFT_STALE, /* its record in eteams is not in service: only where that side is complete */
};

struct yq_drift_found {
    enum yq_drift_kind kind;
    const char *userid; /* borrowed from the snapshot */
    uint64_t member;
};

typedef void yq_drift_report(void *context, const struct yq_drift_found *found);

void yq_drift_find(const struct yq_snapshot *wecom, const struct yq_snapshot *eteams,
                   struct yq_drift_links *links, const struct yq_policy *policy,
                   yq_drift_report *report, void *context);

#endif
