/* Operations and verdicts of the departments that were settled. */
#include <string.h>

#include "model/normal.h"
#include "planner.h"

static void emit_unlink(struct planner *p, const struct department *d, const char *rule,
                        enum yq_reason_code code)
{
    struct yq_subject subject = yq_subject_department(d->id);
    struct yq_operation *op = operation(p, YQ_OP_DEPARTMENT_UNLINK, STAGE_BOOK, &subject, rule);
    op->target = d->link->eteams;
    op->reason = (struct yq_reason){.code = code, .args = {d->link->eteams}};
}

static void emit_gone(struct planner *p, const struct department *d)
{
    if (d->link == NULL)
        return;
    struct yq_subject subject = yq_subject_department(d->id);
    const struct yq_eteams_department *row =
        yq_view_find_eteams_department(p->view, d->link->eteams);
    bool there = row != NULL && row->fact == YQ_PRESENT && row->enabled;
    if (p->policy->disable_departments && there &&
        !is_taken_over(p, row)) { /* refused while people are in it: kept then */
        struct yq_operation *op =
            operation(p, YQ_OP_DEPARTMENT_DISABLE, STAGE_DISABLE, &subject, "D24");
        op->target = d->link->eteams;
    }
    emit_unlink(p, d, "D24", YQ_REASON_DEPARTMENT_GONE);
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
    if (!d->row->enabled) {
        op = operation(p, YQ_OP_DEPARTMENT_ENABLE, d->stage, subject, "D8");
        op->target = d->row->id;
        op->name = d->row->name;
    }
    bool renamed = !yq_same_name(p->arena, d->name, d->row->name) || d->step_aside;
    bool moved =
        d->parent.id == NULL || d->row->parent == NULL || strcmp(d->parent.id, d->row->parent) != 0;
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
            emit_unlink(p, d, "D27", YQ_REASON_LINK_STALE);
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
        conclude(v, d->reason.code == YQ_REASON_NAME_LINKED ? YQ_VERDICT_CASE : YQ_VERDICT_SKIP,
                 d->reason.code, arg1, arg2);
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
