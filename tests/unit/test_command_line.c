/* The words of a command line: options, times; what is hidden in what is shown, and how wide it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../src/app/commands.h"
#include "../../src/app/mask.h"
#include "../../src/app/printing.h"
#include "../../src/app/when.h"
#include "base/json.h"
#include "clients/queue.h"
#include "console.h"

static void test_arguments(void **state)
{
    (void)state;
    const char *member = NULL, *from = NULL;
    bool json = false;
    const struct yq_argument known[] = {
        {"--member", &member, NULL}, {"--from", &from, NULL}, {"--json", NULL, &json}, {0}};
    char line[] = "acme --from -7d --member=li.na x --json -- --y", *words[16];
    struct yq_error err = {0};
    int count = 0;
    assert_int_equal(yq_arguments_take(known, split(line, words), words, false, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(words[1], "x");
    assert_string_equal(words[2], "--y");
    assert_string_equal(member, "li.na");
    assert_string_equal(from, "-7d");
    assert_true(json);

    static const char *const bad[][2] = {{"--nobody", "unknown option"},
                                         {"--member", "needs a value"},
                                         {"--member=", "needs a value"},
                                         {"--json=1", "takes no value"},
                                         {"-x", "unknown option"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char word[32], *one[] = {word, NULL};
        strcpy(word, bad[i][0]);
        assert_int_equal(yq_arguments_take(known, 1, one, false, &count, &err), -1);
        assert_non_null(strstr(err.text, bad[i][1]));
    }
    char more[] = "-x --json -- --json", *rest[8];
    assert_int_equal(yq_arguments_take(known, split(more, rest), rest, true, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(rest[1], "--");
}

static void test_times(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1767225600000); /* 2026-01-01T00:00:00Z */
    static const char *const good[][2] = {
        {"0", "0"},
        {"1767225600000-0", "1767225600000-0"},
        {"1767225600000", "1767225600000"},
        {"1767225600000-18446744073", "1767225600000-18446744073"},
        {"-90s", "1767225510000"},
        {"-15m", "1767224700000"},
        {"-2h", "1767218400000"},
        {"-7d", "1766620800000"},
        {"-999999d", "0"},
        {"2026-01-01T00:00:00Z", "1767225600000"},
        {"2026-01-01t08:00:00+08:00", "1767225600000"},
        {"2025-12-31 18:30:00-05:30", "1767225600000"},
        {"2026-01-01T00:00:00.25Z", "1767225600250"},
        {"2024-02-29T00:00:00Z", "1709164800000"},
    };
    static const char *const bad[] = {"",
                                      "x",
                                      "-",
                                      "-7",
                                      "7d",
                                      "-7w",
                                      "-1.5h",
                                      "1-",
                                      "1-x",
                                      "1-2-3",
                                      "+1",
                                      "12345678901234567890",
                                      "2026-01-01",
                                      "2026-01-01T00:00:00",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+0800",
                                      "2026-01-01T00:00:00.Z",
                                      "1969-01-01T00:00:00Z"};
    char entry[YQ_ENTRY_MAX];
    struct yq_error err = {0};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (yq_when_parse(good[i][0], now, entry, &err) != 0)
            fail_msg("%s: %s", good[i][0], err.text);
        assert_string_equal(entry, good[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (yq_when_parse(bad[i], now, entry, &err) == 0)
            fail_msg("%s was taken as %s", bad[i], entry);
    }
    char text[YQ_WHEN_MAX];
    setenv("TZ", "<+08>-8", 1);
    tzset();
    assert_string_equal(yq_when_show(now, text), "2026-01-01 08:00:00 +08:00");
    assert_string_equal(yq_when_show(0, text), "?");
    assert_string_equal(yq_when_show_age(450, text), "450 ms");
    assert_string_equal(yq_when_show_age(12999, text), "12 s");
    assert_string_equal(yq_when_show_age(180000, text), "3 min");
    assert_string_equal(yq_when_show_age(INT64_C(72) * 3600000, text), "3 d");
}

static void expect_masked(const char *text, const char *expected)
{
    struct yq_buf out = YQ_BUF_INIT;
    yq_mask_text(text, &out);
    assert_string_equal(yq_buf_text(&out), expected);
    yq_buf_release(&out);
}

static void test_masking(void **state)
{
    (void)state;
    expect_masked("", "");
    expect_masked("<Mobile>13812345678</Mobile>", "<Mobile>138****5678</Mobile>");
    expect_masked("<Mobile><![CDATA[+8613812345678]]></Mobile>",
                  "<Mobile><![CDATA[+86138****5678]]></Mobile>");
    expect_masked("<Telephone>020-123456</Telephone>", "<Telephone>****</Telephone>");
    expect_masked("<Email><![CDATA[li.na@example.com]]></Email>",
                  "<Email><![CDATA[l***@example.com]]></Email>");
    expect_masked("<Address>Long Street 5</Address>", "<Address>Long ****et 5</Address>");
    expect_masked("\"x\":\"li.na@a.example.com\"", "\"x\":\"l***@a.example.com\"");
    expect_masked("call 13812345678, id 4821000000013812345678", "call 138****5678, id "
                                                                 "4821000000013812345678");
    expect_masked("8613812345678 1767225600", "86138****5678 1767225600");
    expect_masked("<UserID><![CDATA[li.na]]></UserID>", "<UserID><![CDATA[li.na]]></UserID>");
    expect_masked("<Email>a@b.cn", "<Email>a***@b.cn");
    cJSON *tree = yq_json_or_text("{\"userid\":\"li\",\"mobile\":\"13812345678\",\"a\":[{\"Email\":"
                                  "\"x@y.cn\"}],\"phone\":5}");
    yq_mask_json(tree);
    char *text = cJSON_PrintUnformatted(tree);
    assert_string_equal(text, "{\"userid\":\"li\",\"mobile\":\"138****5678\",\"a\":[{\"Email\":"
                              "\"x***@y.cn\"}],\"phone\":0}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(yq_text_width("abc"), 3);
    assert_int_equal(yq_text_width("研发部"), 6);
    assert_int_equal(yq_text_width("…→"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_masking),
        cmocka_unit_test(test_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
