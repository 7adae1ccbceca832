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
/* Makes the posts of the link those of ours that were read, but for what operations of this plan
 * for the subject `key` (NULL: none) write. The reconcile finds by the link what is ours and not
 * wanted any more. True: changed, to be put. */
bool yq_record_posts(struct yq_record *r, struct yq_link_member *link, const char *key);
/* Values that both sides have now. */
void yq_record_agreed(struct yq_record *r, const struct yq_verdict *v);

#endif
