/* Changes as an administrator makes them in WeCom's console, each with the events it causes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

static struct wecom_member *member_of(struct wecom *w, const cJSON *change)
{
    const char *userid = wecom_get_text(change, "userid");
    return userid ? wecom_member_find(w->directory, userid) : NULL;
}

static struct wecom_department *department_of(struct wecom *w, const cJSON *change)
{
    uint32_t id;
    return wecom_get_id(yq_json_get(change, "id"), &id) ? wecom_department_find(w->directory, id)
                                                        : NULL;
}

static int create_member(struct wecom *w, const cJSON *change)
{
    struct wecom_member_input in;
    struct wecom_member *made;
    int code = wecom_member_parse(change, &wecom_control_names, &in);
    if (code == 0)
        code = wecom_member_create(w->directory, wecom_get_text(change, "userid"), &in, &made);
    if (code == 0)
        wecom_notify_member_created(w, made);
    return code;
}

static int update_member(struct wecom *w, const cJSON *change)
{
    struct wecom_member_input in;
    unsigned changed;
    struct wecom_member *m = member_of(w, change);
    int code = m ? wecom_member_parse(change, &wecom_control_names, &in) : 60111;
    if (code == 0)
        code = wecom_member_update(w->directory, m, &in, &changed);
    if (code == 0)
        wecom_notify_member_updated(w, m, changed, NULL);
    return code;
}

static int delete_member(struct wecom *w, const cJSON *change)
{
    struct wecom_member *m = member_of(w, change);
    if (m == NULL)
        return 60111;
    if (w->directory->creator != NULL && strcmp(w->directory->creator, m->key) == 0)
        return 301005;
    wecom_notify_member_deleted(w, m);
    return wecom_member_delete(w->directory, m);
}

static int rename_userid(struct wecom *w, const cJSON *change)
{
    struct wecom_member *m = member_of(w, change);
    const char *userid = wecom_get_text(change, "new_userid");
    if (m == NULL || userid == NULL)
        return m == NULL ? 60111 : 40003;
    char *old = yq_strdup(m->userid);
    int code = wecom_member_rename(w->directory, m, userid);
    if (code == 0)
        wecom_notify_member_updated(w, m, 0, old);
    free(old);
    return code;
}

static int create_department(struct wecom *w, const cJSON *change)
{
    struct wecom_department *made;
    uint32_t id = 0, parent;
    int64_t order = wecom_get_int(change, "order", 0);
    if (!wecom_get_id(yq_json_get(change, "parent"), &parent) || order < 0 || order > UINT32_MAX)
        return 40058;
    if (yq_json_get(change, "id") != NULL && !wecom_get_id(yq_json_get(change, "id"), &id))
        return 40058;
    int code = wecom_department_create(w->directory, id, parent, wecom_get_text(change, "name"),
                                       (uint32_t)order, &made);
    if (code == 0)
        wecom_notify_department_created(w, made);
    return code;
}

static int update_department(struct wecom *w, const cJSON *change)
{
    struct wecom_department *n = department_of(w, change);
    struct wecom_department_change to = {
        .name = wecom_get_text(change, "name"),
        .parent = wecom_get_int(change, "parent", -1),
        .order = wecom_get_int(change, "order", -1),
    };
    unsigned changed;
    if (n == NULL)
        return 60003;
    if (to.parent > UINT32_MAX || to.order > UINT32_MAX)
        return 40058;
    int code = wecom_department_update(w->directory, n, &to, &changed);
    if (code == 0)
        wecom_notify_department_updated(w, n, changed);
    return code;
}

/* Takes a member out of the branch; who then has no department goes to the root. */
static void leave_branch(struct wecom *w, struct wecom_member *m,
                         const struct wecom_department *top)
{
    struct wecom_member_input in = WECOM_MEMBER_INPUT_INIT;
    unsigned changed = 0;
    in.has_departments = in.has_orders = in.has_leader_in = true;
    for (size_t i = 0; i < m->place_count; i++) {
        const struct wecom_membership *p = m->places[i];
        if (wecom_department_is_under(p->department, top))
            continue;
        in.departments[in.department_count++] = p->department->id;
        in.orders[in.order_count++] = p->order;
        in.leader_in[in.leader_in_count++] = p->leader;
    }
    if (in.department_count == 0) {
        in.departments[in.department_count++] = WECOM_ROOT;
        in.orders[in.order_count++] = 0;
        in.leader_in[in.leader_in_count++] = false;
    }
    int code = wecom_member_update(w->directory, m, &in, &changed);
    if (code != 0)
        fprintf(stderr, "yunqiao-sim: %s cannot leave department %u: %d\n", m->userid, top->id,
                code);
    else
        wecom_notify_member_updated(w, m, changed, NULL);
}

/* Collects the branch, parents first. */
static void collect_branch(struct wecom_department *top, struct wecom_department ***items,
                           size_t *count, size_t *cap)
{
    struct wecom_department *child;
    yq_grow(items, cap, *count, sizeof **items);
    (*items)[(*count)++] = top;
    DL_FOREACH(top->children, child)
    {
        collect_branch(child, items, count, cap);
    }
}

/* The console deletes a whole branch at once; its delete_party events come in any order
 * (wecom.md §2.2). */
static int delete_branch(struct wecom *w, struct wecom_department *top)
{
    struct wecom_department **branch = NULL;
    size_t count = 0, cap = 0;
    if (top->parent == NULL)
        return 60007;
    collect_branch(top, &branch, &count, &cap);
    for (size_t i = 0; i < count; i++) {
        size_t guard = branch[i]->member_count;
        while (branch[i]->memberships != NULL && guard-- > 0)
            leave_branch(w, branch[i]->memberships->member, top);
    }
    size_t *order = wecom_shuffled(w, count);
    for (size_t i = 0; i < count; i++)
        wecom_notify_department_deleted(w, branch[order[i]]->id);
    int code = 0;
    for (size_t i = count; i-- > 0 && code == 0;)
        code = wecom_department_delete(w->directory, branch[i]);
    free(order);
    free(branch);
    return code;
}

static int delete_department(struct wecom *w, const cJSON *change)
{
    struct wecom_department *n = department_of(w, change);
    if (n == NULL)
        return 60003;
    if (yq_json_bool(change, "subtree", false))
        return delete_branch(w, n);
    uint32_t id = n->id;
    int code = wecom_department_delete(w->directory, n);
    if (code == 0)
        wecom_notify_department_deleted(w, id);
    return code;
}

static int set_range(struct wecom *w, const cJSON *change)
{
    return wecom_range_load(w->directory, change);
}

static int create_tag(struct wecom *w, const cJSON *change)
{
    struct wecom_tag *t;
    uint32_t id = 0;
    (void)wecom_get_id(yq_json_get(change, "id"), &id);
    return wecom_tag_create(w->directory, id, wecom_get_text(change, "name"), &t);
}

static void csv_add(struct yq_buf *list, const char *text)
{
    yq_buf_addf(list, "%s%s", list->len ? "," : "", text);
}

static bool holds_member(struct wecom_member **items, size_t n, const struct wecom_member *m)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] == m)
            return true;
    return false;
}

static bool holds_department(struct wecom_department **items, size_t n,
                             const struct wecom_department *department)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] == department)
            return true;
    return false;
}

/* Compares the tag with what it was; `was` holds copies of the former lists. */
static void tell_tag(struct wecom *w, const struct wecom_tag *t, const struct wecom_tag *was)
{
    struct wecom_tag_change c = {.add_members = YQ_BUF_INIT};
    char id[16];
    for (size_t i = 0; i < t->member_count; i++)
        if (!holds_member(was->members, was->member_count, t->members[i]))
            csv_add(&c.add_members, t->members[i]->userid);
    for (size_t i = 0; i < was->member_count; i++)
        if (!holds_member(t->members, t->member_count, was->members[i]))
            csv_add(&c.remove_members, was->members[i]->userid);
    for (size_t i = 0; i < t->department_count; i++)
        if (!holds_department(was->departments, was->department_count, t->departments[i])) {
            snprintf(id, sizeof id, "%u", t->departments[i]->id);
            csv_add(&c.add_departments, id);
        }
    for (size_t i = 0; i < was->department_count; i++)
        if (!holds_department(t->departments, t->department_count, was->departments[i])) {
            snprintf(id, sizeof id, "%u", was->departments[i]->id);
            csv_add(&c.remove_departments, id);
        }
    wecom_notify_tag(w, t, &c);
}

/* {"do":"set_tag","id":5,"members":[…],"departments":[…]}: the complete lists. */
static int set_tag(struct wecom *w, const cJSON *change)
{
    uint32_t id;
    const cJSON *item;
    if (!wecom_get_id(yq_json_get(change, "id"), &id))
        return 40068;
    struct wecom_tag *t = wecom_tag_find(w->directory, id);
    if (t == NULL)
        return 40068;
    struct wecom_tag was = *t; /* keeps the former arrays */
    t->members = NULL;
    t->departments = NULL;
    t->member_cap = t->department_cap = 0;
    wecom_tag_clear(w->directory, t);
    cJSON_ArrayForEach (item, yq_json_get(change, "members")) {
        struct wecom_member *m =
            cJSON_IsString(item) ? wecom_member_find(w->directory, item->valuestring) : NULL;
        if (m != NULL)
            (void)wecom_tag_add_member(w->directory, t, m);
    }
    cJSON_ArrayForEach (item, yq_json_get(change, "departments")) {
        struct wecom_department *n =
            wecom_get_id(item, &id) ? wecom_department_find(w->directory, id) : NULL;
        if (n != NULL)
            (void)wecom_tag_add_department(w->directory, t, n);
    }
    tell_tag(w, t, &was);
    free(was.members);
    free(was.departments);
    return 0;
}

static int delete_tag(struct wecom *w, const cJSON *change)
{
    uint32_t id;
    struct wecom_tag *t = NULL;
    if (wecom_get_id(yq_json_get(change, "id"), &id))
        t = wecom_tag_find(w->directory, id);
    if (t == NULL)
        return 40068;
    wecom_tag_delete(w->directory, t);
    return 0;
}

/* Who was visible, by number: the userid, or NULL. */
struct sight {
    char **userids;
    size_t count;
};

static struct sight look(struct wecom *w)
{
    struct wecom_directory *d = w->directory;
    struct sight s = {.userids = yq_calloc(d->list_len, sizeof(char *)), .count = d->list_len};
    for (size_t i = 0; i < s.count; i++)
        if (d->list[i] != NULL && wecom_sees_member(d, d->list[i]))
            s.userids[i] = yq_strdup(d->list[i]->userid);
    return s;
}

/* Tells who came into the app's range and who dropped out of it since then (wecom.md §2.4). */
static void tell_sight(struct wecom *w, struct sight *was)
{
    struct sight now = look(w);
    for (size_t i = 0; i < now.count; i++) {
        char *before = i < was->count ? was->userids[i] : NULL;
        if (before == NULL && now.userids[i] != NULL)
            wecom_notify_range(w, "subscribe", now.userids[i]);
        if (before != NULL && now.userids[i] == NULL)
            wecom_notify_range(w, "unsubscribe", before);
    }
    for (size_t i = 0; i < now.count; i++)
        free(now.userids[i]);
    free(now.userids);
}

static int run_change(struct wecom *w, const cJSON *change)
{
    static const struct {
        const char *name;
        int (*run)(struct wecom *w, const cJSON *change);
    } table[] = {
        {"create_member", create_member},
        {"update_member", update_member},
        {"delete_member", delete_member},
        {"rename_userid", rename_userid},
        {"create_department", create_department},
        {"update_department", update_department},
        {"delete_department", delete_department},
        {"set_range", set_range},
        {"create_tag", create_tag}, /* tells nobody, nor does delete_tag (wecom.md §2.2) */
        {"set_tag", set_tag},
        {"delete_tag", delete_tag},
    };
    const char *name = wecom_get_text(change, "do");
    for (size_t i = 0; name != NULL && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(name, table[i].name) == 0)
            return table[i].run(w, change);
    return 40058;
}

int wecom_console_change(struct wecom *w, const cJSON *change)
{
    struct sight was = {.count = 0};
    bool tells = w->callback->quirks.subscribe;
    if (tells)
        was = look(w);
    int code = run_change(w, change);
    if (tells && code == 0)
        tell_sight(w, &was);
    for (size_t i = 0; i < was.count; i++)
        free(was.userids[i]);
    free(was.userids);
    return code;
}
