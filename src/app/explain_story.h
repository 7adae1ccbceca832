/* What came in about a subject, what was done about it and how it stands. */
#ifndef YQ_APP_EXPLAIN_STORY_H
#define YQ_APP_EXPLAIN_STORY_H

#include <cjson/cJSON.h>

#include "commands.h"
#include "service/explain.h"

/* For people: events and steps in the order of their time, in the language of the reader. Attempts
 * that failed alike, with nothing in between, are one line with their count. */
void yq_explain_tell(struct yq_cli *cli, const char *id, const struct yq_explain *e);
/* For programs; the caller's. */
cJSON *yq_explain_as_json(struct yq_cli *cli, const char *id, const struct yq_explain *e);

/* A plan that has not expired holds it. */
bool yq_explain_is_held(struct yq_cli *cli, const struct yq_explain *e);
bool yq_explain_is_unheard_of(const struct yq_explain *e);

#endif
