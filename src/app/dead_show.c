/* dead show: one event that was given up, with all it carries, and the story of its subject. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/letters.h"
#include "commands.h"
#include "explain_story.h"
#include "filter.h"
#include "mask.h"
#include "printing.h"
#include "when.h"

struct showing {
    struct yq_cli *cli;
    const char *id, *event;
    bool reveal, found;
    enum yq_exit status;
};

static cJSON *data_of(const struct showing *s, const struct yq_letter *l)
{
    cJSON *tree = yq_json_or_text(l->data);
    if (!s->reveal)
        yq_mask_json(tree);
    return tree;
}

/* A text with what is personal hidden, where that is wanted; the caller's. */
static char *shown(const struct showing *s, const char *text)
{
    struct yq_buf out = YQ_BUF_INIT;
    if (s->reveal)
        yq_buf_adds(&out, text);
    else
        yq_mask_text(text, &out);
    return yq_buf_steal(&out);
}

static void print_letter(const struct showing *s, const struct yq_letter *l)
{
    FILE *out = s->cli->out;
    char subject[YQ_SUBJECT_MAX] = "?", when[YQ_WHEN_MAX];
    char *error = shown(s, l->error), *raw = shown(s, l->raw);
    cJSON *tree = data_of(s, l);
    char *data = cJSON_Print(tree);
    if (!l->broken)
        yq_subject_format(&l->subject, subject);
    fprintf(out, _("event    %s\n"), l->event);
    fprintf(out, _("queued   %s\n"), yq_when_show(yq_entry_ms(l->event), when));
    fprintf(out, _("happened %s\n"), yq_when_show(l->at * 1000, when));
    fprintf(out, _("kind     %s\n"), l->broken ? _("unreadable") : yq_event_kind_name(l->kind));
    fprintf(out, _("subject  %s\n"), subject);
    fprintf(out, _("source   %s\n"), l->source);
    fprintf(out, _("digest   %s\n"), l->digest);
    fprintf(out, _("data     %s\n"), data != NULL ? data : "");
    fprintf(out, _("raw      %s\n"), raw);
    fprintf(out, _("tried    %u times, first at %s; workers that died meanwhile: %u\n"),
            l->attempts, yq_when_show(l->first_ms, when), l->deaths);
    fprintf(out, _("given up %s: %s\n"), yq_when_show(l->dead_ms, when), error);
    fprintf(out, _("    yunqiao dead retry %s %s  (sends it again)\n"), s->id, l->event);
    fprintf(out, _("    yunqiao dead drop %s %s --reason TEXT  (takes it off the list)\n"), s->id,
            l->event);
    cJSON_free(data);
    cJSON_Delete(tree);
    free(error);
    free(raw);
}

static cJSON *letter_as_json(const struct showing *s, const struct yq_letter *l)
{
    char subject[YQ_SUBJECT_MAX] = "", *error = shown(s, l->error), *raw = shown(s, l->raw);
    cJSON *root = cJSON_CreateObject();
    if (!l->broken)
        yq_subject_format(&l->subject, subject);
    cJSON_AddStringToObject(root, "event", l->event);
    cJSON_AddNumberToObject(root, "queued_ms", (double)yq_entry_ms(l->event));
    cJSON_AddNumberToObject(root, "at", (double)l->at);
    cJSON_AddStringToObject(root, "kind", l->broken ? "broken" : yq_event_kind_name(l->kind));
    cJSON_AddStringToObject(root, "subject", subject);
    cJSON_AddStringToObject(root, "source", l->source);
    cJSON_AddStringToObject(root, "digest", l->digest);
    cJSON_AddItemToObject(root, "data", data_of(s, l));
    cJSON_AddStringToObject(root, "raw", raw);
    cJSON_AddNumberToObject(root, "attempts", l->attempts);
    cJSON_AddNumberToObject(root, "deaths", l->deaths);
    cJSON_AddNumberToObject(root, "first_ms", (double)l->first_ms);
    cJSON_AddNumberToObject(root, "dead_ms", (double)l->dead_ms);
    cJSON_AddStringToObject(root, "error", error);
    free(error);
    free(raw);
    return root;
}

/* Members and departments have a story; of others the letter says all there is. */
static int gather(const struct showing *s, const struct yq_letter *l, struct yq_explain *ret,
                  bool *ret_there, struct yq_error *err)
{
    *ret_there = !l->broken &&
                 (l->subject.kind == YQ_SUBJECT_MEMBER || l->subject.kind == YQ_SUBJECT_DEPARTMENT);
    if (!*ret_there)
        return 0;
    return yq_explain_gather(s->cli->redis, &s->cli->keys, s->id, &l->subject, ret, err);
}

static bool show(void *context, const struct yq_letter *l)
{
    struct showing *s = context;
    struct yq_explain story = {0};
    struct yq_error err = {0};
    bool there = false;
    if (yq_entry_compare(l->event, s->event) != 0)
        return true;
    s->found = true;
    if (gather(s, l, &story, &there, &err) != 0) {
        s->status = yq_cli_fail(s->cli, "%s", err.text);
    } else if (s->cli->json) {
        cJSON *root = letter_as_json(s, l);
        if (there)
            cJSON_AddItemToObject(root, "story", yq_explain_as_json(s->cli, s->id, &story));
        yq_print_json(root, s->cli->out);
    } else {
        print_letter(s, l);
        fputs(there ? "\n" : "", s->cli->out);
        if (there)
            yq_explain_tell(s->cli, s->id, &story);
    }
    yq_explain_release(&story);
    return false;
}

enum yq_exit yq_command_dead_show(struct yq_cli *cli, int argc, char **argv)
{
    struct showing s = {.cli = cli, .status = YQ_EXIT_DONE};
    const struct yq_event_filter everything = {0};
    const struct yq_argument known[] = {{"--reveal", NULL, &s.reveal}, {NULL, NULL, NULL}};
    struct yq_error err = {0};
    if (yq_cli_arguments(cli, known, &argc, argv, (int[]){2, 2}) != 0)
        return YQ_EXIT_USAGE;
    if (!yq_is_entry_id(argv[1]))
        return yq_cli_usage(cli, _("\"%.60s\" is no entry id"), argv[1]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    s.id = argv[0];
    s.event = argv[1];
    if (yq_letters_each(cli->redis, &cli->keys, s.id, &everything, show, &s, &err) != 0)
        return yq_cli_fail(cli, "%s", err.text);
    return s.found ? s.status : yq_cli_fail(cli, _("%s has no dead letter %s"), s.id, s.event);
}
