/* Mobiles and e-mails are unique among the people of eteams: who holds one that is needed elsewhere
 * is settled first, and gives it up first in the same run (decisions.md 36); and whoever is taken
 * back must find those of old times free (decisions.md 18). */
#include <string.h>

#include "model/normal.h"
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

/* WeCom has the holder's userid no more, though no event told of that, and he has the newcomer's
 * name as well as the key: a change of userid that was missed. */
static bool is_under_new_userid(struct planner *p, const struct member *m, const char *owner,
                                const struct yq_eteams_member *row)
{
    const struct member *o = owner ? settle_member(p, owner) : NULL;
    const char *name = m->values[YQ_FIELD_NAME];
    return m->fate == JOINS && o != NULL && o->fate != LEAVES && o->w != NULL &&
           o->w->fact == YQ_ABSENT && row != NULL && row->name != NULL && name != NULL &&
           yq_same_name(p->arena, name, row->name);
}

/* row: holds the key; owner: who is linked with it, or NULL. */
static enum progress give_in(struct planner *p, struct member *m, enum yq_member_field f,
                             const struct yq_eteams_member *row, const char *owner)
{
    if (m->fate == FROZEN) /* became a case meanwhile */
        return READY;
    const char *field = yq_member_field_name(f), *holder = row != NULL ? row->id : "";
    const struct yq_evidence *e = told_by(p, m);
    bool may_come = owner != NULL || (e != NULL && e->attempts == 1); /* somebody else may be linked
                                                                         with it in this very run */
    if (may_come && e != NULL && e->waited_ms < p->policy->not_ready_ms) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_KEY_TAKEN, field, holder);
        return WAITS; /* what frees it may be on its way */
    }
    if (is_under_new_userid(p, m, owner, row)) { /* a reconcile sees both (decisions.md 19) */
        conclude(m->verdict, YQ_VERDICT_CASE, YQ_REASON_LOOKS_LIKE, owner, NULL);
        return WAITS;
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
            return give_in(p, m, f, row, owner);
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

/* ---- who is taken back ---- */

static bool frees(const struct member *o, enum yq_lookup_field field)
{
    if (o->successor != NULL)
        o = o->successor;
    if (field == YQ_BY_MOBILE || field == YQ_BY_EMAIL)
        return still_gives_up(o, field == YQ_BY_MOBILE ? YQ_FIELD_MOBILE : YQ_FIELD_EMAIL);
    return o->progress == READY && o->fate == LEAVES && o->successor == NULL;
}

static enum progress not_taken_back(struct member *m, enum yq_reason_code code, const char *id)
{
    conclude(m->verdict, YQ_VERDICT_CASE, code, id, NULL);
    m->fate = FROZEN;
    m->rehire = false;
    return HIDES;
}

/* Somebody else has the key by now: a case, unless they are about to give it up. */
static enum progress ask_holder(struct planner *p, struct member *m, enum yq_lookup_field field,
                                const struct yq_eteams_member *row)
{
    const char *owner = owner_of(p, row);
    if (owner == NULL)
        owner = pretender_of(p, row);
    const struct member *o = owner ? settle_member(p, owner) : NULL;
    if (o != NULL && o->progress == OPEN)
        return OPEN;
    bool undecided = o != NULL && (o->progress == BUSY || o->verdict->kind == YQ_VERDICT_WAIT);
    if (o == NULL || o == m || (!undecided && !frees(o, field)))
        return not_taken_back(m, YQ_REASON_SEVERAL_HITS, row->id);
    m->awaited[field] = o;
    conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_KEY_TAKEN, key_name(field), row->id);
    return WAITS;
}

static enum progress ask_for_old_key(struct planner *p, struct member *m,
                                     enum yq_lookup_field field, const char *value)
{
    bool open = false, taken_over = field == YQ_BY_MOBILE || field == YQ_BY_EMAIL;
    const struct yq_lookup *found = look_up(p, field, value, &open);
    if (open)
        return OPEN;
    if (found == NULL) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE, "eteams", NULL);
        return WAITS;
    }
    for (size_t i = 0; i < found->hit_count; i++) {
        if (found->hits[i] != m->row && found->hits[i] != m->twin)
            return ask_holder(p, m, field, found->hits[i]);
    }
    if (taken_over && wanted_by_another(p, m, field, value))
        return not_taken_back(m, YQ_REASON_SEVERAL_HITS, m->row->id);
    return READY;
}

/* Only when WeCom says so anew, when it was us who let the person go, or when an operator asks
 * (decisions.md 17, 18); and what the person of old times was bound to is free. */
enum progress settle_return(struct planner *p, struct member *m)
{
    const struct yq_evidence *e = m->evidence;
    const char *keys[YQ_KEY_COUNT] = {m->w->userid, m->row->mobile, m->row->email, m->row->job_num};
    bool anew = m->link->left || (e != NULL && (e->created_at > 0 || e->commanded));
    enum progress worst = anew ? READY : not_taken_back(m, YQ_REASON_LEFT_IN_ETEAMS, NULL);
    for (int f = 0; f < YQ_KEY_COUNT && worst != HIDES; f++) {
        if (keys[f] == NULL || keys[f][0] == '\0')
            continue;
        enum progress step = ask_for_old_key(p, m, (enum yq_lookup_field)f, keys[f]);
        if (step == HIDES || (step != READY && worst != OPEN))
            worst = step;
    }
    if (worst == HIDES)
        return READY; /* a person decides */
    m->rehire = worst == READY;
    if (!m->rehire)
        return worst;
    m->stage = STAGE_RETURN;
    m->fate = RETURNS;
    return READY;
}

static void look_for_same_keys(struct planner *p, struct member *m)
{
    const char *values[] = {m->row->mobile, m->row->email, m->row->job_num};
    for (size_t i = 0; i < 3; i++) {
        if (values[i] == NULL || values[i][0] == '\0')
            continue;
        struct member *o = first_with(p, yq_arena_printf(p->arena, "%zu:%s", i, values[i]), m);
        if (o == m)
            continue;
        m->shares_with = o;
        o->shares_with = m;
    }
}

/* Who waits for somebody that keeps the key after all is a case; and of those who come back with
 * one key of old times, a person chooses. */
static void review_returns(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        for (int f = 0; f < YQ_KEY_COUNT; f++) {
            const struct member *o = m->awaited[f];
            if (o != NULL && o->verdict->kind != YQ_VERDICT_WAIT &&
                !frees(o, (enum yq_lookup_field)f))
                (void)not_taken_back(m, YQ_REASON_SEVERAL_HITS, o->row ? o->row->id : NULL);
        }
        if (m->rehire)
            look_for_same_keys(p, m);
    }
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->shares_with != NULL)
            (void)not_taken_back(m, YQ_REASON_SEVERAL_HITS, m->shares_with->row->id);
    }
}

/* Who turned out to be somebody under a new userid has a successor, who gives the key up before
 * everybody else: the order of the others was made without him. */
static struct member *holder_now(struct member *m, enum yq_member_field f)
{
    struct member *o = m->claimed_from[f];
    if (o == NULL || o->successor == NULL || o->successor == m)
        return o;
    o->successor->clear[f] = o->successor->changes[f];
    return m->claimed_from[f] = o->successor;
}

/* Whoever lost a claim changes less, which may take claims from others: until nothing moves. */
void revoke_claims(struct planner *p)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_MOBILE, YQ_FIELD_EMAIL};
    review_returns(p);
    for (bool moved = true; moved;) {
        moved = false;
        for (struct member *m = p->members; m != NULL; m = m->hh.next) {
            for (size_t i = 0; i < 2; i++) {
                struct member *o = holder_now(m, fields[i]);
                if (o == NULL || m->successor_of == o || still_gives_up(o, fields[i]))
                    continue;
                m->claimed_from[fields[i]] = NULL;
                if (m->progress == READY)
                    m->progress = give_in(p, m, fields[i], o->row, o->key);
                moved = true;
            }
        }
    }
}
