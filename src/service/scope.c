/* Deliveries grouped by subject. */
#include "scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/reason.h"

#define SUSPECTS 50 /* more than that are not tried one by one */

static struct yq_group *group_of(struct yq_scope *s, const char *key)
{
    struct yq_group *g;
    HASH_FIND_STR(s->groups, key, g);
    if (g != NULL)
        return g;
    g = yq_calloc(1, sizeof(*g));
    (void)strncpy(g->key, key, sizeof(g->key) - 1);
    (void)strncpy(g->attempt.key, key, sizeof(g->attempt.key) - 1);
    HASH_ADD_STR(s->groups, key, g);
    return g;
}

void yq_scope_drop(struct yq_scope *s, struct yq_group *g)
{
    HASH_DEL(s->groups, g);
    free(g->deliveries);
    yq_buf_release(&g->entries);
    free(g);
}

void yq_scope_release(struct yq_scope *s)
{
    struct yq_group *g, *next;
    HASH_ITER (hh, s->groups, g, next)
        yq_scope_drop(s, g);
    for (size_t i = 0; i < s->batch_count; i++) {
        yq_deliveries_release(s->batches[i]);
        free(s->batches[i]);
    }
    s->batch_count = 0;
}

void yq_scope_add_attempts(struct yq_scope *s, const struct yq_attempts *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct yq_group *g = group_of(s, a->items[i].key);
        g->attempt = a->items[i];
        if (g->attempt.running) { /* its worker did not come back */
            g->attempt.running = false;
            g->attempt.deaths++;
            g->attempt.next_ms = 0;
        }
    }
}

/* A command about many subjects at once is a group of its own. */
static void key_of(const struct yq_delivery *d, char out[YQ_SUBJECT_MAX])
{
    if (!d->broken && d->kind == YQ_EVENT_COMMAND_APPROVE)
        (void)snprintf(out, YQ_SUBJECT_MAX, "approve:%s", d->entry);
    else
        yq_subject_key(&d->subject, out);
}

void yq_scope_add(struct yq_scope *s, struct yq_deliveries *d)
{
    if (d->count == 0) {
        yq_deliveries_release(d);
        return;
    }
    struct yq_deliveries *kept = yq_calloc(1, sizeof(*kept));
    *kept = *d;
    *d = (struct yq_deliveries){0};
    s->batches[s->batch_count++] = kept;
    for (size_t i = 0; i < kept->count; i++) {
        struct yq_delivery *delivery = &kept->items[i];
        char key[YQ_SUBJECT_MAX];
        key_of(delivery, key);
        struct yq_group *g = group_of(s, key);
        yq_grow(&g->deliveries, &g->capacity, g->count, sizeof(*g->deliveries));
        if (g->count == 0)
            g->subject = delivery->subject;
        g->deliveries[g->count++] = delivery;
        g->fresh = true;
        yq_buf_addf(&g->entries, "%s%s", g->entries.len ? " " : "", delivery->entry);
    }
    s->news = true;
}

bool yq_group_has_replay(const struct yq_group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        if (yq_source_is_again(g->deliveries[i]->source))
            return true;
    }
    return false;
}

bool yq_scope_full(const struct yq_scope *s)
{
    return s->batch_count == sizeof(s->batches) / sizeof(s->batches[0]);
}

size_t yq_scope_deliveries(const struct yq_scope *s)
{
    size_t count = 0;
    for (const struct yq_group *g = s->groups; g != NULL; g = g->hh.next)
        count += g->count;
    return count;
}

/* The reasons under which a subject waits for what other subjects bring; their name begins the
 * error text of an attempt. */
static bool waits_for_others(const struct yq_attempt *a)
{
    static const enum yq_reason_code codes[] = {YQ_REASON_KEY_TAKEN, YQ_REASON_PARENT_WAITS,
                                                YQ_REASON_NOT_YET_READABLE,
                                                YQ_REASON_SUPERIOR_WAITS};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const char *name = yq_reason_name(codes[i]);
        if (strncmp(a->error, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

static bool is_due(const struct yq_scope *s, const struct yq_group *g, int64_t now_ms)
{
    if (g->count == 0)
        return false;
    if (g->attempt.next_ms <= now_ms)
        return true;
    return s->news && waits_for_others(&g->attempt);
}

/* Those with whom a worker died: alone, whoever was there more often after the others. Where they
 * are many, those of one death are tried together as a part of what they were, which takes far
 * fewer runs. */
static size_t pick_suspects(struct yq_scope *s, int64_t now_ms, struct yq_group **ret, size_t max)
{
    size_t suspects = 0, count = 0, most = max < SUSPECTS ? max : SUSPECTS;
    struct yq_group *alone = NULL;
    for (struct yq_group *g = s->groups; g != NULL; g = g->hh.next) {
        if (!is_due(s, g, now_ms))
            continue;
        if (alone == NULL || g->attempt.deaths < alone->attempt.deaths)
            alone = g;
        if (g->attempt.deaths == 1 && suspects++ < most)
            ret[count++] = g;
    }
    if (suspects > SUSPECTS || alone == NULL)
        return count;
    ret[0] = alone;
    return 1;
}

static bool tells(const struct yq_group *g, enum yq_event_kind kind)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->deliveries[i]->kind == kind)
            return true;
    }
    return false;
}

static size_t pick_waiting(struct yq_scope *s, enum yq_event_kind kind, struct yq_group **ret,
                           size_t count, size_t max)
{
    for (struct yq_group *g = s->groups; g != NULL && count < max; g = g->hh.next) {
        if (g->picked || g->attempt.deaths > 0 || !tells(g, kind))
            continue;
        g->early = g->picked = true;
        ret[count++] = g;
    }
    return count;
}

/* A leaver who was looked at without the newcomer that he may be would be resigned, and made anew
 * with the newcomer. */
static size_t pick_company(struct yq_scope *s, struct yq_group **ret, size_t count, size_t max)
{
    bool leavers = false, newcomers = false;
    for (size_t i = 0; i < count; i++) {
        leavers = leavers || tells(ret[i], YQ_EVENT_MEMBER_DELETED);
        newcomers = newcomers || tells(ret[i], YQ_EVENT_MEMBER_CREATED);
    }
    if (!leavers && !newcomers)
        return count;
    size_t due = count;
    count = pick_waiting(s, YQ_EVENT_MEMBER_DELETED, ret, count, max);
    if (leavers || count > due)
        count = pick_waiting(s, YQ_EVENT_MEMBER_CREATED, ret, count, max);
    return count;
}

size_t yq_scope_pick(struct yq_scope *s, int64_t now_ms, struct yq_group **ret, size_t max)
{
    size_t count = 0;
    for (struct yq_group *g = s->groups; g != NULL; g = g->hh.next)
        g->picked = false;
    for (struct yq_group *g = s->groups; g != NULL && count < max; g = g->hh.next) {
        if (!is_due(s, g, now_ms))
            continue;
        g->early = g->attempt.next_ms > now_ms;
        g->picked = g->attempt.deaths == 0;
        if (g->picked)
            ret[count++] = g;
    }
    if (count == 0)
        count = pick_suspects(s, now_ms, ret, max);
    else
        count = pick_company(s, ret, count, max);
    if (count < max)
        s->news = false;
    return count;
}

int64_t yq_scope_next(const struct yq_scope *s)
{
    int64_t next = 0;
    for (const struct yq_group *g = s->groups; g != NULL; g = g->hh.next) {
        if (g->count > 0 && (next == 0 || g->attempt.next_ms < next))
            next = g->attempt.next_ms > 0 ? g->attempt.next_ms : 1;
    }
    return next;
}
