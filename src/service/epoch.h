/* Has Redis lost its data? Every connection has a key `epoch` with a random value that nobody ever
 * changes. Whoever finds another one than before, or none, knows that Redis was wiped or restored,
 * and a reconcile is owed. Belongs to one thread. */
#ifndef YQ_SERVICE_EPOCH_H
#define YQ_SERVICE_EPOCH_H

#include "base/clock.h"
#include "base/error.h"
#include "clients/redis.h"
#include "service/settings.h"

struct yq_epochs;

struct yq_epochs *yq_epochs_new(void);
void yq_epochs_free(struct yq_epochs *e); /* NULL is fine */
/* Looks at each connection of the settings. -1: Redis could not be asked; to be repeated. */
int yq_epochs_check(struct yq_epochs *e, struct yq_redis *r, const struct yq_keys *keys,
                    const struct yq_settings *settings, const struct yq_clock *clock,
                    struct yq_error *err);

#endif
