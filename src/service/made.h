/* Departments and people whose creation was sent and whose answer never came, or came to a worker
 * that died.
 *
 * What is sent is written down before: hash `made`, subject key -> the values that make the record
 * findable. It goes with the result. Whoever finds it there looks these values up first, because
 * WeCom may have other ones by now, or the subject may be gone: then the record would be made a
 * second time, or stay for ever. */
#ifndef YQ_SERVICE_MADE_H
#define YQ_SERVICE_MADE_H

#include "record.h"

/* Writes down that this creation is about to be sent, of a department below the record `parent`;
 * the caller commits. */
void yq_made_note(struct yq_record *r, const struct yq_operation *op, const char *parent);
/* Its result is known. */
void yq_made_drop(struct yq_record *r, const struct yq_operation *op);
/* Links the subjects of such creations with what they made. A subject of which that cannot be told
 * now is unreadable in the view. */
int yq_made_adopt(const struct yq_sync *s, struct yq_view *v, struct yq_error *err);

#endif
