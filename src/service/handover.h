/* The side of a hand-over that is there already: a local socket at which the next process asks for
 * the listening sockets. It gets them at once and works beside this one; when it says that it is
 * ready, this one ends as at SIGTERM, and leaves to it whoever waits to be accepted. Where it dies
 * before, nothing has happened. */
#ifndef YQ_SRC_SERVICE_HANDOVER_H
#define YQ_SRC_SERVICE_HANDOVER_H

#include <event2/event.h>

#include "inherit.h"
#include "service/http_server.h"

struct yq_handover_options {
    struct event_base *base;
    const char *path; /* "" or NULL: no hand-over */
    unsigned roles;
    struct yq_http_server *servers[YQ_LISTENERS]; /* NULL: none. Outlive it */
    const char *addresses[YQ_LISTENERS];          /* as configured; likewise */
    void (*succeeded)(void *context);             /* from the loop, once */
    void *context;
};
struct yq_handover;

/* Takes the place of the process before, if there was one. *ret is NULL without a path. */
int yq_handover_new(const struct yq_handover_options *options, struct yq_handover **ret,
                    struct yq_error *err);
/* NULL is fine. */
void yq_handover_free(struct yq_handover *h);

#endif
