/* What a company may decide for itself about how it is kept in step. Defaults: decisions.md. */
#ifndef YQ_PLAN_POLICY_H
#define YQ_PLAN_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yq_write_job_num { YQ_JOB_NUM_WHEN_NEEDED, YQ_JOB_NUM_NEVER, YQ_JOB_NUM_ALWAYS };
enum yq_part_time { YQ_PART_TIME_INCREMENTAL, YQ_PART_TIME_FULL, YQ_PART_TIME_NONE };
enum yq_disabled_members { YQ_DISABLED_KEEP, YQ_DISABLED_RESIGN };
enum yq_superior_source { YQ_SUPERIOR_DIRECT_LEADER, YQ_SUPERIOR_DEPARTMENT };
enum yq_direction { YQ_WECOM_TO_ETEAMS, YQ_TWO_WAY };

struct yq_policy {
    enum yq_direction direction;
    bool superiors;
    enum yq_superior_source superior_source;   /* decisions.md 12 */
    enum yq_write_job_num write_job_num;       /* decisions.md 4 */
    enum yq_part_time part_time;               /* decisions.md 16 */
    enum yq_disabled_members disabled_members; /* decisions.md 21 */
    bool disable_departments;                  /* decisions.md 24 */
    bool rename_root;                          /* false: the root keeps its name */
    struct {
        int64_t max;     /* 20 */
        int64_t percent; /* 10 */
        int64_t per_day; /* 0: follows from the others (design §5) */
    } removals;
    int64_t not_ready_ms; /* how long a created member may stay unreadable: 10 minutes (decisions.md
                             38) */
    char **protected_ids; /* employee ids that are administrators, where eteams cannot tell
                             (eteams.md §2.8); NULL-ended or NULL */
    char **never_touch_members;        /* lower-case userids; NULL-ended or NULL */
    uint32_t *never_touch_departments; /* WeCom ids */
    size_t never_touch_department_count;
};

#endif
