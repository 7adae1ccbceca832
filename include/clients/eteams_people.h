/* Who in eteams has this account, mobile, e-mail, job number or name, when thousands are asked for:
 * all people in service are read once, by pages, and only digests of these values are kept. Whoever
 * may be meant is read again by id before it counts. */
#ifndef YQ_CLIENTS_ETEAMS_PEOPLE_H
#define YQ_CLIENTS_ETEAMS_PEOPLE_H

#include "clients/eteams_client.h"

struct yq_people;

/* Complete, or an error: RETRY where the pages are not to be relied on. */
int yq_eteams_index_people(struct yq_eteams *e, struct yq_http *h, struct yq_people **ret,
                           const struct yq_watch *watch, struct yq_error *err);
void yq_people_free(struct yq_people *p);
size_t yq_people_count(const struct yq_people *p);

/* As yq_eteams_look_up, by the index. */
int yq_eteams_look_up_among(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                            const struct yq_people *people, struct yq_lookup *const *lookups,
                            size_t count, const struct yq_watch *watch, struct yq_error *err);

#endif
