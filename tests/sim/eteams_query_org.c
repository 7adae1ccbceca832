/* queryOrg: organisation nodes by page (§1.8, §2.3). */
#include <stdlib.h>
#include <string.h>

#include "eteams_filter.h"
#include "eteams_print.h"

#define PAGE_MAX 1000

struct query {
    struct et_list ids, codes, types, parents, parent_codes;
    bool disabled; /* those too */
    const char *since;
};

static int read_query(struct et_call *call, struct query *q)
{
    if (et_list_read(call, "ids", &q->ids) < 0 || et_list_read(call, "codeList", &q->codes) < 0 ||
        et_list_read(call, "typeList", &q->types) < 0 ||
        et_list_read(call, "parentOrgIds", &q->parents) < 0 ||
        et_list_read(call, "parentCodeList", &q->parent_codes) < 0)
        return -1;
    q->disabled = yq_json_bool(call->body, "containDisableOrg", false);
    q->since = yq_json_text(call->arena, call->body, "updateTimeBegin");
    return q->parents.present && q->parent_codes.present ? -1 : 0;
}

static bool matches(const struct et_tenant *t, const struct query *q, const struct et_record *o)
{
    if (!q->disabled && !et_is(o, ORG_STATUS, "1"))
        return false;
    if (q->since != NULL && strcmp(et_text(o, ORG_UPDATE_TIME), q->since) < 0)
        return false;
    if (q->parent_codes.present) {
        const struct et_record *above = et_find(&t->orgs, ORG_BY_ID, et_text(o, ORG_PARENT));
        if (above == NULL || !et_list_allows(&q->parent_codes, et_text(above, ORG_CODE)))
            return false;
    }
    return et_list_allows(&q->ids, et_text(o, ORG_ID)) &&
           et_list_allows(&q->codes, et_text(o, ORG_CODE)) &&
           et_list_allows(&q->types, et_text(o, ORG_TYPE)) &&
           et_list_allows(&q->parents, et_text(o, ORG_PARENT));
}

static void print_org(const struct et_call *call, const struct et_record *o, struct yq_buf *out)
{
    static const int fields[] = {ORG_ID,          ORG_NAME,        ORG_FULLNAME,   ORG_CODE,
                                 ORG_PARENT,      ORG_TYPE,        ORG_STATUS,     ORG_DISPORDER,
                                 ORG_DESCRIPTION, ORG_CREATE_TIME, ORG_UPDATE_TIME};
    const struct et_schema *schema = call->sim->tenant.orgs.schema;
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        et_print_name(out, schema->names[fields[i]]);
        et_print_value(out, schema->names[fields[i]], et_text(o, fields[i]),
                       call->sim->options.id_numbers);
    }
    yq_buf_addc(out, '}');
}

void et_query_org(struct et_call *call)
{
    const struct et_tenant *t = &call->sim->tenant;
    struct query q = {0};
    struct et_page page;
    if (read_query(call, &q) < 0) {
        et_answer(call, 410001, "a filter is malformed, or both parent filters are given");
        return;
    }
    if (et_page_begin(call, &page, PAGE_MAX) < 0)
        return;
    struct et_candidates c = {0};
    et_candidates_add(&c, &t->orgs, ORG_BY_ID, &q.ids);
    if (!q.ids.present)
        et_candidates_add(&c, &t->orgs, ORG_BY_PARENT, &q.parents);
    et_candidates_sort(&c, &t->orgs);
    bool narrowed = q.ids.present || q.parents.present;
    struct et_record *const *rows = narrowed ? c.rows : t->orgs.rows;
    for (size_t i = 0, n = narrowed ? c.count : t->orgs.count; i < n; i++)
        if (matches(t, &q, rows[i]) && et_page_next(&page))
            print_org(call, rows[i], &page.rows);
    free(c.rows);
    et_page_end(call, &page);
}
