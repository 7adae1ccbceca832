/* Superiors follow WeCom (S2): taken over, kept in step by events, given back as they were. */
#include "story.h"

#include <signal.h>

#include "base/json.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define SYNC_EMPLOYEE "/api/hrm/restful/syncEmployee"
#define QUERY_EMPLOYEE "/api/hrm/restful/queryEmployee"
#define SET_FIELD_LOCK "/api/hrm/restful/setFieldLock"

/* ---- words ---- */

/* The configuration says so from the next start on, which is now. */
static void configure(struct stage *s, bool on)
{
    char path[512], text[8192];
    (void)snprintf(path, sizeof(path), "%s/yunqiao.yaml", stage_directory(s));
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof(text) - 1, f);
    text[len] = '\0';
    char *at = strstr(text, "superiors: ");
    assert_non_null(at);
    memcpy(at + strlen("superiors: "), on ? "true " : "false", 5);
    rewind(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    (void)fclose(f);
    if (stage_daemon_runs(s, 0))
        stage_kill_daemon(s, 0, SIGTERM);
    stage_start_daemon(s, 0);
}

static struct stage *company(void **state, struct stage_options o)
{
    o.connection_yaml = "    sync: { superiors: false }\n";
    return story_with(state, &o);
}

static void sync_all(struct stage *s, int status)
{
    char *text;
    int is = stage_command(s, &text, "sync", "acme", NULL);
    if (is != status)
        fail_msg("sync ends with %d, not %d:\n%s", is, status, text);
    free(text);
}

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(row, name));
    return text != NULL ? text : "";
}

static const char *name_of(const cJSON *state, const char *id)
{
    const cJSON *row = stage_person_by(state, "id", id);
    return row != NULL ? text_of(row, "username") : id;
}

/* "superior|other,other", by names. */
static char *superiors_of(const cJSON *state, const cJSON *person)
{
    char *text = NULL;
    size_t size = 0;
    const cJSON *id;
    FILE *out = open_memstream(&text, &size);
    (void)fprintf(out, "%s|", name_of(state, text_of(person, "superior")));
    cJSON_ArrayForEach (id, yq_json_get(person, "other_superior"))
        (void)fprintf(out, "%s%s", id->prev != NULL && id->prev->next != NULL ? "," : "",
                      name_of(state, id->valuestring));
    (void)fclose(out);
    return text;
}

static void expect_superiors(struct stage *s, const char *username, const char *expected)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *person = stage_person_by(state, "username", username);
    char *is = person != NULL ? superiors_of(state, person) : strdup("(nobody)");
    if (strcmp(is, expected) != 0)
        fail_msg("the superiors of %s are \"%s\", not \"%s\"", username, is, expected);
    free(is);
    cJSON_Delete(state);
}

static char *id_of(struct stage *s, const char *username)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *person = stage_person_by(state, "username", username);
    if (person == NULL)
        fail_msg("nobody is called %s", username);
    char *id = strdup(text_of(person, "id"));
    cJSON_Delete(state);
    return id;
}

/* By hand, as an eteams administrator: 0, or the code of the refusal. */
static int64_t set_by_hand(struct stage *s, const char *username, const char *superior,
                           const char *other)
{
    int64_t code = -1;
    char *id = id_of(s, username), *above = id_of(s, superior);
    char *more = other != NULL ? id_of(s, other) : NULL;
    cJSON *answer =
        stage_call(s, STAGE_ETEAMS, "/_sim/change",
                   "{\"do\":\"update_member\",\"id\":\"%s\",\"superior\":\"%s\",\"other_superior\":"
                   "[%s%s%s]}",
                   id, above, more ? "\"" : "", more ? more : "", more ? "\"" : "");
    (void)yq_json_int(answer, "errcode", &code);
    cJSON_Delete(answer);
    free(id);
    free(above);
    free(more);
    return code;
}

/* All that eteams holds, field by field, but for when a row was written last; caller frees. */
static char *all_of_eteams(struct stage *s)
{
    cJSON *row, *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, cJSON_GetObjectItemCaseSensitive(state, "members"))
        cJSON_DeleteItemFromObjectCaseSensitive(row, "update_time");
    char *text = cJSON_Print(state);
    cJSON_Delete(state);
    return text;
}

/* How many have somebody above them. */
static int count_led(struct stage *s)
{
    int n = 0;
    const cJSON *row;
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, yq_json_get(state, "members"))
        n += *text_of(row, "superior") != '\0';
    cJSON_Delete(state);
    return n;
}

static bool is_locked(struct stage *s)
{
    char *locked = stage_redis_text(s, "HGET yq:{acme}:superiors locked");
    bool is = *locked != '\0';
    free(locked);
    return is;
}

static bool is_off(struct stage *s)
{
    char *state = stage_redis_text(s, "HGETALL yq:{acme}:superiors");
    bool is = *state == '\0';
    free(state);
    return is;
}

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    char *going = stage_redis_text(s, "HGET yq:{acme}:reconcile run");
    bool none = *owed == '\0' && *going == '\0';
    free(owed);
    free(going);
    return none;
}

/* What events left to a reconcile is done. */
static void settle_all(struct stage *s)
{
    stage_settle(s, true);
    stage_advance(s, 30 * 1000); /* what is owed collects for ten seconds */
    await(s, nothing_is_owed, "the reconcile that is owed");
    stage_settle(s, true);
}

static void expect_in_words(struct stage *s, const char *words, const char *command,
                            const char *more)
{
    char *text;
    (void)stage_command(s, &text, "superiors", command, "acme", more, NULL);
    if (strstr(text, words) == NULL)
        fail_msg("superiors %s does not say \"%s\" but\n%s", command, words, text);
    free(text);
}

/* 总经理 leads the company; 李娜 leads 研发, and in it 孙丽 leads 测试. In eteams superiors were
 * made by hand, also of somebody whom WeCom does not have. */
static struct stage *grown(void **state)
{
    struct stage *s = company(state, (struct stage_options){.seed = 1});
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "测试", 2);
    stage_settle(s, false);
    wecom_member(s, "boss", "总经理", "1");
    wecom_member(s, "li.na", "李娜", "2");
    wecom_member(s, "wang.wei", "王伟", "2");
    wecom_member(s, "sun.li", "孙丽", "3");
    wecom_member(s, "zhao.lei", "赵磊", "3");
    stage_wecom_change(s, "[{\"do\":\"update_member\",\"userid\":\"boss\",\"leader_in\":[1]},"
                          "{\"do\":\"update_member\",\"userid\":\"li.na\",\"leader_in\":[1]},"
                          "{\"do\":\"update_member\",\"userid\":\"sun.li\",\"leader_in\":[1]}]");
    stage_settle(s, true);
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"create_member\",\"username\":\"外援\",\"department\":\"root\"}");
    assert_int_equal(set_by_hand(s, "外援", "王伟", "赵磊"), 0);
    assert_int_equal(set_by_hand(s, "李娜", "王伟", "外援"), 0); /* WeCom has it the other way */
    assert_int_equal(set_by_hand(s, "赵磊", "孙丽", "李娜"), 0);
    return s;
}

/* ---- on ---- */

static void a_dry_run_shows_it_first(void **state)
{
    struct stage *s = grown(state);
    char *before = all_of_eteams(s), *text;
    int64_t rows = ask(s, STAGE_ETEAMS, "/_sim/writes", "rows");
    configure(s, true);
    expect_in_words(s, "shall follow WeCom", "show", NULL);
    assert_int_equal(stage_command(s, &text, "sync", "acme", "--dry-run", NULL), 0);
    assert_non_null(strstr(text, "kept, and cleared first"));
    assert_non_null(
        strstr(text, "member:wang.wei (王伟): change the superiors of the person in eteams"));
    free(text);
    char *after = all_of_eteams(s);
    assert_string_equal(before, after);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), rows);
    assert_true(is_off(s));
    free(before);
    free(after);
}

static void they_are_taken_over_and_given_back(void **state)
{
    struct stage *s = grown(state);
    char *before = all_of_eteams(s);
    configure(s, true);
    stage_advance(s, 11 * MINUTE_MS); /* nobody asks for it */
    await(s, is_locked, "the taking over");
    stage_settle(s, true);
    expect_superiors(s, "总经理", "|");
    expect_superiors(s, "李娜", "总经理|");
    expect_superiors(s, "王伟", "李娜|");
    expect_superiors(s, "孙丽", "李娜|");
    expect_superiors(s, "赵磊", "孙丽|");
    expect_superiors(s, "外援", "|");
    assert_int_equal(set_by_hand(s, "外援", "王伟", NULL), 410018);
    expect_in_words(s, "locked in eteams", "show", NULL);
    expect_in_words(s, "sync.superiors", "restore", NULL);
    expect_in_audit(s, "member:wang.wei", "superior_of_department");
    sync_all(s, 0);
    assert_int_equal(stage_noop_rows(s), 0);

    configure(s, false);
    await(s, is_off, "the end of it");
    expect_superiors(s, "王伟", "李娜|"); /* stays, and may be changed again */
    assert_int_equal(set_by_hand(s, "外援", "王伟", NULL), 0);
    expect_in_words(s, "no backup", "restore", "1");
    expect_in_words(s, "done", "restore", NULL);
    char *after = all_of_eteams(s);
    assert_string_equal(before, after);
    free(before);
    free(after);
    expect_all_well(s);
}

/* ---- kept in step ---- */

static struct stage *taken_over(void **state)
{
    struct stage *s = grown(state);
    configure(s, true);
    sync_all(s, 0);
    await(s, is_locked, "the taking over");
    return s;
}

static void leaders_change(void **state)
{
    struct stage *s = taken_over(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"zhao.lei\","
                          "\"direct_leaders\":[\"wang.wei\",\"boss\"]}");
    stage_settle(s, true);
    expect_superiors(s, "赵磊", "王伟|总经理");
    expect_in_audit(s, "member:zhao.lei", "superior_direct");

    /* who leads a department concerns those who are in it, and no event is about them */
    stage_wecom_change(s, "[{\"do\":\"update_member\",\"userid\":\"li.na\",\"leader_in\":[0]},"
                          "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"leader_in\":[1]}]");
    settle_all(s);
    expect_superiors(s, "王伟", "总经理|");
    expect_superiors(s, "李娜", "王伟|");
    expect_superiors(s, "孙丽", "王伟|");
    expect_superiors(s, "赵磊", "王伟|总经理");

    /* moved into another department: another leader */
    stage_wecom_change(s,
                       "[{\"do\":\"update_member\",\"userid\":\"zhao.lei\",\"direct_leaders\":[]},"
                       "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[3]}]");
    settle_all(s);
    expect_superiors(s, "赵磊", "孙丽|");
    expect_superiors(s, "李娜", "孙丽|");
    sync_all(s, 0);
    assert_int_equal(stage_noop_rows(s), 0);
    expect_all_well(s);
}

/* Two who lead each other change places, in whatever order their events come. */
static void two_change_places(void **state)
{
    struct stage *s = taken_over(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"zhao.lei\","
                          "\"direct_leaders\":[\"wang.wei\"]}");
    stage_settle(s, true);
    expect_superiors(s, "赵磊", "王伟|");
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\","
                          "\"direct_leaders\":[\"zhao.lei\"]}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"zhao.lei\","
                          "\"direct_leaders\":[\"boss\"]}");
    release_events(s, "{}");
    stage_settle(s, true);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    expect_superiors(s, "赵磊", "总经理|");
    expect_superiors(s, "王伟", "赵磊|");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"zhao.lei\","
                          "\"direct_leaders\":[\"wang.wei\"]}"); /* now WeCom has a ring */
    stage_settle(s, true);
    expect_superiors(s, "赵磊", "|");
    expect_superiors(s, "王伟", "赵磊|");
    char *cases = stage_redis_text(s, "HGET yq:{acme}:cases member:zhao.lei");
    assert_non_null(strstr(cases, "superior_ring"));
    free(cases);
    expect_all_well(s);
}

/* Changes nobody hears of. */
static void silently(struct stage *s, const char *change)
{
    hold_events(s);
    stage_wecom_change(s, "%s", change);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static void a_leader_arrives_later_and_leaves_again(void **state)
{
    struct stage *s = taken_over(state);
    silently(s, "{\"do\":\"create_member\",\"userid\":\"chen.jun\",\"name\":\"陈军\","
                "\"departments\":[2],\"mobile\":\"13900000077\"}");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"zhao.lei\","
                          "\"direct_leaders\":[\"chen.jun\",\"boss\"]}");
    stage_settle(s, true);
    expect_superiors(s, "赵磊", "总经理|"); /* 陈军 is not in eteams yet */
    expect_in_words(s, "not in service in eteams yet: 1", "show", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"chen.jun\",\"name\":\"陈军\","
                          "\"position\":\"x\"}");
    stage_settle(s, true);
    expect_superiors(s, "赵磊", "陈军|总经理");
    char *awaited = stage_redis_text(s, "ZCARD yq:{acme}:superiors:awaited");
    assert_string_equal(awaited, "0");
    free(awaited);
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"chen.jun\"}");
    stage_settle(s, true);
    expect_left(s, "陈军", "总部");
    expect_superiors(s, "赵磊", "总经理|");
    expect_all_well(s);
}

/* The same by a reconcile alone: leader and led are both new, in whatever scopes. */
static void a_company_is_filled_with_superiors(void **state)
{
    struct stage *s =
        company(state, (struct stage_options){.seed = 9, .people = 1200, .departments = 60});
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    const cJSON *row;
    int led = 0;
    const char *leader = NULL;
    hold_events(s);
    cJSON_ArrayForEach (row, yq_json_get(wecom, "members")) {
        const char *userid = text_of(row, "userid");
        if (leader != NULL && led % 3 == 0)
            stage_wecom_change(
                s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"direct_leaders\":[\"%s\"]}",
                userid, leader);
        else
            leader = userid;
        led++;
    }
    cJSON_Delete(wecom);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    configure(s, true);
    sync_all(s, 0);
    await(s, is_locked, "the taking over");
    stage_settle(s, true);
    assert_true(count_led(s) >= 390);
    char *awaited = stage_redis_text(s, "ZCARD yq:{acme}:superiors:awaited");
    assert_string_equal(awaited, "0");
    free(awaited);
    int64_t rows = ask(s, STAGE_ETEAMS, "/_sim/writes", "rows");
    sync_all(s, 0);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), rows);
    expect_all_well(s);
}

/* ---- deaths in the middle ---- */

static bool is_slow(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

/* Killed while that call is answered, and started again. */
static void die_at(struct stage *s, const char *path, int skip)
{
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"skip\":%d,\"delay_ms\":60000}", path,
         skip);
    expect_command(s, 0, "sync", "acme", "--no-wait", NULL);
    await(s, is_slow, path);
    stage_kill_daemon(s, 0, SIGKILL);
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
}

static char *state_of(struct stage *s)
{
    return stage_redis_text(s, "HGET yq:{acme}:superiors state");
}

static void killed_in_the_middle(void **state)
{
    struct stage *s = company(
        state,
        (struct stage_options){.seed = 7, .people = 250, .departments = 8, .mirrored = true});
    sync_all(s, 0);
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *row, *above = NULL;
    cJSON_ArrayForEach (row, yq_json_get(eteams, "members")) {
        if (above != NULL)
            tell(s, STAGE_ETEAMS, "/_sim/change",
                 "{\"do\":\"update_member\",\"id\":\"%s\",\"superior\":\"%s\"}", text_of(row, "id"),
                 text_of(above, "id"));
        above = above == NULL || strlen(text_of(row, "id")) % 2 ? row : above;
    }
    cJSON_Delete(eteams);
    char *before = all_of_eteams(s), *is;
    assert_true(count_led(s) >= 240);
    stage_kill_daemon(s, 0, SIGTERM);
    configure(s, true);

    die_at(s, QUERY_EMPLOYEE, 0); /* while it is kept */
    assert_string_equal(is = state_of(s), "keeping");
    free(is);
    stage_start_daemon(s, 0);
    await(s, is_locked, "the taking over");
    configure(s, false);
    await(s, is_off, "the end of it");
    expect_command(s, 0, "superiors", "restore", "acme", NULL);
    char *after = all_of_eteams(s);
    assert_string_equal(before, after);
    free(after);

    stage_advance(s, MINUTE_MS);
    configure(s, true);
    die_at(s, SYNC_EMPLOYEE, 1); /* while it is cleared */
    assert_string_equal(is = state_of(s), "clearing");
    free(is);
    int led = count_led(s);
    assert_true(led > 0 && led < 240);
    stage_start_daemon(s, 0);
    await(s, is_locked, "the taking over");
    char *backups = stage_redis_text(s, "HLEN yq:{acme}:superiors:backups");
    assert_string_equal(backups, "2");
    free(backups);

    configure(s, false);
    await(s, is_off, "the end of it");
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"skip\":1,\"delay_ms\":60000}",
         SYNC_EMPLOYEE);
    expect_command(s, 0, "superiors", "restore", "acme", "--no-wait", NULL);
    await(s, is_slow, "the restoring");
    stage_kill_daemon(s, 0, SIGKILL); /* while it is put back */
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    stage_start_daemon(s, 0);
    await(s, nothing_is_owed, "the end of the restoring");
    after = all_of_eteams(s);
    assert_string_equal(before, after);
    free(after);
    free(before);
}

/* Without the call that locks, all else is done. */
static void an_eteams_without_the_lock(void **state)
{
    struct stage *s = grown(state);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"missing_endpoint\",\"count\":-1}", SET_FIELD_LOCK);
    configure(s, true);
    sync_all(s, 0);
    await(s, is_locked, "the taking over");
    expect_superiors(s, "王伟", "李娜|");
    expect_in_words(s, "not locked in eteams", "show", NULL);
    expect_logged(s, 0, "superiors.no_lock");
    configure(s, false);
    await(s, is_off, "the end of it");
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_dry_run_shows_it_first),
        STORY(they_are_taken_over_and_given_back),
        STORY(leaders_change),
        STORY(two_change_places),
        STORY(a_leader_arrives_later_and_leaves_again),
        STORY(a_company_is_filled_with_superiors),
        STORY(killed_in_the_middle),
        STORY(an_eteams_without_the_lock),
    };
    return cmocka_run_group_tests_name("superiors", tests, NULL, NULL);
}
