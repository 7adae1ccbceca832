/* Every process of ours says in Redis that it lives: hash `processes`, "host:pid" -> JSON
 * {"roles","at","started","version"}, every 5 s; and keeps an eye on Redis' own settings, on which
 * the promise rests that what was answered with success is not lost. */
#ifndef YQ_SERVICE_HEARTBEAT_H
#define YQ_SERVICE_HEARTBEAT_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"

struct yq_heartbeat;

/* roles: bits of enum yq_role. */
struct yq_heartbeat *yq_heartbeat_start(const struct yq_settings *settings, unsigned roles,
                                        const struct yq_clock *clock, struct yq_error *err);
/* Takes the entry away. NULL is fine. */
void yq_heartbeat_stop(struct yq_heartbeat *h);
/* The last beat reached Redis. */
bool yq_heartbeat_redis_up(const struct yq_heartbeat *h);
/* Redis keeps what it acknowledges, as far as was last known. */
bool yq_heartbeat_redis_safe(const struct yq_heartbeat *h);

#endif
