/* The running program, as its own files see it: serve.c (beginning and end), serve_reload.c
 * (another configuration). */
#ifndef YQ_SRC_SERVICE_DAEMON_H
#define YQ_SRC_SERVICE_DAEMON_H

#include <event2/event.h>

#include "handover.h"
#include "service/admin.h"
#include "service/alarms.h"
#include "service/callback.h"
#include "service/heartbeat.h"
#include "service/intake.h"
#include "service/scheduler.h"
#include "service/serve.h"
#include "service/worker.h"

struct yq_daemon {
    const struct yq_settings *settings; /* held */
    const struct yq_reloader *reloader;
    const struct yq_clock *clock;
    unsigned roles;
    struct event_base *base;
    struct event *terminate, *interrupt, *hang_up, *drain;
    struct yq_heartbeat *heartbeat;
    struct yq_scheduler *scheduler;
    struct yq_alarms *alarms;
    struct yq_workers *workers;
    struct yq_intake *intake;
    struct yq_callback *callback;
    struct yq_route routes[2];
    struct yq_http_server *public_server, *admin_server;
    struct yq_admin *admin;
    struct yq_inheritance inherited;
    struct yq_handover *handover;
    bool ready;
    bool reload_wanted;    /* said so while starting */
    int64_t stop_began_ms; /* 0: not stopping */
};

/* ---- serve_reload.c ---- */

void yq_serve_set_log_level(const char *name);
/* Reads the configuration again and changes over to it, or says why not. */
void yq_serve_reload(struct yq_daemon *d);

#endif
