/* A company's directory in WeCom read whole, one answer at a time, for a reconcile: the departments
 * into a view, the people into a snapshot (wecom.md §4).
 *
 * What is said to be complete was answered in full, every call, and contradicts itself nowhere. All
 * else is not: then absence from it means nothing. A department that is deleted while it is read,
 * and that WeCom says twice it does not have, has nobody in it; whoever moved out of it may be in
 * no list, since that of his new department was read before. */
#ifndef YQ_CLIENTS_WECOM_LISTING_H
#define YQ_CLIENTS_WECOM_LISTING_H

#include "clients/wecom_client.h"
#include "model/snapshot.h"

enum yq_wecom_how {
    YQ_WECOM_DETAILS, /* all fields that the credential may read */
    YQ_WECOM_IDS,     /* userids, departments and the tree alone: names are not known */
};

/* What the administrator ticked for the app (wecom.md §4.5). */
struct yq_wecom_range {
    bool known; /* false: no agent id, no app, or not answered */
    uint32_t *departments, *tags;
    size_t department_count, tag_count;
    char **members;
    size_t member_count;
};

struct yq_wecom_listing {
    bool complete;
    enum yq_wecom_how how;
    bool whole_company; /* read with a credential that sees everybody */
    struct yq_wecom_range range;
    bool only_persons; /* R9: neither a department nor a tag is ticked */
    uint32_t *failed;  /* departments whose people could not be read */
    size_t failed_count, failed_capacity;
    struct yq_error error; /* what kept it from being complete, the first such thing */
};

void yq_wecom_listing_release(struct yq_wecom_listing *l);

/* All that the reading app sees: the departments, their members, and whoever is visible without a
 * department, by a tag or ticked singly. `departments` (each row PRESENT, or ABSENT where it was
 * deleted meanwhile) and `ret` may be NULL.
 * *ret_members is cleared, filled and sealed; its `complete` is that of the listing. Returns 0 also
 * where something could not be read, and says so; -1 only for what ends the run (LOST, FATAL). */
int yq_wecom_list_all(struct yq_wecom *w, struct yq_http *h, struct yq_view *departments,
                      struct yq_snapshot *ret_members, struct yq_wecom_listing *ret,
                      const struct yq_watch *watch, struct yq_error *err);

/* Everybody of the company, from the contacts secret: userids and departments. Two of these are
 * what a leaver must be absent from (decisions.md 1). Cleared, filled and sealed. Returns 0 when
 * all pages were read, and only then it is complete; -1 with whatever kept it from being so,
 * REFUSED without that secret. */
int yq_wecom_list_ids(struct yq_wecom *w, struct yq_http *h, struct yq_snapshot *ret,
                      const struct yq_watch *watch, struct yq_error *err);
/* The tree of the whole company without names, each department PRESENT. *ret_known: the contacts
 * secret told it. */
int yq_wecom_list_company_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                                      bool *ret_known, const struct yq_watch *watch,
                                      struct yq_error *err);

#endif
