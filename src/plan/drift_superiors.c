/* Superiors compared by hashes, as plan_leaders.c settles them from what it reads. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plan/drift.h"

#define LEVELS 64      /* of departments; WeCom has 15 */
#define LEADERS_MAX 64 /* of somebody; whoever has more is left to the engine */

struct led { /* a department */
    uint32_t id, parent;
    uint32_t first, count; /* of its leaders, in WeCom's order */
    bool known;
};

struct yq_drift_leaders {
    struct led *departments; /* sorted by id */
    size_t count;
    uint64_t *leaders;
    size_t leader_count, leader_capacity;
};

/* ---- the departments ---- */

struct seat {
    uint64_t leader;
    uint32_t order;
    char key[YQ_USERID_MAX + 1];
};

static int compare_seats(const void *left, const void *right)
{
    const struct seat *a = left, *b = right;
    if (a->order != b->order)
        return a->order > b->order ? -1 : 1;
    return strcmp(a->key, b->key);
}

static uint32_t order_of(const struct yq_snapshot *wecom, uint32_t department, uint64_t leader)
{
    size_t count;
    const struct yq_snapshot_leader *rows =
        yq_snapshot_leaders_of(&wecom->seats, department, &count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].leader == leader)
            return rows[i].rank;
    }
    return 0;
}

static void add_department(struct yq_drift_leaders *l, const struct yq_wecom_department *d,
                           const struct yq_snapshot *wecom)
{
    struct seat *seats = yq_calloc(d->leader_count + 1, sizeof(*seats));
    l->departments[l->count++] = (struct led){.id = d->id,
                                              .parent = d->parent,
                                              .first = (uint32_t)l->leader_count,
                                              .count = (uint32_t)d->leader_count,
                                              .known = d->leaders != NULL};
    for (size_t i = 0; i < d->leader_count; i++) {
        yq_userid_key(d->leaders[i], seats[i].key);
        seats[i].leader = yq_userid_hash(seats[i].key);
        seats[i].order = order_of(wecom, d->id, seats[i].leader);
    }
    if (d->leader_count > 1)
        qsort(seats, d->leader_count, sizeof(*seats), compare_seats);
    for (size_t i = 0; i < d->leader_count; i++) {
        yq_grow(&l->leaders, &l->leader_capacity, l->leader_count, sizeof(*l->leaders));
        l->leaders[l->leader_count++] = seats[i].leader;
    }
    free(seats);
}

static int compare_departments(const void *left, const void *right)
{
    const struct led *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

struct yq_drift_leaders *yq_drift_leaders_new(const struct yq_view *tree,
                                              const struct yq_snapshot *wecom)
{
    struct yq_drift_leaders *l = yq_calloc(1, sizeof(*l));
    l->departments = yq_calloc(HASH_COUNT(tree->wecom_departments) + 1, sizeof(*l->departments));
    for (const struct yq_wecom_department *d = tree->wecom_departments; d != NULL; d = d->hh.next) {
        if (d->fact == YQ_PRESENT)
            add_department(l, d, wecom);
    }
    if (l->count > 1)
        qsort(l->departments, l->count, sizeof(*l->departments), compare_departments);
    return l;
}

void yq_drift_leaders_free(struct yq_drift_leaders *l)
{
    if (l == NULL)
        return;
    free(l->departments);
    free(l->leaders);
    free(l);
}

static const struct led *find_department(const struct yq_drift_leaders *l, uint32_t id)
{
    const struct led key = {.id = id};
    return l->count > 0 ? bsearch(&key, l->departments, l->count, sizeof(key), compare_departments)
                        : NULL;
}

/* ---- who they shall be ---- */

struct named {
    uint64_t leaders[LEADERS_MAX];
    size_t count;
    bool known;
};

static bool has(const uint64_t *list, size_t count, uint64_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == value)
            return true;
    }
    return false;
}

static void take(struct named *n, uint64_t own, uint64_t leader)
{
    if (leader != own && n->count < LEADERS_MAX && !has(n->leaders, n->count, leader))
        n->leaders[n->count++] = leader;
}

static void take_direct(const struct yq_drift_compared *c, struct named *n)
{
    size_t count;
    const struct yq_snapshot_leader *rows =
        yq_snapshot_leaders_of(&c->wecom->leaders, c->w->key, &count);
    for (size_t i = 0; c->w->leaders_known && i < count; i++)
        take(n, c->w->key, rows[i].leader);
}

/* Where the engine would place the person (decisions.md 6). */
static uint32_t main_department(const struct yq_drift_links *links,
                                const struct yq_drift_compared *c)
{
    const uint32_t *parts = yq_snapshot_parts(c->wecom, c->w);
    for (uint16_t i = 0; i < c->w->part_count; i++) {
        if (parts[i] == c->w->main)
            return parts[i];
    }
    for (uint16_t i = 0; i < c->w->part_count; i++) {
        for (size_t d = 0; d < links->department_count; d++) {
            if (links->departments[d].id == parts[i] && links->departments[d].eteams == c->e->main)
                return parts[i];
        }
    }
    return c->w->part_count > 0 ? parts[0] : 0;
}

/* Upwards to the first department that somebody else leads. False: cannot be told. */
static bool walk(const struct yq_drift_leaders *l, uint32_t id, uint64_t own, struct named *n)
{
    for (int level = 0; id != 0 && level < LEVELS; level++) {
        const struct led *d = find_department(l, id);
        if (d == NULL)
            return level > 0; /* above the visible range */
        if (!d->known)
            return false;
        const uint64_t *leaders = l->leaders + d->first;
        if (d->count > 0 && !has(leaders, d->count, own)) {
            for (uint32_t i = 0; i < d->count; i++)
                take(n, own, leaders[i]);
            return true;
        }
        id = d->parent;
    }
    return true;
}

static void name(const struct yq_drift_links *links, const struct yq_drift_compared *c,
                 struct named *n)
{
    bool direct = c->source == YQ_SUPERIOR_DIRECT_LEADER;
    if (direct)
        take_direct(c, n);
    n->known = n->count > 0;
    if (n->known || !c->w->departments_known)
        return;
    n->known = walk(links->leaders, main_department(links, c), c->w->key, n);
    if (n->count == 0 && direct && !c->w->leaders_known)
        n->known = false;
}

/* ---- comparing ---- */

/* The record of that member, where it is in service; 0: nobody's. */
static uint64_t record_of(const struct yq_drift_links *links, const struct yq_snapshot *eteams,
                          uint64_t member)
{
    size_t low = 0, high = links->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (links->members[middle].member < member)
            low = middle + 1;
        else
            high = middle;
    }
    const struct yq_drift_member *m = links->members + low;
    if (low == links->member_count || m->member != member || m->left)
        return 0;
    const struct yq_snapshot_person *e = yq_snapshot_find(eteams, m->eteams);
    return e != NULL && e->status == 1 ? m->eteams : 0;
}

/* Those who can be referred to, in order. */
static size_t resolve(const struct yq_drift_links *links, const struct yq_drift_compared *c,
                      const struct named *n, uint64_t *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++) {
        uint64_t record = record_of(links, c->eteams, n->leaders[i]);
        if (record != 0 && record != c->e->key && !has(ret, count, record))
            ret[count++] = record;
    }
    return count;
}

bool yq_drift_superiors_differ(const struct yq_drift_links *links,
                               const struct yq_drift_compared *c)
{
    struct named n = {.count = 0};
    uint64_t wanted[LEADERS_MAX];
    size_t had, found = 0;
    if (!c->e->leaders_known)
        return false;
    name(links, c, &n);
    if (!n.known)
        return false;
    size_t count = resolve(links, c, &n, wanted);
    const struct yq_snapshot_leader *rows =
        yq_snapshot_leaders_of(&c->eteams->leaders, c->e->key, &had);
    for (size_t i = 0; i < had; i++) {
        bool direct = rows[i].rank == 0;
        found += direct ? count > 0 && rows[i].leader == wanted[0]
                        : count > 1 && has(wanted + 1, count - 1, rows[i].leader);
    }
    return found != had || had != count;
}
