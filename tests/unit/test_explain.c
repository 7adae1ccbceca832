/* explain: one subject told as a story, and how its story ends, against a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clients/queue.h"
#include "clients/store.h"
#include "clients/system_clock.h"
#include "console.h"
#include "model/link.h"

static void add_audit(const char *event, const char *rule, const char *op, const char *before,
                      const char *after, const char *result)
{
    struct yq_commit *c = yq_commit_new();
    yq_store_add_audit(c, &console.keys, "acme",
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
    yq_store_put_member_link(c, &console.keys, "acme", &l);
    commit(c);
}

static void test_explain_story(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear_redis();
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
        "tried, and failed: create the person in eteams: eteams refused: no [decision 19]\n",
        "    name: Li Na\n",
    };
    const char *at = console.out;
    for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
        const char *found = strstr(at, story[i]);
        if (found == NULL)
            fail_msg("missing, or not in its place: %s\n%s", story[i], console.out);
        at = found;
    }
    assert_null(strstr(console.out, "13812345678"));
    assert_non_null(strstr(console.out, "now: events that are not settled yet: 1"));
    expect("explain acme member li.na --json", 0, "\"why\":\"its mobile is held");
    assert_null(strstr(console.out, "13812345678"));
    set_language("zh");
    expect("explain acme member li.na", 0, "企业微信通知：成员有变更");
    assert_non_null(strstr(console.out, "部门：11 → 12"));
    assert_non_null(strstr(console.out, "其 mobile 在 eteams 中已被 138****5678 占用"));
    expect("queue acme", 0, "待处理");
    set_language("en");
}

static void add_failure(const char *event, const char *op, const char *why)
{
    char result[128];
    snprintf(result, sizeof(result),
             "{\"word\":\"failed\",\"reason\":\"peer_refused\",\"args\":[\"%s\"]}", why);
    add_audit(event, "R6", op, "{\"department\":\"11\"}", "{\"department\":\"12\"}", result);
}

/* Stories are told by the millisecond. */
static void next_millisecond(void)
{
    int64_t now = yq_wall_ms(yq_system_clock());
    while (yq_wall_ms(yq_system_clock()) == now)
        ;
}

/* How often it stands in what was printed. */
static size_t times(const char *words)
{
    size_t n = 0;
    for (const char *at = console.out; (at = strstr(at, words)) != NULL; at++)
        n++;
    return n;
}

/* Two rows of one subject fail twelve times, then for another reason, then after another event. */
static void test_attempts_that_fail_alike_are_one_line(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    clear_redis();
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    for (int i = 0; i < 12; i++) {
        add_failure(entry, "member.update", "no");
        add_failure(entry, "post.add", "no");
    }
    add_failure(entry, "member.update", "still no");
    next_millisecond();
    push(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", "{}", entry);
    add_failure(entry, "member.update", "no");
    add_audit(entry, "", "none", "{}", "{}", "{\"word\":\"none\",\"reason\":\"in_step\"}");
    add_failure(entry, "member.update", "no");
    expect("explain acme member li.na", 0, "tried 12 times, the last time at ");
    assert_int_equal(times("tried 12 times, the last time at "), 2);
    assert_int_equal(times("and failed: change the person in eteams: eteams refused: no "), 3);
    assert_int_equal(times("eteams refused: no "), 4);
    assert_int_equal(times("tried, and failed: "), 3);
    assert_int_equal(times("eteams refused: still no "), 1);
    assert_int_equal(times("department: 11 → 12"), 5);
    const char *refused = strstr(console.out, "eteams refused: no ");
    assert_true(refused < strstr(console.out, "still no"));
    expect("explain acme member li.na --json", 0, "\"steps\":[");
    assert_int_equal(times("\"result\":\"failed\""), 27); /* who reads it folds it himself */
    set_language("zh");
    expect("explain acme member li.na", 0, "尝试 12 次均失败（最近一次 ");
    set_language("en");
}

/* What eteams was asked and answered, by operation: also where the answer was lost, and where there
 * was nothing to ask. */
static void test_explain_names_calls_and_answers(void **state)
{
    (void)state;
    clear_redis();
    add_audit("5-5", "R4", "member.link", "{}", "{}", "ok");
    expect("explain acme member li.na", 0, "was linked with a person");
    assert_null(strstr(console.out, "    call "));
    add_audit("5-5", "R6", "member.update", "{\"department\":\"11\"}", "{\"department\":\"12\"}",
              "ok");
    add_audit("5-5", "R7", "post.add", "{}", "{\"post\":\"12\"}",
              "{\"word\":\"failed\",\"reason\":\"peer_refused\",\"args\":[\"syncExtra: 410008 no "
              "such department 13812345678\"]}");
    add_audit("5-5", "R5", "member.resign", "{}", "{}",
              "{\"word\":\"failed\",\"reason\":\"answer_lost\"}");
    expect("explain acme member li.na", 0, "    call syncEmployee, answer: ok\n");
    assert_non_null(
        strstr(console.out, "    call syncExtra, answer: 410008 no such department 138****5678\n"));
    assert_non_null(strstr(console.out, "    call syncEmployee, answer: none, it was lost\n"));
    add_audit(
        "5-5", "R5", "department.disable", "{}", "{}",
        "{\"word\":\"failed\",\"reason\":\"peer_refused\",\"args\":[\"syncDepartment: 410005\"]}");
    expect("explain acme member li.na", 0, "    call syncDepartment, answer: 410005\n");
    expect("explain acme member li.na --json", 0,
           "\"call\":\"syncEmployee\",\"answer\":{\"ok\":true}");
    assert_non_null(strstr(console.out,
                           "\"call\":\"syncExtra\",\"answer\":{\"ok\":false,\"code\":410008,"
                           "\"words\":\"no such department 138****5678\"}"));
    assert_non_null(strstr(console.out, "\"answer\":{\"ok\":false,\"lost\":true,"));
    assert_non_null(strstr(console.out, "\"in_step\":false"));
    set_language("zh");
    expect("explain acme member li.na", 0, "    调用 syncEmployee，返回：正常\n");
    set_language("en");
}

static void add_run(const char *json)
{
    struct yq_commit *c = yq_commit_new();
    yq_store_add_run(c, &console.keys, "acme", json);
    commit(c);
}

/* Nothing ever happened to it: what is known is when it was looked at. */
static void test_explain_says_when_it_was_compared(void **state)
{
    (void)state;
    clear_redis();
    expect("explain acme member stranger", 0, "never compared as a whole");
    set_hash("yq:{acme}:reconciled", "members", "1767225600000");
    set_hash("yq:{acme}:reconciled", "departments", "1767225660000");
    expect("explain acme member stranger", 0,
           "compared at 2026-01-01 00:00:00 +00:00, and it was linked with nobody");
    expect("explain acme department 9", 0,
           "at 2026-01-01 00:01:00 +00:00, and it was linked with nobody");
    link_member();
    expect("explain acme member li.na", 0,
           "now: nothing waits; both sides were last compared at 2026-01-01 00:00:00 +00:00\n");
    expect("explain acme member li.na --json", 0, "\"in_step\":true,\"compared_ms\":1767225600000");
    add_run("{\"kind\":\"full\",\"outcome\":\"done\",\"dry_run\":false,\"ended\":1767225600000,"
            "\"verdicts\":[{\"subject\":\"member:Li.Na\",\"verdict\":\"wait\",\"reason\":"
            "\"unreadable\",\"args\":[\"no answer\"]},{\"subject\":\"member:stranger\","
            "\"verdict\":\"none\",\"reason\":\"protected\"}]}");
    expect("explain acme member li.na", 0,
           "now: waits, as the reconcile found that ended at 2026-01-01 00:00:00 +00:00: it could "
           "not be read: no answer\n");
    expect("explain acme member li.na --json", 0,
           "\"left\":{\"waits\":true,\"ms\":1767225600000,\"reason\":\"unreadable\"}");
    expect("explain acme member stranger", 0, "now: left as it is by the reconcile that ended");
    add_run("{\"kind\":\"departments\",\"outcome\":\"done\",\"ended\":1767225660000,"
            "\"verdicts\":[]}");
    add_run("{\"kind\":\"full\",\"outcome\":\"done\",\"dry_run\":true,\"ended\":1767225670000,"
            "\"verdicts\":[]}");
    expect("explain acme member li.na", 0, "now: waits, as the reconcile found");
    add_run("{\"kind\":\"members\",\"outcome\":\"done\",\"dry_run\":false,\"ended\":1767225680000,"
            "\"verdicts\":[]}");
    expect("explain acme member li.na", 0, "now: nothing waits; both sides were last compared");
    set_language("zh");
    expect("explain acme member li.na", 0, "最近一次双方核对于");
    set_language("en");
    add_audit("5-5", "", "none", "{}", "{}", "{\"word\":\"none\",\"reason\":\"in_step\"}");
    expect("explain acme member li.na", 0, "now: nothing waits; both sides agreed at 20");
    add_audit("5-5", "", "none", "{}", "{}", "{\"word\":\"none\",\"reason\":\"out_of_sight\"}");
    expect("explain acme member li.na", 0, "now: nothing waits\n");
}

static void test_explain_ends(void **state)
{
    (void)state;
    clear_redis();
    link_member();
    expect("explain acme member li.na", 0, "now: nothing waits");
    add_audit("5-5", "guard", "none", "{}", "{}",
              "{\"word\":\"held\",\"reason\":\"guard_held\",\"args\":[\"21\",\"20\",\"max\"]}");
    expect("explain acme member li.na", 0, "now: held by the guard");
    assert_non_null(strstr(console.out, "21 would be removed, the limit is 20 (max)"));
    struct yq_commit *c = yq_commit_new();
    struct yq_attempt a = {
        .key = "member:li.na", .attempts = 2, .next_ms = 1767225600000, .error = "timed out"};
    yq_store_put_attempt(c, &console.keys, "acme", &a);
    yq_store_add_dead(c, &console.keys, "acme",
                      &(struct yq_dead){.entry = "4-4",
                                        .kind = "member.updated",
                                        .subject = "member:Li.Na",
                                        .attempts = 12,
                                        .error = "refused"});
    commit(c);
    expect("explain acme member li.na", 0, "now: waits for its next attempt at 2026-01-01");
    assert_non_null(strstr(console.out, "after 2; the last one: timed out"));
    assert_non_null(strstr(console.out, "after 12 attempts (event 4-4): refused"));
    c = yq_commit_new();
    yq_store_put_case(c, &console.keys, "acme", "member:li.na",
                      "{\"word\":\"case\",\"reason\":\"several_hits\",\"args\":[\"11, 12\"],\"at\":"
                      "1767225600000}");
    commit(c);
    expect("explain acme member li.na", 0,
           "now: a case that a person must decide, since 2026-01-01");
    assert_non_null(strstr(console.out, "could be this member: 11, 12"));
    expect("explain acme member li.na --json", 0, "\"case\":{");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain_story),
        cmocka_unit_test(test_attempts_that_fail_alike_are_one_line),
        cmocka_unit_test(test_explain_names_calls_and_answers),
        cmocka_unit_test(test_explain_says_when_it_was_compared),
        cmocka_unit_test(test_explain_ends),
    };
    return cmocka_run_group_tests(tests, console_start, console_stop);
}
