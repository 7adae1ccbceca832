/* The world from its JSON text. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "world.h"

static const char *text(struct world *w, const cJSON *object, const char *key, const char *fallback)
{
    const char *found = yq_json_text(w->arena, object, key);
    return found != NULL ? yq_arena_strdup(w->arena, found) : fallback;
}

static int64_t number(const cJSON *object, const char *key, int64_t fallback)
{
    int64_t n = fallback;
    (void)yq_json_int(object, key, &n);
    return n;
}

static bool lists_number(const cJSON *object, const char *key, int64_t n)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(object, key)) {
        int64_t found;
        if (yq_json_item_int(item, &found) && found == n)
            return true;
    }
    return false;
}

static bool lists_text(struct world *w, const cJSON *object, const char *key, const char *wanted)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(object, key)) {
        const char *found = yq_json_item_text(w->arena, item);
        if (found != NULL && strcmp(found, wanted) == 0)
            return true;
    }
    return false;
}

/* At most `room` texts; returns how many. */
static size_t texts(struct world *w, const cJSON *list, const char **ret, size_t room)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        if (n < room)
            ret[n++] = yq_arena_strdup(w->arena, yq_json_item_text(w->arena, item));
    }
    return n;
}

/* ---- WeCom ---- */

static void load_departments(struct world *w, const cJSON *wecom)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(wecom, "departments")) {
        uint32_t id = (uint32_t)number(item, "id", 0);
        struct world_department *d = world_add_department(
            w, id, text(w, item, "name", NULL), (uint32_t)number(item, "parent", id == 1 ? 0 : 1));
        d->order = number(item, "order", 0);
        d->leader_count = texts(w, yq_json_get(item, "leaders"), d->leaders, WORLD_LEADERS);
        d->hidden = lists_number(wecom, "hidden_departments", id);
        d->unreadable = lists_number(wecom, "unreadable_departments", id);
    }
    if (world_department(w, 1) == NULL) {
        struct world_department *root = world_add_department(w, 1, "Company", 0);
        root->hidden = lists_number(wecom, "hidden_departments", 1);
        root->unreadable = lists_number(wecom, "unreadable_departments", 1);
    }
}

static void load_member(struct world *w, const cJSON *wecom, const cJSON *item)
{
    struct world_member *m =
        world_add_member(w, text(w, item, "userid", ""), text(w, item, "name", NULL));
    m->mobile = text(w, item, "mobile", "");
    m->email = text(w, item, "email", "");
    m->gender = text(w, item, "gender", "0");
    m->status = (int)number(item, "status", 1);
    const cJSON *departments = yq_json_get(item, "departments"), *id;
    m->no_departments = departments == NULL;
    cJSON_ArrayForEach (id, departments) {
        int64_t n = 0;
        if (yq_json_item_int(id, &n) && m->department_count < WORLD_MEMBER_DEPARTMENTS)
            m->departments[m->department_count++] = (uint32_t)n;
    }
    size_t at = 0;
    cJSON_ArrayForEach (id, yq_json_get(item, "orders")) {
        int64_t n = 0;
        if (yq_json_item_int(id, &n) && at < m->department_count)
            m->orders[at++] = (uint32_t)n;
    }
    m->direct_leader_count =
        texts(w, yq_json_get(item, "direct_leaders"), m->direct_leaders, WORLD_LEADERS);
    m->main_department = (uint32_t)number(item, "main_department", 0);
    m->hidden = lists_text(w, wecom, "hidden_members", m->userid);
    m->unreadable = lists_text(w, wecom, "unreadable_members", m->userid);
}

/* ---- eteams ---- */

static void load_orgs(struct world *w, const cJSON *eteams)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(eteams, "departments")) {
        const char *parent = text(w, item, "parent", "");
        bool top = strcmp(parent, "") == 0 || strcmp(parent, "0") == 0;
        struct world_org *o = world_add_org(w, text(w, item, "id", ""), text(w, item, "name", ""),
                                            top ? NULL : parent);
        o->enabled = yq_json_bool(item, "enabled", true);
        o->unreadable = lists_text(w, eteams, "unreadable_departments", o->id);
    }
}

static void load_posts(struct world *w, struct world_person *p, const cJSON *posts)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, posts) {
        const char *department = text(w, item, "department", "");
        bool ours = yq_json_bool(item, "ours", true);
        const char *id =
            yq_arena_printf(w->arena, ours ? "yq-c-%s-%s" : "hr-%s-%s", p->id, department);
        p->posts[p->post_count++] =
            (struct world_post){department, text(w, item, "external_id", id), ours};
    }
}

static void load_person(struct world *w, const cJSON *eteams, const cJSON *item)
{
    const char *id = text(w, item, "id", "");
    const cJSON *first = cJSON_GetArrayItem(yq_json_get(item, "departments"), 0);
    const char *department = first ? yq_json_item_text(w->arena, first) : NULL;
    struct world_person *p = world_add_person(w, id, text(w, item, "name", ""), department);
    p->account = text(w, item, "account", "");
    p->user_id =
        text(w, item, "user_id", *p->account ? yq_arena_printf(w->arena, "u%s", p->id) : "");
    p->mobile = text(w, item, "mobile", "");
    p->email = text(w, item, "email", "");
    p->job_num = text(w, item, "job_num", "");
    p->sex = text(w, item, "sex", "");
    p->superior = text(w, item, "superior", "");
    p->other_count = texts(w, yq_json_get(item, "others"), p->others, WORLD_LEADERS);
    p->in_service = yq_json_bool(item, "in_service", true);
    p->secondary = yq_json_bool(item, "secondary", false);
    p->unreadable = lists_text(w, eteams, "unreadable_people", p->id);
    load_posts(w, p, yq_json_get(item, "posts"));
}

static void load_eteams(struct world *w, const cJSON *eteams)
{
    const cJSON *item;
    load_orgs(w, eteams);
    cJSON_ArrayForEach (item, yq_json_get(eteams, "people"))
        load_person(w, eteams, item);
    cJSON_ArrayForEach (item, yq_json_get(eteams, "administrators")) {
        yq_grow(&w->administrators, &w->administrator_capacity, w->administrator_count,
                sizeof(*w->administrators));
        w->administrators[w->administrator_count++] =
            yq_arena_strdup(w->arena, yq_json_item_text(w->arena, item));
    }
    w->administrators_readable = yq_json_bool(eteams, "administrators_readable", true);
    w->administrators_offered = yq_json_bool(eteams, "administrators_offered", true);
    w->posts_readable = yq_json_bool(eteams, "posts_readable", true);
}

/* ---- links, events, policy ---- */

static void load_member_link(struct world *w, const cJSON *item)
{
    if (cJSON_IsString(item)) {
        world_link_member(w, item->string, item->valuestring, "account");
        return;
    }
    struct yq_link_member *l = world_link_member(w, item->string, text(w, item, "eteams", ""),
                                                 text(w, item, "how", "account"));
    l->born = number(item, "born", 0);
    l->left = yq_json_bool(item, "left", false);
    l->wrote_job_num = yq_json_bool(item, "wrote_job_num", false);
    const cJSON *heard = yq_json_get(item, "heard"), *posts = yq_json_get(item, "posts"), *post;
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++)
        l->heard_at[f] = number(heard, yq_member_field_name((enum yq_member_field)f), 0);
    const char **ids =
        yq_arena_alloc(w->arena, ((size_t)cJSON_GetArraySize(posts) + 1) * sizeof(*ids));
    cJSON_ArrayForEach (post, posts)
        ids[l->post_count++] = yq_arena_strdup(w->arena, yq_json_item_text(w->arena, post));
    l->posts = ids;
}

static void load_links(struct world *w, const cJSON *links)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(links, "departments")) {
        uint32_t id = 0;
        if (yq_wecom_id_parse(item->string, strlen(item->string), &id) == 0)
            world_link_department(w, id, yq_json_item_text(w->arena, item), "name");
    }
    cJSON_ArrayForEach (item, yq_json_get(links, "members"))
        load_member_link(w, item);
}

static int load_event(struct world *w, const cJSON *item, struct yq_error *err)
{
    enum yq_event_kind kind;
    struct yq_subject subject;
    const char *name = text(w, item, "kind", ""), *about = text(w, item, "subject", "");
    if (yq_event_kind_parse(name, &kind) != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "no such kind of event: %s", name);
    if (yq_subject_parse(about, &subject, err) != 0)
        return -1;
    const cJSON *data = yq_json_get(item, "data");
    char *printed = data ? cJSON_PrintUnformatted(data) : NULL;
    world_add_event(w, kind, subject, number(item, "at", 1), printed ? printed : "{}");
    cJSON_free(printed);
    return 0;
}

static int load_waits(struct world *w, const cJSON *waits, struct yq_error *err)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, waits) {
        yq_grow(&w->waits, &w->wait_capacity, w->wait_count, sizeof(*w->waits));
        struct world_wait *wait = &w->waits[w->wait_count++];
        if (yq_subject_parse(item->string, &wait->subject, err) != 0)
            return -1;
        wait->attempts = (unsigned)number(item, "attempts", 0);
        wait->waited_ms = number(item, "waited_ms", 0);
    }
    return 0;
}

/* The place of a word in a NULL-ended list; the first where there is none. */
static int choice(struct world *w, const cJSON *policy, const char *key, const char *const *words)
{
    const char *chosen = text(w, policy, key, "");
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], chosen) == 0)
            return i;
    }
    return 0;
}

static char **load_texts(struct world *w, const cJSON *list)
{
    char **texts =
        yq_arena_alloc(w->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*texts));
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, list)
        texts[n++] = yq_arena_strdup(w->arena, yq_json_item_text(w->arena, item));
    return list ? texts : NULL;
}

static void load_policy(struct world *w, const cJSON *policy)
{
    static const char *const job_nums[] = {"when_needed", "never", "always", NULL};
    static const char *const modes[] = {"incremental", "full", "none", NULL};
    static const char *const disabled[] = {"keep", "resign", NULL};
    static const char *const sources[] = {"direct_leader", "department", NULL};
    struct yq_policy *p = &w->policy;
    const cJSON *departments = yq_json_get(policy, "never_touch_departments"), *item;
    p->write_job_num = (enum yq_write_job_num)choice(w, policy, "write_job_num", job_nums);
    p->part_time = (enum yq_part_time)choice(w, policy, "part_time", modes);
    p->disabled_members = (enum yq_disabled_members)choice(w, policy, "disabled_members", disabled);
    p->disable_departments = yq_json_bool(policy, "disable_departments", false);
    p->rename_root = yq_json_bool(policy, "rename_root", false);
    p->superiors = yq_json_bool(policy, "superiors", false);
    p->superior_source = (enum yq_superior_source)choice(w, policy, "superior_source", sources);
    p->removals.max = number(policy, "removals_max", 20);
    p->removals.percent = number(policy, "removals_percent", 10);
    p->removals.per_day = number(policy, "removals_per_day", 0);
    p->not_ready_ms = number(policy, "not_ready_ms", 600000);
    p->protected_ids = load_texts(w, yq_json_get(policy, "protected_ids"));
    p->never_touch_members = load_texts(w, yq_json_get(policy, "never_touch_members"));
    p->never_touch_departments =
        yq_arena_alloc(w->arena, ((size_t)cJSON_GetArraySize(departments) + 1) * sizeof(uint32_t));
    cJSON_ArrayForEach (item, departments) {
        int64_t id = 0;
        (void)yq_json_item_int(item, &id);
        p->never_touch_departments[p->never_touch_department_count++] = (uint32_t)id;
    }
}

struct world *world_load(const char *json, size_t len, struct yq_error *err)
{
    struct world *w = NULL, *made = world_new();
    cJSON *tree = yq_json_parse(json, len, err);
    if (tree == NULL)
        goto out;
    const cJSON *wecom = yq_json_get(tree, "wecom"), *item;
    load_departments(made, wecom);
    cJSON_ArrayForEach (item, yq_json_get(wecom, "members"))
        load_member(made, wecom, item);
    made->sensitive_readable = yq_json_bool(wecom, "sensitive_readable", true);
    made->direct_leaders_readable = yq_json_bool(wecom, "direct_leaders_readable", true);
    made->leaders_readable = yq_json_bool(wecom, "leaders_readable", true);
    load_eteams(made, yq_json_get(tree, "eteams"));
    load_links(made, yq_json_get(tree, "links"));
    load_policy(made, yq_json_get(tree, "policy"));
    made->whole_eteams = yq_json_bool(tree, "whole_eteams", false);
    cJSON_ArrayForEach (item, yq_json_get(tree, "events")) {
        if (load_event(made, item, err) != 0)
            goto out;
    }
    if (load_waits(made, yq_json_get(tree, "attempts"), err) != 0)
        goto out;
    w = made;
    made = NULL;
out:
    world_free(made);
    cJSON_Delete(tree);
    return w;
}
