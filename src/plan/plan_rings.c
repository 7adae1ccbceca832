/* Rings of superiors: those that a plan would close, WeCom's own, and those that only the order of
 * writing makes (decisions.md 14). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "leaders.h"

#define CHAIN_MAX 1000 /* people above one another; a longer chain is not followed */

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
    struct member *leaver = NULL;
    *ret_moves = false;
    if (owner == NULL) /* eteams' own */
        return READY;
    HASH_FIND_STR(p->members, owner->key, leaver);
    if (leaver != NULL && resigns(leaver)) { /* which clears his, but only behind all superiors */
        *ret_moves = true;
        return READY;
    }
    const struct yq_wecom_member *w = yq_view_find_wecom_aside(p->view, owner->userid);
    if (w == NULL || w->fact == YQ_UNASKED) {
        need(p, YQ_NEED_WECOM_ASIDE, owner->key, 0);
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
    *ret_moves = step == READY &&
                 (!there || first.row == NULL || !is_superior_row(&first, x->row->superior));
    return step == OPEN ? OPEN : READY;
}

/* m stands in a ring, and one of those whose superior changes must give way, whoever is looked at:
 * the one with the last userid. Is it WeCom's own ring, or will somebody in it be moved by what
 * comes later? */
static void judge_ring(struct planner *p, struct member *m)
{
    struct link_up at = {m, m->row}, next;
    const struct yq_eteams_member *mover = NULL;
    for (int i = 0; i < CHAIN_MAX; i++) {
        bool moves = false;
        if (above(p, &at, &next) != READY)
            return;
        at = next;
        if (same_person(&at, m) || (at.member == NULL && at.row == NULL))
            break;
        if (at.member != NULL && at.member->chain.changes && strcmp(at.member->key, m->key) > 0)
            return;
        bool stays = (at.member == NULL || !at.member->chain.known) && at.row != NULL;
        if (mover == NULL && stays && belongs_elsewhere(p, &at, &moves) == OPEN)
            return;
        mover = moves ? at.row : mover;
    }
    const char *named = m->chain.list[0].userid;
    if (mover != NULL)
        m->chain.waits =
            (struct yq_reason){.code = YQ_REASON_SUPERIOR_WAITS,
                               .args = {named, mover->owner ? mover->owner->userid : mover->id}};
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
    c->changes = present_superior(m)[0] != '\0';
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
    if (person_of(p, present_superior(x->member), &next) != READY)
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
    if (person_of(p, present_superior(m), &first) == READY)
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

/* Who waits stays as eteams has him, which may close other rings. True: look again. */
static bool leave_who_waits(struct planner *p)
{
    bool any = false;
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (!m->chain.known || m->chain.waits.code == YQ_REASON_NONE)
            continue;
        m->chain.known = m->chain.changes = m->chain.others_change = false;
        any = true;
    }
    return any;
}

void settle_rings(struct planner *p)
{
    do {
        for (struct member *m = p->members; m != NULL; m = m->hh.next) {
            m->chain.ring = false;
            if (m->chain.changes && m->chain.count > 0)
                look_for_ring(p, m);
        }
        if (p->plan->needs != NULL)
            return;
    } while (leave_who_waits(p));
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.ring)
            drop_ring(p, m);
    }
}

void settle_order(struct planner *p)
{
    size_t changes = 0;
    unsigned mark = 0;
    for (const struct member *m = p->members; m != NULL; m = m->hh.next)
        changes += m->chain.changes;
    for (struct member *m = p->members; m != NULL && changes > 1; m = m->hh.next) {
        if (m->chain.changes && present_superior(m)[0] != '\0')
            look_at_order(p, m, ++mark);
    }
}
