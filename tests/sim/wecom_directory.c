/* Departments of the simulated company: the tree, its indexes, and the rules of wecom.md §5.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "company.h"
#include "wecom_directory.h"

#define NAME_CHARACTERS 64

struct wecom_department *wecom_department_find(struct wecom_directory *d, uint32_t id)
{
    struct wecom_department *found;
    HASH_FIND(hh, d->departments, &id, sizeof id, found);
    return found;
}

bool wecom_department_is_under(const struct wecom_department *department,
                               const struct wecom_department *top)
{
    while (department != NULL && department != top)
        department = department->parent;
    return department != NULL;
}

/* Levels from the root down to this one, both counted. */
static int level_of(const struct wecom_department *department)
{
    int level = 0;
    for (; department != NULL; department = department->parent)
        level++;
    return level;
}

static int height_of(const struct wecom_department *department)
{
    int height = 0;
    const struct wecom_department *child;
    DL_FOREACH(department->children, child)
    {
        int h = height_of(child);
        height = h > height ? h : height;
    }
    return height + 1;
}

static char *place_of(const struct wecom_department *parent, const char *name)
{
    return yq_printf("%u/%s", parent ? parent->id : 0, name);
}

static bool place_taken(struct wecom_directory *d, const struct wecom_department *parent,
                        const char *name, const struct wecom_department *but)
{
    struct wecom_department *found;
    char *place = place_of(parent, name);
    HASH_FIND(hh_place, d->by_place, place, strlen(place), found);
    free(place);
    return found != NULL && found != but;
}

static int check_name(const char *name)
{
    size_t characters = 0;
    if (name == NULL || name[0] == '\0')
        return 60001;
    for (const char *p = name; *p; p++)
        characters += ((unsigned char)*p & 0xc0) != 0x80;
    if (characters > NAME_CHARACTERS)
        return 60001;
    return strpbrk(name, "\\:*?\"<>") != NULL || strstr(name, "｜") != NULL ? 60009 : 0;
}

static void place_under(struct wecom_directory *d, struct wecom_department *department,
                        struct wecom_department *parent)
{
    department->parent = parent;
    department->place = place_of(parent, department->name);
    HASH_ADD_KEYPTR(hh_place, d->by_place, department->place, strlen(department->place),
                    department);
    if (parent != NULL) {
        DL_APPEND(parent->children, department);
        parent->child_count++;
    }
}

static void take_out(struct wecom_directory *d, struct wecom_department *department)
{
    HASH_DELETE(hh_place, d->by_place, department);
    free(department->place);
    department->place = NULL;
    if (department->parent != NULL) {
        DL_DELETE(department->parent->children, department);
        department->parent->child_count--;
    }
}

static struct wecom_department *insert(struct wecom_directory *d, uint32_t id,
                                       struct wecom_department *parent, const char *name,
                                       uint32_t order)
{
    struct wecom_department *n = yq_calloc(1, sizeof *n);
    n->id = id;
    n->order = order;
    n->name = yq_strdup(name);
    place_under(d, n, parent);
    HASH_ADD(hh, d->departments, id, sizeof n->id, n);
    if (id > d->last_department)
        d->last_department = id;
    d->stale = true;
    return n;
}

int wecom_department_create(struct wecom_directory *d, uint32_t id, uint32_t parent,
                            const char *name, uint32_t order, struct wecom_department **ret)
{
    struct wecom_department *above = wecom_department_find(d, parent);
    int code = check_name(name);
    if (code != 0)
        return code;
    if (above == NULL)
        return 60004;
    if ((id != 0 && wecom_department_find(d, id) != NULL) || place_taken(d, above, name, NULL))
        return 60008;
    if (level_of(above) >= WECOM_LEVELS_MAX)
        return 81002;
    if (above->child_count + above->member_count >= WECOM_NODES_MAX ||
        HASH_CNT(hh, d->departments) >= WECOM_NODES_MAX)
        return 81001;
    *ret = insert(d, id != 0 ? id : d->last_department + 1, above, name, order);
    return 0;
}

static int check_parent(const struct wecom_department *department,
                        const struct wecom_department *parent)
{
    if (department->parent == NULL)
        return parent == NULL ? 0 : 60007;
    if (parent == NULL)
        return 60004;
    if (wecom_department_is_under(parent, department))
        return 60010;
    if (level_of(parent) + height_of(department) > WECOM_LEVELS_MAX)
        return 81002;
    return 0;
}

int wecom_department_update(struct wecom_directory *d, struct wecom_department *department,
                            const struct wecom_department_change *change, unsigned *ret_changed)
{
    const char *name = change->name ? change->name : department->name;
    struct wecom_department *parent = department->parent;
    int code = 0;
    if (change->parent >= 0 && !(department->parent == NULL && change->parent == 0))
        parent = wecom_department_find(d, (uint32_t)change->parent);
    if (change->name != NULL)
        code = check_name(name);
    if (code == 0 && change->parent >= 0)
        code = check_parent(department, parent);
    if (code == 0 && place_taken(d, parent, name, department))
        code = 60008;
    if (code != 0)
        return code;

    *ret_changed = (strcmp(name, department->name) != 0 ? 1u : 0) |
                   (parent != department->parent ? 2u : 0) |
                   (change->order >= 0 && change->order != department->order ? 4u : 0);
    take_out(d, department);
    if (change->name != NULL) {
        char *copy = yq_strdup(name);
        free(department->name);
        department->name = copy;
    }
    place_under(d, department, parent);
    if (change->order >= 0)
        department->order = (uint32_t)change->order;
    d->stale = true;
    return 0;
}

static void release_department(struct wecom_directory *d, struct wecom_department *department)
{
    take_out(d, department);
    HASH_DELETE(hh, d->departments, department);
    free(department->name);
    free(department);
}

int wecom_department_delete(struct wecom_directory *d, struct wecom_department *department)
{
    if (department->parent == NULL)
        return 60007;
    if (department->memberships != NULL)
        return 60005;
    if (department->children != NULL)
        return 60006;
    wecom_marks_forget_department(d, department);
    release_department(d, department);
    d->stale = true;
    return 0;
}

struct wecom_directory *wecom_directory_new(const char *root_name)
{
    struct wecom_directory *d = yq_calloc(1, sizeof *d);
    d->root = insert(d, WECOM_ROOT, NULL, root_name, 100000000);
    wecom_range_add_department(d, d->root);
    return d;
}

static void make_departments(struct wecom_directory *d, const struct company *company)
{
    for (size_t i = 0; i < company->department_count; i++) {
        const struct company_department *from = &company->departments[i];
        struct wecom_department *made;
        if (from->id != WECOM_ROOT &&
            wecom_department_create(d, from->id, from->parent, from->name, from->order, &made) != 0)
            fprintf(stderr, "yunqiao-sim: the made-up department %u is refused\n", from->id);
    }
}

static void make_members(struct wecom_directory *d, const struct company *company)
{
    for (size_t i = 0; i < company->member_count; i++) {
        const struct company_member *from = &company->members[i];
        struct wecom_member_input input = WECOM_MEMBER_INPUT_INIT;
        struct wecom_member *made;
        input.text[WECOM_NAME] = from->name;
        input.text[WECOM_MOBILE] = from->mobile;
        input.text[WECOM_EMAIL] = from->email;
        input.gender = from->gender - '0';
        input.status = WECOM_ACTIVE;
        input.has_departments = from->department_count > 0;
        input.department_count = from->department_count;
        for (size_t k = 0; k < from->department_count; k++)
            input.departments[k] = from->departments[k];
        int code = wecom_member_create(d, from->userid, &input, &made);
        if (code != 0)
            fprintf(stderr, "yunqiao-sim: the made-up member %s is refused: %d\n", from->userid,
                    code);
    }
}

struct wecom_directory *wecom_directory_make(uint64_t seed, size_t people, size_t departments)
{
    struct company *company = company_make(seed, people, departments);
    const char *root = company->department_count > 0 ? company->departments[0].name : "公司";
    struct wecom_directory *d = wecom_directory_new(root);
    make_departments(d, company);
    make_members(d, company);
    company_free(company);
    return d;
}

void wecom_directory_free(struct wecom_directory *d)
{
    struct wecom_tag *tag, *next_tag;
    struct wecom_department *department, *next;
    if (d == NULL)
        return;
    wecom_range_clear(d);
    HASH_ITER (hh, d->tags, tag, next_tag) {
        wecom_tag_delete(d, tag);
    }
    free(d->creator);
    d->creator = NULL;
    for (size_t i = 0; i < d->list_len; i++)
        if (d->list[i] != NULL)
            d->list[i]->led = d->list[i]->leader_count = 0; /* spares the search for those led */
    for (size_t i = 0; i < d->list_len; i++)
        if (d->list[i] != NULL)
            (void)wecom_member_delete(d, d->list[i]);
    HASH_ITER (hh, d->departments, department, next) {
        HASH_DELETE(hh_place, d->by_place, department);
        HASH_DELETE(hh, d->departments, department);
        free(department->place);
        free(department->name);
        free(department);
    }
    free(d->list);
    free(d->range.departments);
    free(d->range.members);
    free(d->range.tags);
    free(d);
}
