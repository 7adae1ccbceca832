/* The world answers what a planner needs to know, as reading both peers would. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "model/normal.h"
#include "world.h"

static const struct yq_error no_answer = {.kind = YQ_ERROR_RETRY, .text = "no answer"};

static size_t common_divisor(size_t a, size_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* Which of n comes i-th: from order 2 on in steps that meet each of them once. */
static size_t shuffled(const struct world *w, size_t i, size_t n)
{
    size_t stride = (size_t)w->order % n + 1;
    if (w->order == 0)
        return i;
    if (w->order == 1)
        return n - 1 - i;
    while (common_divisor(stride, n) > 1)
        stride++;
    return (i * stride + (size_t)w->order / 7) % n;
}

static void show_department_link(struct world *w, struct yq_view *v, uint32_t id)
{
    const struct yq_link_department *l = world_department_link(w, id);
    if (l != NULL && yq_view_department_link(v, id) == NULL)
        yq_view_set_department_link(v, l);
}

static void show_member_link(struct world *w, struct yq_view *v, const char *userid)
{
    const struct yq_link_member *l = world_member_link(w, userid);
    if (l != NULL && yq_view_member_link(v, userid) == NULL)
        yq_view_set_member_link(v, l);
}

static void ask_member_link(struct world *w, struct yq_view *v, const char *userid)
{
    show_member_link(w, v, userid);
    yq_view_wecom_member(v, userid)->link_asked = true;
}

/* ---- WeCom ---- */

/* Leaders out of sight are not reported (wecom.md §4.2). */
static size_t visible(const struct world *w, const char *const *from, size_t count, const char **to)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const struct world_member *m = world_member(w, from[i]);
        if (m != NULL && !m->hidden)
            to[n++] = from[i];
    }
    return n;
}

static void show_leaders(const struct world *w, struct yq_view *v, const struct world_department *d,
                         struct yq_wecom_department *row)
{
    const char **leaders = yq_arena_alloc(v->arena, sizeof(d->leaders));
    row->leader_count = visible(w, d->leaders, d->leader_count, leaders);
    row->leaders = leaders;
}

static void show_wecom_department(struct world *w, struct yq_view *v, uint32_t id)
{
    struct yq_wecom_department *row = yq_view_wecom_department(v, id);
    const struct world_department *d = world_department(w, id);
    show_department_link(w, v, id);
    row->fact = d == NULL       ? YQ_ABSENT
                : d->unreadable ? YQ_UNREADABLE
                : d->hidden     ? YQ_HIDDEN
                                : YQ_PRESENT;
    if (row->fact == YQ_UNREADABLE)
        row->error = yq_view_error(v, &no_answer);
    if (row->fact != YQ_PRESENT)
        return;
    row->name = d->name;
    row->parent = d->parent;
    row->order = d->order;
    if (w->leaders_readable)
        show_leaders(w, v, d, row);
}

static bool sees(const struct world *w, uint32_t department)
{
    const struct world_department *d = world_department(w, department);
    return d != NULL && !d->hidden;
}

static void show_leads(const struct world *w, const struct world_member *m, struct yq_view *v,
                       struct yq_wecom_member *row, const uint32_t *departments)
{
    uint32_t *leads = yq_arena_alloc(v->arena, sizeof(m->departments));
    for (size_t i = 0; i < row->department_count; i++) {
        const struct world_department *d = world_department(w, departments[i]);
        for (size_t k = 0; k < d->leader_count; k++) {
            if (strcasecmp(d->leaders[k], m->userid) == 0)
                leads[row->lead_count++] = departments[i];
        }
    }
    row->leads = leads;
    row->known |= YQ_FIELD_BIT(YQ_FIELD_LEADS);
}

static void show_places(const struct world *w, const struct world_member *m, struct yq_view *v,
                        struct yq_wecom_member *row)
{
    uint32_t *ids = yq_arena_alloc(v->arena, sizeof(m->departments));
    uint32_t *orders = yq_arena_alloc(v->arena, sizeof(m->orders));
    for (size_t i = 0; i < m->department_count; i++) {
        if (!sees(w, m->departments[i]))
            continue;
        orders[row->department_count] = m->orders[i];
        ids[row->department_count++] = m->departments[i];
    }
    show_leads(w, m, v, row, ids);
    row->departments = ids;
    row->orders = orders;
    row->known |= YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS);
    if (m->main_department != 0 && sees(w, m->main_department)) {
        row->main_department = m->main_department;
        row->known |= YQ_FIELD_BIT(YQ_FIELD_MAIN_DEPARTMENT);
    }
}

static void show_direct_leaders(const struct world *w, const struct world_member *m,
                                struct yq_view *v, struct yq_wecom_member *row)
{
    const char **leaders = yq_arena_alloc(v->arena, sizeof(m->direct_leaders));
    row->direct_leader_count = visible(w, m->direct_leaders, m->direct_leader_count, leaders);
    row->direct_leaders = leaders;
    row->known |= YQ_FIELD_BIT(YQ_FIELD_DIRECT_LEADERS);
}

static void show_wecom_member(struct world *w, struct yq_view *v, const char *userid)
{
    struct yq_wecom_member *row = yq_view_wecom_member(v, userid);
    const struct world_member *m = world_member(w, userid);
    row->fact = m == NULL || m->hidden ? YQ_ABSENT : m->unreadable ? YQ_UNREADABLE : YQ_PRESENT;
    if (row->fact == YQ_UNREADABLE)
        row->error = yq_view_error(v, &no_answer);
    if (row->fact != YQ_PRESENT || row->known != 0)
        return;
    row->userid = m->userid;
    row->name = m->name;
    row->status = m->status;
    row->known = YQ_FIELD_BIT(YQ_FIELD_STATUS);
    if (m->name != NULL)
        row->known |= YQ_FIELD_BIT(YQ_FIELD_NAME);
    if (!m->no_departments)
        show_places(w, m, v, row);
    if (w->direct_leaders_readable)
        show_direct_leaders(w, m, v, row);
    if (!w->sensitive_readable)
        return;
    row->mobile = m->mobile;
    row->email = m->email;
    row->gender = m->gender;
    row->known |= YQ_FIELD_BIT(YQ_FIELD_MOBILE) | YQ_FIELD_BIT(YQ_FIELD_EMAIL) |
                  YQ_FIELD_BIT(YQ_FIELD_GENDER);
}

/* ---- eteams ---- */

static void show_org_owner(struct world *w, struct yq_view *v, const char *id)
{
    for (size_t i = 0; i < w->department_link_count; i++) {
        if (strcmp(w->department_links[i].eteams, id) == 0)
            show_department_link(w, v, w->department_links[i].id);
    }
}

static void show_org(struct world *w, struct yq_view *v, const char *id)
{
    struct yq_eteams_department *row = yq_view_eteams_department(v, id);
    const struct world_org *o = world_org(w, id);
    show_org_owner(w, v, id);
    row->fact = o == NULL ? YQ_ABSENT : o->unreadable ? YQ_UNREADABLE : YQ_PRESENT;
    if (row->fact == YQ_UNREADABLE)
        row->error = yq_view_error(v, &no_answer);
    if (row->fact != YQ_PRESENT)
        return;
    row->parent = o->parent;
    row->name = o->name;
    row->enabled = o->enabled;
}

static void show_children(struct world *w, struct yq_view *v, const char *parent)
{
    struct yq_eteams_department *row = yq_view_eteams_department(v, parent);
    const struct world_org *o = world_org(w, parent);
    if (o != NULL && o->unreadable) {
        row->children = YQ_UNREADABLE;
        row->error = yq_view_error(v, &no_answer);
        return;
    }
    for (size_t i = 0; i < w->org_count; i++) {
        size_t at = shuffled(w, i, w->org_count);
        if (w->orgs[at].parent != NULL && strcmp(w->orgs[at].parent, parent) == 0)
            show_org(w, v, w->orgs[at].id);
    }
    row->children = YQ_PRESENT;
}

static void show_person_owner(struct world *w, struct yq_view *v, const char *id)
{
    for (size_t i = 0; i < w->member_link_count; i++) {
        if (strcmp(w->member_links[i].eteams, id) == 0)
            show_member_link(w, v, w->member_links[i].userid);
    }
}

static bool names_department(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0)
            return true;
    }
    return false;
}

static void fill_person(struct yq_view *v, struct yq_eteams_member *row,
                        const struct world_person *p)
{
    const char **ids = yq_arena_alloc(v->arena, (p->post_count + 1) * sizeof(*ids));
    ids[row->department_count++] = p->department;
    for (size_t i = 0; i < p->post_count; i++)
        if (!names_department(ids, row->department_count, p->posts[i].department))
            ids[row->department_count++] = p->posts[i].department;
    row->departments = ids;
    row->user_id = p->user_id;
    row->account = p->account;
    row->name = p->name;
    row->mobile = p->mobile;
    row->email = p->email;
    row->job_num = p->job_num;
    row->sex = p->sex;
    row->superiors_known = true;
    row->superior = p->superior;
    const char **others = yq_arena_alloc(v->arena, sizeof(p->others));
    memcpy(others, p->others, sizeof(p->others));
    row->others = others;
    row->other_count = p->other_count;
    row->in_service = p->in_service;
    row->secondary = p->secondary;
    yq_view_index_member(v, row);
}

static void show_person(struct world *w, struct yq_view *v, const char *id)
{
    struct yq_eteams_member *row = yq_view_eteams_member(v, id);
    const struct world_person *p = world_person(w, id);
    show_person_owner(w, v, id);
    if (row->fact == YQ_PRESENT)
        return;
    row->fact = p == NULL ? YQ_ABSENT : p->unreadable ? YQ_UNREADABLE : YQ_PRESENT;
    if (row->fact == YQ_UNREADABLE)
        row->error = yq_view_error(v, &no_answer);
    if (row->fact == YQ_PRESENT)
        fill_person(v, row, p);
}

static const char *key_of(struct yq_arena *arena, const struct world_person *p,
                          enum yq_lookup_field field)
{
    switch (field) {
    case YQ_BY_ACCOUNT:
        return yq_normal_account(arena, p->account);
    case YQ_BY_MOBILE:
        return yq_normal_mobile(arena, p->mobile);
    case YQ_BY_EMAIL:
        return yq_normal_email(arena, p->email);
    case YQ_BY_NAME:
        return yq_normal_name(arena, p->name);
    case YQ_BY_JOB_NUM:
    case YQ_LOOKUP_COUNT:
        break;
    }
    return yq_normal_account(arena, p->job_num);
}

static void show_lookup(struct world *w, struct yq_view *v, const char *key)
{
    enum yq_lookup_field field = (enum yq_lookup_field)(key[0] - '0');
    struct yq_lookup *l = yq_view_lookup(v, field, key + 2);
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_person *p = &w->people[shuffled(w, i, w->person_count)];
        if (l != NULL && p->in_service && !p->unreadable &&
            strcmp(key_of(v->arena, p, field), l->value) == 0)
            show_person(w, v, p->id);
    }
    if (l != NULL)
        l->fact = YQ_PRESENT;
}

static void show_posts(struct world *w, struct yq_view *v, const char *id)
{
    struct yq_eteams_member *row = yq_view_eteams_member(v, id);
    const struct world_person *p = world_person(w, id);
    row->posts_fact = p != NULL && w->posts_readable ? YQ_PRESENT : YQ_ABSENT;
    if (row->posts_fact != YQ_PRESENT)
        return;
    struct yq_eteams_post *posts = yq_arena_alloc(v->arena, (p->post_count + 1) * sizeof(*posts));
    for (size_t i = 0; i < p->post_count; i++)
        posts[i] = (struct yq_eteams_post){p->posts[i].external_id, p->posts[i].department,
                                           p->posts[i].ours};
    row->posts = posts;
    row->post_count = p->post_count;
}

static void show_administrators(struct world *w, struct yq_view *v)
{
    if (!w->administrators_offered || !w->administrators_readable) {
        v->administrators_fact = w->administrators_offered ? YQ_UNREADABLE : YQ_ABSENT;
        v->administrators_error = w->administrators_offered ? yq_view_error(v, &no_answer) : NULL;
        return;
    }
    v->administrators =
        yq_arena_alloc(v->arena, (w->administrator_count + 1) * sizeof(*v->administrators));
    for (size_t i = 0; i < w->administrator_count; i++)
        v->administrators[i] = (struct yq_administrator){
            w->administrators[shuffled(w, i, w->administrator_count)], true};
    v->administrator_count = w->administrator_count;
    v->administrators_fact = YQ_PRESENT;
}

/* ---- one need ---- */

static void answer_one(struct world *w, struct yq_view *v, const struct yq_need *n)
{
    switch (n->kind) {
    case YQ_NEED_ROOT:
        v->eteams_root = world_root(w)->id;
        break;
    case YQ_NEED_WECOM_ASIDE:
        yq_view_swap_aside(v);
        show_wecom_member(w, v, n->id);
        yq_view_swap_aside(v);
        break;
    case YQ_NEED_WECOM_MEMBER:
        ask_member_link(w, v, n->id);
        show_wecom_member(w, v, n->id);
        break;
    case YQ_NEED_WECOM_DEPARTMENT:
        show_wecom_department(w, v, n->number);
        break;
    case YQ_NEED_ETEAMS_MEMBER:
        show_person(w, v, n->id);
        break;
    case YQ_NEED_ETEAMS_DEPARTMENT:
        show_org(w, v, n->id);
        break;
    case YQ_NEED_ETEAMS_CHILDREN:
        show_children(w, v, n->id);
        break;
    case YQ_NEED_LOOKUP:
        show_lookup(w, v, n->id);
        break;
    case YQ_NEED_POSTS:
        show_posts(w, v, n->id);
        break;
    case YQ_NEED_ADMINISTRATORS:
        show_administrators(w, v);
        break;
    case YQ_NEED_MEMBER_LINK:
        ask_member_link(w, v, n->id);
        break;
    }
}

void world_answer(struct world *w, struct yq_view *v, const struct yq_need *needs)
{
    size_t count = HASH_COUNT(needs), i = 0;
    const struct yq_need **all = yq_calloc(count + 1, sizeof(*all));
    for (const struct yq_need *n = needs; n != NULL; n = n->hh.next)
        all[i++] = n;
    for (i = 0; i < count; i++)
        answer_one(w, v, all[shuffled(w, i, count)]);
    free(all);
}

/* ---- the view, and the rounds ---- */

static void show_all_of_eteams(struct world *w, struct yq_view *v)
{
    v->eteams_members_complete = v->eteams_departments_complete = true;
    for (size_t i = 0; i < w->org_count; i++) {
        size_t at = shuffled(w, i, w->org_count);
        show_org(w, v, w->orgs[at].id);
        show_children(w, v, w->orgs[at].id);
    }
    for (size_t i = 0; i < w->person_count; i++) {
        size_t at = shuffled(w, i, w->person_count);
        if (w->people[at].in_service)
            show_person(w, v, w->people[at].id);
    }
}

struct yq_view *world_view(struct world *w, struct yq_error *err)
{
    struct yq_view *v = yq_view_new();
    for (size_t i = 0; i < w->event_count; i++) {
        size_t at = shuffled(w, i, w->event_count);
        const struct world_event *e = &w->events[at];
        struct yq_evidence *evidence =
            yq_view_add_event(v, e->kind, &e->subject, e->at, e->data, err);
        if (evidence == NULL) {
            yq_view_free(v);
            return NULL;
        }
        /* What a reconcile found: {"kind": "command.sync", "data": {"reconciled": true}} */
        evidence->reconciled |= strstr(e->data, "\"reconciled\":true") != NULL;
        evidence->gone_confirmed |= strstr(e->data, "\"gone_confirmed\":true") != NULL;
        evidence->commanded &= !evidence->reconciled;
    }
    for (size_t i = 0; i < w->wait_count; i++) {
        struct yq_evidence *e = yq_view_evidence(v, &w->waits[i].subject);
        if (e == NULL)
            continue;
        e->attempts = w->waits[i].attempts;
        e->waited_ms = w->waits[i].waited_ms;
    }
    if (w->whole_eteams)
        show_all_of_eteams(w, v);
    return v;
}

/* The needs in words, for the complaint that planning does not end. */
static void describe_needs(const struct yq_need *needs, struct yq_buf *out)
{
    for (const struct yq_need *n = needs; n != NULL; n = n->hh.next)
        yq_buf_addf(out, " [%d %s %u]", (int)n->kind, n->id ? n->id : "", n->number);
}

struct world_run world_run(struct world *w, struct yq_buf *complaints)
{
    enum { ROUNDS = 40 };
    struct world_run r = {0};
    struct yq_error err;
    r.view = world_view(w, &err);
    if (r.view == NULL) {
        yq_buf_addf(complaints, "events: %s\n", err.text);
        return r;
    }
    for (r.rounds = 1; r.rounds <= ROUNDS; r.rounds++) {
        r.plan = yq_plan_make(r.view, &w->policy);
        if (r.plan->needs == NULL)
            return r;
        if (r.rounds == ROUNDS) {
            yq_buf_adds(complaints, "the planner never stops asking:");
            describe_needs(r.plan->needs, complaints);
            yq_buf_addc(complaints, '\n');
        } else {
            world_answer(w, r.view, r.plan->needs);
        }
        yq_plan_free(r.plan);
        r.plan = NULL;
    }
    return r;
}

void world_run_release(struct world_run *r)
{
    yq_plan_free(r->plan);
    yq_view_free(r->view);
    *r = (struct world_run){0};
}
