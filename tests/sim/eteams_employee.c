/* Employees by syncEmployee: adding and changing people, with all that is checked (§1.7, §2.4, §3).
 */
#include <stdio.h>
#include <string.h>

#include "eteams_call.h"

#define CHAIN_MAX 1000 /* superiors above one another; more is a cycle */

static const char *after(const struct et_record *self, const struct et_change *change, int field)
{
    if (change->value[field] != NULL)
        return change->value[field];
    return self ? et_text(self, field) : "";
}

/* A field that somebody locked: the interface may pass its own locks, a hand none. */
static bool is_locked(const struct et_call *call, const char *field)
{
    const struct et_record *lock = et_find(&call->sim->tenant.locks, LOCK_BY_FIELD, field);
    for (; lock != NULL; lock = et_next(lock, LOCK_BY_FIELD))
        if (call->writer.manual || !et_is(lock, LOCK_BY, "api"))
            return true;
    return false;
}

static int take_texts(struct et_call *call, struct et_row *row, struct et_change *change)
{
    static const int fields[] = {EMP_USERNAME, EMP_ALIAS,     EMP_ACCOUNT,  EMP_JOB_NUM,
                                 EMP_MOBILE,   EMP_TELEPHONE, EMP_EMAIL,    EMP_SEX,
                                 EMP_POSITION, EMP_HIREDATE,  EMP_LOCATION, EMP_PERSONNEL_STATUS};
    const struct et_schema *schema = call->sim->tenant.employees.schema;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *name = schema->names[fields[i]];
        if (yq_json_get(row->json, name) == NULL)
            continue;
        const char *text = yq_json_text(call->arena, row->json, name);
        if (text == NULL)
            return et_refuse(row, 410001, "a member is of the wrong type");
        if (is_locked(call, name))
            return et_refuse(row, 410018, "the field is locked by another source");
        change->value[fields[i]] = text;
    }
    const char *sex = change->value[EMP_SEX];
    if (sex != NULL && sex[0] && strcmp(sex, "male") != 0 && strcmp(sex, "female") != 0)
        return et_refuse(row, 410001, "sex is neither male nor female");
    const char *fault =
        change->value[EMP_USERNAME] ? et_name_fault(call, change->value[EMP_USERNAME]) : NULL;
    return fault != NULL ? et_refuse(row, 410001, fault) : 0;
}

static int take_department(struct et_call *call, struct et_row *row, struct et_change *change)
{
    if (yq_json_get(row->json, "department") == NULL)
        return 0;
    const char *key = yq_json_text(call->arena, row->json, "department");
    struct et_record *org = NULL;
    int code = et_find_org(call, et_rule(call, "department"), key, &org);
    if (code != 0)
        return et_refuse(row, code, "the rule for the department does not lead to one record");
    if (org == NULL || !et_is(org, ORG_STATUS, "1"))
        return et_refuse(row, 410003, "the department is not there or disabled");
    change->value[EMP_DEPARTMENT] = et_text(org, ORG_ID);
    return 0;
}

/* Would `self` come above himself if `superior` were his superior? */
static bool makes_cycle(const struct et_call *call, const struct et_record *self,
                        const struct et_record *superior)
{
    for (int i = 0; superior != NULL && i < CHAIN_MAX; i++) {
        if (superior == self)
            return true;
        superior =
            et_find(&call->sim->tenant.employees, EMP_BY_ID, et_text(superior, EMP_SUPERIOR));
    }
    return superior != NULL;
}

/* The id of a superior by the employee rule, checked. */
static int find_superior(struct et_call *call, struct et_row *row, const struct et_record *self,
                         const cJSON *item, const char **ret_id)
{
    const char *key = yq_json_item_text(call->arena, item);
    struct et_record *superior = NULL;
    int code = et_find_employee(call, et_rule(call, "employee"), key, &superior);
    if (code != 0)
        return et_refuse(row, code, "the rule for the superior does not lead to one record");
    if (superior == NULL || superior == self || !et_in_service(superior))
        return et_refuse(row, 410010, "a superior is not in service, or the person himself");
    *ret_id = et_text(superior, EMP_ID);
    return 0;
}

static int take_superior(struct et_call *call, struct et_row *row, const struct et_record *self,
                         struct et_change *change)
{
    const cJSON *item = yq_json_get(row->json, "superior");
    if (item == NULL)
        return 0;
    if (is_locked(call, "superior"))
        return et_refuse(row, 410018, "the field is locked by another source");
    change->value[EMP_SUPERIOR] = "";
    if (cJSON_IsString(item) && item->valuestring[0] == '\0')
        return 0;
    int code = find_superior(call, row, self, item, &change->value[EMP_SUPERIOR]);
    if (code != 0)
        return code;
    const struct et_record *superior =
        et_find(&call->sim->tenant.employees, EMP_BY_ID, change->value[EMP_SUPERIOR]);
    if (self != NULL && makes_cycle(call, self, superior))
        return et_refuse(row, 410010, "the superiors would make a cycle");
    return 0;
}

static int take_other_superiors(struct et_call *call, struct et_row *row,
                                const struct et_record *self, struct et_change *change)
{
    const cJSON *array = yq_json_get(row->json, "other_superior"), *item;
    if (array == NULL)
        return 0;
    if (!cJSON_IsArray(array))
        return et_refuse(row, 410001, "other_superior is not an array");
    if (is_locked(call, "other_superior"))
        return et_refuse(row, 410018, "the field is locked by another source");
    const char *joined = "", *id;
    cJSON_ArrayForEach (item, array) {
        int code = find_superior(call, row, self, item, &id);
        if (code != 0)
            return code;
        joined = yq_arena_printf(call->arena, "%s%s%s", joined, joined[0] ? "," : "", id);
    }
    change->value[EMP_OTHER_SUPERIOR] = joined;
    return 0;
}

int et_check_keys(struct et_call *call, struct et_row *row, const struct et_record *self,
                  const char *const keys[3])
{
    static const int indexes[] = {EMP_BY_ACCOUNT, EMP_BY_MOBILE, EMP_BY_EMAIL};
    static const char *const texts[] = {"the account is used by another person",
                                        "the mobile is used by another person",
                                        "the email is used by another person"};
    for (size_t i = 0; i < 3; i++) {
        const struct et_record *e = et_find(&call->sim->tenant.employees, indexes[i], keys[i]);
        for (; e != NULL; e = et_next(e, indexes[i]))
            if (e != self && et_owns_account(e))
                return et_refuse(row, 410007, texts[i]);
    }
    return 0;
}

int et_check_licence(struct et_call *call, struct et_row *row)
{
    int64_t limit = call->sim->options.licence_limit, used = 0;
    const struct et_table *t = &call->sim->tenant.employees;
    for (size_t i = 0; limit > 0 && i < t->count; i++)
        used += et_in_service(t->rows[i]);
    return limit > 0 && used >= limit ? et_refuse(row, 410019, "the licence is used up") : 0;
}

/* A login that is the mobile or the e-mail follows it when that changes, also to nothing: a
 * number that was given up is free for another. */
static void follow_account(const struct et_record *self, struct et_change *change)
{
    const char *account = et_text(self, EMP_ACCOUNT);
    static const int fields[] = {EMP_MOBILE, EMP_EMAIL};
    for (size_t i = 0; i < 2 && change->value[EMP_ACCOUNT] == NULL; i++) {
        if (change->value[fields[i]] == NULL || !et_is(self, fields[i], account))
            continue;
        const char *other = after(self, change, fields[1 - i]);
        change->value[EMP_ACCOUNT] = change->value[fields[i]][0] ? change->value[fields[i]] : other;
    }
}

/* Gives an account to who has something to bind it to, and sees that no key is another's (§2.4). */
static int settle_account(struct et_call *call, struct et_row *row, const struct et_record *self,
                          struct et_change *change)
{
    bool had = self != NULL && self->field[EMP_USER_ID] != NULL;
    const char *mobile = after(self, change, EMP_MOBILE), *email = after(self, change, EMP_EMAIL);
    const char *account = after(self, change, EMP_ACCOUNT);
    if (strcmp(after(self, change, EMP_IDENTITY), "secondary") == 0)
        return 0;
    if (had) {
        follow_account(self, change);
        return et_check_keys(call, row, self,
                             (const char *[]){change->value[EMP_ACCOUNT], change->value[EMP_MOBILE],
                                              change->value[EMP_EMAIL]});
    }
    if (account[0] == '\0')
        account = mobile[0] ? mobile : email;
    if (account[0] == '\0')
        return 0; /* stays without account */
    int code = et_check_keys(call, row, self, (const char *[]){account, mobile, email});
    if (code != 0)
        return code;
    char user_id[ET_ID_SIZE];
    et_tenant_next_id(&call->sim->tenant, user_id);
    change->value[EMP_USER_ID] = yq_arena_strdup(call->arena, user_id);
    change->value[EMP_ACCOUNT] = account;
    change->value[EMP_ACTIVATED] = "0";
    return 0;
}

static int check_job_num(struct et_call *call, struct et_row *row, const struct et_record *self,
                         const struct et_change *change)
{
    const struct et_record *e =
        et_find(&call->sim->tenant.employees, EMP_BY_JOB_NUM, change->value[EMP_JOB_NUM]);
    for (; e != NULL; e = et_next(e, EMP_BY_JOB_NUM))
        if (e != self)
            return et_refuse(row, 410008, "job_num is already used");
    return 0;
}

static int check_status(struct et_call *call, struct et_row *row, struct et_record *self,
                        struct et_change *change)
{
    const char *status = change->value[EMP_PERSONNEL_STATUS];
    if (status == NULL)
        return 0;
    if (strlen(status) > 2 ||
        strstr(",1,2,3,4,5,6,7,9,10,", yq_arena_printf(call->arena, ",%s,", status)) == NULL)
        return et_refuse(row, 410001, "personnel_status is not known");
    bool stays = status[0] >= '1' && status[0] <= '5' && status[1] == '\0';
    if (self == NULL)
        return stays ? 0 : et_refuse(row, 410001, "nobody is added as a leaver");
    if (!et_in_service(self))
        return stays ? et_refuse(row, 410001, "people are taken back by rehireEmployee")
                     : et_refuse(row, 410011, "already left");
    return stays ? 0 : et_leave(call, row, self, status, change);
}

static int add_employee(struct et_call *call, struct et_row *row, struct et_change *change)
{
    if (change->value[EMP_USERNAME] == NULL || change->value[EMP_DEPARTMENT] == NULL)
        return et_refuse(row, 410001, "username and department are needed to add");
    int code = et_check_licence(call, row);
    if (code != 0 || (code = settle_account(call, row, NULL, change)) != 0)
        return code;
    char id[ET_ID_SIZE];
    et_tenant_next_id(&call->sim->tenant, id);
    change->value[EMP_ID] = id;
    if (change->value[EMP_PERSONNEL_STATUS] == NULL)
        change->value[EMP_PERSONNEL_STATUS] = "3";
    change->value[EMP_STATUS] = "normal";
    change->value[EMP_ACTIVATED] = change->value[EMP_LOCKED] = "0";
    change->value[EMP_IDENTITY] = "main";
    row->kind = ET_CREATE;
    row->id = et_text(et_write(&call->writer, &call->sim->tenant.employees, NULL, change), EMP_ID);
    return 0;
}

static int change_employee(struct et_call *call, struct et_row *row, struct et_record *self,
                           struct et_change *change)
{
    row->id = et_text(self, EMP_ID);
    bool leaves = row->kind == ET_RESIGN;
    int code = leaves || !et_in_service(self) ? 0 : settle_account(call, row, self, change);
    if (code == 0)
        (void)et_write(&call->writer, &call->sim->tenant.employees, self, change);
    return code;
}

int et_employee_sync_row(struct et_call *call, struct et_row *row)
{
    struct et_record *self = NULL;
    struct et_change change = {0};
    const char *rule = et_rule(call, "employee");
    const char *key = yq_json_text(call->arena, row->json, rule);
    bool by_id = strcmp(rule, "id") == 0;
    if (!by_id && (key == NULL || key[0] == '\0'))
        return et_refuse(row, 410001, "the member of the rule is missing");
    int code = et_find_employee(call, rule, key, &self);
    if (code != 0)
        return et_refuse(row, code, "the rule does not lead to one record");
    if (self == NULL && by_id && key != NULL && key[0] != '\0')
        return et_refuse(row, 410006, "employee not found");
    if ((code = take_texts(call, row, &change)) != 0 ||
        (code = take_department(call, row, &change)) != 0 ||
        (code = take_superior(call, row, self, &change)) != 0 ||
        (code = take_other_superiors(call, row, self, &change)) != 0 ||
        (code = check_job_num(call, row, self, &change)) != 0 ||
        (code = check_status(call, row, self, &change)) != 0)
        return code;
    return self != NULL ? change_employee(call, row, self, &change)
                        : add_employee(call, row, &change);
}
