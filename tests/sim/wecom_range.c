/* Tags, the range that the administrator ticked for the app, and what the app therefore sees. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "wecom_directory.h"

/* Sets of pointers, in arrays: they are small, and their order is the administrator's. */
static bool set_add(void *items, size_t *count, size_t *cap, void *item)
{
    void ***array = items;
    for (size_t i = 0; i < *count; i++)
        if ((*array)[i] == item)
            return false;
    yq_grow(array, cap, *count, sizeof **array);
    (*array)[(*count)++] = item;
    return true;
}

static void set_remove(void *items, size_t *count, const void *item)
{
    void **array = *(void ***)items;
    for (size_t i = 0; i < *count; i++) {
        if (array[i] == item) {
            memmove(array + i, array + i + 1, (*count - i - 1) * sizeof *array);
            (*count)--;
            return;
        }
    }
}

struct wecom_tag *wecom_tag_find(struct wecom_directory *d, uint32_t id)
{
    struct wecom_tag *found;
    HASH_FIND(hh, d->tags, &id, sizeof id, found);
    return found;
}

int wecom_tag_create(struct wecom_directory *d, uint32_t id, const char *name,
                     struct wecom_tag **ret)
{
    if (name == NULL || name[0] == '\0')
        return 40072;
    if (id != 0 && wecom_tag_find(d, id) != NULL)
        return 40068;
    for (const struct wecom_tag *t = d->tags; t != NULL; t = t->hh.next)
        if (strcmp(t->name, name) == 0)
            return 40071;
    struct wecom_tag *t = yq_calloc(1, sizeof *t);
    t->id = id != 0 ? id : d->last_tag + 1;
    t->name = yq_strdup(name);
    if (t->id > d->last_tag)
        d->last_tag = t->id;
    HASH_ADD(hh, d->tags, id, sizeof t->id, t);
    *ret = t;
    return 0;
}

void wecom_tag_delete(struct wecom_directory *d, struct wecom_tag *t)
{
    set_remove(&d->range.tags, &d->range.tag_count, t);
    HASH_DELETE(hh, d->tags, t);
    free(t->members);
    free(t->departments);
    free(t->name);
    free(t);
    d->stale = true;
}

bool wecom_tag_add_member(struct wecom_directory *d, struct wecom_tag *t, struct wecom_member *m)
{
    d->stale = true;
    return set_add(&t->members, &t->member_count, &t->member_cap, m);
}

bool wecom_tag_add_department(struct wecom_directory *d, struct wecom_tag *t,
                              struct wecom_department *department)
{
    d->stale = true;
    return set_add(&t->departments, &t->department_count, &t->department_cap, department);
}

void wecom_tag_clear(struct wecom_directory *d, struct wecom_tag *t)
{
    t->member_count = t->department_count = 0;
    d->stale = true;
}

void wecom_range_clear(struct wecom_directory *d)
{
    d->range.department_count = d->range.member_count = d->range.tag_count = 0;
    d->stale = true;
}

void wecom_range_add_department(struct wecom_directory *d, struct wecom_department *department)
{
    struct wecom_range *r = &d->range;
    (void)set_add(&r->departments, &r->department_count, &r->department_cap, department);
    d->stale = true;
}

void wecom_range_add_member(struct wecom_directory *d, struct wecom_member *m)
{
    (void)set_add(&d->range.members, &d->range.member_count, &d->range.member_cap, m);
    d->stale = true;
}

void wecom_range_add_tag(struct wecom_directory *d, struct wecom_tag *t)
{
    (void)set_add(&d->range.tags, &d->range.tag_count, &d->range.tag_cap, t);
    d->stale = true;
}

void wecom_marks_forget_member(struct wecom_directory *d, const struct wecom_member *m)
{
    set_remove(&d->range.members, &d->range.member_count, m);
    for (struct wecom_tag *t = d->tags; t != NULL; t = t->hh.next)
        set_remove(&t->members, &t->member_count, m);
}

void wecom_marks_forget_department(struct wecom_directory *d,
                                   const struct wecom_department *department)
{
    set_remove(&d->range.departments, &d->range.department_count, department);
    for (struct wecom_tag *t = d->tags; t != NULL; t = t->hh.next)
        set_remove(&t->departments, &t->department_count, department);
}

static void mark_branch(struct wecom_directory *d, struct wecom_department *top)
{
    struct wecom_department *child;
    if (top->seen == d->generation)
        return;
    top->seen = d->generation;
    DL_FOREACH(top->children, child)
    {
        mark_branch(d, child);
    }
}

static void mark_tag(struct wecom_directory *d, const struct wecom_tag *t)
{
    for (size_t i = 0; i < t->department_count; i++)
        mark_branch(d, t->departments[i]);
    for (size_t i = 0; i < t->member_count; i++)
        t->members[i]->seen = d->generation;
}

/* Departments are marked at once; of the members only those ticked singly or tagged: the others are
 * seen by way of their departments. So a change of one member costs nothing here. */
static void refresh(struct wecom_directory *d)
{
    if (!d->stale)
        return;
    d->generation++;
    for (size_t i = 0; i < d->range.department_count; i++)
        mark_branch(d, d->range.departments[i]);
    for (size_t i = 0; i < d->range.member_count; i++)
        d->range.members[i]->seen = d->generation;
    for (size_t i = 0; i < d->range.tag_count; i++)
        mark_tag(d, d->range.tags[i]);
    d->stale = false;
}

bool wecom_sees_department(struct wecom_directory *d, const struct wecom_department *department)
{
    refresh(d);
    return department->seen == d->generation;
}

bool wecom_sees_member(struct wecom_directory *d, const struct wecom_member *m)
{
    refresh(d);
    for (size_t i = 0; i < m->place_count; i++)
        if (m->places[i]->department->seen == d->generation)
            return true;
    return m->seen == d->generation;
}
