/* The simulated eteams: people, their accounts, posts and superiors, leaving and coming back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "eteams_peer.h"

#define RULE "'dataRule':{'employee':'id','department':'id','position':'id'}"
/* Odd, and above 2^53: a double would round them. */
#define DEPT "4611686018427387907"
#define DEPT2 "4611686018427387909"
#define ANNA "9007199254740993001"
#define BEN "9007199254740993003"
#define CARL "9007199254740993005"
#define NOBODY "9007199254740993999"

static struct peer *p;

static int start(void **state)
{
    (void)state;
    p = peer_start("--seed 5");
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
    peer_control(p, "reset", "{'seed':7}");
    peer_control(p, "options", "{'licence_limit':0,'id_numbers':false}");
    peer_control(
        p, "load",
        "{'departments':[{'id':'" DEPT "','name':'研发'},{'id':'" DEPT2
        "','name':'销售'},{'id':'4611686018427387911','name':'旧部','status':'0'}],"
        "'members':[{'id':'" ANNA "','username':'安娜','account':'anna','mobile':'13900000001',"
        "'email':'anna@example.com','job_num':'J1','department':['" DEPT "','" DEPT2 "']},"
        "{'id':'" BEN "','username':'本','mobile':'13900000002','department':['" DEPT "']},"
        "{'id':'" CARL "','username':'卡尔','department':['" DEPT "'],'superior':'" BEN "'}]}");
    (void)peer_new_token(p);
    return 0;
}

/* The code of one row. */
static int sync(const char *row)
{
    return row_code(peer_call(p, "syncEmployee", "{'data':[{%s}]," RULE "}", row), 0);
}

static const cJSON *read_one(const char *id)
{
    const cJSON *a = peer_call(p, "queryEmployee",
                               "{'ids':['%s'],'needAccountInfo':true,"
                               "'userStatusList':['normal','resigned']}",
                               id);
    assert_int_equal(answer_total(a), 1);
    return a;
}

static const char *main_department(const cJSON *answer)
{
    return cJSON_GetStringValue(
        cJSON_GetArrayItem(yq_json_get(answer_row(answer, 0), "department"), 0));
}

static int departments(const cJSON *answer)
{
    return cJSON_GetArraySize(yq_json_get(answer_row(answer, 0), "department"));
}

static int64_t writes(const char *name)
{
    return json_number(peer_look(p, "writes"), name);
}

static void creating_people(void **state)
{
    (void)state;
    assert_int_equal(sync("'username':'张三','mobile':'+8613800000000','email':'z3@example.com',"
                          "'sex':'male','department':'" DEPT "','position':'','job_num':''"),
                     0);
    const char *id = peer_keep_id(p, 0);
    const cJSON *a = read_one(id);
    assert_string_equal(row_text(a, 0, "account"), "+8613800000000");
    assert_int_equal(strlen(row_text(a, 0, "user_id")), 19);
    assert_string_equal(row_text(a, 0, "activated"), "0");
    assert_string_equal(row_text(a, 0, "personnel_status"), "3");
    assert_string_equal(row_text(a, 0, "status"), "normal");
    assert_string_equal(main_department(a), DEPT);
    assert_int_equal(sync("'username':'无号','department':'" DEPT "'"), 0);
    a = read_one(peer_keep_id(p, 0));
    assert_string_equal(row_text(a, 0, "user_id"), "");
    assert_string_equal(row_text(a, 0, "account"), "");
    assert_int_equal(sync("'username':'邮','email':'y@example.com','department':'" DEPT "'"), 0);
    a = read_one(peer_keep_id(p, 0));
    assert_string_equal(row_text(a, 0, "account"), "y@example.com");
}

static void rows_that_are_refused(void **state)
{
    static const struct {
        const char *row;
        int code;
    } cases[] = {
        {"'department':'" DEPT "'", 410001},
        {"'username':'x'", 410001},
        {"'username':'x','department':'4000000000000000001'", 410003},
        {"'username':'x','department':'4611686018427387911'", 410003},
        {"'username':'x','department':'" DEPT "','mobile':'13900000001'", 410007},
        {"'username':'x','department':'" DEPT "','mobile':'+8613900000001'", 410007},
        {"'username':'x','department':'" DEPT "','email':'ANNA@example.com'", 410007},
        {"'username':'x','department':'" DEPT "','account':'Anna'", 410007},
        {"'username':'x','department':'" DEPT "','job_num':'J1'", 410008},
        {"'username':'x','department':'" DEPT "','sex':'other'", 410001},
        {"'username':'x','department':'" DEPT "','personnel_status':'6'", 410001},
        {"'username':'x','department':'" DEPT "','personnel_status':'8'", 410001},
        {"'username':'x','department':'" DEPT "','superior':'" NOBODY "'", 410010},
        {"'id':'" NOBODY "','username':'x'", 410006},
        {"'id':'" ANNA "','username':''", 410001},
        {"'id':'" ANNA "','username':{}", 410001},
        {"'id':'" ANNA "','superior':'" ANNA "'", 410010},
        {"'id':'" BEN "','superior':'" CARL "'", 410010},
        {"'id':'" ANNA "','other_superior':['" NOBODY "']", 410010},
        {"'id':'" ANNA "','other_superior':'" BEN "'", 410001},
        {"'id':'" BEN "','mobile':'13900000001'", 410007},
        {"'id':'" BEN "','job_num':'J1'", 410008},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int code = sync(cases[i].row);
        if (code != cases[i].code)
            fail_msg("%s: %d", cases[i].row, code);
    }
    assert_int_equal(writes("failed"), sizeof(cases) / sizeof(cases[0]));
    assert_int_equal(json_number(peer_look(p, "history"), "last"), 0);
}

static void absent_stays_and_empty_clears(void **state)
{
    (void)state;
    assert_int_equal(sync("'id':" ANNA ",'superior':" BEN ",'other_superior':['" CARL "']"), 0);
    assert_int_equal(sync("'id':'" ANNA "','username':'安娜二'"), 0);
    const cJSON *a = read_one(ANNA);
    assert_string_equal(row_text(a, 0, "superior"), BEN);
    assert_non_null(strstr(peer_raw(p), "\"other_superior\":[\"" CARL "\"]"));
    assert_string_equal(row_text(a, 0, "mobile"), "13900000001");
    assert_int_equal(sync("'id':'" ANNA "','superior':'','other_superior':[],'mobile':''"), 0);
    a = read_one(ANNA);
    assert_string_equal(row_text(a, 0, "superior"), "");
    assert_non_null(strstr(peer_raw(p), "\"other_superior\":[]"));
    assert_string_equal(row_text(a, 0, "mobile"), "");
    assert_string_equal(row_text(a, 0, "account"), "anna");
}

static void login_follows_the_mobile(void **state)
{
    (void)state;
    assert_int_equal(sync("'id':'" BEN "','mobile':'13900000009'"), 0);
    assert_string_equal(row_text(read_one(BEN), 0, "account"), "13900000009");
    assert_int_equal(sync("'id':'" CARL "','email':'carl@example.com'"), 0);
    const cJSON *a = read_one(CARL);
    assert_string_equal(row_text(a, 0, "account"), "carl@example.com");
    assert_int_not_equal(strlen(row_text(a, 0, "user_id")), 0);
}

static void other_rules(void **state)
{
    (void)state;
    peer_control(p, "load", "{'members':[{'username':'本','department':['root']}]}");
    const cJSON *a = peer_call(p, "syncEmployee",
                               "{'data':[{'job_num':'J1','username':'按工号','superior':'J1'},"
                               "{'job_num':'J1','sex':'female'},"
                               "{'job_num':'J2','username':'新','department':'研发'},"
                               "{'username':'谁'}],"
                               "'dataRule':{'employee':'job_num','department':'name'}}");
    assert_int_equal(row_code(a, 0), 410010);
    assert_int_equal(row_code(a, 1), 0);
    assert_string_equal(row_text(a, 1, "id"), ANNA);
    assert_int_equal(row_code(a, 2), 0);
    assert_string_equal(row_text(a, 2, "operate"), "add");
    assert_int_equal(row_code(a, 3), 410001);
    a = peer_call(p, "syncEmployee",
                  "{'data':[{'username':'本','sex':'male'}],'dataRule':{'employee':'username'}}");
    assert_int_equal(row_code(a, 0), 410016);
}

static void filters_and_fields(void **state)
{
    static const struct {
        const char *filter;
        int total;
    } cases[] = {
        {"'account':'ANNA'", 1},
        {"'account':'ann'", 0},
        {"'mobileList':['+8613900000001','13900000002']", 2},
        {"'accurateEmailList':'anna@example.com'", 1},
        {"'jobNumList':['J1'],'mobileList':['13900000002']", 0},
        {"'nameLikeList':['卡']", 1},
        {"'departmentIds':['" DEPT2 "']", 1},
        {"'departmentIds':['" DEPT "']", 3},
        {"'subcompanyIds':['" DEPT "']", 3},
        {"'ids':[" ANNA ",'" BEN "','" BEN "','" NOBODY "']", 2},
        {"'userStatusList':['resigned']", 0},
        {"'updateTimeBegin':'2999-01-01 00:00:00'", 0},
        {"", 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int total = answer_total(peer_call(p, "queryEmployee", "{%s}", cases[i].filter));
        if (total != cases[i].total)
            fail_msg("%s: %d", cases[i].filter, total);
    }
    (void)peer_call(p, "queryEmployee",
                    "{'ids':[" ANNA "],'returnFieldList':['id','account','department']}");
    assert_non_null(
        strstr(peer_raw(p), "[{\"id\":\"" ANNA "\",\"department\":[\"" DEPT "\",\"" DEPT2 "\"]}]"));
    peer_control(p, "options", "{'id_numbers':true}");
    (void)peer_call(p, "queryEmployee", "{'ids':[" ANNA "],'returnFieldList':['id','department']}");
    assert_non_null(strstr(peer_raw(p), "[{\"id\":" ANNA ",\"department\":[" DEPT "," DEPT2 "]}]"));
}

static int state_call(const char *name, const char *id)
{
    return row_code(peer_call(p, name, "{'datas':[{'id':%s}]}", id), 0);
}

static void leaving_and_coming_back(void **state)
{
    (void)state;
    const char *root = peer_root(p);
    assert_int_equal(sync("'id':'" ANNA "','personnel_status':'6','superior':'',"
                          "'other_superior':[]"),
                     0);
    const cJSON *a = read_one(ANNA);
    assert_string_equal(row_text(a, 0, "status"), "resigned");
    assert_string_equal(row_text(a, 0, "personnel_status"), "6");
    assert_string_equal(row_text(a, 0, "user_id"), "");
    assert_string_equal(row_text(a, 0, "account"), "");
    assert_string_equal(main_department(a), root);
    assert_int_equal(departments(a), 1);
    assert_int_equal(answer_total(peer_call(p, "queryEmployee", "{'ids':[" ANNA "]}")), 0);
    assert_int_equal(sync("'id':'" ANNA "','personnel_status':'6'"), 410011);
    assert_int_equal(sync("'id':'" ANNA "','personnel_status':'3'"), 410001);
    assert_int_equal(state_call("rehireEmployee", NOBODY), 410006);
    assert_int_equal(state_call("rehireEmployee", BEN), 410012);
    assert_int_equal(state_call("rehireEmployee", ANNA), 0);
    a = read_one(ANNA);
    assert_string_equal(row_text(a, 0, "account"), "anna");
    assert_int_not_equal(strlen(row_text(a, 0, "user_id")), 0);
    assert_string_equal(row_text(a, 0, "personnel_status"), "3");
    assert_int_equal(writes("resigns"), 1);
    assert_int_equal(writes("rehires"), 1);
}

static void account_taken_in_the_meantime(void **state)
{
    (void)state;
    assert_int_equal(state_call("resignEmployee", ANNA), 0);
    assert_int_equal(sync("'username':'新人','mobile':'13900000001','department':'" DEPT "'"), 0);
    assert_int_equal(state_call("rehireEmployee", ANNA), 0);
    assert_string_equal(row_text(read_one(ANNA), 0, "account"), "");
    assert_int_equal(state_call("resignEmployee", ANNA), 0);
    assert_int_equal(state_call("resignEmployee", ANNA), 410011);
    assert_int_equal(state_call("resignEmployee", NOBODY), 410006);
}

static void last_administrator_stays(void **state)
{
    (void)state;
    const cJSON *a = peer_call(p, "queryAdmin", "{}");
    assert_string_equal(row_text(a, 0, "adminType"), "super");
    const char *admin = peer_keep_id(p, 0);
    assert_int_equal(state_call("resignEmployee", admin), 410009);
    peer_control(p, "change", "{'do':'make_admin','id':'" BEN "','adminType':'sub'}");
    assert_int_equal(state_call("resignEmployee", admin), 410009);
    peer_control(p, "change", "{'do':'make_admin','id':'" BEN "','adminType':'super'}");
    assert_int_equal(state_call("resignEmployee", admin), 0);
    assert_int_equal(sync("'id':'" BEN "','personnel_status':'6'"), 410009);
    a = peer_call(p, "queryAdmin", "{'pageSize':100}");
    assert_int_equal(answer_total(a), 1);
    assert_string_equal(row_text(a, 0, "id"), BEN);
}

static int extra(const char *row)
{
    return row_code(peer_call(p, "syncExtra", "{'data':[{%s}]," RULE "}", row), 0);
}

static void part_time_posts(void **state)
{
    (void)state;
    const char *good = "'id':'" BEN "','externalSyncType':'openapi','externalSyncId':'yq-1',"
                       "'departmentId':'" DEPT2 "'";
    assert_int_equal(extra(good), 0);
    assert_int_equal(departments(read_one(BEN)), 2);
    assert_int_equal(extra(good), 0);
    assert_int_equal(extra("'id':'" BEN "','externalSyncType':'manual','externalSyncId':'yq-2',"
                           "'departmentId':'" DEPT2 "'"),
                     410017);
    assert_int_equal(extra("'id':'" BEN "','externalSyncType':'openapi','externalSyncId':'yq-2'"),
                     410017);
    assert_int_equal(extra("'id':'" CARL "','externalSyncType':'openapi','externalSyncId':'yq-1',"
                           "'departmentId':'" DEPT2 "'"),
                     410017);
    assert_int_equal(extra("'id':'" BEN "','externalSyncType':'openapi','departmentId':'" DEPT "'"),
                     410001);
    assert_int_equal(extra("'id':'" BEN "','externalSyncType':'openapi','externalSyncId':'yq-2',"
                           "'departmentId':'1'"),
                     410003);
    assert_int_equal(extra("'id':'" NOBODY "','externalSyncType':'openapi','externalSyncId':'yq-2',"
                           "'departmentId':'" DEPT2 "'"),
                     410006);
    const cJSON *a = peer_call(p, "queryExtra", "{'ids':['" BEN "','" ANNA "']}");
    assert_int_equal(answer_total(a), 2);
    assert_string_equal(row_text(a, 0, "externalSyncType"), "manual");
    assert_int_equal(answer_total(peer_call(p, "queryExtra", "{'externalSyncType':'openapi'}")), 1);
    const char *gone = "'id':'" BEN "','externalSyncType':'openapi','externalSyncId':'yq-1',"
                       "'departmentId':'" DEPT2 "','deleted':'1'";
    assert_int_equal(extra(gone), 0);
    assert_int_equal(extra(gone), 0);
    assert_int_equal(departments(read_one(BEN)), 1);
    a = peer_look(p, "writes");
    assert_int_equal(json_number(a, "post_adds"), 1);
    assert_int_equal(json_number(a, "post_removes"), 1);
    assert_int_equal(json_number(a, "noop_rows"), 2);
    assert_int_equal(json_number(a, "rows"), 10);
    assert_int_equal(state_call("resignEmployee", BEN), 0);
    assert_int_equal(extra(good), 410011);
}

static void locks(void **state)
{
    (void)state;
    assert_int_equal(answer_code(peer_call(p, "setFieldLock",
                                           "{'fields':['superior','other_superior'],'locked':'1',"
                                           "'source':'wecom','optId':''}")),
                     0);
    assert_int_equal(sync("'id':'" ANNA "','superior':'" BEN "'"), 0);
    const char *by_hand = "{'do':'update_member','id':'" ANNA "','superior':'" CARL "'}";
    assert_int_equal(answer_code(peer_post(p, "/_sim/change", "%s", by_hand)), 410018);
    assert_int_equal(
        answer_code(peer_call(p, "setFieldLock", "{'fields':['superior'],'locked':'0'}")), 0);
    assert_int_equal(answer_code(peer_post(p, "/_sim/change", "%s", by_hand)), 0);
    peer_control(p, "change", "{'do':'lock','field':'superior','source':'hr'}");
    assert_int_equal(sync("'id':'" ANNA "','superior':''"), 410018);
    peer_control(p, "change", "{'do':'unlock','field':'superior'}");
    assert_int_equal(sync("'id':'" ANNA "','superior':''"), 0);
    assert_int_equal(
        answer_code(peer_call(p, "setFieldLock", "{'fields':['colour'],'locked':'1'}")), 410001);
}

static void licence(void **state)
{
    (void)state;
    peer_control(p, "options", "{'licence_limit':5}");
    assert_int_equal(sync("'username':'五','department':'" DEPT "'"), 0);
    assert_int_equal(sync("'username':'六','department':'" DEPT "'"), 410019);
    assert_int_equal(sync("'id':'" BEN "','sex':'male'"), 0);
}

static void external_links(void **state)
{
    (void)state;
    const cJSON *a = peer_call(p, "queryExternalLink", "{'ids':['" ANNA "','" NOBODY "']}");
    assert_int_equal(answer_rows(a), 1);
    assert_string_equal(row_text(a, 0, "title"), "与我协作");
    assert_non_null(strstr(row_text(a, 0, "url"), ANNA));
    assert_int_equal(answer_code(peer_call(p, "queryExternalLink", "{}")), 410001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(creating_people, reset),
        cmocka_unit_test_setup(rows_that_are_refused, reset),
        cmocka_unit_test_setup(absent_stays_and_empty_clears, reset),
        cmocka_unit_test_setup(login_follows_the_mobile, reset),
        cmocka_unit_test_setup(other_rules, reset),
        cmocka_unit_test_setup(filters_and_fields, reset),
        cmocka_unit_test_setup(leaving_and_coming_back, reset),
        cmocka_unit_test_setup(account_taken_in_the_meantime, reset),
        cmocka_unit_test_setup(last_administrator_stays, reset),
        cmocka_unit_test_setup(part_time_posts, reset),
        cmocka_unit_test_setup(locks, reset),
        cmocka_unit_test_setup(licence, reset),
        cmocka_unit_test_setup(external_links, reset),
    };
    return cmocka_run_group_tests_name("eteams_sim_people", tests, start, stop);
}
