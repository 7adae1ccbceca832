/* The forms in which values are compared, and the masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/normal.h"

struct pair {
    const char *from, *to;
};

typedef const char *(*normal)(struct yq_arena *arena, const char *text);

static void check(normal f, const struct pair *pairs, size_t count)
{
    struct yq_arena *arena = yq_arena_new();
    for (size_t i = 0; i < count; i++) {
        const char *got = f(arena, pairs[i].from);
        if (strcmp(got, pairs[i].to) != 0)
            fail_msg("'%s' became '%s', not '%s'", pairs[i].from, got, pairs[i].to);
        if (f != yq_masked_mobile && f != yq_masked_email)
            assert_string_equal(f(arena, got), got); /* normal already */
    }
    yq_arena_free(arena);
}
#define CHECK(f, ...)                                                                              \
    do {                                                                                           \
        const struct pair pairs[] = {__VA_ARGS__};                                                 \
        check(f, pairs, sizeof(pairs) / sizeof(pairs[0]));                                         \
    } while (0)

static void names(void **state)
{
    (void)state;
    CHECK(yq_normal_name, {"", ""}, {"研发部", "研发部"}, {"  研发部\t\n", "研发部"},
          {"\u3000研发 部\u00A0", "研发 部"}, {"   ", ""}, {"\u3000", ""},
          {"Cafe\u0301", "Caf\u00E9"}, /* composed */
          {"\u1100\u1161", "\uAC00"},  /* Hangul */
          {"销售\uFF5C华东", "销售|华东"}, {"a\uFF5C", "a|"}, {"\uFF5C", "|"},
          {"Sales", "Sales"},   /* case is kept */
          {"\uFF21", "\uFF21"}, /* full-width letters are other letters */
          {" \xFF\xFE ", " \xFF\xFE "}, {"\xE7\xA0", "\xE7\xA0"}); /* not UTF-8: unchanged */
}

static void mobiles(void **state)
{
    (void)state;
    CHECK(yq_normal_mobile, {"13800000000", "13800000000"}, {"+86 138-0000-0000", "13800000000"},
          {"+8613800000000", "13800000000"}, {"008613800000000", "13800000000"},
          {" (138) 0000 0000 ", "13800000000"}, {"+852 9123 4567", "+85291234567"},
          {"0085291234567", "+85291234567"}, {"", ""}, {"-", ""}, {"+", ""}, {"00", ""},
          {"+86", ""}, {"n/a", ""}, {"010-12345678", "01012345678"});
}

static void accounts_and_mails(void **state)
{
    (void)state;
    CHECK(yq_normal_email, {" Li.Na@Example.COM\r\n", "li.na@example.com"}, {"", ""}, {" ", ""});
    CHECK(yq_normal_account, {"Li.Na", "li.na"}, {"LI_NA-1 ", "li_na-1"}, {"ÄB", "Äb"});
    assert_string_equal(yq_normal_gender("1"), "1");
    assert_string_equal(yq_normal_gender("2"), "2");
    assert_string_equal(yq_normal_gender("0"), "");
    assert_string_equal(yq_normal_gender("male"), "1");
    assert_string_equal(yq_normal_gender("female"), "2");
    assert_string_equal(yq_normal_gender(""), "");
    assert_string_equal(yq_normal_gender("11"), "");
}

static void sameness(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    assert_true(yq_same_name(arena, " 研发\uFF5C一", "研发|一 "));
    assert_false(yq_same_name(arena, "sales", "Sales"));
    assert_true(yq_same_mobile(arena, "+86 13800000000", "13800000000"));
    assert_false(yq_same_mobile(arena, "+852 13800000000", "13800000000"));
    assert_true(yq_same_email(arena, "A@b.c", "a@B.C "));
    assert_false(yq_same_email(arena, "a@b.c", "a@b.d"));
    yq_arena_free(arena);
}

static void masks(void **state)
{
    (void)state;
    CHECK(yq_masked_mobile, {"13812345678", "138****5678"}, {"+86 138 1234 5678", "138****5678"},
          {"+85291234567", "+85****4567"}, {"91234567", "****67"}, {"12345", "****"}, {"", ""},
          {"n/a", "****"});
    CHECK(yq_masked_email, {"li.na@example.com", "l***@example.com"}, {"@b", "***@b"},
          {"李@b.cn", "***@b.cn"}, {"nobody", "***"}, {"", ""}, {"a@b@c", "a***@c"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),    cmocka_unit_test(mobiles), cmocka_unit_test(accounts_and_mails),
        cmocka_unit_test(sameness), cmocka_unit_test(masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
