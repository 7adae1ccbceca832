/* Rules that need more than one event, or none: branches that close, people whom only a tag shows,
 * what somebody in eteams undid; by events and by the full reconcile alike. */
#include "story.h"

#include "base/json.h"

static struct stage *company(void **state, const char *sync)
{
    return story_with(state, &(struct stage_options){.seed = 1, .connection_yaml = sync});
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

static void sync_all(struct stage *s)
{
    char *text;
    if (stage_command(s, &text, "sync", "acme", NULL) != 0)
        fail_msg("sync:\n%s", text);
    free(text);
}

static int64_t rows_written(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", "rows");
}

/* The next reconcile has nothing to do. */
static void expect_in_step(struct stage *s)
{
    int64_t before = rows_written(s);
    sync_all(s);
    assert_int_equal(rows_written(s), before);
}

/* A field of the department of that name in eteams, enabled or not; caller frees. */
static char *department_field(struct stage *s, const char *name, const char *field)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *d;
    char *value = NULL;
    cJSON_ArrayForEach (d, yq_json_get(state, "departments")) {
        if (strcmp(yq_json_get(d, "name")->valuestring, name) == 0)
            value = strdup(yq_json_get(d, field)->valuestring);
    }
    cJSON_Delete(state);
    if (value == NULL)
        fail_msg("there is no department %s", name);
    return value;
}

static void expect_status(struct stage *s, const char *name, const char *status)
{
    char *is = department_field(s, name, "status");
    if (strcmp(is, status) != 0)
        fail_msg("%s has status %s", name, is);
    free(is);
}

static int links_of_departments(struct stage *s)
{
    char *text = stage_redis_text(s, "HLEN yq:{acme}:link:department");
    int count = atoi(text);
    free(text);
    return count;
}

/* ---- departments that are gone (D24) ---- */

static const char *const close_them = "    sync: { disable_departments: true }";

static struct stage *branch(void **state)
{
    struct stage *s = company(state, close_them);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "平台", 2);
    wecom_department(s, 4, "测试", 3);
    wecom_member(s, "li.na", "李娜", "4");
    wecom_member(s, "wang.wei", "王伟", "2");
    wecom_member(s, "zhao.min", "赵敏", "1");
    stage_settle(s, false);
    return s;
}

static const char *const branch_goes = "[{\"do\":\"delete_member\",\"userid\":\"li.na\"},"
                                       "{\"do\":\"delete_member\",\"userid\":\"wang.wei\"},"
                                       "{\"do\":\"delete_department\",\"id\":4},"
                                       "{\"do\":\"delete_department\",\"id\":3},"
                                       "{\"do\":\"delete_department\",\"id\":2}]";

static void expect_closed(struct stage *s)
{
    expect_left(s, "李娜", "总部");
    expect_left(s, "王伟", "总部");
    expect_status(s, "研发", "0");
    expect_status(s, "平台", "0");
    expect_status(s, "测试", "0");
    assert_int_equal(links_of_departments(s), 0);
}

static void a_branch_closes_in_whatever_order_it_is_heard(void **state)
{
    struct stage *s = branch(state);
    hold_events(s);
    stage_wecom_change(s, "%s", branch_goes);
    release_events(s, "{\"order\":\"shuffle\",\"seed\":5}");
    stage_settle(s, true);
    expect_closed(s);
    expect_dead(s, 0);
}

static void a_branch_closes_though_nobody_heard(void **state)
{
    struct stage *s = branch(state);
    silently(s, branch_goes);
    sync_all(s);
    expect_closed(s);
    expect_in_step(s);
}

/* Somebody of eteams alone is in it: it is kept, and nobody asks again. */
static void one_that_is_not_empty_is_kept(void **state)
{
    struct stage *s = branch(state);
    char *id = department_field(s, "测试", "id");
    tell(s, STAGE_ETEAMS, "/_sim/change",
         "{\"do\":\"create_member\",\"username\":\"外聘\",\"department\":\"%s\"}", id);
    stage_wecom_change(s, "%s", branch_goes);
    stage_settle(s, true);
    expect_left(s, "李娜", "总部");
    expect_status(s, "研发", "1");
    expect_status(s, "测试", "1");
    assert_int_equal(links_of_departments(s), 0);
    expect_dead(s, 0);
    expect_in_step(s);
    free(id);
}

/* ---- the root (R8) ---- */

static void the_root_is_renamed_where_that_is_wanted(void **state)
{
    struct stage *s = company(state, "    sync: { rename_root: true }");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":1,\"name\":\"云桥集团\"}");
    stage_settle(s, false);
    expect_department(s, "研发", "云桥集团", 2);
    silently(s, "{\"do\":\"update_department\",\"id\":1,\"name\":\"云桥控股\"}");
    sync_all(s);
    expect_department(s, "研发", "云桥控股", 2);
    assert_int_equal(count_departments(s, "云桥集团"), 0);
    expect_in_step(s);
    expect_all_well(s);
}

/* ---- what somebody disabled in eteams (D8) ---- */

static void disable_by_hand(struct stage *s, const char *name)
{
    char *id = department_field(s, name, "id");
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"disable_department\",\"id\":\"%s\"}", id);
    free(id);
}

static struct stage *with_a_disabled_branch(void **state)
{
    struct stage *s = company(state, NULL);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "市场", 1);
    wecom_department(s, 4, "渠道", 3);
    wecom_member(s, "li.na", "李娜", "2");
    wecom_member(s, "wang.wei", "王伟", "2");
    stage_settle(s, false);
    disable_by_hand(s, "渠道");
    disable_by_hand(s, "市场");
    return s;
}

static void whoever_moves_there_finds_it_enabled(void **state)
{
    struct stage *s = with_a_disabled_branch(state);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[4]}");
    stage_settle(s, true);
    expect_person(s, "li.na", "department", "渠道", NULL);
    expect_status(s, "市场", "1");
    expect_status(s, "渠道", "1");
    expect_dead(s, 0);
    expect_in_step(s);
}

static void a_new_department_below_it_finds_it_enabled(void **state)
{
    struct stage *s = with_a_disabled_branch(state);
    wecom_department(s, 5, "直销", 4);
    stage_settle(s, true);
    expect_department(s, "直销", "渠道", 5);
    expect_status(s, "市场", "1");
    expect_dead(s, 0);
}

static void a_reconcile_enables_it(void **state)
{
    struct stage *s = with_a_disabled_branch(state);
    sync_all(s);
    expect_status(s, "市场", "1");
    expect_status(s, "渠道", "1");
    expect_in_step(s);
    expect_all_well(s);
}

/* ---- people and departments whom only a tag shows (R10) ---- */

/* 2 研发 is ticked; 3 市场 with 4 渠道 below is not, nor is the root. */
static struct stage *half_seen(void **state, const char *tags)
{
    struct stage *s = company(state, NULL);
    hold_events(s);
    wecom_department(s, 2, "研发", 1);
    wecom_department(s, 3, "市场", 1);
    wecom_department(s, 4, "渠道", 3);
    wecom_member(s, "li.na", "李娜", "2");
    wecom_member(s, "wang.wei", "王伟", "4");
    stage_wecom_change(s, "{\"do\":\"create_tag\",\"id\":7,\"name\":\"外勤\"}");
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[2],\"members\":[],\"tags\":[%s]}",
                       tags);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    return s;
}

static void who_is_seen_by_a_tag_alone_goes_under_the_root(void **state)
{
    struct stage *s = half_seen(state, "7");
    silently(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[\"wang.wei\"]}");
    sync_all(s);
    expect_person(s, "li.na", "department", "研发", NULL);
    expect_person(s, "wang.wei", "department", "总部", NULL);
    expect_in_step(s);
    /* until they are moved into a linked department */
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"departments\":[2]}");
    stage_settle(s, true);
    expect_person(s, "wang.wei", "department", "研发", NULL);
    expect_in_step(s);
}

/* Out of the tag is out of sight: still employed. */
static void who_leaves_the_tag_stays_employed(void **state)
{
    struct stage *s = half_seen(state, "7");
    silently(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[\"wang.wei\"]}");
    sync_all(s);
    silently(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[]}");
    sync_all(s);
    expect_person(s, "wang.wei", "department", "总部", NULL);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns"), 0);
}

/* A tag's department is a range root whose parent is not visible: under eteams' root, with all
 * below it. */
static void a_department_of_a_tag_comes_with_its_branch(void **state)
{
    struct stage *s = half_seen(state, "7");
    wecom_department(s, 5, "直销", 4);
    silently(s, "{\"do\":\"set_tag\",\"id\":7,\"members\":[],\"departments\":[4]}");
    sync_all(s);
    expect_department(s, "渠道", "总部", 4);
    expect_department(s, "直销", "渠道", 5);
    assert_int_equal(count_departments(s, "市场"), 0);
    expect_person(s, "wang.wei", "department", "渠道", NULL);
    expect_in_step(s);
    /* its parent comes into sight, and it moves below */
    silently(s, "{\"do\":\"set_range\",\"departments\":[1],\"members\":[],\"tags\":[7]}");
    sync_all(s);
    expect_department(s, "渠道", "市场", 4);
    expect_in_step(s);
}

/* ---- names, levels, numbers ---- */

static void fifteen_levels_are_made_by_one_reconcile(void **state)
{
    struct stage *s = company(state, NULL);
    hold_events(s);
    char name[16], above[16];
    for (unsigned id = 2; id <= 15; id++) {
        (void)snprintf(name, sizeof(name), "层%u", id);
        wecom_department(s, id, name, id - 1);
    }
    wecom_member(s, "li.na", "李娜", "15");
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    sync_all(s);
    for (unsigned id = 3; id <= 15; id++) {
        (void)snprintf(name, sizeof(name), "层%u", id);
        (void)snprintf(above, sizeof(above), "层%u", id - 1);
        expect_department(s, name, above, id);
    }
    expect_person(s, "li.na", "department", "层15", NULL);
    expect_in_step(s);
    expect_all_well(s);
}

/* One form composed, one not (W allows both): the second is a case, and the others go on. */
static void two_of_one_name_in_unicode(void **state)
{
    struct stage *s = company(state, NULL);
    hold_events(s);
    wecom_department(s, 2, "Caf\u00e9", 1);
    wecom_department(s, 3, "Cafe\u0301", 1);
    wecom_department(s, 4, "市场", 1);
    wecom_member(s, "li.na", "李娜", "4");
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    sync_all(s);
    assert_int_equal(links_of_departments(s), 2);
    expect_person(s, "li.na", "department", "市场", NULL);
    char *text;
    expect_command(s, 0, "cases", "acme", NULL);
    assert_int_equal(stage_command(s, &text, "explain", "acme", "department", "3", NULL), 0);
    if (strstr(text, "already linked") == NULL)
        fail_msg("explain:\n%s", text);
    free(text);
    expect_in_step(s);
}

/* Both directions of a swap that nobody heard of, in one run. */
static void two_swap_their_mobiles_unheard(void **state)
{
    struct stage *s = company(state, NULL);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    wecom_department(s, 2, "研发", 1);
    stage_wecom_change(s, "[{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[2],\"mobile\":\"13900000001\"},"
                          "{\"do\":\"create_member\",\"userid\":\"wang.wei\",\"name\":\"王伟\","
                          "\"departments\":[2],\"mobile\":\"13900000002\"}]");
    stage_settle(s, true);
    silently(s, "[{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":\"13900000003\"},"
                "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"mobile\":\"13900000001\"},"
                "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":\"13900000002\"}]");
    sync_all(s);
    expect_person(s, "li.na", "mobile", "13900000002", NULL);
    expect_person(s, "wang.wei", "mobile", "13900000001", NULL);
    expect_in_step(s);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_branch_closes_in_whatever_order_it_is_heard),
        STORY(a_branch_closes_though_nobody_heard),
        STORY(one_that_is_not_empty_is_kept),
        STORY(the_root_is_renamed_where_that_is_wanted),
        STORY(whoever_moves_there_finds_it_enabled),
        STORY(a_new_department_below_it_finds_it_enabled),
        STORY(a_reconcile_enables_it),
        STORY(who_is_seen_by_a_tag_alone_goes_under_the_root),
        STORY(who_leaves_the_tag_stays_employed),
        STORY(a_department_of_a_tag_comes_with_its_branch),
        STORY(fifteen_levels_are_made_by_one_reconcile),
        STORY(two_of_one_name_in_unicode),
        STORY(two_swap_their_mobiles_unheard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
