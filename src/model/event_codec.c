/* Writes an event's `data` straight into its buffer: a tree of JSON nodes per callback would cost
 * more than everything else. Keys are written with their comma and quotes; every object begins with
 * its id. */
#include "event_codec.h"

#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "model/subject.h"

/* Literals with their length, which the compiler counts. */
#define LITERAL(text) ((struct yq_text){text, sizeof(text) - 1})
#define KEY(name) LITERAL(",\"" name "\":")

static const struct yq_text *keep_text(struct yq_arena *arena, const char *text)
{
    struct yq_text *kept = yq_arena_alloc(arena, sizeof(*kept));
    *kept = (struct yq_text){text, strlen(text)};
    return kept;
}

static const struct yq_text *json_value(const struct yq_event_source *s, const cJSON *item)
{
    if (!cJSON_IsArray(item)) {
        const char *text = yq_json_item_text(s->arena, item);
        return text != NULL ? keep_text(s->arena, text) : NULL;
    }
    struct yq_buf list = YQ_BUF_INIT;
    const cJSON *entry;
    bool good = true;
    cJSON_ArrayForEach (entry, item) {
        const char *text = yq_json_item_text(s->arena, entry);
        good = good && text != NULL;
        if (list.len > 0)
            yq_buf_addc(&list, ',');
        yq_buf_adds(&list, text != NULL ? text : "");
    }
    const struct yq_text *value =
        good ? keep_text(s->arena, yq_arena_strdup(s->arena, yq_buf_text(&list))) : NULL;
    yq_buf_release(&list);
    return value;
}

const struct yq_text *yq_event_field(const struct yq_event_source *s, const char *name)
{
    return s->xml != NULL ? yq_xml_get(s->xml, name) : json_value(s, yq_json_get(s->json, name));
}

const struct yq_text *yq_event_field2(const struct yq_event_source *s, const char *parent,
                                      const char *name)
{
    if (s->xml != NULL)
        return yq_xml_get2(s->xml, parent, name);
    return json_value(s, yq_json_get(yq_json_get(s->json, parent), name));
}

static void add_quoted(struct yq_buf *out, struct yq_text key, const struct yq_text *value)
{
    yq_buf_add(out, key.data, key.len);
    yq_buf_addc(out, '"');
    yq_buf_add_json(out, value->data, value->len);
    yq_buf_addc(out, '"');
}

static void add_text(struct yq_buf *out, struct yq_text key, const struct yq_text *value)
{
    if (value != NULL)
        add_quoted(out, key, value);
}

/* A number that is empty or malformed is as good as not said. */
static void add_number(struct yq_buf *out, struct yq_text key, const struct yq_text *value)
{
    uint32_t number;
    if (value == NULL || yq_wecom_id_parse(value->data, value->len, &number) != 0)
        return;
    yq_buf_add(out, key.data, key.len);
    yq_buf_add(out, value->data, value->len); /* its only spelling */
}

/* The next item of a list with commas, trimmed. Returns false at the end. */
static bool next_item(struct yq_text *rest, struct yq_text *ret)
{
    if (rest->data == NULL)
        return false;
    const char *comma = memchr(rest->data, ',', rest->len);
    struct yq_text item = {rest->data, comma != NULL ? (size_t)(comma - rest->data) : rest->len};
    *rest = comma != NULL ? (struct yq_text){comma + 1, rest->len - item.len - 1}
                          : (struct yq_text){NULL, 0};
    while (item.len > 0 && (*item.data == ' ' || *item.data == '\t')) {
        item.data++;
        item.len--;
    }
    while (item.len > 0 && (item.data[item.len - 1] == ' ' || item.data[item.len - 1] == '\t'))
        item.len--;
    *ret = item;
    return true;
}

static struct yq_text list_of(const struct yq_text *value)
{
    return value->len > 0 ? *value : (struct yq_text){NULL, 0};
}

/* Takes back what was written since `mark`. */
static void cut(struct yq_buf *out, size_t mark)
{
    out->len = mark;
    out->data[mark] = '\0';
}

/* Writes a list of numbers up to `max`, and returns how many. Where one is malformed the whole list
 * is left out and -1 returned: the rest of it would look like the complete new list. */
static int add_numbers(struct yq_buf *out, struct yq_text key, const struct yq_text *value,
                       uint32_t max)
{
    if (value == NULL)
        return -1;
    size_t mark = out->len;
    int count = 0;
    yq_buf_add(out, key.data, key.len);
    yq_buf_addc(out, '[');
    struct yq_text rest = list_of(value);
    struct yq_text item;
    uint32_t number;
    while (next_item(&rest, &item)) {
        if (yq_wecom_id_parse(item.data, item.len, &number) != 0 || number > max) {
            cut(out, mark);
            return -1;
        }
        if (count++ > 0)
            yq_buf_addc(out, ',');
        yq_buf_add(out, item.data, item.len);
    }
    yq_buf_addc(out, ']');
    return count;
}

/* Invalid userids are dropped. A list of which nothing is left is left out: it is not empty, which
 * would mean that WeCom cleared it. */
static void add_userids(struct yq_buf *out, struct yq_text key, const struct yq_text *value)
{
    if (value == NULL)
        return;
    size_t mark = out->len;
    int count = 0;
    yq_buf_add(out, key.data, key.len);
    yq_buf_addc(out, '[');
    struct yq_text rest = list_of(value);
    struct yq_text item;
    while (next_item(&rest, &item)) {
        if (!yq_userid_valid(item.data, item.len))
            continue;
        if (count++ > 0)
            yq_buf_addc(out, ',');
        yq_buf_addc(out, '"');
        yq_buf_add(out, item.data, item.len); /* nothing in a userid needs an escape */
        yq_buf_addc(out, '"');
    }
    yq_buf_addc(out, ']');
    if (count == 0 && value->len > 0)
        cut(out, mark);
}

static void begin(struct yq_buf *out, struct yq_text key, struct yq_text id)
{
    yq_buf_add(out, key.data, key.len);
    yq_buf_add(out, id.data, id.len);
}

/* `legacy`: the name in old configurations (wecom.md §2.1), which counts only beside no new one. */
static const struct yq_text *field_or(const struct yq_event_source *s, const char *name,
                                      const char *legacy)
{
    const struct yq_text *value = yq_event_field(s, name);
    return value != NULL ? value : yq_event_field(s, legacy);
}

/* The flags are parallel to the departments, so they say nothing without them. */
static void add_departments(const struct yq_event_source *s, struct yq_buf *out)
{
    int departments =
        add_numbers(out, KEY("departments"), yq_event_field(s, "Department"), UINT32_MAX);
    if (departments < 0)
        return;
    size_t mark = out->len;
    int flags = add_numbers(out, KEY("leader_in"), field_or(s, "IsLeaderInDept", "IsLeader"), 1);
    if (flags >= 0 && flags != departments)
        cut(out, mark);
}

void yq_event_write_member(const struct yq_event_source *s, struct yq_text userid,
                           struct yq_buf *out)
{
    begin(out, LITERAL("{\"userid\":\""), userid);
    yq_buf_addc(out, '"');
    const struct yq_text *renamed = yq_event_field(s, "NewUserID");
    if (renamed != NULL && yq_userid_valid(renamed->data, renamed->len))
        add_quoted(out, KEY("new_userid"), renamed);
    add_text(out, KEY("name"), yq_event_field(s, "Name"));
    add_departments(s, out);
    add_number(out, KEY("main_department"), yq_event_field(s, "MainDepartment"));
    add_userids(out, KEY("direct_leaders"), yq_event_field(s, "DirectLeader"));
    add_text(out, KEY("position"), yq_event_field(s, "Position"));
    add_text(out, KEY("mobile"), yq_event_field(s, "Mobile"));
    add_text(out, KEY("email"), yq_event_field(s, "Email"));
    add_text(out, KEY("gender"), yq_event_field(s, "Gender"));
    add_number(out, KEY("status"), yq_event_field(s, "Status"));
    add_text(out, KEY("alias"), field_or(s, "Alias", "EnglishName"));
    add_text(out, KEY("telephone"), yq_event_field(s, "Telephone"));
    yq_buf_addc(out, '}');
}

void yq_event_write_department(const struct yq_event_source *s, struct yq_text id,
                               struct yq_buf *out)
{
    begin(out, LITERAL("{\"id\":"), id);
    add_text(out, KEY("name"), yq_event_field(s, "Name"));
    add_number(out, KEY("parent"), yq_event_field(s, "ParentId"));
    add_number(out, KEY("order"), yq_event_field(s, "Order"));
    yq_buf_addc(out, '}');
}

void yq_event_write_tag(const struct yq_event_source *s, struct yq_text id, struct yq_buf *out)
{
    begin(out, LITERAL("{\"id\":"), id);
    add_userids(out, KEY("add_members"), yq_event_field(s, "AddUserItems"));
    add_userids(out, KEY("remove_members"), yq_event_field(s, "DelUserItems"));
    (void)add_numbers(out, KEY("add_departments"), yq_event_field(s, "AddPartyItems"), UINT32_MAX);
    (void)add_numbers(out, KEY("remove_departments"), yq_event_field(s, "DelPartyItems"),
                      UINT32_MAX);
    yq_buf_addc(out, '}');
}

void yq_event_write_job(const struct yq_event_source *s, struct yq_text id, struct yq_buf *out)
{
    add_quoted(out, LITERAL("{\"job_id\":"), &id);
    add_text(out, KEY("job_type"), yq_event_field2(s, "BatchJob", "JobType"));
    add_text(out, KEY("error_code"), yq_event_field2(s, "BatchJob", "ErrCode"));
    add_text(out, KEY("error_message"), yq_event_field2(s, "BatchJob", "ErrMsg"));
    yq_buf_addc(out, '}');
}
