/* All of eteams for a reconcile: departments into a view, people into digests. */
#include "clients/eteams_listing.h"

#include "eteams_inner.h"

#define TRIES 3

struct people {
    struct yq_snapshot *snapshot;
    struct yq_arena *scratch; /* of one row */
};

static int take_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct people *p = context;
    struct yq_eteams_member m;
    int rc = yq_eteams_borrow_member(p->scratch, row, &m, err);
    if (rc == 0)
        yq_snapshot_add_eteams(p->snapshot, p->scratch, &m);
    yq_arena_clear(p->scratch);
    return rc;
}

static void forget_rows(void *context)
{
    struct people *p = context;
    yq_snapshot_clear(p->snapshot);
}

/* -1 if the run ends by this; else it is why something is not complete. */
static int ended(const struct yq_error *why, struct yq_error *ret_why, struct yq_error *err)
{
    if (why->kind == YQ_ERROR_LOST || why->kind == YQ_ERROR_FATAL) {
        if (err != NULL)
            *err = *why;
        return -1;
    }
    if (ret_why != NULL && ret_why->kind == YQ_ERROR_NONE)
        *ret_why = *why;
    return 0;
}

static int list_members(struct yq_eteams *e, struct yq_http *h, struct yq_snapshot *ret,
                        const struct yq_watch *watch, struct yq_error *err)
{
    struct people people = {ret, yq_arena_new()};
    struct yq_query q = {.api = ET_P_EMP_QUERY,
                         .key = ET_ROW_ID,
                         .tries = TRIES,
                         .row = take_row,
                         .counted = true,
                         .again = forget_rows,
                         .context = &people};
    yq_snapshot_clear(ret);
    yq_query_snapshot(e, &q.head);
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    if (rc == 0 && q.error.kind != YQ_ERROR_NONE) {
        *err = q.error;
        rc = -1;
    } else if (rc == 0 && ret->count == 0) { /* there is always an administrator */
        rc = yq_error_set(err, YQ_ERROR_RETRY, "queryEmployee shows nobody at all");
    }
    yq_snapshot_seal(ret);
    ret->complete = rc == 0;
    yq_arena_free(people.scratch);
    yq_buf_release(&q.head);
    return rc;
}

int yq_eteams_list_all(struct yq_eteams *e, struct yq_http *h, struct yq_view *departments,
                       struct yq_snapshot *ret_members, struct yq_error *ret_why,
                       const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_error why = {0};
    if (ret_why != NULL)
        *ret_why = (struct yq_error){0};
    yq_snapshot_clear(ret_members);
    if (departments != NULL && yq_eteams_list_departments(e, h, departments, watch, &why) < 0 &&
        ended(&why, ret_why, err) < 0)
        return -1;
    why = (struct yq_error){0};
    if (list_members(e, h, ret_members, watch, &why) < 0)
        return ended(&why, ret_why, err);
    return 0;
}
