/* eteams in the end, laid before the oracle (oracle/oracle.h), which shares no code with the
 * planner: every member and department of WeCom is taken to have been looked at, and whatever
 * changed since, to have changed in many runs, before some of which Redis had lost the links. */
#ifndef FLOW_JUDGED_H
#define FLOW_JUDGED_H

#include "story.h"

struct judged;

/* eteams and the links as they are now. */
struct judged *judged_from(struct stage *s);
/* Fails with what the oracle finds wrong; frees. Mobiles and e-mails can be read in WeCom. */
void expect_judged(struct stage *s, struct judged *from);

#endif
