/* Settling departments: which record in eteams stands for a department of WeCom, where it belongs
 * and what it is called (R1, R2, R8). Parents are settled before their children, whoever occupies
 * the wanted place is settled before it is taken. */
#include <string.h>

#include "model/normal.h"
#include "planner.h"

static enum progress stop(struct department *d, enum progress progress, enum yq_reason_code code,
                          const char *arg1, const char *arg2)
{
    d->progress = progress;
    d->reason = (struct yq_reason){.code = code, .args = {arg1, arg2, NULL}};
    return progress;
}

static enum progress ready(struct department *d, const char *id)
{
    d->ref = (struct yq_ref){.id = id, .wecom = d->id};
    return d->progress = READY;
}

static const char *number_text(struct planner *p, uint32_t id)
{
    return yq_arena_printf(p->arena, "%u", id);
}

static bool never_touch(const struct planner *p, uint32_t id)
{
    for (size_t i = 0; i < p->policy->never_touch_department_count; i++) {
        if (p->policy->never_touch_departments[i] == id)
            return true;
    }
    return false;
}

static const struct yq_evidence *evidence_of(const struct planner *p, uint32_t id)
{
    struct yq_subject subject = yq_subject_department(id);
    return yq_view_evidence(p->view, &subject);
}

/* The name it has in WeCom: as read, else as an event said, unless that is older than what was
 * heard. */
static const char *wecom_name(const struct planner *p, const struct department *d,
                              const struct yq_wecom_department *w)
{
    if (w->name != NULL)
        return w->name;
    const struct yq_evidence *e = evidence_of(p, d->id);
    if (e == NULL || e->reported_department == NULL)
        return NULL;
    if (d->link != NULL && d->link->heard_at > e->reported_at[YQ_FIELD_NAME])
        return NULL;
    return e->reported_department->name;
}

/* It belongs below a department that is being settled, and that waits for d to leave its place: d
 * comes later. Whoever wants the place may count on it, until block_takers has another look. */
static enum progress postpone(struct planner *p, struct department *d)
{
    if (!d->is_postponed) {
        d->is_postponed = true;
        d->next_postponed = p->postponed;
        p->postponed = d;
    }
    return UNTOUCHED;
}

/* WeCom names a parent that it says is not there, or one that waits, or is a case. */
static enum progress parent_waits(struct planner *p, struct department *d,
                                  const struct department *parent)
{
    return stop(d, WAITS, YQ_REASON_PARENT_WAITS, number_text(p, parent->id),
                yq_reason_name(parent->reason.code));
}

/* The record behind the link was asked for; false: a need says so. */
static bool record_read(struct planner *p, const struct department *d)
{
    const struct yq_eteams_department *row =
        yq_view_find_eteams_department(p->view, d->link->eteams);
    if (row != NULL && row->fact != YQ_UNASKED)
        return true;
    need(p, YQ_NEED_ETEAMS_DEPARTMENT, d->link->eteams, 0);
    return false;
}

bool is_closed(const struct yq_eteams_department *row)
{
    return row != NULL && row->fact == YQ_PRESENT && !row->enabled;
}

/* Whatever the parent waits for, what is below it belongs below its record; which may yet move. */
static enum progress below_waiting(struct planner *p, struct department *d,
                                   const struct department *parent)
{
    if (!record_read(p, parent))
        return OPEN;
    const struct yq_eteams_department *row =
        yq_view_find_eteams_department(p->view, parent->link->eteams);
    if (row->fact != YQ_PRESENT || !row->enabled)
        return parent_waits(p, d, parent);
    d->parent = (struct yq_ref){.id = row->id, .wecom = parent->id};
    d->parent_waits = true;
    return READY;
}

/* Where the parent stands in eteams. A branch whose parent is out of sight goes under the root
 * (decisions.md 7), unless that parent was linked while it could be seen. */
static enum progress settle_parent(struct planner *p, struct department *d,
                                   const struct yq_wecom_department *w)
{
    struct yq_ref root = {.id = p->view->eteams_root, .wecom = 0};
    d->parent = root;
    if (w->parent == 0 || w->parent == WECOM_ROOT)
        return p->view->eteams_root ? READY : OPEN;
    const struct department *parent = settle_department(p, w->parent, false);
    switch (parent->progress) {
    case READY:
        d->parent = parent->ref;
        d->depth = parent->depth + 1;
        return READY;
    case UNTOUCHED:
        return postpone(p, d);
    case BUSY: /* it looks for its own place, where d stands now */
        if (!parent->parent_known || parent->row == NULL)
            return postpone(p, d);
        d->parent = (struct yq_ref){.id = parent->row->id, .wecom = parent->id};
        d->depth = parent->depth + 1;
        return READY;
    case HIDES:
        if (parent->reason.code == YQ_REASON_OUT_OF_SIGHT &&
            (parent->link == NULL || parent->link_is_stale))
            return p->view->eteams_root ? READY : OPEN;
        break;
    case OPEN:
        return OPEN;
    default:
        break;
    }
    if (parent->progress == WAITS && parent->link != NULL)
        return below_waiting(p, d, parent);
    return parent_waits(p, d, parent);
}

/* All children of the place are in the view; false: a need says so, or it cannot be read. */
static bool children_known(struct planner *p, struct department *d, const char *parent)
{
    const struct yq_eteams_department *row = yq_view_find_eteams_department(p->view, parent);
    if (p->view->eteams_departments_complete || (row != NULL && row->children == YQ_PRESENT))
        return true;
    if (row != NULL && row->children == YQ_UNREADABLE) {
        stop(d, WAITS, YQ_REASON_UNREADABLE, row->error ? row->error->text : "its children", NULL);
        return false;
    }
    need(p, YQ_NEED_ETEAMS_CHILDREN, parent, 0);
    stop(d, OPEN, YQ_REASON_NONE, NULL, NULL);
    return false;
}

/* Whether the one who stands there will go is not known yet. */
static enum progress await_holder(struct planner *p, struct department *d, enum spot spot,
                                  const struct yq_eteams_department *there)
{
    if (spot == UNDECIDED)
        return stop(d, OPEN, YQ_REASON_NONE, NULL, NULL);
    return parent_waits(p, d, settle_department(p, there->owner->id, true));
}

/* Without a record: link what stands there under that name (R2), also a disabled one (decisions.md
 * 8), else it is created (R1). */
static enum progress find_or_create(struct planner *p, struct department *d)
{
    if (d->parent.id != NULL && !children_known(p, d, d->parent.id))
        return d->progress;
    const struct yq_eteams_department *there = NULL;
    enum spot spot = look_at_place(p, d, &there);
    if (spot == UNDECIDED || spot == UNKNOWN)
        return await_holder(p, d, spot, there);
    if (spot == TAKEN_BY_LINKED)
        return stop(d, HIDES, YQ_REASON_NAME_LINKED, number_text(p, there->owner->id), NULL);
    if (spot == FREE && d->parent.id != NULL)
        there = child_named(p, d->parent.id, d->name, false, d);
    const struct department *other = rival(p, d);
    if (other != NULL)
        return stop(d, HIDES, YQ_REASON_NAME_LINKED, number_text(p, other->id), NULL);
    d->row = there;
    d->found = there != NULL;
    claim_place(p, d);
    return ready(d, there ? there->id : NULL);
}

/* Its new parent may stand below d in eteams, and has to move away first. */
static enum progress avoid_circle(struct planner *p, struct department *d)
{
    bool own = false;
    int after = 0;
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, d->id);
    enum progress step = look_above(p, d, false, &own);
    bool below_own = own, circle = own || makes_circle(p, d);
    if (step == READY && circle)
        step = settle_between(p, d, w->parent, &after);
    if (step == READY && circle)
        step = look_above(p, d, true, &own);
    if (step == OPEN)
        return d->progress = OPEN;
    if (!circle || w->parent <= WECOM_ROOT)
        return READY;
    const struct department *parent = settle_department(p, w->parent, false);
    if (own || (below_own && is_blocked(p, d)))
        return parent_waits(p, d, parent);
    d->depth = parent->depth + 1;
    d->stage = STAGE_DEPARTMENT + d->depth * STAGE_LEVEL;
    d->stage = after >= d->stage ? after + 1 : d->stage;
    return READY;
}

/* Everything about the place where a disabled one stands, which decides when it is enabled. */
static bool old_place_known(struct planner *p, struct department *d)
{
    const char *parent = d->row->parent;
    if (parent == NULL)
        return true;
    const struct yq_eteams_department *row = yq_view_find_eteams_department(p->view, parent);
    if (row != NULL && row->fact != YQ_UNASKED)
        return children_known(p, d, parent);
    need(p, YQ_NEED_ETEAMS_DEPARTMENT, parent, 0);
    d->progress = OPEN;
    return false;
}

/* A disabled one that keeps its old name: is that free where it belongs, too? Nothing else is known
 * of a place that it only keeps. */
static bool may_be_enabled(struct planner *p, struct department *d, bool belongs_there)
{
    const struct yq_eteams_department *there = NULL;
    if (belongs_there && look_at_place(p, d, &there) == FREE && rival(p, d) == NULL)
        return true;
    stop(d, HIDES, d->reason.code, d->reason.args[0], NULL);
    return false;
}

/* With a record: does it have to move or be renamed, and is there room? */
static enum progress compare_record(struct planner *p, struct department *d)
{
    bool renamed = d->name != NULL && !yq_same_name(p->arena, d->name, d->row->name);
    bool moved = !in_place(d->row, d->parent.id);
    const char *own = d->row->name;
    if (!renamed)
        d->name = own;
    if (!renamed && !moved && d->row->enabled) {
        claim_place(p, d);
        return ready(d, d->row->id);
    }
    if (moved && d->parent_waits) /* which may stand below d until then */
        return parent_waits(p, d, settle_department(p, d->parent.wecom, false));
    if (moved && avoid_circle(p, d) != READY)
        return d->progress;
    if (d->parent.id != NULL && !children_known(p, d, d->parent.id))
        return d->progress;
    if (!d->row->enabled && !old_place_known(p, d))
        return d->progress;
    const struct yq_eteams_department *there = NULL;
    enum spot spot = look_at_place(p, d, &there);
    if (spot == UNDECIDED || spot == UNKNOWN)
        return await_holder(p, d, spot, there);
    const struct department *other = rival(p, d);
    if (spot != FREE ||
        other != NULL) { /* decisions.md 11: the old name stays, nothing is merged */
        const char *who = there ? there->id : number_text(p, other->id);
        d->reason = (struct yq_reason){.code = YQ_REASON_NAME_TAKEN, .args = {who}};
        d->name_kept = true;
        d->name = own;
        enum spot old = moved && renamed ? look_at_place(p, d, &there) : TAKEN;
        if (old == UNKNOWN) { /* who has the old name there may be about to go */
            d->name_kept = false;
            return await_holder(p, d, old, there);
        }
        bool under_old_name = old == FREE;
        bool keeps_place = !under_old_name || rival(p, d) != NULL;
        if (!d->row->enabled && !may_be_enabled(p, d, !moved || !keeps_place))
            return d->progress;
        if (keeps_place)
            d->parent = (struct yq_ref){.id = d->row->parent};
    }
    claim_place(p, d);
    return ready(d, d->row->id);
}

/* What the last agreement says will change needs a look at the place, too: asked for at once. The
 * list of a place holds the record itself where that only gets another name. */
static bool change_read(struct planner *p, struct department *d)
{
    const struct yq_link_department *l = d->link;
    bool renamed =
        d->name != NULL && l->agreed_name != 0 && l->agreed_name != yq_agreed_hash(d->name);
    bool moved = d->parent.id != NULL && l->agreed_parent != 0 &&
                 l->agreed_parent != yq_agreed_hash(d->parent.id);
    if (d->parent.id == NULL || (!renamed && !moved))
        return true;
    if (moved)
        (void)record_read(p, d);
    return children_known(p, d, d->parent.id);
}

static enum progress settle_present(struct planner *p, struct department *d,
                                    const struct yq_wecom_department *w)
{
    enum progress parent = settle_parent(p, d, w);
    if (parent != READY)
        return d->progress = parent;
    d->parent_known = true;
    d->stage = STAGE_DEPARTMENT + d->depth * STAGE_LEVEL;
    d->name = wecom_name(p, d, w);
    if (d->name != NULL)
        d->name = yq_normal_name(p->arena, d->name);
    if (d->name != NULL && d->name[0] == '\0')
        d->name = NULL;
    if (d->link != NULL) {
        if (!change_read(p, d))
            return d->progress;
        if (!record_read(p, d))
            return d->progress = OPEN;
        d->row = yq_view_find_eteams_department(p->view, d->link->eteams);
        if (d->row->fact == YQ_UNREADABLE)
            return stop(d, WAITS, YQ_REASON_UNREADABLE,
                        d->row->error ? d->row->error->text : "eteams", NULL);
        if (d->row->fact == YQ_PRESENT)
            return compare_record(p, d);
        d->link_is_stale = true;
        d->row = NULL;
    }
    if (d->name == NULL)
        return stop(d, WAITS, YQ_REASON_NO_NAME, NULL, NULL);
    return find_or_create(p, d);
}

/* Frozen: what was linked stays as it is (decisions.md 26); nothing new goes into what eteams has
 * disabled meanwhile. */
static enum progress settle_hidden(struct planner *p, struct department *d)
{
    const struct yq_eteams_department *row =
        d->link != NULL ? yq_view_find_eteams_department(p->view, d->link->eteams) : NULL;
    d->link_is_stale = row != NULL && row->fact == YQ_ABSENT;
    if (d->link == NULL || d->link_is_stale || is_closed(row))
        return stop(d, HIDES, YQ_REASON_OUT_OF_SIGHT, NULL, NULL);
    ready(d, d->link->eteams);
    d->full = false;
    return stop(d, READY, YQ_REASON_OUT_OF_SIGHT, NULL, NULL);
}

static enum progress settle_read(struct planner *p, struct department *d)
{
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, d->id);
    switch (w ? w->fact : YQ_UNASKED) {
    case YQ_UNASKED:
        need(p, YQ_NEED_WECOM_DEPARTMENT, NULL, d->id);
        return d->progress = OPEN;
    case YQ_PRESENT:
        return settle_present(p, d, w);
    case YQ_ABSENT:
        if (d->link != NULL && p->policy->disable_departments && !record_read(p, d))
            return d->progress = OPEN;
        return stop(d, GONE, YQ_REASON_DEPARTMENT_GONE, NULL, NULL);
    case YQ_HIDDEN:
        return settle_hidden(p, d);
    default:
        return stop(d, WAITS, YQ_REASON_UNREADABLE, w->error ? w->error->text : "WeCom", NULL);
    }
}

/* It stands for eteams' root, whose name follows only where that is configured (R8). */
static void settle_root(struct planner *p, struct department *d)
{
    const char *root = p->view->eteams_root;
    bool follows =
        p->policy->rename_root && evidence_of(p, d->id) != NULL && !never_touch(p, d->id);
    d->full = false;
    d->progress = OPEN;
    if (root == NULL)
        return;
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, d->id);
    const struct yq_eteams_department *row = yq_view_find_eteams_department(p->view, root);
    if (follows && (w == NULL || w->fact == YQ_UNASKED))
        need(p, YQ_NEED_WECOM_DEPARTMENT, NULL, d->id);
    else if (follows && (row == NULL || row->fact == YQ_UNASKED))
        need(p, YQ_NEED_ETEAMS_DEPARTMENT, root, 0);
    else
        ready(d, root);
    const char *name =
        d->progress == READY && follows && w->fact == YQ_PRESENT ? wecom_name(p, d, w) : NULL;
    name = name != NULL ? yq_normal_name(p->arena, name) : "";
    if (name[0] == '\0' || row->fact != YQ_PRESENT)
        return;
    d->name = name;
    d->row = row;
    d->full = true;
}

/* Without a comparison what is linked is believed to stand; what is known to be gone or disabled in
 * eteams is compared: false. */
static bool settle_by_link(struct planner *p, struct department *d)
{
    const struct yq_eteams_department *row =
        yq_view_find_eteams_department(p->view, d->link->eteams);
    enum yq_fact fact = row != NULL ? row->fact : YQ_UNASKED;
    if (fact == YQ_ABSENT || is_closed(row))
        return false;
    ready(d, d->link->eteams);
    return true;
}

static void settle(struct planner *p, struct department *d, bool full)
{
    d->link = yq_view_department_link(p->view, d->id);
    d->full = full;
    d->progress = BUSY;
    if (d->link != NULL && p->tried_before) /* perhaps it does not stand (decisions.md 27) */
        (void)record_read(p, d);
    if (d->id == WECOM_ROOT) {
        settle_root(p, d);
    } else if (never_touch(p, d->id)) {
        stop(d, HIDES, YQ_REASON_PROTECTED, NULL, NULL);
        if (d->link != NULL)
            ready(d, d->link->eteams);
        d->full = false;
    } else if (full || d->link == NULL || !settle_by_link(p, d)) {
        d->full = true;
        settle_read(p, d);
    }
}

static void settle_postponed(struct planner *p)
{
    while (p->postponed != NULL) {
        struct department *d = p->postponed;
        p->postponed = d->next_postponed;
        d->is_postponed = false;
        if (d->progress == UNTOUCHED)
            settle(p, d, true);
        if (d->progress == UNTOUCHED) /* WeCom's answers make a circle */
            stop(d, WAITS, YQ_REASON_PARENT_WAITS, number_text(p, d->id), NULL);
    }
}

struct department *settle_department(struct planner *p, uint32_t id, bool full)
{
    struct department *d;
    HASH_FIND(hh, p->departments, &id, sizeof(id), d);
    if (d == NULL) {
        d = yq_arena_alloc(p->arena, sizeof(*d));
        d->id = id;
        HASH_ADD(hh, p->departments, id, sizeof(id), d);
    }
    if (!full && evidence_of(p, id) != NULL)
        full = true;
    p->nesting++;
    if (d->progress == UNTOUCHED || (full && !d->full && d->progress == READY && !d->reason.code))
        settle(p, d, full);
    if (p->nesting == 1)
        settle_postponed(p);
    p->nesting--;
    return d;
}
