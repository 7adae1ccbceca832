/* What an eteams administrator does by hand: the same rows as those of the interface, with its
 * rules, but not counted as written by it, and traced as "manual". */
#include <stdlib.h>
#include <string.h>

#include "eteams_call.h"
#include "eteams_print.h"

static int refuse(struct yq_error *err, int code, const char *text)
{
    (void)yq_error_set(err, YQ_ERROR_REFUSED, "%s", text);
    err->code = code;
    return -1;
}

/* A manual post has its own key, which follows from person and department. */
static void complete_post(struct et_call *call, cJSON *row, bool remove)
{
    const char *key =
        yq_arena_printf(call->arena, "manual-%s-%s", yq_json_text(call->arena, row, "id"),
                        yq_json_text(call->arena, row, "departmentId"));
    cJSON_AddStringToObject(row, "externalSyncType", "manual");
    cJSON_AddStringToObject(row, "externalSyncId", key);
    cJSON_AddStringToObject(row, "deleted", remove ? "1" : "0");
}

static int set_admin(struct et_call *call, struct et_row *row)
{
    struct et_tenant *t = &call->sim->tenant;
    const char *id = yq_json_text(call->arena, row->json, "id");
    const char *type = yq_json_text(call->arena, row->json, "adminType");
    if (et_find(&t->employees, EMP_BY_ID, id) == NULL)
        return et_refuse(row, 410006, "employee not found");
    struct et_change change = {.value = {id, type ? type : "super"}};
    (void)et_write(&call->writer, &t->admins, et_find(&t->admins, ADMIN_BY_EMPLOYEE, id), &change);
    return 0;
}

static int remove_admin(struct et_call *call, struct et_row *row)
{
    struct et_table *admins = &call->sim->tenant.admins;
    struct et_record *a =
        et_find(admins, ADMIN_BY_EMPLOYEE, yq_json_text(call->arena, row->json, "id"));
    if (a == NULL)
        return et_refuse(row, 410006, "not an administrator");
    et_write_removal(&call->writer, admins, a);
    return 0;
}

static int lock_field(struct et_call *call, struct et_row *row)
{
    struct et_tenant *t = &call->sim->tenant;
    const char *field = yq_json_text(call->arena, row->json, "field");
    const char *source = yq_json_text(call->arena, row->json, "source");
    if (field == NULL || et_field_named(t->employees.schema, field) < 0)
        return et_refuse(row, 410001, "no such field");
    struct et_change change = {.value = {field, source ? source : "manual", "admin"}};
    (void)et_write(&call->writer, &t->locks, NULL, &change);
    return 0;
}

static int unlock_field(struct et_call *call, struct et_row *row)
{
    struct et_table *locks = &call->sim->tenant.locks;
    const char *field = yq_json_text(call->arena, row->json, "field");
    struct et_record *lock;
    while ((lock = et_find(locks, LOCK_BY_FIELD, field)) != NULL)
        et_write_removal(&call->writer, locks, lock);
    return 0;
}

static const struct action {
    const char *name;
    et_row_handler *run;
    bool needs_id;
} actions[] = {
    {"create_member", et_employee_sync_row, false},
    {"update_member", et_employee_sync_row, true},
    {"resign_member", et_employee_resign_row, true},
    {"rehire_member", et_employee_rehire_row, true},
    {"create_department", et_org_sync_row, false},
    {"update_department", et_org_sync_row, true},
    {"rename_department", et_org_sync_row, true},
    {"move_department", et_org_sync_row, true},
    {"disable_department", et_org_disable_row, true},
    {"enable_department", et_org_enable_row, true},
    {"add_post", et_extra_sync_row, true},
    {"remove_post", et_extra_sync_row, true},
    {"make_admin", set_admin, true},
    {"remove_admin", remove_admin, true},
    {"lock", lock_field, false},
    {"unlock", unlock_field, false},
};

static const struct action *action_of(const cJSON *json)
{
    const char *name = cJSON_GetStringValue(yq_json_get(json, "do"));
    for (size_t i = 0; name != NULL && i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

static void replace_root(const struct et_tenant *t, cJSON *row)
{
    static const char *const names[] = {"id", "parent", "department", "departmentId"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = cJSON_GetStringValue(yq_json_get(row, names[i]));
        if (text != NULL && strcmp(text, "root") == 0)
            cJSON_ReplaceItemInObjectCaseSensitive(row, names[i], cJSON_CreateString(t->root));
    }
}

static int change_one(struct et_call *call, const cJSON *json, struct yq_buf *ids,
                      struct yq_error *err)
{
    const struct action *action = action_of(json);
    if (action == NULL)
        return yq_error_set(err, YQ_ERROR_INVALID, "\"do\" is missing or not known");
    const char *id = yq_json_text(call->arena, json, "id");
    if (action->needs_id != (id != NULL))
        return yq_error_set(err, YQ_ERROR_INVALID, "%s %s an id", action->name,
                            action->needs_id ? "needs" : "does not take");
    cJSON *copy = cJSON_Duplicate(json, true);
    replace_root(&call->sim->tenant, copy);
    if (action->run == et_extra_sync_row)
        complete_post(call, copy, strcmp(action->name, "remove_post") == 0);
    struct et_row row = {.json = copy, .kind = ET_UPDATE, .text = ""};
    int code = et_run_row(call, &row, action->run);
    const char *done = row.id ? row.id : id;
    yq_buf_adds(ids, ids->len > 0 ? "," : "");
    yq_buf_add_json_string(ids, code == 0 && done ? done : "");
    cJSON_Delete(copy);
    return code == 0 ? 0 : refuse(err, code, row.text);
}

int et_change(struct et_sim *sim, const cJSON *json, struct yq_buf *out, struct yq_error *err)
{
    struct et_call call = {.sim = sim, .name = "manual", .arena = yq_arena_new()};
    call.writer = (struct et_writer){
        .tenant = &sim->tenant, .journal = &sim->journal, .call = "manual", .manual = true};
    struct yq_buf ids = YQ_BUF_INIT;
    const cJSON *item, *list = cJSON_IsArray(json) ? json : NULL;
    int rc = 0, index = 0;
    if (list == NULL)
        rc = change_one(&call, json, &ids, err);
    cJSON_ArrayForEach (item, list) {
        rc = change_one(&call, item, &ids, err);
        if (rc < 0)
            break;
        index++;
    }
    yq_buf_addf(out, "{\"ids\":[%s]", yq_buf_text(&ids));
    if (rc < 0)
        yq_buf_addf(out, ",\"index\":%d", index);
    yq_buf_addc(out, '}');
    yq_buf_release(&ids);
    yq_arena_free(call.arena);
    return rc;
}
