/* What eteams must look like after a run: an independent judge, written from the rules (design §1)
 * and the decisions in plain, slow code. It shares nothing with the planner: not its files, not the
 * model's way of comparing values. */
#ifndef TEST_ORACLE_H
#define TEST_ORACLE_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/buf.h"

/* All trees are borrowed. Links are objects by WeCom id (departments) or lower-case userid
 * (members), whose values have at least {"eteams":"…"}; "left" and "how" are read where present. */
struct oracle_case {
    const cJSON *wecom;  /* GET /_sim/state of the WeCom simulator */
    const cJSON *before; /* GET /_sim/state of the eteams simulator, before the run and after it */
    const cJSON *after;
    const cJSON *department_links_before, *department_links_after;
    const cJSON *member_links_before, *member_links_after;
    const cJSON *touched; /* {"member:li.na":["member.created"],…}: what events were about */
    /* {"sensitive_readable":true, "posts_readable":true, "administrators_readable":true,
     *  "part_time":"incremental"|"full"|"none", "disabled_members":"keep"|"resign",
     *  "superiors":false, "superior_source":"direct_leader"|"department",
     *  "direct_leaders_readable":true, "leaders_readable":true, "disable_departments":false,
     * "rename_root":false, "held":false (the guard holds the removals), "renamed":{"old
     * userid":"new userid"}, "history":false (many runs lie between before and after),
     *  "unreadable":["member:x","department:5"], "never_touch":["member:x"]} */
    const cJSON *options;
};

/* Writes one line for every difference; returns how many there are. */
size_t oracle_judge(const struct oracle_case *c, struct yq_buf *out);

#endif
