/* Superiors of everybody, and the lock of their fields. */
#include "clients/eteams_superiors.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_inner.h"

#define TRIES 3

void yq_superior_rows_release(struct yq_superior_rows *r)
{
    yq_arena_free(r->arena);
    free(r->rows);
    *r = (struct yq_superior_rows){0};
}

static int compare(const void *left, const void *right)
{
    const struct yq_superior_row *a = left, *b = right;
    return strcmp(a->id, b->id);
}

const struct yq_superior_row *yq_superior_rows_find(const struct yq_superior_rows *r,
                                                    const char *id)
{
    const struct yq_superior_row key = {.id = id};
    return r->count > 0 ? bsearch(&key, r->rows, r->count, sizeof(*r->rows), compare) : NULL;
}

/* ---- reading ---- */

struct reading {
    struct yq_superior_rows *rows;
    struct yq_arena *scratch; /* of one row */
    bool silent;              /* somebody's are not told */
};

static const char *join(struct yq_arena *arena, const struct yq_eteams_member *m)
{
    struct yq_buf text = YQ_BUF_INIT;
    for (size_t i = 0; i < m->other_count; i++)
        yq_buf_addf(&text, "%s%s", i ? "," : "", m->others[i]);
    const char *copy = text.len > 0 ? yq_arena_strdup(arena, yq_buf_text(&text)) : "";
    yq_buf_release(&text);
    return copy;
}

static int take_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct reading *r = context;
    struct yq_superior_rows *all = r->rows;
    struct yq_eteams_member m;
    int rc = yq_eteams_borrow_member(r->scratch, row, &m, err);
    if (rc == 0 && m.in_service && !m.secondary) {
        r->silent |= !m.superiors_known;
        yq_grow(&all->rows, &all->capacity, all->count, sizeof(*all->rows));
        all->rows[all->count++] = (struct yq_superior_row){
            .id = yq_arena_strdup(all->arena, m.id),
            .superior = *m.superior ? yq_arena_strdup(all->arena, m.superior) : "",
            .others = join(all->arena, &m)};
    }
    yq_arena_clear(r->scratch);
    return rc;
}

static void forget_rows(void *context)
{
    struct reading *r = context;
    r->rows->count = 0;
    r->silent = false;
}

/* A row that came on two pages is one. */
static void sort_rows(struct yq_superior_rows *r)
{
    size_t kept = 0;
    if (r->count > 1)
        qsort(r->rows, r->count, sizeof(*r->rows), compare);
    for (size_t i = 0; i < r->count; i++) {
        if (kept == 0 || strcmp(r->rows[kept - 1].id, r->rows[i].id) != 0)
            r->rows[kept++] = r->rows[i];
    }
    r->count = kept;
}

static void ask_for_superiors(struct yq_buf *head)
{
    static const char *const fields[] = {"id",          "department",  "personnel_status", "status",
                                         ET_F_IDENTITY, ET_F_SUPERIOR, ET_F_OTHER_SUPERIOR};
    yq_query_list(head, "returnFieldList", fields, sizeof(fields) / sizeof(fields[0]), false);
}

int yq_eteams_list_superiors(struct yq_eteams *e, struct yq_http *h, struct yq_superior_rows *ret,
                             const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_superior_rows rows = {.arena = yq_arena_new()};
    struct reading r = {.rows = &rows, .scratch = yq_arena_new()};
    struct yq_query q = {.api = ET_P_EMP_QUERY,
                         .key = ET_ROW_ID,
                         .tries = TRIES,
                         .row = take_row,
                         .again = forget_rows,
                         .context = &r};
    ask_for_superiors(&q.head);
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    if (rc == 0 && q.error.kind != YQ_ERROR_NONE) {
        *err = q.error;
        rc = -1;
    } else if (rc == 0 && rows.count == 0) { /* there is always an administrator */
        rc = yq_error_set(err, YQ_ERROR_RETRY, "queryEmployee shows nobody at all");
    } else if (rc == 0 && r.silent) {
        rc = yq_error_set(err, YQ_ERROR_REFUSED,
                          "queryEmployee does not tell superiors: they cannot be kept first");
    }
    yq_buf_release(&q.head);
    yq_arena_free(r.scratch);
    sort_rows(&rows);
    if (rc == 0)
        *ret = rows;
    else
        yq_superior_rows_release(&rows);
    return rc;
}

/* ---- the lock ---- */

int yq_eteams_lock_superiors(struct yq_eteams *e, struct yq_http *h, bool lock, bool *ret_missing,
                             const struct yq_watch *watch, struct yq_error *err)
{
    *ret_missing = !yq_eteams_has(e, YQ_CAP_LOCK);
    if (*ret_missing)
        return 0;
    char *body = yq_printf("{\"fields\":[\"%s\",\"%s\"],\"locked\":\"%d\",\"source\":\"%s\","
                           "\"optId\":\"\"}",
                           ET_F_SUPERIOR, ET_F_OTHER_SUPERIOR, lock, ET_LOCK_SOURCE);
    struct yq_call call = {.api = ET_P_FIELD_LOCK, .body = body, .write = true};
    int rc = yq_peer_run(e->peer, h, &call, 1, watch, err);
    if (rc == 0 && yq_eteams_call_missing(&call.error)) {
        yq_eteams_lacks(e, YQ_CAP_LOCK);
        *ret_missing = true;
    } else if (rc == 0 && call.error.kind != YQ_ERROR_NONE) {
        *err = call.error;
        rc = -1;
    }
    yq_calls_release(&call, 1);
    free(body);
    return rc;
}
