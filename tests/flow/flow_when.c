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

/* ---- by the clock ---- */

static int64_t last_full(struct stage *s)
{
    char *text = stage_redis_text(s, "HGET yq:{acme}:reconciled full");
    int64_t at = atoll(text);
    free(text);
    return at;
}

#define DAY_MS (24 * HOUR_MS)
#define SHANGHAI_MS (8 * HOUR_MS) /* the zone that holds where none is named; no summer time */

/* On to the next time of day there. *now_ms: what the clock shows. */
static void go_to(struct stage *s, int64_t *now_ms, int64_t time_of_day_ms)
{
    int64_t wait = time_of_day_ms - (*now_ms + SHANGHAI_MS) % DAY_MS;
    wait += wait <= 0 ? DAY_MS : 0;
    stage_advance(s, wait);
    *now_ms += wait;
}

static void the_night_finds_who_left_unheard(void **state)
{
    struct stage *s =
        reconciled_when(state, "at_start: false, departments: 0s, members: 0s, full_at: \"03:00\"");
    sync_all(s, 0);
    int64_t now = last_full(s), noon;
    go_to(s, &now, 12 * HOUR_MS);
    sync_all(s, 0);
    noon = last_full(s);
    leave_silently(s, 10, 1);
    go_to(s, &now, 3 * HOUR_MS - MINUTE_MS);
    wecom_member(s, "li.na", "李娜", "1"); /* they are at work by now */
    stage_settle(s, false);
    assert_int_equal(last_full(s), noon);
    go_to(s, &now, 4 * HOUR_MS);
    await(s, is_resigned, "who left");
    await(s, is_idle, "the end of the reconcile");
    expect_run(s, "schedule", "full");
    assert_in_range(last_full(s), now, now + HOUR_MS);
    expect_all_well(s);
}

static void the_members_interval_finds_a_new_name(void **state)
{
    struct stage *s =
        reconciled_when(state, "at_start: false, departments: 0s, members: 60m, full_at: \"\"");
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    rename_silently(s, ids[3]);
    leave_silently(s, 10, 1);
    stage_advance(s, HOUR_MS);
    await(s, is_renamed, "the new name");
    await(s, is_idle, "the end of the reconcile");
    expect_run(s, "schedule", "members");
    assert_int_equal(writes(s, "resigns"), 0); /* those find no leavers */
    expect_all_well(s);
    free_ids(ids);
}

/* ---- when an event asks for it ---- */

#define NEVER "at_start: false, departments: 0s, members: 0s, full_at: \"\""

static void a_changed_authorisation_asks_for_it(void **state)
{
    struct stage *s = reconciled_when(state, NEVER);
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    rename_silently(s, ids[3]);
    leave_silently(s, 10, 1);
    stage_advance(s, MINUTE_MS);
    free(stage_redis_text(s, "XADD yq:{acme}:events * v 1 kind auth.changed subject all source "
                             "callback at 1 digest x data {} raw x"));
    free(stage_redis_text(s, "ZADD yq:ready 1 acme"));
    await(s, is_renamed, "the new name");
    await(s, is_resigned, "who left");
    await(s, is_idle, "the end of the reconcile");
    expect_run(s, "owed", "full");
    expect_all_well(s);
    free_ids(ids);
}

static void a_changed_tag_asks_for_it(void **state)
{
    struct stage *s = reconciled_when(state, NEVER);
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    rename_silently(s, ids[3]);
    leave_silently(s, 10, 1);
    silently(s, "{\"do\":\"create_tag\",\"id\":7,\"name\":\"外勤\"}");
    stage_advance(s, MINUTE_MS);
    stage_wecom_change(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[\"%s\"]}", ids[0]);
    await(s, is_renamed, "the new name");
    await(s, is_resigned, "who left");
    await(s, is_idle, "the end of the reconcile");
    expect_run(s, "owed", "full");
    expect_all_well(s);
    free_ids(ids);
}

/* ---- several processes ---- */

/* A fact of the log, in the order of real time. */
struct fact {
    char at[40], run[40];
    int daemon;
    enum { BEGINS, ENDS, TAKEN_OVER } what;
};

static int compare_facts(const void *left, const void *right)
{
    const struct fact *a = left, *b = right;
    int order = strcmp(a->at, b->at);
    return order != 0 ? order : (a->what == ENDS ? -1 : b->what == ENDS);
}

static size_t add_facts(struct stage *s, int daemon, struct fact *facts, size_t count, size_t max)
{
    static const char *const words[] = {"reconcile.begins ", "reconcile.ended ",
                                        "reconcile.taken_over "};
    char *log = stage_daemon_log(s, daemon), *rest = log, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        const char *run = strstr(line, " run=");
        for (int w = BEGINS; w <= TAKEN_OVER && run != NULL; w++) {
            if (strstr(line, words[w]) == NULL)
                continue;
            assert_true(count < max);
            struct fact *f = &facts[count++];
            f->daemon = daemon;
            f->what = w;
            assert_int_equal(sscanf(line, "%39s", f->at), 1);
            assert_int_equal(sscanf(run, " run=%39s", f->run), 1);
        }
    }
    free(log);
    return count;
}

/* Whoever begins one does so when the one before has ended, or goes on with it because its process
 * is no more. Returns how many were begun. */
static int expect_one_at_a_time(struct stage *s)
{
    static struct fact facts[500];
    size_t count = add_facts(s, 0, facts, 0, 500);
    count = add_facts(s, 1, facts, count, 500);
    qsort(facts, count, sizeof(*facts), compare_facts);
    const struct fact *going = NULL;
    int begun = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fact *f = &facts[i];
        if (f->what == TAKEN_OVER) {
            assert_non_null(going);
            assert_string_equal(f->run, going->run);
            assert_int_not_equal(f->daemon, going->daemon);
            going = NULL;
        } else if (f->what == BEGINS) {
            if (going != NULL)
                fail_msg("%s of %d begins while %s of %d is going", f->run, f->daemon, going->run,
                         going->daemon);
            going = f;
            begun++;
        } else {
            assert_non_null(going);
            assert_string_equal(f->run, going->run);
            assert_int_equal(f->daemon, going->daemon);
            going = NULL;
        }
    }
    return begun;
}

static bool are_links_there(struct stage *s)
{
    return linked(s) == 300;
}

static int64_t ended; /* runs, when it was last looked at */

static bool is_at_it(struct stage *s)
{
    char *phase = stage_redis_text(s, "HGET yq:{acme}:reconcile phase");
    bool is = strcmp(phase, "members") == 0 || runs(s) > ended;
    free(phase);
    return is;
}

static bool is_idle_again(struct stage *s)
{
    return is_idle(s) && runs(s) > ended;
}

/* The start, the clock and two commands ask two processes for it, one of which ends in between. */
static void two_processes_never_run_two_of_one_company(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 7,
                                       .people = 300,
                                       .departments = 60,
                                       .mirrored = true,
                                       .callback_mode = "trimmed",
                                       .pace = "per_second: 60, in_flight: 4",
                                       .reconcile = "at_start: true, departments: 1m, members: 1m, "
                                                    "full_at: \"\""});
    ended = 0;
    stage_start_daemon(s, 1);
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    for (int i = 0; i < 6; i++) {
        await(s, is_at_it, "one that is going");
        stage_advance(s, 30000);
        await(s, is_idle_again, "its end");
        ended = runs(s);
        stage_advance(s, 31000);
    }
    await(s, is_at_it, "one that is going");
    stage_kill_daemon(s, 0, SIGTERM);
    await(s, is_idle_again, "its end, by whichever process");
    await(s, are_links_there, "all links");
    assert_in_range(expect_one_at_a_time(s), 7, 40);
    assert_int_equal(writes(s, "rows"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_nobody_heard_is_found_after_the_start),
        STORY(many_starts_are_followed_by_few_reconciles),
        STORY(the_night_finds_who_left_unheard),
        STORY(the_members_interval_finds_a_new_name),
        STORY(a_changed_authorisation_asks_for_it),
        STORY(a_changed_tag_asks_for_it),
        STORY(two_processes_never_run_two_of_one_company),
    };
    return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
