/* What is known about one subject, for programs. */
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "explain_story.h"
#include "explain_words.h"
#include "mask.h"

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
    else if (strcmp(c->field, "error") == 0 || strcmp(c->field, "reason") == 0)
        yq_mask_text(value, &text);
    else
        yq_buf_adds(&text, value);
    cJSON_AddStringToObject(object, name, yq_buf_text(&text));
    yq_buf_release(&text);
}

/* What a peer said may name a mobile or an e-mail. */
static void add_masked(cJSON *object, const char *name, const char *words)
{
    struct yq_buf text = YQ_BUF_INIT;
    yq_mask_text(words, &text);
    cJSON_AddStringToObject(object, name, yq_buf_text(&text));
    yq_buf_release(&text);
}

static void add_answer(cJSON *item, const struct yq_explain_step *s)
{
    if (s->call == NULL)
        return;
    cJSON_AddStringToObject(item, "call", s->call);
    cJSON *answer = cJSON_AddObjectToObject(item, "answer");
    cJSON_AddBoolToObject(answer, "ok", s->answer.ok);
    if (s->answer.ok)
        return;
    if (s->answer.lost)
        cJSON_AddBoolToObject(answer, "lost", true);
    if (s->answer.code != 0)
        cJSON_AddNumberToObject(answer, "code", s->answer.code);
    add_masked(answer, "words", s->answer.words);
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
    add_answer(item, s);
    cJSON *changes = cJSON_AddArrayToObject(item, "changes");
    for (size_t i = 0; i < s->change_count; i++) {
        cJSON *change = cJSON_CreateObject();
        cJSON_AddStringToObject(change, "field", s->changes[i].field);
        add_value(change, "before", &s->changes[i], s->changes[i].before);
        add_value(change, "after", &s->changes[i], s->changes[i].after);
        add_value(change, "before_name", &s->changes[i], s->changes[i].before_name);
        add_value(change, "after_name", &s->changes[i], s->changes[i].after_name);
        cJSON_AddItemToArray(changes, change);
    }
    return item;
}

static void add_case(cJSON *root, const char *id, const struct yq_explain *e)
{
    struct yq_answer answers[YQ_ANSWERS_MAX];
    size_t count =
        yq_answers_of(id, &e->subject, &e->open_case.reason, e->link.eteams != NULL, answers);
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
        add_masked(retry, "error", e->retry.error);
    }
    if (e->open_case.there)
        add_case(root, id, e);
    if (yq_explain_is_held(cli, e)) {
        cJSON *held = cJSON_AddObjectToObject(root, "held");
        cJSON_AddStringToObject(held, "hash", e->held.hash);
        cJSON_AddNumberToObject(held, "ms", (double)e->held.ms);
    }
    if (e->dead.entry != NULL) {
        cJSON *dead = cJSON_AddObjectToObject(root, "dead");
        cJSON_AddStringToObject(dead, "entry", e->dead.entry);
        add_masked(dead, "error", e->dead.error);
    }
}

cJSON *yq_explain_as_json(struct yq_cli *cli, const char *id, const struct yq_explain *e)
{
    char subject[YQ_SUBJECT_MAX];
    cJSON *root = cJSON_CreateObject();
    yq_subject_format(&e->subject, subject);
    cJSON_AddStringToObject(root, "subject", subject);
    cJSON_AddBoolToObject(root, "known", !yq_explain_is_unheard_of(e));
    cJSON_AddBoolToObject(root, "in_step", yq_explain_is_in_step(e));
    cJSON_AddNumberToObject(root, "compared_ms", (double)e->compared_ms);
    if (yq_explain_is_left(e)) {
        cJSON *left = cJSON_AddObjectToObject(root, "left");
        cJSON_AddBoolToObject(left, "waits", e->found.waits);
        cJSON_AddNumberToObject(left, "ms", (double)e->found.ms);
        cJSON_AddStringToObject(left, "reason", yq_reason_name(e->found.reason.code));
    }
    add_state(root, cli, id, e);
    cJSON *events = cJSON_AddArrayToObject(root, "events");
    for (size_t i = 0; i < e->event_count; i++)
        cJSON_AddItemToArray(events, event_as_json(&e->events[i]));
    cJSON *steps = cJSON_AddArrayToObject(root, "steps");
    for (size_t i = 0; i < e->step_count; i++)
        cJSON_AddItemToArray(steps, step_as_json(&e->steps[i]));
    return root;
}
