/* Superiors of many people written at once, linked or not: to take them over, and to put them back.
 * All else goes through the engine. */
#ifndef YQ_SERVICE_SUPERIOR_WRITES_H
#define YQ_SERVICE_SUPERIOR_WRITES_H

#include "clients/eteams_superiors.h"
#include "reconcile.h"

struct yq_superior_write {
    const struct yq_superior_row *row; /* as eteams has it */
    const char *superior, *others;     /* what it shall have; NULL: stays */
};

struct yq_superior_writes {
    struct yq_reconcile *r;
    struct yq_reason reason; /* for the audit */
    struct yq_superior_write *items;
    size_t count, capacity;
    size_t unsettled; /* after the run: neither done nor refused */
};

/* Rows and texts are borrowed. Those whom the configuration says never to touch are left out. */
void yq_superior_writes_add(struct yq_superior_writes *w, const struct yq_superior_row *row,
                            const char *superior, const char *others);
/* In batches, each under the connection's lease and with its audit. -1 for what ends the run. */
int yq_superior_writes_run(struct yq_superior_writes *w, struct yq_error *err);
void yq_superior_writes_release(struct yq_superior_writes *w);

#endif
