/* The installation that is measured, and what is asked of it. */
#include "bench_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define PACE "per_second: 1000, in_flight: 8"
#define PEOPLE 1000 /* in both directories */
#define CHUNK 500   /* changes for one request to the simulator */
#define PATIENCE_MS 600000

double bench_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench_apply: %s\n", what);
    exit(1);
}

int64_t bench_number_in(const cJSON *json, const char *name)
{
    int64_t n = 0;
    if (!yq_json_int(json, name, &n))
        bench_die(name);
    return n;
}

/* ---- when nothing is under way ---- */

bool bench_delivered(void *arg)
{
    struct bench *b = arg;
    cJSON *json = stage_call(b->s, STAGE_WECOM, "/_sim/deliveries", NULL);
    int64_t pending = bench_number_in(json, "pending");
    cJSON_Delete(json);
    return pending == 0;
}

static bool holds(redisReply *reply, const char *text)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, text) == 0;
}

bool bench_applied(void *arg)
{
    static const char script[] = "local g = redis.call('XINFO', 'GROUPS', KEYS[1])[1]\n"
                                 "local last = redis.call('XINFO', 'STREAM', KEYS[1])[8]\n"
                                 "local idle = redis.call('EXISTS', KEYS[2]) == 0\n"
                                 "return (g[6] == 0 and g[8] == last and idle) and 'yes' or 'no'";
    struct bench *b = arg;
    char events[YQ_KEY_MAX], lease[YQ_KEY_MAX];
    const char *argv[] = {"EVAL", script, "2", yq_key(&b->keys, "acme", "events", events),
                          yq_key(&b->keys, "acme", "lease", lease)};
    redisReply *reply = yq_redis_argv(b->redis, 5, argv, NULL, NULL);
    bool yes = holds(reply, "yes");
    if (reply != NULL)
        freeReplyObject(reply);
    return yes;
}

void bench_wait_for(struct bench *b, bool (*condition)(void *arg), const char *what)
{
    if (!yq_wait_until(condition, b, PATIENCE_MS))
        bench_die(what);
}

void bench_settle(struct bench *b)
{
    bench_wait_for(b, bench_delivered, "WeCom does not get rid of its events");
    bench_wait_for(b, bench_applied, "the events are not applied");
}

/* ---- the installation ---- */

void bench_set_delay(struct bench *b, int ms)
{
    cJSON_Delete(stage_call(b->s, STAGE_WECOM, "/_sim/delay", "{\"ms\":%d}", ms));
    cJSON_Delete(stage_call(b->s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":%d}", ms));
}

void bench_begin(struct bench *b, size_t departments)
{
    bench_begin_with(b, &(struct stage_options){.seed = 7,
                                                .people = PEOPLE,
                                                .departments = departments,
                                                .mirrored = true,
                                                .pace = PACE,
                                                .real_clock = true});
}

void bench_begin_with(struct bench *b, const struct stage_options *options)
{
    b->s = stage_new(options);
    b->redis = yq_redis_new(&stage_redis(b->s)->address, 5000);
    (void)snprintf(b->keys.prefix, sizeof(b->keys.prefix), "yq");
    cJSON_Delete(stage_call(b->s, STAGE_WECOM, "/_sim/delivery", "{\"max_in_flight\":16}"));
}

static char *read_whole(FILE *f)
{
    struct yq_buf text = YQ_BUF_INIT;
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
        yq_buf_add(&text, part, n);
    return yq_buf_steal(&text);
}

void bench_restart(struct bench *b, const char *from, const char *to)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/yunqiao.yaml", stage_directory(b->s));
    FILE *f = fopen(path, "r+");
    if (f == NULL)
        bench_die("no configuration");
    char *text = read_whole(f), *at = text, *found;
    rewind(f);
    for (; (found = strstr(at, from)) != NULL; at = found + strlen(from))
        (void)fprintf(f, "%.*s%s", (int)(found - at), at, to);
    (void)fprintf(f, "%s", at);
    if (fflush(f) != 0 || ftruncate(fileno(f), ftell(f)) < 0 || fclose(f) != 0)
        bench_die("the configuration cannot be written");
    free(text);
    stage_kill_daemon(b->s, 0, SIGTERM);
    stage_start_daemon(b->s, 0);
}

void bench_end(struct bench *b)
{
    yq_redis_free(b->redis);
    stage_free(b->s);
}

static void add_member(struct yq_buf *out, const char *prefix, size_t i, uint32_t department)
{
    yq_buf_addf(out,
                "%s{\"do\":\"create_member\",\"userid\":\"%s%05zu\",\"name\":\"新人%s%zu\","
                "\"departments\":[%u],\"mobile\":\"13%c%08zu\"}",
                out->len ? "," : "", prefix, i, prefix, i, department, prefix[0] == 'w' ? '8' : '9',
                i);
}

void bench_create_members(struct bench *b, const char *prefix, size_t count, size_t departments)
{
    for (size_t at = 0; at < count; at += CHUNK) {
        struct yq_buf list = YQ_BUF_INIT;
        for (size_t i = at; i < count && i < at + CHUNK; i++)
            add_member(&list, prefix, i, (uint32_t)(2 + i % departments));
        stage_wecom_change(b->s, "[%s]", yq_buf_text(&list));
        yq_buf_release(&list);
    }
}

/* ---- calls ---- */

int64_t bench_wecom_calls(struct bench *b)
{
    cJSON *json = stage_call(b->s, STAGE_WECOM, "/_sim/calls", NULL);
    const cJSON *path;
    int64_t calls = bench_number_in(json, "calls");
    cJSON_ArrayForEach (path, yq_json_get(json, "paths")) {
        if (strstr(path->string, "/_sim/") != NULL || strstr(path->string, "gettoken") != NULL)
            calls -= bench_number_in(path, "calls");
    }
    cJSON_Delete(json);
    return calls;
}

int64_t bench_eteams_calls(struct bench *b, int64_t *ret_writes)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/calls", NULL);
    const cJSON *path;
    int64_t calls = 0;
    *ret_writes = 0;
    cJSON_ArrayForEach (path, yq_json_get(json, "calls")) {
        if (strstr(path->string, "/restful/") == NULL)
            continue;
        calls += bench_number_in(path, "calls");
        if (strstr(path->string, "/query") == NULL)
            *ret_writes += bench_number_in(path, "calls");
    }
    cJSON_Delete(json);
    return calls;
}

void bench_forget_calls(struct bench *b)
{
    cJSON_Delete(stage_call(b->s, STAGE_WECOM, "/_sim/calls", "{\"reset\":true}"));
    cJSON_Delete(stage_call(b->s, STAGE_ETEAMS, "/_sim/calls", "{\"reset\":true}"));
    cJSON_Delete(stage_call(b->s, STAGE_ETEAMS, "/_sim/writes", "{\"reset\":true}"));
}

int64_t bench_writes(struct bench *b, const char *what)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/writes", NULL);
    int64_t n = bench_number_in(json, what);
    cJSON_Delete(json);
    return n;
}

/* ---- figures ---- */

double bench_cpu_ms(struct bench *b)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)stage_daemon_pid(b->s, 0));
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof(line), f) == NULL)
        bench_die("no /proc");
    (void)fclose(f); /* only read */
    char *rest = strrchr(line, ')');
    if (rest == NULL ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        bench_die("/proc cannot be read");
    return (double)(user + system) * 10;
}

void bench_pause(struct bench *b, bool paused)
{
    if (yq_store_set_paused(b->redis, &b->keys, "acme", paused, NULL) < 0 ||
        (!paused && yq_ready_add(b->redis, &b->keys, "acme", (int64_t)bench_now_ms(), NULL) < 0))
        bench_die("Redis does not answer");
}

int bench_compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
