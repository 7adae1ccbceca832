/* The server that the tests of the HTTP server talk with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "http_fixture.h"

static struct fixture *now; /* for handlers */

static void handle_echo(void *context, struct yq_exchange *x)
{
    struct fixture *f = context;
    atomic_fetch_add(&f->handled, 1);
    const struct yq_request *r = yq_exchange_request(x);
    yq_exchange_answer(x, 200, "text/plain", r->body.data, r->body.len);
}

static void answer_late(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    atomic_fetch_add(&now->handled, 1);
    struct yq_exchange *x = context;
    struct yq_text rest = yq_exchange_rest(x); /* the request still stands */
    yq_exchange_answer(x, 200, "text/plain", rest.data, rest.len);
}

static void handle_later(void *context, struct yq_exchange *x)
{
    struct fixture *f = context;
    static const struct timeval wait = {0, 150000};
    event_base_once(test_loop_base(f->loop), -1, EV_TIMEOUT, answer_late, x, &wait);
}

static void handle_big(void *context, struct yq_exchange *x)
{
    (void)context;
    char *body = yq_malloc(BIG);
    memset(body, 'b', BIG);
    yq_exchange_answer(x, 200, "text/plain", body, BIG);
    free(body);
}

struct yq_http_limits usual_limits(void)
{
    return (struct yq_http_limits){.max_body = 1000,
                                   .max_headers = 2000,
                                   .deadline_ms = 5000,
                                   .idle_ms = 60000,
                                   .max_connections = 100,
                                   .backlog = 100};
}

void http_start(struct fixture *f, struct yq_http_limits limits)
{
    static struct yq_route routes[5];
    *f = (struct fixture){.loop = test_loop_new()};
    now = f;
    routes[0] = (struct yq_route){"/echo", YQ_METHOD_POST, handle_echo, f};
    routes[1] = (struct yq_route){"/later/", YQ_METHOD_GET, handle_later, f};
    routes[2] = (struct yq_route){"/big", YQ_METHOD_GET, handle_big, f};
    routes[3] = (struct yq_route){"/both", YQ_METHOD_GET | YQ_METHOD_POST, handle_echo, f};
    routes[4] = (struct yq_route){.path = ""};
    struct yq_error err;
    f->server = yq_http_server_new(test_loop_base(f->loop), "127.0.0.1:0", &limits, routes, &err);
    assert_non_null(f->server);
    f->url = yq_http_server_url(f->server);
    test_loop_start(f->loop);
}

void http_stop(struct fixture *f)
{
    test_loop_stop(f->loop);
    yq_http_server_free(f->server);
    test_loop_free(f->loop);
}

void expect_answer(struct talk *t, int status, const char *body)
{
    struct talk_answer a;
    assert_true(talk_read(t, &a, SOON));
    assert_int_equal(a.status, status);
    assert_string_equal(yq_buf_text(&a.body), body);
    talk_answer_release(&a);
}
