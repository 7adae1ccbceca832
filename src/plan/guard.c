/* How many may be removed without asking. */
#include "plan/guard.h"

#include <string.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct yq_guard_limits yq_guard_limits(const struct yq_policy *policy, int64_t size)
{
    int64_t run = larger(3, smaller(policy->removals.max, policy->removals.percent * size / 100));
    int64_t day = policy->removals.per_day;
    if (day == 0)
        day = larger(2 * run, size / 200);
    return (struct yq_guard_limits){.run = run, .day = day};
}

/* The operation that the guard counts for this subject. */
static bool is_guarded(const struct yq_operation *op, bool removals, bool moves)
{
    return (removals && op->kind == YQ_OP_MEMBER_RESIGN) || (moves && op->to_root);
}

/* Who is removed, or moved to the root, by the id of the record: a plan may have many. */
struct seat {
    const char *target;
    const struct yq_operation *removal, *move;
    UT_hash_handle hh;
};

struct index {
    struct seat *seats;
};

static struct index make_index(const struct yq_plan *p)
{
    struct index x = {0};
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        struct seat *s = NULL;
        if (!is_guarded(op, true, true) || op->target == NULL)
            continue;
        HASH_FIND_STR(x.seats, op->target, s);
        if (s == NULL) {
            s = yq_arena_alloc(p->arena, sizeof(*s));
            s->target = op->target;
            HASH_ADD_KEYPTR(hh, x.seats, s->target, strlen(s->target), s);
        }
        if (s->removal == NULL && is_guarded(op, true, false))
            s->removal = op;
        if (s->move == NULL && is_guarded(op, false, true))
            s->move = op;
    }
    return x;
}

static void release_index(struct index *x)
{
    HASH_CLEAR(hh, x->seats);
}

static const struct yq_operation *guarded(const struct index *x, const char *target, bool removals)
{
    const struct seat *s;
    HASH_FIND_STR(x->seats, target, s);
    return s == NULL ? NULL : removals ? s->removal : s->move;
}

/* Who leaves with whom, or can only be written once somebody is gone, or moved to the root, does as
 * that person's removal or move does. NULL: nobody's. */
static const struct yq_operation *
guarded_before(const struct index *x, const struct yq_operation *op, bool removals, bool moves)
{
    const struct yq_operation *first = NULL;
    if (op->after != NULL && removals)
        first = guarded(x, op->after, true);
    if (first == NULL && op->after_move != NULL && moves)
        first = guarded(x, op->after_move, false);
    if (first == NULL && op->kind == YQ_OP_POST_REMOVE && op->target != NULL && removals)
        first = guarded(x, op->target, true);
    return first;
}

static struct yq_verdict *verdict_of(struct yq_plan *p, const struct yq_operation *op)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    struct yq_verdict *v;
    HASH_FIND_STR(p->verdicts, key, v);
    return v;
}

/* The hash is not known before all is held: yq_guard_name. */
static void hold_verdict(struct yq_plan *p, const struct yq_operation *op, size_t count,
                         int64_t limit)
{
    struct yq_verdict *v = verdict_of(p, op);
    if (v == NULL)
        return;
    v->kind = YQ_VERDICT_HELD;
    v->reason = (struct yq_reason){.code = YQ_REASON_GUARD_WOULD_HOLD,
                                   .args = {yq_arena_printf(p->arena, "%zu", count),
                                            yq_arena_printf(p->arena, "%lld", (long long)limit)}};
}

void yq_guard_name(struct yq_plan *p, const char *hash)
{
    const char *copy = yq_arena_strdup(p->arena, hash);
    for (struct yq_verdict *v = p->verdicts; v != NULL; v = v->hh.next) {
        if (v->kind != YQ_VERDICT_HELD)
            continue;
        bool anew = v->reason.code == YQ_REASON_GUARD_WOULD_HOLD;
        v->reason.args[anew ? 2 : 0] = copy;
        if (anew)
            v->reason.code = YQ_REASON_GUARD_HELD;
    }
}

size_t yq_guard_apply(struct yq_plan *p, const struct yq_policy *policy,
                      const struct yq_guard_figures *figures)
{
    struct yq_guard_limits limits = yq_guard_limits(policy, figures->size);
    int64_t removals = (int64_t)p->removals;
    bool over_day = removals > 0 && figures->last_day + removals > limits.day;
    bool hold_removals =
        removals > 0 && (removals + figures->run_removals > limits.run || over_day);
    int64_t moves = (int64_t)p->moves_to_root;
    bool hold_moves = moves > 0 && moves + figures->run_moves > limits.run;
    if (!hold_removals && !hold_moves)
        return 0;
    size_t held = 0;
    struct index index = make_index(p);
    for (size_t i = 0; i < p->operation_count; i++) {
        struct yq_operation *op = p->operations[i];
        if (!is_guarded(op, hold_removals, hold_moves) &&
            guarded_before(&index, op, hold_removals, hold_moves) == NULL)
            continue;
        op->held = true;
        held += is_guarded(op, hold_removals, hold_moves);
        size_t count = op->to_root ? p->moves_to_root : p->removals;
        hold_verdict(p, op, count, over_day ? limits.day : limits.run);
    }
    release_index(&index);
    return held;
}

/* Its hash is told by yq_guard_name. */
static void conclude_held(struct yq_verdict *v, enum yq_reason_code code)
{
    v->kind = YQ_VERDICT_HELD;
    v->reason = (struct yq_reason){.code = code};
}

size_t yq_guard_keep(struct yq_plan *p, const struct yq_held_plan *waiting)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->operation_count; i++) {
        struct yq_operation *op = p->operations[i];
        struct yq_verdict *v = verdict_of(p, op);
        if (op->held || !is_guarded(op, true, true) || !yq_held_allows(waiting, op))
            continue;
        op->held = true;
        kept++;
        if (v != NULL)
            conclude_held(v, YQ_REASON_STILL_HELD);
    }
    if (kept == 0)
        return 0;
    struct index index = make_index(p);
    for (size_t i = 0; i < p->operation_count; i++) {
        struct yq_operation *op = p->operations[i];
        const struct yq_operation *removal = guarded_before(&index, op, true, true);
        op->held |= removal != NULL && removal->held;
    }
    release_index(&index);
    return kept;
}

/* ---- an approved run ---- */

enum approval { LEFT_OUT, APPROVED, HELD_AGAIN };

static enum approval judge(const struct index *x, const struct yq_held_plan *approved,
                           const struct yq_operation *op)
{
    const struct yq_operation *removal = guarded_before(x, op, true, true);
    if (removal != NULL && removal != op && !yq_held_allows(approved, removal))
        return HELD_AGAIN;
    bool of_leaver = removal != NULL && op->kind == YQ_OP_POST_REMOVE &&
                     strcmp(removal->target, op->target) == 0;
    if (of_leaver || yq_held_allows(approved, op))
        return APPROVED;
    return is_guarded(op, true, true) ? HELD_AGAIN : LEFT_OUT;
}

static void tell_verdict(struct yq_plan *p, const struct yq_operation *op, enum approval a)
{
    struct yq_verdict *v = verdict_of(p, op);
    if (v == NULL || v->kind == YQ_VERDICT_HELD || v->kind == YQ_VERDICT_CASE || a == APPROVED)
        return;
    v->kind = a == HELD_AGAIN ? YQ_VERDICT_HELD : YQ_VERDICT_SKIP;
    v->reason =
        (struct yq_reason){.code = a == HELD_AGAIN ? YQ_REASON_HELD_AGAIN : YQ_REASON_NOT_APPROVED};
}

struct left_out { /* a subject */
    char key[YQ_SUBJECT_MAX];
    UT_hash_handle hh;
};

/* What comes before it for its subject is left out: a record made or taken back, another main
 * department. Nothing that builds on it can be written. */
static enum approval build(struct yq_plan *p, struct left_out **subjects,
                           const struct yq_operation *op, enum approval judged)
{
    struct left_out *l;
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    HASH_FIND_STR(*subjects, key, l);
    if (judged == APPROVED && l != NULL)
        judged = is_guarded(op, true, true) ? HELD_AGAIN : LEFT_OUT;
    if (judged == LEFT_OUT && l == NULL) {
        l = yq_arena_alloc(p->arena, sizeof(*l));
        memcpy(l->key, key, sizeof(key));
        HASH_ADD_STR(*subjects, key, l);
    }
    return judged;
}

static enum approval *judge_all(struct yq_plan *p, const struct yq_held_plan *approved)
{
    enum approval *judged =
        yq_arena_alloc(p->arena, (p->operation_count + 1) * sizeof(enum approval));
    struct index index = make_index(p);
    struct left_out *subjects = NULL;
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        judged[i] = build(p, &subjects, op, judge(&index, approved, op));
    }
    HASH_CLEAR(hh, subjects);
    release_index(&index);
    return judged;
}

size_t yq_guard_approve(struct yq_plan *p, const struct yq_held_plan *approved)
{
    size_t held = 0, kept = 0;
    const enum approval *judged = judge_all(p, approved);
    for (size_t i = 0; i < p->operation_count; i++) {
        struct yq_operation *op = p->operations[i];
        op->held = judged[i] == HELD_AGAIN;
        held += op->held && is_guarded(op, true, true);
        tell_verdict(p, op, judged[i]);
        if (judged[i] != LEFT_OUT)
            p->operations[kept++] = op;
    }
    p->operation_count = kept;
    return held;
}
