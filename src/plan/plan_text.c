/* A plan in lines of text, for people and for golden cases.
 *
 *   100 department.create department:12 new name: -> 研发, parent: -> 4000000000000000001 (R1)
 *   in step member:li.na: both sides already agree */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plan/plan.h"

static void add_ref(struct yq_buf *out, const struct yq_ref *ref)
{
    if (ref->id != NULL)
        yq_buf_adds(out, ref->id);
    else
        yq_buf_addf(out, "department:%u", ref->wecom);
}

static void add_change(struct yq_buf *out, const struct yq_change *c)
{
    yq_buf_addf(out, " %s:", c->field);
    if (c->before != NULL)
        yq_buf_addf(out, " %s", c->before[0] ? c->before : "\"\"");
    yq_buf_adds(out, " -> ");
    if (c->after != NULL)
        yq_buf_adds(out, c->after[0] ? c->after : "\"\"");
    else
        add_ref(out, &c->ref);
}

static void add_reason(struct yq_buf *out, const struct yq_reason *r)
{
    yq_reason_format(r, yq_reason_template(r->code), out);
}

static void add_operation(struct yq_buf *out, const struct yq_operation *op)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&op->subject, subject);
    yq_buf_addf(out, "%d %s %s %s", op->stage, yq_operation_kind_name(op->kind), subject,
                op->target ? op->target : "new");
    for (size_t i = 0; i < op->change_count; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        add_change(out, &op->changes[i]);
    }
    if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) {
        yq_buf_adds(out, " department: ");
        add_ref(out, &op->department);
    }
    if (op->from_userid != NULL)
        yq_buf_addf(out, " from: member:%s", op->from_userid);
    if (op->how != NULL && op->kind != YQ_OP_DEPARTMENT_CREATE && op->kind != YQ_OP_MEMBER_CREATE)
        yq_buf_addf(out, " by %s", op->how);
    yq_buf_addf(out, " (%s)%s", op->rule, op->held ? " held" : "");
    yq_buf_addc(out, '\n');
}

static int compare_verdicts(const void *a, const void *b)
{
    const struct yq_verdict *left = *(const struct yq_verdict *const *)a;
    const struct yq_verdict *right = *(const struct yq_verdict *const *)b;
    return strcmp(left->key, right->key);
}

static void add_verdicts(struct yq_buf *out, const struct yq_plan *p)
{
    size_t count = 0;
    const struct yq_verdict **list = yq_calloc(HASH_COUNT(p->verdicts) + 1, sizeof(*list));
    for (const struct yq_verdict *v = p->verdicts; v != NULL; v = v->hh.next) {
        if (v->asked || v->kind > YQ_VERDICT_CHANGE)
            list[count++] = v;
    }
    qsort(list, count, sizeof(*list), compare_verdicts);
    for (size_t i = 0; i < count; i++) {
        yq_buf_addf(out, "%s %s", yq_verdict_name(list[i]->kind), list[i]->key);
        if (list[i]->reason.code != YQ_REASON_NONE) {
            yq_buf_adds(out, ": ");
            add_reason(out, &list[i]->reason);
        }
        yq_buf_addc(out, '\n');
    }
    free(list);
}

void yq_plan_text(const struct yq_plan *p, struct yq_buf *out)
{
    for (size_t i = 0; i < p->operation_count; i++)
        add_operation(out, p->operations[i]);
    add_verdicts(out, p);
}
