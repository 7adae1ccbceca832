/* The HTTP server under both simulated peers: evhttp, with delayed answers and cut connections. */
#include "sim_http.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/memory.h"

#define BODY_MAX                                                                                   \
    (256 * 1024 * 1024) /* a whole company of 100,000 people is loaded in one request */

/* An answer that waits for its time. */
struct waiting {
    struct server *server;
    struct evhttp_request *request;
    struct sim_reply reply;
    struct event *timer;
    struct waiting *prev, *next;
};

/* A call that somebody counts, until it is over. */
struct flight {
    struct evhttp_connection *connection;
    void (*over)(void *arg);
    void *arg;
};

struct server {
    struct event_base *base;
    sim_handler *handler;
    void *context;
    struct waiting *waiting;
};

struct native {
    struct evhttp_request *request;
    struct evkeyvalq query;
};

const char *sim_query(const struct sim_request *r, const char *name)
{
    const struct native *n = r->native;
    return evhttp_find_header(&n->query, name);
}

const char *sim_header(const struct sim_request *r, const char *name)
{
    const struct native *n = r->native;
    return evhttp_find_header(evhttp_request_get_input_headers(n->request), name);
}

static void free_bytes(const void *data, size_t len, void *extra)
{
    (void)len;
    (void)extra;
    free((void *)(uintptr_t)data);
}

static void send_reply(struct evhttp_request *request, struct sim_reply *reply)
{
    const char *type =
        reply->content_type ? reply->content_type : "application/json; charset=UTF-8";
    struct evbuffer *out = evhttp_request_get_output_buffer(request);
    size_t len = reply->body.len;
    if (evhttp_request_get_connection(request) != NULL)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    if (len > 0) {
        char *bytes = yq_buf_steal(&reply->body);
        if (evbuffer_add_reference(out, bytes, len, free_bytes, NULL) < 0)
            free(bytes);
    }
    /* A client that has gone is noticed inside; the request is then only freed. */
    evhttp_send_reply(request, reply->status, NULL, NULL);
    yq_buf_release(&reply->body);
}

static void cut_connection(struct evhttp_request *request, struct sim_reply *reply)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection != NULL)
        evhttp_connection_free(connection); /* the request goes with it */
    else
        evhttp_request_free(request);
    yq_buf_release(&reply->body);
}

static void waiting_free(struct waiting *w)
{
    DL_DELETE(w->server->waiting, w);
    event_free(w->timer);
    yq_buf_release(&w->reply.body);
    free(w);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct waiting *w = arg;
    if (w->reply.cut)
        cut_connection(w->request, &w->reply);
    else
        send_reply(w->request, &w->reply);
    waiting_free(w);
}

static void answer_later(struct server *s, struct evhttp_request *request, struct sim_reply *reply)
{
    struct waiting *w = yq_calloc(1, sizeof *w);
    struct timeval after = {.tv_sec = (time_t)(reply->delay_ms / 1000),
                            .tv_usec = (suseconds_t)(reply->delay_ms % 1000 * 1000)};
    w->server = s;
    w->request = request;
    w->reply = *reply;
    w->timer = evtimer_new(s->base, on_due, w);
    DL_APPEND(s->waiting, w);
    evtimer_add(w->timer, &after);
}

static void flight_over(struct flight *f)
{
    evhttp_connection_set_closecb(f->connection, NULL, NULL);
    f->over(f->arg);
    free(f);
}

static void on_written(struct evhttp_request *request, void *arg)
{
    (void)request;
    flight_over(arg);
}

static void on_closed(struct evhttp_connection *connection, void *arg)
{
    (void)connection;
    flight_over(arg);
}

/* evhttp calls one of the two: the connection lives on behind a written answer, and a request whose
 * connection closed is only freed. */
static void watch_flight(struct evhttp_request *request, const struct sim_reply *reply)
{
    struct flight *f = yq_calloc(1, sizeof *f);
    f->connection = evhttp_request_get_connection(request);
    f->over = reply->over;
    f->arg = reply->over_arg;
    evhttp_request_set_on_complete_cb(request, on_written, f);
    evhttp_connection_set_closecb(f->connection, on_closed, f);
}

static const char *method_name(struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "OTHER";
    }
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct server *s = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *raw_path = evhttp_uri_get_path(uri);
    const char *raw_query = evhttp_uri_get_query(uri);
    struct evbuffer *in = evhttp_request_get_input_buffer(request);
    struct native native = {.request = request};
    struct yq_buf body = YQ_BUF_INIT;
    struct sim_reply reply = {.status = 200};
    char *path = evhttp_uridecode(raw_path ? raw_path : "/", 0, NULL);

    TAILQ_INIT(&native.query);
    if (raw_query != NULL)
        (void)evhttp_parse_query_str(raw_query, &native.query);
    yq_buf_reserve(&body, evbuffer_get_length(in));
    for (int n; (n = evbuffer_remove(in, body.data + body.len, body.cap - body.len - 1)) > 0;)
        body.len += (size_t)n;
    body.data[body.len] = '\0';

    struct sim_request r = {.method = method_name(request),
                            .path = path ? path : "/",
                            .body = body.data,
                            .body_len = body.len,
                            .native = &native};
    s->handler(s->context, &r, &reply);
    if (reply.over != NULL)
        watch_flight(request, &reply);
    /* A connection is never cut inside evhttp's own call. */
    if (reply.delay_ms > 0 || reply.cut)
        answer_later(s, request, &reply);
    else
        send_reply(request, &reply);
    evhttp_clear_headers(&native.query);
    yq_buf_release(&body);
    free(path);
}

/* With timers to the microsecond: a delay of 50 ms shall be no 54. */
struct event_base *sim_http_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) < 0)
        abort(); /* out of memory */
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(arg);
}

/* The port that was bound, or -1. */
static int bind_listener(struct evhttp *http, const char *listen_on)
{
    char host[256];
    const char *colon = strrchr(listen_on, ':');
    if (colon == NULL || (size_t)(colon - listen_on) >= sizeof host)
        return -1;
    memcpy(host, listen_on, (size_t)(colon - listen_on));
    host[colon - listen_on] = '\0';
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || end == colon + 1 || port > 65535)
        return -1;
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, host, (uint16_t)port);
    if (bound == NULL)
        return -1;
    /* Connections take it over: the end of an answer does not wait for the client's late ACK. */
    int on = 1, fd = evhttp_bound_socket_get_fd(bound);
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        return -1;
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -1;
    port = address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                         : ntohs(((struct sockaddr_in *)&address)->sin_port);
    printf("listening http://%s:%lu\n", host, port);
    fflush(stdout);
    return (int)port;
}

int sim_http_serve(struct event_base *base, const char *listen_on, sim_handler *handler,
                   void *context)
{
    struct server s = {.base = base, .handler = handler, .context = context};
    struct evhttp *http = evhttp_new(base);
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    struct event *interrupt = evsignal_new(base, SIGINT, on_signal, base);
    int status = 1;

    signal(SIGPIPE, SIG_IGN);
    evsignal_add(term, NULL);
    evsignal_add(interrupt, NULL);
    evhttp_set_max_body_size(http, BODY_MAX);
    evhttp_set_gencb(http, on_request, &s);
    if (bind_listener(http, listen_on) < 0) {
        fprintf(stderr, "yunqiao-sim: cannot listen on %s\n", listen_on);
        goto out;
    }
    event_base_dispatch(base);
    status = 0;
out:
    for (struct waiting *w, *next = s.waiting; (w = next) != NULL;) {
        next = w->next;
        if (evhttp_request_get_connection(w->request) == NULL)
            evhttp_request_free(w->request);
        waiting_free(w);
    }
    evhttp_free(http);
    event_free(term);
    event_free(interrupt);
    return status;
}

static int64_t clock_offset_ms(void)
{
    static int fd = -1;
    const char *path = getenv("YUNQIAO_CLOCK");
    int64_t offset;
    if (fd < 0 && path != NULL && path[0] != '\0')
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, &offset, sizeof offset, 0) != (ssize_t)sizeof offset)
        return 0;
    return offset;
}

int64_t sim_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + clock_offset_ms();
}

void sim_random_seed(struct sim_random *r, uint64_t seed)
{
    /* One step of splitmix64: neighbouring seeds start far apart, and the state is never 0. */
    uint64_t z = seed + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    r->state = z ? z : 1;
}

uint64_t sim_random_next(struct sim_random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545f4914f6cdd1du;
}

uint64_t sim_random_below(struct sim_random *r, uint64_t bound)
{
    return bound > 1 ? (sim_random_next(r) >> 11) % bound : 0;
}
