/* What the spool does to a disk, replaceable: a test makes it fail, or forgets what was never
 * synced. */
#ifndef YQ_CLIENTS_DISK_H
#define YQ_CLIENTS_DISK_H

#include <sys/types.h>

/* Each as the system call of that name: -1 with errno. */
struct yq_disk {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*write)(int fd, const void *data, size_t len);
    int (*sync)(int fd); /* of a file or of a folder */
    int (*truncate)(int fd, off_t len);
    int (*remove)(const char *path);
    int (*close)(int fd);
};

extern const struct yq_disk yq_disk_system;

#endif
