/* Puts departments, members, posts, administrators and locks into the tenant as JSON says, without
 * asking any rule. All fields of eteams_tenant.h are taken by their names.
 *
 * A record whose id is known is changed in the fields that are given, others are added; an id that
 * is left out is made up. "root" stands for the root's id. A department whose parent is "0" is the
 * root: if its id is another one than before, the tenant starts anew with it. A member's
 * departments are an array, the main one first; for the others a manual post is made unless there
 * is a post already. */
#include "eteams_tenant.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

struct loader {
    struct et_tenant *tenant;
    struct yq_arena *arena;
};

/* The id of an organisation, "root" replaced; NULL if it is none. */
static const char *org_id(struct loader *l, const cJSON *item)
{
    const char *text = yq_json_item_text(l->arena, item);
    return text != NULL && strcmp(text, "root") == 0 ? l->tenant->root : text;
}

static const char *joined_ids(struct loader *l, const cJSON *array)
{
    const char *joined = "";
    const cJSON *item;
    cJSON_ArrayForEach (item, array) {
        const char *id = yq_json_item_text(l->arena, item);
        if (id != NULL)
            joined = yq_arena_printf(l->arena, "%s%s%s", joined, joined[0] ? "," : "", id);
    }
    return joined;
}

/* The value of one field: NULL if it is not given. */
static const char *value_of(struct loader *l, const cJSON *row, const char *name)
{
    const cJSON *item = yq_json_get(row, name);
    if (strcmp(name, "department") == 0)
        return org_id(l, cJSON_IsArray(item) ? cJSON_GetArrayItem(item, 0) : item);
    if (strcmp(name, "parent") == 0 || strcmp(name, "departmentId") == 0)
        return org_id(l, item);
    return cJSON_IsArray(item) ? joined_ids(l, item) : yq_json_item_text(l->arena, item);
}

/* Finds the record of that id and changes it, or adds one with the defaults. */
static struct et_record *put(struct loader *l, struct et_table *t, const cJSON *row, bool keyed,
                             const char *const *defaults)
{
    const char *value[ET_FIELDS] = {0};
    for (int f = 0; f < t->schema->fields; f++)
        value[f] = value_of(l, row, t->schema->names[f]);
    if (keyed && value[0] != NULL) {
        et_tenant_saw_id(l->tenant, value[0]);
        struct et_record *r = et_find(t, 0, value[0]);
        for (int f = 1; r != NULL && f < t->schema->fields; f++)
            if (value[f] != NULL)
                et_table_set(t, r, f, value[f]);
        if (r != NULL)
            return r;
    }
    char id[ET_ID_SIZE];
    if (keyed && value[0] == NULL) {
        et_tenant_next_id(l->tenant, id);
        value[0] = id;
    }
    for (int f = 0; f < t->schema->fields; f++)
        if (value[f] == NULL)
            value[f] = defaults[f];
    return et_table_add(t, value);
}

static void put_org(struct loader *l, const cJSON *row)
{
    char now[ET_TIME_SIZE];
    et_time_text(sim_now_ms(), now);
    const char *name = yq_json_text(l->arena, row, "name");
    const char *defaults[ORG_FIELDS] = {
        [ORG_NAME] = name,         [ORG_FULLNAME] = name,   [ORG_PARENT] = l->tenant->root,
        [ORG_TYPE] = "department", [ORG_STATUS] = "1",      [ORG_DISPORDER] = "1",
        [ORG_CREATE_TIME] = now,   [ORG_UPDATE_TIME] = now,
    };
    (void)put(l, &l->tenant->orgs, row, true, defaults);
}

/* Somebody in service with a mobile, an e-mail or an account has a user id too. */
static void put_member(struct loader *l, cJSON *row)
{
    char now[ET_TIME_SIZE], user_id[ET_ID_SIZE];
    et_time_text(sim_now_ms(), now);
    et_tenant_next_id(l->tenant, user_id);
    const char *status = yq_json_text(l->arena, row, "personnel_status");
    bool in_service = status == NULL || (status[0] >= '1' && status[0] <= '5');
    const char *mobile = yq_json_text(l->arena, row, "mobile");
    const char *account = mobile && mobile[0] ? mobile : yq_json_text(l->arena, row, "email");
    const char *given = yq_json_text(l->arena, row, "account");
    const char *login = given ? given : account ? account : "";
    bool owns = in_service && login[0] != '\0';
    const char *defaults[EMP_FIELDS] = {
        [EMP_USER_ID] = owns ? user_id : "",
        [EMP_ACCOUNT] = owns ? login : "",
        [EMP_DEPARTMENT] = l->tenant->root,
        [EMP_PERSONNEL_STATUS] = "3",
        [EMP_STATUS] = in_service ? "normal" : "resigned",
        [EMP_ACTIVATED] = "1",
        [EMP_LOCKED] = "0",
        [EMP_IDENTITY] = "main",
        [EMP_CREATE_TIME] = now,
        [EMP_UPDATE_TIME] = now,
    };
    struct et_record *e = put(l, &l->tenant->employees, row, true, defaults);
    cJSON *id = cJSON_CreateString(et_text(e, EMP_ID)); /* for put_member_posts */
    cJSON_DeleteItemFromObjectCaseSensitive(row, "id");
    cJSON_AddItemToObject(row, "id", id);
}

static void put_post(struct loader *l, const char *employee, const char *department,
                     const cJSON *row)
{
    struct et_table *t = &l->tenant->posts;
    const char *sync_id = yq_json_text(l->arena, row, "externalSyncId");
    struct et_record *old = et_find(t, POST_BY_SYNC_ID, sync_id);
    if (old != NULL)
        et_table_remove(t, old);
    const char *defaults[POST_FIELDS] = {
        [POST_EMPLOYEE] = employee,
        [POST_TYPE] = "manual",
        [POST_SYNC_ID] = yq_arena_printf(l->arena, "manual-%s-%s", employee, department),
        [POST_DEPARTMENT] = department,
    };
    (void)put(l, t, row, false, defaults);
}

static bool has_post(const struct et_tenant *t, const char *employee, const char *department)
{
    const struct et_record *p = et_find(&t->posts, POST_BY_EMPLOYEE, employee);
    while (p != NULL && !et_is(p, POST_DEPARTMENT, department))
        p = et_next(p, POST_BY_EMPLOYEE);
    return p != NULL;
}

static void put_member_posts(struct loader *l, const cJSON *row)
{
    const cJSON *departments = yq_json_get(row, "department");
    const char *employee = yq_json_text(l->arena, row, "id");
    for (int i = 1; i < cJSON_GetArraySize(departments); i++) {
        const char *department = org_id(l, cJSON_GetArrayItem(departments, i));
        if (department != NULL && !has_post(l->tenant, employee, department))
            put_post(l, employee, department, NULL);
    }
}

static void put_admin(struct loader *l, const cJSON *row)
{
    struct et_table *t = &l->tenant->admins;
    const char *id = yq_json_text(l->arena, row, "id");
    struct et_record *old = et_find(t, ADMIN_BY_EMPLOYEE, id);
    if (old != NULL)
        et_table_remove(t, old);
    const char *defaults[ADMIN_FIELDS] = {[ADMIN_TYPE] = "super"};
    if (id != NULL)
        (void)put(l, t, row, false, defaults);
}

/* Starts anew where the rows bring another root; without the usual administrator if they bring any.
 */
static void adopt_root(struct loader *l, const cJSON *departments, bool admins)
{
    struct et_tenant *t = l->tenant;
    const cJSON *row;
    cJSON_ArrayForEach (row, departments) {
        const char *parent = yq_json_text(l->arena, row, "parent");
        const char *id = yq_json_text(l->arena, row, "id");
        if (parent == NULL || strcmp(parent, "0") != 0 || id == NULL || strlen(id) >= ET_ID_SIZE)
            continue;
        if (strcmp(id, t->root) == 0)
            return;
        et_tenant_start_with_root(t, t->seed, id, yq_json_text(l->arena, row, "name"));
        if (admins) {
            et_table_clear(&t->employees);
            et_table_clear(&t->admins);
        }
        return;
    }
}

static void load_lists(struct loader *l, cJSON *const *list)
{
    cJSON *row;
    cJSON_ArrayForEach (row, list[0])
        put_org(l, row);
    cJSON_ArrayForEach (row, list[1])
        put_member(l, row);
    cJSON_ArrayForEach (row, list[2]) {
        const char *employee = yq_json_text(l->arena, row, "id");
        const char *department = value_of(l, row, "departmentId");
        if (employee != NULL)
            put_post(l, employee, department ? department : "", row);
    }
    cJSON_ArrayForEach (row, list[1])
        put_member_posts(l, row);
    cJSON_ArrayForEach (row, list[3])
        put_admin(l, row);
    const char *defaults[LOCK_FIELDS] = {[LOCK_BY] = "admin"};
    cJSON_ArrayForEach (row, list[4])
        (void)put(l, &l->tenant->locks, row, false, defaults);
}

int et_tenant_load(struct et_tenant *t, cJSON *json, struct yq_error *err)
{
    static const char *const lists[] = {"departments", "members", "posts", "admins", "locks"};
    cJSON *list[5];
    for (size_t i = 0; i < 5; i++) {
        list[i] = cJSON_GetObjectItemCaseSensitive(json, lists[i]);
        if (list[i] != NULL && !cJSON_IsArray(list[i]))
            return yq_error_set(err, YQ_ERROR_INVALID, "%s is not an array", lists[i]);
    }
    struct loader l = {t, yq_arena_new()};
    adopt_root(&l, list[0], list[3] != NULL);
    load_lists(&l, list);
    yq_arena_free(l.arena);
    return 0;
}
