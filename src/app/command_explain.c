/* explain: what is known about one subject, told as a story. */
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "base/memory.h"
#include "commands.h"
#include "explain_story.h"
#include "explain_words.h"
#include "mask.h"
#include "plan/held.h"
#include "printing.h"
#include "service/explain.h"
#include "when.h"

static void tell_link(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    if (e->link.eteams == NULL)
        return;
    fprintf(cli->out, _("linked with record %s in eteams since %s, %s\n"), e->link.eteams,
            yq_when_show(e->link.ms, when), yq_words_of_link(e->link.how));
    if (e->link.left)
        fputs(_("the person has been resigned in eteams by the bridge\n"), cli->out);
}

/* The newest word about it: "held", "none", …; "" without any. */
static const char *last_word(const struct yq_explain *e)
{
    return e->step_count > 0 ? e->steps[e->step_count - 1].word : "";
}

static void tell_retry(struct yq_cli *cli, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    if (e->retry.running)
        fprintf(cli->out, _("now: attempt %u is running\n"), e->retry.attempts);
    else
        fprintf(cli->out, _("now: waits for its next attempt at %s, after %u; the last one: %s\n"),
                yq_when_show(e->retry.next_ms, when), e->retry.attempts, e->retry.error);
}

static bool is_held(struct yq_cli *cli, const struct yq_explain *e)
{
    return e->held.hash != NULL && yq_wall_ms(cli->clock) - e->held.ms <= YQ_HELD_MS;
}

static void tell_answers(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count = yq_answers_of(id, &e->subject, &e->open_case.reason, answers);
    for (size_t i = 0; i < count; i++)
        fprintf(cli->out, "    %s  (%s)\n", answers[i].command, answers[i].meaning);
}

static void tell_end(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char when[YQ_WHEN_MAX];
    size_t open = 0;
    for (size_t i = 0; i < e->event_count; i++)
        open += e->events[i].state != YQ_ENTRY_DONE;
    if (e->dead.entry != NULL)
        fprintf(cli->out, _("set aside as a dead letter at %s after %s attempts (event %s): %s\n"),
                yq_when_show(e->dead.ms, when), e->dead.attempts, e->dead.entry, e->dead.error);
    if (e->open_case.there) {
        char *why = yq_words_of_reason(&e->open_case.reason);
        fprintf(cli->out, _("now: a case that a person must decide, since %s: %s\n"),
                yq_when_show(e->open_case.ms, when), why);
        free(why);
        tell_answers(cli, id, e);
    } else if (e->retry.there) {
        tell_retry(cli, e);
    } else if (open > 0) {
        fprintf(cli->out, _("now: events that are not settled yet: %zu\n"), open);
    } else if (is_held(cli, e)) {
        fprintf(cli->out, _("now: held by the guard since %s, with others: %zu in all\n"),
                yq_when_show(e->held.ms, when), e->held.people);
        fprintf(cli->out, _("    yunqiao plans %s %s  (shows them)\n"), id, e->held.hash);
        fprintf(cli->out, _("    yunqiao approve %s %s  (has it done)\n"), id, e->held.hash);
    } else if (strcmp(last_word(e), "held") == 0) {
        fputs(_("now: held by the guard, but its plan has expired: yunqiao sync asks anew\n"),
              cli->out);
    } else if (e->link.eteams == NULL) {
        fputs(_("now: not linked with anything in eteams\n"), cli->out);
    } else {
        fputs(_("now: nothing waits\n"), cli->out);
    }
}

static bool is_unheard_of(const struct yq_explain *e)
{
    return e->event_count == 0 && e->step_count == 0 && e->link.eteams == NULL &&
           !e->open_case.there && !e->retry.there && e->dead.entry == NULL;
}

static void tell(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&e->subject, subject);
    if (is_unheard_of(e)) {
        fprintf(cli->out, _("%s: nothing is known of it: no event in the last %d days, no link\n"),
                subject, (int)(cli->settings->retention_ms / 86400000));
        return;
    }
    fprintf(cli->out, "%s\n", subject);
    tell_link(cli, e);
    yq_explain_tell(cli, e);
    tell_end(cli, id, e);
}

/* ---- JSON ---- */

static void add_reason(cJSON *object, const struct yq_reason *reason)
{
    char *text = yq_words_of_reason(reason);
    if (reason->code != YQ_REASON_NONE) {
        cJSON_AddStringToObject(object, "reason", yq_reason_name(reason->code));
        cJSON_AddStringToObject(object, "why", text);
    }
    free(text);
}

static cJSON *event_as_json(const struct yq_explain_event *e)
{
    static const char *const states[] = {"waiting", "pending", "done"};
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "entry", e->entry);
    cJSON_AddNumberToObject(item, "ms", (double)e->ms);
    cJSON_AddStringToObject(item, "kind", e->gone ? "" : yq_event_kind_name(e->kind));
    cJSON_AddStringToObject(item, "source", e->source);
    cJSON_AddStringToObject(item, "state", states[e->state]);
    return item;
}

static void add_value(cJSON *object, const char *name, const struct yq_explain_change *c,
                      const char *value)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (value == NULL)
        return;
    if (yq_mask_is_personal(c->field))
        yq_mask_value(value, &text);
    else
        yq_buf_adds(&text, value);
    cJSON_AddStringToObject(object, name, yq_buf_text(&text));
    yq_buf_release(&text);
}

static cJSON *step_as_json(const struct yq_explain_step *s)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "entry", s->entry);
    cJSON_AddNumberToObject(item, "ms", (double)s->ms);
    cJSON_AddStringToObject(item, "run", s->run);
    cJSON_AddStringToObject(item, "events", s->events);
    cJSON_AddStringToObject(item, "rule", s->rule);
    cJSON_AddStringToObject(item, "op", s->op);
    cJSON_AddStringToObject(item, "result", s->word);
    add_reason(item, &s->reason);
    cJSON *changes = cJSON_AddArrayToObject(item, "changes");
    for (size_t i = 0; i < s->change_count; i++) {
        cJSON *change = cJSON_CreateObject();
        cJSON_AddStringToObject(change, "field", s->changes[i].field);
        add_value(change, "before", &s->changes[i], s->changes[i].before);
        add_value(change, "after", &s->changes[i], s->changes[i].after);
        cJSON_AddItemToArray(changes, change);
    }
    return item;
}

static void add_case(cJSON *root, const char *id, const struct yq_explain *e)
{
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count = yq_answers_of(id, &e->subject, &e->open_case.reason, answers);
    cJSON *open = cJSON_AddObjectToObject(root, "case");
    cJSON_AddNumberToObject(open, "ms", (double)e->open_case.ms);
    add_reason(open, &e->open_case.reason);
    cJSON *list = cJSON_AddArrayToObject(open, "answers");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(answers[i].command));
}

static void add_state(cJSON *root, struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    if (e->link.eteams != NULL) {
        cJSON *link = cJSON_AddObjectToObject(root, "link");
        cJSON_AddStringToObject(link, "eteams", e->link.eteams);
        cJSON_AddStringToObject(link, "how", e->link.how);
        cJSON_AddNumberToObject(link, "ms", (double)e->link.ms);
        cJSON_AddBoolToObject(link, "left", e->link.left);
    }
    if (e->retry.there) {
        cJSON *retry = cJSON_AddObjectToObject(root, "retry");
        cJSON_AddNumberToObject(retry, "attempts", e->retry.attempts);
        cJSON_AddNumberToObject(retry, "next_ms", (double)e->retry.next_ms);
        cJSON_AddStringToObject(retry, "error", e->retry.error);
    }
    if (e->open_case.there)
        add_case(root, id, e);
    if (is_held(cli, e)) {
        cJSON *held = cJSON_AddObjectToObject(root, "held");
        cJSON_AddStringToObject(held, "hash", e->held.hash);
        cJSON_AddNumberToObject(held, "ms", (double)e->held.ms);
    }
    if (e->dead.entry != NULL) {
        cJSON *dead = cJSON_AddObjectToObject(root, "dead");
        cJSON_AddStringToObject(dead, "entry", e->dead.entry);
        cJSON_AddStringToObject(dead, "error", e->dead.error);
    }
}

static void tell_json(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char subject[YQ_SUBJECT_MAX];
    cJSON *root = cJSON_CreateObject();
    yq_subject_format(&e->subject, subject);
    cJSON_AddStringToObject(root, "subject", subject);
    cJSON_AddBoolToObject(root, "known", !is_unheard_of(e));
    add_state(root, cli, id, e);
    cJSON *events = cJSON_AddArrayToObject(root, "events");
    for (size_t i = 0; i < e->event_count; i++)
        cJSON_AddItemToArray(events, event_as_json(&e->events[i]));
    cJSON *steps = cJSON_AddArrayToObject(root, "steps");
    for (size_t i = 0; i < e->step_count; i++)
        cJSON_AddItemToArray(steps, step_as_json(&e->steps[i]));
    yq_print_json(root, cli->out);
}

enum yq_exit yq_command_explain(struct yq_cli *cli, int argc, char **argv)
{
    struct yq_subject subject;
    struct yq_explain story = {0};
    struct yq_error err = {0};
    enum yq_exit status = YQ_EXIT_DONE;
    if (yq_cli_arguments(cli, NULL, &argc, argv, (int[]){3, 3}) != 0)
        return YQ_EXIT_USAGE;
    char *text = yq_printf("%s:%s", argv[1], argv[2]);
    bool known = strcmp(argv[1], "member") == 0 || strcmp(argv[1], "department") == 0;
    bool valid = known && yq_subject_parse(text, &subject, NULL) == 0;
    free(text);
    if (!valid)
        return yq_cli_usage(cli, _("\"%.20s %.80s\" is neither member USERID nor department ID"),
                            argv[1], argv[2]);
    if (yq_cli_open(cli) != 0 || yq_cli_connection(cli, argv[0]) == NULL)
        return YQ_EXIT_FAILED;
    if (yq_explain_gather(cli->redis, &cli->keys, argv[0], &subject, &story, &err) != 0)
        status = yq_cli_fail(cli, "%s", err.text);
    else
        (cli->json ? tell_json : tell)(cli, argv[0], &story);
    yq_explain_release(&story);
    return status;
}
