/* Processes come and go: Redis, one daemon, two of them; a paused connection, a slow company. */
#include "story.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/temp_redis.h"

#define SYNC_EMPLOYEE "/api/hrm/restful/syncEmployee"

static int64_t real_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- Redis ---- */

static bool was_refused(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/deliveries", "last_status") == 503;
}

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none;
}

static void without_redis_wecom_is_told_503(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_spool = true});
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":1000,\"retry_ms\":50}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    yq_temp_redis_stop(stage_redis(s));
    wecom_member(s, "wang.wei", "王伟", "1");
    await(s, was_refused, "a callback is answered 503");
    assert_true(stage_daemon_runs(s, 0));
    assert_true(yq_temp_redis_start(stage_redis(s)));
    int64_t began = real_ms();
    await_deliveries(s);
    assert_true(real_ms() - began < 10000);
    stage_settle(s, true);
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    await_log(s, 0, "cause=owed"); /* what WeCom may have given up is found by a reconcile */
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_logged(s, 0, "redis.lost");
    expect_all_well(s);
}

/* Redis takes connections and says nothing: the same, within the receiver's own deadline. */
static void a_silent_redis_is_as_good_as_none(void **state)
{
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_spool = true});
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":1000,\"retry_ms\":50}");
    wecom_member(s, "li.na", "李娜", "1");
    stage_settle(s, false);
    yq_temp_redis_suspend(stage_redis(s));
    wecom_member(s, "wang.wei", "王伟", "1");
    await(s, was_refused, "a callback is answered 503");
    assert_true(metric(s, "yunqiao_callbacks_unavailable_total{connection=\"acme\"}") >= 1);
    yq_temp_redis_resume(stage_redis(s));
    await_deliveries(s);
    stage_settle(s, true);
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    expect_all_well(s);
}

/* Killed between two commands, with what it had written down: nothing acknowledged is lost. */
static void redis_killed_in_the_middle_of_work(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":1000,\"retry_ms\":50}");
    tell(s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":20}");
    for (int i = 0; i < 20; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
        if (i == 10) {
            yq_temp_redis_kill(stage_redis(s));
            assert_true(yq_temp_redis_start(stage_redis(s)));
        }
    }
    stage_settle(s, true);
    for (int i = 0; i < 20; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        expect_person(s, userid, "username", name, NULL);
        assert_int_equal(count_people(s, name), 1);
    }
    expect_all_well(s);
}

/* As an ACL user with no more rights than docs/redis.md asks for, its password in a file. */
static void redis_with_a_user_of_its_own(void **state)
{
    struct stage_options o = {.seed = 1, .no_daemon = true};
    struct stage *s = story_with(state, &o);
    free(stage_redis_text(s, "ACL SETUSER yunqiao on >s3cret-of-redis ~yq:* &* +@all -@admin "
                             "-@dangerous +config|get +info +role"));
    char *path = yq_printf("%s/redis.password", stage_directory(s));
    char *yaml = yq_printf("user: yunqiao, password_file: \"%s\"", path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs("s3cret-of-redis\n", f);
    assert_int_equal(fclose(f), 0);
    o.redis_yaml = yaml;
    stage_configure(s, &o);
    stage_start_daemon(s, 0);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", "department", "研发", NULL);
    expect_command(s, 0, "sync", "acme", NULL);
    expect_command(s, 0, "queue", "acme", NULL);
    expect_command(s, 0, "doctor", "acme", NULL);
    char *users = stage_redis_text(s, "ACL LOG");
    assert_string_equal(users, ""); /* nothing was denied */
    char *clients = stage_redis_text(s, "CLIENT LIST");
    assert_non_null(strstr(clients, "user=yunqiao"));
    char *log = stage_daemon_log(s, 0);
    assert_null(strstr(log, "s3cret-of-redis"));
    assert_null(strstr(log, "redis.unsafe"));
    expect_all_well(s);
    free(users);
    free(clients);
    free(log);
    free(path);
    free(yaml);
}

/* ---- several daemons ---- */

static bool has_settled(struct stage *s, int daemon)
{
    char *log = stage_daemon_log(s, daemon);
    bool found = strstr(log, "event.settled") != NULL;
    free(log);
    return found;
}

static void two_daemons_share_the_work(void **state)
{
    struct stage *s = story(state);
    stage_start_daemon(s, 1);
    int made = 0;
    for (; made < 60 && !(made >= 10 && has_settled(s, 0) && has_settled(s, 1)); made++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", made);
        (void)snprintf(name, sizeof(name), "员工%d", made);
        wecom_member(s, userid, name, "1");
        stage_settle(s, false);
    }
    assert_true(has_settled(s, 0));
    assert_true(has_settled(s, 1));
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), made);
    expect_all_well(s);
}

static bool is_writing(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

/* Half way through a write: eteams has it, the answer is still on its way. */
static void kill_while_writing(struct stage *s)
{
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":60000}", SYNC_EMPLOYEE);
    wecom_member(s, "li.na", "李娜", "1");
    await(s, is_writing, "the write is under way");
    stage_kill_daemon(s, 0, SIGKILL);
}

static void another_takes_over_from_a_killed_one_at_once(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 1, .top_yaml = "lease: 10m\n"});
    stage_kill_daemon(s, 0, SIGTERM);
    stage_start_daemon(s, 0);
    kill_while_writing(s);
    stage_start_daemon(s, 1);
    int64_t began = real_ms();
    stage_settle(s, true);
    assert_true(real_ms() - began < 20000);
    assert_int_equal(count_people(s, "李娜"), 1);
    expect_person(s, "li.na", "username", "李娜", NULL);
    expect_all_well(s);
}

/* The other one ran all the time, and no further event wakes it up. */
static void so_does_one_that_ran_already(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1, .top_yaml = "lease: 10m\n", .no_daemon = true});
    stage_start_daemon(s, 0);
    kill_while_writing(s);
    stage_start_daemon(s, 2);
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    stage_start_daemon(s, 0);
    stage_kill_daemon(s, 2, SIGTERM);
    stage_start_daemon(s, 1);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":60000}", SYNC_EMPLOYEE);
    wecom_member(s, "wang.wei", "王伟", "1");
    await(s, is_writing, "the write is under way");
    char *lease = stage_redis_text(s, "GET yq:{acme}:lease"), pid[32];
    (void)snprintf(pid, sizeof(pid), "\"pid\":%d,", (int)stage_daemon_pid(s, 0));
    int victim = strstr(lease, pid) != NULL ? 0 : 1;
    free(lease);
    stage_kill_daemon(s, victim, SIGKILL);
    stage_settle(s, true);
    assert_int_equal(count_people(s, "王伟"), 1);
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    expect_all_well(s);
}

/* SIGTERM in the middle of a write: what is under way is finished or handed on, nothing is lost. */
static void an_orderly_stop_hands_the_work_on(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":100}");
    for (int i = 0; i < 5; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
    }
    await_deliveries(s);
    stage_kill_daemon(s, 0, SIGTERM);
    stage_start_daemon(s, 0);
    stage_settle(s, true);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), 5);
    char *deaths = stage_redis_text(s, "HGETALL yq:{acme}:retry");
    assert_string_equal(deaths, "");
    free(deaths);
    expect_all_well(s);
}

/* ---- pausing ---- */

static bool has_waited_an_hour(struct stage *s)
{
    return metric(s, "yunqiao_queue_oldest_seconds{connection=\"acme\"}") >= 3600;
}

static void a_paused_connection_keeps_its_events(void **state)
{
    struct stage *s = story(state);
    char *text;
    expect_command(s, 0, "pause", "acme", NULL);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    await_deliveries(s);
    stage_advance(s, 3600 * 1000);
    await(s, has_waited_an_hour, "the age of the oldest event");
    char *length = stage_redis_text(s, "XLEN yq:{acme}:events");
    assert_string_equal(length, "2");
    free(length);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "rows"), 0);
    assert_int_equal(stage_command(s, &text, "queue", "acme", NULL), 0);
    assert_non_null(strstr(text, "paused"));
    free(text);
    expect_command(s, 0, "resume", "acme", NULL);
    stage_settle(s, false);
    expect_person(s, "li.na", "department", "研发", NULL);
    expect_all_well(s);
}

/* ---- a slow company ---- */

/* Takes connections, and never says a word. */
static int mute_server(int *ret_port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &size) < 0)
        fail_msg("no socket");
    *ret_port = ntohs(here.sin_port);
    return fd;
}

static bool somebody_works_on_slow(struct stage *s)
{
    char *lease = stage_redis_text(s, "EXISTS yq:{slow}:lease");
    bool held = strcmp(lease, "1") == 0;
    free(lease);
    return held;
}

static bool li_na_is_there(struct stage *s)
{
    return count_people(s, "李娜") == 1;
}

static void a_slow_company_delays_nobody_else(void **state)
{
    char yaml[1024];
    int port, fd = mute_server(&port);
    (void)snprintf(yaml, sizeof(yaml),
                   "  - id: slow\n"
                   "    wecom:\n"
                   "      corp_id: ww0123456789abcdef\n"
                   "      callback:\n"
                   "        token: SlowToken\n"
                   "        encoding_aes_key: abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n"
                   "      app_secret: sim-app-secret\n"
                   "      agent_id: 1000002\n"
                   "    eteams:\n"
                   "      open_base: http://127.0.0.1:%d\n"
                   "      corp_id: sim-eteams-corp\n"
                   "      app_key: sim-app-key\n"
                   "      app_secret: sim-app-secret\n",
                   port);
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1, .workers = 1, .connection_yaml = yaml});
    expect_command(s, 0, "sync", "slow", "--department", "1", "--no-wait", NULL);
    expect_command(s, 0, "sync", "slow", "--member", "li.na", "--no-wait", NULL);
    await(s, somebody_works_on_slow, "the slow company is worked on");
    wecom_member(s, "li.na", "李娜", "1");
    await(s, li_na_is_there, "the quick company is served meanwhile");
    assert_true(somebody_works_on_slow(s));
    int64_t began = real_ms();
    stage_kill_daemon(s, 0, SIGTERM);
    assert_true(real_ms() - began < 20000);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(without_redis_wecom_is_told_503),
        STORY(a_silent_redis_is_as_good_as_none),
        STORY(redis_killed_in_the_middle_of_work),
        STORY(redis_with_a_user_of_its_own),
        STORY(two_daemons_share_the_work),
        STORY(another_takes_over_from_a_killed_one_at_once),
        STORY(so_does_one_that_ran_already),
        STORY(an_orderly_stop_hands_the_work_on),
        STORY(a_paused_connection_keeps_its_events),
        STORY(a_slow_company_delays_nobody_else),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
