/* Whether the peers still work with us, noted for the alarms in the hash `auth`: peer -> JSON
 * {"error","at"} while it refuses the connection as a whole. */
#ifndef YQ_SERVICE_AUTHORISED_H
#define YQ_SERVICE_AUTHORISED_H

#include "clients/redis.h"
#include "service/connection.h"

struct yq_authorised_note { /* borrowed */
    struct yq_connection *connection;
    struct yq_redis *redis;
    const struct yq_keys *keys;
    const struct yq_clock *clock;
};
/* After a run on this thread, which began with yq_connection_heard_reset: `failure` is what ended
 * it, NULL or of kind NONE where nothing did. A failure to write is logged and made good by a later
 * note. */
void yq_authorised_note(const struct yq_authorised_note *n, const struct yq_error *failure);

#endif
