/* How many may be removed without asking. */
#include "plan/guard.h"

#include <stdio.h>
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

/* FNV-1a, twice with different seeds: 128 bits name a list of people well enough. */
static void mix(uint64_t h[2], const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text;; c++) {
        h[0] = (h[0] ^ *c) * 0x100000001b3u;
        h[1] = (h[1] ^ (*c + 0x5bu)) * 0x100000001b3u;
        if (*c == 0)
            return;
    }
}

/* The operation that the guard counts for this subject. */
static bool is_guarded(const struct yq_operation *op, bool removals, bool moves)
{
    return (removals && op->kind == YQ_OP_MEMBER_RESIGN) || (moves && op->to_root);
}

static const struct yq_operation *guarded(const struct yq_plan *p, const char *target,
                                          bool removals, bool moves)
{
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        if (is_guarded(op, removals, moves) && op->target && strcmp(op->target, target) == 0)
            return op;
    }
    return NULL;
}

/* A leaver's posts, and what can only be done once he is gone. */
static bool goes_with_a_removal(const struct yq_plan *p, const struct yq_operation *op)
{
    if (op->after != NULL && guarded(p, op->after, true, false) != NULL)
        return true;
    return op->kind == YQ_OP_POST_REMOVE && guarded(p, op->target, true, false) != NULL;
}

static void hold_verdict(struct yq_plan *p, const struct yq_operation *op, size_t count,
                         int64_t limit, const char *hash)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, key);
    struct yq_verdict *v;
    HASH_FIND_STR(p->verdicts, key, v);
    if (v == NULL)
        return;
    v->kind = YQ_VERDICT_HELD;
    v->reason = (struct yq_reason){.code = YQ_REASON_GUARD_HELD,
                                   .args = {yq_arena_printf(p->arena, "%zu", count),
                                            yq_arena_printf(p->arena, "%lld", (long long)limit),
                                            yq_arena_strdup(p->arena, hash)}};
}

/* Operations are sorted, so equal people give an equal hash. */
static void hash_guarded(const struct yq_plan *p, bool removals, bool moves, char ret[33])
{
    uint64_t h[2] = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    for (size_t i = 0; i < p->operation_count; i++) {
        const struct yq_operation *op = p->operations[i];
        if (!is_guarded(op, removals, moves))
            continue;
        mix(h, yq_operation_kind_name(op->kind));
        mix(h, op->target ? op->target : "");
    }
    (void)snprintf(ret, 33, "%016llx%016llx", (unsigned long long)h[0], (unsigned long long)h[1]);
}

size_t yq_guard_apply(struct yq_plan *p, const struct yq_policy *policy,
                      const struct yq_guard_figures *figures, char ret_hash[33])
{
    struct yq_guard_limits limits = yq_guard_limits(policy, figures->size);
    int64_t removals = (int64_t)p->removals;
    bool over_day = removals > 0 && figures->last_day + removals > limits.day;
    bool hold_removals = removals > limits.run || over_day;
    bool hold_moves = (int64_t)p->moves_to_root > limits.run;
    ret_hash[0] = '\0';
    if (!hold_removals && !hold_moves)
        return 0;
    hash_guarded(p, hold_removals, hold_moves, ret_hash);
    size_t held = 0;
    for (size_t i = 0; i < p->operation_count; i++) {
        struct yq_operation *op = p->operations[i];
        if (!is_guarded(op, hold_removals, hold_moves) &&
            !(hold_removals && goes_with_a_removal(p, op)))
            continue;
        op->held = true;
        held += is_guarded(op, hold_removals, hold_moves);
        size_t count = op->to_root ? p->moves_to_root : p->removals;
        hold_verdict(p, op, count, over_day ? limits.day : limits.run, ret_hash);
    }
    return held;
}
