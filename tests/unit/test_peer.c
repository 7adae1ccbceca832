/* Batches of calls to a peer: one token for all threads, repeats, pace, lost answers, the watch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/peer.h"
#include "support/fake_clock.h"
#include "support/peer_server.h"

/* ---- the peer: /token gives "t1", "t2", …; /ok wants the newest ---- */

struct world {
    struct peer_server *server;
    struct yq_peer *peer;
    struct yq_http *h;
    struct fake_clock clock;
    bool real_time;
    _Atomic int tokens, token_delay_ms, token_status, life_ms;
    _Atomic bool refuse_all, token_fatal;
    _Atomic int slow_left, blocked_left;
    _Atomic int refreshed, answers;
};

static void handler(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    struct world *w = context;
    if (strcmp(rq->path, "/token") == 0) {
        reply->delay_ms = w->token_delay_ms;
        reply->status = w->token_status ? w->token_status : 200;
        reply->body = reply->to_free = yq_printf("t%d", ++w->tokens);
        return;
    }
    char *want = yq_printf("token=t%d", (int)w->tokens);
    bool good = strstr(rq->query, want) != NULL && !w->refuse_all;
    free(want);
    if (!good)
        reply->body = "{\"code\":1}";
    else if (strcmp(rq->path, "/slow") == 0 && atomic_fetch_sub(&w->slow_left, 1) > 0)
        reply->body = "{\"code\":2}";
    else if (strcmp(rq->path, "/blocked") == 0 && atomic_fetch_sub(&w->blocked_left, 1) > 0)
        reply->body = "{\"code\":3}";
    else if (strcmp(rq->path, "/item") == 0)
        reply->body = "{\"code\":5}";
    else if (strcmp(rq->path, "/fatal") == 0)
        reply->body = "{\"code\":6}";
    else if (strcmp(rq->path, "/cut") == 0)
        reply->cut = true;
    else if (strcmp(rq->path, "/stuck") == 0)
        reply->delay_ms = 60000;
    else if (strcmp(rq->path, "/late") == 0)
        *reply = (struct peer_reply){.status = 200, .delay_ms = 50, .body = "{\"code\":0}"};
    else if (strcmp(rq->path, "/garbage") == 0)
        reply->body = "<html>\xff";
    else if (strcmp(rq->path, "/503") == 0)
        reply->status = 503;
    else if (strcmp(rq->path, "/404") == 0)
        reply->status = 404;
    else
        reply->body = "{\"code\":0,\"id\":4000000000000000023}";
}

static char *fetch_token(void *context, struct yq_http *h, const struct yq_watch *watch,
                         int64_t *ret_life_ms, struct yq_error *err)
{
    struct world *w = context;
    static const struct yq_http_options options;
    struct yq_http_response response = {0};
    char *url = yq_printf("%s/token", peer_server_url(w->server)), *token = NULL;
    struct yq_http_request rq = {.url = url, .options = &options};
    if (yq_peer_ask(h, &rq, watch, &response, err) == 0 && response.status == 200 &&
        !w->token_fatal)
        token = yq_strdup(yq_buf_text(&response.body));
    else if (response.status != 0)
        (void)yq_error_set(err, w->token_fatal ? YQ_ERROR_FATAL : YQ_ERROR_RETRY, "token: HTTP %d",
                           response.status);
    *ret_life_ms = w->life_ms;
    yq_buf_release(&response.body);
    free(url);
    return token;
}

static enum yq_answer classify(void *context, int status, const cJSON *reply, int *ret_code,
                               struct yq_error *err)
{
    (void)context;
    static const enum yq_answer answers[] = {YQ_ANSWER_OK,      YQ_ANSWER_TOKEN, YQ_ANSWER_SLOW,
                                             YQ_ANSWER_BLOCKED, YQ_ANSWER_RETRY, YQ_ANSWER_ITEM,
                                             YQ_ANSWER_FATAL};
    int64_t code = 4;
    if (status != 200 || !yq_json_int(reply, "code", &code))
        code = 4;
    *ret_code = (int)code;
    (void)yq_error_set(err, YQ_ERROR_RETRY, "code %d", (int)code);
    return answers[code];
}

static void count_refresh(void *context, const char *peer)
{
    (void)peer;
    ((struct world *)context)->refreshed++;
}

static void count_answer(void *context, const char *peer, const char *api, int status, int code,
                         int64_t took_us)
{
    (void)peer, (void)api, (void)status, (void)code, (void)took_us;
    ((struct world *)context)->answers++;
}

static int64_t real_now(const struct yq_clock *clock)
{
    (void)clock;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const struct yq_clock real_clock = {real_now, real_now};

static void open_world(struct world *w, double per_second, int in_flight,
                       const struct yq_clock *clock)
{
    static const struct yq_peer_kind kind = {"test", "/", "token", fetch_token, classify};
    w->server = peer_server_new(handler, w);
    w->h = yq_http_new();
    w->life_ms = 7200000;
    w->peer = yq_peer_new(&(struct yq_peer_options){
        .kind = &kind,
        .context = w,
        .base = peer_server_url(w->server),
        .budget = {per_second, in_flight},
        .token_margin_ms = 120000,
        .clock = clock,
        .trace = {count_answer, count_refresh, w},
    });
}

static void close_world(struct world *w)
{
    yq_http_free(w->h);
    yq_peer_free(w->peer);
    peer_server_free(w->server);
}

static struct yq_call one(struct world *w, const char *api, bool write, int expected_rc,
                          const struct yq_watch *watch)
{
    struct yq_call call = {.api = api, .write = write, .body = write ? "{}" : NULL};
    struct yq_error err = {0};
    assert_int_equal(yq_peer_run(w->peer, w->h, &call, 1, watch, &err), expected_rc);
    assert_true(expected_rc == 0 || err.kind != YQ_ERROR_NONE);
    yq_calls_release(&call, 1);
    return call;
}

/* ---- tests ---- */

static void keeps_ids_whole(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 100, 4, &real_clock);
    struct yq_call call = {.api = "/ok", .query = "a=b"};
    assert_int_equal(yq_peer_run(w.peer, w.h, &call, 1, NULL, NULL), 0);
    assert_int_equal(call.error.kind, YQ_ERROR_NONE);
    assert_true(call.started_ms > 0);
    assert_string_equal(yq_json_get(call.reply, "id")->valuestring, "4000000000000000023");
    yq_calls_release(&call, 1);
    char *seen = peer_server_request(w.server, "/ok", 0);
    assert_string_equal(seen, "/ok?a=b&token=t1\n");
    free(seen);
    assert_int_equal(w.refreshed, 1);
    assert_int_equal(w.answers, 1);
    close_world(&w);
}

struct thread {
    struct world *w;
    pthread_t id;
    int bad;
};

static void *call_often(void *context)
{
    struct thread *t = context;
    struct yq_http *h = yq_http_new();
    struct yq_call calls[10];
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < 10; i++)
        calls[i].api = "/ok";
    if (yq_peer_run(t->w->peer, h, calls, 10, NULL, NULL) != 0)
        t->bad++;
    for (int i = 0; i < 10; i++)
        t->bad += calls[i].error.kind != YQ_ERROR_NONE;
    yq_calls_release(calls, 10);
    yq_http_free(h);
    return NULL;
}

static int run_threads(struct world *w)
{
    struct thread threads[8];
    int bad = 0;
    for (int i = 0; i < 8; i++) {
        threads[i] = (struct thread){.w = w};
        assert_int_equal(pthread_create(&threads[i].id, NULL, call_often, &threads[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i].id, NULL);
        bad += threads[i].bad;
    }
    return bad;
}

static void fetches_one_token_for_all_threads(void **state)
{
    (void)state;
    struct world w = {.token_delay_ms = 150};
    open_world(&w, 1000, 8, &real_clock);
    assert_int_equal(run_threads(&w), 0);
    assert_int_equal(peer_server_count(w.server, "/token"), 1);
    assert_int_equal(peer_server_count(w.server, "/ok"), 80);
    w.tokens++; /* the peer has ended it */
    assert_int_equal(run_threads(&w), 0);
    assert_int_equal(peer_server_count(w.server, "/token"), 2);
    close_world(&w);
}

static void shares_a_failed_fetch(void **state)
{
    (void)state;
    struct world w = {.token_delay_ms = 150, .token_status = 500};
    open_world(&w, 1000, 8, &real_clock);
    assert_int_equal(run_threads(&w), 80);
    /* Threads that came late ask once more, those that waited do not. */
    assert_in_range(peer_server_count(w.server, "/token"), 1, 8);
    assert_int_equal(peer_server_count(w.server, "/ok"), 0);
    close_world(&w);
}

static void renews_by_the_margin(void **state)
{
    (void)state;
    struct world w = {.clock = FAKE_CLOCK(1000000)};
    open_world(&w, 1000, 4, &w.clock.clock);
    one(&w, "/ok", false, 0, NULL);
    w.clock.now_ms += 7200000 - 120000 - 1;
    one(&w, "/ok", false, 0, NULL);
    assert_int_equal(peer_server_count(w.server, "/token"), 1);
    w.clock.now_ms += 1;
    w.life_ms = 200000; /* shorter than twice the margin: at half-life */
    one(&w, "/ok", false, 0, NULL);
    assert_int_equal(peer_server_count(w.server, "/token"), 2);
    w.clock.now_ms += 99999;
    one(&w, "/ok", false, 0, NULL);
    assert_int_equal(peer_server_count(w.server, "/token"), 2);
    w.clock.now_ms += 1;
    one(&w, "/ok", false, 0, NULL);
    assert_int_equal(peer_server_count(w.server, "/token"), 3);
    close_world(&w);
}

static void repeats_once_with_a_new_token(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 100, 4, &real_clock);
    one(&w, "/ok", false, 0, NULL);
    w.tokens++; /* ended early */
    struct yq_call call = one(&w, "/ok", true, 0, NULL);
    assert_int_equal(call.error.kind, YQ_ERROR_NONE);
    assert_int_equal(peer_server_count(w.server, "/token"), 2);
    assert_int_equal(peer_server_count(w.server, "/ok"), 3);
    w.refuse_all = true;
    peer_server_forget(w.server);
    call = one(&w, "/ok", false, -1, NULL);
    assert_int_equal(call.error.kind, YQ_ERROR_FATAL);
    assert_int_equal(peer_server_count(w.server, "/ok"), 2); /* never a third time */
    close_world(&w);
}

static void token_failures_are_retry_or_fatal(void **state)
{
    (void)state;
    struct world w = {.token_status = 503};
    open_world(&w, 100, 4, &real_clock);
    struct yq_call call = one(&w, "/ok", true, 0, NULL);
    assert_int_equal(call.error.kind, YQ_ERROR_RETRY);
    assert_int_equal(call.started_ms, 0);
    w.token_status = 200;
    w.token_fatal = true;
    call = one(&w, "/ok", true, -1, NULL);
    assert_int_equal(call.error.kind, YQ_ERROR_RETRY);
    assert_int_equal(call.started_ms, 0);
    assert_int_equal(peer_server_count(w.server, "/ok"), 0);
    close_world(&w);
}

/* The fake clock is moved on while the run waits. */
static int move_clock(void *context, struct yq_error *err)
{
    (void)err;
    ((struct fake_clock *)context)->now_ms += 500;
    return 0;
}

static void sends_again_what_was_too_fast(void **state)
{
    (void)state;
    struct world w = {.clock = FAKE_CLOCK(1000000), .slow_left = 3};
    open_world(&w, 100, 4, &w.clock.clock);
    struct yq_watch watch = {.check = move_clock, .context = &w.clock};
    struct yq_call call = one(&w, "/slow", true, 0, &watch);
    assert_int_equal(call.error.kind, YQ_ERROR_NONE);
    assert_int_equal(peer_server_count(w.server, "/slow"), 4);
    w.slow_left = 100;
    peer_server_forget(w.server);
    call = one(&w, "/slow", true, 0, &watch);
    assert_int_equal(call.error.kind, YQ_ERROR_LIMIT);
    assert_true(call.error.wait_ms > 0);
    assert_int_equal(call.error.code, 2);
    assert_int_equal(peer_server_count(w.server, "/slow"), 6); /* five times again */
    close_world(&w);
}

static void leaves_a_blocked_api_alone(void **state)
{
    (void)state;
    struct world w = {.clock = FAKE_CLOCK(1000000), .blocked_left = 1};
    open_world(&w, 1000, 1, &w.clock.clock);
    struct yq_call calls[3] = {{.api = "/blocked"}, {.api = "/blocked"}, {.api = "/ok"}};
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 3, NULL, NULL), 0);
    assert_int_equal(calls[0].error.kind, YQ_ERROR_LIMIT);
    assert_int_equal(calls[0].error.wait_ms, 60000);
    assert_int_equal(calls[1].error.kind, YQ_ERROR_LIMIT);
    assert_int_equal(calls[2].error.kind, YQ_ERROR_NONE);
    yq_calls_release(calls, 3);
    struct yq_call call = one(&w, "/blocked", false, 0, NULL);
    assert_int_equal(call.error.wait_ms, 60000);
    assert_int_equal(peer_server_count(w.server, "/blocked"), 1);
    w.clock.now_ms += 60000;
    call = one(&w, "/blocked", false, 0, NULL);
    assert_int_equal(call.error.kind, YQ_ERROR_NONE);
    close_world(&w);
}

static void says_what_a_lost_answer_means(void **state)
{
    (void)state;
    static const struct {
        const char *api;
        enum yq_error_kind read, write;
    } table[] = {
        {"/cut", YQ_ERROR_RETRY, YQ_ERROR_UNKNOWN},
        {"/garbage", YQ_ERROR_RETRY, YQ_ERROR_UNKNOWN},
        {"/503", YQ_ERROR_RETRY, YQ_ERROR_UNKNOWN},
        {"/404", YQ_ERROR_RETRY, YQ_ERROR_RETRY}, /* a gateway that knows nothing of it */
        {"/item", YQ_ERROR_REFUSED, YQ_ERROR_REFUSED},
        {"/fatal", YQ_ERROR_FATAL, YQ_ERROR_FATAL},
    };
    struct world w = {0};
    open_world(&w, 1000, 4, &real_clock);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(one(&w, table[i].api, false, 0, NULL).error.kind, table[i].read);
        struct yq_call call = one(&w, table[i].api, true, 0, NULL);
        assert_int_equal(call.error.kind, table[i].write);
        assert_memory_equal(call.error.text, table[i].api + 1, strlen(table[i].api) - 1);
        assert_null(strstr(call.error.text, "t1"));
    }
    struct yq_peer *gone = w.peer;
    peer_server_free(w.server); /* nobody listens: nothing was sent */
    struct yq_call call = {.api = "/ok", .write = true, .body = "{}"};
    assert_int_equal(yq_peer_run(gone, w.h, &call, 1, NULL, NULL), 0);
    assert_int_equal(call.error.kind, YQ_ERROR_RETRY);
    w.server = NULL;
    close_world(&w);
}

static void a_fatal_answer_shuts_its_api(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 1000, 1, &real_clock);
    struct yq_call calls[4] = {
        {.api = "/fatal"}, {.api = "/fatal"}, {.api = "/ok"}, {.api = "/fatal"}};
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 4, NULL, NULL), 0);
    assert_int_equal(calls[1].error.kind, YQ_ERROR_FATAL);
    assert_int_equal(calls[3].error.code, 6);
    assert_int_equal(calls[2].error.kind, YQ_ERROR_NONE);
    assert_int_equal(peer_server_count(w.server, "/fatal"), 1);
    yq_calls_release(calls, 4);
    close_world(&w);
}

/* ---- the watch ---- */

struct lost_after {
    int left;
};

static int lose(void *context, struct yq_error *err)
{
    struct lost_after *l = context;
    return l->left-- > 0 ? 0 : yq_error_set(err, YQ_ERROR_LOST, "the lease is gone");
}

static void stops_when_the_watch_says_so(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 1000, 2, &real_clock);
    one(&w, "/ok", false, 0, NULL);
    struct lost_after l = {6};
    struct yq_watch watch = {.check = lose, .context = &l};
    struct yq_call calls[5] = {{.api = "/stuck", .write = true, .body = "{}"},
                               {.api = "/stuck"},
                               {.api = "/ok"},
                               {.api = "/ok"},
                               {.api = "/ok"}};
    struct yq_error err = {0};
    int64_t from = real_now(NULL);
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 5, &watch, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_LOST);
    assert_in_range(real_now(NULL) - from, 0, 2000);
    assert_int_equal(calls[0].error.kind, YQ_ERROR_UNKNOWN);
    assert_int_equal(calls[1].error.kind, YQ_ERROR_RETRY);
    assert_true(calls[1].started_ms > 0);
    assert_int_equal(calls[4].error.kind, YQ_ERROR_RETRY);
    assert_int_equal(calls[4].started_ms, 0);
    assert_int_equal(yq_http_running(w.h), 0);
    one(&w, "/ok", false, 0, NULL); /* the pace has its places back */
    one(&w, "/ok", false, 0, NULL);
    close_world(&w);
}

static void stops_while_it_waits_for_a_token(void **state)
{
    (void)state;
    struct world w = {.token_delay_ms = 60000};
    open_world(&w, 1000, 2, &real_clock);
    struct lost_after l = {4};
    struct yq_watch watch = {.check = lose, .context = &l};
    struct yq_error err = {0};
    struct yq_call call = {.api = "/ok"};
    int64_t from = real_now(NULL);
    assert_int_equal(yq_peer_run(w.peer, w.h, &call, 1, &watch, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_LOST);
    assert_in_range(real_now(NULL) - from, 0, 2000);
    assert_int_equal(call.error.kind, YQ_ERROR_RETRY);
    close_world(&w);
}

/* A background run may use fewer places, and gives back each of them, however its calls end. */
static void background_calls_give_their_places_back(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 1000, 4, &real_clock);
    static const char *const apis[] = {"/late", "/item", "/cut", "/garbage", "/fatal"};
    struct yq_call calls[20];
    struct lost_after l = {1000000};
    struct yq_watch watch = {.check = lose, .context = &l, .background = true};
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < 20; i++)
        calls[i].api = apis[i % 5];
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 20, &watch, NULL), 0);
    yq_calls_release(calls, 20);
    for (int i = 0; i < 20; i++)
        calls[i].api = "/stuck";
    l.left = 12;
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 20, &watch, NULL), -1);
    l.left = 1000;
    peer_server_forget(w.server);
    for (int i = 0; i < 20; i++)
        calls[i].api = "/late";
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 20, &watch, NULL), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(calls[i].error.kind, YQ_ERROR_NONE);
    yq_calls_release(calls, 20);
    assert_int_equal(peer_server_count(w.server, "/late"), 20);
    close_world(&w);
}

/* P11, P12: what we add to the peer's own time. */
static void adds_little_to_the_peers_time(void **state)
{
    (void)state;
    struct world w = {0};
    open_world(&w, 100000, 4, &real_clock);
    one(&w, "/ok", false, 0, NULL);
    struct yq_call calls[80];
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < 80; i++)
        calls[i].api = "/late"; /* 50 ms each, 4 at a time: 1000 ms */
    int64_t from = real_now(NULL);
    assert_int_equal(yq_peer_run(w.peer, w.h, calls, 80, NULL, NULL), 0);
    int64_t took = real_now(NULL) - from;
    yq_calls_release(calls, 80);
    print_message("80 calls of 50 ms, 4 at a time: %lld ms\n", (long long)took);
    assert_in_range(took, 1000, 1600); /* generous: sanitizers, a busy machine */
    assert_int_equal(peer_server_most_at_once(w.server), 4);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_ids_whole),
        cmocka_unit_test(fetches_one_token_for_all_threads),
        cmocka_unit_test(shares_a_failed_fetch),
        cmocka_unit_test(renews_by_the_margin),
        cmocka_unit_test(repeats_once_with_a_new_token),
        cmocka_unit_test(token_failures_are_retry_or_fatal),
        cmocka_unit_test(sends_again_what_was_too_fast),
        cmocka_unit_test(leaves_a_blocked_api_alone),
        cmocka_unit_test(says_what_a_lost_answer_means),
        cmocka_unit_test(a_fatal_answer_shuts_its_api),
        cmocka_unit_test(stops_when_the_watch_says_so),
        cmocka_unit_test(stops_while_it_waits_for_a_token),
        cmocka_unit_test(background_calls_give_their_places_back),
        cmocka_unit_test(adds_little_to_the_peers_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
