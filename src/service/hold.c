/* Keeps what the guard held. The events behind it are acknowledged, so the plan carries the
 * evidence with which it can be made anew. */
#include "hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/store.h"
#include "clients/store_inspect.h"
#include "plan/guard.h"

#define NAMES_MAX 50

struct holding {
    struct yq_record *r;
    struct yq_held_plan *held;
    const struct yq_plan *plan;
    struct yq_held_plan **replaced; /* older ones that hold somebody of this plan */
    size_t replaced_count, replaced_capacity;
};

static const char *id_of(const struct holding *h)
{
    return h->r->sync->connection->settings->id;
}

/* *ret is NULL where it is gone, expired, unreadable or replaced already. */
static int load_older(struct holding *h, const char *hash, struct yq_held_plan **ret,
                      struct yq_error *err)
{
    const struct yq_sync *s = h->r->sync;
    char *json = NULL;
    if (yq_store_read_plan(s->redis, s->keys, id_of(h), hash, &json, err) < 0)
        return -1;
    struct yq_held_plan *older = json ? yq_held_read(json, strlen(json), NULL) : NULL;
    bool live = older != NULL && older->replaced_by == NULL &&
                yq_wall_ms(s->clock) - older->at <= YQ_HELD_MS;
    if (!live) {
        yq_held_free(older);
        older = NULL;
        yq_store_drop_plan(h->r->commit, s->keys, id_of(h), hash);
    }
    free(json);
    *ret = older;
    return 0;
}

static int take_over(struct holding *h, const char *hash, struct yq_error *err)
{
    struct yq_held_plan *older = NULL;
    const struct yq_held_plan *approved = h->r->sync->approved;
    if (approved != NULL && strcmp(approved->hash, hash) == 0)
        return 0; /* removed after its run */
    if (load_older(h, hash, &older, err) < 0)
        return -1;
    if (older == NULL)
        return 0;
    bool same_run = strcmp(older->run, h->held->run) == 0; /* a reconcile goes part by part */
    if (!same_run && !yq_held_overlaps(h->held, older)) {
        yq_held_free(older);
        return 0;
    }
    yq_grow(&h->replaced, &h->replaced_capacity, h->replaced_count, sizeof(*h->replaced));
    h->replaced[h->replaced_count++] = older;
    yq_held_take_over(h->held, older, h->plan);
    if (yq_entry_compare(older->since, h->held->since) < 0)
        h->held->since = yq_arena_strdup(h->held->arena, older->since);
    return 0;
}

static int take_over_all(struct holding *h, struct yq_error *err)
{
    const struct yq_sync *s = h->r->sync;
    struct yq_pairs hashes = {0};
    int done = yq_store_read_hash(s->redis, s->keys, id_of(h), "held", &hashes, err);
    for (size_t i = 0; i < hashes.count && done == 0; i++)
        done = take_over(h, hashes.items[i].name, err);
    yq_pairs_release(&hashes);
    return done;
}

/* What is left of the older one says which plan to look for. */
static void replace(struct holding *h, struct yq_held_plan *older)
{
    struct yq_buf json = YQ_BUF_INIT;
    struct yq_held_plan note = {
        .at = older->at, .run = older->run, .since = older->since, .replaced_by = h->held->hash};
    if (strcmp(older->hash, h->held->hash) == 0)
        return;
    memcpy(note.hash, older->hash, sizeof(note.hash));
    yq_held_write(&note, &json);
    yq_store_replace_plan(h->r->commit, h->r->sync->keys, id_of(h), older->hash,
                          yq_buf_text(&json));
    yq_buf_release(&json);
}

static void put(struct holding *h)
{
    struct yq_buf json = YQ_BUF_INIT, summary = YQ_BUF_INIT;
    size_t named = 0;
    yq_held_write(h->held, &json);
    yq_buf_addf(&summary, "%zu: ", h->held->people);
    for (size_t i = 0; i < h->held->row_count && named < NAMES_MAX; i++) {
        const struct yq_held_row *row = h->held->rows[i];
        if (row->counted)
            yq_buf_addf(&summary, "%s%s", named++ ? ", " : "", row->name ? row->name : row->key);
    }
    if (h->held->people > named)
        yq_buf_adds(&summary, ", …");
    yq_store_put_plan(h->r->commit, h->r->sync->keys, id_of(h), h->held->hash, yq_buf_text(&json),
                      yq_buf_text(&summary));
    yq_buf_release(&json);
    yq_buf_release(&summary);
}

int yq_hold_waiting(struct yq_record *r, struct yq_plan *p, struct yq_sync_result *result,
                    struct yq_error *err)
{
    struct holding h = {.r = r, .plan = p};
    struct yq_pairs hashes = {0};
    if (p->removals == 0 && p->moves_to_root == 0)
        return 0;
    int done = yq_store_read_hash(r->sync->redis, r->sync->keys, id_of(&h), "held", &hashes, err);
    for (size_t i = 0; i < hashes.count && done == 0; i++) {
        struct yq_held_plan *waiting = NULL;
        done = load_older(&h, hashes.items[i].name, &waiting, err);
        if (waiting != NULL)
            result->held += yq_guard_keep(p, waiting);
        yq_held_free(waiting);
    }
    yq_pairs_release(&hashes);
    return done;
}

/* The plan as an earlier scope of the same run left it. */
static bool is_same(const struct holding *h, const struct yq_held_plan *older)
{
    return strcmp(older->hash, h->held->hash) == 0 && strcmp(older->run, h->held->run) == 0;
}

int yq_hold(struct yq_record *r, struct yq_plan *p, struct yq_sync_result *result, bool *ret_news,
            struct yq_error *err)
{
    struct holding h = {.r = r, .held = yq_held_new(), .plan = p};
    h.held->at = yq_wall_ms(r->sync->clock);
    h.held->run = h.held->since = r->sync->run;
    yq_held_collect(h.held, p, r->view);
    int done = take_over_all(&h, err);
    if (done == 0) {
        yq_held_name(h.held);
        *ret_news = true;
        for (size_t i = 0; i < h.replaced_count; i++) {
            *ret_news = *ret_news && !is_same(&h, h.replaced[i]);
            replace(&h, h.replaced[i]);
        }
        put(&h);
        yq_guard_name(p, h.held->hash);
        memcpy(result->held_hash, h.held->hash, sizeof(result->held_hash));
    }
    for (size_t i = 0; i < h.replaced_count; i++)
        yq_held_free(h.replaced[i]);
    free(h.replaced);
    yq_held_free(h.held);
    return done;
}

int yq_hold_any(struct yq_record *r, const struct yq_sync_result *result, bool *ret_any,
                struct yq_error *err)
{
    struct holding h = {.r = r};
    struct yq_pairs hashes = {0};
    const struct yq_held_plan *approved = r->sync->approved;
    bool any = result->held > 0;
    int done = yq_store_read_hash(r->sync->redis, r->sync->keys, id_of(&h), "held", &hashes, err);
    for (size_t i = 0; i < hashes.count && done == 0 && !any; i++) {
        struct yq_held_plan *waiting = NULL;
        if (approved != NULL && strcmp(approved->hash, hashes.items[i].name) == 0)
            continue;
        done = load_older(&h, hashes.items[i].name, &waiting, err);
        any = waiting != NULL;
        yq_held_free(waiting);
    }
    yq_pairs_release(&hashes);
    *ret_any = any;
    return done;
}
