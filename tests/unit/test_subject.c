/* Subjects: their text forms, and what is a userid or an id at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/subject.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A65 A64 "a"
#define MEMBER_A64 "member:" A64
#define MEMBER_A65 "member:" A65

static void test_userids(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "0", "li.na", "Zhang_San-1@x.cn", "woU_8f2aXk", A64};
    static const char *const bad[] = {"",      ".li",   "_li",   "-li",  "@all",         "li na",
                                      "li/na", "li:na", "li,na", "li\n", "\xe6\x9d\x8e", A65,
                                      "li\"",  "a+b"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(yq_userid_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(yq_userid_valid(bad[i], strlen(bad[i])));
    assert_false(yq_userid_valid("a\0b", 3));
    assert_true(yq_userid_valid("ab ", 2)); /* the length counts */
}

static void test_ids(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t id;
    } good[] = {
        {"0", 0}, {"1", 1}, {"12", 12}, {"2147483648", 2147483648u}, {"4294967295", UINT32_MAX}};
    static const char *const bad[] = {"",    "-1",         "+1",         " 1",
                                      "1 ",  "01",         "00",         "1.0",
                                      "0x1", "4294967296", "9999999999", "99999999999",
                                      "1,2", "\xd9\xa1",   "1e3",        "18446744073709551617"};
    for (size_t i = 0; i < COUNT(good); i++) {
        uint32_t id = 77;
        assert_int_equal(yq_wecom_id_parse(good[i].text, strlen(good[i].text), &id), 0);
        assert_int_equal(id, good[i].id);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint32_t id = 77;
        assert_int_equal(yq_wecom_id_parse(bad[i], strlen(bad[i]), &id), -1);
        assert_int_equal(id, 77);
    }
}

static void test_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "all",      "member:li.na",          MEMBER_A64,
        "member:L", "department:1",          "department:4294967295",
        "tag:5",    "department:1234567890", "member:all"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct yq_subject s;
        char text[YQ_SUBJECT_MAX];
        assert_int_equal(yq_subject_parse(forms[i], &s, NULL), 0);
        yq_subject_format(&s, text);
        assert_string_equal(text, forms[i]);
    }
    char text[YQ_SUBJECT_MAX];
    yq_subject_format(&(struct yq_subject){.kind = YQ_SUBJECT_TAG, .id = 70}, text);
    assert_string_equal(text, "tag:70");
    struct yq_subject s = yq_subject_member("li.na");
    yq_subject_format(&s, text);
    assert_string_equal(text, "member:li.na");
    s = yq_subject_department(7);
    assert_true(s.kind == YQ_SUBJECT_DEPARTMENT && s.id == 7);
    s = yq_subject_tag(8);
    assert_true(s.kind == YQ_SUBJECT_TAG && s.id == 8);
    assert_true(yq_subject_all().kind == YQ_SUBJECT_ALL);
}

static void test_malformed_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {"",
                                        "ALL",
                                        "all:",
                                        "all:1",
                                        "member",
                                        "member:",
                                        "member:a b",
                                        "member:.a",
                                        MEMBER_A65,
                                        "Member:a",
                                        "department:",
                                        "department:-1",
                                        "department:01",
                                        "department:4294967296",
                                        "department:x",
                                        "tag:",
                                        "tag:5 ",
                                        " tag:5",
                                        "user:a"};
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct yq_subject s = yq_subject_tag(77);
        struct yq_error err = {0};
        if (yq_subject_parse(forms[i], &s, &err) != -1)
            fail_msg("\"%s\" was taken for a subject", forms[i]);
        assert_int_equal(err.kind, YQ_ERROR_INVALID);
        assert_int_equal(s.id, 77);
    }
}

static void test_keys_ignore_case(void **state)
{
    (void)state;
    char a[YQ_SUBJECT_MAX], b[YQ_SUBJECT_MAX], key[YQ_USERID_MAX + 1];
    struct yq_subject upper = yq_subject_member("Li.Na@ACME");
    struct yq_subject lower = yq_subject_member("li.na@acme");
    yq_subject_key(&upper, a);
    yq_subject_key(&lower, b);
    assert_string_equal(a, "member:li.na@acme");
    assert_string_equal(a, b);
    assert_string_equal(upper.userid, "Li.Na@ACME"); /* the spelling stays */
    yq_userid_key("ZHANG_San", key);
    assert_string_equal(key, "zhang_san");
    yq_userid_key(A64, key);
    assert_string_equal(key, A64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_userids),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_malformed_forms),
        cmocka_unit_test(test_keys_ignore_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
