/* The scheduler and the heartbeat against a real Redis, on a clock that the test moves. */
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

#include "clients/queue.h"
#include "clients/system_clock.h"
#include "service/heartbeat.h"
#include "service/metrics.h"
#include "service/scheduler.h"
#include "service/serve.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define SOON 5000
#define MINUTE 60000
#define DAY (INT64_C(24) * 60 * MINUTE)

static struct yq_temp_redis *redis;
static struct yq_redis *r;
static const struct yq_keys keys = {.prefix = "yq"};
static char ids[][8] = {"acme", "other"};
static char prefix[] = "yq";
static struct yq_connection_settings connections[2];
static struct yq_settings settings;
static _Atomic int64_t offset_ms;

static int64_t moved_wall(const struct yq_clock *c)
{
    (void)c;
    return yq_wall_ms(yq_system_clock()) + atomic_load(&offset_ms);
}

static int64_t moved_mono(const struct yq_clock *c)
{
    (void)c;
    return yq_mono_ms(yq_system_clock()) + atomic_load(&offset_ms);
}

static const struct yq_clock moved = {moved_wall, moved_mono};

static void move(int64_t ms)
{
    atomic_fetch_add(&offset_ms, ms);
}

static long long ask(const char *command)
{
    struct yq_error err;
    redisReply *reply = yq_redis_command(r, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    long long n = reply->type == REDIS_REPLY_INTEGER ? reply->integer : (long long)reply->elements;
    freeReplyObject(reply);
    return n;
}

struct expectation {
    const char *command;
    long long answer;
};

static bool is_met(void *arg)
{
    const struct expectation *e = arg;
    return ask(e->command) == e->answer;
}

static void expect(const char *command, long long answer)
{
    struct expectation e = {command, answer};
    if (!yq_wait_until(is_met, &e, SOON))
        fail_msg("%s: %lld", command, ask(command));
}

static void push(const char *id)
{
    struct yq_event e;
    yq_event_init(&e);
    e.source = "callback";
    yq_buf_adds(&e.raw, "<xml/>");
    assert_int_equal(yq_queue_push(r, &keys, id, &e, NULL, NULL), 0);
    yq_event_release(&e);
}

static int set_up(void **state)
{
    (void)state;
    ask("FLUSHALL");
    atomic_store(&offset_ms, 0);
    yq_metrics_reset();
    for (size_t i = 0; i < 2; i++) {
        connections[i].id = ids[i];
        connections[i].number = i;
    }
    settings = (struct yq_settings){.redis_url = redis->url,
                                    .redis_prefix = prefix,
                                    .redis_timeout_ms = 1000,
                                    .retention_ms = 7 * DAY,
                                    .connections = connections,
                                    .connection_count = 2};
    return 0;
}

static struct yq_scheduler *start(void)
{
    struct yq_scheduler *s = yq_scheduler_start(&settings, &moved, NULL);
    assert_non_null(s);
    return s;
}

static void test_moves_what_is_due(void **state)
{
    (void)state;
    struct yq_scheduler *s = start();
    assert_int_equal(yq_delayed_add(r, &keys, "acme", yq_wall_ms(&moved) + 10 * MINUTE, NULL), 0);
    expect("ZCARD yq:ready", 0);
    expect("ZCARD yq:delayed", 1);
    move(10 * MINUTE);
    expect("ZCARD yq:ready", 1);
    expect("ZCARD yq:delayed", 0);
    yq_scheduler_stop(s);
}

static void test_sweeps_at_the_start_and_while_it_runs(void **state)
{
    (void)state;
    push("acme");
    ask("DEL yq:ready"); /* a crash between the two commands */
    struct yq_scheduler *s = start();
    expect("ZCARD yq:ready", 1);
    push("other");
    ask("DEL yq:ready");
    move(6000);
    expect("ZCARD yq:ready", 2);
    yq_scheduler_stop(s);
}

static bool tells(void *line)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_metrics_write(&out);
    bool found = strstr(out.data, line) != NULL;
    yq_buf_release(&out);
    return found;
}

static void test_tells_the_gauges(void **state)
{
    (void)state;
    push("acme");
    push("acme");
    struct yq_scheduler *s = start();
    char two[] = "yunqiao_queue_depth{connection=\"acme\"} 2\n";
    char none[] = "yunqiao_queue_depth{connection=\"other\"} 0\n";
    assert_true(yq_wait_until(tells, two, SOON));
    assert_true(yq_wait_until(tells, none, SOON));
    char dead[] = "yunqiao_dead_letters{connection=\"acme\"} 1\n";
    char retrying[] = "yunqiao_subjects_retrying{connection=\"acme\"} 1\n";
    ask("XADD yq:{acme}:dead * event 1-0");
    ask("HSET yq:{acme}:retry member:x {}");
    move(16000);
    assert_true(yq_wait_until(tells, dead, SOON));
    assert_true(yq_wait_until(tells, retrying, SOON));
    push("acme");
    move(MINUTE);
    char three[] = "yunqiao_queue_depth{connection=\"acme\"} 3\n";
    assert_true(yq_wait_until(tells, three, SOON));
    yq_scheduler_stop(s);
}

static void test_trims_what_is_settled_and_old(void **state)
{
    (void)state;
    bool made;
    struct yq_deliveries d = {0};
    for (int i = 0; i < 3; i++)
        push("acme");
    assert_int_equal(yq_queue_ensure_group(r, &keys, "acme", &made, NULL), 0);
    assert_int_equal(yq_queue_read_new(r, &keys, "acme", 2, &d, NULL), 0);
    struct yq_error err;
    redisReply *ack = yq_redis_command(r, &err, "XACK yq:{acme}:events sync %s %s",
                                       d.items[0].entry, d.items[1].entry);
    freeReplyObject(ack);
    yq_deliveries_release(&d);
    struct yq_scheduler *s = start();
    move(6 * DAY);
    char still[] = "yunqiao_queue_depth{connection=\"acme\"} 1\n";
    assert_true(yq_wait_until(tells, still, SOON));
    expect("XLEN yq:{acme}:events", 3);
    move(2 * DAY);
    expect("XLEN yq:{acme}:events", 2); /* the one that waits stays, and the last one read */
    yq_scheduler_stop(s);
}

static void test_outlives_redis(void **state)
{
    (void)state;
    struct yq_scheduler *s = start();
    push("acme");
    expect("ZCARD yq:ready", 1);
    yq_temp_redis_stop(redis);
    move(6000);
    assert_true(yq_temp_redis_start(redis));
    ask("DEL yq:ready");
    move(6000);
    expect("ZCARD yq:ready", 1);
    yq_scheduler_stop(s);
}

/* ---- heartbeat ---- */

static void test_beats_and_takes_itself_away(void **state)
{
    (void)state;
    struct yq_error err;
    freeReplyObject(yq_redis_command(r, &err, "HSET yq:processes gone:1 %s broken:2 %s new:3 %s",
                                     "{\"at\":1767225600000}", "no JSON",
                                     "{\"at\":9999999999999}"));
    struct yq_heartbeat *h =
        yq_heartbeat_start(&settings, YQ_ROLE_RECEIVER | YQ_ROLE_ADMIN, &moved, NULL);
    assert_non_null(h);
    expect("HLEN yq:processes", 2); /* this one and the new one */
    char host[256], space[64] = "";
    gethostname(host, sizeof(host));
    assert_true(readlink("/proc/self/ns/pid", space, sizeof(space) - 1) > 5);
    redisReply *mine = yq_redis_command(r, &err, "HGET yq:processes %s:%ld:%s", host,
                                        (long)getpid(), strtok(space + 5, "]"));
    assert_non_null(strstr(mine->str, "{\"roles\":[\"receiver\",\"admin\"],\"at\":"));
    freeReplyObject(mine);
    assert_true(yq_heartbeat_redis_up(h));
    yq_heartbeat_stop(h);
    expect("HLEN yq:processes", 1);
}

static bool is_unsafe(void *h)
{
    return !yq_heartbeat_redis_safe(h);
}

static bool is_safe(void *h)
{
    return yq_heartbeat_redis_safe(h);
}

static bool is_down(void *h)
{
    move(6000);
    return !yq_heartbeat_redis_up(h);
}

static bool is_up(void *h)
{
    move(6000);
    return yq_heartbeat_redis_up(h);
}

static void test_watches_redis(void **state)
{
    (void)state;
    struct yq_heartbeat *h = yq_heartbeat_start(&settings, YQ_ROLES_ALL, &moved, NULL);
    expect("HLEN yq:processes", 1);
    ask("CONFIG SET appendfsync everysec");
    move(2 * MINUTE);
    assert_true(yq_wait_until(is_unsafe, h, SOON));
    char gauge[] = "yunqiao_redis_settings_safe 0\n";
    assert_true(tells(gauge));
    ask("CONFIG SET appendfsync always");
    move(2 * MINUTE);
    assert_true(yq_wait_until(is_safe, h, SOON));
    yq_temp_redis_stop(redis);
    assert_true(yq_wait_until(is_down, h, SOON));
    assert_true(yq_temp_redis_start(redis));
    assert_true(yq_wait_until(is_up, h, SOON));
    yq_heartbeat_stop(h);
}

static void test_bad_url(void **state)
{
    (void)state;
    static char url[] = "gopher://x";
    settings.redis_url = url;
    struct yq_error err;
    assert_null(yq_scheduler_start(&settings, &moved, &err));
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    assert_null(yq_heartbeat_start(&settings, 0, &moved, &err));
    yq_scheduler_stop(NULL);
    yq_heartbeat_stop(NULL);
}

static int set_up_all(void **state)
{
    (void)state;
    redis = yq_temp_redis_new(NULL);
    if (redis == NULL)
        return -1;
    r = yq_redis_new(&redis->address, 3000);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    yq_redis_free(r);
    yq_temp_redis_free(redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_moves_what_is_due, set_up),
        cmocka_unit_test_setup(test_sweeps_at_the_start_and_while_it_runs, set_up),
        cmocka_unit_test_setup(test_tells_the_gauges, set_up),
        cmocka_unit_test_setup(test_trims_what_is_settled_and_old, set_up),
        cmocka_unit_test_setup(test_outlives_redis, set_up),
        cmocka_unit_test_setup(test_beats_and_takes_itself_away, set_up),
        cmocka_unit_test_setup(test_watches_redis, set_up),
        cmocka_unit_test_setup(test_bad_url, set_up),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
