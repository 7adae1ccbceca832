/* The receiving side of HTTP: one listening socket on the caller's libevent loop, a table of
 * routes, and limits that hold before any handler is called.
 *
 * Why not evhttp: libevent 2.1's has no cap on connections, no deadline for a whole request and no
 * hook before it has framed a request, so that each would have to be built around a second parser
 * that must agree with the first; and it costs half of what a callback costs. Here one parser
 * (http_request.h) decides, on the bytes, with the limits at hand.
 *
 * A connection takes one request at a time; what a client sends ahead waits in the socket. Answers
 * may come at once or later. Belongs to the thread of its loop. */
#ifndef YQ_SERVICE_HTTP_SERVER_H
#define YQ_SERVICE_HTTP_SERVER_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"
#include "service/http_request.h"

struct yq_http_limits {
    size_t max_body;     /* bytes; a larger one is refused unread: 413 */
    size_t max_headers;  /* bytes of the whole head: 431 */
    int64_t deadline_ms; /* from a request's first byte to its last, and for taking the answer */
    int64_t idle_ms;     /* a connection without a request is closed after that */
    int max_connections; /* at the cap whose turn it is for the longest gives way, those last who
                            were answered 200 before; while all are served or new, others wait */
    int backlog;
};

struct yq_exchange; /* one request and its answer */

/* Must see to it that yq_exchange_answer is called exactly once, now or later. */
typedef void yq_http_handler(void *context, struct yq_exchange *x);

struct yq_route {
    const char *path; /* with a '/' at its end: a prefix; what follows it must not be empty */
    unsigned methods; /* bits of enum yq_method; another one is answered 405 */
    yq_http_handler *handler;
    void *context;
};

struct yq_http_server;

/* address: "0.0.0.0:8080", "[::1]:8080", "localhost:0". routes must outlive the server and end with
 * an empty path. Accepts at once. */
struct yq_http_server *yq_http_server_new(struct event_base *base, const char *address,
                                          const struct yq_http_limits *limits,
                                          const struct yq_route *routes, struct yq_error *err);
/* The same on a socket that listens already, which it takes over; it is shared (below). */
struct yq_http_server *yq_http_server_adopt(struct event_base *base, int fd,
                                            const struct yq_http_limits *limits,
                                            const struct yq_route *routes);
/* The listening descriptor, for another process, which has it too from now on. */
int yq_http_server_share(struct yq_http_server *s);
/* "http://127.0.0.1:39123", with the port that the system chose. */
const char *yq_http_server_url(const struct yq_http_server *s);
/* Accepts no more. Who waits to be accepted is left to those who share the socket; where nobody
 * does, he is accepted before it is closed. Connections close behind their answer, idle ones after
 * a moment, since a request may be on its way. NULL is fine. */
void yq_http_server_stop(struct yq_http_server *s);
/* Connections open; after a stop the caller waits for 0, as long as it likes. */
int yq_http_server_open(const struct yq_http_server *s);
/* Closes what is left. Exchanges that are still unanswered must not be touched afterwards. */
void yq_http_server_free(struct yq_http_server *s);

/* ---- for handlers ---- */

const struct yq_request *yq_exchange_request(const struct yq_exchange *x);
/* What follows the prefix of its route. */
struct yq_text yq_exchange_rest(const struct yq_exchange *x);
/* The address that it came from; all zero where the connection is gone already. */
void yq_exchange_peer(struct yq_exchange *x, struct sockaddr_storage *ret);
/* Adds a header to the answer: "Name: value\r\n". */
void yq_exchange_header(struct yq_exchange *x, const char *line);
/* type: Content-Type, static text. The bytes are copied or sent before it returns. The exchange is
 * gone afterwards. */
void yq_exchange_answer(struct yq_exchange *x, int status, const char *type, const void *body,
                        size_t len);
void yq_exchange_answer_text(struct yq_exchange *x, int status, const char *text);
/* Time since the request was complete. */
double yq_exchange_seconds(const struct yq_exchange *x);

#endif
