/* Any bytes as an answer of eteams: read or refused, ids digits only, whatever was sent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/eteams_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *id)
{
    if (id == NULL)
        return;
    size_t len = strlen(id);
    if (len == 0 || len > 20 || strspn(id, "0123456789") != len || id[0] == '0')
        abort();
}

static void read_row(struct yq_view *v, const cJSON *row)
{
    const struct yq_eteams_member *m = yq_eteams_read_member(v, row, NULL);
    const struct yq_eteams_department *d = yq_eteams_read_department(v, row, NULL);
    if (m != NULL) {
        check_id(m->id);
        for (size_t i = 0; i < m->department_count; i++)
            check_id(m->departments[i]);
        if (m->account == NULL || m->mobile == NULL || m->sex == NULL)
            abort();
    }
    if (d != NULL) {
        check_id(d->id);
        check_id(d->parent);
        if (d->name == NULL)
            abort();
    }
}

/* Whatever a value holds, the row made of it is JSON again, with the same value. */
static void write_back(struct yq_view *v)
{
    struct yq_eteams_member *m, *next;
    HASH_ITER (hh, v->eteams_members, m, next) {
        struct yq_operation op = {.kind = YQ_OP_MEMBER_UPDATE, .change_count = 1};
        struct yq_buf out = YQ_BUF_INIT;
        op.changes[0] = (struct yq_change){.field = "username", .after = m->name};
        yq_buf_addc(&out, '{');
        yq_eteams_write_row(&op, m->id, NULL, "acme", &out);
        yq_buf_addc(&out, '}');
        cJSON *again = yq_json_parse(out.data, out.len, NULL);
        const cJSON *name = yq_json_get(again, "username");
        if (!cJSON_IsString(name) || strcmp(name->valuestring, m->name) != 0)
            abort();
        cJSON_Delete(again);
        yq_buf_release(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text;
    cJSON *reply = yq_json_parse((const char *)data, size, NULL);
    struct yq_view *v = yq_view_new();
    (void)yq_eteams_classify(yq_eteams_errcode(reply, &text));
    const cJSON *rows = yq_json_get(reply, "data"), *row;
    if (cJSON_IsObject(rows))
        rows = yq_json_get(rows, "data");
    read_row(v, reply);
    if (cJSON_IsArray(rows)) {
        cJSON_ArrayForEach (row, rows) {
            read_row(v, row);
        }
    }
    write_back(v);
    yq_view_free(v);
    cJSON_Delete(reply);
    return 0;
}
