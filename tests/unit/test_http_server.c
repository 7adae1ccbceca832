/* The HTTP server against real sockets: deadlines, the cap, clients that go, and its stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "http_fixture.h"
#include "support/wait.h"

static void test_ends_who_is_too_slow(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.deadline_ms = 400;
    limits.idle_ms = 900;
    http_start(&f, limits);
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
    http_stop(&f);
}

static void test_ends_who_does_not_take_the_answer(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.deadline_ms = 300;
    http_start(&f, limits);
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
    http_stop(&f);
}

static void test_cap_closes_who_is_idle_longest(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 3;
    http_start(&f, limits);
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
    http_stop(&f);
}

static void test_cap_lets_new_ones_wait_while_all_are_busy(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 2;
    http_start(&f, limits);
    struct talk a = talk_open(f.url);
    struct talk b = talk_open(f.url);
    talk_send(&a, GET_LATER("a"));
    talk_send(&b, GET_LATER("b"));
    struct talk c = talk_open(f.url); /* in the backlog */
    talk_send(&c, POST_ECHO("Content-Length: 1\r\n\r\nc"));
    expect_answer(&c, 200, "c"); /* once one of them is idle, who then gives way */
    expect_answer(&a, 200, "a");
    expect_answer(&b, 200, "b");
    talk_close(&a);
    talk_close(&b);
    talk_close(&c);
    http_stop(&f);
}

/* A crowd of strangers, silent or slow, closes nobody who was answered before. */
static void test_cap_keeps_who_is_known(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 3;
    limits.deadline_ms = 60000;
    http_start(&f, limits);
    struct talk known = talk_open(f.url), strangers[8];
    talk_send(&known, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&known, 200, "x");
    for (int i = 0; i < 8; i++) {
        strangers[i] = talk_open(f.url);
        talk_send(&strangers[i], i % 2 == 0 ? "POST" : "");
    }
    for (int i = 0; i < 6; i++)
        assert_true(talk_ended(&strangers[i], SOON));
    talk_send(&known, POST_ECHO("Content-Length: 1\r\n\r\ny"));
    expect_answer(&known, 200, "y");
    for (int i = 0; i < 8; i++)
        talk_close(&strangers[i]);
    talk_close(&known);
    http_stop(&f);
}

/* Long before their deadline; and who has just come is not taken for one of them. */
static void test_cap_closes_who_is_slow(void **state)
{
    (void)state;
    struct fixture f;
    struct yq_http_limits limits = usual_limits();
    limits.max_connections = 3;
    limits.deadline_ms = 60000;
    http_start(&f, limits);
    struct talk slow[3] = {talk_open(f.url), talk_open(f.url), talk_open(f.url)}, honest[3];
    talk_send(&slow[0], "POST /echo HTT");
    talk_send(&slow[1], POST_ECHO("Content-Length: 2\r\n\r\n1"));
    talk_send(&slow[2], "GET /big HTTP/1.1\r\nHost: h\r\n\r\n"); /* and takes nothing */
    for (int i = 0; i < 3; i++) {
        honest[i] = talk_open(f.url);
        talk_send(&honest[i], GET_LATER("me"));
        expect_answer(&honest[i], 200, "me");
    }
    for (int i = 0; i < 3; i++) {
        talk_close(&slow[i]);
        talk_send(&honest[i], POST_ECHO("Content-Length: 1\r\n\r\nx"));
        expect_answer(&honest[i], 200, "x");
        talk_close(&honest[i]);
    }
    http_stop(&f);
}

#define MOST_DESCRIPTORS 100000

/* All that this process, and so the server, may still have. */
static size_t take_descriptors(int *taken, int fd)
{
    size_t count = 0;
    while (count < MOST_DESCRIPTORS && (taken[count] = dup(fd)) >= 0)
        count++;
    assert_int_equal(errno, EMFILE);
    return count;
}

static void connect_to(const char *url, int fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void test_survives_without_descriptors(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
    struct talk idle = talk_open(f.url);
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x");
    struct talk second = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct talk third = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
    int *taken = yq_calloc(MOST_DESCRIPTORS, sizeof(int));
    size_t count = take_descriptors(taken, second.fd);
    connect_to(f.url, second.fd);
    talk_send(&second, GET_LATER("2"));
    expect_answer(&second, 200, "2"); /* who was idle gives way */
    assert_true(talk_ended(&idle, SOON));
    talk_send(&second, GET_LATER("3"));
    connect_to(f.url, third.fd);
    assert_true(talk_ended(&third, SOON)); /* nobody can: closed instead of left in the queue */
    expect_answer(&second, 200, "3");
    while (count > 0)
        close(taken[--count]);
    free(taken);
    talk_close(&idle);
    talk_close(&second);
    talk_close(&third);
    assert_int_equal(talk_once(f.url, "POST", "/echo", NULL, "x", 1, NULL), 200);
    http_stop(&f);
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
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

static void stop_server(void *server)
{
    yq_http_server_stop(server);
}

static void test_stops_behind_its_answers(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
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
    http_stop(&f);
}

struct late {
    struct fixture *f;
    struct talk waiting[3];
};

/* On the loop: they are connected, and nobody can have accepted them yet. */
static void connect_and_stop(void *arg)
{
    struct late *l = arg;
    for (int i = 0; i < 3; i++) {
        l->waiting[i] = talk_open(l->f->url);
        talk_send(&l->waiting[i], POST_ECHO("Content-Length: 1\r\n\r\nx"));
    }
    yq_http_server_stop(l->f->server);
}

static void test_who_is_connected_already_is_served(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
    struct late l = {.f = &f};
    struct talk idle = talk_open(f.url);
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x");
    test_loop_call(f.loop, connect_and_stop, &l);
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\ny")); /* was on its way */
    struct talk_answer a;
    assert_true(talk_read(&idle, &a, SOON));
    assert_non_null(strstr(a.head.data, "Connection: close"));
    talk_answer_release(&a);
    for (int i = 0; i < 3; i++) {
        expect_answer(&l.waiting[i], 200, "x");
        talk_close(&l.waiting[i]);
    }
    assert_true(yq_wait_until(nobody_is_open, &f, SOON));
    talk_close(&idle);
    http_stop(&f);
}

/* Somebody else has the socket, too: who waits in it is his. */
static void test_a_shared_socket_keeps_who_waits(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
    struct late l = {.f = &f};
    int mine = dup(yq_http_server_share(f.server));
    assert_true(mine >= 0);
    test_loop_call(f.loop, connect_and_stop, &l);
    for (int i = 0; i < 3; i++) {
        int fd = accept(mine, NULL, NULL);
        assert_true(fd >= 0);
        close(fd);
        talk_close(&l.waiting[i]);
    }
    struct event_base *base = event_base_new();
    struct yq_http_limits limits = usual_limits();
    static const struct yq_route none[] = {{.path = ""}};
    struct yq_http_server *next = yq_http_server_adopt(base, mine, &limits, none);
    assert_string_equal(yq_http_server_url(next), f.url);
    yq_http_server_free(next);
    event_base_free(base);
    http_stop(&f);
}

static void test_is_freed_in_the_middle_of_everything(void **state)
{
    (void)state;
    struct fixture f;
    http_start(&f, usual_limits());
    struct talk reading = talk_open(f.url);
    struct talk answering = talk_open(f.url);
    struct talk idle = talk_open(f.url);
    talk_send(&reading, POST_ECHO("Content-Length: 2\r\n\r\n1"));
    talk_send(&answering, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    talk_send(&idle, POST_ECHO("Content-Length: 1\r\n\r\nx"));
    expect_answer(&idle, 200, "x");
    http_stop(&f);
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
        cmocka_unit_test(test_ends_who_is_too_slow),
        cmocka_unit_test(test_ends_who_does_not_take_the_answer),
        cmocka_unit_test(test_cap_closes_who_is_idle_longest),
        cmocka_unit_test(test_cap_lets_new_ones_wait_while_all_are_busy),
        cmocka_unit_test(test_cap_closes_who_is_slow),
        cmocka_unit_test(test_cap_keeps_who_is_known),
        cmocka_unit_test(test_survives_without_descriptors),
        cmocka_unit_test(test_client_that_does_not_wait),
        cmocka_unit_test(test_stops_behind_its_answers),
        cmocka_unit_test(test_who_is_connected_already_is_served),
        cmocka_unit_test(test_a_shared_socket_keeps_who_waits),
        cmocka_unit_test(test_is_freed_in_the_middle_of_everything),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
