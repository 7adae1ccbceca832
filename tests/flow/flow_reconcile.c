/* The full reconcile: two grown directories are linked, what no event told is followed, and nobody
 * is removed for being absent. */
#include "grown.h"

#include <signal.h>
#include <unistd.h>

#include "base/json.h"
#include "support/wait.h"

/* ---- the first time ---- */

static void two_grown_directories_are_linked(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    assert_int_equal(linked(s), 40);
    assert_int_equal(writes(s, "rows"), 0);
    assert_int_equal(of_run(s, "new"), 40);
    char *owners = stage_redis_text(s, "HLEN yq:{acme}:linked:member");
    assert_string_equal(owners, "40");
    free(owners);
    expect_all_well(s);
}

static void a_company_is_linked_by_itself_at_the_start(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 7,
                                                                .people = 30,
                                                                .departments = 4,
                                                                .mirrored = true,
                                                                .reconcile = "at_start: true"});
    await(s, is_reconciled, "the first reconcile");
    assert_int_equal(linked(s), 30);
    assert_int_equal(writes(s, "rows"), 0);
}

static void an_empty_eteams_is_filled(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 9, .people = 120, .departments = 12});
    sync_all(s, 0);
    assert_int_equal(linked(s), 120);
    assert_int_equal(writes(s, "noop_rows"), 0);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
}

/* ---- what no event told ---- */

static void expect_calls(struct stage *s, enum stage_peer peer, const char *path, int64_t least,
                         int64_t most)
{
    cJSON *json = stage_call(s, peer, "/_sim/calls", NULL);
    const cJSON *row = NULL, *paths = yq_json_get(json, peer == STAGE_WECOM ? "paths" : "calls");
    int64_t n = 0;
    row = yq_json_get(paths, path);
    if (!yq_json_item_int(row, &n))
        (void)yq_json_int(row, "calls", &n); /* stays 0 */
    if (n < least || n > most) {
        char *text = cJSON_PrintUnformatted(json);
        fail_msg("%s is called %d times: %s", path, (int)n, text);
    }
    cJSON_Delete(json);
}

static void nothing_changed_nothing_written(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    tell(s, STAGE_ETEAMS, "/_sim/calls", "{\"reset\":true}");
    tell(s, STAGE_WECOM, "/_sim/calls", "{\"reset\":true}");
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    assert_int_equal(writes(s, "rows"), 0);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/get", 0, 0);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/list", 6, 6); /* one for each department */
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/list_id", 1, 1);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/department/list", 1, 2);
    expect_calls(s, STAGE_ETEAMS, "/api/hrm/restful/queryOrg", 1, 1);
    expect_calls(s, STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", 1, 1);
    expect_all_well(s);
}

static void silent_changes_are_followed(void **state)
{
    struct stage *s = grown(state, 40);
    char **ids, change[300];
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    ids = userids(s, NULL);
    (void)snprintf(change, sizeof(change),
                   "[{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"新名字\"},"
                   "{\"do\":\"update_member\",\"userid\":\"%s\",\"mobile\":\"13911112222\"},"
                   "{\"do\":\"update_department\",\"id\":2,\"name\":\"改名部\"}]",
                   ids[3], ids[5]);
    silently(s, change);
    sync_all(s, 0);
    expect_person(s, ids[3], "username", "新名字", NULL);
    expect_person(s, ids[5], "mobile", "13911112222", NULL);
    assert_int_equal(count_departments(s, "改名部"), 1);
    assert_int_equal(of_run(s, "changed"), 2);
    assert_int_equal(of_run(s, "departments"), 1);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
    free_ids(ids);
}

/* The schedule, by the clock alone. */
static void the_clock_asks_for_it(void **state)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){.seed = 7,
                                .people = 20,
                                .departments = 3,
                                .mirrored = true,
                                .callback_mode = "trimmed",
                                .reconcile = "at_start: true, departments: 10m, members: 60m"});
    await(s, is_reconciled, "the first reconcile");
    silently(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"改名部\"}");
    for (int i = 0; i < 100 && count_departments(s, "改名部") == 0; i++) {
        stage_advance(s, 10 * 60 * 1000);
        usleep(100000);
    }
    assert_int_equal(count_departments(s, "改名部"), 1);
}

/* ---- who leaves ---- */

static void three_who_left_unheard_are_resigned(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    leave_silently(s, 0, 3);
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 3);
    assert_int_equal(of_run(s, "gone"), 3);
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 3);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
}

static void thirty_who_left_are_held_and_named(void **state)
{
    struct stage *s = grown(state, 80);
    char *plan, *hash;
    sync_all(s, 0);
    cJSON *before = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    leave_silently(s, 0, 30);
    sync_all(s, 3);
    assert_int_equal(writes(s, "resigns"), 0);
    hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    plan = stage_redis_text(s, "GET yq:{acme}:plan:%s", hash);
    const cJSON *rows = yq_json_get(before, "members");
    for (int i = 0; i < 30; i++) {
        const char *name = yq_json_get(cJSON_GetArrayItem(rows, i), "name")->valuestring;
        if (strstr(plan, name) == NULL)
            fail_msg("%s is not named in %s", name, plan);
    }
    cJSON_Delete(before);
    /* approved, exactly these go */
    expect_command(s, 0, "approve", "acme", hash, NULL);
    assert_int_equal(writes(s, "resigns"), 30);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    free(hash);
    free(plan);
}

/* A userid that changed without anybody hearing of it is no leaver and no newcomer (decisions.md
 * 19). */
static void a_silent_new_userid_keeps_its_person(void **state)
{
    struct stage *s = grown(state, 40);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    char **ids = userids(s, NULL), *before = person_id(s, ids[4]), change[200];
    (void)snprintf(change, sizeof(change),
                   "{\"do\":\"rename_userid\",\"userid\":\"%s\",\"new_userid\":\"new.one\"}",
                   ids[4]);
    silently(s, change);
    sync_all(s, 0);
    char *after = person_id(s, "new.one");
    assert_string_equal(before, after);
    assert_int_equal(writes(s, "resigns"), 0);
    assert_int_equal(writes(s, "creates"), 0);
    free(before);
    free(after);
    free_ids(ids);
}

/* Nor where one of the two cannot be read at first. */
static void a_silent_new_userid_that_is_hard_to_read(void **state)
{
    struct stage *s = grown(state, 40);
    char *text;
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    for (int failures = 1; failures <= 8; failures++) {
        char *before = person_id(s, ids[failures]), change[200], userid[20];
        (void)snprintf(userid, sizeof(userid), "new.%d", failures);
        (void)snprintf(change, sizeof(change),
                       "{\"do\":\"rename_userid\",\"userid\":\"%s\",\"new_userid\":\"%s\"}",
                       ids[failures], userid);
        silently(s, change);
        tell(s, STAGE_WECOM, "/_sim/faults",
             "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"busy\",\"count\":%d}", failures);
        (void)stage_command(s, &text, "sync", "acme", NULL);
        free(text);
        tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
        sync_all(s, 0);
        char *after = person_id(s, userid);
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
    assert_int_equal(writes(s, "resigns"), 0);
    assert_int_equal(writes(s, "creates"), 0);
    free_ids(ids);
}

/* ---- beside events ---- */

static bool is_new_name_there(struct stage *s)
{
    return count_people(s, "事件改名") == 1;
}

static bool is_reading(struct stage *s)
{
    char *phase = stage_redis_text(s, "HGET yq:{acme}:reconcile phase");
    bool is = strcmp(phase, "members") == 0;
    free(phase);
    return is;
}

static void events_do_not_wait_for_a_reconcile(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 600,
                                                  .departments = 120,
                                                  .mirrored = true,
                                                  .pace = "per_second: 20, in_flight: 4"});
    char **ids = userids(s, NULL);
    tell(s, STAGE_WECOM, "/_sim/delay", "{\"ms\":50}");
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_reading, "the reading of members");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"事件改名\"}",
                       ids[9]);
    int64_t waited = 0;
    for (; waited < 10000 && !is_new_name_there(s); waited += 50)
        usleep(50000);
    assert_in_range(waited, 0, 2000 * (getenv("YQ_STAGE_PATIENCE") ? 10 : 1));
    char *going = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    assert_string_not_equal(going, ""); /* it is still at it */
    free(going);
    await(s, is_reconciled, "the end of the reconcile");
    assert_int_equal(linked(s), 600);
    assert_int_equal(writes(s, "noop_rows"), 0);
    expect_person(s, ids[9], "username", "事件改名", NULL);
    free_ids(ids);
}

static void a_killed_one_is_taken_over(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 200,
                                                  .departments = 60,
                                                  .mirrored = true,
                                                  .pace = "per_second: 20, in_flight: 4"});
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_reading, "the reading of members");
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    stage_kill_daemon(s, 0, SIGKILL);
    stage_start_daemon(s, 1);
    await(s, is_reconciled, "the end of the reconcile");
    char *runs = stage_redis_text(s, "XREVRANGE yq:{acme}:runs + -");
    assert_non_null(strstr(runs, run));
    assert_int_equal(linked(s), 200);
    assert_int_equal(writes(s, "rows"), 0);
    free(runs);
    free(run);
}

static bool is_over(struct stage *s)
{
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    bool over = *run == '\0';
    free(run);
    return over;
}

static void an_operator_ends_it(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 200,
                                                  .departments = 60,
                                                  .mirrored = true,
                                                  .pace = "per_second: 10, in_flight: 2"});
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_reading, "the reading of members");
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    expect_command(s, 0, "cancel", "acme", run, NULL);
    await(s, is_over, "the end");
    char *runs = stage_redis_text(s, "XREVRANGE yq:{acme}:runs + - COUNT 1");
    assert_non_null(strstr(runs, "cancelled"));
    assert_int_equal(writes(s, "rows"), 0);
    expect_command(s, 1, "cancel", "acme", run, NULL);
    free(runs);
    free(run);
}

static void a_dry_run_writes_nothing(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 9, .people = 40, .departments = 6});
    char *text;
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", "--json", NULL), 0);
    assert_non_null(strstr(text, "member.create"));
    assert_non_null(strstr(text, "department.create"));
    free(text);
    assert_int_equal(writes(s, "rows"), 0);
    assert_int_equal(linked(s), 0);
    char **ids = userids(s, NULL);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", "--member", ids[0], NULL),
                     0);
    assert_non_null(strstr(text, "member.create"));
    free(text);
    assert_int_equal(linked(s), 0);
    char *audit = stage_redis_text(s, "XLEN yq:{acme}:audit");
    assert_string_equal(audit, "0");
    free(audit);
    free_ids(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(two_grown_directories_are_linked),
        STORY(a_company_is_linked_by_itself_at_the_start),
        STORY(an_empty_eteams_is_filled),
        STORY(nothing_changed_nothing_written),
        STORY(silent_changes_are_followed),
        STORY(the_clock_asks_for_it),
        STORY(three_who_left_unheard_are_resigned),
        STORY(thirty_who_left_are_held_and_named),
        STORY(a_silent_new_userid_keeps_its_person),
        STORY(a_silent_new_userid_that_is_hard_to_read),
        STORY(events_do_not_wait_for_a_reconcile),
        STORY(a_killed_one_is_taken_over),
        STORY(an_operator_ends_it),
        STORY(a_dry_run_writes_nothing),
    };
    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
