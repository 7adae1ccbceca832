/* Chinese texts: every reason has one, with the same arguments, also where only C.UTF-8 and POSIX
 * are installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/app/explain_words.h"
#include "../../src/app/language.h"
#include "model/reason.h"

static void set_environment(const char *language, const char *all, const char *lang)
{
    unsetenv("LC_MESSAGES");
    language != NULL ? setenv("LANGUAGE", language, 1) : unsetenv("LANGUAGE");
    all != NULL ? setenv("LC_ALL", all, 1) : unsetenv("LC_ALL");
    lang != NULL ? setenv("LANG", lang, 1) : unsetenv("LANG");
}

static bool is_chinese(void)
{
    return strcmp(_("is missing"), "缺失") == 0;
}

static void test_the_language_follows(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *language, *all, *lang;
        bool chinese;
    } cases[] = {
        {"zh", NULL, NULL, NULL, true},
        {"zh", NULL, "C", NULL, true},
        {"zh", "en", "POSIX", "en_US.UTF-8", true},
        {"zh", NULL, NULL, "C.UTF-8", true},
        {"en", "zh_CN", "zh_CN.UTF-8", "zh_CN.UTF-8", false},
        {"auto", NULL, NULL, NULL, false},
        {"auto", NULL, NULL, "zh_CN.UTF-8", true},
        {"auto", NULL, "zh_CN.UTF-8", "en_US.UTF-8", true},
        {"auto", NULL, "C", "zh_CN.UTF-8", false},
        {"auto", "zh_CN:en", NULL, "en_US.UTF-8", true},
        {"auto", "en", NULL, "zh_CN.UTF-8", false},
        {"auto", "zh_CN", "C", NULL, false},
        {"zh", NULL, NULL, NULL, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_environment(cases[i].language, cases[i].all, cases[i].lang);
        yq_language_set(cases[i].setting);
        if (is_chinese() != cases[i].chinese)
            fail_msg("case %zu: %s", i, _("is missing"));
    }
}

static void test_every_reason_is_translated(void **state)
{
    (void)state;
    yq_language_set("zh");
    for (int code = YQ_REASON_NONE + 1; code < YQ_REASON_COUNT; code++) {
        const char *english = yq_reason_template((enum yq_reason_code)code);
        const char *chinese = _(english);
        if (strcmp(english, chinese) == 0)
            fail_msg("no Chinese for: %s", english);
        for (const char *argument = "%1\0%2\0%3\0"; *argument != '\0'; argument += 3) {
            if ((strstr(english, argument) != NULL) != (strstr(chinese, argument) != NULL))
                fail_msg("arguments differ: %s", chinese);
        }
    }
}

static void test_every_word_of_the_story_is_there(void **state)
{
    (void)state;
    yq_language_set("en");
    for (int kind = 0; kind < YQ_OPERATION_KIND_COUNT; kind++)
        assert_non_null(
            yq_words_of_operation(yq_operation_kind_name((enum yq_operation_kind)kind)));
    assert_null(yq_words_of_operation("none"));
    assert_string_equal(yq_words_of_field("username"), "name");
    assert_string_equal(yq_words_of_field("other"), "other");
    assert_null(yq_words_of_rule("guard"));
    yq_language_set("zh");
    assert_string_equal(yq_words_of_event(YQ_EVENT_MEMBER_CREATED), "企业微信通知：新增成员");
    assert_string_equal(yq_words_of_link("account"), "账号相同");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_language_follows),
        cmocka_unit_test(test_every_reason_is_translated),
        cmocka_unit_test(test_every_word_of_the_story_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
