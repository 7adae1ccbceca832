/* What a run leaves in the links, and in the removals that the guard counts. Queued for the commit
 * of the record; the view has it at once. */
#ifndef YQ_SERVICE_RECORD_LINKS_H
#define YQ_SERVICE_RECORD_LINKS_H

#include "record.h"

/* The connection that the record is about. */
const char *yq_record_id(const struct yq_record *r);
/* An operation that was carried out; target: the record's id. */
void yq_record_link(struct yq_record *r, const struct yq_operation *op, const char *target);
/* The id behind the department of a post that was just written. */
const char *yq_record_post_department(struct yq_record *r, const struct yq_operation *op);
/* Values that both sides have now. */
void yq_record_agreed(struct yq_record *r, const struct yq_verdict *v);

#endif
