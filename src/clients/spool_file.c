/* One file of a spool: all or nothing is appended, and a failed sync is the end of it. */
#include "clients/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "clients/spool_record.h"
#include "crypto/secret.h"

struct yq_spool_file {
    const struct yq_disk *disk;
    int fd;
    uint64_t salt;
    size_t size, synced;
    bool usable;
};

static int set_errno(struct yq_error *err, const char *what)
{
    return yq_error_set(err, YQ_ERROR_RETRY, "%s: %s", what, strerror(errno));
}

static int write_all(struct yq_spool_file *f, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = f->disk->write(f->fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int yq_spool_file_add(struct yq_spool_file *f, const struct yq_buf *records, struct yq_error *err)
{
    if (write_all(f, records->data, records->len) == 0) {
        f->size += records->len;
        return 0;
    }
    (void)set_errno(err, "writing the spool");
    if (f->disk->truncate(f->fd, (off_t)f->size) != 0)
        f->usable = false; /* half a record stands where the next would have to */
    return -1;
}

int yq_spool_file_sync(struct yq_spool_file *f, struct yq_error *err)
{
    if (f->disk->sync(f->fd) == 0) {
        f->synced = f->size;
        return 0;
    }
    (void)set_errno(err, "syncing the spool");
    f->usable = false;
    (void)f->disk->truncate(f->fd, (off_t)f->synced); /* if it stays: a double, which is harmless */
    return -1;
}

struct yq_spool_file *yq_spool_file_new(const struct yq_disk *disk, const char *path,
                                        struct yq_error *err)
{
    struct yq_buf head = YQ_BUF_INIT;
    uint64_t salt;
    if (yq_secret_random(&salt, sizeof(salt)) != 0) {
        (void)yq_error_set(err, YQ_ERROR_RETRY, "the system has no random bytes");
        return NULL;
    }
    int fd = disk->open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)set_errno(err, "making a file of the spool");
        return NULL;
    }
    struct yq_spool_file *f = yq_calloc(1, sizeof(*f));
    *f = (struct yq_spool_file){.disk = disk, .fd = fd, .salt = salt, .usable = true};
    yq_spool_write_head(&head, salt);
    int result = yq_spool_file_add(f, &head, err);
    yq_buf_release(&head);
    if (result == 0)
        return f;
    yq_spool_file_free(f);
    (void)disk->remove(path); /* what stays has no head, and is cleared away later */
    return NULL;
}

void yq_spool_file_free(struct yq_spool_file *f)
{
    if (f == NULL)
        return;
    (void)f->disk->close(f->fd);
    free(f);
}

uint64_t yq_spool_file_salt(const struct yq_spool_file *f)
{
    return f->salt;
}

size_t yq_spool_file_size(const struct yq_spool_file *f)
{
    return f->size;
}

size_t yq_spool_file_synced(const struct yq_spool_file *f)
{
    return f->synced;
}

bool yq_spool_file_usable(const struct yq_spool_file *f)
{
    return f->usable;
}

/* ---- reading ---- */

static ssize_t read_all(int fd, char *out, size_t len, off_t from)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, out + done, len - done, from + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

char *yq_spool_load(const char *path, size_t from, size_t to, size_t *ret_len, struct yq_error *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)set_errno(err, "opening a file of the spool");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (to == 0 || to > (size_t)info.st_size)
        to = (size_t)info.st_size;
    size_t len = to > from ? to - from : 0;
    char *data = yq_malloc(len + 1);
    ssize_t n = read_all(fd, data, len, (off_t)from);
    if (n < 0) {
        (void)set_errno(err, "reading the spool");
        free(data);
        data = NULL;
    } else {
        *ret_len = (size_t)n;
    }
    close(fd);
    return data;
}

int yq_spool_sync_folder(const struct yq_disk *disk, const char *path, struct yq_error *err)
{
    int fd = disk->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0)
        return set_errno(err, "opening the spool's folder");
    int result = disk->sync(fd);
    if (result != 0)
        (void)set_errno(err, "syncing the spool's folder");
    (void)disk->close(fd);
    return result;
}
