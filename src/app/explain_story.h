/* What came in about a subject and what was done about it, told line by line. */
#ifndef YQ_APP_EXPLAIN_STORY_H
#define YQ_APP_EXPLAIN_STORY_H

#include "commands.h"
#include "service/explain.h"

/* Prints events and steps in the order of their time, in the language of the reader. Attempts that
 * failed alike, with nothing in between, are one line with their count. */
void yq_explain_tell(struct yq_cli *cli, const struct yq_explain *e);

#endif
