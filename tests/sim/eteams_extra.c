/* Part-time posts: syncExtra and queryExtra (§1.9, §2.5). */
#include <stdlib.h>
#include <string.h>

#include "eteams_filter.h"
#include "eteams_print.h"

#define PAGE_MAX 1000

/* What is not kept as it came: person, department and superior are ids whatever the rules are. */
static int resolve(struct et_call *call, struct et_row *row, struct et_change *change)
{
    const char *department = yq_json_text(call->arena, row->json, "departmentId");
    const char *superior = yq_json_text(call->arena, row->json, "superiorId");
    struct et_record *org = NULL, *above = NULL;
    int code = 0;
    if (department != NULL && department[0] != '\0') {
        code = et_find_org(call, et_rule(call, "department"), department, &org);
        if (code == 0 && (org == NULL || !et_is(org, ORG_STATUS, "1")))
            code = 410003;
        if (code != 0)
            return et_refuse(row, code, "the department is not there or disabled");
        change->value[POST_DEPARTMENT] = et_text(org, ORG_ID);
    }
    if (superior != NULL && superior[0] != '\0') {
        code = et_find_employee(call, et_rule(call, "employee"), superior, &above);
        if (code == 0 && (above == NULL || !et_in_service(above)))
            code = 410010;
        if (code != 0)
            return et_refuse(row, code, "the superior is not in service");
        change->value[POST_SUPERIOR] = et_text(above, EMP_ID);
    }
    change->value[POST_POSITION] = yq_json_text(call->arena, row->json, "positionId");
    change->value[POST_REMARK] = yq_json_text(call->arena, row->json, "remark");
    return 0;
}

static int keep_post(struct et_call *call, struct et_row *row, const struct et_record *employee,
                     struct et_record *post, struct et_change *change)
{
    if (!et_in_service(employee))
        return et_refuse(row, 410011, "already left");
    int code = resolve(call, row, change);
    if (code != 0)
        return code;
    const char *position = change->value[POST_POSITION];
    if (change->value[POST_DEPARTMENT] == NULL && (position == NULL || position[0] == '\0'))
        return et_refuse(row, 410017, "neither departmentId nor positionId");
    row->kind = post == NULL ? ET_POST_ADD : ET_UPDATE;
    (void)et_write(&call->writer, &call->sim->tenant.posts, post, change);
    return 0;
}

int et_extra_sync_row(struct et_call *call, struct et_row *row)
{
    struct et_table *posts = &call->sim->tenant.posts;
    const char *type = yq_json_text(call->arena, row->json, "externalSyncType");
    const char *sync_id = yq_json_text(call->arena, row->json, "externalSyncId");
    const char *key = yq_json_text(call->arena, row->json, "id");
    const char *wanted = call->writer.manual ? "manual" : "openapi";
    struct et_record *employee = NULL;
    if (type == NULL || strcmp(type, wanted) != 0)
        return et_refuse(row, 410017, "externalSyncType is wrong");
    if (sync_id == NULL || sync_id[0] == '\0')
        return et_refuse(row, 410001, "externalSyncId is missing");
    int code = et_find_employee(call, et_rule(call, "employee"), key, &employee);
    if (code != 0)
        return et_refuse(row, code, "the rule does not lead to one record");
    if (employee == NULL)
        return et_refuse(row, 410006, "employee not found");
    row->id = et_text(employee, EMP_ID);
    struct et_record *post = et_find(posts, POST_BY_SYNC_ID, sync_id);
    if (post != NULL && (!et_is(post, POST_TYPE, wanted) || !et_is(post, POST_EMPLOYEE, row->id)))
        return et_refuse(row, 410017, "externalSyncId belongs to another post");
    if (!yq_json_bool(row->json, "deleted", false)) {
        struct et_change change = {0};
        change.value[POST_EMPLOYEE] = row->id;
        change.value[POST_TYPE] = wanted;
        change.value[POST_SYNC_ID] = sync_id;
        return keep_post(call, row, employee, post, &change);
    }
    row->kind = ET_POST_REMOVE;
    if (post != NULL)
        et_write_removal(&call->writer, posts, post);
    return 0;
}

void et_query_extra(struct et_call *call)
{
    const struct et_tenant *t = &call->sim->tenant;
    const char *type = yq_json_text(call->arena, call->body, "externalSyncType");
    struct et_list ids;
    struct et_page page;
    if (et_list_read(call, "ids", &ids) < 0) {
        et_answer(call, 410001, "ids is malformed");
        return;
    }
    if (et_page_begin(call, &page, PAGE_MAX) < 0)
        return;
    struct et_candidates c = {0};
    et_candidates_add(&c, &t->posts, POST_BY_EMPLOYEE, &ids);
    et_candidates_sort(&c, &t->posts);
    struct et_record *const *rows = ids.present ? c.rows : t->posts.rows;
    for (size_t i = 0, n = ids.present ? c.count : t->posts.count; i < n; i++) {
        if ((type != NULL && type[0] && !et_is(rows[i], POST_TYPE, type)) || !et_page_next(&page))
            continue;
        yq_buf_addc(&page.rows, '{');
        et_print_fields(&page.rows, t->posts.schema, rows[i]);
        yq_buf_addc(&page.rows, '}');
    }
    free(c.rows);
    et_page_end(call, &page);
}
