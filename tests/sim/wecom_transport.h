/* POSTs on the simulator's own loop: libcurl's multi interface over libevent. */
#ifndef SIM_WECOM_TRANSPORT_H
#define SIM_WECOM_TRANSPORT_H

#include <event2/event.h>
#include <stdbool.h>

struct wecom_transport;

/* Called once per post, never from inside wecom_transport_post. status 0: no answer in time. */
typedef void wecom_transport_done(void *context, void *item, long status);

struct wecom_transport *wecom_transport_new(struct event_base *base, wecom_transport_done *done,
                                            void *context);
/* Posts that are under way are dropped without a call of `done`. */
void wecom_transport_free(struct wecom_transport *t);

struct wecom_post {
    const char *url, *body; /* body must live until `done`; url is copied */
    bool json;
    long deadline_ms;
    void *item;
};
void wecom_transport_post(struct wecom_transport *t, const struct wecom_post *post);

#endif
