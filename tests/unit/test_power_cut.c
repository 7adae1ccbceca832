/* The power goes while events are spooled and drained, again and again, and the disk keeps what was
 * synced and any part of the rest: every start succeeds, no event that was said to be stored is
 * lost, and none is in the queue twice.
 *
 * YQ_CUTS says how often, YQ_SEED with which seed to begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/spool_record.h"
#include "clients/system_clock.h"
#include "service/log.h"
#include "service/spool.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define FILES 4096       /* that exist at once */
#define DESCRIPTORS 4096 /* of a process */
#define EVENTS 1000000
#define SOON 20000

/* Shared with the process whose power is cut. */
struct kept_file {
    _Atomic int used; /* 0: no; 1: it exists; 2: removed, and perhaps not for good */
    char path[160];
    _Atomic off_t synced;
    _Atomic int named;    /* its folder was synced since it was made */
    _Atomic int poisoned; /* a sync failed: whatever was not on the disk then never will be */
};

struct shared {
    struct kept_file files[FILES];
    _Atomic int started; /* the process says so */
    _Atomic int next;    /* number of the next event */
    _Atomic int faults;  /* one sync of so many fails; 0: none */
    _Atomic char stored[EVENTS];
};

static struct shared *shared;
static struct yq_temp_redis *redis;
static struct yq_redis *look;
static char root[64];

static uint64_t seed;

static unsigned draw(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* ---- a disk that remembers what is safe ---- */

static struct kept_file *open_files[DESCRIPTORS];
static char open_folders[DESCRIPTORS][160];

static struct kept_file *find_file(const char *path)
{
    for (int i = 0; i < FILES; i++) {
        if (atomic_load(&shared->files[i].used) == 1 && strcmp(shared->files[i].path, path) == 0)
            return &shared->files[i];
    }
    return NULL;
}

static struct kept_file *new_file(const char *path)
{
    for (int i = 0; i < FILES; i++) {
        struct kept_file *f = &shared->files[i];
        if (atomic_load(&f->used) != 0)
            continue;
        (void)snprintf(f->path, sizeof(f->path), "%s", path);
        atomic_store(&f->synced, 0);
        atomic_store(&f->named, 0);
        atomic_store(&f->poisoned, 0);
        atomic_store(&f->used, 1);
        return f;
    }
    abort(); /* too few */
}

static int keep_open(const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags, mode);
    if (fd < 0)
        return fd;
    if (fd >= DESCRIPTORS)
        abort();
    open_files[fd] = (flags & O_CREAT) != 0 ? new_file(path) : NULL;
    (void)snprintf(open_folders[fd], sizeof(open_folders[fd]), "%s/", path);
    return fd;
}

/* Its removal has reached the disk. */
static void forget_file(struct kept_file *f)
{
    char aside[200];
    (void)snprintf(aside, sizeof(aside), "%s.gone", f->path);
    (void)unlink(aside);
    atomic_store(&f->used, 0);
}

static int keep_sync(int fd)
{
    static unsigned count;
    struct kept_file *f = open_files[fd];
    struct stat info;
    int faults = atomic_load(&shared->faults);
    if (faults > 0 && ++count % (unsigned)faults == 0) {
        if (f != NULL)
            atomic_store(&f->poisoned, 1);
        errno = EIO;
        return -1;
    }
    if (f != NULL) {
        if (fstat(fd, &info) == 0 && !atomic_load(&f->poisoned))
            atomic_store(&f->synced, info.st_size);
        return 0;
    }
    for (int i = 0; i < FILES; i++) {
        struct kept_file *in = &shared->files[i];
        if (atomic_load(&in->used) == 0 ||
            strncmp(in->path, open_folders[fd], strlen(open_folders[fd])) != 0)
            continue;
        atomic_store(&in->named, 1);
        if (atomic_load(&in->used) == 2)
            forget_file(in);
    }
    return 0;
}

/* Aside, not away: the removal may not reach the disk. */
static int keep_remove(const char *path)
{
    char aside[200];
    struct kept_file *f = find_file(path);
    (void)snprintf(aside, sizeof(aside), "%s.gone", path);
    if (f != NULL)
        atomic_store(&f->used, 2);
    return rename(path, aside);
}

static const struct yq_disk disk = {keep_open, write, keep_sync, ftruncate, keep_remove, close};

/* ---- the process ---- */

struct child {
    struct yq_spool *spool;
    struct yq_spool_share *share;
};

struct told {
    struct child *c;
    int number;
};

static void push_next(struct child *c);

static void on_done(void *context, bool stored)
{
    struct told *t = context;
    if (stored)
        atomic_store(&shared->stored[t->number], 1);
    push_next(t->c);
    free(t);
}

static void push_next(struct child *c)
{
    struct yq_buf body = YQ_BUF_INIT;
    char number[16];
    struct told *t = malloc(sizeof(*t));
    *t = (struct told){c, atomic_fetch_add(&shared->next, 1) % EVENTS};
    int len = snprintf(number, sizeof(number), "%d", t->number);
    const char *argv[] = {"v", "1", "n", number};
    const size_t lens[] = {1, 1, 1, (size_t)len};
    yq_spool_write_body(&body, "acme", 4, argv, lens);
    yq_spool_push(c->spool, c->share, &body, "a test says so", on_done, t);
    yq_buf_release(&body);
}

static void live(pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    struct event_base *base = event_base_new();
    struct child c = {0};
    c.spool = yq_spool_start(&(struct yq_spool_options){
        .base = base,
        .folder = root,
        .max_bytes = 1 << 30,
        .address = &redis->address,
        .redis_timeout_ms = 1000,
        .redis_prefix = "yq",
        .clock = yq_system_clock(),
        .disk = &disk,
    });
    c.share = yq_spool_share(c.spool, "acme");
    atomic_store(&shared->started, 1);
    for (int i = 0; i < 8; i++)
        push_next(&c);
    event_base_dispatch(base);
    _exit(1);
}

static bool has_started(void *arg)
{
    (void)arg;
    return atomic_load(&shared->started) == 1;
}

/* ---- the cut ---- */

static void lose_tail(struct kept_file *f)
{
    struct stat info;
    int fd = open(f->path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        atomic_store(&f->used, 0);
        return;
    }
    off_t safe = atomic_load(&f->synced) < info.st_size ? atomic_load(&f->synced) : info.st_size;
    off_t kept = safe + (off_t)draw((unsigned)(info.st_size - safe) + 1);
    (void)!ftruncate(fd, kept);
    if (kept > safe && draw(2) == 0) { /* of a part that was not synced, any block may be missing */
        char zeros[64] = {0};
        off_t at = safe + (off_t)draw((unsigned)(kept - safe));
        size_t len = (size_t)(kept - at) < sizeof(zeros) ? (size_t)(kept - at) : sizeof(zeros);
        (void)!pwrite(fd, zeros, len, at);
    }
    atomic_store(&f->synced, kept); /* what is there now has been on the disk */
    atomic_store(&f->named, 1);
    atomic_store(&f->poisoned, 0);
    close(fd);
}

static void cut_power(void)
{
    for (int i = 0; i < FILES; i++) {
        struct kept_file *f = &shared->files[i];
        char aside[200];
        (void)snprintf(aside, sizeof(aside), "%s.gone", f->path);
        int used = atomic_load(&f->used);
        if (used == 2 && atomic_load(&f->named) == 1 && draw(2) == 0 && rename(aside, f->path) == 0)
            atomic_store(&f->used, used = 1);
        if (used == 2) {
            forget_file(f);
        } else if (used == 1 && atomic_load(&f->named) == 0 && draw(2) == 0) {
            (void)unlink(f->path);
            atomic_store(&f->used, 0);
        } else if (used == 1) {
            lose_tail(f);
        }
    }
}

/* ---- many times ---- */

static void tell_redis(const char *command)
{
    redisReply *reply = yq_redis_command(look, NULL, command);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static void one_life(void)
{
    atomic_store(&shared->started, 0);
    atomic_store(&shared->faults, draw(4) == 0 ? 2 + (int)draw(10) : 0);
    tell_redis(draw(2) == 0 ? "CONFIG SET maxmemory 1" : "CONFIG SET maxmemory 0");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        live(parent);
    assert_true(yq_wait_until(has_started, NULL, SOON));
    struct timespec rest = {0, (long)draw(20000) * 1000};
    (void)nanosleep(&rest, NULL); /* the moment of the cut, not a wait */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    cut_power();
}

static bool is_drained(void *spool)
{
    struct yq_spool_figures f;
    yq_spool_figures(spool, &f);
    return f.entries == 0;
}

static void drain_all(void)
{
    struct event_base *base = event_base_new();
    tell_redis("CONFIG SET maxmemory 0");
    struct yq_spool *spool = yq_spool_start(&(struct yq_spool_options){
        .base = base,
        .folder = root,
        .max_bytes = 1 << 30,
        .address = &redis->address,
        .redis_timeout_ms = 5000,
        .redis_prefix = "yq",
        .clock = yq_system_clock(),
    });
    assert_true(yq_wait_until(is_drained, spool, 60000));
    yq_spool_stop(spool);
    event_base_free(base);
}

static void expect_all_there(void)
{
    static unsigned char times[EVENTS];
    int stored = 0, lost = 0, twice = 0, count = atomic_load(&shared->next);
    redisReply *reply = yq_redis_command(look, NULL, "XRANGE yq:{acme}:events - +");
    assert_non_null(reply);
    for (size_t i = 0; i < reply->elements; i++)
        times[atoi(reply->element[i]->element[1]->element[3]->str)]++;
    for (int i = 0; i < count && i < EVENTS; i++) {
        stored += atomic_load(&shared->stored[i]);
        lost += atomic_load(&shared->stored[i]) == 1 && times[i] == 0;
        twice += times[i] > 1;
    }
    print_message("%d events, %d acknowledged, %zu in the queue, %d lost, %d twice\n", count,
                  stored, reply->elements, lost, twice);
    freeReplyObject(reply);
    assert_true(count < EVENTS);
    assert_true(stored > 100);
    assert_int_equal(lost, 0);
    assert_int_equal(twice, 0);
}

static void test_cuts(void **state)
{
    (void)state;
    int cuts = getenv("YQ_CUTS") != NULL ? atoi(getenv("YQ_CUTS")) : 200;
    seed = getenv("YQ_SEED") != NULL ? strtoull(getenv("YQ_SEED"), NULL, 10)
                                     : (uint64_t)yq_wall_ms(yq_system_clock());
    print_message("YQ_SEED=%llu YQ_CUTS=%d\n", (unsigned long long)seed, cuts);
    yq_log_set_level(YQ_LOG_ERROR);
    (void)draw(1);
    for (int i = 0; i < cuts; i++)
        one_life();
    drain_all();
    expect_all_there();
}

static int set_up(void **state)
{
    (void)state;
    redis = yq_temp_redis_new(NULL);
    look = redis != NULL ? yq_redis_new(&redis->address, 5000) : NULL;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)snprintf(root, sizeof(root), "/tmp/yq-spool-XXXXXX");
    return redis != NULL && shared != MAP_FAILED && mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    yq_redis_free(look);
    yq_temp_redis_free(redis);
    (void)munmap(shared, sizeof(*shared));
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cuts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
