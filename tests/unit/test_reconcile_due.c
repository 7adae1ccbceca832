/* When a reconcile is due: a pure decision from times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "model/snapshot.h"
#include "service/reconcile_due.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOW (INT64_C(1767225600000) + 12 * HOUR) /* noon */

static struct yq_reconcile_times times(int64_t now)
{
    int64_t midnight = now - now % DAY, three = midnight + 3 * HOUR;
    return (struct yq_reconcile_times){.now_ms = now,
                                       .started_ms = NOW - DAY,
                                       .night_ms = three <= now ? three : three - DAY,
                                       .seed = 12345678,
                                       .at_start = true,
                                       .departments_every_ms = 10 * MINUTE,
                                       .members_every_ms = HOUR};
}

/* All of it was complete a moment ago. */
static struct yq_reconcile_state in_step(int64_t now)
{
    return (struct yq_reconcile_state){
        .departments_ms = now - 1, .members_ms = now - 1, .full_ms = now - 1};
}

static void expect(const struct yq_reconcile_times *t, const struct yq_reconcile_state *s,
                   enum yq_reconcile_kind kind, const char *cause)
{
    struct yq_reconcile_due due = yq_reconcile_due(t, s);
    assert_string_equal(yq_reconcile_kind_name(due.kind), yq_reconcile_kind_name(kind));
    if (kind != YQ_RECONCILE_NONE)
        assert_string_equal(due.cause, cause);
}

static void a_new_connection_is_compared_at_once(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = {0};
    expect(&t, &s, YQ_RECONCILE_FULL, "start");
    s.cancelled_ms = NOW - 1;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.at_start = false;
    t.started_ms = NOW - 1; /* not before the next time on the clock */
    expect(&t, &(struct yq_reconcile_state){0}, YQ_RECONCILE_NONE, "");
}

/* ---- after a start ---- */

static void a_start_is_followed_by_one_full_run(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    t.started_ms = NOW;
    s.full_ms = NOW - HOUR;
    expect(&t, &s, YQ_RECONCILE_FULL, "start"); /* those of the members find no leavers */
    t.at_start = false;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.at_start = true;
    s.full_ms = NOW; /* whoever ran it */
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

static void one_that_was_cancelled_since_is_not_begun_again(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    t.started_ms = NOW - MINUTE;
    s.full_ms = NOW - HOUR;
    s.cancelled_ms = NOW;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.started_ms = NOW + MINUTE;
    t.now_ms = NOW + 10 * MINUTE;
    s.departments_ms = s.members_ms = t.now_ms;
    expect(&t, &s, YQ_RECONCILE_FULL, "start"); /* that was another start */
}

static void a_fresh_one_puts_it_off(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    t.started_ms = NOW - MINUTE;
    s.full_ms = NOW - 2 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.now_ms = s.full_ms + 10 * MINUTE;
    s.departments_ms = s.members_ms = t.now_ms;
    expect(&t, &s, YQ_RECONCILE_FULL, "start");
}

/* Sixty processes, one a minute; a run takes no time. */
static void a_rolling_restart_compares_a_few_times(void **state)
{
    (void)state;
    struct yq_reconcile_state s = in_step(NOW - HOUR);
    int runs = 0;
    int64_t last = 0;
    for (int64_t minute = 0; minute < 120; minute++) {
        struct yq_reconcile_times t = times(NOW + minute * MINUTE);
        s.departments_ms = s.members_ms = t.now_ms;
        for (int64_t process = 0; process < 60 && process <= minute; process++) {
            t.started_ms = NOW + process * MINUTE;
            if (yq_reconcile_due(&t, &s).kind == YQ_RECONCILE_NONE)
                continue;
            runs++;
            s.full_ms = last = t.now_ms;
        }
    }
    assert_in_range(runs, 2, 7);
    assert_true(last >= NOW + 59 * MINUTE && last <= NOW + 70 * MINUTE); /* one behind the last */
}

/* The taking over of superiors would be part of it. */
static void a_start_leaves_time_for_a_dry_run_of_the_switch(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    t.superiors = true;
    t.started_ms = NOW - 9 * MINUTE;
    s.full_ms = NOW - HOUR;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.started_ms = NOW - 10 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_FULL, "superiors");
    s.superiors = YQ_SUPERIORS_LOCKED;
    expect(&t, &s, YQ_RECONCILE_FULL, "start");
}

/* How many of a thousand begin in the busiest second: in each it is due `after` the moment that is
 * the same for all. */
static int busiest_second(struct yq_reconcile_times t, const struct yq_reconcile_state *s)
{
    int most = 0, begun = 0;
    const int64_t from = t.now_ms;
    for (int64_t second = 0; second <= 31; second++) {
        int before = begun;
        begun = 0;
        for (int c = 0; c < 1000; c++) {
            char id[16];
            (void)snprintf(id, sizeof(id), "c%d", c);
            t.seed = yq_id_hash(id);
            t.now_ms = from + second * 1000;
            begun += yq_reconcile_due(&t, s).kind == YQ_RECONCILE_FULL;
        }
        most = begun - before > most ? begun - before : most;
    }
    assert_int_equal(begun, 1000);
    return most;
}

static void a_thousand_do_not_start_together(void **state)
{
    (void)state;
    assert_int_equal(yq_reconcile_spread_ms(0), 0);
    assert_int_equal(yq_reconcile_spread_ms(1), 0); /* one alone begins at once */
    assert_int_equal(yq_reconcile_spread_ms(2), 100);
    assert_int_equal(yq_reconcile_spread_ms(100000), 30000);
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = {0};
    t.night_ms = t.members_every_ms = t.departments_every_ms = 0;
    t.started_ms = NOW;
    assert_int_equal(busiest_second(t, &s), 1000); /* nothing was said of a spread */
    t.spread_ms = yq_reconcile_spread_ms(1000);
    assert_in_range(busiest_second(t, &s), 30, 70);
    s.full_ms = NOW - HOUR; /* no news: the same */
    assert_in_range(busiest_second(t, &s), 30, 70);
    s.full_ms = 0;
    t.started_ms = NOW - DAY; /* Redis was wiped: they are all new again */
    t.new_ms = NOW;
    assert_in_range(busiest_second(t, &s), 30, 70);
}

static void nothing_is_due_when_all_is_in_step(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

static void the_clock_asks_for_the_largest_that_is_due(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    s.departments_ms = NOW - 10 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_DEPARTMENTS, "schedule");
    s.members_ms = NOW - HOUR;
    expect(&t, &s, YQ_RECONCILE_MEMBERS, "schedule");
    s.full_ms = NOW - DAY;
    expect(&t, &s, YQ_RECONCILE_FULL, "schedule");
    t.night_ms = 0;
    expect(&t, &s, YQ_RECONCILE_MEMBERS, "schedule");
    t.members_every_ms = 0;
    expect(&t, &s, YQ_RECONCILE_DEPARTMENTS, "schedule");
    t.departments_every_ms = 0;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

/* Through a day, minute by minute: as often as the settings say, at times of its own. */
static int64_t count_over_a_day(uint64_t seed, int64_t *ret_first_full)
{
    int64_t runs = 0;
    struct yq_reconcile_state s = in_step(NOW);
    *ret_first_full = 0;
    for (int64_t now = NOW; now < NOW + DAY; now += MINUTE) {
        struct yq_reconcile_times t = times(now);
        t.seed = seed;
        struct yq_reconcile_due due = yq_reconcile_due(&t, &s);
        if (due.kind == YQ_RECONCILE_NONE)
            continue;
        runs++;
        s.departments_ms = now;
        s.members_ms = due.kind >= YQ_RECONCILE_MEMBERS ? now : s.members_ms;
        if (due.kind == YQ_RECONCILE_FULL) {
            assert_int_equal(*ret_first_full, 0); /* once a day */
            s.full_ms = *ret_first_full = now;
        }
    }
    return runs;
}

static void it_is_as_often_as_the_settings_say(void **state)
{
    (void)state;
    int64_t full;
    for (uint64_t seed = 0; seed < 50; seed++) {
        int64_t runs = count_over_a_day(seed * 7919 * 1000003, &full);
        assert_in_range(runs, 143, 24 * 6 + 24 + 2);
        int64_t hour = full % DAY / HOUR; /* within the hour behind three */
        assert_in_range(hour, 3, 4);
    }
}

static void companies_do_not_wake_together(void **state)
{
    (void)state;
    int together = 0;
    for (int c = 0; c < 1000; c++) {
        struct yq_reconcile_times t = times(NOW);
        struct yq_reconcile_state s = in_step(NOW);
        char id[16];
        (void)snprintf(id, sizeof(id), "c%d", c);
        t.seed = yq_id_hash(id);
        s.members_ms = s.departments_ms = NOW - MINUTE; /* who begins within this minute? */
        together += yq_reconcile_due(&t, &s).kind != YQ_RECONCILE_NONE;
    }
    assert_in_range(together, 60, 180); /* a tenth by the departments, a sixtieth by the members */
}

/* The full ones of a night, by quarters of the hour. */
static void nor_do_they_at_night(void **state)
{
    (void)state;
    int quarters[4] = {0};
    for (int c = 0; c < 1000; c++) {
        int64_t full;
        char id[16];
        (void)snprintf(id, sizeof(id), "c%d", c);
        (void)count_over_a_day(yq_id_hash(id), &full);
        quarters[(full - 3 * HOUR) % DAY / (15 * MINUTE) % 4]++;
    }
    for (int q = 0; q < 4; q++)
        assert_in_range(quarters[q], 190, 310);
}

static void what_is_owed_is_done_soon(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    s.full_ms = NOW - MINUTE;
    s.owed_ms = NOW - 1;
    expect(&t, &s, YQ_RECONCILE_FULL, "owed");
    s.full_ms = NOW - 1000; /* what comes right behind one collects a little */
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

static void what_all_are_owed_is_spread(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW - HOUR);
    t.night_ms = t.members_every_ms = t.departments_every_ms = 0;
    s.owed_ms = NOW;
    assert_int_equal(busiest_second(t, &s), 1000);
    s.owed_ms = NOW + HOUR; /* by another clock */
    assert_int_equal(busiest_second(t, &s), 1000);
    s.owed_ms = NOW;
    t.spread_ms = yq_reconcile_spread_ms(1000);
    assert_in_range(busiest_second(t, &s), 30, 70);
}

static void a_failure_is_rested_from(void **state)
{
    (void)state;
    struct yq_reconcile_state s = {.failures = 1, .failed_ms = NOW, .owed_ms = NOW - HOUR};
    struct yq_reconcile_times t = times(NOW + MINUTE - 1);
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t = times(NOW + MINUTE);
    expect(&t, &s, YQ_RECONCILE_FULL, "start");
    s.failures = 40;
    t = times(NOW + HOUR - 1);
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t = times(NOW + HOUR);
    expect(&t, &s, YQ_RECONCILE_FULL, "start");
}

static void a_command_waits_for_nothing_but_a_pause(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    s.failures = 3;
    s.failed_ms = NOW;
    (void)snprintf(s.wanted, sizeof(s.wanted), "1767225600000-0");
    expect(&t, &s, YQ_RECONCILE_FULL, "command");
    s.paused = true;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

static void a_cancelled_one_waits_for_its_next_time(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    s.full_ms = s.members_ms = s.departments_ms = NOW - 2 * DAY;
    s.owed_ms = NOW - HOUR;
    s.cancelled_ms = NOW;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t = times(NOW + 10 * MINUTE);
    expect(&t, &s, YQ_RECONCILE_DEPARTMENTS, "schedule");
    t = times(NOW + DAY);
    expect(&t, &s, YQ_RECONCILE_FULL, "schedule");
}

/* ---- overdue ---- */

static struct yq_reconcile_plan plan(int64_t now)
{
    return (struct yq_reconcile_plan){.now_ms = now,
                                      .started_ms = NOW - DAY,
                                      .at_night = true,
                                      .departments_every_ms = 10 * MINUTE,
                                      .members_every_ms = HOUR};
}

static void expect_overdue(const struct yq_reconcile_plan *p, const struct yq_reconcile_state *s,
                           enum yq_reconcile_kind kind, int64_t last_ms)
{
    int64_t last = 0;
    enum yq_reconcile_kind is = yq_reconcile_overdue(p, s, &last);
    assert_string_equal(yq_reconcile_kind_name(is), yq_reconcile_kind_name(kind));
    if (kind != YQ_RECONCILE_NONE)
        assert_int_equal(last, last_ms);
}

static void each_sort_is_overdue_in_its_own_time(void **state)
{
    (void)state;
    struct yq_reconcile_plan p = plan(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    s.departments_ms = NOW - 30 * MINUTE;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    s.departments_ms--;
    expect_overdue(&p, &s, YQ_RECONCILE_DEPARTMENTS, s.departments_ms);
    s.members_ms = NOW - 105 * MINUTE - 1;
    expect_overdue(&p, &s, YQ_RECONCILE_MEMBERS, s.members_ms);
    s.full_ms = NOW - 36 * HOUR - 15 * MINUTE - 1;
    expect_overdue(&p, &s, YQ_RECONCILE_FULL, s.full_ms);
    p.at_night = false;
    p.members_every_ms = p.departments_every_ms = 0; /* never by the clock */
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
}

static void a_new_connection_counts_from_the_start(void **state)
{
    (void)state;
    struct yq_reconcile_plan p = plan(NOW);
    struct yq_reconcile_state s = {0};
    p.started_ms = NOW - 20 * MINUTE;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    p.started_ms = NOW - HOUR;
    expect_overdue(&p, &s, YQ_RECONCILE_DEPARTMENTS, 0);
}

static void what_fails_or_is_owed_is_overdue(void **state)
{
    (void)state;
    struct yq_reconcile_plan p = plan(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    s.failures = 5;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    s.failures = 6;
    expect_overdue(&p, &s, YQ_RECONCILE_FULL, NOW - 1);
    s.failures = 0;
    s.owed_ms = NOW - 2 * HOUR;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    s.owed_ms--;
    expect_overdue(&p, &s, YQ_RECONCILE_FULL, NOW - 1);
    s.cancelled_ms = NOW - MINUTE; /* somebody did not want it */
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
}

static void one_that_goes_on_is_not_overdue(void **state)
{
    (void)state;
    struct yq_reconcile_plan p = plan(NOW);
    struct yq_reconcile_state s = {.full_ms = 1, .members_ms = 1, .departments_ms = 1};
    s.going = true;
    p.going_ms = NOW - 9 * MINUTE;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
    p.going_ms = NOW - 10 * MINUTE; /* it says nothing any more */
    expect_overdue(&p, &s, YQ_RECONCILE_FULL, 1);
    s.paused = true;
    expect_overdue(&p, &s, YQ_RECONCILE_NONE, 0);
}

/* On: time for a dry run first; off: at once; what came to nothing rests. */
static void the_superior_switch_is_brought_there(void **state)
{
    (void)state;
    struct yq_reconcile_times t = times(NOW);
    struct yq_reconcile_state s = in_step(NOW);
    t.superiors = true;
    t.started_ms = NOW - 5 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.started_ms = NOW - 10 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_FULL, "superiors");
    s.superiors_tried_ms = NOW - 5 * MINUTE;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    s.superiors_tried_ms = 0;
    s.superiors = YQ_SUPERIORS_TAKING_OVER;
    t.started_ms = NOW;
    expect(&t, &s, YQ_RECONCILE_FULL, "superiors");
    s.superiors = YQ_SUPERIORS_ON;
    expect(&t, &s, YQ_RECONCILE_DEPARTMENTS, "superiors");
    s.superiors = YQ_SUPERIORS_LOCKED;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
    t.superiors = false;
    expect(&t, &s, YQ_RECONCILE_DEPARTMENTS, "superiors");
    s.superiors_tried_ms = NOW - MINUTE;
    expect(&t, &s, YQ_RECONCILE_NONE, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_connection_is_compared_at_once),
        cmocka_unit_test(a_start_is_followed_by_one_full_run),
        cmocka_unit_test(one_that_was_cancelled_since_is_not_begun_again),
        cmocka_unit_test(a_fresh_one_puts_it_off),
        cmocka_unit_test(a_rolling_restart_compares_a_few_times),
        cmocka_unit_test(a_start_leaves_time_for_a_dry_run_of_the_switch),
        cmocka_unit_test(a_thousand_do_not_start_together),
        cmocka_unit_test(nothing_is_due_when_all_is_in_step),
        cmocka_unit_test(the_clock_asks_for_the_largest_that_is_due),
        cmocka_unit_test(it_is_as_often_as_the_settings_say),
        cmocka_unit_test(companies_do_not_wake_together),
        cmocka_unit_test(nor_do_they_at_night),
        cmocka_unit_test(what_is_owed_is_done_soon),
        cmocka_unit_test(what_all_are_owed_is_spread),
        cmocka_unit_test(a_failure_is_rested_from),
        cmocka_unit_test(a_command_waits_for_nothing_but_a_pause),
        cmocka_unit_test(a_cancelled_one_waits_for_its_next_time),
        cmocka_unit_test(the_superior_switch_is_brought_there),
        cmocka_unit_test(each_sort_is_overdue_in_its_own_time),
        cmocka_unit_test(a_new_connection_counts_from_the_start),
        cmocka_unit_test(what_fails_or_is_owed_is_overdue),
        cmocka_unit_test(one_that_goes_on_is_not_overdue),
    };
    return cmocka_run_group_tests_name("reconcile_due", tests, NULL, NULL);
}
