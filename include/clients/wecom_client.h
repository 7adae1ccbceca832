/* Reading a company's directory in WeCom into a view, with the best credential for each call
 * (wecom.md §0.2, §4): the app's secret (kind SB) for details, the contacts-sync secret (kind CS)
 * for ids of the whole company. 48009 and a missing secret are answered by falling back to what can
 * be read. */
#ifndef YQ_CLIENTS_WECOM_CLIENT_H
#define YQ_CLIENTS_WECOM_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "clients/peer.h"
#include "model/view.h"

#define YQ_WECOM_TOKEN_API "/cgi-bin/gettoken" /* as the trace names it */

struct yq_wecom;

struct yq_wecom_options {
    const char *api_base, *corp_id; /* copied */
    int64_t agent_id;               /* of the app; 0: not known, so that its range is not either */
    const char *app_secret;         /* copied, wiped on free; NULL or "": no SB app */
    const char *contacts_secret;    /* the same; NULL or "": no CS */
    struct yq_http_options http;    /* borrowed */
    struct yq_pace_budget budget;   /* 10/s and 4 in flight (wecom.md §6.1) */
    const struct yq_clock *clock;
    struct yq_peer_trace trace;
};

struct yq_wecom *yq_wecom_new(const struct yq_wecom_options *options);
void yq_wecom_free(struct yq_wecom *w);

/* Each fills the rows asked for with PRESENT, ABSENT, HIDDEN or UNREADABLE (with the row's error),
 * and returns 0; -1 only for what ends the run (LOST, FATAL). Where ids alone can be read, members
 * come from one listing (v->listed_people), which may lack something: whoever takes something away
 * by it asks a second time. A department is ABSENT only by an answer about itself. */
int yq_wecom_read_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                          const char *const *userids, size_t count, const struct yq_watch *watch,
                          struct yq_error *err);
/* user/list of these departments: direct members only, each row PRESENT. Nobody becomes ABSENT. */
int yq_wecom_list_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                          const uint32_t *departments, size_t count, const struct yq_watch *watch,
                          struct yq_error *err);
int yq_wecom_read_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                              const uint32_t *ids, size_t count, const struct yq_watch *watch,
                              struct yq_error *err);
/* department/list: every department in range becomes PRESENT; of the others nothing is said. */
int yq_wecom_list_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                              const struct yq_watch *watch, struct yq_error *err);

#endif
