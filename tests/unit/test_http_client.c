/* Requests over curl: side by side, bounded, never following, never saying the URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "clients/http_client.h"
#include "support/peer_server.h"

struct got {
    struct yq_http *h;
    struct yq_http_response response;
    char *body;
    int calls;
    const char *then; /* another request, started from done */
};

static struct yq_http_options options;
static atomic_int hits; /* counted by the server's thread */

static void handler(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    (void)context;
    hits++;
    if (strcmp(rq->path, "/echo") == 0)
        reply->body = reply->to_free = yq_printf("%s %s [%s]", rq->method, rq->query, rq->body);
    else if (strcmp(rq->path, "/slow") == 0)
        reply->delay_ms = 300;
    else if (strcmp(rq->path, "/stuck") == 0)
        reply->delay_ms = 60000;
    else if (strcmp(rq->path, "/cut") == 0)
        reply->cut = true;
    else if (strcmp(rq->path, "/moved") == 0)
        reply->status = 302;
    else if (strcmp(rq->path, "/large") == 0)
        reply->body = reply->to_free = yq_printf("%*s", 100000, "x");
    else
        reply->status = 404;
}

static void done(void *context, struct yq_http_response *response)
{
    struct got *g = context;
    g->calls++;
    free(g->body);
    g->body = yq_strdup(yq_buf_text(&response->body));
    g->response = *response;
    g->response.body = (struct yq_buf)YQ_BUF_INIT;
    if (g->then != NULL) {
        struct yq_http_request next = {.url = g->then, .options = &options};
        g->then = NULL;
        assert_int_equal(yq_http_start(g->h, &next, done, g, NULL), 0);
    }
}

static void finish(struct yq_http *h)
{
    while (yq_http_running(h) > 0)
        assert_int_equal(yq_http_poll(h, 100, NULL), 0);
}

static struct got ask(struct yq_http *h, const char *base, const char *path, const char *body,
                      bool once)
{
    struct got g = {.h = h};
    char *url = yq_printf("%s%s", base, path);
    struct yq_http_request rq = {.url = url,
                                 .body = body,
                                 .body_len = body ? strlen(body) : 0,
                                 .once = once,
                                 .options = &options};
    assert_int_equal(yq_http_start(h, &rq, done, &g, NULL), 0);
    free(url); /* was copied */
    finish(h);
    assert_int_equal(g.calls, 1);
    return g;
}

static void answers_get_and_post(void **state)
{
    struct yq_http *h = yq_http_new();
    const char *base = peer_server_url(*state);
    struct got g = ask(h, base, "/echo?a=1", NULL, false);
    assert_int_equal(g.response.status, 200);
    assert_int_equal(g.response.error.kind, YQ_ERROR_NONE);
    assert_true(g.response.sent && g.response.took_us > 0);
    assert_string_equal(g.body, "GET a=1 []");
    free(g.body);
    g = ask(h, base, "/echo", "{\"a\":1}", true);
    assert_string_equal(g.body, "POST  [{\"a\":1}]");
    free(g.body);
    g = ask(h, base, "/echo", "", true);
    assert_string_equal(g.body, "POST  []");
    free(g.body);
    yq_http_free(h);
}

static void runs_side_by_side_and_from_done(void **state)
{
    struct yq_http *h = yq_http_new();
    char *slow = yq_printf("%s/slow", peer_server_url(*state));
    char *echo = yq_printf("%s/echo?then", peer_server_url(*state));
    struct got g[8] = {{0}};
    peer_server_forget(*state);
    for (int i = 0; i < 8; i++) {
        struct yq_http_request rq = {.url = slow, .options = &options};
        g[i] = (struct got){.h = h, .then = i == 0 ? echo : NULL};
        assert_int_equal(yq_http_start(h, &rq, done, &g[i], NULL), 0);
    }
    finish(h);
    assert_int_equal(g[0].calls, 2);
    assert_string_equal(g[0].body, "GET then []");
    assert_int_equal(peer_server_most_at_once(*state), 8);
    for (int i = 0; i < 8; i++)
        free(g[i].body);
    free(slow);
    free(echo);
    yq_http_free(h);
}

static void keeps_to_its_limits(void **state)
{
    struct yq_http *h = yq_http_new();
    const char *base = peer_server_url(*state);
    options.total_ms = 200;
    struct got g = ask(h, base, "/stuck?access_token=SECRET", NULL, false);
    assert_int_equal(g.response.status, 0);
    assert_int_equal(g.response.error.kind, YQ_ERROR_RETRY);
    assert_true(g.response.sent);
    assert_null(strstr(g.response.error.text, "SECRET"));
    free(g.body);
    options.total_ms = 0;
    options.max_body = 1000;
    g = ask(h, base, "/large", NULL, false);
    assert_int_equal(g.response.error.kind, YQ_ERROR_INVALID);
    assert_int_equal(g.response.status, 0);
    free(g.body);
    options.max_body = 100000;
    g = ask(h, base, "/large", NULL, false);
    assert_int_equal(g.response.status, 200);
    free(g.body);
    options.max_body = 0;
    g = ask(h, base, "/moved", NULL, false);
    assert_int_equal(g.response.status, 302);
    free(g.body);
    yq_http_free(h);
}

static void tells_unsent_from_lost(void **state)
{
    struct yq_http *h = yq_http_new();
    const char *base = peer_server_url(*state);
    struct got g = ask(h, "http://127.0.0.1:1", "/x?access_token=SECRET", "{}", true);
    assert_int_equal(g.response.error.kind, YQ_ERROR_RETRY);
    assert_false(g.response.sent);
    assert_null(strstr(g.response.error.text, "SECRET"));
    free(g.body);
    g = ask(h, base, "/cut", "{}", true);
    assert_int_equal(g.response.error.kind, YQ_ERROR_RETRY);
    assert_true(g.response.sent);
    free(g.body);
    g = ask(h, "ftp://127.0.0.1", "/x", NULL, false);
    assert_int_equal(g.response.error.kind, YQ_ERROR_FATAL);
    assert_false(g.response.sent);
    free(g.body);
    yq_http_free(h);
}

/* On a connection that was kept, curl would send a request again by itself. */
static void sends_once_what_must_not_be_repeated(void **state)
{
    struct yq_http *h = yq_http_new();
    const char *base = peer_server_url(*state);
    for (int i = 0; i < 5; i++) {
        struct got g = ask(h, base, "/echo", NULL, false); /* leaves a connection behind */
        free(g.body);
        hits = 0;
        g = ask(h, base, "/cut", "{}", true);
        assert_int_equal(g.response.status, 0);
        assert_true(g.response.sent);
        free(g.body);
        assert_int_equal(hits, 1);
    }
    struct got g = ask(h, base, "/echo", NULL, false);
    free(g.body);
    hits = 0;
    g = ask(h, base, "/cut", "{}", false); /* a read may be */
    free(g.body);
    assert_int_equal(hits, 2);
    yq_http_free(h);
}

static void drops_what_runs(void **state)
{
    struct yq_http *h = yq_http_new();
    char *url = yq_printf("%s/stuck", peer_server_url(*state));
    struct got g = {.h = h};
    struct yq_http_request rq = {.url = url, .options = &options};
    assert_int_equal(yq_http_start(h, &rq, done, &g, NULL), 0);
    assert_int_equal(yq_http_poll(h, 50, NULL), 0);
    yq_http_abort(h);
    assert_int_equal(yq_http_running(h), 0);
    assert_int_equal(yq_http_poll(h, 0, NULL), 0);
    assert_int_equal(g.calls, 0);
    assert_int_equal(yq_http_start(h, &rq, done, &g, NULL), 0);
    yq_http_free(h); /* with one running */
    assert_int_equal(g.calls, 0);
    free(url);
}

static void uses_the_proxy_it_is_given(void **state)
{
    struct yq_http *h = yq_http_new();
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* is not ours to obey */
    struct got g = ask(h, peer_server_url(*state), "/echo", NULL, false);
    assert_int_equal(g.response.status, 200);
    free(g.body);
    options.proxy = peer_server_url(*state);
    g = ask(h, "http://peer.invalid", "/echo?by=proxy", NULL, false);
    assert_int_equal(g.response.status, 200);
    assert_string_equal(g.body, "GET by=proxy []");
    free(g.body);
    options.proxy = NULL;
    unsetenv("http_proxy");
    yq_http_free(h);
}

/* Never mind that the other side speaks no TLS: nothing is sent without the certificates. */
static void names_a_ca_file_that_is_not_there(void **state)
{
    struct yq_http *h = yq_http_new();
    char *url = yq_printf("https%s", peer_server_url(*state) + 4);
    options.ca_file = "/nonexistent/ca.pem";
    struct got g = ask(h, url, "/echo", NULL, false);
    assert_int_equal(g.response.status, 0);
    assert_int_equal(g.response.error.kind, YQ_ERROR_FATAL);
    assert_non_null(strstr(g.response.error.text, "ca_file"));
    free(g.body);
    options.ca_file = NULL;
    free(url);
    yq_http_free(h);
}

static int setup(void **state)
{
    *state = peer_server_new(handler, NULL);
    return 0;
}

static int teardown(void **state)
{
    peer_server_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_get_and_post),
        cmocka_unit_test(runs_side_by_side_and_from_done),
        cmocka_unit_test(keeps_to_its_limits),
        cmocka_unit_test(tells_unsent_from_lost),
        cmocka_unit_test(sends_once_what_must_not_be_repeated),
        cmocka_unit_test(drops_what_runs),
        cmocka_unit_test(uses_the_proxy_it_is_given),
        cmocka_unit_test(names_a_ca_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
