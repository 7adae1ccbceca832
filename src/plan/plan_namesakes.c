/* A newcomer whose mobile and e-mail WeCom does not show may be in eteams all the same, and be
 * found by no key: linked before the links were lost, or made there by hand. Somebody of that name
 * in that department, whom nobody is linked with: then a person decides, and nobody is made twice.
 * What is empty, and not merely unknown, says that there is no key (decisions.md 4). */
#include <stdlib.h>
#include <string.h>

#include "planner.h"

static bool is_among(const struct yq_eteams_member *row, struct yq_ref place)
{
    for (size_t i = 0; place.id != NULL && i < row->department_count; i++) {
        if (strcmp(row->departments[i], place.id) == 0)
            return true;
    }
    return false;
}

/* In one of the departments that m belongs to; nobody is in one that this plan makes. */
static bool shares_a_place(const struct member *m, const struct yq_eteams_member *row)
{
    bool shares = is_among(row, m->main);
    for (size_t i = 0; i < m->part_count; i++)
        shares |= is_among(row, m->parts[i]);
    return shares;
}

static bool may_be(struct planner *p, const struct member *m, const struct yq_eteams_member *row)
{
    return row->in_service && !row->secondary && owner_of(p, row) == NULL &&
           pretender_of(p, row) == NULL && shares_a_place(m, row);
}

static int compare_ids(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Their ids; "" where there is none. */
static const char *namesakes(struct planner *p, const struct member *m, const struct yq_lookup *l)
{
    const char **ids = yq_arena_alloc(p->arena, (l->hit_count + 1) * sizeof(*ids));
    const char *list = "";
    size_t count = 0;
    for (size_t i = 0; i < l->hit_count; i++) {
        if (may_be(p, m, l->hits[i]))
            ids[count++] = l->hits[i]->id;
    }
    if (count > 1)
        qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < count; i++)
        list = yq_arena_printf(p->arena, "%s%s%s", list, i ? " " : "", ids[i]);
    return list;
}

enum progress look_for_namesakes(struct planner *p, struct member *m)
{
    bool open = false;
    if (m->fate != JOINS || !m->keys_unknown || (m->evidence != NULL && m->evidence->commanded))
        return READY;
    const struct yq_lookup *l = look_up(p, YQ_BY_NAME, m->values[YQ_FIELD_NAME], &open);
    if (open)
        return OPEN;
    if (l == NULL) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE, "eteams", NULL);
        return WAITS;
    }
    const char *ids = namesakes(p, m, l);
    if (*ids == '\0')
        return READY;
    conclude(m->verdict, YQ_VERDICT_CASE, YQ_REASON_NAMESAKE, ids, NULL);
    m->fate = FROZEN;
    m->alike = true; /* or a leaver under a new userid, if there is one like that */
    return READY;
}
