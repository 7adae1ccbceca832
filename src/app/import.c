/* Reading an export line by line; bad ones are told by their number. */
#include "import.h"

#include "printing.h"

#define TOLD_MAX 20 /* bad lines that are named; the rest is counted */

static void tell_bad(struct yq_import *m, const struct yq_error *why)
{
    if (m->bad++ < TOLD_MAX)
        fprintf(m->cli->err, "%s\n", why->text);
    else if (m->bad == TOLD_MAX + 1)
        fputs(_("…\n"), m->cli->err);
}

int yq_import_refuse(const struct yq_import *m, struct yq_error *err, const char *why)
{
    return yq_error_set(err, YQ_ERROR_INVALID, _("line %ld: %s"), yq_archive_line(m->archive), why);
}

int yq_import_each(struct yq_import *m, yq_import_take *take, struct yq_error *err)
{
    const cJSON *record = NULL;
    enum yq_archive_result got;
    while ((got = yq_archive_next(m->archive, &record, err)) != YQ_ARCHIVE_END) {
        if (got == YQ_ARCHIVE_RECORD && take(m, record, err) == 0)
            continue;
        if (got == YQ_ARCHIVE_RECORD && err->kind != YQ_ERROR_INVALID)
            return -1;
        tell_bad(m, err);
    }
    return 0;
}

enum yq_exit yq_import_begin(struct yq_import *m, const char *what, int argc, char **argv)
{
    struct yq_error err = {0};
    if (yq_cli_arguments(m->cli, NULL, &argc, argv, (int[]){2, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(m->cli) != 0 || yq_cli_connection(m->cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    m->id = argv[0];
    m->archive = yq_archive_open(argv[1], what, &err);
    return m->archive != NULL ? YQ_EXIT_DONE : yq_cli_fail(m->cli, "%s", err.text);
}

void yq_import_print(const struct yq_import *m)
{
    if (m->cli->json) {
        cJSON *root = cJSON_CreateObject();
        cJSON_AddNumberToObject(root, "imported", (double)m->taken);
        cJSON_AddNumberToObject(root, "left_out", (double)m->left_out);
        cJSON_AddNumberToObject(root, "bad", (double)m->bad);
        yq_print_json(root, m->cli->out);
        return;
    }
    fprintf(m->cli->out, _("imported: %zu, left out: %zu, bad lines: %zu\n"), m->taken, m->left_out,
            m->bad);
}
