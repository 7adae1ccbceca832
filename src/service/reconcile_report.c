/* What a reconcile tells: its plans, as lines and as JSON, and the entry of `runs`. */
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

static bool is_first(struct told **set, const char *text, size_t len)
{
    struct told *t;
    HASH_FIND(hh, *set, text, len, t);
    if (t != NULL)
        return false;
    t = yq_calloc(1, sizeof(*t) + len + 1);
    memcpy(t->key, text, len);
    HASH_ADD(hh, *set, key, len, t);
    return true;
}

/* Who waits is tried twice; in a dry run departments are planned again wherever somebody needs
 * them. */
static bool is_new(struct yq_reconcile *r, const struct yq_plan_item *item)
{
    return (!r->dry_run && item->operation) || is_first(&r->told, item->text, strlen(item->text));
}

void yq_reconcile_count_held(struct yq_reconcile *r, const struct yq_plan *p)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        char key[YQ_SUBJECT_MAX + 2];
        if (!op->held || (op->kind != YQ_OP_MEMBER_RESIGN && !op->to_root))
            continue;
        key[0] = op->to_root ? '>' : '-';
        yq_subject_key(&op->subject, key + 1);
        r->counts.held += is_first(&r->held, key, strlen(key));
    }
}

static void add_json(struct yq_buf *list, const char *json)
{
    yq_buf_adds(list, list->len > 0 ? "," : "");
    yq_buf_adds(list, json);
}

void yq_reconcile_tell_item(struct yq_reconcile *r, const struct yq_plan_item *item)
{
    if (!is_new(r, item) || r->lines++ >= lines_max(r))
        return;
    yq_buf_adds(&r->summary, r->summary.len > 0 ? "," : "");
    yq_buf_add_json_string(&r->summary, item->text);
    add_json(item->operation ? &r->operations : &r->verdicts, item->json);
}

static void take_item(void *context, const struct yq_plan_item *item)
{
    yq_reconcile_tell_item(context, item);
}

void yq_reconcile_tell(struct yq_reconcile *r, const struct yq_plan *p)
{
    if (r->lines < lines_max(r))
        yq_plan_each(p, take_item, r);
    else
        r->lines += yq_plan_items(p);
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
    yq_buf_addf(out, ",\"held_plan\":\"%s\"", r->held_plan);
    if (error != NULL) {
        yq_buf_adds(out, ",\"error\":");
        yq_buf_add_json_string(out, error->text);
    }
    if (r->refused.code != YQ_REASON_NONE) {
        yq_buf_adds(out, ",\"refused\":");
        yq_record_reason("failed", &r->refused, out);
    }
    yq_buf_addf(out, ",\"more\":%zu,\"summary\":[",
                r->lines > lines_max(r) ? r->lines - lines_max(r) : 0);
    yq_buf_add(out, yq_buf_text(&r->summary), r->summary.len);
    yq_buf_adds(out, "],\"operations\":[");
    yq_buf_add(out, yq_buf_text(&r->operations), r->operations.len);
    yq_buf_adds(out, "],\"verdicts\":[");
    yq_buf_add(out, yq_buf_text(&r->verdicts), r->verdicts.len);
    yq_buf_adds(out, "]}");
}

static void forget(struct told **set)
{
    struct told *t, *next;
    HASH_ITER (hh, *set, t, next) {
        HASH_DEL(*set, t);
        free(t);
    }
}

void yq_reconcile_forget_told(struct yq_reconcile *r)
{
    forget(&r->told);
    forget(&r->held);
    yq_buf_release(&r->summary);
    yq_buf_release(&r->operations);
    yq_buf_release(&r->verdicts);
}
