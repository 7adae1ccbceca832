/* The simulated WeCom keeps the rules it was written from: tokens, ranges, lists, and what its
 * console and its API refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_peer.h"

/* 1 root, 2 sales with 3 north beneath it, 4 finance; tag 7 holds Zhao, who is in finance only. */
static const char company[] =
    "{\"departments\":[{\"id\":3,\"name\":\"north\",\"parent\":2},"
    "{\"id\":2,\"name\":\"sales\",\"parent\":1},{\"id\":4,\"name\":\"finance\",\"parent\":1},"
    "{\"id\":1,\"name\":\"corp\",\"parent\":0}],"
    "\"members\":["
    "{\"userid\":\"Li.Na\",\"name\":\"李娜\",\"departments\":[3,4],\"main_department\":4,"
    "\"leader_in\":[1,0],\"direct_leaders\":[\"zhao\"],\"mobile\":\"13800000001\"},"
    "{\"userid\":\"wang\",\"name\":\"王伟\",\"departments\":[2],\"mobile\":\"13800000002\"},"
    "{\"userid\":\"zhao\",\"name\":\"赵六\",\"departments\":[4],\"email\":\"zhao@example.test\"}],"
    "\"tags\":[{\"id\":7,\"name\":\"pilots\",\"members\":[\"zhao\"],\"departments\":[]}],"
    "\"range\":{\"departments\":[2],\"members\":[],\"tags\":[]}}";

static int load(void **state)
{
    (void)state;
    return peer_load(peer, company);
}

static void tokens_are_checked(void **state)
{
    (void)state;
    cJSON *first = peer_call(peer, PEER_GETTOKEN, NULL, NULL);
    cJSON *second = peer_call(peer, PEER_GETTOKEN, NULL, NULL);
    assert_string_equal(json_text(first, "access_token"), json_text(second, "access_token"));
    assert_in_range(json_int(first, "expires_in"), 7190, 7200);

    assert_int_equal(peer_code(peer, "/cgi-bin/gettoken", NULL), 41004);
    assert_int_equal(peer_code(peer, "/cgi-bin/gettoken?corpid=wwx&corpsecret=y", NULL), 40013);
    assert_int_equal(
        peer_code(peer, "/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=y", NULL), 40001);
    assert_int_equal(peer_code(peer, "/cgi-bin/user/get?userid=wang", NULL), 41001);
    assert_int_equal(peer_code(peer, "/cgi-bin/user/get?userid=wang&access_token=x", NULL), 40014);

    char *get = yq_printf("/cgi-bin/user/get?userid=wang&access_token=%s",
                          json_text(first, "access_token"));
    assert_int_equal(peer_code(peer, get, NULL), 0);
    peer_move_clock(peer, 7201 * 1000);
    assert_int_equal(peer_code(peer, get, NULL), 42001);
    peer_move_clock(peer, 0);
    assert_int_equal(peer_code(peer, "/_sim/tokens", "{\"end\":\"app\"}"), 0);
    assert_int_equal(peer_code(peer, get, NULL), 40014);
    free(get);
    cJSON_Delete(first);
    cJSON_Delete(second);
}

static void range_limits_what_the_app_sees(void **state)
{
    (void)state;
    cJSON *li = peer_app(peer, "user/get?userid=li.NA", NULL);
    assert_string_equal(json_text(li, "userid"), "Li.Na");
    const cJSON *departments = yq_json_get(li, "department");
    assert_int_equal(cJSON_GetArraySize(departments), 1);
    assert_int_equal(cJSON_GetArrayItem(departments, 0)->valueint, 3);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(li, "is_leader_in_dept")), 1);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(li, "direct_leader")), 0);
    assert_null(yq_json_get(li, "main_department")); /* finance is out of sight */
    assert_null(yq_json_get(li, "mobile"));
    cJSON_Delete(li);

    cJSON *zhao = peer_app(peer, "user/get?userid=zhao", NULL);
    assert_int_equal(json_int(zhao, "errcode"), 60111);
    assert_non_null(strstr(json_text(zhao, "errmsg"), "hint: ["));
    assert_true(cJSON_IsArray(yq_json_get(zhao, "department")));
    cJSON_Delete(zhao);
    assert_int_equal(peer_app_code(peer, "user/list?department_id=4", NULL), 60011);
    assert_int_equal(peer_app_code(peer, "department/get?id=99", NULL), 60123);

    cJSON *list = peer_app(peer, "department/list", NULL);
    const cJSON *item;
    assert_int_equal(cJSON_GetArraySize(yq_json_get(list, "department")), 2);
    cJSON_ArrayForEach (item, yq_json_get(list, "department")) {
        bool top =
            json_int(item, "id") == 2; /* its parent is told although it is not in the list */
        assert_int_equal(json_int(item, "parentid"), top ? 1 : 2);
    }
    cJSON_Delete(list);
}

static void tags_and_persons_widen_the_range(void **state)
{
    (void)state;
    assert_int_equal(peer_code(peer, "/_sim/change",
                               "{\"do\":\"set_range\",\"tags\":[7],\"members\":[\"wang\"]}"),
                     0);
    cJSON *zhao = peer_app(peer, "user/get?userid=zhao", NULL);
    assert_int_equal(json_int(zhao, "errcode"), 0);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(zhao, "department")), 0);
    cJSON_Delete(zhao);
    assert_int_equal(peer_app_code(peer, "user/get?userid=li.na", NULL), 60111);
    cJSON *agent = peer_app(peer, "agent/get?agentid=1000002", NULL);
    const cJSON *tags = yq_json_get(yq_json_get(agent, "allow_tags"), "tagid");
    assert_int_equal(cJSON_GetArraySize(tags), 1);
    cJSON_Delete(agent);
    cJSON *departments = peer_app(peer, "department/simplelist", NULL);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(departments, "department_id")), 0);
    cJSON_Delete(departments);

    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"sensitive\":true}"), 0);
    cJSON *wang = peer_app(peer, "user/get?userid=wang", NULL);
    assert_string_equal(json_text(wang, "mobile"), "13800000002");
    cJSON_Delete(wang);
}

static void kinds_of_token_are_kept_apart(void **state)
{
    (void)state;
    assert_int_equal(peer_contacts_code(peer, "user/get?userid=zhao", NULL), 48009);
    assert_int_equal(peer_contacts_code(peer, "department/list", NULL), 48009);
    assert_int_equal(peer_contacts_code(peer, "agent/get?agentid=1000002", NULL), 48002);
    assert_int_equal(peer_app_code(peer, "user/list_id", "{}"), 48002);
    assert_int_equal(peer_app_code(peer, "user/create", "{\"userid\":\"x\"}"), 48002);
    assert_int_equal(peer_contacts_code(peer, "department/simplelist", NULL), 0);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"contacts_details\":true}"), 0);
    assert_int_equal(peer_contacts_code(peer, "user/get?userid=zhao", NULL), 0);
}

static void list_id_pages_through_every_membership(void **state)
{
    (void)state;
    char seen[40][80], cursor[80] = "";
    size_t count = 0;
    assert_int_equal(
        peer_code(
            peer, "/_sim/change",
            "[{\"do\":\"create_member\",\"userid\":\"a\",\"name\":\"a\",\"departments\":[2,3,4]},"
            "{\"do\":\"create_member\",\"userid\":\"b\",\"name\":\"b\",\"departments\":[4,1]}]"),
        0);
    do {
        char *body = yq_printf("{\"limit\":2,\"cursor\":\"%s\"}", cursor);
        cJSON *page = peer_contacts(peer, "user/list_id", body);
        const cJSON *row;
        cJSON_ArrayForEach (row, yq_json_get(page, "dept_user")) {
            assert_true(count < 40);
            snprintf(seen[count], sizeof seen[count], "%s/%d", json_text(row, "userid"),
                     (int)json_int(row, "department"));
            for (size_t i = 0; i < count; i++)
                assert_string_not_equal(seen[i], seen[count]);
            count++;
        }
        snprintf(cursor, sizeof cursor, "%s", json_text(page, "next_cursor"));
        cJSON_Delete(page);
        free(body);
    } while (cursor[0] != '\0');
    assert_int_equal(count, 4 + 5);
    assert_int_equal(peer_contacts_code(peer, "user/list_id", "{\"cursor\":\"c9\"}"), 50100);
    assert_int_equal(peer_contacts_code(peer, "user/list_id", "{\"limit\":10001}"), 40058);
}

static void console_refuses_what_wecom_refuses(void **state)
{
    static const struct {
        int code;
        const char *change;
    } cases[] = {
        {60102,
         "{\"do\":\"create_member\",\"userid\":\"LI.NA\",\"name\":\"x\",\"departments\":[1]}"},
        {40003, "{\"do\":\"create_member\",\"userid\":\"-x\",\"name\":\"x\",\"departments\":[1]}"},
        {60112, "{\"do\":\"create_member\",\"userid\":\"x\",\"name\":\"\",\"departments\":[1]}"},
        {60123, "{\"do\":\"create_member\",\"userid\":\"x\",\"name\":\"x\",\"departments\":[99]}"},
        {60104, "{\"do\":\"update_member\",\"userid\":\"wang\",\"mobile\":\"+86-13800000001\"}"},
        {60103, "{\"do\":\"update_member\",\"userid\":\"wang\",\"mobile\":\"abc\"}"},
        {60106, "{\"do\":\"update_member\",\"userid\":\"wang\",\"email\":\"ZHAO@example.test\"}"},
        {40058, "{\"do\":\"update_member\",\"userid\":\"wang\",\"main_department\":4}"},
        {40058, "{\"do\":\"update_member\",\"userid\":\"wang\",\"direct_leaders\":[\"wang\"]}"},
        {60132, "{\"do\":\"update_member\",\"userid\":\"wang\",\"leader_in\":[1,0]}"},
        {60111, "{\"do\":\"delete_member\",\"userid\":\"nobody\"}"},
        {60102, "{\"do\":\"rename_userid\",\"userid\":\"wang\",\"new_userid\":\"ZHAO\"}"},
        {60008, "{\"do\":\"create_department\",\"name\":\"sales\",\"parent\":1}"},
        {60008, "{\"do\":\"create_department\",\"name\":\"x\",\"parent\":1,\"id\":4}"},
        {60004, "{\"do\":\"create_department\",\"name\":\"x\",\"parent\":99}"},
        {60009, "{\"do\":\"create_department\",\"name\":\"a:b\",\"parent\":1}"},
        {60001, "{\"do\":\"create_department\",\"name\":\"\",\"parent\":1}"},
        {60010, "{\"do\":\"update_department\",\"id\":2,\"parent\":3}"},
        {60008, "{\"do\":\"update_department\",\"id\":4,\"name\":\"sales\"}"},
        {60007, "{\"do\":\"update_department\",\"id\":1,\"parent\":2}"},
        {60005, "{\"do\":\"delete_department\",\"id\":2}"},
        {60007, "{\"do\":\"delete_department\",\"id\":1,\"subtree\":true}"},
        {60003, "{\"do\":\"delete_department\",\"id\":99}"},
        {60123, "{\"do\":\"set_range\",\"departments\":[99]}"},
        {40058, "{\"do\":\"dance\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = peer_code(peer, "/_sim/change", cases[i].change);
        if (code != cases[i].code)
            print_error("%s\n", cases[i].change);
        assert_int_equal(code, cases[i].code);
    }
    cJSON *after = peer_call(peer, "/_sim/state", NULL, NULL);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(after, "members")), 3);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(after, "departments")), 4);
    cJSON_Delete(after);
}

static void contacts_assistant_writes(void **state)
{
    (void)state;
    assert_int_equal(peer_contacts_code(peer, "user/create",
                                        "{\"userid\":\"n\",\"name\":\"N\",\"department\":[2]}"),
                     60129);
    cJSON *made = peer_contacts(
        peer, "user/create",
        "{\"userid\":\"n\",\"name\":\"N\",\"department\":[2],\"mobile\":\"13800000009\"}");
    assert_int_equal(json_int(made, "errcode"), 0);
    assert_string_equal(json_text(made, "errmsg"), "created");
    cJSON_Delete(made);
    /* The mobile of an active member stays, without a word; that of the new one changes. */
    const char *wang = "{\"userid\":\"WANG\",\"mobile\":\"13900000000\",\"position\":\"boss\"}";
    assert_int_equal(peer_contacts_code(peer, "user/update", wang), 0);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"sensitive\":true}"), 0);
    cJSON *read = peer_app(peer, "user/get?userid=wang", NULL);
    assert_string_equal(json_text(read, "mobile"), "13800000002");
    assert_string_equal(json_text(read, "position"), "boss");
    cJSON_Delete(read);
    assert_int_equal(peer_contacts_code(peer, "user/delete?userid=n", NULL), 0);
    assert_int_equal(peer_contacts_code(peer, "user/delete?userid=n", NULL), 60111);
    cJSON *department =
        peer_contacts(peer, "department/create", "{\"name\":\"new\",\"parentid\":4}");
    assert_int_equal(json_int(department, "id"), 5);
    cJSON_Delete(department);
    assert_int_equal(peer_contacts_code(peer, "department/update", "{\"id\":5,\"parentid\":2}"), 0);
    assert_int_equal(peer_contacts_code(peer, "department/delete?id=2", NULL), 60005);
    assert_int_equal(peer_contacts_code(peer, "department/delete?id=5", NULL), 0);
    assert_int_equal(peer_contacts_code(peer, "department/delete?id=5", NULL), 60003);
    cJSON *calls = peer_call(peer, "/_sim/wire?n=1", NULL, NULL);
    const cJSON *last = cJSON_GetArrayItem(yq_json_get(calls, "requests"), 0);
    assert_string_equal(json_text(last, "path"), "/cgi-bin/department/delete");
    assert_string_equal(json_text(last, "query"), "id=5");
    cJSON_Delete(calls);
}

static void unknown_departments_are_made_where_that_is_on(void **state)
{
    (void)state;
    const char *body =
        "{\"userid\":\"n\",\"name\":\"N\",\"department\":[77],\"mobile\":\"13800000009\"}";
    assert_int_equal(peer_contacts_code(peer, "user/create", body), 60123);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"auto_departments\":true}"), 0);
    cJSON *made = peer_contacts(peer, "user/create", body);
    const cJSON *list =
        yq_json_get(yq_json_get(made, "created_department_list"), "department_info");
    assert_int_equal(json_int(made, "errcode"), 0);
    assert_int_equal(json_int(cJSON_GetArrayItem(list, 0), "id"), 77);
    cJSON_Delete(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tokens_are_checked, load),
        cmocka_unit_test_setup(range_limits_what_the_app_sees, load),
        cmocka_unit_test_setup(tags_and_persons_widen_the_range, load),
        cmocka_unit_test_setup(kinds_of_token_are_kept_apart, load),
        cmocka_unit_test_setup(list_id_pages_through_every_membership, load),
        cmocka_unit_test_setup(console_refuses_what_wecom_refuses, load),
        cmocka_unit_test_setup(contacts_assistant_writes, load),
        cmocka_unit_test_setup(unknown_departments_are_made_where_that_is_on, load),
    };
    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
