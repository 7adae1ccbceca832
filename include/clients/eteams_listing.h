/* eteams' directory read whole, page by page, for a reconcile: the departments into a view, the
 * people into a snapshot (eteams.md §2.6). */
#ifndef YQ_CLIENTS_ETEAMS_LISTING_H
#define YQ_CLIENTS_ETEAMS_LISTING_H

#include "clients/eteams_client.h"
#include "model/snapshot.h"

/* All departments, disabled ones too (`departments` may be NULL), and all people in service.
 * *ret_members is cleared, filled and sealed. What is complete is there to the last row, with the
 * number of rows that eteams told and the same on all pages; a page that fails in passing is asked
 * for up to three times, a list that changes meanwhile is read up to three times. Returns 0 also
 * where one of the two is not complete: `ret_members->complete`,
 * `departments->eteams_departments_complete`; why not, is in *ret_why (may be NULL; NONE where both
 * are). -1 only for what ends the run (LOST, FATAL). */
int yq_eteams_list_all(struct yq_eteams *e, struct yq_http *h, struct yq_view *departments,
                       struct yq_snapshot *ret_members, struct yq_error *ret_why,
                       const struct yq_watch *watch, struct yq_error *err);

#endif
