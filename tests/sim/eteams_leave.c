/* Leaving and coming back: what happens to posts, department, account and role (§1.7, §1.12). */
#include <string.h>

#include "eteams_call.h"

static bool is_super(const struct et_call *call, const struct et_record *employee)
{
    const struct et_record *a =
        et_find(&call->sim->tenant.admins, ADMIN_BY_EMPLOYEE, et_text(employee, EMP_ID));
    return a != NULL && et_is(a, ADMIN_TYPE, "super");
}

/* Is there no other super administrator in service? */
static bool is_last_super(const struct et_call *call, const struct et_record *employee)
{
    const struct et_tenant *t = &call->sim->tenant;
    if (!is_super(call, employee))
        return false;
    for (size_t i = 0; i < t->admins.count; i++) {
        const struct et_record *a = t->admins.rows[i];
        const struct et_record *e = et_find(&t->employees, EMP_BY_ID, et_text(a, ADMIN_EMPLOYEE));
        if (e != NULL && e != employee && et_in_service(e) && et_is(a, ADMIN_TYPE, "super"))
            return false;
    }
    return true;
}

static void remove_posts(struct et_call *call, const char *id)
{
    struct et_table *posts = &call->sim->tenant.posts;
    struct et_record *p;
    while ((p = et_find(posts, POST_BY_EMPLOYEE, id)) != NULL)
        et_write_removal(&call->writer, posts, p);
}

int et_leave(struct et_call *call, struct et_row *row, struct et_record *employee,
             const char *status, struct et_change *change)
{
    struct et_tenant *t = &call->sim->tenant;
    if (is_last_super(call, employee))
        return et_refuse(row, 410009, "the last administrator cannot leave");
    remove_posts(call, et_text(employee, EMP_ID));
    struct et_record *role = et_find(&t->admins, ADMIN_BY_EMPLOYEE, et_text(employee, EMP_ID));
    if (role != NULL)
        et_write_removal(&call->writer, &t->admins, role);
    change->value[EMP_PERSONNEL_STATUS] = status;
    change->value[EMP_STATUS] = "resigned";
    change->value[EMP_DEPARTMENT] = t->root;
    change->value[EMP_LAST_USER_ID] = yq_arena_strdup(call->arena, et_text(employee, EMP_USER_ID));
    change->value[EMP_LAST_ACCOUNT] = yq_arena_strdup(call->arena, et_text(employee, EMP_ACCOUNT));
    change->value[EMP_USER_ID] = change->value[EMP_ACCOUNT] = "";
    row->kind = ET_RESIGN;
    return 0;
}

int et_employee_resign_row(struct et_call *call, struct et_row *row)
{
    struct et_table *t = &call->sim->tenant.employees;
    struct et_change change = {0};
    struct et_record *e = et_find(t, EMP_BY_ID, yq_json_text(call->arena, row->json, "id"));
    if (e == NULL)
        return et_refuse(row, 410006, "employee not found");
    row->id = et_text(e, EMP_ID);
    if (!et_in_service(e))
        return et_refuse(row, 410011, "already left");
    int code = et_leave(call, row, e, "6", &change);
    if (code == 0)
        (void)et_write(&call->writer, t, e, &change);
    return code;
}

/* The account of before, if nobody in service took it or the mobile or e-mail in the meantime. */
static void bind_again(struct et_call *call, struct et_row *row, const struct et_record *e,
                       struct et_change *change)
{
    const char *keys[] = {e->field[EMP_LAST_ACCOUNT], e->field[EMP_MOBILE], e->field[EMP_EMAIL]};
    if (e->field[EMP_LAST_USER_ID] == NULL || et_check_keys(call, row, e, keys) != 0)
        return;
    change->value[EMP_USER_ID] = yq_arena_strdup(call->arena, e->field[EMP_LAST_USER_ID]);
    change->value[EMP_ACCOUNT] = yq_arena_strdup(call->arena, et_text(e, EMP_LAST_ACCOUNT));
    change->value[EMP_LAST_USER_ID] = change->value[EMP_LAST_ACCOUNT] = "";
}

int et_employee_rehire_row(struct et_call *call, struct et_row *row)
{
    struct et_table *t = &call->sim->tenant.employees;
    struct et_change change = {0};
    struct et_record *e = et_find(t, EMP_BY_ID, yq_json_text(call->arena, row->json, "id"));
    row->kind = ET_REHIRE;
    if (e == NULL)
        return et_refuse(row, 410006, "employee not found");
    row->id = et_text(e, EMP_ID);
    if (et_in_service(e))
        return et_refuse(row, 410012, "already in service");
    int code = et_check_licence(call, row);
    if (code != 0)
        return code;
    bind_again(call, row, e, &change);
    change.value[EMP_PERSONNEL_STATUS] = "3";
    change.value[EMP_STATUS] = "normal";
    (void)et_write(&call->writer, t, e, &change);
    return 0;
}
