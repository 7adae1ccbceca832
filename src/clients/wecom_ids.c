/* Where details may not be read: who is in which department, and the tree without names, from the
 * contacts secret (wecom.md §0.2), which sees the whole company. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/wecom_codec.h"
#include "wecom_inner.h"

#define PAGE_ROWS 10000
#define READINGS 3       /* a cursor that is refused half-way: from the first page on again */
#define BAD_CURSOR 50100 /* wecom.md §4.3 */
#define PAGES_MAX 1000   /* far more than a company has; a cursor that never ends is an error */
#define WECOM_ROOT 1u    /* wecom.md §4.2 */
#define ASKED_AT_ONCE 50 /* departments that a list lacks */

/* A person's departments, one after the other as the pages bring them. */
struct membership {
    char key[YQ_USERID_MAX + 1];
    char userid[YQ_USERID_MAX + 1];
    uint32_t *departments;
    size_t count, capacity;
    UT_hash_handle hh;
};

struct listing {
    struct membership *people;
};

static void free_listing(struct listing *l)
{
    struct membership *m, *next;
    HASH_ITER (hh, l->people, m, next) {
        HASH_DEL(l->people, m);
        free(m->departments);
        free(m);
    }
}

static void add_row(void *listing, const char *userid, uint32_t department)
{
    struct listing *l = listing;
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    struct membership *m;
    HASH_FIND_STR(l->people, key, m);
    if (m == NULL) {
        m = yq_calloc(1, sizeof(*m));
        memcpy(m->key, key, sizeof(key));
        memcpy(m->userid, userid, strlen(userid) + 1);
        HASH_ADD_STR(l->people, key, m);
    }
    yq_grow(&m->departments, &m->capacity, m->count, sizeof(*m->departments));
    m->departments[m->count++] = department;
}

static void forget_rows(void *listing)
{
    free_listing(listing);
}

/* ---- pages ---- */

static int take_row(const struct yq_wecom_memberships *m, const cJSON *row)
{
    const cJSON *userid = yq_json_get(row, "userid");
    int64_t department;
    if (!cJSON_IsString(userid) ||
        !yq_userid_valid(userid->valuestring, strlen(userid->valuestring)) ||
        !yq_json_int(row, "department", &department) || department < 1 || department > UINT32_MAX)
        return -1;
    m->row(m->context, userid->valuestring, (uint32_t)department);
    return 0;
}

static int take_page(const struct yq_wecom_memberships *m, const cJSON *reply, char **ret_cursor,
                     struct yq_error *err)
{
    const cJSON *rows = yq_json_get(reply, "dept_user"), *row;
    const cJSON *cursor = yq_json_get(reply, "next_cursor");
    if (!cJSON_IsArray(rows) || (cursor != NULL && !cJSON_IsString(cursor)))
        return yq_error_set(err, YQ_ERROR_RETRY, "user/list_id: not a page");
    cJSON_ArrayForEach (row, rows) {
        if (take_row(m, row) < 0)
            return yq_error_set(err, YQ_ERROR_RETRY, "user/list_id: a malformed row");
    }
    *ret_cursor =
        cursor != NULL && *cursor->valuestring != '\0' ? yq_strdup(cursor->valuestring) : NULL;
    return 0;
}

static char *page_body(const char *cursor)
{
    struct yq_buf body = YQ_BUF_INIT;
    yq_buf_adds(&body, "{");
    if (cursor != NULL) {
        yq_buf_adds(&body, "\"cursor\":");
        yq_buf_add_json_string(&body, cursor);
        yq_buf_addc(&body, ',');
    }
    yq_buf_addf(&body, "\"limit\":%d}", PAGE_ROWS);
    return yq_buf_steal(&body);
}

/* One call for the page that the cursor names, or the first. *ret_cursor: that of the next, NULL
 * after the last. */
static int ask_page(struct yq_wecom *w, struct yq_http *h, const struct yq_wecom_memberships *m,
                    const char *body, char **ret_cursor, const struct yq_watch *watch,
                    struct yq_error *err)
{
    struct yq_call call = {.api = WC_P_USER_LIST_ID, .body = body};
    int rc = yq_wecom_run(&w->contacts, h, &call, 1, watch, err);
    if (rc == 0 && call.error.kind == YQ_ERROR_FATAL) {
        rc = yq_wecom_fatal(&w->contacts, &call, err);
    } else if (rc == 0 && call.error.kind != YQ_ERROR_NONE) {
        *err = call.error;
        rc = -1;
    } else if (rc == 0) {
        rc = take_page(m, call.reply, ret_cursor, err);
    }
    yq_calls_release(&call, 1);
    return rc;
}

/* The same, again where it fails in passing; rows that come twice are one. */
static int read_page(struct yq_wecom *w, struct yq_http *h, const struct yq_wecom_memberships *m,
                     const char *cursor, char **ret_cursor, const struct yq_watch *watch,
                     struct yq_error *err)
{
    char *body = page_body(cursor);
    int rc = -1;
    for (int tries = 0; rc < 0 && (tries == 0 || tries < m->tries); tries++) {
        *err = (struct yq_error){0};
        rc = ask_page(w, h, m, body, ret_cursor, watch, err);
        if (err->kind != YQ_ERROR_RETRY)
            break;
    }
    free(body);
    return rc;
}

static int read_pages(struct yq_wecom *w, struct yq_http *h, const struct yq_wecom_memberships *m,
                      const struct yq_watch *watch, struct yq_error *err)
{
    char *cursor = NULL;
    for (int page = 0; page < PAGES_MAX; page++) {
        char *next = NULL;
        int rc = read_page(w, h, m, cursor, &next, watch, err);
        free(cursor);
        cursor = next;
        if (rc < 0 || cursor == NULL)
            return rc;
    }
    free(cursor);
    return yq_error_set(err, YQ_ERROR_RETRY, "user/list_id: the pages do not end");
}

int yq_wecom_each_membership(struct yq_wecom *w, struct yq_http *h,
                             const struct yq_wecom_memberships *m, const struct yq_watch *watch,
                             struct yq_error *err)
{
    struct yq_error why = {0};
    int rc = -1;
    for (int reading = 0; reading < READINGS && rc < 0; reading++) {
        if (reading > 0)
            m->again(m->context);
        why = (struct yq_error){0};
        rc = read_pages(w, h, m, watch, &why);
        if (why.code != BAD_CURSOR)
            break;
    }
    if (rc < 0 && err != NULL)
        *err = why;
    return rc;
}

/* ---- members ---- */

static void take_membership(struct yq_view *v, const char *userid, const struct membership *found)
{
    struct yq_wecom_member *m = yq_view_wecom_member(v, userid);
    struct yq_wecom_member fresh = {
        .key = m->key, .userid = m->userid, .link_asked = m->link_asked, .hh = m->hh};
    *m = fresh;
    m->fact = found ? YQ_PRESENT : YQ_ABSENT;
    if (found == NULL)
        return;
    uint32_t *ids = yq_arena_alloc(v->arena, (found->count + 1) * sizeof(*ids));
    memcpy(ids, found->departments, found->count * sizeof(*ids));
    m->userid = yq_arena_strdup(v->arena, found->userid);
    m->departments = ids;
    m->department_count = found->count;
    m->known = YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS);
}

int yq_wecom_ids_of_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                            const char *const *userids, size_t count, const struct yq_watch *watch,
                            struct yq_error *err)
{
    struct listing l = {0};
    struct yq_error why = {0};
    struct yq_wecom_memberships rows = {.row = add_row, .again = forget_rows, .context = &l};
    int rc = yq_wecom_each_membership(w, h, &rows, watch, &why);
    if (rc == 0 && l.people == NULL) /* there is always somebody: whoever founded the company */
        rc = yq_error_set(&why, YQ_ERROR_RETRY, "user/list_id shows nobody at all");
    if (rc == 0)
        v->listed_people = HASH_COUNT(l.people);
    for (size_t i = 0; i < count; i++) {
        char key[YQ_USERID_MAX + 1];
        struct membership *found = NULL;
        yq_userid_key(userids[i], key);
        HASH_FIND_STR(l.people, key, found);
        if (rc == 0) {
            take_membership(v, userids[i], found);
        } else {
            struct yq_wecom_member *m = yq_view_wecom_member(v, userids[i]);
            m->fact = YQ_UNREADABLE;
            m->error = yq_view_error(v, &why);
        }
    }
    free_listing(&l);
    if (rc == 0 || (why.kind != YQ_ERROR_LOST && why.kind != YQ_ERROR_FATAL))
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}

/* ---- departments ---- */

/* One answer tells the tree of the whole company: the root is in it (wecom.md §4.2), and whatever
 * another row hangs from. */
static int check_tree(const struct yq_view *v, const cJSON *rows, struct yq_error *err)
{
    const cJSON *row;
    bool root = false;
    cJSON_ArrayForEach (row, rows) {
        int64_t id = 0;
        (void)yq_json_int(row, "id", &id);
        const struct yq_wecom_department *d = yq_view_find_wecom_department(v, (uint32_t)id);
        const struct yq_wecom_department *above =
            d != NULL && d->parent != 0 ? yq_view_find_wecom_department(v, d->parent) : NULL;
        root |= id == WECOM_ROOT;
        if (d != NULL && d->parent != 0 && (above == NULL || above->fact != YQ_PRESENT))
            return yq_error_set(err, YQ_ERROR_RETRY,
                                "department/simplelist lacks department %u, above %u", d->parent,
                                d->id);
    }
    return root ? 0
                : yq_error_set(err, YQ_ERROR_RETRY, "department/simplelist lacks the department %u",
                               WECOM_ROOT);
}

/* Reads every row, or says why the list is not to be relied on. */
static int take_tree(struct yq_view *v, const cJSON *reply, struct yq_error *err)
{
    const cJSON *rows = yq_json_get(reply, "department_id"), *row;
    if (!cJSON_IsArray(rows))
        return yq_error_set(err, YQ_ERROR_RETRY, "department/simplelist: not a list");
    int rc = 0;
    cJSON_ArrayForEach (row, rows) {
        if (yq_wecom_read_department(v, row, err) == NULL)
            rc = -1;
    }
    if (rc < 0)
        err->kind = YQ_ERROR_RETRY;
    return rc == 0 ? check_tree(v, rows, err) : rc;
}

static int read_tree(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                     const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_call call = {.api = WC_P_DEPARTMENT_SIMPLELIST};
    int rc = yq_wecom_run(&w->contacts, h, &call, 1, watch, err);
    if (rc == 0 && call.error.kind == YQ_ERROR_FATAL) {
        rc = yq_wecom_fatal(&w->contacts, &call, err);
    } else if (rc == 0 && call.error.kind != YQ_ERROR_NONE) {
        *err = call.error;
        rc = -1;
    } else if (rc == 0) {
        rc = take_tree(v, call.reply, err);
    }
    yq_calls_release(&call, 1);
    return rc;
}

/* The answer about one department and what is beneath it. */
static void take_branch(struct yq_view *v, uint32_t id, const struct yq_call *call)
{
    const cJSON *rows = yq_json_get(call->reply, "department_id"), *row;
    struct yq_error why = call->error;
    bool answered = call->error.kind == YQ_ERROR_NONE;
    cJSON_ArrayForEach (row, rows) {
        int64_t said;
        if (answered && yq_json_int(row, "id", &said) && said == (int64_t)id &&
            yq_wecom_read_department(v, row, &why) != NULL)
            return;
    }
    if (answered)
        (void)yq_error_set(&why, YQ_ERROR_RETRY, "department/simplelist: not about %u", id);
    yq_wecom_department_refused(v, id, &why);
}

static int ask_each(struct yq_wecom *w, struct yq_http *h, struct yq_view *v, const uint32_t *ids,
                    size_t count, const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_call *calls = yq_calloc(count + 1, sizeof(*calls));
    for (size_t i = 0; i < count; i++) {
        calls[i].api = WC_P_DEPARTMENT_SIMPLELIST;
        calls[i].query = yq_printf("id=%u", ids[i]);
    }
    int rc = yq_wecom_run(&w->contacts, h, calls, count, watch, err);
    for (size_t i = 0; i < count; i++) {
        take_branch(v, ids[i], &calls[i]);
        free((char *)calls[i].query);
    }
    yq_calls_release(calls, count);
    free(calls);
    return rc;
}

static bool is_there(const struct yq_view *v, uint32_t id)
{
    const struct yq_wecom_department *d = yq_view_find_wecom_department(v, id);
    return d != NULL && d->fact == YQ_PRESENT;
}

static void say_unreadable(struct yq_view *v, const uint32_t *ids, size_t count,
                           const struct yq_error *why)
{
    for (size_t i = 0; i < count; i++) {
        struct yq_wecom_department *d = yq_view_wecom_department(v, ids[i]);
        if (d->fact == YQ_PRESENT)
            continue;
        d->fact = YQ_UNREADABLE;
        d->error = yq_view_error(v, why);
    }
}

/* What a list lacks may be there all the same: only an answer about that very department says that
 * it is gone. One that is there makes a liar of the list, and nobody else is asked for. */
static int settle_lacking(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                          const uint32_t *ids, size_t count, const struct yq_watch *watch,
                          struct yq_error *err)
{
    uint32_t some[ASKED_AT_ONCE];
    size_t next = 0, asked, there = 0;
    do {
        for (asked = 0; next < count && asked < ASKED_AT_ONCE; next++) {
            if (!is_there(v, ids[next]))
                some[asked++] = ids[next];
        }
        if (asked > 0 && ask_each(w, h, v, some, asked, watch, err) < 0)
            return -1;
        for (size_t i = 0; i < asked; i++)
            there += is_there(v, some[i]);
    } while (next < count && there == 0);
    struct yq_error why;
    (void)yq_error_set(&why, YQ_ERROR_RETRY,
                       "department/simplelist lacks departments that are there");
    say_unreadable(v, ids + next, count - next, &why);
    return 0;
}

int yq_wecom_ids_of_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                                const uint32_t *ids, size_t count, const struct yq_watch *watch,
                                struct yq_error *err)
{
    struct yq_error why = {0};
    for (size_t i = 0; i < count; i++)
        yq_view_wecom_department(v, ids[i])->fact = YQ_UNASKED;
    int rc = read_tree(w, h, v, watch, &why);
    if (rc == 0)
        rc = settle_lacking(w, h, v, ids, count, watch, &why);
    if (rc < 0)
        say_unreadable(v, ids, count, &why);
    bool ends = why.kind == YQ_ERROR_LOST || why.kind == YQ_ERROR_FATAL || count == 0;
    if (rc == 0 || !ends)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}
