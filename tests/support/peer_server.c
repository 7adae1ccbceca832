/* A peer that a test writes in a few lines, over evhttp. */
#include "support/peer_server.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct seen {
    char *path, *text;
};

struct later;

struct peer_server {
    peer_handler *handler;
    void *context;
    struct later *waiting; /* of the thread, or of whoever has joined it */
    struct event_base *base;
    struct evhttp *http;
    pthread_t thread;
    char url[64];
    pthread_mutex_t lock; /* guards all below */
    struct seen *seen;
    size_t count, capacity;
    int now, most;
};

struct later {
    struct peer_server *server;
    struct evhttp_request *request;
    struct peer_reply reply;
    struct later *next, **back;
};

static void forget_later(struct later *l)
{
    *l->back = l->next;
    if (l->next != NULL)
        l->next->back = l->back;
    free(l->reply.to_free);
    free(l);
}

static void answer(struct later *l)
{
    struct evhttp_request *rq = l->request;
    (void)pthread_mutex_lock(&l->server->lock);
    l->server->now--;
    (void)pthread_mutex_unlock(&l->server->lock);
    if (l->reply.cut) {
        evhttp_connection_free(evhttp_request_get_connection(rq));
    } else {
        struct evbuffer *out = evbuffer_new();
        const char *body = l->reply.body ? l->reply.body : "";
        evbuffer_add(out, body, l->reply.len ? l->reply.len : strlen(body));
        evhttp_send_reply(rq, l->reply.status, "answer", out);
        evbuffer_free(out);
    }
    forget_later(l);
}

static void answer_later(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    answer(context);
}

static void remember(struct peer_server *s, const struct peer_request *r)
{
    (void)pthread_mutex_lock(&s->lock);
    yq_grow(&s->seen, &s->capacity, s->count, sizeof(*s->seen));
    s->seen[s->count++] =
        (struct seen){yq_strdup(r->path), yq_printf("%s?%s\n%s", r->path, r->query, r->body)};
    if (++s->now > s->most)
        s->most = s->now;
    (void)pthread_mutex_unlock(&s->lock);
}

static void handle(struct evhttp_request *rq, void *context)
{
    struct peer_server *s = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(rq);
    const char *query = evhttp_uri_get_query(uri);
    struct evbuffer *in = evhttp_request_get_input_buffer(rq);
    size_t len = evbuffer_get_length(in);
    char *body = yq_calloc(len + 1, 1);
    evbuffer_copyout(in, body, len);
    struct peer_request request = {
        .method = evhttp_request_get_command(rq) == EVHTTP_REQ_GET ? "GET" : "POST",
        .path = evhttp_uri_get_path(uri),
        .query = query ? query : "",
        .body = body,
    };
    struct later *l = yq_calloc(1, sizeof(*l));
    *l = (struct later){.server = s, .request = rq, .reply = {.status = 200}, .next = s->waiting};
    l->back = &s->waiting;
    if (l->next != NULL)
        l->next->back = &l->next;
    s->waiting = l;
    remember(s, &request);
    s->handler(s->context, &request, &l->reply);
    free(body);
    struct timeval delay = {l->reply.delay_ms / 1000, l->reply.delay_ms % 1000 * 1000};
    if (l->reply.delay_ms > 0)
        event_base_once(s->base, -1, EV_TIMEOUT, answer_later, l, &delay);
    else
        answer(l);
}

static void *serve(void *context)
{
    struct peer_server *s = context;
    event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static void stop_serving(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    event_base_loopbreak(((struct peer_server *)context)->base);
}

struct peer_server *peer_server_new(peer_handler *handler, void *context)
{
    evthread_use_pthreads();
    struct peer_server *s = yq_calloc(1, sizeof(*s));
    s->handler = handler;
    s->context = context;
    pthread_mutex_init(&s->lock, NULL);
    s->base = event_base_new();
    s->http = evhttp_new(s->base);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(s->http, "127.0.0.1", 0);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    if (bound == NULL ||
        getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size) != 0)
        abort();
    snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    evhttp_set_gencb(s->http, handle, s);
    if (pthread_create(&s->thread, NULL, serve, s) != 0)
        abort();
    return s;
}

void peer_server_forget(struct peer_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++) {
        free(s->seen[i].path);
        free(s->seen[i].text);
    }
    s->count = 0;
    s->most = s->now;
    (void)pthread_mutex_unlock(&s->lock);
}

void peer_server_free(struct peer_server *s)
{
    if (s == NULL)
        return;
    struct timeval at_once = {0, 0}; /* as an event, since the loop may not have begun yet */
    event_base_once(s->base, -1, EV_TIMEOUT, stop_serving, s, &at_once);
    pthread_join(s->thread, NULL);
    while (s->waiting != NULL)
        forget_later(s->waiting);
    evhttp_free(s->http);
    event_base_free(s->base);
    peer_server_forget(s);
    free(s->seen);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *peer_server_url(const struct peer_server *s)
{
    return s->url;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), tail = strlen(end);
    return len >= tail && strcmp(text + len - tail, end) == 0;
}

int peer_server_count(struct peer_server *s, const char *path_end)
{
    int n = 0;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        n += ends_with(s->seen[i].path, path_end);
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

char *peer_server_request(struct peer_server *s, const char *path_end, int nth)
{
    char *text = NULL;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count && text == NULL; i++) {
        if (ends_with(s->seen[i].path, path_end) && nth-- == 0)
            text = yq_strdup(s->seen[i].text);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return text;
}

int peer_server_most_at_once(struct peer_server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    int most = s->most;
    (void)pthread_mutex_unlock(&s->lock);
    return most;
}
