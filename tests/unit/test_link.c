/* Links as JSON: what is written is read back, what is foreign is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/link.h"

static void a_department_comes_back(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_buf out = YQ_BUF_INIT;
    struct yq_link_department from = {.id = 4294967295u,
                                      .eteams = "1157735123799875584",
                                      .how = "name",
                                      .at = 1767225600123,
                                      .agreed_name = UINT64_MAX,
                                      .agreed_parent = 0,
                                      .heard_at = 1767225601},
                              to;
    yq_link_department_write(&from, &out);
    assert_int_equal(
        yq_link_department_read(arena, 4294967295u, yq_buf_text(&out), out.len, &to, NULL), 0);
    assert_int_equal(to.id, 4294967295u);
    assert_string_equal(to.eteams, "1157735123799875584");
    assert_string_equal(to.how, "name");
    assert_int_equal(to.at, 1767225600123);
    assert_true(to.agreed_name == UINT64_MAX);
    assert_true(to.agreed_parent == 0);
    assert_int_equal(to.heard_at, 1767225601);
    yq_buf_release(&out);
    yq_arena_free(arena);
}

static void a_member_comes_back_with_every_field(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_buf out = YQ_BUF_INIT;
    const char *posts[] = {"9007199254740993", "12"};
    struct yq_link_member from = {.key = "li.na",
                                  .userid = "Li.Na",
                                  .eteams = "1157735123799875585",
                                  .how = "mobile",
                                  .at = 5,
                                  .left = true,
                                  .born = 1767225500,
                                  .wrote_job_num = true,
                                  .posts = posts,
                                  .post_count = 2},
                          to;
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        from.agreed[f] = yq_agreed_hash(yq_member_field_name((enum yq_member_field)f));
        from.heard_at[f] = f == YQ_FIELD_MOBILE ? 0 : 1767225600 + (int64_t)f;
    }
    yq_link_member_write(&from, &out);
    cJSON *tree = yq_json_parse(yq_buf_text(&out), out.len, NULL);
    assert_non_null(tree);
    cJSON_Delete(tree);
    assert_int_equal(yq_link_member_read(arena, "li.na", yq_buf_text(&out), out.len, &to, NULL), 0);
    assert_string_equal(to.key, "li.na");
    assert_string_equal(to.userid, "Li.Na");
    assert_string_equal(to.eteams, "1157735123799875585");
    assert_string_equal(to.how, "mobile");
    assert_true(to.left && to.wrote_job_num);
    assert_int_equal(to.born, from.born);
    assert_int_equal(to.post_count, 2);
    assert_string_equal(to.posts[0], "9007199254740993");
    assert_string_equal(to.posts[1], "12");
    assert_memory_equal(to.agreed, from.agreed, sizeof(to.agreed));
    assert_memory_equal(to.heard_at, from.heard_at, sizeof(to.heard_at));
    yq_buf_release(&out);
    yq_arena_free(arena);
}

static void what_is_not_ours_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "unknown version"},
        {"{\"eteams\":\"1\",\"userid\":\"a\"}", "unknown version"},
        {"{\"v\":2,\"eteams\":\"1\",\"userid\":\"a\"}", "unknown version 2"},
        {"{\"v\":1,\"userid\":\"a\"}", "eteams"},
        {"{\"v\":1,\"userid\":\"a\",\"eteams\":\"\"}", "eteams"},
        {"{\"v\":1,\"eteams\":\"1\"", "not JSON"},
    };
    struct yq_arena *arena = yq_arena_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct yq_error err = {0};
        struct yq_link_department d = {.id = 77};
        struct yq_link_member m = {.post_count = 77};
        size_t len = strlen(cases[i].json);
        assert_int_equal(yq_link_department_read(arena, 1, cases[i].json, len, &d, &err), -1);
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_int_equal(yq_link_member_read(arena, "a", cases[i].json, len, &m, &err), -1);
        assert_non_null(strstr(err.text, cases[i].says));
        assert_int_equal(d.id, 77);
        assert_int_equal(m.post_count, 77);
    }
    struct yq_error err = {0};
    struct yq_link_member m;
    const char *json = "{\"v\":1,\"eteams\":\"1\"}";
    assert_int_equal(yq_link_member_read(arena, "a", json, strlen(json), &m, &err), -1);
    assert_non_null(strstr(err.text, "userid"));
    yq_arena_free(arena);
}

static void unknown_members_are_skipped(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_link_member m;
    const char *json = "{\"v\":1,\"new\":{},\"userid\":\"A\",\"eteams\":1157735123799875584,"
                       "\"agreed\":{\"name\":\"zz\",\"x\":1},\"heard\":[],\"posts\":[null,\"3\"]}";
    assert_int_equal(yq_link_member_read(arena, "a", json, strlen(json), &m, NULL), 0);
    assert_string_equal(m.eteams, "1157735123799875584");
    assert_true(m.agreed[YQ_FIELD_NAME] == 0);
    assert_int_equal(m.post_count, 1);
    assert_string_equal(m.posts[0], "3");
    assert_string_equal(m.how, "");
    yq_arena_free(arena);
}

static void hashes_tell_values_apart(void **state)
{
    (void)state;
    assert_true(yq_agreed_hash("") != 0);
    assert_true(yq_agreed_hash("a") != yq_agreed_hash("b"));
    assert_true(yq_agreed_hash("研发部") == yq_agreed_hash("研发部"));
    /* stored values: this never changes (the published FNV-1a value of "foobar") */
    assert_true(yq_agreed_hash("foobar") == 0x85944171f73967e8u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_department_comes_back),
        cmocka_unit_test(a_member_comes_back_with_every_field),
        cmocka_unit_test(what_is_not_ours_is_refused),
        cmocka_unit_test(unknown_members_are_skipped),
        cmocka_unit_test(hashes_tell_values_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
