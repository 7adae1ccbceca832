/* Somebody joins in WeCom, and is in eteams (R1, R3). */
#include "story.h"

#include "base/json.h"

/* Bodies of that path, joined, as they stood on the wire; caller frees. */
static char *bodies(struct stage *s, const char *path)
{
    char *all = NULL;
    size_t len = 0;
    const cJSON *row;
    FILE *f = open_memstream(&all, &len);
    cJSON *wire = stage_call(s, STAGE_ETEAMS, "/_sim/wire?n=200", NULL);
    cJSON_ArrayForEach (row, yq_json_get(wire, "requests")) {
        const char *to = cJSON_GetStringValue(yq_json_get(row, "path"));
        const char *body = cJSON_GetStringValue(yq_json_get(row, "body"));
        if (to != NULL && body != NULL && strstr(to, path) != NULL)
            (void)fprintf(f, "%s\n", body);
    }
    (void)fclose(f);
    cJSON_Delete(wire);
    return all;
}

static void a_department_and_a_member_appear(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发中心", 1);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"Li.Na\",\"name\":\"李娜\","
                          "\"departments\":[2],\"mobile\":\"13800001111\",\"email\":"
                          "\"Li.Na@Example.com\",\"gender\":\"2\"}");
    stage_settle(s, false);
    expect_department(s, "研发中心", "", 2);
    expect_person(s, "li.na", "username", "李娜", "mobile", "13800001111", "email",
                  "li.na@example.com", "sex", "female", "department", "研发中心", "activated", "0",
                  NULL);
    expect_in_audit(s, "department:2", "R1");
    expect_in_audit(s, "member:li.na", "R3");
    expect_all_well(s);
}

/* First login is by password recovery: the bridge knows no password, and lets eteams make the
 * account of mobile or e-mail. */
static void no_password_and_no_account_is_sent(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "wang.fang", "王芳", "1");
    stage_settle(s, false);
    expect_person(s, "wang.fang", "username", "王芳", NULL);
    char *sent = bodies(s, "syncEmployee");
    assert_non_null(strstr(sent, "王芳"));
    assert_null(strstr(sent, "password"));
    assert_null(strstr(sent, "\"account\""));
    free(sent);
    expect_all_well(s);
}

/* 2^53 + 1 is the first integer that a double cannot hold. */
static void ids_beyond_a_double_stay_exact(void **state)
{
    static const char root[] = "9007199254740993", below[] = "4611686018427387905";
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"id_numbers\":true}");
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"departments\":[{\"id\":\"%s\",\"name\":\"总部\",\"parent\":\"0\"},"
         "{\"id\":\"%s\",\"name\":\"市场部\",\"parent\":\"%s\"}]}",
         root, below, root);
    wecom_department(s, 2, "市场部", 1);
    wecom_department(s, 3, "品牌组", 2);
    wecom_member(s, "zhao.lei", "赵磊", "2,1");
    stage_settle(s, false);
    expect_department(s, "品牌组", "市场部", 3);
    expect_person(s, "zhao.lei", "department", "市场部,总部", NULL);
    char *departments = bodies(s, "syncDepartment"), *people = bodies(s, "syncEmployee");
    char *posts = bodies(s, "syncExtra"), *id = person_id(s, "zhao.lei");
    assert_non_null(strstr(departments, "\"parent\":\"4611686018427387905\""));
    assert_non_null(strstr(people, "\"department\":\"4611686018427387905\""));
    assert_non_null(strstr(posts, "\"departmentId\":\"9007199254740993\""));
    assert_non_null(strstr(posts, id));
    free(id);
    free(posts);
    free(people);
    free(departments);
    expect_all_well(s);
}

static void a_tree_is_made_parents_first_in_one_go(void **state)
{
    struct stage *s = story(state);
    hold_events(s);
    wecom_department(s, 2, "华东", 1);
    wecom_department(s, 3, "上海", 2);
    wecom_department(s, 4, "浦东", 3);
    wecom_department(s, 5, "华北", 1);
    wecom_member(s, "sun.li", "孙丽", "4");
    release_events(s, "{\"order\":\"shuffle\",\"seed\":7}");
    stage_settle(s, true);
    expect_department(s, "华东", "", 2);
    expect_department(s, "上海", "华东", 3);
    expect_department(s, "浦东", "上海", 4);
    expect_department(s, "华北", "", 5);
    expect_person(s, "sun.li", "department", "浦东", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 5);
    expect_all_well(s);
}

/* What waits together is written together: up to 100 rows a call. */
static void many_newcomers_share_calls(void **state)
{
    struct stage *s = story(state);
    hold_events(s);
    for (int i = 0; i < 150; i++)
        stage_wecom_change(s,
                           "{\"do\":\"create_member\",\"userid\":\"u%d\",\"name\":\"新人%d\","
                           "\"departments\":[1],\"mobile\":\"13900%06d\"}",
                           i, i, i);
    release_together(s, "{\"max_in_flight\":8}");
    stage_settle(s, false);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 150);
    assert_int_equal(
        ask(s, STAGE_ETEAMS, "/_sim/calls", "calls|/api/hrm/restful/syncEmployee|calls"), 2);
    expect_person(s, "u149", "username", "新人149", "mobile", "13900000149", NULL);
    expect_all_well(s);
}

/* Neither mobile nor e-mail: in eteams without account, found again by the job number. */
static void people_without_mobile_and_mail_get_their_userid_as_number(void **state)
{
    struct stage *s = story(state);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"Gong01\",\"name\":\"工人一\","
                          "\"departments\":[1]}");
    stage_settle(s, false);
    expect_person(s, "gong01", "username", "工人一", "job_num", "Gong01", "user_id", "", NULL);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_department_and_a_member_appear),
        STORY(no_password_and_no_account_is_sent),
        STORY(ids_beyond_a_double_stay_exact),
        STORY(a_tree_is_made_parents_first_in_one_go),
        STORY(many_newcomers_share_calls),
        STORY(people_without_mobile_and_mail_get_their_userid_as_number),
    };
    return cmocka_run_group_tests_name("newcomers", tests, NULL, NULL);
}
