/* Who leads whom, as far as it may change without an event of whoever is led: two sorted sets of
 * "LEADER MEMBER" in Redis, `superiors:led` and `superiors:awaited`. When a leader comes into
 * eteams or leaves it, those of whom it matters are put on the queue; when other people lead a
 * department, a reconcile is owed, since only a listing shows whom that concerns. */
#ifndef YQ_SERVICE_LED_H
#define YQ_SERVICE_LED_H

#include "record.h"

/* Is the switch on, and has the taking over come so far that superiors may be written? *ret is
 * false without asking where the configuration says no. */
int yq_superiors_on(const struct yq_sync *s, bool *ret, struct yq_error *err);

/* Queues, for the commit, what follows from the settled outcomes. Under the lease. */
int yq_led_follow(struct yq_record *r, const struct yq_sync_result *result, struct yq_error *err);

/* Members who wait for somebody who is in eteams by now; texts in the arena. */
int yq_led_find_arrived(struct yq_redis *redis, const struct yq_keys *keys, const char *id,
                        struct yq_arena *arena, const char ***ret, size_t *ret_count,
                        struct yq_error *err);

#endif
