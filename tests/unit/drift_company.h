/* Two sides and the links between them, filled row by row, for tests of who differs. */
#ifndef TESTS_DRIFT_COMPANY_H
#define TESTS_DRIFT_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/drift.h"

#define PARTS_MAX 4
#define NOTHING YQ_DRIFT_KINDS

/* One member, the link and the person; departments are numbers, in eteams 100 + number (0 = ends).
 */
struct drift_member {
    const char *userid; /* NULL: WeCom has nobody */
    const char *name, *mobile, *email, *gender;
    uint32_t departments[PARTS_MAX], main;
    bool departments_unknown;
    int status; /* 0: taken as 1 */
};
struct drift_person {
    const char *id; /* NULL: eteams has nobody */
    const char *name, *mobile, *email, *sex, *job_num;
    uint32_t departments[PARTS_MAX]; /* the main one first */
    bool left;
};
struct drift_link {
    const char *eteams; /* NULL: none */
    const char *userid; /* NULL: the member's */
    bool left;
    uint32_t posts[PARTS_MAX];
};

struct drift_outcome {
    size_t count;
    struct {
        enum yq_drift_kind kind;
        char userid[32]; /* "" = gone */
        uint64_t member;
    } found[64];
};

struct drift_company {
    struct yq_arena *arena;
    struct yq_snapshot wecom, eteams;
    struct yq_drift_links links;
};

/* Departments 1 (the root) to 5 are linked, 6 and more are not. */
void drift_open(struct drift_company *c);
void drift_close(struct drift_company *c);
void drift_add_member(struct drift_company *c, const struct drift_member *m);
void drift_add_person(struct drift_company *c, const struct drift_person *p);
/* userid: where the link does not name one. */
void drift_add_link(struct drift_company *c, const char *userid, const struct drift_link *l);
/* Once: the snapshots are sealed by it. */
void drift_find(struct drift_company *c, const struct yq_policy *policy, struct drift_outcome *ret);

#endif
