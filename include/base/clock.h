/* The one way to ask what time it is. Who needs the time is handed a clock, so that tests need not
 * wait: the real one is clients/system_clock.h. */
#ifndef YQ_BASE_CLOCK_H
#define YQ_BASE_CLOCK_H

#include <stdint.h>

struct yq_clock {
    int64_t (*wall_ms)(const struct yq_clock *clock); /* milliseconds since 1970, UTC */
    int64_t (*mono_ms)(const struct yq_clock *clock); /* never goes back; its zero means nothing */
};

static inline int64_t yq_wall_ms(const struct yq_clock *clock)
{
    return clock->wall_ms(clock);
}

static inline int64_t yq_mono_ms(const struct yq_clock *clock)
{
    return clock->mono_ms(clock);
}

#endif
