/* Where ids alone can be read: is what a listing says of a member to be relied on? */
#ifndef YQ_SERVICE_GATHER_IDS_H
#define YQ_SERVICE_GATHER_IDS_H

#include "service/sync.h"

/* Looks again at those of the members, just read, that are known by one listing of ids and nothing
 * else. Their departments stand where an event of the member, an earlier listing of the run
 * (reported_member) or a second listing says the same; so does an absence that an event told.
 * Otherwise the member becomes UNREADABLE. A listing that shows less than the last complete
 * snapshot says nothing of departments at all. -1 only for what ends the run. */
int yq_gather_confirm(const struct yq_sync *s, struct yq_view *v, const char *const *userids,
                      size_t count, struct yq_error *err);

#endif
