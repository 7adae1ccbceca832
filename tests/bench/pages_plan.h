/* Those who differ, planned as the engine does: in scopes of 500, each read again. */
#ifndef BENCH_PAGES_PLAN_H
#define BENCH_PAGES_PLAN_H

#include "plan/policy.h"

/* Seconds of CPU that the reading of the rows and the planning take; making the rows is not
 * counted. Everybody stands for one operation, or the program ends. */
double pages_plan(const size_t *persons, size_t count, const struct yq_policy *policy);

#endif
