/* Superiors follow WeCom (S2; eteams.md §2.7): what changes for whom, what would close a ring, and
 * in which order it is written. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "leaders.h"

#define CHAIN_MAX 1000 /* people above one another; a longer chain is not followed */

/* ---- who they shall be ---- */

static const struct yq_wecom_member *departments_from(const struct member *m)
{
    const struct yq_evidence *e = m->evidence;
    if (m->w->known & YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS))
        return m->w;
    return e != NULL && e->reported_member != NULL ? e->reported_member : m->w;
}

static bool stands_for(struct planner *p, uint32_t id, const char *eteams)
{
    struct department *d;
    HASH_FIND(hh, p->departments, &id, sizeof(id), d);
    const char *own = d == NULL ? NULL : d->ref.id ? d->ref.id : d->link ? d->link->eteams : NULL;
    return own != NULL && eteams != NULL && strcmp(own, eteams) == 0;
}

/* The number of the department that the member was placed in (decisions.md 6). */
static uint32_t main_department(struct planner *p, const struct member *m)
{
    const struct yq_wecom_member *w = departments_from(m);
    if (!m->departments_known)
        return UNKNOWN_DEPARTMENT;
    uint32_t named = m->w->main_department ? m->w->main_department : w->main_department;
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i] == named)
            return named;
    }
    for (size_t i = 0; i < w->department_count; i++) {
        if (stands_for(p, w->departments[i], m->main.id))
            return w->departments[i];
    }
    return w->department_count > 0 ? w->departments[0] : 0;
}

/* Keeps those of the named who are in service; the others are waited for. */
static enum progress pick(struct planner *p, struct member *m, const struct named *n)
{
    struct superior *list = yq_arena_alloc(p->arena, (n->count + 1) * sizeof(*list));
    struct yq_leader *all = yq_arena_alloc(p->arena, (n->count + 1) * sizeof(*all));
    enum progress step = READY;
    m->chain.list = list;
    m->chain.count = 0;
    m->verdict->leaders = all;
    m->verdict->leader_count = n->count;
    for (size_t i = 0; i < n->count; i++) {
        bool there = false;
        enum progress own = find_superior(p, n->userids[i], &list[m->chain.count], &there);
        if (own != READY && step != OPEN)
            step = own;
        char key[YQ_USERID_MAX + 1];
        yq_userid_key(n->userids[i], key);
        all[i] = (struct yq_leader){yq_arena_strdup(p->arena, key), there};
        bool himself =
            there && list[m->chain.count].row != NULL && list[m->chain.count].row == m->row;
        if (!there && m->chain.left.code == YQ_REASON_NONE)
            m->chain.left =
                (struct yq_reason){.code = YQ_REASON_SUPERIOR_AWAITED, .args = {n->userids[i]}};
        m->chain.count += there && !himself;
    }
    return step;
}

static void explain(struct planner *p, struct member *m, const struct named *n)
{
    struct yq_reason *why = &m->chain.why;
    if (m->chain.count == 0 && n->count > 0)
        *why = m->chain.left;
    else if (m->chain.count == 0)
        why->code = YQ_REASON_NO_SUPERIOR;
    else if (n->department == 0)
        *why = (struct yq_reason){.code = YQ_REASON_SUPERIOR_DIRECT,
                                  .args = {m->chain.list[0].userid}};
    else
        *why = (struct yq_reason){
            .code = YQ_REASON_SUPERIOR_OF_DEPARTMENT,
            .args = {m->chain.list[0].userid, yq_arena_printf(p->arena, "%u", n->department)}};
}

static void name_one(struct planner *p, struct member *m)
{
    struct named n = {.key = m->key, .direct = m->leaders_from, .main = main_department(p, m)};
    m->chain = (struct chain){.known = false};
    enum progress step = name_leaders(p, &n);
    if (step == READY)
        step = pick(p, m, &n);
    if (m->row != NULL && !m->row->superiors_known && step == READY)
        step = HIDES; /* eteams does not tell them */
    if (step == WAITS)
        m->chain.waits = (struct yq_reason){.code = YQ_REASON_UNREADABLE,
                                            .args = {n.error ? n.error : "eteams"}};
    else if (step == HIDES)
        m->chain.left = (struct yq_reason){.code = YQ_REASON_SUPERIOR_UNKNOWN};
    if (step != READY)
        return;
    m->chain.known = true;
    m->verdict->leaders_known = true;
    explain(p, m, &n);
}

/* ---- what changes ---- */

static const char *present(const struct member *m)
{
    return m->row != NULL && m->row->superior != NULL ? m->row->superior : "";
}

static bool is_row(const struct superior *s, const char *id)
{
    return s->row != NULL && strcmp(s->row->id, id) == 0;
}

/* The order of the others means nothing. */
static bool others_differ(const struct member *m)
{
    const struct chain *c = &m->chain;
    size_t others = c->count > 0 ? c->count - 1 : 0, found = 0;
    size_t had = m->row != NULL ? m->row->other_count : 0;
    for (size_t i = 1; i < c->count; i++) {
        for (size_t k = 0; k < had; k++)
            found += is_row(&c->list[i], m->row->others[k]);
    }
    return others != had || found != had;
}

static void compare(struct member *m)
{
    struct chain *c = &m->chain;
    c->changes = c->count > 0 ? !is_row(&c->list[0], present(m)) : present(m)[0] != '\0';
    c->others_change = others_differ(m);
}

/* ---- chains ---- */

/* Somebody in a chain: of this plan, or as eteams has him. */
struct link_up {
    const struct member *member;
    const struct yq_eteams_member *row;
};

static bool same_person(const struct link_up *a, const struct member *m)
{
    return a->member == m || (a->row != NULL && a->row == m->row);
}

/* The person with that record. READY with nobody where the record is not to be had. */
static enum progress person_of(struct planner *p, const char *id, struct link_up *ret)
{
    struct member *m;
    *ret = (struct link_up){0};
    if (id == NULL || id[0] == '\0')
        return READY;
    HASH_FIND(by_row, p->rows, id, strlen(id), m);
    if (m != NULL) {
        *ret = (struct link_up){m, m->row};
        return READY;
    }
    const struct yq_eteams_member *row = yq_view_find_eteams_member(p->view, id);
    if (row == NULL || row->fact == YQ_UNASKED) {
        need(p, YQ_NEED_ETEAMS_MEMBER, id, 0);
        return OPEN;
    }
    if (row->fact == YQ_PRESENT)
        ret->row = row;
    return READY;
}

/* The next above, once the plan is carried out. */
static enum progress above(struct planner *p, const struct link_up *from, struct link_up *ret)
{
    *ret = (struct link_up){0};
    if (from->member == NULL || !from->member->chain.known)
        return person_of(p, from->row != NULL ? from->row->superior : NULL, ret);
    const struct chain *c = &from->member->chain;
    if (c->count == 0)
        return READY;
    if (c->list[0].row != NULL)
        return person_of(p, c->list[0].row->id, ret);
    ret->member = c->list[0].member;
    return READY;
}

/* Does somebody whom this plan does not settle, and who stands in a ring, belong elsewhere? READY:
 * *ret_moves says so. */
static enum progress belongs_elsewhere(struct planner *p, const struct link_up *x, bool *ret_moves)
{
    const struct yq_link_member *owner = x->row->owner;
    *ret_moves = false;
    if (owner == NULL) /* eteams' own */
        return READY;
    const struct yq_wecom_member *w = yq_view_find_wecom_member(p->view, owner->userid);
    if (w == NULL || w->fact == YQ_UNASKED) {
        need(p, YQ_NEED_WECOM_MEMBER, owner->key, 0);
        return OPEN;
    }
    bool direct = w->known & YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS);
    struct named n = {.key = owner->key, .direct = direct ? w : NULL};
    n.main = w->main_department         ? w->main_department
             : w->department_count == 0 ? UNKNOWN_DEPARTMENT
                                        : w->departments[0];
    enum progress step = w->fact == YQ_PRESENT ? name_leaders(p, &n) : HIDES;
    struct superior first = {0};
    bool there = false;
    for (size_t i = 0; step == READY && i < n.count && !there; i++)
        step = find_superior(p, n.userids[i], &first, &there);
    *ret_moves =
        step == READY && (!there || first.row == NULL || !is_row(&first, x->row->superior));
    return step == OPEN ? OPEN : READY;
}

/* m stands in a ring: is it WeCom's own, or will somebody in it be moved by what comes later? */
static void judge_ring(struct planner *p, struct member *m)
{
    struct link_up at = {m, m->row}, next;
    bool moves = false;
    for (int i = 0; i < CHAIN_MAX && !moves; i++) {
        if (above(p, &at, &next) != READY)
            return;
        at = next;
        if (same_person(&at, m) || (at.member == NULL && at.row == NULL))
            break;
        if ((at.member == NULL || !at.member->chain.known) && at.row != NULL &&
            belongs_elsewhere(p, &at, &moves) == OPEN)
            return;
    }
    const char *named = m->chain.list[0].userid;
    if (moves)
        m->chain.waits =
            (struct yq_reason){.code = YQ_REASON_SUPERIOR_WAITS,
                               .args = {named, at.row->owner ? at.row->owner->userid : at.row->id}};
    else
        m->chain.ring = true;
}

/* Would the new superior come above himself? */
static void look_for_ring(struct planner *p, struct member *m)
{
    struct link_up at = {m, m->row}, next;
    for (int i = 0; i < CHAIN_MAX; i++) {
        if (above(p, &at, &next) != READY || (next.member == NULL && next.row == NULL))
            return;
        at = next;
        if (same_person(&at, m)) {
            judge_ring(p, m);
            return;
        }
    }
}

static void drop_ring(struct planner *p, struct member *m)
{
    struct chain *c = &m->chain;
    struct superior *list = yq_arena_alloc(p->arena, (c->count + 1) * sizeof(*list));
    const struct yq_reason reason = {.code = YQ_REASON_SUPERIOR_RING, .args = {c->list[0].userid}};
    memcpy(list, c->list, c->count * sizeof(*list));
    if (m->trouble.code == YQ_REASON_NONE)
        m->trouble = reason;
    c->why = reason;
    c->left = reason;
    list[0] = (struct superior){0};
    c->list = list;
    c->changes = present(m)[0] != '\0';
}

/* ---- the order of writing ---- */

struct search {
    struct link_up *open;
    size_t count, capacity;
};

static void push(struct search *s, const struct link_up *x)
{
    if (x->member == NULL && x->row == NULL)
        return;
    yq_grow(&s->open, &s->capacity, s->count, sizeof(*s->open));
    s->open[s->count++] = *x;
}

/* All that may stand above x while rows are written in any order. OPEN with needs. */
static enum progress push_above(struct planner *p, struct search *s, const struct link_up *x)
{
    struct link_up next;
    if (above(p, x, &next) != READY)
        return OPEN;
    push(s, &next);
    if (x->member == NULL || !x->member->chain.changes)
        return READY;
    if (person_of(p, present(x->member), &next) != READY)
        return OPEN;
    push(s, &next);
    return READY;
}

/* Can the present superior of m come below him while others are written? Then m lets go of him
 * first. */
static void look_at_order(struct planner *p, struct member *m, unsigned mark)
{
    struct search s = {0};
    struct link_up first;
    if (person_of(p, present(m), &first) == READY)
        push(&s, &first);
    for (int i = 0; s.count > 0 && i < 4 * CHAIN_MAX && !m->chain.clear; i++) {
        struct link_up at = s.open[--s.count];
        struct member *seen = (struct member *)at.member;
        m->chain.clear = same_person(&at, m);
        if (seen != NULL && seen->chain.seen == mark)
            continue;
        if (seen != NULL)
            seen->chain.seen = mark;
        if (push_above(p, &s, &at) != READY)
            break;
    }
    free(s.open);
}

/* ---- everybody ---- */

static bool is_written(const struct member *m)
{
    return m->chain.known && m->chain.waits.code == YQ_REASON_NONE;
}

static void index_rows(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.known && m->row != NULL)
            HASH_ADD_KEYPTR(by_row, p->rows, m->row->id, strlen(m->row->id), m);
    }
}

static void settle_rings(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.changes && m->chain.count > 0)
            look_for_ring(p, m);
    }
    if (p->plan->needs != NULL)
        return;
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.ring)
            drop_ring(p, m);
        if (m->chain.known && !is_written(m)) /* as eteams has it */
            m->chain.known = m->chain.changes = m->chain.others_change = false;
    }
}

static void settle_order(struct planner *p)
{
    size_t changes = 0;
    unsigned mark = 0;
    for (const struct member *m = p->members; m != NULL; m = m->hh.next)
        changes += m->chain.changes;
    for (struct member *m = p->members; m != NULL && changes > 1; m = m->hh.next) {
        if (m->chain.changes && present(m)[0] != '\0')
            look_at_order(p, m, ++mark);
    }
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Which departments it leads, so that it is noticed when they are others. */
static void note_leading(struct planner *p, struct member *m)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (!(m->w->known & YQ_FIELD_BIT(YQ_FIELD_LEADS)))
        return;
    uint32_t *sorted = yq_arena_alloc(p->arena, (m->w->lead_count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < m->w->lead_count; i++)
        sorted[i] = m->w->leads[i];
    if (m->w->lead_count > 1)
        qsort(sorted, m->w->lead_count, sizeof(*sorted), compare_numbers);
    yq_buf_adds(&text, "leads");
    for (size_t i = 0; i < m->w->lead_count; i++)
        yq_buf_addf(&text, " %u", sorted[i]);
    uint64_t now = yq_agreed_hash(yq_buf_text(&text));
    uint64_t before = m->link != NULL ? m->link->agreed[YQ_FIELD_LEADS] : 0;
    bool told = m->evidence != NULL && m->evidence->said_leading;
    m->verdict->agreed[YQ_FIELD_LEADS] = now;
    m->verdict->leading_changed =
        before != 0 ? before != now : m->w->lead_count > 0 && (told || m->fate == JOINS);
    yq_buf_release(&text);
}

void settle_superiors(struct planner *p)
{
    if (!p->policy->superiors)
        return;
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (!works_on(m))
            continue;
        name_one(p, m);
        note_leading(p, m);
    }
    if (p->plan->needs != NULL)
        return;
    index_rows(p);
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.known)
            compare(m);
    }
    settle_rings(p);
    if (p->plan->needs == NULL)
        settle_order(p);
    HASH_CLEAR(by_row, p->rows);
}

/* ---- operations ---- */

static const char *name_of(struct planner *p, const struct superior *s)
{
    if (s->row != NULL)
        return s->row->id;
    return s->userid ? yq_arena_printf(p->arena, "member:%s", s->userid) : "";
}

static const char *join_others(struct planner *p, const struct member *m, bool before)
{
    struct yq_buf text = YQ_BUF_INIT;
    if (before && m->row == NULL)
        return NULL;
    for (size_t i = 0; before && i < m->row->other_count; i++)
        yq_buf_addf(&text, "%s%s", i ? "," : "", m->row->others[i]);
    for (size_t i = 1; !before && i < m->chain.count; i++)
        yq_buf_addf(&text, "%s%s", i > 1 ? "," : "", name_of(p, &m->chain.list[i]));
    const char *copy = yq_arena_strdup(p->arena, yq_buf_text(&text));
    yq_buf_release(&text);
    return copy;
}

static struct yq_operation *superiors_operation(struct planner *p, const struct member *m,
                                                int stage)
{
    struct yq_operation *op =
        operation(p, YQ_OP_MEMBER_SUPERIORS, stage, &m->verdict->subject, "S2");
    op->target = m->row ? m->row->id : NULL;
    op->name = m->values[YQ_FIELD_NAME] ? m->values[YQ_FIELD_NAME] : m->row ? m->row->name : NULL;
    op->after = frees_first(m);
    op->reason = m->chain.why;
    return op;
}

static void refer(struct planner *p, const struct member *m, struct yq_operation *op)
{
    struct yq_person *all = yq_arena_alloc(p->arena, (m->chain.count + 1) * sizeof(*all));
    for (size_t i = 0; i < m->chain.count; i++) {
        const struct superior *s = &m->chain.list[i];
        all[i] = (struct yq_person){.id = s->row      ? s->row->id
                                          : s->userid ? NULL
                                                      : "",
                                    .userid = s->userid};
    }
    op->superiors = all;
    op->superior_count = m->chain.count;
}

void emit_superiors(struct planner *p, const struct member *m)
{
    const struct chain *c = &m->chain;
    const char *after = c->count > 0 ? name_of(p, &c->list[0]) : "";
    const char *before = m->row ? present(m) : NULL;
    bool sets = c->changes && (!c->clear || after[0] != '\0');
    if (!c->known || (!c->changes && !c->others_change))
        return;
    if (c->clear)
        change(superiors_operation(p, m, STAGE_SUPERIOR_CLEAR), "superior", before, "");
    if (!sets && !c->others_change)
        return;
    struct yq_operation *op = superiors_operation(p, m, STAGE_SUPERIOR);
    refer(p, m, op);
    if (sets)
        change(op, "superior", c->clear ? "" : before, after);
    if (c->others_change)
        change(op, "other_superior", join_others(p, m, true), join_others(p, m, false));
}
