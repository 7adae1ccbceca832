/* Whom WeCom names as somebody's superiors (S2; decisions.md 12), and who of them is in service in
 * eteams. */
#include <stdlib.h>
#include <string.h>

#include "leaders.h"

#define LEVELS 64 /* of departments; WeCom has 15 */

static const char *key_of(struct planner *p, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    return yq_arena_strdup(p->arena, key);
}

static bool has_key(const char *const *keys, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* Takes over those of the list who are somebody else, each once. */
static void take(struct planner *p, const char *const *list, size_t count, struct named *n)
{
    const char **keys = yq_arena_alloc(p->arena, (count + 1) * sizeof(*keys));
    n->userids = yq_arena_alloc(p->arena, (count + 1) * sizeof(*n->userids));
    n->count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = key_of(p, list[i]);
        if (strcmp(key, n->key) == 0 || has_key(keys, n->count, key))
            continue;
        keys[n->count] = key;
        n->userids[n->count++] = list[i];
    }
}

/* ---- the leaders of a department ---- */

struct seat {
    const char *userid, *key;
    uint32_t order;
};

/* WeCom's order in that department, larger in front; then by userid, so that the choice is the same
 * at every run. */
static int compare_seats(const void *left, const void *right)
{
    const struct seat *a = left, *b = right;
    if (a->order != b->order)
        return a->order > b->order ? -1 : 1;
    return strcmp(a->key, b->key);
}

static uint32_t order_in(const struct yq_wecom_member *w, uint32_t department)
{
    for (size_t i = 0; w->orders != NULL && i < w->department_count; i++) {
        if (w->departments[i] == department)
            return w->orders[i];
    }
    return 0;
}

/* Of several the one in front must be known; those who cannot be read come last. */
static enum progress take_leaders(struct planner *p, const struct yq_wecom_department *d,
                                  struct named *n)
{
    enum progress step = READY;
    struct seat *seats = yq_arena_alloc(p->arena, (d->leader_count + 1) * sizeof(*seats));
    const char **sorted = yq_arena_alloc(p->arena, (d->leader_count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < d->leader_count; i++) {
        seats[i] = (struct seat){.userid = d->leaders[i], .key = key_of(p, d->leaders[i])};
        const struct yq_wecom_member *w = yq_view_find_wecom_aside(p->view, d->leaders[i]);
        if (d->leader_count > 1 && (w == NULL || w->fact == YQ_UNASKED)) {
            need(p, YQ_NEED_WECOM_ASIDE, seats[i].key, 0);
            step = OPEN;
        } else if (w != NULL && w->fact == YQ_PRESENT) {
            seats[i].order = order_in(w, d->id);
        }
    }
    if (d->leader_count > 1)
        qsort(seats, d->leader_count, sizeof(*seats), compare_seats);
    for (size_t i = 0; i < d->leader_count; i++)
        sorted[i] = seats[i].userid;
    take(p, sorted, d->leader_count, n);
    n->department = d->id;
    return step;
}

static bool leads(struct planner *p, const struct yq_wecom_department *d, const char *key)
{
    for (size_t i = 0; i < d->leader_count; i++) {
        if (strcmp(key_of(p, d->leaders[i]), key) == 0)
            return true;
    }
    return false;
}

/* Upwards to the first department that somebody else leads. HIDES: cannot be told. What is above
 * the visible range names nobody (wecom.md §7.5). */
static enum progress walk(struct planner *p, uint32_t id, struct named *n)
{
    for (int level = 0; id != 0 && level < LEVELS; level++) {
        const struct yq_wecom_department *d = yq_view_find_wecom_department(p->view, id);
        if (d == NULL || d->fact == YQ_UNASKED) {
            need(p, YQ_NEED_WECOM_DEPARTMENT, NULL, id);
            return OPEN;
        }
        if (d->fact == YQ_UNREADABLE) {
            n->error = d->error ? d->error->text : "WeCom";
            return WAITS;
        }
        if (d->fact != YQ_PRESENT)
            return level == 0 ? HIDES : READY;
        if (d->leaders == NULL)
            return HIDES;
        if (d->leader_count > 0 && !leads(p, d, n->key))
            return take_leaders(p, d, n);
        id = d->parent;
    }
    return READY;
}

enum progress name_leaders(struct planner *p, struct named *n)
{
    bool direct = p->policy->superior_source == YQ_SUPERIOR_DIRECT_LEADER;
    if (direct && n->direct != NULL) {
        take(p, n->direct->direct_leaders, n->direct->direct_leader_count, n);
        if (n->count > 0)
            return READY;
    }
    if (n->main == UNKNOWN_DEPARTMENT)
        return HIDES;
    enum progress step = walk(p, n->main, n);
    /* nobody is only known to be nobody where all that may name somebody was read */
    return step == READY && n->count == 0 && direct && n->direct == NULL ? HIDES : step;
}

/* ---- who of them can be referred to ---- */

bool works_on(const struct member *m)
{
    bool stays = m->fate == STAYS || m->fate == JOINS || m->fate == RETURNS;
    return m->progress == READY && stays &&
           (m->row == NULL ? m->fate == JOINS : m->row->in_service || m->rehire);
}

bool resigns(const struct member *m)
{
    return m->progress == READY && m->fate == LEAVES && m->successor == NULL;
}

static enum progress look_at_link(struct planner *p, const char *key, const struct member *m,
                                  const struct yq_eteams_member **ret)
{
    const struct yq_wecom_member *w = yq_view_find_wecom_member(p->view, key);
    const struct yq_link_member *link =
        m != NULL && m->link != NULL ? m->link : yq_view_member_link(p->view, key);
    if (link == NULL && (w == NULL || !w->link_asked)) {
        need(p, YQ_NEED_MEMBER_LINK, key, 0);
        return OPEN;
    }
    if (link == NULL || link->left)
        return READY;
    const struct yq_eteams_member *row = yq_view_find_eteams_member(p->view, link->eteams);
    if (row == NULL || row->fact == YQ_UNASKED) {
        need(p, YQ_NEED_ETEAMS_MEMBER, link->eteams, 0);
        return OPEN;
    }
    if (row->fact == YQ_UNREADABLE)
        return WAITS;
    if (row->fact == YQ_PRESENT && row->in_service)
        *ret = row;
    return READY;
}

enum progress find_superior(struct planner *p, const char *userid, struct superior *ret,
                            bool *ret_there)
{
    const char *key = key_of(p, userid);
    struct member *m;
    HASH_FIND_STR(p->members, key, m);
    *ret = (struct superior){.userid = userid};
    *ret_there = false;
    if (m != NULL && works_on(m)) {
        ret->member = m;
        ret->row = m->row;
        *ret_there = true;
        return READY;
    }
    if (m != NULL && resigns(m))
        return READY;
    enum progress step = look_at_link(p, key, m, &ret->row);
    *ret_there = ret->row != NULL;
    return step;
}
