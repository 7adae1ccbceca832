/* Places: a parent and a name. Who stands there in eteams, and which department of this plan has
 * claimed it. An index, so that 30,000 departments are planned in one go. */
#include <string.h>

#include "base/memory.h"
#include "model/normal.h"
#include "planner.h"

#define MOST_LEVELS 100 /* WeCom has 15; a circle must end, too */

struct place {
    const char *key; /* parent, a separator no name can hold, normalised name */
    const struct yq_eteams_department **rows;
    size_t row_count, row_capacity;
    struct department **claims;
    size_t claim_count, claim_capacity;
    UT_hash_handle hh;
};

static const char *place_key(struct planner *p, const struct yq_ref *parent, const char *name)
{
    const char *normal = yq_normal_name(p->arena, name);
    if (parent->id != NULL)
        return yq_arena_printf(p->arena, "%s\n%s", parent->id, normal);
    return yq_arena_printf(p->arena, "new %u\n%s", parent->wecom, normal);
}

static struct place *place_at(struct planner *p, const char *key)
{
    struct place *place;
    HASH_FIND_STR(p->places, key, place);
    if (place != NULL)
        return place;
    place = yq_arena_alloc(p->arena, sizeof(*place));
    place->key = key;
    HASH_ADD_KEYPTR(hh, p->places, place->key, strlen(place->key), place);
    return place;
}

/* Growing in the arena leaves the old array behind, which doubling keeps small. */
static void *grown(struct planner *p, void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 2;
    void *more = yq_arena_alloc(p->arena, *capacity * size);
    if (count > 0)
        memcpy(more, items, count * size);
    return more;
}

static void index_rows(struct planner *p)
{
    if (p->places_indexed)
        return;
    p->places_indexed = true;
    for (const struct yq_eteams_department *c = p->view->eteams_departments; c; c = c->hh.next) {
        if (c->fact != YQ_PRESENT || c->name == NULL || c->parent == NULL)
            continue;
        struct yq_ref parent = {.id = c->parent};
        struct place *place = place_at(p, place_key(p, &parent, c->name));
        place->rows =
            grown(p, place->rows, &place->row_capacity, place->row_count, sizeof(*place->rows));
        place->rows[place->row_count++] = c;
    }
}

const struct yq_eteams_department *child_named(struct planner *p, const char *parent,
                                               const char *name, bool enabled,
                                               const struct department *d)
{
    index_rows(p);
    struct yq_ref ref = {.id = parent};
    const struct place *place = place_at(p, place_key(p, &ref, name));
    const struct yq_eteams_department *best = NULL;
    for (size_t i = 0; i < place->row_count; i++) {
        const struct yq_eteams_department *c = place->rows[i];
        if (c->enabled != enabled || c == d->row || (!enabled && c->owner != NULL))
            continue;
        if (best == NULL || strcmp(c->id, best->id) < 0)
            best = c;
    }
    return best;
}

void claim_place(struct planner *p, struct department *d)
{
    struct place *place = place_at(p, place_key(p, &d->parent, d->name));
    place->claims = grown(p, place->claims, &place->claim_capacity, place->claim_count,
                          sizeof(struct department *));
    place->claims[place->claim_count++] = d;
}

struct department *rival(struct planner *p, const struct department *d)
{
    const struct place *place = place_at(p, place_key(p, &d->parent, d->name));
    for (size_t i = 0; i < place->claim_count; i++) {
        if (place->claims[i] != d && place->claims[i]->progress == READY)
            return place->claims[i];
    }
    return NULL;
}

bool in_place(const struct yq_eteams_department *row, const char *parent)
{
    return row->parent != NULL && parent != NULL && strcmp(row->parent, parent) == 0;
}

/* Will o, whose record stands there, be elsewhere or have another name? */
static bool leaves_place(struct planner *p, const struct department *o, const char *parent,
                         const char *name)
{
    if (o->progress == GONE || o->progress == UNTOUCHED)
        return true;
    if (o->progress == BUSY && !o->parent_known)
        return true; /* it waits for this very place to be settled, since it belongs below it */
    if (o->progress == BUSY)
        return o->name != NULL && (!yq_same_name(p->arena, o->name, name) || o->parent.id == NULL ||
                                   strcmp(o->parent.id, parent) != 0);
    return o->progress == READY && o->full && o->name != NULL &&
           (!yq_same_name(p->arena, o->name, name) || o->parent.id == NULL ||
            strcmp(o->parent.id, parent) != 0);
}

static const struct blocked *find_blocked(const struct planner *p, const struct department *d)
{
    const struct blocked *b = p->blocked;
    while (b != NULL && b->id != d->id)
        b = b->next;
    return b;
}

bool is_blocked(const struct planner *p, const struct department *d)
{
    return find_blocked(p, d) != NULL;
}

bool makes_circle(const struct planner *p, const struct department *d)
{
    const struct blocked *b = find_blocked(p, d);
    return b != NULL && b->circle;
}

enum spot look_at_place(struct planner *p, struct department *d,
                        const struct yq_eteams_department **ret_there)
{
    if (d->parent.id == NULL) /* the parent is created by this plan: nobody is below it yet */
        return FREE;
    const struct yq_eteams_department *there = child_named(p, d->parent.id, d->name, true, d);
    *ret_there = there;
    if (there == NULL)
        return FREE;
    if (there->owner == NULL)
        return d->row ? TAKEN : LINK_IT;
    struct department *o = settle_department(p, there->owner->id, true);
    if (o->progress == OPEN)
        return UNDECIDED;
    bool later = o->progress == BUSY || o->progress == UNTOUCHED;
    if (o->progress == WAITS || (later && is_blocked(p, d)))
        return UNKNOWN;
    if (is_blocked(p, d) || !leaves_place(p, o, d->parent.id, d->name))
        return TAKEN_BY_LINKED;
    if (o->progress == GONE &&
        d->row != NULL) /* free once it is disabled, unless that is refused */
        return p->policy->disable_departments ? UNKNOWN : TAKEN;
    if (o->progress == GONE)
        return LINK_IT;
    bool stands = d->row != NULL && d->row->enabled;
    bool only_renamed = stands && in_place(d->row, d->parent.id); /* may come as late as need be */
    int last = d->stage + STAGE_LEVEL - (d->row != NULL && !stands ? 2 : 1); /* then enabled */
    if (later || (!only_renamed && o->stage >= last))
        o->step_aside = true;
    else if (o->stage >= d->stage)
        d->stage = o->stage + 1;
    return FREE;
}

/* The record that it will be below: of one that this plan makes, the record above that. */
static const char *standing(const struct planner *p, struct yq_ref ref)
{
    const struct department *d;
    for (int depth = 0; ref.id == NULL && ref.wecom != 0 && depth < MOST_LEVELS; depth++) {
        HASH_FIND(hh, p->departments, &ref.wecom, sizeof(ref.wecom), d);
        if (d == NULL)
            return NULL;
        ref = d->parent;
    }
    return ref.id;
}

static const char *above(const struct planner *p, const struct yq_eteams_department *row,
                         bool planned)
{
    const struct department *o = NULL;
    if (planned && row->owner != NULL)
        HASH_FIND(hh, p->departments, &row->owner->id, sizeof(row->owner->id), o);
    bool settled =
        o != NULL && o->full && (o->progress == READY || (o->progress == BUSY && o->parent_known));
    return settled ? standing(p, o->parent) : row->parent;
}

enum progress look_above(struct planner *p, const struct department *d, bool planned, bool *ret_own)
{
    const char *id = standing(p, d->parent), *root = p->view->eteams_root;
    *ret_own = false;
    for (int depth = 0; id != NULL && depth < MOST_LEVELS; depth++) {
        *ret_own = strcmp(id, d->row->id) == 0;
        if (*ret_own || (root != NULL && strcmp(id, root) == 0))
            return READY;
        const struct yq_eteams_department *row = yq_view_find_eteams_department(p->view, id);
        if (row == NULL || row->fact == YQ_UNASKED) {
            need(p, YQ_NEED_ETEAMS_DEPARTMENT, id, 0);
            return OPEN;
        }
        id = row->fact == YQ_PRESENT ? above(p, row, planned) : NULL;
    }
    return READY;
}

/* Everything above d in WeCom is compared with eteams, from the top: so each moves before what is
 * below it. What was read at different moments can go round in a circle. */
static enum progress settle_above(struct planner *p, uint32_t id, int depth)
{
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, id);
    if (id <= WECOM_ROOT || depth > MOST_LEVELS)
        return READY;
    if (w == NULL || w->fact == YQ_UNASKED) {
        need(p, YQ_NEED_WECOM_DEPARTMENT, NULL, id);
        return OPEN;
    }
    enum progress step = w->fact == YQ_PRESENT ? settle_above(p, w->parent, depth + 1) : READY;
    if (step == READY && settle_department(p, id, true)->progress == OPEN)
        step = OPEN;
    return step;
}

enum progress settle_between(struct planner *p, const struct department *d, uint32_t wecom_parent,
                             int *stage)
{
    const struct yq_eteams_department *row;
    const char *id = standing(p, d->parent);
    enum progress step = settle_above(p, wecom_parent, 0);
    for (int depth = 0; id != NULL && strcmp(id, d->row->id) != 0 && depth < MOST_LEVELS; depth++) {
        row = yq_view_find_eteams_department(p->view, id);
        id = row != NULL && row->fact == YQ_PRESENT ? row->parent : NULL;
        const struct department *o =
            id && row->owner ? settle_department(p, row->owner->id, true) : NULL;
        if (o != NULL && o->progress == OPEN)
            step = OPEN;
        if (o != NULL && o->progress == READY && o->stage > *stage)
            *stage = o->stage;
    }
    return step;
}

bool is_taken_over(struct planner *p, const struct yq_eteams_department *row)
{
    if (row->parent == NULL || row->name == NULL)
        return false;
    struct yq_ref parent = {.id = row->parent};
    const struct place *place = place_at(p, place_key(p, &parent, row->name));
    for (size_t i = 0; i < place->claim_count; i++) {
        const struct department *d = place->claims[i];
        if (d->progress == READY && d->found && d->row == row)
            return true;
    }
    return false;
}

bool may_stand_up(struct planner *p, const struct department *d)
{
    const struct yq_eteams_department *row = d->row;
    struct yq_ref parent = {.id = row->parent};
    bool moves = !in_place(row, d->parent.id);
    if (moves && (!row->parent || is_closed(yq_view_find_eteams_department(p->view, row->parent))))
        return false;
    const struct place *place = place_at(p, place_key(p, &parent, row->name));
    for (size_t i = 0; i < place->row_count; i++) {
        if (place->rows[i]->enabled)
            return false;
    }
    for (size_t i = 0; i < place->claim_count; i++) {
        const struct department *o = place->claims[i];
        if (o->progress == READY && o->row != row)
            return false;
    }
    return true;
}

/* Did d count on somebody who stays after all? */
static bool counted_wrong(struct planner *p, const struct department *d, bool *ret_circle)
{
    bool circle = false;
    *ret_circle = false;
    if (d->progress != READY || !d->full || d->name == NULL)
        return false;
    if (d->row != NULL && !d->found && !in_place(d->row, d->parent.id))
        (void)look_above(p, d, true, &circle);
    *ret_circle = circle;
    if (circle || d->parent.id == NULL)
        return circle;
    const struct yq_eteams_department *there = child_named(p, d->parent.id, d->name, true, d);
    if (there == NULL || there->owner == NULL)
        return false;
    return !leaves_place(p, settle_department(p, there->owner->id, true), d->parent.id, d->name);
}

bool block_takers(struct planner *p)
{
    bool found = false;
    for (const struct department *d = p->departments; d != NULL; d = d->hh.next) {
        bool circle;
        if (p->plan->needs != NULL || is_blocked(p, d) || !counted_wrong(p, d, &circle))
            continue;
        struct blocked *b = yq_arena_alloc(p->arena, sizeof(*b));
        *b = (struct blocked){d->id, circle, p->blocked};
        p->blocked = b;
        found = true;
    }
    return found;
}

void release_places(struct planner *p)
{
    HASH_CLEAR(hh, p->places);
    p->places_indexed = false;
}
