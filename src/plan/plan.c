/* The planner's frame: settles every subject with evidence, then turns what was settled into
 * ordered operations and verdicts. Nothing is emitted while a fact is missing, so that a half-known
 * view can never look like an empty one. */
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "planner.h"

const char *yq_verdict_name(enum yq_verdict_kind kind)
{
    static const char *const names[] = {"open", "in step", "change", "left alone",
                                        "wait", "case",    "held"};
    return names[kind];
}

void need(struct planner *p, enum yq_need_kind kind, const char *id, uint32_t number)
{
    char key[sizeof(((struct yq_need *)0)->key)];
    (void)snprintf(key, sizeof(key), "%d %u %s", (int)kind, number, id ? id : "");
    struct yq_need *n;
    HASH_FIND_STR(p->plan->needs, key, n);
    if (n != NULL)
        return;
    n = yq_arena_alloc(p->arena, sizeof(*n));
    n->kind = kind;
    n->id = yq_arena_strdup(p->arena, id);
    n->number = number;
    memcpy(n->key, key, sizeof(key));
    HASH_ADD_STR(p->plan->needs, key, n);
}

struct yq_verdict *verdict(struct planner *p, const struct yq_subject *subject)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(subject, key);
    struct yq_verdict *v;
    HASH_FIND_STR(p->plan->verdicts, key, v);
    if (v != NULL)
        return v;
    v = yq_arena_alloc(p->arena, sizeof(*v));
    v->subject = *subject;
    memcpy(v->key, key, sizeof(key));
    HASH_ADD_STR(p->plan->verdicts, key, v);
    return v;
}

void conclude(struct yq_verdict *v, enum yq_verdict_kind kind, enum yq_reason_code code,
              const char *arg1, const char *arg2)
{
    v->kind = kind;
    v->reason = (struct yq_reason){.code = code, .args = {arg1, arg2, NULL}};
}

struct yq_operation *operation(struct planner *p, enum yq_operation_kind kind, int stage,
                               const struct yq_subject *subject, const char *rule)
{
    struct yq_operation *op = yq_arena_alloc(p->arena, sizeof(*op));
    op->kind = kind;
    op->stage = stage;
    op->subject = *subject;
    op->rule = rule;
    yq_grow(&p->plan->operations, &p->plan->operation_capacity, p->plan->operation_count,
            sizeof(op));
    p->plan->operations[p->plan->operation_count++] = op;
    return op;
}

void change(struct yq_operation *op, const char *field, const char *before, const char *after)
{
    op->changes[op->change_count++] =
        (struct yq_change){.field = field, .before = before, .after = after};
}

void change_ref(struct yq_operation *op, const char *field, const char *before, struct yq_ref ref)
{
    op->changes[op->change_count++] =
        (struct yq_change){.field = field, .before = before, .after = ref.id, .ref = ref};
}

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_operations(const void *left, const void *right)
{
    const struct yq_operation *a = *(struct yq_operation *const *)left;
    const struct yq_operation *b = *(struct yq_operation *const *)right;
    if (a->stage != b->stage)
        return a->stage < b->stage ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->subject.id != b->subject.id)
        return a->subject.id < b->subject.id ? -1 : 1;
    int order = strcmp(a->subject.userid, b->subject.userid);
    if (order == 0)
        order = compare_text(a->target, b->target);
    if (order == 0 && a->department.wecom != b->department.wecom)
        order = a->department.wecom < b->department.wecom ? -1 : 1;
    return order ? order : compare_text(a->department.id, b->department.id);
}

static int compare_evidence(const void *left, const void *right)
{
    const struct yq_evidence *a = *(const struct yq_evidence *const *)left;
    const struct yq_evidence *b = *(const struct yq_evidence *const *)right;
    if (a->subject.kind != b->subject.kind) /* departments before members */
        return a->subject.kind == YQ_SUBJECT_DEPARTMENT ? -1 : 1;
    if (a->subject.id != b->subject.id)
        return a->subject.id < b->subject.id ? -1 : 1;
    return strcmp(a->key, b->key);
}

/* Evidence in an order that does not depend on how it came in. */
static void sort_evidence(struct planner *p)
{
    p->evidence =
        yq_arena_alloc(p->arena, (HASH_COUNT(p->view->evidence) + 1) * sizeof(*p->evidence));
    for (const struct yq_evidence *e = p->view->evidence; e != NULL; e = e->hh.next) {
        if (e->subject.kind == YQ_SUBJECT_MEMBER || e->subject.kind == YQ_SUBJECT_DEPARTMENT)
            p->evidence[p->evidence_count++] = e;
        p->tried_before |= e->attempts > 1;
    }
    qsort(p->evidence, p->evidence_count, sizeof(*p->evidence), compare_evidence);
}

static void forget_subjects(struct planner *p)
{
    forget_members_index(p);
    HASH_CLEAR(hh, p->departments);
    HASH_CLEAR(hh, p->members);
    release_places(p);
}

static void forget(struct planner *p)
{
    forget_subjects(p);
    HASH_CLEAR(hh, p->plan->verdicts);
}

static void know_everybody(struct planner *p)
{
    for (size_t i = 0; i < p->evidence_count; i++) {
        if (p->evidence[i]->subject.kind == YQ_SUBJECT_MEMBER)
            know_member(p, p->evidence[i]->subject.userid);
    }
    settle_contests(p);
}

static void settle_everything(struct planner *p)
{
    for (size_t i = 0; i < p->evidence_count; i++) {
        const struct yq_evidence *e = p->evidence[i];
        if (e->subject.kind == YQ_SUBJECT_DEPARTMENT)
            settle_department(p, e->subject.id, true);
        else
            settle_member(p, e->subject.userid);
        verdict(p, &e->subject)->asked = true;
    }
}

static void count_guarded(struct yq_plan *plan)
{
    for (size_t i = 0; i < plan->operation_count; i++) {
        const struct yq_operation *op = plan->operations[i];
        plan->removals += op->kind == YQ_OP_MEMBER_RESIGN;
        plan->moves_to_root += op->to_root;
    }
}

struct yq_plan *yq_plan_make(const struct yq_view *view, const struct yq_policy *policy)
{
    struct yq_plan *plan = yq_calloc(1, sizeof(*plan));
    plan->arena = yq_arena_new();
    struct planner p = {.view = view, .policy = policy, .plan = plan, .arena = plan->arena};
    sort_evidence(&p);
    index_renames(&p);
    if (view->eteams_root == NULL)
        need(&p, YQ_NEED_ROOT, NULL, 0);
    do {
        forget(&p);
        know_everybody(&p);
        settle_everything(&p);
    } while (block_takers(&p));
    if (plan->needs == NULL) {
        spare_administrators(&p);
    }
    if (plan->needs == NULL) {
        adopt_records(&p);
        revoke_claims(&p);
        settle_superiors(&p);
    }
    if (plan->needs == NULL) {
        emit_departments(&p);
        emit_members(&p);
    }
    if (plan->operation_count > 1)
        qsort(plan->operations, plan->operation_count, sizeof(*plan->operations),
              compare_operations);
    count_guarded(plan);
    forget_subjects(&p);
    release_index(&p);
    return plan;
}

void yq_plan_free(struct yq_plan *p)
{
    if (p == NULL)
        return;
    HASH_CLEAR(hh, p->needs);
    HASH_CLEAR(hh, p->verdicts);
    free(p->operations);
    yq_arena_free(p->arena);
    free(p);
}
