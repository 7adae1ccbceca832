/* Parts of an explanation that are about the peers. */
#ifndef YQ_SRC_SERVICE_EXPLAIN_ANSWER_H
#define YQ_SRC_SERVICE_EXPLAIN_ANSWER_H

#include "service/explain.h"

/* Fills in call and answer of the step, from what its other fields say. */
void yq_explain_take_answer(struct yq_arena *arena, struct yq_explain_step *step);
int yq_explain_gather_compared(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               struct yq_explain *e, struct yq_error *err);

#endif
