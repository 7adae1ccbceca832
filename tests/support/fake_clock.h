/* A clock that a test moves. */
#ifndef YQ_TESTS_SUPPORT_FAKE_CLOCK_H
#define YQ_TESTS_SUPPORT_FAKE_CLOCK_H

#include <stdatomic.h>

#include "base/clock.h"

struct fake_clock {
    struct yq_clock clock; /* first */
    _Atomic int64_t now_ms;
};

static inline int64_t fake_clock_now(const struct yq_clock *clock)
{
    return atomic_load(&((struct fake_clock *)(uintptr_t)clock)->now_ms);
}

#define FAKE_CLOCK(start)                                                                          \
    {                                                                                              \
        {fake_clock_now, fake_clock_now}, (start)                                                  \
    }

#endif
