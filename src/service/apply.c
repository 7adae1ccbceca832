/* Carries out a plan.
 *
 * Operations come sorted by stage and kind. Neighbours of one stage that go to the same interface
 * make one batch; links change hands without any call. When an operation fails, what is left for
 * its subject is not tried, and neither is what refers to a department that was to be created:
 * those subjects wait. Nothing is ever repeated here: a result that is not known makes the subject
 * wait, and its next attempt begins by reading. */
#include "apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_codec.h"
#include "hold.h"
#include "sent.h"
#include "service/metrics.h"

#define BATCH_MAX 100    /* rows of one call (eteams.md §2.2) */
#define NOT_EMPTY 410005 /* eteams.md §3 */

struct created { /* what this run made: subject key -> eteams id */
    char key[YQ_SUBJECT_MAX];
    char id[24];
    UT_hash_handle hh;
};

struct apply {
    const struct yq_sync *s;
    const struct yq_plan *p;
    struct yq_record *record;
    struct yq_sync_result *result;
    struct created *created;
};

static struct yq_outcome *outcome_of(struct apply *a, const struct yq_subject *subject)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(subject, key);
    struct yq_outcome *o;
    HASH_FIND_STR(a->result->outcomes, key, o);
    if (o == NULL) {
        o = yq_calloc(1, sizeof(*o));
        memcpy(o->key, key, sizeof(key));
        HASH_ADD_STR(a->result->outcomes, key, o);
    }
    return o;
}

static const char *created_id(const struct apply *a, const struct yq_subject *subject)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(subject, key);
    const struct created *c;
    HASH_FIND_STR(a->created, key, c);
    return c ? c->id : NULL;
}

static void remember(struct apply *a, const struct yq_subject *subject, const char *id)
{
    struct created *c = yq_calloc(1, sizeof(*c));
    yq_subject_key(subject, c->key);
    (void)strncpy(c->id, id, sizeof(c->id) - 1);
    struct created *old;
    HASH_FIND_STR(a->created, c->key, old);
    if (old != NULL) {
        HASH_DEL(a->created, old);
        free(old);
    }
    HASH_ADD_STR(a->created, key, c);
}

/* The eteams id that a ref stands for by now; NULL: its department could not be made. */
static const char *resolve(const struct apply *a, const struct yq_ref *ref)
{
    if (ref->id != NULL || ref->wecom == 0)
        return ref->id;
    struct yq_subject subject = yq_subject_department(ref->wecom);
    return created_id(a, &subject);
}

static const struct yq_ref *ref_of(const struct yq_operation *op)
{
    if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE ||
        op->kind == YQ_OP_MEMBER_RESIGN)
        return &op->department;
    for (size_t i = 0; i < op->change_count; i++) {
        const char *field = op->changes[i].field;
        if (strcmp(field, "parent") == 0 || strcmp(field, "department") == 0)
            return &op->changes[i].ref;
    }
    return NULL;
}

static bool makes_record(const struct yq_operation *op)
{
    return op->kind == YQ_OP_DEPARTMENT_CREATE || op->kind == YQ_OP_MEMBER_CREATE;
}

/* The record of a superior; NULL: this run was to make it, and did not. */
static const char *superior_id(const struct apply *a, const struct yq_person *s)
{
    struct yq_subject subject = yq_subject_member(s->id == NULL ? s->userid : "");
    return s->id != NULL ? s->id : created_id(a, &subject);
}

static bool superiors_are_there(const struct apply *a, const struct yq_operation *op)
{
    for (size_t i = 0; i < op->superior_count; i++) {
        if (superior_id(a, &op->superiors[i]) == NULL)
            return false;
    }
    return true;
}

/* Those whom this run made have ids by now. */
static void name_superiors(struct apply *a, struct yq_operation *op)
{
    for (size_t c = 0; op->superior_count > 0 && c < op->change_count; c++) {
        struct yq_buf ids = YQ_BUF_INIT;
        bool direct = strcmp(op->changes[c].field, "superior") == 0;
        size_t end = direct ? 1 : op->superior_count;
        for (size_t i = direct ? 0 : 1; i < end; i++)
            yq_buf_addf(&ids, "%s%s", ids.len > 0 ? "," : "", superior_id(a, &op->superiors[i]));
        op->changes[c].after = yq_arena_strdup(a->p->arena, yq_buf_text(&ids));
        yq_buf_release(&ids);
    }
}

/* ---- how an operation came out ---- */

/* Codes that say that what was read no longer stands: read and plan again (decisions.md 27). */
static bool outdated(int code)
{
    static const int codes[] = {410003, 410004, 410006, 410007, 410008, 410010, 410015, 410020};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

static void fail(struct apply *a, const struct yq_operation *op, const struct yq_error *error)
{
    struct yq_outcome *o = outcome_of(a, &op->subject);
    o->error = *error;
    o->retry_ms = error->wait_ms;
    o->kind = YQ_OUTCOME_WAIT;
    o->reason = (struct yq_reason){.code = YQ_REASON_UNREADABLE, .args = {o->error.text}};
    if (error->kind == YQ_ERROR_UNKNOWN) {
        o->reason.code = YQ_REASON_ANSWER_LOST;
        o->retry_ms = 1;
    } else if (error->kind == YQ_ERROR_REFUSED || error->kind == YQ_ERROR_INVALID) {
        o->kind = YQ_OUTCOME_REFUSED;
        o->reason.code = YQ_REASON_PEER_REFUSED;
        if (outdated(error->code))
            o->retry_ms = 1;
        if (yq_sent_counts(op))
            yq_sent_drop(a->record, op);
    }
    a->result->failed++;
    yq_metric_add(YQ_METRIC_FAILED, a->s->connection->settings->id,
                  yq_operation_kind_name(op->kind), NULL, 1);
    yq_record_operation(a->record, op, op->target, error);
}

static void succeed(struct apply *a, const struct yq_operation *op, const char *target)
{
    if (makes_record(op))
        remember(a, &op->subject, target);
    if (yq_sent_counts(op))
        yq_sent_drop(a->record, op);
    outcome_of(a, &op->subject)->operations++;
    a->result->applied++;
    yq_metric_add(YQ_METRIC_APPLIED, a->s->connection->settings->id,
                  yq_operation_kind_name(op->kind), NULL, 1);
    static const struct yq_error none = {.kind = YQ_ERROR_NONE};
    yq_record_operation(a->record, op, target, &none);
}

/* Events brought the subject, or the record, in step while this run was reading. */
static bool is_overtaken(const struct apply *a, const struct yq_operation *op)
{
    const struct yq_sync_batch *b = a->s->batch;
    if (b == NULL)
        return false;
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    return b->overtaken(b->context, key) ||
           (op->target != NULL && b->overtaken(b->context, op->target));
}

/* May it be tried? Not where the guard holds it, its subject has failed, or its department is
 * missing. */
static bool may_try(struct apply *a, const struct yq_operation *op)
{
    if (op->held)
        return false;
    struct yq_outcome *o = outcome_of(a, &op->subject);
    if (o->kind == YQ_OUTCOME_SETTLED && is_overtaken(a, op)) {
        o->kind = YQ_OUTCOME_WAIT;
        o->reason = (struct yq_reason){.code = YQ_REASON_OVERTAKEN};
    }
    if (o->kind != YQ_OUTCOME_SETTLED || o->stays)
        return false;
    const struct yq_ref *ref = ref_of(op);
    if (!superiors_are_there(a, op)) /* set when they arrive */
        return false;
    if (ref == NULL || resolve(a, ref) != NULL)
        return true;
    o->kind = YQ_OUTCOME_WAIT;
    o->on_others = true;
    o->reason = (struct yq_reason){.code = YQ_REASON_PARENT_WAITS,
                                   .args = {yq_arena_printf(a->p->arena, "%u", ref->wecom), ""}};
    return false;
}

/* ---- batches ---- */

static const char *target_of(const struct apply *a, const struct yq_operation *op)
{
    if (op->target != NULL || makes_record(op))
        return op->target;
    return created_id(a, &op->subject);
}

/* Whoever is in it may be held, and leave once a person has decided: its link, the only memory of
 * what is left to do, stays until then. */
static void keep_link(struct apply *a, const struct yq_operation *op)
{
    struct yq_outcome *o = outcome_of(a, &op->subject);
    struct yq_verdict *v;
    HASH_FIND_STR(a->p->verdicts, o->key, v);
    o->stays = true;
    if (v == NULL)
        return;
    v->kind = YQ_VERDICT_SKIP;
    v->reason = (struct yq_reason){.code = YQ_REASON_DEPARTMENT_KEPT};
}

/* People in it, or below it: tried again while they may be on their way, then the department is
 * kept (decisions.md 24). */
static void keep_department(struct apply *a, const struct yq_operation *op,
                            const struct yq_error *error)
{
    bool held = false;
    if (!op->patient) {
        struct yq_error unknown;
        if (yq_hold_any(a->record, a->result, &held, &unknown) < 0 || held)
            keep_link(a, op);
        return;
    }
    struct yq_outcome *o = outcome_of(a, &op->subject);
    o->error = *error;
    o->kind = YQ_OUTCOME_WAIT;
    o->reason = (struct yq_reason){.code = YQ_REASON_PEER_REFUSED, .args = {o->error.text}};
    yq_record_operation(a->record, op, op->target, error);
}

static void settle_row(struct apply *a, const struct yq_operation *op,
                       const struct yq_eteams_row *row)
{
    bool makes = makes_record(op);
    if (op->kind == YQ_OP_DEPARTMENT_DISABLE && row->error.code == NOT_EMPTY) {
        keep_department(a, op, &row->error);
    } else if (row->error.kind != YQ_ERROR_NONE) {
        fail(a, op, &row->error);
    } else if (makes && row->new_id[0] == '\0') {
        struct yq_error lost;
        yq_error_set(&lost, YQ_ERROR_UNKNOWN, "eteams did not say the id of the new record");
        fail(a, op, &lost);
    } else {
        succeed(a, op, makes ? row->new_id : row->id);
    }
}

/* Operations that go to one interface, in as many calls as it takes. */
struct batch {
    struct apply *a;
    struct yq_operation *const *ops;
    struct yq_eteams_row *rows;
    size_t count, next; /* next: the first one that is not recorded */
    bool lost;          /* nothing more can be recorded */
    struct yq_error error;
};

/* Records what is settled while the next call is on its way, so that neither waits for the other
 * and a crash loses the memory of one call. */
static void record_settled(void *context)
{
    struct batch *b = context;
    size_t from = b->next;
    for (; b->next < b->count && b->rows[b->next].settled; b->next++)
        settle_row(b->a, b->ops[b->next], &b->rows[b->next]);
    if (b->next > from && !b->lost)
        b->lost = yq_record_commit(b->a->record, &b->error) < 0;
}

static int write_rows(struct batch *b, enum yq_eteams_write kind, struct yq_error *err)
{
    const struct yq_sync *s = b->a->s;
    struct yq_watch watch = *s->watch;
    watch.meanwhile = record_settled;
    watch.meanwhile_context = b;
    int result = yq_eteams_write(s->connection->eteams, s->http, kind, b->rows, b->count, s->run,
                                 &watch, err);
    for (; b->next < b->count; b->next++)
        settle_row(b->a, b->ops[b->next], &b->rows[b->next]);
    if (!b->lost)
        return result;
    *err = b->error;
    return -1;
}

static int write_batch(struct apply *a, struct yq_operation *const *ops, size_t count,
                       enum yq_eteams_write kind, struct yq_error *err)
{
    struct yq_eteams_row *rows = yq_calloc(count, sizeof(*rows));
    struct yq_buf *texts = yq_calloc(count, sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        const struct yq_ref *ref = ref_of(ops[i]);
        rows[i].id = target_of(a, ops[i]);
        if (kind != YQ_WRITE_REHIRE && kind != YQ_WRITE_ENABLE && kind != YQ_WRITE_DISABLE)
            yq_eteams_write_row(ops[i], rows[i].id, ref ? resolve(a, ref) : NULL,
                                a->s->connection->settings->id, &texts[i]);
        rows[i].json = yq_buf_text(&texts[i]);
    }
    struct batch b = {.a = a, .ops = ops, .rows = rows, .count = count};
    int result = write_rows(&b, kind, err);
    for (size_t i = 0; i < count; i++)
        yq_buf_release(&texts[i]);
    free(texts);
    free(rows);
    return result;
}

/* From ops[from] on: how many belong to the same stage and interface? Few at a time where the lease
 * is taken for each. */
static size_t batch_end(const struct apply *a, size_t from)
{
    const struct yq_plan *p = a->p;
    size_t end = from + 1, most = a->s->batch != NULL ? BATCH_MAX : SIZE_MAX;
    int kind = yq_eteams_write_of(p->operations[from]->kind);
    while (end < p->operation_count && end - from < most &&
           p->operations[end]->stage == p->operations[from]->stage &&
           yq_eteams_write_of(p->operations[end]->kind) == kind)
        end++;
    return end;
}

/* Written down before they are sent. */
static int note_sent(struct apply *a, struct yq_operation *const *ops, size_t count,
                     struct yq_error *err)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct yq_ref *ref = ref_of(ops[i]);
        if (!yq_sent_counts(ops[i]))
            continue;
        yq_sent_note(a->record, ops[i], ref ? resolve(a, ref) : NULL);
        any = true;
    }
    return any ? yq_record_commit(a->record, err) : 0;
}

static int carry_out(struct apply *a, size_t from, size_t end, struct yq_error *err)
{
    int kind = yq_eteams_write_of(a->p->operations[from]->kind);
    struct yq_operation **ops = yq_calloc(end - from, sizeof(*ops));
    size_t count = 0;
    for (size_t i = from; i < end; i++) {
        struct yq_operation *op = a->p->operations[i];
        if (!may_try(a, op))
            continue;
        if (kind < 0)
            succeed(a, op, op->target);
        else
            ops[count++] = op;
        name_superiors(a, op);
    }
    int result = note_sent(a, ops, count, err);
    if (count > 0 && result == 0)
        result = write_batch(a, ops, count, (enum yq_eteams_write)kind, err);
    free(ops);
    if (yq_record_commit(a->record, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

/* Under the lease: our own for the whole run, or taken for this batch. */
static int carry_out_alone(struct apply *a, size_t from, size_t end, struct yq_error *err)
{
    const struct yq_sync_batch *b = a->s->batch;
    if (b == NULL)
        return carry_out(a, from, end, err);
    if (b->begin(b->context, err) < 0)
        return -1;
    int result = carry_out(a, from, end, err);
    if (b->end(b->context, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

int yq_apply(const struct yq_sync *s, const struct yq_plan *p, struct yq_record *r,
             struct yq_sync_result *result, struct yq_error *err)
{
    struct apply a = {.s = s, .p = p, .record = r, .result = result};
    int done = 0;
    for (size_t from = 0, end; from < p->operation_count && done == 0; from = end) {
        end = batch_end(&a, from);
        done = carry_out_alone(&a, from, end, err);
        if (s->batch != NULL && s->batch->progress != NULL)
            s->batch->progress(s->batch->context, end, p->operation_count);
    }
    struct created *c, *next;
    HASH_ITER (hh, a.created, c, next) {
        HASH_DEL(a.created, c);
        free(c);
    }
    return done;
}
