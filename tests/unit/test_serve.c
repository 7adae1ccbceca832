/* The daemon as a process of its own: what it prints, takes, says of itself, and how it ends. The
 * workers are a double: threads that exist. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/serve.h"
#include "service/worker.h"
#include "support/talk.h"
#include "support/temp_redis.h"
#include "support/wait.h"
#include "vectors/malformed_callbacks.h"

#define SOON 8000

static int workers_alive = 1;

struct yq_workers *yq_workers_start(const struct yq_settings *settings,
                                    const struct yq_clock *clock, struct yq_error *err)
{
    (void)settings, (void)clock, (void)err;
    return (struct yq_workers *)&workers_alive;
}

void yq_workers_reload(struct yq_workers *w, const struct yq_settings *s)
{
    (void)w, (void)s;
}

void yq_workers_stop_soon(struct yq_workers *w)
{
    (void)w;
}

void yq_workers_stop(struct yq_workers *w, int grace_ms)
{
    (void)w;
    struct rlimit core = {1, 1};
    (void)getrlimit(RLIMIT_CORE, &core);
    fprintf(stdout, "workers stopped %s, dumpable %d, core %d\n",
            grace_ms > 0 ? "in time" : "at once", prctl(PR_GET_DUMPABLE), core.rlim_max != 0);
}

int yq_workers_alive(const struct yq_workers *w)
{
    return *(const int *)w;
}

static struct yq_temp_redis *redis;
static struct yq_settings settings;
static struct yq_connection_settings connections[2]; /* acme, beta */
static const struct yq_reloader *reloader;

struct daemon_process {
    pid_t pid;
    FILE *out;
    char url[100], admin_url[100];
};

static int set_up(void **state)
{
    (void)state;
    static char any[] = "127.0.0.1:0", admin[] = "127.0.0.1:0", token[] = "s3cret";
    static char prefix[] = "yq", id[] = "acme", other[] = "beta", level[] = "error";
    struct yq_connection_settings *c = &connections[0];
    connections[0] = (struct yq_connection_settings){.id = id};
    connections[1] = (struct yq_connection_settings){.id = other};
    c->callback.count = 1;
    c->callback.receiver_count = 1;
    strcpy(c->callback.keys[0].token, MALFORMED_TOKEN);
    strcpy(c->callback.receivers[0], MALFORMED_RECEIVER);
    yq_wecom_key(MALFORMED_AES_KEY, 43, c->callback.keys[0].aes_key);
    settings = (struct yq_settings){.listen = any,
                                    .admin_listen = admin,
                                    .admin_token = token,
                                    .redis_url = redis->url,
                                    .redis_prefix = prefix,
                                    .log_level = level,
                                    .redis_timeout_ms = 2000,
                                    .retention_ms = 86400000,
                                    .http = {262144, 16384, 2000, 100, 100},
                                    .connections = connections,
                                    .connection_count = 2};
    workers_alive = 1;
    return 0;
}

static void read_line(FILE *in, const char *format, char out[100])
{
    char line[200];
    assert_non_null(fgets(line, sizeof(line), in));
    size_t fixed = strlen(format);
    if (strncmp(line, format, fixed) != 0)
        fail_msg("%s", line);
    (void)snprintf(out, 100, "%.*s", (int)strcspn(line + fixed, "\n"), line + fixed);
}

static struct daemon_process start(unsigned roles)
{
    struct daemon_process d = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    d.pid = fork();
    if (d.pid == 0) {
        struct yq_error err = {0};
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        int result = yq_serve(&settings, roles, reloader, &err);
        if (result != 0)
            printf("failed %s\n", err.text);
        fflush(stdout);
        _exit(result == 0 ? 0 : 1);
    }
    close(ends[1]);
    d.out = fdopen(ends[0], "r");
    return d;
}

static struct daemon_process start_all(void)
{
    char rest[100];
    struct daemon_process d = start(YQ_ROLES_ALL);
    read_line(d.out, "listening callbacks ", d.url);
    read_line(d.out, "listening admin ", d.admin_url);
    read_line(d.out, "ready", rest);
    return d;
}

static int finish(struct daemon_process *d)
{
    int status = -1;
    while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
        ;
    fclose(d->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int deliver(const struct daemon_process *d)
{
    struct malformed_request request;
    struct yq_buf target = YQ_BUF_INIT;
    malformed_build(&well_formed_delivery, &request);
    yq_buf_addf(&target, "/wecom/callback/acme?%s", request.query.data);
    int status =
        talk_once(d->url, "POST", target.data, NULL, request.body.data, request.body.len, NULL);
    yq_buf_release(&target);
    malformed_release(&request);
    return status;
}

static bool is_delivered(void *d)
{
    return deliver(d) == 200;
}

static void expect_body(const char *url, const char *path, const char *headers, int status,
                        const char *part)
{
    struct talk_answer a;
    int got = talk_once(url, "GET", path, headers, NULL, 0, &a);
    if (got != status || strstr(yq_buf_text(&a.body), part) == NULL)
        fail_msg("%s: %d %s", path, got, yq_buf_text(&a.body));
    talk_answer_release(&a);
}

static void add_to_beta(void)
{
    struct yq_redis *r = yq_redis_new(&redis->address, 2000);
    redisReply *reply = yq_redis_command(r, NULL, "XADD yq:{beta}:events * v 1");
    assert_non_null(reply);
    freeReplyObject(reply);
    reply = yq_redis_command(r, NULL, "XADD yq:{beta}:dead * event 1-1");
    assert_non_null(reply);
    freeReplyObject(reply);
    yq_redis_free(r);
}

static void test_takes_callbacks_and_says_how_it_is(void **state)
{
    (void)state;
    struct daemon_process d = start_all();
    assert_true(yq_wait_until(is_delivered, &d, SOON));
    expect_body(d.admin_url, "/healthz", NULL, 200, "ok");
    expect_body(d.admin_url, "/readyz", NULL, 200, "{\"ready\":true,\"degraded\":[]}");
    expect_body(d.admin_url, "/metrics", NULL, 200,
                "\nyunqiao_callbacks_received_total{connection=\"acme\"} 1\n");
    expect_body(d.admin_url, "/metrics", NULL, 200, "\nyunqiao_callback_ack_seconds_count 1\n");
    expect_body(d.admin_url, "/metrics", NULL, 200, "\nyunqiao_redis_up 1\n");
    expect_body(d.admin_url, "/api/connections", "Authorization: Bearer s3cret\r\n", 200,
                "{\"connections\":[{\"id\":\"acme\",\"length\":1,\"waiting\":1,\"pending\":0,");
    add_to_beta();
    expect_body(d.admin_url, "/api/connections", "Authorization: Bearer s3cret\r\n", 200,
                "{\"id\":\"beta\",\"length\":1,\"waiting\":1,");
    expect_body(d.admin_url, "/api/connections", "Authorization: Bearer s3cret\r\n", 200,
                "],\"all\":{\"length\":2,\"waiting\":2,\"pending\":0,\"dead\":1,");
    expect_body(d.url, "/healthz", NULL, 404, "not found");
    expect_body(d.admin_url, "/wecom/callback/acme", NULL, 404, "not found");
    kill(d.pid, SIGTERM);
    char rest[100];
    read_line(d.out, "workers stopped in time, ", rest);
    assert_string_equal(rest, "dumpable 0, core 0");
    assert_int_equal(finish(&d), 0);
}

static bool says_redis_is_away(void *url)
{
    struct talk_answer a;
    int status = talk_once(url, "GET", "/readyz", NULL, NULL, 0, &a);
    bool away = strstr(yq_buf_text(&a.body), "\"degraded\":[\"redis_unreachable\"") != NULL;
    talk_answer_release(&a);
    return away && status == 200;
}

static void test_names_what_is_degraded(void **state)
{
    (void)state;
    workers_alive = 0;
    struct daemon_process d = start_all();
    expect_body(d.admin_url, "/readyz", NULL, 200, "\"workers_missing\"");
    yq_temp_redis_stop(redis);
    assert_true(yq_wait_until(says_redis_is_away, d.admin_url, SOON));
    expect_body(d.admin_url, "/api/connections", "Authorization: Bearer s3cret\r\n", 503,
                "unavailable");
    assert_true(yq_temp_redis_start(redis));
    kill(d.pid, SIGINT);
    assert_int_equal(finish(&d), 0);
}

static void test_starts_without_redis(void **state)
{
    (void)state;
    yq_temp_redis_stop(redis);
    struct daemon_process d = start_all();
    assert_int_equal(deliver(&d), 503);
    assert_true(yq_temp_redis_start(redis));
    assert_true(yq_wait_until(is_delivered, &d, SOON));
    kill(d.pid, SIGTERM);
    assert_int_equal(finish(&d), 0);
}

static void test_api_wants_the_token(void **state)
{
    (void)state;
    struct daemon_process d = start_all();
    static const char *const wrong[] = {NULL,
                                        "Authorization: Bearer \r\n",
                                        "Authorization: Bearer s3cre\r\n",
                                        "Authorization: Bearer s3cretx\r\n",
                                        "Authorization: Bearer S3CRET\r\n",
                                        "Authorization: Basic s3cret\r\n",
                                        "Authorization: s3cret\r\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        expect_body(d.admin_url, "/api/connections", wrong[i], 401, "unauthorized");
    }
    expect_body(d.admin_url, "/api/none", wrong[2], 401, "unauthorized");
    struct talk_answer a;
    assert_int_equal(talk_once(d.admin_url, "GET", "/api/x", NULL, NULL, 0, &a), 401);
    assert_non_null(strstr(a.head.data, "\r\nWWW-Authenticate: Bearer\r\n"));
    talk_answer_release(&a);
    expect_body(d.admin_url, "/api/none", "authorization: bearer s3cret\r\n", 404, "not found");
    expect_body(d.admin_url, "/api/", "Authorization: Bearer s3cret\r\n", 404, "not found");
    expect_body(d.admin_url, "/", NULL, 404, "not found");
    kill(d.pid, SIGTERM);
    assert_int_equal(finish(&d), 0);
}

/* Right or wrong, after ten wrong ones; machines go on. Who brings no token does not guess. */
static void test_guesses_are_limited(void **state)
{
    (void)state;
    static const char right[] = "Authorization: Bearer s3cret\r\n";
    struct daemon_process d = start_all();
    struct talk_answer a;
    for (int i = 0; i < 30; i++)
        expect_body(d.admin_url, "/api/none", NULL, 401, "unauthorized");
    expect_body(d.admin_url, "/api/none", right, 404, "not found");
    for (int i = 0; i < 10; i++)
        expect_body(d.admin_url, "/api/none", "Authorization: Bearer wrong\r\n", 401, "unauth");
    expect_body(d.admin_url, "/api/none", "Authorization: Bearer wrong\r\n", 429, "too many");
    assert_int_equal(talk_once(d.admin_url, "GET", "/api/none", right, NULL, 0, &a), 429);
    assert_non_null(strstr(a.head.data, "\r\nRetry-After: 60\r\n"));
    talk_answer_release(&a);
    expect_body(d.admin_url, "/healthz", NULL, 200, "ok");
    expect_body(d.admin_url, "/readyz", NULL, 200, "\"ready\":true");
    expect_body(d.admin_url, "/metrics", NULL, 200,
                "\nyunqiao_callbacks_refused_total{reason=\"guesses\"} 2\n");
    kill(d.pid, SIGTERM);
    assert_int_equal(finish(&d), 0);
}

static void test_core_dumps_can_be_allowed(void **state)
{
    (void)state;
    char rest[100];
    settings.core_dumps = true;
    struct daemon_process d = start_all();
    kill(d.pid, SIGTERM);
    read_line(d.out, "workers stopped in time, ", rest);
    assert_non_null(strstr(rest, "dumpable 1"));
    assert_int_equal(finish(&d), 0);
}

static void test_stop_waits_for_requests(void **state)
{
    (void)state;
    struct daemon_process d = start_all();
    struct malformed_request request;
    malformed_build(&well_formed_delivery, &request);
    struct yq_buf head = YQ_BUF_INIT;
    yq_buf_addf(&head,
                "POST /wecom/callback/acme?%s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
                request.query.data, request.body.len);
    assert_true(yq_wait_until(is_delivered, &d, SOON));
    struct talk t = talk_open(d.url);
    talk_send(&t, head.data);
    assert_int_equal(deliver(&d), 200); /* the head has been read */
    kill(d.pid, SIGTERM);
    while (!talk_refused(d.url))
        usleep(1000);
    talk_send_bytes(&t, request.body.data, request.body.len);
    struct talk_answer a;
    assert_true(talk_read(&t, &a, SOON));
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body.data, "success");
    talk_answer_release(&a);
    talk_close(&t);
    assert_int_equal(finish(&d), 0);
    yq_buf_release(&head);
    malformed_release(&request);
}

static void test_second_signal_does_not_wait(void **state)
{
    (void)state;
    struct daemon_process d = start_all();
    struct talk t = talk_open(d.url);
    talk_send(&t, "POST /");
    assert_int_equal(talk_once(d.url, "GET", "/", NULL, NULL, 0, NULL), 404);
    kill(d.pid, SIGTERM);
    while (!talk_refused(d.url))
        usleep(1000);
    kill(d.pid, SIGTERM);
    assert_true(talk_ended(&t, 1500)); /* before its own deadline */
    talk_close(&t);
    assert_int_equal(finish(&d), 0);
}

static void test_says_why_it_cannot_start(void **state)
{
    (void)state;
    static char nowhere[] = "256.0.0.1:1", bad_url[] = "nonsense:";
    char why[100];
    settings.admin_listen = nowhere;
    struct daemon_process d = start(YQ_ROLES_ALL);
    read_line(d.out, "workers stopped", why);
    assert_int_equal(finish(&d), 1);
    settings.redis_url = bad_url;
    d = start(YQ_ROLE_ADMIN);
    read_line(d.out, "failed Redis URL", why);
    assert_int_equal(finish(&d), 1);
}

static void test_only_the_roles_asked_for(void **state)
{
    (void)state;
    char rest[100];
    struct daemon_process d = start(YQ_ROLE_ADMIN);
    read_line(d.out, "listening admin ", d.admin_url);
    read_line(d.out, "ready", rest);
    expect_body(d.admin_url, "/readyz", NULL, 200, "{\"ready\":true,\"degraded\":[]}");
    kill(d.pid, SIGTERM);
    assert_int_equal(finish(&d), 0);
    static char none[] = "";
    settings.admin_listen = none;
    d = start(YQ_ROLE_ADMIN | YQ_ROLE_SCHEDULER);
    read_line(d.out, "ready", rest);
    kill(d.pid, SIGTERM);
    assert_int_equal(finish(&d), 0);
}

static int set_up_all(void **state)
{
    (void)state;
    redis = yq_temp_redis_new(NULL);
    return redis != NULL ? 0 : -1;
}

static int tear_down_all(void **state)
{
    (void)state;
    yq_temp_redis_free(redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_takes_callbacks_and_says_how_it_is, set_up),
        cmocka_unit_test_setup(test_names_what_is_degraded, set_up),
        cmocka_unit_test_setup(test_starts_without_redis, set_up),
        cmocka_unit_test_setup(test_api_wants_the_token, set_up),
        cmocka_unit_test_setup(test_guesses_are_limited, set_up),
        cmocka_unit_test_setup(test_core_dumps_can_be_allowed, set_up),
        cmocka_unit_test_setup(test_stop_waits_for_requests, set_up),
        cmocka_unit_test_setup(test_second_signal_does_not_wait, set_up),
        cmocka_unit_test_setup(test_says_why_it_cannot_start, set_up),
        cmocka_unit_test_setup(test_only_the_roles_asked_for, set_up),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
