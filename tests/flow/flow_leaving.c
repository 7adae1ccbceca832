/* Who leaves in WeCom is resigned in eteams, never deleted (R5); not the last administrator (R13).
 */
#include "story.h"

static struct stage *begin(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 1);
    wecom_member(s, "li.na", "李娜", "2,3");
    wecom_member(s, "wang.wei", "王伟", "2");
    stage_settle(s, false);
    return s;
}

static void fire(struct stage *s, const char *userid)
{
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", userid);
}

static void a_deleted_member_is_resigned(void **state)
{
    struct stage *s = begin(state);
    fire(s, "li.na");
    stage_settle(s, true);
    expect_nobody(s, "li.na");
    expect_left(s, "李娜", "总部");
    expect_in_audit(s, "member:li.na", "R5");
    char *link = stage_redis_text(s, "HGET yq:{acme}:link:member li.na");
    assert_non_null(strstr(link, "\"left\":true"));
    free(link);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "post_removes"), 1);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 1);
    expect_person(s, "wang.wei", "department", "研发", NULL);
    expect_all_well(s);
}

/* WeCom sends an update right behind the deletion, and both in any order. */
static void an_update_behind_the_deletion_brings_nobody_back(void **state)
{
    struct stage *s = begin(state);
    stage_callback_more(s, "\"quirks\":{\"delete_update\":true}");
    hold_events(s);
    fire(s, "li.na");
    fire(s, "wang.wei");
    release_events(s, "{\"order\":\"shuffle\",\"seed\":11}");
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    expect_left(s, "王伟", "总部");
    assert_int_equal(count_people(s, "李娜") + count_people(s, "王伟"), 0);
    expect_all_well(s);
}

static void made_again_is_taken_back_not_doubled(void **state)
{
    struct stage *s = begin(state);
    char *before = person_id(s, "li.na");
    fire(s, "li.na");
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    wecom_member(s, "li.na", "李娜", "3");
    stage_settle(s, true);
    expect_person(s, "li.na", "id", before, "department", "测试", NULL);
    assert_int_equal(count_people(s, "李娜"), 1);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rehires"), 1);
    expect_all_well(s);
    free(before);
}

/* Both events wait together: nothing is resigned only to be taken back. */
static void deleted_and_made_again_at_once_stays(void **state)
{
    struct stage *s = begin(state);
    hold_events(s);
    fire(s, "li.na");
    wecom_member(s, "li.na", "李娜", "3");
    release_together(s, "{\"order\":\"shuffle\",\"seed\":2}");
    stage_settle(s, true);
    expect_person(s, "li.na", "department", "测试", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 0);
    expect_all_well(s);
}

static void status_five_is_leaving_too(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"status\":5}");
    stage_settle(s, true);
    expect_left(s, "王伟", "总部");
    expect_all_well(s);
}

/* Somebody whom WeCom no longer shows, without a word that he was deleted, is kept. */
static void out_of_sight_is_not_gone(void **state)
{
    struct stage *s = begin(state);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[3],\"members\":[],\"tags\":[]}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"name\":\"王大伟\"}");
    stage_settle(s, true);
    expect_person(s, "wang.wei", "username", "王伟", "department", "研发", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 0);
    expect_all_well(s);
}

/* ---- administrators ---- */

static void make_administrator(struct stage *s, const char *userid)
{
    char *id = person_id(s, userid);
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"make_admin\",\"id\":\"%s\"}", id);
    free(id);
}

/* The one who came with the tenant leaves the office to those that the story makes. */
static void retire_the_first_administrator(struct stage *s)
{
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *admin = stage_person_by(eteams, "account", "admin");
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"remove_admin\",\"id\":\"%s\"}",
         cJSON_GetObjectItemCaseSensitive(admin, "id")->valuestring);
    cJSON_Delete(eteams);
}

static void the_last_administrator_stays(void **state)
{
    struct stage *s = begin(state);
    make_administrator(s, "li.na");
    retire_the_first_administrator(s);
    fire(s, "li.na");
    fire(s, "wang.wei");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", "department", "研发,测试", NULL);
    expect_left(s, "王伟", "总部");
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:li.na");
    assert_non_null(strstr(cases, "last_administrator"));
    free(cases);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "failed"), 0);
    expect_all_well(s);
}

/* Both leave at once: the one with the smaller id stays (decisions.md 22). */
static void of_two_administrators_one_stays(void **state)
{
    struct stage *s = begin(state);
    make_administrator(s, "li.na");
    make_administrator(s, "wang.wei");
    retire_the_first_administrator(s);
    char *a = person_id(s, "li.na"), *b = person_id(s, "wang.wei");
    hold_events(s);
    fire(s, "li.na");
    fire(s, "wang.wei");
    release_together(s, "{}");
    stage_settle(s, true);
    bool first = strcmp(a, b) < 0;
    expect_person(s, first ? "li.na" : "wang.wei", "id", first ? a : b, NULL);
    expect_left(s, first ? "王伟" : "李娜", "总部");
    free(a);
    free(b);
    expect_all_well(s);
}

static void without_a_list_of_administrators_nobody_leaves(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"/api/hrm/restful/queryAdmin\",\"kind\":\"internal\",\"count\":-1}");
    fire(s, "li.na");
    wecom_member(s, "sun.li", "孙丽", "2");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜", "department", "研发,测试", NULL);
    expect_person(s, "sun.li", "username", "孙丽", NULL);
    assert_true(ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|internal") > 0);
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    expect_all_well(s);
}

/* This eteams does not offer such a list at all: a person decides. */
static void where_eteams_has_no_such_list_it_is_a_case(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"assumed_off\":[\"queryAdmin\"]}");
    fire(s, "li.na");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:li.na");
    assert_non_null(strstr(cases, "administrators_unknown"));
    free(cases);
    expect_all_well(s);
}

/* WeCom shows the new department late, and again the newcomer and the leaver are looked at
 * together: she keeps her record (decisions.md 19). */
static void a_new_userid_whose_department_is_not_readable_yet(void **state)
{
    static const char create[] = "{\"do\":\"create_member\",\"userid\":\"%s\",\"name\":\"赵敏\","
                                 "\"departments\":[%d],\"mobile\":\"13811112222\"}";
    struct stage *s = begin(state);
    stage_wecom_change(s, create, "zhao", 2);
    stage_settle(s, false);
    char *before = person_id(s, "zhao");
    tell(s, STAGE_WECOM, "/_sim/faults",
         "{\"path\":\"/cgi-bin/department/get\",\"kind\":\"http_500\",\"count\":9}");
    hold_events(s);
    wecom_department(s, 4, "法务", 1);
    fire(s, "zhao");
    stage_wecom_change(s, create, "zhao.min", 4);
    release_together(s, "{\"order\":\"fifo\"}");
    stage_settle(s, true);
    char *after = person_id(s, "zhao.min");
    assert_string_equal(before, after);
    assert_int_equal(count_people(s, "赵敏"), 1);
    expect_person(s, "zhao.min", "department", "法务", NULL);
    expect_all_well(s);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_deleted_member_is_resigned),
        STORY(an_update_behind_the_deletion_brings_nobody_back),
        STORY(made_again_is_taken_back_not_doubled),
        STORY(deleted_and_made_again_at_once_stays),
        STORY(a_new_userid_whose_department_is_not_readable_yet),
        STORY(status_five_is_leaving_too),
        STORY(out_of_sight_is_not_gone),
        STORY(the_last_administrator_stays),
        STORY(of_two_administrators_one_stays),
        STORY(without_a_list_of_administrators_nobody_leaves),
        STORY(where_eteams_has_no_such_list_it_is_a_case),
    };
    return cmocka_run_group_tests_name("leaving", tests, NULL, NULL);
}
