/* What an operator is asked and answers: plans, approve, cases, links, link, unlink, and how
 * explain names them; against a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "console.h"
#include "plan/held.h"

#define HASH "0123456789abcdef0123456789abcdef"
#define DAY_MS (INT64_C(24) * 3600 * 1000)

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
    freeReplyObject(yq_redis_command(console.redis, NULL, "SET %s %s", key, yq_buf_text(&json)));
    set_hash("yq:{acme}:held", hash, "people");
    yq_buf_release(&json);
}

static void test_plans(void **state)
{
    (void)state;
    clear_redis();
    expect("plans acme", 0, "nothing is held");
    hold(HASH, 12, 3000);
    hold("ffffffffffffffffffffffffffffffff", 3, 8 * DAY_MS);
    expect("plans acme", 0, HASH "  held since ");
    assert_non_null(strstr(console.out, "people: 12"));
    assert_non_null(strstr(console.out, "Name 0, Name 1,"));
    assert_non_null(strstr(console.out, "Name 9, …"));
    assert_non_null(strstr(console.out, "yunqiao approve acme " HASH));
    assert_null(strstr(console.out, "ffffffff"));
    expect("plans acme " HASH, 0,
           "482100000000000"
           "0011");
    assert_non_null(strstr(console.out, "member:u11"));
    assert_non_null(strstr(console.out, "resign"));
    expect("plans acme ffffffffffffffffffffffffffffffff", 1, "holds no plan");
    expect("plans acme --json", 0, "\"people\":12");
    cJSON *list = yq_json_parse(console.out, strlen(console.out), NULL);
    assert_int_equal(cJSON_GetArraySize(list), 1);
    cJSON_Delete(list);
    expect("plans acme " HASH " --json", 0, "\"target\":\"4821000000000000011\"");
    set_language("zh");
    expect("plans acme", 0, "人数：12");
    set_language("en");
}

/* The newest event; the caller releases it. */
static void expect_queued(enum yq_event_kind kind, const char *subject, const char *data)
{
    struct yq_deliveries d = {0};
    char text[YQ_SUBJECT_MAX];
    assert_int_equal(
        yq_queue_range(console.redis, &console.keys, "acme", "-", "+", true, 1, &d, NULL), 0);
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
    clear_redis();
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
    clear_redis();
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
        if (strstr(console.out, answers[i]) == NULL)
            fail_msg("%s is missing:\n%s", answers[i], console.out);
    }
    expect("cases acme --json", 0, "\"answers\":[\"yunqiao link acme department 7 901\"");
    expect("explain acme member li.na", 0, "yunqiao link acme member li.na EMPLOYEEID");
    expect("explain acme member li.na --json", 0, "\"answers\":[\"yunqiao link acme");
    set_language("zh");
    expect("cases acme", 0, "让此人复职");
    set_language("en");
}

/* Whoever is linked is not linked with another record before it is unlinked: no answer that would
 * be refused. */
static void test_answers_for_those_that_are_linked(void **state)
{
    (void)state;
    clear_redis();
    set_hash("yq:{acme}:cases", "member:1002",
             "{\"word\":\"case\",\"reason\":\"name_differs\",\"args\":[\"1002\"],\"at\":1}");
    set_hash("yq:{acme}:cases", "department:7",
             "{\"word\":\"case\",\"reason\":\"name_taken\",\"args\":[\"901\"],\"at\":1}");
    expect("cases acme", 0, "yunqiao link acme member 1002 EMPLOYEEID");
    set_hash("yq:{acme}:link:member", "1002", "{\"v\":1,\"userid\":\"1002\",\"eteams\":\"77\"}");
    set_hash("yq:{acme}:link:department", "7", "{\"v\":1,\"eteams\":\"900\",\"how\":\"name\"}");
    expect("cases acme --json", 0, "\"answers\":[\"yunqiao sync acme --member 1002\"]");
    assert_non_null(strstr(console.out, "\"answers\":[\"yunqiao unlink acme department 7\","
                                        "\"yunqiao sync acme --department 7\"]"));
    expect("explain acme member 1002", 0, "yunqiao sync acme --member 1002  (");
    assert_null(strstr(console.out, "yunqiao link "));
}

static void test_links(void **state)
{
    (void)state;
    clear_redis();
    expect("links acme", 0, "nothing is linked");
    set_hash("yq:{acme}:link:member", "li.na",
             "{\"v\":1,\"userid\":\"Li.Na\",\"eteams\":\"4821000000000000001\",\"how\":\"command\","
             "\"at\":1767225600000,\"left\":true}");
    set_hash("yq:{acme}:link:department", "7",
             "{\"v\":1,\"eteams\":\"900\",\"how\":\"name\",\"at\":1767225600000}");
    expect("links acme", 0, "member:Li.Na");
    assert_non_null(strstr(console.out, "by an operator"));
    assert_non_null(strstr(console.out, "resigned by us"));
    assert_non_null(strstr(console.out, "department:7"));
    expect("links acme --member", 0, "4821000000000000001");
    assert_null(strstr(console.out, "department:7"));
    expect("links acme --department --json", 0, "\"eteams\":\"900\"");
    assert_null(strstr(console.out, "Li.Na"));
}

static void test_explain_names_the_plan(void **state)
{
    (void)state;
    clear_redis();
    set_hash("yq:{acme}:link:member", "u1",
             "{\"v\":1,\"userid\":\"u1\",\"eteams\":\"801\",\"how\":\"account\",\"at\":1}");
    hold(HASH, 3, 1000);
    expect("explain acme member u1", 0, "now: held by the guard since ");
    assert_non_null(strstr(console.out, "3 in all"));
    assert_non_null(strstr(console.out, "yunqiao approve acme " HASH));
    assert_non_null(strstr(console.out, "yunqiao plans acme " HASH));
    expect("explain acme member u1 --json", 0, "\"held\":{\"hash\":\"" HASH "\"");
    hold(HASH, 3, 8 * DAY_MS);
    expect("explain acme member u1", 0, "now: nothing waits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans), cmocka_unit_test(test_orders_go_on_the_queue),
        cmocka_unit_test(test_cases), cmocka_unit_test(test_answers_for_those_that_are_linked),
        cmocka_unit_test(test_links), cmocka_unit_test(test_explain_names_the_plan),
    };
    return cmocka_run_group_tests(tests, console_start, console_stop);
}
