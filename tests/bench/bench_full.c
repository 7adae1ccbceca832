/* What a full reconcile asks of the peers, and how long events wait beside it: the real daemon
 * between two simulated peers that have the same people.
 *
 *   bench_full still PEOPLE DEPARTMENTS          a reconcile in which nothing changed (P14)
 *   bench_full beside PEOPLE DEPARTMENTS EVENTS  single changes while one is going: one that links
 *                                                everybody, then one that compares, slowly
 *   bench_full filling PEOPLE DEPARTMENTS EVENTS the same with an eteams that is empty, slowly
 *
 * A round prints lines of "name=value" words; run_reconcile.sh and run_beside.sh judge them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "bench_world.h"
#include "clients/eteams_contract.h"
#include "support/wait.h"

#define ID_ROWS 10000 /* of a page of user/list_id (wecom.md §4.3) */
#define TAIL_MS 30000 /* so long the last events may take */
#define MINUTES_MS 900000
#define FAST "per_second: 1000, in_flight: 8"
#define SLOW "per_second: 10, in_flight: 4" /* what is configured where nobody says more */
#define ANSWER_MS 50                        /* of both simulators */
#define EVERY_MS 300                        /* between two changes */
#define EVERY_NEW_MS 1000 /* where nearly each is about a newcomer, who takes six calls or more */

/* ---- the run ---- */

static char *hash_field(struct bench *b, const char *key, const char *field)
{
    return stage_redis_text(b->s, "HGET yq:{acme}:%s %s", key, field);
}

static bool is_over(void *arg)
{
    char *run = hash_field(arg, "reconcile", "run"),
         *wanted = stage_redis_text(((struct bench *)arg)->s, "HLEN yq:{acme}:wanted");
    bool over = *run == '\0' && strcmp(wanted, "0") == 0;
    free(run);
    free(wanted);
    return over;
}

static void ask_for_one(struct bench *b)
{
    char *text;
    if (stage_command(b->s, &text, "sync", "acme", "--no-wait", NULL) != 0)
        bench_die(text);
    free(text);
    bench_wait_for(b, bench_applied, "the command is not taken");
}

static void expect_done(struct bench *b)
{
    char *runs = stage_redis_text(b->s, "XREVRANGE yq:{acme}:runs + - COUNT 1");
    if (strstr(runs, "\"done\"") == NULL)
        bench_die(runs);
    free(runs);
}

/* Milliseconds that it took. */
static double reconcile(struct bench *b)
{
    double began = bench_now_ms();
    ask_for_one(b);
    if (!yq_wait_until(is_over, b, MINUTES_MS))
        bench_die("the reconcile does not end");
    expect_done(b);
    return bench_now_ms() - began;
}

static void begin(struct bench *b, size_t people, size_t departments, bool mirrored)
{
    bench_begin_with(b, &(struct stage_options){.seed = 7,
                                                .people = people,
                                                .departments = departments,
                                                .mirrored = mirrored,
                                                .pace = FAST,
                                                .real_clock = true});
}

/* ---- nothing changed ---- */

static int64_t pages_of(int64_t rows, int64_t page)
{
    return (rows + page - 1) / page;
}

/* Rows of user/list_id: one for each department of each member. */
static int64_t count_memberships(struct bench *b)
{
    int64_t rows = 0;
    const cJSON *row;
    cJSON *state = stage_call(b->s, STAGE_WECOM, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, yq_json_get(state, "members"))
        rows += cJSON_GetArraySize(yq_json_get(row, "departments"));
    cJSON_Delete(state);
    return rows;
}

/* Which calls there were, for whoever wonders: "name:count,…". */
static void print_calls(struct bench *b, enum stage_peer peer)
{
    cJSON *json = stage_call(b->s, peer, "/_sim/calls", NULL);
    const cJSON *path;
    cJSON_ArrayForEach (path, yq_json_get(json, peer == STAGE_WECOM ? "paths" : "calls")) {
        const char *name = strrchr(path->string, '/') + 1;
        if (strstr(path->string, "/_sim/") == NULL)
            (void)printf("%s:%lld,", name, (long long)bench_number_in(path, "calls"));
    }
    cJSON_Delete(json);
}

static void still(size_t people, size_t departments)
{
    struct bench b = {0};
    begin(&b, people, departments, true);
    double linking = reconcile(&b);
    int64_t linked_by_writing = bench_writes(&b, "rows"), wrote;
    int64_t memberships = count_memberships(&b);
    bench_forget_calls(&b);
    double cpu = bench_cpu_ms(&b), took = reconcile(&b);
    cpu = bench_cpu_ms(&b) - cpu;
    int64_t w = bench_wecom_calls(&b), e = bench_eteams_calls(&b, &wrote);
    /* The tree, a list for each department, the ids of the company; and the pages of eteams, whose
     * administrator is a row, too. */
    int64_t w_pages = 1 + (int64_t)departments + pages_of(memberships, ID_ROWS);
    int64_t e_pages =
        pages_of((int64_t)departments, ET_PAGE_ROWS) + pages_of((int64_t)people + 1, ET_PAGE_ROWS);
    (void)printf("people=%zu departments=%zu writes=%lld calls_ratio=%.4f wecom=%lld/%lld "
                 "eteams=%lld/%lld took_ms=%.0f cpu_ms=%.0f linking_ms=%.0f linking_writes=%lld "
                 "calls=",
                 people, departments, (long long)bench_writes(&b, "rows"),
                 (double)(w + e) / (double)(w_pages + e_pages), (long long)w, (long long)w_pages,
                 (long long)e, (long long)e_pages, took, cpu, linking,
                 (long long)linked_by_writing);
    print_calls(&b, STAGE_WECOM);
    print_calls(&b, STAGE_ETEAMS);
    (void)printf("\n");
    bench_end(&b);
}

/* ---- events beside it ---- */

struct change {
    double sent_ms, took_ms; /* 0: not yet */
};

struct beside {
    struct bench b;
    char **userids;
    size_t people, departments, events;
    struct change *changes;
    size_t sent, applied;
    int64_t seen; /* of the history */
};

static void load_userids(struct beside *x)
{
    cJSON *state = stage_call(x->b.s, STAGE_WECOM, "/_sim/state", NULL);
    const cJSON *row;
    size_t n = 0;
    x->userids = yq_calloc(x->people, sizeof(*x->userids));
    cJSON_ArrayForEach (row, yq_json_get(state, "members"))
        x->userids[n++] = yq_strdup(cJSON_GetStringValue(yq_json_get(row, "userid")));
    cJSON_Delete(state);
}

static void take_row(struct beside *x, const cJSON *row)
{
    static const char prefix[] = "改名";
    const char *name = cJSON_GetStringValue(yq_json_get(yq_json_get(row, "after"), "username"));
    if (name == NULL || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return;
    struct change *c = &x->changes[strtoul(name + sizeof(prefix) - 1, NULL, 10)];
    c->took_ms = (double)bench_number_in(row, "at_ms") - c->sent_ms;
    x->applied++;
}

static void look(struct beside *x)
{
    char path[64];
    const cJSON *row;
    (void)snprintf(path, sizeof(path), "/_sim/history?after=%lld", (long long)x->seen);
    cJSON *json = stage_call(x->b.s, STAGE_ETEAMS, path, NULL);
    cJSON_ArrayForEach (row, yq_json_get(json, "rows"))
        take_row(x, row);
    x->seen = bench_number_in(json, "last");
    cJSON_Delete(json);
}

static void change_one(struct beside *x)
{
    size_t i = x->sent++;
    x->changes[i].sent_ms = bench_now_ms();
    stage_wecom_change(x->b.s, "{\"do\":\"update_member\",\"userid\":\"%s\",\"name\":\"改名%zu\"}",
                       x->userids[i * 7919 % x->people], i);
}

static bool all_applied(void *arg)
{
    struct beside *x = arg;
    look(x);
    return x->applied == x->sent;
}

static void sleep_until(double when_ms)
{
    double left = when_ms - bench_now_ms();
    struct timespec t = {(time_t)(left / 1000), (long)((long long)(left * 1e6) % 1000000000)};
    if (left > 0)
        (void)nanosleep(&t, NULL);
}

/* As long as it goes on, and so long as there are some left. */
static void change_beside(struct beside *x, const char *name, int every_ms)
{
    size_t first = x->sent;
    double began = bench_now_ms(), next = began, *took = yq_calloc(x->events, sizeof(*took));
    size_t to = first + x->events, n = 0;
    ask_for_one(&x->b);
    while (x->sent < to && !is_over(&x->b)) {
        change_one(x);
        look(x);
        sleep_until(next += every_ms);
    }
    char *phase = hash_field(&x->b, "reconcile", "phase");
    double beside_ms = bench_now_ms() - began;
    if (!yq_wait_until(all_applied, x, TAIL_MS))
        bench_die("an event is not applied");
    for (size_t i = first; i < x->sent; i++)
        took[n++] = x->changes[i].took_ms;
    qsort(took, n, sizeof(*took), bench_compare_doubles);
    (void)printf("%s_events=%zu %s_p50=%.0f %s_p99=%.0f %s_max=%.0f %s_beside_ms=%.0f "
                 "%s_phase=%s\n",
                 name, n, name, took[n / 2], name, took[n * 99 / 100], name, took[n - 1], name,
                 beside_ms, name, *phase ? phase : "over");
    (void)fflush(stdout);
    free(phase);
    free(took);
}

static void finish(struct beside *x)
{
    if (!yq_wait_until(is_over, &x->b, MINUTES_MS))
        bench_die("the reconcile does not end");
    expect_done(&x->b);
}

static void beside(size_t people, size_t departments, size_t events, bool mirrored)
{
    struct beside x = {.people = people, .departments = departments, .events = events};
    x.changes = yq_calloc(2 * events, sizeof(*x.changes));
    begin(&x.b, people, departments, mirrored);
    load_userids(&x);
    bench_set_delay(&x.b, ANSWER_MS);
    if (mirrored) {
        change_beside(&x, "linking", EVERY_MS);
        finish(&x);
    }
    bench_restart(&x.b, FAST, SLOW);
    if (mirrored)
        change_beside(&x, "reading", EVERY_MS);
    else
        change_beside(&x, "filling", EVERY_NEW_MS);
    finish(&x);
    (void)printf("noop=%lld\n", (long long)bench_writes(&x.b, "noop_rows"));
    for (size_t i = 0; i < people; i++)
        free(x.userids[i]);
    free(x.userids);
    free(x.changes);
    bench_end(&x.b);
}

int main(int argc, char **argv)
{
    const char *how = argc > 3 ? argv[1] : "";
    size_t people = argc > 3 ? (size_t)atol(argv[2]) : 0;
    size_t departments = argc > 3 ? (size_t)atol(argv[3]) : 0;
    if (argc == 4 && strcmp(how, "still") == 0)
        still(people, departments);
    else if (argc == 5 && (strcmp(how, "beside") == 0 || strcmp(how, "filling") == 0))
        beside(people, departments, (size_t)atol(argv[4]), strcmp(how, "beside") == 0);
    else
        bench_die("bench_full still PEOPLE DEPARTMENTS | bench_full beside|filling PEOPLE "
                  "DEPARTMENTS EVENTS");
    return 0;
}
