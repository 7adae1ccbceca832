/* How long, and how much of it, what is settled is kept: events, audit, runs of one connection. */
#ifndef YQ_CLIENTS_RETENTION_H
#define YQ_CLIENTS_RETENTION_H

#include <stdint.h>

struct yq_retention {
    int64_t now_ms;  /* the caller's clock; ids of entries are Redis' time */
    int64_t keep_ms; /* what is older goes */
    int64_t most;    /* entries of each stream: of more than these the oldest go; 0: any number */
};

/* In one go, so that Redis answers others in between: what is left is trimmed at the next. */
#define YQ_TRIM_ROUNDS 100

#endif
