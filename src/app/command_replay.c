/* replay: stored events once more, from the text in which they came; at the end of the queue. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "commands.h"
#include "filter.h"
#include "printing.h"
#include "service/replay.h"

struct sending {
    struct yq_cli *cli;
    const char *id;
    struct yq_replay replay;
    struct yq_buf entries; /* named ones */
    struct yq_replay_counts counts;
    char first[YQ_ENTRY_MAX], last[YQ_ENTRY_MAX]; /* where they stand now */
};

static const char *words_of(enum yq_replay_left why)
{
    static const char *const sentences[YQ_REPLAY_LEFT_COUNT] = {
        [YQ_REPLAY_MISSING] = N_("there is no such event: never was, or it is older than the "
                                 "retention time"),
        [YQ_REPLAY_OPEN] = N_("not settled yet: worked on anyway"),
        [YQ_REPLAY_NO_REPORT] = N_("no report of WeCom's: a command is given anew by whoever wants "
                                   "it"),
        [YQ_REPLAY_UNREADABLE] = N_("its text is still not understood"),
        [YQ_REPLAY_AGAIN] = N_("sent again itself: the first one stands for it"),
    };
    return sentences[why] != NULL ? _(sentences[why]) : "";
}

static int send_again(void *context, const struct yq_event *e, struct yq_error *err)
{
    struct sending *s = context;
    if (yq_queue_push(s->cli->redis, &s->cli->keys, s->id, e, s->last, err) != 0)
        return -1;
    if (s->first[0] == '\0')
        memcpy(s->first, s->last, sizeof(s->first));
    return 0;
}

static int walk(struct sending *s, yq_replay_take *take, struct yq_error *err)
{
    return yq_replay_each(s->cli->redis, &s->cli->keys, s->id, &s->replay, take, s, &s->counts,
                          err);
}

/* ---- what came of it ---- */

static void print_json(const struct sending *s)
{
    static const char *const names[YQ_REPLAY_LEFT_COUNT] = {
        [YQ_REPLAY_OPEN] = "open",
        [YQ_REPLAY_NO_REPORT] = "no_report",
        [YQ_REPLAY_UNREADABLE] = "unreadable",
        [YQ_REPLAY_AGAIN] = "again",
    };
    cJSON *root = cJSON_CreateObject();
    cJSON_AddNumberToObject(root, "sent", (double)s->counts.events[YQ_REPLAY_TAKEN]);
    cJSON_AddStringToObject(root, "first", s->first);
    cJSON_AddStringToObject(root, "last", s->last);
    cJSON *left = cJSON_AddObjectToObject(root, "left_out");
    for (int i = YQ_REPLAY_OPEN; i < YQ_REPLAY_LEFT_COUNT; i++)
        cJSON_AddNumberToObject(left, names[i], (double)s->counts.events[i]);
    yq_print_json(root, s->cli->out);
}

static void print_counts(const struct sending *s)
{
    FILE *out = s->cli->out;
    size_t sent = s->counts.events[YQ_REPLAY_TAKEN];
    if (sent > 0)
        fprintf(out, _("events sent again: %zu, as %s to %s\n"), sent, s->first, s->last);
    else
        fputs(_("no such events\n"), out);
    for (int i = YQ_REPLAY_OPEN; i < YQ_REPLAY_LEFT_COUNT; i++) {
        if (s->counts.events[i] > 0)
            fprintf(out, _("left out: %zu: %s\n"), s->counts.events[i],
                    words_of((enum yq_replay_left)i));
    }
}

static enum yq_exit replay(struct sending *s)
{
    struct yq_error err = {0};
    int done = walk(s, send_again, &err);
    if (done != 0 && s->first[0] != '\0')
        return yq_cli_fail(s->cli, _("%s; events up to %s were sent again before"), err.text,
                           s->last);
    if (done != 0)
        return yq_cli_fail(s->cli, "%s", err.text);
    (s->cli->json ? print_json : print_counts)(s);
    if (s->first[0] != '\0')
        yq_cli_tell_who_reads(s->cli, s->id);
    return YQ_EXIT_DONE;
}

static enum yq_exit plan(struct sending *s, bool no_wait)
{
    struct yq_buf members = YQ_BUF_INIT;
    yq_replay_write(&s->replay, &members);
    enum yq_exit status = yq_cli_order(s->cli, s->id,
                                       &(struct yq_order){.kind = YQ_EVENT_COMMAND_REPLAY,
                                                          .subject = yq_subject_all(),
                                                          .members = yq_buf_text(&members),
                                                          .no_wait = no_wait});
    yq_buf_release(&members);
    return status;
}

/* Whoever names an event that cannot be sent again has mistaken something: then none is. */
static enum yq_exit check_named(struct sending *s)
{
    struct yq_error err = {0};
    if (s->replay.entries == NULL)
        return YQ_EXIT_DONE;
    if (walk(s, NULL, &err) != 0)
        return yq_cli_fail(s->cli, "%s", err.text);
    if (s->counts.why != YQ_REPLAY_TAKEN)
        return yq_cli_fail(s->cli, _("event %s: %s"), s->counts.entry, words_of(s->counts.why));
    return YQ_EXIT_DONE;
}

static enum yq_exit read_named(struct sending *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!yq_is_entry_id(argv[i]))
            return yq_cli_usage(s->cli, _("\"%.60s\" is no entry id"), argv[i]);
        yq_buf_addf(&s->entries, "%s%s", i > 1 ? " " : "", argv[i]);
    }
    if (argc > 1)
        s->replay.entries = yq_buf_text(&s->entries);
    return YQ_EXIT_DONE;
}

static enum yq_exit begin(struct sending *s, const struct yq_filter_options *o, int argc,
                          char **argv)
{
    struct yq_error err = {0};
    if ((argc > 1) == yq_filter_given(o))
        return yq_cli_usage(s->cli, "%s",
                            _("which ones: their entries, or some of --from, --to, --kind, "
                              "--subject; --from 0 is all"));
    if (yq_filter_parse(o, yq_wall_ms(s->cli->clock), &s->replay.filter, &err) != 0)
        return yq_cli_usage(s->cli, "%s", err.text);
    if (read_named(s, argc, argv) != YQ_EXIT_DONE)
        return YQ_EXIT_USAGE;
    if (yq_cli_open(s->cli) != 0 || yq_cli_connection(s->cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    s->id = argv[0];
    return check_named(s);
}

enum yq_exit yq_command_replay(struct yq_cli *cli, int argc, char **argv)
{
    struct sending s = {.cli = cli};
    struct yq_filter_options options = {0};
    bool dry_run = false, no_wait = false;
    const struct yq_argument known[] = {YQ_FILTER_ARGUMENTS(&options),
                                        {"--dry-run", NULL, &dry_run},
                                        {"--no-wait", NULL, &no_wait},
                                        {NULL, NULL, NULL}};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){1, YQ_REPLAY_NAMED_MAX}) != 0)
        return YQ_EXIT_USAGE;
    enum yq_exit status = begin(&s, &options, argc, argv);
    if (status == YQ_EXIT_DONE)
        status = dry_run ? plan(&s, no_wait) : replay(&s);
    yq_buf_release(&s.entries);
    return status;
}
