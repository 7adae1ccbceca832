/* How alarms are kept and told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/alarm.h"

#define HASH "0123456789abcdef0123456789abcdef"

static const char *same(const char *text)
{
    return text;
}

static const char *backwards(const char *text)
{
    return strcmp(text, "yunqiao: alarm") == 0 ? "云桥告警" : "共 %2 与 %1";
}

static const struct yq_alarm held = {.kind = YQ_ALARM_HELD,
                                     .key = "held:" HASH,
                                     .args = {"6", HASH},
                                     .at = 1767225600000,
                                     .run = "1-0"};
static const struct yq_alarm_telling english = {
    .connection = "acme", .when = "2026-01-01T08:00:00+0800", .translate = same};

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_buf json = YQ_BUF_INIT;
    struct yq_alarm a;
    yq_alarm_write(&held, &json);
    assert_int_equal(yq_alarm_read(arena, "held:" HASH, yq_buf_text(&json), &a), 0);
    assert_int_equal(a.kind, YQ_ALARM_HELD);
    assert_string_equal(a.key, held.key);
    assert_string_equal(a.args[0], "6");
    assert_string_equal(a.args[1], HASH);
    assert_null(a.args[2]);
    assert_int_equal(a.at, held.at);
    assert_string_equal(a.run, "1-0");
    assert_null(a.mark);
    yq_buf_release(&json);
    yq_arena_free(arena);
}

static void what_is_no_alarm_is_not_read(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_alarm a;
    assert_int_equal(yq_alarm_read(arena, "helt", "{\"at\":1}", &a), -1);
    assert_int_equal(yq_alarm_read(arena, "held", "{}", &a), -1);
    assert_int_equal(yq_alarm_read(arena, "held", "[", &a), -1);
    assert_int_equal(yq_alarm_read(arena, "held", "{\"at\":1,\"args\":[1,2,3,4]}", &a), 0);
    assert_null(a.args[0]);
    yq_arena_free(arena);
}

static void every_kind_has_a_name_a_sentence_and_a_command(void **state)
{
    (void)state;
    for (int kind = 0; kind < YQ_ALARM_COUNT; kind++) {
        struct yq_alarm a = {.kind = (enum yq_alarm_kind)kind, .args = {"A", "B", "C"}};
        struct yq_buf text = YQ_BUF_INIT, command = YQ_BUF_INIT;
        enum yq_alarm_kind back;
        assert_int_equal(yq_alarm_parse_key(yq_alarm_name(a.kind), &back), 0);
        assert_int_equal(back, kind);
        yq_alarm_sentence(&a, &english, &text);
        yq_alarm_command(&a, &english, 0, &command);
        assert_true(text.len > 10);
        assert_null(strchr(yq_buf_text(&text), '%'));
        assert_null(strchr(yq_buf_text(&command), '%'));
        assert_ptr_equal(strstr(yq_buf_text(&command), "yunqiao "), yq_buf_text(&command));
        assert_non_null(strstr(yq_buf_text(&command), " acme"));
        yq_buf_release(&text);
        yq_buf_release(&command);
    }
}

static void a_webhook_gets_json(void **state)
{
    (void)state;
    struct yq_buf out = YQ_BUF_INIT;
    yq_alarm_write_webhook(&held, &english, &out);
    assert_string_equal(
        yq_buf_text(&out),
        "{\"v\":1,\"id\":\"acme/held:" HASH "/1767225600000\",\"alarm\":\"held\","
        "\"connection\":\"acme\",\"at\":\"2026-01-01T08:00:00+0800\",\"text\":\"the guard holds a "
        "plan that would remove people or move them to the root: 6 in all\",\"args\":[\"6\",\"" HASH
        "\"],\"commands\":[\"yunqiao plans acme " HASH "\",\"yunqiao approve acme " HASH "\"]}");
    yq_buf_release(&out);
}

static void a_robot_gets_markdown_in_the_readers_language(void **state)
{
    (void)state;
    const struct yq_alarm_telling chinese = {
        .connection = "acme", .when = "now", .translate = backwards};
    struct yq_buf out = YQ_BUF_INIT;
    yq_alarm_write_robot(&held, &chinese, &out);
    assert_string_equal(yq_buf_text(&out),
                        "{\"msgtype\":\"markdown\",\"markdown\":{\"content\":\"**云桥告警** "
                        "acme\\n> now\\n> `yunqiao plans acme " HASH
                        "`\\n> `yunqiao approve acme " HASH "`\\n共 " HASH " 与 6\"}}");
    yq_buf_release(&out);
}

/* WeCom takes 4096 bytes; the commands are never what is cut, nor is a character cut in half. */
static void a_long_message_is_cut(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 3; lead++) {
        struct yq_buf names = YQ_BUF_INIT, out = YQ_BUF_INIT;
        for (size_t i = 0; i < lead; i++)
            yq_buf_addc(&names, 'x');
        for (int i = 0; i < 2000; i++)
            yq_buf_adds(&names, "部");
        const struct yq_alarm a = {.kind = YQ_ALARM_RANGE_SHRANK,
                                   .key = "range_shrank",
                                   .args = {yq_buf_text(&names), "1", "2"}};
        yq_alarm_write_robot(&a, &english, &out);
        cJSON *json = yq_json_parse(yq_buf_text(&out), out.len, NULL);
        const char *content =
            cJSON_GetStringValue(yq_json_get(yq_json_get(json, "markdown"), "content"));
        assert_non_null(content);
        assert_in_range(strlen(content), 4094, 4096);
        assert_string_equal(content + strlen(content) - strlen("部"), "部");
        assert_non_null(strstr(content, "`yunqiao sync acme`"));
        cJSON_Delete(json);
        yq_buf_release(&names);
        yq_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_no_alarm_is_not_read),
        cmocka_unit_test(every_kind_has_a_name_a_sentence_and_a_command),
        cmocka_unit_test(a_webhook_gets_json),
        cmocka_unit_test(a_robot_gets_markdown_in_the_readers_language),
        cmocka_unit_test(a_long_message_is_cut),
    };
    return cmocka_run_group_tests_name("alarm", tests, NULL, NULL);
}
