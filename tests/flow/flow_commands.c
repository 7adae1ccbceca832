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

#define RECIPE_MAX 1024

/* About what this company does not have: nobody works, is owed a reconcile, follows superiors. */
static bool may_be_empty(const char *recipe)
{
    static const char *const names[] = {"{acme}:lease", "{acme}:owed", "{acme}:superiors"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(recipe, names[i]) != NULL)
            return true;
    }
    return false;
}

/* What the recipes have as examples, and what it is here. */
struct examples {
    char *event, *audit, *record;
};

/* The recipe of redis.md, for this Redis; it must be understood, and answered. */
static void try_recipe(struct stage *s, const char *line, const struct examples *e)
{
    char recipe[RECIPE_MAX], command[RECIPE_MAX + 128], out[65536] = "";
    (void)snprintf(recipe, sizeof(recipe), "%s", line);
    char *remark = strstr(recipe, "  #");
    if (remark != NULL)
        *remark = '\0';
    replace(recipe, sizeof(recipe), "1767225600000-0", e->event);
    replace(recipe, sizeof(recipe), "4005376772622374759", e->record);
    replace(recipe, sizeof(recipe), "ENTRY", e->audit);
    replace(recipe, sizeof(recipe), "redis-cli ", "");
    (void)snprintf(command, sizeof(command), "redis-cli -e -s %s %s 2>&1", stage_redis(s)->socket,
                   recipe);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    out[fread(out, 1, sizeof(out) - 1, p)] = '\0';
    if (pclose(p) != 0 || (out[strspn(out, "\n0")] == '\0' && !may_be_empty(recipe)))
        fail_msg("%s: %s", recipe, out);
    if (strstr(recipe, "{acme}:events' kind ") != NULL && strstr(out, e->event) == NULL)
        fail_msg("%s does not find %s: %s", recipe, e->event, out);
}

static bool is_alarmed(struct stage *s)
{
    char *count = stage_redis_text(s, "HLEN yq:{acme}:alarms");
    bool is = atoi(count) > 0;
    free(count);
    return is;
}

static bool is_tried_again(struct stage *s)
{
    char *count = stage_redis_text(s, "HLEN yq:{acme}:retry");
    bool is = atoi(count) > 0;
    free(count);
    return is;
}

/* One of each: a case, a held plan, a dead letter, an alarm, and one that is tried again and so is
 * pending. */
static struct stage *troubled(void **state)
{
    static const char lock[] = "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}";
    struct stage *s = story_with(
        state, &(struct stage_options){
                   .seed = 1, .connection_yaml = "    sync: { removals: { max: 1, percent: 1 } }"});
    char userid[16];
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":[{\"id\":\"4200000000000000001\",\"username\":\"孙一\",\"account\":"
         "\"sunyi\"},{\"id\":\"4200000000000000003\",\"username\":\"孙二\",\"mobile\":"
         "\"13812345678\"}]}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    for (int i = 0; i < 6; i++) {
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        wecom_member(s, userid, "员工", "2");
    }
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"sunyi\",\"name\":\"孙一\","
                          "\"departments\":[1],\"mobile\":\"13812345678\"}");
    stage_settle(s, false);
    expect_command(s, 0, "pause", "acme", NULL);
    for (int i = 0; i < 5; i++)
        stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"u%d\"}", i);
    await_deliveries(s);
    expect_command(s, 0, "resume", "acme", NULL);
    stage_settle(s, true);
    tell(s, STAGE_ETEAMS, "/_sim/change", "%s", lock);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"u5\",\"name\":\"改名\"}");
    stage_settle(s, true);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    await(s, is_tried_again, "a retry");
    await(s, is_alarmed, "an alarm");
    return s;
}

static char *first_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void the_recipes_work(void **state)
{
    struct stage *s = troubled(state);
    char line[RECIPE_MAX];
    int count = 0;
    struct examples e = {
        .event = first_line(stage_redis_text(s, "XRANGE yq:{acme}:events - + COUNT 1")),
        .audit = first_line(stage_redis_text(s, "LINDEX yq:{acme}:audit:member:li.na 0")),
        .record = person_id(s, "li.na")};
    FILE *f = fopen(YQ_SOURCE_DIR "/docs/redis.md", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "    redis-cli ", 14) != 0)
            continue;
        try_recipe(s, line + 4, &e);
        count++;
    }
    (void)fclose(f);
    assert_in_range(count, 25, 100);
    free(e.event);
    free(e.audit);
    free(e.record);
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
