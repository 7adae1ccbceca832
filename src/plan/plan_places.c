/* Places: a parent and a name. Who stands there in eteams, and which department of this plan has
 * claimed it. An index, so that 30,000 departments are planned in one go. */
#include <string.h>

#include "base/memory.h"
#include "model/normal.h"
#include "planner.h"

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
        if (c->enabled != enabled || c == d->row)
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

void release_places(struct planner *p)
{
    HASH_CLEAR(hh, p->places);
}
