/* What an operator asks, and is told: exit statuses, JSON that parses, stories that read well. */
#include "story.h"

#include <time.h>

#include "base/json.h"
#include "support/temp_redis.h"

/* The command's status and text; the text must hold all the words up to NULL. */
static void expect_text(char *text, ...)
{
    va_list words;
    va_start(words, text);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;) {
        if (strstr(text, word) == NULL)
            fail_msg("\"%s\" is missing in\n%s", word, text);
    }
    va_end(words);
    free(text);
}

static cJSON *parse(char *text)
{
    struct yq_error err = {0};
    cJSON *json = yq_json_parse(text, strlen(text), &err);
    if (json == NULL)
        fail_msg("%s: no JSON: %s", err.text, text);
    free(text);
    return json;
}

static void checking_the_configuration(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    char *text;
    assert_int_equal(stage_command(s, &text, "check", NULL), 0);
    free(text);
    assert_int_equal(stage_command(s, &text, "check", "--json", NULL), 0);
    cJSON *json = parse(text);
    assert_true(yq_json_bool(json, "ok", false));
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "version", NULL), 0);
    expect_text(text, "yunqiao ", NULL);
    assert_int_equal(stage_command(s, &text, "version", "--json", NULL), 0);
    cJSON_Delete(parse(text));
}

static void wrong_usage_ends_with_two(void **state)
{
    static const char *const wrong[][3] = {
        {"dance", NULL, NULL},       {"check", "--fast", NULL}, {"pause", NULL, NULL},
        {"cancel", "acme", NULL},    {"explain", "acme", NULL}, {"queue", "acme", "acme"},
        {"events", "dance", "acme"},
    };
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *text;
        int status = stage_command(s, &text, wrong[i][0], wrong[i][1], wrong[i][2], NULL);
        if (status != 2)
            fail_msg("%s %s ends with %d: %s", wrong[i][0], wrong[i][1], status, text);
        free(text);
    }
}

static void what_cannot_be_done_ends_with_one(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    char *text;
    assert_int_equal(stage_command(s, &text, "queue", "nobody", NULL), 1);
    expect_text(text, "nobody", NULL);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "li.na", NULL), 1);
    expect_text(text, "no worker is alive", NULL);
    assert_int_equal(stage_command(s, &text, "events", "show", "acme", "1-1", NULL), 1);
    free(text);
}

static void the_queue_at_a_glance(void **state)
{
    struct stage *s = story(state);
    char *text;
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    expect_command(s, 0, "pause", "acme", NULL);
    wecom_member(s, "wang.wei", "王伟", "1");
    wecom_member(s, "sun.li", "孙丽", "1");
    await_deliveries(s);
    assert_int_equal(stage_command(s, &text, "queue", NULL), 0);
    expect_text(text, "acme", "paused", NULL);
    assert_int_equal(stage_command(s, &text, "queue", "acme", "--json", NULL), 0);
    cJSON *json = parse(text);
    const cJSON *c = cJSON_GetArrayItem(yq_json_get(json, "connections"), 0);
    int64_t length = 0, open = 0, pending = 0;
    assert_true(yq_json_int(c, "length", &length));
    assert_true(yq_json_int(c, "waiting", &open));
    assert_true(yq_json_int(c, "pending", &pending));
    assert_int_equal(length, 3);
    assert_int_equal(open + pending, 2);
    assert_true(yq_json_bool(c, "paused", false));
    cJSON_Delete(json);
    expect_command(s, 0, "resume", "acme", NULL);
    stage_settle(s, false);
    expect_person(s, "sun.li", "username", "孙丽", NULL);
}

static void events_are_listed_and_shown(void **state)
{
    struct stage *s = story(state);
    char *text, *entry;
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[1],\"mobile\":\"13800001111\"}");
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    assert_int_equal(stage_command(s, &text, "events", "list", "acme", NULL), 0);
    expect_text(text, "member.created", "member:li.na", "department.created", "department:2",
                "done", NULL);
    assert_int_equal(stage_command(s, &text, "events", "list", "acme", "--subject", "member:li.na",
                                   "--json", NULL),
                     0);
    cJSON *json = parse(text);
    assert_int_equal(cJSON_GetArraySize(json), 1);
    const cJSON *item = yq_json_get(cJSON_GetArrayItem(json, 0), "entry");
    assert_true(cJSON_IsString(item));
    entry = strdup(item->valuestring);
    cJSON_Delete(json);
    assert_int_equal(stage_command(s, &text, "events", "show", "acme", entry, NULL), 0);
    assert_null(strstr(text, "13800001111"));
    expect_text(text, "member:li.na", "138****1111", NULL);
    assert_int_equal(stage_command(s, &text, "events", "show", "acme", entry, "--reveal", NULL), 0);
    expect_text(text, "13800001111", NULL);
    free(entry);
    assert_int_equal(
        stage_command(s, &text, "events", "list", "acme", "--kind", "tag.updated", NULL), 0);
    free(text);
}

static void syncing_one_member_by_hand(void **state)
{
    struct stage *s = story(state);
    char *text;
    hold_events(s);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "li.na", NULL), 0);
    expect_text(text, "done", NULL);
    expect_person(s, "li.na", "department", "研发", NULL);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "li.na", NULL), 0);
    free(text);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--department", "2", "--json", NULL),
                     0);
    cJSON *json = parse(text);
    const char *outcome = cJSON_GetStringValue(yq_json_get(json, "outcome"));
    assert_string_equal(outcome, "done");
    cJSON_Delete(json);
    expect_all_well(s);
}

/* ---- explain ---- */

static struct stage *eventful(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 1);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[2],\"mobile\":\"13800001111\"}");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[3]}");
    stage_settle(s, false);
    return s;
}

static void explain_tells_a_story(void **state)
{
    struct stage *s = eventful(state);
    char *text;
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "Li.Na", NULL), 0);
    const char *created = strstr(text, "WeCom reported a new member");
    const char *made = strstr(text, "was created in eteams");
    const char *moved = strstr(text, "WeCom reported that the member changed");
    const char *changed = strstr(text, "was changed in eteams");
    assert_non_null(created);
    assert_non_null(made);
    assert_non_null(moved);
    assert_non_null(changed);
    if (created > made || made > moved || moved > changed)
        fail_msg("told out of order:\n%s", text);
    assert_null(strstr(text, "13800001111"));
    expect_text(text, "R3", "R6", "138****1111", "linked", NULL);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "department", "2", NULL), 0);
    expect_text(text, "R1", NULL);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "li.na", "--json", NULL),
                     0);
    cJSON_Delete(parse(text));
}

static void explain_speaks_chinese(void **state)
{
    struct stage *s = eventful(state);
    char *text;
    assert_int_equal(setenv("LC_ALL", "zh_CN.UTF-8", 1), 0);
    int status = stage_command(s, &text, "explain", "acme", "member", "li.na", NULL);
    assert_int_equal(unsetenv("LC_ALL"), 0);
    assert_int_equal(status, 0);
    assert_null(strstr(text, "reported"));
    assert_null(strstr(text, "created"));
    expect_text(text, "企业微信", "R3", "138****1111", NULL);
}

static void explain_says_why_nothing_was_done(void **state)
{
    struct stage *s = story(state);
    char *text;
    wecom_department(s, 3, "机密", 1);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[],\"members\":[],\"tags\":[]}");
    wecom_member(s, "agent", "零零七", "3");
    stage_settle(s, true);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "agent", NULL), 0);
    expect_text(text, "the reading app cannot see it", NULL);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "stranger", NULL), 0);
    expect_text(text, "stranger", NULL);
}

/* ---- by plain redis-cli ---- */

/* What `find` is in the recipe becomes `what`. */
static void replace(char *recipe, size_t size, const char *find, const char *what)
{
    char *at;
    while ((at = strstr(recipe, find)) != NULL) {
        char *rest = strdup(at + strlen(find));
        (void)snprintf(at, size - (size_t)(at - recipe), "%s%s", what, rest);
        free(rest);
    }
}

/* The recipe of redis.md, for this Redis; it must be understood, and know of li.na whom it asks
 * about. */
static void try_recipe(struct stage *s, const char *line, const char *event, const char *audit)
{
    char recipe[512], command[640], out[8192] = "";
    (void)snprintf(recipe, sizeof(recipe), "%s", line);
    char *remark = strstr(recipe, "  #");
    if (remark != NULL)
        *remark = '\0';
    replace(recipe, sizeof(recipe), "1767225600000-0", event);
    replace(recipe, sizeof(recipe), "ENTRY", audit);
    replace(recipe, sizeof(recipe), "redis-cli ", "");
    (void)snprintf(command, sizeof(command), "redis-cli -e -s %s %s 2>&1", stage_redis(s)->socket,
                   recipe);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    size_t len = fread(out, 1, sizeof(out) - 1, p);
    if (pclose(p) != 0 || (strstr(recipe, "li.na") != NULL && len < 2))
        fail_msg("%s: %s", recipe, out);
}

static void the_recipes_work(void **state)
{
    struct stage *s = story(state);
    char line[512];
    int count = 0;
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    char *event = stage_redis_text(s, "XRANGE yq:{acme}:events - + COUNT 1");
    char *audit = stage_redis_text(s, "XRANGE yq:{acme}:audit - + COUNT 1");
    event[strcspn(event, "\n")] = audit[strcspn(audit, "\n")] = '\0';
    FILE *f = fopen(YQ_SOURCE_DIR "/docs/redis.md", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "    redis-cli ", 14) != 0)
            continue;
        try_recipe(s, line + 4, event, audit);
        count++;
    }
    (void)fclose(f);
    assert_in_range(count, 10, 100);
    free(event);
    free(audit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(checking_the_configuration),
        STORY(wrong_usage_ends_with_two),
        STORY(what_cannot_be_done_ends_with_one),
        STORY(the_queue_at_a_glance),
        STORY(events_are_listed_and_shown),
        STORY(syncing_one_member_by_hand),
        STORY(explain_tells_a_story),
        STORY(explain_speaks_chinese),
        STORY(explain_says_why_nothing_was_done),
        STORY(the_recipes_work),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
