/* Redis Sentinel: two real servers and a real Sentinel; the master dies, and both kinds of
 * connection go on with the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
#include "clients/redis.h"
#include "clients/system_clock.h"
#include "support/receiver.h"
#include "support/talk.h"
#include "support/wait.h"
#include "vectors/malformed_callbacks.h"

#define SOON 30000 /* a fail-over takes some seconds */
#define SERVERS 3

enum { FIRST, SECOND, SENTINEL };

static char folder[64];
static struct {
    int port;
    pid_t pid;
} servers[SERVERS];

/* ---- processes ---- */

static int free_port(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
        getsockname(fd, (struct sockaddr *)&here, &size) < 0)
        fail_msg("no socket");
    (void)close(fd);
    return ntohs(here.sin_port);
}

/* Sentinel rewrites its file; the others take theirs the same way. */
static void write_config(int which)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%d.conf", folder, which);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "port %d\nbind 127.0.0.1\ndir %s\nlogfile %d.log\n", servers[which].port,
                  folder, which);
    if (which == SENTINEL)
        (void)fprintf(f,
                      "sentinel monitor bridge 127.0.0.1 %d 1\n"
                      "sentinel down-after-milliseconds bridge 500\n"
                      "sentinel failover-timeout bridge 4000\n",
                      servers[FIRST].port);
    else
        (void)fprintf(f, "save \"\"\nrepl-diskless-sync-delay 0\ndbfilename %d.rdb\n", which);
    if (which == SECOND)
        (void)fprintf(f, "replicaof 127.0.0.1 %d\n", servers[FIRST].port);
    assert_int_equal(fclose(f), 0);
}

static void start(int which)
{
    char path[128];
    pid_t parent = getpid();
    servers[which].port = free_port();
    write_config(which);
    (void)snprintf(path, sizeof(path), "%s/%d.conf", folder, which);
    servers[which].pid = fork();
    if (servers[which].pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            execlp("redis-server", "redis-server", path, which == SENTINEL ? "--sentinel" : NULL,
                   (char *)NULL);
        _exit(127);
    }
}

static void end(int which)
{
    if (servers[which].pid <= 0)
        return;
    (void)kill(servers[which].pid, SIGKILL);
    (void)waitpid(servers[which].pid, NULL, 0);
    servers[which].pid = 0;
}

/* ---- asking one of them ---- */

static redisReply *ask(int which, const char *command)
{
    struct yq_redis_address a = {.host = "127.0.0.1", .port = servers[which].port};
    struct yq_redis *r = yq_redis_new(&a, 1000);
    redisReply *reply = yq_redis_command(r, NULL, command);
    yq_redis_free(r);
    return reply;
}

static bool has_text(int which, const char *command, const char *text)
{
    redisReply *reply = ask(which, command);
    bool has = reply != NULL && reply->type == REDIS_REPLY_STRING && strstr(reply->str, text);
    if (reply != NULL)
        freeReplyObject(reply);
    return has;
}

static bool is_in_step(void *arg)
{
    (void)arg;
    return has_text(SECOND, "INFO replication", "master_link_status:up") &&
           has_text(SENTINEL, "INFO sentinel", "status=ok,address=127.0.0.1") &&
           has_text(SENTINEL, "INFO sentinel", "slaves=1");
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/yq-sentinel-XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < SERVERS; i++)
        start(i);
    return yq_wait_until(is_in_step, NULL, SOON) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < SERVERS; i++)
        end(i);
    (void)nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ---- the blocking connection ---- */

static void point_at_sentinel(struct yq_redis_address *ret, const char *master)
{
    char nobody[64], here[64];
    *ret = (struct yq_redis_address){.host = "not.used.example"};
    (void)snprintf(nobody, sizeof(nobody), "127.0.0.1:%d", free_port());
    (void)snprintf(here, sizeof(here), "127.0.0.1:%d", servers[SENTINEL].port);
    assert_int_equal(yq_redis_add_sentinel(ret, nobody, NULL), 0); /* one of them is always down */
    assert_int_equal(yq_redis_add_sentinel(ret, here, NULL), 0);
    (void)snprintf(ret->master, sizeof(ret->master), "%s", master);
}

static bool can_write(void *arg)
{
    struct yq_redis *r = arg;
    redisReply *reply = yq_redis_command(r, NULL, "SET after 2");
    if (reply != NULL)
        freeReplyObject(reply);
    return reply != NULL;
}

static void test_commands_follow_the_master(void **state)
{
    (void)state;
    struct yq_redis_address a;
    struct yq_error err = {0};
    point_at_sentinel(&a, "bridge");
    struct yq_redis *r = yq_redis_new(&a, 1000);
    freeReplyObject(yq_redis_command(r, &err, "SET before 1"));
    assert_true(has_text(FIRST, "GET before", "1"));
    end(FIRST);
    assert_true(yq_wait_until(can_write, r, SOON));
    assert_true(has_text(SECOND, "GET after", "2"));
    yq_redis_free(r);
    point_at_sentinel(&a, "nobody");
    r = yq_redis_new(&a, 1000);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_non_null(strstr(err.text, "no Sentinel knows where nobody is"));
    yq_redis_free(r);
}

/* ---- the receiver's ---- */

static int deliver(const char *url)
{
    struct malformed_request request;
    struct yq_buf target = YQ_BUF_INIT;
    malformed_build(&well_formed_delivery, &request);
    yq_buf_addf(&target, "/wecom/callback/acme?%s", request.query.data);
    int status =
        talk_once(url, "POST", target.data, NULL, request.body.data, request.body.len, NULL);
    yq_buf_release(&target);
    malformed_release(&request);
    return status;
}

static bool is_delivered(void *arg)
{
    return deliver(arg) == 200;
}

static bool has_events(int which, long long count)
{
    redisReply *reply = ask(which, "XLEN yq:{acme}:events");
    bool has = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer >= count;
    if (reply != NULL)
        freeReplyObject(reply);
    return has;
}

static bool second_has_it(void *arg)
{
    (void)arg;
    return has_events(SECOND, 1);
}

static void test_callbacks_follow_the_master(void **state)
{
    (void)state;
    static char master[] = "bridge";
    char here[64], *sentinels[] = {here, NULL};
    struct receiver r;
    (void)snprintf(here, sizeof(here), "127.0.0.1:%d", servers[SENTINEL].port);
    receiver_init(&r, "redis://not.used.example", MALFORMED_TOKEN, MALFORMED_AES_KEY,
                  MALFORMED_RECEIVER);
    r.settings.redis_sentinels = sentinels;
    r.settings.redis_master = master;
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    assert_int_equal(deliver(r.url), 200);
    assert_true(has_events(FIRST, 1));
    assert_true(yq_wait_until(second_has_it, NULL, SOON)); /* it was replicated */
    end(FIRST);
    assert_true(yq_wait_until(is_delivered, (void *)r.url, SOON));
    assert_true(has_events(SECOND, 2));
    receiver_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commands_follow_the_master, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_callbacks_follow_the_master, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
