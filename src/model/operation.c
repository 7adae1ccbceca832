/* The names of what a plan can do, from their one table. */
#include "model/operation.h"

#include <string.h>

static const char *const names[] = {
#define X(name, text) [YQ_OP_##name] = text,
    YQ_OPERATION_KINDS(X)
#undef X
};

const char *yq_operation_kind_name(enum yq_operation_kind kind)
{
    return (unsigned)kind < YQ_OPERATION_KIND_COUNT ? names[kind] : "?";
}

int yq_operation_kind_parse(const char *text, enum yq_operation_kind *ret)
{
    for (unsigned i = 0; i < YQ_OPERATION_KIND_COUNT; i++) {
        if (strcmp(names[i], text) == 0) {
            *ret = (enum yq_operation_kind)i;
            return 0;
        }
    }
    return -1;
}
