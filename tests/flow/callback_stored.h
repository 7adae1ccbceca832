/* What became of a load's callbacks, as sets: the serials that were answered, and those that stand
 * in the stream or in the dead letters. */
#ifndef FLOW_CALLBACK_STORED_H
#define FLOW_CALLBACK_STORED_H

#include "callback_load.h"
#include "clients/redis.h"

struct callback_stored {
    unsigned accepted;
    unsigned lost;    /* accepted, and not there */
    unsigned twice;   /* there more than once */
    unsigned unheard; /* there, though not answered */
};

/* The load has ended. Prints what it counts. */
struct callback_stored callback_stored(const struct yq_redis_address *redis,
                                       const struct callback_load *load);

#endif
