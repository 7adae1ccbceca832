/* The rows of both directories, the links and the look-ups of one scope, found by key. */
#include "model/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/normal.h"

/* Which link points to an eteams record: so that rows and links may come in either order. */
struct owner {
    const char *eteams;
    union {
        struct yq_link_department *department;
        struct yq_link_member *member;
    } link;
    UT_hash_handle hh;
};

struct whole_view {
    struct yq_view view; /* first: a view's address is that of the whole */
    struct owner *department_owners, *member_owners;
};

static struct whole_view *whole(struct yq_view *v)
{
    return (struct whole_view *)v;
}

struct yq_view *yq_view_new(void)
{
    struct whole_view *w = yq_calloc(1, sizeof(*w));
    w->view.arena = yq_arena_new();
    return &w->view;
}

void yq_view_free(struct yq_view *v)
{
    if (v == NULL)
        return;
    struct whole_view *w = whole(v);
    HASH_CLEAR(hh, v->evidence);
    HASH_CLEAR(hh, v->wecom_departments);
    HASH_CLEAR(hh, v->wecom_members);
    HASH_CLEAR(hh, v->wecom_aside);
    HASH_CLEAR(hh, v->eteams_departments);
    HASH_CLEAR(hh, v->eteams_members);
    HASH_CLEAR(hh, v->lookups);
    HASH_CLEAR(hh, v->department_links);
    HASH_CLEAR(hh, v->member_links);
    HASH_CLEAR(hh, w->department_owners);
    HASH_CLEAR(hh, w->member_owners);
    yq_arena_free(v->arena);
    free(w);
}

const struct yq_error *yq_view_error(struct yq_view *v, const struct yq_error *err)
{
    struct yq_error *copy = yq_arena_alloc(v->arena, sizeof(*copy));
    *copy = *err;
    return copy;
}

/* ---- owners ---- */

static struct owner *find_owner(struct owner *owners, const char *eteams)
{
    struct owner *o;
    HASH_FIND_STR(owners, eteams, o);
    return o;
}

static struct owner *make_owner(struct yq_arena *arena, struct owner **owners, const char *eteams)
{
    struct owner *o = find_owner(*owners, eteams);
    if (o != NULL)
        return o;
    o = yq_arena_alloc(arena, sizeof(*o));
    o->eteams = yq_arena_strdup(arena, eteams);
    HASH_ADD_KEYPTR(hh, *owners, o->eteams, strlen(o->eteams), o);
    return o;
}

/* ---- WeCom's rows ---- */

static struct yq_wecom_department *find_wecom_department(const struct yq_view *v, uint32_t id)
{
    struct yq_wecom_department *d;
    HASH_FIND(hh, v->wecom_departments, &id, sizeof(id), d);
    return d;
}

struct yq_wecom_department *yq_view_wecom_department(struct yq_view *v, uint32_t id)
{
    struct yq_wecom_department *d = find_wecom_department(v, id);
    if (d != NULL)
        return d;
    d = yq_arena_alloc(v->arena, sizeof(*d));
    d->id = id;
    d->order = -1;
    HASH_ADD(hh, v->wecom_departments, id, sizeof(id), d);
    return d;
}

const struct yq_wecom_department *yq_view_find_wecom_department(const struct yq_view *v,
                                                                uint32_t id)
{
    return find_wecom_department(v, id);
}

static struct yq_wecom_member *find_wecom_member(const struct yq_view *v, const char *key)
{
    struct yq_wecom_member *m;
    HASH_FIND_STR(v->wecom_members, key, m);
    return m;
}

struct yq_wecom_member *yq_view_wecom_member(struct yq_view *v, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    struct yq_wecom_member *m = find_wecom_member(v, key);
    if (m != NULL)
        return m;
    m = yq_arena_alloc(v->arena, sizeof(*m));
    m->key = yq_arena_strdup(v->arena, key);
    m->userid = yq_arena_strdup(v->arena, userid);
    HASH_ADD_KEYPTR(hh, v->wecom_members, m->key, strlen(m->key), m);
    return m;
}

const struct yq_wecom_member *yq_view_find_wecom_member(const struct yq_view *v, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    return find_wecom_member(v, key);
}

const struct yq_wecom_member *yq_view_find_wecom_aside(const struct yq_view *v, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    struct yq_wecom_member *m;
    yq_userid_key(userid, key);
    const struct yq_wecom_member *known = find_wecom_member(v, key);
    if (known != NULL && known->fact != YQ_UNASKED)
        return known;
    HASH_FIND_STR(v->wecom_aside, key, m);
    return m;
}

void yq_view_swap_aside(struct yq_view *v)
{
    struct yq_wecom_member *members = v->wecom_members;
    v->wecom_members = v->wecom_aside;
    v->wecom_aside = members;
}

/* ---- eteams' rows ---- */

static struct yq_eteams_department *find_eteams_department(const struct yq_view *v, const char *id)
{
    struct yq_eteams_department *d;
    HASH_FIND_STR(v->eteams_departments, id, d);
    return d;
}

struct yq_eteams_department *yq_view_eteams_department(struct yq_view *v, const char *id)
{
    struct yq_eteams_department *d = find_eteams_department(v, id);
    if (d != NULL)
        return d;
    const struct owner *o = find_owner(whole(v)->department_owners, id);
    d = yq_arena_alloc(v->arena, sizeof(*d));
    d->id = yq_arena_strdup(v->arena, id);
    d->owner = o ? o->link.department : NULL;
    HASH_ADD_KEYPTR(hh, v->eteams_departments, d->id, strlen(d->id), d);
    return d;
}

const struct yq_eteams_department *yq_view_find_eteams_department(const struct yq_view *v,
                                                                  const char *id)
{
    return find_eteams_department(v, id);
}

static struct yq_eteams_member *find_eteams_member(const struct yq_view *v, const char *id)
{
    struct yq_eteams_member *m;
    HASH_FIND_STR(v->eteams_members, id, m);
    return m;
}

struct yq_eteams_member *yq_view_eteams_member(struct yq_view *v, const char *id)
{
    struct yq_eteams_member *m = find_eteams_member(v, id);
    if (m != NULL)
        return m;
    const struct owner *o = find_owner(whole(v)->member_owners, id);
    m = yq_arena_alloc(v->arena, sizeof(*m));
    m->id = yq_arena_strdup(v->arena, id);
    m->user_id = m->account = m->name = m->mobile = m->email = m->job_num = m->sex = "";
    m->owner = o ? o->link.member : NULL;
    HASH_ADD_KEYPTR(hh, v->eteams_members, m->id, strlen(m->id), m);
    return m;
}

const struct yq_eteams_member *yq_view_find_eteams_member(const struct yq_view *v, const char *id)
{
    return find_eteams_member(v, id);
}

/* ---- look-ups ---- */

static const char *lookup_value(struct yq_arena *arena, enum yq_lookup_field field,
                                const char *value)
{
    switch (field) {
    case YQ_BY_MOBILE:
        return yq_normal_mobile(arena, value);
    case YQ_BY_EMAIL:
        return yq_normal_email(arena, value);
    case YQ_BY_NAME:
        return yq_normal_name(arena, value);
    case YQ_BY_ACCOUNT:
    case YQ_BY_JOB_NUM: /* compared with userids, so case does not count */
    case YQ_LOOKUP_COUNT:
        break;
    }
    return yq_normal_account(arena, value);
}

const struct yq_lookup *yq_view_find_lookup(struct yq_view *v, enum yq_lookup_field field,
                                            const char *value)
{
    const char *key = yq_arena_printf(v->arena, "%d:%s", (int)field,
                                      value ? lookup_value(v->arena, field, value) : "");
    const struct yq_lookup *l;
    HASH_FIND_STR(v->lookups, key, l);
    return l;
}

struct yq_lookup *yq_view_lookup(struct yq_view *v, enum yq_lookup_field field, const char *value)
{
    const char *normal = value ? lookup_value(v->arena, field, value) : "";
    if (*normal == '\0')
        return NULL;
    const char *key = yq_arena_printf(v->arena, "%d:%s", (int)field, normal);
    struct yq_lookup *l;
    HASH_FIND_STR(v->lookups, key, l);
    if (l == NULL) {
        l = yq_arena_alloc(v->arena, sizeof(*l));
        l->key = key;
        l->field = field;
        l->value = strchr(key, ':') + 1;
        l->asked = yq_arena_strdup(v->arena, value);
        HASH_ADD_KEYPTR(hh, v->lookups, l->key, strlen(l->key), l);
    }
    if (v->eteams_members_complete)
        l->fact = YQ_PRESENT;
    return l;
}

static void add_hit(struct yq_arena *arena, struct yq_lookup *l, struct yq_eteams_member *m)
{
    for (size_t i = 0; i < l->hit_count; i++) {
        if (l->hits[i] == m)
            return;
    }
    if (l->hit_count == l->hit_capacity) {
        size_t capacity = l->hit_capacity ? l->hit_capacity * 2 : 1; /* mostly there is just one */
        struct yq_eteams_member **hits =
            yq_arena_alloc(arena, capacity * sizeof(struct yq_eteams_member *));
        if (l->hit_count > 0)
            memcpy(hits, l->hits, l->hit_count * sizeof(struct yq_eteams_member *));
        l->hits = hits;
        l->hit_capacity = capacity;
    }
    l->hits[l->hit_count++] = m;
}

void yq_view_index_member(struct yq_view *v, struct yq_eteams_member *m)
{
    if (!m->in_service || m->secondary) /* a secondary identity is no candidate of its own */
        return;
    const char *values[YQ_LOOKUP_COUNT] = {
        [YQ_BY_ACCOUNT] = m->account, [YQ_BY_MOBILE] = m->mobile, [YQ_BY_EMAIL] = m->email,
        [YQ_BY_JOB_NUM] = m->job_num, [YQ_BY_NAME] = m->name,
    };
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++) {
        struct yq_lookup *l = yq_view_lookup(v, (enum yq_lookup_field)f, values[f]);
        if (l != NULL)
            add_hit(v->arena, l, m);
    }
}

/* ---- links ---- */

struct yq_link_department *yq_view_department_link(const struct yq_view *v, uint32_t id)
{
    struct yq_link_department *l;
    HASH_FIND(hh, v->department_links, &id, sizeof(id), l);
    return l;
}

struct yq_link_member *yq_view_member_link(const struct yq_view *v, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    struct yq_link_member *l;
    HASH_FIND_STR(v->member_links, key, l);
    return l;
}

static void disown_department(struct yq_view *v, const struct yq_link_department *l)
{
    struct yq_eteams_department *row = find_eteams_department(v, l->eteams);
    struct owner *o = find_owner(whole(v)->department_owners, l->eteams);
    if (row != NULL && row->owner == l)
        row->owner = NULL;
    if (o != NULL && o->link.department == l)
        o->link.department = NULL;
}

struct yq_link_department *yq_view_set_department_link(struct yq_view *v,
                                                       const struct yq_link_department *link)
{
    struct yq_link_department *l = yq_view_department_link(v, link->id);
    if (l == NULL) {
        l = yq_arena_alloc(v->arena, sizeof(*l));
        l->id = link->id;
        HASH_ADD(hh, v->department_links, id, sizeof(l->id), l);
    } else {
        disown_department(v, l);
    }
    UT_hash_handle hh = l->hh;
    *l = *link;
    l->hh = hh;
    l->eteams = yq_arena_strdup(v->arena, link->eteams);
    l->how = yq_arena_strdup(v->arena, link->how);
    make_owner(v->arena, &whole(v)->department_owners, l->eteams)->link.department = l;
    struct yq_eteams_department *row = find_eteams_department(v, l->eteams);
    if (row != NULL)
        row->owner = l;
    return l;
}

static void disown_member(struct yq_view *v, const struct yq_link_member *l)
{
    struct yq_eteams_member *row = find_eteams_member(v, l->eteams);
    struct owner *o = find_owner(whole(v)->member_owners, l->eteams);
    if (row != NULL && row->owner == l)
        row->owner = NULL;
    if (o != NULL && o->link.member == l)
        o->link.member = NULL;
}

/* Fills l from link with copies of all strings; key and handle stay. */
static void copy_member_link(struct yq_arena *arena, struct yq_link_member *l,
                             const struct yq_link_member *link)
{
    UT_hash_handle hh = l->hh;
    const char *key = l->key;
    *l = *link;
    l->hh = hh;
    l->key = key;
    l->userid = yq_arena_strdup(arena, link->userid);
    l->eteams = yq_arena_strdup(arena, link->eteams);
    l->how = yq_arena_strdup(arena, link->how);
    const char **posts =
        link->post_count ? yq_arena_alloc(arena, link->post_count * sizeof(*posts)) : NULL;
    for (size_t i = 0; i < link->post_count; i++)
        posts[i] = yq_arena_strdup(arena, link->posts[i]);
    l->posts = posts;
}

struct yq_link_member *yq_view_set_member_link(struct yq_view *v, const struct yq_link_member *link)
{
    struct yq_link_member *l = yq_view_member_link(v, link->userid);
    if (l == NULL) {
        char key[YQ_USERID_MAX + 1];
        yq_userid_key(link->userid, key);
        l = yq_arena_alloc(v->arena, sizeof(*l));
        l->key = yq_arena_strdup(v->arena, key);
        HASH_ADD_KEYPTR(hh, v->member_links, l->key, strlen(l->key), l);
    } else {
        disown_member(v, l);
    }
    copy_member_link(v->arena, l, link);
    make_owner(v->arena, &whole(v)->member_owners, l->eteams)->link.member = l;
    struct yq_eteams_member *row = find_eteams_member(v, l->eteams);
    if (row != NULL)
        row->owner = l;
    return l;
}

void yq_view_drop_member_link(struct yq_view *v, struct yq_link_member *link)
{
    disown_member(v, link);
    HASH_DEL(v->member_links, link);
}
