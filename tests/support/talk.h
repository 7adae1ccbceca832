/* The client's side of HTTP as a test needs it: bytes out as written, answers in with a deadline.
 */
#ifndef YQ_TESTS_SUPPORT_TALK_H
#define YQ_TESTS_SUPPORT_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct talk {
    int fd;
    struct yq_buf in; /* what was read beyond the last answer */
};

struct talk_answer {
    int status;
    struct yq_buf
        head; /* with its empty line; the Date is blotted out: it may differ by a second */
    struct yq_buf body;
};

/* "http://127.0.0.1:1234"; dies when nobody listens. */
struct talk talk_open(const char *url);
bool talk_refused(const char *url); /* nobody listens there */
void talk_close(struct talk *t);
/* Errors are for the next talk_read to find. */
void talk_send(struct talk *t, const char *text);
void talk_send_bytes(struct talk *t, const void *bytes, size_t len);
/* Reads one answer. False when the connection ends first, or deadline_ms have passed. */
bool talk_read(struct talk *t, struct talk_answer *ret, int deadline_ms);
/* The connection has been closed by the other side, with nothing more to read. */
bool talk_ended(struct talk *t, int deadline_ms);
void talk_answer_release(struct talk_answer *a);
/* One request on a connection of its own; the status, or 0 without an answer. *ret may be NULL. */
int talk_once(const char *url, const char *method, const char *target, const char *headers,
              const void *body, size_t len, struct talk_answer *ret);

#endif
