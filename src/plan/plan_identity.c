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

static bool works(const struct planner *p, const struct yq_wecom_member *w)
{
    bool disabled =
        w->status == STATUS_DISABLED && p->policy->disabled_members == YQ_DISABLED_RESIGN;
    return w->fact == YQ_PRESENT && w->status != STATUS_LEFT && !disabled;
}

static bool without_link(const struct planner *p, const struct yq_wecom_member *w)
{
    return works(p, w) && yq_view_member_link(p->view, w->userid) == NULL;
}

const char *pretender_of(struct planner *p, const struct yq_eteams_member *row)
{
    if (row->account != NULL && row->account[0] != '\0') {
        const struct yq_wecom_member *w = yq_view_find_wecom_member(p->view, row->account);
        if (w != NULL && without_link(p, w) && settle_member(p, w->userid)->row == row)
            return w->key;
    }
    for (const struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->how != NULL && m->row == row)
            return m->key;
    }
    return NULL;
}

static const char *wecom_value(const struct planner *p, const struct yq_wecom_member *w,
                               enum yq_lookup_field field)
{
    struct yq_subject subject = yq_subject_member(w->userid);
    const struct yq_evidence *e = yq_view_evidence(p->view, &subject);
    const struct yq_wecom_member *said = e ? e->reported_member : NULL;
    if (field == YQ_BY_MOBILE)
        return w->mobile ? w->mobile : said ? said->mobile : NULL;
    return w->email ? w->email : said ? said->email : NULL;
}

static bool is_value(struct planner *p, enum yq_lookup_field field, const char *wecom,
                     const char *eteams)
{
    if (wecom == NULL || wecom[0] == '\0' || eteams == NULL || eteams[0] == '\0')
        return false;
    return field == YQ_BY_MOBILE ? yq_same_mobile(p->arena, wecom, eteams)
                                 : yq_same_email(p->arena, wecom, eteams);
}

bool wanted_by_another(struct planner *p, const struct member *m, enum yq_lookup_field field,
                       const char *value)
{
    for (const struct yq_wecom_member *w = p->view->wecom_members; w != NULL; w = w->hh.next) {
        if (strcmp(w->key, m->key) != 0 && works(p, w) &&
            is_value(p, field, wecom_value(p, w, field), value))
            return true;
    }
    return false;
}

/* Does another member without a link match this record by a stronger key than `field`? Account
 * before mobile before e-mail before job number: one person is linked once. */
static bool stronger_claim(struct planner *p, const struct member *m,
                           const struct yq_eteams_member *row, enum yq_lookup_field field)
{
    if (field > YQ_BY_ACCOUNT && row->account != NULL && row->account[0] != '\0') {
        const struct yq_wecom_member *w = yq_view_find_wecom_member(p->view, row->account);
        if (w != NULL && strcmp(w->key, m->key) != 0 && without_link(p, w))
            return true;
    }
    for (int f = YQ_BY_MOBILE; f < (int)field && f <= YQ_BY_EMAIL; f++) {
        const char *value = f == YQ_BY_MOBILE ? row->mobile : row->email;
        for (const struct yq_wecom_member *w = p->view->wecom_members; w != NULL; w = w->hh.next) {
            if (strcmp(w->key, m->key) != 0 && without_link(p, w) &&
                is_value(p, (enum yq_lookup_field)f, wecom_value(p, w, (enum yq_lookup_field)f),
                         value))
                return true;
        }
    }
    return false;
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
            const struct yq_eteams_member *hit = lookups[f]->hits[i];
            if (f == YQ_BY_JOB_NUM && !same_person(p, m, hit))
                continue;
            if (!stronger_claim(p, m, hit, (enum yq_lookup_field)f))
                add_candidate(p, &s, hit, how[f]);
        }
    }
    if (s.several)
        return conclude_case(m, YQ_REASON_SEVERAL_HITS, s.others);
    m->job_num_taken = lookups[YQ_BY_JOB_NUM]->hit_count > 0;
    m->row = s.found;
    m->how = s.how;
    return READY;
}
