/* Departments and people of eteams by their ids, a hundred a call, into a view. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_inner.h"

/* What is read by ids: the question, and what a row and a missing row mean. */
struct by_ids {
    const char *api;
    void (*head)(const struct yq_eteams *e, struct yq_buf *out, const char *const *ids,
                 size_t count, bool leavers);
    int (*row)(void *view, const cJSON *row, struct yq_error *err);
    void (*unasked)(struct yq_view *v, const char *id);
    void (*settle)(struct yq_view *v, const char *id, const struct yq_error *why);
};

static size_t batch_size(size_t count, size_t batch)
{
    size_t left = count - batch * ET_BATCH_ROWS;
    return left < ET_BATCH_ROWS ? left : ET_BATCH_ROWS;
}

/* Asks for all ids, in batches; settle is called for each. -1 for what ends the run. */
static int ask_by_ids(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                      const struct by_ids *what, const char *const *ids, size_t count, bool leavers,
                      bool *ret_refused, const struct yq_watch *watch, struct yq_error *err)
{
    size_t batches = (count + ET_BATCH_ROWS - 1) / ET_BATCH_ROWS;
    struct yq_query *queries = yq_calloc(batches + 1, sizeof(*queries));
    for (size_t i = 0; i < batches; i++) {
        size_t size = batch_size(count, i);
        queries[i] =
            (struct yq_query){.api = what->api, .key = ET_ROW_ID, .row = what->row, .context = v};
        queries[i].most = what->unasked ? (int64_t)size : 0;
        what->head(e, &queries[i].head, ids + i * ET_BATCH_ROWS, size, leavers);
    }
    for (size_t i = 0; i < count && what->unasked != NULL; i++)
        what->unasked(v, ids[i]);
    int rc = yq_query_run(e, h, queries, batches, watch, err);
    *ret_refused = false;
    for (size_t i = 0; i < count; i++) {
        const struct yq_error *why = &queries[i / ET_BATCH_ROWS].error;
        *ret_refused = *ret_refused || yq_eteams_call_refused(why);
        what->settle(v, ids[i], why);
    }
    if (rc == 0)
        rc = yq_query_fatal(queries, batches, err);
    for (size_t i = 0; i < batches; i++)
        yq_buf_release(&queries[i].head);
    free(queries);
    return rc;
}

/* Ids that are none are not sent; each of the others once. Returns them, for the caller to free. */
static const char **valid_ids(struct yq_view *v, const struct by_ids *what, const char *const *ids,
                              size_t count, size_t *ret_count)
{
    const char **valid = yq_calloc(count + 1, sizeof(*valid));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        struct yq_error err = {0};
        if (yq_eteams_is_id(ids[i])) {
            valid[used++] = ids[i];
        } else {
            (void)yq_error_set(&err, YQ_ERROR_INVALID, "not an id of eteams");
            what->settle(v, ids[i], &err);
        }
    }
    *ret_count = used;
    return valid;
}

/* The fact of a row after its question: absent only where the answer is one to rely on. */
static enum yq_fact fact_of(enum yq_fact present, const struct yq_error *why)
{
    if (present == YQ_PRESENT)
        return YQ_PRESENT;
    return why->kind == YQ_ERROR_NONE ? YQ_ABSENT : YQ_UNREADABLE;
}

/* ---- departments ---- */

static void department_head(const struct yq_eteams *e, struct yq_buf *out, const char *const *ids,
                            size_t count, bool leavers)
{
    (void)e, (void)leavers;
    yq_query_list(out, "ids", ids, count, true);
    yq_buf_adds(out, ",\"containDisableOrg\":true");
}

static int department_row(void *view, const cJSON *row, struct yq_error *err)
{
    return yq_eteams_read_department(view, row, err) ? 0 : -1;
}

static void department_unasked(struct yq_view *v, const char *id)
{
    yq_view_eteams_department(v, id)->fact = YQ_UNASKED;
}

static void department_settle(struct yq_view *v, const char *id, const struct yq_error *why)
{
    struct yq_eteams_department *d = yq_view_eteams_department(v, id);
    d->fact = fact_of(d->fact, why);
    d->error = d->fact == YQ_UNREADABLE ? yq_view_error(v, why) : NULL;
}

int yq_eteams_read_departments(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                               const char *const *ids, size_t count, const struct yq_watch *watch,
                               struct yq_error *err)
{
    static const struct by_ids what = {ET_P_ORG_QUERY, department_head, department_row,
                                       department_unasked, department_settle};
    bool refused;
    const char **valid = valid_ids(v, &what, ids, count, &count);
    int rc = ask_by_ids(e, h, v, &what, valid, count, false, &refused, watch, err);
    free(valid);
    return rc;
}

/* ---- children ---- */

static void children_head(const struct yq_eteams *e, struct yq_buf *out, const char *const *ids,
                          size_t count, bool leavers)
{
    (void)e, (void)leavers;
    yq_query_list(out, "parentOrgIds", ids, count, false);
    yq_buf_adds(out, ",\"containDisableOrg\":true");
}

/* A row without a parent cannot be a child: the question was not understood. */
static int child_row(void *view, const cJSON *row, struct yq_error *err)
{
    const struct yq_eteams_department *d = yq_eteams_read_department(view, row, err);
    if (d == NULL)
        return -1;
    return d->parent ? 0 : yq_error_set(err, YQ_ERROR_RETRY, "queryOrg: a child without a parent");
}

static void children_settle(struct yq_view *v, const char *id, const struct yq_error *why)
{
    struct yq_eteams_department *d = yq_view_eteams_department(v, id);
    d->children = why->kind == YQ_ERROR_NONE ? YQ_PRESENT : YQ_UNREADABLE;
    if (d->children == YQ_UNREADABLE)
        d->error = yq_view_error(v, why);
}

int yq_eteams_read_children(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                            const char *const *ids, size_t count, const struct yq_watch *watch,
                            struct yq_error *err)
{
    static const struct by_ids what = {ET_P_ORG_QUERY, children_head, child_row, NULL,
                                       children_settle};
    bool refused;
    const char **valid = valid_ids(v, &what, ids, count, &count);
    int rc = ask_by_ids(e, h, v, &what, valid, count, false, &refused, watch, err);
    free(valid);
    return rc;
}

/* ---- members ---- */

static void member_head(const struct yq_eteams *e, struct yq_buf *out, const char *const *ids,
                        size_t count, bool leavers)
{
    yq_query_list(out, "ids", ids, count, false);
    yq_query_people(e, out, leavers);
}

static int member_row(void *view, const cJSON *row, struct yq_error *err)
{
    return yq_eteams_read_member(view, row, err) ? 0 : -1;
}

static void member_unasked(struct yq_view *v, const char *id)
{
    yq_view_eteams_member(v, id)->fact = YQ_UNASKED;
}

static void member_settle(struct yq_view *v, const char *id, const struct yq_error *why)
{
    struct yq_eteams_member *m = yq_view_eteams_member(v, id);
    m->fact = fact_of(m->fact, why);
    m->error = m->fact == YQ_UNREADABLE ? yq_view_error(v, why) : NULL;
}

int yq_eteams_read_members(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                           const char *const *ids, size_t count, const struct yq_watch *watch,
                           struct yq_error *err)
{
    static const struct by_ids what = {ET_P_EMP_QUERY, member_head, member_row, member_unasked,
                                       member_settle};
    bool refused, leavers = yq_eteams_has(e, YQ_CAP_LEAVERS);
    const char **valid = valid_ids(v, &what, ids, count, &count);
    int rc = ask_by_ids(e, h, v, &what, valid, count, leavers, &refused, watch, err);
    if (rc == 0 && leavers && refused) {
        rc = ask_by_ids(e, h, v, &what, valid, count, false, &refused, watch, err);
        if (rc == 0 && !refused)
            yq_eteams_lacks(e, YQ_CAP_LEAVERS);
    }
    free(valid);
    return rc;
}
