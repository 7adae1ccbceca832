/* Long, frequent and thorough outages: Redis gone for an hour, killed together with the daemon at
 * random, wiped under load, loading. What was acknowledged is compared with what is there, and
 * eteams with WeCom.
 *
 * By hand: YQ_EVENTS=180000 (an hour of 50 a second), YQ_KILLS=300, YQ_WIPES=20, YQ_OUTAGES=20,
 * YQ_SEED=N. */
#include "story.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"
#include "callback_load.h"
#include "callback_stored.h"
#include "grown.h"
#include "judged.h"
#include "same.h"
#include "support/talk.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define EVENTS 300
#define KILLS 12
#define WIPES 3
#define MEMBERS 24
#define DEPARTMENTS 5 /* 2 to 6 */
#define OUTAGES 4
#define MOST_RESIDENT 64e6 /* bytes: docs/operations.md, Sizing */
#define MINUTE_MS 60000
#define CALM_LINES 40 /* in an hour without Redis */

static unsigned wanted(const char *name, unsigned usual)
{
    const char *text = getenv(name);
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : usual;
}

static int64_t real_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- a company in which something happens all the time ---- */

struct company {
    struct stage *s;
    uint64_t random;
    unsigned members, changes;
    int others;                    /* people of eteams that WeCom has not */
    bool mobiles_stay, names_stay; /* as they are */
};

/* splitmix64 */
static unsigned below(struct company *c, unsigned limit)
{
    uint64_t x = c->random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (unsigned)((x ^ (x >> 31)) % limit);
}

static void add_member(struct company *c)
{
    unsigned n = c->members++;
    stage_wecom_change(c->s,
                       "{\"do\":\"create_member\",\"userid\":\"user.%u\",\"name\":\"员工%u\","
                       "\"departments\":[%u],\"mobile\":\"136%08u\"}",
                       n, n, 2 + below(c, DEPARTMENTS), n);
}

/* One event. What it tells about mobiles, nothing else does. */
static void change(struct company *c)
{
    unsigned n = ++c->changes, who = below(c, c->members), place = 2 + below(c, DEPARTMENTS);
    unsigned what = below(c, 20);
    if (c->mobiles_stay && what < 12)
        what = 12;
    if (c->names_stay && what >= 12 && what < 15)
        what = 0;
    if (what < 12)
        stage_wecom_change(
            c->s, "{\"do\":\"update_member\",\"userid\":\"user.%u\",\"mobile\":\"137%08u\"}", who,
            n);
    else if (what < 15)
        stage_wecom_change(
            c->s, "{\"do\":\"update_member\",\"userid\":\"user.%u\",\"name\":\"员工%u-%u\"}", who,
            who, n);
    else if (what < 17)
        stage_wecom_change(c->s,
                           "{\"do\":\"update_member\",\"userid\":\"user.%u\",\"departments\":[%u]}",
                           who, place);
    else if (what < 19)
        stage_wecom_change(c->s, "{\"do\":\"update_department\",\"id\":%u,\"name\":\"部门%u-%u\"}",
                           place, place, n);
    else
        add_member(c);
}

static void changes(struct company *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        change(c);
}

static void found(struct company *c, struct stage *s)
{
    *c = (struct company){.s = s, .random = wanted("YQ_SEED", 1), .others = people_in_service(s)};
    print_message("YQ_SEED=%" PRIu64 "\n", c->random);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":100000}");
    for (unsigned i = 2; i < 2 + DEPARTMENTS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "部门%u", i);
        wecom_department(s, i, name, i < 5 ? 1 : i - 3);
    }
    while (c->members < MEMBERS)
        add_member(c);
    stage_settle(s, true);
    expect_same_company(s, c->others);
}

/* ---- what is there ---- */

static char *get(struct stage *s, const char *path)
{
    struct talk_answer answer = {0};
    (void)talk_once(stage_admin_url(s, 0), "GET", path, NULL, NULL, 0, &answer);
    char *body = strdup(yq_buf_text(&answer.body));
    talk_answer_release(&answer);
    return body;
}

static bool spool_is_empty(struct stage *s)
{
    return metric(s, "yunqiao_spool_entries") == 0;
}

static bool is_content(struct stage *s)
{
    char *body = get(s, "/readyz");
    bool content = strstr(body, "\"degraded\":[]") != NULL;
    free(body);
    return content;
}

static bool is_degraded(struct stage *s)
{
    char *body = get(s, "/readyz");
    bool said = strstr(body, "spool_in_use") != NULL;
    free(body);
    return said;
}

static bool nothing_is_owed(struct stage *s)
{
    char *owed = stage_redis_text(s, "HGETALL yq:{acme}:owed");
    bool none = *owed == '\0';
    free(owed);
    return none;
}

static int log_lines(struct stage *s)
{
    int count = 0;
    char *log = stage_daemon_log(s, 0);
    for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    free(log);
    return count;
}

static void expect_in_step(struct company *c)
{
    await_deliveries(c->s);
    await(c->s, spool_is_empty, "the spool is empty");
    stage_settle(c->s, true);
    expect_same_company(c->s, c->others);
}

/* ---- an hour without Redis ---- */

static void an_hour_without_redis(void **state)
{
    struct company c;
    struct stage *s = story(state);
    unsigned events = wanted("YQ_EVENTS", EVENTS), done = 0;
    found(&c, s);
    int64_t acknowledged = ask(s, STAGE_WECOM, "/_sim/deliveries", "acknowledged");
    int lines = log_lines(s);
    yq_temp_redis_kill(stage_redis(s));
    for (unsigned minute = 1; minute <= 60; minute++) {
        changes(&c, events * minute / 60 - done);
        done = events * minute / 60;
        await_deliveries(s);
        stage_advance(s, MINUTE_MS);
    }
    acknowledged = ask(s, STAGE_WECOM, "/_sim/deliveries", "acknowledged") - acknowledged;
    assert_in_range(acknowledged, events * 9 / 10, events); /* some change nothing */
    assert_true(is_degraded(s));
    expect_metric(s, "yunqiao_spool_entries", (double)acknowledged);
    lines = log_lines(s) - lines;
    int64_t began = real_ms();
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await(s, spool_is_empty, "the spool is empty");
    int64_t drained = real_ms() - began;
    expect_in_step(&c);
    print_message("%" PRId64 " events spooled, %d lines logged, drained in %" PRId64 " ms\n",
                  acknowledged, lines, drained);
    assert_in_range(lines, 2, CALM_LINES);
    assert_int_equal(ask(s, STAGE_WECOM, "/_sim/deliveries", "retries"), 0);
    assert_true(nothing_is_owed(s));
    expect_all_well(s);
}

/* ---- memory ---- */

#define STRAY 1.5e6 /* bytes in use, more or fewer from one moment to the next */
static bool memory_is_told(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return getenv("YQ_STAGE_WRAP") == NULL;
#endif
}

struct memory {
    double used, resident;
};

/* All of it by way of the spool, the drainer, the queue and the workers. */
static struct memory memory_after_an_outage(struct company *c, unsigned events)
{
    yq_temp_redis_kill(stage_redis(c->s));
    changes(c, events);
    await_deliveries(c->s);
    assert_true(is_degraded(c->s));
    if (!yq_temp_redis_start(stage_redis(c->s)))
        fail_msg("Redis does not come back");
    expect_in_step(c);
    struct memory m = {metric(c->s, "yunqiao_process_heap_bytes"),
                       metric(c->s, "yunqiao_process_resident_bytes")};
    print_message("memory: %.2f MB in use, %.1f MB resident\n", m.used / 1e6, m.resident / 1e6);
    return m;
}

/* What one outage needed is given back, or serves the next one. */
static void memory_stays_bounded(void **state)
{
    struct company c;
    struct stage *s = story(state);
    unsigned events = wanted("YQ_EVENTS", EVENTS), outages = wanted("YQ_OUTAGES", OUTAGES);
    struct memory last = {0};
    found(&c, s);
    struct memory first = memory_after_an_outage(&c, events);
    for (unsigned i = 0; i < outages; i++)
        last = memory_after_an_outage(&c, events);
    if (memory_is_told()) {
        assert_true(first.used > 0 && last.used < first.used + STRAY);
        assert_true(last.resident < MOST_RESIDENT + events * 1000.0);
    }
    expect_all_well(s);
}

/* ---- the delay grows ---- */

/* All parts of the process together. In Redis' place: takes connections and ends them; counts them
 * by the second. */
struct knocked {
    int fd;
    int64_t began_ms;
    atomic_int seconds[16];
    pthread_t thread;
};

static void *answer_the_door(void *context)
{
    struct knocked *k = context;
    for (int fd; (fd = accept(k->fd, NULL, NULL)) >= 0; (void)close(fd)) {
        int64_t second = (real_ms() - k->began_ms) / 1000;
        if (second < 16)
            atomic_fetch_add(&k->seconds[second], 1);
    }
    return NULL;
}

static void stand_in(struct knocked *k, struct stage *s)
{
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    (void)snprintf(here.sun_path, sizeof(here.sun_path), "%s", stage_redis(s)->socket);
    (void)unlink(here.sun_path);
    k->began_ms = real_ms();
    k->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (k->fd < 0 || bind(k->fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
        listen(k->fd, 1024) < 0 || pthread_create(&k->thread, NULL, answer_the_door, k) != 0)
        fail_msg("no socket");
}

static int reconciler_looks;

static bool time_is_up(void *arg)
{
    struct knocked *k = arg;
    return real_ms() - k->began_ms >= 7000;
}

/* How often the reconcile thread looked in the 10 s and more until its log said it again. */
static bool looks_are_told(struct stage *s)
{
    char *log = stage_daemon_log(s, 0), *line = log;
    while ((line = strstr(line, "redis.failed key=reconciler")) != NULL) {
        const char *repeated = strstr(line, " repeated=");
        size_t len = strcspn(line, "\n");
        if (repeated != NULL && repeated < line + len)
            reconciler_looks = atoi(repeated + strlen(" repeated="));
        line += len;
    }
    free(log);
    return reconciler_looks > 0;
}

static void the_delay_grows(void **state)
{
    struct stage *s =
        story_with(state, &(struct stage_options){.seed = 1, .real_clock = true, .workers = 4});
    struct knocked k = {0};
    wecom_department(s, 2, "研发", 1);
    stage_settle(s, false);
    yq_temp_redis_kill(stage_redis(s));
    stand_in(&k, s);
    wecom_member(s, "li.na", "李娜", "2");
    await_deliveries(s);
    (void)yq_wait_until(time_is_up, &k, 10000);
    reconciler_looks = 0;
    await(s, looks_are_told, "the reconcile thread tells how often it looked");
    (void)shutdown(k.fd, SHUT_RDWR);
    (void)pthread_join(k.thread, NULL);
    (void)close(k.fd);
    int first = atomic_load(&k.seconds[0]), later = 0;
    for (int i = 4; i < 7; i++)
        later += atomic_load(&k.seconds[i]);
    print_message("attempts: %d in the first second, %d in the fifth to the seventh; %d looks for "
                  "a reconcile in more than ten\n",
                  first, later, reconciler_looks);
    assert_in_range(reconciler_looks, 1, 6);                    /* one a second would be nine */
    assert_true(first >= 5 && later >= 1 && later < 2 * first); /* a third of that, a second */
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await(s, spool_is_empty, "the spool is empty");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
}

/* ---- killed at random ---- */

static void await_more(const struct callback_load *load, long more)
{
    if (!callback_load_await(load, more, 60000))
        fail_msg("no callback is accepted");
}

/* One or both of them, at any moment, and back in any order; events come all the while. */
static void kill_some(struct company *c, struct callback_load *load)
{
    struct stage *s = c->s;
    unsigned which = below(c, 3);
    bool redis = which != 0, daemon = which != 1, daemon_first = below(c, 2) == 0;
    changes(c, 1 + below(c, 4));
    await_more(load, 1 + below(c, 40));
    if (redis)
        yq_temp_redis_kill(stage_redis(s));
    if (redis && below(c, 2) == 0) {
        change(c);
        await_more(load, 1 + below(c, 20));
    }
    if (daemon)
        stage_kill_daemon(s, 0, SIGKILL);
    if (daemon && daemon_first) {
        stage_start_daemon(s, 0);
        await_more(load, 1 + below(c, 20));
    }
    if (redis && !yq_temp_redis_start(stage_redis(s)))
        fail_msg("Redis does not come back");
    if (daemon && !daemon_first)
        stage_start_daemon(s, 0);
}

/* As sets: whatever was answered with success stands in the stream, or in the dead letters. */
static void expect_none_lost(struct stage *s, const struct callback_load *load)
{
    struct callback_stored c = callback_stored(&stage_redis(s)->address, load);
    assert_int_equal(c.lost, 0);
    assert_true(c.accepted > 0);
}

/* A subject that three kills met is set aside; nothing is wrong with it. */
static void retry_the_dead(struct stage *s)
{
    char *dead = stage_redis_text(s, "XLEN yq:{acme}:dead");
    if (strcmp(dead, "0") != 0) {
        print_message("%s dead letters are sent again\n", dead);
        expect_command(s, 0, "dead", "retry", "acme", "--all", NULL);
        stage_settle(s, true);
    }
    free(dead);
}

static void killed_at_random(void **state)
{
    struct company c;
    int port, fd = callback_load_listen(&port);
    assert_true(fd >= 0);
    unsigned kills = wanted("YQ_KILLS", KILLS);
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    stage_pass_listener(s, fd);
    stage_start_daemon(s, 0);
    found(&c, s);
    struct callback_load *load = callback_load_start(&(struct callback_load_options){
        .port = port, .members = MEMBERS, .threads = 2, .apart_us = 2000});
    for (unsigned i = 0; i < kills; i++)
        kill_some(&c, load);
    callback_load_end(load);
    await_deliveries(s);
    await(s, spool_is_empty, "the spool is empty");
    await(s, is_content, "readyz names nothing");
    stage_settle(s, true);
    expect_none_lost(s, load);
    retry_the_dead(s);
    expect_same_company(s, c.others);
    struct callback_load_figures f = callback_load_stop(load);
    print_message("%u kills: %ld answered, %ld not answered, %ld answered otherwise\n", kills,
                  f.accepted, f.lost, f.unwelcome);
    assert_int_equal(f.unwelcome, 0);
    assert_true(nothing_is_owed(s));
    expect_dead(s, 0);
    (void)close(fd);
}

/* ---- wiped under load ---- */

/* How many reconciles that were owed have begun since the log had that length. */
static int owed_runs_since(struct stage *s, size_t length)
{
    int count = 0;
    char *log = stage_daemon_log(s, 0);
    for (char *rest = log + length, *line; (line = strsep(&rest, "\n")) != NULL;)
        count += strstr(line, "reconcile.begins") != NULL && strstr(line, "cause=owed") != NULL;
    free(log);
    return count;
}

static size_t log_length(struct stage *s)
{
    char *log = stage_daemon_log(s, 0);
    size_t length = strlen(log);
    free(log);
    return length;
}

static void wipe_under_load(struct stage *s, bool mobiles_change)
{
    struct company c;
    size_t logged = 0;
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}"); /* mobiles can be read */
    found(&c, s);
    struct judged *founded = judged_from(s);
    c.mobiles_stay = !mobiles_change;
    c.names_stay = mobiles_change;
    int port = atoi(strrchr(stage_public_url(s, 0), ':') + 1);
    struct callback_load *load = callback_load_start(&(struct callback_load_options){
        .port = port, .members = MEMBERS, .threads = 2, .apart_us = 2000});
    for (unsigned i = wanted("YQ_WIPES", WIPES); i > 0; i--) {
        changes(&c, 1 + below(&c, 20));
        await_more(load, 1 + below(&c, 40));
        free(stage_redis_text(s, "FLUSHALL"));
        logged = log_length(s);
        changes(&c, 1 + below(&c, 5));
        await_more(load, 1 + below(&c, 40));
        stage_advance(s, 6000);
    }
    struct callback_load_figures f = callback_load_stop(load);
    assert_int_equal(f.lost + f.unwelcome, 0);
    stage_advance(s, 6000);
    await_log(s, 0, "redis.lost_data");
    await(s, is_reconciled, "a reconcile after the last of them"); /* the mark was wiped, too */
    await(s, nothing_is_owed, "nothing is owed any more");
    expect_in_step(&c);
    expect_judged(s, founded);
    assert_int_equal(owed_runs_since(s, logged), 1); /* that was enough */
    expect_dead(s, 0);
}

/* Who is who is told by the mobile. */
static void wiped_under_load(void **state)
{
    wipe_under_load(story(state), false);
}

/* Even where a change of it is lost together with the link: by the job number and
 * the name. */
static void wiped_while_mobiles_change(void **state)
{
    wipe_under_load(story_with(state,
                               &(struct stage_options){
                                   .seed = 1, .connection_yaml = "      write_job_num: always\n"}),
                    true);
}

/* ---- the group is destroyed ---- */

/* The stream is read from its beginning once more, which changes nothing that is in step. */
static void the_group_is_destroyed(void **state)
{
    struct company c;
    struct stage *s = story(state);
    found(&c, s);
    changes(&c, 10);
    free(stage_redis_text(s, "XGROUP DESTROY yq:{acme}:events sync"));
    changes(&c, 10);
    await_deliveries(s);
    await_log(s, 0, "cause=owed");
    await(s, is_reconciled, "the reconcile that was owed");
    await(s, nothing_is_owed, "nothing is owed any more");
    expect_in_step(&c);
    expect_dead(s, 0);
}

/* ---- loading ---- */

static bool is_loading(void *arg)
{
    struct yq_temp_redis *t = arg;
    struct yq_error err = {0};
    struct yq_redis *r = yq_redis_new(&t->address, 5000);
    redisReply *reply = yq_redis_command(r, &err, "PING");
    if (reply != NULL)
        freeReplyObject(reply);
    yq_redis_free(r);
    return strstr(err.text, "LOADING") != NULL;
}

/* A large append-only file, read slowly. */
static void redis_is_loading(void **state)
{
    struct company c;
    struct stage *s = story(state);
    struct yq_temp_redis *redis = stage_redis(s);
    found(&c, s);
    struct yq_redis *r = yq_redis_new(&redis->address, 60000);
    struct yq_error err = {0};
    redisReply *filled = yq_redis_command(
        r, &err, "EVAL %s 0", "for i = 1, 12000 do redis.call('SET', 'k:' .. i, i) end");
    assert_non_null(filled);
    freeReplyObject(filled);
    yq_redis_free(r);
    yq_temp_redis_kill(redis);
    changes(&c, 5);
    redis->extra[0] = "--key-load-delay";
    redis->extra[1] = "250";
    assert_true(yq_temp_redis_launch(redis));
    assert_true(yq_wait_until(is_loading, redis, 20000));
    changes(&c, 20);
    await_deliveries(s);
    assert_true(is_loading(redis));
    assert_true(is_degraded(s));
    assert_true(yq_temp_redis_await(redis));
    expect_in_step(&c);
    assert_int_equal(ask(s, STAGE_WECOM, "/_sim/deliveries", "retries"), 0);
    assert_true(nothing_is_owed(s));
    expect_all_well(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(an_hour_without_redis),  STORY(the_delay_grows),  STORY(memory_stays_bounded),
        STORY(killed_at_random),       STORY(wiped_under_load), STORY(wiped_while_mobiles_change),
        STORY(the_group_is_destroyed), STORY(redis_is_loading),
    };
    return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
