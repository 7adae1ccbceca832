/* Golden cases of the planner: tests/plan/NN-name/case.json says what is, plan.txt what must be
 * planned; YQ_CASE picks those whose name contains it. Each plan is also carried out in memory:
 * eteams refuses nothing, the oracle agrees, and the next plan is empty.
 *
 * Besides what support/world.h describes, a case may say
 *   "about"    one sentence for whoever reads it
 *   "guard"    {"size":100,"last_day":0}: the guard looks at the plan
 *   "again"    false: planning again gives operations still (something waits for a person)
 *   "oracle"   false: nothing the oracle could know (facts that eteams' state does not hold) */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "plan/guard.h"
#include "support/world.h"

#define CASES YQ_SOURCE_DIR "/tests/plan"

static char *read_whole(const char *directory, const char *name)
{
    char *path = yq_printf("%s/%s/%s", CASES, directory, name);
    struct yq_buf text = YQ_BUF_INIT;
    char part[4096];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s cannot be opened", path);
    for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
        yq_buf_add(&text, part, n);
    (void)fclose(f);
    free(path);
    return yq_buf_steal(&text);
}

/* ---- a difference that can be read ---- */

struct line {
    const char *text;
    size_t len;
};

static struct line next_line(const char **text)
{
    struct line l = {*text, strcspn(*text, "\n")};
    *text += l.len + ((*text)[l.len] != '\0');
    return l;
}

static bool starts(struct line l, struct line with)
{
    return l.len >= with.len && strncmp(l.text, with.text, with.len) == 0;
}

/* An expected line may leave out the stage in front, and the reason behind a verdict. */
static bool same_line(struct line expected, struct line actual)
{
    size_t stage = strspn(actual.text, "0123456789");
    struct line bare = {actual.text + stage + 1, actual.len - stage - 1};
    if (stage > 0 && stage < actual.len && starts(bare, expected) && bare.len == expected.len)
        return true;
    if (!starts(actual, expected))
        return false;
    return actual.len == expected.len || (stage == 0 && actual.text[expected.len] == ':');
}

static bool same_text(const char *expected, const char *actual)
{
    while (*expected != '\0' && *actual != '\0') {
        struct line e = next_line(&expected), a = next_line(&actual);
        if (!same_line(e, a))
            return false;
    }
    return *expected == '\0' && *actual == '\0';
}

static void print_line(struct line l, bool known, const char *mark)
{
    (void)fprintf(stderr, "  %s %.*s\n", known ? " " : mark, (int)l.len, l.text);
}

static void print_expected(const char *expected, const char *actual)
{
    while (*expected != '\0') {
        struct line e = next_line(&expected);
        bool known = false;
        for (const char *rest = actual; *rest != '\0';)
            known = same_line(e, next_line(&rest)) || known;
        print_line(e, known, "-");
    }
}

static void print_actual(const char *expected, const char *actual)
{
    while (*actual != '\0') {
        struct line a = next_line(&actual);
        bool known = false;
        for (const char *rest = expected; *rest != '\0';)
            known = same_line(next_line(&rest), a) || known;
        print_line(a, known, "+");
    }
}

static void compare_text(const char *about, const char *expected, const char *actual)
{
    if (same_text(expected, actual))
        return;
    (void)fprintf(stderr, "%s\nexpected (- is missing from the plan):\n", about);
    print_expected(expected, actual);
    (void)fprintf(stderr, "planned (+ is not expected):\n");
    print_actual(expected, actual);
    fail_msg("the plan is not the expected one");
}

/* ---- one case ---- */

static void guard(const cJSON *figures, struct world *w, struct world_run *run)
{
    struct yq_guard_figures f = {0};
    if (figures == NULL)
        return;
    (void)yq_json_int(figures, "size", &f.size);
    (void)yq_json_int(figures, "last_day", &f.last_day);
    if (yq_guard_apply(run->plan, &w->policy, &f) == 0)
        return;
    struct yq_held_plan *held = yq_held_new();
    yq_held_collect(held, run->plan, run->view);
    yq_held_name(held);
    yq_guard_name(run->plan, held->hash);
    yq_held_free(held);
}

static bool holds_anything(const struct yq_plan *plan)
{
    for (size_t i = 0; i < plan->operation_count; i++) {
        if (plan->operations[i]->held)
            return true;
    }
    return false;
}

static void expect_silence(const struct yq_buf *complaints, const char *what)
{
    if (complaints->len > 0)
        fail_msg("%s:\n%s", what, yq_buf_text(complaints));
}

/* Carries the plan out, asks the oracle, and plans again. */
static void carry_out(struct world *w, const struct yq_plan *plan, const cJSON *tree,
                      struct yq_buf *complaints)
{
    struct world *before = world_clone(w);
    bool held = holds_anything(plan);
    struct yq_buf text = YQ_BUF_INIT;
    (void)world_apply(w, plan, complaints);
    expect_silence(complaints, "eteams refuses");
    if (yq_json_bool(tree, "oracle", true))
        (void)world_judge(before, w, held, complaints);
    expect_silence(complaints, "the oracle says");
    struct world_run again = world_run(w, complaints);
    expect_silence(complaints, "planning again");
    if (yq_json_bool(tree, "again", true) && !held && again.plan->operation_count > 0) {
        yq_plan_text(again.plan, &text);
        fail_msg("the next plan is not empty:\n%s", yq_buf_text(&text));
    }
    world_run_release(&again);
    world_free(before);
}

static void test_case(void **state)
{
    const char *directory = *state;
    char *json = read_whole(directory, "case.json"), *expected = read_whole(directory, "plan.txt");
    struct yq_error err = {0};
    struct yq_buf complaints = YQ_BUF_INIT, text = YQ_BUF_INIT;
    cJSON *tree = yq_json_parse(json, strlen(json), &err);
    struct world *w = world_load(json, strlen(json), &err);
    if (tree == NULL || w == NULL)
        fail_msg("case.json: %s", err.text);
    const cJSON *about = yq_json_get(tree, "about");
    assert_true(cJSON_IsString(about));
    struct world_run run = world_run(w, &complaints);
    expect_silence(&complaints, "planning");
    guard(yq_json_get(tree, "guard"), w, &run);
    yq_plan_text(run.plan, &text);
    compare_text(about->valuestring, expected, yq_buf_text(&text));
    carry_out(w, run.plan, tree, &complaints);
    world_run_release(&run);
    world_free(w);
    cJSON_Delete(tree);
    yq_buf_release(&complaints);
    yq_buf_release(&text);
    free(json);
    free(expected);
}

static int is_case(const struct dirent *entry)
{
    const char *wanted = getenv("YQ_CASE");
    bool numbered = entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    return numbered && (wanted == NULL || strstr(entry->d_name, wanted) != NULL);
}

int main(void)
{
    struct dirent **entries = NULL;
    int count = scandir(CASES, &entries, is_case, alphasort);
    if (count <= 0) {
        (void)fprintf(stderr, "no cases in %s\n", CASES);
        return 1;
    }
    struct CMUnitTest *tests = yq_calloc((size_t)count, sizeof(*tests));
    for (int i = 0; i < count; i++) {
        tests[i].name = entries[i]->d_name;
        tests[i].test_func = test_case;
        tests[i].initial_state = entries[i]->d_name;
    }
    int failed = _cmocka_run_group_tests("plan", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(tests);
    return failed;
}
