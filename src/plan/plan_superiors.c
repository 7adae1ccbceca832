/* Superiors follow WeCom (S2; eteams.md §2.7): what changes for whom, and its operations. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "leaders.h"

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

const char *present_superior(const struct member *m)
{
    return m->row != NULL && m->row->superior != NULL ? m->row->superior : "";
}

bool is_superior_row(const struct superior *s, const char *id)
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
            found += is_superior_row(&c->list[i], m->row->others[k]);
    }
    return others != had || found != had;
}

static void compare(struct member *m)
{
    struct chain *c = &m->chain;
    c->changes = c->count > 0 ? !is_superior_row(&c->list[0], present_superior(m))
                              : present_superior(m)[0] != '\0';
    c->others_change = others_differ(m);
}

/* ---- everybody ---- */

static void index_rows(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->chain.known && m->row != NULL)
            HASH_ADD_KEYPTR(by_row, p->rows, m->row->id, strlen(m->row->id), m);
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
        m->verdict->serves = true;
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
    wait_for_guarded(m, op);
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
    const char *before = m->row ? present_superior(m) : NULL;
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
