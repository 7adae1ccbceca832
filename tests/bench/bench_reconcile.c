/* What it costs to find the drift of a whole company and to plan what is to be done about it
 * (performance.md, P7, P8, P9), over the least that it can cost: parsing the pages of both sides
 * with cJSON and freeing them.
 *
 *   bench_reconcile PEOPLE…
 *
 * A round per size, one line of "name=value" words each; run_reconcile.sh repeats rounds and judges
 * them. Each measurement is a process of its own, so that its peak of memory is its own. Making the
 * pages is not counted. 1 % of the people differ; they must be found, and each be changed by the
 * plan. The digests of both sides, and the links, must not be larger than they are meant to be. */
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
#include "pages.h"
#include "pages_plan.h"
#include "plan/drift.h"

#define BYTES_EACH 200.0 /* of one person: digests of both sides, and the link */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- measuring ---- */

struct result {
    double cpu;      /* seconds */
    double plan_cpu; /* those of them that went into planning */
    double peak;     /* bytes of resident memory at the most */
    double bytes[2]; /* of each side's pages */
    double kept;     /* bytes of the snapshots and the links */
    double found;
};

struct meter {
    struct result *result;
    double since;
    struct yq_arena *arena; /* scratch of one page */
    struct yq_snapshot sides[2];
    size_t *found;
    size_t found_count, found_capacity;
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

static void floor_page(void *context, enum pages_side side, const char *text, size_t len)
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
    pages_of_wecom(&b, floor_page, &m);
    pages_of_eteams(&b, floor_page, &m);
    yq_buf_release(&b);
}

/* ---- our own way ---- */

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

static void snapshot_page(void *context, enum pages_side side, const char *text, size_t len)
{
    struct meter *m = context;
    m->result->bytes[side] += (double)len;
    begin(m);
    cJSON *tree = yq_json_parse(text, len, NULL);
    if (tree == NULL)
        die("a page");
    if (side == PAGES_WECOM)
        add_wecom(&m->sides[side], m->arena, tree);
    else
        add_eteams(&m->sides[side], m->arena, tree);
    cJSON_Delete(tree);
    yq_arena_clear(m->arena);
    end(m);
}

static void seal(struct meter *m, enum pages_side side)
{
    begin(m);
    yq_snapshot_seal(&m->sides[side]);
    m->sides[side].complete = true;
    end(m);
    if (m->sides[side].count != pages_people())
        die("people are lacking");
}

static void load_links(struct yq_drift_links *links)
{
    char userid[64], id[32];
    for (size_t i = 0; i < pages_people(); i++) {
        pages_userid(i, userid);
        pages_eteams_id(i, id);
        yq_drift_add_member(links, userid, id, false, NULL, 0);
    }
    for (size_t at = 0; at < pages_departments(); at++) {
        pages_department_id(at, id);
        yq_drift_add_department(links, (uint32_t)at + 1, id);
    }
}

static void take_found(void *context, const struct yq_drift_found *found)
{
    struct meter *m = context;
    if (found->kind != YQ_DRIFT_CHANGED)
        die("somebody is found who did not change");
    yq_grow(&m->found, &m->found_capacity, m->found_count, sizeof(*m->found));
    m->found[m->found_count++] = pages_person_of_userid(found->userid);
}

static double bytes_kept(const struct meter *m, const struct yq_drift_links *links)
{
    return (double)yq_snapshot_bytes(&m->sides[0]) + (double)yq_snapshot_bytes(&m->sides[1]) +
           (double)(links->member_count * sizeof(*links->members));
}

static void run_drift(struct result *r)
{
    struct yq_buf b = YQ_BUF_INIT;
    struct meter m = {.result = r, .arena = yq_arena_new()};
    struct yq_drift_links links = {0};
    struct yq_policy policy = {0};
    load_links(&links);
    pages_of_wecom(&b, snapshot_page, &m);
    seal(&m, PAGES_WECOM);
    pages_of_eteams(&b, snapshot_page, &m);
    seal(&m, PAGES_ETEAMS);
    begin(&m);
    yq_drift_find(&m.sides[0], &m.sides[1], &links, &policy, take_found, &m);
    end(&m);
    r->kept = bytes_kept(&m, &links);
    yq_snapshot_release(&m.sides[0]); /* as the reconcile does */
    yq_snapshot_release(&m.sides[1]);
    yq_drift_links_release(&links);
    r->found = (double)m.found_count;
    r->plan_cpu = pages_plan(m.found, m.found_count, &policy);
    r->cpu += r->plan_cpu;
    free(m.found);
    yq_arena_free(m.arena);
    yq_buf_release(&b);
}

/* ---- rounds ---- */

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

static double wall_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bench(size_t people)
{
    pages_set_people(people);
    struct result least = measure(run_floor);
    double began = wall_now();
    struct result r = measure(run_drift);
    double took = wall_now() - began, each = r.kept / (double)people;
    if ((size_t)r.found != pages_differing())
        die("the drift that was found is not what was made");
    if (each > BYTES_EACH)
        die("a person takes more memory than is meant");
    double size = fmax(r.bytes[0], r.bytes[1]);
    printf("people=%zu cpu_ratio=%.3f memory_ratio=%.3f cpu=%.3f floor=%.3f plan_cpu=%.3f "
           "wall=%.3f peak_mb=%.1f pages_mb=%.1f bytes_each=%.0f found=%.0f\n",
           people, r.cpu / least.cpu, r.peak / size, r.cpu, least.cpu, r.plan_cpu, took,
           r.peak / 1e6, size / 1e6, each, r.found);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        bench(strtoul(argv[i], NULL, 10));
    return argc > 1 ? 0 : 2;
}
