/* People and departments move and are renamed (R6, R7, R8). */
#include "story.h"

static struct stage *begin(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 1);
    wecom_department(s, 4, "运维", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    return s;
}

static void another_department_in_wecom_is_another_in_eteams(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[3]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "测试", NULL);
    expect_in_audit(s, "member:li.na", "R6");
    expect_all_well(s);
}

static void a_second_department_is_a_post(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,测试", NULL);
    expect_in_audit(s, "member:li.na", "R7");
    stage_wecom_change(s,
                       "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3,4]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,测试,运维", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,4]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,运维", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[4]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "运维", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "post_adds"), 2);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "post_removes"), 2);
    expect_all_well(s);
}

/* WeCom says nothing but the new main department then. */
static void the_main_department_alone_is_swapped(void **state)
{
    struct stage *s = begin(state);
    stage_callback_more(s, "\"quirks\":{\"main_department_only\":true}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3],"
                          "\"main_department\":2}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,测试", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"main_department\":3}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "测试,研发", NULL);
    expect_all_well(s);
}

static void posts_made_in_eteams_stay(void **state)
{
    struct stage *s = begin(state);
    char *id = person_id(s, "li.na");
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *row = stage_department_by_name(eteams, "运维");
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"add_post\",\"id\":\"%s\",\"departmentId\":\"%s\"}", id,
         cJSON_GetObjectItemCaseSensitive(row, "id")->valuestring);
    cJSON_Delete(eteams);
    free(id);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,测试,运维", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,运维", NULL);
    expect_all_well(s);
}

/* Nobody can know whether she still works where WeCom does not look; until that is gone. */
static void a_post_out_of_sight_stays(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3]}");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[2],\"members\":[]}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李娜娜\"}");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜娜", "department", "研发,测试", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2]}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发,测试", NULL);
    stage_wecom_change(s, "{\"do\":\"delete_department\",\"id\":3}");
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发", NULL);
    expect_all_well(s);
}

static void a_member_of_many_departments_has_many_posts(void **state)
{
    char ids[256] = "1", names[2048] = "总部";
    struct stage *s = story(state);
    for (int i = 0; i < 25; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "项目%02d", i);
        wecom_department(s, (unsigned)(10 + i), name, 1);
        size_t at = strlen(ids), end = strlen(names);
        (void)snprintf(ids + at, sizeof(ids) - at, ",%d", 10 + i);
        (void)snprintf(names + end, sizeof(names) - end, ",%s", name);
    }
    wecom_member(s, "li.na", "李娜", ids);
    stage_settle(s, false);
    expect_person(s, "li.na", "department", names, NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "post_adds"), 25);
    expect_all_well(s);
}

static void a_renamed_department_is_renamed(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"研发中心\"}");
    stage_settle(s, false);
    expect_department(s, "研发中心", "", 2);
    assert_int_equal(count_departments(s, "研发"), 0);
    expect_in_audit(s, "department:2", "R8");
    expect_person(s, "li.na", "department", "研发中心", NULL);
    expect_all_well(s);
}

static void a_moved_department_takes_its_people_along(void **state)
{
    struct stage *s = begin(state);
    wecom_department(s, 5, "前端", 2);
    wecom_member(s, "wu.di", "吴迪", "5");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"parent\":4}");
    stage_settle(s, false);
    expect_department(s, "研发", "运维", 2);
    expect_department(s, "前端", "研发", 5);
    expect_person(s, "wu.di", "department", "前端", NULL);
    expect_all_well(s);
}

/* Two siblings swap their names: eteams refuses equal names, so one steps aside for a moment. */
static void two_departments_swap_their_names(void **state)
{
    struct stage *s = begin(state);
    hold_events(s);
    stage_wecom_change(s, "[{\"do\":\"update_department\",\"id\":2,\"name\":\"临时\"},"
                          "{\"do\":\"update_department\",\"id\":3,\"name\":\"研发\"},"
                          "{\"do\":\"update_department\",\"id\":2,\"name\":\"测试\"}]");
    release_together(s, "{}");
    stage_settle(s, true);
    expect_department(s, "测试", "", 2);
    expect_department(s, "研发", "", 3);
    expect_person(s, "li.na", "department", "测试", NULL);
    expect_dead(s, 0);
}

/* The wanted name belongs to a department that only eteams has: the old name stays, and it is
 * listed for a person (decisions.md 11). */
static void a_rename_onto_a_foreign_department_is_a_case(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"create_department\",\"name\":\"研究院\",\"parent\":\"root\"}");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"研究院\"}");
    stage_settle(s, false);
    expect_department(s, "研发", "", 2);
    assert_int_equal(count_departments(s, "研究院"), 1);
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases department:2");
    assert_non_null(strstr(cases, "name_taken"));
    free(cases);
    expect_all_well(s);
}

/* 3 cannot have the name that 2, a case itself, does not give up. When 2 gives it up later, 3 is
 * looked at again by itself. */
static void a_case_ends_when_what_stood_in_its_way_goes(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"create_department\",\"name\":\"研究院\",\"parent\":\"root\"}");
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"研究院\"}");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"name\":\"研发\"}");
    release_events(s, "{\"order\":\"fifo\"}");
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    stage_settle(s, false);
    expect_department(s, "测试", "", 3);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"研发一部\"}");
    stage_settle(s, false);
    expect_department(s, "研发一部", "", 2);
    expect_department(s, "研发", "", 3);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_string_equal(cases, "");
    free(cases);
    char *story = NULL;
    (void)stage_command(s, &story, "explain", "acme", "department", "3", NULL);
    assert_non_null(strstr(story, "what stood in the way has changed"));
    free(story);
    expect_all_well(s);
}

/* Mobiles cannot be read, only heard of; and that the other one gave his number up is heard last,
 * when the first is a case already. */
static void a_mobile_given_up_late_is_remembered(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":false}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"wang.wei\",\"name\":\"王伟\","
                          "\"departments\":[2],\"mobile\":\"13700000001\"}");
    stage_settle(s, false);
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\","
                          "\"mobile\":\"13700000002\"}");
    release_events(s, "{\"lose_percent\":100}");
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\","
                          "\"mobile\":\"13700000001\"}");
    stage_settle(s, true);
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:li.na");
    assert_non_null(strstr(cases, "key_taken"));
    free(cases);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\","
                          "\"mobile\":\"13700000003\"}");
    stage_settle(s, true);
    expect_person(s, "wang.wei", "mobile", "13700000003", NULL);
    expect_person(s, "li.na", "mobile", "13700000001", NULL);
    expect_all_well(s);
}

/* Values that WeCom empties stay in eteams; a new mobile and name follow. */
static void values_follow_but_are_never_cleared(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\","
                          "\"mobile\":\"13700000001\",\"email\":\"li@example.com\"}");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李小娜", "mobile", "13700000001", "email",
                  "li@example.com", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"email\":\"\"}");
    stage_settle(s, false);
    expect_person(s, "li.na", "email", "li@example.com", NULL);
    expect_all_well(s);
}

/* What one administrator did before another saw it: the same event again is nothing to do. */
static void repeated_events_change_nothing(void **state)
{
    struct stage *s = begin(state);
    int64_t rows = ask(s, STAGE_ETEAMS, "/_sim/writes", "rows");
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"name\":\"质量\"}");
    release_events(s, "{\"duplicate_percent\":100,\"order\":\"shuffle\",\"seed\":3}");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    expect_department(s, "质量", "", 3);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), rows + 2);
    expect_all_well(s);
}

/* Nobody knows a department by its number. */
static void explain_names_departments(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[3]}");
    stage_settle(s, false);
    char *text, *change;
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "li.na", NULL), 0);
    change = strstr(text, "department: 研发 (");
    if (change == NULL || strstr(change, " → 测试 (") == NULL)
        fail_msg("no names in\n%s", text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(another_department_in_wecom_is_another_in_eteams),
        STORY(a_second_department_is_a_post),
        STORY(the_main_department_alone_is_swapped),
        STORY(posts_made_in_eteams_stay),
        STORY(a_post_out_of_sight_stays),
        STORY(a_member_of_many_departments_has_many_posts),
        STORY(a_renamed_department_is_renamed),
        STORY(a_moved_department_takes_its_people_along),
        STORY(two_departments_swap_their_names),
        STORY(a_rename_onto_a_foreign_department_is_a_case),
        STORY(a_case_ends_when_what_stood_in_its_way_goes),
        STORY(a_mobile_given_up_late_is_remembered),
        STORY(values_follow_but_are_never_cleared),
        STORY(repeated_events_change_nothing),
        STORY(explain_names_departments),
    };
    return cmocka_run_group_tests_name("moving", tests, NULL, NULL);
}
