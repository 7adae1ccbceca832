/* One turn of a worker at one connection: under the lease, until nothing is due. */
#ifndef YQ_SERVICE_TURN_H
#define YQ_SERVICE_TURN_H

#include <stdatomic.h>

#include "service/settings.h"
#include "service/sync.h"

struct yq_turn_context { /* of one worker thread; everything is borrowed */
    const struct yq_settings *settings;
    const struct yq_keys *keys;
    const struct yq_clock *clock;
    struct yq_redis *redis;
    struct yq_http *http;
    const atomic_bool *stopping; /* begin nothing new */
    const atomic_bool *aborting; /* end what is running */
    const atomic_bool *outdated; /* these settings do not hold any more: as stopping, for a turn */
};

/* Returns 0 when the turn is over, also when somebody else holds the connection; -1 when Redis
 * failed. */
int yq_turn_run(const struct yq_turn_context *c, struct yq_connection *connection,
                struct yq_error *err);

#endif
