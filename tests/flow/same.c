/* Both directories, laid side by side. */
#include "same.h"

#include "base/json.h"
#include "base/memory.h"

struct both {
    struct stage *s;
    cJSON *wecom, *eteams;
};

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(row, name));
    return text != NULL ? text : "";
}

static bool in_service(const cJSON *person)
{
    const char *status = text_of(person, "personnel_status");
    return *status >= '1' && *status <= '5';
}

static int count_in_service(const cJSON *state)
{
    int n = 0;
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(state, "members"))
        n += in_service(row);
    return n;
}

int people_in_service(struct stage *s)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    int n = count_in_service(state);
    cJSON_Delete(state);
    return n;
}

static const cJSON *row_of(const cJSON *rows, const char *id)
{
    const cJSON *row;
    cJSON_ArrayForEach (row, rows) {
        if (strcmp(text_of(row, "id"), id) == 0)
            return row;
    }
    return NULL;
}

/* The record that the link names; NULL: there is none. */
static const cJSON *linked_row(const struct both *b, const char *table, const char *links,
                               const char *key)
{
    char *text = stage_redis_text(b->s, "HGET yq:{acme}:link:%s %s", links, key);
    cJSON *link = yq_json_parse(text, strlen(text), NULL);
    const cJSON *row = row_of(yq_json_get(b->eteams, table), text_of(link, "eteams"));
    cJSON_Delete(link);
    free(text);
    return row;
}

/* eteams' id of a department of WeCom. */
static const char *department_id(const struct both *b, const cJSON *number)
{
    char key[24];
    int64_t id = 0;
    if (yq_json_item_int(number, &id) && id == 1)
        return text_of(b->eteams, "root");
    (void)snprintf(key, sizeof(key), "%lld", (long long)id);
    return text_of(linked_row(b, "departments", "department", key), "id");
}

static void compare_department(const struct both *b, const cJSON *w)
{
    const char *id = department_id(b, yq_json_get(w, "id"));
    const cJSON *e = row_of(yq_json_get(b->eteams, "departments"), id);
    int64_t number = 0;
    if (yq_json_int(w, "id", &number) && number == 1)
        return; /* the root keeps its own name */
    if (e == NULL || strcmp(text_of(e, "name"), text_of(w, "name")) != 0 ||
        strcmp(text_of(e, "parent"), department_id(b, yq_json_get(w, "parent"))) != 0)
        fail_msg("department %lld \"%s\" is \"%s\" under %s in eteams", (long long)number,
                 text_of(w, "name"), text_of(e, "name"), text_of(e, "parent"));
}

static bool holds(const cJSON *ids, const char *id)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, ids) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, id) == 0)
            return true;
    }
    return false;
}

static bool same_places(const struct both *b, const cJSON *w, const cJSON *e)
{
    const cJSON *mine = yq_json_get(e, "department"), *number;
    const cJSON *first = cJSON_GetArrayItem(mine, 0);
    const char *main = department_id(b, yq_json_get(w, "main_department"));
    bool same = cJSON_IsString(first) && strcmp(first->valuestring, main) == 0;
    cJSON_ArrayForEach (number, yq_json_get(w, "departments"))
        same = same && holds(mine, department_id(b, number));
    return same && cJSON_GetArraySize(mine) == cJSON_GetArraySize(yq_json_get(w, "departments"));
}

static void compare_member(const struct both *b, const cJSON *w)
{
    const char *userid = text_of(w, "userid");
    const cJSON *e = linked_row(b, "members", "member", userid);
    if (e == NULL || !in_service(e))
        fail_msg("%s is not in service in eteams", userid);
    if (strcmp(text_of(e, "username"), text_of(w, "name")) != 0)
        fail_msg("%s is called %s, not %s", userid, text_of(e, "username"), text_of(w, "name"));
    if (strcmp(text_of(e, "mobile"), text_of(w, "mobile")) != 0)
        fail_msg("%s has the mobile %s, not %s", userid, text_of(e, "mobile"),
                 text_of(w, "mobile"));
    if (!same_places(b, w, e)) {
        char *is = cJSON_PrintUnformatted(yq_json_get(e, "department"));
        char *shall = cJSON_PrintUnformatted(yq_json_get(w, "departments"));
        fail_msg("%s is in %s, not in %s", userid, is, shall);
    }
}

void expect_same_company(struct stage *s, int others)
{
    struct both b = {s, stage_call(s, STAGE_WECOM, "/_sim/state", NULL),
                     stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL)};
    const cJSON *members = yq_json_get(b.wecom, "members"), *row;
    cJSON_ArrayForEach (row, yq_json_get(b.wecom, "departments"))
        compare_department(&b, row);
    cJSON_ArrayForEach (row, members)
        compare_member(&b, row);
    assert_int_equal(count_in_service(b.eteams), cJSON_GetArraySize(members) + others);
    cJSON_Delete(b.wecom);
    cJSON_Delete(b.eteams);
}
