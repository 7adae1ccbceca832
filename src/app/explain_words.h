/* The words in which stories and plans are told, in the language of the reader. */
#ifndef YQ_APP_EXPLAIN_WORDS_H
#define YQ_APP_EXPLAIN_WORDS_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "model/event.h"
#include "model/operation.h"
#include "model/reason.h"
#include "service/explain.h"

const char *yq_words_of_event(enum yq_event_kind kind);
const char *yq_words_of_operation(const char *name); /* NULL: not known */
/* The same of what a plan would do; itself if not known. */
const char *yq_words_of_planned(const char *name);
/* What a verdict comes to: in a story, and in a plan (NULL: its reason says it all). */
const char *yq_words_of_verdict(const char *word);
const char *yq_words_of_planned_verdict(const char *word);
const char *yq_words_of_field(const char *field); /* of a change; itself if not known */
const char *yq_words_of_rule(const char *rule);   /* NULL: not known */
const char *yq_words_of_link(const char *how);    /* how it is known; itself if not known */
/* The whole sentence, personal values hidden; the caller frees it. */
char *yq_words_of_reason(const struct yq_reason *reason);
/* From "reason" and "args" of the tree, which keeps the texts. */
struct yq_reason yq_words_read_reason(const cJSON *tree);
/* One line, personal values hidden. */
void yq_words_print_change(FILE *out, const struct yq_explain_change *c);

#endif
