/* The pace of calls: bucket, calls in flight, halving and climbing, blocked APIs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "clients/pace.h"

static const struct yq_pace_budget ten = {10, 4};

static int start_as_many(struct yq_pace *p, int64_t now_ms)
{
    int n = 0;
    while (yq_pace_start(p, now_ms, false) == 0)
        n++;
    return n;
}

static void keeps_to_the_rate(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 1000);
    int started = 0;
    for (int64_t now = 1000; now <= 11000; now++) {
        while (yq_pace_start(&p, now, false) == 0) {
            started++;
            yq_pace_end(&p);
        }
    }
    assert_in_range(started, 109, 110); /* ten seconds' worth, and the full bucket */
}

static void says_how_long_to_wait(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &(struct yq_pace_budget){10, 100}, 0);
    assert_int_equal(start_as_many(&p, 0), 10);
    int64_t wait = yq_pace_start(&p, 0, false);
    assert_int_equal(wait, 100);
    assert_int_not_equal(yq_pace_start(&p, wait - 1, false), 0);
    assert_int_equal(yq_pace_start(&p, wait, false), 0);
}

static void limits_the_calls_in_flight(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &(struct yq_pace_budget){1000, 4}, 0);
    assert_int_equal(start_as_many(&p, 0), 4);
    assert_true(yq_pace_start(&p, 0, false) > 0);
    yq_pace_good(&p, 1);
    assert_int_equal(start_as_many(&p, 1), 1);
}

static void halves_and_climbs_back(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 0);
    assert_int_equal(start_as_many(&p, 0), 4);
    yq_pace_too_fast(&p, 10);
    assert_true(p.rate == 5 && p.parallel == 2);
    yq_pace_too_fast(&p, 11); /* was on its way already: not halved again */
    assert_true(p.rate == 5 && p.parallel == 2);
    assert_int_equal(yq_pace_start(&p, 12, false), 1998);
    yq_pace_end(&p);
    yq_pace_end(&p);
    for (int i = 0; i < 10; i++) { /* again and again, but never below a tenth and one */
        int64_t now = 3000 + i * 3000;
        assert_int_equal(yq_pace_start(&p, now, false), 0);
        yq_pace_too_fast(&p, now);
    }
    assert_true(p.rate == 1 && p.parallel == 1);
    int64_t now = 100000;
    for (int i = 0; i < 200; i++) {
        while (yq_pace_start(&p, now, false) != 0)
            now += 10;
        yq_pace_good(&p, now);
    }
    assert_true(p.rate == 10 && p.parallel == 4);
}

static void blocks_an_api_for_its_window(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 0);
    assert_int_equal(yq_pace_blocked(&p, "/user/get", 0), 0);
    assert_int_equal(yq_pace_block(&p, "/user/get", 1000), 60000);
    assert_int_equal(yq_pace_block(&p, "/user/get", 1500), 59500); /* of the same window */
    assert_int_equal(yq_pace_blocked(&p, "/user/get", 2000), 59000);
    assert_int_equal(yq_pace_blocked(&p, "/user/list", 2000), 0);
    assert_int_equal(yq_pace_blocked(&p, "/user/get", 61000), 0);
    assert_int_equal(yq_pace_block(&p, "/user/get", 62000), 3600000); /* on repetition */
    int64_t later = 62000 + 2 * 3600000 + 1;
    assert_int_equal(yq_pace_block(&p, "/user/get", later), 60000); /* long after: as at first */
}

static void survives_more_apis_than_places(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 0);
    for (int i = 0; i < YQ_PACE_APIS + 10; i++) {
        char api[32];
        snprintf(api, sizeof(api), "/api/%d", i);
        assert_int_equal(yq_pace_block(&p, api, i), 60000);
        assert_true(yq_pace_blocked(&p, api, i) > 0);
    }
    assert_int_equal(p.block_count, YQ_PACE_APIS);
    assert_int_equal(yq_pace_blocked(&p, "/api/0", 1), 0);
}

/* Starts what may be started at once, and says how many. */
static int start_background(struct yq_pace *p, int64_t now_ms)
{
    int n = 0;
    while (yq_pace_start(p, now_ms, true) == 0)
        n++;
    return n;
}

static void end_background(struct yq_pace *p, int64_t now_ms)
{
    yq_pace_background_ended(p);
    yq_pace_good(p, now_ms);
}

static void background_keeps_to_its_share_of_the_rate(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 0);
    int background = 0, events = 0;
    for (int64_t now = 0; now <= 10000; now++) {
        while (yq_pace_start(&p, now, true) == 0) {
            background++;
            end_background(&p, now);
        }
    }
    assert_in_range(background, 76, 77); /* seven a second, and its full bucket */
    yq_pace_init(&p, &ten, 0);
    background = 0;
    for (int64_t now = 0; now <= 10000; now++) { /* both want all they can get */
        while (yq_pace_start(&p, now, true) == 0) {
            background++;
            end_background(&p, now);
        }
        while (yq_pace_start(&p, now, false) == 0) {
            events++;
            yq_pace_good(&p, now);
        }
    }
    assert_in_range(background + events, 109, 110);
    assert_in_range(background, 10, 30);
}

/* However long a reconcile has been at it: an event's calls go out at once. */
static void an_event_finds_tokens_beside_background(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &(struct yq_pace_budget){20, 4}, 0);
    for (int64_t now = 0; now <= 60000; now += 5) {
        while (yq_pace_start(&p, now, true) == 0)
            end_background(&p, now);
        if (now % 1000 == 0) {
            assert_int_equal(yq_pace_start(&p, now, false), 0);
            yq_pace_good(&p, now);
            assert_int_equal(yq_pace_start(&p, now, false), 0);
            yq_pace_good(&p, now);
        }
    }
}

/* Two calls for each of three events a second are more than 30 % of ten: they go first all the
 * same, though background asks first every time, and gets all that is left. */
static void events_that_need_more_than_their_share_come_first(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &ten, 0);
    int background = 0, waiting = 0;
    for (int64_t now = 0, since = 0; now <= 60000; now += 5) {
        while (yq_pace_start(&p, now, true) == 0) {
            background++;
            end_background(&p, now);
        }
        if (now % 300 == 0) {
            assert_int_equal(waiting, 0);
            waiting = 2;
            since = now;
        }
        for (; waiting > 0 && yq_pace_start(&p, now, false) == 0; waiting--)
            yq_pace_good(&p, now);
        assert_true(waiting == 0 || now - since < 200);
    }
    assert_in_range(background, 60 * 10 / 3 - 10, 60 * 10 / 3 + 10); /* ten less 6.7, a second */
}

static void background_leaves_one_call_in_flight(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &(struct yq_pace_budget){1000, 4}, 0);
    assert_int_equal(start_background(&p, 0), 3);
    assert_int_equal(yq_pace_start(&p, 0, false), 0);
    assert_true(yq_pace_start(&p, 0, false) > 0);
    end_background(&p, 1);
    assert_int_equal(yq_pace_start(&p, 1, false), 0); /* what is free is free for events too */
    assert_int_equal(start_background(&p, 1), 0);
    for (int i = 0; i < 2; i++)
        end_background(&p, 2);
    for (int i = 0; i < 2; i++)
        yq_pace_end(&p);
    assert_int_equal(p.running, 0);
    assert_int_equal(p.background_running, 0);
}

/* Slowed down to one call at a time, a reconcile still goes on. */
static void background_is_never_shut_out(void **state)
{
    (void)state;
    struct yq_pace p;
    yq_pace_init(&p, &(struct yq_pace_budget){1, 1}, 0);
    for (int64_t now = 0, n = 0; n < 5; now += 100) {
        assert_true(now < 20000);
        if (yq_pace_start(&p, now, true) != 0)
            continue;
        assert_true(yq_pace_start(&p, now, true) > 0);
        end_background(&p, now);
        n++;
    }
    assert_int_equal(yq_pace_start(&p, 20000, true), 0);
    yq_pace_background_ended(&p);
    yq_pace_too_fast(&p, 20000);
    assert_int_equal(yq_pace_start(&p, 20001, true), 1999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_to_the_rate),
        cmocka_unit_test(says_how_long_to_wait),
        cmocka_unit_test(limits_the_calls_in_flight),
        cmocka_unit_test(halves_and_climbs_back),
        cmocka_unit_test(blocks_an_api_for_its_window),
        cmocka_unit_test(survives_more_apis_than_places),
        cmocka_unit_test(background_keeps_to_its_share_of_the_rate),
        cmocka_unit_test(an_event_finds_tokens_beside_background),
        cmocka_unit_test(events_that_need_more_than_their_share_come_first),
        cmocka_unit_test(background_leaves_one_call_in_flight),
        cmocka_unit_test(background_is_never_shut_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
