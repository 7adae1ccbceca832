/* The real disk. */
#include "clients/disk.h"

#include <fcntl.h>
#include <unistd.h>

static int open_file(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

const struct yq_disk yq_disk_system = {
    .open = open_file,
    .write = write,
    .sync = fdatasync,
    .truncate = ftruncate,
    .remove = unlink,
    .close = close,
};
