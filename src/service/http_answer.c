/* Answers: their head, put together without printf because it is made for every callback, and how
 * they are sent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http_connection.h"
#include "service/metrics.h"

#define ANSWER_ROOM 262144 /* what the shared buffer of answers may keep */
#define LINGER_MS 500

static const struct {
    int status;
    const char *line, *text, *reason;
} statuses[] = {
    {200, "HTTP/1.1 200 OK\r\n", "ok\n", "none"},
    {400, "HTTP/1.1 400 Bad Request\r\n", "bad request\n", "request"},
    {401, "HTTP/1.1 401 Unauthorized\r\n", "unauthorized\n", "unauthorized"},
    {403, "HTTP/1.1 403 Forbidden\r\n", "forbidden\n", "forbidden"},
    {404, "HTTP/1.1 404 Not Found\r\n", "not found\n", "path"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n", "method not allowed\n", "method"},
    {408, "HTTP/1.1 408 Request Timeout\r\n", "too slow\n", "deadline"},
    {413, "HTTP/1.1 413 Content Too Large\r\n", "body too large\n", "body_size"},
    {429, "HTTP/1.1 429 Too Many Requests\r\n", "too many wrong guesses\n", "guesses"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n", "headers too large\n", "head_size"},
    {501, "HTTP/1.1 501 Not Implemented\r\n", "not supported\n", "request"},
    {503, "HTTP/1.1 503 Service Unavailable\r\n", "unavailable\n", "unavailable"},
    {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n", "not supported\n", "request"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n", "error\n", "error"},
};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

/* Whatever is not in the table is a 500, the last. */
static size_t find_status(int status)
{
    size_t i = 0;
    while (i + 1 < STATUSES && statuses[i].status != status)
        i++;
    return i;
}

static const char *status_text(int status)
{
    return statuses[find_status(status)].text;
}

static const char *refusal_reason(int status)
{
    return statuses[find_status(status)].reason;
}

#define DATE_BYTES 37 /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */

/* Made anew once a second. Not by strftime, whose names follow the locale. */
static const char *date_line(void)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static _Thread_local char line[80];
    static _Thread_local time_t made;
    time_t now = time(NULL);
    if (now != made) {
        struct tm tm;
        gmtime_r(&now, &tm);
        (void)snprintf(line, sizeof(line), "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
                       days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900,
                       tm.tm_hour, tm.tm_min, tm.tm_sec);
        made = now;
    }
    return line;
}

static void add_number(struct yq_buf *out, size_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    yq_buf_add(out, digits + at, sizeof(digits) - at);
}

#define ADD(out, literal) yq_buf_add(out, literal, sizeof(literal) - 1)

static void write_head(struct yq_buf *out, const struct yq_http_connection *c, int status,
                       const char *type, size_t len)
{
    const char *line = statuses[find_status(status)].line;
    yq_buf_add(out, line, strlen(line));
    yq_buf_add(out, date_line(), DATE_BYTES);
    ADD(out, "Content-Type: ");
    yq_buf_add(out, type, strlen(type));
    ADD(out, "\r\nContent-Length: ");
    add_number(out, len);
    if (c->closing)
        ADD(out, "\r\nConnection: close\r\n");
    else if (c->exchange.request.old)
        ADD(out, "\r\nConnection: keep-alive\r\n");
    else
        ADD(out, "\r\n");
    yq_buf_add(out, c->exchange.headers.data, c->exchange.headers.len);
    ADD(out, "\r\n");
}

/* ---- sending ---- */

/* The answer is out: the next request, or the end. */
static void finish_answer(struct yq_http_connection *c)
{
    yq_buf_clear(&c->exchange.headers);
    if (c->linger) {
        yq_http_connection_pause(c);
        (void)shutdown(c->fd, SHUT_WR);
        yq_http_connection_enter(c, YQ_HTTP_LINGERING, LINGER_MS);
    } else if (c->closing) {
        yq_http_connection_close(c);
    } else {
        yq_http_connection_enter(c, YQ_HTTP_WAITING, c->server->limits.idle_ms);
    }
}

/* Sends what it can of the bytes. Returns how many, or -1 when the connection is dead. */
ssize_t yq_http_send_some(const struct yq_http_connection *c, const char *bytes, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = send(c->fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else if (n == 0 || errno != EINTR)
            return -1;
    }
    return (ssize_t)sent;
}

void yq_http_on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_http_connection *c = context;
    ssize_t n = yq_http_send_some(c, c->out.data + c->out_at, c->out.len - c->out_at);
    if (n < 0) {
        yq_http_connection_close(c);
        return;
    }
    c->out_at += (size_t)n;
    if (c->out_at < c->out.len)
        return;
    event_del(&c->writable);
    yq_buf_release(&c->out);
    c->advancing = true;
    finish_answer(c);
    yq_http_connection_advance(c);
}

static void send_answer(struct yq_http_connection *c, const struct yq_buf *answer)
{
    ssize_t n = yq_http_send_some(c, answer->data, answer->len);
    if (n < 0) {
        yq_http_connection_close(c);
    } else if ((size_t)n == answer->len) {
        finish_answer(c);
    } else {
        yq_buf_clear(&c->out);
        yq_buf_add(&c->out, answer->data + n, answer->len - (size_t)n);
        c->out_at = 0;
        yq_http_connection_enter(c, YQ_HTTP_ANSWERING, c->server->limits.deadline_ms);
        event_add(&c->writable, NULL);
    }
}

static struct yq_http_connection *connection_of(struct yq_exchange *x)
{
    char *at = (char *)x - offsetof(struct yq_http_connection, exchange);
    return (struct yq_http_connection *)(void *)at;
}

void yq_exchange_answer(struct yq_exchange *x, int status, const char *type, const void *body,
                        size_t len)
{
    struct yq_http_connection *c = connection_of(x);
    struct yq_buf *answer = &c->server->answer;
    c->has_handler = false;
    bool nested = c->advancing;
    if (c->state == YQ_HTTP_CLOSED) { /* the client is gone */
        if (!nested)
            yq_http_connection_advance(c);
        return;
    }
    if (!x->request.keep_alive || c->ended || c->server->stopping)
        c->closing = true;
    if (status == 200)
        c->known = true;
    yq_buf_clear(answer);
    write_head(answer, c, status, type, len);
    if (!x->request.head_only)
        yq_buf_add(answer, body, len);
    c->advancing = true;
    send_answer(c, answer);
    if (answer->cap > ANSWER_ROOM)
        yq_buf_release(answer);
    if (!nested)
        yq_http_connection_advance(c);
}

void yq_exchange_peer(struct yq_exchange *x, struct sockaddr_storage *ret)
{
    socklen_t len = sizeof(*ret);
    memset(ret, 0, sizeof(*ret));
    (void)getpeername(connection_of(x)->fd, (struct sockaddr *)ret, &len); /* gone: no address */
}

void yq_exchange_answer_text(struct yq_exchange *x, int status, const char *text)
{
    yq_exchange_answer(x, status, "text/plain; charset=utf-8", text, strlen(text));
}

void yq_http_refuse(struct yq_http_connection *c, int status, bool unread)
{
    yq_metric_add(YQ_METRIC_REFUSED, refusal_reason(status), NULL, NULL, 1);
    if (unread) {
        c->closing = true;
        c->linger = true;
        c->exchange.request.head_only = false;
        c->exchange.request.old = false;
    }
    yq_http_connection_enter(c, YQ_HTTP_WORKING, 0);
    yq_exchange_answer_text(&c->exchange, status, status_text(status));
}
