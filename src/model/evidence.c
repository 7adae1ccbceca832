/* What the waiting events said about each subject, coalesced field by field: newer news wins, what
 * an event leaves out erases nothing. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "model/view.h"

/* The public evidence, and when those things were said that it keeps no time of. */
struct whole_evidence {
    struct yq_evidence evidence; /* first: its address is that of the whole */
    int64_t new_userid_at, name_at, parent_at, order_at;
};

struct reading {
    struct yq_arena *arena;
    const cJSON *data;
    struct yq_error *err;
};

struct yq_evidence *yq_view_evidence(const struct yq_view *v, const struct yq_subject *s)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(s, key);
    struct yq_evidence *e;
    HASH_FIND_STR(v->evidence, key, e);
    return e;
}

static struct yq_evidence *make_evidence(struct yq_view *v, const struct yq_subject *s)
{
    struct yq_evidence *e = yq_view_evidence(v, s);
    if (e != NULL)
        return e;
    struct whole_evidence *w = yq_arena_alloc(v->arena, sizeof(*w));
    e = &w->evidence;
    e->subject = *s;
    yq_subject_key(s, e->key);
    HASH_ADD_STR(v->evidence, key, e);
    return e;
}

/* ---- reading: each returns 1 when the field is there, 0 when it is missing, -1 when it is
 * unusable */

static int unusable(const struct reading *r, const char *key)
{
    return yq_error_set(r->err, YQ_ERROR_INVALID, "event data: %s is unusable", key);
}

static int read_text(const struct reading *r, const char *key, const char **ret)
{
    const cJSON *item = yq_json_get(r->data, key);
    if (item == NULL || cJSON_IsNull(item))
        return 0;
    const char *text = yq_json_item_text(r->arena, item);
    if (text == NULL)
        return unusable(r, key);
    *ret = yq_arena_strdup(r->arena, text);
    return 1;
}

/* An integer from 0 to max. An empty text is one that WeCom cleared: 0. */
static int read_number(const struct reading *r, const char *key, int64_t max, int64_t *ret)
{
    const cJSON *item = yq_json_get(r->data, key);
    int64_t n = 0;
    if (item == NULL || cJSON_IsNull(item))
        return 0;
    bool cleared = cJSON_IsString(item) && item->valuestring[0] == '\0';
    if (!cleared && (!yq_json_item_int(item, &n) || n < 0 || n > max))
        return unusable(r, key);
    *ret = n;
    return 1;
}

/* The items of a list; NULL and *ret_status 0 or -1 as above. */
static const cJSON *read_list(const struct reading *r, const char *key, int *ret_status)
{
    const cJSON *list = yq_json_get(r->data, key);
    bool missing = list == NULL || cJSON_IsNull(list);
    *ret_status = missing ? 0 : cJSON_IsArray(list) ? 1 : unusable(r, key);
    return *ret_status > 0 ? list : NULL;
}

static int read_departments(const struct reading *r, struct yq_wecom_member *m)
{
    int status;
    const cJSON *list = read_list(r, "departments", &status), *item;
    if (list == NULL)
        return status;
    uint32_t *ids = yq_arena_alloc(r->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*ids) + 1);
    cJSON_ArrayForEach (item, list) {
        int64_t n;
        if (!yq_json_item_int(item, &n) || n <= 0 || n > UINT32_MAX)
            return unusable(r, "departments");
        ids[m->department_count++] = (uint32_t)n;
    }
    m->departments = ids;
    return 1;
}

static int read_leaders(const struct reading *r, struct yq_wecom_member *m)
{
    int status;
    const cJSON *list = read_list(r, "direct_leaders", &status), *item;
    if (list == NULL)
        return status;
    const char **leaders =
        yq_arena_alloc(r->arena, (size_t)cJSON_GetArraySize(list) * sizeof(*leaders) + 1);
    cJSON_ArrayForEach (item, list) {
        if (!cJSON_IsString(item))
            return unusable(r, "direct_leaders");
        leaders[m->direct_leader_count++] = yq_arena_strdup(r->arena, item->valuestring);
    }
    m->direct_leaders = leaders;
    return 1;
}

static int read_member(const struct reading *r, struct yq_wecom_member *m)
{
    int64_t main_department = 0, status = 0;
    int found[YQ_MEMBER_FIELD_COUNT] = {
        [YQ_FIELD_NAME] = read_text(r, "name", &m->name),
        [YQ_FIELD_MOBILE] = read_text(r, "mobile", &m->mobile),
        [YQ_FIELD_EMAIL] = read_text(r, "email", &m->email),
        [YQ_FIELD_GENDER] = read_text(r, "gender", &m->gender),
        [YQ_FIELD_DEPARTMENTS] = read_departments(r, m),
        [YQ_FIELD_MAIN_DEPARTMENT] =
            read_number(r, "main_department", UINT32_MAX, &main_department),
        [YQ_FIELD_STATUS] = read_number(r, "status", 99, &status),
        [YQ_FIELD_DIRECT_LEADERS] = read_leaders(r, m),
    };
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        if (found[f] < 0)
            return -1;
        if (found[f] > 0)
            m->known |= YQ_FIELD_BIT(f);
    }
    if (cJSON_IsString(yq_json_get(r->data, "position")))
        m->known |= YQ_KNOWN_POSITION;
    m->main_department = (uint32_t)main_department;
    m->status = (int)status;
    return 0;
}

/* ---- merging ---- */

static void take_field(struct yq_wecom_member *to, const struct yq_wecom_member *from,
                       enum yq_member_field field)
{
    to->known |= YQ_FIELD_BIT(field);
    switch (field) {
    case YQ_FIELD_NAME:
        to->name = from->name;
        break;
    case YQ_FIELD_MOBILE:
        to->mobile = from->mobile;
        break;
    case YQ_FIELD_EMAIL:
        to->email = from->email;
        break;
    case YQ_FIELD_GENDER:
        to->gender = from->gender;
        break;
    case YQ_FIELD_DEPARTMENTS:
        to->departments = from->departments;
        to->department_count = from->department_count;
        break;
    case YQ_FIELD_MAIN_DEPARTMENT:
        to->main_department = from->main_department;
        break;
    case YQ_FIELD_STATUS:
        to->status = from->status;
        break;
    case YQ_FIELD_DIRECT_LEADERS:
        to->direct_leaders = from->direct_leaders;
        to->direct_leader_count = from->direct_leader_count;
        break;
    case YQ_FIELD_LEADS: /* only ever read */
    case YQ_MEMBER_FIELD_COUNT:
        break;
    }
}

static int add_member(struct yq_view *v, const struct yq_subject *s, int64_t at,
                      const struct reading *r)
{
    struct yq_wecom_member said = {0};
    const char *new_userid = NULL;
    int renamed = read_text(r, "new_userid", &new_userid);
    if (renamed < 0 || read_member(r, &said) < 0)
        return -1;
    struct yq_evidence *e = make_evidence(v, s);
    struct whole_evidence *w = (struct whole_evidence *)e;
    if (renamed > 0 && *new_userid != '\0' && at >= w->new_userid_at) {
        e->new_userid = new_userid;
        w->new_userid_at = at;
    }
    e->said_leading |= yq_json_get(r->data, "leader_in") != NULL;
    if (said.known != 0 && e->reported_member == NULL) {
        e->reported_member = yq_arena_alloc(v->arena, sizeof(*e->reported_member));
        e->reported_member->userid = yq_arena_strdup(v->arena, s->userid);
        e->reported_member->key = strchr(e->key, ':') + 1;
    }
    for (unsigned f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        if ((said.known & YQ_FIELD_BIT(f)) == 0 || at < e->reported_at[f])
            continue;
        take_field(e->reported_member, &said, (enum yq_member_field)f);
        e->reported_at[f] = at;
    }
    if (e->reported_member != NULL)
        e->reported_member->known |= said.known & YQ_KNOWN_POSITION;
    return 0;
}

/* True when something was said at a time that is not older than *newest, which then moves on. */
static bool is_news(int found, int64_t at, int64_t *newest)
{
    if (found <= 0 || at < *newest)
        return false;
    *newest = at;
    return true;
}

static int add_department(struct yq_view *v, const struct yq_subject *s, int64_t at,
                          const struct reading *r)
{
    const char *name = NULL;
    int64_t parent = 0, order = 0;
    int named = read_text(r, "name", &name);
    int placed = read_number(r, "parent", UINT32_MAX, &parent);
    int ordered = read_number(r, "order", INT64_C(1) << 40, &order);
    if (named < 0 || placed < 0 || ordered < 0)
        return -1;
    struct yq_evidence *e = make_evidence(v, s);
    struct whole_evidence *w = (struct whole_evidence *)e;
    struct yq_wecom_department *d = e->reported_department;
    if (named + placed + ordered == 0)
        return 0;
    if (d == NULL) {
        d = e->reported_department = yq_arena_alloc(v->arena, sizeof(*d));
        d->id = s->id;
        d->order = -1;
    }
    if (is_news(named, at, &w->name_at))
        d->name = name;
    if (is_news(placed, at, &w->parent_at))
        d->parent = (uint32_t)parent;
    if (is_news(ordered, at, &w->order_at))
        d->order = order;
    return 0;
}

static void keep_latest(int64_t *latest, int64_t at)
{
    if (at > *latest)
        *latest = at;
}

static void note_kind(struct yq_evidence *e, enum yq_event_kind kind, int64_t at)
{
    switch (kind) {
    case YQ_EVENT_MEMBER_CREATED:
    case YQ_EVENT_DEPARTMENT_CREATED:
        keep_latest(&e->created_at, at);
        break;
    case YQ_EVENT_MEMBER_UPDATED:
    case YQ_EVENT_DEPARTMENT_UPDATED:
    case YQ_EVENT_TAG_UPDATED:
        keep_latest(&e->updated_at, at);
        break;
    case YQ_EVENT_MEMBER_DELETED:
    case YQ_EVENT_DEPARTMENT_DELETED:
        keep_latest(&e->deleted_at, at);
        break;
    case YQ_EVENT_MEMBER_ENTERED:
        keep_latest(&e->entered_at, at);
        break;
    case YQ_EVENT_MEMBER_LEFT:
        keep_latest(&e->left_at, at);
        break;
    case YQ_EVENT_COMMAND_SYNC:
    case YQ_EVENT_COMMAND_PUSH:
    case YQ_EVENT_COMMAND_LINK:
        e->commanded = true;
        break;
    default: /* a hint without a time that anybody compares */
        break;
    }
}

struct yq_evidence *yq_view_add_event(struct yq_view *v, enum yq_event_kind kind,
                                      const struct yq_subject *subject, int64_t at,
                                      const char *data, struct yq_error *err)
{
    const char *text = data != NULL && *data != '\0' ? data : "{}";
    int64_t when = at > 0 ? at : 1; /* WeCom did not say when: older than anything dated */
    struct yq_evidence *e = NULL;
    cJSON *tree = yq_json_parse(text, strlen(text), err);
    if (tree == NULL) {
        yq_error_prefix(err, "event data");
        goto out;
    }
    if (!cJSON_IsObject(tree)) {
        yq_error_set(err, YQ_ERROR_INVALID, "event data is not an object");
        goto out;
    }
    struct reading r = {v->arena, tree, err};
    if (subject->kind == YQ_SUBJECT_MEMBER && add_member(v, subject, when, &r) < 0)
        goto out;
    if (subject->kind == YQ_SUBJECT_DEPARTMENT && add_department(v, subject, when, &r) < 0)
        goto out;
    e = make_evidence(v, subject);
    note_kind(e, kind, when);
    if (kind == YQ_EVENT_CASE_REOPENED)
        e = yq_view_recall(v, e, yq_json_get(yq_json_get(tree, "case"), "told"), err);
out:
    cJSON_Delete(tree);
    return e;
}
