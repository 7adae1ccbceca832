/* The running program: builds the roles from the settings, runs them, and takes them down in the
 * opposite order. */
#ifndef YQ_SERVICE_SERVE_H
#define YQ_SERVICE_SERVE_H

#include "base/buf.h"
#include "base/error.h"
#include "service/settings.h"

enum yq_role {
    YQ_ROLE_RECEIVER = 1 << 0,  /* takes WeCom's callbacks */
    YQ_ROLE_WORKER = 1 << 1,    /* applies what waits on the queues */
    YQ_ROLE_SCHEDULER = 1 << 2, /* decides when to reconcile, moves what is due */
    YQ_ROLE_ADMIN = 1 << 3,     /* health, readiness, metrics */
};
#define YQ_ROLES_ALL (YQ_ROLE_RECEIVER | YQ_ROLE_WORKER | YQ_ROLE_SCHEDULER | YQ_ROLE_ADMIN)

/* Who reads the configuration again at SIGHUP. */
struct yq_reloader {
    /* Returns 0 with what holds from now on (for yq_settings_free), and the names of the options in
     * which the file says otherwise than *ret, since they need a restart, one a line; or -1 with
     * every fault, one a line, and all stays as it is. */
    int (*read)(void *context, const struct yq_settings *now, struct yq_settings **ret,
                struct yq_buf *ret_restart, struct yq_buf *ret_faults);
    void *context;
};

/* Runs the roles (bits of enum yq_role) until SIGTERM or SIGINT, then finishes what is in hand and
 * returns 0; -1 when a role could not be started. `s` must outlive the call; reloader may be NULL:
 * SIGHUP changes nothing. */
int yq_serve(const struct yq_settings *s, unsigned roles, const struct yq_reloader *reloader,
             struct yq_error *err);

#endif
