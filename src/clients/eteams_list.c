/* All people, all departments, and the root of eteams: complete, or refused (eteams.md §2.6). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_inner.h"

/* A list that is not to be relied on is to be read again later, whatever was wrong with it. */
static int refuse(const struct yq_query *q, struct yq_error *err)
{
    struct yq_error why = q->error;
    if (why.kind == YQ_ERROR_REFUSED)
        why.kind = YQ_ERROR_RETRY;
    if (err != NULL)
        *err = why;
    return -1;
}

/* ---- people ---- */

static int member_row(void *view, const cJSON *row, struct yq_error *err)
{
    return yq_eteams_read_member(view, row, err) ? 0 : -1;
}

static int ask_members(struct yq_eteams *e, struct yq_http *h, struct yq_view *v, bool leavers,
                       bool *ret_refused, const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_query q = {.api = ET_P_EMP_QUERY, .key = ET_ROW_ID, .row = member_row, .context = v};
    yq_query_people(e, &q.head, leavers);
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    yq_buf_release(&q.head);
    *ret_refused = rc == 0 && yq_eteams_call_refused(&q.error);
    return rc < 0 || q.error.kind == YQ_ERROR_NONE ? rc : refuse(&q, err);
}

int yq_eteams_list_members(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                           const struct yq_watch *watch, struct yq_error *err)
{
    bool refused, leavers = yq_eteams_has(e, YQ_CAP_LEAVERS);
    int rc = ask_members(e, h, v, leavers, &refused, watch, err);
    if (rc < 0 && refused && leavers) {
        rc = ask_members(e, h, v, false, &refused, watch, err);
        if (rc == 0)
            yq_eteams_lacks(e, YQ_CAP_LEAVERS);
    }
    if (rc < 0)
        return -1;
    v->eteams_members_complete = true;
    struct yq_lookup *l, *next;
    HASH_ITER (hh, v->lookups, l, next) {
        l->fact = YQ_PRESENT;
        l->error = NULL;
    }
    return 0;
}

/* ---- departments ---- */

static int department_row(void *view, const cJSON *row, struct yq_error *err)
{
    return yq_eteams_read_department(view, row, err) ? 0 : -1;
}

static bool is_root(const struct yq_view *v, const struct yq_eteams_department *d)
{
    if (d->fact != YQ_PRESENT || !d->enabled)
        return false;
    const struct yq_eteams_department *parent =
        d->parent ? yq_view_find_eteams_department(v, d->parent) : NULL;
    return parent == NULL || parent->fact != YQ_PRESENT;
}

/* The tops of a complete list. Returns how many; *ret is the last one found. */
static size_t find_roots(const struct yq_view *v, const char **ret)
{
    const struct yq_eteams_department *d, *next;
    size_t n = 0;
    for (d = v->eteams_departments; d != NULL; d = next) {
        next = d->hh.next;
        if (!is_root(v, d))
            continue;
        n++;
        *ret = d->id;
    }
    return n;
}

static bool shows_some(const struct yq_view *v)
{
    const struct yq_eteams_department *d = v->eteams_departments;
    while (d != NULL && d->fact != YQ_PRESENT)
        d = d->hh.next;
    return d != NULL;
}

/* Whatever the list does not show is not there. */
static void complete_departments(struct yq_view *v)
{
    struct yq_eteams_department *d, *next;
    HASH_ITER (hh, v->eteams_departments, d, next) {
        if (d->fact != YQ_PRESENT)
            d->fact = YQ_ABSENT;
        d->children = YQ_PRESENT;
        d->error = NULL;
    }
    v->eteams_departments_complete = true;
}

static void keep_root(struct yq_eteams *e, const char *id)
{
    (void)pthread_mutex_lock(&e->lock);
    if (e->root == NULL)
        e->root = yq_strdup(id);
    (void)pthread_mutex_unlock(&e->lock);
}

int yq_eteams_list_departments(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                               const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_query q = {
        .api = ET_P_ORG_QUERY, .key = ET_ROW_ID, .tries = 3, .row = department_row, .context = v};
    struct yq_eteams_department *d, *next;
    HASH_ITER (hh, v->eteams_departments, d, next) {
        d->fact = YQ_UNASKED;
    }
    yq_buf_adds(&q.head, "\"containDisableOrg\":true");
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    yq_buf_release(&q.head);
    if (rc < 0)
        return -1;
    if (q.error.kind != YQ_ERROR_NONE)
        return refuse(&q, err);
    if (!shows_some(v)) /* there is always a root */
        return yq_error_set(err, YQ_ERROR_RETRY, "queryOrg shows no department at all");
    complete_departments(v);
    const char *root = NULL;
    if (find_roots(v, &root) == 1) {
        keep_root(e, root);
        if (v->eteams_root == NULL)
            v->eteams_root = root;
    }
    return 0;
}

static const char *known_root(struct yq_eteams *e)
{
    (void)pthread_mutex_lock(&e->lock);
    const char *root = e->root; /* set once, never changed */
    (void)pthread_mutex_unlock(&e->lock);
    return root;
}

int yq_eteams_find_root(struct yq_eteams *e, struct yq_http *h, const struct yq_watch *watch,
                        const char **ret, struct yq_error *err)
{
    const char *root = known_root(e), *last = NULL;
    int rc = 0;
    if (root == NULL) {
        struct yq_view *v = yq_view_new();
        rc = yq_eteams_list_departments(e, h, v, watch, err);
        size_t n = rc == 0 ? find_roots(v, &last) : 0;
        if (rc == 0 && n == 0)
            rc = yq_error_set(err, YQ_ERROR_RETRY, "queryOrg shows no root");
        else if (rc == 0 && n > 1)
            rc = yq_error_set(err, YQ_ERROR_FATAL,
                              "queryOrg shows %zu top departments: set eteams.root_org_id", n);
        yq_view_free(v);
        root = known_root(e);
    }
    if (rc == 0)
        *ret = root;
    return rc;
}
