/* plans, approve: what the guard holds, and a person's word that it may be done. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "explain_words.h"
#include "plan/held.h"
#include "printing.h"
#include "when.h"

#define NAMES_SHOWN 10

static bool has_expired(const struct yq_cli *cli, const struct yq_held_plan *h)
{
    return yq_wall_ms(cli->clock) - h->at > YQ_HELD_MS;
}

/* *ret is NULL where it is gone, expired, replaced or cannot be read. */
static int load(struct yq_cli *cli, const char *id, const char *hash, struct yq_held_plan **ret,
                struct yq_error *err)
{
    char *json = NULL;
    *ret = NULL;
    if (yq_store_read_plan(cli->redis, &cli->keys, id, hash, &json, err) != 0)
        return -1;
    struct yq_held_plan *h = json != NULL ? yq_held_read(json, strlen(json), NULL) : NULL;
    free(json);
    if (h != NULL && (h->replaced_by != NULL || has_expired(cli, h))) {
        yq_held_free(h);
        h = NULL;
    }
    *ret = h;
    return 0;
}

/* ---- JSON ---- */

static void add_text(cJSON *object, const char *name, const char *value)
{
    if (value != NULL)
        cJSON_AddStringToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static cJSON *row_as_json(const struct yq_held_row *row)
{
    char subject[YQ_SUBJECT_MAX];
    cJSON *object = cJSON_CreateObject();
    yq_subject_format(&row->subject, subject);
    cJSON_AddStringToObject(object, "op", yq_operation_kind_name(row->kind));
    cJSON_AddStringToObject(object, "rule", row->rule);
    cJSON_AddStringToObject(object, "subject", subject);
    add_text(object, "target", row->target);
    add_text(object, "name", row->name);
    cJSON_AddBoolToObject(object, "counted", row->counted);
    return object;
}

static cJSON *plan_as_json(const struct yq_held_plan *h)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "hash", h->hash);
    cJSON_AddNumberToObject(object, "at_ms", (double)h->at);
    cJSON_AddNumberToObject(object, "expires_ms", (double)(h->at + YQ_HELD_MS));
    cJSON_AddStringToObject(object, "run", h->run);
    cJSON_AddNumberToObject(object, "people", (double)h->people);
    cJSON *rows = cJSON_AddArrayToObject(object, "operations");
    for (size_t i = 0; i < h->row_count; i++)
        cJSON_AddItemToArray(rows, row_as_json(h->rows[i]));
    return object;
}

/* ---- for people ---- */

/* The caller's. */
static char *words_of_row(const struct yq_held_row *row)
{
    const char *words = yq_words_of_planned(yq_operation_kind_name(row->kind));
    if (row->kind == YQ_OP_MEMBER_RESIGN)
        words = _("resign");
    else if (row->counted)
        words = _("move to the root");
    else
        return yq_printf(_("%s: %s"), _("goes with the others"), words);
    return yq_strdup(words);
}

static void print_rows(struct yq_cli *cli, const struct yq_held_plan *h)
{
    struct yq_table t = {.columns = 4};
    const char *const heads[] = {_("SUBJECT"), _("NAME"), _("RECORD"), _("WHAT")};
    for (size_t i = 0; i < t.columns; i++)
        yq_table_add(&t, heads[i]);
    for (size_t i = 0; i < h->row_count; i++) {
        const struct yq_held_row *row = h->rows[i];
        char subject[YQ_SUBJECT_MAX];
        yq_subject_format(&row->subject, subject);
        yq_table_add(&t, subject);
        yq_table_add(&t, row->name != NULL ? row->name : "-");
        yq_table_add(&t, row->target != NULL ? row->target : "-");
        char *words = words_of_row(row);
        yq_table_add(&t, words);
        free(words);
    }
    yq_table_print(&t, cli->out);
    yq_table_release(&t);
}

static void print_approval(struct yq_cli *cli, const char *id, const struct yq_held_plan *h)
{
    char when[YQ_WHEN_MAX];
    fprintf(cli->out, _("until %s: yunqiao approve %s %s\n"),
            yq_when_show(h->at + YQ_HELD_MS, when), id, h->hash);
}

static void print_names(const struct yq_held_plan *h, FILE *out)
{
    size_t named = 0;
    for (size_t i = 0; i < h->row_count && named < NAMES_SHOWN; i++) {
        const struct yq_held_row *row = h->rows[i];
        if (!row->counted)
            continue;
        fprintf(out, "%s%s", named ? ", " : "  ",
                row->name != NULL ? row->name : strchr(row->key, ':') + 1);
        named++;
    }
    fputs(h->people > named ? ", …\n" : "\n", out);
}

static void print_plan(struct yq_cli *cli, const char *id, const struct yq_held_plan *h)
{
    char when[YQ_WHEN_MAX];
    fprintf(cli->out, _("%s  held since %s, people: %zu\n"), h->hash, yq_when_show(h->at, when),
            h->people);
    print_names(h, cli->out);
    fputs("  ", cli->out);
    print_approval(cli, id, h);
}

static enum yq_exit list_plans(struct yq_cli *cli, const char *id)
{
    struct yq_pairs hashes = {0};
    struct yq_error err = {0};
    size_t count = 0;
    cJSON *list = cJSON_CreateArray();
    int done = yq_store_read_hash(cli->redis, &cli->keys, id, "held", &hashes, &err);
    for (size_t i = 0; i < hashes.count && done == 0; i++) {
        struct yq_held_plan *h = NULL;
        done = load(cli, id, hashes.items[i].name, &h, &err);
        if (h != NULL && cli->json)
            cJSON_AddItemToArray(list, plan_as_json(h));
        else if (h != NULL)
            print_plan(cli, id, h);
        count += h != NULL;
        yq_held_free(h);
    }
    yq_pairs_release(&hashes);
    if (done == 0 && cli->json) {
        yq_print_json(list, cli->out);
        return YQ_EXIT_DONE;
    }
    cJSON_Delete(list);
    if (done != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (count == 0)
        fputs(_("nothing is held\n"), cli->out);
    return YQ_EXIT_DONE;
}

static enum yq_exit show_plan(struct yq_cli *cli, const char *id, const char *hash)
{
    struct yq_held_plan *h = NULL;
    struct yq_error err = {0};
    if (load(cli, id, hash, &h, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    if (h == NULL)
        return yq_cli_fail(cli, _("%s holds no plan %.40s"), id, hash);
    if (cli->json) {
        yq_print_json(plan_as_json(h), cli->out);
    } else {
        print_rows(cli, h);
        print_approval(cli, id, h);
    }
    yq_held_free(h);
    return YQ_EXIT_DONE;
}

static bool is_hash(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

enum yq_exit yq_command_plans(struct yq_cli *cli, int argc, char **argv)
{
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){1, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (argc == 2 && !is_hash(argv[1]))
        return yq_cli_usage(cli, _("\"%.80s\" is no hash of a plan"), argv[1]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    return argc == 2 ? show_plan(cli, argv[0], argv[1]) : list_plans(cli, argv[0]);
}

enum yq_exit yq_command_approve(struct yq_cli *cli, int argc, char **argv)
{
    bool no_wait = false;
    const struct yq_argument known[] = {{"--no-wait", NULL, &no_wait}, {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){2, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (!is_hash(argv[1]))
        return yq_cli_usage(cli, _("\"%.80s\" is no hash of a plan"), argv[1]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    return yq_cli_order(cli, argv[0],
                        &(struct yq_order){.kind = YQ_EVENT_COMMAND_APPROVE,
                                           .subject = yq_subject_all(),
                                           .field = "hash",
                                           .value = argv[1],
                                           .no_wait = no_wait});
}
