/* The process ends and another one takes its place: under load, with calls in flight, from hand to
 * hand or by the system's socket. Nobody who calls back notices. */
#include "story.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "callback_load.h"
#include "support/wait.h"

#define SYNC_EMPLOYEE "/api/hrm/restful/syncEmployee"
#define MEMBERS 60
#define THREADS 4
#define APART_US 2000
#define RESTARTS 50 /* or $YQ_RESTARTS */
#define ACTIVATED_RESTARTS 8
#define DAEMONS 4 /* of the stage, one after the other */

static int64_t real_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_writing(struct stage *s)
{
    return ask(s, STAGE_ETEAMS, "/_sim/faults", "hits|slow") > 0;
}

static int port_of(const char *url)
{
    return atoi(strrchr(url, ':') + 1);
}

/* WeCom has them, and has told nobody. */
static void make_members(struct stage *s)
{
    hold_events(s);
    for (int i = 0; i < MEMBERS; i++) {
        char userid[16], name[32];
        (void)snprintf(userid, sizeof(userid), "user.%d", i);
        (void)snprintf(name, sizeof(name), "员工%d", i);
        wecom_member(s, userid, name, "1");
    }
    release_events(s, "{\"lose_percent\":100}");
}

/* Nothing is repeated. */
static struct callback_load *start_load(int port)
{
    return callback_load_start(&(struct callback_load_options){
        .port = port, .members = MEMBERS, .threads = THREADS, .apart_us = APART_US});
}

struct load {
    struct stage *s;
    struct callback_load *load;
};

/* Callbacks are taken right now. */
static void await_more(struct load *l)
{
    assert_true(callback_load_await(l->load, 2 * THREADS, 10000));
}

/* All that were accepted stand in the stream, once; all of it is done. */
static void end_load(struct load *l)
{
    struct stage *s = l->s;
    struct callback_load_figures f = callback_load_stop(l->load);
    if (f.lost + f.unwelcome > 0)
        fail_msg("accepted %ld, lost %ld, unwelcome %ld", f.accepted, f.lost, f.unwelcome);
    print_message("accepted %ld, lost none\n", f.accepted);
    char *length = stage_redis_text(s, "XLEN yq:{acme}:events");
    assert_int_equal(atol(length), f.accepted);
    free(length);
    stage_settle(s, true);
    assert_int_equal(ask(s, STAGE_ETEAMS, "/_sim/writes", "creates"), MEMBERS);
    cJSON *there = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    for (int i = 0; i < MEMBERS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "员工%d", i);
        assert_non_null(stage_person_by(there, "username", name));
    }
    cJSON_Delete(there);
    expect_all_well(s);
}

/* ---- from hand to hand ---- */

static char *handover_yaml(const char *directory)
{
    return yq_printf("handover: %s/handover\n", directory);
}

static struct stage *story_of_handover(void **state, struct stage_options *o)
{
    o->seed = 1;
    o->no_daemon = true;
    struct stage *s = story_with(state, o);
    char *yaml = handover_yaml(stage_directory(s));
    o->top_yaml = yaml;
    stage_configure(s, o);
    o->top_yaml = NULL;
    free(yaml);
    stage_start_daemon(s, 0);
    make_members(s);
    return s;
}

static int count_restarts(void)
{
    const char *wanted = getenv("YQ_RESTARTS");
    return wanted != NULL ? atoi(wanted) : RESTARTS;
}

static void fifty_restarts_under_load_lose_no_callback(void **state)
{
    int restarts = count_restarts();
    struct stage_options o = {0};
    struct stage *s = story_of_handover(state, &o);
    int port = port_of(stage_public_url(s, 0)), admin = port_of(stage_admin_url(s, 0));
    struct load l = {s, start_load(port)};
    int64_t began = real_ms();
    for (int i = 1; i <= restarts; i++) {
        int next = i % DAEMONS, before = (i - 1) % DAEMONS;
        stage_start_daemon(s, next);
        assert_int_equal(port_of(stage_public_url(s, next)), port);
        assert_int_equal(port_of(stage_admin_url(s, next)), admin);
        stage_await_end(s, before);
        await_more(&l);
    }
    print_message("%d restarts in %lld ms\n", restarts, (long long)(real_ms() - began));
    end_load(&l);
}

/* The configuration with one text in the place of another. */
static void edit_config(struct stage *s, const char *from, const char *to)
{
    char text[8192] = "";
    FILE *f = fopen(stage_config(s), "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    (void)fclose(f);
    char *at = strstr(text, from);
    assert_non_null(at);
    f = fopen(stage_config(s), "w");
    assert_non_null(f);
    (void)fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(fclose(f), 0);
}

static void expect_no_start(struct stage *s, const char *why, const char *roles)
{
    char *text = NULL;
    assert_int_equal(stage_command(s, &text, "serve", "--roles", roles, NULL), 1);
    if (strstr(text, why) == NULL)
        fail_msg("%s", text);
    free(text);
}

/* It has the sockets already, and ends before it is ready, or has no business here: the one before
 * goes on, and hands over to the next one. */
static void a_successor_that_fails_changes_nothing(void **state)
{
    static const char good[] = "admin: { listen: \"127.0.0.1:0\"";
    static const char bad[] = "admin: { listen: \"256.0.0.1:0\"";
    struct stage_options o = {0};
    struct stage *s = story_of_handover(state, &o);
    struct load l = {s, start_load(port_of(stage_public_url(s, 0)))};
    edit_config(s, good, bad);
    expect_no_start(s, "cannot listen on", "receiver,worker,scheduler,admin");
    edit_config(s, bad, good);
    expect_logged(s, 0, "handover.broken");
    await_more(&l);
    expect_no_start(s, "has other roles", "receiver");
    await_more(&l);
    stage_start_daemon(s, 1);
    stage_await_end(s, 0);
    await_more(&l);
    end_load(&l);
}

static bool two_processes_live(struct stage *s)
{
    char *count = stage_redis_text(s, "HLEN yq:processes");
    bool two = strcmp(count, "2") == 0;
    free(count);
    return two;
}

/* While both are there, each is somebody else: the write is the old one's, to its end. */
static void two_at_once_are_not_one(void **state)
{
    struct stage_options o = {0};
    struct stage *s = story_of_handover(state, &o);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":5000}", SYNC_EMPLOYEE);
    struct load l = {s, start_load(port_of(stage_public_url(s, 0)))};
    await(s, is_writing, "a write is under way");
    char *before = stage_redis_text(s, "GET yq:{acme}:lease");
    stage_start_daemon(s, 1);
    await(s, two_processes_live, "each of them says that it lives");
    char *now = stage_redis_text(s, "GET yq:{acme}:lease");
    assert_string_equal(before, now);
    stage_await_end(s, 0);
    await_more(&l);
    free(before);
    free(now);
    end_load(&l);
}

/* ---- by the system's socket ---- */

static void who_calls_while_nobody_runs_is_served_by_the_next(void **state)
{
    int port, fd = callback_load_listen(&port);
    assert_true(fd >= 0);
    struct stage_options o = {.seed = 1, .no_daemon = true};
    struct stage *s = story_with(state, &o);
    stage_pass_listener(s, fd);
    stage_start_daemon(s, 0);
    assert_int_equal(port_of(stage_public_url(s, 0)), port);
    make_members(s);
    struct load l = {s, start_load(port)};
    for (int i = 0; i < ACTIVATED_RESTARTS; i++) {
        await_more(&l);
        stage_kill_daemon(s, 0, SIGTERM);
        stage_start_daemon(s, 0);
    }
    await_more(&l);
    end_load(&l);
    (void)close(fd);
}

/* ---- the end ---- */

/* A peer that does not answer holds nobody up: what is in flight is given up, handed back, and
 * finished by the next one, who looks first what became of it. */
static void calls_in_flight_are_handed_back(void **state)
{
    struct stage *s = story(state);
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"%s\",\"kind\":\"slow\",\"count\":1,\"delay_ms\":60000}", SYNC_EMPLOYEE);
    wecom_member(s, "li.na", "李娜", "1");
    await(s, is_writing, "a write is under way");
    int64_t began = real_ms();
    stage_kill_daemon(s, 0, SIGTERM);
    assert_true(real_ms() - began < 10000);
    char *lease = stage_redis_text(s, "EXISTS yq:{acme}:lease");
    assert_string_equal(lease, "0");
    char *pending = stage_redis_text(s, "XPENDING yq:{acme}:events sync");
    assert_int_equal(pending[0], '1');
    tell(s, STAGE_ETEAMS, "/_sim/faults", "{\"clear\":true}");
    stage_start_daemon(s, 0);
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
    assert_int_equal(count_people(s, "李娜"), 1);
    free(lease);
    free(pending);
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(fifty_restarts_under_load_lose_no_callback),
        STORY(a_successor_that_fails_changes_nothing),
        STORY(two_at_once_are_not_one),
        STORY(who_calls_while_nobody_runs_is_served_by_the_next),
        STORY(calls_in_flight_are_handed_back),
    };
    return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
