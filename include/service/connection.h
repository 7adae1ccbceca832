/* One company at work: its settings and its two clients, shared by the threads of the process.
 * Counted: after a reload that changed it, whoever works with it goes on until he is done. */
#ifndef YQ_SERVICE_CONNECTION_H
#define YQ_SERVICE_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "clients/eteams_client.h"
#include "clients/wecom_client.h"
#include "service/settings.h"

struct yq_connection {
    const struct yq_connection_settings *settings;
    const struct yq_settings *whole; /* held: what these settings are a part of */
    atomic_int holders;              /* besides whoever made it */
    atomic_bool outdated;            /* it was changed or removed since: begin nothing long */
    struct yq_wecom *wecom;
    struct yq_eteams *eteams;
    _Atomic int64_t
        auth_noted_ms[2];   /* authorised.c: when each peer was last noted to be content */
    _Atomic int64_t new_ms; /* reconciler.c: since when it is known that it never was reconciled;
                               0: it was */
    struct yq_seen_fields *seen; /* freshness.c: which fields were seen and not written yet */
};

/* Makes the clients; nothing is called yet. Holds the settings; clock must outlive it. */
struct yq_connection *yq_connection_new(const struct yq_settings *settings,
                                        const struct yq_connection_settings *connection,
                                        const struct yq_clock *clock);
struct yq_connection *yq_connection_hold(struct yq_connection *c);
/* Gives up one hold, or what the maker has; the last one frees. NULL is fine. */
void yq_connection_free(struct yq_connection *c);

/* Calls to peers that were answered on this thread, tokens included, since the last reset. */
uint64_t yq_connection_calls(void);
void yq_connection_calls_reset(void);

/* What the peers said on this thread since the last reset: index 0 WeCom, 1 eteams. */
struct yq_connection_heard {
    bool content[2]; /* a call was answered well; a token alone does not count */
    int last;        /* who answered last; -1: nobody */
};
struct yq_connection_heard yq_connection_heard(void);
void yq_connection_heard_reset(void);

#endif
