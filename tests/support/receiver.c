/* The receiving half of the program on a loop of its own. */
#include "support/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/wait.h"

static void init_connection(struct yq_connection_settings *c, char *id, size_t number)
{
    c->id = id;
    c->number = number;
}

void receiver_init(struct receiver *r, const char *redis_url, const char *token,
                   const char *aes_key, const char *receive_id)
{
    static char prefix[] = "yq";
    static char ids[][8] = {"acme", "other"};
    memset(r, 0, sizeof(*r));
    r->settings.redis_url = (char *)redis_url;
    r->settings.redis_prefix = prefix;
    r->settings.redis_timeout_ms = 2000;
    r->settings.http.max_body = 256 * 1024;
    r->settings.http.max_headers = 16 * 1024;
    r->settings.http.deadline_ms = 5000;
    r->settings.http.max_connections = 1024;
    r->settings.http.backlog = 1024;
    r->settings.connections = r->connections;
    r->settings.connection_count = 2;
    for (size_t i = 0; i < 2; i++)
        init_connection(&r->connections[i], ids[i], i);
    struct yq_envelope_keys *k = &r->connections[0].callback;
    k->count = 1;
    (void)snprintf(k->keys[0].token, sizeof(k->keys[0].token), "%s", token);
    if (yq_wecom_key(aes_key, strlen(aes_key), k->keys[0].aes_key) != 0)
        abort();
    k->receiver_count = 1;
    (void)snprintf(k->receivers[0], sizeof(k->receivers[0]), "%s", receive_id);
    r->connections[1].callback = *k;
    (void)snprintf(r->connections[1].callback.keys[0].token, 33, "another");
}

void receiver_start(struct receiver *r, const struct yq_clock *clock)
{
    struct yq_error err;
    r->loop = test_loop_new();
    struct event_base *base = test_loop_base(r->loop);
    r->intake = yq_intake_new(base, &r->settings, clock, &err);
    if (r->intake == NULL)
        abort();
    r->callback = yq_callback_new(&r->settings, r->intake, clock);
    r->routes[0] = (struct yq_route){YQ_CALLBACK_PATH, YQ_METHOD_GET | YQ_METHOD_POST,
                                     yq_callback_handle, r->callback};
    r->routes[1] = (struct yq_route){.path = ""};
    struct yq_http_limits limits = {.max_body = r->settings.http.max_body,
                                    .max_headers = r->settings.http.max_headers,
                                    .deadline_ms = r->settings.http.deadline_ms,
                                    .idle_ms = 60000,
                                    .max_connections = r->settings.http.max_connections,
                                    .backlog = r->settings.http.backlog};
    r->server = yq_http_server_new(base, "127.0.0.1:0", &limits, r->routes, &err);
    if (r->server == NULL)
        abort();
    r->url = yq_http_server_url(r->server);
    test_loop_start(r->loop);
}

struct question {
    struct receiver *receiver;
    bool wanted, up;
};

static void ask(void *arg)
{
    struct question *q = arg;
    q->up = yq_intake_up(q->receiver->intake);
}

static bool is_as_wanted(void *arg)
{
    struct question *q = arg;
    test_loop_call(q->receiver->loop, ask, q);
    return q->up == q->wanted;
}

bool receiver_wait_redis(struct receiver *r, bool up, int deadline_ms)
{
    struct question q = {.receiver = r, .wanted = up};
    return yq_wait_until(is_as_wanted, &q, deadline_ms);
}

void receiver_stop(struct receiver *r)
{
    test_loop_stop(r->loop);
    yq_intake_free(r->intake);
    yq_http_server_free(r->server);
    yq_callback_free(r->callback);
    event_base_loop(test_loop_base(r->loop), EVLOOP_NONBLOCK); /* for an unfinished look-up */
    test_loop_free(r->loop);
}
