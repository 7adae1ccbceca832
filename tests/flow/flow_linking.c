/* What eteams has already is linked, not made again (R2, R4). */
#include "story.h"

static void a_department_of_that_name_in_that_place_is_linked(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"departments\":[{\"id\":\"4100000000000000001\",\"name\":\"研发\"},"
         "{\"id\":\"4100000000000000003\",\"name\":\"测试\",\"parent\":\"4100000000000000001\"}]}");
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 2);
    stage_settle(s, false);
    assert_int_equal(count_departments(s, "研发"), 1);
    assert_int_equal(count_departments(s, "测试"), 1);
    expect_department(s, "研发", "", 2);
    expect_department(s, "测试", "研发", 3);
    expect_in_audit(s, "department:3", "R2");
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    expect_all_well(s);
}

static void elsewhere_it_is_made_in_the_right_place(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"departments\":[{\"id\":\"4100000000000000001\",\"name\":\"研发\"},"
         "{\"id\":\"4100000000000000003\",\"name\":\"测试\",\"parent\":\"4100000000000000001\"}]}");
    wecom_department(s, 2, "测试", 1);
    stage_settle(s, false);
    assert_int_equal(count_departments(s, "测试"), 2);
    expect_department(s, "测试", "", 2);
    expect_department(s, "测试", "研发", 0);
    expect_all_well(s);
}

static void a_disabled_one_is_enabled_and_linked(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"departments\":[{\"id\":\"4100000000000000001\",\"name\":\"研发\",\"status\":\"0\"}]}");
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    assert_int_equal(count_departments(s, "研发"), 1);
    expect_department(s, "研发", "", 2);
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *row = stage_department_by_name(eteams, "研发");
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(row, "status")->valuestring, "1");
    cJSON_Delete(eteams);
    expect_all_well(s);
}

static void the_same_account_is_linked_whatever_its_case(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"李娜\",\"account\":"
         "\"LI.NA\",\"sex\":\"female\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"Li.Na\",\"name\":\"李娜\","
                          "\"departments\":[1],\"gender\":\"2\"}");
    stage_settle(s, false);
    assert_int_equal(count_people(s, "李娜"), 1);
    expect_person(s, "li.na", "id", "4200000000000000001", "account", "LI.NA", NULL);
    expect_in_audit(s, "member:li.na", "R4");
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    expect_all_well(s);
}

static void mobile_and_mail_link_too_and_values_follow_wecom(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"张三\",\"mobile\":"
         "\"13811112222\"},{\"id\":\"4200000000000000003\",\"username\":\"李四\",\"email\":"
         "\"li.si@example.com\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"zhangsan\",\"name\":\"张三丰\","
                          "\"departments\":[1],\"mobile\":\"+8613811112222\",\"gender\":\"1\"}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"lisi\",\"name\":\"李四\","
                          "\"departments\":[1],\"email\":\"LI.SI@example.com\",\"mobile\":"
                          "\"13833334444\",\"gender\":\"1\"}");
    stage_settle(s, false);
    expect_person(s, "zhangsan", "id", "4200000000000000001", "username", "张三丰", "mobile",
                  "13811112222", "sex", "male", NULL);
    expect_person(s, "lisi", "id", "4200000000000000003", "mobile", "13833334444", NULL);
    expect_all_well(s);
}

/* eteams numbers people itself: an equal number says little without the same name. */
static void a_job_number_links_only_with_the_same_name(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"王五\",\"job_num\":"
         "\"1001\"},{\"id\":\"4200000000000000003\",\"username\":\"赵六\",\"job_num\":\"1002\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"1001\",\"name\":\"王五\","
                          "\"departments\":[1],\"mobile\":\"13855556666\"}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"1002\",\"name\":\"钱七\","
                          "\"departments\":[1],\"mobile\":\"13877778888\"}");
    stage_settle(s, false);
    expect_person(s, "1001", "id", "4200000000000000001", NULL);
    expect_person(s, "1002", "username", "钱七", "job_num", "", NULL);
    assert_int_equal(count_people(s, "赵六"), 1);
    expect_all_well(s);
}

/* Nothing but the number: whose it is a person must say. By then there is a record, and the one
 * answer that is named ends the case. */
static void the_case_of_a_job_number_ends_by_its_answer(void **state)
{
    struct stage *s = story(state);
    char *text;
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000003\",\"username\":\"赵六\",\"job_num\":"
         "\"1002\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"1002\",\"name\":\"钱七\","
                          "\"departments\":[1]}");
    stage_settle(s, false);
    assert_int_equal(stage_command(s, &text, "cases", "acme", "--json", NULL), 0);
    assert_non_null(strstr(text, "name_differs"));
    assert_non_null(strstr(text, "\"answers\":[\"yunqiao sync acme --member 1002\"]"));
    free(text);
    expect_command(s, 0, "sync", "acme", "--member", "1002", NULL);
    assert_int_equal(stage_command(s, &text, "cases", "acme", "--json", NULL), 0);
    assert_string_equal(text, "[]\n");
    free(text);
}

/* The account says one person, the mobile another: a person decides, nothing is written. */
static void two_candidates_make_a_case(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"孙一\",\"account\":"
         "\"sunyi\"},{\"id\":\"4200000000000000003\",\"username\":\"孙二\",\"mobile\":"
         "\"13812345678\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"sunyi\",\"name\":\"孙一\","
                          "\"departments\":[1],\"mobile\":\"13812345678\"}");
    stage_settle(s, false);
    expect_nobody(s, "sunyi");
    assert_int_equal(count_people(s, "孙一"), 1);
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:sunyi");
    assert_non_null(strstr(cases, "several_hits"));
    assert_non_null(strstr(cases, "4200000000000000003"));
    free(cases);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    expect_all_well(s);
}

/* Both sides had the same company before the bridge came: linking costs eteams no row, and there is
 * nobody twice. */
static void a_mirrored_company_is_only_linked(void **state)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){.seed = 5, .people = 40, .departments = 8, .mirrored = true});
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    cJSON *before = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *m;
    cJSON_ArrayForEach (m, cJSON_GetObjectItemCaseSensitive(wecom, "members"))
        stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"alias\":\"x\"}",
                           cJSON_GetObjectItemCaseSensitive(m, "userid")->valuestring);
    stage_settle(s, false);
    cJSON *after = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    char *count = stage_redis_text(s, "HLEN yq:{acme}:link:member");
    assert_int_equal(atoi(count), 40);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(before, "members")),
                     cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(after, "members")));
    free(count);
    cJSON_Delete(after);
    cJSON_Delete(before);
    cJSON_Delete(wecom);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_department_of_that_name_in_that_place_is_linked),
        STORY(elsewhere_it_is_made_in_the_right_place),
        STORY(a_disabled_one_is_enabled_and_linked),
        STORY(the_same_account_is_linked_whatever_its_case),
        STORY(mobile_and_mail_link_too_and_values_follow_wecom),
        STORY(a_job_number_links_only_with_the_same_name),
        STORY(the_case_of_a_job_number_ends_by_its_answer),
        STORY(two_candidates_make_a_case),
        STORY(a_mirrored_company_is_only_linked),
    };
    return cmocka_run_group_tests_name("linking", tests, NULL, NULL);
}
