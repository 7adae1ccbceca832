/* Who is meant, without a look at everybody: whatever the planner asks about all members is kept by
 * what it asks for, so that plans for many take time in proportion. */
#include <string.h>

#include "model/normal.h"
#include "planner.h"

struct list { /* of pointers, in the order in which they came */
    const char *key;
    const struct found *first, **end;
    UT_hash_handle hh;
};

static struct list *list_at(struct list *const *lists, const char *key)
{
    struct list *l;
    HASH_FIND_STR(*lists, key, l);
    return l;
}

static struct found *append(struct planner *p, struct list **lists, const char *key,
                            const void *what)
{
    struct list *l = list_at(lists, key);
    if (l == NULL) {
        l = yq_arena_alloc(p->arena, sizeof(*l));
        l->key = key;
        l->end = &l->first;
        HASH_ADD_KEYPTR(hh, *lists, l->key, strlen(l->key), l);
    }
    struct found *f = yq_arena_alloc(p->arena, sizeof(*f));
    f->what = what;
    *l->end = f;
    l->end = &f->next;
    return f;
}

static const struct found *all_at(struct list *const *lists, const char *key)
{
    const struct list *l = list_at(lists, key);
    return l ? l->first : NULL;
}

/* ---- changes of userid ---- */

void index_renames(struct planner *p)
{
    for (size_t i = 0; i < p->evidence_count; i++) {
        const struct yq_evidence *e = p->evidence[i];
        char key[YQ_USERID_MAX + 1];
        if (e->subject.kind != YQ_SUBJECT_MEMBER || e->new_userid == NULL)
            continue;
        yq_userid_key(e->new_userid, key);
        (void)append(p, &p->renames, yq_arena_strdup(p->arena, key), e);
    }
}

const struct found *renames_to(const struct planner *p, const char *key)
{
    return all_at(&p->renames, key);
}

void note_taker(struct planner *p, struct member *m)
{
    struct member *other;
    HASH_FIND(by_link, p->takers, &m->link, sizeof(m->link), other);
    if (other == NULL)
        HASH_ADD(by_link, p->takers, link, sizeof(m->link), m);
}

const struct member *taker_of(const struct planner *p, const struct yq_link_member *link)
{
    const struct member *m;
    HASH_FIND(by_link, p->takers, &link, sizeof(link), m);
    return m;
}

/* ---- records that are about to be linked ---- */

void note_pretender(struct planner *p, struct member *m)
{
    struct member *other;
    HASH_FIND(by_pretended, p->pretenders, &m->row, sizeof(m->row), other);
    if (m->row != NULL && other == NULL)
        HASH_ADD(by_pretended, p->pretenders, row, sizeof(m->row), m);
}

void forget_pretender(struct planner *p, struct member *m)
{
    struct member *other;
    HASH_FIND(by_pretended, p->pretenders, &m->row, sizeof(m->row), other);
    if (other == m)
        HASH_DELETE(by_pretended, p->pretenders, m);
}

const struct member *pretender_to(const struct planner *p, const struct yq_eteams_member *row)
{
    const struct member *m;
    HASH_FIND(by_pretended, p->pretenders, &row, sizeof(row), m);
    return m;
}

/* ---- mobiles and e-mails of WeCom ---- */

static const char *value_key(struct planner *p, enum yq_lookup_field field, const char *value)
{
    const char *normal = value == NULL           ? ""
                         : field == YQ_BY_MOBILE ? yq_normal_mobile(p->arena, value)
                                                 : yq_normal_email(p->arena, value);
    return normal[0] != '\0' ? yq_arena_printf(p->arena, "%d:%s", (int)field, normal) : NULL;
}

/* As it was read, else as an event said. */
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

static void index_values(struct planner *p)
{
    static const enum yq_lookup_field fields[] = {YQ_BY_MOBILE, YQ_BY_EMAIL};
    p->values_indexed = true;
    for (const struct yq_wecom_member *w = p->view->wecom_members; w != NULL; w = w->hh.next) {
        for (size_t i = 0; i < 2; i++) {
            const char *key = value_key(p, fields[i], wecom_value(p, w, fields[i]));
            if (key != NULL)
                (void)append(p, &p->values, key, w);
        }
    }
}

const struct found *who_has(struct planner *p, enum yq_lookup_field field, const char *value)
{
    if (!p->values_indexed)
        index_values(p);
    const char *key = value_key(p, field, value);
    return key ? all_at(&p->values, key) : NULL;
}

/* ---- keys of people who come back ---- */

struct member *first_with(struct planner *p, const char *key, struct member *m)
{
    const struct found *f = all_at(&p->returns, key);
    if (f != NULL)
        return f->member;
    append(p, &p->returns, key, m)->member = m;
    return m;
}

/* ---- newcomers ---- */

/* An event says that the member was created, or a reconcile found it without a link; not one that
 * two listings of the whole company lack. */
static bool may_be_new(const struct yq_evidence *e)
{
    return e->subject.kind == YQ_SUBJECT_MEMBER &&
           (e->created_at > 0 || (e->reconciled && !e->gone_confirmed));
}

/* As the planner knows it, else as the event told. */
static const char *name_of(const struct member *m)
{
    const struct yq_wecom_member *said = m->evidence ? m->evidence->reported_member : NULL;
    return m->values[YQ_FIELD_NAME] ? m->values[YQ_FIELD_NAME] : said ? said->name : NULL;
}

static void index_newcomers(struct planner *p)
{
    p->newcomers_indexed = true;
    for (size_t i = 0; i < p->evidence_count; i++) {
        if (!may_be_new(p->evidence[i]))
            continue;
        struct member *m = settle_member(p, p->evidence[i]->subject.userid);
        const char *name = name_of(m);
        const char *key = name != NULL ? yq_normal_name(p->arena, name) : NAMELESS;
        append(p, &p->newcomers, key, m)->member = m;
        p->newcomers_open |= m->progress == OPEN;
    }
}

bool settle_newcomers(struct planner *p)
{
    while (p->newcomers_settled < p->evidence_count) { /* from where a caller above has come to */
        const struct yq_evidence *e = p->evidence[p->newcomers_settled++];
        if (may_be_new(e))
            (void)settle_member(p, e->subject.userid);
    }
    if (!p->newcomers_indexed)
        index_newcomers(p);
    return !p->newcomers_open;
}

const struct found *newcomers_named(struct planner *p, const char *name)
{
    return all_at(&p->newcomers, yq_normal_name(p->arena, name));
}

/* ---- the end ---- */

void forget_members_index(struct planner *p)
{
    HASH_CLEAR(by_link, p->takers);
    HASH_CLEAR(by_pretended, p->pretenders);
    HASH_CLEAR(hh, p->newcomers);
    p->newcomers_settled = 0;
    p->newcomers_indexed = p->newcomers_open = false;
}

void release_index(struct planner *p)
{
    forget_members_index(p);
    HASH_CLEAR(hh, p->renames);
    HASH_CLEAR(hh, p->values);
    HASH_CLEAR(hh, p->returns);
}
