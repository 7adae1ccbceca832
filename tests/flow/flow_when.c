/* When a reconcile comes by itself: after a start, by the clock, when an event asks for it; and
 * never two of one company at once. */
#include "grown.h"

#include <signal.h>

#include "base/json.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)

static struct stage *reconciled_when(void **state, const char *when)
{
    return story_with(state, &(struct stage_options){.seed = 7,
                                                     .people = 30,
                                                     .departments = 4,
                                                     .mirrored = true,
                                                     .callback_mode = "trimmed",
                                                     .reconcile = when});
}

static int64_t runs(struct stage *s)
{
    char *text = stage_redis_text(s, "XLEN yq:{acme}:runs");
    int64_t n = atoll(text);
    free(text);
    return n;
}

/* Only a reconcile finds it. */
static void rename_silently(struct stage *s, const char *userid)
{
    char change[300];
    (void)snprintf(change, sizeof(change),
                   "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"改名之人\"}", userid);
    silently(s, change);
}

static bool is_renamed(struct stage *s)
{
    return count_people(s, "改名之人") == 1;
}

static bool is_resigned(struct stage *s)
{
    return writes(s, "resigns") == 1;
}

static bool is_idle(struct stage *s)
{
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    bool idle = *run == '\0';
    free(run);
    return idle;
}

/* The newest run, as in `runs`. */
static void expect_run(struct stage *s, const char *cause, const char *kind)
{
    char words[100], *run = stage_redis_text(s, "XREVRANGE yq:{acme}:runs + - COUNT 1");
    (void)snprintf(words, sizeof(words), "\"cause\":\"%s\"", cause);
    if (strstr(run, words) == NULL || strstr(run, kind) == NULL)
        fail_msg("not a %s run because of %s: %s", kind, cause, run);
    free(run);
}

/* ---- after a start ---- */

#define BY_THE_START "at_start: true, departments: 0s, members: 0s, full_at: \"\""

static void what_nobody_heard_is_found_after_the_start(void **state)
{
    struct stage *s = reconciled_when(state, BY_THE_START);
    await(s, is_reconciled, "the first reconcile");
    await(s, is_idle, "its end");
    char **ids = userids(s, NULL);
    stage_kill_daemon(s, 0, SIGTERM);
    rename_silently(s, ids[3]);
    leave_silently(s, 10, 1);
    stage_advance(s, HOUR_MS);
    stage_start_daemon(s, 0);
    await(s, is_renamed, "the new name");
    await(s, is_resigned, "who left");
    await(s, is_idle, "the end of the reconcile");
    expect_run(s, "start", "full");
    assert_int_equal(runs(s), 2);
    expect_all_well(s);
    free_ids(ids);
}

static bool are_three(struct stage *s)
{
    return runs(s) == 3;
}

/* A restart right behind a reconcile, and another process beside it: one more is enough for both,
 * and comes when ten minutes are over. */
static void many_starts_are_followed_by_few_reconciles(void **state)
{
    struct stage *s = reconciled_when(state, BY_THE_START);
    await(s, is_reconciled, "the first reconcile");
    await(s, is_idle, "its end");
    char **ids = userids(s, NULL);
    stage_kill_daemon(s, 0, SIGTERM);
    rename_silently(s, ids[3]);
    stage_advance(s, MINUTE_MS);
    stage_start_daemon(s, 0);
    stage_advance(s, MINUTE_MS);
    stage_start_daemon(s, 1);
    wecom_member(s, "li.na", "李娜", "1"); /* they are at work by now */
    stage_settle(s, true);
    assert_int_equal(runs(s), 1 + 1); /* the event's own */
    stage_advance(s, 10 * MINUTE_MS);
    await(s, is_renamed, "the new name");
    await(s, are_three, "the run's end");
    expect_run(s, "start", "full");
    stage_advance(s, 20 * MINUTE_MS);
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, true);
    assert_int_equal(runs(s), 3 + 1);
    free_ids(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_nobody_heard_is_found_after_the_start),
        STORY(many_starts_are_followed_by_few_reconciles),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
