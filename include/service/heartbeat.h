/* Every process of ours says in Redis that it lives: hash `processes`, "host:pid:namespace" -> JSON
 * {"roles","at","started","version","spool"}, every 5 s; notices when Redis has lost its data; and
 * keeps an eye on Redis' own settings, on which the promise rests that what was answered with
 * success is not lost. */
#ifndef YQ_SERVICE_HEARTBEAT_H
#define YQ_SERVICE_HEARTBEAT_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "service/settings.h"
#include "service/spool.h"

struct yq_heartbeat;

/* roles: bits of enum yq_role. */
struct yq_heartbeat *yq_heartbeat_start(const struct yq_settings *settings, unsigned roles,
                                        const struct yq_clock *clock, struct yq_error *err);
/* These connections are looked after from now on. NULL is fine. */
void yq_heartbeat_reload(struct yq_heartbeat *h, const struct yq_settings *settings);
/* Whose figures it tells; NULL before that is stopped. h may be NULL. */
void yq_heartbeat_watch_spool(struct yq_heartbeat *h, struct yq_spool *spool);
/* Takes the entry away, unless the spool still held something. NULL is fine. */
void yq_heartbeat_stop(struct yq_heartbeat *h);
/* The last beat reached Redis. */
bool yq_heartbeat_redis_up(const struct yq_heartbeat *h);
/* Redis keeps what it acknowledges, as far as was last known. */
bool yq_heartbeat_redis_safe(const struct yq_heartbeat *h);

#endif
