/* The commands with which a person answers a case. */
#ifndef YQ_APP_ANSWERS_H
#define YQ_APP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/reason.h"
#include "model/subject.h"

#define YQ_ANSWERS_MAX 2

struct yq_answer {
    char command[256];   /* as it is typed; a word in capitals is for the person to fill in */
    const char *meaning; /* in the reader's language */
};

/* linked: the subject has a record of eteams; it is not linked with another one before it is
 * unlinked. */
size_t yq_answers_of(const char *id, const struct yq_subject *subject,
                     const struct yq_reason *reason, bool linked,
                     struct yq_answer ret[YQ_ANSWERS_MAX]);

#endif
