/* Redis lost everything, the links too: what was read before is not believed any more. */
#include "grown.h"

#define QUERY_ORG "/api/hrm/restful/queryOrg"

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none && is_reconciled(s);
}

/* ---- a reconcile that was under way ---- */

static bool is_reading(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

static bool is_linked_anew(struct stage *s)
{
    char *link = stage_redis_text(s, "HGET yq:{acme}:link:department 2");
    bool is = *link != '\0';
    free(link);
    return is && count_departments(s, "平台") == 1;
}

/* It has read the old name. Since then there was an event, and a wipe of all that would tell it so:
 * were the department linked by that name, the one that was made since would be in its way. */
static void a_reconcile_does_not_outlive_a_wipe(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"" QUERY_ORG "\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":4000}");
    free(stage_redis_text(s, "FLUSHALL"));
    stage_advance(s, 6000);
    await(s, is_reading, "the reconcile reads eteams' departments");
    stage_wecom_change(s, "{\"do\":\"update_department\",\"id\":2,\"name\":\"平台\"}");
    await(s, is_linked_anew, "the event made the department");
    free(stage_redis_text(s, "FLUSHALL"));
    await_log(s, 0, "reconcile.failed");
    stage_advance(s, 6000);
    await(s, nothing_is_owed, "the reconcile that was owed");
    stage_settle(s, true);
    expect_department(s, "平台", "", 2);
    expect_person(s, "li.na", "department", "平台", NULL);
    char *cases = stage_redis_text(s, "HGETALL yq:{acme}:cases");
    assert_string_equal(cases, "");
    free(cases);
    expect_dead(s, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_reconcile_does_not_outlive_a_wipe),
    };
    return cmocka_run_group_tests_name("wiped", tests, NULL, NULL);
}
