/* One cheap question to each peer, for `doctor`: does it answer, does it take our credentials, what
 * time is it there? Nothing is changed. */
#ifndef YQ_CLIENTS_PROBE_H
#define YQ_CLIENTS_PROBE_H

#include "clients/eteams_client.h"
#include "clients/wecom_client.h"

struct yq_probe {
    const char *setting;   /* the credential that was tried, as in the configuration; static text */
    struct yq_error error; /* NONE: it works */
    int64_t took_us;       /* for the token and the question */
};

#define YQ_WECOM_PROBES 2
/* Tries each secret that there is, by a token and a read that every such app may do: how many. */
size_t yq_wecom_probe(struct yq_wecom *w, struct yq_http *h, struct yq_probe ret[YQ_WECOM_PROBES]);
/* A token and one row of queryOrg. */
void yq_eteams_probe(struct yq_eteams *e, struct yq_http *h, struct yq_probe *ret);
/* The time in seconds that the server behind this address tells in its Date header, whatever else
 * it answers; 0 where it tells none. -1 where it does not answer. */
int64_t yq_peer_date(struct yq_http *h, const char *base, const struct yq_http_options *options,
                     struct yq_error *err);

#endif
