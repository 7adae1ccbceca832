/* Loaded before the daemon (LD_PRELOAD): the disk under its spool fails as a file of the stage
 * says, whose path is in YQ_DISK_FAULT: "full", "sync", or nothing. All other files are as they
 * are. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool fails(int fd, char how)
{
    char link[40], path[512], what[8] = "";
    const char *order = getenv("YQ_DISK_FAULT");
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    if (order == NULL || len < 0)
        return false;
    path[len] = '\0';
    if (strstr(path, "/spool/") == NULL)
        return false;
    int from = open(order, O_RDONLY | O_CLOEXEC);
    if (from >= 0) {
        (void)!read(from, what, sizeof(what) - 1);
        close(from);
    }
    return what[0] == how;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (fails(fd, 'f')) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, data, len);
}

int fdatasync(int fd)
{
    if (fails(fd, 's')) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}
