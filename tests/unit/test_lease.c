/* The lease: one holder at a time, the dead replaced at once, the late ones fenced off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/system_clock.h"
#include "support/fake_clock.h"
#include "support/temp_redis.h"
#include "support/wait.h"

static struct yq_temp_redis *server;
static struct yq_redis *redis;
static const struct yq_keys keys = {"yq"};

static struct fake_clock fake = FAKE_CLOCK(1000000);

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

static redisReply *ask(const char *command)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(redis, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    return reply;
}

static int64_t ask_number(const char *command)
{
    redisReply *reply = ask(command);
    int64_t n = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : reply->integer;
    freeReplyObject(reply);
    return n;
}

static void tell(const char *command)
{
    freeReplyObject(ask(command));
}

static int empty(void **state)
{
    (void)state;
    tell("FLUSHALL");
    return 0;
}

static enum yq_lease_result take(struct yq_lease *l, int64_t ttl_ms, int64_t *ret_retry_ms)
{
    struct yq_error err = {0};
    enum yq_lease_result result =
        yq_lease_take(redis, &keys, "acme", ttl_ms, &fake.clock, l, ret_retry_ms, &err);
    if (result == YQ_LEASE_ERROR)
        fail_msg("%s", err.text);
    return result;
}

static void one_holder_at_a_time(void **state)
{
    (void)state;
    struct yq_lease a, b = {.token = 77};
    int64_t retry = 0;
    assert_int_equal(take(&a, 30000, &retry), YQ_LEASE_TAKEN);
    assert_string_equal(a.connection, "acme");
    assert_int_equal(a.token, 1);
    assert_int_equal(take(&b, 30000, &retry), YQ_LEASE_HELD); /* by this very process: alive */
    assert_true(retry > 25000 && retry <= 30000);
    assert_int_equal(b.token, 77);
    char *holder = yq_lease_holder(redis, &keys, "acme", NULL);
    assert_string_equal(holder, a.value);
    free(holder);
    bool more = true;
    assert_int_equal(yq_lease_release(redis, &keys, &a, &more, NULL), 0);
    assert_false(more); /* there is no stream at all */
    holder = yq_lease_holder(redis, &keys, "acme", NULL);
    assert_string_equal(holder, "");
    free(holder);
    assert_int_equal(take(&b, 30000, &retry), YQ_LEASE_TAKEN);
    assert_int_equal(b.token, 2);
    assert_string_not_equal(a.value, b.value);
}

/* Redis was away when it should have been given back, or the answer to its taking was lost: it
 * names this process, and none of its threads works under it. */
static void what_nobody_here_works_under_is_taken_at_once(void **state)
{
    (void)state;
    struct yq_lease a, b;
    int64_t retry;
    bool more;
    assert_int_equal(yq_lease_take(redis, &keys, "orphan", 30000, &fake.clock, &a, &retry, NULL),
                     YQ_LEASE_TAKEN);
    assert_int_equal(yq_lease_take(redis, &keys, "orphan", 30000, &fake.clock, &b, &retry, NULL),
                     YQ_LEASE_HELD);
    yq_temp_redis_stop(server);
    assert_int_equal(yq_lease_release(redis, &keys, &a, &more, NULL), -1);
    assert_true(yq_temp_redis_start(server));
    assert_int_equal(yq_lease_take(redis, &keys, "orphan", 30000, &fake.clock, &b, &retry, NULL),
                     YQ_LEASE_TAKEN);
    assert_true(b.token > a.token);
    assert_int_equal(yq_lease_release(redis, &keys, &b, &more, NULL), 0);
}

static void other_connections_have_their_own(void **state)
{
    (void)state;
    struct yq_lease a, b;
    int64_t retry;
    assert_int_equal(take(&a, 30000, &retry), YQ_LEASE_TAKEN);
    assert_int_equal(yq_lease_take(redis, &keys, "other", 30000, &fake.clock, &b, &retry, NULL),
                     YQ_LEASE_TAKEN);
    assert_int_equal(b.token, 1);
}

static void the_deadline_is_our_own_clock(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    assert_true(yq_lease_valid(&l, &fake.clock));
    fake.now_ms += 29999;
    assert_true(yq_lease_valid(&l, &fake.clock));
    fake.now_ms += 1;
    assert_false(yq_lease_valid(&l, &fake.clock));
    assert_int_equal(yq_lease_renew(redis, &keys, &l, &fake.clock, NULL), 0);
    assert_true(yq_lease_valid(&l, &fake.clock));
    fake.now_ms += 30000;
    assert_false(yq_lease_valid(&l, &fake.clock));
}

static void renewing_lasts_in_redis_too(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    tell("PEXPIRE yq:{acme}:lease 5000");
    assert_int_equal(yq_lease_renew(redis, &keys, &l, &fake.clock, NULL), 0);
    assert_true(ask_number("PTTL yq:{acme}:lease") > 20000);
}

static bool lease_is_gone(void *arg)
{
    (void)arg;
    return ask_number("EXISTS yq:{acme}:lease") == 0;
}

static void a_lease_that_ended_is_lost_and_its_writes_refused(void **state)
{
    (void)state;
    struct yq_lease old, next;
    int64_t retry;
    struct yq_error err = {0};
    assert_int_equal(take(&old, 20, &retry), YQ_LEASE_TAKEN);
    assert_true(yq_wait_until(lease_is_gone, NULL, 5000));
    assert_int_equal(yq_lease_renew(redis, &keys, &old, &fake.clock, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_LOST);

    assert_int_equal(take(&next, 30000, &retry), YQ_LEASE_TAKEN);
    assert_true(next.token > old.token);
    struct yq_commit *c = yq_commit_new();
    yq_commit_add(c, "SET", "yq:{acme}:a", "late", NULL);
    err = (struct yq_error){0};
    assert_int_equal(yq_lease_commit(redis, &keys, &old, c, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_LOST);
    assert_int_equal(yq_commit_count(c), 0);
    assert_int_equal(ask_number("EXISTS yq:{acme}:a"), 0);
    yq_commit_add(c, "SET", "yq:{acme}:a", "1", NULL);
    assert_int_equal(yq_lease_commit(redis, &keys, &next, c, &err), 0);
    assert_int_equal(ask_number("GET yq:{acme}:a"), 1);
    yq_commit_free(c);

    bool more = true; /* the late one gives nothing back that is not its own */
    assert_int_equal(yq_lease_release(redis, &keys, &old, &more, NULL), 0);
    assert_int_equal(ask_number("EXISTS yq:{acme}:lease"), 1);
    assert_false(more);
}

static void large_commits_are_cut_and_stay_in_order(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    char number[16];
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    struct yq_commit *c = yq_commit_new();
    for (int i = 0; i < 1234; i++) {
        (void)snprintf(number, sizeof(number), "%d", i);
        yq_commit_add(c, "RPUSH", "yq:{acme}:order", number, NULL);
    }
    char *large = calloc(1, 700001);
    memset(large, 'x', 700000);
    for (int i = 0; i < 3; i++)
        yq_commit_add(c, "APPEND", "yq:{acme}:large", large, NULL);
    assert_int_equal(yq_commit_count(c), 1237);
    assert_int_equal(yq_lease_commit(redis, &keys, &l, c, NULL), 0);
    assert_int_equal(yq_commit_count(c), 0);
    assert_int_equal(ask_number("LLEN yq:{acme}:order"), 1234);
    for (int i = 0; i < 1234; i += 411) {
        redisReply *reply = yq_redis_command(redis, NULL, "LINDEX yq:{acme}:order %d", i);
        assert_int_equal(strtol(reply->str, NULL, 10), i);
        freeReplyObject(reply);
    }
    assert_int_equal(ask_number("STRLEN yq:{acme}:large"), 2100000);
    assert_int_equal(yq_lease_commit(redis, &keys, &l, c, NULL), 0); /* an empty one is fine */
    free(large);
    yq_commit_free(c);
}

static void own_words_of_a_commit(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    struct yq_commit *c = yq_commit_new();
    for (int i = 0; i < 70; i++)
        yq_commit_add(c, "YQ.AUDIT", "yq:{acme}:audit", "yq:{acme}:audit:member:a", "op", "x",
                      "result", "", NULL);
    yq_commit_add(c, "HSET", "yq:{acme}:h", "f", "mine", "g", "other", NULL);
    yq_commit_add(c, "YQ.HDELIF", "yq:{acme}:h", "f", "mine", NULL);
    yq_commit_add(c, "YQ.HDELIF", "yq:{acme}:h", "g", "mine", NULL);
    yq_commit_add(c, "YQ.HDELIF", "yq:{acme}:h", "none", "mine", NULL);
    assert_int_equal(yq_lease_commit(redis, &keys, &l, c, NULL), 0);
    yq_commit_free(c);
    assert_int_equal(ask_number("XLEN yq:{acme}:audit"), 70);
    assert_int_equal(ask_number("LLEN yq:{acme}:audit:member:a"), 64);
    redisReply *newest = ask("LINDEX yq:{acme}:audit:member:a 0");
    redisReply *last = ask("XREVRANGE yq:{acme}:audit + - COUNT 1");
    assert_string_equal(newest->str, last->element[0]->element[0]->str);
    freeReplyObject(newest);
    freeReplyObject(last);
    assert_int_equal(ask_number("HEXISTS yq:{acme}:h f"), 0);
    assert_int_equal(ask_number("HEXISTS yq:{acme}:h g"), 1);
}

/* ---- the dead and the living ---- */

/* A process of its own that takes the lease, says so, and then waits for its end. */
static pid_t start_holder(void)
{
    int said[2];
    assert_int_equal(pipe(said), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct yq_redis *r = yq_redis_new(&server->address, 5000);
        struct yq_lease l;
        int64_t retry;
        enum yq_lease_result result =
            yq_lease_take(r, &keys, "acme", 600000, yq_system_clock(), &l, &retry, NULL);
        (void)!write(said[1], result == YQ_LEASE_TAKEN ? "+" : "-", 1);
        for (;;)
            pause();
    }
    char answer = 0;
    close(said[1]);
    assert_int_equal(read(said[0], &answer, 1), 1);
    close(said[0]);
    assert_int_equal(answer, '+');
    return pid;
}

/* Dead with all its threads: a checker adds one of its own, which may outlive the first. */
static bool is_zombie(void *arg)
{
    char path[48], text[256] = "";
    int threads = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)*(pid_t *)arg);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)*(pid_t *)arg);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        threads += e->d_name[0] != '.';
    if (dir != NULL)
        closedir(dir);
    return threads == 1 && strstr(text, ") Z ") != NULL;
}

static void a_dead_holder_is_replaced_at_once(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    pid_t pid = start_holder();
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_HELD); /* a living process is not replaced */
    assert_true(retry > 500000);
    kill(pid, SIGSTOP);
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_HELD); /* nor one that stands still */
    kill(pid, SIGKILL);
    assert_true(yq_wait_until(is_zombie, &pid, 5000));
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN); /* dead, though nobody reaped it */
    assert_int_equal(l.token, 2);
    bool more;
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    waitpid(pid, NULL, 0);

    pid = start_holder();
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN); /* dead and reaped */
    assert_int_equal(l.token, 4);
}

/* Puts a holder into the key whose value is ours with one part replaced. */
static void pretend(const char *part, const char *other)
{
    struct yq_lease l;
    int64_t retry;
    bool more;
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    char value[1024];
    char *at = strstr(l.value, part);
    assert_non_null(at);
    const char *end = strchr(at, ',');
    (void)snprintf(value, sizeof(value), "%.*s%s%s", (int)(at - l.value), l.value, other, end);
    freeReplyObject(yq_redis_command(redis, NULL, "SET yq:{acme}:lease %s PX 30000", value));
}

static void only_a_proof_counts(void **state)
{
    (void)state;
    static const struct {
        const char *part, *other;
        enum yq_lease_result result;
    } cases[] = {
        /* the pid is now another process: it started at another time */
        {"\"start\":", "\"start\":1", YQ_LEASE_TAKEN},
        /* the same, but on another host, boot or pid namespace: nothing is known of it */
        {"\"host\":", "\"start\":1,\"host\":\"elsewhere\"", YQ_LEASE_HELD},
        {"\"boot\":", "\"start\":1,\"boot\":\"0\"", YQ_LEASE_HELD},
        {"\"pidns\":", "\"start\":1,\"pidns\":\"pid:[1]\"", YQ_LEASE_HELD},
        {"\"host\":", "\"start\":1,\"host\":\"\"", YQ_LEASE_HELD},
        {"\"pid\":", "\"nopid\":1", YQ_LEASE_HELD},
        {"\"pid\":", "\"pid\":0", YQ_LEASE_HELD},
        {"\"pid\":", "\"pid\":-1", YQ_LEASE_HELD},
        {"\"pid\":", "garbage", YQ_LEASE_HELD},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_lease l;
        int64_t retry;
        tell("DEL yq:{acme}:lease");
        pretend(cases[i].part, cases[i].other);
        if (take(&l, 30000, &retry) != cases[i].result)
            fail_msg("case %zu: %s", i, cases[i].other);
    }
}

/* A process that tries once the pipe closes, together with all others, and then stays alive. */
static pid_t start_rival(const int start[2])
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    char c;
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    struct yq_lease l;
    int64_t retry;
    close(start[1]);
    /* connected, and with the script loaded */
    (void)yq_lease_take(r, &keys, "other", 600000, yq_system_clock(), &l, &retry, NULL);
    freeReplyObject(yq_redis_command(r, NULL, "INCR prepared"));
    (void)!read(start[0], &c, 1);
    enum yq_lease_result result =
        yq_lease_take(r, &keys, "acme", 600000, yq_system_clock(), &l, &retry, NULL);
    freeReplyObject(yq_redis_command(r, NULL, "RPUSH results %d", (int)result));
    for (;;)
        pause();
}

enum { RIVALS = 6 };

static bool are_prepared(void *arg)
{
    (void)arg;
    return ask_number("GET prepared") == RIVALS;
}

static bool have_results(void *arg)
{
    (void)arg;
    return ask_number("LLEN results") == RIVALS;
}

/* How many of several that find the same dead holder at the same time get the lease. */
static int race(void)
{
    pid_t dead = start_holder(), rivals[RIVALS];
    kill(dead, SIGKILL);
    waitpid(dead, NULL, 0);
    int start[2], taken = 0;
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < RIVALS; i++)
        rivals[i] = start_rival(start);
    close(start[0]);
    bool done = yq_wait_until(are_prepared, NULL, 20000);
    close(start[1]);
    done = done && yq_wait_until(have_results, NULL, 20000);
    redisReply *results = ask("LRANGE results 0 -1");
    for (size_t i = 0; i < results->elements; i++)
        taken += strtol(results->element[i]->str, NULL, 10) == YQ_LEASE_TAKEN;
    freeReplyObject(results);
    for (int i = 0; i < RIVALS; i++) {
        kill(rivals[i], SIGKILL);
        waitpid(rivals[i], NULL, 0);
    }
    assert_true(done);
    return taken;
}

static void one_of_many_takes_over_the_dead(void **state)
{
    for (int round = 0; round < 12; round++) {
        (void)empty(state);
        assert_int_equal(race(), 1);
    }
}

/* ---- what is left to do ---- */

static void releasing_says_whether_more_waits(void **state)
{
    (void)state;
    struct yq_lease l;
    int64_t retry;
    bool more = true;
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    tell("XGROUP CREATE yq:{acme}:events sync 0 MKSTREAM");
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    assert_false(more);
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    tell("XADD yq:{acme}:events * a b");
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    assert_true(more);
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    tell("XREADGROUP GROUP sync worker STREAMS yq:{acme}:events >");
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    assert_false(more); /* read, though not acknowledged */
    assert_int_equal(take(&l, 30000, &retry), YQ_LEASE_TAKEN);
    tell("XGROUP DESTROY yq:{acme}:events sync");
    assert_int_equal(yq_lease_release(redis, &keys, &l, &more, NULL), 0);
    assert_true(more);
}

#define TEST(f) cmocka_unit_test_setup(f, empty)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_holder_at_a_time),
        TEST(what_nobody_here_works_under_is_taken_at_once),
        TEST(other_connections_have_their_own),
        TEST(the_deadline_is_our_own_clock),
        TEST(renewing_lasts_in_redis_too),
        TEST(a_lease_that_ended_is_lost_and_its_writes_refused),
        TEST(large_commits_are_cut_and_stay_in_order),
        TEST(own_words_of_a_commit),
        TEST(a_dead_holder_is_replaced_at_once),
        TEST(only_a_proof_counts),
        TEST(one_of_many_takes_over_the_dead),
        TEST(releasing_says_whether_more_waits),
    };
    return cmocka_run_group_tests(tests, setup_server, teardown_server);
}
