/* What eteams was asked and answered, and when both sides were last compared as a whole. */
#include "explain_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
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

/* ---- what the newest reconcile said ---- */

#define RUNS_MAX 10 /* looked at; commands for one subject are among them */

static bool compared_all(const cJSON *run, enum yq_subject_kind kind)
{
    const char *all = kind == YQ_SUBJECT_MEMBER ? "members" : "departments";
    const char *is = cJSON_GetStringValue(yq_json_get(run, "kind")),
               *outcome = cJSON_GetStringValue(yq_json_get(run, "outcome"));
    return is != NULL && (strcmp(is, "full") == 0 || strcmp(is, all) == 0) && outcome != NULL &&
           strcmp(outcome, "done") == 0 && !yq_json_bool(run, "dry_run", false);
}

static bool is_about(const cJSON *verdict, const struct yq_explain *e)
{
    struct yq_subject subject;
    char key[YQ_SUBJECT_MAX];
    const char *text = cJSON_GetStringValue(yq_json_get(verdict, "subject"));
    if (text == NULL || yq_subject_parse(text, &subject, NULL) != 0)
        return false;
    yq_subject_key(&subject, key);
    return strcmp(key, e->key) == 0;
}

static void take_verdict(struct yq_explain *e, const cJSON *run)
{
    const cJSON *verdict;
    cJSON_ArrayForEach (verdict, yq_json_get(run, "verdicts")) {
        const char *word = cJSON_GetStringValue(yq_json_get(verdict, "verdict"));
        if (word == NULL || !is_about(verdict, e))
            continue;
        e->found.waits = strcmp(word, "wait") == 0;
        e->found.reason = yq_explain_reason(e->arena, verdict);
        e->found.there = e->found.reason.code != YQ_REASON_NONE &&
                         e->found.reason.code != YQ_REASON_IN_STEP &&
                         (e->found.waits || strcmp(word, "none") == 0);
        (void)yq_json_int(run, "ended", &e->found.ms);
    }
}

int yq_explain_gather_found(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            struct yq_explain *e, struct yq_error *err)
{
    struct yq_stream_range range = {"runs", "-", "+", true, RUNS_MAX};
    struct yq_stream_entries entries = {0};
    bool found = false;
    int rc = yq_store_read_stream(r, keys, id, &range, &entries, err);
    for (size_t i = 0; i < entries.count && rc == 0 && !found; i++) {
        const char *text = yq_pairs_get(&entries.items[i].fields, "run");
        cJSON *run = text != NULL ? yq_json_parse(text, strlen(text), NULL) : NULL;
        found = compared_all(run, e->subject.kind);
        if (found)
            take_verdict(e, run);
        cJSON_Delete(run);
    }
    yq_stream_entries_release(&entries);
    return rc;
}

bool yq_explain_is_left(const struct yq_explain *e)
{
    int64_t step_ms = e->step_count > 0 ? e->steps[e->step_count - 1].ms : 0;
    return e->found.there && e->found.ms >= step_ms;
}

bool yq_explain_is_in_step(const struct yq_explain *e)
{
    if (e->link.eteams == NULL || e->open_case.there || e->retry.there || e->held.hash != NULL ||
        e->dead.entry != NULL || yq_explain_is_left(e))
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
