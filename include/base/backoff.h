/* Attempt number to delay: doubling, capped, with jitter from a seed that the caller passes in. */
#ifndef YQ_BASE_BACKOFF_H
#define YQ_BASE_BACKOFF_H

#include <stdint.h>

struct yq_backoff {
    int64_t first_ms; /* delay after the first failure */
    int64_t max_ms;
};

/* attempt counts from 1. The result lies in [d/2, d], where d = min(max_ms, first_ms *
 * 2^(attempt-1)). */
int64_t yq_backoff_ms(const struct yq_backoff *b, unsigned attempt, uint64_t seed);

#endif
