/* Superiors of many people written at once. */
#include "superior_writes.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_codec.h"
#include "clients/store.h"
#include "record.h"

#define BATCH_MAX 100 /* rows of one call (eteams.md §2.2) */

void yq_superior_writes_add(struct yq_superior_writes *w, const struct yq_superior_row *row,
                            const char *superior, const char *others)
{
    if (superior == NULL && others == NULL)
        return;
    yq_grow(&w->items, &w->capacity, w->count, sizeof(*w->items));
    w->items[w->count++] = (struct yq_superior_write){row, superior, others};
}

void yq_superior_writes_release(struct yq_superior_writes *w)
{
    free(w->items);
    w->items = NULL;
    w->count = w->capacity = 0;
}

/* ---- one batch ---- */

struct batch {
    struct yq_superior_writes *w;
    const struct yq_superior_write *items;
    size_t count;
    struct yq_eteams_row rows[BATCH_MAX];
    struct yq_buf texts[BATCH_MAX];
    char members[BATCH_MAX][YQ_USERID_MAX + 1]; /* who is linked with it; "": nobody */
};

/* One command for all. */
static int load_owners(struct batch *b, struct yq_error *err)
{
    struct yq_reconcile *r = b->w->r;
    char key[YQ_KEY_MAX];
    const char *argv[BATCH_MAX + 2] = {"HMGET", yq_key(r->c->keys, r->id, "linked:member", key)};
    for (size_t i = 0; i < b->count; i++)
        argv[i + 2] = b->items[i].row->id;
    redisReply *reply = yq_redis_argv(r->c->redis, (int)b->count + 2, argv, NULL, err);
    if (reply == NULL)
        return -1;
    for (size_t i = 0; i < b->count && i < reply->elements; i++) {
        const redisReply *owner = reply->element[i];
        if (owner->type == REDIS_REPLY_STRING && owner->len <= YQ_USERID_MAX)
            memcpy(b->members[i], owner->str, (size_t)owner->len + 1);
    }
    freeReplyObject(reply);
    return 0;
}

static bool never_touch(const struct batch *b, size_t i)
{
    char *const *list = b->w->r->connection->settings->policy.never_touch_members;
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, b->members[i]) == 0)
            return true;
    }
    return false;
}

/* Those who may be touched, moved together. */
static void drop_untouchable(struct batch *b, struct yq_superior_write *items)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (never_touch(b, i))
            continue;
        items[kept] = items[i];
        memmove(b->members[kept], b->members[i], sizeof(b->members[i]));
        kept++;
    }
    b->count = kept;
    b->items = items;
}

static void write_row(struct batch *b, size_t i)
{
    const struct yq_superior_write *item = &b->items[i];
    struct yq_operation op = {.kind = YQ_OP_MEMBER_SUPERIORS};
    if (item->superior != NULL)
        op.changes[op.change_count++] =
            (struct yq_change){.field = "superior", .after = item->superior};
    if (item->others != NULL)
        op.changes[op.change_count++] =
            (struct yq_change){.field = "other_superior", .after = item->others};
    b->rows[i].id = item->row->id;
    yq_eteams_write_row(&op, item->row->id, NULL, b->w->r->id, &b->texts[i]);
    b->rows[i].json = yq_buf_text(&b->texts[i]);
}

static void add_side(struct yq_buf *out, const struct yq_superior_write *item, const char *superior,
                     const char *others)
{
    if (item->superior != NULL)
        yq_buf_addf(out, "\"superior\":\"%s\"", superior);
    if (item->others != NULL)
        yq_buf_addf(out, "%s\"other_superior\":\"%s\"", item->superior ? "," : "", others);
    yq_buf_addc(out, '}');
}

static void add_audit(struct batch *b, size_t i, struct yq_commit *c)
{
    const struct yq_superior_write *item = &b->items[i];
    const struct yq_reconcile *r = b->w->r;
    struct yq_buf before = YQ_BUF_INIT, after = YQ_BUF_INIT, result = YQ_BUF_INIT;
    bool done = b->rows[i].error.kind == YQ_ERROR_NONE;
    struct yq_reason why = b->w->reason;
    if (!done)
        why = (struct yq_reason){.code = YQ_REASON_PEER_REFUSED, .args = {b->rows[i].error.text}};
    char *subject = b->members[i][0] ? yq_printf("member:%s", b->members[i]) : yq_strdup("all");
    yq_buf_addc(&before, '{');
    yq_buf_addf(&after, "{\"eteams\":\"%s\",", item->row->id);
    add_side(&before, item, item->row->superior, item->row->others);
    add_side(&after, item, item->superior, item->others);
    yq_record_reason(done ? "ok" : "failed", &why, &result);
    yq_store_add_audit(c, r->c->keys, r->id,
                       &(struct yq_audit){.run = r->run,
                                          .event = "",
                                          .rule = "S2",
                                          .op = yq_operation_kind_name(YQ_OP_MEMBER_SUPERIORS),
                                          .subject = subject,
                                          .before = yq_buf_text(&before),
                                          .after = yq_buf_text(&after),
                                          .result = yq_buf_text(&result)});
    free(subject);
    yq_buf_release(&before);
    yq_buf_release(&after);
    yq_buf_release(&result);
}

static void count(struct batch *b, size_t i)
{
    struct yq_reconcile *r = b->w->r;
    enum yq_error_kind kind = b->rows[i].error.kind;
    r->counts.superiors += kind == YQ_ERROR_NONE;
    r->counts.failed += kind == YQ_ERROR_REFUSED;
    b->w->unsettled += kind != YQ_ERROR_NONE && kind != YQ_ERROR_REFUSED;
    r->progress.done++;
}

static int send(struct batch *b, struct yq_error *err)
{
    struct yq_reconcile *r = b->w->r;
    for (size_t i = 0; i < b->count; i++)
        write_row(b, i);
    int rc = yq_eteams_write(r->connection->eteams, r->c->http, YQ_WRITE_MEMBER, b->rows, b->count,
                             r->run, &r->watch, err);
    struct yq_commit *c = yq_commit_new();
    for (size_t i = 0; i < b->count; i++) {
        add_audit(b, i, c);
        count(b, i);
    }
    if (yq_lease_commit(r->c->redis, r->c->keys, &r->lease, c, rc == 0 ? err : NULL) < 0)
        rc = -1;
    yq_commit_free(c);
    return rc;
}

static int run_batch(struct yq_superior_writes *w, size_t from, size_t count, struct yq_error *err)
{
    struct yq_reconcile *r = w->r;
    struct batch *b = yq_calloc(1, sizeof(*b));
    b->w = w;
    b->items = w->items + from;
    b->count = count;
    int rc = load_owners(b, err);
    if (rc == 0)
        drop_untouchable(b, w->items + from);
    if (rc == 0 && b->count > 0) {
        rc = r->batch.begin(r->batch.context, err);
        if (rc == 0) {
            rc = send(b, err);
            if (r->batch.end(r->batch.context, rc == 0 ? err : NULL) < 0)
                rc = -1;
        }
    }
    for (size_t i = 0; i < count; i++)
        yq_buf_release(&b->texts[i]);
    free(b);
    return rc;
}

int yq_superior_writes_run(struct yq_superior_writes *w, struct yq_error *err)
{
    int rc = 0;
    for (size_t from = 0; from < w->count && rc == 0; from += BATCH_MAX) {
        size_t left = w->count - from;
        rc = run_batch(w, from, left < BATCH_MAX ? left : BATCH_MAX, err);
    }
    return rc;
}
