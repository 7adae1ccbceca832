/* Peers that fail: nothing is lost, nothing is done twice, the others go on. */
#include "story.h"
#include "support/wait.h"

#define GET_USER "/cgi-bin/user/get"
#define SYNC_EMPLOYEE "/api/hrm/restful/syncEmployee"
#define SYNC_DEPARTMENT "/api/hrm/restful/syncDepartment"

static void fail_next(struct stage *s, enum stage_peer peer, const char *path, const char *kind,
                      int count)
{
    tell(s, peer, "/_sim/faults", "{\"path\":\"%s\",\"kind\":\"%s\",\"count\":%d}", path, kind,
         count);
}

static int64_t hits(struct stage *s, enum stage_peer peer, const char *kind)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "hits|%s", kind);
    return ask(s, peer, "/_sim/faults", name);
}

static int64_t calls(struct stage *s, enum stage_peer peer, const char *path)
{
    char name[96];
    (void)snprintf(name, sizeof(name), peer == STAGE_ETEAMS ? "calls|%s|calls" : "paths|%s|calls",
                   path);
    return ask(s, peer, "/_sim/calls", name);
}

static bool was_logged(struct stage *s, const char *text)
{
    char *log = stage_daemon_log(s, 0);
    bool found = strstr(log, text) != NULL;
    free(log);
    return found;
}

/* The write was done, its answer lost: it is read back, not repeated. */
static void a_lost_answer_makes_no_double(void **state)
{
    struct stage *s = story(state);
    fail_next(s, STAGE_ETEAMS, SYNC_DEPARTMENT, "lost_answer", 1);
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "lost_answer", 1);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, true);
    assert_int_equal(hits(s, STAGE_ETEAMS, "lost_answer"), 2);
    assert_int_equal(count_departments(s, "研发"), 1);
    assert_int_equal(count_people(s, "李娜"), 1);
    expect_department(s, "研发", "", 2);
    expect_person(s, "li.na", "department", "研发", NULL);
    expect_all_well(s);
}

/* The same without mobile and e-mail: the number that is the userid tells who it is. */
static void a_lost_answer_about_somebody_without_mobile(void **state)
{
    struct stage *s = story(state);
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "lost_answer", 1);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"Gong01\",\"name\":\"工人\","
                          "\"departments\":[1]}");
    stage_settle(s, true);
    assert_int_equal(hits(s, STAGE_ETEAMS, "lost_answer"), 1);
    assert_int_equal(count_people(s, "工人"), 1);
    expect_person(s, "gong01", "job_num", "Gong01", NULL);
    expect_all_well(s);
}

struct awaited {
    struct stage *s;
    const char *kind;
};

static bool was_hit(void *arg)
{
    const struct awaited *a = arg;
    return hits(a->s, STAGE_ETEAMS, a->kind) > 0;
}

/* The move is heard of before the creation is tried again: what it made is found where it was sent
 * to, not where the department belongs by now. */
static void a_lost_answer_about_a_department_that_moves(void **state)
{
    struct stage *s = story(state);
    struct awaited lost = {s, "lost_answer"};
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    fail_next(s, STAGE_ETEAMS, SYNC_DEPARTMENT, "lost_answer", 1);
    wecom_department(s, 3, "平台", 2);
    assert_true(yq_wait_until(was_hit, &lost, 5000));
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"parent\":1}");
    stage_settle(s, true);
    assert_int_equal(count_departments(s, "平台"), 1);
    expect_department(s, "平台", "", 3);
    expect_all_well(s);
}

/* Likewise where a member's event made it. */
static void a_lost_answer_about_a_department_of_a_newcomer(void **state)
{
    struct stage *s = story(state);
    struct awaited lost = {s, "lost_answer"};
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"hold\"}");
    wecom_department(s, 3, "平台", 2);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    fail_next(s, STAGE_ETEAMS, SYNC_DEPARTMENT, "lost_answer", 1);
    wecom_member(s, "li.na", "李娜", "3");
    assert_true(yq_wait_until(was_hit, &lost, 5000));
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"parent\":1}");
    stage_settle(s, true);
    assert_int_equal(count_departments(s, "平台"), 1);
    expect_department(s, "平台", "", 3);
    expect_person(s, "li.na", "department", "平台", NULL);
    expect_all_well(s);
}

/* It was us who let her go, though nobody said so; WeCom has her again before that is known. */
static void a_lost_answer_to_a_resignation_that_is_taken_back(void **state)
{
    struct stage *s = story(state);
    struct awaited lost = {s, "lost_answer"};
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    char *before = person_id(s, "li.na");
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "lost_answer", 1);
    tell(s, STAGE_WECOM, "/_sim/faults", /* it looks again at once: it shall see her */
         "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"busy\",\"skip\":1,\"count\":-1}");
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"li.na\"}");
    assert_true(yq_wait_until(was_hit, &lost, 5000));
    hold_events(s);
    wecom_member(s, "li.na", "李娜", "1");
    release_events(s, "{\"lose_percent\":100}");
    tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
    stage_settle(s, true);
    char *after = person_id(s, "li.na");
    assert_string_equal(before, after);
    expect_person(s, "li.na", "username", "李娜", NULL);
    expect_all_well(s);
    free(before);
    free(after);
}

static void a_lost_answer_to_a_resignation(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "lost_answer", 1);
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"li.na\"}");
    stage_settle(s, true);
    assert_int_equal(hits(s, STAGE_ETEAMS, "lost_answer"), 1);
    expect_left(s, "李娜", "总部");
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 1);
    expect_all_well(s);
}

/* A token that dies in the middle is replaced, and the call repeated: no attempt is lost. */
static void dead_tokens_cost_no_attempt(void **state)
{
    static const struct {
        enum stage_peer peer;
        const char *path, *kind;
    } deaths[] = {{STAGE_WECOM, GET_USER, "token_dead"},
                  {STAGE_WECOM, GET_USER, "token_expired"},
                  {STAGE_ETEAMS, SYNC_EMPLOYEE, "token_dead_top"},
                  {STAGE_ETEAMS, SYNC_EMPLOYEE, "token_dead_message"},
                  {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_401"}};
    struct stage *s = story(state);
    for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%zu", i);
        (void)snprintf(name, sizeof(name), "员工%zu", i);
        fail_next(s, deaths[i].peer, deaths[i].path, deaths[i].kind, 1);
        wecom_member(s, userid, name, "1");
        stage_settle(s, false);
        assert_int_equal(hits(s, deaths[i].peer, deaths[i].kind), 1);
        expect_person(s, userid, "username", name, NULL);
    }
    assert_false(was_logged(s, "event.waits"));
    expect_all_well(s);
}

/* 45009 shuts one API for its window: nobody asks it meanwhile, and the others go on. */
static void a_shut_api_is_left_alone_for_its_window(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_WECOM, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"freq\",\"count\":1,\"window_s\":60}", GET_USER);
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    expect_nobody(s, "li.na");
    int64_t asked = calls(s, STAGE_WECOM, GET_USER);
    wecom_department(s, 2, "研发", 1);
    stage_advance(s, 20000);
    wecom_department(s, 3, "测试", 2);
    stage_settle(s, false);
    expect_department(s, "测试", "研发", 3);
    expect_nobody(s, "li.na");
    assert_int_equal(calls(s, STAGE_WECOM, GET_USER), asked);
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
    assert_int_equal(calls(s, STAGE_WECOM, GET_USER), asked + 1);
    expect_all_well(s);
}

/* Passing faults, one kind after the other: each subject arrives all the same. */
static void passing_faults_pass(void **state)
{
    static const struct {
        enum stage_peer peer;
        const char *path, *kind;
    } faults[] = {
        {STAGE_WECOM, GET_USER, "busy"},
        {STAGE_WECOM, GET_USER, "conflict"},
        {STAGE_WECOM, GET_USER, "concurrency"},
        {STAGE_WECOM, GET_USER, "http_500"},
        {STAGE_WECOM, GET_USER, "http_502"},
        {STAGE_WECOM, GET_USER, "garbage"},
        {STAGE_WECOM, GET_USER, "html"},
        {STAGE_WECOM, GET_USER, "deep"},
        {STAGE_WECOM, GET_USER, "cut"},
        {STAGE_WECOM, GET_USER, "cut_after"},
        {STAGE_WECOM, GET_USER, "truncated"},
        {STAGE_WECOM, GET_USER, "nul_escape"},
        {STAGE_WECOM, GET_USER, "wrong_types"},
        {STAGE_WECOM, "/cgi-bin/gettoken", "http_500"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_500"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_502"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_503"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_504"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "http_429"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "rate"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "internal"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "cut"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "garbage"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "html"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "truncated"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "nul_escape"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "rows_missing"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "extkeymap_missing"},
        {STAGE_ETEAMS, SYNC_EMPLOYEE, "row_failed"},
        {STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", "html"},
        {STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", "truncated"},
        {STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", "internal"},
    };
    struct stage *s = story(state);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%zu", i);
        (void)snprintf(name, sizeof(name), "员工%zu", i);
        if (strcmp(faults[i].path, "/cgi-bin/gettoken") == 0)
            tell(s, STAGE_WECOM, "/_sim/tokens", "{\"end\":\"all\",\"as\":\"expired\"}");
        int64_t before = hits(s, faults[i].peer, faults[i].kind);
        fail_next(s, faults[i].peer, faults[i].path, faults[i].kind, 1);
        wecom_member(s, userid, name, "1");
        stage_settle(s, true);
        if (hits(s, faults[i].peer, faults[i].kind) != before + 1)
            fail_msg("%s was not met", faults[i].kind);
        if (count_people(s, name) != 1)
            fail_msg("after %s there are %d %s", faults[i].kind, count_people(s, name), name);
        expect_person(s, userid, "username", name, NULL);
    }
    expect_all_well(s);
}

/* Administrators of eteams locked a field: this one subject fails for good. It is set aside with
 * the reason, and the others go on. */
static void who_fails_for_good_is_set_aside(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "li.na", "李娜", "1");
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"mobile\":"
                          "\"13711112222\"}");
    stage_settle(s, false);
    expect_person(s, "wang.wei", "mobile", "13711112222", NULL);
    expect_dead(s, 0);
    stage_settle(s, true);
    expect_dead(s, 1);
    char *dead = stage_redis_text(s, "XRANGE yq:{acme}:dead - +");
    assert_non_null(strstr(dead, "member:li.na"));
    assert_non_null(strstr(dead, "peer_refused"));
    assert_non_null(strstr(dead, "attempts\n12"));
    free(dead);
    char *retry = stage_redis_text(s, "HLEN yq:{acme}:retry");
    assert_string_equal(retry, "0");
    free(retry);
    expect_metric(s, "yunqiao_events_dead_total{connection=\"acme\"}", 1);
    expect_metric(s, "yunqiao_subjects_retried_total{connection=\"acme\"}", 11);
    expect_metric(s,
                  "yunqiao_operations_failed_total{connection=\"acme\",operation="
                  "\"member.update\"}",
                  12);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"mobile\":"
                          "\"13711113333\"}");
    stage_settle(s, false);
    expect_person(s, "wang.wei", "mobile", "13711113333", NULL);
    expect_logged(s, 0, "event.dead");
}

static int64_t failed_rows(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", "failed");
}

/* Names that WeCom takes and eteams does not: those alone are set aside, with eteams' own words;
 * who is in such a department waits for it, and nobody tries for ever. */
static void names_that_eteams_refuses(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"name_forbids\":\"#&\",\"name_max\":60}");
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "研发#二部", 1);
    wecom_department(s, 4, "测试", 3);
    wecom_member(s, "li.na", "李娜&", "2");
    wecom_member(s, "zhao.min", "赵敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏敏", "2");
    wecom_member(s, "wang.wei", "王伟", "3");
    wecom_member(s, "chen.jing", "陈静", "2");
    stage_settle(s, false);
    expect_person(s, "chen.jing", "username", "陈静", "department", "研发", NULL);
    stage_settle(s, true);
    char *dead = stage_redis_text(s, "XRANGE yq:{acme}:dead - +");
    assert_non_null(strstr(dead, "department:3"));
    assert_non_null(strstr(dead, "member:li.na"));
    assert_non_null(strstr(dead, "the name has a character that is not allowed"));
    assert_non_null(strstr(dead, "the name is too long"));
    assert_null(strstr(dead, "chen.jing"));
    free(dead);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_non_null(strstr(cases, "member:wang.wei"));
    assert_non_null(strstr(cases, "parent_waits"));
    free(cases);
    expect_nobody(s, "li.na");
    expect_nobody(s, "wang.wei");

    int64_t failed = failed_rows(s);
    stage_advance(s, (int64_t)24 * 3600 * 1000);
    stage_settle(s, true);
    assert_int_equal(failed_rows(s), failed); /* it is over */
    stage_wecom_change(s, "[{\"do\":\"update_department\",\"id\":3,\"name\":\"研发二部\"},"
                          "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李娜\"},"
                          "{\"do\":\"update_member\",\"userid\":\"zhao.min\",\"name\":\"赵敏\"}]");
    stage_settle(s, true);
    expect_department(s, "研发二部", "", 3);
    expect_person(s, "li.na", "username", "李娜", "department", "研发", NULL);
    expect_person(s, "zhao.min", "username", "赵敏", NULL);
    expect_command(s, 0, "sync", "acme", NULL); /* who waited for the department */
    expect_person(s, "wang.wei", "department", "研发二部", NULL);
    expect_department(s, "测试", "研发二部", 4);
}

/* While a subject waits for its next attempt, newer events of it wait behind, and an older value
 * is never written over a newer one. */
static void newer_events_never_overtake(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "li.na", "李娜", "1");
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, false);
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "internal", 1);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":"
                          "\"13700000001\"}");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":"
                          "\"13700000002\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"mobile\":"
                          "\"13700000003\"}");
    stage_settle(s, true);
    expect_person(s, "li.na", "mobile", "13700000002", NULL);
    expect_person(s, "wang.wei", "mobile", "13700000003", NULL);
    cJSON *json = stage_call(s, STAGE_ETEAMS, "/_sim/history?after=0", NULL);
    char *history = cJSON_PrintUnformatted(json);
    const char *first = strstr(history, "\"mobile\":\"13700000001\"");
    const char *second = strstr(history, "\"mobile\":\"13700000002\"");
    assert_non_null(second);
    assert_true(first == NULL || first < second);
    free(history);
    cJSON_Delete(json);
    expect_all_well(s);
}

/* Every answer of eteams is "too many" for a while: the pace falls, and nothing is lost. */
static void too_many_requests_slow_the_bridge_down(void **state)
{
    struct stage *s = story(state);
    hold_events(s);
    for (int i = 0; i < 12; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
    }
    fail_next(s, STAGE_ETEAMS, "*", "rate", 8);
    release_together(s, "{}");
    stage_settle(s, true);
    assert_int_equal(hits(s, STAGE_ETEAMS, "rate"), 8);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 12);
    expect_all_well(s);
}

/* The rows of an answer come in another order than they were sent: each id finds its own. */
static void shuffled_rows_find_their_people(void **state)
{
    struct stage *s = story(state);
    hold_events(s);
    for (int i = 0; i < 12; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
    }
    fail_next(s, STAGE_ETEAMS, SYNC_EMPLOYEE, "rows_shuffled", 1);
    release_together(s, "{}");
    stage_settle(s, true);
    assert_int_equal(hits(s, STAGE_ETEAMS, "rows_shuffled"), 1);
    for (int i = 0; i < 12; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        expect_person(s, userid, "username", name, NULL);
    }
    expect_all_well(s);
}

/* A licence that is used up stops the new people; who is there already goes on. */
static void a_used_up_licence_stops_newcomers_only(void **state)
{
    struct stage *s = story(state);
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"licence_limit\":2}");
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    expect_nobody(s, "wang.wei");
    tell(s, STAGE_ETEAMS, "/_sim/options", "{\"licence_limit\":0}");
    stage_settle(s, true);
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_lost_answer_makes_no_double),
        STORY(a_lost_answer_about_somebody_without_mobile),
        STORY(a_lost_answer_about_a_department_that_moves),
        STORY(a_lost_answer_about_a_department_of_a_newcomer),
        STORY(a_lost_answer_to_a_resignation),
        STORY(a_lost_answer_to_a_resignation_that_is_taken_back),
        STORY(dead_tokens_cost_no_attempt),
        STORY(a_shut_api_is_left_alone_for_its_window),
        STORY(passing_faults_pass),
        STORY(who_fails_for_good_is_set_aside),
        STORY(names_that_eteams_refuses),
        STORY(newer_events_never_overtake),
        STORY(too_many_requests_slow_the_bridge_down),
        STORY(shuffled_rows_find_their_people),
        STORY(a_used_up_licence_stops_newcomers_only),
    };
    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
