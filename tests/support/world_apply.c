/* The world carries out operations as eteams would: what eteams refuses, writes of what is already
 * there, and expectations that do not hold are complaints. */
#include <string.h>

#include "model/normal.h"
#include "world_act.h"

void world_complain(struct act *a, const char *what, const char *detail)
{
    char subject[YQ_SUBJECT_MAX];
    yq_subject_format(&a->op->subject, subject);
    yq_buf_addf(a->complaints, "%s %s: %s%s%s\n", yq_operation_kind_name(a->op->kind), subject,
                what, detail ? " " : "", detail ? detail : "");
    a->lines++;
}

/* The department that a ref stands for now; NULL with a complaint. */
const char *world_resolve(struct act *a, struct yq_ref ref)
{
    const char *id = ref.id;
    if (id == NULL && ref.wecom != 0) {
        const struct yq_link_department *l = world_department_link(a->w, ref.wecom);
        id = l != NULL ? l->eteams : NULL;
    }
    const struct world_org *o = world_org(a->w, id);
    if (o == NULL) {
        world_complain(a, "unknown department", id ? id : "(none yet)");
        return NULL;
    }
    if (!o->enabled)
        world_complain(a, "disabled department", id);
    return o->id;
}

const struct yq_change *world_change(const struct yq_operation *op, const char *field)
{
    for (size_t i = 0; i < op->change_count; i++) {
        if (strcmp(op->changes[i].field, field) == 0)
            return &op->changes[i];
    }
    return NULL;
}

bool world_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* ---- departments ---- */

static void check_sibling(struct act *a, const struct world_org *self, const char *name,
                          const char *parent)
{
    for (size_t i = 0; i < a->w->org_count; i++) {
        const struct world_org *o = &a->w->orgs[i];
        if (o != self && o->enabled && world_same(o->parent, parent) &&
            yq_same_name(a->w->arena, o->name, name))
            world_complain(a, "name already used under this parent:", name);
    }
}

static bool is_below(const struct world *w, const char *id, const char *ancestor)
{
    for (int depth = 0; id != NULL && depth < 1000; depth++) {
        if (strcmp(id, ancestor) == 0)
            return true;
        const struct world_org *o = world_org(w, id);
        id = o != NULL ? o->parent : NULL;
    }
    return false;
}

static void unlink_department(struct act *a)
{
    struct world *w = a->w;
    struct yq_link_department *l = world_department_link(w, a->op->subject.id);
    if (l == NULL) {
        world_complain(a, "there is no link", NULL);
        return;
    }
    *l = w->department_links[--w->department_link_count];
}

static void link_department(struct act *a, const char *eteams)
{
    struct world *w = a->w;
    for (size_t i = 0; i < w->department_link_count; i++) {
        if (strcmp(w->department_links[i].eteams, eteams) == 0)
            world_complain(a, "already linked:", eteams);
    }
    if (world_org(w, eteams) == NULL)
        world_complain(a, "no such record", eteams);
    struct yq_link_department *l = world_department_link(w, a->op->subject.id);
    if (l != NULL && world_org(w, l->eteams) != NULL)
        world_complain(a, "takes the place of a link that stands", l->eteams);
    if (l != NULL)
        *l = w->department_links[--w->department_link_count];
    if (a->op->how == NULL)
        world_complain(a, "does not say how the link is known", NULL);
    world_link_department(w, a->op->subject.id, eteams, a->op->how ? a->op->how : "");
}

static void create_department(struct act *a)
{
    const struct yq_change *name = world_change(a->op, "name"),
                           *parent = world_change(a->op, "parent");
    if (name == NULL || parent == NULL || name->after == NULL || *name->after == '\0') {
        world_complain(a, "name and parent are required", NULL);
        return;
    }
    const char *above = world_resolve(a, parent->ref);
    if (above == NULL)
        return;
    check_sibling(a, NULL, name->after, above);
    const char *id = yq_arena_printf(a->w->arena, "%lld", (long long)a->w->next_id++);
    world_add_org(a->w, id, name->after, above);
    link_department(a, id);
}

static void update_department(struct act *a)
{
    struct world_org *o = world_org(a->w, a->op->target);
    const struct yq_change *name = world_change(a->op, "name"),
                           *parent = world_change(a->op, "parent");
    bool root = o != NULL && o->parent == NULL;
    if (o == NULL || (root && (parent != NULL || !a->w->policy.rename_root))) {
        world_complain(a, o ? "the root may not be changed" : "no such record", a->op->target);
        return;
    }
    if (name == NULL && parent == NULL)
        world_complain(a, "changes nothing", NULL);
    if (name != NULL && !world_same(name->before, o->name))
        world_complain(a, "expected another name than", o->name);
    if (name != NULL && yq_same_name(a->w->arena, name->after, o->name))
        world_complain(a, "writes the name that it has:", o->name);
    if (parent != NULL && !world_same(parent->before, o->parent))
        world_complain(a, "expected another parent than", o->parent);
    const char *above = parent ? world_resolve(a, parent->ref) : o->parent;
    if (above == NULL && !root)
        return;
    if (parent != NULL && world_same(above, o->parent))
        world_complain(a, "moves to the parent that it has:", above);
    if (!root && is_below(a->w, above, o->id)) {
        world_complain(a, "would create a cycle", NULL);
        return;
    }
    if (o->enabled)
        check_sibling(a, o, name ? name->after : o->name, above);
    o->name = name ? yq_arena_strdup(a->w->arena, name->after) : o->name;
    o->parent = above;
}

static void enable_department(struct act *a)
{
    struct world_org *o = world_org(a->w, a->op->target);
    if (o == NULL || o->enabled) {
        world_complain(a, o ? "is already enabled" : "no such record", a->op->target);
        return;
    }
    const struct world_org *above = world_org(a->w, o->parent);
    if (above != NULL && !above->enabled)
        world_complain(a, "its parent is disabled", NULL);
    check_sibling(a, o, o->name, o->parent);
    o->enabled = true;
}

static bool is_used(const struct world *w, const char *department)
{
    for (size_t i = 0; i < w->org_count; i++) {
        if (w->orgs[i].enabled && world_same(w->orgs[i].parent, department))
            return true;
    }
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_person *p = &w->people[i];
        if (p->in_service && world_same(p->department, department))
            return true;
        for (size_t k = 0; p->in_service && k < p->post_count; k++) {
            if (world_same(p->posts[k].department, department))
                return true;
        }
    }
    return false;
}

/* Refused, and nothing more, while anybody is in it: only eteams can tell (eteams.md §1.8). */
static void disable_department(struct act *a)
{
    struct world_org *o = world_org(a->w, a->op->target);
    if (o == NULL)
        world_complain(a, "no such record", a->op->target);
    else if (!o->enabled)
        world_complain(a, "is already disabled", a->op->target);
    else if (!is_used(a->w, o->id))
        o->enabled = false;
}

static void link_by_target(struct act *a)
{
    if (a->op->target == NULL)
        world_complain(a, "no target", NULL);
    else if (a->op->kind == YQ_OP_DEPARTMENT_LINK)
        link_department(a, a->op->target);
    else
        world_make_member_link(a, a->op->target);
}

size_t world_apply_one(struct world *w, const struct yq_operation *op, struct yq_buf *complaints)
{
    static void (*const acts[])(struct act *) = {
        [YQ_OP_DEPARTMENT_UNLINK] = unlink_department,
        [YQ_OP_DEPARTMENT_LINK] = link_by_target,
        [YQ_OP_DEPARTMENT_ENABLE] = enable_department,
        [YQ_OP_DEPARTMENT_CREATE] = create_department,
        [YQ_OP_DEPARTMENT_UPDATE] = update_department,
        [YQ_OP_MEMBER_RELINK] = world_relink_member,
        [YQ_OP_MEMBER_UNLINK] = world_unlink_member,
        [YQ_OP_MEMBER_LINK] = link_by_target,
        [YQ_OP_MEMBER_REHIRE] = world_rehire_member,
        [YQ_OP_MEMBER_CREATE] = world_create_member,
        [YQ_OP_MEMBER_UPDATE] = world_update_member,
        [YQ_OP_POST_REMOVE] = world_remove_post,
        [YQ_OP_POST_ADD] = world_add_post,
        [YQ_OP_MEMBER_SUPERIORS] = world_set_superiors,
        [YQ_OP_MEMBER_RESIGN] = world_resign_member,
        [YQ_OP_DEPARTMENT_DISABLE] = disable_department,
    };
    struct act a = {w, op, complaints, 0};
    acts[op->kind](&a);
    return a.lines + world_check(w, complaints);
}

static void note_department(struct world *w, const struct yq_verdict *d)
{
    struct yq_link_department *l = world_department_link(w, d->subject.id);
    if (l == NULL)
        return;
    if (d->agreed[YQ_FIELD_NAME] != 0)
        l->agreed_name = d->agreed[YQ_FIELD_NAME];
    if (d->agreed[YQ_FIELD_MAIN_DEPARTMENT] != 0)
        l->agreed_parent = d->agreed[YQ_FIELD_MAIN_DEPARTMENT];
    if (d->heard_at[YQ_FIELD_NAME] != 0)
        l->heard_at = d->heard_at[YQ_FIELD_NAME];
}

static void note_member(struct world *w, const struct yq_verdict *d)
{
    struct yq_link_member *l = world_member_link(w, d->subject.userid);
    for (unsigned f = 0; l != NULL && f < YQ_MEMBER_FIELD_COUNT; f++) {
        if (d->agreed[f] != 0)
            l->agreed[f] = d->agreed[f];
        if (d->heard_at[f] != 0)
            l->heard_at[f] = d->heard_at[f];
    }
    if (l != NULL && d->born > l->born)
        l->born = d->born;
}

/* What both sides agree on now, and when it was said, goes into the links. */
static void note_agreed(struct world *w, const struct yq_plan *plan)
{
    for (const struct yq_verdict *d = plan->verdicts; d != NULL; d = d->hh.next) {
        bool settled = d->kind == YQ_VERDICT_CHANGE || d->kind == YQ_VERDICT_IN_STEP;
        if (settled && d->subject.kind == YQ_SUBJECT_DEPARTMENT)
            note_department(w, d);
        if (settled && d->subject.kind == YQ_SUBJECT_MEMBER)
            note_member(w, d);
    }
}

size_t world_apply(struct world *w, const struct yq_plan *plan, struct yq_buf *complaints)
{
    size_t lines = 0;
    for (size_t i = 0; i < plan->operation_count; i++) {
        if (!plan->operations[i]->held)
            lines += world_apply_one(w, plan->operations[i], complaints);
    }
    note_agreed(w, plan);
    return lines;
}

size_t world_apply_reversed(struct world *w, const struct yq_plan *plan, struct yq_buf *complaints)
{
    size_t lines = 0;
    for (size_t from = 0, end; from < plan->operation_count; from = end) {
        const struct yq_operation *first = plan->operations[from];
        for (end = from; end < plan->operation_count; end++) {
            const struct yq_operation *op = plan->operations[end];
            if (op->stage != first->stage || op->kind != first->kind)
                break;
        }
        for (size_t i = end; i > from; i--) {
            if (!plan->operations[i - 1]->held)
                lines += world_apply_one(w, plan->operations[i - 1], complaints);
        }
    }
    note_agreed(w, plan);
    return lines;
}
