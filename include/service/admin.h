/* The admin listener: /healthz, /readyz, /metrics for machines, and JSON under /api/ for whoever
 * holds the token. */
#ifndef YQ_SERVICE_ADMIN_H
#define YQ_SERVICE_ADMIN_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "service/http_server.h"
#include "service/settings.h"

struct yq_admin;

struct yq_admin_options {
    struct event_base *base;
    const struct yq_settings *settings; /* held */
    const struct yq_clock *clock;       /* these outlive it */
    void *context;
    /* Whether callbacks are taken and the roles run. Names what is degraded all the same, as in
     * "\"redis_unreachable\",\"redis_unsafe\"". */
    bool (*ready)(void *context, struct yq_buf *degraded);
    /* How the spool of this process stands, as JSON: asked without Redis. */
    void (*spool)(void *context, struct yq_buf *out);
};

struct yq_admin *yq_admin_new(const struct yq_admin_options *options, struct yq_error *err);
/* NULL is fine. */
void yq_admin_reload(struct yq_admin *a, const struct yq_settings *settings);
/* Whoever waits for an answer gets 503: to be freed before the server. NULL is fine. */
void yq_admin_free(struct yq_admin *a);
/* What the admin listener serves; lives in a. */
const struct yq_route *yq_admin_routes(const struct yq_admin *a);

#endif
