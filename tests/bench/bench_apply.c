/* What applying costs: the real daemon between two simulated peers that answer in 50 ms.
 *
 *   bench_apply burst MEMBERS DEPARTMENTS    one round of P10, P11 and P13
 *   bench_apply single EVENTS                one round of P12 and P13
 *
 * A round prints one line of "name=value" words; run_apply.sh repeats rounds and judges them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "bench_world.h"
#include "clients/eteams_contract.h"
#include "support/wait.h"

#define ANSWER_MS 50 /* of both simulators */
#define PATIENCE_MS 60000
#define KINDS 3

/* ---- the burst ---- */

/* How long a bare client waits for one answer of each kind that a burst needs: the 50 ms and the
 * simulator's own work. */
enum { LIST, PAGE, WRITE, ANSWERS };

static void write_rows(struct yq_buf *out, const char *department, int first)
{
    yq_buf_adds(out, "{\"data\":[");
    for (int i = first; i < first + ET_BATCH_ROWS; i++)
        yq_buf_addf(out,
                    "%s{\"username\":\"新人%d\",\"mobile\":\"135%08d\",\"department\":\"%s\","
                    "\"personnel_status\":\"3\",\"yq_key\":\"k%d\"}",
                    i > first ? "," : "", i, i, department, i);
    yq_buf_adds(out, "],\"dataRule\":{\"employee\":\"id\",\"department\":\"id\"},"
                     "\"extKey\":\"yq_key\"}");
}

struct bare { /* a client that only asks */
    struct bench *b;
    const char *token, *root;
};

static void one_answer(const struct bare *c, int kind, int i)
{
    struct yq_buf rows = YQ_BUF_INIT;
    char list[600];
    (void)snprintf(list, sizeof(list), "/cgi-bin/user/list?access_token=%s&department_id=2",
                   c->token);
    write_rows(&rows, c->root, i * ET_BATCH_ROWS);
    cJSON *json = kind == LIST ? stage_call(c->b->s, STAGE_WECOM, list, NULL)
                  : kind == PAGE
                      ? stage_call(c->b->s, STAGE_ETEAMS, ET_P_EMP_QUERY "?access_token=bench",
                                   "{\"current\":1,\"pageSize\":%d}", ET_PAGE_ROWS)
                      : stage_call(c->b->s, STAGE_ETEAMS, ET_P_EMP_SYNC "?access_token=bench", "%s",
                                   yq_buf_text(&rows));
    if (yq_json_get(json, kind == LIST ? "userlist" : "data") == NULL)
        bench_die("the bare client is refused");
    cJSON_Delete(json);
    yq_buf_release(&rows);
}

static void measure_answers(struct bench *b, double ret_ms[ANSWERS])
{
    enum { TRIES = 9 };
    double took[TRIES];
    int64_t before = bench_writes(b, "creates");
    cJSON *state = stage_call(b->s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON *json =
        stage_call(b->s, STAGE_WECOM,
                   "/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=sim-app-secret", NULL);
    struct bare c = {b, cJSON_GetStringValue(yq_json_get(json, "access_token")),
                     cJSON_GetStringValue(yq_json_get(state, "root"))};
    if (c.token == NULL || c.root == NULL)
        bench_die("no token, or no root");
    cJSON_Delete(stage_call(b->s, STAGE_ETEAMS, "/_sim/options", "{\"static_token\":\"bench\"}"));
    for (int kind = 0; kind < ANSWERS; kind++) {
        for (int i = 0; i < TRIES; i++) {
            double began = bench_now_ms();
            one_answer(&c, kind, i);
            took[i] = bench_now_ms() - began;
        }
        qsort(took, TRIES, sizeof(*took), bench_compare_doubles);
        ret_ms[kind] = took[0]; /* the least: what it takes at best */
    }
    if (bench_writes(b, "creates") - before != TRIES * ET_BATCH_ROWS)
        bench_die("the bare client's rows are refused");
    cJSON_Delete(json);
    cJSON_Delete(state);
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
    return (calls + BENCH_IN_FLIGHT - 1) / BENCH_IN_FLIGHT;
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
    bench_begin(&b, departments + 1);
    bench_create_members(&b, "warm", departments, departments); /* links the departments */
    bench_settle(&b);
    struct least least = least_of(members, departments, people_in_eteams(&b));
    bench_pause(&b, true);
    bench_create_members(&b, "bulk", members, departments);
    bench_wait_for(&b, bench_delivered, "WeCom does not get rid of its events");
    bench_set_delay(&b, ANSWER_MS);
    bench_forget_calls(&b);
    double began = bench_now_ms(), cpu = bench_cpu_ms(&b);
    bench_pause(&b, false);
    bench_wait_for(&b, bench_applied, "the burst is not applied");
    double took = bench_now_ms() - began;
    cpu = bench_cpu_ms(&b) - cpu;
    int64_t wrote, w = bench_wecom_calls(&b), e = bench_eteams_calls(&b, &wrote);
    int64_t needed = least.wecom + least.pages + least.writes, made = bench_writes(&b, "creates");
    if (made != (int64_t)members)
        bench_die("not everybody was created");
    int64_t noop = bench_writes(&b, "noop_rows");
    double answers[ANSWERS];
    measure_answers(&b, answers);
    static const double nominal[ANSWERS] = {ANSWER_MS, ANSWER_MS, ANSWER_MS};
    (void)printf("calls_ratio=%.4f throughput_ratio=%.4f nominal_ratio=%.4f noop=%lld took_ms=%.0f "
                 "list_ms=%.1f page_ms=%.1f write_ms=%.1f members_per_s=%.0f wecom=%lld/%lld "
                 "eteams_reads=%lld/%lld writes=%lld/%lld cpu_ms=%.0f\n",
                 (double)(w + e) / (double)needed, least_ms(&least, answers) / took,
                 least_ms(&least, nominal) / took, (long long)noop, took, answers[LIST],
                 answers[PAGE], answers[WRITE], (double)members * 1000 / took, (long long)w,
                 (long long)least.wecom, (long long)(e - wrote), (long long)least.pages,
                 (long long)wrote, (long long)least.writes, cpu);
    bench_end(&b);
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
            a->at_ms = (double)bench_number_in(row, "at_ms");
    }
    cJSON_Delete(json);
    return a->at_ms != 0;
}

static int64_t last_of_history(struct bench *b)
{
    cJSON *json = stage_call(b->s, STAGE_ETEAMS, "/_sim/history?after=999999999", NULL);
    int64_t last = bench_number_in(json, "last");
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
        double began = bench_now_ms();
        cJSON_Delete(i % 2 ? stage_call(b->s, STAGE_ETEAMS, "/api/hrm/restful/queryOrg", "{}")
                           : stage_call(b->s, STAGE_WECOM, "/cgi-bin/user/get", NULL));
        took[i % 2][i / 2] = bench_now_ms() - began;
    }
    for (int i = 0; i < 2; i++)
        qsort(took[i], TRIES, sizeof(double), bench_compare_doubles);
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
    double began = bench_now_ms();
    stage_wecom_change(b->s, "%s", change);
    if (!yq_wait_until(written, &a, PATIENCE_MS))
        bench_die("an event is not applied");
    bench_settle(b);
    return a.at_ms - began - kinds[kind].answers * b->answer_ms;
}

static double quantile(const double *sorted, size_t count, double q)
{
    size_t at = (size_t)(q * (double)count);
    return sorted[at < count ? at : count - 1];
}

static void print_quantiles(const char *name, double *values, size_t count)
{
    qsort(values, count, sizeof(*values), bench_compare_doubles);
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
    bench_begin(&b, DEPARTMENTS + 1);
    bench_create_members(&b, "warm", DEPARTMENTS, DEPARTMENTS);
    bench_settle(&b);
    bench_set_delay(&b, ANSWER_MS);
    b.answer_ms = answer_ms(&b);
    bench_forget_calls(&b);
    for (unsigned i = 0; i < each * KINDS; i++) {
        unsigned kind = i % KINDS, round = i / KINDS;
        unsigned subject = kind == 0 ? round % LINKED : kind == 1 ? round : 2 + round % DEPARTMENTS;
        of[kind][round] = all[i] = one_event(&b, (int)kind, i, subject);
    }
    int64_t wrote, w = bench_wecom_calls(&b), e = bench_eteams_calls(&b, &wrote);
    print_quantiles("added", all, each * KINDS);
    for (int k = 0; k < KINDS; k++)
        print_quantiles(kinds[k].name, of[k], each);
    (void)printf("noop=%lld answer_ms=%.2f calls_each=%.2f\n",
                 (long long)bench_writes(&b, "noop_rows"), b.answer_ms,
                 (double)(w + e) / (double)(each * KINDS));
    for (int k = 0; k < KINDS; k++)
        free(of[k]);
    free(all);
    bench_end(&b);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "burst") == 0)
        burst((size_t)atol(argv[2]), (size_t)atol(argv[3]));
    else if (argc == 3 && strcmp(argv[1], "single") == 0)
        single((size_t)atol(argv[2]));
    else
        bench_die("bench_apply burst MEMBERS DEPARTMENTS | bench_apply single EVENTS");
    return 0;
}
