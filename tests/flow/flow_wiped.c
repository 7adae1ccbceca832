/* Redis lost everything, the links too: who is who is found anew, nobody is made twice, and what
 * was read before is not believed any more. */
#include "grown.h"

#define QUERY_ORG "/api/hrm/restful/queryOrg"

/* ---- who is found again ---- */

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none && is_reconciled(s);
}

static void wipe(struct stage *s)
{
    free(stage_redis_text(s, "FLUSHALL"));
    stage_advance(s, 6000);
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_logged(s, 0, "redis.lost_data");
    stage_settle(s, true);
}

/* No mobile, no e-mail, not even in an event. */
static void member_without_keys(struct stage *s, const char *userid, const char *name,
                                const char *departments)
{
    stage_wecom_change(s,
                       "{\"do\":\"create_member\",\"userid\":\"%s\",\"name\":\"%s\","
                       "\"departments\":[%s]}",
                       userid, name, departments);
}

/* The case names that record; and so does the command that answers it. */
static void expect_namesake(struct stage *s, const char *userid, const char *id)
{
    char *text, *answer = NULL;
    char *json = stage_redis_text(s, "HGET yq:{acme}:cases member:%s", userid);
    if (strstr(json, "\"namesake\"") == NULL || strstr(json, id) == NULL)
        fail_msg("the case of %s is %s", userid, json);
    assert_int_equal(stage_command(s, &text, "cases", "acme", NULL), 0);
    assert_true(asprintf(&answer, "yunqiao link acme member %s %s", userid, id) > 0);
    if (strstr(text, answer) == NULL)
        fail_msg("\"%s\" is not offered: %s", answer, text);
    free(answer);
    free(text);
    free(json);
}

/* WeCom shows neither mobile nor e-mail to the app; only the events of creation told some. */
static void nobody_is_made_twice_whose_keys_are_hidden(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "市场", 1);
    wecom_member(s, "li.na", "李娜", "2");
    wecom_member(s, "wang.wei", "王伟", "3,2");
    member_without_keys(s, "zhao.min", "赵敏", "2");
    stage_settle(s, false);
    char *li_na = person_id(s, "li.na"), *wang_wei = person_id(s, "wang.wei");
    int64_t made = writes(s, "creates");
    wipe(s);
    assert_int_equal(writes(s, "creates"), made);
    expect_person(s, "zhao.min", "job_num", "zhao.min", NULL); /* for which that was written */
    expect_nobody(s, "li.na");
    expect_namesake(s, "li.na", li_na);
    expect_namesake(s, "wang.wei", wang_wei);
    member_without_keys(s, "li.na2", "李娜", "3"); /* of that name elsewhere */
    stage_settle(s, true);
    expect_person(s, "li.na2", "department", "市场", NULL);
    assert_int_equal(writes(s, "creates"), made + 1);
    expect_command(s, 0, "link", "acme", "member", "li.na", li_na, NULL);
    expect_person(s, "li.na", "id", li_na, NULL);
    expect_command(s, 0, "sync", "acme", "--member", "wang.wei", NULL); /* somebody else */
    assert_int_equal(count_people(s, "王伟"), 2);
    expect_person(s, "wang.wei", "job_num", "wang.wei", NULL);
    assert_int_equal(writes(s, "creates"), made + 2);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_string_equal(cases, "");
    free(cases);
    free(wang_wei);
    free(li_na);
    expect_dead(s, 0);
}

/* Many of them: eteams is not asked for each, but read by pages. */
static void a_company_whose_keys_are_hidden(void **state)
{
    struct stage *s = story(state);
    char userid[16], name[32];
    wecom_department(s, 2, "研发", 1);
    for (unsigned i = 0; i < 60; i++) {
        (void)snprintf(userid, sizeof(userid), "user.%u", i);
        (void)snprintf(name, sizeof(name), "员工%u", i / 2); /* always two of one name */
        wecom_member(s, userid, name, "2");
    }
    stage_settle(s, false);
    wipe(s);
    assert_int_equal(writes(s, "creates"), 1 + 60);
    char *count = stage_redis_text(s, "HLEN yq:{acme}:cases");
    assert_string_equal(count, "60");
    free(count);
    expect_dead(s, 0);
}

/* ---- a reconcile that was under way ---- */

static bool is_reading(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

static bool is_linked_anew(struct stage *s)
{
    char *link = stage_redis_text(s, "HGET yq:{acme}:link:department 2");
    bool is = *link != '\0';
    free(link);
    return is && count_departments(s, "平台") == 1;
}

/* It has read the old name. Since then there was an event, and a wipe of all that would tell it so:
 * were the department linked by that name, the one that was made since would be in its way. */
static void a_reconcile_does_not_outlive_a_wipe(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"" QUERY_ORG "\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":4000}");
    free(stage_redis_text(s, "FLUSHALL"));
    stage_advance(s, 6000);
    await(s, is_reading, "the reconcile reads eteams' departments");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"平台\"}");
    await(s, is_linked_anew, "the event made the department");
    free(stage_redis_text(s, "FLUSHALL"));
    await_log(s, 0, "reconcile.failed");
    stage_advance(s, 6000);
    await(s, nothing_is_owed, "the reconcile that was owed");
    stage_settle(s, true);
    expect_department(s, "平台", "", 2);
    expect_person(s, "li.na", "department", "平台", NULL);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_string_equal(cases, "");
    free(cases);
    expect_dead(s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(nobody_is_made_twice_whose_keys_are_hidden),
        STORY(a_company_whose_keys_are_hidden),
        STORY(a_reconcile_does_not_outlive_a_wipe),
    };
    return cmocka_run_group_tests_name("wiped", tests, NULL, NULL);
}
