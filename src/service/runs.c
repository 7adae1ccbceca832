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

static void add_summary(struct yq_buf *json, const struct yq_plan *p)
{
    struct yq_buf text = YQ_BUF_INIT;
    yq_plan_text(p, &text);
    const char *line = yq_buf_text(&text);
    for (int i = 0; *line != '\0' && i < SUMMARY_LINES; i++) {
        size_t len = strcspn(line, "\n");
        yq_buf_adds(json, i ? ",\"" : "\"");
        yq_buf_add_json(json, line, len);
        yq_buf_addc(json, '"');
        line += len + (line[len] != '\0');
    }
    yq_buf_release(&text);
}

static void add_result(struct yq_buf *json, const struct yq_sync_result *r)
{
    yq_buf_addf(json,
                ",\"outcome\":\"%s\",\"counts\":{\"applied\":%zu,\"failed\":%zu,\"held\":%zu},"
                "\"held_plan\":\"%s\",\"summary\":[",
                yq_run_outcome(r), r->applied, r->failed, r->held, r->held_hash);
    add_summary(json, r->plan);
    yq_buf_adds(json, "]}");
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
        add_result(&json, n->result);
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
