/* Noting which fields were seen. */
#ifndef YQ_SRC_SERVICE_FRESHNESS_H
#define YQ_SRC_SERVICE_FRESHNESS_H

#include "model/snapshot.h"
#include "service/freshness.h"
#include "service/sync.h"

/* Of one connection, shared by its threads. */
struct yq_seen_fields;
struct yq_seen_fields *yq_seen_fields_new(void);
void yq_seen_fields_free(struct yq_seen_fields *s);

struct yq_seen_note { /* where it goes; borrowed */
    struct yq_connection *connection;
    struct yq_redis *redis;
    const struct yq_keys *keys;
    const struct yq_clock *clock;
};
/* Notes what the events of the view carried and what its rows have. A failure is logged and made
 * good by the next note. */
void yq_seen_note_view(const struct yq_seen_note *n, const struct yq_view *v);
/* The same of people who were read whole. */
void yq_seen_note_people(const struct yq_seen_note *n, const struct yq_snapshot *people);

#endif
