/* The floors of taking a callback (performance.md): what the parts cost with nothing around them.
 *
 *   bench_floors f0                     epoll, read, write: no HTTP library
 *   bench_floors f1                     evhttp that answers "success"
 *   bench_floors f2 SOCKET              evhttp, one asynchronous XADD and ZADD, answer after its
 * reply bench_floors f2x SOCKET             the same without the ZADD bench_floors f3 SHA-1,
 * Base64, AES-256-CBC: prints microseconds per callback bench_floors x                      expat
 * over envelope and event, empty handlers: likewise
 *
 * The servers print "listening callbacks http://127.0.0.1:PORT" and run until they are killed. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <expat.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int listen_any(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("listen");
    printf("listening callbacks http://127.0.0.1:%d\nready\n", ntohs(a.sin_port));
    (void)fflush(stdout);
    return fd;
}

/* ---- F0 ---- */

static const char f0_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                "Content-Length: 7\r\n\r\nsuccess";

struct f0_connection {
    int fd;
    size_t len;
    char in[8192];
};

/* One request at a time, whole or not yet. */
static int f0_serve(struct f0_connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len, 0);
    if (n <= 0)
        return -1;
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    const char *length = strstr(c->in, "Content-Length: ");
    if (end == NULL || length == NULL)
        return 0;
    size_t whole = (size_t)(end - c->in) + 4 + strtoul(length + 16, NULL, 10);
    if (c->len < whole)
        return 0;
    c->len = 0;
    return send(c->fd, f0_answer, sizeof(f0_answer) - 1, MSG_NOSIGNAL) > 0 ? 0 : -1;
}

static void run_f0(void)
{
    int listener = listen_any();
    int epoll = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    struct epoll_event ready[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int count = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            struct f0_connection *c = ready[i].data.ptr;
            if (c != NULL) {
                if (f0_serve(c) != 0) {
                    close(c->fd);
                    free(c);
                }
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                c = calloc(1, sizeof(*c));
                c->fd = fd;
                e.data.ptr = c;
                epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
            }
        }
    }
}

/* ---- F1, F2 ---- */

static redisAsyncContext *redis;
static struct payload payload;
static char digest[65], data[512];
static bool with_zadd;

static void answer(struct evhttp_request *r)
{
    struct evbuffer *out = evhttp_request_get_output_buffer(r);
    evbuffer_add(out, "success", 7);
    evhttp_send_reply(r, 200, "OK", NULL);
}

static void on_f1(struct evhttp_request *r, void *context)
{
    (void)context;
    answer(r);
}

static void on_xadd(redisAsyncContext *c, void *reply, void *context)
{
    (void)c;
    if (reply == NULL)
        exit(1);
    answer(context);
}

static void on_f2(struct evhttp_request *r, void *context)
{
    (void)context;
    const char *argv[] = {"XADD",
                          "yq:{bench}:events",
                          "*",
                          "v",
                          "1",
                          "kind",
                          "member.created",
                          "subject",
                          "member:user.1",
                          "source",
                          "callback",
                          "at",
                          "1767225600",
                          "digest",
                          digest,
                          "data",
                          data,
                          "raw",
                          payload.message.data};
    size_t lens[19];
    for (int i = 0; i < 19; i++)
        lens[i] = strlen(argv[i]);
    redisAsyncCommandArgv(redis, on_xadd, r, 19, argv, lens);
    if (with_zadd) {
        struct timespec t;
        char now[24];
        clock_gettime(CLOCK_REALTIME, &t);
        (void)snprintf(now, sizeof(now), "%lld", (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000);
        redisAsyncCommand(redis, NULL, NULL, "ZADD yq:ready NX %s bench", now);
    }
}

static void run_evhttp(void (*handle)(struct evhttp_request *, void *), const char *socket)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    payload_init(&payload);
    payload_make(&payload, 1, true);
    memset(digest, 'a', 64);
    memset(data, 'd', 280); /* as long as what the bridge makes of this event */
    if (socket != NULL) {
        redis = redisAsyncConnectUnix(socket);
        if (redis == NULL || redis->err != 0)
            die("redis");
        redisLibeventAttach(redis, base);
    }
    evhttp_set_allowed_methods(http, EVHTTP_REQ_POST | EVHTTP_REQ_GET);
    evhttp_set_gencb(http, handle, NULL);
    if (evhttp_accept_socket(http, listen_any()) != 0)
        die("evhttp");
    event_base_dispatch(base);
}

/* ---- F3, X ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#define ROUNDS 100000

static void run_f3(void)
{
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    payload_init(&payload);
    payload_make(&payload, 1, true);
    char *encrypted = strstr(payload.body.data, "<Encrypt><![CDATA[") + 18;
    size_t len = strcspn(encrypted, "]");
    encrypted[len] = '\0';
    static unsigned char bytes[8192], plain[8192];
    unsigned char sum[20];
    int written;
    double began = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        const char *parts[] = {PAYLOAD_TOKEN, "1767225600", "1000000001", encrypted};
        qsort(parts, 4, sizeof(parts[0]), compare);
        EVP_DigestInit_ex2(md, sha1, NULL);
        for (int p = 0; p < 4; p++)
            EVP_DigestUpdate(md, parts[p], strlen(parts[p]));
        EVP_DigestFinal_ex(md, sum, NULL);
        int n = EVP_DecodeBlock(bytes, (const unsigned char *)encrypted, (int)len);
        EVP_DecryptInit_ex2(cipher, aes, payload.key, payload.key, NULL);
        EVP_CIPHER_CTX_set_padding(cipher, 0);
        EVP_DecryptUpdate(cipher, plain, &written, bytes, n / 16 * 16);
    }
    printf("%.3f\n", (now_us() - began) / ROUNDS);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    (void)context, (void)name, (void)attributes;
}

static void on_end(void *context, const XML_Char *name)
{
    (void)context, (void)name;
}

static void on_text(void *context, const XML_Char *text, int len)
{
    (void)context, (void)text, (void)len;
}

static void parse(XML_Parser parser, const struct yq_buf *text)
{
    XML_ParserReset(parser, NULL);
    XML_SetHashSalt(parser, 12345);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, text->data, (int)text->len, 1) != XML_STATUS_OK)
        exit(1);
}

static void run_x(void)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    payload_init(&payload);
    payload_make(&payload, 1, true);
    double began = now_us();
    for (int i = 0; i < ROUNDS; i++) {
        parse(parser, &payload.body);
        parse(parser, &payload.message);
    }
    printf("%.3f\n", (now_us() - began) / ROUNDS);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    (void)signal(SIGPIPE, SIG_IGN);
    if (strcmp(what, "f0") == 0)
        run_f0();
    else if (strcmp(what, "f1") == 0)
        run_evhttp(on_f1, NULL);
    else if (strncmp(what, "f2", 2) == 0 && argc > 2) {
        with_zadd = what[2] != 'x';
        run_evhttp(on_f2, argv[2]);
    } else if (strcmp(what, "f3") == 0)
        run_f3();
    else if (strcmp(what, "x") == 0)
        run_x();
    else {
        fprintf(stderr, "usage: bench_floors f0 | f1 | f2 SOCKET | f2x SOCKET | f3 | x\n");
        return 2;
    }
    return 0;
}
