/* The hundred lines of HTTP that both simulated peers share, over libevent's evhttp: one process,
 * one loop. A handler fills a reply; delays, cut connections and odd statuses are data in it. */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct sim_request {
    const char *method; /* "GET", "POST" */
    const char *path;   /* decoded, without the query */
    const char *body;   /* NUL-ended, "" if there is none */
    size_t body_len;
    void *native; /* for sim_query and sim_header */
};

struct sim_reply {
    int status; /* 200 unless set */
    struct yq_buf body;
    int64_t delay_ms;         /* answer only after that time */
    bool cut;                 /* close the connection without an answer */
    const char *content_type; /* "application/json; charset=UTF-8" unless set */
    /* Called once, if set: the last byte of the answer is written, or its connection is gone. */
    void (*over)(void *arg);
    void *over_arg;
};

/* A decoded query value or a header of the request; NULL if there is none. Valid during the
 * handler. */
const char *sim_query(const struct sim_request *r, const char *name);
const char *sim_header(const struct sim_request *r, const char *name);

typedef void sim_handler(void *context, const struct sim_request *request, struct sim_reply *reply);

/* Listens on "127.0.0.1:0"-style addresses, prints "listening http://127.0.0.1:PORT\n" on stdout
 * and serves until SIGTERM or SIGINT. *base is made by sim_http_base() first, so that a simulator
 * may add timers to it. Returns the exit status. */
struct event_base *sim_http_base(void);
int sim_http_serve(struct event_base *base, const char *listen, sim_handler *handler,
                   void *context);

/* Milliseconds: wall clock plus the offset in the file named by YUNQIAO_CLOCK (8 bytes, host order,
 * milliseconds), which a test moves forward to save itself the waiting. */
int64_t sim_now_ms(void);

/* xorshift generator: equal seeds give equal companies and equal faults everywhere. */
struct sim_random {
    uint64_t state;
};
void sim_random_seed(struct sim_random *r, uint64_t seed);
uint64_t sim_random_next(struct sim_random *r);
uint64_t sim_random_below(struct sim_random *r, uint64_t bound);

#endif
