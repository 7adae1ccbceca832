/* Attempt number to delay. */
#include "base/backoff.h"

/* splitmix64: one step is enough to spread neighbouring seeds. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

int64_t yq_backoff_ms(const struct yq_backoff *b, unsigned attempt, uint64_t seed)
{
    int64_t delay = b->first_ms;
    for (unsigned i = 1; i < attempt && delay < b->max_ms; i++)
        delay *= 2;
    if (delay > b->max_ms)
        delay = b->max_ms;
    int64_t half = delay / 2;
    return delay - half + (int64_t)(mix(seed ^ attempt) % (uint64_t)(half + 1));
}
