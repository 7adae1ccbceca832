/* What the oracle is told, and what it says. */
#include "judged.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "oracle/oracle.h"

struct judged {
    cJSON *eteams, *departments, *members;
};

/* A hash of Redis as an object: field -> JSON. */
static cJSON *links_of(struct stage *s, const char *what)
{
    cJSON *all = cJSON_CreateObject();
    char *text = stage_redis_text(s, "HGETALL yq:{acme}:link:%s", what), *rest = text, *field;
    while ((field = strsep(&rest, "\n")) != NULL && rest != NULL) {
        const char *value = strsep(&rest, "\n");
        cJSON *link = yq_json_parse(value, strlen(value), NULL);
        cJSON_AddItemToObject(all, field, link != NULL ? link : cJSON_CreateNull());
    }
    free(text);
    return all;
}

static void look(struct stage *s, struct judged *ret)
{
    ret->eteams = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    ret->departments = links_of(s, "department");
    ret->members = links_of(s, "member");
}

static void forget(struct judged *j)
{
    cJSON_Delete(j->eteams);
    cJSON_Delete(j->departments);
    cJSON_Delete(j->members);
}

struct judged *judged_from(struct stage *s)
{
    struct judged *j = yq_calloc(1, sizeof(*j));
    look(s, j);
    return j;
}

static void note(cJSON *touched, char *subject)
{
    for (char *c = subject; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    cJSON *kinds = cJSON_AddArrayToObject(touched, subject);
    cJSON_AddItemToArray(kinds, cJSON_CreateString("reconcile"));
    free(subject);
}

static cJSON *everybody(const cJSON *wecom)
{
    const cJSON *row;
    cJSON *touched = cJSON_CreateObject();
    cJSON_ArrayForEach (row, yq_json_get(wecom, "members"))
        note(touched, yq_printf("member:%s", cJSON_GetStringValue(yq_json_get(row, "userid"))));
    cJSON_ArrayForEach (row, yq_json_get(wecom, "departments")) {
        int64_t id = 0;
        (void)yq_json_int(row, "id", &id); /* stays 0: the oracle will miss it */
        note(touched, yq_printf("department:%lld", (long long)id));
    }
    return touched;
}

static const cJSON *row_of(const cJSON *state, const char *table, const char *field,
                           const char *value)
{
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(state, table)) {
        const cJSON *is = yq_json_get(row, field);
        char number[24] = "";
        if (cJSON_IsNumber(is))
            (void)snprintf(number, sizeof(number), "%.0f", is->valuedouble);
        if (strcmp(cJSON_IsString(is) ? is->valuestring : number, value) == 0)
            return row;
    }
    return NULL;
}

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(row, name));
    return text != NULL ? text : "";
}

/* It is called as it was, and so is whatever it is below. */
static bool kept_its_name(const struct judged *from, const cJSON *wecom, const char *id)
{
    const cJSON *now = row_of(wecom, "departments", "id", id);
    const char *record = text_of(cJSON_GetObjectItem(from->departments, id), "eteams");
    const cJSON *was = row_of(from->eteams, "departments", "id", record);
    int64_t parent = 0;
    char above[24];
    if (now == NULL || was == NULL || strcmp(text_of(now, "name"), text_of(was, "name")) != 0)
        return false;
    (void)yq_json_int(now, "parent", &parent); /* stays 0: nobody's id */
    (void)snprintf(above, sizeof(above), "%lld", (long long)parent);
    return parent == 1 || kept_its_name(from, wecom, above);
}

/* Where the links are lost, a department is known by its name and place alone. */
static void forget_renamed(struct judged *from, const cJSON *wecom)
{
    cJSON *kept = cJSON_CreateObject(), *link;
    cJSON_ArrayForEach (link, from->departments) {
        if (strcmp(link->string, "1") == 0 || kept_its_name(from, wecom, link->string))
            cJSON_AddItemToObject(kept, link->string, cJSON_Duplicate(link, true));
    }
    cJSON_Delete(from->departments);
    from->departments = kept;
}

void expect_judged(struct stage *s, struct judged *from)
{
    struct judged now;
    struct yq_buf lines = YQ_BUF_INIT;
    cJSON *wecom = stage_call(s, STAGE_WECOM, "/_sim/state", NULL), *touched = everybody(wecom);
    cJSON *options = cJSON_CreateObject();
    cJSON_AddTrueToObject(options, "history");
    cJSON_AddTrueToObject(options, "sensitive_readable");
    cJSON_AddStringToObject(options, "part_time", "incremental");
    look(s, &now);
    forget_renamed(from, wecom);
    size_t wrong = oracle_judge(&(struct oracle_case){.wecom = wecom,
                                                      .before = from->eteams,
                                                      .after = now.eteams,
                                                      .department_links_before = from->departments,
                                                      .department_links_after = now.departments,
                                                      .member_links_before = from->members,
                                                      .member_links_after = now.members,
                                                      .touched = touched,
                                                      .options = options},
                                &lines);
    if (wrong > 0)
        fail_msg("the oracle finds %zu wrong:\n%s", wrong, lines.data);
    yq_buf_release(&lines);
    cJSON_Delete(wecom);
    cJSON_Delete(touched);
    cJSON_Delete(options);
    forget(&now);
    forget(from);
    free(from);
}
