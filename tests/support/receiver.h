/* The receiving half of the program on a loop of its own: HTTP, callbacks, intake, for one or more
 * connections against a Redis of the test's. */
#ifndef YQ_TESTS_SUPPORT_RECEIVER_H
#define YQ_TESTS_SUPPORT_RECEIVER_H

#include <stdbool.h>

#include "service/callback.h"
#include "service/http_server.h"
#include "service/intake.h"
#include "service/settings.h"
#include "support/loop.h"

struct receiver {
    struct yq_settings settings;
    struct yq_connection_settings connections[2]; /* "acme", "other" */
    struct test_loop *loop;
    struct yq_intake *intake;
    struct yq_callback *callback;
    struct yq_http_server *server;
    const char *url;
    struct yq_route routes[2];
};

/* Settings with the keys given for "acme"; change them before receiver_start. */
void receiver_init(struct receiver *r, const char *redis_url, const char *token,
                   const char *aes_key, const char *receive_id);
void receiver_start(struct receiver *r, const struct yq_clock *clock);
/* Waits until Redis is known to be there, or not. */
bool receiver_wait_redis(struct receiver *r, bool up, int deadline_ms);
void receiver_stop(struct receiver *r);

#endif
