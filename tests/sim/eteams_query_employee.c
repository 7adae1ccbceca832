/* queryEmployee: people by page, with the filters and the fields that callers ask for (§1.7, §2.4).
 */
#include <stdlib.h>
#include <string.h>

#include "eteams_filter.h"
#include "eteams_print.h"

#define PAGE_MAX 1000
#define DEPARTMENTS_MAX 64

struct query {
    struct et_list ids, job_nums, mobiles, emails, accounts, names, departments, subcompanies,
        positions, statuses, fields;
    bool show_account;
    const char *since;
};

static int read_query(struct et_call *call, struct query *q)
{
    struct {
        const char *name;
        struct et_list *list;
    } lists[] = {
        {"ids", &q->ids},
        {"jobNumList", &q->job_nums},
        {"mobileList", &q->mobiles},
        {"accurateEmailList", &q->emails},
        {"account", &q->accounts},
        {"nameLikeList", &q->names},
        {"departmentIds", &q->departments},
        {"subcompanyIds", &q->subcompanies},
        {"positionList", &q->positions},
        {"userStatusList", &q->statuses},
        {"returnFieldList", &q->fields},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (et_list_read(call, lists[i].name, lists[i].list) < 0)
            return -1;
    for (size_t i = 0; i < q->statuses.count; i++)
        if (strcmp(q->statuses.texts[i], "normal") != 0 &&
            strcmp(q->statuses.texts[i], "resigned") != 0)
            return -1;
    q->show_account = yq_json_bool(call->body, "needAccountInfo", false);
    q->since = yq_json_text(call->arena, call->body, "updateTimeBegin");
    return 0;
}

/* In one of these, by main department or by a post? */
static bool sits_in(const struct et_tenant *t, const struct et_record *e,
                    const struct et_list *departments)
{
    if (!departments->present)
        return true;
    const char *ids[DEPARTMENTS_MAX];
    size_t n = et_departments_of(t, e, ids, DEPARTMENTS_MAX);
    for (size_t i = 0; i < n; i++)
        if (et_list_allows(departments, ids[i]))
            return true;
    return false;
}

static bool is_like(const struct et_list *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strstr(name, names->texts[i]) != NULL)
            return true;
    return !names->present;
}

/* What the indexes have not already answered. */
static bool matches(const struct et_tenant *t, const struct query *q, const struct et_record *e)
{
    if (q->statuses.present ? !et_list_allows(&q->statuses, et_text(e, EMP_STATUS))
                            : !et_in_service(e))
        return false;
    if (q->since != NULL && strcmp(et_text(e, EMP_UPDATE_TIME), q->since) < 0)
        return false;
    return et_list_allows(&q->ids, et_text(e, EMP_ID)) &&
           et_list_allows(&q->job_nums, et_text(e, EMP_JOB_NUM)) &&
           et_list_allows(&q->positions, et_text(e, EMP_POSITION)) &&
           is_like(&q->names, et_text(e, EMP_USERNAME)) && sits_in(t, e, &q->departments) &&
           sits_in(t, e, &q->subcompanies);
}

/* Keeps of the candidates those whose field is one of the keys, in the way of the index. */
static void keep_keyed(struct et_candidates *c, const struct et_table *t, int index,
                       const struct et_list *keys)
{
    struct et_candidates both = {0}, keyed = {0};
    et_candidates_add(&keyed, t, index, keys);
    et_candidates_sort(&keyed, t);
    for (size_t i = 0, j = 0; i < c->count && j < keyed.count;) {
        int order = et_compare_ids(et_text(c->rows[i], EMP_ID), et_text(keyed.rows[j], EMP_ID));
        if (order == 0)
            et_candidates_add_one(&both, c->rows[i]);
        i += order <= 0;
        j += order >= 0;
    }
    free(c->rows);
    free(keyed.rows);
    *c = both;
}

static void add_department(struct et_candidates *c, const struct et_tenant *t,
                           const struct et_list *departments)
{
    et_candidates_add(c, &t->employees, EMP_BY_DEPARTMENT, departments);
    struct et_candidates posts = {0};
    et_candidates_add(&posts, &t->posts, POST_BY_DEPARTMENT, departments);
    for (size_t i = 0; i < posts.count; i++) {
        struct et_record *e =
            et_find(&t->employees, EMP_BY_ID, et_text(posts.rows[i], POST_EMPLOYEE));
        if (e != NULL)
            et_candidates_add_one(c, e);
    }
    free(posts.rows);
}

/* Narrows by the indexes. False: nothing to narrow by, all people are to be looked at. */
static bool narrow(struct et_candidates *c, const struct et_tenant *t, const struct query *q)
{
    const struct {
        int index;
        const struct et_list *list;
    } keyed[] = {
        {EMP_BY_ID, &q->ids},       {EMP_BY_JOB_NUM, &q->job_nums}, {EMP_BY_MOBILE, &q->mobiles},
        {EMP_BY_EMAIL, &q->emails}, {EMP_BY_ACCOUNT, &q->accounts},
    };
    bool narrowed = false;
    for (size_t i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++) {
        if (!keyed[i].list->present)
            continue;
        if (narrowed) {
            keep_keyed(c, &t->employees, keyed[i].index, keyed[i].list);
            continue;
        }
        et_candidates_add(c, &t->employees, keyed[i].index, keyed[i].list);
        et_candidates_sort(c, &t->employees);
        narrowed = true;
    }
    if (!narrowed && q->departments.present) {
        add_department(c, t, &q->departments);
        et_candidates_sort(c, &t->employees);
        narrowed = true;
    }
    return narrowed;
}

static void print_employee(const struct et_call *call, const struct query *q,
                           const struct et_record *e, struct yq_buf *out)
{
    static const int fields[] = {
        EMP_ID,       EMP_USER_ID,     EMP_USERNAME,    EMP_ALIAS,          EMP_ACCOUNT,
        EMP_JOB_NUM,  EMP_MOBILE,      EMP_TELEPHONE,   EMP_EMAIL,          EMP_SEX,
        EMP_POSITION, EMP_DEPARTMENT,  EMP_SUPERIOR,    EMP_OTHER_SUPERIOR, EMP_PERSONNEL_STATUS,
        EMP_STATUS,   EMP_HIREDATE,    EMP_LOCATION,    EMP_ACTIVATED,      EMP_LOCKED,
        EMP_IDENTITY, EMP_CREATE_TIME, EMP_UPDATE_TIME,
    };
    const struct et_tenant *t = &call->sim->tenant;
    bool bare = call->sim->options.id_numbers;
    yq_buf_addc(out, '{');
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *name = t->employees.schema->names[fields[i]];
        if (!et_list_allows(&q->fields, name) || (fields[i] == EMP_ACCOUNT && !q->show_account))
            continue;
        et_print_name(out, name);
        if (fields[i] == EMP_DEPARTMENT)
            et_print_departments(out, t, e, bare);
        else
            et_print_value(out, name, et_text(e, fields[i]), bare);
    }
    yq_buf_addc(out, '}');
}

void et_query_employee(struct et_call *call)
{
    const struct et_tenant *t = &call->sim->tenant;
    struct query q = {0};
    struct et_page page;
    if (read_query(call, &q) < 0) {
        et_answer(call, 410001, "a filter is malformed");
        return;
    }
    if (et_page_begin(call, &page, PAGE_MAX) < 0)
        return;
    struct et_candidates c = {0};
    bool narrowed = narrow(&c, t, &q);
    struct et_record *const *rows = narrowed ? c.rows : t->employees.rows;
    for (size_t i = 0, n = narrowed ? c.count : t->employees.count; i < n; i++)
        if (matches(t, &q, rows[i]) && et_page_next(&page))
            print_employee(call, &q, rows[i], &page.rows);
    free(c.rows);
    et_page_end(call, &page);
}
