/* Organisation nodes: adding, changing, enabling and disabling them (§1.8, §2.3). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "eteams_call.h"

#define DEPTH_MAX 1000 /* above that it is a cycle */

/* The name without blanks around it. */
static const char *trimmed(struct et_call *call, const char *name)
{
    while (isspace((unsigned char)*name))
        name++;
    size_t len = strlen(name);
    while (len > 0 && isspace((unsigned char)name[len - 1]))
        len--;
    return yq_arena_strndup(call->arena, name, len);
}

static bool is_enabled(const struct et_record *org)
{
    return et_is(org, ORG_STATUS, "1");
}

static bool is_root(const struct et_call *call, const struct et_record *org)
{
    return org != NULL && et_is(org, ORG_ID, call->sim->tenant.root);
}

/* Another enabled node of that name under that parent. */
static bool name_is_taken(const struct et_call *call, const struct et_record *self,
                          const char *parent, const char *name)
{
    const struct et_record *o = et_find(&call->sim->tenant.orgs, ORG_BY_PARENT, parent);
    for (; o != NULL; o = et_next(o, ORG_BY_PARENT))
        if (o != self && is_enabled(o) && et_is(o, ORG_NAME, name))
            return true;
    return false;
}

/* Is node `id` the same as `self` or below it? */
static bool is_below(const struct et_call *call, const char *id, const struct et_record *self)
{
    for (int i = 0; i < DEPTH_MAX; i++) {
        if (et_is(self, ORG_ID, id))
            return true;
        const struct et_record *o = et_find(&call->sim->tenant.orgs, ORG_BY_ID, id);
        if (o == NULL)
            return false;
        id = et_text(o, ORG_PARENT);
    }
    return true;
}

/* Enabled children, or people in service, by main department or by a post. */
static bool is_occupied(const struct et_call *call, const struct et_record *org)
{
    const struct et_tenant *t = &call->sim->tenant;
    const char *id = et_text(org, ORG_ID);
    const struct et_record *r = et_find(&t->orgs, ORG_BY_PARENT, id);
    for (; r != NULL; r = et_next(r, ORG_BY_PARENT))
        if (is_enabled(r))
            return true;
    r = et_find(&t->employees, EMP_BY_DEPARTMENT, id);
    for (; r != NULL; r = et_next(r, EMP_BY_DEPARTMENT))
        if (et_in_service(r))
            return true;
    r = et_find(&t->posts, POST_BY_DEPARTMENT, id);
    for (; r != NULL; r = et_next(r, POST_BY_DEPARTMENT)) {
        const struct et_record *e = et_find(&t->employees, EMP_BY_ID, et_text(r, POST_EMPLOYEE));
        if (e != NULL && et_in_service(e))
            return true;
    }
    return false;
}

/* Takes the plain text members of the row. */
static int take_texts(struct et_call *call, struct et_row *row, struct et_change *change)
{
    static const int fields[] = {ORG_NAME,       ORG_FULLNAME,    ORG_CODE, ORG_STATUS,
                                 ORG_COADJUTANT, ORG_DESCRIPTION, ORG_TYPE};
    const struct et_schema *schema = call->sim->tenant.orgs.schema;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *name = schema->names[fields[i]];
        if (yq_json_get(row->json, name) == NULL)
            continue;
        const char *text = yq_json_text(call->arena, row->json, name);
        if (text == NULL)
            return et_refuse(row, 410001, "a member is of the wrong type");
        change->value[fields[i]] = text;
    }
    int64_t order;
    if (yq_json_get(row->json, "disporder") != NULL) {
        if (!yq_json_int(row->json, "disporder", &order))
            return et_refuse(row, 410001, "disporder is not an integer");
        change->value[ORG_DISPORDER] = yq_arena_printf(call->arena, "%lld", (long long)order);
    }
    if (change->value[ORG_NAME] != NULL)
        change->value[ORG_NAME] = trimmed(call, change->value[ORG_NAME]);
    const char *status = change->value[ORG_STATUS];
    if (status != NULL && strcmp(status, "0") != 0 && strcmp(status, "1") != 0)
        return et_refuse(row, 410001, "status is neither 0 nor 1");
    const char *fault =
        change->value[ORG_NAME] ? et_name_fault(call, change->value[ORG_NAME]) : NULL;
    return fault != NULL ? et_refuse(row, 410001, fault) : 0;
}

/* Resolves the parent of the row by the organisation rule. */
static int take_parent(struct et_call *call, struct et_row *row, const struct et_record *self,
                       struct et_change *change)
{
    if (yq_json_get(row->json, "parent") == NULL)
        return 0;
    const char *key = yq_json_text(call->arena, row->json, "parent");
    if (key != NULL && is_root(call, self) && et_is(self, ORG_PARENT, key))
        return 0;
    struct et_record *parent = NULL;
    int code = et_find_org(call, et_rule(call, "department"), key, &parent);
    if (code != 0)
        return et_refuse(row, code, "the rule for the parent does not lead to one record");
    if (is_root(call, self))
        return et_refuse(row, 410014, "the root cannot be moved");
    if (parent == NULL || !is_enabled(parent))
        return et_refuse(row, 410003, "the parent is not there or disabled");
    if (self != NULL && is_below(call, et_text(parent, ORG_ID), self))
        return et_refuse(row, 410015, "the move would make a cycle");
    change->value[ORG_PARENT] = et_text(parent, ORG_ID);
    return 0;
}

/* What the node will be after the change. */
static const char *after(const struct et_record *self, const struct et_change *change, int field)
{
    if (change->value[field] != NULL)
        return change->value[field];
    return self ? et_text(self, field) : "";
}

static int check_state(struct et_call *call, struct et_row *row, const struct et_record *self,
                       const struct et_change *change)
{
    const char *parent = after(self, change, ORG_PARENT);
    bool enabled = strcmp(after(self, change, ORG_STATUS), "0") != 0;
    bool was = self == NULL || is_enabled(self);
    if (!enabled) {
        if (is_root(call, self))
            return et_refuse(row, 410014, "the root cannot be disabled");
        if (self != NULL && was && is_occupied(call, self) &&
            !yq_json_bool(call->body, "ignoreOrgCanceledValidate", false))
            return et_refuse(row, 410005, "there are still children or people in service");
        return 0;
    }
    const struct et_record *above = et_find(&call->sim->tenant.orgs, ORG_BY_ID, parent);
    if (!was && above != NULL && !is_enabled(above))
        return et_refuse(row, 410003, "the parent is disabled");
    bool moved = self == NULL || !was || !et_is(self, ORG_PARENT, parent) ||
                 !et_is(self, ORG_NAME, after(self, change, ORG_NAME));
    if (moved && name_is_taken(call, self, parent, after(self, change, ORG_NAME)) &&
        !yq_json_bool(call->body, "ignoreOrgSaveOrgNameCheck", false))
        return et_refuse(row, 410004, "the name is already used under this parent");
    return 0;
}

static int write_org(struct et_call *call, struct et_row *row, struct et_record *self,
                     struct et_change *change)
{
    char id[ET_ID_SIZE];
    if (self == NULL) {
        static const int fields[] = {ORG_ID, ORG_FULLNAME, ORG_TYPE, ORG_STATUS, ORG_DISPORDER};
        et_tenant_next_id(&call->sim->tenant, id);
        const char *values[] = {id, change->value[ORG_NAME], "department", "1", "1"};
        for (size_t i = 0; i < 5; i++)
            if (change->value[fields[i]] == NULL)
                change->value[fields[i]] = values[i];
        row->kind = ET_CREATE;
    }
    self = et_write(&call->writer, &call->sim->tenant.orgs, self, change);
    row->id = et_text(self, ORG_ID);
    return 0;
}

int et_org_sync_row(struct et_call *call, struct et_row *row)
{
    struct et_record *self = NULL;
    struct et_change change = {0};
    const char *rule = et_rule(call, "department");
    const char *key = yq_json_text(call->arena, row->json, rule);
    bool by_id = strcmp(rule, "id") == 0;
    if (!by_id && (key == NULL || key[0] == '\0'))
        return et_refuse(row, 410001, "the member of the rule is missing");
    int code = et_find_org(call, rule, key, &self);
    if (code != 0)
        return et_refuse(row, code, "the rule does not lead to one record");
    if (self == NULL && by_id && key != NULL && key[0] != '\0')
        return et_refuse(row, 410020, "organisation not found");
    if ((code = take_texts(call, row, &change)) != 0 ||
        (code = take_parent(call, row, self, &change)) != 0)
        return code;
    if (self == NULL && (change.value[ORG_NAME] == NULL || change.value[ORG_PARENT] == NULL))
        return et_refuse(row, 410001, "name and parent are needed to add");
    if ((code = check_state(call, row, self, &change)) != 0)
        return code;
    return write_org(call, row, self, &change);
}

/* Both ways of switching a node: the wanted status is the only change. */
static int switch_org(struct et_call *call, struct et_row *row, const char *status)
{
    const char *id = yq_json_text(call->arena, row->json, "id");
    struct et_record *self = et_find(&call->sim->tenant.orgs, ORG_BY_ID, id);
    if (self == NULL)
        return et_refuse(row, 410020, "organisation not found");
    if (et_is(self, ORG_STATUS, status))
        return et_refuse(row, 410013, "already so");
    struct et_change change = {.value = {[ORG_STATUS] = status}};
    int code = check_state(call, row, self, &change);
    return code != 0 ? code : write_org(call, row, self, &change);
}

int et_org_enable_row(struct et_call *call, struct et_row *row)
{
    return switch_org(call, row, "1");
}

int et_org_disable_row(struct et_call *call, struct et_row *row)
{
    return switch_org(call, row, "0");
}
