/* One connection: reads until a request is complete, hands it to its route, sends the answer, and
 * begins anew. The buffer is used from its front; what was sent ahead moves there. */
#include "http_connection.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define FIRST_ROOM 4096 /* a callback has some 1,500 bytes */
#define KEPT_ROOM 16384 /* what an idle connection may keep */

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* To within some milliseconds, at a tenth of the price. */
int64_t yq_http_now_ms(void)
{
    return now_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

static void free_connection(struct yq_http_connection *c)
{
    struct yq_http_server *s = c->server;
    TAILQ_REMOVE(&s->lists[YQ_HTTP_BUSY], c, link);
    free(c->in);
    yq_buf_release(&c->out);
    yq_buf_release(&c->exchange.headers);
    free(c);
}

void yq_http_connection_pause(struct yq_http_connection *c)
{
    if (c->reading)
        event_del(&c->readable);
    c->reading = false;
}

static void resume(struct yq_http_connection *c)
{
    if (!c->reading)
        event_add(&c->readable, NULL);
    c->reading = true;
}

static enum yq_http_list_name list_of(const struct yq_http_connection *c, enum yq_http_state state)
{
    switch (state) {
    case YQ_HTTP_WAITING:
        return c->known ? YQ_HTTP_KEPT : YQ_HTTP_IDLE;
    case YQ_HTTP_LINGERING:
        return YQ_HTTP_IDLE;
    case YQ_HTTP_READING:
    case YQ_HTTP_ANSWERING:
        return YQ_HTTP_SLOW;
    case YQ_HTTP_WORKING:
    case YQ_HTTP_CLOSED:
        break;
    }
    return YQ_HTTP_BUSY;
}

/* Moves between the lists of the server as well. */
void yq_http_connection_enter(struct yq_http_connection *c, enum yq_http_state state,
                              int64_t lasts_ms)
{
    struct yq_http_server *s = c->server;
    enum yq_http_list_name from = list_of(c, c->state), to = list_of(c, state);
    int64_t now_ms = lasts_ms > 0 ? yq_http_now_ms() : 0;
    if (from != to) {
        TAILQ_REMOVE(&s->lists[from], c, link);
        TAILQ_INSERT_TAIL(&s->lists[to], c, link);
        c->since_ms = now_ms;
    }
    c->state = state;
    c->due_ms = lasts_ms > 0 ? now_ms + lasts_ms : 0;
    if (to == YQ_HTTP_IDLE || to == YQ_HTTP_KEPT)
        yq_http_server_has_place(s);
}

void yq_http_connection_close(struct yq_http_connection *c)
{
    if (c->state == YQ_HTTP_CLOSED)
        return;
    yq_http_connection_enter(c, YQ_HTTP_CLOSED, 0);
    yq_http_connection_pause(c);
    event_del(&c->writable);
    close(c->fd);
    c->fd = -1;
    yq_http_server_closed_one(c->server);
    if (!c->advancing && !c->has_handler)
        free_connection(c);
}

/* ---- requests ---- */

static const struct yq_route *find_route(const struct yq_route *r, struct yq_text path)
{
    for (; r->path[0] != '\0'; r++) {
        size_t len = strlen(r->path);
        bool prefix = r->path[len - 1] == '/' && len > 1;
        if ((prefix ? path.len > len : path.len == len) && memcmp(path.data, r->path, len) == 0)
            return r;
    }
    return NULL;
}

static const char *const allow_lines[] = {
    [YQ_METHOD_GET] = "Allow: GET, HEAD\r\n",
    [YQ_METHOD_POST] = "Allow: POST\r\n",
    [YQ_METHOD_GET | YQ_METHOD_POST] = "Allow: GET, HEAD, POST\r\n",
};

static void dispatch(struct yq_http_connection *c)
{
    struct yq_exchange *x = &c->exchange;
    x->complete_ns = now_ns(CLOCK_MONOTONIC);
    x->route = find_route(c->server->routes, x->request.path);
    if (x->route == NULL) {
        yq_http_refuse(c, 404, false);
    } else if ((x->route->methods & x->request.method) == 0) {
        yq_exchange_header(x, allow_lines[x->route->methods]);
        yq_http_refuse(c, 405, false);
    } else {
        yq_http_connection_enter(c, YQ_HTTP_WORKING, 0);
        c->has_handler = true;
        x->route->handler(x->route->context, x);
    }
}

/* The steps return 0 when a step was taken, 1 when more bytes are needed, or a status. */
static int take_head(struct yq_http_connection *c)
{
    size_t blank = 0; /* some clients send an empty line behind a body (RFC 9112 §2.2) */
    while (c->in_len - blank >= 2 && memcmp(c->in + blank, "\r\n", 2) == 0)
        blank += 2;
    if (blank > 0) {
        c->in_len -= blank;
        memmove(c->in, c->in + blank, c->in_len);
        c->scanned = 0;
    }
    size_t from = c->scanned > 3 ? c->scanned - 3 : 0;
    size_t max = c->server->limits.max_headers;
    const char *end = memmem(c->in + from, c->in_len - from, "\r\n\r\n", 4);
    size_t len = end != NULL ? (size_t)(end - c->in) + 4 : c->in_len;
    c->scanned = c->in_len;
    if (len > max)
        return 431;
    if (end == NULL)
        return 1;
    int status = yq_request_parse(c->in, len, &c->exchange.request);
    if (status != 0)
        return status;
    if (c->exchange.request.content_length > c->server->limits.max_body)
        return 413;
    c->head_len = len;
    c->parsed_at = c->in;
    return 0;
}

/* 1: the whole body is here. Its place is in->head_len; *ret_end is where the request ends. */
static int take_body(struct yq_http_connection *c, size_t *ret_body, size_t *ret_end)
{
    size_t here = c->in_len - c->head_len;
    const struct yq_request *r = &c->exchange.request;
    if (!r->chunked) {
        *ret_body = r->content_length;
        *ret_end = c->head_len + r->content_length;
        return here >= r->content_length ? 0 : 1;
    }
    int status =
        yq_chunked_decode(&c->chunked, c->in + c->head_len, &here, c->server->limits.max_body);
    c->in_len = c->head_len + here;
    *ret_body = c->chunked.decoded;
    *ret_end = c->head_len + c->chunked.used;
    if (status != 0)
        return status;
    return c->chunked.state == YQ_CHUNK_DONE ? 0 : 1;
}

static int send_continue(struct yq_http_connection *c)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!c->exchange.request.expects_continue || c->continued)
        return 1;
    c->continued = true;
    if (yq_http_send_some(c, line, sizeof(line) - 1) != (ssize_t)sizeof(line) - 1)
        yq_http_connection_close(c);
    return 1;
}

/* What was sent ahead moves to the front, once the handler no longer needs the request. */
static void drop_request(struct yq_http_connection *c)
{
    c->in_len -= c->request_end;
    if (c->in_len > 0)
        memmove(c->in, c->in + c->request_end, c->in_len);
    c->request_end = 0;
    c->scanned = 0;
    c->head_len = 0;
    c->continued = false;
    c->chunked = (struct yq_chunked){0};
    if (c->in_len == 0 && c->in_cap > KEPT_ROOM) {
        free(c->in);
        c->in = NULL;
        c->in_cap = 0;
    }
}

static int take_request(struct yq_http_connection *c)
{
    if (c->head_len == 0) {
        int status = take_head(c);
        if (status != 0)
            return status;
    }
    struct yq_request *r = &c->exchange.request;
    size_t body;
    int status = take_body(c, &body, &c->request_end);
    if (status == 1)
        return send_continue(c);
    if (status != 0)
        return status;
    if (c->parsed_at != c->in) /* the buffer grew since, and its pointers are stale */
        (void)yq_request_parse(c->in, c->head_len, r);
    r->body = (struct yq_text){c->in + c->head_len, body};
    return 0;
}

/* One request of what is in the buffer. Returns false when there is nothing more to do. */
static bool step(struct yq_http_connection *c)
{
    if (c->state == YQ_HTTP_WAITING) {
        if (c->request_end > 0)
            drop_request(c);
        if (c->in_len == 0)
            return false;
        yq_http_connection_enter(c, YQ_HTTP_READING, c->server->limits.deadline_ms);
    }
    if (c->state != YQ_HTTP_READING)
        return false;
    int status = take_request(c);
    if (status == 0)
        dispatch(c);
    else if (status != 1)
        yq_http_refuse(c, status, true);
    return status != 1;
}

void yq_http_connection_advance(struct yq_http_connection *c)
{
    c->advancing = true;
    while (step(c))
        ;
    bool unfinished = c->state == YQ_HTTP_WAITING || c->state == YQ_HTTP_READING;
    if (unfinished && (c->ended || (c->server->stopping && c->in_len == 0)))
        yq_http_connection_close(c);
    else if (unfinished)
        resume(c);
    c->advancing = false;
    if (c->state == YQ_HTTP_CLOSED && !c->has_handler)
        free_connection(c);
}

/* Bounded by the limits: every byte read is looked at before more are read. */
static void make_room(struct yq_http_connection *c)
{
    if (c->in_len < c->in_cap)
        return;
    c->in_cap = c->in_cap > 0 ? c->in_cap * 2 : FIRST_ROOM;
    c->in = yq_realloc(c->in, c->in_cap, 1);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct yq_http_connection *c = context;
    if (c->state != YQ_HTTP_WAITING && c->state != YQ_HTTP_READING) {
        yq_http_connection_pause(c); /* what is sent ahead waits in the socket */
        return;
    }
    make_room(c);
    ssize_t n = recv(fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n < 0) {
        yq_http_connection_close(c);
        return;
    }
    c->in_len += (size_t)n;
    if (n == 0) {
        c->ended = true;
        yq_http_connection_pause(c);
    }
    yq_http_connection_advance(c);
}

void yq_http_connection_open(struct yq_http_server *s, int fd)
{
    struct yq_http_connection *c = yq_calloc(1, sizeof(*c));
    c->server = s;
    c->fd = fd;
    c->since_ms = yq_http_now_ms();
    c->due_ms = c->since_ms + s->limits.idle_ms;
    TAILQ_INSERT_TAIL(&s->lists[YQ_HTTP_IDLE], c, link);
    event_assign(&c->readable, s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->writable, s->base, fd, EV_WRITE | EV_PERSIST, yq_http_on_writable, c);
    resume(c);
}

void yq_http_connection_expire(struct yq_http_connection *c)
{
    if (c->state == YQ_HTTP_READING)
        yq_http_refuse(c, 408, true);
    else
        yq_http_connection_close(c);
}

/* ---- what a handler may ask ---- */

const struct yq_request *yq_exchange_request(const struct yq_exchange *x)
{
    return &x->request;
}

struct yq_text yq_exchange_rest(const struct yq_exchange *x)
{
    size_t len = strlen(x->route->path);
    return (struct yq_text){x->request.path.data + len, x->request.path.len - len};
}

void yq_exchange_header(struct yq_exchange *x, const char *line)
{
    yq_buf_adds(&x->headers, line);
}

double yq_exchange_seconds(const struct yq_exchange *x)
{
    return (double)(now_ns(CLOCK_MONOTONIC) - x->complete_ns) / 1e9;
}
