/* Answers the planner's needs.
 *
 * A round takes all open needs at once, so that each peer is asked side by side and in bulk; the
 * planner then either is content or asks for what follows from the answers. Above BULK_SUBJECTS
 * people eteams is read by full pages (decisions.md 3); several members of one department by one
 * list. */
#include "gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_people.h"
#include "clients/store.h"
#include "gather_ids.h"

#define ROUNDS 64        /* a chain of 15 levels takes about 15 */
#define BULK_SUBJECTS 50 /* decisions.md 3 */
#define BULK_DEPARTMENTS 20
#define LIST_FROM 2 /* so many members of one department make one list cheaper */

struct round {
    const struct yq_sync *s;
    struct yq_view *v;
    const char **texts; /* scratch: ids of one kind */
    uint32_t *numbers;
    size_t count;
};

static const char *id_of(const struct round *g)
{
    return g->s->connection->settings->id;
}

static size_t collect(struct round *g, const struct yq_plan *p, enum yq_need_kind kind)
{
    g->count = 0;
    for (const struct yq_need *n = p->needs; n != NULL; n = n->hh.next) {
        if (n->kind != kind)
            continue;
        g->texts[g->count] = n->id;
        g->numbers[g->count++] = n->number;
    }
    return g->count;
}

/* ---- whose is it? ---- */

static int own_members(struct round *g, struct yq_error *err)
{
    size_t count = 0;
    const char **ids = yq_calloc(HASH_COUNT(g->v->eteams_members) + 1, sizeof(*ids));
    for (struct yq_eteams_member *m = g->v->eteams_members; m != NULL; m = m->hh.next) {
        if (!m->owner_asked && !g->v->eteams_members_complete)
            ids[count++] = m->id;
        m->owner_asked |= !g->v->eteams_members_complete;
    }
    int result = count ? yq_store_load_member_owners(g->s->redis, g->s->keys, id_of(g), ids, count,
                                                     g->v, err)
                       : 0;
    free(ids);
    return result;
}

static int own_departments(struct round *g, struct yq_error *err)
{
    size_t count = 0;
    const char **ids = yq_calloc(HASH_COUNT(g->v->eteams_departments) + 1, sizeof(*ids));
    for (struct yq_eteams_department *d = g->v->eteams_departments; d != NULL; d = d->hh.next) {
        if (!d->owner_asked)
            ids[count++] = d->id;
        d->owner_asked = true;
    }
    int result = count ? yq_store_load_department_owners(g->s->redis, g->s->keys, id_of(g), ids,
                                                         count, g->v, err)
                       : 0;
    free(ids);
    return result;
}

static size_t add_hits(struct yq_view *v, enum yq_lookup_field field, const char *value,
                       const char ***ids, size_t *capacity, size_t count)
{
    const struct yq_lookup *l = yq_view_find_lookup(v, field, value);
    for (size_t i = 0; l != NULL && i < l->hit_count; i++) {
        if (l->hits[i]->owner_asked)
            continue;
        l->hits[i]->owner_asked = true;
        yq_grow(ids, capacity, count, sizeof(**ids));
        (*ids)[count++] = l->hits[i]->id;
    }
    return count;
}

/* With all people of eteams in the view, only those are looked up in the links who could be one of
 * the members in question. */
static int own_candidates(struct round *g, struct yq_error *err)
{
    const char **ids = NULL;
    size_t capacity = 0, count = 0;
    for (struct yq_wecom_member *m = g->v->wecom_members; m != NULL; m = m->hh.next) {
        struct yq_subject subject = yq_subject_member(m->userid);
        const struct yq_evidence *e = yq_view_evidence(g->v, &subject);
        const struct yq_wecom_member *said = e ? e->reported_member : NULL;
        const char *mobile = m->mobile ? m->mobile : said ? said->mobile : NULL;
        const char *email = m->email ? m->email : said ? said->email : NULL;
        const char *name = m->name ? m->name : said ? said->name : NULL;
        count = add_hits(g->v, YQ_BY_ACCOUNT, m->userid, &ids, &capacity, count);
        count = add_hits(g->v, YQ_BY_JOB_NUM, m->userid, &ids, &capacity, count);
        count = add_hits(g->v, YQ_BY_MOBILE, mobile, &ids, &capacity, count);
        count = add_hits(g->v, YQ_BY_EMAIL, email, &ids, &capacity, count);
        count = add_hits(g->v, YQ_BY_NAME, name, &ids, &capacity, count);
    }
    int result = count ? yq_store_load_member_owners(g->s->redis, g->s->keys, id_of(g), ids, count,
                                                     g->v, err)
                       : 0;
    free(ids);
    return result;
}

/* ---- WeCom ---- */

struct tally {
    uint32_t department;
    size_t members;
    UT_hash_handle hh;
};

static uint32_t reported_department(const struct round *g, const char *userid)
{
    struct yq_subject subject = yq_subject_member(userid);
    const struct yq_evidence *e = yq_view_evidence(g->v, &subject);
    if (e == NULL || e->reported_member == NULL || e->reported_member->department_count == 0)
        return 0;
    return e->reported_member->departments[0];
}

/* Departments of which an event named enough members to read them by one list. */
static int list_shared_departments(struct round *g, struct yq_error *err)
{
    struct tally *tallies = NULL, *t, *next;
    uint32_t *ids = yq_calloc(g->count + 1, sizeof(*ids));
    size_t count = 0;
    for (size_t i = 0; i < g->count; i++) {
        uint32_t department = reported_department(g, g->texts[i]);
        if (department == 0)
            continue;
        HASH_FIND(hh, tallies, &department, sizeof(department), t);
        if (t == NULL) {
            t = yq_calloc(1, sizeof(*t));
            t->department = department;
            HASH_ADD(hh, tallies, department, sizeof(department), t);
        }
        if (++t->members == LIST_FROM)
            ids[count++] = department;
    }
    int result = count ? yq_wecom_list_members(g->s->connection->wecom, g->s->http, g->v, ids,
                                               count, g->s->watch, err)
                       : 0;
    HASH_ITER (hh, tallies, t, next) {
        HASH_DEL(tallies, t);
        free(t);
    }
    free(ids);
    return result;
}

static int read_member_links(struct round *g, struct yq_error *err)
{
    if (yq_store_load_member_links(g->s->redis, g->s->keys, id_of(g), g->texts, g->count, g->v,
                                   err) < 0)
        return -1;
    for (size_t i = 0; i < g->count; i++)
        yq_view_wecom_member(g->v, g->texts[i])->link_asked = true;
    return 0;
}

static int read_wecom_members(struct round *g, struct yq_error *err)
{
    if (read_member_links(g, err) < 0)
        return -1;
    if (g->count >= LIST_FROM && list_shared_departments(g, err) < 0)
        return -1;
    size_t left = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (yq_view_wecom_member(g->v, g->texts[i])->fact == YQ_UNASKED)
            g->texts[left++] = g->texts[i];
    }
    if (left == 0)
        return 0;
    if (yq_wecom_read_members(g->s->connection->wecom, g->s->http, g->v, g->texts, left,
                              g->s->watch, err) < 0)
        return -1;
    return yq_gather_confirm(g->s, g->v, g->texts, left, err);
}

static int read_wecom_aside(struct round *g, struct yq_error *err)
{
    yq_view_swap_aside(g->v);
    int rc = yq_wecom_read_members(g->s->connection->wecom, g->s->http, g->v, g->texts, g->count,
                                   g->s->watch, err);
    yq_view_swap_aside(g->v);
    return rc;
}

static int read_wecom_departments(struct round *g, struct yq_error *err)
{
    struct yq_wecom *w = g->s->connection->wecom;
    if (yq_store_load_department_links(g->s->redis, g->s->keys, id_of(g), g->numbers, g->count,
                                       g->v, err) < 0)
        return -1;
    if (g->count > BULK_DEPARTMENTS &&
        yq_wecom_list_departments(w, g->s->http, g->v, g->s->watch, err) < 0)
        return -1;
    size_t left = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (yq_view_wecom_department(g->v, g->numbers[i])->fact == YQ_UNASKED)
            g->numbers[left++] = g->numbers[i];
    }
    return left ? yq_wecom_read_departments(w, g->s->http, g->v, g->numbers, left, g->s->watch, err)
                : 0;
}

/* Members that a view holds name departments; their links are needed before the planner can resolve
 * them. */
static int load_links_of_departments(struct round *g, struct yq_error *err)
{
    size_t count = 0, capacity = 0;
    uint32_t *ids = NULL;
    for (const struct yq_wecom_member *m = g->v->wecom_members; m != NULL; m = m->hh.next) {
        for (size_t i = 0; i < m->department_count; i++) {
            struct yq_wecom_department *d = yq_view_wecom_department(g->v, m->departments[i]);
            if (d->link_asked)
                continue;
            d->link_asked = true;
            yq_grow(&ids, &capacity, count, sizeof(*ids));
            ids[count++] = d->id;
        }
    }
    for (struct yq_wecom_department *d = g->v->wecom_departments; d != NULL; d = d->hh.next) {
        if (d->parent == 0)
            continue;
        struct yq_wecom_department *parent = yq_view_wecom_department(g->v, d->parent);
        if (parent->link_asked)
            continue;
        parent->link_asked = true;
        yq_grow(&ids, &capacity, count, sizeof(*ids));
        ids[count++] = parent->id;
    }
    int result = count ? yq_store_load_department_links(g->s->redis, g->s->keys, id_of(g), ids,
                                                        count, g->v, err)
                       : 0;
    free(ids);
    return result;
}

/* ---- eteams ---- */

static size_t member_subjects(const struct yq_view *v)
{
    size_t count = 0;
    for (const struct yq_evidence *e = v->evidence; e != NULL; e = e->hh.next)
        count += e->subject.kind == YQ_SUBJECT_MEMBER;
    return count;
}

static int find_root(struct round *g, struct yq_error *err)
{
    const char *root = g->s->connection->settings->eteams.root_org_id;
    if ((root == NULL || root[0] == '\0') &&
        yq_eteams_find_root(g->s->connection->eteams, g->s->http, g->s->watch, &root, err) < 0)
        return -1;
    g->v->eteams_root = yq_arena_strdup(g->v->arena, root);
    return 0;
}

static int read_eteams_members(struct round *g, struct yq_error *err)
{
    return yq_eteams_read_members(g->s->connection->eteams, g->s->http, g->v, g->texts, g->count,
                                  g->s->watch, err);
}

static int read_children(struct round *g, struct yq_error *err)
{
    struct yq_eteams *e = g->s->connection->eteams;
    if (g->count > BULK_DEPARTMENTS)
        return yq_eteams_list_departments(e, g->s->http, g->v, g->s->watch, err);
    return yq_eteams_read_children(e, g->s->http, g->v, g->texts, g->count, g->s->watch, err);
}

static int read_departments(struct round *g, struct yq_error *err)
{
    return yq_eteams_read_departments(g->s->connection->eteams, g->s->http, g->v, g->texts,
                                      g->count, g->s->watch, err);
}

static int read_posts(struct round *g, struct yq_error *err)
{
    return yq_eteams_read_posts(g->s->connection->eteams, g->s->http, g->v, g->texts, g->count,
                                g->s->watch, err);
}

static int look_up(struct round *g, struct yq_error *err)
{
    struct yq_eteams *e = g->s->connection->eteams;
    if (g->s->people == NULL && member_subjects(g->v) > BULK_SUBJECTS &&
        !g->v->eteams_members_complete)
        return yq_eteams_list_members(e, g->s->http, g->v, g->s->watch, err);
    struct yq_lookup **lookups = yq_calloc(g->count + 1, sizeof(struct yq_lookup *));
    for (size_t i = 0; i < g->count; i++) /* a need's id is "FIELD:value" */
        lookups[i] =
            yq_view_lookup(g->v, (enum yq_lookup_field)(g->texts[i][0] - '0'), g->texts[i] + 2);
    int result = g->s->people != NULL
                     ? yq_eteams_look_up_among(e, g->s->http, g->v, g->s->people, lookups, g->count,
                                               g->s->watch, err)
                     : yq_eteams_look_up(e, g->s->http, g->v, lookups, g->count, g->s->watch, err);
    free(lookups);
    return result;
}

static int read_administrators(struct round *g, struct yq_error *err)
{
    return yq_eteams_read_administrators(g->s->connection->eteams, g->s->http, g->v, g->s->watch,
                                         err);
}

static const struct {
    enum yq_need_kind kind;
    int (*answer)(struct round *g, struct yq_error *err);
} answers[] = {
    {YQ_NEED_ROOT, find_root},
    {YQ_NEED_WECOM_MEMBER, read_wecom_members},
    {YQ_NEED_WECOM_ASIDE, read_wecom_aside},
    {YQ_NEED_MEMBER_LINK, read_member_links},
    {YQ_NEED_WECOM_DEPARTMENT, read_wecom_departments},
    {YQ_NEED_LOOKUP, look_up},
    {YQ_NEED_ETEAMS_MEMBER, read_eteams_members},
    {YQ_NEED_ETEAMS_DEPARTMENT, read_departments},
    {YQ_NEED_ETEAMS_CHILDREN, read_children},
    {YQ_NEED_POSTS, read_posts},
    {YQ_NEED_ADMINISTRATORS, read_administrators},
};

static int answer_needs(struct round *g, const struct yq_plan *p, struct yq_error *err)
{
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (collect(g, p, answers[i].kind) > 0 && answers[i].answer(g, err) < 0)
            return -1;
    }
    if (load_links_of_departments(g, err) < 0)
        return -1;
    if (own_departments(g, err) < 0 || own_members(g, err) < 0)
        return -1;
    return g->v->eteams_members_complete ? own_candidates(g, err) : 0;
}

/* A list may bring the new userid of somebody without anybody asking for it, and so for its link.
 */
static int load_links_of_renamed(const struct yq_sync *s, struct yq_view *v, struct yq_error *err)
{
    size_t count = 0;
    const char **userids = yq_calloc(HASH_COUNT(v->evidence) + 1, sizeof(*userids));
    for (const struct yq_evidence *e = v->evidence; e != NULL; e = e->hh.next) {
        if (e->new_userid != NULL)
            userids[count++] = e->new_userid;
    }
    int result = count ? yq_store_load_member_links(s->redis, s->keys, s->connection->settings->id,
                                                    userids, count, v, err)
                       : 0;
    free(userids);
    return result;
}

int yq_gather(const struct yq_sync *s, const struct yq_policy *policy, struct yq_view *v,
              struct yq_plan **ret_plan, struct yq_error *err)
{
    struct yq_plan *p = NULL;
    if (load_links_of_renamed(s, v, err) < 0)
        return -1;
    for (int round = 0; round < ROUNDS; round++) {
        yq_plan_free(p);
        p = yq_plan_make(v, policy);
        size_t needs = HASH_COUNT(p->needs);
        if (needs == 0) {
            *ret_plan = p;
            return 0;
        }
        struct round g = {.s = s, .v = v};
        g.texts = yq_calloc(needs, sizeof(*g.texts));
        g.numbers = yq_calloc(needs, sizeof(*g.numbers));
        int result = answer_needs(&g, p, err);
        free(g.texts);
        free(g.numbers);
        if (result < 0) {
            yq_plan_free(p);
            return -1;
        }
    }
    yq_plan_free(p);
    return yq_error_set(err, YQ_ERROR_RETRY, "the planner's needs have no end");
}
