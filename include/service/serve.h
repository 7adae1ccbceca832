/* Runs the daemon: starts what the roles ask for, waits for SIGTERM or SIGINT, stops in reverse. */
#ifndef YQ_SERVICE_SERVE_H
#define YQ_SERVICE_SERVE_H

#include "base/error.h"
#include "service/settings.h"

enum yq_role {
    YQ_ROLE_RECEIVER = 1,
    YQ_ROLE_WORKER = 2,
    YQ_ROLE_SCHEDULER = 4,
    YQ_ROLE_ADMIN = 8,
};

/* Returns 0 after an orderly stop, -1 when it could not start. Prints one line per listener on
 * stdout: "listening callbacks http://ADDRESS:PORT", "listening admin http://ADDRESS:PORT", then
 * "ready". */
int yq_serve(const struct yq_settings *settings, unsigned roles, struct yq_error *err);

#endif
