/* WeCom as a load: real callbacks over HTTP, closed loop (saturation) or open loop (a fixed rate,
 * latency counted from when a request was due, so that a stall is not left out).
 *
 *   bench_load --port P [--pid SERVER] [--connections 32] [--seconds 2 | --count N] [--rate R]
 *              [--invalid PERCENT] [--close] [--unique]
 *
 * One line: requests, accepted, refused, wrong (neither 200 "success" for an authentic one nor 403
 * for a forged one), broken connections, requests per second, CPU microseconds per request and CPU
 * share of the server, latency percentiles in microseconds. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "payload.h"

#define TEMPLATES 4096
#define ANSWER_ROOM 1024

struct template
{
    char *bytes;
    size_t len;
    bool valid;
};

struct client {
    int fd;
    bool busy, connecting;
    const struct template *request;
    size_t sent, got;
    double due_us;
    char in[ANSWER_ROOM];
};

static struct {
    int port, pid, connections, invalid;
    double seconds, rate;
    long count;
    bool close, unique;
} o = {.connections = 32, .seconds = 2};

static struct template *templates;
static size_t template_count;
static struct client *clients;
static int epoll;
static long started, finished, accepted, refused, wrong, broken;
static double *latencies;
static size_t latency_capacity;
static double end_us;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void prepare(void)
{
    struct payload p;
    payload_init(&p);
    template_count = o.unique ? (size_t)o.count : TEMPLATES;
    templates = yq_calloc(template_count, sizeof(*templates));
    for (size_t i = 0; i < template_count; i++) {
        struct yq_buf request = YQ_BUF_INIT;
        templates[i].valid = (int)(i * 37 % 100) >= o.invalid;
        payload_make(&p, (unsigned)i, templates[i].valid);
        payload_request(&p, !o.close, &request);
        templates[i].len = request.len;
        templates[i].bytes = yq_buf_steal(&request);
    }
    payload_release(&p);
}

/* ---- the server's CPU, all threads ---- */

static double server_cpu_us(void)
{
    char path[64];
    double sum = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", o.pid);
    DIR *d = o.pid > 0 ? opendir(path) : NULL;
    struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        char file[400];
        unsigned long long ns = 0;
        (void)snprintf(file, sizeof(file), "%s/%s/schedstat", path, entry->d_name);
        FILE *f = entry->d_name[0] != '.' ? fopen(file, "r") : NULL;
        if (f == NULL)
            continue;
        if (fscanf(f, "%llu", &ns) == 1)
            sum += (double)ns / 1e3;
        (void)fclose(f);
    }
    if (d != NULL)
        (void)closedir(d);
    return sum;
}

static long server_rss_kb(void)
{
    char path[64];
    long size;
    long pages = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", o.pid);
    FILE *f = o.pid > 0 ? fopen(path, "r") : NULL;
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    (void)fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- connections ---- */

static void watch(struct client *c, uint32_t events, int how)
{
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(epoll, how, c->fd, &e);
}

static void dial(struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    to.sin_port = htons((uint16_t)o.port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->connecting = true;
    if (c->fd < 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)) {
        perror("connect");
        exit(1);
    }
    watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void hang_up(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

static bool more_to_start(void)
{
    return o.count > 0 ? started < o.count : now_us() < end_us;
}

static void send_rest(struct client *c)
{
    ssize_t n = send(c->fd, c->request->bytes + c->sent, c->request->len - c->sent, MSG_NOSIGNAL);
    if (n > 0)
        c->sent += (size_t)n;
}

static void start(struct client *c, double due_us)
{
    c->request = &templates[(size_t)started++ % template_count];
    c->sent = c->got = 0;
    c->due_us = due_us;
    c->busy = true;
    if (c->fd < 0)
        dial(c);
    else
        send_rest(c);
}

static void note(double us)
{
    if ((size_t)finished >= latency_capacity) {
        latency_capacity = latency_capacity > 0 ? latency_capacity * 2 : 1 << 20;
        latencies = yq_realloc(latencies, latency_capacity, sizeof(double));
    }
    latencies[finished++] = us;
}

static void judge(const struct client *c)
{
    bool success =
        strncmp(c->in, "HTTP/1.1 200 ", 13) == 0 && strcmp(c->in + c->got - 7, "success") == 0;
    bool forbidden = strncmp(c->in, "HTTP/1.1 403 ", 13) == 0;
    accepted += success;
    refused += forbidden;
    wrong += c->request->valid ? !success : !forbidden;
}

static void finish(struct client *c)
{
    c->in[c->got] = '\0';
    judge(c);
    note(now_us() - c->due_us);
    c->busy = false;
    if (o.close)
        hang_up(c);
    if (o.rate == 0 && more_to_start())
        start(c, now_us());
}

static bool is_complete(struct client *c)
{
    c->in[c->got] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    const char *length = strstr(c->in, "Content-Length: ");
    return end != NULL && length != NULL &&
           c->got >= (size_t)(end - c->in) + 4 + strtoul(length + 16, NULL, 10);
}

static void receive(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->got, ANSWER_ROOM - 1 - c->got, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        broken += c->busy;
        c->busy = false;
        hang_up(c);
        if (o.rate == 0 && more_to_start())
            start(c, now_us());
        return;
    }
    c->got += (size_t)n;
    if (c->busy && is_complete(c))
        finish(c);
}

static void on_event(struct client *c, uint32_t events)
{
    if (c->connecting && (events & EPOLLOUT) != 0) {
        c->connecting = false;
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
        if (c->busy)
            send_rest(c);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive(c);
}

/* ---- the loops ---- */

/* Waits no longer than that, and does not spin: Redis has the same CPU. */
static void poll_once(double wait_us)
{
    struct epoll_event ready[512];
    long ns = wait_us > 0 ? (long)(wait_us * 1000) : 0;
    struct timespec wait = {ns / 1000000000, ns % 1000000000};
    int count = epoll_pwait2(epoll, ready, 512, &wait, NULL);
    for (int i = 0; i < count; i++)
        on_event(ready[i].data.ptr, ready[i].events);
}

static struct client *idle_client(void)
{
    static int next;
    for (int i = 0; i < o.connections; i++) {
        struct client *c = &clients[(next + i) % o.connections];
        if (!c->busy) {
            next = (next + i + 1) % o.connections;
            return c;
        }
    }
    return NULL;
}

static bool all_idle(void)
{
    for (int i = 0; i < o.connections; i++) {
        if (clients[i].busy)
            return false;
    }
    return true;
}

static void run_open_loop(double began)
{
    double step = 1e6 / o.rate;
    double due = began;
    while (more_to_start() || !all_idle()) {
        struct client *c;
        while (more_to_start() && due <= now_us() && (c = idle_client()) != NULL) {
            start(c, due);
            due += step;
        }
        double wait = more_to_start() ? due - now_us() : 1000;
        poll_once(wait < 0 ? 1000 : wait); /* overdue: no client is idle */
    }
}

static void run_closed_loop(void)
{
    for (int i = 0; i < o.connections && more_to_start(); i++)
        start(&clients[i], now_us());
    double patience = now_us() + 30e6 + o.seconds * 1e6;
    while (!all_idle() && (o.count > 0 || now_us() < patience))
        poll_once(1e5);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double p)
{
    return finished > 0 ? latencies[(size_t)((double)(finished - 1) * p)] : 0;
}

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *v = i + 1 < argc ? argv[i + 1] : "0";
        const char *k = argv[i];
        if (strcmp(k, "--close") == 0)
            o.close = true;
        else if (strcmp(k, "--unique") == 0)
            o.unique = true;
        else if (strcmp(k, "--port") == 0)
            o.port = atoi(v), i++;
        else if (strcmp(k, "--pid") == 0)
            o.pid = atoi(v), i++;
        else if (strcmp(k, "--connections") == 0)
            o.connections = atoi(v), i++;
        else if (strcmp(k, "--seconds") == 0)
            o.seconds = atof(v), i++;
        else if (strcmp(k, "--count") == 0)
            o.count = atol(v), i++;
        else if (strcmp(k, "--rate") == 0)
            o.rate = atof(v), i++;
        else if (strcmp(k, "--invalid") == 0)
            o.invalid = atoi(v), i++;
        else {
            fprintf(stderr, "bench_load: what is %s?\n", k);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    (void)prctl(PR_SET_TIMERSLACK, 1000);
    prepare();
    epoll = epoll_create1(0);
    clients = yq_calloc((size_t)o.connections, sizeof(*clients));
    for (int i = 0; i < o.connections; i++)
        clients[i].fd = -1;
    double cpu = server_cpu_us();
    double began = now_us();
    end_us = began + o.seconds * 1e6;
    if (o.rate > 0)
        run_open_loop(began);
    else
        run_closed_loop();
    double took = now_us() - began;
    cpu = server_cpu_us() - cpu;
    qsort(latencies, (size_t)finished, sizeof(double), by_size);
    printf("requests=%ld accepted=%ld refused=%ld wrong=%ld broken=%ld rps=%.0f cpu_us=%.2f "
           "cpu_share=%.2f p50=%.0f p99=%.0f p999=%.0f rss_kb=%ld\n",
           finished, accepted, refused, wrong, broken, (double)finished / took * 1e6,
           finished > 0 ? cpu / (double)finished : 0, cpu / took, percentile(0.5), percentile(0.99),
           percentile(0.999), server_rss_kb());
    return 0;
}
