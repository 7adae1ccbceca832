/* All people of eteams by digests of what they are looked up by. */
#include "clients/eteams_people.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_codec.h"
#include "eteams_inner.h"
#include "model/normal.h"
#include "model/snapshot.h"

#define TRIES 3

struct mark { /* sorted by digest */
    uint32_t digest;
    uint32_t id; /* where in `ids` */
};

struct yq_people {
    char *ids; /* one after the other, each with its NUL */
    size_t id_size, id_capacity;
    size_t count;
    struct {
        struct mark *marks;
        size_t count, capacity;
    } fields[YQ_LOOKUP_COUNT];
    struct yq_arena *scratch; /* of one row */
};

/* ---- reading ---- */

static const char *normal(struct yq_arena *arena, enum yq_lookup_field field, const char *value)
{
    if (value == NULL || *value == '\0')
        return NULL;
    if (field == YQ_BY_MOBILE)
        return yq_normal_mobile(arena, value);
    if (field == YQ_BY_EMAIL)
        return yq_normal_email(arena, value);
    if (field == YQ_BY_NAME)
        return yq_normal_name(arena, value);
    return yq_normal_account(arena, value);
}

static void add_mark(struct yq_people *p, enum yq_lookup_field f, const char *value, uint32_t id)
{
    uint32_t digest = yq_digest(normal(p->scratch, f, value));
    if (digest == 0)
        return;
    yq_grow(&p->fields[f].marks, &p->fields[f].capacity, p->fields[f].count, sizeof(struct mark));
    p->fields[f].marks[p->fields[f].count++] = (struct mark){digest, id};
}

static uint32_t add_id(struct yq_people *p, const char *id)
{
    size_t len = strlen(id) + 1;
    if (p->id_size + len > p->id_capacity) {
        p->id_capacity = p->id_capacity + p->id_capacity / 2 + 4096;
        p->ids = yq_realloc(p->ids, p->id_capacity, 1);
    }
    memcpy(p->ids + p->id_size, id, len);
    p->id_size += len;
    return (uint32_t)(p->id_size - len);
}

static int take_row(void *context, const cJSON *row, struct yq_error *err)
{
    struct yq_people *p = context;
    struct yq_eteams_member m;
    int rc = yq_eteams_borrow_member(p->scratch, row, &m, err);
    if (rc == 0 && m.in_service && !m.secondary) {
        uint32_t id = add_id(p, m.id);
        add_mark(p, YQ_BY_ACCOUNT, m.account, id);
        add_mark(p, YQ_BY_MOBILE, m.mobile, id);
        add_mark(p, YQ_BY_EMAIL, m.email, id);
        add_mark(p, YQ_BY_JOB_NUM, m.job_num, id);
        add_mark(p, YQ_BY_NAME, m.name, id);
        p->count++;
    }
    yq_arena_clear(p->scratch);
    return rc;
}

static void forget_rows(void *context)
{
    struct yq_people *p = context;
    p->id_size = p->count = 0;
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++)
        p->fields[f].count = 0;
}

static int compare(const void *left, const void *right)
{
    const struct mark *a = left, *b = right;
    if (a->digest != b->digest)
        return a->digest < b->digest ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

int yq_eteams_index_people(struct yq_eteams *e, struct yq_http *h, struct yq_people **ret,
                           const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_people *p = yq_calloc(1, sizeof(*p));
    p->scratch = yq_arena_new();
    struct yq_query q = {.api = ET_P_EMP_QUERY,
                         .key = ET_ROW_ID,
                         .tries = TRIES,
                         .row = take_row,
                         .again = forget_rows,
                         .context = p};
    yq_query_people(e, &q.head, false);
    int rc = yq_query_run(e, h, &q, 1, watch, err);
    yq_buf_release(&q.head);
    if (rc == 0 && q.error.kind != YQ_ERROR_NONE) {
        *err = q.error;
        rc = -1;
    }
    if (rc < 0) {
        yq_people_free(p);
        return -1;
    }
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++) {
        if (p->fields[f].count > 1)
            qsort(p->fields[f].marks, p->fields[f].count, sizeof(struct mark), compare);
    }
    *ret = p;
    return 0;
}

void yq_people_free(struct yq_people *p)
{
    if (p == NULL)
        return;
    for (int f = 0; f < YQ_LOOKUP_COUNT; f++)
        free(p->fields[f].marks);
    yq_arena_free(p->scratch);
    free(p->ids);
    free(p);
}

size_t yq_people_count(const struct yq_people *p)
{
    return p->count;
}

/* ---- looking up ---- */

/* Whose value may be this one, from *ret_first on; chance brings others, too. */
static size_t find(const struct yq_people *p, const struct yq_lookup *l,
                   const struct mark **ret_first)
{
    const struct mark *marks = p->fields[l->field].marks;
    size_t low = 0, high = p->fields[l->field].count, end = high, from;
    uint32_t digest = yq_digest(l->value);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (marks[middle].digest < digest)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_first = marks + low;
    for (from = low; low < end && marks[low].digest == digest;)
        low++;
    return low - from;
}

/* Rows that are in the view already are as fresh as they need to be. */
static bool is_read(const struct yq_view *v, const char *id)
{
    const struct yq_eteams_member *m = yq_view_find_eteams_member(v, id);
    return m != NULL && m->fact != YQ_UNASKED;
}

/* A row that cannot be read leaves its look-up open: nobody knows whether it is a hit. */
static void settle(struct yq_view *v, const struct yq_people *p, struct yq_lookup *l)
{
    const struct mark *marks;
    size_t n = find(p, l, &marks);
    l->fact = YQ_PRESENT;
    for (size_t i = 0; i < n; i++) {
        const struct yq_eteams_member *m = yq_view_find_eteams_member(v, p->ids + marks[i].id);
        if (m == NULL || (m->fact != YQ_PRESENT && m->fact != YQ_ABSENT)) {
            l->fact = YQ_UNREADABLE;
            l->error = m != NULL ? m->error : NULL;
        }
    }
}

int yq_eteams_look_up_among(struct yq_eteams *e, struct yq_http *h, struct yq_view *v,
                            const struct yq_people *people, struct yq_lookup *const *lookups,
                            size_t count, const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_lookup **singly = yq_calloc(count + 1, sizeof(struct yq_lookup *));
    const char **ids = NULL;
    const struct mark *found;
    size_t single_count = 0, id_count = 0, capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (people->fields[lookups[i]->field].count == 0) { /* this eteams does not show it */
            singly[single_count++] = lookups[i];
            continue;
        }
        size_t n = find(people, lookups[i], &found);
        for (size_t k = 0; k < n; k++) {
            const char *id = people->ids + found[k].id;
            if (is_read(v, id))
                continue;
            yq_view_eteams_member(v, id)->fact = YQ_UNREADABLE; /* until it is read */
            yq_grow(&ids, &capacity, id_count, sizeof(*ids));
            ids[id_count++] = id;
        }
    }
    int rc = id_count > 0 ? yq_eteams_read_members(e, h, v, ids, id_count, watch, err) : 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (people->fields[lookups[i]->field].count > 0)
            settle(v, people, lookups[i]);
    }
    if (rc == 0 && single_count > 0)
        rc = yq_eteams_look_up(e, h, v, singly, single_count, watch, err);
    free(ids);
    free(singly);
    return rc;
}
