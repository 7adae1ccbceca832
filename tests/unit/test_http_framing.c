/* The HTTP server against real sockets: where a request begins and ends, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "http_fixture.h"

#define LONG_WORD /* 128 bytes */                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_keeps_a_connection_alive(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void test_speaks_the_old_version(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void test_answers_in_order_what_was_sent_ahead(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void test_takes_requests_in_pieces(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void test_buffer_grows_under_a_request(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_body = 100000;
    http_start(&f, limits);
    struct yq_buf body = YQ_BUF_INIT;
    for (int i = 0; i < 9000; i++)
        yq_buf_addf(&body, "line %d\n", i);
    struct talk_answer a;
    assert_int_equal(talk_once(f.url, "POST", "/echo", NULL, body.data, body.len, &a), 200);
    assert_int_equal(a.body.len, body.len);
    assert_memory_equal(a.body.data, body.data, body.len);
    talk_answer_release(&a);
    yq_buf_release(&body);
    http_stop(&f);
}

static void test_continues_when_asked(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
    struct talk t = talk_open(f.url);
    talk_send(&t, POST_ECHO("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    expect_answer(&t, 100, "");
    talk_send(&t, "ok");
    expect_answer(&t, 200, "ok");
    talk_send(&t, POST_ECHO("Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n"));
    expect_answer(&t, 413, "body too large\n");
    talk_close(&t);
    http_stop(&f);
}

static void test_says_what_is_not_there(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
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
    {400, POST_ECHO("Content-Length: 1e1\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0;a\r\n\r\n")},
    {400, POST_ECHO("Content-Length: \xef\xbc\x90\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0\r\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 0\n\n")},
    {400, POST_ECHO("Content-Length: 0\r\nX: a\x7f"
                    "b\r\n\r\n")},
    {400, POST_ECHO("\xc2\xa0"
                    "Content-Length: 0\r\n\r\n")},
    {400, POST_ECHO("Content-Length: 9\r\ncontent-length: 0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n")},
    {501, POST_ECHO("Transfer-Encoding:\r\n\r\n")},
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
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1;a\nX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n1\rX\r\n0\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\r\n\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\nb: c\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n")},
    {400, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n0\r\n")}, /* a request as trailers */
    {413, POST_ECHO("Transfer-Encoding: chunked\r\n\r\nffffffff\r\nX")},
    {413, POST_ECHO("Transfer-Encoding: chunked\r\n\r\n3e9\r\nX")},
    {413, POST_ECHO("Content-Length: 1001\r\n\r\n")},
};

static void test_refuses_what_could_be_read_in_two_ways(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void test_limits_the_head(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

/* The refusal comes before the body does, and the connection ends although the client goes on. */
static void test_does_not_read_a_large_body(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
