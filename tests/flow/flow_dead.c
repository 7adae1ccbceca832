/* What was given up, and is sent again: with all it meant, and with new patience. */
#include "story.h"

#include <signal.h>

#include "base/json.h"

#define GET_USER "/cgi-bin/user/get"
#define HANGS "{\"path\":\"" GET_USER "\",\"kind\":\"slow\",\"count\":100,\"delay_ms\":600000}"

static int64_t seen;

static bool is_asked_again(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/faults", "hits|slow") > seen;
}

static bool is_dead(struct stage *s)
{
    char *length = stage_redis_text(s, "XLEN yq:{acme}:dead");
    bool dead = strcmp(length, "0") != 0;
    free(length);
    return dead;
}

/* Three workers die while they read the one subject that waits. */
static void kill_three_times(struct stage *s)
{
    seen = 0;
    for (int i = 0; i < 3; i++) {
        await(s, is_asked_again, "the member is asked for");
        seen = ask(s, STAGE_WECOM, "/_sim/faults", "hits|slow");
        stage_kill_daemon(s, 0, SIGKILL);
        stage_start_daemon(s, 0);
    }
    await(s, is_dead, "the dead letter");
    expect_dead(s, 1);
}

/* Whoever asked for the member by sync instead would make somebody new. */
static void a_new_userid_is_not_forgotten(void **state)
{
    struct stage *s = story(state);
    char *text;
    wecom_member(s, "u8831", "李娜", "1");
    stage_settle(s, false);
    char *id = person_id(s, "u8831");
    tell(s, STAGE_WECOM, "/_sim/faults", HANGS);
    stage_wecom_change(s,
                       "{\"do\":\"rename_userid\",\"userid\":\"u8831\",\"new_userid\":\"li.na\"}");
    kill_three_times(s);
    tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
    assert_int_equal(stage_command(s, &text, "dead", "list", "acme", "--json", NULL), 0);
    cJSON *json = yq_json_parse(text, strlen(text), NULL);
    free(text);
    const cJSON *event = yq_json_get(cJSON_GetArrayItem(json, 0), "event");
    assert_int_equal(stage_command(s, &text, "dead", "show", "acme", event->valuestring, NULL), 0);
    assert_non_null(strstr(text, "\"new_userid\":\t\"li.na\""));
    assert_non_null(strstr(text, "workers that died meanwhile: 3"));
    assert_non_null(strstr(text, "its worker died with it three times"));
    free(text);
    expect_command(s, 0, "dead", "retry", "acme", event->valuestring, NULL);
    cJSON_Delete(json);
    stage_settle(s, true);
    expect_person(s, "li.na", "id", id, "username", "李娜", NULL);
    expect_nobody(s, "u8831");
    assert_int_equal(count_people(s, "李娜"), 1);
    expect_all_well(s);
    free(id);
}

/* Newer events of the subject wait for their next attempt, far away: whoever sends the old one
 * again has mended the reason, and all of it is tried at once. */
static void patience_begins_anew(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, true);
    expect_dead(s, 1);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李大娜\"}");
    stage_settle(s, false);
    char *retrying = stage_redis_text(s, "HLEN yq:{acme}:retry");
    assert_string_equal(retrying, "1");
    free(retrying);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"unlock\",\"field\":\"username\",\"source\":\"manual\"}");
    expect_command(s, 0, "dead", "retry", "acme", "--subject", "member:li.na", NULL);
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李大娜", NULL);
    expect_all_well(s);
}

/* Sent again before anything was mended: it is given up again, after as many attempts. */
static void what_was_not_mended_comes_back(void **state)
{
    struct stage *s = story(state);
    char *text;
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, true);
    expect_dead(s, 1);
    expect_command(s, 0, "dead", "retry", "acme", "--all", NULL);
    expect_dead(s, 0);
    stage_settle(s, true);
    expect_dead(s, 1);
    assert_int_equal(stage_command(s, &text, "dead", "list", "acme", "--json", NULL), 0);
    assert_non_null(strstr(text, "\"attempts\":12,"));
    free(text);
    expect_command(s, 0, "dead", "drop", "acme", "--all", "--reason", "the name is eteams'", NULL);
    expect_dead(s, 0);
    expect_in_audit(s, "member:li.na", "the name is eteams'");
    expect_person(s, "li.na", "username", "李娜", NULL);
}

/* eteams says whose name it refuses: the letter, its commands and explain have it, and the log not,
 * at its most talkative. */
static void names_that_eteams_repeats_stay_out_of_the_log(void **state)
{
    static const char name[] = "欧阳小娜&";
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1, .top_yaml = "log: { level: debug }\n"});
    char *text;
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"name_forbids\":\"#&\"}");
    wecom_member(s, "li.na", name, "1");
    stage_settle(s, true);
    expect_dead(s, 1);
    text = stage_redis_text(s, "XRANGE yq:{acme}:dead - +");
    assert_non_null(
        strstr(text, "410001 “the name has a character that is not allowed: 欧阳小娜&”"));
    free(text);
    assert_int_equal(stage_command(s, &text, "dead", "list", "acme", NULL), 0);
    assert_non_null(strstr(text, name));
    free(text);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "li.na", NULL), 0);
    assert_non_null(strstr(text, name));
    free(text);
    text = stage_daemon_log(s, 0);
    assert_non_null(strstr(text, " debug "));
    assert_non_null(strstr(text, " event.waits "));
    assert_non_null(strstr(text, " event.dead "));
    assert_non_null(strstr(text, "syncEmployee: 410001 “*”\""));
    assert_null(strstr(text, "欧阳"));
    assert_null(strstr(text, "not allowed"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_new_userid_is_not_forgotten),
        STORY(patience_begins_anew),
        STORY(what_was_not_mended_comes_back),
        STORY(names_that_eteams_repeats_stay_out_of_the_log),
    };
    return cmocka_run_group_tests_name("dead", tests, NULL, NULL);
}
