/* Records as JSON. */
#include "eteams_print.h"

#include <string.h>

#define DEPARTMENTS_MAX 64

void et_print_name(struct yq_buf *out, const char *name)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[')
        yq_buf_addc(out, ',');
    yq_buf_add_json_string(out, name);
    yq_buf_addc(out, ':');
}

static bool is_id(const char *name)
{
    static const char *const names[] = {"id", "parent", "department", "superior", "other_superior"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void print_text(struct yq_buf *out, const char *text, size_t len, bool bare)
{
    if (bare && len > 0 && strspn(text, "0123456789") >= len) {
        yq_buf_add(out, text, len);
        return;
    }
    yq_buf_addc(out, '"');
    yq_buf_add_json(out, text, len);
    yq_buf_addc(out, '"');
}

static void print_list(struct yq_buf *out, const char *joined, bool bare)
{
    yq_buf_addc(out, '[');
    while (*joined != '\0') {
        size_t len = strcspn(joined, ",");
        print_text(out, joined, len, bare);
        joined += len;
        if (*joined == ',') {
            yq_buf_addc(out, ',');
            joined++;
        }
    }
    yq_buf_addc(out, ']');
}

void et_print_value(struct yq_buf *out, const char *name, const char *value, bool bare)
{
    if (strcmp(name, "other_superior") == 0)
        print_list(out, value, bare);
    else if (strcmp(name, "disporder") == 0)
        yq_buf_adds(out, value[0] ? value : "0");
    else
        print_text(out, value, strlen(value), bare && is_id(name));
}

void et_print_departments(struct yq_buf *out, const struct et_tenant *t,
                          const struct et_record *employee, bool bare)
{
    const char *ids[DEPARTMENTS_MAX];
    size_t n = et_departments_of(t, employee, ids, DEPARTMENTS_MAX);
    yq_buf_addc(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        print_text(out, ids[i], strlen(ids[i]), bare);
    }
    yq_buf_addc(out, ']');
}

void et_print_fields(struct yq_buf *out, const struct et_schema *schema, const struct et_record *r)
{
    for (int i = 0; i < schema->fields; i++) {
        et_print_name(out, schema->names[i]);
        et_print_value(out, schema->names[i], et_text(r, i), false);
    }
}
