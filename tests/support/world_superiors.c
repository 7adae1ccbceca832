/* Superiors as eteams takes them: in service, not oneself, no ring (410010). */
#include <string.h>

#include "world_act.h"

static const struct world_person *person_of(const struct act *a, const struct yq_person *ref)
{
    const struct yq_link_member *l = ref->id ? NULL : world_member_link(a->w, ref->userid);
    return world_person(a->w, ref->id ? ref->id : l ? l->eteams : NULL);
}

static bool is_above(const struct world *w, const struct world_person *low, const char *id)
{
    const struct world_person *p = low;
    for (size_t i = 0; p != NULL && i <= w->person_count; i++) {
        if (strcmp(p->id, id) == 0)
            return true;
        p = world_person(w, p->superior);
    }
    return p != NULL;
}

/* Checks one; the id, or "". */
static const char *take(struct act *a, const struct world_person *self, const struct yq_person *ref)
{
    if (ref->id != NULL && *ref->id == '\0')
        return "";
    const struct world_person *s = person_of(a, ref);
    if (s == NULL || s == self || !s->in_service)
        world_complain(a, "superior invalid:", ref->id ? ref->id : ref->userid);
    return s != NULL ? s->id : "";
}

static void set_superior(struct act *a, struct world_person *p, const struct yq_change *c)
{
    const struct yq_operation *op = a->op;
    const char *id = op->superior_count > 0 ? take(a, p, &op->superiors[0]) : "";
    if (!world_same(c->before, p->superior))
        world_complain(a, "expected another superior than", p->superior);
    if (world_same(id, p->superior))
        world_complain(a, "writes the superior that is there:", id);
    if (*id != '\0' && is_above(a->w, world_person(a->w, id), p->id))
        world_complain(a, "the superiors make a ring:", id);
    p->superior = id;
}

static void set_others(struct act *a, struct world_person *p, const struct yq_change *c)
{
    struct yq_buf before = YQ_BUF_INIT;
    for (size_t i = 0; i < p->other_count; i++)
        yq_buf_addf(&before, "%s%s", i ? "," : "", p->others[i]);
    if (!world_same(c->before, yq_buf_text(&before)))
        world_complain(a, "expected other superiors than", yq_buf_text(&before));
    yq_buf_release(&before);
    p->other_count = 0;
    for (size_t i = 1; i < a->op->superior_count && p->other_count < WORLD_LEADERS; i++)
        p->others[p->other_count++] = take(a, p, &a->op->superiors[i]);
}

void world_set_superiors(struct act *a)
{
    const char *id = a->op->target;
    const struct yq_link_member *l = world_member_link(a->w, a->op->subject.userid);
    struct world_person *p = world_person(a->w, id ? id : l ? l->eteams : NULL);
    const struct yq_change *superior = world_change(a->op, "superior"),
                           *others = world_change(a->op, "other_superior");
    if (p == NULL || !p->in_service || (superior == NULL && others == NULL)) {
        world_complain(a, "nobody in service, or nothing to change:", id);
        return;
    }
    if (superior != NULL)
        set_superior(a, p, superior);
    if (others != NULL)
        set_others(a, p, others);
}
