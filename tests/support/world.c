/* The rows of the world: made, found, copied. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

struct world *world_new(void)
{
    struct world *w = yq_calloc(1, sizeof(*w));
    w->arena = yq_arena_new();
    w->sensitive_readable = w->posts_readable = true;
    w->direct_leaders_readable = w->leaders_readable = true;
    w->administrators_readable = w->administrators_offered = true;
    w->next_id = INT64_C(7000000000000000001);
    w->policy.part_time = YQ_PART_TIME_INCREMENTAL;
    w->policy.removals.max = 20;
    w->policy.removals.percent = 10;
    w->policy.not_ready_ms = 600000;
    return w;
}

void world_free(struct world *w)
{
    if (w == NULL)
        return;
    free(w->departments);
    free(w->members);
    free(w->orgs);
    free(w->people);
    free(w->events);
    free(w->waits);
    free(w->department_links);
    free(w->member_links);
    free(w->administrators);
    yq_arena_free(w->arena);
    free(w);
}

#define COPY(to, from, items, count, capacity)                                                     \
    do {                                                                                           \
        (to)->capacity = (to)->count = (from)->count;                                              \
        (to)->items = yq_calloc((from)->count + 1, sizeof(*(from)->items));                        \
        if ((from)->count > 0)                                                                     \
            memcpy((to)->items, (from)->items, (from)->count * sizeof(*(from)->items));            \
    } while (0)

/* The texts stay with the original, which must live as long. */
struct world *world_clone(const struct world *w)
{
    struct world *c = yq_malloc(sizeof(*c));
    *c = *w;
    c->arena = yq_arena_new();
    COPY(c, w, departments, department_count, department_capacity);
    COPY(c, w, members, member_count, member_capacity);
    COPY(c, w, orgs, org_count, org_capacity);
    COPY(c, w, people, person_count, person_capacity);
    COPY(c, w, events, event_count, event_capacity);
    COPY(c, w, waits, wait_count, wait_capacity);
    COPY(c, w, department_links, department_link_count, department_link_capacity);
    COPY(c, w, member_links, member_link_count, member_link_capacity);
    COPY(c, w, administrators, administrator_count, administrator_capacity);
    return c;
}

#define ADD(w, items, count, capacity)                                                             \
    (yq_grow(&(w)->items, &(w)->capacity, (w)->count, sizeof(*(w)->items)),                        \
     memset(&(w)->items[(w)->count], 0, sizeof(*(w)->items)), &(w)->items[(w)->count++])

struct world_department *world_add_department(struct world *w, uint32_t id, const char *name,
                                              uint32_t parent)
{
    struct world_department *d = ADD(w, departments, department_count, department_capacity);
    d->id = id;
    d->parent = parent;
    d->name = yq_arena_strdup(w->arena, name);
    return d;
}

struct world_member *world_add_member(struct world *w, const char *userid, const char *name)
{
    struct world_member *m = ADD(w, members, member_count, member_capacity);
    m->userid = yq_arena_strdup(w->arena, userid);
    m->name = yq_arena_strdup(w->arena, name);
    m->mobile = m->email = "";
    m->gender = "0";
    m->status = 1;
    return m;
}

struct world_org *world_add_org(struct world *w, const char *id, const char *name,
                                const char *parent)
{
    struct world_org *o = ADD(w, orgs, org_count, org_capacity);
    o->id = yq_arena_strdup(w->arena, id);
    o->name = yq_arena_strdup(w->arena, name);
    o->parent = yq_arena_strdup(w->arena, parent);
    o->enabled = true;
    return o;
}

struct world_person *world_add_person(struct world *w, const char *id, const char *name,
                                      const char *department)
{
    struct world_person *p = ADD(w, people, person_count, person_capacity);
    p->id = yq_arena_strdup(w->arena, id);
    p->name = yq_arena_strdup(w->arena, name);
    p->department = yq_arena_strdup(w->arena, department);
    p->user_id = p->account = p->mobile = p->email = p->job_num = p->sex = p->superior = "";
    p->in_service = true;
    return p;
}

void world_add_event(struct world *w, enum yq_event_kind kind, struct yq_subject subject,
                     int64_t at, const char *data)
{
    struct world_event *e = ADD(w, events, event_count, event_capacity);
    e->kind = kind;
    e->subject = subject;
    e->at = at;
    e->data = yq_arena_strdup(w->arena, data);
}

void world_link_department(struct world *w, uint32_t id, const char *eteams, const char *how)
{
    struct yq_link_department *l =
        ADD(w, department_links, department_link_count, department_link_capacity);
    l->id = id;
    l->eteams = yq_arena_strdup(w->arena, eteams);
    l->how = yq_arena_strdup(w->arena, how);
    l->at = 1;
}

struct yq_link_member *world_link_member(struct world *w, const char *userid, const char *eteams,
                                         const char *how)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    struct yq_link_member *l = ADD(w, member_links, member_link_count, member_link_capacity);
    l->key = yq_arena_strdup(w->arena, key);
    l->userid = yq_arena_strdup(w->arena, userid);
    l->eteams = yq_arena_strdup(w->arena, eteams);
    l->how = yq_arena_strdup(w->arena, how);
    l->at = 1;
    return l;
}

struct world_department *world_department(const struct world *w, uint32_t id)
{
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i].id == id)
            return &w->departments[i];
    }
    return NULL;
}

struct world_member *world_member(const struct world *w, const char *userid)
{
    for (size_t i = 0; i < w->member_count; i++) {
        if (strcasecmp(w->members[i].userid, userid) == 0)
            return &w->members[i];
    }
    return NULL;
}

struct world_org *world_org(const struct world *w, const char *id)
{
    for (size_t i = 0; id != NULL && i < w->org_count; i++) {
        if (strcmp(w->orgs[i].id, id) == 0)
            return &w->orgs[i];
    }
    return NULL;
}

struct world_person *world_person(const struct world *w, const char *id)
{
    for (size_t i = 0; id != NULL && i < w->person_count; i++) {
        if (strcmp(w->people[i].id, id) == 0)
            return &w->people[i];
    }
    return NULL;
}

struct yq_link_department *world_department_link(const struct world *w, uint32_t id)
{
    for (size_t i = 0; i < w->department_link_count; i++) {
        if (w->department_links[i].id == id)
            return &w->department_links[i];
    }
    return NULL;
}

struct yq_link_member *world_member_link(const struct world *w, const char *userid)
{
    for (size_t i = 0; i < w->member_link_count; i++) {
        if (strcasecmp(w->member_links[i].userid, userid) == 0)
            return &w->member_links[i];
    }
    return NULL;
}

const struct world_org *world_root(const struct world *w)
{
    for (size_t i = 0; i < w->org_count; i++) {
        if (w->orgs[i].parent == NULL)
            return &w->orgs[i];
    }
    return NULL;
}
