/* eteams: the token's dance, paging, look-ups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clients/eteams_people.h"
#include "clients/eteams_superiors.h"
#include "eteams_world.h"

/* ---- tokens ---- */

static void dances_for_its_token(void **state)
{
    (void)state;
    struct world w = {
        .script = {{CODE, TOKEN, {"/queryEmployee", "access_token=T%2F1", PAGE("0", "")}}}};
    const char *ids[] = {A};
    open_world(&w, NULL);
    assert_int_equal(read_people(&w, ids, 1, NULL), 0);
    assert_int_equal(person(&w, A)->fact, YQ_ABSENT);
    expect_request(&w, "/authorize", 0,
                   "/oauth2/authorize?corpid=corp&response_type=code&state=yunqiao\n");
    expect_request(&w, "/access_token", 0,
                   "/oauth2/access_token?\napp_key=key&app_secret=s%26cret&grant_type="
                   "authorization_code&code=c0de");
    close_world(&w);
}

static void reads_the_misspelt_token_and_begins_again(void **state)
{
    (void)state;
    struct world w = {.script = {{CODE,
                                  {"/access_token", NULL, "{\"errcode\":\"200004\"}", .times = 2},
                                  {"/access_token", NULL, "{\"errcode\":0,\"acessToken\":\"T1\"}"},
                                  {"/queryEmployee", "access_token=T1", PAGE("0", "")}}}};
    const char *ids[] = {A};
    open_world(&w, NULL);
    assert_int_equal(read_people(&w, ids, 1, NULL), 0);
    assert_int_equal(person(&w, A)->fact, YQ_ABSENT);
    assert_int_equal(peer_server_count(w.server, "/authorize"), 3);
    close_world(&w);
}

static void tells_how_a_token_failed(void **state)
{
    (void)state;
    static const struct {
        struct script_line answer;
        int rc, tries;
    } table[] = {
        {{"/access_token", NULL, "{\"errcode\":\"200005\"}"}, -1, 1},
        {{"/access_token", NULL, "{\"errcode\":\"200004\"}"}, 0, 3},
        {{"/access_token", NULL, "{\"errcode\":\"1\",\"errmsg\":\"系统繁忙\"}"}, -1, 2},
        {{"/access_token", NULL, "{\"errcode\":\"777\"}"}, 0, 1},
        {{"/access_token", NULL, "{\"errcode\":\"0\"}"}, 0, 1},
        {{"/access_token", NULL, "<html>"}, 0, 1},
        {{"/access_token", NULL, "", .status = 502}, 0, 1},
        {{"/access_token", NULL, "", .cut = true}, 0, 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w = {.script = {{CODE, table[i].answer}}};
        const char *ids[] = {A};
        struct yq_error err = {0};
        open_world(&w, NULL);
        assert_int_equal(read_people(&w, ids, 1, &err), table[i].rc);
        assert_int_equal(err.kind, table[i].rc < 0 ? YQ_ERROR_FATAL : YQ_ERROR_NONE);
        assert_null(strstr(err.text, "s&cret"));
        assert_int_equal(person(&w, A)->fact, YQ_UNREADABLE);
        assert_int_equal(peer_server_count(w.server, "/access_token"), table[i].tries);
        assert_int_equal(peer_server_count(w.server, "/queryEmployee"), 0);
        close_world(&w);
    }
}

static void a_static_token_needs_no_dance(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/queryEmployee", "access_token=fixed", "{\"errcode\":\"200007\"}"}}}};
    const char *ids[] = {A};
    struct yq_error err = {0};
    open_world(&w, "fixed");
    assert_int_equal(read_people(&w, ids, 1, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_FATAL);
    assert_int_equal(peer_server_count(w.server, "/queryEmployee"), 2);
    assert_int_equal(peer_server_count(w.server, "/authorize"), 0);
    assert_int_equal(person(&w, A)->fact, YQ_UNREADABLE);
    close_world(&w);
}

/* ---- reading ---- */

static void asks_with_ids_as_they_are(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/queryEmployee", NULL,
                     PAGE("1", PERSON(A, "\"department\":[4000000000000000023],"))},
                    {"/queryOrg", "\"ids\"",
                     PAGE("1", "{\"id\":4000000000000000023,\"name\":\"d\",\"parent\":\"0\"}")},
                    {"/queryOrg", "parentOrgIds",
                     PAGE("1", "{\"id\":4000000000000000025,\"name\":\"c\",\"parent\":"
                               "\"4000000000000000023\",\"status\":\"0\"}")}}}};
    const char *people[] = {A, B, "x'"};
    const char *departments[] = {"4000000000000000023", "4000000000000000027"};
    open_world(&w, "T");
    assert_int_equal(read_people(&w, people, 3, NULL), 0);
    assert_string_equal(person(&w, A)->departments[0], "4000000000000000023");
    assert_int_equal(person(&w, B)->fact, YQ_ABSENT);
    assert_int_equal(person(&w, "x'")->fact, YQ_UNREADABLE);
    expect_request(&w, "/queryEmployee", 0,
                   "/api/hrm/restful/queryEmployee?access_token=T\n{\"ids\":[\"" A "\",\"" B
                   "\"],\"userStatusList\":[\"normal\",\"resigned\"],\"needAccountInfo\":true,"
                   "\"returnFieldList\":[\"id\",\"user_id\",\"username\",\"account\",\"job_num\","
                   "\"mobile\",\"email\",\"sex\",\"department\",\"personnel_status\",\"status\","
                   "\"identity\"],\"current\":1,\"pageSize\":1000}");
    assert_int_equal(yq_eteams_read_departments(w.e, w.h, w.v, departments, 2, NULL, NULL), 0);
    expect_request(&w, "/queryOrg", 0,
                   "/api/hrm/restful/queryOrg?access_token=T\n{\"ids\":[4000000000000000023,"
                   "4000000000000000027],\"containDisableOrg\":true,\"current\":1,"
                   "\"pageSize\":1000}");
    assert_int_equal(yq_view_find_eteams_department(w.v, departments[0])->fact, YQ_PRESENT);
    assert_int_equal(yq_view_find_eteams_department(w.v, departments[1])->fact, YQ_ABSENT);
    assert_int_equal(yq_eteams_read_children(w.e, w.h, w.v, departments, 1, NULL, NULL), 0);
    expect_request(&w, "/queryOrg", 1,
                   "/api/hrm/restful/queryOrg?access_token=T\n{\"parentOrgIds\":["
                   "\"4000000000000000023\"],\"containDisableOrg\":true,\"current\":1,"
                   "\"pageSize\":1000}");
    assert_int_equal(yq_view_find_eteams_department(w.v, departments[0])->children, YQ_PRESENT);
    assert_false(yq_view_find_eteams_department(w.v, "4000000000000000025")->enabled);
    close_world(&w);
}

static void does_without_leavers_where_it_must(void **state)
{
    (void)state;
    struct world w = {.script = {{{"/queryEmployee", "userStatusList", REFUSE("410001")},
                                  {"/queryEmployee", NULL, PAGE("1", PERSON(A, ""))}}}};
    const char *ids[] = {A, B};
    open_world(&w, "T");
    assert_int_equal(read_people(&w, ids, 2, NULL), 0);
    assert_int_equal(person(&w, A)->fact, YQ_PRESENT);
    assert_int_equal(person(&w, B)->fact, YQ_ABSENT);
    assert_int_equal(read_people(&w, ids, 2, NULL), 0);
    assert_int_equal(peer_server_count(w.server, "/queryEmployee"), 3); /* it is remembered */
    close_world(&w);
}

/* Thousands are looked up in an index of all people; who may be meant is read again by id, and
 * where that fails nobody knows. */
static void looks_people_up_in_an_index(void **state)
{
    (void)state;
    for (int readable = 0; readable < 2; readable++) {
        struct world w = {
            .script = {{{"/queryEmployee", "\"ids\"",
                         readable ? PAGE("1", PERSON(A, "\"account\":\"li.na\",")) : "garbage"},
                        {"/queryEmployee", NULL,
                         PAGE("2", PERSON(A, "\"account\":\"li.na\",") "," PERSON(B, ""))}}}};
        open_world(&w, "T");
        struct yq_people *people = NULL;
        struct yq_lookup *l[] = {yq_view_lookup(w.v, YQ_BY_ACCOUNT, "li.na"),
                                 yq_view_lookup(w.v, YQ_BY_ACCOUNT, "wang")};
        assert_int_equal(yq_eteams_index_people(w.e, w.h, &people, NULL, NULL), 0);
        assert_int_equal(yq_people_count(people), 2);
        assert_int_equal(yq_eteams_look_up_among(w.e, w.h, w.v, people, l, 2, NULL, NULL), 0);
        assert_int_equal(l[0]->fact, readable ? YQ_PRESENT : YQ_UNREADABLE);
        assert_int_equal(l[0]->hit_count, readable);
        assert_int_equal(l[1]->fact, YQ_PRESENT);
        assert_int_equal(l[1]->hit_count, 0);
        yq_people_free(people);
        close_world(&w);
    }
}

static void looks_people_up(void **state)
{
    (void)state;
    struct world w = {
        .script = {
            {{"/queryEmployee", "\"account\":\"li.na\"", PAGE("1", PERSON(A, ""))},
             {"/queryEmployee", "\"account\":", PAGE("0", "")},
             {"/queryEmployee", "mobileList",
              PAGE("2", PERSON(A, "\"mobile\":\"+86 13800000001\",") "," PERSON(
                            B, "\"mobile\":\"13800000001\","))},
             {"/queryEmployee", "\"accurateEmailList\":[", REFUSE("410001")},
             {"/queryEmployee", "\"accurateEmailList\":\"x@y.cn\"",
              PAGE("1", PERSON(C, "\"email\":\"X@y.cn\","))},
             {"/queryEmployee", "accurateEmailList", PAGE("0", "")},
             {"/queryEmployee", "jobNumList",
              PAGE("1", "{\"id\":\"" C "\",\"job_num\":\"li.na\",\"status\":\"resigned\"}")}}}};
    open_world(&w, "T");
    struct yq_lookup *l[] = {
        yq_view_lookup(w.v, YQ_BY_ACCOUNT, "Li.Na"),
        yq_view_lookup(w.v, YQ_BY_ACCOUNT, "wang"),
        yq_view_lookup(w.v, YQ_BY_MOBILE, "13800000001"),
        yq_view_lookup(w.v, YQ_BY_EMAIL, "x@y.cn"),
        yq_view_lookup(w.v, YQ_BY_EMAIL, "z@y.cn"),
        yq_view_lookup(w.v, YQ_BY_JOB_NUM, "Li.Na"),
    };
    static const size_t hits[] = {1, 0, 2, 1, 0, 0};
    assert_int_equal(yq_eteams_look_up(w.e, w.h, w.v, l, 6, NULL, NULL), 0);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(l[i]->fact, YQ_PRESENT);
        assert_int_equal(l[i]->hit_count, hits[i]);
    }
    assert_string_equal(l[0]->hits[0]->id, A);
    char *seen = peer_server_request(w.server, "/queryEmployee", 2);
    assert_non_null(strstr(seen, "\"mobileList\":[\"13800000001\",\"+8613800000001\"]"));
    free(seen);
    close_world(&w);
}

#define NAMED(id, name) PERSON(id, "\"username\":\"" name "\",")

/* eteams searches names fuzzily, and there may be any number of one name. */
static void looks_up_by_name(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/queryEmployee", "\"nameLikeList\":[\"李娜\"]",
                     PAGE("3", NAMED(A, "李娜") "," NAMED(B, "李娜娜") "," NAMED(C, " 李娜 "))}}}};
    open_world(&w, "T");
    struct yq_lookup *l = yq_view_lookup(w.v, YQ_BY_NAME, "李娜");
    assert_int_equal(yq_eteams_look_up(w.e, w.h, w.v, &l, 1, NULL, NULL), 0);
    assert_int_equal(l->fact, YQ_PRESENT);
    assert_int_equal(l->hit_count, 2);
    assert_string_equal(l->hits[1]->id, C);
    assert_int_equal(yq_view_lookup(w.v, YQ_BY_NAME, "李娜娜")->fact, YQ_UNASKED);
    close_world(&w);
}

/* Found, but by a value that the row does not show: nobody may be told absent. */
static void a_hit_without_its_value_is_no_miss(void **state)
{
    (void)state;
    struct world w = {.script = {{{"/queryEmployee", "mobileList", PAGE("1", PERSON(A, ""))},
                                  {"/queryEmployee", "jobNumList", "{" OK "}"}}}};
    open_world(&w, "T");
    struct yq_lookup *l[] = {yq_view_lookup(w.v, YQ_BY_MOBILE, "13800000001"),
                             yq_view_lookup(w.v, YQ_BY_JOB_NUM, "li.na")};
    assert_int_equal(yq_eteams_look_up(w.e, w.h, w.v, l, 2, NULL, NULL), 0);
    assert_int_equal(l[0]->fact, YQ_UNREADABLE);
    assert_non_null(l[0]->error);
    assert_int_equal(l[1]->fact, YQ_UNREADABLE);
    close_world(&w);
}

static void reads_posts_and_administrators(void **state)
{
    (void)state;
    struct world w = {
        .script = {
            {{"/queryExtra", NULL,
              PAGE("4",
                   "{\"id\":" A ",\"externalSyncType\":\"openapi\",\"externalSyncId\":"
                   "\"yq-acme-1-2\",\"departmentId\":\"42\"},"
                   "{\"id\":\"" A "\",\"externalSyncType\":\"manual\",\"departmentId\":43},"
                   "{\"id\":\"" A "\",\"externalSyncType\":\"openapi\",\"externalSyncId\":"
                   "\"yq-other-1-2\",\"departmentId\":\"44\"},"
                   "{\"id\":\"" B "\",\"externalSyncType\":\"manual\",\"departmentId\":\"\"}")},
             {"/queryAdmin", NULL,
              "{" OK ",\"data\":[{\"id\":\"" A "\",\"adminType\":\"super\"},{\"id\":" B
              ",\"adminType\":\"sub\"}]}"}}}};
    const char *ids[] = {A, B};
    open_world(&w, "T");
    assert_int_equal(yq_eteams_read_posts(w.e, w.h, w.v, ids, 2, NULL, NULL), 0);
    assert_int_equal(person(&w, A)->posts_fact, YQ_PRESENT);
    assert_int_equal(person(&w, A)->post_count, 3);
    assert_true(person(&w, A)->posts[0].ours);
    assert_false(person(&w, A)->posts[1].ours);
    assert_string_equal(person(&w, A)->posts[1].department, "43");
    assert_false(person(&w, A)->posts[2].ours);
    assert_int_equal(person(&w, B)->post_count, 0);
    assert_int_equal(yq_eteams_read_administrators(w.e, w.h, w.v, NULL, NULL), 0);
    assert_int_equal(w.v->administrators_fact, YQ_PRESENT);
    assert_int_equal(w.v->administrator_count, 2);
    assert_true(w.v->administrators[0].super && !w.v->administrators[1].super);
    close_world(&w);
}

static void a_post_nowhere_is_not_believed(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/queryExtra", NULL,
                     PAGE("1", "{\"id\":\"" A "\",\"departmentId\":\"the second floor\"}")}}}};
    const char *ids[] = {A};
    open_world(&w, "T");
    assert_int_equal(yq_eteams_read_posts(w.e, w.h, w.v, ids, 1, NULL, NULL), 0);
    assert_int_equal(person(&w, A)->posts_fact, YQ_UNREADABLE);
    close_world(&w);
}

static void a_code_that_is_missing_gives_no_token(void **state)
{
    (void)state;
    struct world w = {.script = {{{"/oauth2/authorize", NULL, "{\"errcode\":\"0\"}"}}}};
    const char *ids[] = {A};
    open_world(&w, NULL);
    assert_int_equal(read_people(&w, ids, 1, NULL), 0);
    assert_int_equal(person(&w, A)->fact, YQ_UNREADABLE);
    assert_int_equal(peer_server_count(w.server, "/access_token"), 0);
    close_world(&w);
}

static void missing_interfaces_are_unknown_and_remembered(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/queryAdmin", NULL, REFUSE("404001"), .times = 1},
                    {"/queryAdmin", NULL, PAGE("0", "")}}}}; /* queryExtra: HTTP 404 */
    const char *ids[] = {A};
    open_world(&w, "T");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(yq_eteams_read_posts(w.e, w.h, w.v, ids, 1, NULL, NULL), 0);
        assert_int_equal(person(&w, A)->posts_fact, YQ_ABSENT);
        assert_int_equal(yq_eteams_read_administrators(w.e, w.h, w.v, NULL, NULL), 0);
        assert_int_equal(w.v->administrators_fact, YQ_ABSENT);
    }
    assert_int_equal(peer_server_count(w.server, "/queryExtra"), 1);
    assert_int_equal(peer_server_count(w.server, "/queryAdmin"), 1);
    w.clock.now_ms += 600000; /* a gateway that restarted says 404 too: asked again */
    assert_int_equal(yq_eteams_read_administrators(w.e, w.h, w.v, NULL, NULL), 0);
    assert_int_equal(w.v->administrators_fact, YQ_ABSENT); /* an empty list says nothing either */
    assert_int_equal(peer_server_count(w.server, "/queryAdmin"), 2);
    close_world(&w);
}

/* ---- paging ---- */

static void reads_all_pages(void **state)
{
    (void)state;
    struct world w = {
        .script = {
            {{"/queryEmployee", "\"current\":1,", PAGE("5", PERSON("41", "") "," PERSON("42", ""))},
             {"/queryEmployee", "\"current\":2,", PAGE("5", PERSON("43", "") "," PERSON("44", ""))},
             {"/queryEmployee", "\"current\":3,", PAGE("5", PERSON("45", ""))}}}};
    open_world(&w, "T");
    struct yq_lookup *l = yq_view_lookup(w.v, YQ_BY_ACCOUNT, "nobody");
    assert_int_equal(yq_eteams_list_members(w.e, w.h, w.v, NULL, NULL), 0);
    assert_true(w.v->eteams_members_complete);
    assert_int_equal(HASH_COUNT(w.v->eteams_members), 5);
    assert_int_equal(peer_server_count(w.server, "/queryEmployee"), 3);
    assert_int_equal(l->fact, YQ_PRESENT);
    close_world(&w);
}

static void refuses_lists_whose_count_is_off(void **state)
{
    (void)state;
    static const struct {
        const char *second;
        int calls;
    } table[] = {
        {PAGE("4", PERSON("42", "") "," PERSON("43", "")), 6}, /* one twice */
        {PAGE("4", PERSON("43", "")), 6},                      /* one missing */
        {PAGE("5", PERSON("43", "") "," PERSON("44", "")), 6}, /* the total changed */
        {PAGE("4", ""), 6},
        {PAGE("4", PERSON("43", "") ",{\"id\":{}}"), 2}, /* garbage among them */
        {"{" OK "}", 2},
        {REFUSE("500000"), 2},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w = {.script = {{{"/queryEmployee", "\"current\":1,",
                                       PAGE("4", PERSON("41", "") "," PERSON("42", ""))},
                                      {"/queryEmployee", NULL, table[i].second}}}};
        struct yq_error err = {0};
        open_world(&w, "T");
        assert_int_equal(yq_eteams_list_members(w.e, w.h, w.v, NULL, &err), -1);
        assert_int_equal(err.kind, YQ_ERROR_RETRY);
        assert_false(w.v->eteams_members_complete);
        assert_int_equal(peer_server_count(w.server, "/queryEmployee"), table[i].calls);
        close_world(&w);
    }
}

static void a_list_that_settles_is_taken(void **state)
{
    (void)state;
    struct world w = {.script = {{{"/queryEmployee", "\"current\":1,",
                                   PAGE("3", PERSON("41", "") "," PERSON("42", ""))},
                                  {"/queryEmployee", NULL, PAGE("3", PERSON("42", "")), .times = 1},
                                  {"/queryEmployee", NULL, PAGE("3", PERSON("43", ""))}}}};
    open_world(&w, "T");
    assert_int_equal(yq_eteams_list_members(w.e, w.h, w.v, NULL, NULL), 0);
    assert_true(w.v->eteams_members_complete);
    close_world(&w);
}

#define ORG(id, parent, status)                                                                    \
    "{\"id\":\"" id "\",\"name\":\"n\",\"parent\":\"" parent "\",\"status\":\"" status "\"}"

static void finds_the_one_root(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *root;
        enum yq_error_kind kind;
    } table[] = {
        {PAGE("3", ORG("43", "41", "1") "," ORG("41", "0", "1") "," ORG("42", "41", "0")), "41",
         YQ_ERROR_NONE},
        {PAGE("2", ORG("43", "41", "1") "," ORG("41", "99", "1")), "41", YQ_ERROR_NONE},
        {PAGE("2", ORG("43", "0", "0") "," ORG("41", "0", "1")), "41", YQ_ERROR_NONE},
        {PAGE("2", ORG("43", "0", "1") "," ORG("41", "0", "1")), NULL, YQ_ERROR_FATAL},
        {PAGE("2", ORG("43", "41", "1") "," ORG("41", "43", "1")), NULL, YQ_ERROR_RETRY},
        {PAGE("0", ""), NULL, YQ_ERROR_RETRY},
        {"garbage", NULL, YQ_ERROR_RETRY},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w = {.script = {{{"/queryOrg", NULL, table[i].answer}}}};
        struct yq_error err = {0};
        const char *root = NULL;
        open_world(&w, "T");
        for (int again = 0; again < 2; again++) {
            int rc = yq_eteams_find_root(w.e, w.h, NULL, &root, &err);
            assert_int_equal(rc, table[i].root ? 0 : -1);
            assert_int_equal(err.kind, table[i].kind);
        }
        if (table[i].root != NULL) {
            assert_string_equal(root, table[i].root);
            assert_int_equal(peer_server_count(w.server, "/queryOrg"), 1);
        }
        if (table[i].kind == YQ_ERROR_FATAL)
            assert_non_null(strstr(err.text, "root_org_id"));
        close_world(&w);
    }
}

#define SUPERIOR(id, more) PERSON(id, "\"department\":\"9\",\"personnel_status\":\"3\"," more)

/* What cannot be kept first is not taken over. */
static void lists_superiors_or_says_why_not(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum yq_error_kind kind;
        size_t count;
    } cases[] = {
        {PAGE("1", SUPERIOR(A, "\"superior\":\"" B "\",\"other_superior\":[],")), YQ_ERROR_NONE, 1},
        {PAGE("1", SUPERIOR(A, "\"mobile\":\"\",")), YQ_ERROR_REFUSED, 0},
        {PAGE("0", ""), YQ_ERROR_RETRY, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w = {.script = {{{"/queryEmployee", NULL, cases[i].answer}}}};
        struct yq_superior_rows rows = {0};
        struct yq_error err = {0};
        open_world(&w, "T");
        int rc = yq_eteams_list_superiors(w.e, w.h, &rows, NULL, &err);
        assert_int_equal(err.kind, cases[i].kind);
        assert_int_equal(rc, cases[i].kind == YQ_ERROR_NONE ? 0 : -1);
        assert_int_equal(rows.count, cases[i].count);
        if (rc == 0)
            assert_string_equal(yq_superior_rows_find(&rows, A)->superior, B);
        yq_superior_rows_release(&rows);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dances_for_its_token),
        cmocka_unit_test(reads_the_misspelt_token_and_begins_again),
        cmocka_unit_test(tells_how_a_token_failed),
        cmocka_unit_test(a_static_token_needs_no_dance),
        cmocka_unit_test(asks_with_ids_as_they_are),
        cmocka_unit_test(does_without_leavers_where_it_must),
        cmocka_unit_test(looks_people_up_in_an_index),
        cmocka_unit_test(looks_people_up),
        cmocka_unit_test(looks_up_by_name),
        cmocka_unit_test(a_hit_without_its_value_is_no_miss),
        cmocka_unit_test(reads_posts_and_administrators),
        cmocka_unit_test(a_post_nowhere_is_not_believed),
        cmocka_unit_test(a_code_that_is_missing_gives_no_token),
        cmocka_unit_test(missing_interfaces_are_unknown_and_remembered),
        cmocka_unit_test(reads_all_pages),
        cmocka_unit_test(refuses_lists_whose_count_is_off),
        cmocka_unit_test(a_list_that_settles_is_taken),
        cmocka_unit_test(finds_the_one_root),
        cmocka_unit_test(lists_superiors_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
