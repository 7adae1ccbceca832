/* Listening sockets that were open before this process began, so that nobody who connects during a
 * restart is refused: from the system (socket activation), or from the process before. */
#ifndef YQ_SRC_SERVICE_INHERIT_H
#define YQ_SRC_SERVICE_INHERIT_H

#include "base/error.h"

enum yq_listener { YQ_LISTENER_CALLBACKS, YQ_LISTENER_ADMIN, YQ_LISTENERS };
extern const char *const yq_listener_names[YQ_LISTENERS]; /* "callbacks", "admin" */

struct yq_inheritance {
    int fds[YQ_LISTENERS]; /* -1: none. Whoever uses one puts -1 in its place */
    int before;            /* a channel to the process before; -1: there is none */
};
#define YQ_INHERITANCE_NONE                                                                        \
    {                                                                                              \
        {-1, -1}, -1                                                                               \
    }

/* What sd_listen_fds(3) describes: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, which are taken out
 * of the environment. A descriptor is known by its name, others in the order callbacks, admin.
 * Before any thread is started. -1 when something else was passed than listening TCP sockets. */
int yq_inherit_from_system(struct yq_inheritance *h, struct yq_error *err);

struct yq_successor { /* who asks */
    const char *path; /* of the socket where the process before answers; "" or NULL: none does */
    unsigned roles;
    const char *addresses[YQ_LISTENERS]; /* as configured: a socket for another one is not taken */
};
/* Asks the process before, if there is one, and waits for its answer, a second at most. It goes on
 * until yq_inherit_done. -1 when it has other roles, or is not of the same user. */
int yq_inherit_from_process(struct yq_inheritance *h, const struct yq_successor *s,
                            struct yq_error *err);
/* This one works now: the other may end. */
void yq_inherit_done(struct yq_inheritance *h);
/* Closes what was not used. */
void yq_inheritance_release(struct yq_inheritance *h);

/* ---- what both sides say ---- */

#define YQ_HANDOVER_HELLO "yunqiao handover 1"
#define YQ_HANDOVER_READY "ready"
#define YQ_HANDOVER_MAX 1024 /* bytes of a message */

/* Whether the other end of a local socket is of this process' user, or root. */
int yq_handover_is_ours(int fd);

#endif
