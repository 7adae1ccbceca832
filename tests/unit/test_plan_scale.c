/* Plans for many subjects take time in proportion to them: each of these is planned for some and
 * for four times as many, which must not take ten times as long. By hand, in a build without
 * sanitizers: YQ_SCALE=100000 plans so many once, and prints the milliseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "model/view.h"
#include "plan/guard.h"
#include "plan/plan.h"

#define SOME 1000
#define TIMES 4
#define MOST_GROWTH 10 /* where each looks at each it is sixteen */
#define TRIES 3
#define LEVELS 15 /* wecom.md §4.2 */

struct scale {
    struct yq_view *v;
    struct yq_policy policy;
    size_t count;
};

typedef void make(struct scale *s);

/* ---- rows ---- */

#define TEXT(s, ...) yq_arena_printf((s)->v->arena, __VA_ARGS__)

static struct yq_evidence *hear(struct scale *s, enum yq_event_kind kind,
                                const struct yq_subject *subject, const char *data)
{
    struct yq_evidence *e = yq_view_add_event(s->v, kind, subject, 10, data, NULL);
    assert_non_null(e);
    e->waited_ms = 3600000;
    return e;
}

static struct yq_wecom_member *works(struct scale *s, const char *userid, const char *name,
                                     uint32_t department)
{
    struct yq_wecom_member *m = yq_view_wecom_member(s->v, userid);
    uint32_t *departments = yq_arena_alloc(s->v->arena, sizeof(*departments));
    *departments = department;
    m->fact = YQ_PRESENT;
    m->known = ~0u;
    m->name = name;
    m->mobile = m->email = m->gender = "";
    m->status = 1;
    m->departments = departments;
    m->department_count = 1;
    m->main_department = department;
    return m;
}

static struct yq_eteams_member *person(struct scale *s, size_t i, const char *name,
                                       const char *mobile, const char *email)
{
    struct yq_eteams_member *e = yq_view_eteams_member(s->v, TEXT(s, "%zu", 2000000 + i));
    const char **departments = yq_arena_alloc(s->v->arena, sizeof(*departments));
    *departments = "900";
    e->fact = YQ_PRESENT;
    e->user_id = e->account = e->job_num = e->sex = "";
    e->name = name;
    e->mobile = mobile;
    e->email = email;
    e->departments = departments;
    e->department_count = 1;
    e->posts_fact = YQ_PRESENT;
    e->in_service = true;
    yq_view_index_member(s->v, e);
    return e;
}

static void link_member(struct scale *s, const char *userid, const struct yq_eteams_member *e,
                        bool left)
{
    (void)yq_view_set_member_link(
        s->v,
        &(struct yq_link_member){
            .key = userid, .userid = userid, .eteams = e->id, .how = "account", .left = left});
}

static struct yq_wecom_department *department(struct scale *s, uint32_t id, const char *name,
                                              uint32_t parent)
{
    struct yq_wecom_department *d = yq_view_wecom_department(s->v, id);
    d->fact = YQ_PRESENT;
    d->name = name;
    d->parent = parent;
    return d;
}

static struct yq_eteams_department *org(struct scale *s, const char *id, const char *name,
                                        const char *parent)
{
    struct yq_eteams_department *d = yq_view_eteams_department(s->v, id);
    d->fact = YQ_PRESENT;
    d->name = name;
    d->parent = parent;
    d->enabled = true;
    d->children = YQ_PRESENT;
    return d;
}

static void begin(struct scale *s, size_t count)
{
    *s = (struct scale){.v = yq_view_new(), .count = count};
    s->policy.not_ready_ms = 600000;
    s->v->eteams_root = "900";
    (void)org(s, "900", "公司", NULL);
    (void)department(s, 1, "公司", 0);
    s->v->eteams_members_complete = s->v->eteams_departments_complete = true;
    s->v->administrators_fact = YQ_PRESENT;
    s->v->administrators = yq_arena_alloc(s->v->arena, sizeof(*s->v->administrators));
    s->v->administrators[0] = (struct yq_administrator){"2999999", true};
    s->v->administrator_count = 1;
    (void)person(s, 999999, "管理员", "", "");
}

static void hear_of_member(struct scale *s, enum yq_event_kind kind, const char *userid)
{
    struct yq_subject subject = yq_subject_member(userid);
    (void)hear(s, kind, &subject, "{}");
}

/* ---- what is planned ---- */

/* Two grown directories: whom nobody knows yet has one domain with everybody else, and is found by
 * the address. */
static void first_sync(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i), *name = TEXT(s, "员工%zu", i);
        works(s, userid, name, 1)->email = TEXT(s, "u%zu@example.com", i);
        (void)person(s, i, name, "", TEXT(s, "U%zu@example.com", i));
        hear_of_member(s, YQ_EVENT_MEMBER_CREATED, userid);
    }
}

static void newcomers(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i);
        struct yq_wecom_member *m = works(s, userid, TEXT(s, "员工%zu", i), 1);
        m->email = TEXT(s, "u%zu@example.com", i);
        m->mobile = TEXT(s, "13%09zu", i);
        hear_of_member(s, YQ_EVENT_MEMBER_CREATED, userid);
    }
}

/* Two and two swap their mobiles. */
static void swaps(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i), *name = TEXT(s, "员工%zu", i);
        works(s, userid, name, 1)->mobile = TEXT(s, "13%09zu", i ^ 1);
        link_member(s, userid, person(s, i, name, TEXT(s, "13%09zu", i), ""), false);
        hear_of_member(s, YQ_EVENT_MEMBER_UPDATED, userid);
    }
}

/* Half leave, and half of the rest come; all have one of a hundred names. */
static void leavers(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i), *name = TEXT(s, "员工%zu", i % 100 + (i & 1) * 100);
        if (i % 2 == 1) {
            works(s, userid, name, 1)->mobile = TEXT(s, "13%09zu", i);
            hear_of_member(s, YQ_EVENT_MEMBER_CREATED, userid);
            continue;
        }
        yq_view_wecom_member(s->v, userid)->fact = YQ_ABSENT;
        link_member(s, userid, person(s, i, name, TEXT(s, "15%09zu", i), ""), false);
        hear_of_member(s, YQ_EVENT_MEMBER_DELETED, userid);
    }
}

/* A reconcile found that they are gone. */
static void gone(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i);
        struct yq_subject subject = yq_subject_member(userid);
        yq_view_wecom_member(s->v, userid)->fact = YQ_ABSENT;
        link_member(s, userid, person(s, i, TEXT(s, "员工%zu", i), TEXT(s, "15%09zu", i), ""),
                    false);
        struct yq_evidence *e = hear(s, YQ_EVENT_UNKNOWN, &subject, "{}");
        e->reconciled = e->gone_confirmed = true;
    }
}

/* The same, and everybody has a post of ours: the guard sees two operations for each, of which one
 * goes with the other. */
static void gone_with_posts(struct scale *s)
{
    gone(s);
    (void)org(s, "901", "研发", "900");
    for (size_t i = 0; i < s->count; i++) {
        struct yq_eteams_member *e = yq_view_eteams_member(s->v, TEXT(s, "%zu", 2000000 + i));
        struct yq_eteams_post *post = yq_arena_alloc(s->v->arena, sizeof(*post));
        *post = (struct yq_eteams_post){TEXT(s, "yq-c-%s-901", e->id), "901", true};
        e->posts = post;
        e->post_count = 1;
    }
}

static void rehires(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *userid = TEXT(s, "u%zu", i), *name = TEXT(s, "员工%zu", i);
        works(s, userid, name, 1)->mobile = TEXT(s, "13%09zu", i);
        struct yq_eteams_member *e = person(s, i, name, "", TEXT(s, "u%zu@example.com", i));
        e->in_service = false;
        link_member(s, userid, e, true);
        hear_of_member(s, YQ_EVENT_MEMBER_CREATED, userid);
    }
}

static void new_userids(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        char *old = TEXT(s, "u%zu", i), *name = TEXT(s, "员工%zu", i), *now = TEXT(s, "n%zu", i);
        struct yq_subject subject = yq_subject_member(old);
        (void)works(s, now, name, 1);
        yq_view_wecom_member(s->v, old)->fact = YQ_ABSENT;
        link_member(s, old, person(s, i, name, "", ""), false);
        (void)hear(s, YQ_EVENT_MEMBER_UPDATED, &subject, TEXT(s, "{\"new_userid\":\"n%zu\"}", i));
    }
}

static void hear_of_department(struct scale *s, uint32_t id)
{
    struct yq_subject subject = yq_subject_department(id);
    (void)hear(s, YQ_EVENT_DEPARTMENT_UPDATED, &subject, "{}");
}

/* Chains of fifteen. */
static uint32_t parent_of(size_t i)
{
    return i % LEVELS == 0 ? 1 : (uint32_t)(i + 1);
}

static void new_departments(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        (void)department(s, (uint32_t)(i + 2), TEXT(s, "部门%zu", i), parent_of(i));
        hear_of_department(s, (uint32_t)(i + 2));
    }
}

static void link_org(struct scale *s, size_t i, const char *name, const char *parent)
{
    char *id = TEXT(s, "%zu", 5000000 + i);
    (void)org(s, id, name, parent);
    (void)yq_view_set_department_link(
        s->v, &(struct yq_link_department){.id = (uint32_t)(i + 2), .eteams = id, .how = "name"});
}

/* All of them hand their names on, in one department. */
static void renamed_departments(struct scale *s)
{
    for (size_t i = 0; i < s->count; i++) {
        (void)department(s, (uint32_t)(i + 2), TEXT(s, "部门%zu", i ^ 1), 1);
        link_org(s, i, TEXT(s, "部门%zu", i), "900");
        hear_of_department(s, (uint32_t)(i + 2));
    }
}

static void gone_departments(struct scale *s)
{
    s->policy.disable_departments = true;
    for (size_t i = 0; i < s->count; i++) {
        yq_view_wecom_department(s->v, (uint32_t)(i + 2))->fact = YQ_ABSENT;
        link_org(s, i, TEXT(s, "部门%zu", i),
                 i % LEVELS == 0 ? "900" : TEXT(s, "%zu", 5000000 + i - 1));
        hear_of_department(s, (uint32_t)(i + 2));
    }
}

/* ---- measuring ---- */

/* All are held, and then approved. */
static void hold_and_approve(const struct scale *s, struct yq_plan *plan)
{
    struct yq_guard_figures figures = {.size = (int64_t)s->count};
    struct yq_held_plan *held = yq_held_new();
    size_t removals = plan->removals, is_held = yq_guard_apply(plan, &s->policy, &figures);
    assert_int_equal(is_held, removals > 3 ? removals : 0);
    yq_held_collect(held, plan, s->v);
    yq_held_name(held);
    if (is_held > 0)
        assert_int_equal(yq_guard_keep(plan, held), 0); /* they are held already */
    if (is_held > 0)
        assert_int_equal(yq_guard_approve(plan, held), 0);
    yq_held_free(held);
}

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static double plan_once(make *fill, size_t count)
{
    struct scale s;
    begin(&s, count);
    fill(&s);
    double from = cpu_ms();
    struct yq_plan *plan = yq_plan_make(s.v, &s.policy);
    if (plan->needs != NULL)
        fail_msg("needs %s", plan->needs->key);
    assert_true(plan->operation_count * 3 >= count);
    hold_and_approve(&s, plan);
    double took = cpu_ms() - from;
    yq_plan_free(plan);
    yq_view_free(s.v);
    return took;
}

static double best_of(make *fill, size_t count)
{
    double best = plan_once(fill, count);
    for (int i = 1; i < TRIES; i++) {
        double took = plan_once(fill, count);
        best = took < best ? took : best;
    }
    return best;
}

static void grows_evenly(const char *name, make *fill)
{
    const char *by_hand = getenv("YQ_SCALE");
    if (by_hand != NULL) {
        print_message("%-20s %9.0f ms\n", name, plan_once(fill, strtoul(by_hand, NULL, 10)));
        return;
    }
    double some = best_of(fill, SOME), many = best_of(fill, SOME * TIMES);
    print_message("%-20s %6.1f ms, %d times as many %6.1f ms\n", name, some, TIMES, many);
    if (many > some * MOST_GROWTH)
        fail_msg("%s: %d times as many take %.1f times as long", name, TIMES, many / some);
}

#define SCALE(name)                                                                                \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        grows_evenly(#name, name);                                                                 \
    }
SCALE(first_sync)
SCALE(newcomers)
SCALE(swaps)
SCALE(leavers)
SCALE(gone)
SCALE(gone_with_posts)
SCALE(rehires)
SCALE(new_userids)
SCALE(new_departments)
SCALE(renamed_departments)
SCALE(gone_departments)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_sync),
        cmocka_unit_test(test_newcomers),
        cmocka_unit_test(test_swaps),
        cmocka_unit_test(test_leavers),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_gone_with_posts),
        cmocka_unit_test(test_rehires),
        cmocka_unit_test(test_new_userids),
        cmocka_unit_test(test_new_departments),
        cmocka_unit_test(test_renamed_departments),
        cmocka_unit_test(test_gone_departments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
