/* The listening socket: accepts up to the cap, makes room by closing who is idle, survives running
 * out of descriptors, and ends whose time is up. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "http_connection.h"
#include "service/log.h"
#include "service/metrics.h"

#define ACCEPT_AT_ONCE 64 /* then the others get their turn */
#define IDLE_LOOKS 16     /* at most so many are asked whether they can go */
#define SWEEP_US 100000   /* how late a deadline may be noticed */
#define GRACE_MS 20       /* so long nobody is slow */
#define FULL_US 10000     /* how soon to look again whether somebody can give way */
#define LAST_CALL_MS 250  /* at a stop, for requests that are on their way */

static void sweep_within(struct yq_http_server *s, int us)
{
    const struct timeval wait = {0, us};
    evtimer_add(s->sweep, &wait);
}

static void sweep_soon(struct yq_http_server *s)
{
    if (!evtimer_pending(s->sweep, NULL))
        sweep_within(s, SWEEP_US);
}

/* No request waits to be read. */
static bool is_silent(const struct yq_http_connection *c)
{
    char byte;
    return c->state != YQ_HTTP_WAITING || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static void expire_list(struct yq_http_list *list, int64_t now_ms)
{
    struct yq_http_connection *c = TAILQ_FIRST(list);
    while (c != NULL) {
        struct yq_http_connection *next = TAILQ_NEXT(c, link);
        if (c->due_ms != 0 && c->due_ms <= now_ms && is_silent(c))
            yq_http_connection_expire(c);
        c = next;
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_http_server *s = context;
    int64_t now_ms = yq_http_now_ms();
    for (int i = 0; i < YQ_HTTP_LISTS; i++)
        expire_list(&s->lists[i], now_ms);
    yq_http_server_has_place(s); /* who is slow could give way */
    if (s->count > 0)
        sweep_soon(s);
}

static void set_accepting(struct yq_http_server *s, bool on)
{
    if (s->accepting == on || s->fd < 0)
        return;
    s->accepting = on;
    if (on)
        event_add(s->acceptable, NULL);
    else
        event_del(s->acceptable);
}

void yq_http_server_has_place(struct yq_http_server *s)
{
    if (!s->stopping)
        set_accepting(s, true);
}

void yq_http_server_closed_one(struct yq_http_server *s)
{
    s->count--;
    yq_metric_add(YQ_METRIC_CONNECTIONS_OPEN, NULL, NULL, NULL, -1);
    yq_http_server_has_place(s);
}

static struct yq_http_connection *silent_longest(const struct yq_http_list *list)
{
    struct yq_http_connection *c = TAILQ_FIRST(list);
    for (int looks = 0; c != NULL && looks < IDLE_LOOKS; looks++) {
        if (is_silent(c))
            return c;
        c = TAILQ_NEXT(c, link);
    }
    return NULL;
}

/* Whose turn it is for the longest, whether he says nothing, or sends or takes byte by byte: many
 * of these would keep out everybody else. */
static struct yq_http_connection *slowest(const struct yq_http_server *s)
{
    struct yq_http_connection *idle = silent_longest(&s->lists[YQ_HTTP_IDLE]);
    struct yq_http_connection *slow = TAILQ_FIRST(&s->lists[YQ_HTTP_SLOW]);
    if (slow != NULL && (idle == NULL || slow->since_ms < idle->since_ms))
        return slow;
    return idle;
}

static bool is_new(const struct yq_http_connection *c)
{
    return c->state != YQ_HTTP_LINGERING && c->since_ms + GRACE_MS > yq_http_now_ms();
}

static bool close_one(struct yq_http_server *s)
{
    struct yq_http_connection *c = slowest(s);
    if (c == NULL)
        c = silent_longest(&s->lists[YQ_HTTP_KEPT]);
    else if (is_new(c))
        return false; /* he may be the honest one of a crowd */
    if (c == NULL)
        return false;
    yq_http_connection_close(c);
    return true;
}

/* At the cap somebody gives way; while nobody can, new ones wait in the backlog. */
static bool make_place(struct yq_http_server *s)
{
    if (s->count < s->limits.max_connections || close_one(s))
        return true;
    yq_log_calm(YQ_LOG_WARN, "http.full", s->url, "all connections are busy, new ones wait");
    set_accepting(s, false);
    sweep_within(s, FULL_US);
    return false;
}

/* Without a descriptor to accept with, the connection would stay in front of the queue, and the
 * loop would spin: somebody gives way, and where nobody can, one is kept for closing it. */
static void shed_one(struct yq_http_server *s)
{
    yq_log_calm(YQ_LOG_ERROR, "http.descriptors", s->url, "no descriptor left, connection closed");
    if (close_one(s))
        return;
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_acceptable(evutil_socket_t listener, short what, void *context)
{
    (void)what;
    struct yq_http_server *s = context;
    if (!make_place(s))
        return;
    for (int i = 0; i < ACCEPT_AT_ONCE && s->count < s->limits.max_connections; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                shed_one(s);
            return; /* drained, or a client that went away: the loop says when there is more */
        }
        s->count++;
        yq_metric_add(YQ_METRIC_CONNECTIONS_OPEN, NULL, NULL, NULL, 1);
        yq_http_connection_open(s, fd);
        sweep_soon(s);
    }
}

/* ---- the address ---- */

/* "[::1]:80" and "host:80" into host and port. */
static int split_address(const char *address, char host[256], char port[16], struct yq_error *err)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon != NULL ? (size_t)(colon - address) : 0;
    const char *from = address;
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        from++;
        len -= 2;
    }
    if (colon == NULL || len >= 256 || strlen(colon + 1) >= 16 || colon[1] == '\0')
        return yq_error_set(err, YQ_ERROR_INVALID, "listen address \"%.100s\" is not HOST:PORT",
                            address);
    memcpy(host, from, len);
    host[len] = '\0';
    (void)snprintf(port, 16, "%s", colon + 1);
    return 0;
}

static int bind_socket(const struct addrinfo *a, int backlog)
{
    static const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited by connections */
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

static int open_listener(const char *address, int backlog, struct yq_error *err)
{
    char host[256];
    char port[16];
    if (split_address(address, host, port, err) != 0)
        return -1;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (failed != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "cannot listen on \"%.100s\": %s", address,
                            gai_strerror(failed));
    int fd = -1;
    for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next)
        fd = bind_socket(a, backlog);
    if (fd < 0)
        (void)yq_error_set(err, YQ_ERROR_INVALID, "cannot listen on \"%.100s\": %s", address,
                           strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static void write_url(int fd, char *out, size_t room)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    char host[NI_MAXHOST] = "?";
    char port[NI_MAXSERV] = "0";
    if (getsockname(fd, (struct sockaddr *)&a, &len) == 0)
        (void)getnameinfo((struct sockaddr *)&a, len, host, sizeof(host), port, sizeof(port),
                          NI_NUMERICHOST | NI_NUMERICSERV);

    bool six = a.ss_family == AF_INET6;
    (void)snprintf(out, room, "http://%s%.200s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
}

/* ---- life ---- */

static struct yq_http_server *serve_on(struct event_base *base, int fd,
                                       const struct yq_http_limits *limits,
                                       const struct yq_route *routes)
{
    struct yq_http_server *s = yq_calloc(1, sizeof(*s));
    s->base = base;
    s->limits = *limits;
    s->routes = routes;
    s->fd = fd;
    s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < YQ_HTTP_LISTS; i++)
        TAILQ_INIT(&s->lists[i]);
    write_url(fd, s->url, sizeof(s->url));
    s->acceptable = event_new(base, fd, EV_READ | EV_PERSIST, on_acceptable, s);
    s->sweep = evtimer_new(base, on_sweep, s);
    if (s->acceptable == NULL || s->sweep == NULL)
        abort(); /* no memory */
    set_accepting(s, true);
    return s;
}

struct yq_http_server *yq_http_server_new(struct event_base *base, const char *address,
                                          const struct yq_http_limits *limits,
                                          const struct yq_route *routes, struct yq_error *err)
{
    int fd = open_listener(address, limits->backlog, err);
    return fd >= 0 ? serve_on(base, fd, limits, routes) : NULL;
}

struct yq_http_server *yq_http_server_adopt(struct event_base *base, int fd,
                                            const struct yq_http_limits *limits,
                                            const struct yq_route *routes)
{
    static const int on = 1;
    (void)setsockopt(fd, SOL_TCP, TCP_NODELAY, &on, sizeof(on)); /* it works without, too */
    (void)listen(fd, limits->backlog);                           /* so many may wait from now on */
    struct yq_http_server *s = serve_on(base, fd, limits, routes);
    s->shared = true;
    return s;
}

int yq_http_server_share(struct yq_http_server *s)
{
    s->shared = true;
    return s->fd;
}

const char *yq_http_server_url(const struct yq_http_server *s)
{
    return s->url;
}

int yq_http_server_open(const struct yq_http_server *s)
{
    return s->count;
}

static void last_call(struct yq_http_list *list)
{
    struct yq_http_connection *c;
    int64_t until = yq_http_now_ms() + LAST_CALL_MS;
    TAILQ_FOREACH(c, list, link)
    {
        if (c->due_ms == 0 || c->due_ms > until)
            c->due_ms = until;
    }
}

void yq_http_server_stop(struct yq_http_server *s)
{
    if (s == NULL || s->stopping)
        return;
    if (!s->shared)
        on_acceptable(s->fd, EV_READ, s);
    s->stopping = true;
    set_accepting(s, false);
    close(s->fd);
    s->fd = -1;
    last_call(&s->lists[YQ_HTTP_IDLE]);
    last_call(&s->lists[YQ_HTTP_KEPT]);
}

void yq_http_server_free(struct yq_http_server *s)
{
    if (s == NULL)
        return;
    yq_http_server_stop(s);
    for (int i = 0; i < YQ_HTTP_BUSY; i++)
        while (!TAILQ_EMPTY(&s->lists[i]))
            yq_http_connection_close(TAILQ_FIRST(&s->lists[i]));
    while (!TAILQ_EMPTY(&s->lists[YQ_HTTP_BUSY])) {
        struct yq_http_connection *c = TAILQ_FIRST(&s->lists[YQ_HTTP_BUSY]);
        c->has_handler = false;
        if (c->state == YQ_HTTP_CLOSED)
            yq_http_connection_advance(c);
        else
            yq_http_connection_close(c);
    }
    event_free(s->acceptable);
    event_free(s->sweep);
    if (s->spare_fd >= 0)
        close(s->spare_fd);
    yq_buf_release(&s->answer);
    free(s);
}
