/* Which record a row means: dataRule (§1.6), never guessing between two. */
#include <string.h>

#include "eteams_call.h"

struct rule {
    const char *name;
    int index, field;
};

static const struct rule employee_rules[] = {
    {"id", EMP_BY_ID, EMP_ID},
    {"username", EMP_BY_USERNAME, EMP_USERNAME},
    {"job_num", EMP_BY_JOB_NUM, EMP_JOB_NUM},
};
static const struct rule org_rules[] = {
    {"id", ORG_BY_ID, ORG_ID},
    {"name", ORG_BY_NAME, ORG_NAME},
    {"code", ORG_BY_CODE, ORG_CODE},
};

const char *et_rule(const struct et_call *call, const char *noun)
{
    const cJSON *rule = yq_json_get(yq_json_get(call->body, "dataRule"), noun);
    return cJSON_IsString(rule) ? rule->valuestring : "id";
}

static int find(const struct et_table *t, const struct rule rules[3], const char *name,
                const char *key, struct et_record **ret)
{
    size_t i = 0;
    while (i < 3 && strcmp(rules[i].name, name) != 0)
        i++;
    if (i == 3)
        return 410001;
    struct et_record *only = NULL, *r = et_find(t, rules[i].index, key);
    for (; r != NULL; r = et_next(r, rules[i].index)) {
        if (!et_is(r, rules[i].field, key))
            continue; /* another case */
        if (only != NULL)
            return 410016;
        only = r;
    }
    *ret = only;
    return 0;
}

int et_find_employee(struct et_call *call, const char *rule, const char *key,
                     struct et_record **ret)
{
    return find(&call->sim->tenant.employees, employee_rules, rule, key, ret);
}

int et_find_org(struct et_call *call, const char *rule, const char *key, struct et_record **ret)
{
    return find(&call->sim->tenant.orgs, org_rules, rule, key, ret);
}
