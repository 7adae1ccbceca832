/* Part-time posts and administrators of eteams: calls that perhaps do not exist (eteams.md §2.5,
 * §2.8). Without them nothing is known, which is not the same as nothing being there. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "eteams_inner.h"

#define POSTS_EACH 100 /* far more than a person has */
#define ADMIN_PAGE 100

/* ---- posts ---- */

struct found_post {
    const char *employee;
    struct yq_eteams_post post;
};

/* What one query brought. */
struct post_batch {
    struct yq_view *v;
    const char *prefix; /* of our external ids */
    struct found_post *found;
    size_t count, capacity;
};

static int post_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct post_batch *b = context;
    struct yq_arena *arena = b->v->arena;
    const char *employee = yq_eteams_id(arena, yq_json_get(row, ET_ROW_ID));
    const cJSON *said = yq_json_get(row, "departmentId");
    const char *department = yq_json_item_text(arena, said);
    if (employee == NULL)
        return yq_error_set(err, YQ_ERROR_RETRY, "queryExtra: a post of nobody");
    if (said == NULL || cJSON_IsNull(said) || (department != NULL && *department == '\0'))
        return 0; /* a post without a department is none of ours */
    if (!yq_eteams_is_id(department))
        return yq_error_set(err, YQ_ERROR_RETRY, "queryExtra: a department that is no id");
    const char *type = yq_json_text(arena, row, "externalSyncType");
    const char *id = yq_json_text(arena, row, "externalSyncId");
    yq_grow(&b->found, &b->capacity, b->count, sizeof(*b->found));
    struct found_post *f = &b->found[b->count++];
    f->employee = yq_arena_strdup(arena, employee);
    f->post.external_id = yq_arena_strdup(arena, id ? id : "");
    f->post.department = yq_arena_strdup(arena, department);
    f->post.ours = type != NULL && strcmp(type, ET_POST_SYNC_TYPE) == 0 && id != NULL &&
                   strncmp(id, b->prefix, strlen(b->prefix)) == 0;
    return 0;
}

static void posts_again(void *context)
{
    ((struct post_batch *)context)->count = 0;
}

static void take_posts(struct yq_view *v, const char *id, const struct post_batch *b)
{
    struct yq_eteams_member *m = yq_view_eteams_member(v, id);
    struct yq_eteams_post *posts = yq_arena_alloc(v->arena, (b->count + 1) * sizeof(*posts));
    size_t used = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->found[i].employee, id) == 0)
            posts[used++] = b->found[i].post;
    }
    m->posts = posts;
    m->post_count = used;
    m->posts_fact = YQ_PRESENT;
}

static void no_posts(struct yq_view *v, const char *id, const struct yq_error *why)
{
    struct yq_eteams_member *m = yq_view_eteams_member(v, id);
    m->posts = NULL;
    m->post_count = 0;
    m->posts_fact = why ? YQ_UNREADABLE : YQ_ABSENT;
    if (why != NULL)
        m->error = yq_view_error(v, why);
}

static void settle_posts(struct yq_eteams *e, struct yq_view *v, const struct yq_query *q,
                         const char *const *ids, size_t count)
{
    if (yq_eteams_call_missing(&q->error))
        yq_eteams_lacks(e, YQ_CAP_EXTRA_QUERY);
    for (size_t i = 0; i < count; i++) {
        if (q->error.kind == YQ_ERROR_NONE)
            take_posts(v, ids[i], q->context);
        else
            no_posts(v, ids[i], yq_eteams_call_missing(&q->error) ? NULL : &q->error);
    }
}

/* A FATAL answer ends the run, unless it only says that this interface is not for us. */
static int fatal_but_missing(const struct yq_query *queries, size_t count, struct yq_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!yq_eteams_call_missing(&queries[i].error) && yq_query_fatal(&queries[i], 1, err) < 0)
            return -1;
    }
    return 0;
}

static int ask_posts(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                     const char *const *ids, size_t count, const struct yq_watch *watch,
                     struct yq_error *err)
{
    size_t batches = (count + ET_BATCH_ROWS - 1) / ET_BATCH_ROWS;
    struct yq_query *queries = yq_calloc(batches + 1, sizeof(*queries));
    struct post_batch *found = yq_calloc(batches + 1, sizeof(*found));
    char *prefix = yq_printf("yq-%s-", e->connection);
    for (size_t i = 0; i < batches; i++) {
        size_t from = i * ET_BATCH_ROWS, size = count - from;
        size = size < ET_BATCH_ROWS ? size : ET_BATCH_ROWS;
        found[i] = (struct post_batch){.v = v, .prefix = prefix};
        queries[i] = (struct yq_query){.api = ET_P_EXTRA_QUERY,
                                       .most = (int64_t)size * POSTS_EACH,
                                       .row = post_row,
                                       .again = posts_again,
                                       .context = &found[i]};
        yq_query_list(&queries[i].head, "ids", ids + from, size, false);
    }
    int rc = yq_query_run(e, h, queries, batches, watch, err);
    for (size_t i = 0; i < batches; i++) {
        size_t from = i * ET_BATCH_ROWS, size = count - from;
        settle_posts(e, v, &queries[i], ids + from, size < ET_BATCH_ROWS ? size : ET_BATCH_ROWS);
    }
    if (rc == 0)
        rc = fatal_but_missing(queries, batches, err);
    for (size_t i = 0; i < batches; i++) {
        yq_buf_release(&queries[i].head);
        free(found[i].found);
    }
    free(prefix);
    free(found);
    free(queries);
    return rc;
}

int yq_eteams_read_posts(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                         const char *const *ids, size_t count, const struct yq_watch *watch,
                         struct yq_error *err)
{
    if (yq_eteams_has(e, YQ_CAP_EXTRA_QUERY))
        return ask_posts(e, h, v, ids, count, watch, err);
    for (size_t i = 0; i < count; i++)
        no_posts(v, ids[i], NULL);
    return 0;
}

/* ---- administrators ---- */

struct administrators {
    struct yq_view *v;
    struct yq_administrator *found;
    size_t count, capacity;
};

static int administrator_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct administrators *a = context;
    const char *id = yq_eteams_id(a->v->arena, yq_json_get(row, ET_ROW_ID));
    const char *type = yq_json_text(a->v->arena, row, ET_F_ADMIN_TYPE);
    if (id == NULL || type == NULL) /* nobody may count as "not super" because it was not said */
        return yq_error_set(err, YQ_ERROR_RETRY, "queryAdmin: an administrator without id or type");
    yq_grow(&a->found, &a->capacity, a->count, sizeof(*a->found));
    a->found[a->count++] = (struct yq_administrator){
        .id = yq_arena_strdup(a->v->arena, id),
        .super = strcmp(type, ET_ADMIN_SUPER) == 0,
    };
    return 0;
}

static void administrators_again(void *context)
{
    ((struct administrators *)context)->count = 0;
}

/* An empty list says as little as none (design §5). */
static void settle_administrators(struct yq_eteams *e, struct yq_view *v, const struct yq_query *q,
                                  const struct administrators *a)
{
    v->administrators = NULL;
    v->administrator_count = 0;
    v->administrators_error = NULL;
    v->administrators_fact = YQ_ABSENT;
    if (yq_eteams_call_missing(&q->error)) {
        yq_eteams_lacks(e, YQ_CAP_ADMIN);
    } else if (q->error.kind != YQ_ERROR_NONE) {
        v->administrators_fact = YQ_UNREADABLE;
        v->administrators_error = yq_view_error(v, &q->error);
    } else if (a->count > 0) {
        v->administrators = yq_arena_alloc(v->arena, a->count * sizeof(*a->found));
        memcpy(v->administrators, a->found, a->count * sizeof(*a->found));
        v->administrator_count = a->count;
        v->administrators_fact = YQ_PRESENT;
    }
}

int yq_eteams_read_administrators(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                                  const struct yq_watch *watch, struct yq_error *err)
{
    if (!yq_eteams_has(e, YQ_CAP_ADMIN)) {
        v->administrators_fact = YQ_ABSENT;
        v->administrator_count = 0;
        return 0;
    }
    struct administrators a = {.v = v};
    struct yq_query q = {.api = ET_P_ADMIN_QUERY,
                         .page_rows = ADMIN_PAGE,
                         .key = ET_ROW_ID,
                         .row = administrator_row,
                         .again = administrators_again,
                         .context = &a};
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    settle_administrators(e, v, &q, &a);
    if (rc == 0)
        rc = fatal_but_missing(&q, 1, err);
    free(a.found);
    return rc;
}
