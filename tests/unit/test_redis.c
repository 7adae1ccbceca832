/* The connection to Redis: addresses, reconnecting, deadlines, kinds of errors, settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/temp_redis.h"
#include "support/wait.h"

static struct yq_temp_redis *server;

static int setup(void **state)
{
    (void)state;
    server = yq_temp_redis_new(NULL);
    return server ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    yq_temp_redis_free(server);
    return 0;
}

/* ---- addresses ---- */

static void addresses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        int port, database;
        const char *user, *password;
    } cases[] = {
        {"redis://127.0.0.1:6379/0", "127.0.0.1", 6379, 0, "", ""},
        {"redis://db.example.com", "db.example.com", 6379, 0, "", ""},
        {"redis://db:6380/15", "db", 6380, 15, "", ""},
        {"redis://db/", "db", 6379, 0, "", ""},
        {"redis://:s%40cret@db", "db", 6379, 0, "", "s@cret"},
        {"redis://yun:p:w%2Fx@db:1/2", "db", 1, 2, "yun", "p:w/x"},
        {"redis://yun:a@b@db", "db", 6379, 0, "yun", "a@b"},
        {"redis://[::1]:7000/1", "::1", 7000, 1, "", ""},
        {"redis://[fe80::1]", "fe80::1", 6379, 0, "", ""},
        {"unix:/run/redis.sock", "/run/redis.sock", 0, 0, "", ""},
        {"unix:///run/redis.sock?db=3", "/run/redis.sock", 0, 3, "", ""},
        {"unix:/a%20b", "/a b", 0, 0, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_redis_address a;
        struct yq_error err = {0};
        if (yq_redis_address_parse(cases[i].url, &a, &err) < 0)
            fail_msg("%s: %s", cases[i].url, err.text);
        assert_string_equal(a.host, cases[i].host);
        assert_int_equal(a.port, cases[i].port);
        assert_int_equal(a.database, cases[i].database);
        assert_string_equal(a.user, cases[i].user);
        assert_string_equal(a.password, cases[i].password);
    }
}

static void bad_addresses_are_refused_without_their_password(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "hunter2",
        "http://hunter2@db",
        "rediss://:hunter2@db",
        "redis://",
        "redis://:hunter2@",
        "redis://:hunter2@:6379",
        "redis://hunter2@db",
        "redis://:hunter2@db:port",
        "redis://:hunter2@db:0",
        "redis://:hunter2@db:65536",
        "redis://:hunter2@db:",
        "redis://:hunter2@db/x",
        "redis://:hunter2@db/1/2",
        "redis://:hunter2%zz@db",
        "redis://:hunter2%0@db",
        "redis://:hunter2%00@db",
        "redis://hunter2:@db",
        "redis://:hunter2@[::1",
        "redis://:hunter2@[::1]x",
        "unix:",
        "unix:hunter2",
        "unix:/hunter2?db=x",
        "unix:/hunter2?name=1",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_redis_address a = {.port = 77};
        struct yq_error err = {0};
        if (yq_redis_address_parse(cases[i], &a, &err) == 0)
            fail_msg("taken: %s", cases[i]);
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
        assert_null(strstr(err.text, "hunter2"));
        assert_int_equal(a.port, 77);
    }
}

/* ---- connecting ---- */

static void it_connects_selects_and_names_itself(void **state)
{
    (void)state;
    struct yq_redis_address address = server->address;
    address.database = 3;
    struct yq_redis *r = yq_redis_new(&address, 5000);
    redisReply *reply = yq_redis_command(r, NULL, "CLIENT INFO");
    assert_non_null(reply);
    assert_non_null(strstr(reply->str, "name=yunqiao"));
    assert_non_null(strstr(reply->str, "db=3"));
    freeReplyObject(reply);
    yq_redis_free(r);
}

static void a_password_is_used_and_a_wrong_one_named(void **state)
{
    (void)state;
    struct yq_redis *admin = yq_redis_new(&server->address, 5000);
    redisReply *reply = yq_redis_command(admin, NULL, "ACL SETUSER yun on >s3cret ~* +@all");
    assert_non_null(reply);
    freeReplyObject(reply);
    struct yq_redis_address address = server->address;
    (void)snprintf(address.user, sizeof(address.user), "yun");
    (void)snprintf(address.password, sizeof(address.password), "s3cret");
    struct yq_redis *r = yq_redis_new(&address, 5000);
    reply = yq_redis_command(r, NULL, "ACL WHOAMI");
    assert_non_null(reply);
    assert_string_equal(reply->str, "yun");
    freeReplyObject(reply);
    yq_redis_free(r);

    struct yq_error err = {0};
    (void)snprintf(address.password, sizeof(address.password), "hunter2");
    r = yq_redis_new(&address, 5000);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    assert_non_null(strstr(err.text, "WRONGPASS"));
    assert_null(strstr(err.text, "hunter2"));
    yq_redis_free(r);
    yq_redis_free(admin);
}

static void nobody_there_is_a_passing_fault(void **state)
{
    (void)state;
    struct yq_redis_address address = {.host = "/nonexistent/redis.sock"};
    struct yq_error err = {0};
    struct yq_redis *r = yq_redis_new(&address, 1000);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_int_equal(yq_redis_append(r, 1, (const char *[]){"PING"}, NULL, &err), -1);
    assert_null(yq_redis_reply(r, &err));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    yq_redis_free(r);
}

static void set_and_get(struct yq_redis *r)
{
    redisReply *reply = yq_redis_command(r, NULL, "INCR n");
    assert_non_null(reply);
    freeReplyObject(reply);
}

static void it_is_itself_again_once_redis_is(void **state)
{
    (void)state;
    static const struct yq_redis_script script = {"return redis.call('INCR', KEYS[1])"};
    const char *argv[] = {"scripted"};
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    struct yq_error err = {0};
    set_and_get(r);
    redisReply *reply = yq_redis_script(r, &script, 1, 1, argv, NULL, NULL);
    assert_int_equal(reply->integer, 1);
    freeReplyObject(reply);

    yq_temp_redis_kill(server);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_true(yq_temp_redis_start(server));
    set_and_get(r); /* the very next command */

    yq_temp_redis_stop(server); /* while nobody looked: found before the command is sent */
    assert_true(yq_temp_redis_start(server));
    set_and_get(r);
    reply = yq_redis_script(r, &script, 1, 1, argv, NULL, NULL); /* Redis forgot it: loaded anew */
    assert_int_equal(reply->integer, 2);
    freeReplyObject(reply);
    reply = yq_redis_command(r, NULL, "GET n");
    assert_string_equal(reply->str, "3"); /* each acknowledged write survived, none was doubled */
    freeReplyObject(reply);
    yq_redis_free(r);
}

static void a_redis_that_stands_still_costs_no_more_than_the_deadline(void **state)
{
    (void)state;
    struct yq_redis *r = yq_redis_new(&server->address, 150);
    struct yq_error err = {0};
    set_and_get(r);
    yq_temp_redis_suspend(server);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_string_equal(err.text, "Redis: no answer in time");
    yq_temp_redis_resume(server);
    redisReply *reply = yq_redis_command(r, NULL, "ECHO late");
    assert_non_null(reply); /* not the late answer to PING */
    assert_string_equal(reply->str, "late");
    freeReplyObject(reply);
    const char *argv[] = {"BZPOPMIN", "none",
                          "0.3"}; /* longer than the connection's own deadline */
    reply = yq_redis_wait(r, 5000, 3, argv, &err);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_NIL);
    freeReplyObject(reply);
    yq_redis_free(r);
}

static void pipelines_keep_their_order_through_errors(void **state)
{
    (void)state;
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    struct yq_error err = {0};
    set_and_get(r);
    assert_int_equal(yq_redis_append(r, 2, (const char *[]){"ECHO", "one"}, NULL, NULL), 0);
    assert_int_equal(yq_redis_append(r, 2, (const char *[]){"LPUSH", "n"}, NULL, NULL), 0);
    assert_int_equal(yq_redis_append(r, 2, (const char *[]){"ECHO", "two"}, NULL, NULL), 0);
    redisReply *reply = yq_redis_reply(r, NULL);
    assert_string_equal(reply->str, "one");
    freeReplyObject(reply);
    assert_null(yq_redis_reply(r, &err));
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    reply = yq_redis_reply(r, NULL);
    assert_string_equal(reply->str, "two");
    freeReplyObject(reply);
    assert_null(yq_redis_reply(r, &err)); /* none is awaited */
    /* an abandoned pipeline does not spoil the next command */
    assert_int_equal(yq_redis_append(r, 2, (const char *[]){"ECHO", "lost"}, NULL, NULL), 0);
    reply = yq_redis_command(r, NULL, "ECHO found");
    assert_string_equal(reply->str, "found");
    freeReplyObject(reply);
    yq_redis_free(r);
}

/* ---- kinds of errors ---- */

static enum yq_error_kind kind_of(struct yq_redis *r, const char *command)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(r, &err, command);
    if (reply != NULL)
        freeReplyObject(reply);
    return err.kind;
}

static void error_answers_have_a_kind(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yq_error_kind kind;
    } cases[] = {
        {"LOADING Redis is loading the dataset in memory", YQ_ERROR_RETRY},
        {"MASTERDOWN Link with MASTER is down", YQ_ERROR_RETRY},
        {"CLUSTERDOWN The cluster is down", YQ_ERROR_RETRY},
        {"BUSY Redis is busy running a script", YQ_ERROR_RETRY},
        {"TRYAGAIN Multiple keys request during rehashing of slot", YQ_ERROR_RETRY},
        {"NOREPLICAS Not enough good replicas to write.", YQ_ERROR_RETRY},
        {"MISCONF Errors writing to the AOF file", YQ_ERROR_RETRY},
        {"BUSYGROUP Consumer Group name already exists", YQ_ERROR_INVALID},
        {"NOGROUP No such key", YQ_ERROR_INVALID},
        {"WRONGTYPE Operation against a key", YQ_ERROR_INVALID},
        {"LOST the lease", YQ_ERROR_LOST},
    };
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_error err = {0};
        redisReply *reply = yq_redis_command(r, &err, "EVAL %s 0 %s",
                                             "return redis.error_reply(ARGV[1])", cases[i].text);
        assert_null(reply);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(strncmp(err.text, cases[i].text, strlen(cases[i].text)), 0);
    }
    struct yq_error err = {0};
    assert_null(yq_redis_command(r, &err, "NOSUCHCOMMAND 13800000000"));
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    assert_null(strstr(err.text, "13800000000")); /* arguments are nobody's business */
    yq_redis_free(r);
}

static void the_real_out_of_memory_and_read_only_are_passing(void **state)
{
    (void)state;
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    assert_int_equal(kind_of(r, "CONFIG SET maxmemory 1"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "SET a b"), YQ_ERROR_RETRY);
    assert_int_equal(kind_of(r, "CONFIG SET maxmemory 0"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "SET a b"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "CONFIG SET min-replicas-to-write 1"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "SET a b"), YQ_ERROR_RETRY); /* NOREPLICAS */
    assert_int_equal(kind_of(r, "CONFIG SET min-replicas-to-write 0"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "REPLICAOF 127.0.0.1 1"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "SET a b"), YQ_ERROR_RETRY); /* READONLY */
    assert_int_equal(kind_of(r, "REPLICAOF NO ONE"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "SET a b"), YQ_ERROR_NONE);
    yq_redis_free(r);
}

/* ---- settings ---- */

static void check_settings(struct yq_redis *r, const char *expected)
{
    struct yq_buf faults = YQ_BUF_INIT;
    assert_int_equal(yq_redis_check_settings(r, &faults, NULL), 0);
    assert_string_equal(yq_buf_text(&faults), expected);
    yq_buf_release(&faults);
}

static void settings_are_checked_one_by_one(void **state)
{
    (void)state;
    struct yq_redis *r = yq_redis_new(&server->address, 5000);
    check_settings(r, "");
    assert_int_equal(kind_of(r, "CONFIG SET appendfsync everysec"), YQ_ERROR_NONE);
    check_settings(r, "appendfsync is everysec, must be always");
    assert_int_equal(kind_of(r, "CONFIG SET maxmemory-policy allkeys-lru"), YQ_ERROR_NONE);
    check_settings(r, "appendfsync is everysec, must be always; maxmemory-policy is allkeys-lru, "
                      "must be noeviction");
    assert_int_equal(kind_of(r, "CONFIG SET appendonly no"), YQ_ERROR_NONE);
    struct yq_buf faults = YQ_BUF_INIT;
    assert_int_equal(yq_redis_check_settings(r, &faults, NULL), 0);
    assert_non_null(strstr(yq_buf_text(&faults), "appendonly is no, must be yes; "));
    yq_buf_release(&faults);
    assert_int_equal(kind_of(r, "CONFIG SET appendonly yes"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "CONFIG SET appendfsync always"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "CONFIG SET maxmemory-policy noeviction"), YQ_ERROR_NONE);
    assert_int_equal(kind_of(r, "ACL SETUSER default -config"), YQ_ERROR_NONE);
    check_settings(r, "CONFIG is forbidden, so that Redis' durability cannot be checked");
    assert_int_equal(kind_of(r, "ACL SETUSER default +config"), YQ_ERROR_NONE);
    yq_temp_redis_stop(server);
    struct yq_error err = {0};
    faults = (struct yq_buf)YQ_BUF_INIT;
    assert_int_equal(yq_redis_check_settings(r, &faults, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_int_equal(faults.len, 0);
    assert_true(yq_temp_redis_start(server));
    yq_redis_free(r);
}

static void keys_carry_the_hash_tag(void **state)
{
    (void)state;
    const struct yq_keys keys = {"yq"};
    char out[YQ_KEY_MAX];
    assert_string_equal(yq_key(&keys, "acme", "events", out), "yq:{acme}:events");
    assert_string_equal(yq_global_key(&keys, "ready", out), "yq:ready");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read),
        cmocka_unit_test(bad_addresses_are_refused_without_their_password),
        cmocka_unit_test(keys_carry_the_hash_tag),
        cmocka_unit_test(it_connects_selects_and_names_itself),
        cmocka_unit_test(a_password_is_used_and_a_wrong_one_named),
        cmocka_unit_test(nobody_there_is_a_passing_fault),
        cmocka_unit_test(it_is_itself_again_once_redis_is),
        cmocka_unit_test(a_redis_that_stands_still_costs_no_more_than_the_deadline),
        cmocka_unit_test(pipelines_keep_their_order_through_errors),
        cmocka_unit_test(error_answers_have_a_kind),
        cmocka_unit_test(the_real_out_of_memory_and_read_only_are_passing),
        cmocka_unit_test(settings_are_checked_one_by_one),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
