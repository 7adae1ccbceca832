/* Starts, asks and ends two servers and their Sentinel. */
#include "support/temp_sentinel.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "support/wait.h"

#define ASK_MS 1000

static int free_port(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof(here)) == 0 &&
                 getsockname(fd, (struct sockaddr *)&here, &size) == 0;
    if (fd >= 0)
        (void)close(fd);
    return bound ? ntohs(here.sin_port) : 0;
}

/* Sentinel rewrites its file; the others take theirs the same way. */
static bool write_config(const struct temp_sentinel *t, int which, const char *path)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    (void)fprintf(f, "port %d\nbind 127.0.0.1\ndir %s\nlogfile %d.log\n", t->servers[which].port,
                  t->folder, which);
    if (which == TEMP_SENTINEL_WATCH)
        (void)fprintf(f,
                      "sentinel monitor bridge 127.0.0.1 %d 1\n"
                      "sentinel down-after-milliseconds bridge 500\n"
                      "sentinel failover-timeout bridge 4000\n",
                      t->servers[TEMP_SENTINEL_FIRST].port);
    else
        (void)fprintf(f,
                      "save \"\"\nrepl-diskless-sync-delay 0\ndbfilename %d.rdb\n"
                      "appendonly yes\nappendfsync always\nappenddirname aof-%d\n"
                      "maxmemory-policy noeviction\n",
                      which, which);
    if (which == TEMP_SENTINEL_SECOND)
        (void)fprintf(f, "replicaof 127.0.0.1 %d\n", t->servers[TEMP_SENTINEL_FIRST].port);
    return fclose(f) == 0;
}

static void start(struct temp_sentinel *t, int which)
{
    char path[128];
    pid_t parent = getpid();
    t->servers[which].port = free_port();
    (void)snprintf(path, sizeof(path), "%s/%d.conf", t->folder, which);
    if (!write_config(t, which, path))
        return; /* shows as one that does not answer */
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a crashed test leaves no server behind */
        if (getppid() == parent)
            execlp("redis-server", "redis-server", path,
                   which == TEMP_SENTINEL_WATCH ? "--sentinel" : NULL, (char *)NULL);
        _exit(127);
    }
    t->servers[which].pid = pid > 0 ? pid : 0;
}

void temp_sentinel_kill(struct temp_sentinel *t, enum temp_sentinel_server which)
{
    if (t->servers[which].pid <= 0)
        return;
    (void)kill(t->servers[which].pid, SIGKILL);
    (void)waitpid(t->servers[which].pid, NULL, 0);
    t->servers[which].pid = 0;
}

redisReply *temp_sentinel_ask(const struct temp_sentinel *t, enum temp_sentinel_server which,
                              const char *command)
{
    struct yq_redis_address a = {.host = "127.0.0.1", .port = t->servers[which].port};
    struct yq_redis *r = yq_redis_new(&a, ASK_MS);
    redisReply *reply = yq_redis_command(r, NULL, command);
    yq_redis_free(r);
    return reply;
}

bool temp_sentinel_says(const struct temp_sentinel *t, enum temp_sentinel_server which,
                        const char *command, const char *text)
{
    redisReply *reply = temp_sentinel_ask(t, which, command);
    bool says = reply != NULL && reply->type == REDIS_REPLY_STRING && strstr(reply->str, text);
    if (reply != NULL)
        freeReplyObject(reply);
    return says;
}

static bool is_in_step(void *arg)
{
    return temp_sentinel_says(arg, TEMP_SENTINEL_SECOND, "INFO replication",
                              "master_link_status:up");
}

static bool is_watched(void *arg)
{
    const struct temp_sentinel *t = arg;
    return temp_sentinel_says(t, TEMP_SENTINEL_WATCH, "INFO sentinel",
                              "status=ok,address=127.0.0.1") &&
           temp_sentinel_says(t, TEMP_SENTINEL_WATCH, "INFO sentinel", "slaves=1");
}

struct temp_sentinel *temp_sentinel_new(void)
{
    struct temp_sentinel *t = yq_calloc(1, sizeof(*t));
    const char *place = getenv("YQ_TEST_DIR"); /* in memory, where the disk is not the question */
    (void)snprintf(t->folder, sizeof(t->folder), "%s/yq-sentinel-XXXXXX", place ? place : "/tmp");
    if (mkdtemp(t->folder) == NULL) {
        free(t);
        return NULL;
    }
    start(t, TEMP_SENTINEL_FIRST);
    start(t, TEMP_SENTINEL_SECOND);
    if (yq_wait_until(is_in_step, t, TEMP_SENTINEL_SOON_MS)) {
        start(t, TEMP_SENTINEL_WATCH); /* it asks for replicas now, and then every 10 s only */
        if (yq_wait_until(is_watched, t, TEMP_SENTINEL_SOON_MS))
            return t;
    }
    temp_sentinel_free(t);
    return NULL;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

void temp_sentinel_free(struct temp_sentinel *t)
{
    if (t == NULL)
        return;
    for (int i = 0; i < TEMP_SENTINEL_SERVERS; i++)
        temp_sentinel_kill(t, (enum temp_sentinel_server)i);
    (void)nftw(t->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what stays is in /tmp */
    free(t);
}

void temp_sentinel_address(const struct temp_sentinel *t, const char *master,
                           struct yq_redis_address *ret)
{
    char nobody[64], here[64];
    *ret = (struct yq_redis_address){.host = "not.used.example"};
    (void)snprintf(nobody, sizeof(nobody), "127.0.0.1:%d", free_port());
    (void)snprintf(here, sizeof(here), "127.0.0.1:%d", t->servers[TEMP_SENTINEL_WATCH].port);
    (void)yq_redis_add_sentinel(ret, nobody, NULL); /* cannot fail: there is room, and a port */
    (void)yq_redis_add_sentinel(ret, here, NULL);
    (void)snprintf(ret->master, sizeof(ret->master), "%s", master);
}
