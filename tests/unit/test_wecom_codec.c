/* WeCom's members and departments as rows: what is there becomes known, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/wecom_codec.h"

static cJSON *parse(const char *text)
{
    struct yq_error err = {0};
    cJSON *json = yq_json_parse(text, strlen(text), &err);
    assert_non_null(json);
    return json;
}

static struct yq_wecom_member *member(struct yq_view *v, const char *text, struct yq_error *err)
{
    cJSON *json = parse(text);
    struct yq_wecom_member *m = yq_wecom_read_member(v, json, err);
    cJSON_Delete(json);
    return m;
}

static struct yq_wecom_department *department(struct yq_view *v, const char *text,
                                              struct yq_error *err)
{
    cJSON *json = parse(text);
    struct yq_wecom_department *d = yq_wecom_read_department(v, json, err);
    cJSON_Delete(json);
    return d;
}

static void reads_the_contracts_example(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_wecom_member *m = member(
        v,
        "{\"errcode\":0,\"errmsg\":\"ok\",\"userid\":\"Li.Na\",\"name\":\"李娜\",\"department\":[7,"
        "12],\"order\":[0,10],\"position\":\"Team lead\",\"status\":1,\"is_leader_in_dept\":[0,1],"
        "\"direct_leader\":[\"wang.wei\"],\"telephone\":\"\",\"alias\":\"\",\"main_department\":12,"
        "\"extattr\":{\"attrs\":[]},\"external_position\":\"\"}",
        NULL);
    assert_non_null(m);
    assert_int_equal(m->fact, YQ_PRESENT);
    assert_string_equal(m->key, "li.na");
    assert_string_equal(m->userid, "Li.Na");
    assert_string_equal(m->name, "李娜");
    assert_int_equal(m->known, YQ_FIELD_BIT(YQ_FIELD_NAME) | YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS) |
                                   YQ_FIELD_BIT(YQ_FIELD_MAIN_DEPARTMENT) |
                                   YQ_FIELD_BIT(YQ_FIELD_STATUS) |
                                   YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS) |
                                   YQ_FIELD_BIT(YQ_FIELD_LEADS) | YQ_KNOWN_POSITION);
    assert_int_equal(m->orders[1], 10);
    assert_int_equal(m->lead_count, 1);
    assert_int_equal(m->leads[0], 12);
    assert_int_equal(m->department_count, 2);
    assert_int_equal(m->departments[1], 12);
    assert_int_equal(m->main_department, 12);
    assert_string_equal(m->direct_leaders[0], "wang.wei");
    assert_null(m->mobile);
    yq_view_free(v);
}

static void tells_empty_from_unknown(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_wecom_member *m = member(
        v,
        "{\"userid\":\"a\",\"mobile\":\"\",\"email\":null,\"gender\":\"2\",\"department\":[],"
        "\"direct_leader\":[]}",
        NULL);
    assert_int_equal(m->known, YQ_FIELD_BIT(YQ_FIELD_MOBILE) | YQ_FIELD_BIT(YQ_FIELD_GENDER) |
                                   YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS) |
                                   YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS));
    assert_string_equal(m->mobile, "");
    assert_string_equal(m->gender, "2");
    assert_int_equal(m->department_count, 0);
    /* A later answer replaces the earlier one as a whole. */
    m = member(v, "{\"userid\":\"A\",\"name\":\"x\"}", NULL);
    assert_int_equal(m->known, YQ_FIELD_BIT(YQ_FIELD_NAME));
    assert_string_equal(m->userid, "A");
    assert_null(m->mobile);
    yq_view_free(v);
}

static void malformed_fields_are_unknown(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"userid\":\"a\",\"department\":7}",
        "{\"userid\":\"a\",\"department\":[7,0]}",
        "{\"userid\":\"a\",\"department\":[-1]}",
        "{\"userid\":\"a\",\"department\":[4294967296]}",
        "{\"userid\":\"a\",\"department\":[1.5]}",
        "{\"userid\":\"a\",\"department\":[\"x\"]}",
        "{\"userid\":\"a\",\"department\":[[7]]}",
        "{\"userid\":\"a\",\"department\":[99999999999999999999]}",
        "{\"userid\":\"a\",\"department\":{\"0\":7}}",
        "{\"userid\":\"a\",\"name\":7,\"mobile\":[],\"email\":{}}",
        "{\"userid\":\"a\",\"status\":3}",
        "{\"userid\":\"a\",\"status\":\"active\"}",
        "{\"userid\":\"a\",\"gender\":\"x\"}",
        "{\"userid\":\"a\",\"gender\":3}",
        "{\"userid\":\"a\",\"main_department\":0}",
        "{\"userid\":\"a\",\"main_department\":[]}",
        "{\"userid\":\"a\",\"direct_leader\":\"b\"}",
        "{\"userid\":\"a\",\"direct_leader\":[\"b\",1]}",
        "{\"userid\":\"a\",\"direct_leader\":[\"not valid\"]}",
    };
    struct yq_view *v = yq_view_new();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const struct yq_wecom_member *m = member(v, texts[i], NULL);
        assert_non_null(m);
        if (m->known != 0)
            fail_msg("%s", texts[i]);
    }
    yq_view_free(v);
}

static void refuses_members_without_a_userid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "7",
        "null",
        "{\"userid\":\"\"}",
        "{\"userid\":7}",
        "{\"userid\":[\"a\"]}",
        "{\"UserID\":\"a\"}",
        "{\"userid\":\"a b\"}",
        "{\"userid\":\"-a\"}",
        "{\"userid\":\"a/../b\"}",
        "{\"userid\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    };
    struct yq_view *v = yq_view_new();
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct yq_error err = {0};
        assert_null(member(v, texts[i], &err));
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
    }
    assert_int_equal(HASH_COUNT(v->wecom_members), 0);
    yq_view_free(v);
}

static void reads_departments(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    const struct yq_wecom_department *d =
        department(v,
                   "{\"id\":12,\"name\":\"研发\",\"parentid\":7,\"order\":4294967295,"
                   "\"department_leader\":[\"li.na\"]}",
                   NULL);
    assert_int_equal(d->id, 12);
    assert_int_equal(d->parent, 7);
    assert_string_equal(d->name, "研发");
    assert_int_equal(d->order, 4294967295);
    assert_string_equal(d->leaders[0], "li.na");
    d = department(v, "{\"id\":13,\"parentid\":7}", NULL); /* as department/simplelist */
    assert_null(d->name);
    assert_null(d->leaders);
    assert_int_equal(d->order, -1);
    d = department(v, "{\"id\":1,\"parentid\":0,\"name\":\"\"}", NULL);
    assert_int_equal(d->parent, 0);
    assert_null(d->name);
    static const char *const bad[] = {
        "{}",
        "{\"id\":0}",
        "{\"id\":-1}",
        "{\"id\":4294967296}",
        "{\"id\":1.5}",
        "{\"id\":[]}",
        "{\"id\":\"\"}",
        "{\"id\":2,\"parentid\":-1}",
        "{\"id\":2,\"parentid\":\"x\"}",
        "{\"id\":2,\"parentid\":1e300}",
        "[]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct yq_error err = {0};
        assert_null(department(v, bad[i], &err));
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
    }
    assert_int_equal(HASH_COUNT(v->wecom_departments), 3);
    yq_view_free(v);
}

static void sorts_codes(void **state)
{
    (void)state;
    static const struct {
        int code;
        enum yq_wecom_class class;
    } table[] = {
        {0, YQ_WECOM_OK},
        {40014, YQ_WECOM_TOKEN},
        {42001, YQ_WECOM_TOKEN},
        {-1, YQ_WECOM_RETRY},
        {6000, YQ_WECOM_RETRY},
        {45009, YQ_WECOM_LIMIT},
        {45033, YQ_WECOM_CONCURRENCY},
        {40001, YQ_WECOM_FATAL},
        {40013, YQ_WECOM_FATAL},
        {48002, YQ_WECOM_FATAL},
        {60020, YQ_WECOM_FATAL},
        {50003, YQ_WECOM_FATAL},
        {60111, YQ_WECOM_ITEM},
        {60011, YQ_WECOM_ITEM},
        {48009, YQ_WECOM_ITEM},
        {45029, YQ_WECOM_ITEM},
        {999999, YQ_WECOM_ITEM},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(yq_wecom_classify(table[i].code), table[i].class);
}

static void reads_codes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
    } table[] = {
        {"{\"errcode\":60111}", 60111},
        {"{\"errcode\":\"0\"}", 0},
        {"{}", 0},
        {"[]", -2},
        {"{\"errcode\":null}", -2},
        {"{\"errcode\":1.5}", -2},
        {"{\"errcode\":\"x\"}", -2},
        {"{\"errcode\":9999999999}", -2},
        {"{\"errcode\":[]}", -2},
    };
    assert_int_equal(yq_wecom_errcode(NULL), -2);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cJSON *json = parse(table[i].text);
        assert_int_equal(yq_wecom_errcode(json), table[i].code);
        cJSON_Delete(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_contracts_example),
        cmocka_unit_test(tells_empty_from_unknown),
        cmocka_unit_test(malformed_fields_are_unknown),
        cmocka_unit_test(refuses_members_without_a_userid),
        cmocka_unit_test(reads_departments),
        cmocka_unit_test(sorts_codes),
        cmocka_unit_test(reads_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
