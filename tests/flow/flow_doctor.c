/* doctor: is all well, what is to be done if not, and how fresh each field is. */
#include "story.h"

#include "base/json.h"
#include "support/temp_redis.h"

#define MINUTE_MS ((int64_t)60 * 1000)

/* Its JSON; the caller deletes it. */
static cJSON *doctor(struct stage *s, int status)
{
    char *text;
    int is = stage_command(s, &text, "doctor", "acme", "--json", NULL);
    cJSON *json = yq_json_parse(text, strcspn(text, "\n"), NULL);
    if (json == NULL || is != status)
        fail_msg("doctor ends with %d, not %d:\n%s", is, status, text);
    free(text);
    return json;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(object, name));
    return text != NULL ? text : "";
}

/* A fault of that part whose text holds these words, and which says what to do. */
static void expect_fault(const cJSON *json, const char *part, const char *words)
{
    const cJSON *f;
    cJSON_ArrayForEach (f, yq_json_get(json, "findings")) {
        if (strcmp(text_of(f, "level"), "fault") == 0 && strcmp(text_of(f, "part"), part) == 0 &&
            strstr(text_of(f, "text"), words) != NULL && text_of(f, "advice")[0] != '\0')
            return;
    }
    char *text = cJSON_Print(yq_json_get(json, "findings"));
    fail_msg("no fault of %s says \"%s\":\n%s", part, words, text);
}

static const cJSON *field_of(const cJSON *json, const char *field)
{
    const cJSON *row, *first = cJSON_GetArrayItem(yq_json_get(json, "connections"), 0);
    cJSON_ArrayForEach (row, yq_json_get(first, "fields")) {
        if (strcmp(text_of(row, "field"), field) == 0)
            return row;
    }
    fail_msg("the table has no %s", field);
    return NULL;
}

static void expect_fed(const cJSON *json, const char *field, const char *by)
{
    const char *is = text_of(field_of(json, field), "fed_by");
    if (strcmp(is, by) != 0)
        fail_msg("%s is fed by \"%s\", not \"%s\"", field, is, by);
}

static void rename_in_config(struct stage *s, const char *from, const char *to)
{
    char path[128], text[8192] = "", *at;
    assert_int_equal(strlen(from), strlen(to));
    (void)snprintf(path, sizeof(path), "%s/yunqiao.yaml", stage_directory(s));
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
    at = strstr(text, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    rewind(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ---- stories ---- */

static void a_good_stage_is_well(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1,
                                       .reconcile = "at_start: false, departments: 10m, members: "
                                                    "60m, full_at: \"\""});
    char *text;
    cJSON *json = doctor(s, 0);
    expect_fed(json, "member.name", "unknown"); /* nothing is guessed */
    expect_fed(json, "department.name", "unknown");
    cJSON_Delete(json);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李那\","
                          "\"mobile\":\"13811112222\"}");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李楠\"}");
    stage_settle(s, false);
    json = doctor(s, 0);
    expect_fed(json, "member.name", "events");
    expect_fed(json, "member.status", "reconcile");
    expect_fed(json, "member.position", "reconcile");
    expect_fed(json, "department.name", "reconcile");
    int64_t interval = 0;
    assert_true(yq_json_int(field_of(json, "department.name"), "interval_ms", &interval));
    assert_int_equal(interval, 10 * MINUTE_MS);
    assert_true(yq_json_int(field_of(json, "member.status"), "interval_ms", &interval));
    assert_int_equal(interval, 60 * MINUTE_MS);
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "doctor", NULL), 0);
    assert_non_null(strstr(text, "all is well"));
    assert_non_null(strstr(text, "wecom.app_secret works"));
    assert_non_null(strstr(text, "wecom.contacts_secret works"));
    assert_non_null(strstr(text, "eteams.app_secret works"));
    assert_null(strstr(text, "13811112222"));
    free(text);
}

static void hidden_mobiles_are_told(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 1, .callback_mode = "trimmed"});
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":false}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, true);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[1],"
                          "\"name\":\"李那\"}");
    stage_settle(s, true);
    expect_command(s, 0, "sync", "acme", NULL);
    cJSON *json = doctor(s, 0);
    expect_fed(json, "member.mobile", "unreadable");
    expect_fed(json, "member.name", "reconcile");
    cJSON_Delete(json);
}

static void unsafe_redis_is_told(void **state)
{
    struct stage *s = story(state);
    free(stage_redis_text(s, "CONFIG SET appendfsync everysec"));
    cJSON *json = doctor(s, 1);
    expect_fault(json, "redis", "appendfsync is everysec");
    cJSON_Delete(json);
    free(stage_redis_text(s, "CONFIG SET appendfsync always"));
    cJSON_Delete(doctor(s, 0));
}

static void a_missing_redis_is_told(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    yq_temp_redis_stop(stage_redis(s));
    cJSON *json = doctor(s, 1);
    expect_fault(json, "redis", "does not answer");
    cJSON_Delete(json);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    cJSON_Delete(doctor(s, 0)); /* before the first start, too */
}

static void a_wrong_secret_is_told(void **state)
{
    struct stage *s = story(state);
    rename_in_config(s, "app_secret: sim-app-secret", "app_secret: sim-bad-secret");
    cJSON *json = doctor(s, 1);
    expect_fault(json, "wecom", "wecom.app_secret");
    cJSON_Delete(json);
    rename_in_config(s, "app_secret: sim-bad-secret", "app_secret: sim-app-secret");
    rename_in_config(s, "app_key: sim-app-key", "app_key: sim-bad-key");
    json = doctor(s, 1);
    expect_fault(json, "eteams", "eteams.app_");
    cJSON_Delete(json);
}

static void a_clock_that_is_wrong_is_told(void **state)
{
    struct stage *s = story(state);
    stage_advance(s, 10 * MINUTE_MS);
    cJSON *json = doctor(s, 1);
    expect_fault(json, "clock", "Redis");
    expect_fault(json, "clock", "WeCom");
    expect_fault(json, "clock", "eteams");
    cJSON_Delete(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_good_stage_is_well),   STORY(hidden_mobiles_are_told),
        STORY(unsafe_redis_is_told),   STORY(a_missing_redis_is_told),
        STORY(a_wrong_secret_is_told), STORY(a_clock_that_is_wrong_is_told),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
