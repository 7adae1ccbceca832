/* Who is whose superior: what plan_leaders.c and plan_superiors.c share. */
#ifndef YQ_PLAN_LEADERS_H
#define YQ_PLAN_LEADERS_H

#include "planner.h"

#define UNKNOWN_DEPARTMENT UINT32_MAX

struct named {
    const char *key;                      /* whose superiors: lower-case userid */
    const struct yq_wecom_member *direct; /* who says the direct leaders; NULL: nobody */
    uint32_t main;                        /* WeCom's number of the main department; 0: none */
    /* after name_leaders: */
    const char **userids; /* without himself and without doubles, the direct superior first */
    size_t count;
    uint32_t department; /* that they lead; 0: they are the direct leaders */
    const char *error;   /* WAITS: why */
};

/* READY: userids are all; OPEN with needs; HIDES: cannot be told; WAITS: cannot be read now. */
enum progress name_leaders(struct planner *p, struct named *n);
/* Will that member be in service in eteams? */
bool works_on(const struct member *m);
/* Is that member resigned by this plan? */
bool resigns(const struct member *m);
/* The record behind the userid, where that is in service or will be. WAITS: unreadable. */
enum progress find_superior(struct planner *p, const char *userid, struct superior *ret,
                            bool *ret_there);

/* plan_superiors.c: who is there now: an id, or "". */
const char *present_superior(const struct member *m);
bool is_superior_row(const struct superior *s, const char *id);

/* plan_rings.c: takes out whoever would come above himself, or lets him wait; may leave needs. */
void settle_rings(struct planner *p);
/* Who must let go of his superior before any is set, whatever the order of rows. */
void settle_order(struct planner *p);

#endif
