/* Starts, stops and cleans up a redis-server for one test. */
#include "support/temp_redis.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/wait.h"

#define START_MS 20000 /* two busy cores under sanitizers */
#define STOP_MS 10000

static void run_server(const struct yq_temp_redis *t, pid_t parent)
{
    const char *argv[40] = {"redis-server", "--port",        "0",       "--unixsocket",
                            t->socket,      "--dir",         t->folder, "--logfile",
                            "redis.log",    "--save",        "",        "--appendonly",
                            "yes",          "--appendfsync", "always",  "--maxmemory-policy",
                            "noeviction"};
    size_t n = 17;
    for (size_t i = 0; t->extra[i] != NULL; i++)
        argv[n++] = t->extra[i];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a crashed test leaves no server behind */
    if (getppid() != parent)
        _exit(1);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static bool answers(void *arg)
{
    struct yq_temp_redis *t = arg;
    if (waitpid(t->pid, NULL, WNOHANG) == t->pid) {
        t->pid = 0; /* ended by itself: the wait goes on to its deadline no longer than this */
        return true;
    }
    struct yq_redis *r = yq_redis_new(&t->address, 1000);
    redisReply *reply = yq_redis_command(r, NULL, "PING");
    bool pong = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL)
        freeReplyObject(reply);
    yq_redis_free(r);
    return pong;
}

bool yq_temp_redis_launch(struct yq_temp_redis *t)
{
    pid_t parent = getpid();
    (void)unlink(t->socket); /* what a killed one left */
    t->pid = fork();
    if (t->pid == 0)
        run_server(t, parent);
    if (t->pid < 0)
        t->pid = 0;
    return t->pid != 0;
}

bool yq_temp_redis_await(struct yq_temp_redis *t)
{
    return yq_wait_until(answers, t, START_MS) && t->pid != 0;
}

bool yq_temp_redis_start(struct yq_temp_redis *t)
{
    return yq_temp_redis_launch(t) && yq_temp_redis_await(t);
}

/* NULL with a sentence on stderr. */
static struct yq_temp_redis *make_place(void)
{
    struct yq_temp_redis *t = yq_calloc(1, sizeof(*t));
    const char *place = getenv("YQ_TEST_DIR"); /* in memory, where the disk is not the question */
    (void)snprintf(t->folder, sizeof(t->folder), "%s/yq-redis-XXXXXX", place ? place : "/tmp");
    if (mkdtemp(t->folder) == NULL) {
        perror("temp_redis: mkdtemp");
        free(t);
        return NULL;
    }
    (void)snprintf(t->socket, sizeof(t->socket), "%s/redis.sock", t->folder);
    (void)snprintf(t->url, sizeof(t->url), "unix:%s", t->socket);
    return t;
}

static struct yq_temp_redis *start_new(struct yq_temp_redis *t)
{
    struct yq_error err = {0};
    if (yq_redis_address_parse(t->url, &t->address, &err) < 0 || !yq_temp_redis_start(t)) {
        (void)fprintf(stderr, "temp_redis: no answer at %s %s\n", t->socket, err.text);
        yq_temp_redis_free(t);
        return NULL;
    }
    return t;
}

struct yq_temp_redis *yq_temp_redis_new(const char *extra, ...)
{
    struct yq_temp_redis *t = make_place();
    va_list args;
    if (t == NULL)
        return NULL;
    va_start(args, extra);
    size_t n = 0;
    for (const char *word = extra; word != NULL && n < 7; word = va_arg(args, const char *))
        t->extra[n++] = word;
    va_end(args);
    return start_new(t);
}

/* ---- a replica ---- */

static int free_port(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int port = -1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0 &&
        getsockname(fd, (struct sockaddr *)&here, &size) == 0)
        port = ntohs(here.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return port;
}

static bool says(struct yq_temp_redis *t, const char *text, const char *command, const char *more)
{
    struct yq_redis *r = yq_redis_new(&t->address, 1000);
    redisReply *reply = yq_redis_command(r, NULL, command, more);
    bool said = reply != NULL && reply->str != NULL && strstr(reply->str, text) != NULL;
    if (reply != NULL)
        freeReplyObject(reply);
    yq_redis_free(r);
    return said;
}

static bool is_in_step(void *arg)
{
    return says(arg, "master_link_status:up", "INFO %s", "replication");
}

static bool has_replica(void *arg)
{
    return says(arg, "state=online", "INFO %s", "replication");
}

struct yq_temp_redis *yq_temp_redis_replica(struct yq_temp_redis *master)
{
    struct yq_temp_redis *t = make_place();
    if (t == NULL)
        return NULL;
    (void)snprintf(t->port, sizeof(t->port), "%d", free_port());
    t->extra[0] = "--replicaof";
    t->extra[1] = "127.0.0.1";
    t->extra[2] = t->port;
    if (!says(master, "OK", "CONFIG SET repl-diskless-sync-delay 0 port %s", t->port)) {
        (void)fprintf(stderr, "temp_redis: the master takes no port\n");
        yq_temp_redis_free(t);
        return NULL;
    }
    t = start_new(t);
    if (t != NULL && (!yq_wait_until(is_in_step, t, START_MS) ||
                      !yq_wait_until(has_replica, master, START_MS))) {
        (void)fprintf(stderr, "temp_redis: the replica gets nothing\n");
        yq_temp_redis_free(t);
        return NULL;
    }
    return t;
}

static bool has_ended(void *arg)
{
    struct yq_temp_redis *t = arg;
    return waitpid(t->pid, NULL, WNOHANG) == t->pid;
}

/* Asks again while it is still running: Redis refuses to end while it writes its first AOF. */
static bool has_ended_when_asked(void *arg)
{
    struct yq_temp_redis *t = arg;
    (void)kill(t->pid, SIGTERM);
    return has_ended(t);
}

void yq_temp_redis_stop(struct yq_temp_redis *t)
{
    if (t->pid <= 0)
        return;
    yq_temp_redis_resume(t); /* a suspended one hears nothing else */
    if (yq_wait_until(has_ended_when_asked, t, STOP_MS))
        t->pid = 0;
    yq_temp_redis_kill(t);
}

void yq_temp_redis_kill(struct yq_temp_redis *t)
{
    if (t->pid <= 0)
        return;
    (void)kill(t->pid, SIGKILL);
    (void)waitpid(t->pid, NULL, 0);
    t->pid = 0;
}

void yq_temp_redis_suspend(struct yq_temp_redis *t)
{
    (void)kill(t->pid, SIGSTOP);
    (void)waitpid(t->pid, NULL, WUNTRACED); /* until it really stands still */
}

void yq_temp_redis_resume(struct yq_temp_redis *t)
{
    (void)kill(t->pid, SIGCONT);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void yq_temp_redis_free(struct yq_temp_redis *t)
{
    if (t == NULL)
        return;
    yq_temp_redis_kill(t);
    (void)nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
    free(t);
}
