/* One company at work: its settings and its two clients, shared by the threads of the process. */
#ifndef YQ_SERVICE_CONNECTION_H
#define YQ_SERVICE_CONNECTION_H

#include "base/clock.h"
#include "clients/eteams_client.h"
#include "clients/wecom_client.h"
#include "service/settings.h"

struct yq_connection {
    const struct yq_connection_settings *settings;
    struct yq_wecom *wecom;
    struct yq_eteams *eteams;
};

/* Makes the clients; nothing is called yet. settings and clock must outlive it. */
struct yq_connection *yq_connection_new(const struct yq_settings *settings,
                                        const struct yq_connection_settings *connection,
                                        const struct yq_clock *clock);
void yq_connection_free(struct yq_connection *c);

/* Calls to peers that were answered on this thread, tokens included, since the last reset. */
uint64_t yq_connection_calls(void);
void yq_connection_calls_reset(void);

#endif
