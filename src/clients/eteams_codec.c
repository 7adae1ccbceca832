/* eteams' people and departments as JSON, read into rows; operations written as rows; its error
 * codes sorted by what to do. */
#include "clients/eteams_codec.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "clients/eteams_contract.h"
#include "eteams_inner.h"

/* ---- codes ---- */

static const struct {
    int code;
    enum yq_eteams_class class;
} classes[] = {
    {0, YQ_ETEAMS_OK},           {-2, YQ_ETEAMS_RETRY},     {200004, YQ_ETEAMS_TOKEN},
    {200005, YQ_ETEAMS_FATAL},   {200007, YQ_ETEAMS_TOKEN}, {200008, YQ_ETEAMS_TOKEN},
    {300001, YQ_ETEAMS_TOKEN},   {300002, YQ_ETEAMS_TOKEN}, {403001, YQ_ETEAMS_FATAL},
    {404001, YQ_ETEAMS_MISSING}, {410002, YQ_ETEAMS_SPLIT}, {410011, YQ_ETEAMS_DONE},
    {410012, YQ_ETEAMS_DONE},    {410013, YQ_ETEAMS_DONE},  {429001, YQ_ETEAMS_SLOW},
    {500000, YQ_ETEAMS_RETRY},
};

enum yq_eteams_class yq_eteams_classify(int code)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (classes[i].code == code)
            return classes[i].class;
    }
    return YQ_ETEAMS_ROW;
}

int yq_eteams_errcode(const cJSON *reply, const char **ret_text)
{
    const cJSON *message = yq_json_get(reply, "message");
    const cJSON *from = yq_json_get(message, "errcode") ? message : reply;
    const char *key = yq_json_get(from, "errcode") ? "errcode" : "code";
    const cJSON *text = yq_json_get(from, "errmsg");
    if (text == NULL)
        text = yq_json_get(from, "msg");
    if (ret_text != NULL)
        *ret_text = cJSON_IsString(text) ? text->valuestring : "";
    int64_t code;
    if (!yq_json_int(from, key, &code))
        return -2;
    return code < INT_MIN || code > INT_MAX ? INT_MAX : (int)code;
}

/* ---- reading ---- */

bool yq_eteams_is_id(const char *text)
{
    size_t len = text ? strspn(text, "0123456789") : 0;
    return len > 0 && len <= 20 && text[len] == '\0' && text[0] != '0';
}

const char *yq_eteams_id(struct yq_arena *arena, const cJSON *item)
{
    if (!cJSON_IsString(item) && !cJSON_IsNumber(item))
        return NULL;
    const char *text = yq_json_item_text(arena, item);
    return yq_eteams_is_id(text) ? text : NULL;
}

enum key {
    KEY_ID,
    KEY_USER_ID,
    KEY_USERNAME,
    KEY_ACCOUNT,
    KEY_JOB_NUM,
    KEY_MOBILE,
    KEY_EMAIL,
    KEY_SEX,
    KEY_DEPARTMENT,
    KEY_SUPERIOR,
    KEY_OTHER_SUPERIOR,
    KEY_PERSONNEL_STATUS,
    KEY_STATUS,
    KEY_IDENTITY,
    KEY_COUNT
};
static const char *const keys[KEY_COUNT] = {
    [KEY_ID] = ET_ROW_ID,
    [KEY_USER_ID] = "user_id",
    [KEY_USERNAME] = "username",
    [KEY_ACCOUNT] = ET_F_ACCOUNT,
    [KEY_JOB_NUM] = "job_num",
    [KEY_MOBILE] = "mobile",
    [KEY_EMAIL] = "email",
    [KEY_SEX] = "sex",
    [KEY_DEPARTMENT] = "department",
    [KEY_SUPERIOR] = ET_F_SUPERIOR,
    [KEY_OTHER_SUPERIOR] = ET_F_OTHER_SUPERIOR,
    [KEY_PERSONNEL_STATUS] = "personnel_status",
    [KEY_STATUS] = "status",
    [KEY_IDENTITY] = ET_F_IDENTITY,
};

/* One person being read. */
struct reader {
    struct yq_arena *arena;
    bool copy; /* texts, into the arena; else they are borrowed from the object */
    const cJSON *items[KEY_COUNT];
};

/* Texts may come as numbers; what is missing is empty. */
static const char *text_of(const struct reader *r, enum key key)
{
    const cJSON *item = r->items[key];
    const char *text = yq_json_item_text(r->arena, item);
    if (text == NULL)
        return "";
    return r->copy && cJSON_IsString(item) ? yq_arena_strdup(r->arena, text) : text;
}

/* Ids as an array, a string or a number. Returns -1 if something in it is none. */
static int read_ids(const struct reader *r, enum key key, const char *const **ret,
                    size_t *ret_count)
{
    const cJSON *item = r->items[key];
    size_t count = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1, used = 0;
    const char **ids = yq_arena_alloc(r->arena, (count + 1) * sizeof(*ids));
    bool none =
        item == NULL || cJSON_IsNull(item) || (cJSON_IsString(item) && *item->valuestring == '\0');
    const cJSON *from = none ? NULL : cJSON_IsArray(item) ? item->child : item;
    for (; from != NULL; from = cJSON_IsArray(item) ? from->next : NULL) {
        const char *id = yq_eteams_id(r->arena, from);
        if (id == NULL)
            return -1;
        ids[used++] = r->copy ? yq_arena_strdup(r->arena, id) : id;
    }
    *ret = ids;
    *ret_count = used;
    return 0;
}

/* "0" is none, as with the parents of departments; what is no id makes both unknown. */
static void read_superiors(const struct reader *r, struct yq_eteams_member *m)
{
    const char *const *one = NULL;
    size_t count = 0;
    const char *text = yq_json_item_text(r->arena, r->items[KEY_SUPERIOR]);
    bool zero = text != NULL && strcmp(text, "0") == 0;
    m->superior = "";
    if (r->items[KEY_SUPERIOR] == NULL || r->items[KEY_OTHER_SUPERIOR] == NULL ||
        (!zero && read_ids(r, KEY_SUPERIOR, &one, &count) < 0) || count > 1 ||
        read_ids(r, KEY_OTHER_SUPERIOR, &m->others, &m->other_count) < 0)
        return;
    if (count == 1)
        m->superior = one[0];
    m->superiors_known = true;
}

/* eteams.md §2.4. Numbers that are not in the table of §1.7 are a customer's own: there the coarse
 * status decides. */
static bool in_service(const struct reader *r)
{
    const char *status = yq_json_item_text(r->arena, r->items[KEY_STATUS]);
    bool normal = status == NULL || *status == '\0' || strcmp(status, ET_ST_NORMAL) == 0;
    int64_t n;
    if (!yq_json_item_int(r->items[KEY_PERSONNEL_STATUS], &n))
        return normal;
    if (n >= 1 && n <= 5)
        return true;
    return n != 6 && n != 7 && n != 9 && n != 10 && status != NULL && *status != '\0' && normal;
}

static int read_fields(struct reader *r, const cJSON *object, struct yq_eteams_member *ret,
                       struct yq_error *err)
{
    yq_json_pick(object, keys, KEY_COUNT, r->items);
    const char *id = yq_eteams_id(r->arena, r->items[KEY_ID]);
    *ret = (struct yq_eteams_member){.id = id, .fact = YQ_PRESENT};
    if (id == NULL)
        return yq_error_set(err, YQ_ERROR_INVALID, "a person without a valid id");
    if (read_ids(r, KEY_DEPARTMENT, &ret->departments, &ret->department_count) < 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "a person whose department is no id");
    ret->user_id = text_of(r, KEY_USER_ID);
    ret->account = text_of(r, KEY_ACCOUNT);
    ret->name = text_of(r, KEY_USERNAME);
    ret->mobile = text_of(r, KEY_MOBILE);
    ret->email = text_of(r, KEY_EMAIL);
    ret->job_num = text_of(r, KEY_JOB_NUM);
    ret->sex = text_of(r, KEY_SEX);
    read_superiors(r, ret);
    ret->in_service = in_service(r);
    const char *identity = yq_json_item_text(r->arena, r->items[KEY_IDENTITY]);
    ret->secondary = identity != NULL && strcmp(identity, ET_F_IDENTITY_SECONDARY) == 0;
    return 0;
}

int yq_eteams_borrow_member(struct yq_arena *arena, const cJSON *object,
                            struct yq_eteams_member *ret, struct yq_error *err)
{
    struct reader r = {.arena = arena};
    return read_fields(&r, object, ret, err);
}

struct yq_eteams_member *yq_eteams_read_member(struct yq_view *v, const cJSON *object,
                                               struct yq_error *err)
{
    struct reader r = {.arena = v->arena, .copy = true};
    struct yq_eteams_member fresh;
    if (read_fields(&r, object, &fresh, err) < 0)
        return NULL;
    struct yq_eteams_member *m = yq_view_eteams_member(v, fresh.id);
    fresh.id = m->id; /* the rest of the row is not of this answer: posts, owner */
    fresh.posts_fact = m->posts_fact;
    fresh.posts = m->posts;
    fresh.post_count = m->post_count;
    fresh.owner = m->owner;
    fresh.owner_asked = m->owner_asked;
    fresh.hh = m->hh;
    *m = fresh;
    yq_view_index_member(v, m);
    return m;
}

struct yq_eteams_department *yq_eteams_read_department(struct yq_view *v, const cJSON *object,
                                                       struct yq_error *err)
{
    const char *id = yq_eteams_id(v->arena, yq_json_get(object, ET_ROW_ID));
    const cJSON *name = yq_json_get(object, "name");
    const char *parent = yq_json_text(v->arena, object, "parent");
    if (id == NULL || !cJSON_IsString(name)) {
        (void)yq_error_set(err, YQ_ERROR_INVALID, "a department without a valid id or name");
        return NULL;
    }
    const cJSON *said = yq_json_get(object, "parent");
    bool none = said == NULL || cJSON_IsNull(said) ||
                (parent != NULL && (*parent == '\0' || strcmp(parent, "0") == 0));
    if (!none && yq_eteams_id(v->arena, said) == NULL) {
        (void)yq_error_set(err, YQ_ERROR_INVALID, "a department whose parent is no id");
        return NULL;
    }
    struct yq_eteams_department *d = yq_view_eteams_department(v, id);
    const char *status = yq_json_text(v->arena, object, "status");
    d->fact = YQ_PRESENT;
    d->error = NULL;
    d->parent = none ? NULL : yq_arena_strdup(v->arena, parent);
    d->name = yq_arena_strdup(v->arena, name->valuestring);
    d->enabled = status == NULL || strcmp(status, "0") != 0;
    return d;
}

/* ---- writing ---- */

static void add_member(struct yq_buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        yq_buf_addc(out, ',');
    yq_buf_add_json_string(out, name);
    yq_buf_addc(out, ':');
    yq_buf_add_json_string(out, value);
}

/* A new record says nothing about what is empty; a change may empty a field. */
static void add_changes(const struct yq_operation *op, const char *department, bool fresh,
                        struct yq_buf *out)
{
    for (size_t i = 0; i < op->change_count; i++) {
        const struct yq_change *c = &op->changes[i];
        bool ref = strcmp(c->field, "parent") == 0 || strcmp(c->field, "department") == 0;
        const char *value = ref ? department : c->after;
        if (value != NULL && (*value != '\0' || !fresh))
            add_member(out, c->field, value);
    }
}

static const char *after_of(const struct yq_operation *op, const char *field)
{
    for (size_t i = 0; i < op->change_count; i++) {
        if (strcmp(op->changes[i].field, field) == 0)
            return op->changes[i].after;
    }
    return NULL;
}

/* superior: an id, or "" to clear it; others: ids joined by commas. NULL: stays as it is. */
static void add_superiors(const char *superior, const char *others, struct yq_buf *out)
{
    if (superior != NULL)
        add_member(out, ET_F_SUPERIOR, superior);
    if (others == NULL)
        return;
    yq_buf_adds(out, ",\"" ET_F_OTHER_SUPERIOR "\":[");
    for (const char *id = others; *id != '\0';) {
        size_t len = strcspn(id, ",");
        yq_buf_adds(out, id > others ? ",\"" : "\"");
        yq_buf_add_json(out, id, len);
        yq_buf_addc(out, '"');
        id += len + (id[len] == ',');
    }
    yq_buf_addc(out, ']');
}

static void add_post(const struct yq_operation *op, const char *target, const char *department,
                     const char *connection, struct yq_buf *out)
{
    add_member(out, ET_ROW_ID, target);
    if (department != NULL)
        add_member(out, "departmentId", department);
    add_member(out, "externalSyncType", ET_POST_SYNC_TYPE);
    struct yq_buf id = YQ_BUF_INIT;
    if (op->external_id != NULL)
        yq_buf_adds(&id, op->external_id);
    else
        yq_eteams_external_id(connection, target, department, &id);
    add_member(out, "externalSyncId", yq_buf_text(&id));
    yq_buf_release(&id);
    add_member(out, "deleted", op->kind == YQ_OP_POST_REMOVE ? "1" : "0");
}

void yq_eteams_write_row(const struct yq_operation *op, const char *target, const char *department,
                         const char *connection, struct yq_buf *out)
{
    struct yq_buf row = YQ_BUF_INIT;
    switch (op->kind) {
    case YQ_OP_DEPARTMENT_CREATE:
        add_changes(op, department, true, &row);
        add_member(&row, "status", "1");
        break;
    case YQ_OP_MEMBER_CREATE:
        add_changes(op, department, true, &row);
        add_member(&row, "personnel_status", ET_PS_REGULAR);
        break;
    case YQ_OP_DEPARTMENT_UPDATE:
    case YQ_OP_MEMBER_UPDATE:
        add_member(&row, ET_ROW_ID, target);
        add_changes(op, department, false, &row);
        break;
    case YQ_OP_MEMBER_RESIGN:
        add_member(&row, ET_ROW_ID, target);
        add_member(&row, "personnel_status", ET_PS_LEFT);
        if (department != NULL)
            add_member(&row, "department", department);
        add_superiors(ET_CLEAR_TEXT, "", &row);
        break;
    case YQ_OP_MEMBER_SUPERIORS:
        add_member(&row, ET_ROW_ID, target);
        add_superiors(after_of(op, ET_F_SUPERIOR), after_of(op, ET_F_OTHER_SUPERIOR), &row);
        break;
    case YQ_OP_POST_ADD:
    case YQ_OP_POST_REMOVE:
        add_post(op, target, department, connection, &row);
        break;
    default: /* has no row */
        break;
    }
    yq_buf_add(out, yq_buf_text(&row), row.len);
    yq_buf_release(&row);
}

void yq_eteams_external_id(const char *connection, const char *employee, const char *department,
                           struct yq_buf *out)
{
    yq_buf_addf(out, "yq-%s-%s-%s", connection, employee, department);
}
