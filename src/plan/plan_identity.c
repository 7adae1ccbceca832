/* "Same account" (R4, decisions.md 3): account equal to the userid, mobile, e-mail, job number
 * equal to the userid. All keys are looked up: one person, and no key pointing elsewhere; else a
 * case. A person already linked is never a candidate. */
#include <stdlib.h>
#include <string.h>

#include "model/normal.h"
#include "planner.h"

const char *key_name(enum yq_lookup_field field)
{
    static const char *const names[] = {"account", "mobile", "email", "job_num"};
    return names[field];
}

static const char *lookup_key(struct planner *p, enum yq_lookup_field field, const char *value)
{
    const char *normal = field == YQ_BY_MOBILE  ? yq_normal_mobile(p->arena, value)
                         : field == YQ_BY_EMAIL ? yq_normal_email(p->arena, value)
                         : field == YQ_BY_NAME  ? yq_normal_name(p->arena, value)
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
        if (field == YQ_BY_JOB_NUM) /* its spelling matters to eteams */
            key = yq_arena_printf(p->arena, "%d:%s", (int)field, value);
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
    const struct member *m = taker_of(p, row->owner);
    return m ? m->key : row->owner->key;
}

static bool works(const struct planner *p, const struct yq_wecom_member *w)
{
    bool disabled =
        w->status == STATUS_DISABLED && p->policy->disabled_members == YQ_DISABLED_RESIGN;
    return w->fact == YQ_PRESENT && w->status != STATUS_LEFT && !disabled;
}

const char *pretender_of(struct planner *p, const struct yq_eteams_member *row)
{
    const struct member *m = pretender_to(p, row);
    return m ? m->key : NULL;
}

bool wanted_by_another(struct planner *p, const struct member *m, enum yq_lookup_field field,
                       const char *value)
{
    for (const struct found *f = who_has(p, field, value); f != NULL; f = f->next) {
        const struct yq_wecom_member *w = f->what;
        if (strcmp(w->key, m->key) != 0 && works(p, w))
            return true;
    }
    return false;
}

/* Another member who works and is linked with nobody yet; else NULL. */
static const struct member *rival_of(struct planner *p, const struct member *m,
                                     const struct yq_wecom_member *w)
{
    if (w == NULL || strcmp(w->key, m->key) == 0 || !works(p, w))
        return NULL;
    const struct member *o = know_member(p, w->userid);
    return o->link == NULL || o->link_is_stale ? o : NULL;
}

/* The rival who matches this record by a stronger key than `field`: account before mobile before
 * e-mail before job number, since one person is linked once. NULL: nobody. */
static const struct member *claimant(struct planner *p, const struct member *m,
                                     const struct yq_eteams_member *row, enum yq_lookup_field field)
{
    const struct member *o = NULL;
    if (field > YQ_BY_ACCOUNT && row->account != NULL && row->account[0] != '\0')
        o = rival_of(p, m, yq_view_find_wecom_member(p->view, row->account));
    for (int f = YQ_BY_MOBILE; o == NULL && f < (int)field && f <= YQ_BY_EMAIL; f++) {
        enum yq_lookup_field by = (enum yq_lookup_field)f;
        const char *value = by == YQ_BY_MOBILE ? row->mobile : row->email;
        const struct found *w = who_has(p, by, value);
        for (; w != NULL && o == NULL; w = w->next)
            o = rival_of(p, m, w->what);
    }
    return o;
}

struct search {
    const struct yq_eteams_member **rows; /* whom any key matches */
    size_t count;
    const struct yq_eteams_member *found; /* to whom nobody else has a stronger claim */
    const char *how;
    bool several;
};

static bool is_candidate(const struct planner *p, const struct search *s,
                         const struct yq_eteams_member *row)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i] == row)
            return false; /* a stronger key had it already */
    }
    return row->in_service && !row->secondary && owner_of(p, row) == NULL;
}

static void add_candidate(struct planner *p, struct search *s, struct member *m,
                          const struct yq_eteams_member *row, enum yq_lookup_field field)
{
    if (!is_candidate(p, s, row))
        return;
    s->rows[s->count++] = row;
    const struct member *other = claimant(p, m, row, field);
    if (other != NULL) {
        struct contest *c = yq_arena_alloc(p->arena, sizeof(*c));
        *c = (struct contest){row, other, m->contests};
        m->contests = c;
        return;
    }
    s->several = s->found != NULL;
    if (s->found == NULL) {
        s->found = row;
        s->how = key_name(field);
    }
}

/* eteams numbers people itself: an equal job number says little without the same name. */
static bool same_person(struct planner *p, const struct member *m,
                        const struct yq_eteams_member *row)
{
    const char *name = m->values[YQ_FIELD_NAME];
    return name != NULL && row->name != NULL && yq_same_name(p->arena, name, row->name);
}

static int compare_rows(const void *left, const void *right)
{
    return strcmp((*(const struct yq_eteams_member *const *)left)->id,
                  (*(const struct yq_eteams_member *const *)right)->id);
}

static const char *list_of_ids(struct planner *p, struct search *s)
{
    const char *list = "";
    if (s->count > 1)
        qsort(s->rows, s->count, sizeof(struct yq_eteams_member *), compare_rows);
    for (size_t i = 0; i < s->count; i++)
        list = yq_arena_printf(p->arena, "%s%s%s", list, i ? " " : "", s->rows[i]->id);
    return list;
}

static enum progress undecided(struct member *m, enum yq_verdict_kind kind)
{
    conclude(m->verdict, kind, YQ_REASON_SEVERAL_HITS, m->candidates, NULL);
    m->fate = FROZEN;
    return m->identity = WAITS;
}

/* All four look-ups are answered. */
static enum progress choose(struct planner *p, struct member *m,
                            const struct yq_lookup *const lookups[YQ_KEY_COUNT])
{
    struct search s = {0};
    size_t hits = 0;
    for (int f = 0; f < YQ_KEY_COUNT; f++)
        hits += lookups[f] ? lookups[f]->hit_count : 0;
    s.rows = yq_arena_alloc(p->arena, (hits + 1) * sizeof(struct yq_eteams_member *));
    for (int f = 0; f < YQ_KEY_COUNT; f++) {
        for (size_t i = 0; lookups[f] != NULL && i < lookups[f]->hit_count; i++) {
            const struct yq_eteams_member *hit = lookups[f]->hits[i];
            if (f != YQ_BY_JOB_NUM || same_person(p, m, hit))
                add_candidate(p, &s, m, hit, (enum yq_lookup_field)f);
        }
    }
    m->candidates = list_of_ids(p, &s);
    if (s.several)
        return undecided(m, YQ_VERDICT_CASE);
    m->job_num_taken = lookups[YQ_BY_JOB_NUM]->hit_count > 0;
    m->row = s.found;
    m->how = s.how;
    note_pretender(p, m);
    return READY;
}

enum progress identify(struct planner *p, struct member *m)
{
    const char *values[YQ_KEY_COUNT] = {m->w->userid, m->values[YQ_FIELD_MOBILE],
                                        m->values[YQ_FIELD_EMAIL], m->w->userid};
    const struct yq_lookup *lookups[YQ_KEY_COUNT] = {NULL};
    bool open = false, unreadable = false;
    for (int f = 0; f < YQ_KEY_COUNT; f++) {
        if (values[f] == NULL)
            continue;
        lookups[f] = look_up(p, (enum yq_lookup_field)f, values[f], &open);
        unreadable |= lookups[f] == NULL;
    }
    if (open)
        return OPEN;
    if (unreadable) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE, "eteams", NULL);
        return WAITS;
    }
    return choose(p, m, lookups);
}

enum progress look_at_job_num(struct planner *p, struct member *m)
{
    bool empty = m->row->job_num == NULL || m->row->job_num[0] == '\0';
    bool follows = m->taken_from != NULL && m->link->wrote_job_num;
    bool open = false;
    if (!follows && !(empty && p->policy->write_job_num == YQ_JOB_NUM_ALWAYS))
        return READY;
    const struct yq_lookup *l = look_up(p, YQ_BY_JOB_NUM, m->w->userid, &open);
    if (open)
        return OPEN;
    m->job_num_taken = l == NULL; /* cannot be read: perhaps */
    for (size_t i = 0; l != NULL && i < l->hit_count; i++)
        m->job_num_taken |= l->hits[i] != m->row;
    return READY;
}

void settle_contests(struct planner *p)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (struct member *m = p->members; m != NULL; m = m->hh.next) {
            for (struct contest *c = m->contests; c != NULL && m->identity == READY; c = c->next) {
                const struct member *o = c->claimant;
                if (o->identity == READY && o->row == c->row)
                    continue;
                bool waits = o->verdict->kind == YQ_VERDICT_WAIT;
                undecided(m, waits ? YQ_VERDICT_WAIT : YQ_VERDICT_CASE);
                forget_pretender(p, m);
                m->row = NULL;
                m->how = NULL;
                moved = true;
            }
        }
    }
}
