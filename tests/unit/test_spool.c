/* The spool on a disk that fails, and beside a Redis that comes and goes: what was said to be
 * stored is, what could not be stored is told, and nothing is in the queue twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/spool_record.h"
#include "clients/system_clock.h"
#include "service/spool.h"
#include "support/loop.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define SOON 20000

static struct yq_temp_redis *redis;
static struct yq_redis *look;
static char root[64];

static int set_up_all(void **state)
{
    (void)state;
    redis = yq_temp_redis_new(NULL);
    look = redis != NULL ? yq_redis_new(&redis->address, 2000) : NULL;
    return redis != NULL ? 0 : -1;
}

static int tear_down_all(void **state)
{
    (void)state;
    yq_redis_free(look);
    yq_temp_redis_free(redis);
    return 0;
}

static long long ask(const char *command)
{
    redisReply *reply = yq_redis_command(look, NULL, command);
    long long n = reply != NULL ? reply->integer : -1;
    if (reply != NULL)
        freeReplyObject(reply);
    return n;
}

static int set_up(void **state)
{
    (void)state;
    (void)ask("CONFIG SET maxmemory 0");
    (void)ask("FLUSHALL");
    (void)snprintf(root, sizeof(root), "/tmp/yq-spool-XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

/* ---- a disk that fails when told ---- */

static atomic_int write_faults, sync_faults, open_faults; /* so many; < 0: for good */

static bool fails(atomic_int *faults)
{
    int n = atomic_load(faults);
    if (n > 0)
        atomic_store(faults, n - 1);
    return n != 0;
}

static int bad_open(const char *path, int flags, mode_t mode)
{
    if ((flags & O_CREAT) != 0 && fails(&open_faults)) {
        errno = ENOSPC;
        return -1;
    }
    return open(path, flags, mode);
}

static ssize_t bad_write(int fd, const void *data, size_t len)
{
    if (fails(&write_faults)) {
        errno = ENOSPC;
        return -1;
    }
    return write(fd, data, len);
}

static int bad_sync(int fd)
{
    if (fails(&sync_faults)) {
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static const struct yq_disk disk = {bad_open, bad_write, bad_sync, ftruncate, unlink, close};

/* ---- a spool on a loop ---- */

struct bed {
    struct test_loop *loop;
    struct yq_spool *spool;
    struct yq_spool_share *share;
    size_t max_bytes;
    atomic_int stored, refused;
};

static void start(struct bed *b)
{
    *b = (struct bed){.max_bytes = b->max_bytes};
    b->loop = test_loop_new();
    b->spool = yq_spool_start(&(struct yq_spool_options){
        .base = test_loop_base(b->loop),
        .folder = root,
        .max_bytes = b->max_bytes > 0 ? b->max_bytes : 1 << 20,
        .address = &redis->address,
        .redis_timeout_ms = 1000,
        .redis_prefix = "yq",
        .clock = yq_system_clock(),
        .disk = &disk,
    });
    b->share = yq_spool_share(b->spool, "acme");
    test_loop_start(b->loop);
}

static void stop(struct bed *b)
{
    test_loop_stop(b->loop);
    yq_spool_stop(b->spool);
    event_base_loop(test_loop_base(b->loop), EVLOOP_NONBLOCK);
    test_loop_free(b->loop);
}

static void on_done(void *context, bool stored)
{
    struct bed *b = context;
    atomic_fetch_add(stored ? &b->stored : &b->refused, 1);
}

struct order {
    struct bed *b;
    int from, count;
};

static void push_now(void *arg)
{
    struct order *o = arg;
    struct yq_buf body = YQ_BUF_INIT;
    for (int i = 0; i < o->count; i++) {
        char number[16];
        int len = snprintf(number, sizeof(number), "%d", o->from + i);
        const char *argv[] = {"v", "1", "n", number};
        const size_t lens[] = {1, 1, 1, (size_t)len};
        yq_buf_clear(&body);
        yq_spool_write_body(&body, "acme", 4, argv, lens);
        yq_spool_push(o->b->spool, o->b->share, &body, "a test says so", on_done, o->b);
    }
    yq_buf_release(&body);
}

static bool all_done(void *arg)
{
    struct order *o = arg;
    return atomic_load(&o->b->stored) + atomic_load(&o->b->refused) == o->count;
}

/* Pushes so many, numbered from `from`, and waits for their answers. Returns how many are stored.
 */
static int push(struct bed *b, int from, int count)
{
    struct order o = {b, from, count};
    atomic_store(&b->stored, 0);
    atomic_store(&b->refused, 0);
    test_loop_call(b->loop, push_now, &o);
    assert_true(yq_wait_until(all_done, &o, SOON));
    return atomic_load(&b->stored);
}

static bool is_empty(void *arg)
{
    return !yq_spool_holds(((struct bed *)arg)->share);
}

static void await_drained(struct bed *b)
{
    assert_true(yq_wait_until(is_empty, b, SOON));
}

/* The numbers in the queue, joined by blanks. */
static void expect_queue(const char *wanted)
{
    char found[4096] = "";
    redisReply *reply = yq_redis_command(look, NULL, "XRANGE yq:{acme}:events - +");
    assert_non_null(reply);
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *fields = reply->element[i]->element[1];
        assert_string_equal(fields->element[2]->str, "n");
        size_t len = strlen(found);
        (void)snprintf(found + len, sizeof(found) - len, "%s%s", len > 0 ? " " : "",
                       fields->element[3]->str);
    }
    freeReplyObject(reply);
    assert_string_equal(found, wanted);
}

static struct yq_spool_figures figures(struct bed *b)
{
    struct yq_spool_figures f;
    yq_spool_figures(b->spool, &f);
    return f;
}

/* ---- stories ---- */

static void test_it_passes_through_in_order(void **state)
{
    (void)state;
    struct bed b = {0};
    start(&b);
    assert_int_equal(push(&b, 1, 5), 5);
    await_drained(&b);
    expect_queue("1 2 3 4 5");
    assert_int_equal(ask("ZCARD yq:ready"), 1);
    stop(&b);
    assert_int_equal(rmdir(root), 0); /* nothing is left behind */
}

static void test_the_next_one_finds_it(void **state)
{
    (void)state;
    struct bed b = {0};
    yq_temp_redis_stop(redis);
    start(&b);
    assert_int_equal(push(&b, 1, 3), 3);
    assert_int_equal(push(&b, 4, 2), 2);
    assert_int_equal(figures(&b).entries, 5);
    stop(&b);
    start(&b);
    assert_int_equal(figures(&b).entries, 5);
    assert_true(yq_spool_holds(b.share));
    assert_int_equal(push(&b, 6, 1), 1);
    assert_true(yq_temp_redis_start(redis));
    await_drained(&b);
    expect_queue("1 2 3 4 5 6");
    stop(&b);
}

/* Its answer was lost, or it died before it could remove the file: nothing is added twice. */
static void test_none_of_it_twice(void **state)
{
    (void)state;
    struct bed b = {0};
    char command[200];
    (void)ask("CONFIG SET maxmemory 1");
    start(&b);
    assert_int_equal(push(&b, 1, 3), 3);
    (void)snprintf(command, sizeof(command), "cp -r %s %s.copy", root, root);
    assert_int_equal(system(command), 0);
    (void)ask("CONFIG SET maxmemory 0");
    await_drained(&b);
    expect_queue("1 2 3");
    assert_int_equal(push(&b, 4, 1), 1);
    await_drained(&b);
    stop(&b);
    (void)snprintf(command, sizeof(command), "rm -rf %.50s && mv %.50s.copy %.50s", root, root,
                   root);
    assert_int_equal(system(command), 0);
    start(&b);
    await_drained(&b);
    expect_queue("1 2 3 4");
    stop(&b);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    struct bed b = {0};
    yq_temp_redis_stop(redis);
    start(&b);
    assert_int_equal(push(&b, 1, 2), 2);
    atomic_store(&write_faults, -1);
    assert_int_equal(push(&b, 10, 2), 0);
    assert_non_null(strstr(figures(&b).fault, "No space"));
    atomic_store(&write_faults, 0);
    assert_int_equal(push(&b, 3, 2), 2);
    assert_string_equal(figures(&b).fault, "");
    atomic_store(&open_faults, -1);
    assert_int_equal(push(&b, 5, 1), 1); /* needs no new file */
    atomic_store(&open_faults, 0);
    assert_true(yq_temp_redis_start(redis));
    await_drained(&b);
    expect_queue("1 2 3 4 5");
    stop(&b);
}

/* What was written before a failed sync is not trusted, what was synced before that is. */
static void test_a_sync_that_fails_once(void **state)
{
    (void)state;
    struct bed b = {0};
    yq_temp_redis_stop(redis);
    start(&b);
    assert_int_equal(push(&b, 1, 2), 2);
    atomic_store(&sync_faults, 1);
    assert_int_equal(push(&b, 10, 1), 0);
    assert_non_null(strstr(figures(&b).fault, "Input/output"));
    assert_int_equal(push(&b, 3, 1), 1);
    assert_int_equal(figures(&b).entries, 3);
    stop(&b);
    start(&b);
    assert_true(yq_temp_redis_start(redis));
    await_drained(&b);
    expect_queue("1 2 3");
    stop(&b);
}

static void test_a_sync_that_fails_for_good(void **state)
{
    (void)state;
    struct bed b = {0};
    char command[200];
    atomic_store(&sync_faults, -1);
    start(&b);
    assert_true(figures(&b).fault[0] != '\0');
    for (int i = 0; i < 20; i++)
        assert_int_equal(push(&b, i, 1), 0);
    assert_false(yq_spool_holds(b.share));
    assert_int_equal(ask("XLEN yq:{acme}:events"), 0);
    (void)snprintf(command, sizeof(command), "[ -z \"$(find %s -name '*.spool')\" ]", root);
    assert_int_equal(system(command), 0); /* no litter */
    atomic_store(&sync_faults, 0);
    assert_int_equal(push(&b, 1, 1), 1);
    await_drained(&b);
    expect_queue("1");
    stop(&b);
}

/* Started where nothing can be made: it says so, and recovers by itself. */
static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct bed b = {0};
    char right[64];
    (void)snprintf(right, sizeof(right), "%s", root);
    (void)snprintf(root, sizeof(root), "%.50s/file", right);
    close(open(root, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    start(&b);
    assert_non_null(strstr(figures(&b).fault, "Not a directory"));
    assert_int_equal(push(&b, 1, 1), 0);
    (void)unlink(root);
    assert_int_equal(push(&b, 1, 1), 1);
    assert_string_equal(figures(&b).fault, "");
    await_drained(&b);
    stop(&b);
    (void)snprintf(root, sizeof(root), "%s", right);
}

/* Somebody clears the folder away under us. */
static void test_a_folder_that_is_removed(void **state)
{
    (void)state;
    struct bed b = {0};
    char command[100];
    start(&b);
    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    assert_int_equal(push(&b, 1, 1), 0);
    assert_int_equal(push(&b, 2, 1), 1);
    await_drained(&b);
    expect_queue("2");
    stop(&b);
}

static void test_the_limit(void **state)
{
    (void)state;
    struct bed b = {.max_bytes = 300};
    yq_temp_redis_stop(redis);
    start(&b);
    int stored = push(&b, 1, 50);
    assert_in_range(stored, 1, 10);
    assert_true(figures(&b).full);
    assert_in_range(figures(&b).bytes, 1, 300);
    assert_int_equal(push(&b, 60, 1), 0);
    assert_true(yq_temp_redis_start(redis));
    await_drained(&b);
    assert_int_equal(ask("XLEN yq:{acme}:events"), stored);
    assert_int_equal(push(&b, 61, 1), 1);
    assert_false(figures(&b).full);
    stop(&b);
}

/* Many, so that files are closed and removed on the way. */
static void test_many(void **state)
{
    (void)state;
    struct bed b = {.max_bytes = 64 << 20};
    yq_temp_redis_stop(redis);
    start(&b);
    assert_int_equal(push(&b, 0, 30000), 30000);
    assert_true(yq_temp_redis_start(redis));
    assert_int_equal(push(&b, 30000, 30000), 30000);
    await_drained(&b);
    assert_int_equal(ask("XLEN yq:{acme}:events"), 60000);
    redisReply *reply = yq_redis_command(look, NULL, "XRANGE yq:{acme}:events - +");
    for (int i = 0; i < 60000; i++)
        assert_int_equal(atoi(reply->element[i]->element[1]->element[3]->str), i);
    freeReplyObject(reply);
    stop(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_passes_through_in_order),
        TEST(test_the_next_one_finds_it),
        TEST(test_none_of_it_twice),
        TEST(test_a_full_disk),
        TEST(test_a_sync_that_fails_once),
        TEST(test_a_sync_that_fails_for_good),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_a_folder_that_is_removed),
        TEST(test_the_limit),
        TEST(test_many),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
