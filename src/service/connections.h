/* The table of connections: those that this process works on, under the settings that hold now.
 *
 * A table does not change. A reload makes the next one, in which a connection whose settings are
 * the same is the same object, so that its clients keep their tokens and their pace. Whoever has
 * taken a table works with it until he gives it back; what has no end of its own looks at
 * `outdated`. */
#ifndef YQ_SRC_SERVICE_CONNECTIONS_H
#define YQ_SRC_SERVICE_CONNECTIONS_H

#include <pthread.h>
#include <stdatomic.h>

#include "service/connection.h"

struct yq_connections {
    const struct yq_settings *settings; /* held */
    struct yq_connection **items;       /* as many as the settings have, each held */
    atomic_bool outdated;               /* there is a newer table */
    atomic_int holders;                 /* besides the place it stands in */
};

/* NULL if the settings do not have it. */
struct yq_connection *yq_connections_find(const struct yq_connections *t, const char *id);
/* What yq_connections_take gave. */
void yq_connections_free(struct yq_connections *t);

struct yq_connections_place { /* of the table that holds now */
    pthread_mutex_t lock;
    const struct yq_clock *clock;
    struct yq_connections *now;
};

/* clock must outlive it. */
void yq_connections_init(struct yq_connections_place *p, const struct yq_settings *first,
                         const struct yq_clock *clock);
/* Makes the table of these settings and puts it into the place. */
void yq_connections_set(struct yq_connections_place *p, const struct yq_settings *next);
struct yq_connections *yq_connections_take(struct yq_connections_place *p);
void yq_connections_release(struct yq_connections_place *p);

#endif
