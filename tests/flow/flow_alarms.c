/* Alarms reach a person: each once, with the command that answers it, and again only when it comes
 * again. */
#include "story.h"

#include <signal.h>

#include "base/json.h"
#include "support/peer_server.h"
#include "support/wait.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define AWAIT_MS 60000
#define NOTHING_MS 1500 /* so long nothing may come that must not */

/* Where alarms go: a webhook at /hook, a robot at /robot, as a server of this test. */
static struct peer_server *sink;
static bool down, robot_refuses;

static void take(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    (void)context;
    reply->status = down ? 503 : 200;
    reply->body = strcmp(rq->path, "/robot") != 0 ? "thanks"
                  : robot_refuses                 ? "{\"errcode\":93000,\"errmsg\":\"no\"}"
                                                  : "{\"errcode\":0,\"errmsg\":\"ok\"}";
}

static int open_sink(void **state)
{
    (void)state;
    down = robot_refuses = false;
    sink = peer_server_new(take, NULL);
    return sink != NULL ? 0 : -1;
}

static int close_sink(void **state)
{
    (void)story_over(state);
    peer_server_free(sink);
    sink = NULL;
    return 0;
}

#define ALARM_STORY(name) cmocka_unit_test_setup_teardown(name, open_sink, close_sink)

struct wanted {
    const char *path;
    int count;
};

static bool has_come(void *arg)
{
    const struct wanted *w = arg;
    return peer_server_count(sink, w->path) >= w->count;
}

/* Waits for the nth post (from 1) and returns its JSON; the caller deletes it. */
static cJSON *post(const char *path, int number)
{
    struct wanted w = {path, number};
    if (!yq_wait_until(has_come, &w, AWAIT_MS))
        fail_msg("post number %d to %s does not come", number, path);
    char *text = peer_server_request(sink, path, number - 1), *body = strchr(text, '\n');
    cJSON *json = yq_json_parse(body + 1, strlen(body + 1), NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static void expect_no_more(const char *path, int count)
{
    struct wanted w = {path, count + 1};
    if (yq_wait_until(has_come, &w, NOTHING_MS)) {
        char *text = peer_server_request(sink, path, count);
        fail_msg("one too many: %s", text);
    }
}

static void expect_text(const cJSON *json, const char *name, const char *value)
{
    const char *is = cJSON_GetStringValue(yq_json_get(json, name));
    if (is == NULL || strcmp(is, value) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", name, is ? is : "-", value);
}

static const char *command_of(const cJSON *json, int number)
{
    const char *text =
        cJSON_GetStringValue(cJSON_GetArrayItem(yq_json_get(json, "commands"), number));
    return text != NULL ? text : "";
}

/* People u0 to u19; at most four may leave in a run. `alarms`: more lines of that section. */
static struct stage *begin(void **state, const char *alarms, const char *top)
{
    static char yaml[600]; /* until the stage has written it */
    (void)snprintf(yaml, sizeof(yaml), "alarms:\n  webhooks: [\"%s/hook?key=hook-secret\"]\n%s%s",
                   peer_server_url(sink), alarms, top);
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1,
                                       .top_yaml = yaml,
                                       .connection_yaml =
                                           "    sync: { removals: { max: 4, percent: 100 } }"});
    wecom_department(s, 2, "研发", 1);
    for (int i = 0; i < 20; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "2");
    }
    stage_settle(s, false);
    return s;
}

static void leave(struct stage *s, int from, int to)
{
    hold_events(s);
    for (int i = from; i < to; i++)
        stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"u%d\"}", i);
    release_together(s, "{}");
    stage_settle(s, true);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static char *held_hash(struct stage *s)
{
    char *hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    assert_int_equal(strlen(hash), 32);
    return hash;
}

static bool no_alarm_is_open(struct stage *s)
{
    char *count = stage_redis_text(s, "HLEN yq:{acme}:alarms");
    char *noted = stage_redis_text(s, "HLEN yq:{acme}:alarmed");
    bool none = strcmp(count, "0") == 0 && strcmp(noted, "0") == 0;
    free(count);
    free(noted);
    return none;
}

/* ---- held plans ---- */

static void a_held_plan_is_told_once_with_its_command(void **state)
{
    struct stage *s = begin(state, "", "");
    char command[80], *text;
    stage_start_daemon(s, 1); /* two look at the same alarms */
    leave(s, 0, 6);
    char *hash = held_hash(s);
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "held");
    expect_text(json, "connection", "acme");
    (void)snprintf(command, sizeof(command), "yunqiao approve acme %s", hash);
    assert_string_equal(command_of(json, 1), command);
    assert_non_null(strstr(cJSON_GetStringValue(yq_json_get(json, "text")), "6"));
    cJSON_Delete(json);
    char *posted = peer_server_request(sink, "/hook", 0);
    assert_null(strstr(posted, "员工"));
    free(posted);
    expect_no_more("/hook", 1);
    assert_int_equal(stage_command(s, &text, "queue", "acme", NULL), 0);
    assert_non_null(strstr(text, command));
    free(text);
    free(hash);
}

static void nor_is_it_after_a_restart(void **state)
{
    struct stage *s = begin(state, "", "");
    leave(s, 0, 6);
    cJSON_Delete(post("/hook", 1));
    stage_kill_daemon(s, 0, SIGTERM);
    stage_start_daemon(s, 0);
    expect_no_more("/hook", 1);
}

static void it_is_over_once_approved_and_comes_again(void **state)
{
    struct stage *s = begin(state, "", "");
    leave(s, 0, 6);
    char *hash = held_hash(s);
    cJSON_Delete(post("/hook", 1));
    expect_command(s, 0, "approve", "acme", hash, NULL);
    await(s, no_alarm_is_open, "the alarm's end");
    expect_logged(s, 0, "alarm.raised connection=acme alarm=held:");
    expect_logged(s, 0, "alarm.sent connection=acme alarm=held:");
    expect_logged(s, 0, "alarm.cleared connection=acme alarm=held:");
    leave(s, 6, 12);
    cJSON *json = post("/hook", 2);
    expect_text(json, "alarm", "held");
    assert_null(strstr(command_of(json, 1), hash));
    cJSON_Delete(json);
    expect_no_more("/hook", 2);
    free(hash);
}

/* ---- receivers ---- */

static void what_a_receiver_does_not_take_comes_later(void **state)
{
    struct stage *s = begin(state, "", "");
    struct wanted w = {"/hook", 2};
    down = true;
    leave(s, 0, 6);
    cJSON_Delete(post("/hook", 1));
    await_log(s, 0, "alarm.not_sent connection=acme");
    stage_advance(s, MINUTE_MS);
    if (!yq_wait_until(has_come, &w, AWAIT_MS))
        fail_msg("it is not tried again");
    down = false;
    int tried = peer_server_count(sink, "/hook");
    stage_advance(s, 30 * MINUTE_MS);
    cJSON *json = post("/hook", tried + 1);
    expect_text(json, "alarm", "held");
    cJSON_Delete(json);
    await_log(s, 0, "alarm.sent connection=acme");
    int taken = peer_server_count(sink, "/hook");
    stage_advance(s, 60 * MINUTE_MS);
    expect_no_more("/hook", taken);
}

/* Nobody's secret is told in the log, and no worker waited for the receiver. */
static void addresses_stay_secret(void **state)
{
    struct stage *s = begin(state, "", "");
    down = true;
    leave(s, 0, 6);
    await_log(s, 0, "alarm.not_sent connection=acme");
    char *log = stage_daemon_log(s, 0);
    assert_null(strstr(log, "hook-secret"));
    free(log);
    char *noted = stage_redis_text(s, "HGETALL yq:{acme}:alarmed");
    assert_null(strstr(noted, "hook-secret"));
    free(noted);
}

static void a_robot_gets_a_message_in_chinese(void **state)
{
    char robots[200];
    (void)snprintf(robots, sizeof(robots), "  robots: [\"%s/robot?key=k\"]\n",
                   peer_server_url(sink));
    struct stage *s = begin(state, robots, "language: zh\n");
    leave(s, 0, 6);
    char *hash = held_hash(s);
    cJSON *json = post("/robot", 1);
    expect_text(json, "msgtype", "markdown");
    const char *content =
        cJSON_GetStringValue(yq_json_get(yq_json_get(json, "markdown"), "content"));
    assert_non_null(content);
    assert_non_null(strstr(content, "云桥告警"));
    assert_non_null(strstr(content, hash));
    assert_null(strstr(content, "员工"));
    cJSON_Delete(json);
    cJSON_Delete(post("/hook", 1));
    expect_no_more("/robot", 1);
    free(hash);
}

/* It says no with HTTP 200. */
static void a_robot_that_refuses_is_asked_again(void **state)
{
    char robots[200];
    struct wanted w = {"/robot", 2};
    (void)snprintf(robots, sizeof(robots), "  robots: [\"%s/robot?key=k\"]\n",
                   peer_server_url(sink));
    struct stage *s = begin(state, robots, "");
    robot_refuses = true;
    leave(s, 0, 6);
    cJSON_Delete(post("/robot", 1));
    await_log(s, 0, "errcode 93000");
    robot_refuses = false;
    stage_advance(s, 5 * MINUTE_MS);
    if (!yq_wait_until(has_come, &w, AWAIT_MS))
        fail_msg("it is not tried again");
    await_log(s, 0, "to=alarms.robots");
    stage_advance(s, 5 * MINUTE_MS);
    expect_no_more("/robot", 2);
}

/* ---- the other causes ---- */

static void a_case_is_told(void **state)
{
    struct stage *s = begin(state, "", "");
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"孙一\",\"account\":"
         "\"sunyi\"},{\"id\":\"4200000000000000003\",\"username\":\"孙二\",\"mobile\":"
         "\"13812345678\"}]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"sunyi\",\"name\":\"孙一\","
                          "\"departments\":[1],\"mobile\":\"13812345678\"}");
    stage_settle(s, false);
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "cases");
    assert_string_equal(command_of(json, 0), "yunqiao cases acme");
    cJSON_Delete(json);
    expect_no_more("/hook", 1);
}

static void a_refused_secret_is_told_and_ends(void **state)
{
    struct stage *s = begin(state, "", "");
    char *text;
    tell(s, STAGE_WECOM, "/_sim/faults",
         "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"token_dead\",\"count\":100000}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u1\",\"name\":\"改名\"}");
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "wecom_refuses");
    assert_string_equal(command_of(json, 0), "yunqiao doctor acme");
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "doctor", "acme", NULL), 1);
    free(text);
    tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
    stage_settle(s, true);
    expect_person(s, "u1", "username", "改名", NULL);
    await(s, no_alarm_is_open, "the alarm's end");
    expect_no_more("/hook", 1);
}

/* Every token that eteams gives out is refused: the authorisation is gone (eteams.md §3). */
static void an_eteams_that_refuses_is_told_and_ends(void **state)
{
    struct stage *s = begin(state, "", "");
    char *text;
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"/api/hrm/restful/queryEmployee\",\"kind\":\"token_dead_top\",\"count\":-1}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u1\",\"name\":\"改名\"}");
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "eteams_refuses");
    assert_string_equal(command_of(json, 0), "yunqiao doctor acme");
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "doctor", "acme", NULL), 1);
    assert_non_null(strstr(text, "eteams"));
    free(text);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u2\",\"name\":\"又改\"}");
    stage_advance(s, 10 * MINUTE_MS); /* tried again, refused again: told once */
    expect_no_more("/hook", 1);
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    stage_settle(s, true);
    expect_person(s, "u1", "username", "改名", NULL);
    expect_person(s, "u2", "username", "又改", NULL);
    await(s, no_alarm_is_open, "the alarm's end");
    expect_no_more("/hook", 1);
    expect_dead(s, 0);
}

static void tick(struct stage *s, const char *departments, const char *members)
{
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[%s],\"members\":[%s]}",
                       departments, members);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static bool no_scope_is_over(struct stage *s)
{
    char *open = stage_redis_text(s, "HGET yq:{acme}:alarms no_scope");
    char *noted = stage_redis_text(s, "HGET yq:{acme}:alarmed no_scope");
    bool over = *open == '\0' && *noted == '\0';
    free(open);
    free(noted);
    return over;
}

/* How many posts of that kind there were among the first `count`. */
static int posts_of(const char *alarm, int count, char *command, size_t size)
{
    int found = 0;
    for (int i = 1; i <= count; i++) {
        cJSON *json = post("/hook", i);
        const char *is = cJSON_GetStringValue(yq_json_get(json, "alarm"));
        if (is != NULL && strcmp(is, alarm) == 0) {
            found++;
            (void)snprintf(command, size, "%s", command_of(json, 0));
        }
        cJSON_Delete(json);
    }
    return found;
}

/* R9. The range shrank by that, too, which is an alarm of its own. */
static void a_range_of_persons_alone_is_told(void **state)
{
    char command[64] = "";
    struct stage *s = begin(state, "", "");
    expect_command(s, 0, "sync", "acme", NULL);
    expect_no_more("/hook", 0);
    tick(s, "", "\"u1\",\"u2\"");
    (void)stage_command(s, NULL, "sync", "acme", NULL);
    assert_int_equal(posts_of("no_scope", 2, command, sizeof(command)), 1);
    assert_string_equal(command, "yunqiao sync acme");
    (void)stage_command(s, NULL, "sync", "acme", NULL);
    expect_no_more("/hook", 2);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 0);
    tick(s, "1", "");
    expect_command(s, 0, "sync", "acme", NULL); /* the command that the alarm names */
    await(s, no_scope_is_over, "the alarm's end");
    await(s, no_alarm_is_open, "the other's, too");
    expect_no_more("/hook", 2);
    expect_person(s, "u3", "username", "员工3", "department", "研发", NULL);
    expect_all_well(s);
}

static void a_shrunken_range_is_told(void **state)
{
    struct stage *s = begin(state, "", "");
    wecom_department(s, 3, "测试", 1);
    wecom_member(s, "v1", "留下", "3");
    stage_settle(s, false);
    expect_command(s, 0, "sync", "acme", NULL);
    expect_no_more("/hook", 0);
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[3],\"members\":[]}");
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    expect_command(s, 0, "sync", "acme", NULL);
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "range_shrank");
    assert_non_null(strstr(cJSON_GetStringValue(yq_json_get(json, "text")), "研发"));
    assert_string_equal(command_of(json, 1), "yunqiao sync acme");
    cJSON_Delete(json);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[1],\"members\":[]}");
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    expect_command(s, 0, "sync", "acme", NULL); /* the command that it names */
    await(s, no_alarm_is_open, "the alarm's end");
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[3],\"members\":[]}");
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    expect_command(s, 0, "sync", "acme", NULL);
    cJSON_Delete(post("/hook", 2));
    expect_command(s, 0, "sync", "acme", NULL); /* that was meant */
    await(s, no_alarm_is_open, "the alarm's end");
    expect_no_more("/hook", 2);
}

static bool was_reconciled(struct stage *s)
{
    char *ended = stage_redis_text(s, "HGET yq:{acme}:reconciled full");
    bool was = strcmp(ended, "") != 0;
    free(ended);
    return was;
}

static void an_overdue_reconcile_is_told(void **state)
{
    static char yaml[200];
    (void)snprintf(yaml, sizeof(yaml), "alarms: { webhooks: [\"%s/hook\"] }\n",
                   peer_server_url(sink));
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1,
                                       .people = 10,
                                       .departments = 3,
                                       .mirrored = true,
                                       .top_yaml = yaml,
                                       .reconcile = "at_start: true, departments: 0s, members: "
                                                    "60m, full_at: \"\""});
    await(s, was_reconciled, "the first reconcile");
    expect_no_more("/hook", 0);
    tell(s, STAGE_WECOM, "/_sim/faults",
         "{\"path\":\"/cgi-bin/department/list\",\"kind\":\"http_500\",\"count\":100000}");
    stage_advance(s, 106 * MINUTE_MS);
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "reconcile_overdue");
    cJSON_Delete(json);
    tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
    stage_advance(s, 2 * MINUTE_MS);
    await(s, no_alarm_is_open, "the alarm's end");
    expect_no_more("/hook", 1);
}

static void dead_letters_are_told(void **state)
{
    struct stage *s = begin(state, "", "retry: { attempts: 1 }\n");
    char *text;
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"/api/hrm/restful/syncEmployee\",\"kind\":\"row_failed\",\"count\":-1}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u1\",\"name\":\"改名\"}");
    stage_settle(s, true);
    expect_dead(s, 1);
    cJSON *json = post("/hook", 1);
    expect_text(json, "alarm", "dead");
    text = cJSON_PrintUnformatted(json);
    assert_non_null(strstr(text, "yunqiao dead list acme"));
    free(text);
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "doctor", "acme", NULL), 1);
    assert_non_null(strstr(text, "member:u1"));
    assert_non_null(strstr(text, "yunqiao dead retry acme "));
    free(text);
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    expect_command(s, 0, "dead", "retry", "acme", "--all", NULL);
    stage_settle(s, true);
    expect_person(s, "u1", "username", "改名", NULL);
    await(s, no_alarm_is_open, "the alarm's end");
    expect_no_more("/hook", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALARM_STORY(a_held_plan_is_told_once_with_its_command),
        ALARM_STORY(nor_is_it_after_a_restart),
        ALARM_STORY(it_is_over_once_approved_and_comes_again),
        ALARM_STORY(what_a_receiver_does_not_take_comes_later),
        ALARM_STORY(addresses_stay_secret),
        ALARM_STORY(a_robot_gets_a_message_in_chinese),
        ALARM_STORY(a_robot_that_refuses_is_asked_again),
        ALARM_STORY(a_case_is_told),
        ALARM_STORY(a_refused_secret_is_told_and_ends),
        ALARM_STORY(an_eteams_that_refuses_is_told_and_ends),
        ALARM_STORY(a_range_of_persons_alone_is_told),
        ALARM_STORY(a_shrunken_range_is_told),
        ALARM_STORY(an_overdue_reconcile_is_told),
        ALARM_STORY(dead_letters_are_told),
    };
    return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
