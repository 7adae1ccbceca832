/* Makes up small worlds. WeCom's side keeps WeCom's own rules (no two siblings of one name, keys
 * unique), and eteams' side eteams'. */
#include "random_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define MOST 7

struct maker {
    struct world *w;
    uint64_t random;
};

static const char *const department_names[] = {"研发", "市场", "行政", "平台"};
static const char *const people_names[] = {"李娜", "王伟", "赵六"};
static const char *const mobiles[] = {"13800000001", "13800000002", "13800000003", "13800000004",
                                      "13800000005"};
static const char *const emails[] = {"a@example.com", "b@example.com", "c@example.com"};

static uint32_t below(struct maker *m, uint32_t n)
{
    m->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = m->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ (z >> 31)) % n);
}

static bool percent(struct maker *m, uint32_t p)
{
    return below(m, 100) < p;
}

#define ANY(m, list) (list)[below((m), sizeof(list) / sizeof((list)[0]))]

/* ---- WeCom ---- */

static bool wecom_name_free(const struct world *w, const char *name, uint32_t parent)
{
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i].parent == parent && w->departments[i].name != NULL &&
            strcmp(w->departments[i].name, name) == 0)
            return false;
    }
    return true;
}

static void make_departments(struct maker *m)
{
    struct world_department *root = world_add_department(m->w, 1, "公司", 0);
    root->hidden = percent(m, 20);
    uint32_t ids[MOST], count = below(m, MOST - 1);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = i + 2;
    for (uint32_t i = count; i > 1; i--) { /* parents may have larger ids than their children */
        uint32_t k = below(m, i), swap = ids[i - 1];
        ids[i - 1] = ids[k];
        ids[k] = swap;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = i == 0 || percent(m, 40) ? 1 : ids[below(m, i)];
        const char *name = ANY(m, department_names);
        if (!wecom_name_free(m->w, name, parent))
            continue;
        struct world_department *d = world_add_department(m->w, ids[i], name, parent);
        d->hidden = percent(m, 10);
        if (percent(m, 3))
            d->name = NULL;
        else
            d->unreadable = percent(m, 2);
        if (world_department(m->w, parent) == NULL)
            d->parent = 1;
    }
}

static bool wecom_key_free(const struct world *w, const char *value)
{
    for (size_t i = 0; i < w->member_count; i++) {
        if (strcmp(w->members[i].mobile, value) == 0 || strcmp(w->members[i].email, value) == 0)
            return false;
    }
    return true;
}

static void make_places(struct maker *m, struct world_member *who)
{
    uint32_t wanted = 1 + below(m, 3);
    for (size_t tries = 0; tries < 6 && who->department_count < wanted; tries++) {
        uint32_t id = m->w->departments[below(m, (uint32_t)m->w->department_count)].id;
        bool known = false;
        for (size_t i = 0; i < who->department_count; i++)
            known = known || who->departments[i] == id;
        if (!known)
            who->departments[who->department_count++] = id;
    }
    who->main_department = who->departments[below(m, (uint32_t)who->department_count)];
}

static void make_member(struct maker *m, const char *userid)
{
    struct world_member *who = world_add_member(m->w, userid, ANY(m, people_names));
    const char *mobile = ANY(m, mobiles), *email = ANY(m, emails);
    if (percent(m, 60) && wecom_key_free(m->w, mobile))
        who->mobile = mobile;
    if (percent(m, 30) && wecom_key_free(m->w, email))
        who->email = email;
    who->gender = percent(m, 50) ? "1" : percent(m, 50) ? "2" : "0";
    who->status = percent(m, 80) ? 1 : percent(m, 40) ? 2 : percent(m, 50) ? 4 : 5;
    who->hidden = percent(m, 8);
    who->unreadable = percent(m, 3);
    make_places(m, who);
}

/* ---- eteams ---- */

static bool org_name_free(const struct world *w, const char *name, const char *parent)
{
    for (size_t i = 0; i < w->org_count; i++) {
        const struct world_org *o = &w->orgs[i];
        if (o->enabled && o->parent != NULL && strcmp(o->parent, parent) == 0 &&
            strcmp(o->name, name) == 0)
            return false;
    }
    return true;
}

static const char *any_org(struct maker *m)
{
    for (;;) {
        const struct world_org *o = &m->w->orgs[below(m, (uint32_t)m->w->org_count)];
        if (o->enabled)
            return o->id;
    }
}

/* A counterpart of a W department: under the same name and parent where that is possible, or not.
 */
static void make_org(struct maker *m, const struct world_department *d)
{
    const char *id = yq_arena_printf(m->w->arena, "%zu", 901 + m->w->org_count);
    const struct yq_link_department *above = d ? world_department_link(m->w, d->parent) : NULL;
    const char *parent = above != NULL && percent(m, 60) ? above->eteams : any_org(m);
    const char *name =
        d != NULL && d->name != NULL && percent(m, 70) ? d->name : ANY(m, department_names);
    if (d != NULL && percent(m, 60) && above == NULL)
        parent = "900";
    if (!org_name_free(m->w, name, parent))
        return;
    struct world_org *o = world_add_org(m->w, id, name, parent);
    if (d != NULL && percent(m, 70))
        world_link_department(m->w, d->id, id, "name");
    else
        o->enabled = percent(m, 80);
}

/* An administrator of eteams moved one below another that is not below it. */
static bool stands_below(const struct world *w, const struct world_org *o, const char *id)
{
    for (; o != NULL && o->parent != NULL; o = world_org(w, o->parent)) {
        if (strcmp(o->id, id) == 0)
            return true;
    }
    return false;
}

static void move_an_org(struct maker *m)
{
    if (m->w->org_count < 3)
        return;
    struct world_org *o = &m->w->orgs[1 + below(m, (uint32_t)m->w->org_count - 1)];
    const struct world_org *to = world_org(m->w, any_org(m));
    if (!stands_below(m->w, to, o->id) && org_name_free(m->w, o->name, to->id))
        o->parent = to->id;
}

static void make_orgs(struct maker *m)
{
    world_add_org(m->w, "900", "公司", NULL);
    for (size_t i = 1; i < m->w->department_count; i++) {
        if (percent(m, 60))
            make_org(m, &m->w->departments[i]);
        if (percent(m, 20))
            make_org(m, NULL);
    }
    while (percent(m, 30))
        move_an_org(m);
    if (percent(m, 10)) /* deleted in WeCom, still linked */
        make_org(m, &(struct world_department){.id = 20, .parent = 1, .name = "旧部门"});
    if (percent(m, 5)) /* a link that leads nowhere */
        world_link_department(m->w, 21, "999", "name");
}

static bool person_key_free(const struct world *w, const char *value)
{
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_person *p = &w->people[i];
        if (p->in_service && (strcmp(p->mobile, value) == 0 || strcmp(p->email, value) == 0 ||
                              strcmp(p->account, value) == 0 || strcmp(p->job_num, value) == 0))
            return false;
    }
    return true;
}

static void make_posts(struct maker *m, struct world_person *p)
{
    while (percent(m, 30) && p->post_count < 3) {
        const char *at = any_org(m);
        bool known = strcmp(at, p->department) == 0, ours = percent(m, 70);
        for (size_t i = 0; i < p->post_count; i++)
            known = known || strcmp(p->posts[i].department, at) == 0;
        if (!known)
            p->posts[p->post_count++] = (struct world_post){
                at, yq_arena_printf(m->w->arena, ours ? "yq-c-%s-%s" : "hr-%s-%s", p->id, at),
                ours};
    }
}

static const char *free_key(struct maker *m, const char *value, uint32_t chance)
{
    return value != NULL && percent(m, chance) && person_key_free(m->w, value) ? value : "";
}

/* A person; like a WeCom member where one is given. */
static struct world_person *make_person(struct maker *m, const struct world_member *who,
                                        const char *userid)
{
    const char *id = yq_arena_printf(m->w->arena, "%zu", 800 + m->w->person_count);
    const char *name = who != NULL && percent(m, 80) ? who->name : ANY(m, people_names);
    struct world_person *p = world_add_person(m->w, id, name, any_org(m));
    bool like = who != NULL && percent(m, 50);
    p->in_service = false; /* not in the way of its own keys */
    p->mobile = free_key(m, like && *who->mobile ? who->mobile : ANY(m, mobiles), 60);
    p->email = free_key(m, like && *who->email ? who->email : ANY(m, emails), 30);
    p->account = free_key(m, userid, 40);
    p->job_num = free_key(m, userid, 20);
    p->sex = percent(m, 50) ? "male" : percent(m, 50) ? "female" : "";
    p->in_service = true;
    if (*p->account == '\0' && percent(m, 80))
        p->account = *p->mobile ? p->mobile : p->email;
    if (*p->account != '\0')
        p->user_id = yq_arena_printf(m->w->arena, "u%s", id);
    make_posts(m, p);
    return p;
}

/* The link of a person knows the posts that we made. */
static struct yq_link_member *link_person(struct maker *m, const char *userid,
                                          const struct world_person *p)
{
    struct yq_link_member *l = world_link_member(m->w, userid, p->id, "account");
    const char **posts = yq_arena_alloc(m->w->arena, (p->post_count + 1) * sizeof(*posts));
    for (size_t i = 0; i < p->post_count; i++) {
        if (p->posts[i].ours)
            posts[l->post_count++] = p->posts[i].department;
    }
    l->posts = posts;
    l->wrote_job_num = *p->job_num != '\0';
    return l;
}

static void leave(struct world_person *p, struct yq_link_member *l, bool by_us)
{
    p->in_service = false;
    p->department = "900";
    p->account = p->user_id = "";
    p->post_count = 0;
    l->post_count = 0;
    l->left = by_us;
}

static void make_people(struct maker *m)
{
    world_add_person(m->w, "799", "管理员", "900");
    for (uint32_t i = 0; i < MOST; i++) {
        const char *userid = yq_arena_printf(m->w->arena, "u%u", i);
        const struct world_member *who = NULL;
        if (percent(m, 75)) {
            make_member(m, userid);
            who = world_member(m->w, userid);
        }
        if (percent(m, 35))
            continue;
        struct world_person *p = make_person(m, who, userid);
        if (percent(m, 70)) {
            struct yq_link_member *l = link_person(m, userid, p);
            if (percent(m, 8))
                leave(p, l, percent(m, 70));
        } else {
            if (percent(m, 10)) { /* a second identity: no login, no keys of its own */
                p->secondary = true;
                p->account = p->user_id = p->mobile = p->email = p->job_num = "";
            }
        }
        if (percent(m, 10))
            (void)make_person(m, who, userid);
    }
    if (percent(m, 5))
        world_link_member(m->w, "u0x", "998", "account"); /* leads nowhere */
}

static void make_administrators(struct maker *m)
{
    m->w->administrators = yq_calloc(m->w->person_count + 1, sizeof(*m->w->administrators));
    m->w->administrator_capacity = m->w->person_count + 1;
    bool own = percent(m, 70);
    for (size_t i = own ? 0 : 1; i < m->w->person_count; i++) {
        if (i == 0 || percent(m, 25))
            m->w->administrators[m->w->administrator_count++] = m->w->people[i].id;
    }
    m->w->administrators_readable = percent(m, 95);
}

/* ---- what was heard ---- */

static void hear_of_department(struct maker *m, uint32_t id, int64_t at)
{
    enum yq_event_kind kind = world_department(m->w, id) == NULL ? YQ_EVENT_DEPARTMENT_DELETED
                              : percent(m, 30)                   ? YQ_EVENT_DEPARTMENT_CREATED
                                                                 : YQ_EVENT_DEPARTMENT_UPDATED;
    world_add_event(m->w, kind, yq_subject_department(id), at, "{}");
}

static void hear_of_member(struct maker *m, const char *userid, int64_t at)
{
    const struct world_member *who = world_member(m->w, userid);
    bool there = who != NULL;
    enum yq_event_kind kind = !there && percent(m, 90)  ? YQ_EVENT_MEMBER_DELETED
                              : there && percent(m, 40) ? YQ_EVENT_MEMBER_CREATED
                                                        : YQ_EVENT_MEMBER_UPDATED;
    world_add_event(m->w, kind, yq_subject_member(userid), at, "{}");
    if (there && !who->hidden && percent(m, 5)) /* an old one that is delivered again */
        world_add_event(m->w, YQ_EVENT_MEMBER_DELETED, yq_subject_member(userid), at - 100, "{}");
}

static void shuffle_events(struct maker *m)
{
    for (size_t i = m->w->event_count; i > 1; i--) {
        size_t k = below(m, (uint32_t)i);
        struct world_event swap = m->w->events[i - 1];
        m->w->events[i - 1] = m->w->events[k];
        m->w->events[k] = swap;
    }
}

static void make_events(struct maker *m)
{
    struct world *w = m->w;
    uint32_t chance = percent(m, 50) ? 100 : 40;
    int64_t at = 1000;
    for (uint32_t id = 2; id < 22; id++) {
        bool known = world_department(w, id) != NULL || world_department_link(w, id) != NULL;
        if (known && percent(m, chance))
            hear_of_department(m, id, at++);
    }
    for (uint32_t i = 0; i < MOST; i++) {
        const char *userid = yq_arena_printf(w->arena, "u%u", i);
        bool known = world_member(w, userid) != NULL || world_member_link(w, userid) != NULL;
        if (known && percent(m, chance))
            hear_of_member(m, userid, at++);
    }
    shuffle_events(m);
    for (size_t i = 0; i < w->event_count; i++) { /* long enough: nothing is put off any more */
        yq_grow(&w->waits, &w->wait_capacity, w->wait_count, sizeof(*w->waits));
        w->waits[w->wait_count++] = (struct world_wait){w->events[i].subject, 9, 3600000};
    }
}

/* ---- superiors ---- */

static void make_direct_leaders(struct maker *m, struct world_member *who)
{
    for (uint32_t n = percent(m, 45) ? 1 + below(m, 3) : 0; n > 0; n--) {
        const struct world_member *l = &m->w->members[below(m, (uint32_t)m->w->member_count)];
        if (l != who || percent(m, 10))
            who->direct_leaders[who->direct_leader_count++] = l->userid;
    }
    for (size_t i = 0; i < who->department_count; i++)
        who->orders[i] = below(m, 3);
}

static void make_department_leaders(struct maker *m, struct world_department *d)
{
    for (size_t i = 0; i < m->w->member_count; i++) {
        const struct world_member *who = &m->w->members[i];
        for (size_t k = 0; k < who->department_count; k++) {
            if (who->departments[k] == d->id && percent(m, 35) && d->leader_count < WORLD_LEADERS)
                d->leaders[d->leader_count++] = who->userid;
        }
    }
}

/* eteams has no rings: whoever stands above was there before. */
static void make_superior(struct maker *m, size_t index)
{
    struct world_person *p = &m->w->people[index];
    const struct world_person *above = &m->w->people[below(m, (uint32_t)index)];
    if (!p->in_service || p->secondary)
        return;
    if (percent(m, 50) && above->in_service)
        p->superior = above->id;
    above = &m->w->people[below(m, (uint32_t)m->w->person_count)];
    if (percent(m, 20) && above->in_service && above != p && strcmp(above->id, p->superior) != 0)
        p->others[p->other_count++] = above->id;
}

/* By chance of its own, so that the rest of a world is the same without. */
static void make_superiors(struct maker *m)
{
    m->w->policy.superiors = percent(m, 60);
    m->w->policy.superior_source =
        percent(m, 70) ? YQ_SUPERIOR_DIRECT_LEADER : YQ_SUPERIOR_DEPARTMENT;
    m->w->direct_leaders_readable = percent(m, 85);
    m->w->leaders_readable = percent(m, 90);
    for (size_t i = 0; i < m->w->member_count; i++)
        make_direct_leaders(m, &m->w->members[i]);
    for (size_t i = 0; i < m->w->department_count; i++)
        make_department_leaders(m, &m->w->departments[i]);
    for (size_t i = 1; i < m->w->person_count; i++)
        make_superior(m, i);
}

/* A branch that was deleted in WeCom and is still linked; by chance of its own. */
static void make_gone_branch(struct maker *m)
{
    uint32_t parent = 1, count = percent(m, 15) ? 1 + below(m, 3) : 0;
    if (count > 0)
        m->w->policy.disable_departments = percent(m, 60);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = percent(m, 50) ? 10 + i : 19 - i; /* parents may have larger ids */
        make_org(m, &(struct world_department){.id = id, .parent = parent, .name = "旧部门"});
        if (world_department_link(m->w, id) != NULL)
            parent = id;
        world_add_event(m->w, YQ_EVENT_DEPARTMENT_DELETED, yq_subject_department(id), 900 + i,
                        "{}");
        yq_grow(&m->w->waits, &m->w->wait_capacity, m->w->wait_count, sizeof(*m->w->waits));
        m->w->waits[m->w->wait_count++] =
            (struct world_wait){yq_subject_department(id), 9, 3600000};
    }
}

static void hear_of_root(struct maker *m)
{
    m->w->policy.rename_root = percent(m, 30);
    if (percent(m, 30))
        m->w->departments[0].name = percent(m, 20) ? NULL : "新公司";
    if (percent(m, 50))
        hear_of_department(m, 1, 990);
}

static bool is_empty(const struct world *w, const char *id)
{
    for (size_t i = 0; i < w->org_count; i++) {
        if (w->orgs[i].enabled && w->orgs[i].parent && strcmp(w->orgs[i].parent, id) == 0)
            return false;
    }
    for (size_t i = 0; i < w->person_count; i++) {
        const struct world_person *p = &w->people[i];
        bool in = p->in_service && strcmp(p->department, id) == 0;
        for (size_t k = 0; k < p->post_count; k++)
            in |= p->in_service && strcmp(p->posts[k].department, id) == 0;
        if (in)
            return false;
    }
    return true;
}

/* Somebody in eteams disabled what is linked, from below. */
static void disable_some(struct maker *m)
{
    if (!percent(m, 20))
        return;
    for (size_t i = m->w->org_count - 1; i > 0; i--) {
        if (percent(m, 60) && is_empty(m->w, m->w->orgs[i].id))
            m->w->orgs[i].enabled = false;
    }
}

struct world *random_world(uint64_t seed)
{
    struct maker m = {.w = world_new(), .random = seed * 0x2545f4914f6cdd1du};
    m.w->sensitive_readable = percent(&m, 85);
    m.w->posts_readable = percent(&m, 90);
    m.w->policy.part_time = percent(&m, 70)   ? YQ_PART_TIME_INCREMENTAL
                            : percent(&m, 50) ? YQ_PART_TIME_FULL
                                              : YQ_PART_TIME_NONE;
    m.w->policy.disabled_members = percent(&m, 70) ? YQ_DISABLED_KEEP : YQ_DISABLED_RESIGN;
    m.w->policy.disable_departments = percent(&m, 20);
    make_departments(&m);
    make_orgs(&m);
    make_people(&m);
    make_administrators(&m);
    make_events(&m);
    m.random = seed * 0xd6e8feb86659fd93u + 1;
    make_superiors(&m);
    m.random = seed * 0x9fb21c651e98df25u + 1;
    make_gone_branch(&m);
    hear_of_root(&m);
    disable_some(&m);
    return m.w;
}

void random_world_print(const struct world *w, struct yq_buf *out)
{
    static void (*const parts[])(const struct world *, struct yq_buf *) = {
        world_wecom_state,  world_eteams_state, world_department_links,
        world_member_links, world_touched,
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t from = out->len;
        parts[i](w, out);
        for (size_t k = from; k + 2 < out->len; k++) { /* one row a line */
            if (out->data[k] == '}' && out->data[k + 1] == ',')
                out->data[k + 1] = '\n';
        }
        yq_buf_addc(out, '\n');
    }
    yq_buf_addf(out, "superiors %d source %d direct %d leaders %d\n", w->policy.superiors,
                w->policy.superior_source, w->direct_leaders_readable, w->leaders_readable);
    yq_buf_addf(out, "sensitive %d posts %d part_time %d disabled %d administrators %d\n",
                w->sensitive_readable, w->posts_readable, w->policy.part_time,
                w->policy.disabled_members, w->administrators_readable);
    for (size_t i = 0; i < w->member_count; i++) {
        if (w->members[i].unreadable)
            yq_buf_addf(out, "unreadable member %s\n", w->members[i].userid);
    }
    for (size_t i = 0; i < w->department_count; i++) {
        if (w->departments[i].unreadable)
            yq_buf_addf(out, "unreadable department %u\n", w->departments[i].id);
    }
}
