/* dead list, retry, drop: what was given up, and what a person decides about it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/letters.h"
#include "commands.h"
#include "filter.h"
#include "mask.h"
#include "printing.h"
#include "when.h"

#define LIST_MAX 50 /* unless --limit says another number */

struct item { /* of one letter, what outlives its page */
    char entry[YQ_ENTRY_MAX], event[YQ_ENTRY_MAX];
    char subject[YQ_SUBJECT_MAX], key[YQ_SUBJECT_MAX]; /* "" where the event cannot be read */
    enum yq_event_kind kind;
    bool broken;
    unsigned attempts, deaths;
    int64_t dead_ms;
    char *error;
};

struct choice { /* the letters that a command is about, oldest first */
    struct yq_cli *cli;
    const char *id;
    struct yq_filter_options options;
    struct yq_event_filter filter;
    char **events; /* named one by one; none: the filter alone decides */
    size_t event_count;
    struct item *items;
    size_t count, capacity;
};

static void release(struct choice *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->items[i].error);
    free(c->items);
}

static bool is_named(const struct choice *c, const char *event)
{
    for (size_t i = 0; i < c->event_count; i++) {
        if (yq_entry_compare(c->events[i], event) == 0)
            return true;
    }
    return c->event_count == 0;
}

static bool take(void *context, const struct yq_letter *l)
{
    struct choice *c = context;
    struct yq_buf error = YQ_BUF_INIT;
    if (!is_named(c, l->event))
        return true;
    yq_grow(&c->items, &c->capacity, c->count, sizeof(*c->items));
    struct item *item = &c->items[c->count++];
    *item = (struct item){.kind = l->kind,
                          .broken = l->broken,
                          .attempts = l->attempts,
                          .deaths = l->deaths,
                          .dead_ms = l->dead_ms};
    snprintf(item->entry, sizeof(item->entry), "%s", l->entry);
    snprintf(item->event, sizeof(item->event), "%s", l->event);
    if (!l->broken) {
        yq_subject_format(&l->subject, item->subject);
        yq_subject_key(&l->subject, item->key);
    }
    yq_mask_text(l->error, &error);
    item->error = yq_buf_steal(&error);
    return true;
}

static bool is_there(const struct choice *c, const char *event)
{
    for (size_t i = 0; i < c->count; i++) {
        if (yq_entry_compare(c->items[i].event, event) == 0)
            return true;
    }
    return false;
}

/* Fills the items. Whoever names a letter that is not there has mistaken something: then nothing is
 * done at all. */
static enum yq_exit choose(struct choice *c)
{
    struct yq_error err = {0};
    if (yq_letters_each(c->cli->redis, &c->cli->keys, c->id, &c->filter, take, c, &err) != 0)
        return yq_cli_fail(c->cli, "%s", err.text);
    for (size_t i = 0; i < c->event_count; i++) {
        if (!is_there(c, c->events[i]))
            return yq_cli_fail(c->cli, _("%s has no dead letter %s"), c->id, c->events[i]);
    }
    return YQ_EXIT_DONE;
}

/* ---- list ---- */

static const char *kind_of(const struct item *item)
{
    return item->broken ? "broken" : yq_event_kind_name(item->kind);
}

static cJSON *as_json(const struct item *item)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", item->event);
    cJSON_AddNumberToObject(object, "dead_ms", (double)item->dead_ms);
    cJSON_AddStringToObject(object, "kind", kind_of(item));
    cJSON_AddStringToObject(object, "subject", item->subject);
    cJSON_AddNumberToObject(object, "attempts", item->attempts);
    cJSON_AddNumberToObject(object, "deaths", item->deaths);
    cJSON_AddStringToObject(object, "error", item->error);
    return object;
}

static void add_row(struct yq_table *t, const struct item *item)
{
    char when[YQ_WHEN_MAX];
    yq_table_add(t, item->event);
    yq_table_add(t, yq_when_show(item->dead_ms, when));
    yq_table_add(t, item->broken ? _("unreadable") : kind_of(item));
    yq_table_add(t, item->broken ? "?" : item->subject);
    yq_table_add_number(t, item->attempts);
    yq_table_add(t, item->error);
}

static void print_list(const struct choice *c, size_t most)
{
    const char *const heads[] = {_("EVENT"),   _("SET ASIDE"), _("KIND"),
                                 _("SUBJECT"), _("ATTEMPTS"),  _("ERROR")};
    struct yq_table t = {.columns = 6, .right = 0x10};
    cJSON *list = c->cli->json ? cJSON_CreateArray() : NULL;
    for (size_t i = 0; i < t.columns; i++)
        yq_table_add(&t, heads[i]);
    for (size_t i = c->count; i-- > 0 && c->count - i <= most;) {
        if (list != NULL)
            cJSON_AddItemToArray(list, as_json(&c->items[i]));
        else
            add_row(&t, &c->items[i]);
    }
    if (list != NULL)
        yq_print_json(list, c->cli->out);
    else if (c->count == 0)
        fputs(_("no such dead letters\n"), c->cli->out);
    else
        yq_table_print(&t, c->cli->out);
    if (list == NULL && c->count > most)
        fprintf(c->cli->out, _("… and older ones: %zu\n"), c->count - most);
    yq_table_release(&t);
}

enum yq_exit yq_command_dead_list(struct yq_cli *cli, int argc, char **argv)
{
    struct choice c = {.cli = cli};
    const char *limit = NULL;
    const struct yq_argument known[] = {
        YQ_FILTER_ARGUMENTS(&c.options), {"--limit", &limit, NULL}, {NULL, NULL, NULL}};
    struct yq_error err = {0};
    char *end = NULL;
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1}) != 0)
        return YQ_EXIT_USAGE;
    long most = limit != NULL ? strtol(limit, &end, 10) : LIST_MAX;
    if (most < 1 || most > 1000000 || (end != NULL && *end != '\0'))
        return yq_cli_usage(cli, "%s", _("--limit is a number from 1 to 1000000"));
    if (yq_filter_parse(&c.options, yq_wall_ms(cli->clock), &c.filter, &err) != 0)
        return yq_cli_usage(cli, "%s", err.text);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    c.id = argv[0];
    enum yq_exit status = choose(&c);
    if (status == YQ_EXIT_DONE)
        print_list(&c, (size_t)most);
    release(&c);
    return status;
}

/* ---- retry and drop ---- */

struct decision {
    const char *reason; /* NULL: they are sent again */
    cJSON *json;
};

static void print_fate(const struct choice *c, const struct decision *d, const struct item *item,
                       const char *again)
{
    const char *subject = item->broken ? "?" : item->subject;
    if (d->json != NULL) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "event", item->event);
        cJSON_AddStringToObject(object, "subject", item->subject);
        cJSON_AddBoolToObject(object, "found", again[0] != '\0');
        cJSON_AddStringToObject(object, d->reason != NULL ? "audit" : "entry", again);
        cJSON_AddItemToArray(d->json, object);
    } else if (again[0] == '\0') {
        fprintf(c->cli->out, _("%s %s: somebody else dealt with it meanwhile\n"), item->event,
                subject);
    } else if (d->reason != NULL) {
        fprintf(c->cli->out, _("%s %s: dropped\n"), item->event, subject);
    } else {
        fprintf(c->cli->out, _("%s %s: sent again as event %s\n"), item->event, subject, again);
    }
}

static int decide_some(const struct choice *c, const struct decision *d, size_t from, size_t count,
                       struct yq_error *err)
{
    struct yq_letter_fate fates[YQ_LETTERS_MAX] = {0};
    struct yq_redis *r = c->cli->redis;
    const struct yq_keys *keys = &c->cli->keys;
    for (size_t i = 0; i < count; i++) {
        fates[i].entry = c->items[from + i].entry;
        fates[i].subject = c->items[from + i].key;
    }
    int done = d->reason != NULL ? yq_letters_drop(r, keys, c->id, fates, count, d->reason, err)
                                 : yq_letters_retry(r, keys, c->id, fates, count, err);
    for (size_t i = 0; i < count && done == 0; i++)
        print_fate(c, d, &c->items[from + i], fates[i].again);
    return done;
}

static enum yq_exit decide(struct choice *c, struct decision *d)
{
    struct yq_error err = {0};
    int done = 0;
    d->json = c->cli->json ? cJSON_CreateArray() : NULL;
    for (size_t at = 0, n; at < c->count && done == 0; at += n) {
        n = c->count - at < YQ_LETTERS_MAX ? c->count - at : YQ_LETTERS_MAX;
        done = decide_some(c, d, at, n, &err);
    }
    if (d->reason == NULL && c->count > 0 && done == 0)
        done = yq_ready_add(c->cli->redis, &c->cli->keys, c->id, yq_wall_ms(c->cli->clock), &err);
    if (d->json != NULL)
        yq_print_json(d->json, c->cli->out);
    else if (c->count == 0)
        fputs(_("no such dead letters\n"), c->cli->out);
    if (done != 0)
        return yq_cli_fail(c->cli, "%s", err.text);
    if (d->reason == NULL && c->count > 0)
        yq_cli_tell_who_reads(c->cli, c->id);
    return YQ_EXIT_DONE;
}

/* Which ones: named, filtered, or all of them, but never by saying nothing. */
static enum yq_exit read_choice(struct choice *c, int argc, char **argv, bool all)
{
    struct yq_error err = {0};
    bool filtered = yq_filter_given(&c->options);
    if ((argc > 1) + filtered + all != 1)
        return yq_cli_usage(c->cli, "%s",
                            _("which ones: their events, --all, or some of --kind, --subject, "
                              "--from, --to"));
    for (int i = 1; i < argc; i++) {
        if (!yq_is_entry_id(argv[i]))
            return yq_cli_usage(c->cli, _("\"%.60s\" is no entry id"), argv[i]);
    }
    if (yq_filter_parse(&c->options, yq_wall_ms(c->cli->clock), &c->filter, &err) != 0)
        return yq_cli_usage(c->cli, "%s", err.text);
    c->id = argv[0];
    c->events = argv + 1;
    c->event_count = (size_t)argc - 1;
    if (yq_cli_open(c->cli) != 0 || yq_cli_connection(c->cli, c->id) == NULL)
        return YQ_EXIT_FAILED;
    return choose(c);
}

enum yq_exit yq_command_dead_retry(struct yq_cli *cli, int argc, char **argv)
{
    struct choice c = {.cli = cli};
    struct decision d = {0};
    bool all = false;
    const struct yq_argument known[] = {
        YQ_FILTER_ARGUMENTS(&c.options), {"--all", NULL, &all}, {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1000}) != 0)
        return YQ_EXIT_USAGE;
    enum yq_exit status = read_choice(&c, argc, argv, all);
    if (status == YQ_EXIT_DONE)
        status = decide(&c, &d);
    release(&c);
    return status;
}

enum yq_exit yq_command_dead_drop(struct yq_cli *cli, int argc, char **argv)
{
    struct choice c = {.cli = cli};
    struct decision d = {0};
    bool all = false;
    const struct yq_argument known[] = {YQ_FILTER_ARGUMENTS(&c.options),
                                        {"--all", NULL, &all},
                                        {"--reason", &d.reason, NULL},
                                        {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, 1000}) != 0)
        return YQ_EXIT_USAGE;
    if (d.reason == NULL || d.reason[0] == '\0')
        return yq_cli_usage(cli, "%s", _("--reason says why, for the audit"));
    enum yq_exit status = read_choice(&c, argc, argv, all);
    if (status == YQ_EXIT_DONE)
        status = decide(&c, &d);
    release(&c);
    return status;
}
