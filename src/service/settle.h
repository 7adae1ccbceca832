/* What becomes of a subject's events after a run: acknowledged, tried again later, or set aside. */
#ifndef YQ_SERVICE_SETTLE_H
#define YQ_SERVICE_SETTLE_H

#include "scope.h"
#include "service/settings.h"
#include "service/sync.h"

struct yq_settle {
    const struct yq_settings *settings;
    const struct yq_keys *keys;
    const struct yq_clock *clock;
    const char *connection;
    struct yq_scope *scope;
    struct yq_commit *commit;
};

/* Counts the attempt before it begins. */
void yq_settle_begin(const struct yq_settle *s, struct yq_group *g);
/* By its outcome. The group may be gone afterwards. */
void yq_settle_outcome(const struct yq_settle *s, struct yq_group *g, const struct yq_outcome *o);
/* The run ended early: tried again, without counting against the subject. */
void yq_settle_postpone(const struct yq_settle *s, struct yq_group *g, const struct yq_error *err);
/* Its workers died with it, or nothing can be made of it: set aside with the reason. */
void yq_settle_dead(const struct yq_settle *s, struct yq_group *g, const char *reason);
/* Sets aside those entries of it that cannot be read. Returns true when nothing is left: then the
 * group is gone. */
bool yq_settle_broken(const struct yq_settle *s, struct yq_group *g);
/* Of these new deliveries, those that were sent again: the attempts at their subjects begin anew.
 */
void yq_settle_begin_anew(const struct yq_settle *s, const struct yq_deliveries *d);
/* One delivery of several is done with; the others of the group stay. Returns true when it was the
 * last one: then the group is gone. */
bool yq_settle_delivery(const struct yq_settle *s, struct yq_group *g, size_t index);
/* An event that asks for nothing. */
void yq_settle_ignore(const struct yq_settle *s, struct yq_group *g);

#endif
