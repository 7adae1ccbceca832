/* Operations and verdicts of the departments that were settled. */
#include <string.h>

#include "model/normal.h"
#include "planner.h"

#define MOST_LEVELS 100 /* WeCom has 15; a circle must end, too */

static void emit_unlink(struct planner *p, const struct department *d, int stage, const char *rule,
                        enum yq_reason_code code)
{
    struct yq_subject subject = yq_subject_department(d->id);
    struct yq_operation *op = operation(p, YQ_OP_DEPARTMENT_UNLINK, stage, &subject, rule);
    op->target = d->link->eteams;
    op->reason = (struct yq_reason){.code = code, .args = {d->link->eteams}};
}

static const struct yq_eteams_department *row_of(const struct planner *p, const char *id)
{
    return id != NULL ? yq_view_find_eteams_department(p->view, id) : NULL;
}

/* The record of a department that is gone, where it shall be disabled (decisions.md 24); else NULL.
 */
static const struct yq_eteams_department *closes(struct planner *p, const struct department *d)
{
    if (d == NULL || d->progress != GONE || d->link == NULL || !p->policy->disable_departments)
        return NULL;
    const struct yq_eteams_department *row = row_of(p, d->link->eteams);
    bool there = row != NULL && row->fact == YQ_PRESENT && row->enabled;
    return there && !is_taken_over(p, row) ? row : NULL;
}

/* How many of those above it are disabled, too: from below, since eteams refuses one with enabled
 * children (eteams.md §1.8). */
static int levels_above(struct planner *p, const struct yq_eteams_department *row)
{
    int levels = 0;
    for (row = row_of(p, row->parent); row != NULL && levels < MOST_LEVELS; levels++) {
        const struct department *above = NULL;
        if (row->owner != NULL)
            HASH_FIND(hh, p->departments, &row->owner->id, sizeof(row->owner->id), above);
        if (closes(p, above) == NULL)
            break;
        row = row_of(p, row->parent);
    }
    return levels;
}

/* Whoever is in it may be about to leave. The link goes last, being the only memory of what is left
 * to do. */
static void emit_disable(struct planner *p, const struct department *d,
                         const struct yq_eteams_department *row)
{
    struct yq_subject subject = yq_subject_department(d->id);
    const struct yq_evidence *e = yq_view_evidence(p->view, &subject);
    int stage = STAGE_DISABLE + MOST_LEVELS - levels_above(p, row);
    struct yq_operation *op = operation(p, YQ_OP_DEPARTMENT_DISABLE, stage, &subject, "D24");
    op->target = d->link->eteams;
    op->name = row->name;
    op->patient = e != NULL && e->waited_ms < p->policy->not_ready_ms;
}

static void emit_gone(struct planner *p, const struct department *d)
{
    if (d->link == NULL)
        return;
    const struct yq_eteams_department *row = closes(p, d);
    if (row != NULL)
        emit_disable(p, d, row);
    emit_unlink(p, d, row ? STAGE_FORGET : STAGE_BOOK, "D24", YQ_REASON_DEPARTMENT_GONE);
}

static const char *temporary_name(struct planner *p, const struct department *d)
{
    return yq_arena_printf(p->arena, "%s (%u)", d->name, d->id);
}

static void emit_step_aside(struct planner *p, const struct department *d,
                            const struct yq_subject *subject)
{
    struct yq_operation *op =
        operation(p, YQ_OP_DEPARTMENT_UPDATE, STAGE_STEP_ASIDE, subject, "D10");
    op->target = d->row->id;
    op->name = d->name;
    change(op, "name", d->row->name, temporary_name(p, d));
}

/* Where it stands, before what comes below it; behind its change of name and place where it cannot
 * be enabled before. */
static void emit_enable(struct planner *p, const struct department *d,
                        const struct yq_subject *subject)
{
    bool at_once = may_stand_up(p, d);
    int stage = at_once ? STAGE_DEPARTMENT + d->depth * STAGE_LEVEL : d->stage + 1;
    struct yq_operation *op = operation(p, YQ_OP_DEPARTMENT_ENABLE, stage, subject, "D8");
    op->target = d->row->id;
    op->name = d->row->name;
}

static void emit_record(struct planner *p, struct department *d, const struct yq_subject *subject)
{
    struct yq_operation *op;
    if (d->row == NULL) {
        op = operation(p, YQ_OP_DEPARTMENT_CREATE, d->stage, subject, "R1");
        op->how = "created";
        op->name = d->name;
        change(op, "name", NULL, d->name);
        change_ref(op, "parent", NULL, d->parent);
        return;
    }
    if (d->found) {
        op = operation(p, YQ_OP_DEPARTMENT_LINK, d->stage, subject, "R2");
        op->target = d->row->id;
        op->how = "name";
        op->name = d->row->name;
    }
    if (!d->row->enabled)
        emit_enable(p, d, subject);
    bool renamed = !yq_same_name(p->arena, d->name, d->row->name) || d->step_aside;
    bool moved = d->id != WECOM_ROOT && (d->parent.id == NULL || d->row->parent == NULL ||
                                         strcmp(d->parent.id, d->row->parent) != 0);
    if (!renamed && !moved)
        return;
    if (d->step_aside)
        emit_step_aside(p, d, subject);
    op = operation(p, YQ_OP_DEPARTMENT_UPDATE, d->stage, subject, renamed ? "R8" : "R2");
    op->target = d->row->id;
    op->name = d->name;
    if (renamed)
        change(op, "name", d->step_aside ? temporary_name(p, d) : d->row->name, d->name);
    if (moved)
        change_ref(op, "parent", d->row->parent, d->parent);
}

static void emit_ready(struct planner *p, struct department *d, struct yq_verdict *v)
{
    size_t before = p->plan->operation_count;
    if (d->full) {
        if (d->link_is_stale)
            emit_unlink(p, d, STAGE_BOOK, "D27", YQ_REASON_LINK_STALE);
        emit_record(p, d, &v->subject);
        v->agreed[YQ_FIELD_NAME] = yq_agreed_hash(d->name);
        v->agreed[YQ_FIELD_MAIN_DEPARTMENT] = d->parent.id ? yq_agreed_hash(d->parent.id) : 0;
    }
    v->eteams = d->ref.id;
    bool changed = p->plan->operation_count > before;
    if (d->name_kept)
        conclude(v, YQ_VERDICT_CASE, d->reason.code, d->reason.args[0], NULL);
    else if (d->reason.code != YQ_REASON_NONE)
        conclude(v, YQ_VERDICT_SKIP, d->reason.code, d->reason.args[0], NULL);
    else
        conclude(v, changed ? YQ_VERDICT_CHANGE : YQ_VERDICT_IN_STEP,
                 changed ? YQ_REASON_NONE : YQ_REASON_IN_STEP, NULL, NULL);
}

static bool is_case(enum yq_reason_code code)
{
    return code == YQ_REASON_NAME_LINKED || code == YQ_REASON_NAME_TAKEN;
}

static void emit_one(struct planner *p, struct department *d)
{
    struct yq_subject subject = yq_subject_department(d->id);
    struct yq_verdict *v = verdict(p, &subject);
    const char *arg1 = d->reason.args[0], *arg2 = d->reason.args[1];
    switch (d->progress) {
    case READY:
        emit_ready(p, d, v);
        break;
    case GONE:
        emit_gone(p, d);
        if (d->link != NULL)
            conclude(v, YQ_VERDICT_CHANGE, YQ_REASON_DEPARTMENT_GONE, NULL, NULL);
        else
            conclude(v, YQ_VERDICT_SKIP, YQ_REASON_NOT_IN_ETEAMS, NULL, NULL);
        break;
    case HIDES:
        conclude(v, is_case(d->reason.code) ? YQ_VERDICT_CASE : YQ_VERDICT_SKIP, d->reason.code,
                 arg1, arg2);
        break;
    default:
        conclude(v, YQ_VERDICT_WAIT, d->reason.code, arg1, arg2);
        break;
    }
    const struct yq_evidence *e = yq_view_evidence(p->view, &subject);
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, d->id);
    if (e != NULL && e->reported_department != NULL && w != NULL && w->name == NULL)
        v->heard_at[YQ_FIELD_NAME] = e->reported_at[YQ_FIELD_NAME];
}

void emit_departments(struct planner *p)
{
    for (struct department *d = p->departments; d != NULL; d = d->hh.next) {
        if (d->full || d->progress != READY || d->reason.code != YQ_REASON_NONE || d->link == NULL)
            emit_one(p, d);
    }
}
