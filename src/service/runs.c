/* What is written about a run once it has ended. */
#include "runs.h"

#include <string.h>

#include "record.h"

#define SUMMARY_LINES 50

const char *yq_run_outcome(const struct yq_sync_result *r)
{
    const char *word = r->held > 0 ? "held" : "done";
    for (const struct yq_outcome *o = r->outcomes; o != NULL; o = o->hh.next) {
        if (o->kind == YQ_OUTCOME_REFUSED)
            return "failed";
        if (o->kind == YQ_OUTCOME_WAIT)
            word = "waiting";
    }
    return word;
}

/* The plan, as lines for whoever reads Redis and as JSON for whoever asked for it. */
struct told {
    struct yq_buf summary, operations, verdicts;
    size_t lines;
};

static void add(struct yq_buf *list, const char *json)
{
    yq_buf_adds(list, list->len > 0 ? "," : "");
    yq_buf_adds(list, json);
}

static void tell_item(void *context, const struct yq_plan_item *item)
{
    struct told *t = context;
    if (t->lines++ >= SUMMARY_LINES)
        return;
    yq_buf_adds(&t->summary, t->summary.len > 0 ? "," : "");
    yq_buf_add_json_string(&t->summary, item->text);
    add(item->operation ? &t->operations : &t->verdicts, item->json);
}

/* Runs of events are many, and nobody waits for them. */
static void add_result(struct yq_buf *json, const struct yq_sync_result *r, bool awaited)
{
    struct told t = {.summary = YQ_BUF_INIT, .operations = YQ_BUF_INIT, .verdicts = YQ_BUF_INIT};
    yq_plan_each(r->plan, tell_item, &t);
    yq_buf_addf(json,
                ",\"outcome\":\"%s\",\"counts\":{\"applied\":%zu,\"failed\":%zu,\"held\":%zu},"
                "\"held_plan\":\"%s\",\"more\":%zu,\"summary\":[%s]",
                yq_run_outcome(r), r->applied, r->failed, r->held, r->held_hash,
                t.lines > SUMMARY_LINES ? t.lines - SUMMARY_LINES : 0, yq_buf_text(&t.summary));
    if (awaited)
        yq_buf_addf(json, ",\"operations\":[%s],\"verdicts\":[%s]", yq_buf_text(&t.operations),
                    yq_buf_text(&t.verdicts));
    yq_buf_addc(json, '}');
    yq_buf_release(&t.summary);
    yq_buf_release(&t.operations);
    yq_buf_release(&t.verdicts);
}

static void add_refusal(struct yq_buf *json, const struct yq_reason *reason)
{
    yq_buf_adds(json, ",\"outcome\":\"failed\",\"refused\":");
    yq_record_reason("failed", reason, json);
    yq_buf_adds(json, ",\"summary\":[]}");
}

void yq_run_add(const struct yq_settle *s, const struct yq_run_note *n)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_addf(&json, "{\"run\":\"%s\",\"cause\":\"%s\",\"scope\":%zu", n->run, n->cause,
                n->subjects);
    if (n->result != NULL)
        add_result(&json, n->result, strcmp(n->cause, "command") == 0);
    else
        add_refusal(&json, &n->reason);
    yq_store_add_run(s->commit, s->keys, s->connection, yq_buf_text(&json));
    yq_buf_release(&json);
}

void yq_run_add_done(const struct yq_settle *s, const char *run)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_addf(&json,
                "{\"run\":\"%s\",\"cause\":\"command\",\"scope\":1,\"outcome\":\"done\","
                "\"summary\":[]}",
                run);
    yq_store_add_run(s->commit, s->keys, s->connection, yq_buf_text(&json));
    yq_buf_release(&json);
}
