/* What becomes of a subject's events after a run. */
#include "settle.h"

#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "service/log.h"
#include "service/metrics.h"

#define PATIENCE_MS ((int64_t)24 * 60 * 60 * 1000) /* how long a passing fault may last */
#define CYCLE 410015     /* eteams.md §3: below a department that, as a case, stays where it is */
#define QUICK_ATTEMPTS 3 /* so often a lost answer is read back at once */

static const char *key_of(const struct yq_settle *s, const char *name, char out[YQ_KEY_MAX])
{
    return yq_key(s->keys, s->connection, name, out);
}

static void acknowledge(const struct yq_settle *s, const struct yq_group *g)
{
    char key[YQ_KEY_MAX];
    key_of(s, "events", key);
    for (size_t i = 0; i < g->count; i++)
        yq_commit_add(s->commit, "XACK", key, YQ_QUEUE_GROUP, g->deliveries[i]->entry, NULL);
    if (g->attempt.attempts > 0)
        yq_store_drop_attempt(s->commit, s->keys, s->connection, g->key);
    yq_metric_add(YQ_METRIC_SETTLED, s->connection, NULL, NULL, (double)g->count);
}

static void reason_text(const struct yq_reason *reason, char *out, size_t size)
{
    struct yq_buf text = YQ_BUF_INIT;
    yq_buf_addf(&text, "%s: ", yq_reason_name(reason->code));
    yq_reason_format(reason, yq_reason_template(reason->code), &text);
    (void)snprintf(out, size, "%s", yq_buf_text(&text));
    yq_buf_release(&text);
}

void yq_settle_begin(const struct yq_settle *s, struct yq_group *g)
{
    int64_t now = yq_wall_ms(s->clock);
    if (g->attempt.attempts == 0)
        g->attempt.first_ms = now;
    if (g->attempt.attempts == 0 || !g->early) /* news about others do not use its attempts up */
        g->attempt.attempts++;
    g->attempt.running = true;
    g->fresh = false;
    yq_store_put_attempt(s->commit, s->keys, s->connection, &g->attempt);
}

static void settle_done(const struct yq_settle *s, struct yq_group *g, const struct yq_outcome *o)
{
    char reason[200];
    reason_text(&o->reason, reason, sizeof(reason));
    int64_t age = yq_wall_ms(s->clock) - g->deliveries[0]->queued_ms;
    yq_log(YQ_LOG_INFO, "event.settled", "connection", s->connection, "event",
           yq_buf_text(&g->entries), "subject", g->key, "verdict", yq_verdict_name(o->verdict),
           "operations", yq_log_int(o->operations), "reason",
           o->reason.code == YQ_REASON_NONE ? NULL : yq_reason_name(o->reason.code), "age_ms",
           yq_log_int(age), NULL);
    if (o->operations > 0)
        yq_metric_observe(YQ_METRIC_FRESHNESS_SECONDS, (double)age / 1000);
    else
        yq_metric_add(YQ_METRIC_NOOP, s->connection, NULL, NULL, (double)g->count);
    acknowledge(s, g);
    yq_scope_drop(s->scope, g);
}

static void settle_later(const struct yq_settle *s, struct yq_group *g, int64_t least_ms,
                         bool quick)
{
    const struct yq_backoff backoff = {s->settings->retry_first_ms, s->settings->retry_max_ms};
    int64_t now = yq_wall_ms(s->clock);
    uint64_t seed = yq_agreed_hash(g->key) ^ (uint64_t)g->attempt.first_ms;
    int64_t delay = yq_backoff_ms(&backoff, g->attempt.attempts, seed);
    if (quick && g->attempt.attempts <= QUICK_ATTEMPTS)
        delay = 0;
    if (delay < least_ms)
        delay = least_ms;
    g->attempt.running = false;
    g->attempt.next_ms = now + delay;
    yq_store_put_attempt(s->commit, s->keys, s->connection, &g->attempt);
    yq_metric_add(YQ_METRIC_RETRIED, s->connection, NULL, NULL, 1);
    yq_log(YQ_LOG_INFO, "event.waits", "connection", s->connection, "event",
           yq_buf_text(&g->entries), "subject", g->key, "attempts", yq_log_int(g->attempt.attempts),
           "next_ms", yq_log_int(delay), "error", g->attempt.error, NULL);
}

/* What was read of a broken entry is not what it holds: its letter is a copy. */
static void add_letter(const struct yq_settle *s, const struct yq_group *g,
                       const struct yq_delivery *d, const char *reason)
{
    char subject[YQ_SUBJECT_MAX];
    struct yq_dead letter = {.entry = d->entry,
                             .attempts = g->attempt.attempts,
                             .deaths = g->attempt.deaths,
                             .first_ms = g->attempt.first_ms,
                             .error = reason};
    if (!d->broken) {
        yq_subject_format(&d->subject, subject);
        letter.kind = yq_event_kind_name(d->kind);
        letter.subject = subject;
        letter.data = d->data ? d->data : "{}";
    }
    yq_store_add_dead(s->commit, s->keys, s->connection, &letter);
}

void yq_settle_dead(const struct yq_settle *s, struct yq_group *g, const char *reason)
{
    for (size_t i = 0; i < g->count; i++)
        add_letter(s, g, g->deliveries[i], reason);
    yq_metric_add(YQ_METRIC_DEAD, s->connection, NULL, NULL, (double)g->count);
    yq_log(YQ_LOG_ERROR, "event.dead", "connection", s->connection, "event",
           yq_buf_text(&g->entries), "subject", g->key, "attempts", yq_log_int(g->attempt.attempts),
           "error", reason, NULL);
    acknowledge(s, g);
    yq_scope_drop(s->scope, g);
}

bool yq_settle_broken(const struct yq_settle *s, struct yq_group *g)
{
    for (size_t i = 0; i < g->count;) {
        const struct yq_delivery *d = g->deliveries[i];
        char reason[200];
        if (!d->broken) {
            i++;
            continue;
        }
        (void)snprintf(reason, sizeof(reason), "the entry cannot be read: %s", d->data);
        add_letter(s, g, d, reason);
        yq_metric_add(YQ_METRIC_DEAD, s->connection, NULL, NULL, 1);
        yq_log(YQ_LOG_ERROR, "event.dead", "connection", s->connection, "event", d->entry, "error",
               reason, NULL);
        if (yq_settle_delivery(s, g, i))
            return true;
    }
    return false;
}

void yq_settle_begin_anew(const struct yq_settle *s, const struct yq_deliveries *d)
{
    for (size_t i = 0; i < d->count; i++) {
        struct yq_group *g = NULL;
        char key[YQ_SUBJECT_MAX];
        if (d->items[i].broken || !yq_source_is_again(d->items[i].source))
            continue;
        yq_subject_key(&d->items[i].subject, key);
        HASH_FIND_STR(s->scope->groups, key, g);
        if (g == NULL || g->attempt.first_ms == 0)
            continue;
        yq_store_drop_attempt(s->commit, s->keys, s->connection, key);
        g->attempt = (struct yq_attempt){0};
        memcpy(g->attempt.key, key, sizeof(key));
    }
}

/* Something other subjects must bring, or a person: after many attempts it is listed for a person.
 * Not while the parent cannot be read: that passes. */
static bool becomes_case(const struct yq_settle *s, const struct yq_group *g,
                         const struct yq_outcome *o)
{
    const char *parent = o->reason.code == YQ_REASON_PARENT_WAITS ? o->reason.args[1] : NULL;
    bool passing = parent != NULL && strcmp(parent, yq_reason_name(YQ_REASON_UNREADABLE)) == 0;
    bool bounded = o->reason.code == YQ_REASON_NO_NAME ||
                   o->reason.code == YQ_REASON_PARENT_WAITS ||
                   o->reason.code == YQ_REASON_SUPERIOR_WAITS;
    return bounded && !passing && g->attempt.attempts >= (unsigned)s->settings->retry_attempts;
}

/* A name or a place that a department does not give up, being a case itself; a superior that eteams
 * does not take: a person's matter, too (eteams.md §3: name taken, cycle). */
static bool stands_in_the_way(int code)
{
    return code == 410004 || code == 410015 || code == 410010;
}

static void settle_as_case(const struct yq_settle *s, struct yq_group *g, struct yq_outcome o)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_addf(&json, "{\"word\":\"case\",\"reason\":\"%s\",\"args\":[",
                yq_reason_name(o.reason.code));
    for (size_t i = 0; i < 3 && o.reason.args[i] != NULL; i++) {
        yq_buf_adds(&json, i ? "," : "");
        yq_buf_add_json_string(&json, o.reason.args[i]);
    }
    yq_buf_addf(&json, "],\"at\":%lld}", (long long)yq_wall_ms(s->clock));
    yq_store_put_case(s->commit, s->keys, s->connection, g->key, yq_buf_text(&json));
    yq_buf_release(&json);
    o.verdict = YQ_VERDICT_CASE;
    settle_done(s, g, &o);
}

void yq_settle_outcome(const struct yq_settle *s, struct yq_group *g, const struct yq_outcome *o)
{
    if (o->kind == YQ_OUTCOME_SETTLED) {
        settle_done(s, g, o);
        return;
    }
    reason_text(&o->reason, g->attempt.error, sizeof(g->attempt.error));
    bool given_up = o->kind == YQ_OUTCOME_REFUSED &&
                    g->attempt.attempts >= (unsigned)s->settings->retry_attempts;
    bool too_long = yq_wall_ms(s->clock) - g->attempt.first_ms > PATIENCE_MS;
    if (given_up && stands_in_the_way(o->error.code)) {
        settle_as_case(s, g, *o);
    } else if (given_up || too_long) {
        char error[200];
        (void)snprintf(error, sizeof(error), "%s", g->attempt.error);
        yq_settle_dead(s, g, error);
    } else if (becomes_case(s, g, o)) {
        settle_as_case(s, g, *o);
    } else {
        settle_later(s, g, o->retry_ms, o->retry_ms == 1);
    }
}

void yq_settle_postpone(const struct yq_settle *s, struct yq_group *g, const struct yq_error *err)
{
    (void)snprintf(g->attempt.error, sizeof(g->attempt.error), "%.16s: %.180s",
                   yq_error_kind_name(err->kind), err->text);
    settle_later(s, g, err->wait_ms, false);
}

void yq_settle_ignore(const struct yq_settle *s, struct yq_group *g)
{
    const struct yq_outcome nothing = {.verdict = YQ_VERDICT_SKIP,
                                       .reason = {.code = YQ_REASON_NOT_A_HINT}};
    settle_done(s, g, &nothing);
}

bool yq_settle_delivery(const struct yq_settle *s, struct yq_group *g, size_t index)
{
    if (g->count == 1) {
        acknowledge(s, g);
        yq_scope_drop(s->scope, g);
        return true;
    }
    char key[YQ_KEY_MAX];
    yq_commit_add(s->commit, "XACK", key_of(s, "events", key), YQ_QUEUE_GROUP,
                  g->deliveries[index]->entry, NULL);
    yq_metric_add(YQ_METRIC_SETTLED, s->connection, NULL, NULL, 1);
    g->count--;
    memmove(g->deliveries + index, g->deliveries + index + 1,
            (g->count - index) * sizeof(*g->deliveries));
    yq_buf_clear(&g->entries);
    for (size_t i = 0; i < g->count; i++)
        yq_buf_addf(&g->entries, "%s%s", i ? " " : "", g->deliveries[i]->entry);
    return false;
}
