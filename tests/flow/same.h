/* Both directories, laid side by side. */
#ifndef FLOW_SAME_H
#define FLOW_SAME_H

#include "story.h"

/* How many people in service eteams has. */
int people_in_service(struct stage *s);
/* Every department of WeCom stands in eteams by its name at its place, every member is in service
 * there with his name, mobile and departments, and but for `others` nobody else is. */
void expect_same_company(struct stage *s, int others);

#endif
