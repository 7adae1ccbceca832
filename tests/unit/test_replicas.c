/* redis.wait_replicas: a callback is answered with success once a real replica has its event, and
 * what becomes of it where that is stopped, or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/queue_spooled.h"
#include "clients/system_clock.h"
#include "service/metrics.h"
#include "support/receiver.h"
#include "support/talk.h"
#include "support/temp_redis.h"
#include "support/wait.h"
#include "vectors/malformed_callbacks.h"

#define SOON 10000
#define WAIT_MS 1000 /* two busy cores under sanitizers */
#define BURST 200

static struct yq_temp_redis *master, *replica;
static struct yq_temp_redis *second, *seconds_own; /* of a fail-over */
static char spool[64];

static redisReply *ask(struct yq_temp_redis *t, const char *command)
{
    struct yq_error err;
    struct yq_redis *r = yq_redis_new(&t->address, 3000);
    redisReply *reply = yq_redis_command(r, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    yq_redis_free(r);
    return reply;
}

static long long stored(struct yq_temp_redis *t)
{
    redisReply *reply = ask(t, "XLEN yq:{acme}:events");
    long long n = reply->integer;
    freeReplyObject(reply);
    return n;
}

/* How often that command was called since the statistics began anew. */
static long calls(const char *command)
{
    char name[64];
    redisReply *reply = ask(master, "INFO commandstats");
    (void)snprintf(name, sizeof(name), "cmdstat_%s:calls=", command);
    const char *at = strstr(reply->str, name);
    long count = at != NULL ? strtol(at + strlen(name), NULL, 10) : 0;
    freeReplyObject(reply);
    return count;
}

static bool lags(void)
{
    struct yq_buf all = YQ_BUF_INIT;
    yq_metrics_write(&all);
    bool found = strstr(yq_buf_text(&all), "\nyunqiao_redis_lags 1\n") != NULL;
    yq_buf_release(&all);
    return found;
}

static void start_at(struct receiver *r, const char *url, int replicas, char *spool_dir)
{
    receiver_init(r, url, MALFORMED_TOKEN, MALFORMED_AES_KEY, MALFORMED_RECEIVER);
    r->settings.redis_wait_replicas = replicas;
    r->settings.redis_wait_timeout_ms = WAIT_MS;
    r->settings.spool_dir = spool_dir;
    r->settings.spool_max = 1 << 20;
    receiver_start(r, yq_system_clock());
    assert_true(receiver_wait_redis(r, true, SOON));
    freeReplyObject(ask(master, "CONFIG RESETSTAT"));
}

static void start(struct receiver *r, int replicas, char *spool_dir)
{
    start_at(r, master->url, replicas, spool_dir);
}

static int deliver(struct receiver *r)
{
    struct malformed_request request;
    struct yq_buf target = YQ_BUF_INIT;
    malformed_build(&well_formed_delivery, &request);
    yq_buf_addf(&target, "/wecom/callback/acme?%s", yq_buf_text(&request.query));
    int status = talk_once(r->url, "POST", target.data, NULL, yq_buf_text(&request.body),
                           request.body.len, NULL);
    yq_buf_release(&target);
    malformed_release(&request);
    return status;
}

static int set_up(void **state)
{
    (void)state;
    master = yq_temp_redis_new(NULL);
    replica = master != NULL ? yq_temp_redis_replica(master) : NULL;
    (void)snprintf(spool, sizeof(spool), "/tmp/yq-replicas-XXXXXX");
    return replica != NULL && mkdtemp(spool) != NULL ? 0 : -1;
}

/* An address that leads to the master until it is pointed elsewhere. */
static void point(const char *path, const struct yq_temp_redis *to)
{
    (void)unlink(path);
    assert_int_equal(symlink(to->socket, path), 0);
}

/* Another master, with a replica of its own. */
static void start_second(void)
{
    second = yq_temp_redis_new(NULL);
    assert_non_null(second);
    seconds_own = yq_temp_redis_replica(second);
    assert_non_null(seconds_own);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    yq_temp_redis_free(replica);
    yq_temp_redis_free(master);
    yq_temp_redis_free(seconds_own);
    yq_temp_redis_free(second);
    second = seconds_own = NULL;
    (void)nftw(spool, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ---- many at once ---- */

struct burst {
    struct receiver *receiver;
    atomic_int good, bad;
};

static void on_done(void *context, const char *id, bool was_stored)
{
    (void)id;
    struct burst *b = context;
    (void)atomic_fetch_add(was_stored ? &b->good : &b->bad, 1);
}

static void push_many(void *arg)
{
    struct burst *b = arg;
    struct yq_event e;
    yq_event_init(&e);
    e.kind = YQ_EVENT_MEMBER_UPDATED;
    e.subject = yq_subject_member("li.na");
    e.source = "callback";
    yq_buf_adds(&e.data, "{}");
    for (int i = 0; i < BURST; i++)
        yq_intake_push(b->receiver->intake, &b->receiver->settings.connections[0], &e, on_done, b);
    yq_event_release(&e);
}

static bool is_over(void *arg)
{
    struct burst *b = arg;
    return atomic_load(&b->good) + atomic_load(&b->bad) == BURST;
}

static void burst(struct receiver *r, struct burst *b)
{
    *b = (struct burst){.receiver = r};
    test_loop_call(r->loop, push_many, b);
    assert_true(yq_wait_until(is_over, b, SOON));
}

/* ---- the stories ---- */

/* The master is killed right after an answer, and all that was answered is there. */
static void test_acknowledged_once_replicated(void **state)
{
    (void)state;
    struct receiver r;
    struct burst b;
    start(&r, 1, NULL);
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(deliver(&r), 200);
        assert_int_equal(stored(replica), i);
    }
    assert_int_equal(calls("wait"), 10);
    burst(&r, &b);
    assert_int_equal(calls("wait"), 11); /* one for all of them */
    yq_temp_redis_kill(master);
    assert_int_equal(atomic_load(&b.good), BURST);
    assert_int_equal(stored(replica), 10 + BURST);
    assert_false(lags());
    receiver_stop(&r);
}

static void test_zero_asks_nobody(void **state)
{
    (void)state;
    struct receiver r;
    struct burst b;
    start(&r, 0, NULL);
    yq_temp_redis_suspend(replica);
    assert_int_equal(deliver(&r), 200);
    burst(&r, &b);
    assert_int_equal(atomic_load(&b.good), BURST);
    assert_int_equal(calls("wait"), 0);
    receiver_stop(&r);
}

/* Where there is no spool, WeCom is told so, and repeats it. */
static void test_a_stopped_replica_is_said(void **state)
{
    (void)state;
    struct receiver r;
    struct burst b;
    start(&r, 1, NULL);
    assert_int_equal(deliver(&r), 200);
    yq_temp_redis_suspend(replica);
    assert_int_equal(deliver(&r), 503);
    assert_true(lags());
    burst(&r, &b);
    assert_int_equal(atomic_load(&b.bad), BURST);
    yq_temp_redis_resume(replica);
    assert_int_equal(deliver(&r), 200);
    assert_false(lags());
    assert_int_equal(stored(replica), stored(master));
    receiver_stop(&r);
}

static void test_a_missing_replica_is_said(void **state)
{
    (void)state;
    struct receiver r;
    start(&r, 2, NULL); /* there is one */
    assert_int_equal(deliver(&r), 503);
    receiver_stop(&r);
    start(&r, 1, NULL);
    assert_int_equal(deliver(&r), 200);
    yq_temp_redis_kill(replica);
    assert_int_equal(deliver(&r), 503);
    receiver_stop(&r);
}

struct figures {
    struct receiver *receiver;
    size_t entries, wanted;
};

static void look(void *arg)
{
    struct figures *f = arg;
    struct yq_spool_figures all;
    yq_spool_figures(yq_intake_spool(f->receiver->intake), &all);
    f->entries = all.entries;
}

static bool keeps_up(void *arg)
{
    (void)arg;
    return !lags();
}

/* The drainer has its batch, which is that one entry, and keeps it until replicas have it. */
static bool is_tried_again(void *arg)
{
    const long *before = arg;
    return stored(master) == 3 && calls("wait") > *before;
}

static bool has_entries(void *arg)
{
    struct figures *f = arg;
    test_loop_call(f->receiver->loop, look, f);
    return f->entries == f->wanted;
}

/* The spool keeps what replicas have not, whatever the master has. */
static void test_the_spool_keeps_what_they_have_not(void **state)
{
    (void)state;
    struct receiver r;
    struct burst b;
    struct figures f = {.receiver = &r};
    start(&r, 1, spool);
    assert_int_equal(deliver(&r), 200);
    yq_temp_redis_suspend(replica);
    assert_int_equal(deliver(&r), 200); /* Redis has it, and so has the spool */
    assert_true(lags());
    long before = calls("wait");
    assert_true(yq_wait_until(is_tried_again, &before, SOON));
    burst(&r, &b);
    assert_int_equal(atomic_load(&b.good), BURST);
    f.wanted = 1 + BURST;
    assert_true(has_entries(&f));
    before = calls("wait");
    while (calls("wait") < before + 3) /* tried again, and kept */
        assert_true(has_entries(&f));
    assert_int_equal(stored(master), 3); /* the second one by itself, and by the spool */
    yq_temp_redis_resume(replica);
    f.wanted = 0;
    assert_true(yq_wait_until(has_entries, &f, SOON));
    assert_int_equal(stored(replica), 3 + BURST);
    assert_true(yq_wait_until(keeps_up, NULL, SOON));
    assert_int_equal(deliver(&r), 200);
    receiver_stop(&r);
}

static void expect_too_few(struct yq_redis *r, uint64_t connection, const char *why)
{
    struct yq_error err = {0};
    assert_int_equal(yq_queue_await_replicas(r, connection, 1, 10 * WAIT_MS, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_non_null(strstr(err.text, why));
}

/* Its replicas have all that it has, but not what was written to the one before. */
static void test_a_new_master_does_not_vouch_for_the_old_one(void **state)
{
    (void)state;
    struct yq_error err = {0};
    struct yq_redis_address address = master->address;
    start_second();
    (void)snprintf(address.host, sizeof(address.host), "%s/address", spool);
    point(address.host, master);
    struct yq_redis *r = yq_redis_new(&address, 20 * WAIT_MS);
    assert_int_equal(yq_redis_connect(r, &err), 0);
    uint64_t first = yq_redis_connections(r);
    freeReplyObject(yq_redis_command(r, &err, "XADD yq:{acme}:events * v 1"));
    assert_int_equal(yq_queue_await_replicas(r, first, 1, 10 * WAIT_MS, &err), 0);
    freeReplyObject(yq_redis_command(r, &err, "XADD yq:{acme}:events * v 1"));
    point(address.host, second);
    freeReplyObject(ask(master, "CLIENT KILL TYPE normal"));
    expect_too_few(r, first, "connected anew");
    assert_int_equal(stored(second), 0);
    uint64_t next = yq_redis_connections(r);
    assert_true(next > first);
    freeReplyObject(yq_redis_command(r, &err, "XADD yq:{acme}:events * v 1"));
    assert_int_equal(yq_queue_await_replicas(r, next, 1, 10 * WAIT_MS, &err), 0);
    assert_int_equal(stored(seconds_own), 1);
    yq_redis_free(r);
}

/* It is a replica of the next master from then on, and the connection stays: who writes nothing
 * while replicas are behind hears it from WAIT alone. */
static void test_a_master_that_steps_down_is_left(void **state)
{
    (void)state;
    char address[100], url[112], command[64];
    struct receiver r;
    struct figures f = {.receiver = &r};
    start_second();
    (void)snprintf(address, sizeof(address), "%s/address", spool);
    (void)snprintf(url, sizeof(url), "unix:%s", address);
    point(address, master);
    start_at(&r, url, 1, spool);
    yq_temp_redis_suspend(replica);
    assert_int_equal(deliver(&r), 200); /* by the spool */
    assert_true(lags());
    (void)snprintf(command, sizeof(command), "REPLICAOF 127.0.0.1 %s", seconds_own->port);
    point(address, second);
    freeReplyObject(ask(master, command));
    assert_true(yq_wait_until(keeps_up, NULL, SOON));
    assert_true(yq_wait_until(has_entries, &f, SOON));
    assert_true(stored(second) >= 1);
    assert_int_equal(deliver(&r), 200);
    receiver_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_acknowledged_once_replicated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_zero_asks_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stopped_replica_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_missing_replica_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_spool_keeps_what_they_have_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_new_master_does_not_vouch_for_the_old_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_master_that_steps_down_is_left, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("replicas", tests, NULL, NULL);
}
