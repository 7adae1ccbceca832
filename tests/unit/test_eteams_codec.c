/* eteams' rows read with whole ids, and rows written for every operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "clients/eteams_codec.h"

static cJSON *parse(const char *text)
{
    cJSON *json = yq_json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

static struct yq_eteams_member *member(struct yq_view *v, const char *text, struct yq_error *err)
{
    cJSON *json = parse(text);
    struct yq_eteams_member *m = yq_eteams_read_member(v, json, err);
    cJSON_Delete(json);
    return m;
}

static struct yq_eteams_department *department(struct yq_view *v, const char *text,
                                               struct yq_error *err)
{
    cJSON *json = parse(text);
    struct yq_eteams_department *d = yq_eteams_read_department(v, json, err);
    cJSON_Delete(json);
    return d;
}

static void reads_people_whatever_their_types(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_eteams_member *m = member(
        v,
        "{\"id\":4000000000000000101,\"user_id\":\"4000000000000000103\",\"username\":\"张三\","
        "\"job_num\":17,\"mobile\":13800000000,\"email\":null,\"sex\":\"male\","
        "\"department\":[4000000000000000023,\"4000000000000000025\"],"
        "\"personnel_status\":\"3\",\"status\":\"normal\",\"account\":\"zhangsan\"}",
        NULL);
    assert_string_equal(m->id, "4000000000000000101");
    assert_string_equal(m->user_id, "4000000000000000103");
    assert_string_equal(m->job_num, "17");
    assert_string_equal(m->mobile, "13800000000");
    assert_string_equal(m->email, "");
    assert_int_equal(m->department_count, 2);
    assert_string_equal(m->departments[0], "4000000000000000023");
    assert_string_equal(m->departments[1], "4000000000000000025");
    assert_true(m->in_service && !m->secondary);
    assert_int_equal(yq_view_lookup(v, YQ_BY_ACCOUNT, "ZhangSan")->hit_count, 1);
    m = member(v, "{\"id\":\"4000000000000000105\",\"department\":\"4000000000000000023\"}", NULL);
    assert_int_equal(m->department_count, 1);
    assert_true(m->in_service);
    m = member(v, "{\"id\":\"4000000000000000107\",\"department\":\"\",\"identity\":\"secondary\"}",
               NULL);
    assert_int_equal(m->department_count, 0);
    assert_true(m->secondary);
    yq_view_free(v);
}

static void knows_who_is_in_service(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        bool in;
    } table[] = {
        {"\"personnel_status\":1", true},
        {"\"personnel_status\":\"5\"", true},
        {"\"personnel_status\":\"6\",\"status\":\"normal\"", false},
        {"\"personnel_status\":\"7\"", false},
        {"\"personnel_status\":9", false},
        {"\"personnel_status\":\"10\"", false},
        {"\"personnel_status\":\"11\",\"status\":\"normal\"", true}, /* a customer's own */
        {"\"personnel_status\":\"11\"", false},
        {"\"personnel_status\":\"\",\"status\":\"normal\"", true},
        {"\"status\":\"normal\"", true},
        {"\"status\":\"resigned\"", false},
        {"\"status\":\"whatever\"", false},
        {"\"username\":\"x\"", true},
    };
    struct yq_view *v = yq_view_new();
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct yq_buf text = YQ_BUF_INIT;
        yq_buf_addf(&text, "{\"id\":\"40%zu\",%s}", i, table[i].members);
        assert_int_equal(member(v, yq_buf_text(&text), NULL)->in_service, table[i].in);
        yq_buf_release(&text);
    }
    yq_view_free(v);
}

static void refuses_what_is_no_id(void **state)
{
    (void)state;
    static const char *const people[] = {
        "{}",
        "[]",
        "\"4\"",
        "{\"id\":null}",
        "{\"id\":\"\"}",
        "{\"id\":0}",
        "{\"id\":\"0\"}",
        "{\"id\":-4}",
        "{\"id\":true}",
        "{\"id\":4e18}",
        "{\"id\":1.5}",
        "{\"id\":\"4000000000000000101 \"}",
        "{\"id\":\"40000000x\"}",
        "{\"id\":400000000000000010100000}",
        "{\"ID\":\"4\"}",
        "{\"id\":[\"4\"]}",
        "{\"id\":\"4\",\"department\":[\"4\",\"x\"]}",
        "{\"id\":\"4\",\"department\":{\"id\":\"4\"}}",
        "{\"id\":\"4\",\"department\":[[\"4\"]]}",
        "{\"id\":\"4\",\"department\":true}",
    };
    static const char *const departments[] = {
        "{}",
        "{\"id\":\"4\"}",
        "{\"id\":\"4\",\"name\":7}",
        "{\"id\":\"x\",\"name\":\"a\"}",
        "{\"id\":\"4\",\"name\":\"a\",\"parent\":\"x\"}",
        "{\"id\":\"4\",\"name\":\"a\",\"parent\":[]}",
        "{\"id\":\"4\",\"name\":\"a\",\"parent\":-1}",
        "{\"id\":\"4\",\"name\":\"a\",\"parent\":4e18}",
    };
    struct yq_view *v = yq_view_new();
    struct yq_error err = {0};
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        if (member(v, people[i], &err) != NULL)
            fail_msg("%s", people[i]);
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
    }
    for (size_t i = 0; i < sizeof(departments) / sizeof(departments[0]); i++) {
        if (department(v, departments[i], &err) != NULL)
            fail_msg("%s", departments[i]);
    }
    assert_int_equal(HASH_COUNT(v->eteams_members) + HASH_COUNT(v->eteams_departments), 0);
    yq_view_free(v);
}

static void reads_departments(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_eteams_department *d = department(
        v, "{\"id\":4000000000000000023,\"name\":\"技术\",\"parent\":4000000000000000001}", NULL);
    assert_string_equal(d->id, "4000000000000000023");
    assert_string_equal(d->parent, "4000000000000000001");
    assert_true(d->enabled);
    d = department(v, "{\"id\":\"41\",\"name\":\"r\",\"parent\":\"0\",\"status\":\"0\"}", NULL);
    assert_null(d->parent);
    assert_false(d->enabled);
    assert_null(department(v, "{\"id\":\"41\",\"name\":\"r\",\"parent\":0}", NULL)->parent);
    assert_null(department(v, "{\"id\":\"41\",\"name\":\"r\",\"parent\":null}", NULL)->parent);
    assert_null(department(v, "{\"id\":\"41\",\"name\":\"r\"}", NULL)->parent);
    yq_view_free(v);
}

static void reads_codes_of_every_envelope(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *message;
    } table[] = {
        {"{\"message\":{\"errcode\":\"0\",\"errmsg\":\"success\"}}", 0, "success"},
        {"{\"message\":{\"errcode\":200007,\"errmsg\":\"x\"},\"errcode\":\"0\"}", 200007, "x"},
        {"{\"errcode\":\"200007\",\"errmsg\":\"y\"}", 200007, "y"},
        {"{\"errcode\":0}", 0, ""},
        {"{\"code\":500000,\"msg\":\"z\"}", 500000, "z"},
        {"{\"message\":\"text\",\"code\":\"1\"}", 1, ""},
        {"{\"message\":{},\"errcode\":3}", 3, ""},
        {"{}", -2, ""},
        {"[]", -2, ""},
        {"{\"errcode\":\"\"}", -2, ""},
        {"{\"errcode\":\"ok\"}", -2, ""},
        {"{\"errcode\":null}", -2, ""},
        {"{\"errcode\":[0]}", -2, ""},
        {"{\"errcode\":99999999999}", 2147483647, ""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *message;
        cJSON *json = parse(table[i].text);
        assert_int_equal(yq_eteams_errcode(json, &message), table[i].code);
        assert_string_equal(message, table[i].message);
        cJSON_Delete(json);
    }
    assert_int_equal(yq_eteams_errcode(NULL, NULL), -2);
    assert_int_equal(yq_eteams_classify(410011), YQ_ETEAMS_DONE);
    assert_int_equal(yq_eteams_classify(410002), YQ_ETEAMS_SPLIT);
    assert_int_equal(yq_eteams_classify(410007), YQ_ETEAMS_ROW);
    assert_int_equal(yq_eteams_classify(300002), YQ_ETEAMS_TOKEN);
    assert_int_equal(yq_eteams_classify(429001), YQ_ETEAMS_SLOW);
    assert_int_equal(yq_eteams_classify(404001), YQ_ETEAMS_MISSING);
    assert_int_equal(yq_eteams_classify(403001), YQ_ETEAMS_FATAL);
    assert_int_equal(yq_eteams_classify(500000), YQ_ETEAMS_RETRY);
    assert_int_equal(yq_eteams_classify(12345), YQ_ETEAMS_ROW);
}

static void expect_row(const struct yq_operation *op, const char *target, const char *department_id,
                       const char *expected)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_eteams_write_row(op, target, department_id, "acme", &out);
    assert_string_equal(yq_buf_text(&out), expected);
    yq_buf_release(&out);
}

static void writes_departments(void **state)
{
    (void)state;
    struct yq_operation op = {.kind = YQ_OP_DEPARTMENT_CREATE, .change_count = 2};
    op.changes[0] = (struct yq_change){.field = "name", .after = "研发\"中心\"\\\n"};
    op.changes[1] = (struct yq_change){.field = "parent", .ref = {.wecom = 7}};
    expect_row(&op, NULL, "4000000000000000001",
               "\"name\":\"研发\\\"中心\\\"\\\\\\n\",\"parent\":\"4000000000000000001\","
               "\"status\":\"1\"");
    op.kind = YQ_OP_DEPARTMENT_UPDATE;
    op.change_count = 1;
    expect_row(&op, "4000000000000000023", NULL,
               "\"id\":\"4000000000000000023\",\"name\":\"研发\\\"中心\\\"\\\\\\n\"");
}

static void writes_members(void **state)
{
    (void)state;
    struct yq_operation op = {.kind = YQ_OP_MEMBER_CREATE, .change_count = 4};
    op.changes[0] = (struct yq_change){.field = "username", .after = "张三"};
    op.changes[1] = (struct yq_change){.field = "mobile", .after = ""};
    op.changes[2] = (struct yq_change){.field = "department", .ref = {.wecom = 7}};
    op.changes[3] = (struct yq_change){.field = "job_num", .after = "zhangsan"};
    expect_row(&op, NULL, "4000000000000000023",
               "\"username\":\"张三\",\"department\":\"4000000000000000023\","
               "\"job_num\":\"zhangsan\",\"personnel_status\":\"3\"");
    op.kind = YQ_OP_MEMBER_UPDATE; /* here an empty value frees a mobile for somebody else */
    op.change_count = 2;
    expect_row(&op, "4000000000000000101", NULL,
               "\"id\":\"4000000000000000101\",\"username\":\"张三\",\"mobile\":\"\"");
    op.kind = YQ_OP_MEMBER_RESIGN;
    op.change_count = 0;
    expect_row(&op, "4000000000000000101", "4000000000000000001",
               "\"id\":\"4000000000000000101\",\"personnel_status\":\"6\","
               "\"department\":\"4000000000000000001\",\"superior\":\"\",\"other_superior\":[]");
}

static void reads_superiors(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_eteams_member *m =
        member(v,
               "{\"id\":\"4000000000000000101\",\"superior\":9007199254740993,"
               "\"other_superior\":[\"4000000000000000103\",4000000000000000105]}",
               NULL);
    assert_true(m->superiors_known);
    assert_string_equal(m->superior, "9007199254740993");
    assert_int_equal(m->other_count, 2);
    assert_string_equal(m->others[1], "4000000000000000105");
    m = member(v, "{\"id\":\"1\",\"superior\":\"\",\"other_superior\":[]}", NULL);
    assert_true(m->superiors_known && m->other_count == 0);
    assert_string_equal(m->superior, "");
    m = member(v, "{\"id\":\"2\",\"superior\":\"0\",\"other_superior\":null}", NULL);
    assert_true(m->superiors_known && m->superior[0] == '\0');
    assert_false(member(v, "{\"id\":\"3\",\"superior\":\"\"}", NULL)->superiors_known);
    assert_false(member(v, "{\"id\":\"4\",\"superior\":\"x\",\"other_superior\":[]}", NULL)
                     ->superiors_known);
    yq_view_free(v);
}

static void writes_superiors(void **state)
{
    (void)state;
    struct yq_operation op = {.kind = YQ_OP_MEMBER_SUPERIORS, .change_count = 2};
    op.changes[0] = (struct yq_change){.field = "superior", .after = "4000000000000000103"};
    op.changes[1] = (struct yq_change){.field = "other_superior", .after = "11,12"};
    expect_row(&op, "4000000000000000101", NULL,
               "\"id\":\"4000000000000000101\",\"superior\":\"4000000000000000103\","
               "\"other_superior\":[\"11\",\"12\"]");
    op.changes[0].after = "";
    op.change_count = 1;
    expect_row(&op, "4000000000000000101", NULL,
               "\"id\":\"4000000000000000101\",\"superior\":\"\"");
    op.changes[0] = (struct yq_change){.field = "other_superior", .after = ""};
    expect_row(&op, "4000000000000000101", NULL,
               "\"id\":\"4000000000000000101\",\"other_superior\":[]");
}

static void writes_posts(void **state)
{
    (void)state;
    struct yq_operation op = {.kind = YQ_OP_POST_ADD};
    expect_row(&op, "4000000000000000101", "4000000000000000023",
               "\"id\":\"4000000000000000101\",\"departmentId\":\"4000000000000000023\","
               "\"externalSyncType\":\"openapi\",\"externalSyncId\":"
               "\"yq-acme-4000000000000000101-4000000000000000023\",\"deleted\":\"0\"");
    op.kind = YQ_OP_POST_REMOVE;
    op.external_id = "yq-acme-1-2";
    expect_row(&op, "4000000000000000101", NULL,
               "\"id\":\"4000000000000000101\",\"externalSyncType\":\"openapi\","
               "\"externalSyncId\":\"yq-acme-1-2\",\"deleted\":\"1\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_people_whatever_their_types),
        cmocka_unit_test(knows_who_is_in_service),
        cmocka_unit_test(refuses_what_is_no_id),
        cmocka_unit_test(reads_departments),
        cmocka_unit_test(reads_codes_of_every_envelope),
        cmocka_unit_test(writes_departments),
        cmocka_unit_test(reads_superiors),
        cmocka_unit_test(writes_members),
        cmocka_unit_test(writes_superiors),
        cmocka_unit_test(writes_posts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
