/* The simulated WeCom as a process of its own, and JSON over HTTP with it, for its test. */
#ifndef TEST_WECOM_PEER_H
#define TEST_WECOM_PEER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#define PEER_GETTOKEN "/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=sim-app-secret"

struct peer;

/* Starts yunqiao-sim on a free port, with its clock in a file of its own; fails the test if it does
 * not come up. */
struct peer *peer_start(void);
/* Ends it; true if it went with status 0 (leaks of a sanitised build count). */
bool peer_stop(struct peer *p);
/* The one of a whole group of tests, and its group's setup and teardown. */
extern struct peer *peer;
int peer_group_start(void **state);
int peer_group_stop(void **state);
void peer_move_clock(struct peer *p, int64_t ms);
const char *peer_url(const struct peer *p);
/* Back to the beginning, with that company (as POST /_sim/load takes it). 0 or an error code. */
int peer_load(struct peer *p, const char *company);

/* A GET, or a POST where body is not NULL. The tree is the caller's; NULL where the answer is no
 * JSON. *ret_status: the HTTP status, 0 where there was no answer; may be NULL. */
cJSON *peer_call(struct peer *p, const char *path, const char *body, long *ret_status);
/* The same, for the errcode alone; -999 where there is none. */
int peer_code(struct peer *p, const char *path, const char *body);
/* A call with the token of that secret: path is what stands behind /cgi-bin/, with its "?…". */
cJSON *peer_app(struct peer *p, const char *path, const char *body);
cJSON *peer_contacts(struct peer *p, const char *path, const char *body);
int peer_app_code(struct peer *p, const char *path, const char *body);
int peer_contacts_code(struct peer *p, const char *path, const char *body);

int64_t json_int(const cJSON *tree, const char *name);      /* -999 where there is none */
const char *json_text(const cJSON *tree, const char *name); /* "" where there is none */
/* The counts of GET /_sim/deliveries, once nothing is under way any more. */
cJSON *peer_wait_deliveries(struct peer *p);

#endif
