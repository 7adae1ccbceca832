/* The form in which values of the two sides are compared. What is in that form already is returned
 * as it is, not copied. */
#ifndef YQ_MODEL_NORMAL_H
#define YQ_MODEL_NORMAL_H

#include <stdbool.h>

#include "base/arena.h"

/* Names: Unicode NFC, blanks around cut, full-width bar as half-width; case kept (wecom.md §7.2
 * rule 2). Invalid UTF-8 is returned unchanged. */
const char *yq_normal_name(struct yq_arena *arena, const char *name);
/* Mobiles: digits only, without +86 or 0086 for Chinese numbers, other country codes kept with '+'
 * (decisions.md 5). "" if there is nothing left. */
const char *yq_normal_mobile(struct yq_arena *arena, const char *mobile);
/* E-mails and accounts: lower case (ASCII), blanks cut. */
const char *yq_normal_email(struct yq_arena *arena, const char *email);
const char *yq_normal_account(struct yq_arena *arena, const char *account);
/* "1" male, "2" female, anything else "" (wecom.md §2.1; eteams.md §1.7). */
const char *yq_normal_gender(const char *gender);

bool yq_same_name(struct yq_arena *scratch, const char *a, const char *b);
bool yq_same_mobile(struct yq_arena *scratch, const char *a, const char *b);
bool yq_same_email(struct yq_arena *scratch, const char *a, const char *b);

/* "138****5678", for everything a person may read. */
const char *yq_masked_mobile(struct yq_arena *arena, const char *mobile);
/* "l***@example.com" */
const char *yq_masked_email(struct yq_arena *arena, const char *email);

#endif
