/* Redis takes nothing: WeCom is answered with success all the same, and what it told reaches eteams
 * in its order once Redis is back. */
#include "story.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/talk.h"
#include "support/temp_redis.h"

/* ---- what is there ---- */

static int get(struct stage *s, const char *path, char **ret_body)
{
    struct talk_answer answer;
    int status = talk_once(stage_admin_url(s, 0), "GET", path,
                           "Authorization: Bearer sim-admin-token\r\n", NULL, 0, &answer);
    *ret_body = strdup(yq_buf_text(&answer.body));
    talk_answer_release(&answer);
    return status;
}

static bool ready_says(struct stage *s, const char *word)
{
    char *body;
    int status = get(s, "/readyz", &body);
    bool said = strstr(body, word) != NULL;
    assert_int_equal(status, 200);
    free(body);
    assert_int_equal(get(s, "/healthz", &body), 200);
    free(body);
    return said;
}

static bool is_content(struct stage *s)
{
    char *body;
    (void)get(s, "/readyz", &body);
    bool content = strstr(body, "\"degraded\":[]") != NULL;
    free(body);
    return content;
}

static int count_in_log(struct stage *s, const char *what)
{
    int count = 0;
    char *log = stage_daemon_log(s, 0);
    for (const char *at = log; (at = strstr(at, what)) != NULL; at++)
        count++;
    free(log);
    return count;
}

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

static bool has_ended(struct stage *s)
{
    return count_in_log(s, "spool.ended") > 0;
}

/* Whoever is not answered with success is not asked again: the story would miss it. */
static struct stage *begin_with(void **state, const struct stage_options *options)
{
    struct stage *s = story_with(state, options);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    await(s, is_content, "readyz names nothing");
    return s;
}

static struct stage *begin(void **state)
{
    return begin_with(state, &(struct stage_options){.seed = 1});
}

/* A subject changes several times, others come, one goes. */
static void much_happens(struct stage *s)
{
    for (int i = 1; i <= 5; i++)
        stage_wecom_change(s,
                           "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":"
                           "\"1370000000%d\"}",
                           i);
    wecom_department(s, 3, "平台", 2);
    wecom_member(s, "wang.wei", "王伟", "3");
    wecom_member(s, "zhao.lei", "赵雷", "2");
    stage_wecom_change(s, "{\"do\":\"delete_member\",\"userid\":\"zhao.lei\"}");
    await_deliveries(s);
    assert_int_equal(ask(s, STAGE_WECOM, "/_sim/deliveries", "last_status"), 200);
}

/* As they were told: entries of the stream whose raw text holds these, one after the other. */
static void expect_told_in_order(struct stage *s)
{
    char *entries = stage_redis_text(s, "XRANGE yq:{acme}:events - +");
    const char *at = entries;
    for (int i = 1; i <= 5; i++) {
        char mobile[16];
        (void)snprintf(mobile, sizeof(mobile), "1370000000%d", i);
        const char *next = strstr(at, mobile);
        if (next == NULL)
            fail_msg("%s does not come behind the one before", mobile);
        at = next;
    }
    free(entries);
}

static void expect_it_all(struct stage *s)
{
    await(s, has_ended, "the spool is empty");
    stage_settle(s, true);
    expect_person(s, "li.na", "mobile", "13700000005", NULL);
    expect_department(s, "平台", "研发", 3);
    expect_person(s, "wang.wei", "department", "平台", NULL);
    expect_nobody(s, "zhao.lei");
    await(s, is_content, "readyz is content again");
    assert_true(nothing_is_owed(s));
    expect_all_well(s);
}

/* ---- Redis is away, or refuses ---- */

static void redis_is_killed_and_comes_back(void **state)
{
    struct stage *s = begin(state);
    yq_temp_redis_kill(stage_redis(s));
    much_happens(s);
    assert_true(ready_says(s, "spool_in_use"));
    assert_true(ready_says(s, "redis_unreachable"));
    expect_metric(s, "yunqiao_spool_entries", 9);
    char *body;
    assert_int_equal(get(s, "/api/spool", &body), 200);
    assert_non_null(strstr(body, "\"entries\":9,"));
    free(body);
    assert_true(metric(s, "yunqiao_spool_bytes") > 1000);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    expect_it_all(s);
    expect_told_in_order(s);
    assert_int_equal(count_in_log(s, "spool.began"), 1);
    assert_int_equal(count_in_log(s, "spool.ended"), 1);
    expect_logged(s, 0, "spool.ended entries=9 ");
    expect_metric(s, "yunqiao_events_spooled_total{connection=\"acme\"}", 9);
    expect_metric(s, "yunqiao_spool_entries", 0);
}

static void a_silent_redis(void **state)
{
    struct stage *s = begin(state);
    yq_temp_redis_suspend(stage_redis(s));
    much_happens(s);
    assert_true(ready_says(s, "spool_in_use"));
    yq_temp_redis_resume(stage_redis(s));
    expect_it_all(s);
}

/* Redis takes all, and its replica nothing: what is acknowledged stays in the spool until both have
 * it. */
static void replicas_lag(void **state)
{
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1,
                                       .no_daemon = true,
                                       .redis_yaml = "wait_replicas: 1, wait_timeout: 1s"});
    struct yq_temp_redis *replica = yq_temp_redis_replica(stage_redis(s));
    assert_non_null(replica);
    stage_start_daemon(s, 0);
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    expect_metric(s, "yunqiao_redis_lags", 0);
    expect_metric(s, "yunqiao_events_spooled_total{connection=\"acme\"}", 0);
    yq_temp_redis_suspend(replica);
    much_happens(s);
    assert_true(ready_says(s, "redis_lags"));
    expect_metric(s, "yunqiao_redis_lags", 1);
    assert_true(metric(s, "yunqiao_spool_entries") >= 8);
    yq_temp_redis_resume(replica);
    expect_it_all(s);
    expect_metric(s, "yunqiao_redis_lags", 0);
    yq_temp_redis_free(replica);
}

static void redis_is_read_only(void **state)
{
    struct stage *s = begin(state);
    free(stage_redis_text(s, "REPLICAOF 127.0.0.1 1"));
    much_happens(s);
    assert_true(ready_says(s, "spool_in_use"));
    assert_true(ready_says(s, "redis_refuses_writes"));
    free(stage_redis_text(s, "REPLICAOF NO ONE"));
    expect_it_all(s);
    expect_told_in_order(s);
}

static void redis_is_out_of_memory(void **state)
{
    struct stage *s = begin(state);
    free(stage_redis_text(s, "CONFIG SET maxmemory 1"));
    much_happens(s);
    assert_true(ready_says(s, "spool_in_use"));
    assert_true(ready_says(s, "redis_refuses_writes"));
    free(stage_redis_text(s, "CONFIG SET maxmemory 0"));
    expect_it_all(s);
    expect_told_in_order(s);
}

/* ---- the process ends ---- */

/* Changes the newest file of the spool. */
static void with_file(struct stage *s, void (*change)(int fd))
{
    char path[600], folder[300];
    int found = 0;
    (void)snprintf(folder, sizeof(folder), "%s/spool", stage_directory(s));
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        (void)snprintf(path, sizeof(path), "%s/%s/00000001.spool", folder, e->d_name);
        int fd = e->d_name[0] != '.' ? open(path, O_RDWR | O_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        change(fd);
        close(fd);
        found++;
    }
    closedir(d);
    assert_int_equal(found, 1);
}

static void tear(int fd)
{
    static const char half[] = "yqr\n\0\1\0\0half a record";
    (void)lseek(fd, 0, SEEK_END);
    assert_int_equal(write(fd, half, sizeof(half)), (ssize_t)sizeof(half));
}

static void the_next_process_takes_over(void **state)
{
    struct stage *s = begin(state);
    yq_temp_redis_kill(stage_redis(s));
    much_happens(s);
    stage_kill_daemon(s, 0, SIGKILL);
    with_file(s, tear);
    stage_start_daemon(s, 0);
    expect_logged(s, 0, "spool.cut");
    expect_logged(s, 0, "entries=9");
    assert_true(ready_says(s, "spool_in_use"));
    assert_true(yq_temp_redis_start(stage_redis(s)));
    expect_it_all(s);
    expect_told_in_order(s);
}

/* In one that still runs, or in one that ends as it was asked to: none of it is lost. */
static void another_process_takes_over(void **state)
{
    struct stage *s = begin(state);
    yq_temp_redis_kill(stage_redis(s));
    much_happens(s);
    stage_start_daemon(s, 1);
    stage_kill_daemon(s, 0, SIGTERM);
    expect_logged(s, 0, "spool.left entries=9 ");
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await_log(s, 1, "spool.ended");
    stage_settle(s, true);
    expect_person(s, "li.na", "mobile", "13700000005", NULL);
    expect_person(s, "wang.wei", "department", "平台", NULL);
    expect_nobody(s, "zhao.lei");
    expect_told_in_order(s);
    expect_all_well(s);
}

static void damage(int fd)
{
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 300), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, 300), 1);
}

/* One event cannot be read any more: the others are taken, and a reconcile finds what it told. */
static void a_damaged_record_is_made_good(void **state)
{
    struct stage *s = begin(state);
    yq_temp_redis_kill(stage_redis(s));
    much_happens(s);
    stage_kill_daemon(s, 0, SIGKILL);
    with_file(s, damage);
    stage_start_daemon(s, 0);
    expect_logged(s, 0, "spool.damaged");
    expect_metric(s, "yunqiao_spool_damaged_total", 1);
    expect_metric(s, "yunqiao_spool_entries", 8);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await_log(s, 0, "spool.ended entries=8 ");
    await_log(s, 0, "cause=owed");
    stage_settle(s, true);
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_person(s, "li.na", "mobile", "13700000005", NULL);
    expect_person(s, "wang.wei", "department", "平台", NULL);
    expect_nobody(s, "zhao.lei");
    expect_all_well(s);
}

/* What it left is not forgotten. */
static void the_queue_tells_of_it(void **state)
{
    struct stage *s = begin(state);
    char *printed;
    free(stage_redis_text(s,
                          "SET yq:{acme}:spooled text")); /* so that the spool cannot be drained */
    free(stage_redis_text(s, "CONFIG SET maxmemory 1"));
    much_happens(s);
    free(stage_redis_text(s, "CONFIG SET maxmemory 0"));
    stage_kill_daemon(s, 0, SIGTERM);
    stage_advance(s, 60000);
    assert_int_equal(stage_command(s, &printed, "queue", NULL), 0);
    assert_non_null(strstr(printed, "has 9 events ("));
    assert_non_null(strstr(printed, "that process is gone"));
    free(printed);
    free(stage_redis_text(s, "DEL yq:{acme}:spooled"));
    stage_start_daemon(s, 0);
    expect_it_all(s);
}

/* ---- Redis forgets ---- */

static void expect_same_as_wecom(struct stage *s)
{
    await_log(s, 0, "cause=owed");
    stage_settle(s, true);
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_department(s, "平台", "研发", 3);
    expect_person(s, "li.na", "department", "平台", NULL);
    expect_person(s, "wang.wei", "department", "平台", NULL);
    assert_int_equal(count_people(s, "李娜"), 1);
    assert_int_equal(count_departments(s, "研发"), 1);
    expect_dead(s, 0);
}

/* What WeCom will not tell again. */
static void lose_some_news(struct stage *s)
{
    yq_temp_redis_suspend(stage_redis(s));
    wecom_department(s, 3, "平台", 2);
    wecom_member(s, "wang.wei", "王伟", "3");
    stage_wecom_change(s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"departments\":[3]}");
    await_deliveries(s);
    yq_temp_redis_resume(stage_redis(s));
}

static void redis_is_wiped(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}"); /* mobiles can be read */
    expect_command(s, 0, "pause", "acme", NULL); /* nothing is done before it is wiped */
    lose_some_news(s);
    await(s, has_ended, "the spool is empty");
    free(stage_redis_text(s, "FLUSHALL"));
    stage_advance(s, 6000);
    await_log(s, 0, "redis.lost_data");
    expect_same_as_wecom(s);
}

static void redis_comes_back_without_its_data(void **state)
{
    struct stage *s = begin(state);
    tell(s, STAGE_WECOM, "/_sim/settings", "{\"sensitive\":true}");
    expect_command(s, 0, "pause", "acme", NULL);
    lose_some_news(s);
    await(s, has_ended, "the spool is empty");
    wecom_member(s, "zhao.lei", "赵雷", "2"); /* not by the spool: its entry is remembered */
    await_deliveries(s);
    yq_temp_redis_kill(stage_redis(s));
    char command[200];
    (void)snprintf(command, sizeof(command), "rm -rf %s/appendonlydir %s/*.aof",
                   stage_redis(s)->folder, stage_redis(s)->folder);
    assert_int_equal(system(command), 0);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await_log(s, 0, "redis.lost_events");
    expect_same_as_wecom(s);
    expect_person(s, "zhao.lei", "username", "赵雷", NULL);
}

static bool lost_events_are_owed(struct stage *s)
{
    char *since = stage_redis_text(s, "HGET yq:{acme}:owed redis_lost_events");
    bool owed = *since != '\0';
    free(since);
    return owed;
}

/* The newest entry alone, as a replica that takes over may not have got it: the epoch stands. Who
 * had brought it there remembers it, and looks for it once he is connected anew. */
static void redis_has_lost_its_newest_entry(void **state)
{
    struct stage *s = begin(state);
    expect_command(s, 0, "pause", "acme", NULL); /* it would be done before it is lost */
    wecom_member(s, "wang.wei", "王伟", "2");
    await_deliveries(s);
    char *newest = stage_redis_text(s, "XREVRANGE yq:{acme}:events + - COUNT 1");
    char *lost =
        stage_redis_text(s, "XDEL yq:{acme}:events %.*s", (int)strcspn(newest, "\n"), newest);
    assert_string_equal(lost, "1");
    free(stage_redis_text(s, "CLIENT KILL TYPE normal"));
    await(s, lost_events_are_owed, "a reconcile is owed for lost events");
    expect_command(s, 0, "resume", "acme", NULL);
    await_log(s, 0, "cause=owed");
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_person(s, "wang.wei", "username", "王伟", "department", "研发", NULL);
    assert_int_equal(count_in_log(s, "redis.lost_data"), 0);
    expect_all_well(s);
    free(newest);
    free(lost);
}

/* ---- nowhere to go ---- */

static void expect_honesty(struct stage *s, const char *why)
{
    wecom_member(s, "wang.wei", "王伟", "2");
    await(s, was_refused, "a callback is answered 503");
    assert_true(ready_says(s, why));
}

static void expect_reconciled(struct stage *s)
{
    await_log(s, 0, "cause=owed");
    stage_settle(s, true);
    await(s, nothing_is_owed, "the reconcile that was owed");
    expect_person(s, "wang.wei", "username", "王伟", NULL);
    expect_all_well(s);
}

static void a_full_spool_says_so(void **state)
{
    struct stage *s =
        begin_with(state, &(struct stage_options){.seed = 1, .top_yaml = "spool_max: 4KiB\n"});
    yq_temp_redis_kill(stage_redis(s));
    for (int i = 0; i < 10 && !was_refused(s); i++) {
        stage_wecom_change(
            s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":\"1370000000%d\"}", i);
        await_deliveries(s);
    }
    expect_honesty(s, "spool_full");
    assert_true(metric(s, "yunqiao_spool_bytes") <= 4096);
    assert_true(yq_temp_redis_start(stage_redis(s)));
    expect_reconciled(s);
    await(s, is_content, "readyz is content again");
}

/* ---- a disk that fails ---- */

static void fail_disk(struct stage *s, const char *how)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/disk.fault", stage_directory(s));
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(how, f);
    (void)fclose(f);
}

/* The daemon runs on the disk that the shim makes of it. */
static struct stage *begin_on_a_bad_disk(void **state)
{
    char wrap[600];
    const char *asan = getenv("ASAN_OPTIONS"), *before = getenv("YQ_STAGE_WRAP");
    if (before != NULL)
        skip(); /* a checker is there already */
    struct stage *s = story_with(state, &(struct stage_options){.seed = 1, .no_daemon = true});
    (void)snprintf(wrap, sizeof(wrap),
                   "env LD_PRELOAD=%s ASAN_OPTIONS=%s%sverify_asan_link_order=0 "
                   "YQ_DISK_FAULT=%s/disk.fault",
                   YQ_DISK_SHIM, asan != NULL ? asan : "", asan != NULL ? ":" : "",
                   stage_directory(s));
    (void)setenv("YQ_STAGE_WRAP", wrap, 1);
    stage_start_daemon(s, 0);
    (void)unsetenv("YQ_STAGE_WRAP");
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}");
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    return s;
}

/* Nowhere to go is said honestly; what was stored before and after is not lost. */
static void disk_fails(void **state, const char *how)
{
    struct stage *s = begin_on_a_bad_disk(state);
    yq_temp_redis_kill(stage_redis(s));
    stage_wecom_change(
        s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":\"13700000001\"}");
    await_deliveries(s);
    assert_false(was_refused(s));
    fail_disk(s, how);
    expect_honesty(s, "spool_unavailable");
    fail_disk(s, "");
    stage_wecom_change(
        s, "{\"do\":\"update_member\",\"userid\":\"li.na\",\"mobile\":\"13700000002\"}");
    await_deliveries(s);
    assert_false(was_refused(s));
    assert_false(ready_says(s, "spool_unavailable"));
    assert_true(yq_temp_redis_start(stage_redis(s)));
    expect_reconciled(s);
    expect_person(s, "li.na", "mobile", "13700000002", NULL);
}

static void a_full_disk(void **state)
{
    disk_fails(state, "full");
}

static void a_disk_that_does_not_sync(void **state)
{
    disk_fails(state, "sync");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(redis_is_killed_and_comes_back),
        STORY(a_silent_redis),
        STORY(replicas_lag),
        STORY(redis_is_read_only),
        STORY(redis_is_out_of_memory),
        STORY(the_next_process_takes_over),
        STORY(another_process_takes_over),
        STORY(a_damaged_record_is_made_good),
        STORY(a_full_spool_says_so),
        STORY(the_queue_tells_of_it),
        STORY(redis_is_wiped),
        STORY(redis_comes_back_without_its_data),
        STORY(redis_has_lost_its_newest_entry),
        STORY(a_full_disk),
        STORY(a_disk_that_does_not_sync),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
