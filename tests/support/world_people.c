/* What becomes of people when the world carries out an operation: their rows, keys, links and
 * part-time posts. */
#include <string.h>

#include "model/normal.h"
#include "world_act.h"

/* ---- people ---- */

static bool owns_account(const struct world_person *p)
{
    return p->in_service && *p->user_id != '\0';
}

static const char **field_of(struct world_person *p, const char *field)
{
    if (strcmp(field, "username") == 0)
        return &p->name;
    if (strcmp(field, "mobile") == 0)
        return &p->mobile;
    if (strcmp(field, "email") == 0)
        return &p->email;
    if (strcmp(field, "sex") == 0)
        return &p->sex;
    return strcmp(field, "job_num") == 0 ? &p->job_num : NULL;
}

static bool same_value(struct yq_arena *arena, const char *field, const char *a, const char *b)
{
    if (strcmp(field, "username") == 0)
        return yq_same_name(arena, a, b);
    if (strcmp(field, "mobile") == 0)
        return yq_same_mobile(arena, a, b);
    if (strcmp(field, "sex") == 0)
        return strcmp(yq_normal_gender(a), yq_normal_gender(b)) == 0;
    return yq_same_email(arena, a, b);
}

/* Mobile and e-mail are unique among those with an account, the job number among all in service. */
static void check_key(struct act *a, struct world_person *self, const char *field,
                      const char *value)
{
    bool job_num = strcmp(field, "job_num") == 0;
    bool key = job_num || strcmp(field, "mobile") == 0 || strcmp(field, "email") == 0;
    for (size_t i = 0; key && *value != '\0' && i < a->w->person_count; i++) {
        struct world_person *p = &a->w->people[i];
        bool counts = !p->secondary && (job_num ? p->in_service : owns_account(p));
        if (p != self && counts && same_value(a->w->arena, field, *field_of(p, field), value))
            world_complain(a, "is used by another person:", field);
    }
}

static void write_field(struct act *a, struct world_person *p, const struct yq_change *c)
{
    if (strcmp(c->field, "department") == 0) {
        const char *department = world_resolve(a, c->ref);
        if (!world_same(c->before, p->department))
            world_complain(a, "expected another department than", p->department);
        if (world_same(department, p->department))
            world_complain(a, "moves to the department that it has:", department);
        p->department = department ? department : p->department;
        return;
    }
    const char **field = field_of(p, c->field);
    if (field == NULL) {
        world_complain(a, "no such field:", c->field);
        return;
    }
    const char *after = c->after ? c->after : "";
    if (!world_same(c->before, *field))
        world_complain(a, "expected another value of", c->field);
    if (same_value(a->w->arena, c->field, *field, after))
        world_complain(a, "writes the value that is there:", c->field);
    check_key(a, p, c->field, after);
    *field = strcmp(c->field, "sex") != 0      ? yq_arena_strdup(a->w->arena, after)
             : *yq_normal_gender(after) == '1' ? "male"
             : *yq_normal_gender(after) == '2' ? "female"
                                               : "";
}

static void bind_account(struct world_person *p, struct yq_arena *arena)
{
    if (*p->mobile == '\0' && *p->email == '\0')
        return;
    p->account = *p->mobile ? p->mobile : p->email;
    p->user_id = yq_arena_printf(arena, "u%s", p->id);
}

static struct yq_link_member *take_member_link(struct act *a, const char *userid)
{
    struct world *w = a->w;
    struct yq_link_member *l = world_member_link(w, userid);
    if (l == NULL) {
        world_complain(a, "there is no link of", userid);
        return NULL;
    }
    struct yq_link_member *taken = yq_arena_alloc(w->arena, sizeof(*taken));
    *taken = *l;
    *l = w->member_links[--w->member_link_count];
    return taken;
}

struct yq_link_member *world_make_member_link(struct act *a, const char *eteams)
{
    struct world *w = a->w;
    for (size_t i = 0; i < w->member_link_count; i++) {
        if (strcmp(w->member_links[i].eteams, eteams) == 0)
            world_complain(a, "already linked:", eteams);
    }
    const struct world_person *p = world_person(w, eteams);
    if (p == NULL || p->secondary)
        world_complain(a, p ? "a secondary identity is not ours" : "no such record", eteams);
    struct yq_link_member *l = world_member_link(w, a->op->subject.userid);
    if (l != NULL) {
        if (world_person(w, l->eteams) != NULL)
            world_complain(a, "takes the place of a link that stands", l->eteams);
        *l = w->member_links[--w->member_link_count];
    }
    if (a->op->how == NULL)
        world_complain(a, "does not say how the link is known", NULL);
    return world_link_member(w, a->op->subject.userid, eteams, a->op->how ? a->op->how : "");
}

void world_relink_member(struct act *a)
{
    struct yq_link_member *old = take_member_link(a, a->op->from_userid);
    if (old == NULL)
        return;
    struct yq_link_member *twin = world_member_link(a->w, a->op->subject.userid);
    if (twin != NULL) /* made before the change was known: its record is withdrawn */
        *twin = a->w->member_links[--a->w->member_link_count];
    struct yq_link_member *l =
        world_link_member(a->w, a->op->subject.userid, old->eteams, old->how);
    struct yq_link_member moved = *old;
    moved.key = l->key;
    moved.userid = l->userid;
    *l = moved;
}

/* Whoever is written to: by id, or as the one that this plan made for the subject. */
static struct world_person *target_of(struct act *a)
{
    const char *id = a->op->target;
    const struct yq_link_member *l = world_member_link(a->w, a->op->subject.userid);
    if (id == NULL && l != NULL)
        id = l->eteams;
    struct world_person *p = world_person(a->w, id);
    if (p == NULL)
        world_complain(a, "no such record", id);
    else if (p->secondary)
        world_complain(a, "a secondary identity is not ours", id);
    return p != NULL && !p->secondary ? p : NULL;
}

static void note_job_num(struct act *a, const struct world_person *p)
{
    for (size_t i = 0; i < a->w->member_link_count; i++) {
        struct yq_link_member *l = &a->w->member_links[i];
        if (strcmp(l->eteams, p->id) == 0)
            l->wrote_job_num = l->wrote_job_num || world_change(a->op, "job_num") != NULL;
    }
}

void world_create_member(struct act *a)
{
    const struct yq_change *name = world_change(a->op, "username");
    const struct yq_change *department = world_change(a->op, "department");
    if (name == NULL || department == NULL || *name->after == '\0') {
        world_complain(a, "name and department are required", NULL);
        return;
    }
    struct world *w = a->w;
    const char *id = yq_arena_printf(w->arena, "%lld", (long long)w->next_id++);
    struct world_person *p = world_add_person(w, id, "", "");
    for (size_t i = 0; i < a->op->change_count; i++)
        write_field(a, p, &a->op->changes[i]);
    bind_account(p, w->arena);
    world_make_member_link(a, p->id);
    note_job_num(a, p);
}

void world_update_member(struct act *a)
{
    struct world_person *p = target_of(a);
    if (p == NULL)
        return;
    if (a->op->change_count == 0)
        world_complain(a, "changes nothing", NULL);
    if (!p->in_service)
        world_complain(a, "has left", p->id);
    for (size_t i = 0; i < a->op->change_count; i++)
        write_field(a, p, &a->op->changes[i]);
    note_job_num(a, p);
}

static bool is_administrator(const struct world *w, const struct world_person *p)
{
    for (size_t i = 0; i < w->administrator_count; i++) {
        if (strcmp(w->administrators[i], p->id) == 0)
            return p->in_service;
    }
    return false;
}

void world_resign_member(struct act *a)
{
    struct world *w = a->w;
    struct world_person *p = target_of(a);
    if (p == NULL)
        return;
    if (!p->in_service)
        world_complain(a, "has already left", p->id);
    size_t administrators = 0;
    for (size_t i = 0; i < w->administrator_count; i++) {
        const struct world_person *other = world_person(w, w->administrators[i]);
        administrators += other != NULL && other->in_service;
    }
    if (is_administrator(w, p) && administrators == 1) {
        world_complain(a, "is the last administrator", p->id);
        return;
    }
    for (size_t i = 0; i < p->post_count; i++) {
        if (p->posts[i].ours) /* those that others made, eteams clears by itself */
            world_complain(a, "leaves with a part-time post of ours:", p->posts[i].department);
    }
    p->in_service = false;
    p->post_count = 0;
    p->superior = "";
    p->other_count = 0;
    p->department = world_root(w)->id;
    p->account = p->user_id = "";
    struct yq_link_member *l = world_member_link(w, a->op->subject.userid);
    if (l != NULL && strcmp(l->eteams, p->id) == 0)
        l->left = true;
}

void world_rehire_member(struct act *a)
{
    struct world_person *p = target_of(a);
    if (p == NULL)
        return;
    if (p->in_service)
        world_complain(a, "is already in service", p->id);
    check_key(a, p, "mobile", p->mobile);
    check_key(a, p, "email", p->email);
    check_key(a, p, "job_num", p->job_num);
    p->in_service = true;
    bind_account(p, a->w->arena);
    struct yq_link_member *l = world_member_link(a->w, a->op->subject.userid);
    if (l != NULL)
        l->left = false;
}

/* ---- part-time posts ---- */

void world_add_post(struct act *a)
{
    struct world_person *p = target_of(a);
    const char *department = world_resolve(a, a->op->department);
    if (p == NULL || department == NULL)
        return;
    if (world_same(p->department, department))
        world_complain(a, "a part-time post in the main department", department);
    for (size_t i = 0; i < p->post_count; i++) {
        if (world_same(p->posts[i].department, department))
            world_complain(a, "has that post already", department);
    }
    if (p->post_count == WORLD_MEMBER_DEPARTMENTS)
        return;
    const char *id = yq_arena_printf(a->w->arena, "yq-c-%s-%s", p->id, department);
    p->posts[p->post_count++] = (struct world_post){department, id, true};
    struct yq_link_member *l = world_member_link(a->w, a->op->subject.userid);
    if (l == NULL)
        return;
    const char **posts = yq_arena_alloc(a->w->arena, (l->post_count + 1) * sizeof(*posts));
    for (size_t i = 0; i < l->post_count; i++)
        posts[i] = l->posts[i];
    posts[l->post_count++] = department;
    l->posts = posts;
}

static void forget_post(struct act *a, const char *eteams, const char *department)
{
    for (size_t i = 0; i < a->w->member_link_count; i++) {
        struct yq_link_member *l = &a->w->member_links[i];
        const char **posts = yq_arena_alloc(a->w->arena, (l->post_count + 1) * sizeof(*posts));
        size_t kept = 0;
        for (size_t k = 0; k < l->post_count; k++) {
            if (strcmp(l->eteams, eteams) != 0 || strcmp(l->posts[k], department) != 0)
                posts[kept++] = l->posts[k];
        }
        l->posts = posts;
        l->post_count = kept;
    }
}

void world_remove_post(struct act *a)
{
    struct world_person *p = target_of(a);
    for (size_t i = 0; p != NULL && i < p->post_count; i++) {
        bool by_id =
            a->op->external_id != NULL && world_same(p->posts[i].external_id, a->op->external_id);
        bool by_department = a->op->external_id == NULL && a->op->department.id != NULL &&
                             world_same(p->posts[i].department, a->op->department.id);
        if (!by_id && !by_department)
            continue;
        if (!p->posts[i].ours && a->w->policy.part_time != YQ_PART_TIME_FULL)
            world_complain(a, "the post is not ours:", p->posts[i].department);
        forget_post(a, p->id, p->posts[i].department);
        p->posts[i] = p->posts[--p->post_count];
        return;
    }
    world_complain(a, "no such post", a->op->external_id);
}

void world_unlink_member(struct act *a)
{
    (void)take_member_link(a, a->op->subject.userid);
}
