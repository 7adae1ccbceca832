/* What the guard holds is done when a person says so: exactly that, and only as far as it still
 * stands. And which record of eteams somebody is, where a person must say so. */
#include "story.h"

#include <signal.h>
#include <stdint.h>

#define LEAVERS 50

static const char *name_of(int i)
{
    static char name[16];
    (void)snprintf(name, sizeof(name), "u%d", i);
    return name;
}

/* So many people in WeCom and, by name and mobile, in eteams; all linked. */
static struct stage *company(void **state, int people)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    hold_events(s);
    for (int i = 0; i < people; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "员工%d", i);
        wecom_member(s, name_of(i), text, "2");
    }
    release_events(s, "{}");
    stage_settle(s, true);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
    return s;
}

static void fire(struct stage *s, int i)
{
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"%s\"}", name_of(i));
}

/* In one run. */
static void fire_together(struct stage *s, int from, int to)
{
    hold_events(s);
    for (int i = from; i < to; i++)
        fire(s, i);
    release_together(s, "{}");
    stage_settle(s, true);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
}

static int64_t resigns(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/writes", "resigns");
}

/* The hash of the only plan that is held; caller frees. */
static char *held_hash(struct stage *s)
{
    char *hash = stage_redis_text(s, "HKEYS yq:{acme}:held");
    assert_int_equal(strlen(hash), 32);
    return hash;
}

static void expect_output(struct stage *s, int status, const char *words, const char *command,
                          const char *argument)
{
    char *out = NULL;
    int got = stage_command(s, &out, command, "acme", argument, NULL);
    if (got != status || strstr(out, words) == NULL)
        fail_msg("%s: status %d, expected %d and \"%s\":\n%s", command, got, status, words, out);
    free(out);
}

static void those_who_were_approved_leave(void **state)
{
    struct stage *s = company(state, 200);
    fire_together(s, 0, LEAVERS);
    assert_int_equal(resigns(s), 0);
    char *hash = held_hash(s);
    expect_output(s, 0, "people: 50", "plans", NULL);
    expect_output(s, 0, "员工49", "plans", hash);
    wecom_member(s, "u7", "员工7", "2"); /* comes back */
    stage_settle(s, true);
    fire(s, 60); /* a 51st: by itself, below the limit */
    stage_settle(s, true);
    assert_int_equal(resigns(s), 1);
    expect_output(s, 0, "done", "approve", hash);
    stage_settle(s, true);
    assert_int_equal(resigns(s), LEAVERS); /* 49 approved, and the 51st */
    expect_person(s, "u7", "username", "员工7", NULL);
    expect_person(s, "u50", "username", "员工50", NULL);
    for (int i = 0; i < LEAVERS; i++) {
        if (i != 7)
            expect_nobody(s, name_of(i));
    }
    expect_output(s, 0, "nothing is held", "plans", NULL);
    expect_output(s, 1, "refused: no plan", "approve", hash);
    fire_together(s, 100, 105); /* what was approved does not count towards the day */
    assert_int_equal(resigns(s), LEAVERS + 5);
    free(hash);
    expect_all_well(s);
}

static void a_plan_expires(void **state)
{
    struct stage *s = company(state, 30);
    fire_together(s, 0, 5);
    char *hash = held_hash(s);
    expect_output(s, 0, "yunqiao approve acme", "plans", NULL);
    stage_advance(s, INT64_C(8) * 24 * 3600 * 1000);
    expect_output(s, 0, "nothing is held", "plans", NULL);
    expect_output(s, 1, "refused: plan", "approve", hash);
    assert_int_equal(resigns(s), 0);
    free(hash);
    expect_dead(s, 0);
}

/* The newer plan takes over whom the older one still holds. */
static void a_newer_plan_replaces_an_older_one(void **state)
{
    struct stage *s = company(state, 40);
    fire_together(s, 0, 6);
    char *older = held_hash(s);
    hold_events(s);
    wecom_member(s, "u5", "员工5", "2");
    stage_advance(s, 2000);
    for (int i = 5; i < 12; i++) /* 5 comes back, and leaves again */
        fire(s, i);
    release_together(s, "{}");
    stage_settle(s, true);
    char *newer = held_hash(s);
    assert_string_not_equal(older, newer);
    expect_output(s, 1, "was replaced by the newer plan", "approve", older);
    assert_int_equal(resigns(s), 0);
    expect_output(s, 0, "done", "approve", newer);
    assert_int_equal(resigns(s), 12);
    free(older);
    free(newer);
    expect_all_well(s);
}

/* Who waits for a person is not done by the way, when few others are in question. */
static void who_is_held_stays_held(void **state)
{
    struct stage *s = company(state, 30);
    fire_together(s, 0, 5);
    char *hash = held_hash(s);
    wecom_member(s, "u3", "员工3", "2");
    stage_settle(s, true);
    stage_advance(s, 2000);
    fire(s, 3);
    stage_settle(s, true);
    assert_int_equal(resigns(s), 0);
    expect_in_audit(s, "member:u3", "still_held");
    char *again = held_hash(s);
    assert_string_equal(again, hash); /* the same people */
    expect_output(s, 0, "done", "approve", hash);
    assert_int_equal(resigns(s), 5);
    free(again);
    free(hash);
    expect_all_well(s);
}

/* The last administrator stays, approved or not (R13). */
static void approval_does_not_lift_the_other_rules(void **state)
{
    struct stage *s = company(state, 30);
    fire_together(s, 0, 5);
    char *hash = held_hash(s), *id = person_id(s, "u3");
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"make_admin\",\"id\":\"%s\"}", id);
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *admin = stage_person_by(eteams, "account", "admin");
    tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"remove_admin\",\"id\":\"%s\"}",
         cJSON_GetObjectItemCaseSensitive(admin, "id")->valuestring);
    cJSON_Delete(eteams);
    expect_output(s, 0, "done", "approve", hash);
    assert_int_equal(resigns(s), 4);
    expect_person(s, "u3", "username", "员工3", NULL);
    expect_output(s, 0, "last administrator", "cases", NULL);
    free(hash);
    free(id);
}

/* A worker that dies in the middle: the rest is done by the next one. */
static void an_approval_survives_its_worker(void **state)
{
    struct stage *s = company(state, 30);
    fire_together(s, 0, 5);
    char *hash = held_hash(s);
    stage_kill_daemon(s, 0, SIGKILL);
    expect_command(s, 0, "approve", "acme", hash, "--no-wait", NULL);
    stage_start_daemon(s, 0);
    stage_settle(s, true);
    assert_int_equal(resigns(s), 5);
    expect_output(s, 0, "nothing is held", "plans", NULL);
    free(hash);
    expect_all_well(s);
}

/* ---- between the plan shown and its approval ---- */

#define FLAPPING 40
#define SHOWN 6

static unsigned chance(unsigned below)
{
    static uint64_t seed = 3;
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

/* WeCom may refuse it: then nothing happened. */
static void try_change(struct stage *s, const char *what, const char *userid, const char *name)
{
    cJSON *answer = stage_call(
        s, STAGE_WECOM, "/_sim/change", "{\"do\":\"%s\",\"userid\":\"%s\",\"name\":\"%s\"%s}", what,
        userid, name, strcmp(what, "create_member") == 0 ? ",\"departments\":[2]" : "");
    cJSON_Delete(answer);
}

/* Somebody comes back, leaves, is renamed, or is resigned by hand; heard of or not. */
static void flap(struct stage *s, int shown_from)
{
    int i = chance(2) ? shown_from + (int)chance(SHOWN) : (int)chance(FLAPPING);
    char name[32];
    cJSON *eteams = NULL;
    (void)snprintf(name, sizeof(name), "员工%d", i);
    const cJSON *person = stage_person(s, name_of(i), &eteams);
    switch (person != NULL ? chance(4) : 3) {
    case 0:
        try_change(s, "delete_member", name_of(i), name);
        break;
    case 1:
        tell(s, STAGE_ETEAMS, "/_sim/change", "{\"do\":\"resign_member\",\"id\":\"%s\"}",
             cJSON_GetObjectItemCaseSensitive(person, "id")->valuestring);
        break;
    case 2:
        (void)strcat(name, "改");
        try_change(s, "update_member", name_of(i), name);
        break;
    default:
        try_change(s, "create_member", name_of(i), name);
    }
    cJSON_Delete(eteams);
}

static bool serves(const cJSON *person)
{
    const char *status = cJSON_GetObjectItemCaseSensitive(person, "personnel_status")->valuestring;
    return atoi(status) >= 1 && atoi(status) <= 5;
}

/* Who was in service and is not any more was shown, and is not there in WeCom. Returns how many. */
static int expect_only_shown(struct stage *s, const cJSON *before, int shown_from)
{
    const cJSON *was;
    int gone = 0;
    cJSON *after = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL);
    cJSON_ArrayForEach (was, cJSON_GetObjectItemCaseSensitive(before, "members")) {
        const char *id = cJSON_GetObjectItemCaseSensitive(was, "id")->valuestring;
        int i = -1;
        if (!serves(was) || serves(stage_person_by(after, "id", id)))
            continue;
        (void)sscanf(cJSON_GetObjectItemCaseSensitive(was, "username")->valuestring, "员工%d", &i);
        if (i < shown_from || i >= shown_from + SHOWN)
            fail_msg("u%d was resigned, and was never shown", i);
        if (stage_person_by(wecom, "userid", name_of(i)) != NULL)
            fail_msg("u%d is back in WeCom, and was resigned", i);
        gone++;
    }
    cJSON_Delete(after);
    cJSON_Delete(wecom);
    return gone;
}

static void whatever_happens_meanwhile(void **state)
{
    struct stage *s = company(state, FLAPPING);
    int gone = 0;
    for (int from = 0; from + SHOWN <= FLAPPING; from += SHOWN) {
        fire_together(s, from, from + SHOWN);
        char *hash = stage_redis_text(s, "HKEYS yq:{acme}:held"), *said = NULL;
        hold_events(s);
        for (unsigned flaps = 1 + chance(8); flaps > 0; flaps--)
            flap(s, from);
        if (chance(2))
            release_together(s, chance(2) ? "{\"order\":\"shuffle\"}" : "{\"lose_percent\":50}");
        else
            tell(s, STAGE_WECOM, "/_sim/deliver", "{\"lose_percent\":100}");
        stage_settle(s, true);
        tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"auto\"}");
        cJSON *before = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
        (void)stage_command(s, &said, "approve", "acme", hash, NULL);
        stage_settle(s, true);
        gone += expect_only_shown(s, before, from);
        cJSON_Delete(before);
        free(said);
        free(hash);
    }
    assert_in_range(gone, SHOWN, FLAPPING - 1); /* it is no test if nobody goes */
    assert_int_equal(stage_noop_rows(s), 0);
}

/* ---- links ---- */

static void a_person_says_who_is_who(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    wecom_member(s, "wang.wei", "王伟", "2");
    stage_settle(s, false);
    char *li = person_id(s, "li.na"), *wang = person_id(s, "wang.wei");
    expect_output(s, 0, li, "links", NULL);
    expect_command(s, 1, "link", "acme", "member", "li.na", wang, NULL);
    expect_command(s, 1, "link", "acme", "member", "new.one", wang, NULL);
    expect_command(s, 1, "link", "acme", "member", "new.one", "1", NULL);
    expect_in_audit(s, "member:new.one", "no_record");
    expect_command(s, 1, "unlink", "acme", "member", "new.one", NULL);
    expect_person(s, "li.na", "id", li, NULL);

    int64_t creates = ask(s, STAGE_ETEAMS, "/_sim/writes", "creates");
    expect_command(s, 0, "unlink", "acme", "member", "wang.wei", NULL);
    expect_nobody(s, "wang.wei");
    expect_in_audit(s, "member:wang.wei", "command");
    expect_command(s, 0, "link", "acme", "member", "wang.wei", wang, NULL);
    expect_person(s, "wang.wei", "id", wang, "username", "王伟", NULL);
    char *link = stage_redis_text(s, "HGET yq:{acme}:link:member wang.wei");
    assert_non_null(strstr(link, "\"how\":\"command\""));
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), creates);
    free(link);
    free(li);
    free(wang);
    expect_all_well(s);
}

static void a_department_that_is_in_the_way_is_linked(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    cJSON *eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    char *org =
        strdup(cJSON_GetObjectItemCaseSensitive(stage_department_by_name(eteams, "研发"), "id")
                   ->valuestring);
    cJSON_Delete(eteams);
    expect_command(s, 1, "link", "acme", "department", "7", org, NULL);
    expect_command(s, 0, "unlink", "acme", "department", "2", NULL);
    expect_command(s, 0, "link", "acme", "department", "2", org, NULL);
    expect_department(s, "研发", "总部", 2);
    assert_int_equal(count_departments(s, "研发"), 1);
    free(org);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(those_who_were_approved_leave),
        STORY(a_plan_expires),
        STORY(a_newer_plan_replaces_an_older_one),
        STORY(who_is_held_stays_held),
        STORY(approval_does_not_lift_the_other_rules),
        STORY(an_approval_survives_its_worker),
        STORY(whatever_happens_meanwhile),
        STORY(a_person_says_who_is_who),
        STORY(a_department_that_is_in_the_way_is_linked),
    };
    return cmocka_run_group_tests_name("approve", tests, NULL, NULL);
}
