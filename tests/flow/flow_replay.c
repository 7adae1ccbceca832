/* Stored events sent again: nothing changes where nothing is wrong, and what was missed is made
 * good where something is. */
#include "story.h"

#include "base/json.h"

/* All that eteams holds, and how much was ever written to it. */
static char *eteams(struct stage *s)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON *writes = stage_call(s, STAGE_ETEAMS, "/_sim/writes", NULL);
    char *a = cJSON_Print(state), *b = cJSON_Print(writes), *both = NULL;
    if (asprintf(&both, "%s\n%s", a, b) < 0)
        abort();
    cJSON_Delete(state);
    cJSON_Delete(writes);
    cJSON_free(a);
    cJSON_free(b);
    return both;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Who is linked, and with what: a hash has no order. */
static char *links(struct stage *s)
{
    char *text = stage_redis_text(s, "HGETALL yq:{acme}:linked:member"), *rest = text, *line;
    char *lines[64], *sorted = calloc(1, strlen(text) + 65);
    size_t n = 0;
    while ((line = strsep(&rest, "\n")) != NULL && n < 64)
        lines[n++] = line;
    qsort(lines, n, sizeof(*lines), by_text);
    for (size_t i = 0; i < n; i++)
        strcat(strcat(sorted, lines[i]), "\n");
    free(text);
    return sorted;
}

static int64_t count(struct stage *s, const char *command)
{
    char *text = stage_redis_text(s, "%s", command);
    int64_t n = strtoll(text, NULL, 10);
    free(text);
    return n;
}

/* All is settled, and time goes by. */
static void pass(struct stage *s)
{
    stage_settle(s, true);
    stage_advance(s, 5 * 60000);
}

/* Everything that can happen to people and departments: names that go to and fro, and a userid that
 * somebody else gets later. */
static void live(struct stage *s)
{
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 2);
    wecom_department(s, 4, "市场", 1);
    wecom_member(s, "li.na", "李娜", "2,3");
    wecom_member(s, "wang.wei", "王伟", "3");
    wecom_member(s, "sun.li", "孙丽", "4");
    pass(s);
    stage_wecom_change(s, "{\"do\":\"rename_userid\",\"userid\":\"li.na\",\"new_userid\":\"na2\"}");
    pass(s);
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜娜\","
                          "\"departments\":[4],\"mobile\":\"13700001111\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"sun.li\",\"name\":\"孙小丽\"}");
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"wang.wei\"}");
    pass(s);
    wecom_member(s, "wang.wei", "王伟", "2");
    pass(s);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"name\":\"质量\",\"parent\":4}");
    pass(s);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":3,\"name\":\"测试\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"sun.li\",\"name\":\"孙丽\","
                          "\"departments\":[4,2]}");
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"na2\"}");
    pass(s);
    wecom_member(s, "zhao.min", "赵敏", "3");
    stage_wecom_change(s, "{\"do\":\"delete_department\",\"id\":2,\"subtree\":true}");
    pass(s);
    expect_command(s, 0, "sync", "acme", NULL); /* what trimmed events do not tell */
    pass(s);
}

#define NOOP "yunqiao_events_noop_total{connection=\"acme\"}"

static void expect_nothing_changes(struct stage *s, const char *what)
{
    char *before = eteams(s), *linked = links(s);
    int64_t sent = count(s, "XLEN yq:{acme}:events");
    double idle = metric(s, NOOP);
    expect_command(s, 0, "replay", "acme", "--from", "0", NULL);
    if (count(s, "XLEN yq:{acme}:events") < sent + 15)
        fail_msg("%s: hardly anything was sent again", what);
    stage_settle(s, true);
    char *after = eteams(s), *linked_after = links(s);
    if (strcmp(before, after) != 0)
        fail_msg("%s: the replay changed\n%s\ninto\n%s", what, before, after);
    assert_string_equal(linked, linked_after);
    assert_true(metric(s, NOOP) >= idle + 15);
    expect_dead(s, 0);
    assert_int_equal(count(s, "HLEN yq:{acme}:cases"), 0);
    free(before);
    free(after);
    free(linked);
    free(linked_after);
}

static void a_replay_of_everything_changes_nothing(void **state)
{
    static const struct {
        const char *what;
        struct stage_options options;
    } modes[] = {{"full", {.seed = 1}},
                 {"trimmed", {.seed = 1, .callback_mode = "trimmed"}},
                 {"contacts only", {.seed = 1, .contacts_only = true}}};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        struct stage *s = story_with(state, &modes[i].options);
        live(s);
        expect_nothing_changes(s, modes[i].what);
        expect_nothing_changes(s, modes[i].what);
        story_over(state);
    }
    *state = NULL;
}

/* A name that was refused while it was locked: the plan is told first, then it is carried out, and
 * the audit says by what. */
static void what_was_missed_is_made_good(void **state)
{
    struct stage *s = story(state);
    char *text;
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"lock\",\"field\":\"username\",\"source\":\"manual\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, true);
    expect_command(s, 0, "dead", "drop", "acme", "--all", "--reason", "locked", NULL);
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"unlock\",\"field\":\"username\"}");
    int64_t events = count(s, "XLEN yq:{acme}:events");
    assert_int_equal(
        stage_command(s, &text, "replay", "acme", "--kind", "member.updated", "--dry-run", NULL),
        0);
    assert_non_null(strstr(text, "李小娜"));
    assert_non_null(strstr(text, "a dry run: nothing was written"));
    free(text);
    assert_int_equal(count(s, "XLEN yq:{acme}:events"), events + 1); /* the command */
    expect_person(s, "li.na", "username", "李娜", NULL);
    assert_int_equal(
        stage_command(s, &text, "replay", "acme", "--from", "0", "--dry-run", "--json", NULL), 0);
    cJSON *run = yq_json_parse(text, strlen(text), NULL);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(run, "operations")), 1);
    cJSON_Delete(run);
    free(text);
    expect_command(s, 0, "replay", "acme", "--kind", "member.updated", NULL);
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    expect_in_audit(s, "member:li.na", "source\nreplay");
    assert_int_equal(stage_command(s, &text, "explain", "acme", "member", "li.na", NULL), 0);
    assert_non_null(strstr(text, "WeCom reported that the member changed (replayed)"));
    free(text);
    expect_all_well(s);
}

/* Fields that cannot be read are known by events alone: an old one does not win over a newer one,
 * in whatever order they are sent again. */
static void old_news_do_not_win(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .contacts_only = true});
    char *text;
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    stage_advance(s, 5000);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\"}");
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    assert_int_equal(stage_command(s, &text, "events", "list", "acme", "--kind", "member.created",
                                   "--json", NULL),
                     0);
    cJSON *json = yq_json_parse(text, strlen(text), NULL);
    free(text);
    const cJSON *entry = yq_json_get(cJSON_GetArrayItem(json, 0), "entry");
    expect_command(s, 0, "replay", "acme", entry->valuestring, NULL);
    stage_settle(s, false);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    assert_int_equal(
        stage_command(s, &text, "replay", "acme", entry->valuestring, "--dry-run", "--json", NULL),
        0);
    assert_non_null(strstr(text, "\"operations\":[]"));
    free(text);
    cJSON_Delete(json);
    expect_all_well(s);
}

/* The entry that told of the member's creation; caller frees. */
static char *creation(struct stage *s)
{
    char *text;
    assert_int_equal(stage_command(s, &text, "events", "list", "acme", "--kind", "member.created",
                                   "--json", NULL),
                     0);
    cJSON *json = yq_json_parse(text, strlen(text), NULL);
    char *entry = strdup(yq_json_get(cJSON_GetArrayItem(json, 0), "entry")->valuestring);
    cJSON_Delete(json);
    free(text);
    return entry;
}

static void rename_to(struct stage *s, const char *name)
{
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"%s\"}", name);
    await_deliveries(s);
}

/* The newer one has not been done yet: it waits in front of the older one that is sent again, and
 * then behind it. Either way both are done together, and the newer one stands. */
static void a_replay_never_overtakes(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .contacts_only = true});
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    char *entry = creation(s);
    stage_advance(s, 5000);
    expect_command(s, 0, "pause", "acme", NULL);
    rename_to(s, "李小娜");
    expect_command(s, 0, "replay", "acme", entry, NULL);
    assert_int_equal(count(s, "XLEN yq:{acme}:events"), 3);
    expect_command(s, 0, "resume", "acme", NULL);
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李小娜", NULL);
    stage_advance(s, 5000);
    expect_command(s, 0, "pause", "acme", NULL);
    expect_command(s, 0, "replay", "acme", entry, NULL);
    rename_to(s, "李娜娜");
    assert_int_equal(count(s, "XLEN yq:{acme}:events"), 5);
    expect_command(s, 0, "resume", "acme", NULL);
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜娜", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 3); /* made, renamed twice */
    expect_all_well(s);
    free(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_replay_of_everything_changes_nothing),
        STORY(what_was_missed_is_made_good),
        STORY(old_news_do_not_win),
        STORY(a_replay_never_overtakes),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
