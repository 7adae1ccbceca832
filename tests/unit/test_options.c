/* One table of options: the page, the sample file and the defaults must agree with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/app/config_table.h"
#include "base/memory.h"

static char *read_file(const char *path)
{
    struct yq_buf text = YQ_BUF_INIT;
    char part[4096];
    size_t len;
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s cannot be read", path);
    while ((len = fread(part, 1, sizeof(part), f)) > 0)
        yq_buf_add(&text, part, len);
    fclose(f);
    return yq_buf_steal(&text);
}

static void test_page_is_printed_from_the_table(void **state)
{
    (void)state;
    struct yq_buf page = YQ_BUF_INIT;
    char *file = read_file(YQ_SOURCE_DIR "/docs/configuration.md");
    yq_config_print_options(&page);
    if (strcmp(file, yq_buf_text(&page)) != 0)
        fail_msg("docs/configuration.md is not what yunqiao check --print-options prints");
    yq_buf_release(&page);
    free(file);
}

/* The commented lines of the sample, for what would not make sense beside the rest. */
static bool is_in_comment(const char *sample, const char *path)
{
    return strstr(path, ".previous.") != NULL && strstr(sample, "# previous: { token: ") != NULL &&
           strstr(sample, "encoding_aes_key: \"…\" }") != NULL;
}

static void test_sample_has_every_option(void **state)
{
    (void)state;
    char *sample = read_file(YQ_SOURCE_DIR "/deploy/yunqiao.sample.yaml");
    struct yq_config_draft d = {.path = "sample", .s = yq_calloc(1, sizeof(*d.s))};
    setenv("YUNQIAO_ADMIN_TOKEN", "a", 1);
    setenv("ACME_APP_SECRET", "a", 1);
    setenv("ACME_CONTACTS_SECRET", "a", 1);
    setenv("ACME_CALLBACK_TOKEN", "QDG6eK", 1);
    setenv("ACME_CALLBACK_KEY", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", 1);
    setenv("ACME_ETEAMS_CORP_ID", "a", 1);
    setenv("ACME_ETEAMS_APP_KEY", "a", 1);
    setenv("ACME_ETEAMS_APP_SECRET", "a", 1);
    yq_config_read_yaml(&d, sample, strlen(sample));
    assert_int_equal(d.count, 1);
    for (size_t i = 0; i < yq_option_count; i++) {
        if (d.lines[i] == 0 && d.connections[0].lines[i] == 0 &&
            !is_in_comment(sample, yq_options[i].path))
            fail_msg("the sample misses %s", yq_options[i].path);
    }
    yq_config_finish(&d);
    for (size_t i = 0; i < d.fault_count; i++)
        fail_msg("the sample is wrong in line %zu: %s", d.faults[i].line, d.faults[i].text);
    yq_settings_free(d.s);
    free(sample);
}

static void test_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < yq_option_count; i++) {
        const struct yq_option *o = &yq_options[i];
        bool is_amount = o->type >= YQ_OPTION_INT && o->type <= YQ_OPTION_DURATION;
        bool has_value = o->fallback != NULL || (o->flags & YQ_OPTION_REQUIRED) != 0 ||
                         o->type == YQ_OPTION_TEXTS;
        if (is_amount != (o->max > 0) || !has_value || o->help[0] == '\0' ||
            (o->type == YQ_OPTION_CHOICE) > (o->choices != NULL) ||
            (o->type == YQ_OPTION_TEXTS) > (o->check != NULL))
            fail_msg("%s", o->path);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(o->path, yq_options[j].path);
    }
}

/* What the sample shows as a default is the default: both give the same settings. */
static void test_sample_shows_the_defaults(void **state)
{
    (void)state;
    char *sample = read_file(YQ_SOURCE_DIR "/deploy/yunqiao.sample.yaml");
    struct yq_settings *s = NULL, *bare = NULL;
    struct yq_buf faults = YQ_BUF_INIT;
    static const char least[] =
        "connections:\n- id: acme\n  wecom: {corp_id: ww0123456789abcdef, app_secret: a,\n"
        "    callback: {token: QDG6eK, encoding_aes_key: "
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C}}\n  eteams: {static_token: a}\n";
    assert_int_equal(yq_config_parse("s", sample, strlen(sample), &s, &faults), 0);
    assert_int_equal(yq_config_parse("l", least, strlen(least), &bare, &faults), 0);
    assert_int_equal(s->workers, bare->workers);
    assert_int_equal(s->workers_max, bare->workers_max);
    assert_int_equal(s->lease_ms, bare->lease_ms);
    assert_int_equal(s->retention_ms, bare->retention_ms);
    assert_int_equal(s->retention_max, bare->retention_max);
    assert_int_equal(s->retry_attempts, bare->retry_attempts);
    assert_memory_equal(&s->http, &bare->http, sizeof(s->http));
    assert_memory_equal(&s->connections[0].callback, &bare->connections[0].callback,
                        sizeof(s->connections[0].callback));
    assert_memory_equal(&s->connections[0].policy, &bare->connections[0].policy,
                        sizeof(struct yq_policy));
    assert_string_equal(s->connections[0].reconcile_full_at,
                        bare->connections[0].reconcile_full_at);
    yq_settings_free(s);
    yq_settings_free(bare);
    yq_buf_release(&faults);
    free(sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_is_printed_from_the_table),
        cmocka_unit_test(test_sample_has_every_option),
        cmocka_unit_test(test_sample_shows_the_defaults),
        cmocka_unit_test(test_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
