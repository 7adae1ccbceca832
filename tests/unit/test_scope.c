/* service/scope: grouping by subject, what is due, and suspects run alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/service/scope.h"
#include "base/memory.h"

static void add_kind(struct yq_scope *s, enum yq_event_kind kind, const char *entry,
                     const char *subject)
{
    struct yq_deliveries d = {0};
    yq_grow(&d.items, &d.capacity, 0, sizeof(*d.items));
    d.items[0] = (struct yq_delivery){.kind = kind, .queued_ms = 1};
    (void)snprintf(d.items[0].entry, sizeof(d.items[0].entry), "%s", entry);
    assert_int_equal(yq_subject_parse(subject, &d.items[0].subject, NULL), 0);
    d.items[0].data = yq_strdup("{}");
    d.count = 1;
    yq_scope_add(s, &d);
    assert_int_equal(d.count, 0);
}

static void add(struct yq_scope *s, const char *entry, const char *subject)
{
    add_kind(s, YQ_EVENT_MEMBER_UPDATED, entry, subject);
}

static void test_groups_keep_order(void **state)
{
    (void)state;
    struct yq_scope s = {0};
    struct yq_group *picked[10];
    add(&s, "1-0", "member:Li.Na");
    add(&s, "2-0", "department:7");
    add(&s, "3-0", "member:li.na");
    assert_int_equal(yq_scope_deliveries(&s), 3);
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 2);
    assert_string_equal(picked[0]->key, "member:li.na");
    assert_string_equal(yq_buf_text(&picked[0]->entries), "1-0 3-0");
    assert_string_equal(picked[1]->key, "department:7");
    assert_int_equal(yq_scope_pick(&s, 100, picked, 1), 1);
    yq_scope_drop(&s, picked[0]);
    assert_int_equal(yq_scope_deliveries(&s), 1);
    yq_scope_release(&s);
}

static struct yq_attempts attempts(struct yq_attempt *items, size_t count)
{
    return (struct yq_attempts){.items = items, .count = count};
}

static void test_waiting_ones_are_not_due(void **state)
{
    (void)state;
    struct yq_scope s = {0};
    struct yq_group *picked[10];
    struct yq_attempt items[] = {
        {.key = "member:a", .attempts = 2, .next_ms = 500, .error = "unreadable: x"},
        {.key = "member:b", .attempts = 1, .next_ms = 400, .error = "parent_waits: x"},
        {.key = "member:gone", .attempts = 1, .next_ms = 1, .error = "x"}};
    struct yq_attempts a = attempts(items, 3);
    yq_scope_add_attempts(&s, &a);
    assert_int_equal(yq_scope_next(&s), 0); /* no deliveries, nothing to wait for */
    add(&s, "1-0", "member:a");
    add(&s, "2-0", "member:b");
    /* b waits for others, and there are news; a waits for its time */
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 1);
    assert_string_equal(picked[0]->key, "member:b");
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 0);
    assert_int_equal(yq_scope_next(&s), 400);
    add(&s, "3-0", "member:c");
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 2);
    assert_int_equal(yq_scope_pick(&s, 500, picked, 10), 3);
    yq_scope_release(&s);
}

/* They may be one person under a new userid (decisions.md 19). */
static void test_leavers_and_newcomers_come_together(void **state)
{
    (void)state;
    struct yq_scope s = {0};
    struct yq_group *picked[10];
    struct yq_attempt items[] = {
        {.key = "member:new", .attempts = 2, .next_ms = 500, .error = "unreadable: x"},
        {.key = "member:gone", .attempts = 2, .next_ms = 300, .error = "looks_like: x"},
        {.key = "member:else", .attempts = 2, .next_ms = 900, .error = "unreadable: x"}};
    struct yq_attempts a = attempts(items, 3);
    yq_scope_add_attempts(&s, &a);
    add_kind(&s, YQ_EVENT_MEMBER_CREATED, "1-0", "member:new");
    add_kind(&s, YQ_EVENT_MEMBER_DELETED, "2-0", "member:gone");
    add(&s, "3-0", "member:else");
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 0);
    assert_int_equal(yq_scope_pick(&s, 300, picked, 10), 2); /* the leaver is due */
    assert_string_equal(picked[0]->key, "member:gone");
    assert_string_equal(picked[1]->key, "member:new");
    assert_true(picked[1]->early);
    picked[0]->attempt.next_ms = 700;
    assert_int_equal(yq_scope_pick(&s, 500, picked, 10), 2); /* the newcomer is */
    assert_string_equal(picked[0]->key, "member:new");
    add_kind(&s, YQ_EVENT_MEMBER_DELETED, "4-0", "member:other"); /* another leaver comes */
    picked[0]->attempt.next_ms = 800;
    assert_int_equal(yq_scope_pick(&s, 600, picked, 10), 3);
    assert_string_equal(picked[0]->key, "member:other");
    assert_string_equal(picked[1]->key, "member:gone");
    assert_string_equal(picked[2]->key, "member:new");
    yq_scope_release(&s);
}

static void test_suspects_run_alone(void **state)
{
    (void)state;
    struct yq_scope s = {0};
    struct yq_group *picked[10];
    struct yq_attempt items[] = {
        {.key = "member:a", .attempts = 1, .running = true, .next_ms = 900},
        {.key = "member:b", .attempts = 1, .running = true},
        {.key = "member:c", .attempts = 1}};
    struct yq_attempts a = attempts(items, 3);
    yq_scope_add_attempts(&s, &a);
    add(&s, "1-0", "member:a");
    add(&s, "2-0", "member:b");
    add(&s, "3-0", "member:c");
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 1);
    assert_string_equal(picked[0]->key, "member:c");
    yq_scope_drop(&s, picked[0]);
    assert_int_equal(yq_scope_pick(&s, 100, picked, 10), 1);
    assert_string_equal(picked[0]->key, "member:a");
    assert_int_equal(picked[0]->attempt.deaths, 1);
    assert_false(picked[0]->attempt.running);
    yq_scope_release(&s);
}

static void test_many_suspects_run_in_parts(void **state)
{
    (void)state;
    enum { MANY = 60 };
    struct yq_scope s = {0};
    struct yq_group *picked[100];
    struct yq_attempt items[MANY] = {{.attempts = 1}};
    for (int i = 0; i < MANY; i++) {
        items[i] = (struct yq_attempt){.attempts = 1, .running = true};
        (void)snprintf(items[i].key, sizeof(items[i].key), "member:m%d", i);
    }
    struct yq_attempts a = attempts(items, MANY);
    yq_scope_add_attempts(&s, &a);
    for (int i = 0; i < MANY; i++)
        add(&s, "1-0", items[i].key);
    assert_int_equal(yq_scope_pick(&s, 100, picked, 100), 50);
    assert_int_equal(yq_scope_pick(&s, 100, picked, 40), 40);
    picked[0]->attempt.deaths = 2; /* it came to nothing again */
    for (int i = 1; i < 20; i++)
        yq_scope_drop(&s, picked[i]);
    assert_int_equal(yq_scope_pick(&s, 100, picked, 100), 1); /* few enough: one by one */
    assert_int_equal(picked[0]->attempt.deaths, 1);
    yq_scope_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_keep_order),
        cmocka_unit_test(test_waiting_ones_are_not_due),
        cmocka_unit_test(test_leavers_and_newcomers_come_together),
        cmocka_unit_test(test_suspects_run_alone),
        cmocka_unit_test(test_many_suspects_run_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
