/* Writes down what a run did: links, removals, cases, and the audit that answers "why". */
#ifndef YQ_SERVICE_RECORD_H
#define YQ_SERVICE_RECORD_H

#include "service/sync.h"

struct yq_record {
    const struct yq_sync *sync;
    struct yq_view *view;
    const struct yq_plan *plan;
    bool superiors; /* the plan is about superiors, too */
    struct yq_commit *commit;
    yq_events_of *events;
    void *context;
};

/* An operation that was carried out (error NONE) or not. target: the record's id, for what was made
 * by the operation its new one. Changes the links in the view and queues them for the commit. */
void yq_record_operation(struct yq_record *r, const struct yq_operation *op, const char *target,
                         const struct yq_error *error);
/* The verdict of a subject and how it came out: values agreed and case or none where it is settled,
 * and an audit entry where it has no operations that say it all. */
void yq_record_verdict(struct yq_record *r, const struct yq_verdict *v,
                       const struct yq_outcome *outcome);
/* {"word","reason","args"}, as it stands in the audit, in cases and in runs. */
void yq_record_reason(const char *word, const struct yq_reason *reason, struct yq_buf *out);
/* Carries out what was queued, under the lease. */
int yq_record_commit(struct yq_record *r, struct yq_error *err);

#endif
