/* What it costs to find the drift of a whole company (performance.md, P7, P8, P9), over the least
 * that it can cost: parsing the pages of both sides with cJSON and freeing them.
 *
 *   bench_reconcile [--check] PEOPLE…
 *
 * Each measurement is a process of its own, so that its peak of memory is its own. Pages are made
 * one by one, in the shape of department/list, user/list and queryEmployee; making them is not
 * counted. 1 % of the people differ, and must be found. --check fails where a goal is missed. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/eteams_codec.h"
#include "model/wecom_codec.h"
#include "plan/drift.h"

#define PER_DEPARTMENT 50 /* people; the largest companies have 30,000 departments */
#define DEPARTMENTS_MAX 30000
#define PAGE_ROWS 1000
#define RUNS 3

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- the company ---- */

static size_t people;

static size_t departments(void)
{
    size_t n = people / PER_DEPARTMENT + 1;
    return n < DEPARTMENTS_MAX ? n : DEPARTMENTS_MAX;
}

static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static size_t department_of(size_t i)
{
    return i % departments();
}

/* One in eight sits in a second department. */
static bool has_second(size_t i)
{
    return departments() > 1 && mixed(i) % 8 == 0;
}

static size_t second_of(size_t i)
{
    return (department_of(i) + 1) % departments();
}

static bool differs(size_t i)
{
    return i % 100 == 37;
}

static void add_name(struct yq_buf *b, size_t i)
{
    static const char *const surnames[] = {"王", "李", "张", "刘", "陈", "杨", "赵", "黄"};
    static const char *const given[] = {"伟", "芳", "娜", "敏", "静", "丽", "强", "磊",
                                        "军", "洋", "勇", "艳", "杰", "娟", "涛", "明"};
    uint64_t r = mixed(i * 7 + 1);
    yq_buf_addf(b, "%s%s%s", surnames[r % 8], given[r / 8 % 16], given[r / 128 % 16]);
}

static unsigned long long mobile_of(size_t i)
{
    return 13000000000ull + mixed(i * 3 + 2) % 900000000ull * 10 % 9000000000ull;
}

static unsigned long long eteams_id(size_t i)
{
    return 4000000000000000001ull + 2 * (unsigned long long)i;
}

static void wecom_row(struct yq_buf *b, size_t i)
{
    size_t at = department_of(i);
    yq_buf_addf(b, "{\"userid\":\"zhang.wei%zu\",\"name\":\"", i);
    add_name(b, i);
    yq_buf_addf(b, "%s\",\"department\":[%zu", differs(i) ? "新" : "", at + 1);
    if (has_second(i))
        yq_buf_addf(b, ",%zu", second_of(i) + 1);
    yq_buf_addf(b,
                "],\"order\":[0%s],\"position\":\"高级工程师\",\"mobile\":\"%llu\",\"gender\":"
                "\"%d\",\"email\":\"zhang.wei%zu@example.com\",\"is_leader_in_dept\":[0%s],"
                "\"direct_leader\":[\"zhang.wei%zu\"],"
                "\"avatar\":\"https://wework.qpic.cn/wwpic3az/%016llx_%016llx/0\","
                "\"thumb_avatar\":\"https://wework.qpic.cn/wwpic3az/%016llx_%016llx/100\","
                "\"telephone\":\"\",\"alias\":\"\",\"status\":1,\"address\":\"\","
                "\"hide_mobile\":0,\"enable\":1,"
                "\"main_department\":%zu,\"qr_code\":\"https://open.work.weixin.qq.com/wwopen/"
                "userQRCode?vcode=vc%016llx\",\"extattr\":{\"attrs\":[]},"
                "\"external_position\":\"\",\"biz_mail\":\"zhang.wei%zu@example.cn\"}",
                has_second(i) ? ",0" : "", mobile_of(i), (int)(i % 2) + 1, i,
                has_second(i) ? ",0" : "", i / 10, (unsigned long long)mixed(i),
                (unsigned long long)mixed(i + 1), (unsigned long long)mixed(i),
                (unsigned long long)mixed(i + 1), at + 1, (unsigned long long)mixed(i + 2), i);
}

static void department_id(struct yq_buf *b, size_t at)
{
    yq_buf_addf(b, "%llu", 5000000000000000001ull + 2 * (unsigned long long)at);
}

static void eteams_row(struct yq_buf *b, size_t i)
{
    yq_buf_addf(b, "{\"id\":\"%llu\",\"user_id\":\"%llu\",\"username\":\"", eteams_id(i),
                eteams_id(i) + 7);
    add_name(b, i);
    yq_buf_addf(b,
                "\",\"account\":\"zhang.wei%zu\",\"job_num\":\"A%07zu\",\"mobile\":\"%llu\","
                "\"email\":\"zhang.wei%zu@example.com\",\"sex\":\"%s\",\"department\":[\"",
                i, i, mobile_of(i), i, i % 2 ? "female" : "male");
    department_id(b, department_of(i));
    if (has_second(i)) {
        yq_buf_adds(b, "\",\"");
        department_id(b, second_of(i));
    }
    yq_buf_adds(b, "\"],\"personnel_status\":\"3\",\"status\":\"normal\",\"identity\":\"main\"}");
}

/* ---- the pages, one at a time ---- */

typedef void take_page(void *context, int side, const char *text, size_t len);

/* user/list of every department: whoever has two stands in two lists. */
static void wecom_pages(struct yq_buf *b, take_page *take, void *context)
{
    for (size_t at = 0; at < departments(); at++) {
        size_t before = (at + departments() - 1) % departments();
        bool some = false;
        yq_buf_clear(b);
        yq_buf_adds(b, "{\"errcode\":0,\"errmsg\":\"ok\",\"userlist\":[");
        for (size_t i = at; i < people; i += departments(), some = true) {
            yq_buf_adds(b, some ? "," : "");
            wecom_row(b, i);
        }
        for (size_t i = before; i < people && before != at; i += departments()) {
            if (!has_second(i))
                continue;
            yq_buf_adds(b, some ? "," : "");
            wecom_row(b, i);
            some = true;
        }
        yq_buf_adds(b, "]}");
        take(context, 0, b->data, b->len);
    }
}

static void eteams_pages(struct yq_buf *b, take_page *take, void *context)
{
    for (size_t from = 0; from < people; from += PAGE_ROWS) {
        yq_buf_clear(b);
        yq_buf_addf(b,
                    "{\"message\":{\"errcode\":\"0\",\"errmsg\":\"success\"},\"data\":{\"current\":"
                    "%zu,\"total\":%zu,\"data\":[",
                    from / PAGE_ROWS + 1, people);
        for (size_t i = from; i < people && i < from + PAGE_ROWS; i++) {
            yq_buf_adds(b, i > from ? "," : "");
            eteams_row(b, i);
        }
        yq_buf_adds(b, "]}}");
        take(context, 1, b->data, b->len);
    }
}

/* ---- measuring ---- */

struct result {
    double cpu;      /* seconds */
    double peak;     /* bytes of resident memory at the most */
    double bytes[2]; /* of each side's pages */
    double found;
};

struct meter {
    struct result *result;
    double since;
    struct yq_arena *arena; /* scratch of one page */
    struct yq_snapshot sides[2];
};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct meter *m)
{
    m->since = cpu_now();
}

static void end(struct meter *m)
{
    m->result->cpu += cpu_now() - m->since;
}

static void floor_page(void *context, int side, const char *text, size_t len)
{
    struct meter *m = context;
    m->result->bytes[side] += (double)len;
    begin(m);
    cJSON *tree = cJSON_ParseWithLength(text, len);
    cJSON_Delete(tree);
    end(m);
}

static void run_floor(struct result *r)
{
    struct yq_buf b = YQ_BUF_INIT;
    struct meter m = {.result = r};
    wecom_pages(&b, floor_page, &m);
    eteams_pages(&b, floor_page, &m);
    yq_buf_release(&b);
}

static void add_wecom(struct yq_snapshot *s, struct yq_arena *arena, const cJSON *tree)
{
    const cJSON *row;
    struct yq_wecom_member member;
    cJSON_ArrayForEach (row, yq_json_get(tree, "userlist")) {
        if (yq_wecom_borrow_member(arena, row, &member, NULL) < 0)
            die("a row of WeCom");
        yq_snapshot_add_wecom(s, arena, &member);
    }
}

static void add_eteams(struct yq_snapshot *s, struct yq_arena *arena, const cJSON *tree)
{
    const cJSON *row;
    struct yq_eteams_member member;
    cJSON_ArrayForEach (row, yq_json_get(yq_json_get(tree, "data"), "data")) {
        if (yq_eteams_borrow_member(arena, row, &member, NULL) < 0)
            die("a row of eteams");
        yq_snapshot_add_eteams(s, arena, &member);
    }
}

static void snapshot_page(void *context, int side, const char *text, size_t len)
{
    struct meter *m = context;
    m->result->bytes[side] += (double)len;
    begin(m);
    cJSON *tree = yq_json_parse(text, len, NULL);
    if (tree == NULL)
        die("a page");
    if (side == 0)
        add_wecom(&m->sides[side], m->arena, tree);
    else
        add_eteams(&m->sides[side], m->arena, tree);
    cJSON_Delete(tree);
    yq_arena_clear(m->arena);
    end(m);
}

static void load_links(struct yq_drift_links *links)
{
    char userid[64], id[32];
    for (size_t i = 0; i < people; i++) {
        (void)snprintf(userid, sizeof(userid), "zhang.wei%zu", i);
        (void)snprintf(id, sizeof(id), "%llu", eteams_id(i));
        yq_drift_add_member(links, userid, id, false, NULL, 0);
    }
    struct yq_buf b = YQ_BUF_INIT;
    for (size_t at = 0; at < departments(); at++) {
        yq_buf_clear(&b);
        department_id(&b, at);
        yq_drift_add_department(links, (uint32_t)at + 1, b.data);
    }
    yq_buf_release(&b);
}

static void count_found(void *context, const struct yq_drift_found *found)
{
    double *count = context;
    *count += found->kind == YQ_DRIFT_CHANGED;
}

static void run_drift(struct result *r)
{
    struct yq_buf b = YQ_BUF_INIT;
    struct meter m = {.result = r, .arena = yq_arena_new()};
    struct yq_drift_links links = {0};
    struct yq_policy policy = {0};
    load_links(&links);
    wecom_pages(&b, snapshot_page, &m);
    begin(&m);
    yq_snapshot_seal(&m.sides[0]);
    end(&m);
    eteams_pages(&b, snapshot_page, &m);
    begin(&m);
    yq_snapshot_seal(&m.sides[1]);
    m.sides[0].complete = m.sides[1].complete = true;
    yq_drift_find(&m.sides[0], &m.sides[1], &links, &policy, count_found, &r->found);
    end(&m);
    if (m.sides[0].count != people || m.sides[1].count != people)
        die("people are lacking");
    yq_snapshot_release(&m.sides[0]);
    yq_snapshot_release(&m.sides[1]);
    yq_drift_links_release(&links);
    yq_arena_free(m.arena);
    yq_buf_release(&b);
}

/* Runs it in a process of its own. */
static struct result measure(void (*run)(struct result *r))
{
    int ends[2], status;
    struct result r = {0};
    if (pipe(ends) < 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        struct rusage usage;
        run(&r);
        getrusage(RUSAGE_SELF, &usage);
        r.peak = (double)usage.ru_maxrss * 1024;
        _exit(write(ends[1], &r, sizeof(r)) == sizeof(r) ? 0 : 1);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], &r, sizeof(r)) != sizeof(r) || waitpid(pid, &status, 0) != pid)
        die("a measurement");
    close(ends[0]);
    return r;
}

struct figures {
    double people, floor, cpu, peak, ratio, least, most, memory;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static struct figures bench(void)
{
    struct figures f = {.people = (double)people};
    double ratios[RUNS], size = 0;
    for (int i = 0; i < RUNS; i++) {
        struct result least = measure(run_floor), r = measure(run_drift);
        size_t expected = (people + 62) / 100;
        if ((size_t)r.found != expected)
            die("the drift that was found is not what was made");
        ratios[i] = r.cpu / least.cpu;
        f.floor += least.cpu / RUNS;
        f.cpu += r.cpu / RUNS;
        f.peak = fmax(f.peak, r.peak);
        size = fmax(r.bytes[0], r.bytes[1]);
    }
    qsort(ratios, RUNS, sizeof(ratios[0]), compare);
    f.ratio = ratios[RUNS / 2];
    f.least = ratios[0];
    f.most = ratios[RUNS - 1];
    f.memory = f.peak / size;
    printf("%8zu people: pages %.1f MB, floor %.3f s, drift %.3f s, P7 %.2f (%.2f to %.2f), "
           "peak %.1f MB, P8 %.3f\n",
           people, size / 1e6, f.floor, f.cpu, f.ratio, f.least, f.most, f.peak / 1e6, f.memory);
    (void)fflush(stdout);
    return f;
}

static double exponent(double less, double more, double factor)
{
    return log(more / less) / log(factor);
}

int main(int argc, char **argv)
{
    bool check = argc > 1 && strcmp(argv[1], "--check") == 0, missed = false;
    struct figures first = {0}, last = {0};
    for (int i = check ? 2 : 1; i < argc; i++) {
        people = strtoul(argv[i], NULL, 10);
        last = bench();
        missed = missed || last.ratio > 1.8 || (people >= 1000000 && last.memory > 0.40);
        if (first.people < 10000) /* P9 counts from 10,000 */
            first = last;
    }
    if (last.people > first.people && first.people > 0) {
        double factor = last.people / first.people;
        double cpu = exponent(first.cpu, last.cpu, factor);
        double memory = exponent(first.peak, last.peak, factor);
        printf("P9: from %.0f to %.0f people CPU grows with exponent %.3f, memory with %.3f\n",
               first.people, last.people, cpu, memory);
        missed = missed || cpu > 1.05 || memory > 1.0;
    }
    return check && missed ? 1 : 0;
}
