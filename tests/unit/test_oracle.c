/* The oracle itself: it is silent about a right result, and speaks about every wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/world.h"

/* li.na moved to 市场 and renamed, wang.wei is new, zhao.liu left, 研发 was renamed to 研究;
 * chen.ba is eteams' own, and so is 行政. */
static const char before_json[] =
    "{\"wecom\":{\"departments\":[{\"id\":2,\"name\":\"研究\"},{\"id\":3,\"name\":\"市场\"},"
    "{\"id\":4,\"name\":\"平台\",\"parent\":2}],\"members\":["
    "{\"userid\":\"li.na\",\"name\":\"李丽\",\"departments\":[3,2],\"main_department\":3,"
    "\"mobile\":\"13800000001\",\"gender\":\"2\"},"
    "{\"userid\":\"wang.wei\",\"name\":\"王伟\",\"departments\":[4],\"main_department\":4}]},"
    "\"eteams\":{\"departments\":[{\"id\":\"900\",\"name\":\"公司\"},"
    "{\"id\":\"901\",\"name\":\"研发\",\"parent\":\"900\"},"
    "{\"id\":\"902\",\"name\":\"市场\",\"parent\":\"900\"},"
    "{\"id\":\"905\",\"name\":\"行政\",\"parent\":\"900\"}],\"people\":["
    "{\"id\":\"801\",\"name\":\"李娜\",\"account\":\"li.na\",\"departments\":[\"901\"],"
    "\"posts\":[{\"department\":\"905\",\"ours\":false}]},"
    "{\"id\":\"802\",\"name\":\"赵六\",\"account\":\"zhao.liu\",\"departments\":[\"902\"],"
    "\"posts\":[{\"department\":\"901\"}]},"
    "{\"id\":\"803\",\"name\":\"陈八\",\"account\":\"chen.ba\",\"departments\":[\"905\"]}],"
    "\"administrators\":[\"803\"]},"
    "\"links\":{\"departments\":{\"2\":\"901\",\"3\":\"902\"},"
    "\"members\":{\"li.na\":\"801\",\"zhao.liu\":\"802\"}},"
    "\"events\":[{\"kind\":\"member.updated\",\"subject\":\"member:li.na\"},"
    "{\"kind\":\"member.created\",\"subject\":\"member:wang.wei\"},"
    "{\"kind\":\"member.deleted\",\"subject\":\"member:zhao.liu\"},"
    "{\"kind\":\"department.updated\",\"subject\":\"department:2\"}]}";

static struct world *load(void)
{
    struct yq_error err = {0};
    struct world *w = world_load(before_json, strlen(before_json), &err);
    if (w == NULL)
        fail_msg("%s", err.text);
    return w;
}

/* What the rules demand, by hand. */
static void make_right(struct world *w)
{
    world_org(w, "901")->name = "研究";
    world_add_org(w, "904", "平台", "901");
    world_link_department(w, 4, "904", "created");
    struct world_person *li = world_person(w, "801");
    li->name = "李丽";
    li->mobile = "13800000001";
    li->sex = "female";
    li->department = "902";
    li->posts[li->post_count++] = (struct world_post){"901", "yq-c-801-901", true};
    struct world_person *zhao = world_person(w, "802");
    zhao->in_service = false;
    zhao->department = "900";
    zhao->account = zhao->user_id = "";
    zhao->post_count = 0;
    world_add_person(w, "804", "王伟", "904")->job_num = "wang.wei";
    world_link_member(w, "wang.wei", "804", "created");
}

/* ---- one thing wrong in each ---- */

static void wrong_name(struct world *w)
{
    world_person(w, "801")->name = "李娜";
}

static void wrong_mobile(struct world *w)
{
    world_person(w, "801")->mobile = "13800000002";
}

static void wrong_sex(struct world *w)
{
    world_person(w, "801")->sex = "";
}

static void wrong_department(struct world *w)
{
    world_person(w, "801")->department = "901";
    world_person(w, "801")->post_count = 1;
}

static void missing_post(struct world *w)
{
    world_person(w, "801")->post_count = 1;
}

static void foreign_post_lost(struct world *w)
{
    struct world_person *p = world_person(w, "801");
    p->posts[0] = p->posts[--p->post_count];
}

static void surplus_post(struct world *w)
{
    struct world_person *p = world_person(w, "801");
    p->posts[p->post_count++] = (struct world_post){"904", "yq-c-801-904", true};
}

static void leaver_stays(struct world *w)
{
    world_person(w, "802")->in_service = true;
}

static void leaver_keeps_department(struct world *w)
{
    world_person(w, "802")->department = "902";
}

static void somebody_else_resigned(struct world *w)
{
    world_person(w, "803")->in_service = false;
}

static void somebody_else_changed(struct world *w)
{
    world_person(w, "803")->email = "x@example.com";
}

static void joiner_missing(struct world *w)
{
    w->person_count--;
    w->member_link_count--;
}

static void joiner_in_the_wrong_place(struct world *w)
{
    world_person(w, "804")->department = "900";
}

static void made_twice(struct world *w)
{
    world_add_person(w, "805", "王伟", "904")->job_num = "wang.wei";
}

static void made_from_nothing(struct world *w)
{
    world_add_person(w, "805", "无名", "900");
}

static void linked_twice(struct world *w)
{
    world_link_member(w, "zhou.qi", "801", "account");
}

static void linked_with_another(struct world *w)
{
    world_member_link(w, "li.na")->eteams = "803";
}

static void department_not_renamed(struct world *w)
{
    world_org(w, "901")->name = "研发";
}

static void department_moved(struct world *w)
{
    world_org(w, "901")->parent = "902";
}

static void department_missing(struct world *w)
{
    w->org_count--;
    w->department_link_count--;
    world_person(w, "804")->department = "900";
}

static void own_department_renamed(struct world *w)
{
    world_org(w, "905")->name = "后勤";
}

static void own_department_disabled(struct world *w)
{
    world_org(w, "905")->enabled = false;
}

static void root_renamed(struct world *w)
{
    world_org(w, "900")->name = "Company";
}

static void unlinked(struct world *w)
{
    *world_department_link(w, 3) = w->department_links[--w->department_link_count];
}

static void two_of_one_name(struct world *w)
{
    world_add_org(w, "906", "市场", "900");
}

static void test_right(void **state)
{
    (void)state;
    struct yq_buf out = YQ_BUF_INIT;
    struct world *before = load(), *after = load();
    make_right(after);
    size_t differences = world_judge(before, after, false, &out);
    assert_string_equal(yq_buf_text(&out), "");
    assert_int_equal(differences, 0);
    yq_buf_release(&out);
    world_free(before);
    world_free(after);
}

static void test_nothing_done(void **state)
{
    (void)state;
    struct yq_buf out = YQ_BUF_INIT;
    struct world *before = load(), *after = load();
    assert_true(world_judge(before, after, false, &out) >= 8);
    yq_buf_release(&out);
    world_free(before);
    world_free(after);
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*spoil)(struct world *w);
    } wrongs[] = {
#define WRONG(f) {#f, f}
        WRONG(wrong_name),
        WRONG(wrong_mobile),
        WRONG(wrong_sex),
        WRONG(wrong_department),
        WRONG(missing_post),
        WRONG(foreign_post_lost),
        WRONG(surplus_post),
        WRONG(leaver_stays),
        WRONG(leaver_keeps_department),
        WRONG(somebody_else_resigned),
        WRONG(somebody_else_changed),
        WRONG(joiner_missing),
        WRONG(joiner_in_the_wrong_place),
        WRONG(made_twice),
        WRONG(made_from_nothing),
        WRONG(linked_twice),
        WRONG(linked_with_another),
        WRONG(department_not_renamed),
        WRONG(department_moved),
        WRONG(department_missing),
        WRONG(own_department_renamed),
        WRONG(own_department_disabled),
        WRONG(root_renamed),
        WRONG(unlinked),
        WRONG(two_of_one_name),
#undef WRONG
    };
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        struct yq_buf out = YQ_BUF_INIT;
        struct world *before = load(), *after = load();
        make_right(after);
        wrongs[i].spoil(after);
        if (world_judge(before, after, false, &out) == 0)
            fail_msg("the oracle does not see: %s", wrongs[i].name);
        yq_buf_release(&out);
        world_free(before);
        world_free(after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_nothing_done),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
