/* What WeCom tells differs: trimmed events, JSON, no app that could read (wecom.md §2, §4). */
#include "story.h"

static const struct stage_options trimmed = {.seed = 1, .callback_mode = "trimmed"};

/* Trimmed events name the member and its departments; the app reads the rest, as far as it may. */
static void trimmed_events_are_filled_by_reading(void **state)
{
    struct stage *s = story_with(state, &trimmed);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 2);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[3],\"mobile\":\"13800001111\",\"gender\":\"2\"}");
    stage_settle(s, true);
    expect_department(s, "研发", "", 2);
    expect_department(s, "测试", "研发", 3);
    expect_person(s, "li.na", "username", "李娜", "mobile", "13800001111", "sex", "female",
                  "department", "测试", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[2,3]}");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"parent\":1}");
    stage_settle(s, true);
    expect_person(s, "li.na", "department", "测试,研发", NULL);
    expect_department(s, "测试", "", 3);
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"li.na\"}");
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    expect_all_well(s);
}

/* Mobile and e-mail are in no event and not readable: unknown, which is not empty. */
static void what_nobody_tells_stays_unknown(void **state)
{
    struct stage *s = story_with(state, &trimmed);
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"李娜\",\"account\":"
         "\"li.na\",\"mobile\":\"13800009999\",\"email\":\"a@example.com\",\"sex\":\"female\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[1],\"mobile\":\"13800001111\",\"gender\":\"1\"}");
    stage_settle(s, true);
    expect_person(s, "li.na", "id", "4200000000000000001", "mobile", "13800009999", "email",
                  "a@example.com", "sex", "female", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    expect_all_well(s);
}

/* A rename of a department sends no event in trimmed mode; the next change of it brings it along.
 */
static void a_silent_rename_comes_with_the_next_news(void **state)
{
    struct stage *s = story_with(state, &trimmed);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 1);
    stage_settle(s, true);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"研发中心\"}");
    stage_settle(s, true);
    expect_department(s, "研发", "", 2);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"parent\":3}");
    stage_settle(s, true);
    expect_department(s, "研发中心", "测试", 2);
    expect_all_well(s);
}

/* Only the contacts assistant: since 2022 it reads ids, no names (48009). With full events the
 * names come from these. */
static void without_an_app_full_events_say_enough(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .contacts_only = true});
    wecom_department(s, 2, "研发", 1);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[2],\"mobile\":\"13800001111\",\"gender\":\"2\"}");
    stage_settle(s, true);
    expect_department(s, "研发", "", 2);
    expect_person(s, "li.na", "username", "李娜", "mobile", "13800001111", "department", "研发",
                  NULL);
    expect_all_well(s);
}

/* Trimmed events and no app: no name is to be had, so nothing wrong is made. The department waits
 * and ends as a case for a person. */
static void without_an_app_and_names_nothing_wrong_is_made(void **state)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){.seed = 1, .contacts_only = true, .callback_mode = "trimmed"});
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    stage_settle(s, true);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_non_null(strstr(cases, "department:2"));
    assert_non_null(strstr(cases, "no_name"));
    free(cases);
    expect_dead(s, 0);
}

static void json_callbacks_are_read_like_xml(void **state)
{
    struct stage *s = story(state);
    stage_callback_more(s, "\"format\":\"json\"");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", "department", "研发", NULL);
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"li.na\"}");
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    expect_all_well(s);
}

static void odd_but_legal_xml_is_read(void **state)
{
    static const char *const quirks[] = {
        "\"quirks\":{\"no_cdata\":true}", "\"quirks\":{\"blank_cdata\":true}",
        "\"quirks\":{\"random_order\":true}",
        "\"quirks\":{\"random_order\":true,\"blank_cdata\":true},\"agent_id\":1000002"};
    struct stage *s = story(state);
    for (unsigned i = 0; i < 4; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%u", i);
        (void)snprintf(name, sizeof(name), "研发 A&B;%u", i);
        stage_callback_more(s, quirks[i]);
        wecom_department(s, 2 + i, name, 1);
        (void)snprintf(name, sizeof(name), "员工%u", i);
        wecom_member(s, userid, name, "1");
        stage_settle(s, true);
        expect_person(s, userid, "username", name, NULL);
        (void)snprintf(name, sizeof(name), "研发 A&B;%u", i);
        expect_department(s, name, "", 2 + i);
    }
    expect_all_well(s);
}

/* What is not authentic is refused, and changes nothing. */
static void forged_callbacks_are_refused(void **state)
{
    static const char *const forged[] = {"\"quirks\":{\"wrong_signature\":true}",
                                         "\"quirks\":{\"wrong_receiver\":true}"};
    struct stage *s = story(state);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}");
    for (size_t i = 0; i < 2; i++) {
        stage_callback_more(s, forged[i]);
        wecom_member(s, i == 0 ? "eve" : "mallory", "坏人", "1");
        stage_settle(s, false);
        assert_int_equal(ask(s, STAGE_WECOM, "/_sim/deliveries", "last_status"), 403);
    }
    assert_int_equal(count_people(s, "坏人"), 0);
    char *length = stage_redis_text(s, "XLEN yq:{acme}:events");
    assert_string_equal(length, "0");
    free(length);
    assert_int_equal(stage_http(s, 0, "GET", "/wecom/callback/nobody", NULL, NULL), 404);
    assert_int_equal(stage_http(s, 0, "GET", "/", NULL, NULL), 404);
    stage_callback_more(s, "\"quirks\":{}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜", NULL);
}

/* The console verifies the URL before it sends anything. */
static void the_callback_url_is_verified(void **state)
{
    struct stage *s = story(state);
    cJSON *json = stage_call(s, STAGE_WECOM, "/_sim/verify", "{}");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "verified")));
    cJSON_Delete(json);
    json = stage_call(s, STAGE_WECOM, "/_sim/verify", "{\"token\":\"WrongToken\"}");
    assert_false(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "verified")));
    assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "status")->valueint, 403);
    cJSON_Delete(json);
}

/* Events that mean nothing to the bridge are kept and settled; they are no dead letters. */
static void other_events_are_kept(void **state)
{
    struct stage *s = story(state);
    stage_callback_more(s, "\"quirks\":{\"subscribe\":true},\"agent_id\":1000002");
    stage_wecom_change(s, "{\"do\":\"create_tag\",\"id\":7,\"name\":\"干部\"}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_wecom_change(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[\"li.na\"]}");
    stage_settle(s, true);
    char *length = stage_redis_text(s, "XLEN yq:{acme}:events");
    assert_true(atoi(length) >= 2);
    free(length);
    expect_person(s, "li.na", "username", "李娜", NULL);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(trimmed_events_are_filled_by_reading),
        STORY(what_nobody_tells_stays_unknown),
        STORY(a_silent_rename_comes_with_the_next_news),
        STORY(without_an_app_full_events_say_enough),
        STORY(without_an_app_and_names_nothing_wrong_is_made),
        STORY(json_callbacks_are_read_like_xml),
        STORY(odd_but_legal_xml_is_read),
        STORY(forged_callbacks_are_refused),
        STORY(the_callback_url_is_verified),
        STORY(other_events_are_kept),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
