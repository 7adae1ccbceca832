/* Callbacks over real HTTP into a real Redis: every published vector, every malformed one, and what
 * becomes of them while Redis is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clients/queue.h"
#include "clients/system_clock.h"
#include "service/metrics.h"
#include "support/fake_clock.h"
#include "support/receiver.h"
#include "support/talk.h"
#include "support/temp_redis.h"
#include "support/wait.h"
#include "vectors/malformed_callbacks.h"
#include "vectors/wecom_vectors.h"

#define SOON 5000

static struct yq_temp_redis *shared;
static const struct yq_keys keys = {.prefix = "yq"};

static int64_t now_ms(void)
{
    return yq_mono_ms(yq_system_clock());
}

static struct yq_redis *admin(void)
{
    return yq_redis_new(&shared->address, 3000);
}

static long long ask(const char *command, const char *key)
{
    struct yq_redis *r = admin();
    struct yq_error err;
    redisReply *reply = yq_redis_command(r, &err, "%s %s", command, key);
    if (reply == NULL)
        fail_msg("%s %s: %s", command, key, err.text);
    long long n = reply->integer;
    freeReplyObject(reply);
    yq_redis_free(r);
    return n;
}

static void run(const char *command)
{
    struct yq_redis *r = admin();
    struct yq_error err;
    redisReply *reply = yq_redis_command(r, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    freeReplyObject(reply);
    yq_redis_free(r);
}

static void start(struct receiver *r)
{
    run("FLUSHALL");
    receiver_init(r, shared->url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    receiver_start(r, yq_system_clock());
    assert_true(receiver_wait_redis(r, true, SOON));
}

static int deliver(struct receiver *r, const char *id, const struct malformed_callback *m,
                   struct talk_answer *ret)
{
    struct malformed_request request;
    struct yq_buf target = YQ_BUF_INIT;
    malformed_build(m, &request);
    yq_buf_addf(&target, "/wecom/callback/%s?", id);
    yq_buf_add(&target, yq_buf_text(&request.query), request.query.len);
    int status = talk_once(r->url, m->get ? "GET" : "POST", target.data, NULL,
                           m->get ? NULL : yq_buf_text(&request.body), request.body.len, ret);
    yq_buf_release(&target);
    malformed_release(&request);
    return status;
}

static int deliver_good(struct receiver *r)
{
    struct talk_answer a;
    int status = deliver(r, "acme", &well_formed_delivery, &a);
    assert_string_equal(yq_buf_text(&a.body), status == 200 ? "success" : "unavailable\n");
    talk_answer_release(&a);
    return status;
}

static void read_newest(struct yq_deliveries *d, size_t count)
{
    struct yq_redis *r = admin();
    struct yq_error err;
    *d = (struct yq_deliveries){0};
    if (yq_queue_range(r, &keys, "acme", "-", "+", true, count, d, &err) != 0)
        fail_msg("%s", err.text);
    yq_redis_free(r);
}

/* ---- what is good ---- */

static void test_stores_before_it_answers(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    assert_int_equal(deliver_good(&r), 200);
    struct yq_deliveries d;
    read_newest(&d, 10);
    assert_int_equal(d.count, 1);
    assert_false(d.items[0].broken);
    assert_int_equal(d.items[0].kind, YQ_EVENT_MEMBER_UPDATED);
    assert_string_equal(d.items[0].subject.userid, "li.na");
    assert_string_equal(d.items[0].source, "callback");
    assert_int_equal(d.items[0].at, 1767225600);
    assert_string_equal(d.items[0].raw, malformed_good_text);
    yq_deliveries_release(&d);
    assert_int_equal(ask("ZCARD", "yq:ready"), 1);
    assert_int_equal(ask("SCARD", "yq:connections"), 2);
    receiver_stop(&r);
}

static void deliver_vector(const struct wecom_vector *v)
{
    struct receiver r;
    receiver_init(&r, shared->url, v->token, v->aes_key, v->receiver);
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    struct yq_buf target = YQ_BUF_INIT;
    struct yq_buf body = YQ_BUF_INIT;
    yq_buf_addf(&target, "/wecom/callback/acme?msg_signature=%s&timestamp=%s&nonce=%s",
                v->signature, v->timestamp, v->nonce);
    if (v->get) { /* its '+' as it is: it is no blank */
        yq_buf_adds(&target, "&echostr=");
        yq_buf_adds(&target, v->encrypted);
    }
    yq_buf_addf(&body,
                v->message[0] == '{' ? "{\"encrypt\":\"%s\"}" : "<xml><Encrypt>%s</Encrypt></xml>",
                v->encrypted);
    struct talk_answer a;
    int status = talk_once(r.url, v->get ? "GET" : "POST", target.data, NULL,
                           v->get ? NULL : body.data, body.len, &a);
    if (status != 200 || strcmp(yq_buf_text(&a.body), v->get ? v->message : "success") != 0)
        fail_msg("%s: %d %s", v->name, status, yq_buf_text(&a.body));
    talk_answer_release(&a);
    yq_buf_release(&target);
    yq_buf_release(&body);
    receiver_stop(&r);
}

static void test_takes_every_published_vector(void **state)
{
    (void)state;
    run("FLUSHALL");
    int posts = 0;
    for (size_t i = 0; i < sizeof(wecom_vectors) / sizeof(wecom_vectors[0]); i++) {
        const struct wecom_vector *v = &wecom_vectors[i];
        if (v->token == NULL)
            continue;
        deliver_vector(v);
        if (v->get)
            continue;
        posts++;
        struct yq_deliveries d;
        read_newest(&d, 1);
        assert_string_equal(d.items[0].raw, v->message);
        yq_deliveries_release(&d);
    }
    assert_int_equal(ask("XLEN", "yq:{acme}:events"), posts);
}

/* ---- what is not ---- */

static void expect_counted(const char *name, long long count)
{
    char line[128];
    struct yq_buf all = YQ_BUF_INIT;
    yq_metrics_write(&all);
    (void)snprintf(line, sizeof(line), "\nyunqiao_%s{connection=\"acme\"} %lld\n", name, count);
    if (strstr(yq_buf_text(&all), line) == NULL)
        fail_msg("the metrics do not tell of%s", line);
    yq_buf_release(&all);
}

static void test_refuses_every_malformed_one_alike(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    struct yq_buf refusal = YQ_BUF_INIT;
    long long kept = 0;
    size_t refusals = 0;
    yq_metrics_reset();
    for (size_t i = 0; i < MALFORMED_COUNT; i++) {
        const struct malformed_callback *m = &malformed_callbacks[i];
        struct talk_answer a;
        int status = deliver(&r, "acme", m, &a);
        if (m->refusal == YQ_REFUSAL_NONE) {
            kept++;
            if (status != 200 || strcmp(yq_buf_text(&a.body), "success") != 0)
                fail_msg("%s: %d", m->name, status);
        } else {
            refusals++;
            yq_buf_add(&a.head, yq_buf_text(&a.body), a.body.len);
            if (refusal.len == 0)
                yq_buf_add(&refusal, a.head.data, a.head.len);
            if (status != 403 || strcmp(refusal.data, a.head.data) != 0)
                fail_msg("%s: %d %s", m->name, status, a.head.data);
        }
        talk_answer_release(&a);
        if (ask("XLEN", "yq:{acme}:events") != kept)
            fail_msg("%s: changed the queue", m->name);
    }
    assert_true(refusals >= 60);
    expect_counted("events_unknown_total", kept);
    struct yq_deliveries d;
    read_newest(&d, 1000);
    assert_int_equal(d.count, kept);
    for (size_t i = 0; i < d.count; i++)
        assert_int_equal(d.items[i].kind, YQ_EVENT_UNKNOWN);
    yq_deliveries_release(&d);
    yq_buf_release(&refusal);
    receiver_stop(&r);
}

static void test_unknown_connection_is_not_there(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    struct talk_answer no_id, no_path;
    assert_int_equal(deliver(&r, "acm", &well_formed_delivery, &no_id), 404);
    assert_int_equal(talk_once(r.url, "POST", "/wecom/none", NULL, "x", 1, &no_path), 404);
    assert_string_equal(no_id.head.data, no_path.head.data);
    assert_string_equal(no_id.body.data, no_path.body.data);
    talk_answer_release(&no_id);
    talk_answer_release(&no_path);
    assert_int_equal(deliver(&r, "acme/x", &well_formed_delivery, NULL), 404);
    assert_int_equal(deliver(&r, "other", &well_formed_delivery, NULL), 403); /* not its token */
    assert_int_equal(talk_once(r.url, "PUT", "/wecom/callback/acme", NULL, "x", 1, NULL), 405);
    assert_int_equal(talk_once(r.url, "PUT", "/wecom/callback/acm", NULL, "x", 1, NULL), 405);
    assert_int_equal(ask("XLEN", "yq:{acme}:events"), 0);
    receiver_stop(&r);
}

static void test_stale_only_where_a_window_is_set(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    assert_int_equal(deliver(&r, "acme", &well_formed_delivery, NULL), 200); /* of 2014 */
    receiver_stop(&r);
    receiver_init(&r, shared->url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    r.connections[0].callback_max_age_ms = 600000;
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    assert_int_equal(deliver(&r, "acme", &well_formed_delivery, NULL), 403);
    assert_int_equal(deliver(&r, "acme", &well_formed_verification, NULL), 403);
    receiver_stop(&r);
    r.connections[0].callback_max_age_ms =
        yq_wall_ms(yq_system_clock()) - INT64_C(1409659813000) + 60000;
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    assert_int_equal(deliver(&r, "acme", &well_formed_delivery, NULL), 200);
    receiver_stop(&r);
    assert_int_equal(ask("XLEN", "yq:{acme}:events"), 2);
}

/* ---- Redis away ---- */

static bool good_again(void *receiver)
{
    return deliver_good(receiver) == 200;
}

static void test_redis_stopped_and_back(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    assert_int_equal(deliver_good(&r), 200);
    yq_temp_redis_stop(shared);
    assert_true(receiver_wait_redis(&r, false, SOON));
    for (int i = 0; i < 5; i++) {
        int64_t began = now_ms();
        assert_int_equal(deliver_good(&r), 503);
        assert_true(now_ms() - began < 500); /* at once, not after a deadline */
    }
    assert_true(yq_temp_redis_start(shared));
    int64_t began = now_ms();
    assert_true(yq_wait_until(good_again, &r, SOON));
    assert_true(now_ms() - began < 1000);
    assert_int_equal(ask("XLEN", "yq:{acme}:events"), 2);
    assert_int_equal(ask("HLEN", "yq:{acme}:owed"), 1);
    assert_int_equal(ask("EXISTS", "yq:{other}:owed"), 0);
    receiver_stop(&r);
}

static void test_redis_killed_with_callbacks_under_way(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    yq_temp_redis_suspend(shared);
    struct talk waiting[8];
    struct malformed_request request;
    malformed_build(&well_formed_delivery, &request);
    for (int i = 0; i < 8; i++) {
        struct yq_buf text = YQ_BUF_INIT;
        waiting[i] = talk_open(r.url);
        yq_buf_addf(
            &text,
            "POST /wecom/callback/acme?%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
            request.query.data, request.body.len);
        yq_buf_adds(&text, request.body.data);
        talk_send(&waiting[i], text.data);
        talk_send(&waiting[i], text.data); /* and one sent ahead */
        yq_buf_release(&text);
    }
    malformed_release(&request);
    yq_temp_redis_kill(shared);
    for (int i = 0; i < 16; i++) {
        struct talk_answer a;
        assert_true(talk_read(&waiting[i / 2], &a, SOON));
        assert_int_equal(a.status, 503);
        talk_answer_release(&a);
    }
    for (int i = 0; i < 8; i++)
        talk_close(&waiting[i]);
    assert_true(yq_temp_redis_start(shared));
    assert_true(yq_wait_until(good_again, &r, SOON));
    assert_int_equal(ask("HLEN", "yq:{acme}:owed"), 1);
    receiver_stop(&r);
}

static void test_redis_that_does_not_answer(void **state)
{
    (void)state;
    struct receiver r;
    run("FLUSHALL");
    receiver_init(&r, shared->url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    r.settings.redis_timeout_ms = 400;
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    yq_temp_redis_suspend(shared);
    int64_t began = now_ms();
    assert_int_equal(deliver_good(&r), 503);
    assert_in_range(now_ms() - began, 300, 900);
    began = now_ms();
    assert_int_equal(deliver_good(&r), 503); /* known to be away by now */
    assert_true(now_ms() - began < 200);
    yq_temp_redis_resume(shared);
    assert_true(yq_wait_until(good_again, &r, SOON));
    assert_in_range(ask("XLEN", "yq:{acme}:events"), 1, 2); /* a double is accepted */
    receiver_stop(&r);
}

static bool is_owed(void *key)
{
    return ask("HLEN", key) == 1;
}

static void test_redis_that_refuses_to_write(void **state)
{
    (void)state;
    static const struct {
        const char *on, *off;
    } ways[] = {
        {"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"},
        {"REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"},
        {"SET yq:{acme}:events text", "DEL yq:{acme}:events"},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct receiver r;
        start(&r);
        run(ways[i].on);
        assert_int_equal(deliver_good(&r), 503);
        run(ways[i].off);
        assert_true(receiver_wait_redis(&r, true, SOON)); /* a replica is let go of */
        assert_int_equal(deliver_good(&r), 200);
        char owed[] = "yq:{acme}:owed";
        assert_true(yq_wait_until(is_owed, owed, SOON)); /* without a further callback */
        assert_int_equal(ask("XLEN", "yq:{acme}:events"), 1);
        receiver_stop(&r);
    }
}

static void test_redis_with_a_password_and_a_number(void **state)
{
    (void)state;
    struct receiver r;
    run("FLUSHALL");
    run("CONFIG SET requirepass s3cret");
    char url[200];
    (void)snprintf(url, sizeof(url), "%s?db=3", shared->url);
    receiver_init(&r, url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    receiver_start(&r, yq_system_clock());
    assert_int_equal(deliver_good(&r), 503);
    struct yq_redis_address address = shared->address;
    (void)snprintf(address.password, sizeof(address.password), "s3cret");
    struct yq_redis *with_password = yq_redis_new(&address, 2000);
    freeReplyObject(yq_redis_command(with_password, NULL, "CONFIG SET requirepass %s", ""));
    yq_redis_free(with_password);
    assert_true(yq_wait_until(good_again, &r, SOON));
    assert_int_equal(ask("XLEN", "yq:{acme}:events"), 0); /* in number 0 */
    receiver_stop(&r);
    run("FLUSHALL");
}

static void test_stops_with_callbacks_under_way(void **state)
{
    (void)state;
    struct receiver r;
    start(&r);
    yq_temp_redis_suspend(shared);
    struct malformed_request request;
    malformed_build(&well_formed_delivery, &request);
    struct yq_buf text = YQ_BUF_INIT;
    yq_buf_addf(&text,
                "POST /wecom/callback/acme?%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n%s",
                request.query.data, request.body.len, request.body.data);
    struct talk t = talk_open(r.url);
    talk_send(&t, text.data);
    yq_buf_release(&text);
    malformed_release(&request);
    struct talk other = talk_open(r.url); /* answered later than the first was read */
    talk_send(&other, "GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
    struct talk_answer a;
    assert_true(talk_read(&other, &a, SOON));
    talk_answer_release(&a);
    receiver_stop(&r);
    yq_temp_redis_resume(shared);
    assert_true(talk_read(&t, &a, SOON));
    assert_int_equal(a.status, 503);
    talk_answer_release(&a);
    talk_close(&t);
    talk_close(&other);
}

static int64_t owed_since(void)
{
    struct yq_redis *r = admin();
    redisReply *reply = yq_redis_command(r, NULL, "HGET yq:{acme}:owed callbacks_unavailable");
    int64_t since = reply != NULL && reply->str != NULL ? strtoll(reply->str, NULL, 10) : 0;
    if (reply != NULL)
        freeReplyObject(reply);
    yq_redis_free(r);
    return since;
}

static bool owes_since(void *arg)
{
    (void)arg;
    return owed_since() > 0;
}

/* What the first of them made owed was sent to Redis before the last of them is answered. */
static void refuse_some(struct receiver *r)
{
    for (int i = 0; i < 4; i++)
        assert_int_equal(deliver_good(r), 503);
}

/* Else it would be owed for a moment only, for as long as callbacks are refused, and never due. But
 * a full reconcile that is going takes away what was owed before it began, and one that was
 * cancelled answers it. */
static void test_what_is_owed_keeps_its_time(void **state)
{
    (void)state;
    struct fake_clock clock = FAKE_CLOCK(1000);
    struct receiver r;
    run("FLUSHALL");
    run("SET yq:{acme}:events of-another-type"); /* so that Redis refuses */
    receiver_init(&r, shared->url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    receiver_start(&r, &clock.clock);
    assert_true(receiver_wait_redis(&r, true, SOON));
    refuse_some(&r);
    assert_true(yq_wait_until(owes_since, NULL, SOON));
    atomic_store(&clock.now_ms, 2000);
    refuse_some(&r);
    assert_int_equal(owed_since(), 1000);
    run("HSET yq:{acme}:reconcile kind members started 1500"); /* takes nothing away */
    refuse_some(&r);
    assert_int_equal(owed_since(), 1000);
    run("HSET yq:{acme}:reconcile kind full");
    refuse_some(&r);
    assert_int_equal(owed_since(), 2000);
    atomic_store(&clock.now_ms, 3000);
    refuse_some(&r);
    assert_int_equal(owed_since(), 2000);
    run("DEL yq:{acme}:reconcile");
    run("HSET yq:{acme}:reconciled cancelled 2500");
    refuse_some(&r);
    assert_int_equal(owed_since(), 3000);
    receiver_stop(&r);
    run("FLUSHALL");
}

static void test_bad_redis_url(void **state)
{
    (void)state;
    static char url[] = "http://127.0.0.1";
    struct yq_settings settings = {.redis_url = url};
    struct yq_error err;
    struct event_base *base = event_base_new();
    assert_null(yq_intake_new(base, &settings, yq_system_clock(), &err));
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    yq_intake_free(NULL);
    yq_callback_free(NULL);
    event_base_free(base);
}

/* A name goes through a resolver that does not hold up the loop. */
static void test_redis_by_name(void **state)
{
    (void)state;
    struct yq_temp_redis *t = yq_temp_redis_new("--port", "0", NULL);
    assert_non_null(t);
    static const char *const urls[] = {"redis://localhost:1/0", "redis://no-such-host.invalid:1/0"};
    for (size_t i = 0; i < 2; i++) {
        struct receiver r;
        receiver_init(&r, urls[i], MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
        receiver_start(&r, yq_system_clock());
        int64_t began = now_ms();
        assert_int_equal(deliver_good(&r), 503);
        assert_true(now_ms() - began < 500);
        receiver_stop(&r);
    }
    yq_temp_redis_free(t);
}

static int set_up(void **state)
{
    (void)state;
    shared = yq_temp_redis_new(NULL);
    return shared != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    yq_temp_redis_free(shared);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stores_before_it_answers),
        cmocka_unit_test(test_takes_every_published_vector),
        cmocka_unit_test(test_refuses_every_malformed_one_alike),
        cmocka_unit_test(test_unknown_connection_is_not_there),
        cmocka_unit_test(test_stale_only_where_a_window_is_set),
        cmocka_unit_test(test_redis_stopped_and_back),
        cmocka_unit_test(test_redis_killed_with_callbacks_under_way),
        cmocka_unit_test(test_redis_that_does_not_answer),
        cmocka_unit_test(test_redis_that_refuses_to_write),
        cmocka_unit_test(test_redis_with_a_password_and_a_number),
        cmocka_unit_test(test_stops_with_callbacks_under_way),
        cmocka_unit_test(test_what_is_owed_keeps_its_time),
        cmocka_unit_test(test_bad_redis_url),
        cmocka_unit_test(test_redis_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
