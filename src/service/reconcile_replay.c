/* What a replay would lead to: its events as evidence, through the engine up to the plan. */
#include <stdlib.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "reconcile.h"
#include "service/replay.h"

#define SCOPE_MAX 10000 /* events planned together; a worker takes as many subjects */

struct plan {
    struct yq_reconcile *r;
    struct yq_view *view;
    size_t events;     /* in it */
    size_t reconciles; /* events that a full reconcile would answer */
};

static int flush(struct plan *p, struct yq_error *err)
{
    int rc = p->events > 0 ? yq_reconcile_scope(p->r, p->view, NULL, NULL, err) : 0;
    yq_view_free(p->view);
    p->view = yq_view_new();
    p->events = 0;
    return rc;
}

static void tell(struct yq_reconcile *r, const char *word, const char *subject,
                 const struct yq_reason *reason, const char *line)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_plan_write_remark(word, subject, reason, &json);
    yq_reconcile_tell_item(r, &(struct yq_plan_item){.text = line, .json = yq_buf_text(&json)});
    yq_buf_release(&json);
}

static void tell_unreadable(const struct plan *p, const struct yq_event *e,
                            const struct yq_error *why)
{
    const struct yq_reason reason = {.code = YQ_REASON_EVENT_UNREADABLE,
                                     .args = {e->origin, why->text}};
    char subject[YQ_SUBJECT_MAX];
    char *line = yq_printf("event %s: %s", e->origin, why->text);
    yq_subject_format(&e->subject, subject);
    tell(p->r, "none", subject, &reason, line);
    free(line);
}

static int take(void *context, const struct yq_event *e, struct yq_error *err)
{
    struct plan *p = context;
    struct yq_error why = {0};
    p->r->progress.done++;
    if (yq_reconcile_check(p->r, err) < 0)
        return -1;
    p->reconciles += e->kind == YQ_EVENT_TAG_UPDATED || e->kind == YQ_EVENT_AUTH_CHANGED;
    if (e->subject.kind != YQ_SUBJECT_MEMBER && e->subject.kind != YQ_SUBJECT_DEPARTMENT)
        return 0;
    if (yq_view_add_event(p->view, e->kind, &e->subject, e->at, yq_buf_text(&e->data), &why) ==
        NULL)
        tell_unreadable(p, e, &why);
    else
        p->events++;
    return p->events == SCOPE_MAX ? flush(p, err) : 0;
}

static int refuse(struct yq_reconcile *r, const char *why)
{
    r->refused = (struct yq_reason){.code = YQ_REASON_BAD_COMMAND, .args = {why}};
    return 0;
}

/* The command itself stands in the queue, settled but kept. */
static int read_command(struct yq_reconcile *r, struct yq_arena *arena, struct yq_replay *ret,
                        struct yq_error *err)
{
    struct yq_deliveries found = {0};
    struct yq_error why = {0};
    if (yq_queue_range(r->c->redis, r->c->keys, r->id, r->run, r->run, false, 1, &found, err) < 0)
        return -1;
    bool read = found.count == 1 && yq_replay_read(arena, found.items[0].data, ret, &why) == 0;
    yq_deliveries_release(&found);
    return read ? 1 : refuse(r, "which events cannot be made out");
}

int yq_reconcile_replay(struct yq_reconcile *r, struct yq_error *err)
{
    struct plan p = {.r = r, .view = yq_view_new()};
    struct yq_arena *arena = yq_arena_new();
    struct yq_replay replay;
    struct yq_replay_counts counts;
    yq_reconcile_phase(r, "replay", 0);
    int rc = read_command(r, arena, &replay, err);
    if (rc > 0)
        rc = yq_replay_each(r->c->redis, r->c->keys, r->id, &replay, take, &p, &counts, err);
    if (rc == 0)
        rc = flush(&p, err);
    if (rc == 0 && p.reconciles > 0)
        tell(r, "change", "all", &(struct yq_reason){.code = YQ_REASON_RECONCILE_OWED},
             "a full reconcile would be owed");
    yq_view_free(p.view);
    yq_arena_free(arena);
    return rc;
}
