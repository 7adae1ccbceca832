/* What the files of the WeCom client share. */
#ifndef YQ_CLIENTS_WECOM_INNER_H
#define YQ_CLIENTS_WECOM_INNER_H

#include <stdatomic.h>

#include "clients/wecom_client.h"

#define WC_P_TOKEN YQ_WECOM_TOKEN_API
#define WC_P_USER_GET "/cgi-bin/user/get"
#define WC_P_USER_LIST "/cgi-bin/user/list"
#define WC_P_USER_SIMPLELIST "/cgi-bin/user/simplelist"
#define WC_P_USER_LIST_ID "/cgi-bin/user/list_id"
#define WC_P_DEPARTMENT_GET "/cgi-bin/department/get"
#define WC_P_DEPARTMENT_LIST "/cgi-bin/department/list"
#define WC_P_DEPARTMENT_SIMPLELIST "/cgi-bin/department/simplelist"
#define WC_P_TAG_GET "/cgi-bin/tag/get"
#define WC_P_AGENT_GET "/cgi-bin/agent/get"

/* One secret and its token: the app's (SB) or that of the contacts-sync assistant (CS). */
struct yq_wecom_credential {
    struct yq_wecom *owner;
    const char *setting; /* names it for an operator */
    char *secret;
    struct yq_peer *peer;
};

struct yq_wecom {
    struct yq_wecom_options options;
    char *api_base, *corp_id;
    struct yq_wecom_credential app, contacts; /* peer NULL: there is none */
    /* Monotonic; the contacts secret gives no details to our address before that (48009). */
    _Atomic int64_t contacts_shut_until;
};

/* FATAL: there is no secret at all. */
int yq_wecom_no_reader(struct yq_error *err);
/* The credential that details are read with; NULL: there is none now. */
struct yq_wecom_credential *yq_wecom_reader(struct yq_wecom *w);
/* True if this answer means that the credential cannot read details at all, so that something else
 * must do; remembers it for the contacts secret. */
bool yq_wecom_shut(struct yq_wecom *w, const struct yq_wecom_credential *c,
                   const struct yq_error *err);
/* What a FATAL code means for whoever set this up: replaces err's text by a sentence. */
void yq_wecom_explain(const struct yq_wecom_credential *c, struct yq_error *err);
/* Runs the calls; -1 only for LOST, or for FATAL without a token (explained). */
int yq_wecom_run(struct yq_wecom_credential *c, struct yq_http *h, struct yq_call *calls,
                 size_t count, const struct yq_watch *watch, struct yq_error *err);
/* The calls' end: -1 with the first FATAL answer that is none of `shut`. */
int yq_wecom_fatal(const struct yq_wecom_credential *c, const struct yq_call *call,
                   struct yq_error *err);

/* What a refused question about one department says of it (wecom.md §4.2): ABSENT by 60123 and
 * 60003, HIDDEN by 60011, else UNREADABLE. */
void yq_wecom_department_refused(struct yq_view *v, uint32_t id, const struct yq_error *why);

/* user/list_id: one row per membership of the whole company, page by page. */
struct yq_wecom_memberships {
    void (*row)(void *context, const char *userid, uint32_t department);
    void (*again)(void *context); /* the pages are read again from the first: forget all rows */
    void *context;
    int tries; /* so often a page is asked for that fails in passing */
};
/* Returns 0 when all pages were read; -1 with whatever kept it from being so. */
int yq_wecom_each_membership(struct yq_wecom *w, struct yq_http *h,
                             const struct yq_wecom_memberships *m, const struct yq_watch *watch,
                             struct yq_error *err);

/* Fallbacks, from the contacts secret (wecom.md §4.1): ids alone. Of members the one listing, and
 * how many people it shows, in v->listed_people: it may lack rows. A department that the list lacks
 * is asked for by its id, and ABSENT only by that answer; a list that lacks the root, or one above
 * another, says nothing. */
int yq_wecom_ids_of_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                            const char *const *userids, size_t count, const struct yq_watch *watch,
                            struct yq_error *err);
int yq_wecom_ids_of_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                                const uint32_t *ids, size_t count, const struct yq_watch *watch,
                                struct yq_error *err);

#endif
