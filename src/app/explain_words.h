/* The words in which explain tells its story, in the language of the reader. */
#ifndef YQ_APP_EXPLAIN_WORDS_H
#define YQ_APP_EXPLAIN_WORDS_H

#include "model/event.h"
#include "model/operation.h"
#include "model/reason.h"

const char *yq_words_of_event(enum yq_event_kind kind);
const char *yq_words_of_operation(const char *name); /* NULL: not known */
const char *yq_words_of_field(const char *field);    /* of a change; itself if not known */
const char *yq_words_of_rule(const char *rule);      /* NULL: not known */
const char *yq_words_of_link(const char *how);       /* how it is known; itself if not known */
/* The whole sentence, personal values hidden; the caller frees it. */
char *yq_words_of_reason(const struct yq_reason *reason);

#endif
