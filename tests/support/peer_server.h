/* A peer that a test writes in a few lines: an HTTP server on a thread of its own, whose answers
 * come from a function of the test. */
#ifndef YQ_TESTS_SUPPORT_PEER_SERVER_H
#define YQ_TESTS_SUPPORT_PEER_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct peer_request {
    const char *method, *path;
    const char *query; /* as it came; "" if there is none */
    const char *body;  /* NUL-ended; "" if there is none */
};

struct peer_reply {
    int status;       /* 200 */
    const char *body; /* "" */
    size_t len;       /* 0: as long as the text */
    int delay_ms;
    bool cut;      /* no answer: the connection is closed */
    char *to_free; /* freed after the answer */
};

/* Called on the server's thread. */
typedef void peer_handler(void *context, const struct peer_request *request,
                          struct peer_reply *reply);

struct peer_server;
struct peer_server *peer_server_new(peer_handler *handler, void *context);
void peer_server_free(struct peer_server *s);
/* "http://127.0.0.1:1234" */
const char *peer_server_url(const struct peer_server *s);
/* How many requests came whose path ends like this; all for "". */
int peer_server_count(struct peer_server *s, const char *path_end);
/* Path, query and body of the nth request with that path end (0 = the first), "PATH?QUERY\nBODY";
 * the caller frees it; NULL if there was none. */
char *peer_server_request(struct peer_server *s, const char *path_end, int nth);
void peer_server_forget(struct peer_server *s);
/* The most requests that were answered at the same time (only delayed answers take time). */
int peer_server_most_at_once(struct peer_server *s);

#endif
