/* The plan of a run, in the words of explain. */
#ifndef YQ_APP_PLAN_WORDS_H
#define YQ_APP_PLAN_WORDS_H

#include <cjson/cJSON.h>

#include "commands.h"

/* What the run's entry of `runs` says that it did, or in a dry run would do. */
void yq_print_plan(struct yq_cli *cli, const char *id, const cJSON *run);

#endif
