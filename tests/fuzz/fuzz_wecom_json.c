/* Any bytes as an answer of WeCom: read or refused, never a row with an id that is none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/wecom_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_member(const struct yq_wecom_member *m)
{
    if (m == NULL)
        return;
    if (!yq_userid_valid(m->userid, strlen(m->userid)) || m->fact != YQ_PRESENT)
        abort();
    for (size_t i = 0; i < m->department_count; i++) {
        if (m->departments[i] == 0)
            abort();
    }
    if ((m->known & YQ_FIELD_BIT(YQ_FIELD_NAME)) != 0 && m->name == NULL)
        abort();
}

static void read_rows(struct yq_view *v, const cJSON *list)
{
    const cJSON *row;
    if (!cJSON_IsArray(list))
        return;
    cJSON_ArrayForEach (row, list) {
        check_member(yq_wecom_read_member(v, row, NULL));
        (void)yq_wecom_read_department(v, row, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yq_error err = {0};
    cJSON *reply = yq_json_parse((const char *)data, size, &err);
    struct yq_view *v = yq_view_new();
    (void)yq_wecom_classify(yq_wecom_errcode(reply));
    check_member(yq_wecom_read_member(v, reply, &err));
    (void)yq_wecom_read_department(v, yq_json_get(reply, "department"), &err);
    read_rows(v, yq_json_get(reply, "userlist"));
    read_rows(v, yq_json_get(reply, "department"));
    read_rows(v, yq_json_get(reply, "department_id"));
    yq_view_free(v);
    cJSON_Delete(reply);
    return 0;
}
