/* The full reconcile: two grown directories are linked, what no event told is followed, and nobody
 * is removed for being absent. */
#include "grown.h"

#include <signal.h>
#include <unistd.h>

#include "base/json.h"

/* How often a peer was asked. */
static void expect_calls(struct stage *s, enum stage_peer peer, const char *path, int64_t least,
                         int64_t most)
{
    cJSON *json = stage_call(s, peer, "/_sim/calls", NULL);
    const cJSON *row = NULL, *paths = yq_json_get(json, peer == STAGE_WECOM ? "paths" : "calls");
    int64_t n = 0;
    row = yq_json_get(paths, path);
    if (!yq_json_item_int(row, &n))
        (void)yq_json_int(row, "calls", &n); /* stays 0 */
    if (n < least || n > most) {
        char *text = cJSON_PrintUnformatted(json);
        fail_msg("%s is called %d times: %s", path, (int)n, text);
    }
    cJSON_Delete(json);
}

/* ---- the first time ---- */

static void two_grown_directories_are_linked(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    assert_int_equal(linked(s), 40);
    assert_int_equal(writes(s, "rows"), 0);
    assert_int_equal(of_run(s, "new"), 40);
    char *owners = stage_redis_text(s, "HLEN yq:{acme}:linked:member");
    assert_string_equal(owners, "40");
    free(owners);
    expect_all_well(s);
}

static void a_company_is_linked_by_itself_at_the_start(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 7,
                                                                .people = 30,
                                                                .departments = 4,
                                                                .mirrored = true,
                                                                .reconcile = "at_start: true"});
    await(s, is_reconciled, "the first reconcile");
    assert_int_equal(linked(s), 30);
    assert_int_equal(writes(s, "rows"), 0);
}

static void an_empty_eteams_is_filled(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 9, .people = 120, .departments = 12});
    sync_all(s, 0);
    assert_int_equal(linked(s), 120);
    assert_int_equal(writes(s, "noop_rows"), 0);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
}

/* As many as WeCom allows: YQ_DEPARTMENTS=30000. */
static void a_company_of_many_departments(void **state)
{
    const char *wanted = getenv("YQ_DEPARTMENTS");
    int departments = wanted != NULL ? atoi(wanted) : 1500;
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 300,
                                                  .departments = departments,
                                                  .pace = "per_second: 1000, in_flight: 8"});
    sync_all(s, 0);
    char *count = stage_redis_text(s, "HLEN yq:{acme}:link:department");
    assert_in_range(atoi(count), departments - 1, departments); /* the root may have a link, too */
    free(count);
    assert_int_equal(linked(s), 300);
    assert_int_equal(writes(s, "noop_rows"), 0);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
}

/* Above 50 subjects eteams is read by pages, and who cannot be told apart is a case, not a guess.
 */
static void awkward_people_are_cases_at_the_first_sync(void **state)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){.seed = 7, .people = 120, .departments = 10, .mirrored = true});
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    tell(s, STAGE_ETEAMS, "/_sim/load",
         "{\"members\":["
         "{\"id\":\"4200000000000000001\",\"username\":\"孙一\",\"account\":\"SUNYI\"},"
         "{\"id\":\"4200000000000000003\",\"username\":\"孙二\",\"mobile\":\"13812345678\"},"
         "{\"id\":\"4200000000000000005\",\"username\":\"周七\",\"job_num\":\"zhouqi\"},"
         "{\"id\":\"4200000000000000007\",\"username\":\"别人\",\"job_num\":\"wuba\"}]}");
    silently(
        s, "[{\"do\":\"create_member\",\"userid\":\"sunyi\",\"name\":\"孙一\",\"departments\":[1],"
           "\"mobile\":\"13812345678\"},"
           "{\"do\":\"create_member\",\"userid\":\"zhouqi\",\"name\":\"周七\",\"departments\":[1]},"
           "{\"do\":\"create_member\",\"userid\":\"wuba\",\"name\":\"吴八\",\"departments\":[1]}]");
    tell(s, STAGE_ETEAMS, "/_sim/calls", "{\"reset\":true}");
    sync_all(s, 0);
    expect_calls(s, STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", 1, 5);
    expect_nobody(s, "sunyi");
    assert_int_equal(count_people(s, "孙一"), 1);
    expect_person(s, "zhouqi", "id", "4200000000000000005", NULL);
    assert_int_equal(count_people(s, "别人"), 1); /* and nobody took the number away */
    expect_person(s, "wuba", "username", "吴八", NULL);
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:sunyi");
    assert_non_null(strstr(cases, "several_hits"));
    free(cases);
    /* Linked at once; whether 孙二 gives the mobile up is waited for, and then that alone is a
     * case. */
    expect_command(s, 1, "link", "acme", "member", "sunyi", "4200000000000000001", NULL);
    expect_person(s, "sunyi", "id", "4200000000000000001", NULL);
}

/* ---- what no event told ---- */

/* All calls but those for tokens. */
static int64_t all_calls(struct stage *s, enum stage_peer peer)
{
    cJSON *json = stage_call(s, peer, "/_sim/calls", NULL);
    const cJSON *row;
    int64_t sum = 0;
    cJSON_ArrayForEach (row, yq_json_get(json, peer == STAGE_WECOM ? "paths" : "calls")) {
        int64_t n = 0;
        bool counts = strstr(row->string, "/cgi-bin/") != NULL || strstr(row->string, "/hrm/");
        if (counts && strstr(row->string, "gettoken") == NULL && yq_json_int(row, "calls", &n))
            sum += n;
    }
    cJSON_Delete(json);
    return sum;
}

static void nothing_changed_nothing_written(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    tell(s, STAGE_ETEAMS, "/_sim/calls", "{\"reset\":true}");
    tell(s, STAGE_WECOM, "/_sim/calls", "{\"reset\":true}");
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    assert_int_equal(writes(s, "rows"), 0);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/get", 0, 0);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/list", 6, 6); /* one for each department */
    expect_calls(s, STAGE_WECOM, "/cgi-bin/user/list_id", 1, 1);
    expect_calls(s, STAGE_WECOM, "/cgi-bin/department/list", 1, 2);
    expect_calls(s, STAGE_ETEAMS, "/api/hrm/restful/queryOrg", 1, 1);
    expect_calls(s, STAGE_ETEAMS, "/api/hrm/restful/queryEmployee", 1, 1);
    /* Nothing else is asked but what the app may see. */
    assert_int_equal(all_calls(s, STAGE_WECOM), 6 + 1 + 2 + 1);
    assert_int_equal(all_calls(s, STAGE_ETEAMS), 1 + 1);
    expect_all_well(s);
}

static void silent_changes_are_followed(void **state)
{
    struct stage *s = grown(state, 40);
    char **ids, change[300];
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    ids = userids(s, NULL);
    (void)snprintf(change, sizeof(change),
                   "[{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"新名字\"},"
                   "{\"do\":\"update_member\",\"userid\":\"%s\",\"mobile\":\"13911112222\"},"
                   "{\"do\":\"update_department\",\"id\":2,\"name\":\"改名部\"}]",
                   ids[3], ids[5]);
    silently(s, change);
    sync_all(s, 0);
    expect_person(s, ids[3], "username", "新名字", NULL);
    expect_person(s, ids[5], "mobile", "13911112222", NULL);
    assert_int_equal(count_departments(s, "改名部"), 1);
    assert_int_equal(of_run(s, "changed"), 2);
    assert_int_equal(of_run(s, "departments"), 1);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
    free_ids(ids);
}

/* ---- job numbers (decisions.md 4) ---- */

static void set_job_num(struct stage *s, const char *id, const char *value)
{
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"update_member\",\"id\":\"%s\",\"job_num\":\"%s\"}", id, value);
}

/* Who has none gets one once the setting says so for everybody, and again when it is taken away;
 * who got another one in eteams keeps it. */
static void job_numbers_come_with_the_setting(void **state)
{
    struct stage_options o = {
        .seed = 7, .people = 30, .departments = 4, .mirrored = true, .callback_mode = "trimmed"};
    struct stage *s = story_with(state, &o);
    sync_all(s, 0);
    char **ids = userids(s, NULL), *own = person_id(s, ids[3]), *none = person_id(s, ids[4]);
    set_job_num(s, own, "A17");
    expect_person(s, ids[4], "job_num", "", NULL);
    stage_kill_daemon(s, 0, SIGTERM);
    o.connection_yaml = "      write_job_num: always\n";
    stage_configure(s, &o);
    stage_start_daemon(s, 0);
    sync_all(s, 0);
    for (size_t i = 0; ids[i] != NULL; i++)
        expect_person(s, ids[i], "job_num", i == 3 ? "A17" : ids[i], NULL);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    set_job_num(s, none, "");
    set_job_num(s, own, "A18");
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 1);
    expect_person(s, ids[4], "job_num", ids[4], NULL);
    expect_person(s, ids[3], "job_num", "A18", NULL);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
    free(own);
    free(none);
    free_ids(ids);
}

/* The schedule, by the clock alone. */
static void the_clock_asks_for_it(void **state)
{
    struct stage *s = story_with(
        state,
        &(struct stage_options){.seed = 7,
                                .people = 20,
                                .departments = 3,
                                .mirrored = true,
                                .callback_mode = "trimmed",
                                .reconcile = "at_start: true, departments: 10m, members: 60m"});
    await(s, is_reconciled, "the first reconcile");
    silently(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"改名部\"}");
    for (int i = 0; i < 100 && count_departments(s, "改名部") == 0; i++) {
        stage_advance(s, 10 * 60 * 1000);
        usleep(100000);
    }
    assert_int_equal(count_departments(s, "改名部"), 1);
}

/* ---- who leaves ---- */

static void three_who_left_unheard_are_resigned(void **state)
{
    struct stage *s = grown(state, 40);
    sync_all(s, 0);
    leave_silently(s, 0, 3);
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 3);
    assert_int_equal(of_run(s, "gone"), 3);
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 3);
    assert_int_equal(of_run(s, "scope"), 0);
    expect_all_well(s);
}

static void set_status(struct stage *s, const char *userid, int status)
{
    char change[160];
    (void)snprintf(change, sizeof(change),
                   "{\"do\":\"update_member\",\"userid\":\"%s\",\"status\":%d}", userid, status);
    silently(s, change);
}

/* decisions.md 21, `resign`; and the way back. */
static void who_is_disabled_leaves_where_that_is_wanted(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 7,
                                                  .people = 40,
                                                  .departments = 4,
                                                  .mirrored = true,
                                                  .connection_yaml =
                                                      "    sync: { disabled_members: resign }\n"});
    char **ids = userids(s, NULL);
    sync_all(s, 0);
    set_status(s, ids[3], 2);
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 1);
    set_status(s, ids[3], 1);
    sync_all(s, 0);
    expect_person(s, ids[3], NULL);
    for (int i = 10; i < 16; i++)
        set_status(s, ids[i], 2);
    sync_all(s, 3);
    assert_int_equal(writes(s, "resigns"), 1);
    free_ids(ids);
}

/* decisions.md 17, 42: who was resigned by hand is a case, and comes back by command alone. */
static void who_left_in_eteams_comes_back_by_command(void **state)
{
    struct stage *s = grown(state, 40);
    char **ids = userids(s, NULL);
    sync_all(s, 0);
    char *id = person_id(s, ids[5]);
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"resign_member\",\"id\":\"%s\"}", id);
    sync_all(s, 0);
    expect_nobody(s, ids[5]);
    char *cases = stage_redis_text(s, "HKEYS yq:{acme}:cases");
    assert_non_null(strstr(cases, ids[5]));
    expect_command(s, 0, "sync", "acme", "--member", ids[5], NULL);
    expect_person(s, ids[5], "id", id, NULL);
    free(cases);
    free(id);
    free_ids(ids);
}

static void thirty_who_left_are_held_and_named(void **state)
{
    struct stage *s = grown(state, 80);
    char *plan, *hash;
    sync_all(s, 0);
    cJSON *before = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    leave_silently(s, 0, 30);
    sync_all(s, 3);
    assert_int_equal(writes(s, "resigns"), 0);
    hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    plan = stage_redis_text(s, "GET yq:{acme}:plan:%s", hash);
    const cJSON *rows = yq_json_get(before, "members");
    for (int i = 0; i < 30; i++) {
        const char *name = yq_json_get(cJSON_GetArrayItem(rows, i), "name")->valuestring;
        if (strstr(plan, name) == NULL)
            fail_msg("%s is not named in %s", name, plan);
    }
    cJSON_Delete(before);
    /* approved, exactly these go */
    expect_command(s, 0, "approve", "acme", hash, NULL);
    assert_int_equal(writes(s, "resigns"), 30);
    sync_all(s, 0);
    assert_int_equal(of_run(s, "scope"), 0);
    free(hash);
    free(plan);
}

/* The lines of JSON among what the command printed. */
static void save(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t len; *text != '\0'; text += len) {
        len = strcspn(text, "\n") + 1;
        if (*text == '{')
            assert_int_equal(fwrite(text, 1, len, f), len);
    }
    assert_int_equal(fclose(f), 0);
}

/* The newest run holds so many, and says so once in the log. */
static void expect_held_once(struct stage *s, int daemon, int64_t count)
{
    char *log = stage_daemon_log(s, daemon), run[64] = "";
    const char *ended = log, *next;
    int times = 0;
    while ((next = strstr(ended, "reconcile.ended ")) != NULL)
        ended = next + 1;
    assert_non_null(ended = strstr(ended, "run="));
    (void)snprintf(run, sizeof(run), "%.*s", (int)strcspn(ended, " "), ended);
    for (const char *line = log; (line = strstr(line, "guard.held ")) != NULL; line++) {
        const char *own = strstr(line, run);
        times += own != NULL && own < line + strcspn(line, "\n");
    }
    if (times != 1 || of_run(s, "held") != count)
        fail_msg("%d times, %lld: %s", times, (long long)of_run(s, "held"), log);
    free(log);
}

/* Links know nothing of what was last agreed there: whoever left meanwhile is held all the same, is
 * counted once, and named once in the log. */
static void a_moved_installation_holds_each_once(void **state)
{
    struct stage *s = grown(state, 80);
    char path[200], *links;
    sync_all(s, 0);
    assert_int_equal(stage_command(s, &links, "links", "export", "acme", NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/links", stage_directory(s));
    save(path, links);
    free(links);
    stage_kill_daemon(s, 0, SIGTERM);
    free(stage_redis_text(s, "FLUSHALL"));
    stage_start_daemon(s, 1);
    leave_silently(s, 0, 30);
    if (stage_command(s, &links, "links", "import", "acme", path, NULL) != 0)
        fail_msg("%s", links);
    free(links);
    await(s, is_reconciled, "the comparison after the import");
    expect_held_once(s, 1, 30);
    assert_int_equal(writes(s, "resigns"), 0);
}

static bool is_reading(struct stage *s)
{
    char *phase = stage_redis_text(s, "HGET yq:{acme}:reconcile phase");
    bool is = strcmp(phase, "members") == 0;
    free(phase);
    return is;
}

static bool is_over(struct stage *s)
{
    char *run = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    bool over = *run == '\0';
    free(run);
    return over;
}

/* Their events come while it reads: it looks at them twice. Nobody may leave today any more. */
static void whom_events_hold_meanwhile_are_counted_once(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 7,
                                       .people = 80,
                                       .departments = 60,
                                       .mirrored = true,
                                       .connection_yaml = "    sync: { removals: { per_day: 1 } }",
                                       .pace = "per_second: 20, in_flight: 4"});
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", ids[30]);
    stage_settle(s, false);
    hold_events(s);
    for (int i = 0; i < 30; i++)
        stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", ids[i]);
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_reading, "the reading of members");
    release_events(s, "{}");
    await(s, is_over, "the end of the reconcile");
    expect_held_once(s, 0, 30);
    assert_int_equal(writes(s, "resigns"), 1);
    free_ids(ids);
}

/* A userid that changed without anybody hearing of it is no leaver and no newcomer (decisions.md
 * 19). */
static void a_silent_new_userid_keeps_its_person(void **state)
{
    struct stage *s = grown(state, 40);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    char **ids = userids(s, NULL), *before = person_id(s, ids[4]), change[200];
    (void)snprintf(change, sizeof(change),
                   "{\"do\":\"rename_userid\",\"userid\":\"%s\",\"new_userid\":\"new.one\"}",
                   ids[4]);
    silently(s, change);
    sync_all(s, 0);
    char *after = person_id(s, "new.one");
    assert_string_equal(before, after);
    assert_int_equal(writes(s, "resigns"), 0);
    assert_int_equal(writes(s, "creates"), 0);
    free(before);
    free(after);
    free_ids(ids);
}

/* Nor where one of the two cannot be read at first. */
static void a_silent_new_userid_that_is_hard_to_read(void **state)
{
    struct stage *s = grown(state, 40);
    char *text;
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    sync_all(s, 0);
    char **ids = userids(s, NULL);
    for (int failures = 1; failures <= 8; failures++) {
        char *before = person_id(s, ids[failures]), change[200], userid[20];
        (void)snprintf(userid, sizeof(userid), "new.%d", failures);
        (void)snprintf(change, sizeof(change),
                       "{\"do\":\"rename_userid\",\"userid\":\"%s\",\"new_userid\":\"%s\"}",
                       ids[failures], userid);
        silently(s, change);
        tell(s, STAGE_WECOM, "/_sim/faults",
             "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"busy\",\"count\":%d}", failures);
        (void)stage_command(s, &text, "sync", "acme", NULL);
        free(text);
        tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
        sync_all(s, 0);
        char *after = person_id(s, userid);
        assert_string_equal(before, after);
        free(before);
        free(after);
    }
    assert_int_equal(writes(s, "resigns"), 0);
    assert_int_equal(writes(s, "creates"), 0);
    free_ids(ids);
}

/* ---- without a trace ---- */

static void a_dry_run_writes_nothing(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 9, .people = 40, .departments = 6});
    char *text;
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", "--json", NULL), 0);
    assert_non_null(strstr(text, "member.create"));
    assert_non_null(strstr(text, "department.create"));
    free(text);
    assert_int_equal(writes(s, "rows"), 0);
    assert_int_equal(linked(s), 0);
    char **ids = userids(s, NULL);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", "--member", ids[0], NULL),
                     0);
    assert_non_null(strstr(text, "create the person in eteams"));
    free(text);
    assert_int_equal(linked(s), 0);
    char *audit = stage_redis_text(s, "XLEN yq:{acme}:audit");
    assert_string_equal(audit, "0");
    free(audit);
    free_ids(ids);
}

/* The plan in the reader's language: what it makes, whom it changes and how, and about whom there
 * is nothing to do. */
static void a_dry_run_speaks_chinese(void **state)
{
    static const char *const words[] = {
        "department:2（研发）：在 eteams 新建部门",
        "    上级部门：",
        "    名称：研发\n",
        "member:li.na（李小娜）：在 eteams 修改人员，记录 ",
        "    名称：李娜 → 李小娜\n",
        "    部门：",
        "→ 研发 (department:2)",
        "member:wang.wei（王伟）：在 eteams 新建人员［规则 R3：新增成员］",
        "    手机：139****1111\n",
        "试运行"};
    struct stage *s = story(state);
    char *text;
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}"); /* mobiles can be read */
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    hold_events(s);
    wecom_department(s, 2, "研发", 1);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"李小娜\","
                          "\"departments\":[2]}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"wang.wei\",\"name\":\"王伟\","
                          "\"departments\":[1],\"mobile\":\"13900001111\"}");
    assert_int_equal(setenv("LC_ALL", "zh_CN.UTF-8", 1), 0);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", NULL), 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(text, words[i]) == NULL)
            fail_msg("%s is missing in\n%s", words[i], text);
    }
    free(text);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--member", "li.na", NULL), 0);
    free(text);
    assert_int_equal(
        stage_command(s, &text, "sync", "acme", "--member", "li.na", "--dry-run", NULL), 0);
    if (strstr(text, "member:li.na：无需处理：") == NULL || strstr(text, "agree") != NULL)
        fail_msg("%s", text);
    free(text);
    assert_int_equal(unsetenv("LC_ALL"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(two_grown_directories_are_linked),
        STORY(a_company_is_linked_by_itself_at_the_start),
        STORY(an_empty_eteams_is_filled),
        STORY(a_company_of_many_departments),
        STORY(awkward_people_are_cases_at_the_first_sync),
        STORY(nothing_changed_nothing_written),
        STORY(silent_changes_are_followed),
        STORY(job_numbers_come_with_the_setting),
        STORY(the_clock_asks_for_it),
        STORY(three_who_left_unheard_are_resigned),
        STORY(thirty_who_left_are_held_and_named),
        STORY(who_is_disabled_leaves_where_that_is_wanted),
        STORY(who_left_in_eteams_comes_back_by_command),
        STORY(a_moved_installation_holds_each_once),
        STORY(whom_events_hold_meanwhile_are_counted_once),
        STORY(a_silent_new_userid_keeps_its_person),
        STORY(a_silent_new_userid_that_is_hard_to_read),
        STORY(a_dry_run_writes_nothing),
        STORY(a_dry_run_speaks_chinese),
    };
    return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
