/* WeCom's members and departments as JSON, read into rows; its error codes sorted by what to do. */
#include "model/wecom_codec.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "model/subject.h"

#define CODE(...)                                                                                  \
    (int[])                                                                                        \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

static const struct {
    enum yq_wecom_class class;
    const int *codes; /* 0-ended */
} classes[] = {
    {YQ_WECOM_TOKEN, CODE(40014, 42001, 42007, 42009, 42011, 40082)},
    {YQ_WECOM_RETRY, CODE(-1, -2, 6000, 302005, 302008)},
    {YQ_WECOM_LIMIT, CODE(45009)},
    {YQ_WECOM_CONCURRENCY, CODE(45033)},
    {YQ_WECOM_FATAL, CODE(40001, 40013, 40056, 40057, 40080, 40083, 40084, 40085, 40091, 41001,
                          41002, 41004, 48001, 48002, 48003, 48004, 48005, 48006, 48008, 50001,
                          50003, 60020, 60031, 60246, 301002, 301007, 301042)},
};

enum yq_wecom_class yq_wecom_classify(int code)
{
    if (code == 0)
        return YQ_WECOM_OK;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        for (const int *c = classes[i].codes; *c != 0; c++) {
            if (*c == code)
                return classes[i].class;
        }
    }
    return YQ_WECOM_ITEM;
}

int yq_wecom_errcode(const cJSON *reply)
{
    int64_t code = 0;
    if (!cJSON_IsObject(reply))
        return -2;
    if (yq_json_get(reply, "errcode") == NULL)
        return 0;
    if (!yq_json_int(reply, "errcode", &code) || code < INT32_MIN || code > INT32_MAX)
        return -2;
    return (int)code;
}

static bool read_id(const cJSON *item, uint32_t least, uint32_t *ret)
{
    int64_t n;
    if (!yq_json_item_int(item, &n) || n < least || n > UINT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

/* A list of userids; NULL if it is none, or one of them is malformed. */
static const char *const *read_userids(struct yq_arena *arena, const cJSON *list, bool copy,
                                       size_t *ret_count)
{
    const cJSON *item;
    if (!cJSON_IsArray(list))
        return NULL;
    size_t used = 0;
    const char **ids = yq_arena_alloc(arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*ids));
    cJSON_ArrayForEach (item, list) {
        if (!cJSON_IsString(item) || !yq_userid_valid(item->valuestring, strlen(item->valuestring)))
            return NULL;
        ids[used++] = copy ? yq_arena_strdup(arena, item->valuestring) : item->valuestring;
    }
    *ret_count = used;
    return ids;
}

/* ---- members ---- */

enum key {
    KEY_USERID,
    KEY_NAME,
    KEY_DEPARTMENT,
    KEY_ORDER,
    KEY_POSITION,
    KEY_STATUS,
    KEY_MOBILE,
    KEY_GENDER,
    KEY_EMAIL,
    KEY_IS_LEADER,
    KEY_DIRECT_LEADER,
    KEY_MAIN_DEPARTMENT,
    KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {
    [KEY_USERID] = "userid",
    [KEY_NAME] = "name",
    [KEY_DEPARTMENT] = "department",
    [KEY_ORDER] = "order",
    [KEY_POSITION] = "position",
    [KEY_STATUS] = "status",
    [KEY_MOBILE] = "mobile",
    [KEY_GENDER] = "gender",
    [KEY_EMAIL] = "email",
    [KEY_IS_LEADER] = "is_leader_in_dept",
    [KEY_DIRECT_LEADER] = "direct_leader",
    [KEY_MAIN_DEPARTMENT] = "main_department",
};

/* One object being read. */
struct reader {
    struct yq_arena *arena;
    bool copy; /* texts, into the arena; else they are borrowed from the object */
    const cJSON *items[KEY_COUNT];
};

static void know(struct yq_wecom_member *m, enum yq_member_field field)
{
    m->known |= YQ_FIELD_BIT(field);
}

static void read_text(const struct reader *r, enum key key, struct yq_wecom_member *m,
                      enum yq_member_field field, const char **ret)
{
    const cJSON *item = r->items[key];
    if (!cJSON_IsString(item))
        return;
    *ret = r->copy ? yq_arena_strdup(r->arena, item->valuestring) : item->valuestring;
    know(m, field);
}

static void read_gender(const struct reader *r, struct yq_wecom_member *m)
{
    static const char *const texts[] = {"0", "1", "2"};
    int64_t n;
    if (!yq_json_item_int(r->items[KEY_GENDER], &n) || n < 0 || n > 2)
        return;
    m->gender = texts[n];
    know(m, YQ_FIELD_GENDER);
}

static void read_status(const struct reader *r, struct yq_wecom_member *m)
{
    int64_t n;
    if (!yq_json_item_int(r->items[KEY_STATUS], &n) || (n != 1 && n != 2 && n != 4 && n != 5))
        return;
    m->status = (int)n;
    know(m, YQ_FIELD_STATUS);
}

static void read_departments(const struct reader *r, struct yq_wecom_member *m)
{
    const cJSON *list = r->items[KEY_DEPARTMENT], *item;
    if (!cJSON_IsArray(list))
        return;
    size_t used = 0;
    uint32_t *ids = yq_arena_alloc(r->arena, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof(*ids));
    cJSON_ArrayForEach (item, list) {
        if (!read_id(item, 1, &ids[used++]))
            return;
    }
    m->departments = ids;
    m->department_count = used;
    know(m, YQ_FIELD_DEPARTMENTS);
}

/* A list of numbers that is as long as that of the departments; NULL if it is none. */
static uint32_t *read_parallel(const struct reader *r, enum key key,
                               const struct yq_wecom_member *m)
{
    const cJSON *list = r->items[key], *item;
    if (!cJSON_IsArray(list) || m->departments == NULL ||
        (size_t)cJSON_GetArraySize(list) != m->department_count)
        return NULL;
    size_t used = 0;
    uint32_t *numbers = yq_arena_alloc(r->arena, (m->department_count + 1) * sizeof(*numbers));
    cJSON_ArrayForEach (item, list) {
        if (!read_id(item, 0, &numbers[used++]))
            return NULL;
    }
    return numbers;
}

static void read_leading(const struct reader *r, struct yq_wecom_member *m)
{
    uint32_t *leads = read_parallel(r, KEY_IS_LEADER, m);
    m->orders = read_parallel(r, KEY_ORDER, m);
    if (leads == NULL)
        return;
    for (size_t i = 0; i < m->department_count; i++) {
        if (leads[i] != 0)
            leads[m->lead_count++] = m->departments[i];
    }
    m->leads = leads;
    know(m, YQ_FIELD_LEADS);
}

static void read_placing(const struct reader *r, struct yq_wecom_member *m)
{
    read_departments(r, m);
    read_leading(r, m);
    if (read_id(r->items[KEY_MAIN_DEPARTMENT], 1, &m->main_department))
        know(m, YQ_FIELD_MAIN_DEPARTMENT);
    m->direct_leaders =
        read_userids(r->arena, r->items[KEY_DIRECT_LEADER], r->copy, &m->direct_leader_count);
    if (m->direct_leaders != NULL)
        know(m, YQ_FIELD_DIRECT_LEADERS);
}

/* All but the key. */
static int read_fields(struct reader *r, const cJSON *object, struct yq_wecom_member *ret,
                       struct yq_error *err)
{
    yq_json_pick(object, keys, KEY_COUNT, r->items);
    const cJSON *id = r->items[KEY_USERID];
    if (!cJSON_IsString(id) || !yq_userid_valid(id->valuestring, strlen(id->valuestring)))
        return yq_error_set(err, YQ_ERROR_INVALID, "a member without a valid userid");
    *ret = (struct yq_wecom_member){.fact = YQ_PRESENT};
    ret->userid = r->copy ? yq_arena_strdup(r->arena, id->valuestring) : id->valuestring;
    read_text(r, KEY_NAME, ret, YQ_FIELD_NAME, &ret->name);
    read_text(r, KEY_MOBILE, ret, YQ_FIELD_MOBILE, &ret->mobile);
    read_text(r, KEY_EMAIL, ret, YQ_FIELD_EMAIL, &ret->email);
    read_gender(r, ret);
    read_status(r, ret);
    if (cJSON_IsString(r->items[KEY_POSITION]))
        ret->known |= YQ_KNOWN_POSITION;
    read_placing(r, ret);
    return 0;
}

int yq_wecom_borrow_member(struct yq_arena *arena, const cJSON *object, struct yq_wecom_member *ret,
                           struct yq_error *err)
{
    struct reader r = {.arena = arena};
    if (read_fields(&r, object, ret, err) < 0)
        return -1;
    char *key = yq_arena_alloc(arena, YQ_USERID_MAX + 1);
    yq_userid_key(ret->userid, key);
    ret->key = key;
    return 0;
}

struct yq_wecom_member *yq_wecom_read_member(struct yq_view *v, const cJSON *object,
                                             struct yq_error *err)
{
    struct reader r = {.arena = v->arena, .copy = true};
    struct yq_wecom_member fresh; /* one answer, not a mixture */
    if (read_fields(&r, object, &fresh, err) < 0)
        return NULL;
    struct yq_wecom_member *m = yq_view_wecom_member(v, fresh.userid);
    fresh.key = m->key;
    fresh.link_asked = m->link_asked;
    fresh.hh = m->hh;
    *m = fresh;
    return m;
}

/* ---- departments ---- */

struct yq_wecom_department *yq_wecom_read_department(struct yq_view *v, const cJSON *object,
                                                     struct yq_error *err)
{
    uint32_t id, parent = 0;
    const cJSON *parent_item = yq_json_get(object, "parentid");
    if (!read_id(yq_json_get(object, "id"), 1, &id)) {
        (void)yq_error_set(err, YQ_ERROR_INVALID, "a department without a valid id");
        return NULL;
    }
    if (parent_item != NULL && !read_id(parent_item, 0, &parent)) {
        (void)yq_error_set(err, YQ_ERROR_INVALID, "department %u: parentid is malformed", id);
        return NULL;
    }
    struct yq_wecom_department *d = yq_view_wecom_department(v, id);
    const cJSON *name = yq_json_get(object, "name");
    d->fact = YQ_PRESENT;
    d->error = NULL;
    d->parent = parent;
    d->name = cJSON_IsString(name) && name->valuestring[0] != '\0'
                  ? yq_arena_strdup(v->arena, name->valuestring)
                  : NULL;
    if (!yq_json_int(object, "order", &d->order) || d->order < 0)
        d->order = -1;
    d->leader_count = 0;
    d->leaders =
        read_userids(v->arena, yq_json_get(object, "department_leader"), true, &d->leader_count);
    return d;
}
