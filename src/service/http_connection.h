/* One connection of the HTTP server, as the server sees it. For http_server.c and
 * http_connection.c. */
#ifndef YQ_SERVICE_HTTP_CONNECTION_H
#define YQ_SERVICE_HTTP_CONNECTION_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "service/http_server.h"

enum yq_http_state {
    YQ_HTTP_WAITING,   /* for the first byte of a request */
    YQ_HTTP_READING,   /* some of it is here */
    YQ_HTTP_WORKING,   /* a handler has it */
    YQ_HTTP_ANSWERING, /* the answer does not fit into the socket yet */
    YQ_HTTP_LINGERING, /* refused, with bytes unread: closed a little later, or the client would see
                          a reset instead of the answer */
    YQ_HTTP_CLOSED,
};

struct yq_exchange {
    struct yq_request request;
    const struct yq_route *route;
    struct yq_buf headers; /* for the answer */
    int64_t complete_ns;   /* monotonic */
};

struct yq_http_connection {
    TAILQ_ENTRY(yq_http_connection) link;
    struct yq_http_server *server;
    int fd;
    struct event readable, writable;
    enum yq_http_state state;
    bool reading;     /* `readable` is added */
    bool ended;       /* the peer has sent its last byte */
    bool advancing;   /* yq_http_connection_advance is on the stack */
    bool has_handler; /* somebody will still call yq_exchange_answer */
    bool closing;     /* close behind the answer */
    bool linger;      /* … and leave it time to arrive */
    bool known;       /* a request of his was answered 200 */
    bool continued;   /* 100 Continue has been sent */
    int64_t since_ms; /* since when it is in its list; not kept while a handler has it */
    int64_t due_ms;   /* when the state has lasted too long; 0 = never */
    char *in;
    size_t in_len, in_cap;
    size_t scanned;            /* bytes in which no end of a head was found */
    size_t head_len;           /* 0: not complete */
    size_t request_end;        /* of the request that is being answered; 0: none */
    const char *parsed_at;     /* `in` when the head was parsed */
    struct yq_chunked chunked; /* progress of a chunked body */
    struct yq_buf out;         /* what the socket did not take */
    size_t out_at;
    struct yq_exchange exchange;
};
TAILQ_HEAD(yq_http_list, yq_http_connection);

/* Who waits for what, in the order in which they give way at the cap. */
enum yq_http_list_name {
    YQ_HTTP_IDLE, /* WAITING or LINGERING, and nobody whom we know */
    YQ_HTTP_SLOW, /* READING or ANSWERING: it is the client's turn */
    YQ_HTTP_KEPT, /* WAITING, after a request that was answered 200 */
    YQ_HTTP_BUSY, /* all others: it is our turn */
    YQ_HTTP_LISTS,
};

struct yq_http_server {
    struct event_base *base;
    struct yq_http_limits limits;
    const struct yq_route *routes;
    char url[300];
    int fd, spare_fd;
    struct event *acceptable, *sweep;
    bool accepting, stopping;
    bool shared;                              /* other processes have the listening socket, too */
    struct yq_http_list lists[YQ_HTTP_LISTS]; /* each with the longest first */
    int count;
    struct yq_buf answer; /* reused: an answer is sent or copied at once */
};

int64_t yq_http_now_ms(void);
/* Takes over fd. */
void yq_http_connection_open(struct yq_http_server *s, int fd);
/* Frees it, or leaves that to whoever is using it further up the stack. */
void yq_http_connection_close(struct yq_http_connection *c);
/* Ends one whose time is up. */
void yq_http_connection_expire(struct yq_http_connection *c);
/* A connection was closed, or could be made to give way. In http_server.c. */
void yq_http_server_closed_one(struct yq_http_server *s);
void yq_http_server_has_place(struct yq_http_server *s);

/* Handles what is in the buffer, request by request. Frees c where it is closed and nobody has it.
 */
void yq_http_connection_advance(struct yq_http_connection *c);
/* Changes the state, for lasts_ms at the longest; 0 = for good. */
void yq_http_connection_enter(struct yq_http_connection *c, enum yq_http_state state,
                              int64_t lasts_ms);
void yq_http_connection_pause(struct yq_http_connection *c); /* reads no more for now */

/* Answers without a handler. Where bytes were left unread, nothing behind is looked at. In
 * http_answer.c, as the next two. */
void yq_http_refuse(struct yq_http_connection *c, int status, bool unread);
/* Sends what the socket takes. Returns how many bytes, or -1 when the connection is dead. */
ssize_t yq_http_send_some(const struct yq_http_connection *c, const char *bytes, size_t len);
void yq_http_on_writable(evutil_socket_t fd, short what, void *context);

#endif
