/* The whole truth of the tenant as JSON, in the form that eteams_load.c reads. */
#include "eteams_print.h"

static void dump_table(struct yq_buf *out, const char *name, const struct et_table *t)
{
    et_print_name(out, name);
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < t->count; i++) {
        yq_buf_adds(out, i > 0 ? ",{" : "{");
        et_print_fields(out, t->schema, t->rows[i]);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}

/* As a table, but with the departments as an array. */
static void dump_members(struct yq_buf *out, const struct et_tenant *t)
{
    const struct et_schema *schema = t->employees.schema;
    et_print_name(out, "members");
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < t->employees.count; i++) {
        const struct et_record *e = t->employees.rows[i];
        yq_buf_adds(out, i > 0 ? ",{" : "{");
        for (int f = 0; f < schema->fields; f++) {
            et_print_name(out, schema->names[f]);
            if (f == EMP_DEPARTMENT)
                et_print_departments(out, t, e, false);
            else
                et_print_value(out, schema->names[f], et_text(e, f), false);
        }
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}

void et_tenant_dump(const struct et_tenant *t, struct yq_buf *out)
{
    yq_buf_addf(out, "{\"seed\":%llu", (unsigned long long)t->seed);
    et_print_name(out, "root");
    yq_buf_add_json_string(out, t->root);
    dump_table(out, "departments", &t->orgs);
    dump_members(out, t);
    dump_table(out, "posts", &t->posts);
    dump_table(out, "admins", &t->admins);
    dump_table(out, "locks", &t->locks);
    yq_buf_addc(out, '}');
}
