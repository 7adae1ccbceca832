/* The alarms' thread against a real Redis and a real receiver: of several processes one posts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/store_alarms.h"
#include "clients/system_clock.h"
#include "service/alarms.h"
#include "service/freshness.h"
#include "service/metrics.h"
#include "support/peer_server.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define SOON 20000
#define MINUTE INT64_C(60000)

static struct yq_temp_redis *redis;
static struct yq_redis *r;
static const struct yq_keys keys = {.prefix = "yq"};
static char id[] = "acme", prefix[] = "yq", none[] = "";
static char hook[128], robot[128];
static char *hooks[] = {hook, NULL}, *robots[] = {robot, NULL};
static struct yq_connection_settings connection;
static struct yq_settings settings;
static struct peer_server *sink;
static atomic_int status;

static void take(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    (void)context;
    (void)rq;
    reply->status = atomic_load(&status);
    reply->body = "{\"errcode\":0}";
}

static int begin(void **state)
{
    (void)state;
    redis = yq_temp_redis_new(NULL);
    if (redis == NULL)
        return -1;
    r = yq_redis_new(&redis->address, 2000);
    sink = peer_server_new(take, NULL);
    atomic_store(&status, 200);
    (void)snprintf(hook, sizeof(hook), "%s/hook", peer_server_url(sink));
    (void)snprintf(robot, sizeof(robot), "%s/robot", peer_server_url(sink));
    connection = (struct yq_connection_settings){.id = id, .reconcile_full_at = none};
    settings = (struct yq_settings){.redis_url = redis->url,
                                    .redis_prefix = prefix,
                                    .redis_timeout_ms = 2000,
                                    .alarms = {.webhooks = hooks, .proxy = none, .ca_file = none},
                                    .connections = &connection,
                                    .connection_count = 1};
    return 0;
}

static int end(void **state)
{
    (void)state;
    peer_server_free(sink);
    yq_redis_free(r);
    yq_temp_redis_free(redis);
    return 0;
}

__attribute__((format(printf, 1, 2))) static void redis_do(const char *format, ...)
{
    char *words[8], text[512], *rest = text, *word;
    int n = 0;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    while (n < 8 && (word = strsep(&rest, " ")) != NULL)
        words[n++] = word;
    redisReply *reply = yq_redis_argv(r, n, (const char **)words, NULL, NULL);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static struct yq_alarms *start(void)
{
    struct yq_alarms *a = yq_alarms_start(&settings, yq_system_clock(), NULL);
    assert_non_null(a);
    return a;
}

static void raise_no_scope(int64_t at)
{
    redis_do("HSET yq:{acme}:alarms no_scope {\"text\":\"t\",\"args\":[],\"at\":%lld}",
             (long long)at);
}

static bool has_come(void *arg)
{
    return peer_server_count(sink, "") >= *(int *)arg;
}

static void expect_posts(int count)
{
    int more = count + 1;
    assert_true(yq_wait_until(has_come, &count, SOON));
    if (yq_wait_until(has_come, &more, 1000))
        fail_msg("%d posts instead of %d", peer_server_count(sink, ""), count);
}

static void one_of_many_posts(void **state)
{
    (void)state;
    struct yq_alarms *all[6];
    raise_no_scope(1);
    for (int i = 0; i < 6; i++)
        all[i] = start();
    expect_posts(1);
    for (int i = 0; i < 6; i++)
        yq_alarms_stop(all[i]);
    struct yq_alarms *again = start();
    expect_posts(1);
    yq_alarms_stop(again);
    raise_no_scope(2); /* it came again */
    again = start();
    expect_posts(2);
    yq_alarms_stop(again);
}

static bool is_taken(void *arg)
{
    (void)arg;
    struct yq_pairs alarmed = {0};
    assert_int_equal(yq_store_read_hash(r, &keys, id, "alarmed", &alarmed, NULL), 0);
    bool taken = false;
    for (size_t i = 0; i < alarmed.count; i++)
        taken |= strstr(alarmed.items[i].value, "\"done\"") != NULL;
    yq_pairs_release(&alarmed);
    return taken;
}

static void a_receiver_that_fails_is_asked_again(void **state)
{
    (void)state;
    int two = 2;
    atomic_store(&status, 500);
    raise_no_scope(1);
    struct yq_alarms *a = start();
    assert_true(yq_wait_until(has_come, &two, SOON));
    atomic_store(&status, 204);
    assert_true(yq_wait_until(is_taken, NULL, SOON));
    int taken = peer_server_count(sink, "");
    expect_posts(taken);
    yq_alarms_stop(a);
}

/* What a process that died left claimed is posted once its claim is over, and not before. */
static void a_claim_is_respected_until_it_ends(void **state)
{
    (void)state;
    int one = 1;
    raise_no_scope(1);
    struct yq_alarms *a = start();
    expect_posts(1);
    yq_alarms_stop(a);
    struct yq_pairs alarmed = {0};
    assert_int_equal(yq_store_read_hash(r, &keys, id, "alarmed", &alarmed, NULL), 0);
    const char *field = NULL;
    for (size_t i = 0; i < alarmed.count; i++)
        field = strchr(alarmed.items[i].name, ' ') != NULL ? alarmed.items[i].name : field;
    assert_non_null(field);
    struct yq_alarm_change change = {.hash = "alarmed", .field = field};
    for (size_t i = 0; i < alarmed.count; i++)
        change.from = alarmed.items[i].name == field ? alarmed.items[i].value : change.from;
    char claim[100];
    (void)snprintf(claim, sizeof(claim), "{\"at\":1,\"attempts\":1,\"next\":%lld}",
                   (long long)yq_wall_ms(yq_system_clock()) + 3000);
    change.to = claim;
    assert_int_equal(yq_store_change_alarm(r, &keys, id, &change, NULL), 1);
    peer_server_forget(sink);
    a = start();
    assert_false(yq_wait_until(has_come, &one, 1500));
    assert_true(yq_wait_until(has_come, &one, SOON));
    yq_alarms_stop(a);
    yq_pairs_release(&alarmed);
}

static bool tells(void *line)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_metrics_write(&out);
    bool found = strstr(yq_buf_text(&out), line) != NULL;
    yq_buf_release(&out);
    return found;
}

/* One series for each alarm: open, and 0 again once it is over. */
static void the_gauges_name_alarms(void **state)
{
    (void)state;
    char open[] = "yunqiao_alarms_open{connection=\"acme\",alarm=\"no_scope\"} 1\n";
    char over[] = "yunqiao_alarms_open{connection=\"acme\",alarm=\"no_scope\"} 0\n";
    char other[] = "yunqiao_alarms_open{connection=\"acme\",alarm=\"range_shrank\"} 0\n";
    raise_no_scope(1);
    struct yq_alarms *a = start();
    assert_true(yq_wait_until(tells, open, SOON));
    assert_true(yq_wait_until(tells, other, SOON));
    redis_do("HDEL yq:{acme}:alarms no_scope");
    assert_true(yq_wait_until(tells, over, SOON));
    yq_alarms_stop(a);
}

static void a_robot_is_not_hurried(void **state)
{
    (void)state;
    assert_int_equal(yq_store_pace_robot(r, &keys, "a", 60000, NULL), 1);
    assert_int_equal(yq_store_pace_robot(r, &keys, "a", 60000, NULL), 0);
    assert_int_equal(yq_store_pace_robot(r, &keys, "b", 60000, NULL), 1);
    settings.alarms.webhooks = NULL;
    settings.alarms.robots = robots;
    raise_no_scope(1);
    redis_do("HSET yq:{acme}:auth wecom {\"error\":\"no\",\"at\":1}");
    struct yq_alarms *a = start();
    int one = 1, two = 2;
    assert_true(yq_wait_until(has_come, &one, SOON));
    assert_false(yq_wait_until(has_come, &two, 2000)); /* three seconds apart */
    assert_true(yq_wait_until(has_come, &two, SOON));
    yq_alarms_stop(a);
}

/* ---- Redis ---- */

static void a_field_changes_only_from_what_it_was(void **state)
{
    (void)state;
    struct yq_alarm_change c = {.hash = "alarms", .field = "x", .from = NULL, .to = "1"};
    assert_int_equal(yq_store_change_alarm(r, &keys, id, &c, NULL), 1);
    assert_int_equal(yq_store_change_alarm(r, &keys, id, &c, NULL), 0);
    c.from = "2";
    c.to = NULL;
    assert_int_equal(yq_store_change_alarm(r, &keys, id, &c, NULL), 0);
    c.from = "1";
    assert_int_equal(yq_store_change_alarm(r, &keys, id, &c, NULL), 1);
    int64_t left = -1;
    assert_int_equal(yq_store_count_hash(r, &keys, id, "alarms", &left, NULL), 0);
    assert_int_equal(left, 0);
}

static void expect_new_cases(int64_t count)
{
    int64_t fresh = -1;
    assert_int_equal(yq_store_count_new_cases(r, &keys, id, &fresh, NULL), 0);
    assert_int_equal(fresh, count);
}

static void cases_are_counted_once(void **state)
{
    (void)state;
    redis_do("HSET yq:{acme}:cases member:a {} member:b {}");
    expect_new_cases(2);
    assert_int_equal(yq_store_raise_cases(r, &keys, id, NULL, "one", NULL), 1);
    assert_int_equal(yq_store_raise_cases(r, &keys, id, NULL, "one", NULL), 0);
    expect_new_cases(0);
    redis_do("HSET yq:{acme}:cases member:c {}");
    expect_new_cases(1);
    redis_do("HDEL yq:{acme}:cases member:a");
    expect_new_cases(1);
    redis_do("HSET yq:{acme}:cases member:a {}"); /* it was decided, and came again */
    expect_new_cases(2);
    assert_int_equal(yq_store_raise_cases(r, &keys, id, "one", "two", NULL), 1);
    expect_new_cases(0);
}

/* ---- freshness, from what was noted ---- */

static enum yq_freshness_kind kind_of(int64_t event, int64_t read, int64_t unread)
{
    static const char *const names[] = {"event:member.mobile", "read:member.mobile",
                                        "unread:member.mobile"};
    const int64_t values[] = {event, read, unread};
    char texts[3][24];
    struct yq_pair items[3];
    struct yq_pairs fields = {.items = items};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%lld", (long long)values[i]);
        if (values[i] != 0)
            items[fields.count++] = (struct yq_pair){(char *)names[i], texts[i]};
    }
    return yq_freshness_of(&fields, YQ_FIELD_MOBILE).kind;
}

static void freshness_is_what_was_seen(void **state)
{
    (void)state;
    const int64_t now = 1767225600000, day = INT64_C(24) * 60 * MINUTE;
    assert_int_equal(kind_of(0, 0, 0), YQ_FRESHNESS_UNKNOWN);
    assert_int_equal(kind_of(0, now, 0), YQ_FRESHNESS_RECONCILE);
    assert_int_equal(kind_of(now, now, 0), YQ_FRESHNESS_EVENTS);
    assert_int_equal(kind_of(now, 0, 0), YQ_FRESHNESS_EVENT_ONLY);
    assert_int_equal(kind_of(now, 0, now), YQ_FRESHNESS_EVENT_ONLY);
    assert_int_equal(kind_of(0, 0, now), YQ_FRESHNESS_UNREADABLE);
    assert_int_equal(kind_of(0, now - day + 1, now), YQ_FRESHNESS_RECONCILE);
    assert_int_equal(kind_of(0, now - day, now), YQ_FRESHNESS_UNREADABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_of_many_posts),
        TEST(a_receiver_that_fails_is_asked_again),
        TEST(a_claim_is_respected_until_it_ends),
        TEST(the_gauges_name_alarms),
        TEST(a_robot_is_not_hurried),
        TEST(a_field_changes_only_from_what_it_was),
        TEST(cases_are_counted_once),
        cmocka_unit_test(freshness_is_what_was_seen),
    };
    setenv("YUNQIAO_CLOCK", "/nonexistent", 1); /* looks often */
    return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
