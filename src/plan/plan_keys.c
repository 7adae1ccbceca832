/* Mobiles and e-mails are unique among the people of eteams: who holds one that is needed elsewhere
 * is settled first, and gives it up first in the same run (decisions.md 36). */
#include <string.h>

#include "planner.h"

static enum yq_lookup_field lookup_of(enum yq_member_field f)
{
    return f == YQ_FIELD_MOBILE ? YQ_BY_MOBILE : YQ_BY_EMAIL;
}

enum hold { NOBODY, GIVES_UP, HOLDS, ASKING };

/* Will this owner give the key up in this plan? */
static enum hold ask_owner(struct planner *p, struct member *m, const char *owner,
                           enum yq_member_field f)
{
    struct member *o = settle_member(p, owner);
    if (o == m)
        return NOBODY;
    if (o->progress == OPEN)
        return ASKING;
    if (o->fate == LEAVES && o->progress == READY) {
        o->early = true;
        m->claimed_from[f] = o;
        return GIVES_UP;
    }
    bool moves_on = (o->progress == READY || o->progress == BUSY) && o->changes[f];
    if (!moves_on)
        return HOLDS;
    if (o->progress == BUSY || o->stage >= STAGE_MEMBER_LAST)
        o->clear[f] = true; /* they wait for each other: it is cleared first */
    else if (o->stage >= m->stage)
        m->stage = o->stage + 1;
    m->claimed_from[f] = o;
    return GIVES_UP;
}

static enum progress give_in(struct planner *p, struct member *m, enum yq_member_field f,
                             const char *holder, bool may_come)
{
    const char *field = yq_member_field_name(f);
    const struct yq_evidence *e = m->evidence;
    may_come |=
        e != NULL && e->attempts == 1; /* somebody else may be linked with it in this very run */
    if (may_come && e != NULL && e->waited_ms < p->policy->not_ready_ms) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_KEY_TAKEN, field, holder);
        return WAITS; /* what frees it may be on its way */
    }
    m->changes[f] = false;
    m->values[f] = NULL;
    m->trouble = (struct yq_reason){.code = YQ_REASON_KEY_TAKEN, .args = {field, holder}};
    return READY;
}

static enum progress claim(struct planner *p, struct member *m, enum yq_member_field f)
{
    bool open = false;
    const struct yq_lookup *l = look_up(p, lookup_of(f), m->values[f], &open);
    if (open)
        return OPEN;
    if (l == NULL) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE, "eteams", NULL);
        return WAITS;
    }
    for (size_t i = 0; i < l->hit_count; i++) {
        const struct yq_eteams_member *row = l->hits[i];
        if (row == m->row || row == m->twin)
            continue;
        const char *owner = owner_of(p, row);
        if (owner == NULL)
            owner = pretender_of(p, row);
        enum hold hold = owner ? ask_owner(p, m, owner, f) : HOLDS;
        if (hold == ASKING)
            return OPEN;
        if (hold == HOLDS)
            return give_in(p, m, f, row->id, owner != NULL);
    }
    return READY;
}

enum progress claim_keys(struct planner *p, struct member *m)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_MOBILE, YQ_FIELD_EMAIL};
    for (size_t i = 0; i < 2; i++) {
        if (!m->changes[fields[i]])
            continue;
        enum progress step = claim(p, m, fields[i]);
        if (step != READY)
            return step;
    }
    return READY;
}

static bool still_gives_up(const struct member *o, enum yq_member_field f)
{
    if (o->progress != READY)
        return false;
    return o->fate == LEAVES ? o->successor == NULL : o->changes[f];
}

/* Whoever lost a claim changes less, which may take claims from others: until nothing moves. */
void revoke_claims(struct planner *p)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_MOBILE, YQ_FIELD_EMAIL};
    for (bool moved = true; moved;) {
        moved = false;
        for (struct member *m = p->members; m != NULL; m = m->hh.next) {
            for (size_t i = 0; i < 2; i++) {
                const struct member *o = m->claimed_from[fields[i]];
                if (o == NULL || m->successor_of == o || still_gives_up(o, fields[i]))
                    continue;
                m->claimed_from[fields[i]] = NULL;
                if (m->progress == READY)
                    m->progress = give_in(p, m, fields[i], o->row ? o->row->id : "", true);
                moved = true;
            }
        }
    }
}
