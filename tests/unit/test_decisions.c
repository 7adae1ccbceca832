/* What an operator is asked and answers: plans, approve, cases, links, link, unlink, and how
 * explain names them; against a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/app/commands.h"
#include "base/json.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "model/link.h"
#include "plan/held.h"
#include "support/temp_redis.h"

#define HASH "0123456789abcdef0123456789abcdef"
#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct {
    struct yq_temp_redis *server;
    struct yq_redis *redis;
    struct yq_keys keys;
    char config[128];
    char *out, *err;
} t;

static void write_config(const char *language)
{
    FILE *f = fopen(t.config, "w");
    assert_non_null(f);
    fprintf(f,
            "redis: {url: \"%s\"}\nlanguage: %s\ntime_zone: UTC\nconnections:\n"
            "- id: acme\n  wecom: {corp_id: ww1, app_secret: x, callback: {token: T, "
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

/* Runs the program and expects its status, and the words in what it printed. */
static void expect(const char *line, int status, const char *words)
{
    char copy[512], *argv[32], *rest = NULL;
    size_t len;
    int argc = 0;
    free(t.out);
    free(t.err);
    FILE *out = open_memstream(&t.out, &len), *err = open_memstream(&t.err, &len);
    snprintf(copy, sizeof(copy), "yunqiao %s", line);
    for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    argv[argc] = NULL;
    setenv("YUNQIAO_CONFIG", t.config, 1);
    int got = yq_program(argc, argv, out, err);
    fclose(out);
    fclose(err);
    if (got != status || (strstr(t.out, words) == NULL && strstr(t.err, words) == NULL))
        fail_msg("%s: status %d, expected %d and \"%s\"\n%s%s", line, got, status, words, t.out,
                 t.err);
}

static void clear(void)
{
    freeReplyObject(yq_redis_command(t.redis, NULL, "FLUSHALL"));
}

static void set_hash(const char *key, const char *field, const char *value)
{
    freeReplyObject(yq_redis_command(t.redis, NULL, "HSET %s %s %s", key, field, value));
}

/* So many people, held so long ago. */
static void hold(const char *hash, int people, int64_t age_ms)
{
    struct yq_buf json = YQ_BUF_INIT;
    char key[80];
    yq_buf_addf(&json, "{\"v\":2,\"hash\":\"%s\",\"at\":%lld,\"run\":\"5-5\",\"operations\":[",
                hash, (long long)(yq_wall_ms(yq_system_clock()) - age_ms));
    for (int i = 0; i < people; i++)
        yq_buf_addf(&json,
                    "%s{\"op\":\"member.resign\",\"rule\":\"R5\",\"subject\":\"member:u%d\","
                    "\"target\":\"482100000000000%04d\",\"name\":\"Name %d\"}",
                    i ? "," : "", i, i, i);
    yq_buf_adds(&json, "]}");
    snprintf(key, sizeof(key), "yq:{acme}:plan:%s", hash);
    freeReplyObject(yq_redis_command(t.redis, NULL, "SET %s %s", key, yq_buf_text(&json)));
    set_hash("yq:{acme}:held", hash, "people");
    yq_buf_release(&json);
}

static void test_plans(void **state)
{
    (void)state;
    clear();
    expect("plans acme", 0, "nothing is held");
    hold(HASH, 12, 3000);
    hold("ffffffffffffffffffffffffffffffff", 3, 8 * DAY_MS);
    expect("plans acme", 0, HASH "  held since ");
    assert_non_null(strstr(t.out, "people: 12"));
    assert_non_null(strstr(t.out, "Name 0, Name 1,"));
    assert_non_null(strstr(t.out, "Name 9, …"));
    assert_non_null(strstr(t.out, "yunqiao approve acme " HASH));
    assert_null(strstr(t.out, "ffffffff"));
    expect("plans acme " HASH, 0,
           "482100000000000"
           "0011");
    assert_non_null(strstr(t.out, "member:u11"));
    assert_non_null(strstr(t.out, "resign"));
    expect("plans acme ffffffffffffffffffffffffffffffff", 1, "holds no plan");
    expect("plans acme --json", 0, "\"people\":12");
    cJSON *list = yq_json_parse(t.out, strlen(t.out), NULL);
    assert_int_equal(cJSON_GetArraySize(list), 1);
    cJSON_Delete(list);
    expect("plans acme " HASH " --json", 0, "\"target\":\"4821000000000000011\"");
    write_config("zh");
    expect("plans acme", 0, "人数：12");
    write_config("en");
}

/* The newest event; the caller releases it. */
static void expect_queued(enum yq_event_kind kind, const char *subject, const char *data)
{
    struct yq_deliveries d = {0};
    char text[YQ_SUBJECT_MAX];
    assert_int_equal(yq_queue_range(t.redis, &t.keys, "acme", "-", "+", true, 1, &d, NULL), 0);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.items[0].kind, kind);
    yq_subject_format(&d.items[0].subject, text);
    assert_string_equal(text, subject);
    assert_string_equal(d.items[0].source, "command");
    if (strstr(d.items[0].data, data) == NULL)
        fail_msg("%s: %s", subject, d.items[0].data);
    yq_deliveries_release(&d);
}

static void test_orders_go_on_the_queue(void **state)
{
    (void)state;
    clear();
    expect("approve acme " HASH " --no-wait", 0, "-");
    expect_queued(YQ_EVENT_COMMAND_APPROVE, "all", "\"hash\":\"" HASH "\"");
    expect("link acme member Li.Na 4821000000000000001 --no-wait", 0, "-");
    expect_queued(YQ_EVENT_COMMAND_LINK, "member:Li.Na", "\"eteams\":\"4821000000000000001\"");
    expect("link acme department 12 900 --no-wait --json", 0, "{\"run\":\"");
    expect_queued(YQ_EVENT_COMMAND_LINK, "department:12", "\"eteams\":\"900\"");
    expect("unlink acme department 12 --no-wait", 0, "-");
    expect_queued(YQ_EVENT_COMMAND_UNLINK, "department:12", "{\"run\":");
    expect("approve acme " HASH, 1, "no worker is alive");
}

static void test_cases(void **state)
{
    (void)state;
    clear();
    expect("cases acme", 0, "nothing waits for a decision");
    set_hash("yq:{acme}:cases", "member:li.na",
             "{\"word\":\"case\",\"reason\":\"several_hits\",\"args\":[\"11,12\"],\"at\":"
             "1767225600000}");
    set_hash("yq:{acme}:cases", "department:7",
             "{\"word\":\"case\",\"reason\":\"name_taken\",\"args\":[\"901\"],\"at\":1}");
    set_hash("yq:{acme}:cases", "department:8",
             "{\"word\":\"case\",\"reason\":\"name_linked\",\"args\":[\"5\"],\"at\":1}");
    set_hash("yq:{acme}:cases", "member:x",
             "{\"word\":\"case\",\"reason\":\"left_in_eteams\",\"args\":[],\"at\":1}");
    expect("cases acme", 0, "member:li.na  since 2026-01-01 00:00:00 +00:00: more than one person");
    static const char *const answers[] = {"yunqiao link acme member li.na EMPLOYEEID",
                                          "yunqiao sync acme --member li.na",
                                          "yunqiao link acme department 7 901",
                                          "yunqiao unlink acme department 5",
                                          "yunqiao sync acme --member x  (take the person back)",
                                          "yunqiao unlink acme member x"};
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strstr(t.out, answers[i]) == NULL)
            fail_msg("%s is missing:\n%s", answers[i], t.out);
    }
    expect("cases acme --json", 0, "\"answers\":[\"yunqiao link acme department 7 901\"");
    expect("explain acme member li.na", 0, "yunqiao link acme member li.na EMPLOYEEID");
    expect("explain acme member li.na --json", 0, "\"answers\":[\"yunqiao link acme");
    write_config("zh");
    expect("cases acme", 0, "让此人复职");
    write_config("en");
}

static void test_links(void **state)
{
    (void)state;
    clear();
    expect("links acme", 0, "nothing is linked");
    set_hash("yq:{acme}:link:member", "li.na",
             "{\"v\":1,\"userid\":\"Li.Na\",\"eteams\":\"4821000000000000001\",\"how\":\"command\","
             "\"at\":1767225600000,\"left\":true}");
    set_hash("yq:{acme}:link:department", "7",
             "{\"v\":1,\"eteams\":\"900\",\"how\":\"name\",\"at\":1767225600000}");
    expect("links acme", 0, "member:Li.Na");
    assert_non_null(strstr(t.out, "by an operator"));
    assert_non_null(strstr(t.out, "resigned by us"));
    assert_non_null(strstr(t.out, "department:7"));
    expect("links acme --member", 0, "4821000000000000001");
    assert_null(strstr(t.out, "department:7"));
    expect("links acme --department --json", 0, "\"eteams\":\"900\"");
    assert_null(strstr(t.out, "Li.Na"));
}

static void test_explain_names_the_plan(void **state)
{
    (void)state;
    clear();
    set_hash("yq:{acme}:link:member", "u1",
             "{\"v\":1,\"userid\":\"u1\",\"eteams\":\"801\",\"how\":\"account\",\"at\":1}");
    hold(HASH, 3, 1000);
    expect("explain acme member u1", 0, "now: held by the guard since ");
    assert_non_null(strstr(t.out, "3 in all"));
    assert_non_null(strstr(t.out, "yunqiao approve acme " HASH));
    assert_non_null(strstr(t.out, "yunqiao plans acme " HASH));
    expect("explain acme member u1 --json", 0, "\"held\":{\"hash\":\"" HASH "\"");
    hold(HASH, 3, 8 * DAY_MS);
    expect("explain acme member u1", 0, "now: nothing waits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_orders_go_on_the_queue),
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_explain_names_the_plan),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
