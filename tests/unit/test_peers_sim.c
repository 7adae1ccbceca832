/* The clients against the simulated peers: whole ways of reading and writing, with named faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/eteams_client.h"
#include "clients/system_clock.h"
#include "clients/wecom_client.h"
#include "support/sim_process.h"

static struct sim_process *wecom_sim, *eteams_sim;
static struct yq_http *http;

/* One call of a control side; the caller deletes the tree. ' stands for ". */
static cJSON *control(const struct sim_process *s, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static cJSON *control(const struct sim_process *s, const char *path, const char *format, ...)
{
    static const struct yq_http_options options;
    char body[4096] = "", *url = yq_printf("%s/_sim/%s", sim_process_url(s), path);
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(body, sizeof(body), format, args);
        va_end(args);
    }
    for (char *c = body; *c != '\0'; c++) {
        if (*c == '\'')
            *c = '"';
    }
    struct yq_http_request rq = {
        .url = url, .body = format ? body : NULL, .body_len = strlen(body), .options = &options};
    struct yq_http_response response = {0};
    assert_int_equal(yq_peer_ask(http, &rq, NULL, &response, NULL), 0);
    cJSON *reply = yq_json_parse(yq_buf_text(&response.body), response.body.len, NULL);
    int64_t code = -1;
    if (!yq_json_int(reply, "errcode", &code) || code != 0)
        fail_msg("%s: %s", path, yq_buf_text(&response.body));
    yq_buf_release(&response.body);
    free(url);
    return reply;
}

#define CONTROL(...) cJSON_Delete(control(__VA_ARGS__))

/* ---- WeCom ---- */

static struct yq_wecom *open_wecom(const char *app, const char *contacts)
{
    return yq_wecom_new(&(struct yq_wecom_options){.api_base = sim_process_url(wecom_sim),
                                                   .corp_id = "ww0123456789abcdef",
                                                   .app_secret = app,
                                                   .contacts_secret = contacts,
                                                   .budget = {1000, 4},
                                                   .clock = yq_system_clock()});
}

static const char *const people[] = {"Li.Na", "wang", "nobody"};

static void load_wecom(void)
{
    CONTROL(wecom_sim, "reset", "{'seed':1}");
    CONTROL(wecom_sim, "load",
            "{'departments':[{'id':1,'name':'co','parent':0},{'id':7,'name':'研发','parent':1}],"
            "'members':[{'userid':'li.na','name':'李娜','departments':[7,1],'main_department':7,"
            "'mobile':'13800000001','status':1},{'userid':'Wang','name':'王','departments':[1],"
            "'main_department':1,'status':1}],'range':{'departments':[7]}}");
}

static void reads_wecom_with_the_app(void **state)
{
    (void)state;
    load_wecom();
    struct yq_wecom *w = open_wecom("sim-app-secret", "sim-contacts-secret");
    struct yq_view *v = yq_view_new();
    const uint32_t departments[] = {7, 1, 99};
    struct yq_error err = {0};
    assert_int_equal(yq_wecom_read_members(w, http, v, people, 3, NULL, &err), 0);
    const struct yq_wecom_member *m = yq_view_find_wecom_member(v, "li.na");
    assert_int_equal(m->fact, YQ_PRESENT);
    assert_string_equal(m->userid, "li.na");
    assert_string_equal(m->name, "李娜");
    assert_int_equal(m->department_count, 1); /* only 7 is in range */
    assert_int_equal(m->known & YQ_FIELD_BIT(YQ_FIELD_MOBILE), 0);
    assert_int_equal(yq_view_find_wecom_member(v, "wang")->fact, YQ_ABSENT);
    assert_int_equal(yq_view_find_wecom_member(v, "nobody")->fact, YQ_ABSENT);
    assert_int_equal(yq_wecom_read_departments(w, http, v, departments, 3, NULL, &err), 0);
    assert_string_equal(yq_view_find_wecom_department(v, 7)->name, "研发");
    assert_int_equal(yq_view_find_wecom_department(v, 1)->fact, YQ_HIDDEN);
    assert_int_equal(yq_view_find_wecom_department(v, 99)->fact, YQ_ABSENT);
    yq_view_free(v);
    v = yq_view_new();
    assert_int_equal(yq_wecom_list_members(w, http, v, departments, 1, NULL, &err), 0);
    assert_int_equal(yq_view_find_wecom_member(v, "LI.NA")->fact, YQ_PRESENT);
    assert_int_equal(yq_wecom_list_departments(w, http, v, NULL, &err), 0);
    assert_int_equal(yq_view_find_wecom_department(v, 7)->fact, YQ_PRESENT);
    yq_view_free(v);
    yq_wecom_free(w);
}

static void reads_wecom_with_the_contacts_secret(void **state)
{
    (void)state;
    load_wecom();
    struct yq_wecom *w = open_wecom(NULL, "sim-contacts-secret");
    struct yq_view *v = yq_view_new();
    const uint32_t departments[] = {7, 1, 99};
    assert_int_equal(yq_wecom_read_members(w, http, v, people, 3, NULL, NULL), 0);
    const struct yq_wecom_member *m = yq_view_find_wecom_member(v, "li.na");
    assert_int_equal(m->fact, YQ_PRESENT);
    assert_int_equal(m->department_count, 2);
    assert_int_equal(m->known, YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS));
    assert_int_equal(yq_view_find_wecom_member(v, "wang")->fact, YQ_PRESENT);
    assert_int_equal(yq_view_find_wecom_member(v, "nobody")->fact, YQ_ABSENT);
    assert_int_equal(yq_wecom_read_departments(w, http, v, departments, 3, NULL, NULL), 0);
    assert_int_equal(yq_view_find_wecom_department(v, 1)->fact, YQ_PRESENT);
    assert_null(yq_view_find_wecom_department(v, 7)->name);
    assert_int_equal(yq_view_find_wecom_department(v, 99)->fact, YQ_ABSENT);
    yq_view_free(v);
    yq_wecom_free(w);
}

static void outlives_wecoms_faults(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "busy",       "conflict",    "token_dead",  "token_expired", "http_500",       "http_502",
        "garbage",    "html",        "deep",        "cut",           "cut_after",      "truncated",
        "nul_escape", "wrong_types", "concurrency", "empty_list",    "errcode_missing"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        load_wecom();
        struct yq_wecom *w = open_wecom("sim-app-secret", NULL);
        struct yq_view *v = yq_view_new();
        CONTROL(wecom_sim, "faults", "{'path':'/cgi-bin/user/get','kind':'%s','count':1}",
                kinds[i]);
        for (int n = 0; n < 3; n++) {
            assert_int_equal(yq_wecom_read_members(w, http, v, people, 1, NULL, NULL), 0);
            enum yq_fact fact = yq_view_find_wecom_member(v, "li.na")->fact;
            if (fact != YQ_UNREADABLE && fact != YQ_PRESENT)
                fail_msg("%s made %d of a member who is there", kinds[i], (int)fact);
            if (n == 2)
                assert_int_equal(fact, YQ_PRESENT);
        }
        cJSON *hits = control(wecom_sim, "faults", NULL);
        int64_t hit = 0;
        (void)yq_json_int(yq_json_get(hits, "hits"), kinds[i], &hit);
        if (hit == 0)
            fail_msg("%s never happened", kinds[i]);
        cJSON_Delete(hits);
        yq_view_free(v);
        yq_wecom_free(w);
    }
}

static void stops_an_api_that_wecom_has_shut(void **state)
{
    (void)state;
    load_wecom();
    struct yq_wecom *w = open_wecom("sim-app-secret", NULL);
    struct yq_view *v = yq_view_new();
    CONTROL(wecom_sim, "faults",
            "{'path':'/cgi-bin/user/get','kind':'freq','count':1,'window_s':60}");
    assert_int_equal(yq_wecom_read_members(w, http, v, people, 1, NULL, NULL), 0);
    const struct yq_wecom_member *m = yq_view_find_wecom_member(v, "li.na");
    assert_int_equal(m->fact, YQ_UNREADABLE);
    assert_int_equal(m->error->kind, YQ_ERROR_LIMIT);
    CONTROL(wecom_sim, "calls", "{'reset':true}");
    assert_int_equal(yq_wecom_read_members(w, http, v, people, 3, NULL, NULL), 0);
    assert_in_range(yq_view_find_wecom_member(v, "li.na")->error->wait_ms, 50000, 60000);
    cJSON *calls = control(wecom_sim, "calls", NULL);
    int64_t n = -1;
    assert_true(yq_json_int(calls, "calls", &n));
    assert_int_equal(n, 0);
    cJSON_Delete(calls);
    yq_view_free(v);
    yq_wecom_free(w);
}

/* ---- eteams ---- */

struct tenant {
    struct yq_eteams *e;
    struct yq_view *v;
    const char *root;
};

static struct yq_eteams *open_eteams(void)
{
    return yq_eteams_new(&(struct yq_eteams_options){.connection = "acme",
                                                     .open_base = sim_process_url(eteams_sim),
                                                     .corp_id = "sim-eteams-corp",
                                                     .app_key = "sim-app-key",
                                                     .app_secret = "sim-app-secret",
                                                     .budget = {1000, 4},
                                                     .clock = yq_system_clock()});
}

static struct tenant open_tenant(int number_of_people)
{
    struct tenant t = {0};
    struct yq_error err = {0};
    CONTROL(eteams_sim, "reset", "{'seed':1,'people':%d,'departments':20}", number_of_people);
    t.e = open_eteams();
    t.v = yq_view_new();
    if (yq_eteams_find_root(t.e, http, NULL, &t.root, &err) != 0)
        fail_msg("%s", err.text);
    return t;
}

static void close_tenant(struct tenant *t)
{
    yq_view_free(t->v);
    yq_eteams_free(t->e);
}

static void lists_a_whole_tenant(void **state)
{
    (void)state;
    struct tenant t = open_tenant(2500);
    struct yq_error err = {0};
    if (yq_eteams_list_members(t.e, http, t.v, NULL, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(t.v->eteams_members_complete);
    assert_int_equal(HASH_COUNT(t.v->eteams_members), 2501); /* and the administrator */
    assert_int_equal(yq_eteams_list_departments(t.e, http, t.v, NULL, &err), 0);
    assert_true(t.v->eteams_departments_complete);
    assert_string_equal(t.v->eteams_root, t.root);
    assert_int_equal(strlen(t.root), 19);
    assert_int_equal(yq_eteams_read_administrators(t.e, http, t.v, NULL, &err), 0);
    assert_int_equal(t.v->administrators_fact, YQ_PRESENT);
    assert_true(t.v->administrators[0].super);
    CONTROL(eteams_sim, "faults", "{'path':'*','kind':'total_changes','count':1}");
    t.v->eteams_members_complete = false;
    assert_int_equal(yq_eteams_list_members(t.e, http, t.v, NULL, &err), 0); /* read again */
    CONTROL(eteams_sim, "faults",
            "{'path':'/api/hrm/restful/queryEmployee','kind':'duplicate_row_across_pages',"
            "'count':-1}");
    t.v->eteams_members_complete = false;
    assert_int_equal(yq_eteams_list_members(t.e, http, t.v, NULL, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_false(t.v->eteams_members_complete);
    close_tenant(&t);
}

static int write_rows(struct tenant *t, enum yq_eteams_write kind, struct yq_eteams_row *rows,
                      size_t n)
{
    struct yq_error err = {0};
    int rc = yq_eteams_write(t->e, http, kind, rows, n, "run-1", NULL, &err);
    if (rc < 0)
        fail_msg("%s", err.text);
    return rc;
}

static void expect_done(const struct yq_eteams_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].error.kind != YQ_ERROR_NONE)
            fail_msg("row %zu: %s", i, rows[i].error.text);
    }
}

static const struct yq_eteams_member *read_person(struct tenant *t, const char *id)
{
    struct yq_error err = {0};
    if (yq_eteams_read_members(t->e, http, t->v, &id, 1, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return yq_view_find_eteams_member(t->v, id);
}

/* A person's whole life: made, found, moved, given a post, resigned, taken back. */
static void writes_a_life(void **state)
{
    (void)state;
    struct tenant t = open_tenant(0);
    char json[512];
    struct yq_eteams_row org = {.json = json};
    snprintf(json, sizeof(json), "\"name\":\"研发\",\"parent\":\"%s\",\"status\":\"1\"", t.root);
    write_rows(&t, YQ_WRITE_DEPARTMENT, &org, 1);
    expect_done(&org, 1);
    const char *department = org.new_id, *root = t.root;
    assert_int_equal(yq_eteams_read_children(t.e, http, t.v, &root, 1, NULL, NULL), 0);
    assert_string_equal(yq_view_find_eteams_department(t.v, department)->name, "研发");

    char create[512];
    snprintf(create, sizeof(create),
             "\"username\":\"李娜\",\"mobile\":\"13800000001\",\"job_num\":\"li.na\","
             "\"department\":\"%s\",\"personnel_status\":\"3\"",
             department);
    struct yq_eteams_row person = {.json = create};
    write_rows(&t, YQ_WRITE_MEMBER, &person, 1);
    expect_done(&person, 1);
    const char *id = person.new_id;
    struct yq_lookup *l[] = {yq_view_lookup(t.v, YQ_BY_MOBILE, "+86 138 0000 0001"),
                             yq_view_lookup(t.v, YQ_BY_JOB_NUM, "Li.Na"),
                             yq_view_lookup(t.v, YQ_BY_ACCOUNT, "li.na"),
                             yq_view_lookup(t.v, YQ_BY_EMAIL, "li.na@example.com")};
    assert_int_equal(yq_eteams_look_up(t.e, http, t.v, l, 4, NULL, NULL), 0);
    assert_int_equal(l[0]->hit_count, 1);
    assert_string_equal(l[0]->hits[0]->id, id);
    assert_int_equal(l[1]->hit_count, 1);
    assert_int_equal(l[2]->hit_count + l[3]->hit_count, 0);
    assert_int_equal(l[3]->fact, YQ_PRESENT);

    char post[512];
    snprintf(post, sizeof(post),
             "\"id\":\"%s\",\"departmentId\":\"%s\",\"externalSyncType\":\"openapi\","
             "\"externalSyncId\":\"yq-acme-%s-%s\",\"deleted\":\"0\"",
             id, t.root, id, t.root);
    struct yq_eteams_row extra = {.id = id, .json = post};
    write_rows(&t, YQ_WRITE_POST, &extra, 1);
    expect_done(&extra, 1);
    assert_int_equal(yq_eteams_read_posts(t.e, http, t.v, &id, 1, NULL, NULL), 0);
    const struct yq_eteams_member *m = read_person(&t, id);
    assert_int_equal(m->post_count, 1);
    assert_true(m->posts[0].ours);
    assert_string_equal(m->posts[0].department, t.root);
    assert_string_equal(m->departments[0], department);

    char resign[512];
    snprintf(resign, sizeof(resign),
             "\"id\":\"%s\",\"personnel_status\":\"6\",\"department\":\"%s\",\"superior\":\"\","
             "\"other_superior\":[]",
             id, t.root);
    struct yq_eteams_row leave = {.id = id, .json = resign};
    write_rows(&t, YQ_WRITE_MEMBER, &leave, 1);
    expect_done(&leave, 1);
    assert_false(read_person(&t, id)->in_service); /* and seen, though left */
    struct yq_eteams_row back = {.id = id};
    write_rows(&t, YQ_WRITE_REHIRE, &back, 1);
    expect_done(&back, 1);
    assert_true(read_person(&t, id)->in_service);
    write_rows(&t, YQ_WRITE_REHIRE, &back, 1);
    expect_done(&back, 1);
    assert_true(back.already);

    char move[256];
    snprintf(move, sizeof(move), "\"id\":\"%s\",\"department\":\"%s\"", id, department);
    struct yq_eteams_row moved = {.id = id, .json = move};
    write_rows(&t, YQ_WRITE_MEMBER, &moved, 1);
    expect_done(&moved, 1);
    assert_string_equal(read_person(&t, id)->departments[0], department);

    struct yq_eteams_row empty = {.json = json};
    snprintf(json, sizeof(json), "\"name\":\"空\",\"parent\":\"%s\",\"status\":\"1\"", t.root);
    write_rows(&t, YQ_WRITE_DEPARTMENT, &empty, 1);
    struct yq_eteams_row shut = {.id = empty.new_id};
    write_rows(&t, YQ_WRITE_DISABLE, &shut, 1);
    expect_done(&shut, 1);
    write_rows(&t, YQ_WRITE_ENABLE, &shut, 1);
    expect_done(&shut, 1);
    shut.id = department; /* somebody is in it */
    write_rows(&t, YQ_WRITE_DISABLE, &shut, 1);
    assert_int_equal(shut.error.kind, YQ_ERROR_REFUSED);
    assert_int_equal(shut.error.code, 410005);
    close_tenant(&t);
}

/* 250 people in calls of a hundred; whatever happens to the answers, no id goes to another. */
static void writes_many_rows_under(const char *fault, bool known)
{
    struct tenant t = open_tenant(0);
    static char texts[250][256];
    struct yq_eteams_row rows[250];
    memset(rows, 0, sizeof(rows));
    for (int i = 0; i < 250; i++) {
        snprintf(texts[i], sizeof(texts[i]),
                 "\"username\":\"n%d\",\"job_num\":\"j%d\",\"department\":\"%s\"", i, i, t.root);
        rows[i].json = texts[i];
    }
    if (fault != NULL)
        CONTROL(eteams_sim, "faults",
                "{'path':'/api/hrm/restful/syncEmployee','kind':'%s','count':-1}", fault);
    write_rows(&t, YQ_WRITE_MEMBER, rows, 250);
    CONTROL(eteams_sim, "faults", "{'clear':true}");
    if (yq_eteams_list_members(t.e, http, t.v, NULL, NULL) != 0)
        fail_msg("no list");
    for (int i = 0; i < 250; i++) {
        if (known) {
            assert_int_equal(rows[i].error.kind, YQ_ERROR_NONE);
            char name[16];
            snprintf(name, sizeof(name), "n%d", i);
            assert_string_equal(yq_view_find_eteams_member(t.v, rows[i].new_id)->name, name);
        } else if (rows[i].error.kind != YQ_ERROR_UNKNOWN && rows[i].error.kind != YQ_ERROR_RETRY) {
            fail_msg("%s: row %d is %s", fault, i, yq_error_kind_name(rows[i].error.kind));
        }
    }
    close_tenant(&t);
}

static void writes_many_rows(void **state)
{
    (void)state;
    writes_many_rows_under(NULL, true);
    writes_many_rows_under("rows_shuffled", true);
    writes_many_rows_under("errcode_number", true);
    writes_many_rows_under("rows_missing", false);
    writes_many_rows_under("extkeymap_missing", false);
    writes_many_rows_under("lost_answer", false);
    writes_many_rows_under("truncated", false);
}

static void outlives_eteams_faults(void **state)
{
    (void)state;
    static const char *const kinds[] = {"errcode_number",
                                        "only_acesstoken",
                                        "state_required",
                                        "token_dead_top",
                                        "token_dead_message",
                                        "http_401",
                                        "http_404",
                                        "http_429",
                                        "http_500",
                                        "http_502",
                                        "http_503",
                                        "http_504",
                                        "cut",
                                        "lost_answer",
                                        "rate",
                                        "internal",
                                        "garbage",
                                        "html",
                                        "truncated",
                                        "nul_escape"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct tenant t = open_tenant(3);
        assert_int_equal(yq_eteams_list_members(t.e, http, t.v, NULL, NULL), 0);
        const char *id = t.v->eteams_members->id;
        CONTROL(eteams_sim, "tokens", "{'revoke':true}");
        CONTROL(eteams_sim, "faults", "{'path':'*','kind':'%s','count':2,'skip':%d}", kinds[i],
                strstr(kinds[i], "token") || strstr(kinds[i], "state") ? 0 : 1);
        for (int n = 0; n < 4; n++) {
            struct yq_error err = {0};
            int rc = yq_eteams_read_members(t.e, http, t.v, &id, 1, NULL, &err);
            enum yq_fact fact = yq_view_find_eteams_member(t.v, id)->fact;
            if (fact != YQ_UNREADABLE && fact != YQ_PRESENT)
                fail_msg("%s made %d of a person who is there", kinds[i], (int)fact);
            if (rc < 0 && err.kind != YQ_ERROR_FATAL)
                fail_msg("%s: %s", kinds[i], err.text);
            if (n == 3 && fact != YQ_PRESENT)
                fail_msg("%s lasts: %s", kinds[i], err.text);
        }
        close_tenant(&t);
    }
}

static void does_without_assumed_interfaces(void **state)
{
    (void)state;
    struct tenant t = open_tenant(3);
    CONTROL(eteams_sim, "options",
            "{'assumed_off':['queryExtra','queryAdmin','disableDepartment']}");
    assert_int_equal(yq_eteams_list_members(t.e, http, t.v, NULL, NULL), 0);
    const char *id = t.v->eteams_members->id;
    assert_int_equal(yq_eteams_read_posts(t.e, http, t.v, &id, 1, NULL, NULL), 0);
    assert_int_equal(yq_view_find_eteams_member(t.v, id)->posts_fact, YQ_ABSENT);
    assert_int_equal(yq_eteams_read_administrators(t.e, http, t.v, NULL, NULL), 0);
    assert_int_equal(t.v->administrators_fact, YQ_ABSENT);
    char json[256];
    snprintf(json, sizeof(json), "\"name\":\"空\",\"parent\":\"%s\",\"status\":\"1\"", t.root);
    struct yq_eteams_row org = {.json = json};
    write_rows(&t, YQ_WRITE_DEPARTMENT, &org, 1);
    struct yq_eteams_row shut = {.id = org.new_id};
    write_rows(&t, YQ_WRITE_DISABLE, &shut, 1);
    expect_done(&shut, 1);
    const char *ids[] = {org.new_id};
    assert_int_equal(yq_eteams_read_departments(t.e, http, t.v, ids, 1, NULL, NULL), 0);
    assert_false(yq_view_find_eteams_department(t.v, org.new_id)->enabled);
    CONTROL(eteams_sim, "options", "{'assumed_off':[]}");
    close_tenant(&t);
}

static int setup(void **state)
{
    (void)state;
    http = yq_http_new();
    wecom_sim = sim_process_start("wecom");
    eteams_sim = sim_process_start("eteams");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bool well = sim_process_stop(wecom_sim);
    well = sim_process_stop(eteams_sim) && well;
    yq_http_free(http);
    return well ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_wecom_with_the_app),
        cmocka_unit_test(reads_wecom_with_the_contacts_secret),
        cmocka_unit_test(outlives_wecoms_faults),
        cmocka_unit_test(stops_an_api_that_wecom_has_shut),
        cmocka_unit_test(lists_a_whole_tenant),
        cmocka_unit_test(writes_a_life),
        cmocka_unit_test(writes_many_rows),
        cmocka_unit_test(outlives_eteams_faults),
        cmocka_unit_test(does_without_assumed_interfaces),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
