/* What applying costs: the real daemon between two simulated peers that answer in 50 ms.
 *
 *   bench_apply burst MEMBERS DEPARTMENTS    one round of P10, P11 and P13
 *   bench_apply single EVENTS                one round of P12 and P13
 *
 * A round prints one line of "name=value" words; run_apply.sh repeats rounds and judges them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/eteams_contract.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "support/stage.h"
#include "support/temp_redis.h"
#include "support/wait.h"

#define ANSWER_MS 50 /* of both simulators */
#define IN_FLIGHT 8  /* calls to one peer at the same time */
#define PACE "per_second: 1000, in_flight: 8"
#define PEOPLE 1000 /* in both directories before the burst */
#define CHUNK 500   /* changes for one request to the simulator */
#define PATIENCE_MS 600000
#define KINDS 3

struct bench {
    struct stage *s;
    struct yq_redis *redis;
    struct yq_keys keys;
    double answer_ms; /* measured */
};

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_apply: %s\n", what);
    exit(1);
}

static void delete_answer(cJSON *json)
{
    cJSON_Delete(json);
}

static int64_t number_in(const cJSON *json, const char *name)
{
    int64_t n = 0;
    if (!yq_json_int(json, name, &n))
        die(name);
    return n;
}

/* ---- when nothing is under way ---- */

static bool delivered(void *arg)
{
    struct bench *b = arg;
    cJSON *json = stage_call(b->s, STAGE_WECOM, "/_sim/deliveries", NULL);
    int64_t pending = number_in(json, "pending");
    cJSON_Delete(json);
    return pending == 0;
}

static bool holds(redisReply *reply, const char *text)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, text) == 0;
}

/* Everything in the stream was given to a worker, is acknowledged, and nobody works. */
static bool applied(void *arg)
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

static void wait_for(struct bench *b, bool (*condition)(void *arg), const char *what)
{
    if (!yq_wait_until(condition, b, PATIENCE_MS))
        die(what);
}

static void settle(struct bench *b)
{
    wait_for(b, delivered, "WeCom does not get rid of its events");
    wait_for(b, applied, "the events are not applied");
}

/* ---- the installation ---- */

static void set_delay(struct bench *b, int ms)
{
    delete_answer(stage_call(b->s, STAGE_WECOM, "/_sim/delay", "{\"ms\":%d}", ms));
    delete_answer(stage_call(b->s, STAGE_ETEAMS, "/_sim/delay", "{\"ms\":%d}", ms));
}

static void begin(struct bench *b, size_t departments)
{
    b->s = stage_new(&(struct stage_options){.seed = 7,
                                             .people = PEOPLE,
                                             .departments = departments,
                                             .mirrored = true,
                                             .pace = PACE,
                                             .real_clock = true});
    b->redis = yq_redis_new(&stage_redis(b->s)->address, 5000);
    (void)snprintf(b->keys.prefix, sizeof(b->keys.prefix), "yq");
    delete_answer(stage_call(b->s, STAGE_WECOM, "/_sim/delivery", "{\"max_in_flight\":16}"));
}

static void end(struct bench *b)
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

/* Members prefix00000 and so on, evenly over departments 2 and up. */
static void create_members(struct bench *b, const char *prefix, size_t count, size_t departments)
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

static int64_t wecom_calls(struct bench *b)
{
    cJSON *json = stage_call(b->s, STAGE_WECOM, "/_sim/calls", NULL);
    const cJSON *path;
    int64_t calls = number_in(json, "calls");
    cJSON_ArrayForEach (path, yq_json_get(json, "paths")) {
        if (strstr(path->string, "/_sim/") != NULL || strstr(path->string, "gettoken") != NULL)
            calls -= number_in(path, "calls");
    }
    cJSON_Delete(json);
    return calls;
}

/* *ret_writes: those of them that write. */
static int64_t eteams_calls(struct bench *b, int64_t *ret_writes)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/calls", NULL);
    const cJSON *path;
    int64_t calls = 0;
    *ret_writes = 0;
    cJSON_ArrayForEach (path, yq_json_get(json, "calls")) {
        if (strstr(path->string, "/restful/") == NULL)
            continue;
        calls += number_in(path, "calls");
        if (strstr(path->string, "/query") == NULL)
            *ret_writes += number_in(path, "calls");
    }
    cJSON_Delete(json);
    return calls;
}

static void forget_calls(struct bench *b)
{
    delete_answer(stage_call(b->s, STAGE_WECOM, "/_sim/calls", "{\"reset\":true}"));
    delete_answer(stage_call(b->s, STAGE_ETEAMS, "/_sim/calls", "{\"reset\":true}"));
    delete_answer(stage_call(b->s, STAGE_ETEAMS, "/_sim/writes", "{\"reset\":true}"));
}

static int64_t writes(struct bench *b, const char *what)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/writes", NULL);
    int64_t n = number_in(json, what);
    cJSON_Delete(json);
    return n;
}

/* ---- the burst ---- */

static double cpu_ms(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof(line), f) == NULL)
        die("no /proc");
    (void)fclose(f); /* only read */
    char *rest = strrchr(line, ')');
    if (rest == NULL ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("/proc cannot be read");
    return (double)(user + system) * 10;
}

static void let_go(struct bench *b)
{
    if (yq_store_set_paused(b->redis, &b->keys, "acme", false, NULL) < 0 ||
        yq_ready_add(b->redis, &b->keys, "acme", (int64_t)now_ms(), NULL) < 0)
        die("Redis does not answer");
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How long a bare client waits for one answer of each kind that a burst needs: the 50 ms and the
 * simulator's own work. */
enum { LIST, PAGE, WRITE, ANSWERS };

static void write_rows(struct yq_buf *out, int first)
{
    yq_buf_adds(out, "{\"data\":[");
    for (int i = first; i < first + ET_BATCH_ROWS; i++)
        yq_buf_addf(out,
                    "%s{\"username\":\"新人%d\",\"mobile\":\"135%08d\",\"personnel_status\":"
                    "\"3\",\"yq_key\":\"k%d\"}",
                    i > first ? "," : "", i, i, i);
    yq_buf_adds(out, "],\"dataRule\":{\"employee\":\"id\"},\"extKey\":\"yq_key\"}");
}

static void one_answer(struct bench *b, int kind, const char *token, int i)
{
    struct yq_buf rows = YQ_BUF_INIT;
    char path[600];
    (void)snprintf(path, sizeof(path), "/cgi-bin/user/list?access_token=%s&department_id=2", token);
    write_rows(&rows, i * ET_BATCH_ROWS);
    cJSON *json = kind == LIST ? stage_call(b->s, STAGE_WECOM, path, NULL)
                  : kind == PAGE
                      ? stage_call(b->s, STAGE_ETEAMS, ET_P_EMP_QUERY "?access_token=bench",
                                   "{\"current\":1,\"pageSize\":%d}", ET_PAGE_ROWS)
                      : stage_call(b->s, STAGE_ETEAMS, ET_P_EMP_SYNC "?access_token=bench", "%s",
                                   yq_buf_text(&rows));
    if (yq_json_get(json, kind == LIST ? "userlist" : "data") == NULL)
        die("the bare client is refused");
    cJSON_Delete(json);
    yq_buf_release(&rows);
}

static void measure_answers(struct bench *b, double ret_ms[ANSWERS])
{
    enum { TRIES = 9 };
    cJSON *json =
        stage_call(b->s, STAGE_WECOM,
                   "/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=sim-app-secret", NULL);
    const char *token = cJSON_GetStringValue(yq_json_get(json, "access_token"));
    if (token == NULL)
        die("no token");
    delete_answer(stage_call(b->s, STAGE_ETEAMS, "/_sim/options", "{\"static_token\":\"bench\"}"));
    for (int kind = 0; kind < ANSWERS; kind++) {
        double took[TRIES];
        for (int i = 0; i < TRIES; i++) {
            double began = now_ms();
            one_answer(b, kind, token, i);
            took[i] = now_ms() - began;
        }
        qsort(took, TRIES, sizeof(*took), compare_doubles);
        ret_ms[kind] = took[0]; /* the least: what it takes at best */
    }
    cJSON_Delete(json);
}

/* The least calls (performance.md P10), and the least time for them: what both peers let us do at
 * once is done at once, eteams takes one writing call at a time (eteams.md §1.14), and what depends
 * on an answer waits for it: reading WeCom, the first page, the other pages, writing. */
struct least {
    int64_t wecom, pages, writes;
};

static struct least least_of(size_t members, size_t departments, int64_t people)
{
    return (struct least){
        .wecom = (int64_t)(members < departments ? members : departments),
        .pages = (people + ET_PAGE_ROWS - 1) / ET_PAGE_ROWS,
        .writes = (int64_t)(members + ET_BATCH_ROWS - 1) / ET_BATCH_ROWS,
    };
}

static int64_t rounds(int64_t calls)
{
    return (calls + IN_FLIGHT - 1) / IN_FLIGHT;
}

static double least_ms(const struct least *l, const double answer_ms[ANSWERS])
{
    return (double)rounds(l->wecom) * answer_ms[LIST] +
           (double)((l->pages > 0) + rounds(l->pages - 1)) * answer_ms[PAGE] +
           (double)l->writes * answer_ms[WRITE];
}

static int64_t people_in_eteams(struct bench *b)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/state", NULL);
    int n = cJSON_GetArraySize(yq_json_get(json, "members"));
    cJSON_Delete(json);
    return n;
}

static void burst(size_t members, size_t departments)
{
    struct bench b = {0};
    begin(&b, departments + 1);
    create_members(&b, "warm", departments, departments); /* links the departments */
    settle(&b);
    struct least least = least_of(members, departments, people_in_eteams(&b));
    if (yq_store_set_paused(b.redis, &b.keys, "acme", true, NULL) < 0)
        die("Redis does not answer");
    create_members(&b, "bulk", members, departments);
    wait_for(&b, delivered, "WeCom does not get rid of its events");
    set_delay(&b, ANSWER_MS);
    forget_calls(&b);
    pid_t pid = stage_daemon_pid(b.s, 0);
    double began = now_ms(), cpu = cpu_ms(pid);
    let_go(&b);
    wait_for(&b, applied, "the burst is not applied");
    double took = now_ms() - began;
    cpu = cpu_ms(pid) - cpu;
    int64_t wrote, w = wecom_calls(&b), e = eteams_calls(&b, &wrote);
    int64_t needed = least.wecom + least.pages + least.writes, made = writes(&b, "creates");
    if (made != (int64_t)members)
        die("not everybody was created");
    double answers[ANSWERS];
    measure_answers(&b, answers);
    static const double nominal[ANSWERS] = {ANSWER_MS, ANSWER_MS, ANSWER_MS};
    (void)printf("calls_ratio=%.4f throughput_ratio=%.4f nominal_ratio=%.4f noop=%lld took_ms=%.0f "
                 "list_ms=%.1f page_ms=%.1f write_ms=%.1f members_per_s=%.0f wecom=%lld/%lld "
                 "eteams_reads=%lld/%lld writes=%lld/%lld cpu_ms=%.0f\n",
                 (double)(w + e) / (double)needed, least_ms(&least, answers) / took,
                 least_ms(&least, nominal) / took, (long long)writes(&b, "noop_rows"), took,
                 answers[LIST], answers[PAGE], answers[WRITE], (double)members * 1000 / took,
                 (long long)w, (long long)least.wecom, (long long)(e - wrote),
                 (long long)least.pages, (long long)wrote, (long long)least.writes, cpu);
    end(&b);
}

/* ---- single events ---- */

static const struct {
    const char *name, *call, *change; /* the change takes the number of the event three times */
    int answers; /* that must have come before the row can be written: WeCom's, eteams' */
} kinds[KINDS] = {
    {"update", "syncEmployee",
     "{\"do\":\"update_member\",\"userid\":\"warm%05u\",\"name\":\"改名%u\"}", 2},
    {"create", "syncEmployee",
     "{\"do\":\"create_member\",\"userid\":\"new%05u\",\"name\":\"新人%u\",\"departments\":[3],"
     "\"mobile\":\"137%08u\"}",
     2},
    {"rename", "syncDepartment", "{\"do\":\"update_department\",\"id\":%u,\"name\":\"部门改名%u\"}",
     2},
};

struct awaited {
    struct bench *b;
    int64_t after;
    const char *call;
    double at_ms;
};

/* The first row that came by that call. */
static bool written(void *arg)
{
    struct awaited *a = arg;
    char path[64];
    (void)snprintf(path, sizeof(path), "/_sim/history?after=%lld", (long long)a->after);
    cJSON *json = stage_call(a->b->s, STAGE_ETEAMS, path, NULL);
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(json, "rows")) {
        const char *call = cJSON_GetStringValue(yq_json_get(row, "call"));
        if (a->at_ms == 0 && call != NULL && strcmp(call, a->call) == 0)
            a->at_ms = (double)number_in(row, "at_ms");
    }
    cJSON_Delete(json);
    return a->at_ms != 0;
}

static int64_t last_of_history(struct bench *b)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/history?after=999999999", NULL);
    int64_t last = number_in(json, "last");
    cJSON_Delete(json);
    return last;
}

/* Milliseconds that a bare client waits for one answer: both peers', averaged, without the work
 * behind a call that passes. */
static double answer_ms(struct bench *b)
{
    enum { TRIES = 21 };
    double took[2][TRIES];
    for (int i = 0; i < 2 * TRIES; i++) {
        double began = now_ms();
        delete_answer(i % 2 ? stage_call(b->s, STAGE_ETEAMS, "/api/hrm/restful/queryOrg", "{}")
                            : stage_call(b->s, STAGE_WECOM, "/cgi-bin/user/get", NULL));
        took[i % 2][i / 2] = now_ms() - began;
    }
    for (int i = 0; i < 2; i++)
        qsort(took[i], TRIES, sizeof(double), compare_doubles);
    return (took[0][TRIES / 2] + took[1][TRIES / 2]) / 2;
}

/* Milliseconds from the change in WeCom until eteams has it, without the answers waited for. */
static double one_event(struct bench *b, int kind, unsigned i, unsigned subject)
{
    struct awaited a = {b, last_of_history(b), kinds[kind].call, 0};
    char change[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(change, sizeof(change), kinds[kind].change, subject, i, i);
#pragma GCC diagnostic pop
    double began = now_ms();
    stage_wecom_change(b->s, "%s", change);
    if (!yq_wait_until(written, &a, PATIENCE_MS))
        die("an event is not applied");
    settle(b);
    return a.at_ms - began - kinds[kind].answers * b->answer_ms;
}

static double quantile(const double *sorted, size_t count, double q)
{
    size_t at = (size_t)(q * (double)count);
    return sorted[at < count ? at : count - 1];
}

static void print_quantiles(const char *name, double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    (void)printf("%s_p50=%.1f %s_p99=%.1f %s_max=%.1f ", name, quantile(values, count, 0.5), name,
                 quantile(values, count, 0.99), name, values[count - 1]);
}

static void single(size_t events)
{
    enum { LINKED = 20, DEPARTMENTS = 40 };
    struct bench b = {0};
    size_t each = (events + KINDS - 1) / KINDS;
    double *all = yq_calloc(each * KINDS, sizeof(*all)), *of[KINDS];
    for (int k = 0; k < KINDS; k++)
        of[k] = yq_calloc(each, sizeof(double));
    begin(&b, DEPARTMENTS + 1);
    create_members(&b, "warm", DEPARTMENTS, DEPARTMENTS);
    settle(&b);
    set_delay(&b, ANSWER_MS);
    b.answer_ms = answer_ms(&b);
    forget_calls(&b);
    for (unsigned i = 0; i < each * KINDS; i++) {
        unsigned kind = i % KINDS, round = i / KINDS;
        unsigned subject = kind == 0 ? round % LINKED : kind == 1 ? round : 2 + round % DEPARTMENTS;
        of[kind][round] = all[i] = one_event(&b, (int)kind, i, subject);
    }
    int64_t wrote, w = wecom_calls(&b), e = eteams_calls(&b, &wrote);
    print_quantiles("added", all, each * KINDS);
    for (int k = 0; k < KINDS; k++)
        print_quantiles(kinds[k].name, of[k], each);
    (void)printf("noop=%lld answer_ms=%.2f calls_each=%.2f\n", (long long)writes(&b, "noop_rows"),
                 b.answer_ms, (double)(w + e) / (double)(each * KINDS));
    for (int k = 0; k < KINDS; k++)
        free(of[k]);
    free(all);
    end(&b);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "burst") == 0)
        burst((size_t)atol(argv[2]), (size_t)atol(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "single") == 0)
        single((size_t)atol(argv[2]));
    else
        die("bench_apply burst MEMBERS DEPARTMENTS | bench_apply single EVENTS");
    return 0;
}
