/* The command line: options, times, what is hidden; and every command that reads, against a real
 * Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/app/commands.h"
#include "../../src/app/mask.h"
#include "../../src/app/printing.h"
#include "../../src/app/when.h"
#include "base/json.h"
#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "support/temp_redis.h"

/* Cuts the line at its blanks; the words point into it. */
static int split(char *line, char **words)
{
    char *rest = NULL;
    int count = 0;
    for (char *w = strtok_r(line, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    words[count] = NULL;
    return count;
}

/* ---- without Redis ---- */

static void test_arguments(void **state)
{
    (void)state;
    const char *member = NULL, *from = NULL;
    bool json = false;
    const struct yq_argument known[] = {
        {"--member", &member, NULL}, {"--from", &from, NULL}, {"--json", NULL, &json}, {0}};
    char line[] = "acme --from -7d --member=li.na x --json -- --y", *words[16];
    struct yq_error err = {0};
    int count = 0;
    assert_int_equal(yq_arguments_take(known, split(line, words), words, false, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(words[1], "x");
    assert_string_equal(words[2], "--y");
    assert_string_equal(member, "li.na");
    assert_string_equal(from, "-7d");
    assert_true(json);

    static const char *const bad[][2] = {{"--nobody", "unknown option"},
                                         {"--member", "needs a value"},
                                         {"--member=", "needs a value"},
                                         {"--json=1", "takes no value"},
                                         {"-x", "unknown option"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char word[32], *one[] = {word, NULL};
        strcpy(word, bad[i][0]);
        assert_int_equal(yq_arguments_take(known, 1, one, false, &count, &err), -1);
        assert_non_null(strstr(err.text, bad[i][1]));
    }
    char more[] = "-x --json -- --json", *rest[8];
    assert_int_equal(yq_arguments_take(known, split(more, rest), rest, true, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(rest[1], "--");
}

static void test_times(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
    static const char *const good[][2] = {
        {"0", "0"},
        {"1767225600000-0", "1767225600000-0"},
        {"1767225600000", "1767225600000"},
        {"1767225600000-18446744073", "1767225600000-18446744073"},
        {"-90s", "1767225510000"},
        {"-15m", "1767224700000"},
        {"-2h", "1767218400000"},
        {"-7d", "1766620800000"},
        {"-999999d", "0"},
        {"2026-01-01T00:00:00Z", "1767225600000"},
        {"2026-01-01t08:00:00+08:00", "1767225600000"},
        {"2025-12-31 18:30:00-05:30", "1767225600000"},
        {"2026-01-01T00:00:00.25Z", "1767225600250"},
        {"2024-02-29T00:00:00Z", "1709164800000"},
    };
    static const char *const bad[] = {"",
                                      "x",
                                      "-",
                                      "-7",
                                      "7d",
                                      "-7w",
                                      "-1.5h",
                                      "1-",
                                      "1-x",
                                      "1-2-3",
                                      "+1",
                                      "12345678901234567890",
                                      "2026-01-01",
                                      "2026-01-01T00:00:00",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+0800",
                                      "2026-01-01T00:00:00.Z",
                                      "1969-01-01T00:00:00Z"};
    char entry[YQ_ENTRY_MAX];
    struct yq_error err = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (yq_when_parse(good[i][0], now, entry, &err) != 0)
            fail_msg("%s: %s", good[i][0], err.text);
        assert_string_equal(entry, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (yq_when_parse(bad[i], now, entry, &err) == 0)
            fail_msg("%s was taken as %s", bad[i], entry);
    }
    char text[YQ_WHEN_MAX];
    setenv("TZ", "<+08>-8", 1);
    tzset();
    assert_string_equal(yq_when_show(now, text), "2026-01-01 08:00:00 +08:00");
    assert_string_equal(yq_when_show(0, text), "?");
    assert_string_equal(yq_when_show_age(450, text), "450 ms");
    assert_string_equal(yq_when_show_age(12999, text), "12 s");
    assert_string_equal(yq_when_show_age(180000, text), "3 min");
    assert_string_equal(yq_when_show_age(INT64_C(72) * 3600000, text), "3 d");
}

static void expect_masked(const char *text, const char *expected)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_mask_text(text, &out);
    assert_string_equal(yq_buf_text(&out), expected);
    yq_buf_release(&out);
}

static void test_masking(void **state)
{
    (void)state;
    expect_masked("", "");
    expect_masked("<Mobile>13812345678</Mobile>", "<Mobile>138****5678</Mobile>");
    expect_masked("<Mobile><![CDATA[+8613812345678]]></Mobile>",
                  "<Mobile><![CDATA[+86138****5678]]></Mobile>");
    expect_masked("<Telephone>020-123456</Telephone>", "<Telephone>****</Telephone>");
    expect_masked("<Email><![CDATA[li.na@example.com]]></Email>",
                  "<Email><![CDATA[l***@example.com]]></Email>");
    expect_masked("<Address>Long Street 5</Address>", "<Address>Long ****et 5</Address>");
    expect_masked("\"x\":\"li.na@a.example.com\"", "\"x\":\"l***@a.example.com\"");
    expect_masked("call 13812345678, id 4821000000013812345678", "call 138****5678, id "
                                                                 "4821000000013812345678");
    expect_masked("8613812345678 1767225600", "86138****5678 1767225600");
    expect_masked("<UserID><![CDATA[li.na]]></UserID>", "<UserID><![CDATA[li.na]]></UserID>");
    expect_masked("<Email>a@b.cn", "<Email>a***@b.cn");
    cJSON *tree = yq_json_or_text("{\"userid\":\"li\",\"mobile\":\"13812345678\",\"a\":[{\"Email\":"
                                  "\"x@y.cn\"}],\"phone\":5}");
    yq_mask_json(tree);
    char *text = cJSON_PrintUnformatted(tree);
    assert_string_equal(text, "{\"userid\":\"li\",\"mobile\":\"138****5678\",\"a\":[{\"Email\":"
                              "\"x***@y.cn\"}],\"phone\":0}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(yq_text_width("abc"), 3);
    assert_int_equal(yq_text_width("研发部"), 6);
    assert_int_equal(yq_text_width("…→"), 2);
}

/* ---- with Redis ---- */

static struct {
    struct yq_temp_redis *server;
    struct yq_redis *redis;
    struct yq_keys keys;
    char config[128];
    char *out, *err;
    size_t out_len, err_len;
} t;

/* Runs the program; what it printed stands in t.out and t.err. */
static int run(const char *line)
{
    char words[512], *argv[32];
    free(t.out);
    free(t.err);
    FILE *out = open_memstream(&t.out, &t.out_len), *err = open_memstream(&t.err, &t.err_len);
    snprintf(words, sizeof(words), "yunqiao %s", line);
    int argc = split(words, argv);
    setenv("YUNQIAO_CONFIG", t.config, 1);
    int status = yq_program(argc, argv, out, err);
    fclose(out);
    fclose(err);
    return status;
}

static void expect(const char *line, int status, const char *words)
{
    int got = run(line);
    if (got != status || (strstr(t.out, words) == NULL && strstr(t.err, words) == NULL))
        fail_msg("%s: status %d, expected %d and \"%s\"\n%s%s", line, got, status, words, t.out,
                 t.err);
}

static void write_config(const char *language)
{
    FILE *f = fopen(t.config, "w");
    assert_non_null(f);
    fprintf(f,
            "redis: {url: \"%s\"}\nlanguage: %s\ntime_zone: UTC\nconnections:\n"
            "- id: acme\n  wecom: {corp_id: ww1, app_secret: x, callback: {token: T, "
            "encoding_aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C}}\n"
            "  eteams: {static_token: s}\n"
            "- id: beta\n  wecom: {corp_id: ww2, app_secret: x, callback: {token: T, "
            "encoding_aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C}}\n"
            "  eteams: {static_token: s}\n",
            t.server->url, language);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    t.server = yq_temp_redis_new(NULL);
    if (t.server == NULL)
        return -1;
    t.redis = yq_redis_new(&t.server->address, 2000);
    strcpy(t.keys.prefix, "yq");
    snprintf(t.config, sizeof(t.config), "%s/yunqiao.yaml", t.server->folder);
    write_config("en");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(t.config);
    yq_redis_free(t.redis);
    yq_temp_redis_free(t.server);
    free(t.out);
    free(t.err);
    return 0;
}

static void clear(void)
{
    redisReply *reply = yq_redis_command(t.redis, NULL, "FLUSHALL");
    assert_non_null(reply);
    freeReplyObject(reply);
}

static void push(enum yq_event_kind kind, const char *subject, const char *data, char *ret_entry)
{
    struct yq_event e;
    struct yq_error err = {0};
    yq_event_init(&e);
    e.kind = kind;
    assert_int_equal(yq_subject_parse(subject, &e.subject, &err), 0);
    e.source = "callback";
    e.at = time(NULL);
    yq_buf_adds(&e.data, data);
    yq_buf_adds(&e.raw, "<xml><Mobile>13812345678</Mobile></xml>");
    if (yq_queue_push(t.redis, &t.keys, "acme", &e, ret_entry, &err) != 0)
        fail_msg("%s", err.text);
    yq_event_release(&e);
}

/* Carries the commit out under a lease, as a worker does. */
static void commit(struct yq_commit *c)
{
    struct yq_lease lease;
    struct yq_error err = {0};
    int64_t wait;
    bool more;
    assert_int_equal(
        yq_lease_take(t.redis, &t.keys, "acme", 30000, yq_system_clock(), &lease, &wait, &err),
        YQ_LEASE_TAKEN);
    assert_int_equal(yq_lease_commit(t.redis, &t.keys, &lease, c, &err), 0);
    assert_int_equal(yq_lease_release(t.redis, &t.keys, &lease, &more, &err), 0);
    yq_commit_free(c);
}

static void set_hash(const char *key, const char *field, const char *value)
{
    redisReply *reply = yq_redis_command(t.redis, NULL, "HSET %s %s %s", key, field, value);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static void heartbeat(const char *role, int64_t age_ms)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"roles\":[\"%s\"],\"at\":%lld}", role,
             (long long)(yq_wall_ms(yq_system_clock()) - age_ms));
    set_hash("yq:processes", "host:1", json);
}

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
    expect("events list acme --state open", 2, "all, pending or done");
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
    static const char *const later[] = {"doctor",   "replay", "dead",       "auth",
                                        "unsynced", "push",   "collaborate"};
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
        expect(later[i], 2, "unknown command");
}

static void test_queue(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear();
    expect("queue", 0, "no worker is alive");
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    heartbeat("worker", 1000);
    struct yq_commit *c = yq_commit_new();
    struct yq_attempt a = {.key = "member:li.na",
                           .attempts = 3,
                           .next_ms = 1767225600000,
                           .error = "eteams answered 500"};
    yq_store_put_attempt(c, &t.keys, "acme", &a);
    yq_store_put_plan(c, &t.keys, "acme", "abc123", "{}", "21: Li Na, Wang Wei");
    yq_store_put_case(c, &t.keys, "acme", "member:x", "{\"reason\":\"several_hits\"}");
    commit(c);
    assert_int_equal(
        yq_store_owe_reconcile(t.redis, &t.keys, "acme", "redis_lost", 1767225600000, NULL), 0);
    set_hash("yq:{acme}:held", "expired", "1: gone");
    expect("queue", 0, "acme");
    assert_non_null(strstr(t.out, "beta"));
    assert_non_null(strstr(t.out, "\nall "));
    assert_null(strstr(t.out, "no worker"));
    assert_null(strstr(t.out, "gone"));
    assert_non_null(strstr(t.out, "member:li.na: 3 attempts, the next one at 2026-01-01 00:00:00 "
                                  "+00:00; the last one: eteams answered 500"));
    assert_non_null(strstr(t.out, "plan abc123: 21: Li Na, Wang Wei"));
    assert_non_null(
        strstr(t.out, "a reconcile is owed since 2026-01-01 00:00:00 +00:00: redis_lost"));
    expect("queue acme --json", 0, "\"waiting\":1");
    cJSON *root = yq_json_or_text(t.out);
    const cJSON *one = cJSON_GetArrayItem(yq_json_get(root, "connections"), 0);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(one, "held")), 1);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(one, "retries")), 1);
    assert_int_equal(yq_json_get(one, "cases")->valueint, 1);
    assert_int_equal(yq_json_get(root, "workers")->valueint, 1);
    cJSON_Delete(root);
}

static void test_pause(void **state)
{
    (void)state;
    clear();
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
    clear();
    expect("events list acme", 0, "no such events");
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na",
         "{\"userid\":\"Li.Na\",\"mobile\":\"13812345678\"}", first);
    push(YQ_EVENT_DEPARTMENT_CREATED, "department:7", "{\"id\":7}", second);
    expect("events list acme", 0, "department:7");
    assert_true(strstr(t.out, "department:7") < strstr(t.out, "member:Li.Na"));
    assert_null(strstr(t.out, "13812345678"));
    expect("events list acme --subject member:li.NA --state pending", 0, "member:Li.Na");
    assert_null(strstr(t.out, "department:7"));
    expect("events list acme --state done", 0, "no such events");
    expect("events list acme --kind department.created --limit 1", 0, "department:7");
    expect("events list acme --to -1d", 0, "no such events");
    expect("events list acme --from -1d --json", 0, "\"state\":\"waiting\"");
    snprintf(line, sizeof(line), "events show acme %s", first);
    expect(line, 0, "138****5678");
    assert_null(strstr(t.out, "13812345678"));
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
    clear();
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
    yq_store_add_run(c, &t.keys, "acme", json);
    commit(c);
}

static void test_sync(void **state)
{
    (void)state;
    clear();
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
    assert_int_equal(yq_queue_range(t.redis, &t.keys, "acme", "-", "+", true, 1, &d, NULL), 0);
    assert_int_equal(d.items[0].kind, YQ_EVENT_COMMAND_SYNC);
    assert_int_equal(d.items[0].subject.id, 7);
    assert_string_equal(d.items[0].source, "command");
    assert_memory_equal(t.out, d.items[0].entry, strlen(d.items[0].entry));
    yq_deliveries_release(&d);
}

/* A worker in miniature: sees the newest command and writes its run. Runs in a child. */
static void answer_command(const char *outcome)
{
    struct yq_deliveries d = {0};
    struct yq_error err = {0};
    for (int i = 0; i < 5000 && d.count == 0; i++) {
        if (yq_queue_range(t.redis, &t.keys, "acme", "-", "+", true, 1, &d, &err) != 0)
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
    clear();
    heartbeat("worker", 0);
    pid_t child = fork();
    if (child == 0) {
        t.redis = yq_redis_new(&t.server->address, 2000);
        answer_command(outcome);
    }
    expect("sync acme --member li.na", status, words);
    assert_non_null(strstr(t.out, "R6 moved"));
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

/* ---- explain ---- */

static void add_audit(const char *event, const char *rule, const char *op, const char *before,
                      const char *after, const char *result)
{
    struct yq_commit *c = yq_commit_new();
    yq_store_add_audit(c, &t.keys, "acme",
                       &(struct yq_audit){.run = event,
                                          .event = event,
                                          .rule = rule,
                                          .op = op,
                                          .subject = "member:li.na",
                                          .before = before,
                                          .after = after,
                                          .result = result});
    commit(c);
}

static void link_member(void)
{
    struct yq_commit *c = yq_commit_new();
    struct yq_link_member l = {.key = "li.na",
                               .userid = "Li.Na",
                               .eteams = "4821000000000000001",
                               .how = "account",
                               .at = 1767225600000};
    yq_store_put_member_link(c, &t.keys, "acme", &l);
    commit(c);
}

static void test_explain_story(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear();
    expect("explain acme member li.na", 0, "no event in the last 7 days, no link");
    expect("explain acme department 7 --json", 0, "\"known\":false");
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    add_audit(entry, "R6", "member.update", "{\"department\":\"11\",\"mobile\":\"13812345678\"}",
              "{\"department\":\"12\",\"mobile\":\"13912345678\"}", "ok");
    add_audit(entry, "", "none", "{}", "{}",
              "{\"word\":\"none\",\"reason\":\"key_taken\",\"args\":[\"mobile\",\"13812345678\"]}");
    add_audit("5-5", "D19", "member.create", "{}", "{\"username\":\"Li Na\"}",
              "{\"word\":\"failed\",\"reason\":\"peer_refused\",\"args\":[\"no\"]}");
    link_member();
    expect("explain acme member LI.NA", 0,
           "linked with record 4821000000000000001 in eteams since 2026-01-01 00:00:00 +00:00, by "
           "account");
    static const char *const story[] = {
        "an event came in that is no longer kept (event 5-5)",
        "WeCom reported that the member changed (event ",
        "the person was changed in eteams [rule R6: department of a member changed]\n",
        "    department: 11 → 12\n",
        "    mobile: 138****5678 → 139****5678\n",
        "nothing was done: its mobile is held in eteams by 138****5678\n",
        "tried, and failed: the person was created in eteams: eteams refused: no [decision 19]\n",
        "    name: Li Na\n",
    };
    const char *at = t.out;
    for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
        const char *found = strstr(at, story[i]);
        if (found == NULL)
            fail_msg("missing, or not in its place: %s\n%s", story[i], t.out);
        at = found;
    }
    assert_null(strstr(t.out, "13812345678"));
    assert_non_null(strstr(t.out, "now: events that are not settled yet: 1"));
    expect("explain acme member li.na --json", 0, "\"why\":\"its mobile is held");
    assert_null(strstr(t.out, "13812345678"));
    write_config("zh");
    expect("explain acme member li.na", 0, "企业微信通知：成员有变更");
    assert_non_null(strstr(t.out, "部门：11 → 12"));
    assert_non_null(strstr(t.out, "其 mobile 在 eteams 中已被 138****5678 占用"));
    expect("queue acme", 0, "待处理");
    write_config("en");
}

static void test_explain_ends(void **state)
{
    (void)state;
    clear();
    link_member();
    expect("explain acme member li.na", 0, "now: nothing waits");
    add_audit("5-5", "guard", "none", "{}", "{}",
              "{\"word\":\"held\",\"reason\":\"guard_held\",\"args\":[\"21\",\"20\",\"max\"]}");
    expect("explain acme member li.na", 0, "now: held by the guard");
    assert_non_null(strstr(t.out, "21 would be removed, the limit is 20 (max)"));
    struct yq_commit *c = yq_commit_new();
    struct yq_attempt a = {
        .key = "member:li.na", .attempts = 2, .next_ms = 1767225600000, .error = "timed out"};
    yq_store_put_attempt(c, &t.keys, "acme", &a);
    yq_store_add_dead(c, &t.keys, "acme", "4-4", "member.updated", "member:Li.Na", 12, "refused",
                      "{}");
    commit(c);
    expect("explain acme member li.na", 0, "now: waits for its next attempt at 2026-01-01");
    assert_non_null(strstr(t.out, "after 2; the last one: timed out"));
    assert_non_null(strstr(t.out, "after 12 attempts (event 4-4): refused"));
    c = yq_commit_new();
    yq_store_put_case(c, &t.keys, "acme", "member:li.na",
                      "{\"word\":\"case\",\"reason\":\"several_hits\",\"args\":[\"11, 12\"],\"at\":"
                      "1767225600000}");
    commit(c);
    expect("explain acme member li.na", 0,
           "now: a case that a person must decide, since 2026-01-01");
    assert_non_null(strstr(t.out, "could be this member: 11, 12"));
    expect("explain acme member li.na --json", 0, "\"case\":{");
}

static void test_redis_away(void **state)
{
    (void)state;
    yq_temp_redis_stop(t.server);
    expect("queue", 1, "yunqiao: ");
    expect("events list acme", 1, "yunqiao: ");
    expect("explain acme member li.na", 1, "yunqiao: ");
    expect("sync acme --member li.na", 1, "yunqiao: ");
    expect("pause acme", 1, "yunqiao: ");
    expect("check", 0, "configuration OK");
    assert_true(yq_temp_redis_start(t.server));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_masking),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_events_beyond_a_page),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_sync_waits_for_its_run),
        cmocka_unit_test(test_explain_story),
        cmocka_unit_test(test_explain_ends),
        cmocka_unit_test(test_redis_away),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
