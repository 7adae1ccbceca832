/* Nobody is removed for being absent: the visible range shrinks, lists lack people, calls fail half
 * way; and who has really left goes, as far as the guard lets him. */
#include "grown.h"

#include "base/json.h"

#define HOUR_MS ((int64_t)3600 * 1000)

/* 5,000 people, fifty to a department. */
static struct stage *large_company(void **state)
{
    return story_with(state, &(struct stage_options){.seed = 7,
                                                     .people = 5000,
                                                     .departments = 101,
                                                     .mirrored = true,
                                                     .callback_mode = "trimmed"});
}

/* ---- the range ---- */

static void see_only(struct stage *s, const char *departments)
{
    hold_events(s);
    stage_wecom_change(s, "{\"do\":\"set_range\",\"departments\":[%s],\"members\":[]}",
                       departments);
    tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
    await_deliveries(s);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static char *range_alarm(struct stage *s)
{
    return stage_redis_text(s, "HGET yq:{acme}:alarms range_shrank");
}

static void expect_alarm(struct stage *s, const char *expected)
{
    char *is = range_alarm(s);
    assert_string_equal(is, expected);
    free(is);
}

static bool is_paid(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none;
}

/* A full one that nobody asked for. */
static void sync_by_itself(struct stage *s)
{
    stage_advance(s, 20000);
    free(stage_redis_text(s, "HSET yq:{acme}:owed something 1"));
    await(s, is_paid, "the reconcile that is owed");
}

static void a_range_that_shrinks_resigns_nobody(void **state)
{
    struct stage *s = grown(state, 60);
    sync_all(s, 0);
    leave_silently(s, 0, 2);
    see_only(s, "3");
    sync_all(s, 0);
    assert_int_equal(writes(s, "resigns"), 0);
    char *alarm = range_alarm(s);
    assert_non_null(strstr(alarm, "visible range shrank"));
    assert_non_null(strstr(alarm, "技术中心"));
    sync_by_itself(s); /* by now this is the range: who left before leaves */
    assert_int_equal(writes(s, "resigns"), 2);
    char *again = range_alarm(s);
    assert_string_equal(alarm, again); /* nobody has looked yet */
    free(alarm);
    free(again);
}

/* It was meant: the command that the alarm names says so, and the next time is told again. */
static void a_range_that_was_made_smaller_on_purpose(void **state)
{
    struct stage *s = grown(state, 60);
    sync_all(s, 0);
    see_only(s, "3,4");
    sync_by_itself(s);
    char *first = range_alarm(s), *text;
    assert_non_null(strstr(first, "visible range shrank"));
    expect_command(s, 0, "sync", "acme", "--dry-run", NULL); /* has looked, and left it at that */
    expect_alarm(s, first);
    assert_int_equal(stage_command(s, &text, "doctor", "acme", NULL), 1);
    assert_non_null(strstr(text, "yunqiao sync acme"));
    free(text);
    sync_all(s, 0);
    expect_alarm(s, "");
    (void)stage_command(s, &text, "doctor", "acme", NULL);
    assert_non_null(strstr(text, "no alarm is open"));
    free(text);
    sync_by_itself(s); /* nothing new */
    expect_alarm(s, "");
    see_only(s, "4");
    sync_by_itself(s);
    char *second = range_alarm(s);
    assert_non_null(strstr(second, "visible range shrank"));
    assert_string_not_equal(first, second);
    sync_all(s, 0);
    expect_alarm(s, "");
    see_only(s, "5"); /* another one, smaller by what the command itself finds */
    sync_all(s, 0);
    char *third = range_alarm(s);
    assert_non_null(strstr(third, "visible range shrank"));
    assert_int_equal(writes(s, "resigns"), 0);
    free(first);
    free(second);
    free(third);
}

/* All branches that stand directly below the root are named. */
static void expect_branches(struct stage *s, const char *alarm)
{
    int branches = 0;
    const cJSON *row;
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, yq_json_get(wecom, "departments")) {
        const char *name = yq_json_get(row, "name")->valuestring;
        if (yq_json_get(row, "parent")->valuedouble != 1)
            continue;
        branches++;
        if (strstr(alarm, name) == NULL)
            fail_msg("%s is not named in %s", name, alarm);
    }
    cJSON_Delete(wecom);
    assert_true(branches > 1);
}

/* The only plan that is held names each of them; caller frees the hash. */
static char *expect_held(struct stage *s, const cJSON *leavers)
{
    const cJSON *row;
    char *out = NULL, *hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    assert_int_equal(strlen(hash), 32);
    assert_int_equal(stage_command(s, &out, "plans", "acme", hash, NULL), 0);
    cJSON_ArrayForEach (row, leavers) {
        if (strstr(out, yq_json_get(row, "userid")->valuestring) == NULL)
            fail_msg("%s is not named in %s", yq_json_get(row, "userid")->valuestring, out);
    }
    free(out);
    return hash;
}

static bool serves(const cJSON *person)
{
    int status = atoi(yq_json_get(person, "personnel_status")->valuestring);
    return status >= 1 && status <= 5;
}

/* Of those who were there when it began (accounts are userids), whoever does not serve any more is
 * not in WeCom. Returns how many. */
static int count_gone(struct stage *s, const cJSON *began)
{
    int gone = 0;
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    const cJSON *is, *was = yq_json_get(began, "members")->child;
    cJSON_ArrayForEach (is, yq_json_get(eteams, "members")) {
        assert_non_null(was);
        const char *userid = yq_json_get(was, "account")->valuestring;
        assert_string_equal(yq_json_get(is, "id")->valuestring,
                            yq_json_get(was, "id")->valuestring);
        was = was->next;
        if (serves(is))
            continue;
        if (stage_person_by(wecom, "userid", userid) != NULL)
            fail_msg("%s was resigned, and is in WeCom", userid);
        gone++;
    }
    assert_null(was);
    cJSON_Delete(eteams);
    cJSON_Delete(wecom);
    return gone;
}

/* The first of WeCom's state, as an array of members; caller deletes. */
static cJSON *first_members(struct stage *s, int count)
{
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL), *list = cJSON_CreateArray();
    const cJSON *rows = yq_json_get(wecom, "members");
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_Duplicate(cJSON_GetArrayItem(rows, i), true));
    cJSON_Delete(wecom);
    return list;
}

static void five_thousand_become_fifty(void **state)
{
    struct stage *s = large_company(state);
    cJSON *began = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    sync_all(s, 0);
    assert_int_equal(linked(s), 5000);
    see_only(s, "101");
    sync_all(s, 0);
    char *seen = stage_redis_text(s, "HGET yq:{acme}:snapshot members");
    assert_in_range(atoi(seen), 40, 60);
    free(seen);
    char *alarm = range_alarm(s), *again, *hash;
    expect_branches(s, alarm);
    sync_by_itself(s);
    again = range_alarm(s);
    assert_string_equal(alarm, again); /* one alarm, not two */
    assert_int_equal(writes(s, "resigns"), 0);
    assert_int_equal(count_gone(s, began), 0);

    cJSON *leavers = first_members(s, 50);
    leave_silently(s, 0, 50);
    sync_all(s, 3);
    assert_int_equal(writes(s, "resigns"), 0);
    hash = expect_held(s, leavers);
    expect_command(s, 0, "approve", "acme", hash, NULL);
    assert_int_equal(count_gone(s, began), 50);
    leave_silently(s, 100, 5);
    sync_all(s, 0);
    assert_int_equal(count_gone(s, began), 55);
    assert_int_equal(writes(s, "resigns"), 55);
    cJSON_Delete(leavers);
    cJSON_Delete(began);
    free(alarm);
    free(again);
    free(hash);
}

/* ---- lists that lack something ---- */

#define USER_LIST "/cgi-bin/user/list"
#define LIST_ID "/cgi-bin/user/list_id"
#define DEPARTMENTS "/cgi-bin/department/list"
#define EMPLOYEES "/api/hrm/restful/queryEmployee"
#define ORGS "/api/hrm/restful/queryOrg"

static const struct fault {
    const char *what;
    enum stage_peer peer;
    const char *path, *kind;
    int count, skip;
    bool large; /* tried with 5,000 people, too */
} faults[] = {
    {"a page is cut off", STAGE_WECOM, USER_LIST, "truncated", 1, 1, true},
    {"a page is cut off again and again", STAGE_WECOM, USER_LIST, "truncated", -1, 2, false},
    {"a page lacks half of its rows", STAGE_WECOM, USER_LIST, "half_list", 1, 0, true},
    {"all pages lack half of their rows", STAGE_WECOM, USER_LIST, "half_list", -1, 0, false},
    {"the company is cut off", STAGE_WECOM, LIST_ID, "truncated", -1, 0, true},
    {"the company lacks half", STAGE_WECOM, LIST_ID, "half_list", -1, 0, true},
    {"the company lacks half only once", STAGE_WECOM, LIST_ID, "half_list", 1, 0, false},
    {"the second listing lacks half", STAGE_WECOM, LIST_ID, "half_list", -1, 1, false},
    {"departments are cut off", STAGE_WECOM, DEPARTMENTS, "truncated", -1, 0, false},
    {"half of the departments lack", STAGE_WECOM, DEPARTMENTS, "half_list", -1, 0, true},
    {"nobody in a department, with an error", STAGE_WECOM, USER_LIST, "busy", 5, 1, true},
    {"no departments, with an error", STAGE_WECOM, DEPARTMENTS, "busy", -1, 0, true},
    {"all departments but one fail", STAGE_WECOM, USER_LIST, "http_500", -1, 1, false},
    {"nobody in the company, with an error", STAGE_WECOM, LIST_ID, "busy", -1, 0, true},
    {"nobody in the second listing, with an error", STAGE_WECOM, LIST_ID, "busy", -1, 1, false},
    {"nobody in a department, no error", STAGE_WECOM, USER_LIST, "empty_list", 1, 1, true},
    {"nobody anywhere, no error", STAGE_WECOM, USER_LIST, "empty_list", -1, 0, true},
    {"nobody in the company, no error", STAGE_WECOM, LIST_ID, "empty_list", -1, 0, true},
    {"nobody in the second listing", STAGE_WECOM, LIST_ID, "empty_list", -1, 1, false},
    {"no departments, no error", STAGE_WECOM, DEPARTMENTS, "empty_list", -1, 0, true},
    {"no error code at all", STAGE_WECOM, USER_LIST, "errcode_missing", -1, 1, false},
    {"the token expires half way", STAGE_WECOM, USER_LIST, "token_expired", 1, 2, true},
    {"the token dies half way", STAGE_WECOM, USER_LIST, "token_dead", 1, 2, false},
    {"the token dies again and again", STAGE_WECOM, USER_LIST, "token_dead", -1, 2, true},
    {"the token of the company dies", STAGE_WECOM, LIST_ID, "token_dead", -1, 0, false},
    {"half of eteams' page", STAGE_ETEAMS, EMPLOYEES, "half_page", 1, 0, true},
    {"half of all eteams' pages", STAGE_ETEAMS, EMPLOYEES, "half_page", -1, 0, false},
    {"nobody in eteams, no error", STAGE_ETEAMS, EMPLOYEES, "empty_page", -1, 0, true},
    {"nobody in eteams, with an error", STAGE_ETEAMS, EMPLOYEES, "refused_page", -1, 0, true},
    {"no departments in eteams, with an error", STAGE_ETEAMS, ORGS, "refused_page", -1, 0, true},
    {"no departments in eteams", STAGE_ETEAMS, ORGS, "empty_page", -1, 0, true},
    {"half of eteams' departments", STAGE_ETEAMS, ORGS, "half_page", -1, 0, true},
    {"eteams' page is cut off", STAGE_ETEAMS, EMPLOYEES, "truncated", 1, 0, false},
    {"eteams' token dies", STAGE_ETEAMS, EMPLOYEES, "token_dead_message", 1, 0, true},
    {"eteams' total changes", STAGE_ETEAMS, EMPLOYEES, "total_changes", -1, 0, false},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

#define SIMPLELIST "/cgi-bin/department/simplelist"

/* Where nothing but ids can be read, nobody can be asked about singly: the lists are all there is.
 */
static const struct fault ids_faults[] = {
    {"the list is cut off", STAGE_WECOM, LIST_ID, "truncated", -1, 0, false},
    {"the list is cut off once", STAGE_WECOM, LIST_ID, "truncated", 1, 0, false},
    {"the second list is cut off", STAGE_WECOM, LIST_ID, "truncated", 1, 1, false},
    {"the third list is cut off", STAGE_WECOM, LIST_ID, "truncated", -1, 2, false},
    {"lists lack half", STAGE_WECOM, LIST_ID, "half_list", -1, 0, false},
    {"a list lacks half", STAGE_WECOM, LIST_ID, "half_list", 1, 0, false},
    {"the second list lacks half", STAGE_WECOM, LIST_ID, "half_list", 1, 1, false},
    {"the second and the third list lack half", STAGE_WECOM, LIST_ID, "half_list", -1, 1, false},
    {"nobody, no error", STAGE_WECOM, LIST_ID, "empty_list", -1, 0, false},
    {"nobody once, no error", STAGE_WECOM, LIST_ID, "empty_list", 1, 0, false},
    {"nobody in the second list", STAGE_WECOM, LIST_ID, "empty_list", 1, 1, false},
    {"nobody in the third list", STAGE_WECOM, LIST_ID, "empty_list", -1, 2, false},
    {"no error code", STAGE_WECOM, LIST_ID, "errcode_missing", -1, 0, false},
    {"the list fails", STAGE_WECOM, LIST_ID, "busy", -1, 0, false},
    {"the second list fails", STAGE_WECOM, LIST_ID, "busy", -1, 1, false},
    {"the token expires", STAGE_WECOM, LIST_ID, "token_expired", 1, 1, false},
    {"the token dies again and again", STAGE_WECOM, LIST_ID, "token_dead", -1, 0, false},
    {"no departments, no error", STAGE_WECOM, SIMPLELIST, "empty_list", -1, 0, false},
    {"half of the departments", STAGE_WECOM, SIMPLELIST, "half_list", -1, 0, false},
    {"half of the departments once", STAGE_WECOM, SIMPLELIST, "half_list", 1, 0, false},
    {"departments are cut off", STAGE_WECOM, SIMPLELIST, "truncated", -1, 0, false},
    {"departments fail", STAGE_WECOM, SIMPLELIST, "busy", -1, 0, false},
    {"half of eteams' page", STAGE_ETEAMS, EMPLOYEES, "half_page", 1, 0, false},
    {"nobody in eteams, no error", STAGE_ETEAMS, EMPLOYEES, "empty_page", -1, 0, false},
};
#define IDS_FAULTS (sizeof(ids_faults) / sizeof(ids_faults[0]))

struct trial {
    const struct fault *faults;
    size_t count;
    bool large; /* only what is meant for that */
};

static int count_disabled(const cJSON *eteams)
{
    int disabled = 0;
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(eteams, "departments"))
        disabled += strcmp(yq_json_get(row, "status")->valuestring, "1") != 0;
    return disabled;
}

static int64_t linked_departments(struct stage *s)
{
    char *text = stage_redis_text(s, "HLEN yq:{acme}:link:department");
    int64_t n = atoll(text);
    free(text);
    return n;
}

/* The departments, the first being the main one, and the part-time posts among them. */
static void expect_place(const char *what, const cJSON *was, const cJSON *is)
{
    char *before = cJSON_PrintUnformatted(yq_json_get(was, "department"));
    char *now = cJSON_PrintUnformatted(yq_json_get(is, "department"));
    if (strcmp(before, now) != 0)
        fail_msg("%s: %s was in %s and is in %s", what, yq_json_get(is, "account")->valuestring,
                 before, now);
    cJSON_free(before);
    cJSON_free(now);
}

/* Whoever serves is where he was; and so are the departments. */
static void expect_places(struct stage *s, const char *what, const cJSON *began)
{
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *is, *was = yq_json_get(began, "members")->child;
    cJSON_ArrayForEach (is, yq_json_get(eteams, "members")) {
        assert_non_null(was);
        if (serves(is))
            expect_place(what, was, is);
        was = was->next;
    }
    if (count_disabled(eteams) != count_disabled(began))
        fail_msg("%s: departments were disabled", what);
    cJSON_Delete(eteams);
}

/* A reconcile that meets it, while somebody has really left. */
static void meet(struct stage *s, const struct fault *f, const cJSON *began)
{
    int64_t departments = linked_departments(s);
    char *said, hits[48];
    int64_t rows = writes(s, "rows"), resigns = writes(s, "resigns");
    tell(s, f->peer, "/_sim/faults", "{\"path\":\"%s\",\"kind\":\"%s\",\"count\":%d,\"skip\":%d}",
         f->path, f->kind, f->count, f->skip);
    (void)stage_command(s, &said, "sync", "acme", NULL);
    (void)snprintf(hits, sizeof(hits), "hits|%s", f->kind);
    if (ask(s, f->peer, "/_sim/faults", hits) == 0)
        fail_msg("%s: it was never met:\n%s", f->what, said);
    tell(s, f->peer, "/_sim/faults", "{\"clear\":true}");
    int64_t resigned = writes(s, "resigns") - resigns;
    if (resigned > 1 || writes(s, "rows") - rows != resigned)
        fail_msg("%s: %d rows are written, %d people resigned:\n%s", f->what,
                 (int)(writes(s, "rows") - rows), (int)resigned, said);
    (void)count_gone(s, began);
    expect_places(s, f->what, began);
    if (linked_departments(s) != departments)
        fail_msg("%s: %d of %d departments are linked:\n%s", f->what, (int)linked_departments(s),
                 (int)departments, said);
    free(said);
    stage_advance(s, 25 * HOUR_MS); /* the guard's day, and whatever pace there was */
}

static void meet_all(struct stage *s, int64_t people, const struct trial *t)
{
    cJSON *began = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    int left = 0;
    sync_all(s, 0);
    assert_int_equal(linked(s), people);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"contacts_details\":false}");
    for (size_t i = 0; i < t->count; i++) {
        if (t->large && !t->faults[i].large)
            continue;
        if (left - count_gone(s, began) == 0) /* the one before has been resigned all the same */
            leave_silently(s, (size_t)left++ % 5, 1);
        meet(s, &t->faults[i], began);
    }
    sync_all(s, 0); /* a range that seemed to shrink is the old one again */
    sync_all(s, 0);
    assert_int_equal(count_gone(s, began), left);
    assert_int_equal(writes(s, "resigns"), left);
    assert_int_equal(writes(s, "rows"), left);
    cJSON_Delete(began);
}

static void spoilt_lists_resign_nobody(void **state)
{
    meet_all(grown(state, 30), 30, &(struct trial){faults, FAULTS, false});
}

static void nor_in_a_large_company(void **state)
{
    meet_all(large_company(state), 5000, &(struct trial){faults, FAULTS, true});
}

/* The contacts assistant may read details, and no more once it is shut (48009): what was linked is
 * kept in step by ids. */
static struct stage *assistant(void **state, const char *sync)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 7,
                                                                .people = 30,
                                                                .departments = 9,
                                                                .mirrored = true,
                                                                .contacts_only = true,
                                                                .connection_yaml = sync,
                                                                .callback_mode = "trimmed"});
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"contacts_details\":true}");
    return s;
}

static struct stage *ids_alone(void **state, const char *sync)
{
    struct stage *s = assistant(state, sync);
    sync_all(s, 0);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"contacts_details\":false}");
    return s;
}

#define DISABLES "    sync: { disable_departments: true }"

static void nor_where_ids_alone_can_be_read(void **state)
{
    meet_all(ids_alone(state, NULL), 30, &(struct trial){ids_faults, IDS_FAULTS, false});
}

static void nor_are_departments_disabled(void **state)
{
    meet_all(ids_alone(state, DISABLES), 30, &(struct trial){ids_faults, IDS_FAULTS, false});
}

static int disabled_departments(struct stage *s)
{
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    int disabled = count_disabled(eteams);
    cJSON_Delete(eteams);
    return disabled;
}

/* 甲 with 丁 beneath it, 乙 and 丙; Li Na is in the first two. */
static struct stage *with_li_na(void **state, const char *sync)
{
    struct stage *s = assistant(state, sync);
    wecom_department(s, 50, "甲", 1);
    wecom_department(s, 51, "乙", 1);
    wecom_department(s, 52, "丙", 1);
    wecom_department(s, 53, "丁", 50);
    wecom_member(s, "li.na", "李娜", "51,50");
    stage_settle(s, true);
    sync_all(s, 0);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"contacts_details\":false}");
    expect_person(s, "li.na", "department", "乙,甲", NULL);
    return s;
}

/* An event about it, another list, and nobody else: gone is gone. */
static void a_department_that_is_gone_goes(void **state)
{
    static const char *const syncs[] = {NULL, DISABLES};
    for (size_t i = 0; i < 2; i++) {
        struct stage *s = with_li_na(state, syncs[i]);
        int64_t count = linked_departments(s);
        int disabled = disabled_departments(s), closes = syncs[i] != NULL;
        silently(s, "{\"do\":\"delete_department\",\"id\":53}");
        sync_all(s, 0);
        assert_int_equal(linked_departments(s), count - 1);
        assert_int_equal(disabled_departments(s), disabled + closes);
        tell(s, STAGE_WECOM, "/_sim/faults",
             "{\"path\":\"" SIMPLELIST "\",\"kind\":\"half_list\",\"count\":-1}");
        stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":50,\"parent\":52}");
        stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":51,\"parent\":52}");
        stage_settle(s, false);
        assert_int_equal(linked_departments(s), count - 1);
        tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
        stage_settle(s, true);
        expect_department(s, "甲", "丙", 50);
        expect_department(s, "乙", "丙", 51);
        stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":"
                              "[51]}");
        stage_wecom_change(s, "{\"do\":\"delete_department\",\"id\":50}");
        stage_settle(s, true);
        expect_person(s, "li.na", "department", "乙", NULL);
        assert_int_equal(linked_departments(s), count - 2);
        assert_int_equal(disabled_departments(s), disabled + 2 * closes);
        expect_dead(s, 0);
        if (i == 0)
            (void)story_over(state);
    }
}

/* Her main department in eteams, by its name. */
static void expect_main(struct stage *s, const char *name)
{
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *her = stage_person_by(eteams, "username", "李娜"), *row;
    const char *main = cJSON_GetArrayItem(yq_json_get(her, "department"), 0)->valuestring;
    cJSON_ArrayForEach (row, yq_json_get(eteams, "departments")) {
        if (strcmp(yq_json_get(row, "id")->valuestring, main) == 0)
            assert_string_equal(yq_json_get(row, "name")->valuestring, name);
    }
    cJSON_Delete(eteams);
}

/* Nobody leaves a department because one listing lacks a row; who really left it, leaves. */
static void a_place_is_taken_by_two_listings(void **state)
{
    struct stage *s = with_li_na(state, NULL);
    silently(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[50]}");
    sync_all(s, 0);
    expect_person(s, "li.na", "department", "甲", NULL);
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[51]}");
    stage_settle(s, true);
    expect_person(s, "li.na", "department", "乙", NULL);
    for (int i = 0; i < 10; i++) {
        tell(s, STAGE_WECOM, "/_sim/faults",
             "{\"path\":\"" LIST_ID "\",\"kind\":\"half_list\",\"count\":%d}", i % 2 ? -1 : 1);
        stage_wecom_change(s,
                           "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":"
                           "[%d,51]}",
                           i % 4 < 2 ? 50 : 52);
        stage_settle(s, false);
        expect_main(s, "乙");
        tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
    }
    stage_settle(s, true);
    sync_all(s, 0);
    for (int i = 0; i < 8; i++) {
        expect_person(s, "li.na", "department", "乙,甲", NULL);
        tell(s, STAGE_WECOM, "/_sim/faults",
             "{\"path\":\"" LIST_ID "\",\"kind\":\"half_list\",\"count\":-1}");
        (void)stage_command(s, NULL, "sync", "acme", NULL);
        tell(s, STAGE_WECOM, "/_sim/faults", "{\"clear\":true}");
        expect_person(s, "li.na", "department", "乙,甲", NULL);
        sync_all(s, 0);
        stage_advance(s, 25 * HOUR_MS);
    }
    expect_dead(s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_range_that_shrinks_resigns_nobody),
        STORY(a_range_that_was_made_smaller_on_purpose),
        STORY(five_thousand_become_fifty),
        STORY(spoilt_lists_resign_nobody),
        STORY(nor_in_a_large_company),
        STORY(nor_where_ids_alone_can_be_read),
        STORY(nor_are_departments_disabled),
        STORY(a_department_that_is_gone_goes),
        STORY(a_place_is_taken_by_two_listings),
    };
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
