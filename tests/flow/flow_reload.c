/* Another configuration while the daemon runs: connections come, change and go, keys are exchanged,
 * a broken file changes nothing. */
#include "story.h"

#include <signal.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/talk.h"

#define SYNC_EMPLOYEE "/api/hrm/restful/syncEmployee"
#define OLD_KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define OLD_KEYS "token: FlowToken, encoding_aes_key: " OLD_KEY
#define NEW_TOKEN "RotatedToken"
#define NEW_KEY "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcba"
#define NEW_KEYS "token: " NEW_TOKEN ", encoding_aes_key: " NEW_KEY

/* ---- telling the daemon ---- */

static int count_logged(struct stage *s, const char *text)
{
    char *log = stage_daemon_log(s, 0);
    int count = 0;
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        count++;
    free(log);
    return count;
}

static int judged_before;

static int count_judged(struct stage *s)
{
    return count_logged(s, " config.reloaded ") + count_logged(s, " config.refused ");
}

static bool has_judged(struct stage *s)
{
    return count_judged(s) > judged_before;
}

static void hang_up(struct stage *s)
{
    judged_before = count_judged(s);
    assert_int_equal(kill(stage_daemon_pid(s, 0), SIGHUP), 0);
    await(s, has_judged, "the daemon says what becomes of it");
}

static void reload(struct stage *s, const struct stage_options *o)
{
    stage_configure(s, o);
    int refused = count_logged(s, " config.refused ");
    hang_up(s);
    assert_int_equal(count_logged(s, " config.refused "), refused);
}

static void deliver_to(struct stage *s, const char *id, const char *token, const char *key)
{
    tell(s, STAGE_WECOM, "/_sim/callback",
         "{\"url\":\"%s/wecom/callback/%s\",\"token\":\"%s\",\"encoding_aes_key\":\"%s\","
         "\"mode\":\"full\"}",
         stage_public_url(s, 0), id, token, key);
}

/* ---- connections ---- */

static char *other_yaml(struct stage *s)
{
    return yq_printf("  - id: other\n"
                     "    wecom:\n"
                     "      corp_id: ww0123456789abcdef\n"
                     "      callback: { " OLD_KEYS " }\n"
                     "      app_secret: sim-app-secret\n"
                     "      agent_id: 1000002\n"
                     "    eteams:\n"
                     "      open_base: %s\n"
                     "      corp_id: sim-eteams-corp\n"
                     "      app_key: sim-app-key\n"
                     "      app_secret: sim-app-secret\n"
                     "    sync: { reconcile: { at_start: false, departments: 0s, members: 0s,"
                     " full_at: \"\" } }\n",
                     stage_eteams_url(s));
}

static bool other_is_measured(struct stage *s)
{
    struct talk_answer a;
    (void)talk_once(stage_admin_url(s, 0), "GET", "/metrics", NULL, NULL, 0, &a);
    bool found = strstr(yq_buf_text(&a.body), "queue_depth{connection=\"other\"}") != NULL;
    talk_answer_release(&a);
    return found;
}

static bool other_is_not_measured(struct stage *s)
{
    return !other_is_measured(s);
}

static bool was_404(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/deliveries", "last_status") == 404;
}

static bool other_has_wang_wei(struct stage *s)
{
    char *linked = stage_redis_text(s, "HEXISTS yq:{other}:link:member wang.wei");
    bool has = strcmp(linked, "1") == 0;
    free(linked);
    return has;
}

static void a_connection_comes_and_goes(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":1000,\"retry_ms\":50}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    deliver_to(s, "other", "FlowToken", OLD_KEY);
    wecom_member(s, "wang.wei", "王伟", "1");
    await(s, was_404, "nobody knows the other company");
    char *yaml = other_yaml(s);
    o.connection_yaml = yaml;
    reload(s, &o);
    expect_logged(s, 0, "connection.added connection=other");
    expect_logged(s, 0, "config.reloaded connections=2 changed=1");
    await(s, other_has_wang_wei, "the other company's member is linked");
    await(s, other_is_measured, "the other company's queue is measured");
    expect_metric(s, "yunqiao_callbacks_unavailable_total{connection=\"other\"}", 0);
    assert_int_equal(count_people(s, "王伟"), 1);
    o.connection_yaml = NULL;
    reload(s, &o);
    expect_logged(s, 0, "connection.removed connection=other");
    assert_int_equal(stage_http(s, 0, "GET", "/wecom/callback/other", NULL, NULL), 404);
    await(s, other_is_not_measured, "nobody speaks of it any more");
    deliver_to(s, "acme", "FlowToken", OLD_KEY);
    wecom_member(s, "zhao.min", "赵敏", "1");
    stage_settle(s, false);
    expect_person(s, "zhao.min", "username", "赵敏", NULL);
    free(yaml);
    expect_all_well(s);
}

static bool is_writing(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

/* The write that is under way ends as it began; the next run is one of the new settings. */
static void a_run_ends_under_the_settings_it_began_with(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":1500}", SYNC_EMPLOYEE);
    wecom_member(s, "li.na", "李娜", "1");
    await(s, is_writing, "the write is under way");
    o.connection_yaml = "    sync: { never_touch: { members: [wang.wei] } }\n";
    o.workers = 5;
    reload(s, &o);
    expect_logged(s, 0, "connection.changed connection=acme");
    wecom_member(s, "wang.wei", "王伟", "1");
    wecom_member(s, "zhao.min", "赵敏", "1");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜", NULL);
    expect_person(s, "zhao.min", "username", "赵敏", NULL);
    expect_nobody(s, "wang.wei");
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 2);
    char *deaths = stage_redis_text(s, "HGETALL yq:{acme}:retry");
    assert_string_equal(deaths, "");
    free(deaths);
    expect_all_well(s);
}

/* Again and again, while people come: each is made once. */
static void reloads_under_load_lose_nothing(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    char *yaml = other_yaml(s);
    for (int i = 0; i < 40; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
        o.connection_yaml = i % 2 ? NULL : yaml;
        o.pace = i % 3 ? NULL : "per_second: 400, in_flight: 3";
        o.workers = 1 + i % 4;
        reload(s, &o);
    }
    stage_settle(s, true);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 40);
    free(yaml);
    expect_all_well(s);
}

/* ---- what is refused, and what waits ---- */

static void a_broken_file_changes_nothing(void **state)
{
    struct stage_options o = {.seed = 1, .connection_yaml = "    sync: { part_time: sometimes }\n"};
    struct stage *s = story(state);
    stage_configure(s, &o);
    hang_up(s);
    expect_logged(s, 0, "connections[0].sync.part_time");
    expect_logged(s, 0, "config.refused");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜", NULL);
    assert_int_equal(unlink(stage_config(s)), 0);
    hang_up(s);
    assert_int_equal(count_logged(s, " config.refused "), 2);
    o.connection_yaml = "    sync: { part_time: none }\n";
    reload(s, &o);
    expect_logged(s, 0, "connection.changed connection=acme");
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, false);
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    expect_all_well(s);
}

static void what_needs_a_restart_is_said(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    o.top_yaml = "http: { max_connections: 77 }\nlog: { level: error }\nredis_prefix_unused: 1\n";
    stage_configure(s, &o);
    hang_up(s);
    expect_logged(s, 0, "redis_prefix_unused");
    o.top_yaml = "http: { max_connections: 77 }\nlanguage: zh\nlog: { level: error }\n"
                 "time_zone: UTC\n";
    reload(s, &o);
    expect_logged(s, 0, "config.restart_needed option=http.max_connections");
    expect_logged(s, 0, "config.restart_needed option=language");
    assert_int_equal(count_logged(s, "config.restart_needed"), 2);
    expect_logged(s, 0, "config.reloaded connections=1 changed=0");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李娜", NULL);
    assert_int_equal(count_logged(s, " event.settled "), 0); /* the new level holds */
    expect_all_well(s);
}

/* ---- keys ---- */

static bool was_403(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/deliveries", "last_status") == 403;
}

/* As an administrator does it: first the daemon knows both, then WeCom gets the new ones, then the
 * old ones go. No callback is refused before that. */
static void callback_keys_are_exchanged(void **state)
{
    struct stage_options o = {.seed = 1};
    struct stage *s = story_with(state, &o);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}"); /* a refusal would be a loss */
    wecom_member(s, "u1", "员工1", "1");
    o.callback = NEW_KEYS ", previous: { " OLD_KEYS " }";
    reload(s, &o);
    wecom_member(s, "u2", "员工2", "1");
    await_deliveries(s);
    deliver_to(s, "acme", NEW_TOKEN, NEW_KEY);
    wecom_member(s, "u3", "员工3", "1");
    await_deliveries(s);
    o.callback = NEW_KEYS;
    reload(s, &o);
    wecom_member(s, "u4", "员工4", "1");
    stage_settle(s, false);
    for (int i = 1; i <= 4; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        expect_person(s, userid, "username", name, NULL);
    }
    deliver_to(s, "acme", "FlowToken", OLD_KEY);
    wecom_member(s, "eve", "坏人", "1");
    await(s, was_403, "the old keys are worth nothing");
    stage_settle(s, false);
    expect_nobody(s, "eve");
    char *log = stage_daemon_log(s, 0);
    assert_null(strstr(log, NEW_TOKEN));
    assert_null(strstr(log, NEW_KEY));
    free(log);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_connection_comes_and_goes),     STORY(a_run_ends_under_the_settings_it_began_with),
        STORY(reloads_under_load_lose_nothing), STORY(a_broken_file_changes_nothing),
        STORY(what_needs_a_restart_is_said),    STORY(callback_keys_are_exchanged),
    };
    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
