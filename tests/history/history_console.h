/* The console of WeCom as a history uses it: one change after the other, each with the subjects its
 * events are about written down for the oracle. */
#ifndef TESTS_HISTORY_CONSOLE_H
#define TESTS_HISTORY_CONSOLE_H

#include "history.h"

/* POST /_sim/change; false when WeCom refuses it, which is no mistake: then nothing happened. */
bool console(struct history *h, const char *json_format, ...) __attribute__((format(printf, 2, 3)));
cJSON *console_state(struct history *h); /* caller deletes */

/* The subject was touched in this way. */
void note(struct history *h, const char *what, const char *id, const char *kind);
const char *text_in(const cJSON *object, const char *key); /* "" where there is none */
unsigned number_in(const cJSON *object, const char *key);
/* One of the list by chance; NULL of an empty one. */
const cJSON *any_of(struct history *h, const cJSON *list);
const cJSON *any_member(struct history *h, const cJSON *state);
/* Any department but the root; NULL: there is none. */
const cJSON *any_department(struct history *h, const cJSON *state);
unsigned any_place(struct history *h, const cJSON *state); /* id; maybe the root */
/* One to three places of somebody, as "2,5". */
void any_places(struct history *h, const cJSON *state, struct yq_buf *out);

#endif
