/* Polls a condition every two milliseconds. */
#include "support/wait.h"

#include <stdint.h>
#include <time.h>

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* fails for unknown clocks only */
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool yq_wait_until(bool (*condition)(void *arg), void *arg, int deadline_ms)
{
    int64_t end = now_ms() + deadline_ms;
    while (!condition(arg)) {
        if (now_ms() >= end)
            return false;
        const struct timespec pause = {.tv_nsec = 2000000};
        (void)nanosleep(&pause, NULL); /* a shorter one does no harm */
    }
    return true;
}
