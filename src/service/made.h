/* People whose creation was sent and whose answer never came, or came to a worker that died.
 *
 * What is sent is written down before: hash `made`, lower-case userid -> the values that make the
 * person findable. It goes with the result. Whoever finds it at a later attempt looks these values
 * up first, because WeCom may have other ones by now, or the member may be gone: then the person
 * would be made a second time, or stay in service for ever. */
#ifndef YQ_SERVICE_MADE_H
#define YQ_SERVICE_MADE_H

#include "record.h"

/* Writes down that this creation is about to be sent; the caller commits. */
void yq_made_note(struct yq_record *r, const struct yq_operation *op);
/* Its result is known. */
void yq_made_drop(struct yq_record *r, const struct yq_operation *op);
/* Links the members of the scope that were tried before with whom such a creation made. A member of
 * whom that cannot be told now is unreadable in the view. */
int yq_made_adopt(const struct yq_sync *s, struct yq_view *v, struct yq_error *err);

#endif
