/* The view: rows, owners and look-ups by key, and events coalesced into evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/view.h"

static int setup(void **state)
{
    *state = yq_view_new();
    return 0;
}

static int teardown(void **state)
{
    yq_view_free(*state);
    return 0;
}

static struct yq_evidence *hear(struct yq_view *v, enum yq_event_kind kind, const char *userid,
                                int64_t at, const char *data)
{
    struct yq_subject s = yq_subject_member(userid);
    struct yq_evidence *e = yq_view_add_event(v, kind, &s, at, data, NULL);
    assert_non_null(e);
    return e;
}

static struct yq_evidence *hear_department(struct yq_view *v, enum yq_event_kind kind, uint32_t id,
                                           int64_t at, const char *data)
{
    struct yq_subject s = yq_subject_department(id);
    struct yq_evidence *e = yq_view_add_event(v, kind, &s, at, data, NULL);
    assert_non_null(e);
    return e;
}

/* wecom.md §2.1.1: one creation, three events, the same second, the updates first. */
static void a_burst_of_one_second_is_one_evidence(void **state)
{
    struct yq_view *v = *state;
    const char *update = "{\"userid\":\"Li.Na\",\"departments\":[7]}";
    const char *create = "{\"userid\":\"Li.Na\",\"name\":\"李娜\",\"departments\":[7,12],"
                         "\"main_department\":12,\"mobile\":\"13800000000\",\"gender\":\"2\","
                         "\"status\":4,\"direct_leaders\":[\"wang.wei\"]}";
    hear(v, YQ_EVENT_MEMBER_UPDATED, "Li.Na", 100, update);
    hear(v, YQ_EVENT_MEMBER_UPDATED, "li.na", 100, update);
    struct yq_evidence *e = hear(v, YQ_EVENT_MEMBER_CREATED, "Li.Na", 100, create);
    assert_int_equal(HASH_COUNT(v->evidence), 1);
    assert_int_equal(e->created_at, 100);
    assert_int_equal(e->updated_at, 100);
    assert_int_equal(e->deleted_at, 0);
    assert_string_equal(e->key, "member:li.na");
    const struct yq_wecom_member *m = e->reported_member;
    assert_string_equal(m->userid, "Li.Na");
    assert_string_equal(m->key, "li.na");
    assert_string_equal(m->name, "李娜");
    assert_int_equal(m->department_count, 2);
    assert_int_equal(m->departments[1], 12);
    assert_int_equal(m->main_department, 12);
    assert_int_equal(m->status, 4);
    assert_string_equal(m->direct_leaders[0], "wang.wei");
    assert_int_equal(m->known,
                     YQ_FIELD_BIT(YQ_FIELD_NAME) | YQ_FIELD_BIT(YQ_FIELD_MOBILE) |
                         YQ_FIELD_BIT(YQ_FIELD_GENDER) | YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS) |
                         YQ_FIELD_BIT(YQ_FIELD_MAIN_DEPARTMENT) | YQ_FIELD_BIT(YQ_FIELD_STATUS) |
                         YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS));
    assert_ptr_equal(yq_view_evidence(v, &e->subject), e);
}

static void missing_fields_erase_nothing(void **state)
{
    struct yq_view *v = *state;
    hear(v, YQ_EVENT_MEMBER_CREATED, "a", 100, "{\"name\":\"A\",\"departments\":[7]}");
    struct yq_evidence *e =
        hear(v, YQ_EVENT_MEMBER_UPDATED, "a", 100, "{\"departments\":[9],\"mobile\":\"\"}");
    assert_string_equal(e->reported_member->name, "A");
    assert_int_equal(e->reported_member->departments[0], 9); /* equal times: the later call */
    assert_string_equal(e->reported_member->mobile, "");     /* cleared, and therefore known */
    assert_true(e->reported_member->known & YQ_FIELD_BIT(YQ_FIELD_MOBILE));
    assert_false(e->reported_member->known & YQ_FIELD_BIT(YQ_FIELD_EMAIL));
}

static void older_news_never_wins(void **state)
{
    struct yq_view *v = *state;
    hear(v, YQ_EVENT_MEMBER_UPDATED, "a", 200, "{\"name\":\"new\",\"new_userid\":\"b\"}");
    struct yq_evidence *e = hear(v, YQ_EVENT_MEMBER_UPDATED, "a", 100,
                                 "{\"name\":\"old\",\"email\":\"x@y\",\"new_userid\":\"c\"}");
    assert_string_equal(e->reported_member->name, "new");
    assert_string_equal(e->reported_member->email, "x@y"); /* the only news of this field */
    assert_string_equal(e->new_userid, "b");
    assert_int_equal(e->updated_at, 200);
    assert_int_equal(e->reported_at[YQ_FIELD_NAME], 200);
    assert_int_equal(e->reported_at[YQ_FIELD_EMAIL], 100);
    /* an undated event is older than any dated one, but it is one */
    hear(v, YQ_EVENT_MEMBER_DELETED, "a", 0, "{}");
    hear(v, YQ_EVENT_MEMBER_UPDATED, "a", 0, "{\"name\":\"undated\"}");
    assert_int_equal(e->deleted_at, 1);
    assert_string_equal(e->reported_member->name, "new");
}

static void kinds_leave_their_times(void **state)
{
    struct yq_view *v = *state;
    struct yq_evidence *e = hear(v, YQ_EVENT_MEMBER_DELETED, "a", 5, "{\"userid\":\"a\"}");
    hear(v, YQ_EVENT_MEMBER_ENTERED, "a", 6, "");
    hear(v, YQ_EVENT_MEMBER_LEFT, "a", 7, NULL);
    hear(v, YQ_EVENT_MEMBER_DELETED, "a", 4, "{}");
    assert_int_equal(e->deleted_at, 5);
    assert_int_equal(e->entered_at, 6);
    assert_int_equal(e->left_at, 7);
    assert_null(e->reported_member);
    assert_false(e->commanded);
    hear(v, YQ_EVENT_COMMAND_SYNC, "a", 9, "{}");
    assert_true(e->commanded);
    struct yq_subject all = yq_subject_all();
    assert_non_null(yq_view_add_event(v, YQ_EVENT_UNKNOWN, &all, 1, "{}", NULL));
    assert_int_equal(HASH_COUNT(v->evidence), 2);
}

static void departments_coalesce_by_field(void **state)
{
    struct yq_view *v = *state;
    hear_department(v, YQ_EVENT_DEPARTMENT_CREATED, 12, 100,
                    "{\"id\":12,\"name\":\"研发\",\"parent\":7,\"order\":5}");
    struct yq_evidence *e =
        hear_department(v, YQ_EVENT_DEPARTMENT_UPDATED, 12, 90, "{\"parent\":8,\"name\":\"旧\"}");
    hear_department(v, YQ_EVENT_DEPARTMENT_UPDATED, 12, 110, "{\"parent\":9}");
    hear_department(v, YQ_EVENT_DEPARTMENT_DELETED, 12, 105, "{\"id\":12}");
    assert_string_equal(e->reported_department->name, "研发");
    assert_int_equal(e->reported_department->parent, 9);
    assert_int_equal(e->reported_department->order, 5);
    assert_int_equal(e->created_at, 100);
    assert_int_equal(e->updated_at, 110);
    assert_int_equal(e->deleted_at, 105);
    e = hear_department(v, YQ_EVENT_DEPARTMENT_CREATED, 13, 1, "{\"id\":13}");
    assert_null(e->reported_department);
}

static void evidence_keeps_the_order_of_events(void **state)
{
    struct yq_view *v = *state;
    hear(v, YQ_EVENT_MEMBER_UPDATED, "zoe", 3, "{}");
    hear(v, YQ_EVENT_MEMBER_UPDATED, "amy", 1, "{}");
    hear(v, YQ_EVENT_MEMBER_UPDATED, "zoe", 2, "{}");
    const struct yq_evidence *first = v->evidence, *second = first->hh.next;
    assert_string_equal(first->key, "member:zoe");
    assert_string_equal(second->key, "member:amy");
}

static void unusable_data_changes_nothing(void **state)
{
    static const char *const bad[] = {"[]",
                                      "{",
                                      "\"x\"",
                                      "{\"departments\":7}",
                                      "{\"departments\":[-1]}",
                                      "{\"departments\":[4294967296]}",
                                      "{\"departments\":[0]}",
                                      "{\"name\":{}}",
                                      "{\"status\":\"five\"}",
                                      "{\"main_department\":-2}",
                                      "{\"direct_leaders\":[3]}",
                                      "{\"name\":\"ok\",\"new_userid\":[]}"};
    struct yq_view *v = *state;
    struct yq_subject s = yq_subject_member("a");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct yq_error err = {0};
        assert_null(yq_view_add_event(v, YQ_EVENT_MEMBER_UPDATED, &s, 1, bad[i], &err));
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
        assert_non_null(strstr(err.text, "event data"));
    }
    struct yq_subject d = yq_subject_department(3);
    assert_null(yq_view_add_event(v, YQ_EVENT_DEPARTMENT_UPDATED, &d, 1, "{\"parent\":[]}", NULL));
    assert_null(v->evidence);
}

static void rows_are_made_once_and_found(void **state)
{
    struct yq_view *v = *state;
    assert_null(yq_view_find_wecom_member(v, "Li.Na"));
    struct yq_wecom_member *m = yq_view_wecom_member(v, "Li.Na");
    assert_int_equal(m->fact, YQ_UNASKED);
    assert_ptr_equal(yq_view_wecom_member(v, "LI.NA"), m);
    assert_ptr_equal(yq_view_find_wecom_member(v, "li.na"), m);
    assert_string_equal(m->userid, "Li.Na");
    struct yq_wecom_department *d = yq_view_wecom_department(v, 4294967295u);
    assert_int_equal(d->order, -1);
    assert_ptr_equal(yq_view_find_wecom_department(v, 4294967295u), d);
    assert_null(yq_view_find_wecom_department(v, 0));
    char id[] = "1157735123799875584";
    struct yq_eteams_department *ed = yq_view_eteams_department(v, id);
    struct yq_eteams_member *em = yq_view_eteams_member(v, id);
    id[0] = '9'; /* keys are copies */
    assert_ptr_equal(yq_view_find_eteams_department(v, "1157735123799875584"), ed);
    assert_ptr_equal(yq_view_find_eteams_member(v, "1157735123799875584"), em);
    assert_null(yq_view_find_eteams_member(v, id));
    assert_string_equal(em->mobile, "");
}

static void owners_follow_the_links(void **state)
{
    struct yq_view *v = *state;
    struct yq_eteams_department *early = yq_view_eteams_department(v, "100");
    struct yq_link_department l = {.id = 12, .eteams = "100", .how = "name"};
    struct yq_link_department *set = yq_view_set_department_link(v, &l);
    assert_ptr_equal(early->owner, set);
    l.eteams = "200"; /* the link moves to a row that comes later */
    assert_ptr_equal(yq_view_set_department_link(v, &l), set);
    assert_null(early->owner);
    assert_ptr_equal(yq_view_eteams_department(v, "200")->owner, set);
    assert_ptr_equal(yq_view_department_link(v, 12), set);
    assert_null(yq_view_department_link(v, 13));

    const char *posts[] = {"7"};
    struct yq_link_member m = {
        .userid = "Li.Na", .eteams = "1", .how = "account", .posts = posts, .post_count = 1};
    struct yq_link_member *link = yq_view_set_member_link(v, &m);
    posts[0] = "changed";
    assert_string_equal(link->posts[0], "7");
    assert_string_equal(link->key, "li.na");
    assert_ptr_equal(yq_view_member_link(v, "LI.NA"), link);
    struct yq_eteams_member *row = yq_view_eteams_member(v, "1");
    assert_ptr_equal(row->owner, link);
    m.eteams = "2";
    yq_view_set_member_link(v, &m);
    assert_null(row->owner);
    assert_int_equal(HASH_COUNT(v->member_links), 1);
}

static struct yq_eteams_member *person(struct yq_view *v, const char *id, const char *account,
                                       const char *mobile, bool in_service)
{
    struct yq_eteams_member *m = yq_view_eteams_member(v, id);
    m->fact = YQ_PRESENT;
    m->account = account;
    m->mobile = mobile;
    m->in_service = in_service;
    yq_view_index_member(v, m);
    return m;
}

static void look_ups_find_by_normal_value(void **state)
{
    struct yq_view *v = *state;
    struct yq_lookup *l = yq_view_lookup(v, YQ_BY_MOBILE, "+86 138 0000 0000");
    assert_int_equal(l->fact, YQ_UNASKED);
    assert_string_equal(l->key, "1:13800000000");
    assert_string_equal(l->value, "13800000000");
    assert_int_equal(l->field, YQ_BY_MOBILE);
    assert_null(yq_view_lookup(v, YQ_BY_MOBILE, "none"));
    assert_null(yq_view_lookup(v, YQ_BY_EMAIL, NULL));
    struct yq_eteams_member *a = person(v, "1", "Li.Na", "13800000000", true);
    yq_view_index_member(v, a); /* twice is once */
    person(v, "2", "li.na", "13800000000", false);
    for (int i = 3; i < 12; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%d", i);
        person(v, id, "", "138-0000-0000", true);
    }
    assert_ptr_equal(yq_view_lookup(v, YQ_BY_MOBILE, "13800000000"), l);
    assert_int_equal(l->hit_count, 10);
    assert_ptr_equal(l->hits[0], a);
    assert_string_equal(l->hits[9]->id, "11");
    struct yq_lookup *account = yq_view_lookup(v, YQ_BY_ACCOUNT, "LI.NA");
    assert_int_equal(account->hit_count, 1); /* who has left is no candidate */
    assert_int_equal(account->fact, YQ_UNASKED);
    v->eteams_members_complete = true;
    assert_int_equal(yq_view_lookup(v, YQ_BY_JOB_NUM, "x")->fact, YQ_PRESENT);
}

static void errors_live_with_the_view(void **state)
{
    struct yq_view *v = *state;
    struct yq_error err;
    yq_error_set(&err, YQ_ERROR_RETRY, "no answer");
    const struct yq_error *copy = yq_view_error(v, &err);
    yq_error_set(&err, YQ_ERROR_FATAL, "other");
    assert_int_equal(copy->kind, YQ_ERROR_RETRY);
    assert_string_equal(copy->text, "no answer");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_of_one_second_is_one_evidence),
        TEST(missing_fields_erase_nothing),
        TEST(older_news_never_wins),
        TEST(kinds_leave_their_times),
        TEST(departments_coalesce_by_field),
        TEST(evidence_keeps_the_order_of_events),
        TEST(unusable_data_changes_nothing),
        TEST(rows_are_made_once_and_found),
        TEST(owners_follow_the_links),
        TEST(look_ups_find_by_normal_value),
        TEST(errors_live_with_the_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
