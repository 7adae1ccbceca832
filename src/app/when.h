/* Times as an operator writes them, and as they are shown. */
#ifndef YQ_APP_WHEN_H
#define YQ_APP_WHEN_H

#include <stdint.h>

#include "base/error.h"
#include "clients/queue.h"

/* An entry id ("1767225600000-0", also without its second part), RFC 3339
 * ("2026-01-01T08:00:00+08:00"), a time ago ("-90s", "-15m", "-2h", "-7d"), or "0" for the
 * beginning: as an end of a stream's range. */
int yq_when_parse(const char *text, int64_t now_ms, char ret[YQ_ENTRY_MAX], struct yq_error *err);

#define YQ_WHEN_MAX 40
/* "2026-01-01 08:00:00 +08:00", in the zone that TZ names; "?" for 0. Returns out. */
const char *yq_when_show(int64_t ms, char out[YQ_WHEN_MAX]);
/* "450 ms", "12 s", "3 min", "5 h", "2 d". Returns out. */
const char *yq_when_show_age(int64_t ms, char out[YQ_WHEN_MAX]);

#endif
