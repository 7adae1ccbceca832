/* Creations, resignations and part-time departments that were sent and whose answer never came, or
 * came to a worker that died.
 *
 * What is sent is written down before: hash `sent`, subject key (of a part-time
 * department with that) -> of a creation the values that make the record findable, of a resignation
 * the record. It goes with the result. Whoever finds it
 * there looks at eteams first, because WeCom may have other values by now, or the subject may be
 * gone, or back: then a record would be made a second time, somebody whom we let go would not
 * be taken back, or a part-time department would stay that nobody wants. */
#ifndef YQ_SERVICE_SENT_H
#define YQ_SERVICE_SENT_H

#include "record.h"

#define YQ_SENT_FIELD_MAX (YQ_SUBJECT_MAX + 25)

/* Is it one of those? */
bool yq_sent_counts(const struct yq_operation *op);
/* Writes down that it is about to be sent, a department below the record `parent`; the caller
 * commits. */
void yq_sent_note(struct yq_record *r, const struct yq_operation *op, const char *parent);
/* Its result is known. */
void yq_sent_drop(struct yq_record *r, const struct yq_operation *op);
/* Writes into the links what became of those whose result is not known. A subject of which that
 * cannot be told now is unreadable in the view. */
int yq_sent_settle(const struct yq_sync *s, struct yq_view *v, struct yq_error *err);

#endif
