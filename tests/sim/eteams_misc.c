/* The small calls, all of them assumed: administrators, locked fields, 与我协作 (§2.7 to §2.9). */
#include <string.h>

#include "eteams_filter.h"
#include "eteams_print.h"

#define PAGE_MAX 1000
#define LINKS_MAX 100

void et_query_admin(struct et_call *call)
{
    const struct et_tenant *t = &call->sim->tenant;
    struct et_page page;
    if (et_page_begin(call, &page, PAGE_MAX) < 0)
        return;
    for (size_t i = 0; i < t->admins.count; i++) {
        const struct et_record *a = t->admins.rows[i];
        const struct et_record *e = et_find(&t->employees, EMP_BY_ID, et_text(a, ADMIN_EMPLOYEE));
        if (e == NULL || !et_in_service(e) || !et_page_next(&page))
            continue;
        yq_buf_addc(&page.rows, '{');
        et_print_name(&page.rows, "id");
        et_print_value(&page.rows, "id", et_text(e, EMP_ID), call->sim->options.id_numbers);
        et_print_name(&page.rows, "username");
        yq_buf_add_json_string(&page.rows, et_text(e, EMP_USERNAME));
        et_print_name(&page.rows, "adminType");
        yq_buf_add_json_string(&page.rows, et_text(a, ADMIN_TYPE));
        yq_buf_addc(&page.rows, '}');
    }
    et_page_end(call, &page);
}

static struct et_record *api_lock(struct et_tenant *t, const char *field)
{
    struct et_record *lock = et_find(&t->locks, LOCK_BY_FIELD, field);
    while (lock != NULL && !et_is(lock, LOCK_BY, "api"))
        lock = et_next(lock, LOCK_BY_FIELD);
    return lock;
}

void et_set_field_lock(struct et_call *call)
{
    struct et_tenant *t = &call->sim->tenant;
    const char *locked = yq_json_text(call->arena, call->body, "locked");
    const char *source = yq_json_text(call->arena, call->body, "source");
    struct et_list fields;
    bool good = et_list_read(call, "fields", &fields) == 0 && fields.present && locked != NULL &&
                (strcmp(locked, "0") == 0 || strcmp(locked, "1") == 0);
    for (size_t i = 0; good && i < fields.count; i++)
        good = et_field_named(t->employees.schema, fields.texts[i]) >= 0;
    if (!good) {
        et_answer(call, 410001, "fields or locked are malformed");
        return;
    }
    for (size_t i = 0; i < fields.count; i++) {
        struct et_record *lock = api_lock(t, fields.texts[i]);
        struct et_change change = {.value = {fields.texts[i], source ? source : "", "api"}};
        if (locked[0] == '1')
            (void)et_write(&call->writer, &t->locks, lock, &change);
        else if (lock != NULL)
            et_write_removal(&call->writer, &t->locks, lock);
    }
    et_answer(call, 0, "success");
}

void et_query_external_link(struct et_call *call)
{
    const struct et_tenant *t = &call->sim->tenant;
    struct et_list ids;
    struct et_page page;
    if (et_list_read(call, "ids", &ids) < 0 || !ids.present) {
        et_answer(call, 410001, "ids is missing or malformed");
        return;
    }
    if (ids.count > LINKS_MAX) {
        et_answer(call, 410002, "too many ids");
        return;
    }
    if (et_page_begin(call, &page, LINKS_MAX) < 0)
        return;
    page.size = LINKS_MAX; /* this call has no pages */
    for (size_t i = 0; i < ids.count; i++) {
        const struct et_record *e = et_find(&t->employees, EMP_BY_ID, ids.texts[i]);
        if (e == NULL || !et_in_service(e) || !et_page_next(&page))
            continue;
        yq_buf_addc(&page.rows, '{');
        et_print_name(&page.rows, "id");
        et_print_value(&page.rows, "id", ids.texts[i], call->sim->options.id_numbers);
        yq_buf_addf(&page.rows,
                    ",\"title\":\"与我协作\",\"url\":\"https://weapp.sim.example/collaborate/%s\"}",
                    ids.texts[i]);
    }
    et_page_end(call, &page);
}
