/* Every command that reads, and those that wait for a worker, against a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/app/printing.h"
#include "base/json.h"
#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "console.h"

static void test_usage(void **state)
{
    (void)state;
    expect("", 2, "COMMAND");
    expect("--help", 0, "exit status");
    expect("queue --help", 0, "usage: yunqiao queue [ID]");
    expect("events", 2, "events show ID ENTRY");
    expect("version", 0, "yunqiao ");
    expect("--json version", 0, "{\"version\"");
    expect("check", 0, "configuration OK: 2 connections");
    expect("check extra", 2, "too many words");
    expect("-c", 2, "needs a value");
    expect("check -c /no/such.yaml", 1, "cannot be read");
    expect("-c /no/such.yaml queue", 1, "/no/such.yaml");
    expect("queue nobody", 1, "no connection \"nobody\"");
    expect("events list", 2, "something is missing");
    expect("events list acme --state open", 2, "all, waiting, pending (waiting ones, too) or done");
    expect("events list acme --kind member.lost", 2, "no kind of event");
    expect("events list acme --subject li.na", 2, "member:USERID");
    expect("events list acme --from yesterday", 2, "is no time");
    expect("events list acme --limit 0", 2, "1 to 1000000");
    expect("events list acme --limit 5x", 2, "1 to 1000000");
    expect("events show acme x", 2, "no entry id");
    expect("explain acme person li.na", 2, "neither member");
    expect("explain acme department abc", 2, "neither member");
    expect("cancel acme", 2, "something is missing");
    expect("cancel acme 1-1", 1, "no such run");
    expect("sync acme --member li.na --department 1", 2, "one of");
    expect("sync acme --member=*", 2, "no userid");
    expect("plans", 2, "something is missing");
    expect("plans acme xyz", 2, "no hash of a plan");
    expect("approve acme", 2, "something is missing");
    expect("approve acme 0123456789abcdef0123456789abcdeX", 2, "no hash of a plan");
    expect("link acme member li.na", 2, "something is missing");
    expect("link acme member li.na 12x", 2, "no id of eteams");
    expect("link acme person li.na 12", 2, "neither member");
    expect("unlink acme department x", 2, "neither member");
    expect("links acme --member=1", 2, "takes no value");
    expect("cases nobody", 1, "no connection");
    expect("serve --roles worker,cook", 2, "receiver, worker, scheduler, admin");
    static const char *const later[] = {"auth", "unsynced", "push", "collaborate"};
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        expect(later[i], 2, "unknown command");
}

static void test_queue(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear_redis();
    expect("queue", 0, "no worker is alive");
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    heartbeat("worker", 1000);
    struct yq_commit *c = yq_commit_new();
    struct yq_attempt a = {.key = "member:li.na",
                           .attempts = 3,
                           .next_ms = 1767225600000,
                           .error = "eteams answered 500"};
    yq_store_put_attempt(c, &console.keys, "acme", &a);
    yq_store_put_plan(c, &console.keys, "acme", "abc123", "{}", "21: Li Na, Wang Wei");
    yq_store_put_case(c, &console.keys, "acme", "member:x", "{\"reason\":\"several_hits\"}");
    commit(c);
    assert_int_equal(yq_store_owe_reconcile(console.redis, &console.keys, "acme", "redis_lost",
                                            1767225600000, NULL),
                     0);
    set_hash("yq:{acme}:held", "expired", "1: gone");
    expect("queue", 0, "acme");
    assert_non_null(strstr(console.out, "beta"));
    assert_non_null(strstr(console.out, "\nall "));
    assert_null(strstr(console.out, "no worker"));
    assert_null(strstr(console.out, "gone"));
    assert_non_null(strstr(console.out,
                           "member:li.na: 3 attempts, the next one at 2026-01-01 00:00:00 "
                           "+00:00; the last one: eteams answered 500"));
    assert_non_null(strstr(console.out, "plan abc123: 21: Li Na, Wang Wei"));
    assert_non_null(
        strstr(console.out, "a reconcile is owed since 2026-01-01 00:00:00 +00:00: redis_lost"));
    expect("queue acme --json", 0, "\"waiting\":1");
    cJSON *root = yq_json_or_text(console.out);
    const cJSON *one = cJSON_GetArrayItem(yq_json_get(root, "connections"), 0);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(one, "held")), 1);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(one, "retries")), 1);
    assert_int_equal(yq_json_get(one, "cases")->valueint, 1);
    assert_int_equal(yq_json_get(root, "workers")->valueint, 1);
    cJSON_Delete(root);
}

/* The figures of two connections, and of both. */
static void test_queue_of_all(void **state)
{
    (void)state;
    static const char *const same[] = {"length", "waiting", "pending", "retrying", "dead", "cases"};
    char entry[YQ_ENTRY_MAX];
    clear_redis();
    heartbeat("worker", 1000);
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    push(YQ_EVENT_MEMBER_UPDATED, "member:Wang.Wei", "{}", entry);
    set_hash("yq:{acme}:cases", "member:x", "{\"reason\":\"several_hits\"}");
    set_hash("yq:{beta}:cases", "member:y", "{\"reason\":\"several_hits\"}");
    redisReply *reply = yq_redis_command(
        console.redis, NULL, "XADD yq:{beta}:events * v 1 kind member.updated subject member:a");
    assert_non_null(reply);
    freeReplyObject(reply);
    reply = yq_redis_command(console.redis, NULL, "XADD yq:{beta}:dead * event 1-1");
    assert_non_null(reply);
    freeReplyObject(reply);
    expect("queue --json", 0, "\"all\":{");
    cJSON *root = yq_json_or_text(console.out);
    const cJSON *all = yq_json_get(root, "all"), *list = yq_json_get(root, "connections");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        int sum = yq_json_get(cJSON_GetArrayItem(list, 0), same[i])->valueint +
                  yq_json_get(cJSON_GetArrayItem(list, 1), same[i])->valueint;
        if (yq_json_get(all, same[i])->valueint != sum)
            fail_msg("%s: %s", same[i], console.out);
    }
    assert_int_equal(yq_json_get(all, "length")->valueint, 3);
    assert_int_equal(yq_json_get(all, "waiting")->valueint, 3);
    assert_int_equal(yq_json_get(all, "dead")->valueint, 1);
    assert_int_equal(yq_json_get(all, "cases")->valueint, 2);
    assert_int_equal(yq_json_get(all, "held_plans")->valueint, 0);
    assert_true(yq_json_get(all, "oldest_ms")->valuedouble >=
                yq_json_get(cJSON_GetArrayItem(list, 0), "oldest_ms")->valuedouble);
    cJSON_Delete(root);
}

/* Who works on it now. */
static void test_queue_names_the_lease_holder(void **state)
{
    (void)state;
    struct yq_lease lease;
    struct yq_error err = {0};
    int64_t wait;
    bool more;
    char words[160];
    clear_redis();
    heartbeat("worker", 1000);
    expect("queue acme", 0, "idle");
    assert_int_equal(yq_lease_take(console.redis, &console.keys, "acme", 30000, yq_system_clock(),
                                   &lease, &wait, &err),
                     YQ_LEASE_TAKEN);
    expect("queue acme --json", 0, "\"lease\":{");
    cJSON *root = yq_json_or_text(console.out);
    const cJSON *holder =
        yq_json_get(cJSON_GetArrayItem(yq_json_get(root, "connections"), 0), "lease");
    const cJSON *host = yq_json_get(holder, "host"), *pid = yq_json_get(holder, "pid");
    assert_true(cJSON_IsString(host));
    assert_int_equal(pid->valueint, getpid());
    (void)snprintf(words, sizeof(words), "worked on (%s:%d)", host->valuestring, pid->valueint);
    cJSON_Delete(root);
    expect("queue acme", 0, words);
    assert_int_equal(yq_lease_release(console.redis, &console.keys, &lease, &more, &err), 0);
    expect("queue acme --json", 0, "\"lease\":null");
}

static void test_queue_without_redis(void **state)
{
    (void)state;
    yq_temp_redis_stop(console.server);
    expect("queue", 1, "yunqiao health --ready");
    assert_non_null(strstr(console.err, "/api/spool"));
    assert_true(yq_temp_redis_start(console.server));
    expect("queue", 0, "acme");
}

static void test_pause(void **state)
{
    (void)state;
    clear_redis();
    expect("resume acme", 0, "was not paused");
    expect("pause acme", 0, "acme is paused");
    expect("pause acme", 0, "paused already");
    expect("queue acme", 0, "paused");
    expect("resume acme --json", 0, "\"paused\":false,\"changed\":true");
    expect("pause nobody", 1, "no connection");
}

static void test_events(void **state)
{
    (void)state;
    char first[YQ_ENTRY_MAX], second[YQ_ENTRY_MAX], line[128];
    clear_redis();
    expect("events list acme", 0, "no such events");
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na",
         "{\"userid\":\"Li.Na\",\"mobile\":\"13812345678\"}", first);
    push(YQ_EVENT_DEPARTMENT_CREATED, "department:7", "{\"id\":7}", second);
    expect("events list acme", 0, "department:7");
    assert_true(strstr(console.out, "department:7") < strstr(console.out, "member:Li.Na"));
    assert_null(strstr(console.out, "13812345678"));
    expect("events list acme --subject member:li.NA --state pending", 0, "member:Li.Na");
    assert_null(strstr(console.out, "department:7"));
    expect("events list acme --state done", 0, "no such events");
    expect("events list acme --state waiting", 0, "member:Li.Na");
    expect("events list acme -f --state waiting", 2, "no --state");
    expect("events list acme --kind department.created --limit 1", 0, "department:7");
    expect("events list acme --to -1d", 0, "no such events");
    expect("events list acme --from -1d --json", 0, "\"state\":\"waiting\"");
    snprintf(line, sizeof(line), "events show acme %s", first);
    expect(line, 0, "138****5678");
    assert_null(strstr(console.out, "13812345678"));
    strcat(line, " --reveal");
    expect(line, 0, "<Mobile>13812345678</Mobile>");
    strcat(line, " --json");
    expect(line, 0, "\"mobile\":\"13812345678\"");
    expect("events show acme 1-1", 1, "has no event 1-1");
}

/* Many more than one page, of which few match. */
static void test_events_beyond_a_page(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear_redis();
    push(YQ_EVENT_MEMBER_CREATED, "member:oldest", "{}", entry);
    for (int i = 0; i < 1100; i++)
        push(YQ_EVENT_MEMBER_UPDATED, "member:other", "{}", entry);
    expect("events list acme --subject member:oldest", 0, "member.created");
    expect("explain acme member oldest", 0, "a new member");
}

static void add_run(const char *run, const char *outcome)
{
    char json[256];
    snprintf(json, sizeof(json),
             "{\"run\":\"%s\",\"cause\":\"command\",\"outcome\":\"%s\",\"summary\":[\"R6 moved\"]}",
             run, outcome);
    struct yq_commit *c = yq_commit_new();
    yq_store_add_run(c, &console.keys, "acme", json);
    commit(c);
}

static void test_sync(void **state)
{
    (void)state;
    clear_redis();
    expect("sync acme --member Li.Na", 1, "no worker is alive");
    heartbeat("worker", 31000);
    expect("sync acme --member Li.Na", 1, "no worker is alive");
    heartbeat("receiver", 0);
    expect("sync acme --department 7", 1, "no worker is alive");
    heartbeat("worker", 0);
    expect("pause acme", 0, "paused");
    expect("sync acme --department 7", 1, "acme is paused");
    expect("sync acme --department 7 --no-wait", 0, "-");
    struct yq_deliveries d = {0};
    assert_int_equal(
        yq_queue_range(console.redis, &console.keys, "acme", "-", "+", true, 1, &d, NULL), 0);
    assert_int_equal(d.items[0].kind, YQ_EVENT_COMMAND_SYNC);
    assert_int_equal(d.items[0].subject.id, 7);
    assert_string_equal(d.items[0].source, "command");
    assert_memory_equal(console.out, d.items[0].entry, strlen(d.items[0].entry));
    yq_deliveries_release(&d);
}

/* A worker in miniature: sees the newest command and writes its run. Runs in a child. */
static void answer_command(const char *outcome)
{
    struct yq_deliveries d = {0};
    struct yq_error err = {0};
    for (int i = 0; i < 5000 && d.count == 0; i++) {
        if (yq_queue_range(console.redis, &console.keys, "acme", "-", "+", true, 1, &d, &err) != 0)
            _exit(1);
        if (d.count == 0)
            usleep(2000);
    }
    if (d.count == 0)
        _exit(1);
    add_run("1-1", "done");
    add_run(d.items[0].entry, outcome);
    _exit(0);
}

static void sync_with_outcome(const char *outcome, int status, const char *words)
{
    clear_redis();
    heartbeat("worker", 0);
    pid_t child = fork();
    if (child == 0) {
        console.redis = yq_redis_new(&console.server->address, 2000);
        answer_command(outcome);
    }
    expect("sync acme --member li.na", status, words);
    assert_non_null(strstr(console.out, "R6 moved"));
    int ended = -1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void test_sync_waits_for_its_run(void **state)
{
    (void)state;
    sync_with_outcome("done", 0, "done");
    sync_with_outcome("held", 3, "waits for approval");
    sync_with_outcome("failed", 1, "failed");
    sync_with_outcome("waiting", 1, "not settled yet");
}

static void test_redis_away(void **state)
{
    (void)state;
    yq_temp_redis_stop(console.server);
    expect("queue", 1, "yunqiao: ");
    expect("events list acme", 1, "yunqiao: ");
    expect("explain acme member li.na", 1, "yunqiao: ");
    expect("sync acme --member li.na", 1, "yunqiao: ");
    expect("pause acme", 1, "yunqiao: ");
    expect("check", 0, "configuration OK");
    assert_true(yq_temp_redis_start(console.server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_queue_of_all),
        cmocka_unit_test(test_queue_names_the_lease_holder),
        cmocka_unit_test(test_queue_without_redis),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_events_beyond_a_page),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_sync_waits_for_its_run),
        cmocka_unit_test(test_redis_away),
    };
    return cmocka_run_group_tests(tests, console_start, console_stop);
}
