/* An HTTP server on a loop of its own, with routes that echo, answer late, and answer much. */
#ifndef TEST_HTTP_FIXTURE_H
#define TEST_HTTP_FIXTURE_H

#include <stdatomic.h>

#include "service/http_server.h"
#include "support/loop.h"
#include "support/talk.h"

#define SOON 3000
#define BIG (4 << 20) /* bytes of the answer of /big */

struct fixture {
    struct test_loop *loop;
    struct yq_http_server *server;
    const char *url;
    atomic_int handled;
    int open;
};

struct yq_http_limits usual_limits(void);
void http_start(struct fixture *f, struct yq_http_limits limits);
void http_stop(struct fixture *f);
/* Reads the next answer, which must be this one. */
void expect_answer(struct talk *t, int status, const char *body);

#define POST_ECHO(rest) "POST /echo HTTP/1.1\r\nHost: h\r\n" rest
#define GET_LATER(name) "GET /later/" name " HTTP/1.1\r\nHost: h\r\n\r\n"

#endif
