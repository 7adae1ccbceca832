/* Small writers and readers of JSON, and a member's fields out of it. */
#include <string.h>

#include "base/json.h"
#include "wecom_sim.h"

const struct wecom_member_names wecom_api_names = {
    .departments = "department",
    .orders = "order",
    .leader_in = "is_leader_in_dept",
    .direct = "direct_leader",
};
const struct wecom_member_names wecom_control_names = {
    .departments = "departments",
    .orders = "orders",
    .leader_in = "leader_in",
    .direct = "direct_leaders",
};

void wecom_put_comma(struct yq_buf *out)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        yq_buf_addc(out, ',');
}

void wecom_put_name(struct yq_buf *out, const char *name)
{
    wecom_put_comma(out);
    yq_buf_addc(out, '"');
    yq_buf_adds(out, name);
    yq_buf_adds(out, "\":");
}

void wecom_put_text(struct yq_buf *out, const char *name, const char *value)
{
    wecom_put_name(out, name);
    yq_buf_add_json_string(out, value);
}

void wecom_put_int(struct yq_buf *out, const char *name, int64_t value)
{
    wecom_put_name(out, name);
    yq_buf_addf(out, "%lld", (long long)value);
}

const char *wecom_get_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(yq_json_get(object, name));
}

bool wecom_get_id(const cJSON *item, uint32_t *ret)
{
    int64_t n;
    if (!yq_json_item_int(item, &n) || n < 0 || n > UINT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

int64_t wecom_get_int(const cJSON *object, const char *name, int64_t fallback)
{
    int64_t n;
    return yq_json_int(object, name, &n) ? n : fallback;
}

/* A list of ids, or a single one. Those beyond the room are only counted, once. */
static bool parse_ids(const cJSON *list, uint32_t *ids, size_t room, size_t *ret_count)
{
    const cJSON *item;
    size_t n = 0;
    if (!cJSON_IsArray(list)) {
        *ret_count = 1;
        return wecom_get_id(list, &ids[0]);
    }
    cJSON_ArrayForEach (item, list) {
        if (n == room)
            break;
        if (!wecom_get_id(item, &ids[n++]))
            return false;
    }
    *ret_count = n;
    return true;
}

static bool parse_lists(const cJSON *object, const struct wecom_member_names *names,
                        struct wecom_member_input *ret)
{
    const size_t room = WECOM_DEPARTMENTS_MAX + 1;
    const cJSON *departments = yq_json_get(object, names->departments);
    const cJSON *orders = yq_json_get(object, names->orders);
    const cJSON *leader_in = yq_json_get(object, names->leader_in);
    uint32_t flags[WECOM_DEPARTMENTS_MAX + 1] = {0};

    ret->has_departments = departments != NULL;
    ret->has_orders = orders != NULL;
    ret->has_leader_in = leader_in != NULL;
    if (departments && !parse_ids(departments, ret->departments, room, &ret->department_count))
        return false;
    if (orders && !parse_ids(orders, ret->orders, room, &ret->order_count))
        return false;
    if (leader_in && !parse_ids(leader_in, flags, room, &ret->leader_in_count))
        return false;
    for (size_t i = 0; i < ret->leader_in_count; i++)
        ret->leader_in[i] = flags[i] != 0;
    return true;
}

static bool parse_direct(const cJSON *list, struct wecom_member_input *ret)
{
    const cJSON *item;
    if (list == NULL)
        return true;
    ret->has_direct = true;
    if (!cJSON_IsArray(list))
        return false;
    cJSON_ArrayForEach (item, list) {
        if (!cJSON_IsString(item))
            return false;
        if (ret->direct_count <= WECOM_LEADERS_MAX)
            ret->direct[ret->direct_count++] = item->valuestring;
    }
    return true;
}

int wecom_member_parse(const cJSON *object, const struct wecom_member_names *names,
                       struct wecom_member_input *ret)
{
    *ret = (struct wecom_member_input)WECOM_MEMBER_INPUT_INIT;
    for (enum wecom_text t = 0; t < WECOM_TEXTS; t++) {
        const cJSON *item = yq_json_get(object, wecom_text_names[t]);
        if (item != NULL && !cJSON_IsNull(item) && !cJSON_IsString(item))
            return 40058;
        ret->text[t] = cJSON_GetStringValue(item);
    }
    ret->gender = (int)wecom_get_int(object, "gender", -1);
    ret->status = (int)wecom_get_int(object, "status", -1);
    ret->main = wecom_get_int(object, "main_department", -1);
    if (ret->status > WECOM_LEFT || ret->main > UINT32_MAX)
        return 40058;
    if (!parse_lists(object, names, ret) || !parse_direct(yq_json_get(object, names->direct), ret))
        return 40058;
    return 0;
}
