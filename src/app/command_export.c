/* events export, links export: what another installation can take in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "base/arena.h"
#include "base/json.h"
#include "clients/queue.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "filter.h"
#include "model/link.h"

#define PAGE 500

struct exporting {
    struct yq_cli *cli;
    const char *id;
    struct yq_archive_writer *archive;
    struct yq_buf line;
    size_t unreadable;
};

static void begin(struct exporting *x, const char *what)
{
    x->archive = yq_archive_begin(x->cli->out, what, x->id);
}

/* What was said so far may be half of it: then without the last line, by which that is known. */
static enum yq_exit finish(struct exporting *x, int rc, struct yq_error *err)
{
    enum yq_exit status = YQ_EXIT_DONE;
    if (rc == 0)
        rc = yq_archive_end(x->archive, err);
    if (rc != 0)
        status = yq_cli_fail(x->cli, "%s", err->text);
    else
        fprintf(x->cli->err, _("exported: %zu\n"), yq_archive_count(x->archive));
    if (x->unreadable > 0)
        fprintf(x->cli->err, _("left out: %zu that cannot be read\n"), x->unreadable);
    yq_archive_writer_free(x->archive);
    yq_buf_release(&x->line);
    return status;
}

/* JSON on one line, whoever wrote it. */
static bool add_json(struct yq_buf *out, const char *text)
{
    cJSON *tree = yq_json_parse(text, strlen(text), NULL);
    char *line = tree != NULL ? cJSON_PrintUnformatted(tree) : NULL;
    if (line != NULL)
        yq_buf_adds(out, line);
    cJSON_free(line);
    cJSON_Delete(tree);
    return line != NULL;
}

/* ---- events ---- */

static void add_event(struct exporting *x, const struct yq_delivery *d)
{
    char subject[YQ_SUBJECT_MAX];
    struct yq_buf *line = &x->line;
    yq_buf_clear(line);
    if (!d->broken) {
        yq_subject_format(&d->subject, subject);
        yq_buf_addf(line, "{\"entry\":\"%s\",\"kind\":\"%s\",\"subject\":", d->entry,
                    yq_event_kind_name(d->kind));
        yq_buf_add_json_string(line, subject);
        yq_buf_adds(line, ",\"source\":");
        yq_buf_add_json_string(line, d->source);
        yq_buf_addf(line, ",\"at\":%" PRId64 ",\"digest\":", d->at);
        yq_buf_add_json_string(line, d->digest);
        yq_buf_adds(line, ",\"raw\":");
        yq_buf_add_json_string(line, d->raw);
        yq_buf_adds(line, ",\"data\":");
    }
    if (!d->broken && add_json(line, d->data))
        yq_archive_add(x->archive, line);
    else
        x->unreadable++;
}

static int export_events(struct exporting *x, const struct yq_event_filter *f, struct yq_error *err)
{
    char from[YQ_ENTRY_MAX + 1];
    size_t count = PAGE;
    int rc = 0;
    (void)snprintf(from, sizeof(from), "%s", f->first[0] != '\0' ? f->first : "-");
    while (rc == 0 && count == PAGE) {
        struct yq_deliveries page = {0};
        rc = yq_queue_range(x->cli->redis, &x->cli->keys, x->id, from,
                            f->last[0] != '\0' ? f->last : "+", false, PAGE, &page, err);
        count = page.count;
        for (size_t i = 0; i < count; i++) {
            const struct yq_delivery *d = &page.items[i];
            if (yq_event_filter_takes(f, d->entry, d->kind, &d->subject, d->broken))
                add_event(x, d);
        }
        if (count > 0)
            (void)snprintf(from, sizeof(from), "(%s", page.items[count - 1].entry);
        yq_deliveries_release(&page);
    }
    return rc;
}

enum yq_exit yq_command_events_export(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_filter_options options = {0};
    struct yq_event_filter filter;
    const struct yq_argument known[] = {YQ_FILTER_ARGUMENTS(&options), {NULL, NULL, NULL}};
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_filter_parse(&options, yq_wall_ms(cli->clock), &filter, &err) != 0)
        return yq_cli_usage(cli, "%s", err.text);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    struct exporting x = {.cli = cli, .id = argv[0]};
    begin(&x, "events");
    return finish(&x, export_events(&x, &filter, &err), &err);
}

/* ---- links ---- */

static int export_links(struct exporting *x, const char *kind, struct yq_error *err)
{
    struct yq_pairs pairs = {0};
    char name[32];
    (void)snprintf(name, sizeof(name), "link:%s", kind);
    if (yq_store_read_hash(x->cli->redis, &x->cli->keys, x->id, name, &pairs, err) != 0)
        return -1;
    for (size_t i = 0; i < pairs.count; i++) {
        yq_buf_clear(&x->line);
        yq_buf_addf(&x->line, "{\"kind\":\"%s\",\"key\":", kind);
        yq_buf_add_json_string(&x->line, pairs.items[i].name);
        yq_buf_adds(&x->line, ",\"link\":");
        if (add_json(&x->line, pairs.items[i].value))
            yq_archive_add(x->archive, &x->line);
        else
            x->unreadable++;
    }
    yq_pairs_release(&pairs);
    return 0;
}

enum yq_exit yq_command_links_export(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    struct exporting x = {.cli = cli, .id = argv[0]};
    begin(&x, "links");
    int rc = export_links(&x, "department", &err);
    if (rc == 0)
        rc = export_links(&x, "member", &err);
    return finish(&x, rc, &err);
}
