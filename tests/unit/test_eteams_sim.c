/* The simulated eteams: tokens, envelopes, organisation nodes, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "eteams_peer.h"

static struct peer *p;
static const char *root;

static int start(void **state)
{
    (void)state;
    p = peer_start("--token-life 100");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return peer_stop(p) ? 0 : -1;
}

static int reset(void **state)
{
    (void)state;
    peer_move_clock(p, 0);
    peer_control(p, "reset", "{'seed':7}");
    peer_control(p, "options",
                 "{'prefix':'','require_header':{'name':'','value':''},'errcode_numbers':false,"
                 "'id_numbers':false,'assumed_off':[],'max_rows':400,'licence_limit':0,"
                 "'static_token':''}");
    root = peer_root(p);
    (void)peer_new_token(p);
    return 0;
}

static int token_code(const char *key, const char *secret, const char *grant, const char *code)
{
    char form[256];
    (void)snprintf(form, sizeof(form), "app_key=%s&app_secret=%s&grant_type=%s&code=%s", key,
                   secret, grant, code);
    return answer_code(peer_form(p, "/oauth2/access_token", form));
}

static void fetch_code(char ret[40])
{
    const cJSON *a = peer_get(p, "/oauth2/authorize?corpid=sim-eteams-corp&response_type=code");
    assert_int_equal(answer_code(a), 0);
    (void)snprintf(ret, 40, "%s", cJSON_GetStringValue(yq_json_get(a, "code")));
    assert_int_equal(strlen(ret), 32);
}

static void code_is_used_once_and_for_ten_minutes(void **state)
{
    char code[40];
    (void)state;
    fetch_code(code);
    assert_int_equal(token_code("sim-app-key", "sim-app-secret", "authorization_code", code), 0);
    assert_int_equal(token_code("sim-app-key", "sim-app-secret", "authorization_code", code),
                     200004);
    fetch_code(code);
    assert_int_equal(token_code("sim-app-key", "wrong", "authorization_code", code), 200005);
    assert_int_equal(token_code("wrong", "sim-app-secret", "authorization_code", code), 200005);
    assert_int_equal(token_code("sim-app-key", "sim-app-secret", "password", code), 200004);
    peer_move_clock(p, 599 * 1000);
    assert_int_equal(token_code("sim-app-key", "sim-app-secret", "authorization_code", code), 0);
    fetch_code(code);
    peer_move_clock(p, (599 + 601) * 1000);
    assert_int_equal(token_code("sim-app-key", "sim-app-secret", "authorization_code", code),
                     200004);
}

static void authorize_wants_its_parameters(void **state)
{
    (void)state;
    assert_int_equal(answer_code(peer_get(p, "/oauth2/authorize?response_type=code")), 410001);
    assert_int_equal(answer_code(peer_get(p, "/oauth2/authorize?corpid=other&response_type=code")),
                     200005);
    assert_int_equal(
        answer_code(
            peer_get(p, "/oauth2/authorize?corpid=sim-eteams-corp&response_type=code&state=a-b")),
        410001);
}

static void token_has_both_spellings_and_a_life(void **state)
{
    (void)state;
    (void)peer_new_token(p);
    assert_non_null(strstr(peer_raw(p), "\"accessToken\":\""));
    assert_non_null(strstr(peer_raw(p), "\"acessToken\":\""));
    assert_non_null(strstr(peer_raw(p), "\"expires_in\":100"));
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    peer_move_clock(p, 99 * 1000);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    peer_move_clock(p, 101 * 1000);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 200007);
    assert_non_null(strstr(peer_raw(p), "{\"message\":{\"errcode\":\"200007\""));
}

static void token_call_takes_form_and_json_and_nothing_else(void **state)
{
    char code[40];
    (void)state;
    fetch_code(code);
    const cJSON *a = peer_post(p, "/oauth2/access_token",
                               "{'app_key':'sim-app-key','app_secret':'sim-app-secret',"
                               "'grant_type':'authorization_code','code':'%s'}",
                               code);
    assert_int_equal(answer_code(a), 0);
    char body[160];
    (void)snprintf(body, sizeof(body), "grant_type=refresh_token&refresh_token=%s",
                   cJSON_GetStringValue(yq_json_get(a, "refreshToken")));
    assert_int_equal(answer_code(peer_form(p, "/oauth2/refresh_token", body)), 0);
    assert_int_equal(answer_code(peer_form(p, "/oauth2/refresh_token",
                                           "grant_type=refresh_token&refresh_token=x")),
                     200004);
    (void)peer_post(p, "/oauth2/access_token", "no JSON");
    assert_non_null(strstr(peer_raw(p), "系统繁忙"));
}

static void token_is_taken_from_query_and_body(void **state)
{
    (void)state;
    assert_int_equal(answer_code(peer_post(p, "/api/hrm/restful/queryOrg", "{'access_token':'%s'}",
                                           peer_token(p))),
                     0);
    assert_int_equal(answer_code(peer_post(p, "/api/hrm/restful/queryOrg", "{}")), 200007);
    peer_control(p, "options", "{'static_token':'fixed'}");
    assert_int_equal(
        answer_code(peer_post(p, "/api/hrm/restful/queryOrg?access_token=fixed", "{}")), 0);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "[]")), 410001);
}

static void prefix_header_and_missing_calls(void **state)
{
    (void)state;
    peer_control(p, "options", "{'prefix':'/papi/openapi'}");
    (void)peer_call(p, "queryOrg", "{}");
    assert_int_equal(peer_status(p), 404);
    assert_int_equal(
        answer_code(peer_post(p, "/papi/openapi/api/hrm/restful/queryOrg?access_token=x", "{}")),
        200007);
    peer_control(p, "options",
                 "{'prefix':'','require_header':{'name':'X-Caller','value':'yq'},"
                 "'assumed_off':['queryAdmin']}");
    (void)peer_call(p, "queryOrg", "{}");
    assert_int_equal(peer_status(p), 403);
    peer_control(p, "options", "{'require_header':{'name':''}}");
    (void)peer_call(p, "queryAdmin", "{}");
    assert_int_equal(peer_status(p), 404);
    assert_int_equal(answer_code(peer_call(p, "queryExtra", "{}")), 0);
}

/* ---- organisation nodes ---- */

#define ORG_RULE "'dataRule':{'department':'id'}"

static const char *add_org(const char *name, const char *parent)
{
    const cJSON *a = peer_call(p, "syncDepartment",
                               "{'data':[{'name':'%s','parent':'%s'}]," ORG_RULE "}", name, parent);
    assert_int_equal(row_code(a, 0), 0);
    assert_string_equal(row_text(a, 0, "operate"), "add");
    return peer_keep_id(p, 0);
}

static int change_org(const char *members)
{
    return row_code(peer_call(p, "syncDepartment", "{'data':[{%s}]," ORG_RULE "}", members), 0);
}

static int change_org_of(const char *id, const char *members)
{
    char row[300];
    (void)snprintf(row, sizeof(row), "'id':'%s',%s", id, members);
    return change_org(row);
}

static void adding_a_department(void **state)
{
    (void)state;
    const cJSON *a = peer_call(
        p, "syncDepartment",
        "{'data':[{'name':'技术中心','parent':%s,'disporder':3,'status':'1','yq_key':'d:17'},"
        "{'name':' 技术中心 ','parent':'%s','yq_key':'d:18'},"
        "{'name':'市场部','parent':'4000000000000000009'},{'parent':'%s'},"
        "{'name':'','parent':'%s'},{'id':'4000000000000000009','name':'x'}]," ORG_RULE
        ",'extKey':'yq_key','apiTaskId':'run'}",
        root, root, root, root);
    static const int codes[] = {0, 410004, 410003, 410001, 410001, 410020};
    assert_int_equal(answer_code(a), 0);
    assert_int_equal(answer_rows(a), 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(row_code(a, i), codes[i]);
    assert_string_equal(row_text(a, 1, "operate"), "fail");
    assert_non_null(strstr(peer_raw(p), "\"extKeyMap\":{\"yq_key\":\"d:18\"}"));
    const char *id = peer_keep_id(p, 0);
    assert_int_equal(strlen(id), 19);
    assert_true((id[18] - '0') % 2 == 1);
    a = peer_call(p, "queryOrg", "{'ids':[%s]}", id);
    assert_int_equal(answer_total(a), 1);
    assert_string_equal(row_text(a, 0, "id"), id);
    assert_string_equal(row_text(a, 0, "name"), "技术中心");
    assert_string_equal(row_text(a, 0, "parent"), root);
    assert_string_equal(row_text(a, 0, "type"), "department");
    assert_int_equal(json_number(answer_row(a, 0), "disporder"), 3);
}

static void changing_departments(void **state)
{
    (void)state;
    const char *a = add_org("甲", root), *b = add_org("乙", root), *c = add_org("丙", a);
    char move[100];
    assert_int_equal(change_org_of(a, "'name':'乙'"), 410004);
    assert_int_equal(change_org_of(a, "'name':'丁','disporder':9"), 0);
    (void)snprintf(move, sizeof(move), "'parent':'%s'", c);
    assert_int_equal(change_org_of(a, move), 410015);
    (void)snprintf(move, sizeof(move), "'parent':'%s'", a);
    assert_int_equal(change_org_of(a, move), 410015);
    assert_int_equal(change_org_of(b, move), 0);
    assert_int_equal(change_org_of(root, move), 410014);
    assert_int_equal(change_org_of(root, "'status':'0'"), 410014);
    assert_int_equal(change_org_of(b, "'disporder':'last'"), 410001);
    assert_int_equal(change_org_of(b, "'status':'2'"), 410001);
    const cJSON *q = peer_call(p, "queryOrg", "{'parentOrgIds':['%s']}", a);
    assert_int_equal(answer_total(q), 2);
    q = peer_call(p, "queryOrg", "{'ids':['%s']}", a);
    assert_string_equal(row_text(q, 0, "name"), "丁");
    assert_string_equal(row_text(q, 0, "parent"), root);
}

static int switch_org(const char *how, const char *id)
{
    return row_code(peer_call(p, how, "{'datas':[{'id':%s}]}", id), 0);
}

static void disabling_and_enabling(void **state)
{
    (void)state;
    const char *a = add_org("甲", root), *c = add_org("丙", a);
    assert_int_equal(switch_org("disableDepartment", a), 410005);
    peer_control(p, "load", "{'members':[{'username':'某','department':['%s']}]}", c);
    assert_int_equal(switch_org("disableDepartment", c), 410005);
    assert_int_equal(change_org_of(c, "'status':'0'"), 410005);
    assert_int_equal(row_code(peer_call(p, "syncDepartment",
                                        "{'data':[{'id':'%s','status':'0'}]," ORG_RULE
                                        ",'ignoreOrgCanceledValidate':true}",
                                        c),
                              0),
                     0);
    assert_int_equal(switch_org("disableDepartment", c), 410013);
    assert_int_equal(switch_org("disableDepartment", a), 0);
    assert_int_equal(switch_org("disableDepartment", root), 410014);
    assert_int_equal(switch_org("enableDepartment", c), 410003);
    assert_int_equal(switch_org("enableDepartment", "4000000000000000009"), 410020);
    assert_int_equal(answer_total(peer_call(p, "queryOrg", "{}")), 1);
    assert_int_equal(answer_total(peer_call(p, "queryOrg", "{'containDisableOrg':true}")), 3);
    (void)add_org("甲", root); /* the name of a disabled one is free */
    assert_int_equal(switch_org("enableDepartment", a), 410004);
    assert_int_equal(change_org_of(a, "'name':'甲二'"), 0);
    assert_int_equal(switch_org("enableDepartment", a), 0);
    assert_int_equal(switch_org("enableDepartment", a), 410013);
}

static void rules_never_guess(void **state)
{
    (void)state;
    const char *a = add_org("销售部", root), *b = add_org("市场部", root);
    (void)add_org("销售部", b);
    const cJSON *r = peer_call(p, "syncDepartment",
                               "{'data':[{'name':'销售部','disporder':4},{'name':'市场部',"
                               "'code':'m'},{'disporder':1}],'dataRule':{'department':'name'}}");
    assert_int_equal(row_code(r, 0), 410016);
    assert_int_equal(row_code(r, 1), 0);
    assert_string_equal(row_text(r, 1, "operate"), "update");
    assert_int_equal(row_code(r, 2), 410001);
    r = peer_call(p, "syncDepartment",
                  "{'data':[{'code':'m','disporder':5},{'code':'n','name':'新','parent':'m'},"
                  "{'code':'o','name':'旧','parent':'%s'}],'dataRule':{'department':'code'}}",
                  a);
    assert_int_equal(row_code(r, 0), 0);
    assert_string_equal(row_text(r, 0, "id"), b);
    assert_int_equal(row_code(r, 1), 0);
    assert_string_equal(row_text(r, 1, "operate"), "add");
    assert_int_equal(row_code(r, 2), 410003);
    r = peer_call(p, "syncDepartment",
                  "{'data':[{'id':'%s','name':'x'}],'dataRule':{'department':'colour'}}", a);
    assert_int_equal(row_code(r, 0), 410001);
}

static void requests_that_are_refused_as_a_whole(void **state)
{
    (void)state;
    assert_int_equal(answer_code(peer_call(p, "syncDepartment", "{" ORG_RULE "}")), 410001);
    assert_int_equal(answer_code(peer_call(p, "syncDepartment", "{'data':[]," ORG_RULE "}")),
                     410001);
    assert_int_equal(answer_code(peer_call(p, "syncDepartment", "{'data':[1]," ORG_RULE "}")),
                     410001);
    assert_int_equal(answer_code(peer_call(p, "syncDepartment", "{'data':[{'name':'x'}]}")),
                     410001);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "not JSON")), 410001);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{'pageSize':0}")), 410001);
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{'current':'x'}")), 410001);
    assert_int_equal(
        answer_code(peer_call(p, "queryOrg", "{'parentOrgIds':[1],'parentCodeList':['a']}")),
        410001);
    assert_int_equal(answer_code(peer_call(p, "queryEmployee", "{'userStatusList':['gone']}")),
                     410001);
    peer_control(p, "options", "{'max_rows':1}");
    assert_int_equal(answer_code(peer_call(p, "syncDepartment", "{'data':[{},{}]," ORG_RULE "}")),
                     410002);
}

static void pages(void **state)
{
    char first[24] = "";
    (void)state;
    peer_control(p, "reset", "{'seed':3,'people':1500,'departments':30}");
    (void)peer_new_token(p);
    assert_int_equal(answer_rows(peer_call(p, "queryEmployee", "{}")), 10);
    const cJSON *a = peer_call(p, "queryEmployee", "{'pageSize':5000}");
    assert_int_equal(answer_rows(a), 1000);
    assert_int_equal(answer_total(a), 1501);
    (void)snprintf(first, sizeof(first), "%s", row_text(a, 999, "id"));
    for (int i = 1; i < 1000; i++)
        assert_true(strcmp(row_text(a, i - 1, "id"), row_text(a, i, "id")) < 0);
    a = peer_call(p, "queryEmployee", "{'pageSize':1000,'current':2}");
    assert_int_equal(answer_rows(a), 501);
    assert_true(strcmp(first, row_text(a, 0, "id")) < 0);
    a = peer_call(p, "queryEmployee", "{'pageSize':1000,'current':3}");
    assert_int_equal(answer_rows(a), 0);
    assert_int_equal(answer_total(a), 1501);
    assert_int_equal(answer_total(peer_call(p, "queryOrg", "{'typeList':['department']}")), 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(code_is_used_once_and_for_ten_minutes, reset),
        cmocka_unit_test_setup(authorize_wants_its_parameters, reset),
        cmocka_unit_test_setup(token_has_both_spellings_and_a_life, reset),
        cmocka_unit_test_setup(token_call_takes_form_and_json_and_nothing_else, reset),
        cmocka_unit_test_setup(token_is_taken_from_query_and_body, reset),
        cmocka_unit_test_setup(prefix_header_and_missing_calls, reset),
        cmocka_unit_test_setup(adding_a_department, reset),
        cmocka_unit_test_setup(changing_departments, reset),
        cmocka_unit_test_setup(disabling_and_enabling, reset),
        cmocka_unit_test_setup(rules_never_guess, reset),
        cmocka_unit_test_setup(requests_that_are_refused_as_a_whole, reset),
        cmocka_unit_test_setup(pages, reset),
    };
    return cmocka_run_group_tests_name("eteams_sim", tests, start, stop);
}
