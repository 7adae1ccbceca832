/* The planner against small directories made up at random: what is planned can be carried out row
 * by row, the oracle finds no difference, the next plan is empty, and no order of anything changes
 * the plan. YQ_CASES says how many, YQ_FIRST from which seed on; YQ_SEED replays one with its case
 * printed; YQ_FAILURES is how many may fail before it stops (3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "plan/guard.h"
#include "support/random_world.h"
#include "support/world.h"

#define CASES 5000

struct outcome {
    struct yq_buf text, complaints;
    size_t operations;
};

static void release(struct outcome *o)
{
    yq_buf_release(&o->text);
    yq_buf_release(&o->complaints);
}

/* The plan of the same world, read in another order or all at once. */
static void plan_again(uint64_t seed, int order, bool whole, const char *expected,
                       struct outcome *o)
{
    struct world *w = random_world(seed);
    struct yq_buf text = YQ_BUF_INIT;
    w->order = order;
    w->whole_eteams = whole;
    struct world_run run = world_run(w, &o->complaints);
    if (run.plan != NULL)
        yq_plan_text(run.plan, &text);
    if (strcmp(yq_buf_text(&text), expected) != 0)
        yq_buf_addf(&o->complaints, "%s the plan is another one:\n%s",
                    whole ? "with all of eteams in the view" : "read in another order",
                    yq_buf_text(&text));
    yq_buf_release(&text);
    world_run_release(&run);
    world_free(w);
}

/* Rows of one stage and kind go out in one batch: their order is nobody's promise. */
static void apply_backwards(uint64_t seed, const struct yq_plan *plan, struct outcome *o)
{
    struct world *w = random_world(seed);
    struct yq_buf lines = YQ_BUF_INIT;
    if (world_apply_reversed(w, plan, &lines) > 0)
        yq_buf_addf(&o->complaints, "with each batch reversed:\n%s", yq_buf_text(&lines));
    yq_buf_release(&lines);
    world_free(w);
}

static bool passes(const struct yq_verdict *v)
{
    return v->kind == YQ_VERDICT_WAIT || v->reason.code == YQ_REASON_LAST_ADMINISTRATOR;
}

static const struct yq_verdict *verdict_about(const struct yq_plan *plan, const char *id)
{
    const struct yq_verdict *v = plan->verdicts;
    while (v != NULL && (v->eteams == NULL || strcmp(v->eteams, id) != 0))
        v = v->hh.next;
    return v;
}

static const struct yq_verdict *verdict_of(const struct yq_plan *plan, const char *userid)
{
    char key[YQ_SUBJECT_MAX];
    const struct yq_subject subject = yq_subject_member(userid);
    const struct yq_verdict *v;
    yq_subject_key(&subject, key);
    HASH_FIND_STR(plan->verdicts, key, v);
    return v;
}

/* Whoever needs what somebody holds, who needs what the next one holds; or could be one who leaves
 * later. */
static bool waits_for_one_that_passes(const struct yq_plan *plan, const struct yq_verdict *v)
{
    for (size_t hands = HASH_COUNT(plan->verdicts); v != NULL && hands > 0; hands--) {
        if (passes(v))
            return true;
        if (v->reason.code == YQ_REASON_KEY_TAKEN)
            v = verdict_about(plan, v->reason.args[1]);
        else if (v->reason.code == YQ_REASON_LOOKS_LIKE)
            v = verdict_of(plan, v->reason.args[0]);
        else
            return false;
    }
    return false;
}

/* What waits is tried again by itself, and the last administrator by the next reconcile (wecom.md
 * §7.2 r13); so is whoever needs what such a one holds, and what such a one needs. Every other
 * verdict is the last word until something new is heard. */
static bool was_final(const struct yq_plan *plan, const struct yq_subject *subject)
{
    char key[YQ_SUBJECT_MAX];
    const struct yq_verdict *v, *other;
    yq_subject_key(subject, key);
    HASH_FIND_STR(plan->verdicts, key, v);
    if (v != NULL)
        return !waits_for_one_that_passes(plan, v);
    for (other = plan->verdicts; other != NULL; other = other->hh.next) {
        if (passes(other))
            return false;
    }
    return true;
}

/* Whoever waited comes or goes now: those whom he leads follow. */
static bool moves_somebody(const struct yq_plan *plan, const struct yq_plan *before)
{
    for (size_t i = 0; i < plan->operation_count; i++) {
        const struct yq_operation *op = plan->operations[i];
        bool moves = op->kind == YQ_OP_MEMBER_REHIRE || op->kind == YQ_OP_MEMBER_CREATE ||
                     op->kind == YQ_OP_MEMBER_LINK || op->kind == YQ_OP_MEMBER_RESIGN;
        if (moves && !was_final(before, &op->subject))
            return true;
    }
    return false;
}

static void expect_nothing_left(struct world *w, const struct yq_plan *before, struct outcome *o)
{
    struct yq_buf text = YQ_BUF_INIT;
    struct world_run run = world_run(w, &o->complaints);
    bool left = false;
    bool follows = run.plan != NULL && moves_somebody(run.plan, before);
    for (size_t i = 0; run.plan != NULL && i < run.plan->operation_count; i++) {
        const struct yq_operation *op = run.plan->operations[i];
        if (op->kind != YQ_OP_MEMBER_SUPERIORS || !follows)
            left = left || was_final(before, &op->subject);
    }
    if (left) {
        yq_plan_text(run.plan, &text);
        yq_buf_addf(&o->complaints, "the next plan is not empty:\n%s", yq_buf_text(&text));
    }
    yq_buf_release(&text);
    world_run_release(&run);
}

static void try_seed(uint64_t seed, struct outcome *o)
{
    struct world *w = random_world(seed), *before = random_world(seed);
    struct world_run run = world_run(w, &o->complaints);
    if (run.plan != NULL) {
        yq_plan_text(run.plan, &o->text);
        o->operations = run.plan->operation_count;
        (void)world_apply(w, run.plan, &o->complaints);
        (void)world_judge(before, w, false, &o->complaints);
        expect_nothing_left(w, run.plan, o);
        apply_backwards(seed, run.plan, o);
        plan_again(seed, 1, false, yq_buf_text(&o->text), o);
        plan_again(seed, 2 + (int)(seed % 1000), true, yq_buf_text(&o->text), o);
        plan_again(seed, 3 + (int)(seed % 1000), false, yq_buf_text(&o->text), o);
        plan_again(seed, 0, true, yq_buf_text(&o->text), o);
    }
    world_run_release(&run);
    world_free(w);
    world_free(before);
}

static void show(uint64_t seed, const struct outcome *o)
{
    struct world *w = random_world(seed);
    struct yq_buf text = YQ_BUF_INIT;
    random_world_print(w, &text);
    (void)fprintf(stderr, "%s\nplan:\n%s", yq_buf_text(&text), yq_buf_text(&o->text));
    yq_buf_release(&text);
    world_free(w);
}

static uint64_t number_from(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : fallback;
}

static void test_random_pairs(void **state)
{
    (void)state;
    const char *only = getenv("YQ_SEED");
    uint64_t first = number_from("YQ_SEED", number_from("YQ_FIRST", 1));
    uint64_t count = only ? 1 : number_from("YQ_CASES", CASES);
    size_t operations = 0, failures = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct outcome o = {0};
        try_seed(seed, &o);
        operations += o.operations;
        if (o.complaints.len > 0) {
            (void)fprintf(stderr, "seed %llu:\n%s", (unsigned long long)seed,
                          yq_buf_text(&o.complaints));
            failures++;
        }
        if (only != NULL || (o.complaints.len > 0 && failures == 1))
            show(seed, &o);
        release(&o);
        if (failures == number_from("YQ_FAILURES", 3))
            break;
    }
    print_message("%zu operations in %llu cases from seed %llu\n", operations,
                  (unsigned long long)count, (unsigned long long)first);
    assert_int_equal(failures, 0);
    assert_true(only != NULL || operations > count);
}

/* ---- the guard ---- */

static struct world *company_of_leavers(int leavers)
{
    struct world *w = world_new();
    world_add_org(w, "900", "Company", NULL);
    world_add_person(w, "899", "Admin", "900");
    w->administrators = yq_calloc(1, sizeof(*w->administrators));
    w->administrators[w->administrator_count++] = "899";
    world_add_department(w, 1, "Company", 0);
    for (int i = 0; i < leavers; i++) {
        char userid[16], id[16];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(id, sizeof(id), "%d", 1000 + i);
        world_add_person(w, id, userid, "900");
        world_link_member(w, userid, id, "account");
        world_add_event(w, YQ_EVENT_MEMBER_DELETED, yq_subject_member(userid), 10 + i, "{}");
    }
    return w;
}

/* How many of so many leavers the guard holds. */
static size_t held_of(int leavers, const struct yq_guard_figures *figures, int64_t max,
                      int64_t percent)
{
    struct yq_buf complaints = YQ_BUF_INIT;
    struct world *w = company_of_leavers(leavers);
    w->policy.removals.max = max;
    w->policy.removals.percent = percent;
    struct world_run run = world_run(w, &complaints);
    assert_string_equal(yq_buf_text(&complaints), "");
    assert_int_equal(run.plan->removals, leavers);
    (void)yq_guard_apply(run.plan, &w->policy, figures);
    size_t held = 0;
    for (size_t i = 0; i < run.plan->operation_count; i++)
        held += run.plan->operations[i]->held;
    world_run_release(&run);
    world_free(w);
    yq_buf_release(&complaints);
    return held;
}

static void test_guard_trips_at_limit_plus_one(void **state)
{
    (void)state;
    static const struct {
        int64_t size, max, percent;
        int limit; /* max(3, min(max, percent of size)) */
    } cases[] = {
        {0, 20, 10, 3},       {10, 20, 10, 3},   {39, 20, 10, 3},
        {40, 20, 10, 4},      {199, 20, 10, 19}, {200, 20, 10, 20},
        {100000, 20, 10, 20}, {100, 5, 50, 5},   {100, 0, 10, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_guard_figures f = {.size = cases[i].size};
        int limit = cases[i].limit;
        assert_int_equal(held_of(limit, &f, cases[i].max, cases[i].percent), 0);
        assert_int_equal(held_of(limit + 1, &f, cases[i].max, cases[i].percent), limit + 1);
    }
}

static void test_guard_of_the_day(void **state)
{
    (void)state;
    struct yq_guard_figures f = {.size = 100, .last_day = 18}; /* 10 a run, 20 a day */
    assert_int_equal(held_of(2, &f, 20, 10), 0);
    assert_int_equal(held_of(3, &f, 20, 10), 3);
    f = (struct yq_guard_figures){.size = 100000, .last_day = 490}; /* 20 a run, 500 a day */
    assert_int_equal(held_of(10, &f, 20, 10), 0);
    assert_int_equal(held_of(11, &f, 20, 10), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guard_trips_at_limit_plus_one),
        cmocka_unit_test(test_guard_of_the_day),
        cmocka_unit_test(test_random_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
