/* A subject that kills its worker: blamed alone, set aside after the third death. */
#include "story.h"

#include <signal.h>

#define GET_DEPARTMENT "/cgi-bin/department/get"
#define LIST_DEPARTMENTS "/cgi-bin/department/list"

static int64_t seen;

static int64_t department_calls(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/faults", "hits|slow");
}

static bool is_asked_again(struct stage *s)
{
    return department_calls(s) > seen;
}

/* The worker hangs in the department; that is where it is killed. */
static void kill_in_the_department(struct stage *s)
{
    await(s, is_asked_again, "the department is asked for");
    seen = department_calls(s);
    stage_kill_daemon(s, 0, SIGKILL);
}

static bool is_dead(struct stage *s)
{
    char *length = stage_redis_text(s, "XLEN yq:{acme}:dead");
    bool dead = strcmp(length, "0") != 0;
    free(length);
    return dead;
}

static void only_the_one_that_kills_is_set_aside(void **state)
{
    struct stage *s = story(state);
    seen = 0;
    wecom_member(s, "wang.wei", "王伟", "1");
    stage_settle(s, false);
    hold_events(s);
    wecom_department(s, 9, "毒药", 1);
    wecom_member(s, "li.na", "李娜", "1");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"wang.wei\",\"name\":\"王大伟\"}");
    tell(s, STAGE_WECOM, "/_sim/faults",
         "[{\"path\":\"%s\",\"kind\":\"slow\",\"count\":100,\"delay_ms\":600000},"
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":100,\"delay_ms\":600000}]",
         GET_DEPARTMENT, LIST_DEPARTMENTS);
    release_together(s, "{}");
    kill_in_the_department(s);
    assert_int_equal(count_people(s, "李娜"), 0);
    stage_start_daemon(s, 0);
    kill_in_the_department(s);
    stage_start_daemon(s, 0);
    kill_in_the_department(s);
    stage_start_daemon(s, 0);
    await(s, is_dead, "the dead letter");
    stage_settle(s, true);
    expect_dead(s, 1);
    char *dead = stage_redis_text(s, "XRANGE yq:{acme}:dead - +");
    assert_non_null(strstr(dead, "department:9"));
    assert_non_null(strstr(dead, "worker died"));
    free(dead);
    expect_person(s, "li.na", "username", "李娜", NULL);
    expect_person(s, "wang.wei", "username", "王大伟", NULL);
    assert_int_equal(stage_noop_rows(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(only_the_one_that_kills_is_set_aside),
    };
    return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
