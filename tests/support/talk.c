/* The client's side of HTTP as a test needs it. */
#include "support/talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 5000

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int dial(const char *url)
{
    char host[64];
    int port;
    if (sscanf(url, "http://%63[0-9.]:%d", host, &port) != 2)
        abort();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        abort();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct talk talk_open(const char *url)
{
    struct talk t = {.fd = dial(url)};
    if (t.fd < 0) {
        perror(url);
        abort();
    }
    return t;
}

bool talk_refused(const char *url)
{
    int fd = dial(url);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

void talk_close(struct talk *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    yq_buf_release(&t->in);
}

void talk_send_bytes(struct talk *t, const void *bytes, size_t len)
{
    const char *from = bytes;
    while (len > 0) {
        ssize_t n = send(t->fd, from, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        from += n;
        len -= (size_t)n;
    }
}

void talk_send(struct talk *t, const char *text)
{
    talk_send_bytes(t, text, strlen(text));
}

/* Reads more. 1, 0 at the end of the connection, -1 when there is no time left. */
static int more(struct talk *t, int64_t until_ms)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    int64_t left = until_ms - now_ms();
    if (poll(&p, 1, left > 0 ? (int)left : 0) <= 0)
        return -1;
    char room[65536];
    ssize_t n = recv(t->fd, room, sizeof(room), 0);
    if (n <= 0)
        return 0;
    yq_buf_add(&t->in, room, (size_t)n);
    return 1;
}

static void drop(struct yq_buf *b, size_t n)
{
    b->len -= n;
    memmove(b->data, b->data + n, b->len + 1);
}

static void blot_date(struct yq_buf *head)
{
    char *date = strstr(head->data, "\r\nDate: ");
    if (date != NULL)
        memset(date + 8, 'x', strcspn(date + 8, "\r"));
}

bool talk_read(struct talk *t, struct talk_answer *ret, int deadline_ms)
{
    int64_t until = now_ms() + deadline_ms;
    const char *end;
    while (t->in.len == 0 || (end = strstr(t->in.data, "\r\n\r\n")) == NULL) {
        if (more(t, until) != 1)
            return false;
    }
    *ret = (struct talk_answer){0};
    yq_buf_add(&ret->head, t->in.data, (size_t)(end - t->in.data) + 4);
    drop(&t->in, ret->head.len);
    blot_date(&ret->head);
    if (sscanf(ret->head.data, "HTTP/1.1 %d", &ret->status) != 1)
        abort();
    const char *length = strstr(ret->head.data, "\r\nContent-Length: ");
    size_t len = length != NULL ? strtoul(length + 18, NULL, 10) : 0;
    while (t->in.len < len) {
        if (more(t, until) != 1)
            return false;
    }
    yq_buf_add(&ret->body, yq_buf_text(&t->in), len);
    if (len > 0)
        drop(&t->in, len);
    return true;
}

bool talk_ended(struct talk *t, int deadline_ms)
{
    int64_t until = now_ms() + deadline_ms;
    return t->in.len == 0 && more(t, until) == 0;
}

void talk_answer_release(struct talk_answer *a)
{
    yq_buf_release(&a->head);
    yq_buf_release(&a->body);
}

int talk_once(const char *url, const char *method, const char *target, const char *headers,
              const void *body, size_t len, struct talk_answer *ret)
{
    struct talk t = talk_open(url);
    struct yq_buf head = YQ_BUF_INIT;
    yq_buf_addf(&head, "%s %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s", method, target,
                headers != NULL ? headers : "");
    if (body != NULL)
        yq_buf_addf(&head, "Content-Length: %zu\r\n", len);
    yq_buf_adds(&head, "\r\n");
    if (body != NULL)
        yq_buf_add(&head, body, len);
    talk_send_bytes(&t, head.data, head.len);
    struct talk_answer answer = {0};
    int status = talk_read(&t, &answer, ANSWER_MS) ? answer.status : 0;
    if (ret != NULL)
        *ret = answer;
    else
        talk_answer_release(&answer);
    yq_buf_release(&head);
    talk_close(&t);
    return status;
}
