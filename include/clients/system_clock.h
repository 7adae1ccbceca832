/* The real clock. Where the environment names a file in YUNQIAO_CLOCK (a test hook: 8 bytes, host
 * byte order, milliseconds), its number is added to both clocks, read anew at every call, so that a
 * test can move time forward for all processes at once instead of waiting. */
#ifndef YQ_CLIENTS_SYSTEM_CLOCK_H
#define YQ_CLIENTS_SYSTEM_CLOCK_H

#include <stdbool.h>

#include "base/clock.h"

const struct yq_clock *yq_system_clock(void);
/* True where a test moves the clock: those who wait for a time then look often. */
bool yq_system_clock_is_moved(void);

#endif
