/* Two directories in memory, the links between them and the events that wait: what a planner's test
 * starts from, asks, and changes.
 *
 * It answers the planner's needs as reading both peers would, and carries out a plan as eteams
 * would, refusing what eteams refuses. Everything is written down in one JSON text:
 *
 *   {"wecom": {"departments": [{"id":2,"name":"研发","parent":1,"order":5,"leaders":["li.na"]}],
 *              "members": [{"userid":"li.na","name":"李娜","departments":[2],"main_department":2,
 *                           "mobile":"…","email":"…","gender":"1","status":1,"orders":[5],
 *                           "direct_leaders":["wang.wei"]}],
 *              "hidden_departments": [3], "unreadable_departments": [4],
 *              "hidden_members": ["…"], "unreadable_members": ["…"], "sensitive_readable": true,
 *              "direct_leaders_readable": true, "leaders_readable": true},
 *    "eteams": {"departments": [{"id":"900","name":"公司","parent":"","enabled":true}],
 *               "people": [{"id","user_id","account","name","mobile","email","job_num","sex",
 *                           "departments":["900"],"in_service":true,"secondary":false,
 *                           "superior":"802","others":["803"],
 *                           "posts":[{"department":"901","external_id":"x","ours":true}]}],
 *               "administrators": ["id"], "administrators_readable": true,
 *               "administrators_offered": true, "posts_readable": true,
 *               "unreadable_departments": [], "unreadable_people": []},
 *    "links": {"departments": {"2":"901"}, "members": {"li.na":"801" or an object}},
 *    "events": [{"kind":"member.created","subject":"member:li.na","at":1,"data":{}}],
 *    "attempts": {"member:li.na":{"attempts":3,"waited_ms":600000}},
 *    "policy": {…}}
 *
 * A name that is missing or null cannot be read. WeCom's root 1 is there unless it is hidden; the
 * eteams root is the department without a parent. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/view.h"
#include "plan/plan.h"

#define WORLD_MEMBER_DEPARTMENTS 32
#define WORLD_LEADERS 8

struct world_department {
    uint32_t id, parent;
    int64_t order;
    const char *name; /* NULL: not readable */
    const char *leaders[WORLD_LEADERS];
    size_t leader_count;
    bool hidden, unreadable;
};

struct world_member {
    const char *userid, *name, *mobile, *email, *gender; /* name NULL: not readable */
    int status;
    uint32_t departments[WORLD_MEMBER_DEPARTMENTS];
    uint32_t orders[WORLD_MEMBER_DEPARTMENTS];
    size_t department_count;
    uint32_t main_department;
    const char *direct_leaders[WORLD_LEADERS];
    size_t direct_leader_count;
    bool hidden, unreadable;
    bool no_departments; /* the answer lacks them */
};

struct world_org {
    const char *id, *name, *parent; /* parent NULL: the root */
    bool enabled, unreadable;
};

struct world_post {
    const char *department, *external_id;
    bool ours;
};

struct world_person {
    const char *id, *user_id, *account, *name, *mobile, *email, *job_num, *sex, *department;
    struct world_post posts[WORLD_MEMBER_DEPARTMENTS];
    size_t post_count;
    const char *superior, *others[WORLD_LEADERS]; /* ids */
    size_t other_count;
    bool in_service, secondary, unreadable;
};

struct world_event {
    enum yq_event_kind kind;
    struct yq_subject subject;
    int64_t at;
    const char *data;
};

struct world_wait {
    struct yq_subject subject;
    unsigned attempts;
    int64_t waited_ms;
};

/* Rows are removed by nobody but links; arrays may move when one grows. */
struct world {
    struct yq_arena *arena;
    struct world_department *departments;
    struct world_member *members;
    struct world_org *orgs;
    struct world_person *people;
    struct world_event *events;
    struct world_wait *waits;
    struct yq_link_department *department_links;
    struct yq_link_member *member_links;
    const char **administrators;
    size_t department_count, member_count, org_count, person_count, event_count, wait_count;
    size_t department_link_count, member_link_count, administrator_count;
    size_t department_capacity, member_capacity, org_capacity, person_capacity, event_capacity;
    size_t wait_capacity, department_link_capacity, member_link_capacity, administrator_capacity;
    bool sensitive_readable, posts_readable, administrators_readable, administrators_offered;
    bool direct_leaders_readable, leaders_readable;
    bool whole_eteams; /* all of eteams is in the view from the start, as above 50 subjects */
    struct yq_policy policy;
    int64_t next_id;
    int order; /* rows, needs and events come in another order: 1 reversed, from 2 on shuffled */
};

struct world *world_new(void);
/* Returns NULL with a sentence about what is wrong. */
struct world *world_load(const char *json, size_t len, struct yq_error *err);
struct world *world_clone(const struct world *w);
void world_free(struct world *w);

/* Zeroed rows with the texts of an empty record; valid until the next of their kind is added. */
struct world_department *world_add_department(struct world *w, uint32_t id, const char *name,
                                              uint32_t parent);
struct world_member *world_add_member(struct world *w, const char *userid, const char *name);
struct world_org *world_add_org(struct world *w, const char *id, const char *name,
                                const char *parent);
struct world_person *world_add_person(struct world *w, const char *id, const char *name,
                                      const char *department);
void world_add_event(struct world *w, enum yq_event_kind kind, struct yq_subject subject,
                     int64_t at, const char *data);
void world_link_department(struct world *w, uint32_t id, const char *eteams, const char *how);
struct yq_link_member *world_link_member(struct world *w, const char *userid, const char *eteams,
                                         const char *how);

struct world_department *world_department(const struct world *w, uint32_t id);
struct world_member *world_member(const struct world *w, const char *userid);
struct world_org *world_org(const struct world *w, const char *id);
struct world_person *world_person(const struct world *w, const char *id);
struct yq_link_department *world_department_link(const struct world *w, uint32_t id);
struct yq_link_member *world_member_link(const struct world *w, const char *userid);
const struct world_org *world_root(const struct world *w);

/* A view with the waiting events. NULL with a sentence if an event cannot be read. */
struct yq_view *world_view(struct world *w, struct yq_error *err);
/* Reads what the planner needs, as service/gather.c does. */
void world_answer(struct world *w, struct yq_view *v, const struct yq_need *needs);

struct world_run {
    struct yq_view *view;
    struct yq_plan *plan; /* NULL: never complete */
    int rounds;
};
/* Answers and plans until nothing is needed any more. More than 40 rounds, or a need that was
 * answered and comes again unchanged forever, leaves plan NULL and a sentence in complaints. */
struct world_run world_run(struct world *w, struct yq_buf *complaints);
void world_run_release(struct world_run *r);

/* Carries out one operation, or all that are not held. What eteams refuses, a write of values that
 * are already there and a wrong `before` become lines in complaints. Returns the number of lines.
 */
size_t world_apply_one(struct world *w, const struct yq_operation *op, struct yq_buf *complaints);
size_t world_apply(struct world *w, const struct yq_plan *plan, struct yq_buf *complaints);
/* The same, but operations of one stage and kind in reverse: their order is nobody's promise. */
size_t world_apply_reversed(struct world *w, const struct yq_plan *plan, struct yq_buf *complaints);
/* What the oracle says of the way from one state to the next. Returns the number of lines. held:
 * the guard holds the removals. */
size_t world_judge(const struct world *before, const struct world *after, bool held,
                   struct yq_buf *out);
/* One root, no cycle, known parents, none enabled below a disabled one, no two enabled siblings of
 * one name; people in known departments, enabled ones while in service. Returns the number of lines
 * added. */
size_t world_check(const struct world *w, struct yq_buf *complaints);

/* As the simulators' GET /_sim/state; links as they stand in Redis, one object by WeCom id. */
void world_wecom_state(const struct world *w, struct yq_buf *out);
void world_eteams_state(const struct world *w, struct yq_buf *out);
void world_department_links(const struct world *w, struct yq_buf *out);
void world_member_links(const struct world *w, struct yq_buf *out);
/* {"member:li.na":["member.created",…],…} */
void world_touched(const struct world *w, struct yq_buf *out);

#endif
