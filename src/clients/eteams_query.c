/* Paged questions to eteams: the first page of each, then all others side by side, then the proof
 * that nothing is missing (eteams.md §2.6). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/sort.h"
#include "eteams_inner.h"

#define READINGS 3      /* before a snapshot is refused */
#define PAGES_MAX 10000 /* more than a tenant has: a wild `total` */

/* One reading of a query. */
struct reading {
    struct yq_query *query;
    const struct yq_watch *watch;
    int64_t total;
    size_t first_rows, rows;
    uint64_t *keys; /* hashes of the rows' keys */
    size_t key_count, key_capacity;
    int64_t *pages; /* numbers of those to be asked for in the next round */
    size_t page_count, page_capacity;
    int rounds;   /* of this reading, so far */
    bool changed; /* `total` was not the same on all pages */
    bool done;
};

struct page {
    struct reading *of;
    int64_t number;
    char *body;
};

static uint64_t hash_text(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

static size_t distinct(struct reading *r)
{
    if (r->query->key == NULL)
        return r->rows;
    size_t n = 0;
    yq_sort_by_key(r->keys, r->key_count, sizeof(*r->keys));
    for (size_t i = 0; i < r->key_count; i++)
        n += i == 0 || r->keys[i] != r->keys[i - 1];
    return n;
}

static void query_error(struct yq_query *q, const struct yq_error *err)
{
    if (q->error.kind != YQ_ERROR_NONE)
        return;
    q->error = *err;
    if (err->kind == YQ_ERROR_INVALID)
        q->error.kind = YQ_ERROR_RETRY; /* the next answer may be well again */
}

static void take_rows(struct reading *r, const cJSON *rows)
{
    struct yq_query *q = r->query;
    const cJSON *row;
    cJSON_ArrayForEach (row, rows) {
        struct yq_error err = {0};
        r->rows++;
        if (q->row(q->context, row, &err) < 0) {
            query_error(q, &err);
            continue;
        }
        const cJSON *key = q->key ? yq_json_get(row, q->key) : NULL;
        char number[32];
        int64_t n;
        const char *text = cJSON_IsString(key) ? key->valuestring : NULL;
        if (text == NULL && yq_json_item_int(key, &n)) {
            (void)snprintf(number, sizeof(number), "%lld", (long long)n);
            text = number;
        }
        if (text == NULL)
            continue;
        yq_grow(&r->keys, &r->key_capacity, r->key_count, sizeof(*r->keys));
        r->keys[r->key_count++] = hash_text(text);
    }
}

static void want_page(struct reading *r, int64_t number)
{
    yq_grow(&r->pages, &r->page_capacity, r->page_count, sizeof(*r->pages));
    r->pages[r->page_count++] = number;
}

/* The first page says how many more there are. */
static void want_others(struct reading *r)
{
    if (r->first_rows == 0 || r->total <= (int64_t)r->first_rows)
        return;
    int64_t all = (r->total + (int64_t)r->first_rows - 1) / (int64_t)r->first_rows;
    for (int64_t number = 2; number <= all && all <= PAGES_MAX; number++)
        want_page(r, number);
}

static void tell_progress(const struct reading *r)
{
    if (r->query->counted && r->watch != NULL && r->watch->progress != NULL)
        r->watch->progress(r->watch->context, r->rows, (size_t)r->total);
}

/* Runs as soon as a page is there, so that its tree is not kept. */
static void take_page(struct yq_call *call)
{
    struct page *p = call->context;
    struct reading *r = p->of;
    const cJSON *data = yq_json_get(call->reply, "data"), *rows = data;
    struct yq_error err = call->error;
    int64_t total = cJSON_IsArray(data) ? cJSON_GetArraySize(data) : -1;
    if (cJSON_IsObject(data)) {
        rows = yq_json_get(data, "data");
        if (!yq_json_int(data, "total", &total))
            total = -1;
    }
    if (err.kind == YQ_ERROR_NONE && (!cJSON_IsArray(rows) || total < 0))
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "%s: an answer without rows and total",
                           strrchr(r->query->api, '/') + 1);
    if (err.kind == YQ_ERROR_NONE && r->query->most > 0 && total > r->query->most)
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "%s: far more rows than were asked for",
                           strrchr(r->query->api, '/') + 1);
    if (err.kind == YQ_ERROR_RETRY && r->rounds <= r->query->tries) {
        want_page(r, p->number);
    } else if (err.kind != YQ_ERROR_NONE) {
        query_error(r->query, &err);
    } else {
        size_t before = r->rows;
        take_rows(r, rows);
        r->changed = r->changed || (p->number > 1 && total != r->total);
        if (p->number == 1) {
            r->total = total;
            r->first_rows = r->rows - before;
            want_others(r);
        }
        tell_progress(r);
    }
    cJSON_Delete(call->reply);
    call->reply = NULL;
}

static char *page_body(const struct yq_query *q, int64_t number)
{
    struct yq_buf body = YQ_BUF_INIT;
    yq_buf_addc(&body, '{');
    yq_buf_add(&body, yq_buf_text(&q->head), q->head.len);
    yq_buf_addf(&body, "%s\"current\":%lld,\"pageSize\":%d}", q->head.len ? "," : "",
                (long long)number, q->page_rows ? q->page_rows : ET_PAGE_ROWS);
    return yq_buf_steal(&body);
}

static size_t pages_wanted(const struct reading *r)
{
    return r->done || r->query->error.kind != YQ_ERROR_NONE ? 0 : r->page_count;
}

/* Asks for all pages that the readings want now, side by side. *ret_some: there were any. */
static int run_round(struct yq_eteams *e, struct yq_http *h, struct reading *readings, size_t count,
                     bool *ret_some, const struct yq_watch *watch, struct yq_error *err)
{
    size_t pages = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        pages += pages_wanted(&readings[i]);
    struct yq_call *calls = yq_calloc(pages + 1, sizeof(*calls));
    struct page *of = yq_calloc(pages + 1, sizeof(*of));
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &readings[i];
        for (size_t n = 0, wanted = pages_wanted(r); n < wanted; n++, at++) {
            of[at] = (struct page){r, r->pages[n], page_body(r->query, r->pages[n])};
            calls[at] = (struct yq_call){
                .api = r->query->api, .body = of[at].body, .context = &of[at], .done = take_page};
        }
        r->page_count = 0;
        r->rounds++;
    }
    int rc = yq_peer_run(e->peer, h, calls, pages, watch, err);
    for (size_t i = 0; i < pages; i++)
        free(of[i].body);
    free(of);
    free(calls);
    *ret_some = pages > 0;
    return rc;
}

static void begin(struct reading *r)
{
    r->rows = r->first_rows = r->key_count = 0;
    r->total = 0;
    r->changed = false;
    r->page_count = 0;
    r->rounds = 0;
    want_page(r, 1);
}

/* Whether the reading is over: complete, or failed. */
static bool is_over(struct reading *r)
{
    if (r->query->error.kind != YQ_ERROR_NONE)
        return true;
    return !r->changed && (int64_t)distinct(r) == r->total;
}

static int read_all(struct yq_eteams *e, struct yq_http *h, struct reading *readings, size_t count,
                    const struct yq_watch *watch, struct yq_error *err)
{
    for (int n = 0; n < READINGS; n++) {
        size_t left = 0;
        bool some = true;
        for (size_t i = 0; i < count; i++) {
            if (readings[i].done)
                continue;
            begin(&readings[i]);
            if (n > 0 && readings[i].query->again != NULL)
                readings[i].query->again(readings[i].query->context);
        }
        while (some) {
            if (run_round(e, h, readings, count, &some, watch, err) < 0)
                return -1;
        }
        for (size_t i = 0; i < count; i++) {
            readings[i].done = readings[i].done || is_over(&readings[i]);
            left += !readings[i].done;
        }
        if (left == 0)
            return 0;
    }
    return 0;
}

int yq_query_run(struct yq_eteams *e, struct yq_http *h, struct yq_query *queries, size_t count,
                 const struct yq_watch *watch, struct yq_error *err)
{
    struct reading *readings = yq_calloc(count + 1, sizeof(*readings));
    for (size_t i = 0; i < count; i++) {
        readings[i].query = &queries[i];
        readings[i].watch = watch;
        queries[i].error = (struct yq_error){0};
    }
    struct yq_error stop = {0};
    int rc = read_all(e, h, readings, count, watch, &stop);
    for (size_t i = 0; i < count; i++) {
        struct reading *r = &readings[i];
        if (!r->done && rc < 0)
            query_error(r->query, &stop);
        else if (!r->done)
            (void)yq_error_set(&r->query->error, YQ_ERROR_RETRY,
                               "%s: %zu rows where eteams says %lld; the snapshot is refused",
                               strrchr(r->query->api, '/') + 1, distinct(r), (long long)r->total);
        free(r->keys);
        free(r->pages);
    }
    free(readings);
    if (rc < 0 && err != NULL)
        *err = stop;
    return rc;
}

int yq_query_fatal(const struct yq_query *queries, size_t count, struct yq_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (queries[i].error.kind != YQ_ERROR_FATAL)
            continue;
        if (err != NULL)
            *err = queries[i].error;
        return -1;
    }
    return 0;
}

void yq_query_list(struct yq_buf *out, const char *name, const char *const *values, size_t count,
                   bool bare)
{
    if (out->len > 0)
        yq_buf_addc(out, ',');
    yq_buf_add_json_string(out, name);
    yq_buf_adds(out, ":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            yq_buf_addc(out, ',');
        if (bare)
            yq_buf_adds(out, values[i]);
        else
            yq_buf_add_json_string(out, values[i]);
    }
    yq_buf_addc(out, ']');
}

void yq_query_people(const struct yq_eteams *e, struct yq_buf *out, bool leavers)
{
    static const char *const fields[] = {
        "id",     "user_id",     "username",    "account",          "job_num",
        "mobile", "email",       "sex",         "department",       "personnel_status",
        "status", ET_F_IDENTITY, ET_F_SUPERIOR, ET_F_OTHER_SUPERIOR};
    size_t count = sizeof(fields) / sizeof(fields[0]);
    static const char *const statuses[] = {ET_ST_NORMAL, ET_ST_RESIGNED};
    if (leavers && yq_eteams_has(e, YQ_CAP_LEAVERS))
        yq_query_list(out, "userStatusList", statuses, 2, false);
    if (out->len > 0)
        yq_buf_addc(out, ',');
    yq_buf_adds(out, "\"needAccountInfo\":true");
    yq_query_list(out, "returnFieldList", fields, e->options.superiors ? count : count - 2, false);
}

void yq_query_snapshot(const struct yq_eteams *e, struct yq_buf *out)
{
    const char *fields[11] = {"id",  "username",   "mobile",           "email",
                              "sex", "department", "personnel_status", "status"};
    size_t count = 8;
    if (e->options.job_nums)
        fields[count++] = "job_num";
    if (e->options.superiors) {
        fields[count++] = ET_F_SUPERIOR;
        fields[count++] = ET_F_OTHER_SUPERIOR;
    }
    yq_query_list(out, "returnFieldList", fields, count, false);
}
