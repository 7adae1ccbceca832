/* As in deploy/kubernetes: who takes callbacks is one process, who works is another, and between
 * them a Redis behind Sentinel, whose master dies under load. */
#include "story.h"

#include "base/memory.h"
#include "callback_load.h"
#include "callback_stored.h"
#include "same.h"
#include "support/talk.h"
#include "support/temp_sentinel.h"

#define RECEIVER 0
#define WORKER 1
#define MEMBERS 24
#define DEPARTMENTS 3 /* 2 to 4 */
#define CHANGES 20    /* before, while, and after there is no master */

static struct temp_sentinel *bridge;

static int failover_over(void **state)
{
    int status = story_over(state);
    temp_sentinel_free(bridge);
    bridge = NULL;
    return status;
}

static struct stage *story_of_failover(void **state, struct yq_redis_address *ret_redis)
{
    /* Links are lost, too: then it is the job number by which people are found again. */
    struct stage_options o = {
        .seed = 1, .no_daemon = true, .connection_yaml = "    sync: { write_job_num: always }\n"};
    struct stage *s = story_with(state, &o);
    bridge = temp_sentinel_new();
    assert_non_null(bridge);
    temp_sentinel_address(bridge, "bridge", ret_redis);
    char *yaml = yq_printf("sentinels: [\"127.0.0.1:%d\"], master: bridge",
                           bridge->servers[TEMP_SENTINEL_WATCH].port);
    o.redis_yaml = yaml;
    stage_configure(s, &o);
    free(yaml);
    stage_look_at_redis(s, ret_redis);
    stage_start_daemon_as(s, RECEIVER, "receiver,admin");
    stage_start_daemon_as(s, WORKER, "worker,scheduler,admin");
    return s;
}

/* ---- a company in which something happens ---- */

static void found(struct stage *s)
{
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":100000}");
    for (unsigned i = 2; i < 2 + DEPARTMENTS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "部门%u", i);
        wecom_department(s, i, name, 1);
    }
    for (unsigned i = 0; i < MEMBERS; i++)
        stage_wecom_change(s,
                           "{\"do\":\"create_member\",\"userid\":\"user.%u\",\"name\":\"员工%u\","
                           "\"departments\":[%u],\"mobile\":\"136%08u\"}",
                           i, i, 2 + i % DEPARTMENTS, i);
    stage_settle(s, true);
}

/* What their mobiles are, nothing but the event tells. */
static void change(struct stage *s, unsigned from)
{
    for (unsigned n = from; n < from + CHANGES; n++) {
        unsigned who = n * 7 % MEMBERS;
        if (n % 3 == 0)
            stage_wecom_change(s,
                               "{\"do\":\"update_member\",\"userid\":\"user.%u\","
                               "\"departments\":[%u]}",
                               who, 2 + n % DEPARTMENTS);
        else
            stage_wecom_change(
                s, "{\"do\":\"update_member\",\"userid\":\"user.%u\",\"mobile\":\"137%08u\"}", who,
                n);
    }
}

static void await_more(const struct callback_load *load, long more)
{
    if (!callback_load_await(load, more, TEMP_SENTINEL_SOON_MS))
        fail_msg("no callback is accepted");
}

static bool follows_the_second(struct stage *s)
{
    (void)s;
    return temp_sentinel_says(bridge, TEMP_SENTINEL_SECOND, "INFO replication", "role:master");
}

static bool is_content(struct stage *s)
{
    struct talk_answer answer = {0};
    int status = talk_once(stage_admin_url(s, RECEIVER), "GET", "/readyz", NULL, NULL, 0, &answer);
    bool content = status == 200 && strstr(yq_buf_text(&answer.body), "\"degraded\":[]") != NULL;
    talk_answer_release(&answer);
    return content;
}

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none;
}

static void the_master_dies_under_load(void **state)
{
    struct yq_redis_address redis;
    struct stage *s = story_of_failover(state, &redis);
    int others = people_in_service(s);
    found(s);
    struct callback_load *load = callback_load_start(&(struct callback_load_options){
        .port = atoi(strrchr(stage_public_url(s, RECEIVER), ':') + 1),
        .members = MEMBERS,
        .threads = 2,
        .apart_us = 2000});
    await_more(load, 50);
    change(s, 0);
    temp_sentinel_kill(bridge, TEMP_SENTINEL_FIRST);
    change(s, CHANGES);
    await_more(load, 50); /* into the spool */
    await(s, follows_the_second, "the second server is the master");
    change(s, 2 * CHANGES);
    await_more(load, 50);
    callback_load_end(load);
    await_deliveries(s);
    await(s, is_content,
          "readyz of the receiver names nothing: it has the new master, and an empty spool");
    expect_logged(s, RECEIVER, "spool.began");
    stage_settle(s, true);
    await(s, nothing_is_owed, "what was lost is made good");
    stage_settle(s, true);
    expect_same_company(s, others);
    struct callback_stored c = callback_stored(&redis, load);
    struct callback_load_figures f = callback_load_stop(load);
    assert_int_equal(f.lost + f.unwelcome, 0);
    if (c.lost > 0) /* what had not been copied yet, is noticed */
        expect_logged(s, RECEIVER, "redis.lost_events");
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_master_dies_under_load, failover_over),
    };
    return cmocka_run_group_tests_name("failover", tests, NULL, NULL);
}
