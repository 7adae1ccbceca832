/* Hiding mobiles and e-mails in what is shown. */
#ifndef YQ_APP_MASK_H
#define YQ_APP_MASK_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/buf.h"

/* True for "mobile", "email", "telephone" and the like. */
bool yq_mask_is_personal(const char *field);
/* Appends a personal value: "138****5678", "l***@example.com". */
void yq_mask_value(const char *value, struct yq_buf *out);
/* Hides the personal members of a tree, at any depth. */
void yq_mask_json(cJSON *tree);
/* Appends a text (XML or JSON as WeCom sent it) with whatever looks like a mobile or an e-mail, and
 * the content of personal XML elements, hidden. */
void yq_mask_text(const char *text, struct yq_buf *out);

#endif
