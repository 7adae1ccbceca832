/* The plan of a run, in the words of explain: its operations with what they change, then what is
 * said of subjects about which nothing is done. */
#include "plan_words.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store_inspect.h"
#include "explain_words.h"

struct made { /* a department that the plan itself makes */
    UT_hash_handle hh;
    const char *subject, *name;
};

struct telling {
    struct yq_cli *cli;
    const char *id;
    struct yq_arena *arena;
    struct made *made;
};

static const char *text_of(const cJSON *tree, const char *name)
{
    const cJSON *item = yq_json_get(tree, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* ---- departments: nobody knows them by their ids ---- */

static void find_made(struct telling *t, const cJSON *operations)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, operations) {
        const char *op = text_of(item, "op"), *subject = text_of(item, "subject");
        if (op == NULL || subject == NULL || text_of(item, "name") == NULL ||
            strncmp(op, "department.", 11) != 0)
            continue;
        struct made *m = yq_arena_alloc(t->arena, sizeof(*m));
        *m = (struct made){.subject = subject, .name = text_of(item, "name")};
        HASH_ADD_KEYPTR(hh, t->made, subject, strlen(subject), m);
    }
}

static const char *name_of(struct telling *t, const char *department)
{
    char *name = NULL;
    if (department == NULL || department[0] == '\0' ||
        yq_store_read_text(t->cli->redis, &t->cli->keys, t->id, "names", department, &name, NULL) !=
            0 ||
        name == NULL)
        return NULL;
    const char *copy = yq_arena_strdup(t->arena, name);
    free(name);
    return copy;
}

static bool is_department(const char *field)
{
    return strcmp(field, "department") == 0 || strcmp(field, "parent") == 0 ||
           strcmp(field, "post") == 0;
}

/* Where eteams has no record for it yet. */
static void name_of_new(struct telling *t, const cJSON *tree, const char **ret_value,
                        const char **ret_name)
{
    struct made *m;
    int64_t number;
    if (*ret_value != NULL || !yq_json_int(tree, "wecom_department", &number))
        return;
    *ret_value = yq_arena_printf(t->arena, "department:%lld", (long long)number);
    HASH_FIND(hh, t->made, *ret_value, strlen(*ret_value), m);
    *ret_name = m != NULL ? m->name : NULL;
}

static void print_change(struct telling *t, struct yq_explain_change c, const cJSON *after)
{
    if (is_department(c.field)) {
        c.before_name = name_of(t, c.before);
        c.after_name = name_of(t, c.after);
        name_of_new(t, after, &c.after, &c.after_name);
    }
    if (c.before != NULL || c.after != NULL)
        yq_words_print_change(t->cli->out, &c);
}

/* ---- operations ---- */

static void print_head(const struct telling *t, const cJSON *item, const char *op)
{
    FILE *out = t->cli->out;
    const char *subject = text_of(item, "subject"), *name = text_of(item, "name");
    const char *target = text_of(item, "target"), *rule = text_of(item, "rule");
    const char *how = text_of(item, "how"), *words = yq_words_of_planned(op);
    struct yq_reason reason = yq_words_read_reason(item);
    char *why = yq_words_of_reason(&reason);
    if (subject != NULL && name != NULL)
        fprintf(out, _("%s (%s): %s"), subject, name, words);
    else
        fprintf(out, _("%s: %s"), subject != NULL ? subject : target != NULL ? target : "?", words);
    if (subject != NULL && target != NULL)
        fprintf(out, _(", record %s"), target);
    if (how != NULL && strcmp(how, "created") != 0)
        fprintf(out, ", %s", yq_words_of_link(how));
    if (why[0] != '\0')
        fprintf(out, ": %s", why);
    if (rule != NULL && yq_words_of_rule(rule) != NULL)
        fprintf(out, _(" [rule %s: %s]"), rule, yq_words_of_rule(rule));
    else if (rule != NULL && rule[0] == 'D')
        fprintf(out, _(" [decision %s]"), rule + 1);
    if (yq_json_bool(item, "held", false))
        fputs(_(", held by the guard"), out);
    fputs("\n", out);
    free(why);
}

static void print_operation(struct telling *t, const cJSON *item)
{
    const char *op = text_of(item, "op");
    const cJSON *change;
    if (op == NULL)
        return;
    print_head(t, item, op);
    cJSON_ArrayForEach (change, yq_json_get(item, "changes")) {
        const char *field = text_of(change, "field");
        if (field != NULL)
            print_change(t,
                         (struct yq_explain_change){.field = field,
                                                    .before = text_of(change, "before"),
                                                    .after = text_of(change, "after")},
                         change);
    }
    if (strcmp(op, yq_operation_kind_name(YQ_OP_POST_ADD)) == 0)
        print_change(
            t, (struct yq_explain_change){.field = "post", .after = text_of(item, "department")},
            item);
    if (strcmp(op, yq_operation_kind_name(YQ_OP_POST_REMOVE)) == 0)
        print_change(
            t, (struct yq_explain_change){.field = "post", .before = text_of(item, "department")},
            NULL);
    if (text_of(item, "from_userid") != NULL)
        print_change(
            t,
            (struct yq_explain_change){.field = "userid", .before = text_of(item, "from_userid")},
            NULL);
}

/* ---- verdicts ---- */

static void print_verdict(const struct telling *t, const cJSON *item)
{
    const char *subject = text_of(item, "subject"), *word = text_of(item, "verdict");
    struct yq_reason reason = yq_words_read_reason(item);
    const char *words = word != NULL ? yq_words_of_planned_verdict(word) : NULL;
    char *why = yq_words_of_reason(&reason);
    if (subject != NULL && words != NULL && why[0] != '\0')
        fprintf(t->cli->out, _("%s: %s: %s\n"), subject, words, why);
    else if (subject != NULL && (words != NULL || why[0] != '\0'))
        fprintf(t->cli->out, _("%s: %s\n"), subject, words != NULL ? words : why);
    free(why);
}

/* From a worker that is older than we are. */
static void print_lines(struct yq_cli *cli, const cJSON *run)
{
    const cJSON *line;
    cJSON_ArrayForEach (line, yq_json_get(run, "summary")) {
        if (cJSON_IsString(line))
            fprintf(cli->out, "%s\n", line->valuestring);
    }
}

void yq_print_plan(struct yq_cli *cli, const char *id, const cJSON *run)
{
    const cJSON *operations = yq_json_get(run, "operations"), *item;
    struct telling t = {.cli = cli, .id = id, .arena = yq_arena_new()};
    int64_t more = 0;
    find_made(&t, operations);
    cJSON_ArrayForEach (item, operations)
        print_operation(&t, item);
    cJSON_ArrayForEach (item, yq_json_get(run, "verdicts"))
        print_verdict(&t, item);
    if (yq_json_get(run, "verdicts") == NULL)
        print_lines(cli, run);
    if (yq_json_int(run, "more", &more) && more > 0)
        fprintf(cli->out, _("… and %lld lines more\n"), (long long)more);
    HASH_CLEAR(hh, t.made);
    yq_arena_free(t.arena);
}
