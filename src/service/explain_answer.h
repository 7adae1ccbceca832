/* Parts of an explanation that are about the peers. */
#ifndef YQ_SRC_SERVICE_EXPLAIN_ANSWER_H
#define YQ_SRC_SERVICE_EXPLAIN_ANSWER_H

#include "base/json.h"
#include "service/explain.h"

/* Fills in call and answer of the step, from what its other fields say. */
void yq_explain_take_answer(struct yq_arena *arena, struct yq_explain_step *step);
int yq_explain_gather_compared(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               struct yq_explain *e, struct yq_error *err);
/* What the newest whole comparison said of it, and did nothing: such a verdict is in no audit. */
int yq_explain_gather_found(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            struct yq_explain *e, struct yq_error *err);
/* {"reason","args":[…]}; nothing where it is none. Borrows from the arena. */
struct yq_reason yq_explain_reason(struct yq_arena *arena, const cJSON *tree);

#endif
