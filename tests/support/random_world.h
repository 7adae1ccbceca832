/* Small worlds made up at random: two directories that partly agree, with all that the rules speak
 * of: links, stale links, leavers, siblings of one name, shared mobiles, hidden departments. */
#ifndef TEST_RANDOM_WORLD_H
#define TEST_RANDOM_WORLD_H

#include "world.h"

/* The same seed, the same world. Larger seeds give no larger worlds. */
struct world *random_world(uint64_t seed);
/* For whoever looks for what went wrong. */
void random_world_print(const struct world *w, struct yq_buf *out);

#endif
