/* doctor: is all well, and if not, what is to be done? */
#include <stdlib.h>

#include "base/memory.h"
#include "doctor.h"
#include "printing.h"

#define LEVEL_WIDTH 5 /* columns */

void yq_doctor_find(struct yq_doctor *d, const struct yq_finding *f)
{
    yq_grow(&d->findings, &d->capacity, d->count, sizeof(*d->findings));
    d->findings[d->count++] = *f;
}

static size_t count_faults(const struct yq_doctor *d)
{
    size_t faults = 0;
    for (size_t i = 0; i < d->count; i++)
        faults += d->findings[i].level == YQ_FINDING_FAULT;
    return faults;
}

static void check(struct yq_doctor *d, const struct yq_connection_settings *connections,
                  size_t count)
{
    yq_doctor_check_redis(d);
    yq_doctor_check_workers(d);
    for (size_t i = 0; i < count; i++) {
        yq_doctor_check_peers(d, &connections[i]);
        yq_doctor_check_standing(d, &connections[i]);
    }
}

/* ---- for people ---- */

static void print_finding(const struct yq_finding *f, FILE *out)
{
    const char *const levels[] = {_("ok"), _("note"), _("FAULT")};
    size_t width = yq_text_width(levels[f->level]);
    fprintf(out, "%s%*s  ", levels[f->level], width < LEVEL_WIDTH ? LEVEL_WIDTH - (int)width : 0,
            "");
    if (f->connection != NULL)
        fprintf(out, "%s: ", f->connection);
    fprintf(out, "%s\n", f->text);
    if (f->advice != NULL)
        fprintf(out, "%*s  → %s\n", LEVEL_WIDTH, "", f->advice);
}

static void print_all(struct yq_doctor *d, const struct yq_connection_settings *connections,
                      size_t count)
{
    size_t faults = count_faults(d);
    for (size_t i = 0; i < d->count; i++)
        print_finding(&d->findings[i], d->cli->out);
    for (size_t i = 0; i < count; i++)
        yq_doctor_print_fields(d, &connections[i]);
    if (faults == 0)
        fputs(_("\nall is well\n"), d->cli->out);
    else
        fprintf(d->cli->out, _("\nfaults: %zu\n"), faults);
}

/* ---- JSON ---- */

static cJSON *finding_as_json(const struct yq_finding *f)
{
    static const char *const levels[] = {"ok", "note", "fault"};
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "level", levels[f->level]);
    cJSON_AddStringToObject(object, "part", f->part);
    if (f->connection != NULL)
        cJSON_AddStringToObject(object, "connection", f->connection);
    cJSON_AddStringToObject(object, "text", f->text);
    if (f->advice != NULL)
        cJSON_AddStringToObject(object, "advice", f->advice);
    return object;
}

static void print_all_json(struct yq_doctor *d, const struct yq_connection_settings *connections,
                           size_t count)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddBoolToObject(root, "ok", count_faults(d) == 0);
    cJSON *findings = cJSON_AddArrayToObject(root, "findings");
    for (size_t i = 0; i < d->count; i++)
        cJSON_AddItemToArray(findings, finding_as_json(&d->findings[i]));
    cJSON *list = cJSON_AddArrayToObject(root, "connections");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, yq_doctor_fields_as_json(d, &connections[i]));
    yq_print_json(root, d->cli->out);
}

/* ---- the command ---- */

static void release(struct yq_doctor *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->findings[i].text);
        free(d->findings[i].advice);
    }
    free(d->findings);
    yq_http_free(d->http);
}

enum yq_exit yq_command_doctor(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_doctor d = {.cli = cli};
    const struct yq_connection_settings *chosen;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){0, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0)
        return YQ_EXIT_FAILED;
    size_t count = argc == 1 ? 1 : cli->settings->connection_count;
    chosen = argc == 1 ? yq_cli_connection(cli, argv[0]) : cli->settings->connections;
    if (chosen == NULL)
        return YQ_EXIT_FAILED;
    d.http = yq_http_new();
    check(&d, chosen, count);
    enum yq_exit status = count_faults(&d) == 0 ? YQ_EXIT_DONE : YQ_EXIT_FAILED;
    if (cli->json)
        print_all_json(&d, chosen, count);
    else
        print_all(&d, chosen, count);
    release(&d);
    return status;
}
