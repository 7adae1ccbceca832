/* "Same account" (R4, decisions.md 3): account equal to the userid, mobile, e-mail, job number
 * equal to the userid. All keys are looked up: one person, and no key pointing elsewhere; else a
 * case. A person already linked is never a candidate. */
#include <stdio.h>
#include <string.h>

#include "model/normal.h"
#include "planner.h"

static const char *lookup_key(struct planner *p, enum yq_lookup_field field, const char *value)
{
    const char *normal = field == YQ_BY_MOBILE  ? yq_normal_mobile(p->arena, value)
                         : field == YQ_BY_EMAIL ? yq_normal_email(p->arena, value)
                                                : yq_normal_account(p->arena, value);
    return yq_arena_printf(p->arena, "%d:%s", (int)field, normal);
}

const struct yq_lookup *look_up(struct planner *p, enum yq_lookup_field field, const char *value,
                                bool *ret_open)
{
    static const struct yq_lookup nobody = {.fact = YQ_PRESENT};
    const char *key = lookup_key(p, field, value);
    const struct yq_lookup *l;
    HASH_FIND_STR(p->view->lookups, key, l);
    if (p->view->eteams_members_complete)
        return l ? l : &nobody;
    if (l == NULL || l->fact == YQ_UNASKED) {
        need(p, YQ_NEED_LOOKUP, key, 0);
        *ret_open = true;
        return NULL;
    }
    return l->fact == YQ_PRESENT ? l : NULL;
}

const char *owner_of(const struct planner *p, const struct yq_eteams_member *row)
{
    if (row->owner == NULL)
        return NULL;
    for (const struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->taken_from != NULL && m->link == row->owner)
            return m->key;
    }
    return row->owner->key;
}

struct search {
    const struct yq_eteams_member *found;
    const char *how;
    bool several;
    const char *others; /* ids, for the case */
};

static void add_candidate(struct planner *p, struct search *s, const struct yq_eteams_member *row,
                          const char *how)
{
    if (!row->in_service || row->secondary || owner_of(p, row) != NULL || row == s->found)
        return;
    if (s->found == NULL) {
        s->found = row;
        s->how = how;
        s->others = row->id;
        return;
    }
    s->several = true;
    s->others = yq_arena_printf(p->arena, "%s %s", s->others, row->id);
}

/* eteams numbers people itself: an equal job number says little without the same name. */
static bool same_person(struct planner *p, const struct member *m,
                        const struct yq_eteams_member *row)
{
    const char *name = m->values[YQ_FIELD_NAME];
    return name != NULL && row->name != NULL && yq_same_name(p->arena, name, row->name);
}

static enum progress conclude_case(struct member *m, enum yq_reason_code code, const char *arg)
{
    conclude(m->verdict, YQ_VERDICT_CASE, code, arg, NULL);
    m->fate = FROZEN;
    return m->progress = WAITS;
}

enum progress identify(struct planner *p, struct member *m)
{
    static const char *const how[] = {"account", "mobile", "email", "job_num"};
    const char *values[YQ_LOOKUP_COUNT] = {m->w->userid, m->values[YQ_FIELD_MOBILE],
                                           m->values[YQ_FIELD_EMAIL], m->w->userid};
    const struct yq_lookup *lookups[YQ_LOOKUP_COUNT] = {NULL};
    bool open = false;
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++) {
        if (values[f] != NULL)
            lookups[f] = look_up(p, (enum yq_lookup_field)f, values[f], &open);
    }
    if (open)
        return m->progress = OPEN;
    struct search s = {0};
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++) {
        if (values[f] == NULL)
            continue;
        if (lookups[f] == NULL) {
            conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE, "eteams", NULL);
            return m->progress = WAITS;
        }
        for (size_t i = 0; i < lookups[f]->hit_count; i++) {
            if (f != YQ_BY_JOB_NUM || same_person(p, m, lookups[f]->hits[i]))
                add_candidate(p, &s, lookups[f]->hits[i], how[f]);
        }
    }
    if (s.several)
        return conclude_case(m, YQ_REASON_SEVERAL_HITS, s.others);
    m->job_num_taken = lookups[YQ_BY_JOB_NUM]->hit_count > 0;
    m->row = s.found;
    m->how = s.how;
    return READY;
}
