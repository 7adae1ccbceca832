/* events list, events show: what stands in a connection's stream. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "clients/queue.h"
#include "clients/store_inspect.h"
#include "commands.h"
#include "filter.h"
#include "mask.h"
#include "printing.h"
#include "when.h"

#define PAGE 500
#define FOLLOW_US 300000 /* between two looks at the end of the stream */

struct filter {
    struct yq_filter_options options;
    const char *state, *limit;
    struct yq_event_filter wanted;
    long most;
};

static const char *state_name(enum yq_entry_state state)
{
    static const char *const names[] = {
        [YQ_ENTRY_WAITING] = "waiting", [YQ_ENTRY_PENDING] = "pending", [YQ_ENTRY_DONE] = "done"};
    return names[state];
}

/* Turns the options into what is compared with. */
static int set_filter(struct filter *f, int64_t now_ms, struct yq_error *err)
{
    char *end = NULL;
    if (f->state != NULL && strcmp(f->state, "all") != 0 && strcmp(f->state, "waiting") != 0 &&
        strcmp(f->state, "pending") != 0 && strcmp(f->state, "done") != 0)
        return yq_error_set(err, YQ_ERROR_INVALID,
                            _("--state is all, waiting, pending (waiting ones, too) or done"));
    f->most = f->limit != NULL ? strtol(f->limit, &end, 10) : 50;
    if (f->most < 1 || f->most > 1000000 || (end != NULL && *end != '\0'))
        return yq_error_set(err, YQ_ERROR_INVALID, _("--limit is a number from 1 to 1000000"));
    return yq_filter_parse(&f->options, now_ms, &f->wanted, err);
}

static bool matches(const struct filter *f, const struct yq_delivery *d, enum yq_entry_state state)
{
    bool open = state != YQ_ENTRY_DONE;
    if (!yq_event_filter_takes(&f->wanted, d->entry, d->kind, &d->subject, d->broken))
        return false;
    if (f->state == NULL || strcmp(f->state, "all") == 0)
        return true;
    if (strcmp(f->state, "waiting") == 0)
        return state == YQ_ENTRY_WAITING;
    return open == (strcmp(f->state, "pending") == 0);
}

struct listing {
    struct yq_cli *cli;
    const char *id;
    struct filter filter;
    struct yq_queue_progress progress;
    struct yq_table table;
    cJSON *json;
    long found;
    bool follow;                 /* as lines, the oldest first, then those that come */
    char from[YQ_ENTRY_MAX + 1]; /* the next one; "(" in front: behind it */
};

static void list_json(struct listing *l, const struct yq_delivery *d, const char *subject,
                      const char *state)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "entry", d->entry);
    cJSON_AddNumberToObject(item, "queued_ms", (double)d->queued_ms);
    cJSON_AddNumberToObject(item, "at", (double)d->at);
    cJSON_AddStringToObject(item, "state", state);
    cJSON_AddStringToObject(item, "kind", d->broken ? "broken" : yq_event_kind_name(d->kind));
    cJSON_AddStringToObject(item, "subject", subject);
    cJSON_AddStringToObject(item, "source", d->source != NULL ? d->source : "");
    cJSON_AddItemToArray(l->json, item);
}

static void list_one(struct listing *l, const struct yq_delivery *d)
{
    enum yq_entry_state state = yq_entry_state_of(&l->progress, d->entry);
    char subject[YQ_SUBJECT_MAX] = "?", when[YQ_WHEN_MAX];
    if (l->found >= l->filter.most || !matches(&l->filter, d, state))
        return;
    l->found++;
    if (l->follow) { /* where to begin; shown afterwards, in their order */
        (void)snprintf(l->from, sizeof(l->from), "%s", d->entry);
        return;
    }
    if (!d->broken)
        yq_subject_format(&d->subject, subject);
    if (l->json != NULL) {
        list_json(l, d, subject, state_name(state));
        return;
    }
    yq_table_add(&l->table, d->entry);
    yq_table_add(&l->table, yq_when_show(d->queued_ms, when));
    yq_table_add(&l->table, state_name(state));
    yq_table_add(&l->table, d->broken ? _("unreadable") : yq_event_kind_name(d->kind));
    yq_table_add(&l->table, subject);
    yq_table_add(&l->table, d->source != NULL ? d->source : "");
}

/* Page by page from the newest, until enough are found. */
static int list_pages(struct listing *l, struct yq_error *err)
{
    const struct yq_event_filter *f = &l->filter.wanted;
    char last[YQ_ENTRY_MAX + 1];
    snprintf(last, sizeof(last), "%s", f->last[0] != '\0' ? f->last : "+");
    size_t got = PAGE;
    while (got == PAGE && l->found < l->filter.most) {
        struct yq_deliveries page = {0};
        if (yq_queue_range(l->cli->redis, &l->cli->keys, l->id,
                           f->first[0] != '\0' ? f->first : "-", last, true, PAGE, &page, err) != 0)
            return -1;
        got = page.count;
        for (size_t i = 0; i < got; i++)
            list_one(l, &page.items[i]);
        if (got > 0)
            snprintf(last, sizeof(last), "(%s", page.items[got - 1].entry);
        yq_deliveries_release(&page);
    }
    return 0;
}

static enum yq_exit print_listing(struct listing *l)
{
    const char *const heads[] = {_("ENTRY"), _("TIME"),    _("STATE"),
                                 _("KIND"),  _("SUBJECT"), _("SOURCE")};
    struct yq_error err = {0};
    l->json = l->cli->json ? cJSON_CreateArray() : NULL;
    l->table.columns = 6;
    for (size_t i = 0; i < 6; i++)
        yq_table_add(&l->table, heads[i]);
    int result = yq_queue_read_progress(l->cli->redis, &l->cli->keys, l->id, &l->progress, &err);
    if (result == 0)
        result = list_pages(l, &err);
    if (result == 0 && l->json != NULL) {
        yq_print_json(l->json, l->cli->out);
        l->json = NULL;
    } else if (result == 0 && l->found > 0) {
        yq_table_print(&l->table, l->cli->out);
    } else if (result == 0) {
        fputs(_("no such events\n"), l->cli->out);
    }
    cJSON_Delete(l->json);
    yq_table_release(&l->table);
    yq_queue_progress_release(&l->progress);
    return result == 0 ? YQ_EXIT_DONE : yq_cli_fail(l->cli, "%s", err.text);
}

/* ---- following ---- */

static void pad(FILE *out, const char *text, size_t width)
{
    fputs(text, out);
    for (size_t w = yq_text_width(text); w < width; w++)
        fputc(' ', out);
    fputs("  ", out);
}

static void follow_one(struct listing *l, const struct yq_delivery *d)
{
    char subject[YQ_SUBJECT_MAX] = "?", when[YQ_WHEN_MAX];
    const char *state = state_name(yq_entry_state_of(&l->progress, d->entry));
    if (!d->broken)
        yq_subject_format(&d->subject, subject);
    if (l->cli->json) {
        l->json = cJSON_CreateArray();
        list_json(l, d, subject, state);
        yq_print_json(cJSON_DetachItemFromArray(l->json, 0), l->cli->out);
        cJSON_Delete(l->json);
        l->json = NULL;
        return;
    }
    FILE *out = l->cli->out;
    pad(out, d->entry, 17);
    pad(out, yq_when_show(d->queued_ms, when), 19);
    pad(out, state, 7);
    pad(out, d->broken ? _("unreadable") : yq_event_kind_name(d->kind), 18);
    pad(out, subject, 24);
    fprintf(out, "%s\n", d->source != NULL ? d->source : "");
}

/* Those from l->from, which moves on. */
static int follow_new(struct listing *l, struct yq_error *err)
{
    size_t count = PAGE;
    int rc = 0;
    while (rc == 0 && count == PAGE) {
        struct yq_deliveries page = {0};
        rc = yq_queue_range(l->cli->redis, &l->cli->keys, l->id, l->from, "+", false, PAGE, &page,
                            err);
        count = page.count;
        if (rc == 0 && count > 0) {
            yq_queue_progress_release(&l->progress);
            rc = yq_queue_read_progress(l->cli->redis, &l->cli->keys, l->id, &l->progress, err);
        }
        for (size_t i = 0; i < count && rc == 0; i++) {
            const struct yq_delivery *d = &page.items[i];
            if (matches(&l->filter, d, yq_entry_state_of(&l->progress, d->entry)))
                follow_one(l, d);
            (void)snprintf(l->from, sizeof(l->from), "(%s", d->entry);
        }
        yq_deliveries_release(&page);
    }
    return rc;
}

/* Begins with the last ones that were there, and ends when it is told to, or nobody reads. */
static enum yq_exit follow(struct listing *l)
{
    struct yq_error err = {0};
    char last[YQ_ENTRY_MAX];
    int rc = yq_store_last_entry(l->cli->redis, &l->cli->keys, l->id, "events", last, &err);
    (void)snprintf(l->from, sizeof(l->from), "(%s", last);
    if (rc == 0)
        rc = yq_queue_read_progress(l->cli->redis, &l->cli->keys, l->id, &l->progress, &err);
    if (rc == 0)
        rc = list_pages(l, &err);
    while (rc == 0) {
        rc = follow_new(l, &err);
        if (fflush(l->cli->out) != 0)
            break;
        (void)usleep(FOLLOW_US);
    }
    yq_queue_progress_release(&l->progress);
    return rc == 0 ? YQ_EXIT_DONE : yq_cli_fail(l->cli, "%s", err.text);
}

enum yq_exit yq_command_events_list(struct yq_cli *cli, int argc, char **argv)
{
    struct listing l = {.cli = cli};
    const struct yq_argument known[] = {YQ_FILTER_ARGUMENTS(&l.filter.options),
                                        {"--state", &l.filter.state, NULL},
                                        {"--limit", &l.filter.limit, NULL},
                                        {"-f", NULL, &l.follow},
                                        {NULL, NULL, NULL}};
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    if (l.follow && l.filter.options.to != NULL)
        return yq_cli_usage(cli, "%s", _("-f goes on without end: no --to"));
    if (l.follow && l.filter.state != NULL) /* an event has every state in its time */
        return yq_cli_usage(cli, "%s", _("-f shows events as they come in: no --state"));
    if (set_filter(&l.filter, yq_wall_ms(cli->clock), &err) != 0)
        return yq_cli_usage(cli, "%s", err.text);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    l.id = argv[0];
    return (l.follow ? follow : print_listing)(&l);
}

/* ---- one event ---- */

static cJSON *shown_data(const char *data, bool reveal)
{
    cJSON *tree = yq_json_or_text(data != NULL ? data : "{}");
    if (!reveal)
        yq_mask_json(tree);
    return tree;
}

static char *shown_raw(const char *raw, bool reveal)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (reveal)
        yq_buf_adds(&text, raw != NULL ? raw : "");
    else
        yq_mask_text(raw != NULL ? raw : "", &text);
    return yq_buf_steal(&text);
}

static void print_event_json(struct yq_cli *cli, const struct yq_delivery *d, cJSON *data,
                             const char *raw, const char *state)
{
    char subject[YQ_SUBJECT_MAX] = "";
    cJSON *root = cJSON_CreateObject();
    if (!d->broken)
        yq_subject_format(&d->subject, subject);
    cJSON_AddStringToObject(root, "entry", d->entry);
    cJSON_AddNumberToObject(root, "queued_ms", (double)d->queued_ms);
    cJSON_AddNumberToObject(root, "at", (double)d->at);
    cJSON_AddStringToObject(root, "state", state);
    cJSON_AddStringToObject(root, "kind", d->broken ? "broken" : yq_event_kind_name(d->kind));
    cJSON_AddStringToObject(root, "subject", subject);
    cJSON_AddStringToObject(root, "source", d->source != NULL ? d->source : "");
    cJSON_AddStringToObject(root, "digest", d->digest != NULL ? d->digest : "");
    cJSON_AddItemToObject(root, "data", data);
    cJSON_AddStringToObject(root, "raw", raw);
    yq_print_json(root, cli->out);
}

static void print_event(struct yq_cli *cli, const struct yq_delivery *d, cJSON *data,
                        const char *raw, const char *state)
{
    char subject[YQ_SUBJECT_MAX] = "?", when[YQ_WHEN_MAX];
    if (!d->broken)
        yq_subject_format(&d->subject, subject);
    fprintf(cli->out, _("entry    %s\n"), d->entry);
    fprintf(cli->out, _("queued   %s\n"), yq_when_show(d->queued_ms, when));
    fprintf(cli->out, _("happened %s\n"), yq_when_show(d->at * 1000, when));
    fprintf(cli->out, _("state    %s\n"), state);
    fprintf(cli->out, _("kind     %s\n"),
            d->broken ? _("unreadable") : yq_event_kind_name(d->kind));
    fprintf(cli->out, _("subject  %s\n"), subject);
    fprintf(cli->out, _("source   %s\n"), d->source != NULL ? d->source : "");
    fprintf(cli->out, _("digest   %s\n"), d->digest != NULL ? d->digest : "");
    char *text = cJSON_Print(data);
    fprintf(cli->out, _("data     %s\n"), text != NULL ? text : "");
    fprintf(cli->out, _("raw      %s\n"), raw);
    cJSON_free(text);
    cJSON_Delete(data);
}

static enum yq_exit show_event(struct yq_cli *cli, const char *id, const char *entry, bool reveal)
{
    struct yq_deliveries found = {0};
    struct yq_queue_progress progress = {0};
    struct yq_error err = {0};
    enum yq_exit status = YQ_EXIT_DONE;
    if (yq_queue_range(cli->redis, &cli->keys, id, entry, entry, false, 1, &found, &err) != 0 ||
        yq_queue_read_progress(cli->redis, &cli->keys, id, &progress, &err) != 0) {
        status = yq_cli_fail(cli, "%s", err.text);
    } else if (found.count == 0) {
        status = yq_cli_fail(
            cli, _("%s has no event %s: never had, or it is older than the retention time"), id,
            entry);
    } else {
        const struct yq_delivery *d = &found.items[0];
        const char *state = state_name(yq_entry_state_of(&progress, d->entry));
        char *raw = shown_raw(d->raw, reveal);
        (cli->json ? print_event_json : print_event)(cli, d, shown_data(d->data, reveal), raw,
                                                     state);
        free(raw);
    }
    yq_deliveries_release(&found);
    yq_queue_progress_release(&progress);
    return status;
}

enum yq_exit yq_command_events_show(struct yq_cli *cli, int argc, char **argv)
{
    bool reveal = false;
    const struct yq_argument known[] = {{"--reveal", NULL, &reveal}, {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){2, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (!yq_is_entry_id(argv[1]))
        return yq_cli_usage(cli, _("\"%.60s\" is no entry id"), argv[1]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    return show_event(cli, argv[0], argv[1], reveal);
}
