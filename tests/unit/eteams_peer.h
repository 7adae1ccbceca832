/* The simulated eteams as a process of its own, and JSON over HTTP with it, for its tests.
 *
 * Bodies are printf formats in which ' stands for ". Answers belong to the peer and live until its
 * next call. */
#ifndef TEST_ETEAMS_PEER_H
#define TEST_ETEAMS_PEER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct peer;

/* Starts yunqiao-sim on a free port, with its clock in a file of its own; options as on the command
 * line, divided by blanks. Fails the test if it does not come up. */
struct peer *peer_start(const char *options);
/* Ends it; true if it went with status 0 (leaks of a sanitised build count). */
bool peer_stop(struct peer *p);
void peer_move_clock(struct peer *p, int64_t ms);
const char *peer_url(const struct peer *p);

/* A GET (body NULL) or a POST of JSON. NULL where the answer is no JSON. */
const cJSON *peer_get(struct peer *p, const char *path);
const cJSON *peer_post(struct peer *p, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A form, of step 2. */
const cJSON *peer_form(struct peer *p, const char *path, const char *fields);
/* A call of the interface by the last part of its path, with the token; fetched if there is none.
 */
const cJSON *peer_call(struct peer *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A POST and a GET on the control side; they fail the test if that answers anything but 0. */
const cJSON *peer_control(struct peer *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const cJSON *peer_look(struct peer *p, const char *name);

/* The last answer: its bytes, its HTTP status (0 = none came). */
const char *peer_raw(const struct peer *p);
long peer_status(const struct peer *p);
double peer_seconds(const struct peer *p);
/* Does the whole dance; the new token, owned by the peer. */
const char *peer_new_token(struct peer *p);
const char *peer_token(const struct peer *p);

/* message.errcode or errcode, from text or number; -999 = none, -998 = no JSON. */
int answer_code(const cJSON *answer);
/* Row i of data, or of data.data; NULL if there is none. */
const cJSON *answer_row(const cJSON *answer, int i);
int answer_rows(const cJSON *answer); /* -1 = no rows at all */
int answer_total(const cJSON *answer);
int row_code(const cJSON *answer, int i);
const char *row_text(const cJSON *answer, int i, const char *name); /* "" where there is none */
/* A copy of the id of row i that lives as long as the peer. */
const char *peer_keep_id(struct peer *p, int i);
/* The id of the root, kept likewise. */
const char *peer_root(struct peer *p);
int64_t json_number(const cJSON *object, const char *name); /* -999 = none */

#endif
