/* What eteams was asked and answered, and when both sides were last compared as a whole. */
#include "explain_answer.h"

#include <stdlib.h>
#include <string.h>

#include "clients/eteams_client.h"
#include "model/operation.h"

/* Behind "syncEmployee: ", or NULL. It may be another call than usual: a tenant without
 * disableDepartment is written to by syncDepartment. */
static const char *behind_call(const char *text, struct yq_explain_step *step)
{
    for (int kind = YQ_WRITE_DEPARTMENT; kind <= YQ_WRITE_DISABLE; kind++) {
        const char *name = yq_eteams_write_name((enum yq_eteams_write)kind);
        size_t len = strlen(name);
        if (strncmp(text, name, len) != 0 || strncmp(text + len, ": ", 2) != 0)
            continue;
        step->call = name;
        return text + len + 2;
    }
    return NULL;
}

/* What was answered reads "syncEmployee: 410008 words"; all else has words alone. */
static void split_error(struct yq_arena *arena, const char *text, struct yq_explain_step *step)
{
    char *end;
    step->answer.words = text;
    text = behind_call(text, step);
    if (text == NULL)
        return;
    long code = strtol(text, &end, 10);
    if (end == text || (*end != ' ' && *end != '\0')) {
        step->answer.words = text;
        return;
    }
    step->answer.code = (int)code;
    step->answer.words = yq_arena_strdup(arena, *end == ' ' ? end + 1 : end);
}

void yq_explain_take_answer(struct yq_arena *arena, struct yq_explain_step *step)
{
    enum yq_operation_kind kind;
    bool done = strcmp(step->word, "ok") == 0;
    step->answer.words = "";
    if (yq_operation_kind_parse(step->op, &kind) != 0 || yq_eteams_write_of(kind) < 0 ||
        (!done && strcmp(step->word, "failed") != 0))
        return;
    if (done && kind == YQ_OP_DEPARTMENT_DISABLE) /* by one call or another: only errors tell */
        return;
    step->call = yq_eteams_write_name((enum yq_eteams_write)yq_eteams_write_of(kind));
    step->answer.ok = done;
    step->answer.lost = !done && step->reason.code == YQ_REASON_ANSWER_LOST;
    if (!done && step->reason.args[0] != NULL)
        split_error(arena, step->reason.args[0], step);
}

int yq_explain_gather_compared(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               struct yq_explain *e, struct yq_error *err)
{
    const char *field = e->subject.kind == YQ_SUBJECT_MEMBER ? "members" : "departments";
    char *text = NULL;
    if (yq_store_read_text(r, keys, id, "reconciled", field, &text, err) != 0)
        return -1;
    e->compared_ms = text != NULL ? strtoll(text, NULL, 10) : 0;
    free(text);
    return 0;
}

bool yq_explain_is_in_step(const struct yq_explain *e)
{
    if (e->link.eteams == NULL || e->open_case.there || e->retry.there || e->held.hash != NULL ||
        e->dead.entry != NULL)
        return false;
    for (size_t i = 0; i < e->event_count; i++) {
        if (e->events[i].state != YQ_ENTRY_DONE)
            return false;
    }
    if (e->step_count == 0)
        return true;
    const struct yq_explain_step *last = &e->steps[e->step_count - 1];
    return strcmp(last->word, "ok") == 0 ||
           (strcmp(last->word, "none") == 0 &&
            (last->reason.code == YQ_REASON_IN_STEP || last->reason.code == YQ_REASON_NONE));
}
