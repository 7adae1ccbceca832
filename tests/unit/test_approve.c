/* A plan that a person approved, against whatever has changed by then: what is done is always
 * within what was approved. The evidence, the JSON and the hash of held plans. YQ_CASES says how
 * many random changes are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "plan/guard.h"
#include "support/world.h"

#define PEOPLE 30
#define LEAVERS 12

static uint64_t seed;

static unsigned any(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static const char *userid_of(int i)
{
    static char text[16];
    (void)snprintf(text, sizeof(text), "u%d", i);
    return text;
}

static const char *id_of(int i)
{
    static char text[16];
    (void)snprintf(text, sizeof(text), "%d", 1000 + i);
    return text;
}

/* People of one department; the first ones have left, and WeCom said so; some have moved out of
 * sight. */
static struct world *company(void)
{
    struct world *w = world_new();
    world_add_org(w, "900", "Company", NULL);
    world_add_org(w, "901", "Team", "900");
    world_add_person(w, "899", "Admin", "900");
    w->administrators = yq_calloc(1, sizeof(*w->administrators));
    w->administrators[w->administrator_count++] = "899";
    world_add_department(w, 1, "Company", 0);
    world_add_department(w, 2, "Team", 1);
    world_link_department(w, 2, "901", "name");
    for (int i = 0; i < PEOPLE; i++) {
        char *userid = yq_arena_strdup(w->arena, userid_of(i));
        char *id = yq_arena_strdup(w->arena, id_of(i));
        world_add_person(w, id, userid, "901");
        world_link_member(w, userid, id, "account");
        if (i >= LEAVERS) {
            struct world_member *m = world_add_member(w, userid, userid);
            m->status = 1;
            m->departments[m->department_count++] = 2;
        }
    }
    return w;
}

static void leave(struct world *w, int i, int64_t at)
{
    world_add_event(w, YQ_EVENT_MEMBER_DELETED, yq_subject_member(userid_of(i)), at, "{}");
}

/* What the guard holds of the world's plan, through its JSON, as it is kept. */
static struct yq_held_plan *hold(struct world *w)
{
    struct yq_buf complaints = YQ_BUF_INIT, json = YQ_BUF_INIT;
    struct world_run run = world_run(w, &complaints);
    const struct yq_guard_figures figures = {.size = PEOPLE};
    struct yq_error err = {0};
    assert_string_equal(yq_buf_text(&complaints), "");
    assert_true(yq_guard_apply(run.plan, &w->policy, &figures) > 0);
    struct yq_held_plan *held = yq_held_new();
    held->at = 1000;
    held->run = held->since = "1-1";
    yq_held_collect(held, run.plan, run.view);
    yq_held_name(held);
    yq_held_write(held, &json);
    struct yq_held_plan *read = yq_held_read(yq_buf_text(&json), json.len, &err);
    if (read == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(read->hash, held->hash);
    yq_held_name(read);
    assert_string_equal(read->hash, held->hash);
    assert_int_equal(read->people, held->people);
    yq_held_free(held);
    world_run_release(&run);
    yq_buf_release(&complaints);
    yq_buf_release(&json);
    return read;
}

/* The plan made anew from the kept evidence and what came in since. */
static struct world_run plan_again(struct world *w, const struct yq_held_plan *held)
{
    struct yq_error err = {0};
    struct world_run run = {.view = world_view(w, &err)};
    assert_non_null(run.view);
    for (const struct yq_held_row *row = held->subjects; row != NULL; row = row->hh.next)
        assert_non_null(yq_view_add_evidence(run.view, &row->subject, row->evidence, &err));
    for (int round = 0; round < 40; round++) {
        yq_plan_free(run.plan);
        run.plan = yq_plan_make(run.view, &w->policy);
        if (run.plan->needs == NULL)
            return run;
        world_answer(w, run.view, run.plan->needs);
    }
    fail_msg("never complete");
    return run;
}

/* The people who were shown are u0 to u11 with their records; whoever is there again stays. */
static void expect_within(const struct world *w, const struct yq_plan *p)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        int n = atoi(op->subject.userid + 1);
        if (op->held)
            continue;
        if (op->kind != YQ_OP_MEMBER_RESIGN || n >= LEAVERS || strcmp(op->target, id_of(n)) != 0)
            fail_msg("%s of %s (%s) was never approved", yq_operation_kind_name(op->kind),
                     op->subject.userid, op->target);
        const struct world_member *m = world_member(w, op->subject.userid);
        if (m != NULL && m->status != 5)
            fail_msg("%s is there and would be resigned", op->subject.userid);
    }
}

static size_t count_done(const struct yq_plan *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->operation_count; i++)
        count += !p->operations[i]->held && p->operations[i]->kind == YQ_OP_MEMBER_RESIGN;
    return count;
}

static void forget_events(struct world *w)
{
    w->event_count = 0;
}

/* ---- what happens between the plan shown and the approval ---- */

static void come_back(struct world *w, int i)
{
    if (world_member(w, userid_of(i)) != NULL)
        return;
    struct world_member *m = world_add_member(w, yq_arena_strdup(w->arena, userid_of(i)), "Back");
    m->status = 1;
    m->departments[m->department_count++] = 2;
}

static void change_somebody(struct world *w)
{
    int i = (int)any(LEAVERS + 4);
    struct world_member *m = world_member(w, userid_of(i));
    struct world_person *person = world_person(w, id_of(i));
    switch (any(7)) {
    case 0:
        come_back(w, i);
        break;
    case 1: /* leaves, too */
        if (m != NULL)
            m->status = 5;
        break;
    case 2:
        person->in_service = false;
        break;
    case 3:
        leave(w, i, 50 + (int64_t)any(50));
        break;
    case 4: /* moved, and out of sight */
        if (m != NULL)
            m->department_count = 0;
        break;
    case 5:
        if (m != NULL)
            m->name = "Renamed";
        break;
    default: /* the link is another one now */
        world_link_member(w, userid_of(i), id_of((int)any(PEOPLE)), "command");
    }
}

static void test_only_what_was_approved_is_done(void **state)
{
    (void)state;
    const char *text = getenv("YQ_CASES");
    unsigned cases = text != NULL ? (unsigned)strtoul(text, NULL, 10) / 20 : 1000;
    size_t done = 0, again = 0;
    for (unsigned n = 1; n <= cases; n++) {
        seed = n;
        struct world *w = company();
        for (int i = 0; i < LEAVERS; i++)
            leave(w, i, 10 + i);
        struct yq_held_plan *held = hold(w);
        assert_int_equal(held->people, LEAVERS);
        forget_events(w);
        for (unsigned changes = any(8); changes > 0; changes--)
            change_somebody(w);
        struct world_run run = plan_again(w, held);
        again += yq_guard_approve(run.plan, held);
        expect_within(w, run.plan);
        done += count_done(run.plan);
        world_run_release(&run);
        yq_held_free(held);
        world_free(w);
    }
    print_message("%zu removals done, %zu held again in %u cases\n", done, again, cases);
    assert_true(done > cases * (size_t)LEAVERS / 2 && done < cases * (size_t)LEAVERS);
    assert_true(again > 0);
}

static void test_who_came_back_stays(void **state)
{
    (void)state;
    struct world *w = company();
    for (int i = 0; i < LEAVERS; i++)
        leave(w, i, 10);
    struct yq_held_plan *held = hold(w);
    forget_events(w);
    come_back(w, 3);
    struct world_run run = plan_again(w, held);
    assert_int_equal(yq_guard_approve(run.plan, held), 0);
    assert_int_equal(count_done(run.plan), LEAVERS - 1);
    struct yq_subject back = yq_subject_member("u3");
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&back, key);
    const struct yq_verdict *v;
    HASH_FIND_STR(run.plan->verdicts, key, v);
    assert_int_equal(v->kind, YQ_VERDICT_SKIP); /* renamed meanwhile: a run of its own */
    assert_int_equal(v->reason.code, YQ_REASON_NOT_APPROVED);
    world_run_release(&run);
    yq_held_free(held);
    world_free(w);
}

static void test_one_who_is_not_in_it_is_held(void **state)
{
    (void)state;
    struct world *w = company();
    for (int i = 0; i < LEAVERS; i++)
        leave(w, i, 10);
    struct yq_held_plan *held = hold(w);
    world_member(w, "u20")->status = 5;
    world_add_event(w, YQ_EVENT_MEMBER_UPDATED, yq_subject_member("u20"), 20, "{}");
    struct world_run run = plan_again(w, held);
    assert_int_equal(yq_guard_approve(run.plan, held), 1);
    assert_int_equal(count_done(run.plan), LEAVERS);
    yq_guard_name(run.plan, "abc");
    const struct yq_verdict *v;
    HASH_FIND_STR(run.plan->verdicts, "member:u20", v);
    assert_int_equal(v->kind, YQ_VERDICT_HELD);
    assert_int_equal(v->reason.code, YQ_REASON_HELD_AGAIN);
    assert_string_equal(v->reason.args[0], "abc");
    world_run_release(&run);
    yq_held_free(held);
    world_free(w);
}

static void test_who_waits_is_held_however_few(void **state)
{
    (void)state;
    struct world *w = company();
    for (int i = 0; i < LEAVERS; i++)
        leave(w, i, 10);
    struct yq_held_plan *held = hold(w);
    forget_events(w);
    leave(w, 3, 30);
    struct yq_buf complaints = YQ_BUF_INIT;
    struct world_run run = world_run(w, &complaints);
    const struct yq_guard_figures figures = {.size = PEOPLE};
    assert_int_equal(yq_guard_apply(run.plan, &w->policy, &figures), 0);
    assert_int_equal(count_done(run.plan), 1);
    assert_int_equal(yq_guard_keep(run.plan, held), 1);
    assert_int_equal(count_done(run.plan), 0);
    struct yq_held_plan *newer = yq_held_new();
    yq_held_collect(newer, run.plan, run.view);
    assert_true(yq_held_overlaps(newer, held));
    yq_held_take_over(newer, held, run.plan);
    yq_held_name(newer);
    assert_string_equal(newer->hash, held->hash); /* the same people */
    assert_int_equal(newer->people, LEAVERS);
    yq_held_free(newer);
    world_run_release(&run);
    yq_held_free(held);
    world_free(w);
    yq_buf_release(&complaints);
}

/* ---- evidence ---- */

static void test_evidence_is_kept_whole(void **state)
{
    (void)state;
    static const char data[] =
        "{\"name\":\"Li \\\"Na\\\"\",\"mobile\":\"13800000000\",\"email\":\"\",\"gender\":\"2\","
        "\"departments\":[2,4294967295],\"main_department\":2,\"status\":5,"
        "\"direct_leaders\":[\"wang.wei\"]}";
    struct yq_subject subject = yq_subject_member("Li.Na");
    struct yq_error err = {0};
    struct yq_view *v = yq_view_new(), *again = yq_view_new();
    struct yq_buf one = YQ_BUF_INIT, two = YQ_BUF_INIT;
    assert_non_null(yq_view_add_event(v, YQ_EVENT_MEMBER_UPDATED, &subject, 5, data, &err));
    assert_non_null(yq_view_add_event(v, YQ_EVENT_MEMBER_UPDATED, &subject, 7,
                                      "{\"mobile\":\"13900000000\"}", &err));
    struct yq_evidence *e = yq_view_add_event(v, YQ_EVENT_MEMBER_DELETED, &subject, 9, "{}", &err);
    e->waited_ms = 61000;
    e->commanded = e->gone_confirmed = true;
    yq_evidence_write(e, &one);
    e = yq_view_add_evidence(again, &subject, yq_buf_text(&one), &err);
    if (e == NULL)
        fail_msg("%s", err.text);
    assert_int_equal(e->deleted_at, 9);
    assert_int_equal(e->updated_at, 7);
    assert_int_equal(e->created_at, 0);
    assert_int_equal(e->waited_ms, 61000);
    assert_true(e->commanded && e->gone_confirmed);
    assert_false(e->reconciled);
    assert_string_equal(e->reported_member->mobile, "13900000000");
    assert_int_equal(e->reported_at[YQ_FIELD_MOBILE], 7);
    assert_int_equal(e->reported_at[YQ_FIELD_NAME], 5);
    assert_int_equal(e->reported_member->status, 5);
    assert_int_equal(e->reported_member->departments[1], 4294967295);
    yq_evidence_write(e, &two);
    assert_string_equal(yq_buf_text(&one), yq_buf_text(&two));
    assert_null(yq_view_add_evidence(again, &subject, "{\"hints\":[{\"kind\":\"x\"}]}", &err));
    assert_null(yq_view_add_evidence(again, &subject, "{", &err));
    yq_buf_release(&one);
    yq_buf_release(&two);
    yq_view_free(v);
    yq_view_free(again);
}

static void test_what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"v\":1,\"hash\":\"x\"}",
        "{\"v\":2,\"operations\":[{\"op\":\"member.fire\",\"subject\":\"member:a\"}]}",
        "{\"v\":2,\"operations\":[{\"op\":\"member.resign\",\"subject\":\"li.na\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct yq_error err = {0};
        assert_null(yq_held_read(bad[i], strlen(bad[i]), &err));
        assert_true(err.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_approved_is_done),
        cmocka_unit_test(test_who_came_back_stays),
        cmocka_unit_test(test_one_who_is_not_in_it_is_held),
        cmocka_unit_test(test_who_waits_is_held_however_few),
        cmocka_unit_test(test_evidence_is_kept_whole),
        cmocka_unit_test(test_what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
