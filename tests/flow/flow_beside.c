/* Beside a reconcile that is going: events do not wait for it, it survives its process, and an
 * operator can end it. */
#include "grown.h"

#include <signal.h>
#include <unistd.h>

#include "base/json.h"

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

static bool is_written(struct stage *s, const char *text)
{
    cJSON *json = stage_call(s, STAGE_ETEAMS, "/_sim/history", NULL);
    char *history = cJSON_PrintUnformatted(json);
    bool is = strstr(history, text) != NULL;
    free(history);
    cJSON_Delete(json);
    return is;
}

static bool are_all_written(struct stage *s)
{
    return is_written(s, "改名之一") && is_written(s, "改名之二") && is_written(s, "新来的") &&
           is_written(s, "事件改名部");
}

/* The reading alone takes 40 s at that pace, and leaves events what they need. */
static void events_are_applied_while_three_thousand_are_read(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 3000,
                                                  .departments = 300,
                                                  .mirrored = true,
                                                  .pace = "per_second: 10, in_flight: 4"});
    char **ids = userids(s, NULL);
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_reading, "the reading of members");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"改名之一\"}",
                       ids[17]);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"改名之二\"}",
                       ids[2900]);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":7,\"name\":\"事件改名部\"}");
    wecom_member(s, "xin.lai", "新来的", "5");
    await(s, are_all_written, "what events told");
    assert_true(is_reading(s)); /* and not what the reconcile found */
    expect_person(s, ids[17], "username", "改名之一", NULL);
    expect_person(s, "xin.lai", "username", "新来的", NULL);
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    expect_command(s, 0, "cancel", "acme", run, NULL);
    expect_all_well(s);
    free(run);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(events_do_not_wait_for_a_reconcile),
        STORY(events_are_applied_while_three_thousand_are_read),
        STORY(a_killed_one_is_taken_over),
        STORY(an_operator_ends_it),
    };
    return cmocka_run_group_tests_name("beside", tests, NULL, NULL);
}
