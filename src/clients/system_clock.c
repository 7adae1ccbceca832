/* The real clock, and the offset by which a test moves it. */
#include "clients/system_clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char *offset_path; /* NULL: nobody moves the clock; else kept until the process ends */
static atomic_int offset_fd = -1; /* opened when the file is there, kept until the process ends */

static void look_at_environment(void)
{
    const char *path = getenv("YUNQIAO_CLOCK");
    if (path != NULL && *path != '\0')
        offset_path = yq_strdup(path);
}

static int open_offset(void)
{
    int fd = atomic_load(&offset_fd), expected = -1;
    if (fd >= 0)
        return fd;
    fd = open(offset_path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !atomic_compare_exchange_strong(&offset_fd, &expected, fd)) {
        close(fd); /* another thread was quicker */
        fd = expected;
    }
    return fd;
}

static int64_t offset_ms(void)
{
    int64_t offset = 0;
    (void)pthread_once(&once, look_at_environment); /* cannot fail with a static control */
    if (offset_path == NULL)
        return 0;
    int fd = open_offset();
    if (fd < 0 || pread(fd, &offset, sizeof(offset), 0) != (ssize_t)sizeof(offset))
        return 0;
    return offset;
}

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t); /* fails for unknown clocks only */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + offset_ms();
}

static int64_t wall_ms(const struct yq_clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

/* Counts the time in which the machine slept, too: a lease does not wait for us. */
static int64_t mono_ms(const struct yq_clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_BOOTTIME);
}

const struct yq_clock *yq_system_clock(void)
{
    static const struct yq_clock clock = {wall_ms, mono_ms};
    return &clock;
}

bool yq_system_clock_is_moved(void)
{
    (void)pthread_once(&once, look_at_environment);
    return offset_path != NULL;
}
