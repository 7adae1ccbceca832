/* More removals than the limit wait for a person; the rest goes on. */
#include "story.h"

#include "base/json.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* People u0, u1, … of department 2; at most four may leave in a run, eight in a day. */
static struct stage *begin(void **state, int people)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){
            .seed = 1, .connection_yaml = "    sync: { removals: { max: 4, percent: 100 } }"});
    wecom_department(s, 2, "研发", 1);
    for (int i = 0; i < people; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, i % 2 ? "2" : "2,1");
    }
    stage_settle(s, false);
    return s;
}

static void fire(struct stage *s, int from, int to)
{
    for (int i = from; i < to; i++)
        stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"u%d\"}", i);
}

static int64_t resigned(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns");
}

static void too_many_leavers_at_once_are_held(void **state)
{
    struct stage *s = begin(state, 20);
    hold_events(s);
    fire(s, 0, 6);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u10\",\"name\":\"改名\"}");
    wecom_department(s, 3, "测试", 1);
    release_together(s, "{}");
    stage_settle(s, true);
    assert_int_equal(resigned(s), 0);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "post_removes"), 0);
    expect_person(s, "u0", "username", "员工0", "department", "研发,总部", NULL);
    expect_person(s, "u10", "username", "改名", NULL);
    expect_department(s, "测试", "", 3);
    expect_in_audit(s, "member:u0", "guard_held");
    expect_logged(s, 0, "guard.held");
    assert_true(metric(s, "yunqiao_operations_held_total{connection=\"acme\"}") >= 6);
    expect_all_well(s);
}

static void what_is_held_is_named_in_the_queue(void **state)
{
    struct stage *s = begin(state, 20);
    char *text, *plans = NULL, *hash;
    hold_events(s);
    fire(s, 0, 6);
    release_together(s, "{}");
    stage_settle(s, true);
    assert_int_equal(stage_command(s, &text, "queue", "acme", NULL), 0);
    hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    assert_int_equal(strlen(hash), 32);
    assert_non_null(strstr(text, hash));
    assert_non_null(strstr(text, "员工0"));
    plans = stage_redis_text(s, "GET yq:{acme}:plan:%s", hash);
    for (int i = 0; i < 6; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "员工%d", i);
        assert_non_null(strstr(plans, name));
    }
    char *ttl = stage_redis_text(s, "TTL yq:{acme}:plan:%s", hash);
    assert_in_range(atoi(ttl), 6 * 86400, 7 * 86400);
    free(ttl);
    free(plans);
    free(hash);
    free(text);
    expect_all_well(s);
}

static void as_many_as_the_limit_go(void **state)
{
    struct stage *s = begin(state, 20);
    hold_events(s);
    fire(s, 0, 4);
    release_together(s, "{}");
    stage_settle(s, true);
    assert_int_equal(resigned(s), 4);
    expect_left(s, "员工0", "总部");
    expect_all_well(s);
}

/* Small runs add up: the day has a limit of its own, and ends after 24 hours. */
static void a_day_has_its_limit_too(void **state)
{
    struct stage *s = begin(state, 20);
    for (int i = 0; i < 8; i += 4) {
        hold_events(s);
        fire(s, i, i + 4);
        release_together(s, "{}");
        stage_settle(s, true);
    }
    assert_int_equal(resigned(s), 8);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    fire(s, 8, 9);
    stage_settle(s, true);
    assert_int_equal(resigned(s), 8);
    expect_in_audit(s, "member:u8", "guard_held");
    stage_advance(s, 25 * HOUR_MS);
    fire(s, 9, 10);
    stage_settle(s, true);
    assert_int_equal(resigned(s), 9);
    expect_person(s, "u8", "username", "员工8", NULL);
    expect_left(s, "员工9", "总部");
    expect_all_well(s);
}

/* D24. The department of those who are held is not empty: its link stays, so that it is closed once
 * they were approved. */
static void a_department_waits_for_those_who_are_held(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1,
                                       .connection_yaml = "    sync: { disable_departments: true, "
                                                          "removals: { max: 4, percent: 100 } }"});
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "平台", 2);
    for (int i = 0; i < 20; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, i < 6 ? "3" : "1");
    }
    stage_settle(s, false);
    hold_events(s);
    fire(s, 0, 6);
    stage_wecom_change(s, "[{\"do\":\"delete_department\",\"id\":3},"
                          "{\"do\":\"delete_department\",\"id\":2}]");
    release_together(s, "{}");
    stage_settle(s, true); /* longer than one waits for whoever may be on his way */
    assert_int_equal(resigned(s), 0);
    expect_department(s, "平台", "研发", 3);
    expect_department(s, "研发", "", 2);
    expect_in_audit(s, "department:3", "department_kept");
    expect_command(s, 3, "sync", "acme", NULL); /* reconciles leave it, too */
    expect_department(s, "平台", "研发", 3);

    char *hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    expect_command(s, 0, "approve", "acme", hash, NULL);
    assert_int_equal(resigned(s), 6);
    expect_command(s, 0, "sync", "acme", NULL);
    char *links = stage_redis_text(s, "HLEN yq:{acme}:link:department");
    assert_string_equal(links, "0");
    cJSON *all = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(all, "departments")) {
        bool root = strcmp(yq_json_get(row, "name")->valuestring, "总部") == 0;
        assert_string_equal(yq_json_get(row, "status")->valuestring, root ? "1" : "0");
    }
    cJSON_Delete(all);
    free(links);
    free(hash);
    expect_dead(s, 0);
}

/* A command whose wish is held ends with status 3, and says where to look. */
static void a_held_command_says_so(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){
                   .seed = 1, .connection_yaml = "    sync: { removals: { per_day: 1 } }"});
    char *text;
    wecom_member(s, "u0", "员工0", "1");
    wecom_member(s, "u1", "员工1", "1");
    stage_settle(s, false);
    hold_events(s);
    stage_wecom_change(s, "[{\"do\":\"update_member\",\"userid\":\"u0\",\"status\":5},"
                          "{\"do\":\"update_member\",\"userid\":\"u1\",\"status\":5}]");
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "u0", NULL), 0);
    free(text);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "u1", NULL), 3);
    assert_non_null(strstr(text, "yunqiao approve acme "));
    free(text);
    expect_left(s, "员工0", "总部");
    expect_person(s, "u1", "username", "员工1", NULL);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(too_many_leavers_at_once_are_held),
        STORY(what_is_held_is_named_in_the_queue),
        STORY(as_many_as_the_limit_go),
        STORY(a_day_has_its_limit_too),
        STORY(a_department_waits_for_those_who_are_held),
        STORY(a_held_command_says_so),
    };
    return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
