/* Folders of a spool: made, locked, adopted, left. */
#include "clients/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "clients/spool_file.h"
#include "crypto/secret.h"

#define SUFFIX ".spool"

static int set_errno(struct yq_error *err, const char *path)
{
    return yq_error_set(err, YQ_ERROR_RETRY, "%.180s: %s", path, strerror(errno));
}

/* mkdir -p; those that hold new names are not synced but for the last: the others are made by hand
 * or once. */
static int make_path(const char *root, struct yq_error *err)
{
    char path[YQ_SPOOL_PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s", root) >= sizeof(path) - 128)
        return yq_error_set(err, YQ_ERROR_INVALID, "the path is too long");
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return set_errno(err, path);
        *slash = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : set_errno(err, path);
}

/* Not one that somebody cleared away meanwhile. */
static bool is_still_there(int fd, const char *name)
{
    struct stat locked, named;
    return fstat(fd, &locked) == 0 && stat(name, &named) == 0 && locked.st_ino == named.st_ino;
}

/* -1: somebody else has it. */
static int take_lock(const char *path)
{
    char name[YQ_SPOOL_PATH_MAX + 32];
    (void)snprintf(name, sizeof(name), "%s/lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_still_there(fd, name))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void set_path(struct yq_spool_folder *f, const char *root, const char *name)
{
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    (void)snprintf(f->path, sizeof(f->path), "%.*s/%s", YQ_SPOOL_PATH_MAX - 128, root, f->name);
}

int yq_spool_folder_make(const struct yq_disk *disk, const char *root, int64_t now_ms,
                         struct yq_spool_folder *ret, struct yq_error *err)
{
    struct yq_spool_folder f;
    char name[64];
    uint64_t salt;
    if (make_path(root, err) != 0)
        return -1;
    if (yq_secret_random(&salt, sizeof(salt)) != 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "the system has no random bytes");
    (void)snprintf(name, sizeof(name), "%013" PRId64 "-%ld-%016" PRIx64, now_ms, (long)getpid(),
                   salt);
    set_path(&f, root, name);
    if (mkdir(f.path, 0700) != 0)
        return set_errno(err, f.path);
    f.lock = take_lock(f.path);
    if (f.lock < 0) { /* somebody was faster, and clears it away */
        (void)set_errno(err, f.path);
        (void)rmdir(f.path);
        return -1;
    }
    if (yq_spool_sync_folder(disk, root, err) != 0) {
        yq_spool_folder_leave(&f);
        return -1;
    }
    *ret = f;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "1767225600000-4711-0123456789abcdef": whatever else lies there is left alone. */
static bool is_ours(const char *name)
{
    return strspn(name, "0123456789") == 13 && name[13] == '-' && strlen(name) < 64;
}

int yq_spool_folder_adopt(const char *root, struct yq_spool_folder *ret, struct yq_error *err)
{
    DIR *d = opendir(root);
    if (d == NULL)
        return errno == ENOENT ? 0 : set_errno(err, root);
    char **names = NULL;
    size_t count = 0, capacity = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!is_ours(e->d_name))
            continue;
        yq_grow(&names, &capacity, count, sizeof(*names));
        names[count++] = yq_strdup(e->d_name);
    }
    (void)closedir(d);
    if (count > 1)
        qsort(names, count, sizeof(*names), compare_names);
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        if (found == 0) {
            set_path(ret, root, names[i]);
            ret->lock = take_lock(ret->path);
            found = ret->lock >= 0;
        }
        free(names[i]);
    }
    free(names);
    return found;
}

static int compare_numbers(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static bool read_number(const char *name, unsigned *ret)
{
    char *end;
    if (name[0] < '0' || name[0] > '9')
        return false;
    unsigned long n = strtoul(name, &end, 10);
    *ret = (unsigned)n;
    return strcmp(end, SUFFIX) == 0 && n > 0 && n < 0xffffffffu;
}

int yq_spool_folder_list(const struct yq_spool_folder *f, unsigned **ret, size_t *ret_count,
                         struct yq_error *err)
{
    DIR *d = opendir(f->path);
    if (d == NULL)
        return set_errno(err, f->path);
    unsigned *numbers = NULL, number;
    size_t count = 0, capacity = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!read_number(e->d_name, &number))
            continue;
        yq_grow(&numbers, &capacity, count, sizeof(*numbers));
        numbers[count++] = number;
    }
    (void)closedir(d);
    if (count > 1)
        qsort(numbers, count, sizeof(*numbers), compare_numbers);
    *ret = numbers;
    *ret_count = count;
    return 0;
}

void yq_spool_folder_file(const struct yq_spool_folder *f, unsigned number,
                          char out[YQ_SPOOL_PATH_MAX + 32])
{
    (void)snprintf(out, YQ_SPOOL_PATH_MAX + 32, "%s/%08u" SUFFIX, f->path, number);
}

void yq_spool_folder_leave(struct yq_spool_folder *f)
{
    unsigned *numbers = NULL;
    size_t count = 0;
    char name[YQ_SPOOL_PATH_MAX + 32];
    if (yq_spool_folder_list(f, &numbers, &count, NULL) == 0 && count == 0) {
        (void)snprintf(name, sizeof(name), "%s/lock", f->path);
        (void)unlink(name); /* what cannot be removed is empty, and adopted once more */
        (void)rmdir(f->path);
    }
    free(numbers);
    close(f->lock);
    f->lock = -1;
}
