/* The files of the spool: whatever is torn or damaged, what is whole is read and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clients/spool_file.h"
#include "clients/spool_folder.h"
#include "clients/spool_record.h"

#define SALT 0x0123456789abcdefu
#define RECORDS 4

static char root[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/yq-spool-XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[100];
    (void)snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

/* ---- records ---- */

static void write_body(struct yq_buf *out, int number)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "the raw text of %d \n with yqr\n in it", number);
    const char *argv[] = {"v", "1", "raw", text};
    const size_t lens[] = {1, 1, 3, strlen(text)};
    yq_buf_clear(out);
    yq_spool_write_body(out, number % 2 == 0 ? "acme" : "other", 4, argv, lens);
}

/* ends[i]: where record i ends. */
static void write_records(struct yq_buf *out, size_t ends[RECORDS])
{
    struct yq_buf body = YQ_BUF_INIT;
    for (int i = 0; i < RECORDS; i++) {
        write_body(&body, i);
        yq_spool_write_record(out, SALT, (uint64_t)i + 1, body.data, body.len);
        ends[i] = out->len;
    }
    yq_buf_release(&body);
}

/* Exactly what was written under that number. */
static void expect_record(const struct yq_spool_record *r)
{
    char text[64];
    assert_in_range(r->number, 1, RECORDS);
    int i = (int)r->number - 1;
    (void)snprintf(text, sizeof(text), "the raw text of %d \n with yqr\n in it", i);
    assert_string_equal(r->id, i % 2 == 0 ? "acme" : "other");
    assert_int_equal(r->argc, 4);
    assert_string_equal(r->argv[2], "raw");
    assert_string_equal(r->argv[3], text);
    assert_int_equal(r->lens[3], strlen(text));
}

/* How many are read; *ret_damage counts, *ret_end is where the last one ends. */
static int read_records(const char *data, size_t len, int *ret_damage, size_t *ret_end)
{
    struct yq_spool_reader r = {.data = data, .len = len, .salt = SALT};
    struct yq_spool_record record;
    enum yq_spool_sight sight;
    int count = 0;
    *ret_damage = 0;
    while ((sight = yq_spool_read(&r, &record)) != YQ_SPOOL_END) {
        if (sight == YQ_SPOOL_DAMAGE) {
            (*ret_damage)++;
            continue;
        }
        expect_record(&record);
        count++;
    }
    *ret_end = r.at;
    return count;
}

/* Copied to memory of just that length, so that a sanitizer sees every byte too many. */
static int read_copy(const struct yq_buf *b, size_t len, int *ret_damage, size_t *ret_end)
{
    char *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, b->data, len);
    int count = read_records(copy, len, ret_damage, ret_end);
    free(copy);
    return count;
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    struct yq_buf all = YQ_BUF_INIT;
    size_t ends[RECORDS], end;
    int damage, whole = 0;
    write_records(&all, ends);
    for (size_t len = 0; len <= all.len; len++) {
        if (whole < RECORDS && len == ends[whole])
            whole++;
        assert_int_equal(read_copy(&all, len, &damage, &end), whole);
        assert_int_equal(damage, 0);
        assert_int_equal(end, whole > 0 ? ends[whole - 1] : 0);
    }
    assert_int_equal(whole, RECORDS);
    yq_buf_release(&all);
}

/* One byte is wrong: that record is lost, and no other. */
static void test_damaged_at_every_byte(void **state)
{
    (void)state;
    struct yq_buf all = YQ_BUF_INIT;
    size_t ends[RECORDS], end;
    int damage, hit = 0;
    write_records(&all, ends);
    for (size_t at = 0; at < all.len; at++) {
        if (at == ends[hit])
            hit++;
        for (int bit = 0; bit < 8; bit++) {
            all.data[at] = (char)(all.data[at] ^ 1 << bit);
            assert_int_equal(read_copy(&all, all.len, &damage, &end), RECORDS - 1);
            assert_int_equal(damage, hit < RECORDS - 1 ? 1 : 0); /* the last one looks torn */
            all.data[at] = (char)(all.data[at] ^ 1 << bit);
        }
    }
    yq_buf_release(&all);
}

/* What an older file left on the disk, zeros, and a record inside of a record. */
static void test_nothing_else_is_taken_for_a_record(void **state)
{
    (void)state;
    struct yq_buf all = YQ_BUF_INIT, other = YQ_BUF_INIT, body = YQ_BUF_INIT;
    size_t ends[RECORDS], end;
    int damage;
    write_records(&all, ends);
    write_body(&body, 1);
    yq_spool_write_record(&other, SALT + 1, 9, body.data, body.len);
    yq_buf_add(&all, other.data, other.len);
    assert_int_equal(read_copy(&all, all.len, &damage, &end), RECORDS);
    assert_int_equal(damage, 0);
    assert_int_equal(end, ends[RECORDS - 1]);
    all.len = ends[RECORDS - 1];
    for (int i = 0; i < 100; i++)
        yq_buf_addc(&all, '\0');
    assert_int_equal(read_copy(&all, all.len, &damage, &end), RECORDS);
    assert_int_equal(end, ends[RECORDS - 1]);
    yq_buf_release(&all);
    yq_buf_release(&other);
    yq_buf_release(&body);
}

static void test_heads(void **state)
{
    (void)state;
    struct yq_buf head = YQ_BUF_INIT;
    uint64_t salt = 0;
    yq_spool_write_head(&head, SALT);
    assert_int_equal(head.len, YQ_SPOOL_HEAD);
    assert_int_equal(yq_spool_read_head(head.data, head.len, &salt), 0);
    assert_true(salt == SALT);
    assert_int_equal(yq_spool_read_head(head.data, head.len - 1, &salt), -1);
    for (size_t i = 0; i < head.len; i++) {
        head.data[i] = (char)(head.data[i] ^ 4);
        assert_int_equal(yq_spool_read_head(head.data, head.len, &salt), -1);
        head.data[i] = (char)(head.data[i] ^ 4);
    }
    yq_buf_release(&head);
}

/* ---- files ---- */

static size_t room = SIZE_MAX; /* so many bytes the disk takes */
static int sync_faults;

static int open_file(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static ssize_t write_little(int fd, const void *data, size_t len)
{
    size_t n = len < 7 ? len : 7; /* never all at once */
    if (room == 0) {
        errno = ENOSPC;
        return -1;
    }
    if (n > room)
        n = room;
    if (room != SIZE_MAX)
        room -= n;
    return write(fd, data, n);
}

static int sync_sometimes(int fd)
{
    if (sync_faults > 0) {
        sync_faults--;
        errno = EIO;
        return -1;
    }
    return fdatasync(fd);
}

static const struct yq_disk disk = {open_file, write_little, sync_sometimes,
                                    ftruncate, unlink,       close};

static off_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void file_path(char out[100])
{
    (void)snprintf(out, 100, "%s/file", root);
}

static void test_a_full_disk_leaves_no_half_record(void **state)
{
    (void)state;
    char path[100];
    struct yq_error err = {0};
    struct yq_buf bytes = YQ_BUF_INIT;
    file_path(path);
    struct yq_spool_file *f = yq_spool_file_new(&disk, path, &err);
    assert_non_null(f);
    yq_buf_adds(&bytes, "0123456789");
    for (size_t left = 0; left < bytes.len; left++) {
        room = left;
        assert_int_equal(yq_spool_file_add(f, &bytes, &err), -1);
        assert_non_null(strstr(err.text, "No space"));
        assert_int_equal(size_of(path), YQ_SPOOL_HEAD);
        assert_true(yq_spool_file_usable(f));
    }
    room = SIZE_MAX;
    assert_int_equal(yq_spool_file_add(f, &bytes, &err), 0);
    assert_int_equal(yq_spool_file_sync(f, &err), 0);
    assert_int_equal(yq_spool_file_synced(f), YQ_SPOOL_HEAD + 10);
    assert_int_equal(size_of(path), YQ_SPOOL_HEAD + 10);
    yq_spool_file_free(f);
    (void)unlink(path);
    for (room = 0; room < YQ_SPOOL_HEAD;) {
        size_t was = room;
        assert_null(yq_spool_file_new(&disk, path, &err));
        assert_int_equal(size_of(path), -1);
        room = was + 1;
    }
    room = SIZE_MAX;
    yq_buf_release(&bytes);
}

static void test_a_failed_sync_ends_a_file(void **state)
{
    (void)state;
    char path[100];
    struct yq_error err = {0};
    struct yq_buf bytes = YQ_BUF_INIT;
    file_path(path);
    struct yq_spool_file *f = yq_spool_file_new(&disk, path, &err);
    yq_buf_adds(&bytes, "0123456789");
    assert_int_equal(yq_spool_file_add(f, &bytes, &err), 0);
    assert_int_equal(yq_spool_file_sync(f, &err), 0);
    assert_int_equal(yq_spool_file_add(f, &bytes, &err), 0);
    sync_faults = 1;
    assert_int_equal(yq_spool_file_sync(f, &err), -1);
    assert_false(yq_spool_file_usable(f));
    assert_int_equal(yq_spool_file_synced(f), YQ_SPOOL_HEAD + 10);
    assert_int_equal(size_of(path), YQ_SPOOL_HEAD + 10);
    yq_spool_file_free(f);
    yq_buf_release(&bytes);
}

/* ---- folders ---- */

/* Makes a folder with a file in it, and lives until it is ended. */
static pid_t start_owner(bool with_file)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct yq_spool_folder f;
        char path[YQ_SPOOL_PATH_MAX + 32];
        struct yq_error err = {0};
        if (yq_spool_folder_make(&yq_disk_system, root, 1767225600000, &f, &err) != 0)
            _exit(1);
        yq_spool_folder_file(&f, 7, path);
        if (with_file)
            close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        if (write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

static void end_owner(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_folders_of_the_dead_are_adopted(void **state)
{
    (void)state;
    struct yq_spool_folder f, own;
    struct yq_error err = {0};
    unsigned *numbers;
    size_t count;
    pid_t pid = start_owner(true);
    assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 0);
    end_owner(pid);
    assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 1);
    assert_int_equal(yq_spool_folder_list(&f, &numbers, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(numbers[0], 7);
    free(numbers);
    assert_int_equal(yq_spool_folder_adopt(root, &own, &err), 0); /* once */
    yq_spool_folder_leave(&f);
    assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 1); /* what is not empty stays */
    char path[YQ_SPOOL_PATH_MAX + 32];
    yq_spool_folder_file(&f, 7, path);
    assert_int_equal(unlink(path), 0);
    yq_spool_folder_leave(&f);
    assert_int_equal(size_of(f.path), -1);
    assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 0);
}

/* The oldest first; what is not ours is left alone. */
static void test_the_order_of_folders(void **state)
{
    (void)state;
    struct yq_spool_folder made[3], f;
    struct yq_error err = {0};
    static const int64_t times[] = {1767225600002, 1767225600000, 1767225600001};
    char strange[100];
    for (int i = 0; i < 3; i++) {
        char path[YQ_SPOOL_PATH_MAX + 32];
        assert_int_equal(yq_spool_folder_make(&yq_disk_system, root, times[i], &made[i], &err), 0);
        yq_spool_folder_file(&made[i], 1, path);
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    (void)snprintf(strange, sizeof(strange), "%s/lost+found", root);
    assert_int_equal(mkdir(strange, 0700), 0);
    for (int i = 0; i < 3; i++)
        yq_spool_folder_leave(&made[i]);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 1);
        assert_string_equal(f.name, made[order[i]].name);
    }
    assert_int_equal(yq_spool_folder_adopt(root, &f, &err), 0);
    assert_true(size_of(strange) >= 0);
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct yq_spool_folder f;
    struct yq_error err = {0};
    char path[100];
    file_path(path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* a file, not a folder */
    assert_int_equal(yq_spool_folder_make(&yq_disk_system, path, 1767225600000, &f, &err), -1);
    assert_non_null(strstr(err.text, "Not a directory"));
    (void)snprintf(path, sizeof(path), "%s/a/b/c", root);
    assert_int_equal(yq_spool_folder_make(&yq_disk_system, path, 1767225600000, &f, &err), 0);
    sync_faults = 1;
    struct yq_spool_folder g;
    assert_int_equal(yq_spool_folder_make(&disk, path, 1767225600001, &g, &err), -1);
    yq_spool_folder_leave(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_torn_at_every_byte),
        TEST(test_damaged_at_every_byte),
        TEST(test_nothing_else_is_taken_for_a_record),
        TEST(test_heads),
        TEST(test_a_full_disk_leaves_no_half_record),
        TEST(test_a_failed_sync_ends_a_file),
        TEST(test_folders_of_the_dead_are_adopted),
        TEST(test_the_order_of_folders),
        TEST(test_a_folder_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
