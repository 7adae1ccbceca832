/* The HTTP server against real sockets: framing, limits, deadlines, the cap, and its stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "service/http_server.h"
#include "support/loop.h"
#include "support/talk.h"
#include "support/wait.h"

#define SOON 3000
#define BIG (4 << 20)

struct fixture {
    struct test_loop *loop;
    struct yq_http_server *server;
    const char *url;
    atomic_int handled;
    int open;
};

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

static struct yq_http_limits usual_limits(void)
{
    return (struct yq_http_limits){.max_body = 1000,
                                   .max_headers = 2000,
                                   .deadline_ms = 5000,
                                   .idle_ms = 60000,
                                   .max_connections = 100,
                                   .backlog = 100};
}

static void start(struct fixture *f, struct yq_http_limits limits)
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

static void stop(struct fixture *f)
{
    test_loop_stop(f->loop);
    yq_http_server_free(f->server);
    test_loop_free(f->loop);
}

static void expect_answer(struct talk *t, int status, const char *body)
{
    struct talk_answer a;
    assert_true(talk_read(t, &a, SOON));
    assert_int_equal(a.status, status);
    assert_string_equal(yq_buf_text(&a.body), body);
    talk_answer_release(&a);
}

#define LONG_WORD /* 128 bytes */                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POST_ECHO(rest) "POST /echo HTTP/1.1\r\nHost: h\r\n" rest
#define GET_LATER(name) "GET /later/" name " HTTP/1.1\r\nHost: h\r\n\r\n"

static void test_keeps_a_connection_alive(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t, POST_ECHO("Content-Length: 5\r\n\r\nhello"));
    expect_answer(&t, 200, "hello");
    talk_send(&t, POST_ECHO("content-length:0\r\n\r\n"));
    expect_answer(&t, 200, "");
    talk_send(&t, POST_ECHO("Connection: x, Close\r\nContent-Length: 1\r\n\r\nz"));
    struct talk_answer a;
    assert_true(talk_read(&t, &a, SOON));
    assert_non_null(strstr(a.head.data, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(a.head.data, "\r\nDate: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"));
    talk_answer_release(&a);
    assert_true(talk_ended(&t, SOON));
    talk_close(&t);
    stop(&f);
}

static void test_speaks_the_old_version(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t, "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na");
    struct talk_answer a;
    assert_true(talk_read(&t, &a, SOON));
    assert_non_null(strstr(a.head.data, "\r\nConnection: keep-alive\r\n"));
    talk_answer_release(&a);
    talk_send(&t, "POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\nb");
    expect_answer(&t, 200, "b");
    assert_true(talk_ended(&t, SOON));
    talk_close(&t);
    stop(&f);
}

static void test_answers_in_order_what_was_sent_ahead(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t,
              GET_LATER("1") POST_ECHO("Content-Length: 1\r\n\r\n2\r\n") GET_LATER("3") "HEAD "
                                                                                        "/later/4");
    expect_answer(&t, 200, "1");
    expect_answer(&t, 200, "2");
    expect_answer(&t, 200, "3");
    talk_send(&t, " HTTP/1.1\r\nHost: h\r\n\r\n" GET_LATER("5"));
    struct yq_buf head = YQ_BUF_INIT;
    while (strstr(yq_buf_text(&head), "\r\n\r\nHTTP/1.1 200 OK") == NULL) {
        char c;
        assert_int_equal(recv(t.fd, &c, 1, 0), 1); /* HEAD: its length, and no body */
        yq_buf_addc(&head, c);
    }
    assert_non_null(strstr(head.data, "Content-Length: 1\r\n"));
    yq_buf_release(&head);
    talk_close(&t);
    stop(&f);
}

static void test_takes_requests_in_pieces(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    static const char request[] =
        POST_ECHO("Transfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n"
                  "00e\r\n, wonderful wo\r\n3\r\nrld\r\n0\r\nTrailer: x\r\n\r\n");
    struct talk t = talk_open(f.url);
    for (size_t i = 0; i < sizeof(request) - 1; i++)
        talk_send_bytes(&t, request + i, 1);
    expect_answer(&t, 200, "hello, wonderful world");
    talk_send_bytes(&t, request, sizeof(request) - 1);
    talk_send(&t, POST_ECHO("Content-Length: 4\r\n\r\nnext"));
    expect_answer(&t, 200, "hello, wonderful world");
    expect_answer(&t, 200, "next");
    talk_close(&t);
    stop(&f);
}

static void test_buffer_grows_under_a_request(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_body = 100000;
    start(&f, limits);
    struct yq_buf body = YQ_BUF_INIT;
    for (int i = 0; i < 9000; i++)
        yq_buf_addf(&body, "line %d\n", i);
    struct talk_answer a;
    assert_int_equal(talk_once(f.url, "POST", "/echo", NULL, body.data, body.len, &a), 200);
    assert_int_equal(a.body.len, body.len);
    assert_memory_equal(a.body.data, body.data, body.len);
    talk_answer_release(&a);
    yq_buf_release(&body);
    stop(&f);
}

static void test_continues_when_asked(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t, POST_ECHO("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    expect_answer(&t, 100, "");
    talk_send(&t, "ok");
    expect_answer(&t, 200, "ok");
    talk_send(&t, POST_ECHO("Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n"));
    expect_answer(&t, 413, "body too large\n");
    talk_close(&t);
    stop(&f);
}

static void test_says_what_is_not_there(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    assert_int_equal(talk_once(f.url, "GET", "/none", NULL, NULL, 0, NULL), 404);
    assert_int_equal(talk_once(f.url, "GET", "/later/", NULL, NULL, 0, NULL), 404);
    assert_int_equal(talk_once(f.url, "POST", "/echo/", NULL, "", 0, NULL), 404);
    assert_int_equal(talk_once(f.url, "POST", "/echo?a=/b?c", NULL, "", 0, NULL), 200);
    assert_int_equal(talk_once(f.url, "POST", "http://h:1/echo", NULL, "", 0, NULL), 200);
    struct talk_answer a;
    assert_int_equal(talk_once(f.url, "GET", "/echo", NULL, NULL, 0, &a), 405);
    assert_non_null(strstr(a.head.data, "\r\nAllow: POST\r\n"));
    talk_answer_release(&a);
    assert_int_equal(talk_once(f.url, "PURGE", "/both", NULL, NULL, 0, &a), 405);
    assert_non_null(strstr(a.head.data, "\r\nAllow: GET, HEAD, POST\r\n"));
    talk_answer_release(&a);
    assert_int_equal(talk_once(f.url, "DELETE", "/big", NULL, NULL, 0, &a), 405);
    assert_non_null(strstr(a.head.data, "\r\nAllow: GET, HEAD\r\n"));
    talk_answer_release(&a);
    stop(&f);
}

/* What is behind each of them must not be taken for a request. */
#define BEHIND "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nX"

static const struct {
    int status;
    const char *request;
} refused[] = {
    /* lengths that two parsers could read in two ways */
    {400, POST_ECHO("Content-Length: 0\r\nContent-Length: 49\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0\r\nContent-Length: 0\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0, 0\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: identity\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("Content-Length: -1\r\n\r\n")},
    {400, POST_ECHO("Content-Length: +1\r\n\r\nX")},
    {400, POST_ECHO("Content-Length: 0x1\r\n\r\nX")},
    {400, POST_ECHO("Content-Length: 1 \t1\r\n\r\nX")},
    {400, POST_ECHO("Content-Length:\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 18446744073709551616\r\n\r\n")},
    {400, POST_ECHO("Content-Length : 0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("X: a\r\n\tb\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding:\x0b"
                    "chunked\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("X: a\nContent-Length: 5\r\n\r\n")},
    {400, POST_ECHO("X: a\rContent-Length: 5\r\n\r\n")},
    {400, POST_ECHO(": a\r\n\r\n")},
    {400, POST_ECHO("no colon\r\n\r\n")},
    {400, POST_ECHO("X(: a\r\n\r\n")},
    {400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    /* first lines */
    {400, "POST /echo\r\nHost: h\r\n\r\n"},
    {400, "POST  /echo HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST /echo  HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST /echo HTTP/1.1 \r\nHost: h\r\n\r\n"},
    {400, "POST /ec\tho HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST echo HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST http://host HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "P(ST /echo HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, " POST /echo HTTP/1.1\r\nHost: h\r\n\r\n"},
    {400, "POST /echo HTTP/1.2\r\nHost: h\r\n\r\n"},
    {400, "POST /echo http/1.1\r\nHost: h\r\n\r\n"},
    {505, "POST /echo HTTP/2.0\r\nHost: h\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\n\r\n"},
    {400, "POST /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {400, "\x16\x03\x01\x02\r\n\r\n"},
    /* chunks */
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n-1\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0x1\r\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1 \r\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1\r\nXY\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1\r\nX0\r\n\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n000000001\r\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1;\x01\r\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1;" LONG_WORD LONG_WORD "\r\nX\r\n")},
    {413, POST_ECHO("Transfer-Encoding: chunked\r\n\r\nffffffff\r\nX")},
    {413, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n3e9\r\nX")},
    {413, POST_ECHO("Content-Length: 1001\r\n\r\n")},
};

static void test_refuses_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct talk t = talk_open(f.url);
        struct talk_answer a;
        talk_send(&t, refused[i].request);
        talk_send(&t, BEHIND);
        assert_true(talk_read(&t, &a, SOON));
        if (a.status != refused[i].status || strstr(a.head.data, "Connection: close") == NULL)
            fail_msg("%s: %s", refused[i].request, a.head.data);
        talk_answer_release(&a);
        assert_true(talk_ended(&t, SOON));
        talk_close(&t);
    }
    assert_int_equal(atomic_load(&f.handled), 0);
    stop(&f);
}

static void test_limits_the_head(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct yq_buf request = YQ_BUF_INIT;
    yq_buf_adds(&request, POST_ECHO("X: "));
    while (request.len < 2001)
        yq_buf_addc(&request, 'a');
    struct talk t = talk_open(f.url);
    talk_send_bytes(&t, request.data, request.len); /* without an end */
    expect_answer(&t, 431, "headers too large\n");
    assert_true(talk_ended(&t, SOON));
    talk_close(&t);

    yq_buf_clear(&request);
    yq_buf_adds(&request, POST_ECHO("Content-Length: 0\r\n"));
    for (int i = 0; i < YQ_REQUEST_HEADERS - 1; i++)
        yq_buf_adds(&request, "X: a\r\n");
    yq_buf_adds(&request, "\r\n");
    t = talk_open(f.url);
    talk_send_bytes(&t, request.data, request.len);
    expect_answer(&t, 431, "headers too large\n");
    talk_close(&t);

    yq_buf_clear(&request);
    yq_buf_adds(&request, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\r\n"));
    for (int i = 0; i < 1000; i++)
        yq_buf_adds(&request, "X: a\r\n");
    t = talk_open(f.url);
    talk_send_bytes(&t, request.data, request.len);
    expect_answer(&t, 400, "bad request\n");
    talk_close(&t);
    yq_buf_release(&request);
    assert_int_equal(atomic_load(&f.handled), 0);
    stop(&f);
}

/* The refusal comes before the body does, and the connection ends although the client goes on. */
static void test_does_not_read_a_large_body(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t, POST_ECHO("Content-Length: 999999999\r\n\r\n"));
    expect_answer(&t, 413, "body too large\n");
    char *junk = yq_calloc(1, 1 << 20);
    struct timeval patience = {3, 0};
    setsockopt(t.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    ssize_t sent;
    size_t total = 0;
    while ((sent = send(t.fd, junk, 1 << 20, MSG_NOSIGNAL)) > 0)
        total += (size_t)sent;
    assert_true(errno == ECONNRESET || errno == EPIPE);
    assert_true(total < (64 << 20)); /* what sockets hold, no more */
    free(junk);
    talk_close(&t);
    stop(&f);
}

static void test_ends_who_is_too_slow(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.deadline_ms = 400;
    limits.idle_ms = 900;
    start(&f, limits);
    struct talk heads = talk_open(f.url);
    struct talk bodies = talk_open(f.url);
    struct talk silent = talk_open(f.url);
    talk_send(&heads, "POST /echo HTTP/1.1\r\nX: ");
    talk_send(&bodies, POST_ECHO("Content-Length: 900\r\n\r\n"));
    bool ended = false;
    for (int i = 0; i < 100 && !ended; i++) { /* bytes do come, one by one */
        talk_send(&heads, "a");
        talk_send(&bodies, "a");
        ended = talk_ended(&silent, 20);
    }
    expect_answer(&heads, 408, "too slow\n");
    expect_answer(&bodies, 408, "too slow\n");
    assert_true(ended || talk_ended(&silent, SOON)); /* no answer to nothing */
    talk_close(&heads);
    talk_close(&bodies);
    talk_close(&silent);
    stop(&f);
}

static void test_ends_who_does_not_take_the_answer(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.deadline_ms = 300;
    start(&f, limits);
    struct talk patient = talk_open(f.url);
    struct talk rude = talk_open(f.url);
    talk_send(&patient, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    talk_send(&rude, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    struct talk_answer a;
    assert_true(talk_read(&patient, &a, SOON));
    assert_int_equal(a.body.len, BIG);
    talk_answer_release(&a);
    talk_send(&patient, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&patient, 200, "x");
    usleep(600000); /* the rude one's time, which must really pass */
    assert_false(talk_read(&rude, &a, SOON));
    talk_answer_release(&a);
    talk_close(&patient);
    talk_close(&rude);
    stop(&f);
}

static void test_cap_closes_who_is_idle_longest(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 3;
    start(&f, limits);
    struct talk t[4];
    for (int i = 0; i < 3; i++) {
        t[i] = talk_open(f.url);
        talk_send(&t[i], POST_ECHO("Content-Length: 1\r\n\r\nx"));
        expect_answer(&t[i], 200, "x");
    }
    talk_send(&t[0], POST_ECHO("Content-Length: 1\r\n\r\nx")); /* now 1 is idle longest */
    expect_answer(&t[0], 200, "x");
    t[3] = talk_open(f.url);
    talk_send(&t[3], POST_ECHO("Content-Length: 1\r\n\r\ny"));
    expect_answer(&t[3], 200, "y");
    assert_true(talk_ended(&t[1], SOON));
    talk_send(&t[0], POST_ECHO("Content-Length: 1\r\n\r\nz"));
    expect_answer(&t[0], 200, "z");
    for (int i = 0; i < 4; i++)
        talk_close(&t[i]);
    stop(&f);
}

static void test_cap_lets_new_ones_wait_while_all_are_busy(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 2;
    limits.deadline_ms = 1000;
    start(&f, limits);
    struct talk a = talk_open(f.url);
    struct talk b = talk_open(f.url);
    talk_send(&a, "POST /echo HTT");
    talk_send(&b, GET_LATER("b"));
    struct talk c = talk_open(f.url); /* in the backlog */
    talk_send(&c, POST_ECHO("Content-Length: 1\r\n\r\nc"));
    expect_answer(&c, 200, "c"); /* once b is idle, which then gives way */
    expect_answer(&b, 200, "b");
    assert_true(talk_ended(&b, SOON));
    expect_answer(&a, 408, "too slow\n");
    talk_close(&a);
    talk_close(&b);
    talk_close(&c);
    stop(&f);
}

static void test_survives_without_descriptors(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)atoi(strrchr(f.url, ':') + 1));
    int *taken = yq_calloc(100000, sizeof(int));
    size_t count = 0;
    while (count < 100000 && (taken[count] = dup(client)) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
    struct talk t = {.fd = client};
    assert_true(talk_ended(&t, SOON)); /* closed instead of left in the queue */
    while (count > 0)
        close(taken[--count]);
    free(taken);
    talk_close(&t);
    assert_int_equal(talk_once(f.url, "POST", "/echo", NULL, "x", 1, NULL), 200);
    stop(&f);
}

static void count_open(void *context)
{
    struct fixture *f = context;
    f->open = yq_http_server_open(f->server);
}

static bool nobody_is_open(void *context)
{
    struct fixture *f = context;
    test_loop_call(f->loop, count_open, f);
    return f->open == 0;
}

static void test_client_that_does_not_wait(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk gone = talk_open(f.url);
    talk_send(&gone, GET_LATER("1"));
    talk_close(&gone);
    struct talk half = talk_open(f.url); /* has said all it had to say, and listens */
    talk_send(&half, GET_LATER("2"));
    shutdown(half.fd, SHUT_WR);
    expect_answer(&half, 200, "2");
    assert_true(talk_ended(&half, SOON));
    talk_close(&half);
    struct talk cut = talk_open(f.url);
    talk_send(&cut, "POST /echo HTTP/1.1\r\nContent-Le");
    talk_close(&cut);
    assert_true(yq_wait_until(nobody_is_open, &f, SOON));
    assert_int_equal(atomic_load(&f.handled), 2);
    stop(&f);
}

static void stop_server(void *server)
{
    yq_http_server_stop(server);
}

static void test_stops_behind_its_answers(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk idle = talk_open(f.url);
    struct talk working = talk_open(f.url);
    struct talk reading = talk_open(f.url);
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x");
    talk_send(&reading, POST_ECHO("Content-Length: 2\r\n\r\n1"));
    talk_send(&working, GET_LATER("w"));
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x"); /* all have arrived */
    test_loop_call(f.loop, stop_server, f.server);
    assert_true(talk_refused(f.url));
    assert_true(talk_ended(&idle, SOON));
    talk_send(&reading, "2");
    expect_answer(&reading, 200, "12");
    expect_answer(&working, 200, "w");
    assert_true(talk_ended(&reading, SOON));
    assert_true(talk_ended(&working, SOON));
    assert_true(yq_wait_until(nobody_is_open, &f, SOON));
    talk_close(&idle);
    talk_close(&working);
    talk_close(&reading);
    stop(&f);
}

static void test_is_freed_in_the_middle_of_everything(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, usual_limits());
    struct talk reading = talk_open(f.url);
    struct talk answering = talk_open(f.url);
    struct talk idle = talk_open(f.url);
    talk_send(&reading, POST_ECHO("Content-Length: 2\r\n\r\n1"));
    talk_send(&answering, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x");
    stop(&f);
    talk_close(&reading);
    talk_close(&answering);
    talk_close(&idle);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "8080",         "127.0.0.1",           "127.0.0.1:",
        "256.1.1.1:80", "127.0.0.1:http-none", "127.0.0.1:12345678901234567890"};
    struct event_base *base = event_base_new();
    struct yq_http_limits limits = usual_limits();
    static const struct yq_route none[] = {{.path = ""}};
    struct yq_error err;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(yq_http_server_new(base, bad[i], &limits, none, &err));
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
    }
    struct yq_http_server *a = yq_http_server_new(base, "localhost:0", &limits, none, &err);
    assert_non_null(a);
    assert_null(yq_http_server_new(base, yq_http_server_url(a) + 7, &limits, none, &err));
    assert_non_null(strstr(err.text, "in use"));
    yq_http_server_free(a);
    yq_http_server_free(NULL);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_a_connection_alive),
        cmocka_unit_test(test_speaks_the_old_version),
        cmocka_unit_test(test_answers_in_order_what_was_sent_ahead),
        cmocka_unit_test(test_takes_requests_in_pieces),
        cmocka_unit_test(test_buffer_grows_under_a_request),
        cmocka_unit_test(test_continues_when_asked),
        cmocka_unit_test(test_says_what_is_not_there),
        cmocka_unit_test(test_refuses_what_could_be_read_in_two_ways),
        cmocka_unit_test(test_limits_the_head),
        cmocka_unit_test(test_does_not_read_a_large_body),
        cmocka_unit_test(test_ends_who_is_too_slow),
        cmocka_unit_test(test_ends_who_does_not_take_the_answer),
        cmocka_unit_test(test_cap_closes_who_is_idle_longest),
        cmocka_unit_test(test_cap_lets_new_ones_wait_while_all_are_busy),
        cmocka_unit_test(test_survives_without_descriptors),
        cmocka_unit_test(test_client_that_does_not_wait),
        cmocka_unit_test(test_stops_behind_its_answers),
        cmocka_unit_test(test_is_freed_in_the_middle_of_everything),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
