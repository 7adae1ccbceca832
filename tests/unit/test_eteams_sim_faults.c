/* The simulated eteams: faults on demand, the control side, and a company of 100,000. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_peer.h"

#define ORG_RULE "'dataRule':{'department':'id'}"
#define KEYED ORG_RULE ",'extKey':'k'"
#define HR "/api/hrm/restful/"

static struct peer *p;
static const char *root;

static int start(void **state)
{
    (void)state;
    p = peer_start("--seed 5 --people 50 --departments 12");
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
    peer_control(p, "reset", "{'seed':7,'people':50,'departments':12}");
    root = peer_root(p);
    (void)peer_new_token(p);
    return 0;
}

static void fault(const char *kind)
{
    peer_control(p, "faults", "{'path':'*','kind':'%s'}", kind);
}

static int64_t hits(const char *kind)
{
    return json_number(yq_json_get(peer_look(p, "faults"), "hits"), kind);
}

static int departments(void)
{
    return cJSON_GetArraySize(yq_json_get(peer_look(p, "state"), "departments"));
}

static const cJSON *add_two(void)
{
    return peer_call(p, "syncDepartment",
                     "{'data':[{'name':'新一','parent':'%s','k':'1'},"
                     "{'name':'新二','parent':'%s','k':'2'}]," KEYED "}",
                     root, root);
}

/* Faults that answer instead of the call: nothing is done, and the next call is well. */
static void nothing_is_done(void **state)
{
    static const struct {
        const char *kind;
        long status;
        int code; /* -998: no JSON */
    } cases[] = {
        {"http_404", 404, -998}, {"http_429", 429, -998},   {"http_500", 500, -998},
        {"http_502", 502, -998}, {"http_503", 503, -998},   {"http_504", 504, -998},
        {"cut", 0, -998},        {"garbage", 200, -998},    {"html", 200, -998},
        {"rate", 200, 429001},   {"internal", 200, 500000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fault(cases[i].kind);
        int code = answer_code(add_two());
        if (code != cases[i].code || peer_status(p) != cases[i].status)
            fail_msg("%s: %d %ld", cases[i].kind, code, peer_status(p));
        assert_int_equal(hits(cases[i].kind), 1);
        assert_int_equal(departments(), 12);
    }
    assert_int_equal(answer_code(add_two()), 0);
}

/* Faults after which the work is done all the same. */
static void done_but_not_told(void **state)
{
    static const char *const kinds[] = {"lost_answer", "truncated", "nul_escape"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        peer_control(p, "reset", "{'seed':7,'departments':12}");
        root = peer_root(p);
        (void)peer_new_token(p);
        fault(kinds[i]);
        assert_int_equal(answer_code(add_two()), -998);
        assert_int_equal(peer_status(p), i == 0 ? 0 : 200);
        assert_int_equal(departments(), 14);
        assert_int_equal(hits(kinds[i]), 1);
    }
}

static void dead_tokens_stay_dead(void **state)
{
    static const struct {
        const char *kind, *text;
        long status;
    } cases[] = {
        {"token_dead_top", "{\"errcode\":\"200007\"", 200},
        {"token_dead_message", "{\"message\":{\"errcode\":\"200007\"", 200},
        {"http_401", "401", 401},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        peer_control(p, "faults", "{'path':'" HR "queryOrg','kind':'%s','skip':1}", cases[i].kind);
        assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
        (void)peer_call(p, "queryOrg", "{}");
        assert_int_equal(peer_status(p), cases[i].status);
        assert_non_null(strstr(peer_raw(p), cases[i].text));
        assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 200007);
        (void)peer_new_token(p);
        assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    }
}

static void spoilt_row_answers(void **state)
{
    (void)state;
    fault("rows_missing");
    assert_int_equal(answer_rows(add_two()), -1);
    assert_int_equal(departments(), 14);
    (void)reset(NULL);
    fault("extkeymap_missing");
    assert_int_equal(answer_rows(add_two()), 2);
    assert_null(strstr(peer_raw(p), "extKeyMap"));
    (void)reset(NULL);
    fault("rows_shuffled");
    const cJSON *first = yq_json_get(answer_row(add_two(), 0), "extKeyMap");
    assert_string_equal(cJSON_GetStringValue(yq_json_get(first, "k")), "2");
    (void)reset(NULL);
    fault("row_failed");
    const cJSON *a = add_two();
    int failed = row_code(a, 0) ? row_code(a, 0) : row_code(a, 1);
    assert_true(failed == 500000 || failed == 410018);
    assert_int_equal(departments(), 13);
    fault("errcode_number");
    (void)peer_call(p, "queryOrg", "{}");
    assert_non_null(strstr(peer_raw(p), "{\"message\":{\"errcode\":0,"));
}

static void spoilt_pages(void **state)
{
    char last[24];
    (void)state;
    fault("total_changes");
    assert_int_equal(answer_total(peer_call(p, "queryEmployee", "{'current':2}")), 53);
    assert_int_equal(answer_total(peer_call(p, "queryEmployee", "{'current':2}")), 51);
    (void)snprintf(last, sizeof(last), "%s",
                   row_text(peer_call(p, "queryEmployee", "{'pageSize':20}"), 19, "id"));
    fault("duplicate_row_across_pages");
    assert_int_equal(answer_rows(peer_call(p, "queryEmployee", "{'pageSize':20}")), 20);
    assert_int_equal(hits("duplicate_row_across_pages"), 0); /* not on the first page */
    const cJSON *a = peer_call(p, "queryEmployee", "{'pageSize':20,'current':2}");
    assert_int_equal(answer_rows(a), 20);
    assert_int_equal(answer_total(a), 51);
    assert_string_equal(row_text(a, 0, "id"), last);
    assert_int_equal(hits("duplicate_row_across_pages"), 1);
}

static void spoilt_tokens_and_missing_calls(void **state)
{
    (void)state;
    fault("only_acesstoken");
    (void)peer_new_token(p);
    assert_null(strstr(peer_raw(p), "\"accessToken\""));
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    fault("json_token_refused");
    (void)peer_post(p, "/oauth2/access_token", "{'app_key':'sim-app-key'}");
    assert_non_null(strstr(peer_raw(p), "系统繁忙"));
    fault("state_required");
    assert_int_equal(
        answer_code(peer_get(p, "/oauth2/authorize?corpid=sim-eteams-corp&response_type=code")),
        410001);
    fault("missing_endpoint");
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    (void)peer_call(p, "queryExtra", "{}");
    assert_int_equal(peer_status(p), 404);
    peer_control(p, "faults", "{'path':'*','kind':'slow','delay_ms':300}");
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    assert_true(peer_seconds(p) >= 0.29);
    assert_int_equal(answer_code(peer_post(p, "/_sim/faults", "{'kind':'bad weather'}")), 400);
}

static void faults_by_rate(void **state)
{
    int bad[2] = {0};
    (void)state;
    for (int round = 0; round < 2; round++) {
        peer_control(p, "faults",
                     "{'rate_percent':30,'kinds':['rate','internal','only_acesstoken'],'seed':9}");
        for (int i = 0; i < 200; i++)
            bad[round] += answer_code(peer_call(p, "queryOrg", "{}")) != 0;
        assert_true(hits("rate") > 0 && hits("internal") > 0);
        peer_control(p, "faults", "{'clear':true}");
    }
    assert_int_equal(bad[0], bad[1]);
    assert_in_range(bad[0], 40, 80);
}

static void rows_that_change_nothing_are_counted(void **state)
{
    (void)state;
    const cJSON *a = add_two();
    const char *id = peer_keep_id(p, 0);
    a = peer_call(p, "syncDepartment",
                  "{'data':[{'id':'%s','name':'新一','status':'1'}]," ORG_RULE "}", id);
    assert_int_equal(row_code(a, 0), 0);
    (void)peer_call(p, "enableDepartment", "{'datas':[{'id':%s}]}", id);
    (void)peer_call(p, "syncDepartment", "{'data':[{'id':'%s','name':'改名'}]," ORG_RULE "}", id);
    a = peer_look(p, "writes");
    assert_int_equal(json_number(a, "rows"), 5);
    assert_int_equal(json_number(a, "noop_rows"), 2);
    assert_int_equal(json_number(a, "creates"), 2);
    assert_int_equal(json_number(a, "updates"), 1);
    const cJSON *examples = yq_json_get(a, "noop_examples");
    assert_int_equal(cJSON_GetArraySize(examples), 2);
    a = peer_look(p, "history?after=2");
    assert_int_equal(json_number(a, "last"), 3);
    char *text = cJSON_PrintUnformatted(cJSON_GetArrayItem(yq_json_get(a, "rows"), 0));
    assert_non_null(strstr(text, "\"before\":{\"name\":\"新一\"},\"after\":{\"name\":\"改名\"}"));
    assert_non_null(strstr(text, "\"what\":\"department\",\"call\":\"syncDepartment\""));
    cJSON_free(text);
    peer_control(p, "writes", "{'reset':true}");
    assert_int_equal(json_number(peer_look(p, "writes"), "rows"), 0);
}

static void changes_by_hand(void **state)
{
    (void)state;
    const cJSON *a = peer_control(
        p, "change",
        "[{'do':'create_department','name':'手工部','parent':'root'},"
        "{'do':'create_member','username':'手工','mobile':'13800000007','department':'root'}]");
    const cJSON *ids = yq_json_get(a, "ids");
    char *org = yq_strdup(cJSON_GetStringValue(cJSON_GetArrayItem(ids, 0)));
    char *member = yq_strdup(cJSON_GetStringValue(cJSON_GetArrayItem(ids, 1)));
    peer_control(p, "change",
                 "[{'do':'add_post','id':'%s','departmentId':'%s'},"
                 "{'do':'rename_department','id':'%s','name':'改名部'},"
                 "{'do':'remove_post','id':'%s','departmentId':'%s'},"
                 "{'do':'resign_member','id':'%s'},{'do':'disable_department','id':'%s'}]",
                 member, org, org, member, org, member, org);
    a = peer_post(p, "/_sim/change",
                  "[{'do':'rehire_member','id':'%s'},{'do':'enable_department','id':'%s'},"
                  "{'do':'enable_department','id':'%s'}]",
                  member, org, org);
    assert_int_equal(answer_code(a), 410013);
    assert_int_equal(json_number(a, "index"), 2);
    a = peer_post(p, "/_sim/change", "{'do':'resign_member'}");
    assert_int_equal(answer_code(a), 400);
    assert_int_equal(json_number(peer_look(p, "writes"), "rows"), 0);
    a = peer_look(p, "history");
    assert_true(json_number(a, "last") >= 8);
    assert_null(strstr(peer_raw(p), "\"call\":\"sync"));
    free(org);
    free(member);
}

static void the_state_can_be_loaded_again(void **state)
{
    (void)state;
    char *before = NULL, *body;
    (void)peer_look(p, "state");
    body = yq_strdup(peer_raw(p));
    before = yq_strdup(strstr(body, "\"root\""));
    peer_control(p, "reset", "{'seed':99}");
    assert_null(strstr((peer_look(p, "state"), peer_raw(p)), before));
    peer_control(p, "load", "%s", body);
    (void)peer_look(p, "state");
    assert_string_equal(strstr(peer_raw(p), "\"root\""), before);
    free(before);
    free(body);
}

static void the_wire_is_shown_as_it_was(void **state)
{
    (void)state;
    (void)peer_post(p, "/api/hrm/restful/queryOrg",
                    "{'ids':[9007199254740993001], 'access_token' : '%s'}", peer_token(p));
    const cJSON *list = yq_json_get(peer_look(p, "wire?n=1"), "requests");
    assert_string_equal(cJSON_GetStringValue(yq_json_get(cJSON_GetArrayItem(list, 0), "body")),
                        "{\"ids\":[9007199254740993001], \"access_token\" : \"***\"}");
    (void)peer_new_token(p);
    list = peer_look(p, "wire");
    assert_null(strstr(peer_raw(p), "sim-app-secret"));
    const cJSON *calls = yq_json_get(peer_look(p, "calls"), "calls");
    assert_int_equal(json_number(yq_json_get(calls, HR "queryOrg"), "calls"), 1);
    assert_int_equal(json_number(yq_json_get(calls, "/oauth2/authorize"), "calls"), 2);
}

static void calls_in_flight_are_counted(void **state)
{
    (void)state;
    peer_control(p, "delay", "{'ms':20}");
    for (int i = 0; i < 3; i++)
        assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), 0);
    fault("cut");
    assert_int_equal(answer_code(peer_call(p, "queryOrg", "{}")), -998);
    const cJSON *calls = peer_look(p, "calls");
    assert_int_equal(json_number(calls, "in_flight"), 0);
    assert_int_equal(json_number(calls, "max_in_flight"), 1); /* one after the other */
}

static double seconds_since(const struct timespec *from)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void a_hundred_thousand_people(void **state)
{
    struct timespec from;
    double slowest = 0;
    int rows = 0;
    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    struct peer *big = peer_start("--people 100000 --departments 3000");
    double up = seconds_since(&from);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (int page = 1; page <= 101; page++) {
        rows +=
            answer_rows(peer_call(big, "queryEmployee", "{'current':%d,'pageSize':1000}", page));
        slowest = peer_seconds(big) > slowest ? peer_seconds(big) : slowest;
    }
    double all = seconds_since(&from);
    assert_int_equal(rows, 100001);
    assert_int_equal(answer_total(peer_call(big, "queryOrg", "{}")), 3000);
    print_message("100,000 people: up in %.2f s, 101 pages in %.2f s, the slowest in %.0f ms\n", up,
                  all, slowest * 1000);
    assert_true(peer_stop(big));
    assert_true(up < 20 && all < 40); /* sanitised, on a busy machine */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_done, reset),
        cmocka_unit_test_setup(done_but_not_told, reset),
        cmocka_unit_test_setup(dead_tokens_stay_dead, reset),
        cmocka_unit_test_setup(spoilt_row_answers, reset),
        cmocka_unit_test_setup(spoilt_pages, reset),
        cmocka_unit_test_setup(spoilt_tokens_and_missing_calls, reset),
        cmocka_unit_test_setup(faults_by_rate, reset),
        cmocka_unit_test_setup(rows_that_change_nothing_are_counted, reset),
        cmocka_unit_test_setup(changes_by_hand, reset),
        cmocka_unit_test_setup(the_state_can_be_loaded_again, reset),
        cmocka_unit_test_setup(the_wire_is_shown_as_it_was, reset),
        cmocka_unit_test_setup(calls_in_flight_are_counted, reset),
        cmocka_unit_test(a_hundred_thousand_people),
    };
    return cmocka_run_group_tests_name("eteams_sim_faults", tests, start, stop);
}
