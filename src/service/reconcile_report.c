/* What a reconcile tells: lines for people, operations of a dry run, and the entry of `runs`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "reconcile.h"
#include "record.h"

#define LINES_MAX 200       /* of a run that was carried out: the audit has the rest */
#define LINES_MAX_DRY 20000 /* of a dry run, whose plan stands nowhere else */

struct told {
    UT_hash_handle hh;
    char key[];
};

static size_t lines_max(const struct yq_reconcile *r)
{
    return r->dry_run ? LINES_MAX_DRY : LINES_MAX;
}

static void add_line(struct yq_reconcile *r, const char *line, size_t len)
{
    if (r->lines++ >= lines_max(r))
        return;
    yq_buf_adds(&r->summary, r->summary.len > 0 ? ",\"" : "\"");
    yq_buf_add_json(&r->summary, line, len);
    yq_buf_addc(&r->summary, '"');
}

void yq_reconcile_tell_line(struct yq_reconcile *r, const char *line)
{
    add_line(r, line, strlen(line));
}

/* In a dry run departments are planned again wherever somebody needs them. */
static bool is_new(struct yq_reconcile *r, const char *text, size_t len)
{
    struct told *t;
    if (!r->dry_run)
        return true;
    HASH_FIND(hh, r->told, text, len, t);
    if (t != NULL)
        return false;
    t = yq_calloc(1, sizeof(*t) + len + 1);
    memcpy(t->key, text, len);
    HASH_ADD(hh, r->told, key, len, t);
    return true;
}

static void add_pair(struct yq_buf *out, const char *name, const char *value)
{
    if (value == NULL)
        return;
    yq_buf_addf(out, ",\"%s\":", name);
    yq_buf_add_json_string(out, value);
}

static void add_change(struct yq_buf *out, const struct yq_change *c)
{
    yq_buf_adds(out, "{\"field\":");
    yq_buf_add_json_string(out, c->field);
    add_pair(out, "before", c->before);
    add_pair(out, "after", c->after);
    if (c->after == NULL && c->ref.wecom != 0)
        yq_buf_addf(out, ",\"wecom_department\":%" PRIu32, c->ref.wecom);
    yq_buf_addc(out, '}');
}

static void add_operation(struct yq_buf *out, const struct yq_operation *op)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&op->subject, subject);
    yq_buf_addf(out, "{\"op\":\"%s\"", yq_operation_kind_name(op->kind));
    add_pair(out, "rule", op->rule);
    add_pair(out, "subject", subject);
    add_pair(out, "target", op->target);
    add_pair(out, "name", op->name);
    add_pair(out, "department", op->department.id);
    yq_buf_adds(out, op->held ? ",\"held\":true,\"changes\":[" : ",\"changes\":[");
    for (size_t i = 0; i < op->change_count; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        add_change(out, &op->changes[i]);
    }
    yq_buf_adds(out, "]}");
}

static void add_operations(struct yq_reconcile *r, const struct yq_plan *p)
{
    struct yq_buf json = YQ_BUF_INIT;
    for (size_t i = 0; i < p->operation_count && r->lines < LINES_MAX_DRY; i++) {
        yq_buf_clear(&json);
        add_operation(&json, p->operations[i]);
        if (!is_new(r, yq_buf_text(&json), json.len))
            continue;
        yq_buf_adds(&r->operations, r->operations.len > 0 ? "," : "");
        yq_buf_add(&r->operations, json.data, json.len);
    }
    yq_buf_release(&json);
}

void yq_reconcile_tell(struct yq_reconcile *r, const struct yq_plan *p)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (r->dry_run)
        add_operations(r, p);
    if (r->lines < lines_max(r))
        yq_plan_text(p, &text);
    const char *line = yq_buf_text(&text);
    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        if (is_new(r, line, len))
            add_line(r, line, len);
        line += len + (line[len] != '\0');
    }
    yq_buf_release(&text);
}

static size_t drifted(const struct yq_reconcile *r)
{
    size_t n = r->counts.departments;
    for (int k = 0; k < YQ_DRIFT_KINDS; k++)
        n += r->counts.drifted[k];
    return n;
}

static void add_counts(const struct yq_reconcile *r, struct yq_buf *out)
{
    const struct yq_reconcile_counts *n = &r->counts;
    const struct {
        const char *name;
        size_t count;
    } all[] = {{"departments", n->departments},
               {"new", n->drifted[YQ_DRIFT_NEW]},
               {"changed", n->drifted[YQ_DRIFT_CHANGED]},
               {"left", n->drifted[YQ_DRIFT_LEFT]},
               {"gone", n->drifted[YQ_DRIFT_GONE]},
               {"returned", n->drifted[YQ_DRIFT_RETURNED]},
               {"stale", n->drifted[YQ_DRIFT_STALE]},
               {"applied", n->applied},
               {"failed", n->failed},
               {"held", n->held},
               {"cases", n->cases},
               {"waiting", n->waiting},
               {"superiors", n->superiors},
               {"calls", (size_t)yq_connection_calls()}};
    yq_buf_adds(out, ",\"counts\":{");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        yq_buf_addf(out, "%s\"%s\":%zu", i > 0 ? "," : "", all[i].name, all[i].count);
    yq_buf_adds(out, "}");
}

void yq_reconcile_report(const struct yq_reconcile *r, const char *outcome,
                         const struct yq_error *error, struct yq_buf *out)
{
    yq_buf_addf(out,
                "{\"run\":\"%s\",\"cause\":\"%s\",\"kind\":\"%s\",\"dry_run\":%s,\"scope\":%zu,"
                "\"outcome\":\"%s\",\"started\":%" PRId64 ",\"ended\":%" PRId64,
                r->run, r->cause, yq_reconcile_kind_name(r->kind), r->dry_run ? "true" : "false",
                drifted(r), outcome, r->started_ms, yq_wall_ms(r->c->clock));
    add_counts(r, out);
    add_pair(out, "held_plan", r->held_plan);
    if (error != NULL)
        add_pair(out, "error", error->text);
    if (r->refused.code != YQ_REASON_NONE) {
        yq_buf_adds(out, ",\"refused\":");
        yq_record_reason("failed", &r->refused, out);
    }
    yq_buf_addf(out, ",\"more\":%zu,\"summary\":[",
                r->lines > lines_max(r) ? r->lines - lines_max(r) : 0);
    yq_buf_add(out, yq_buf_text(&r->summary), r->summary.len);
    if (r->dry_run) {
        yq_buf_adds(out, "],\"operations\":[");
        yq_buf_add(out, yq_buf_text(&r->operations), r->operations.len);
    }
    yq_buf_adds(out, "]}");
}

void yq_reconcile_forget_told(struct yq_reconcile *r)
{
    struct told *t, *next;
    HASH_ITER (hh, r->told, t, next) {
        HASH_DEL(r->told, t);
        free(t);
    }
    yq_buf_release(&r->summary);
    yq_buf_release(&r->operations);
}
