/* Reasons and operation kinds: tables, names, sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/operation.h"
#include "model/reason.h"

static void every_name_is_read_back_and_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < YQ_REASON_COUNT; i++) {
        enum yq_reason_code code = YQ_REASON_COUNT;
        assert_int_equal(yq_reason_parse(yq_reason_name((enum yq_reason_code)i), &code), 0);
        assert_int_equal(code, i);
    }
    enum yq_reason_code code = YQ_REASON_IN_STEP;
    assert_int_equal(yq_reason_parse("no_such_reason", &code), -1);
    assert_int_equal(code, YQ_REASON_IN_STEP);
    assert_string_equal(yq_reason_name(YQ_REASON_COUNT), "?");
}

static void every_operation_is_read_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < YQ_OPERATION_KIND_COUNT; i++) {
        enum yq_operation_kind kind = YQ_OPERATION_KIND_COUNT;
        const char *name = yq_operation_kind_name((enum yq_operation_kind)i);
        assert_int_equal(yq_operation_kind_parse(name, &kind), 0);
        assert_int_equal(kind, i);
    }
    enum yq_operation_kind kind = YQ_OP_POST_ADD;
    assert_int_equal(yq_operation_kind_parse("member.fire", &kind), -1);
    assert_int_equal(kind, YQ_OP_POST_ADD);
}

/* How many arguments a sentence asks for: %1 up to the highest. */
static unsigned asked(const char *sentence)
{
    unsigned highest = 0;
    for (const char *s = sentence; (s = strchr(s, '%')) != NULL; s++) {
        assert_true(s[1] >= '1' && s[1] <= '3');
        if ((unsigned)(s[1] - '0') > highest)
            highest = (unsigned)(s[1] - '0');
    }
    return highest;
}

static void sentences_take_their_arguments(void **state)
{
    (void)state;
    for (unsigned i = 0; i < YQ_REASON_COUNT; i++) {
        struct yq_reason r = {(enum yq_reason_code)i, {"<one>", "<two>", "<three>"}};
        struct yq_buf out = YQ_BUF_INIT;
        yq_reason_format(&r, yq_reason_template(r.code), &out);
        unsigned n = asked(yq_reason_template(r.code));
        assert_int_equal(strstr(yq_buf_text(&out), "<one>") != NULL, n >= 1);
        assert_int_equal(strstr(yq_buf_text(&out), "<two>") != NULL, n >= 2);
        assert_int_equal(strstr(yq_buf_text(&out), "<three>") != NULL, n >= 3);
        assert_null(strchr(yq_buf_text(&out), '%'));
        yq_buf_release(&out);
    }
}

static void odd_sentences_and_missing_arguments(void **state)
{
    (void)state;
    struct yq_reason r = {YQ_REASON_GAVE_UP, {"5", NULL, NULL}};
    struct yq_buf out = YQ_BUF_INIT;
    yq_reason_format(&r, "%2: %1 次 (%1) 100% %4 %0 %", &out);
    assert_string_equal(yq_buf_text(&out), "?: 5 次 (5) 100% %4 %0 %");
    yq_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_read_back_and_unique),
        cmocka_unit_test(every_operation_is_read_back),
        cmocka_unit_test(sentences_take_their_arguments),
        cmocka_unit_test(odd_sentences_and_missing_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
