/* The queue: nothing is lost between XADD and the acknowledgement, and nothing trimmed before it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "clients/queue.h"
#include "support/temp_redis.h"

static struct yq_temp_redis *server;
static struct yq_redis *redis;
static const struct yq_keys keys = {"yq"};
static const int64_t day = 86400000;

static int setup_server(void **state)
{
    (void)state;
    server = yq_temp_redis_new(NULL);
    redis = server ? yq_redis_new(&server->address, 5000) : NULL;
    return server ? 0 : -1;
}

static int teardown_server(void **state)
{
    (void)state;
    yq_redis_free(redis);
    yq_temp_redis_free(server);
    return 0;
}

static void tell(const char *format, const char *word)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(redis, &err, format, word);
    if (reply == NULL)
        fail_msg("%s: %s", format, err.text);
    freeReplyObject(reply);
}

static int empty(void **state)
{
    (void)state;
    tell("FLUSHALL %s", "SYNC");
    return 0;
}

static void push(const char *userid, char ret_entry[YQ_ENTRY_MAX])
{
    struct yq_event e;
    yq_event_init(&e);
    e.kind = YQ_EVENT_MEMBER_UPDATED;
    e.subject = yq_subject_member(userid);
    e.source = "callback";
    e.at = 1767225600;
    (void)snprintf(e.digest, sizeof(e.digest), "d1");
    yq_buf_adds(&e.data, "{\"name\":\"李娜\"}");
    yq_buf_add(&e.raw, "<xml>\0</xml>", 12);
    struct yq_error err = {0};
    if (yq_queue_push(redis, &keys, "acme", &e, ret_entry, &err) < 0)
        fail_msg("%s", err.text);
    yq_event_release(&e);
}

static void make_group(bool expected)
{
    bool made = !expected;
    assert_int_equal(yq_queue_ensure_group(redis, &keys, "acme", &made, NULL), 0);
    assert_int_equal(made, expected);
}

static size_t read_new(struct yq_deliveries *d, size_t count)
{
    size_t before = d->count;
    assert_int_equal(yq_queue_read_new(redis, &keys, "acme", count, d, NULL), 0);
    return d->count - before;
}

static size_t read_pending(struct yq_deliveries *d, const char *after, size_t count)
{
    size_t before = d->count;
    assert_int_equal(yq_queue_read_pending(redis, &keys, "acme", after, count, d, NULL), 0);
    return d->count - before;
}

static struct yq_queue_stats stats(int64_t now_ms)
{
    struct yq_queue_stats s;
    struct yq_error err = {0};
    if (yq_queue_stats(redis, &keys, "acme", now_ms, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static void what_is_pushed_is_read_whole(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX], taken[64] = "";
    struct yq_deliveries d = {0};
    make_group(true);
    make_group(false);
    push("Li.Na", entry);
    assert_int_equal(yq_ready_take(redis, &keys, 0, taken, NULL), 1);
    assert_string_equal(taken, "acme");
    assert_int_equal(read_new(&d, 10), 1);
    const struct yq_delivery *one = &d.items[0];
    assert_string_equal(one->entry, entry);
    assert_false(one->broken);
    assert_int_equal(one->kind, YQ_EVENT_MEMBER_UPDATED);
    assert_int_equal(one->subject.kind, YQ_SUBJECT_MEMBER);
    assert_string_equal(one->subject.userid, "Li.Na");
    assert_int_equal(one->at, 1767225600);
    assert_true(one->queued_ms > 1700000000000);
    assert_string_equal(one->source, "callback");
    assert_string_equal(one->digest, "d1");
    assert_string_equal(one->data, "{\"name\":\"李娜\"}");
    assert_null(one->raw);
    assert_int_equal(yq_queue_range(redis, &keys, "acme", "-", "+", false, 10, &d, NULL), 0);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.items[1].raw, "<xml>"); /* up to its NUL byte, as text */
    assert_int_equal(read_new(&d, 10), 0);
    yq_deliveries_release(&d);
}

static void pushing_again_keeps_the_place_in_the_line(void **state)
{
    (void)state;
    assert_int_equal(yq_ready_add(redis, &keys, "acme", 7, NULL), 0);
    push("a", NULL);
    redisReply *score = yq_redis_command(redis, NULL, "ZSCORE yq:ready acme");
    assert_string_equal(score->str, "7");
    freeReplyObject(score);
}

static void the_next_holder_finds_what_the_dead_one_read(void **state)
{
    (void)state;
    char entries[5][YQ_ENTRY_MAX];
    struct yq_deliveries d = {0};
    make_group(true);
    for (int i = 0; i < 5; i++)
        push("a", entries[i]);
    assert_int_equal(read_new(&d, 3), 3);
    yq_deliveries_release(&d);
    yq_redis_free(redis); /* its worker is gone, and so is Redis for a moment */
    yq_temp_redis_kill(server);
    assert_true(yq_temp_redis_start(server));
    redis = yq_redis_new(&server->address, 5000);
    assert_int_equal(read_pending(&d, "", 2), 2);
    assert_string_equal(d.items[0].entry, entries[0]);
    assert_int_equal(read_pending(&d, d.items[1].entry, 10), 1);
    assert_string_equal(d.items[2].entry, entries[2]);
    assert_int_equal(read_pending(&d, d.items[2].entry, 10), 0);
    assert_int_equal(read_new(&d, 10), 2);
    tell("XACK yq:{acme}:events sync %s", entries[1]);
    yq_deliveries_release(&d);
    assert_int_equal(read_pending(&d, "", 10), 4);
    assert_string_equal(d.items[1].entry, entries[2]);
    yq_deliveries_release(&d);
}

static void ranges_go_both_ways(void **state)
{
    (void)state;
    char entries[3][YQ_ENTRY_MAX];
    struct yq_deliveries d = {0};
    for (int i = 0; i < 3; i++)
        push("a", entries[i]);
    assert_int_equal(yq_queue_range(redis, &keys, "acme", "-", "+", true, 2, &d, NULL), 0);
    assert_int_equal(d.count, 2);
    assert_string_equal(d.items[0].entry, entries[2]);
    assert_int_equal(
        yq_queue_range(redis, &keys, "acme", entries[1], entries[1], false, 9, &d, NULL), 0);
    assert_int_equal(d.count, 3);
    assert_string_equal(d.items[2].entry, entries[1]);
    yq_deliveries_release(&d);
}

static void a_lost_group_is_noticed_and_made_again(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    struct yq_error err = {0};
    make_group(true);
    push("a", NULL);
    assert_int_equal(read_new(&d, 10), 1);
    tell("XGROUP DESTROY yq:{acme}:events %s", "sync");
    assert_int_equal(yq_queue_read_new(redis, &keys, "acme", 10, &d, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    assert_int_equal(strncmp(err.text, "NOGROUP", 7), 0);
    assert_int_equal(yq_queue_read_pending(redis, &keys, "acme", "", 10, &d, &err), -1);
    assert_int_equal(strncmp(err.text, "NOGROUP", 7), 0);
    assert_int_equal(stats(0).waiting, 1);
    make_group(true);
    assert_int_equal(read_new(&d, 10), 1); /* from the beginning again */
    yq_deliveries_release(&d);
}

static void broken_entries_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *command, *says;
    } cases[] = {
        {"XADD yq:{acme}:events * kind member.created subject member:a at 1 data {}", "v is"},
        {"XADD yq:{acme}:events * v 2 kind member.created subject member:a at 1 data {}",
         "version"},
        {"XADD yq:{acme}:events * v 1x kind member.created subject member:a at 1 data {}",
         "version"},
        {"XADD yq:{acme}:events * v 1 kind member.fired subject member:a at 1 data {}", "kind"},
        {"XADD yq:{acme}:events * v 1 subject member:a at 1 data {}", "kind"},
        {"XADD yq:{acme}:events * v 1 kind member.created subject member: at 1 data {}", "subject"},
        {"XADD yq:{acme}:events * v 1 kind member.created at 1 data {}", "subject"},
        {"XADD yq:{acme}:events * v 1 kind member.created subject member:a at x data {}", "at is"},
        {"XADD yq:{acme}:events * v 1 kind member.created subject member:a data {}", "at is"},
        {"XADD yq:{acme}:events * v 1 kind member.created subject member:a at 1", "data"},
    };
    size_t count = sizeof(cases) / sizeof(cases[0]);
    struct yq_deliveries d = {0};
    make_group(true);
    for (size_t i = 0; i < count; i++)
        tell(cases[i].command, "");
    tell("XADD yq:{acme}:events * new %s v 1 kind tag.updated subject tag:5 at 1 data {} x y", "1");
    assert_int_equal(read_new(&d, 100), count + 1);
    for (size_t i = 0; i < count; i++) {
        assert_true(d.items[i].broken);
        assert_int_equal(d.items[i].kind, YQ_EVENT_UNKNOWN);
        assert_int_equal(d.items[i].subject.kind, YQ_SUBJECT_ALL);
        if (strstr(d.items[i].data, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].command, d.items[i].data);
    }
    assert_false(d.items[count].broken); /* unknown fields are nobody's concern */
    assert_int_equal(d.items[count].subject.id, 5);
    tell("XDEL yq:{acme}:events %s", d.items[0].entry); /* gone, yet pending */
    yq_deliveries_release(&d);
    assert_int_equal(read_pending(&d, "", 1), 1);
    assert_true(d.items[0].broken);
    assert_non_null(strstr(d.items[0].data, "not in the stream"));
    yq_deliveries_release(&d);
}

static void figures_belong_together(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    struct yq_queue_stats s = stats(1000);
    assert_int_equal(s.length + s.waiting + s.pending + s.dead + s.retrying + s.oldest_ms, 0);
    make_group(true);
    assert_int_equal(stats(1000).oldest_ms, 0);
    for (int i = 1; i <= 6; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "%d-1", i * 1000);
        tell("XADD yq:{acme}:events %s v 1", id);
    }
    s = stats(10000);
    assert_int_equal(s.waiting, 6);
    assert_int_equal(s.oldest_ms, 9000);
    assert_int_equal(read_new(&d, 3), 3);
    tell("XACK yq:{acme}:events sync %s", "1000-1");
    tell("XADD yq:{acme}:dead * event %s", "x");
    tell("HSET yq:{acme}:retry member:a %s", "{}");
    s = stats(10000);
    assert_int_equal(s.length, 6);
    assert_int_equal(s.waiting, 3);
    assert_int_equal(s.pending, 2);
    assert_int_equal(s.dead, 1);
    assert_int_equal(s.retrying, 1);
    assert_int_equal(s.oldest_ms, 8000);
    tell("XDEL yq:{acme}:events %s", "5000-1"); /* now Redis does not know its lag */
    s = stats(10000);
    assert_int_equal(s.waiting, 2);
    tell("XACK yq:{acme}:events sync 2000-1 %s", "3000-1");
    assert_int_equal(stats(10000).oldest_ms, 6000);
    assert_int_equal(stats(3000).oldest_ms, 1); /* a clock behind Redis' */
    yq_deliveries_release(&d);
}

static int64_t trim(int64_t now_ms, int64_t retain_ms)
{
    int64_t trimmed = -1;
    const struct yq_retention keep = {now_ms, retain_ms, 0};
    assert_int_equal(yq_queue_trim(redis, &keys, "acme", &keep, &trimmed, NULL), 0);
    return trimmed;
}

/* All are young enough. */
static int64_t trim_to(int64_t most)
{
    int64_t trimmed = -1;
    const struct yq_retention keep = {1, 7 * day, most};
    assert_int_equal(yq_queue_trim(redis, &keys, "acme", &keep, &trimmed, NULL), 0);
    return trimmed;
}

static void trimming_never_passes_what_is_open(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    assert_int_equal(trim(100 * day, 7 * day), 0); /* no stream */
    for (int i = 1; i <= 10; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "%d000-%d", i, i);
        tell("XADD yq:{acme}:events %s v 1", id);
    }
    assert_int_equal(trim(100 * day, 7 * day), 0); /* no group: nothing is known to be settled */
    make_group(true);
    assert_int_equal(trim(100 * day, 7 * day), 0); /* nothing was read */
    assert_int_equal(read_new(&d, 6), 6);
    assert_int_equal(trim(100 * day, 7 * day), 0); /* read, but not acknowledged */
    tell("XACK yq:{acme}:events sync 1000-1 2000-2 %s", "4000-4");
    assert_int_equal(trim(2500, 1000), 1);         /* old enough is only the first */
    assert_int_equal(trim(100 * day, 7 * day), 1); /* up to the pending 3000-3 */
    assert_int_equal(stats(1).length, 8);
    tell("XACK yq:{acme}:events sync 3000-3 5000-5 %s", "6000-6");
    assert_int_equal(trim(100 * day, 7 * day), 3); /* up to the last one that was read */
    assert_int_equal(stats(1).waiting, 4);
    yq_deliveries_release(&d);
    assert_int_equal(read_new(&d, 10), 4);
    assert_int_equal(trim(100 * day, 100 * day), 0); /* all are younger than the retention time */
    yq_deliveries_release(&d);
}

/* Ids of one millisecond differ in their second number, which is no decimal fraction: -9 < -10. */
static void trimming_knows_the_order_of_ids(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    make_group(true);
    for (int i = 8; i <= 11; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "5-%d", i);
        tell("XADD yq:{acme}:events %s v 1", id);
    }
    assert_int_equal(read_new(&d, 10), 4);
    tell("XACK yq:{acme}:events sync 5-8 5-10 %s", "5-11");
    assert_int_equal(trim(100 * day, day), 1); /* 5-9 is pending */
    tell("XACK yq:{acme}:events sync %s", "5-9");
    assert_int_equal(trim(100 * day, day), 2); /* up to the last one read, 5-11 */
    yq_deliveries_release(&d);
}

/* Of more than so many the oldest go, a thousand at a time, though none is old. */
static void too_many_are_trimmed(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    tell("EVAL %s 0", "for i = 1, 2600 do\n"
                      "  redis.call('XADD', 'yq:{acme}:events', (1000 + i) .. '-0', 'v', '1')\n"
                      "end");
    assert_int_equal(trim_to(100), 0); /* no group */
    make_group(true);
    assert_int_equal(trim_to(100), 0); /* nothing was read */
    assert_int_equal(read_new(&d, 2550), 2550);
    assert_int_equal(trim_to(100), 0); /* nor settled */
    tell("EVAL %s 0", "for i = 1, 2550 do\n"
                      "  if i ~= 2540 then\n"
                      "    redis.call('XACK', 'yq:{acme}:events', 'sync', (1000 + i) .. '-0')\n"
                      "  end\n"
                      "end");
    assert_int_equal(trim_to(2600), 0);
    assert_int_equal(trim_to(2590), 10);
    assert_int_equal(trim_to(0), 0); /* any number */
    assert_int_equal(trim_to(100), 2490);
    assert_int_equal(trim_to(10), 39); /* up to 3540-0, which is pending */
    assert_int_equal(stats(1).length, 61);
    tell("XACK yq:{acme}:events sync %s", "3540-0");
    assert_int_equal(trim_to(10), 10); /* up to the last one that was read */
    assert_int_equal(stats(1).waiting, 50);
    yq_deliveries_release(&d);
}

/* ---- ready, delayed, sweep ---- */

static int take(char id[64], int wait_ms)
{
    struct yq_error err = {0};
    int n = yq_ready_take(redis, &keys, wait_ms, id, &err);
    if (n < 0)
        fail_msg("%s", err.text);
    return n;
}

static void who_waits_longest_comes_first(void **state)
{
    (void)state;
    char id[64] = "";
    assert_int_equal(take(id, 0), 0);
    assert_int_equal(take(id, 30), 0);
    assert_int_equal(yq_ready_add(redis, &keys, "late", 200, NULL), 0);
    assert_int_equal(yq_ready_add(redis, &keys, "early", 100, NULL), 0);
    assert_int_equal(yq_ready_add(redis, &keys, "early", 300, NULL), 0); /* keeps its place */
    assert_int_equal(take(id, 1000), 1);
    assert_string_equal(id, "early");
    assert_int_equal(take(id, 0), 1);
    assert_string_equal(id, "late");
    assert_int_equal(take(id, 0), 0);
}

static void *add_soon(void *arg)
{
    (void)arg;
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    const struct timespec pause = {.tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL); /* so that the other one most likely waits already */
    assert_int_equal(yq_ready_add(r, &keys, "woken", 1, NULL), 0);
    yq_redis_free(r);
    return NULL;
}

static void a_waiting_worker_is_woken(void **state)
{
    (void)state;
    char id[64] = "";
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_soon, NULL), 0);
    int taken = take(id, 20000); /* longer than the connection's own deadline of 5 s */
    pthread_join(thread, NULL);
    assert_int_equal(taken, 1);
    assert_string_equal(id, "woken");
}

static void the_delayed_come_when_they_are_due(void **state)
{
    (void)state;
    char id[64] = "";
    assert_int_equal(yq_delayed_add(redis, &keys, "a", 1000, NULL), 0);
    assert_int_equal(yq_delayed_add(redis, &keys, "a", 5000, NULL), 0); /* the earlier one stays */
    assert_int_equal(yq_delayed_add(redis, &keys, "b", 5000, NULL), 0);
    assert_int_equal(yq_delayed_add(redis, &keys, "b", 2000, NULL), 0);
    assert_int_equal(yq_delayed_move(redis, &keys, 999, NULL), 0);
    assert_int_equal(yq_delayed_move(redis, &keys, 1000, NULL), 1);
    assert_int_equal(take(id, 0), 1);
    assert_string_equal(id, "a");
    assert_int_equal(yq_delayed_move(redis, &keys, 2000, NULL), 1);
    assert_int_equal(yq_delayed_move(redis, &keys, 9000, NULL), 0);
}

static void the_sweep_finds_what_was_left_out(void **state)
{
    (void)state;
    static const char *const ids[] = {"idle",   "new",     "read",  "settled",
                                      "leased", "delayed", "empty", "nogroup"};
    static const char *const named[] = {"new", "read", "settled", "leased", "delayed", "empty"};
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        tell("XGROUP CREATE yq:{%s}:events sync 0 MKSTREAM", named[i]);
        if (strcmp(named[i], "empty") != 0)
            tell("XADD yq:{%s}:events 1-1 v 1", named[i]);
    }
    tell("XADD yq:{%s}:events 1-1 v 1", "nogroup");
    tell("XREADGROUP GROUP sync worker STREAMS yq:{%s}:events >", "read");
    tell("XREADGROUP GROUP sync worker STREAMS yq:{%s}:events >", "settled");
    tell("XACK yq:{%s}:events sync 1-1", "settled");
    tell("SET yq:{%s}:lease x", "leased");
    tell("ZADD yq:delayed 99 %s", "delayed");
    assert_int_equal(yq_ready_sweep(redis, &keys, ids, 8, 7, NULL), 4);
    assert_int_equal(yq_ready_sweep(redis, &keys, ids, 8, 8, NULL), 0); /* they are there already */
    char id[64];
    /* Of one score: by name. Who holds the lease may be dead. */
    static const char *const found[] = {"leased", "new", "nogroup", "read"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(take(id, 0), 1);
        assert_string_equal(id, found[i]);
    }
    assert_int_equal(take(id, 0), 0);
}

static void a_sweep_over_a_thousand_is_quick(void **state)
{
    (void)state;
    enum { COUNT = 1050 };
    static char names[COUNT][16];
    const char *ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%d", i);
        ids[i] = names[i];
        tell("XADD yq:{%s}:events * v 1", ids[i]);
    }
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(yq_ready_sweep(redis, &keys, ids, COUNT, 7, NULL), COUNT);
    clock_gettime(CLOCK_MONOTONIC, &to);
    int64_t ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
    print_message("sweep over %d connections: %lld ms\n", COUNT, (long long)ms);
    assert_true(ms < 1000);
}

#define TEST(f) cmocka_unit_test_setup(f, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_pushed_is_read_whole),
        TEST(pushing_again_keeps_the_place_in_the_line),
        TEST(the_next_holder_finds_what_the_dead_one_read),
        TEST(ranges_go_both_ways),
        TEST(a_lost_group_is_noticed_and_made_again),
        TEST(broken_entries_say_why),
        TEST(figures_belong_together),
        TEST(trimming_never_passes_what_is_open),
        TEST(trimming_knows_the_order_of_ids),
        TEST(too_many_are_trimmed),
        TEST(who_waits_longest_comes_first),
        TEST(a_waiting_worker_is_woken),
        TEST(the_delayed_come_when_they_are_due),
        TEST(the_sweep_finds_what_was_left_out),
        TEST(a_sweep_over_a_thousand_is_quick),
    };
    return cmocka_run_group_tests(tests, setup_server, teardown_server);
}
