/* Turns a decrypted text, XML or its JSON twin, into an event: which shape, which event, which
 * change, about whom. Whatever cannot be made out is kept as unknown. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "event_codec.h"
#include "model/event.h"
#include "model/xml.h"

#define JOB_ID_MAX 64 /* wecom.md §2.4 */

struct yq_event_reader {
    struct yq_xml *xml;
    struct yq_digest *digest;
};

/* Fills kind, subject and data. Returns why it cannot (static text), or NULL. */
typedef const char *reading(const struct yq_event_source *s, struct yq_event *e);

struct yq_event_reader *yq_event_reader_new(void)
{
    struct yq_event_reader *r = yq_calloc(1, sizeof(*r));
    r->xml = yq_xml_new();
    r->digest = yq_digest_new();
    if (r->digest == NULL)
        abort(); /* OpenSSL without SHA-256 */
    return r;
}

void yq_event_reader_free(struct yq_event_reader *r)
{
    if (r == NULL)
        return;
    yq_xml_free(r->xml);
    yq_digest_free(r->digest);
    free(r);
}

static bool is(const struct yq_text *value, const char *text)
{
    size_t len = strlen(text);
    return value != NULL && value->len == len && memcmp(value->data, text, len) == 0;
}

/* Seconds since 1970, or 0 for anything else than up to 18 digits. */
static int64_t seconds(const struct yq_text *value)
{
    if (value == NULL || value->len > 18)
        return 0;
    int64_t sum = 0;
    for (size_t i = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9')
            return 0;
        sum = sum * 10 + (value->data[i] - '0');
    }
    return sum;
}

static bool read_member_id(const struct yq_text *value, struct yq_event *e)
{
    if (value == NULL || !yq_userid_valid(value->data, value->len))
        return false;
    char userid[YQ_USERID_MAX + 1];
    memcpy(userid, value->data, value->len);
    userid[value->len] = '\0';
    e->subject = yq_subject_member(userid);
    return true;
}

/* Departments and tags are counted from 1. */
static bool read_number_id(const struct yq_text *value, uint32_t *ret)
{
    return value != NULL && yq_wecom_id_parse(value->data, value->len, ret) == 0 && *ret != 0;
}

static const char *read_member(const struct yq_event_source *s, struct yq_event *e)
{
    const struct yq_text *userid = yq_event_field(s, "UserID");
    if (!read_member_id(userid, e))
        return "UserID is missing or malformed";
    yq_event_write_member(s, *userid, &e->data);
    return NULL;
}

static const char *read_department(const struct yq_event_source *s, struct yq_event *e)
{
    const struct yq_text *text = yq_event_field(s, "Id");
    uint32_t id;
    if (!read_number_id(text, &id))
        return "Id is missing or malformed";
    e->subject = yq_subject_department(id);
    yq_event_write_department(s, *text, &e->data);
    return NULL;
}

static const char *read_tag(const struct yq_event_source *s, struct yq_event *e)
{
    const struct yq_text *text = yq_event_field(s, "TagId");
    uint32_t id;
    if (!read_number_id(text, &id))
        return "TagId is missing or malformed";
    e->subject = yq_subject_tag(id);
    yq_event_write_tag(s, *text, &e->data);
    return NULL;
}

static const char *read_sender(const struct yq_event_source *s, struct yq_event *e)
{
    const struct yq_text *userid = yq_event_field(s, "FromUserName");
    if (!read_member_id(userid, e))
        return "FromUserName is missing or malformed";
    yq_buf_adds(&e->data, "{\"userid\":\"");
    yq_buf_add(&e->data, userid->data, userid->len);
    yq_buf_adds(&e->data, "\"}");
    return NULL;
}

static const char *read_job(const struct yq_event_source *s, struct yq_event *e)
{
    const struct yq_text *id = yq_event_field2(s, "BatchJob", "JobId");
    if (id == NULL || id->len == 0 || id->len > JOB_ID_MAX)
        return "JobId is missing or too long";
    yq_event_write_job(s, *id, &e->data);
    return NULL;
}

static const char *read_plain(const struct yq_event_source *s, struct yq_event *e)
{
    (void)s;
    yq_buf_adds(&e->data, "{}");
    return NULL;
}

struct rule {
    const char *name;
    enum yq_event_kind kind;
    reading *read;
};

/* ChangeType of change_contact (wecom.md §2.1, §2.2). */
static const struct rule changes[] = {
    {"update_user", YQ_EVENT_MEMBER_UPDATED, read_member},
    {"create_user", YQ_EVENT_MEMBER_CREATED, read_member},
    {"delete_user", YQ_EVENT_MEMBER_DELETED, read_member},
    {"create_party", YQ_EVENT_DEPARTMENT_CREATED, read_department},
    {"update_party", YQ_EVENT_DEPARTMENT_UPDATED, read_department},
    {"delete_party", YQ_EVENT_DEPARTMENT_DELETED, read_department},
    {"update_tag", YQ_EVENT_TAG_UPDATED, read_tag},
};

/* Event, other than change_contact (wecom.md §2.4). */
static const struct rule events[] = {
    {"subscribe", YQ_EVENT_MEMBER_ENTERED, read_sender},
    {"unsubscribe", YQ_EVENT_MEMBER_LEFT, read_sender},
    {"batch_job_result", YQ_EVENT_JOB_FINISHED, read_job},
    {"change_app_admin", YQ_EVENT_ADMINS_CHANGED, read_plain},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *read_by_rule(const struct rule *rules, size_t count, const struct yq_text *name,
                                const struct yq_event_source *s, struct yq_event *e)
{
    for (size_t i = 0; i < count; i++) {
        if (is(name, rules[i].name)) {
            e->kind = rules[i].kind;
            return rules[i].read(s, e);
        }
    }
    return "no known Event or ChangeType";
}

/* Shape S: MsgType "event", Event, and ChangeType where Event is change_contact. */
static const char *read_shape_s(const struct yq_event_source *s, struct yq_event *e)
{
    e->at = seconds(yq_event_field(s, "CreateTime"));
    const struct yq_text *type = yq_event_field(s, "MsgType");
    if (type != NULL && !is(type, "event"))
        return "MsgType is not event";
    const struct yq_text *event = yq_event_field(s, "Event");
    if (is(event, "change_contact"))
        return read_by_rule(changes, COUNT(changes), yq_event_field(s, "ChangeType"), s, e);
    return read_by_rule(events, COUNT(events), event, s, e);
}

/* Shape T belongs to the command URL of a suite (wecom.md §2.5, §2.6). */
static const char *read_shape_t(const struct yq_event_source *s, struct yq_event *e)
{
    e->at = seconds(yq_event_field(s, "TimeStamp"));
    return "an event of a suite";
}

/* A shape is known by the one element that only it has. */
static const struct {
    const char *element;
    reading *read;
} shapes[] = {
    {"Event", read_shape_s},
    {"InfoType", read_shape_t},
};

static const char *read_source(const struct yq_event_source *s, struct yq_event *e)
{
    for (size_t i = 0; i < COUNT(shapes); i++) {
        if (yq_event_field(s, shapes[i].element) != NULL)
            return shapes[i].read(s, e);
    }
    e->at = seconds(yq_event_field(s, "CreateTime"));
    return "neither Event nor InfoType";
}

static const char *read_xml(struct yq_event_reader *r, const char *text, size_t len,
                            struct yq_event *e)
{
    if (yq_xml_parse(r->xml, text, len, NULL) != 0)
        return "not the XML of a callback";
    return read_source(&(struct yq_event_source){.xml = r->xml}, e);
}

/* cJSON takes any bytes in a string; what goes into `data` must be UTF-8 without a NUL. */
static bool is_clean_text(const char *text, size_t len)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    for (size_t at = 0; at < len;) {
        utf8proc_int32_t point;
        utf8proc_ssize_t step = utf8proc_iterate(bytes + at, (utf8proc_ssize_t)(len - at), &point);
        if (step < 1 || point == 0)
            return false;
        at += (size_t)step;
    }
    return true;
}

static const char *read_json(const char *text, size_t len, struct yq_event *e)
{
    cJSON *root = is_clean_text(text, len) ? yq_json_parse(text, len, NULL) : NULL;
    if (root == NULL)
        return "not JSON in UTF-8";
    struct yq_arena *arena = yq_arena_new();
    const char *why = read_source(&(struct yq_event_source){.json = root, .arena = arena}, e);
    yq_arena_free(arena);
    cJSON_Delete(root);
    return why;
}

static bool looks_like_json(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
        i++;
    return i < len && text[i] == '{';
}

void yq_event_read(struct yq_event_reader *r, const char *text, size_t len, struct yq_event *e,
                   const char **ret_why)
{
    e->kind = YQ_EVENT_UNKNOWN;
    e->subject = yq_subject_all();
    e->source = "callback";
    e->at = 0;
    yq_buf_clear(&e->data);
    yq_buf_clear(&e->raw);
    yq_buf_add(&e->raw, text, len);
    if (yq_digest_sha256_hex(r->digest, text, len, e->digest) != 0)
        e->digest[0] = '\0'; /* for inspection only: no reason to lose the event */
    const char *why =
        looks_like_json(text, len) ? read_json(text, len, e) : read_xml(r, text, len, e);
    if (why != NULL) {
        e->kind = YQ_EVENT_UNKNOWN;
        e->subject = yq_subject_all();
        yq_buf_clear(&e->data);
        yq_buf_adds(&e->data, "{}");
    }
    if (ret_why != NULL)
        *ret_why = why;
}
