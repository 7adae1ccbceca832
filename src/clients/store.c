/* Writing what a connection remembers: collected in a commit, carried out under the lease. */
#include "clients/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "commit.h"

#define PLAN_TTL_SECONDS "604800" /* 7 days (design: safety) */
#define REMOVALS_KEPT_MS INT64_C(172800000)

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- links ---- */

void yq_store_put_department_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                  const struct yq_link_department *l)
{
    char links[YQ_KEY_MAX], owners[YQ_KEY_MAX], number[16];
    struct yq_buf json = YQ_BUF_INIT;
    (void)snprintf(number, sizeof(number), "%" PRIu32, l->id);
    yq_link_department_write(l, &json);
    yq_commit_add(c, "HSET", yq_key(keys, id, "link:department", links), number, yq_buf_text(&json),
                  NULL);
    yq_commit_add(c, "HSET", yq_key(keys, id, "linked:department", owners), l->eteams, number,
                  NULL);
    yq_buf_release(&json);
}

void yq_store_put_member_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                              const struct yq_link_member *l)
{
    char links[YQ_KEY_MAX], owners[YQ_KEY_MAX], key[YQ_USERID_MAX + 1];
    struct yq_buf json = YQ_BUF_INIT;
    yq_userid_key(l->userid, key);
    yq_link_member_write(l, &json);
    yq_commit_add(c, "HSET", yq_key(keys, id, "link:member", links), key, yq_buf_text(&json), NULL);
    yq_commit_add(c, "HSET", yq_key(keys, id, "linked:member", owners), l->eteams, key, NULL);
    yq_buf_release(&json);
}

/* The record may have gone to another link in the same commit: its owner is removed only while it
 * still is this one. */
void yq_store_drop_department_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                   const struct yq_link_department *l)
{
    char links[YQ_KEY_MAX], owners[YQ_KEY_MAX], number[16];
    (void)snprintf(number, sizeof(number), "%" PRIu32, l->id);
    yq_commit_add(c, "HDEL", yq_key(keys, id, "link:department", links), number, NULL);
    yq_commit_add(c, YQ_COMMIT_HDELIF, yq_key(keys, id, "linked:department", owners), l->eteams,
                  number, NULL);
}

void yq_store_drop_member_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                               const struct yq_link_member *l)
{
    char links[YQ_KEY_MAX], owners[YQ_KEY_MAX], key[YQ_USERID_MAX + 1];
    yq_userid_key(l->userid, key);
    yq_commit_add(c, "HDEL", yq_key(keys, id, "link:member", links), key, NULL);
    yq_commit_add(c, YQ_COMMIT_HDELIF, yq_key(keys, id, "linked:member", owners), l->eteams, key,
                  NULL);
}

/* ---- attempts; read by read_attempt in store_load.c ---- */

void yq_store_put_attempt(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const struct yq_attempt *a)
{
    char retry[YQ_KEY_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_addf(&json,
                "{\"attempts\":%u,\"deaths\":%u,\"running\":%s,\"first\":%" PRId64
                ",\"next\":%" PRId64 ",\"error\":",
                a->attempts, a->deaths, a->running ? "true" : "false", a->first_ms, a->next_ms);
    yq_buf_add_json_string(&json, a->error);
    yq_buf_addc(&json, '}');
    yq_commit_add(c, "HSET", yq_key(keys, id, "retry", retry), a->key, yq_buf_text(&json), NULL);
    yq_buf_release(&json);
}

void yq_store_drop_attempt(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *key)
{
    char retry[YQ_KEY_MAX];
    yq_commit_add(c, "HDEL", yq_key(keys, id, "retry", retry), key, NULL);
}

/* ---- audit ---- */

void yq_store_add_audit(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const struct yq_audit *a)
{
    char stream[YQ_KEY_MAX], list[YQ_KEY_MAX], name[YQ_SUBJECT_MAX + 8], key[YQ_SUBJECT_MAX];
    struct yq_subject subject;
    (void)snprintf(key, sizeof(key), "%s", or_empty(a->subject));
    if (yq_subject_parse(key, &subject, NULL) == 0)
        yq_subject_key(&subject, key); /* two spellings of one subject share a list */
    (void)snprintf(name, sizeof(name), "audit:%s", key);
    yq_commit_add(c, YQ_COMMIT_AUDIT, yq_key(keys, id, "audit", stream),
                  yq_key(keys, id, name, list), "run", or_empty(a->run), "event",
                  or_empty(a->event), "rule", or_empty(a->rule), "op", or_empty(a->op), "subject",
                  or_empty(a->subject), "before", or_empty(a->before), "after", or_empty(a->after),
                  "result", or_empty(a->result), a->source ? "source" : NULL, a->source, NULL);
}

/* ---- removals, plans, cases, dead letters, runs ---- */

void yq_store_add_removal(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const char *subject_key, int64_t now_ms)
{
    char removals[YQ_KEY_MAX], now[24], old[24];
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    (void)snprintf(old, sizeof(old), "%" PRId64, now_ms - REMOVALS_KEPT_MS);
    (void)yq_key(keys, id, "removals", removals);
    yq_commit_add(c, "ZADD", removals, now, subject_key, NULL);
    yq_commit_add(c, "ZREMRANGEBYSCORE", removals, "-inf", old, NULL);
}

static const char *plan_key(const struct yq_keys *keys, const char *id, const char *hash,
                            char out[YQ_KEY_MAX])
{
    char name[128];
    (void)snprintf(name, sizeof(name), "plan:%s", hash);
    return yq_key(keys, id, name, out);
}

void yq_store_put_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *hash, const char *json, const char *summary)
{
    char plan[YQ_KEY_MAX], held[YQ_KEY_MAX];
    yq_commit_add(c, "SET", plan_key(keys, id, hash, plan), json, "EX", PLAN_TTL_SECONDS, NULL);
    yq_commit_add(c, "HSET", yq_key(keys, id, "held", held), hash, summary, NULL);
}

void yq_store_replace_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *hash, const char *json)
{
    char plan[YQ_KEY_MAX], held[YQ_KEY_MAX];
    yq_commit_add(c, "SET", plan_key(keys, id, hash, plan), json, "EX", PLAN_TTL_SECONDS, NULL);
    yq_commit_add(c, "HDEL", yq_key(keys, id, "held", held), hash, NULL);
}

void yq_store_drop_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const char *hash)
{
    char plan[YQ_KEY_MAX], held[YQ_KEY_MAX];
    yq_commit_add(c, "DEL", plan_key(keys, id, hash, plan), NULL);
    yq_commit_add(c, "HDEL", yq_key(keys, id, "held", held), hash, NULL);
}

int yq_store_read_plan(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *hash, char **ret_json, struct yq_error *err)
{
    char plan[YQ_KEY_MAX];
    const char *argv[] = {"GET", plan_key(keys, id, hash, plan)};
    redisReply *reply = yq_redis_argv(r, 2, argv, NULL, err);
    if (reply == NULL)
        return -1;
    *ret_json = reply->type == REDIS_REPLY_STRING ? yq_strndup(reply->str, reply->len) : NULL;
    freeReplyObject(reply);
    return 0;
}

void yq_store_put_department_name(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                  const char *eteams, const char *name)
{
    char names[YQ_KEY_MAX];
    yq_commit_add(c, "HSET", yq_key(keys, id, "names", names), eteams, name, NULL);
}

void yq_store_put_case(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *subject_key, const char *json)
{
    char cases[YQ_KEY_MAX];
    yq_commit_add(c, "HSET", yq_key(keys, id, "cases", cases), subject_key, json, NULL);
}

void yq_store_drop_case(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const char *subject_key)
{
    char cases[YQ_KEY_MAX];
    yq_commit_add(c, "HDEL", yq_key(keys, id, "cases", cases), subject_key, NULL);
}

void yq_store_add_blocked(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const char *record, const char *subject_key)
{
    char blocked[YQ_KEY_MAX];
    char *member = yq_printf("%s %s", record, subject_key);
    yq_commit_add(c, "ZADD", yq_key(keys, id, "blocked", blocked), "0", member, NULL);
    free(member);
}

void yq_store_add_kept_post(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                            const char *record, const char *subject_key)
{
    char *post = yq_printf("%s post", subject_key);
    yq_store_add_blocked(c, keys, id, record, post);
    free(post);
}

void yq_store_wake_blocked(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *record, int64_t at)
{
    char blocked[YQ_KEY_MAX], events[YQ_KEY_MAX], cases[YQ_KEY_MAX], seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)at);
    yq_commit_add(c, YQ_COMMIT_WAKE, yq_key(keys, id, "blocked", blocked),
                  yq_key(keys, id, "events", events), yq_key(keys, id, "cases", cases), record,
                  seconds, NULL);
}

void yq_store_add_dead(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const struct yq_dead *d)
{
    char dead[YQ_KEY_MAX], events[YQ_KEY_MAX], attempts[16], deaths[16], first[24];
    (void)yq_key(keys, id, "dead", dead);
    (void)yq_key(keys, id, "events", events);
    (void)snprintf(attempts, sizeof(attempts), "%u", d->attempts);
    (void)snprintf(deaths, sizeof(deaths), "%u", d->deaths);
    (void)snprintf(first, sizeof(first), "%" PRId64, d->first_ms);
    if (d->kind == NULL)
        yq_commit_add(c, YQ_COMMIT_DEAD, dead, events, d->entry, "event", d->entry, "attempts",
                      attempts, "deaths", deaths, "first", first, "error", or_empty(d->error),
                      NULL);
    else
        yq_commit_add(c, YQ_COMMIT_DEAD, dead, events, d->entry, "event", d->entry, "kind", d->kind,
                      "subject", or_empty(d->subject), "attempts", attempts, "deaths", deaths,
                      "first", first, "error", or_empty(d->error), "data", or_empty(d->data), NULL);
}

void yq_store_add_run(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                      const char *json)
{
    char runs[YQ_KEY_MAX];
    yq_commit_add(c, "XADD", yq_key(keys, id, "runs", runs), "*", "run", json, NULL);
}

/* ---- settings and what is owed: not a worker's, so without a lease ---- */

static int run(struct yq_redis *r, int argc, const char **argv, struct yq_error *err)
{
    redisReply *reply = yq_redis_argv(r, argc, argv, NULL, err);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

int yq_store_set_paused(struct yq_redis *r, const struct yq_keys *keys, const char *id, bool paused,
                        struct yq_error *err)
{
    char settings[YQ_KEY_MAX];
    const char *argv[] = {paused ? "HSET" : "HDEL", yq_key(keys, id, "settings", settings),
                          "paused", "1"};
    return run(r, paused ? 4 : 3, argv, err);
}

const char yq_store_owe_script[] =
    YQ_OWE_LUA "owe(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])\nreturn 1\n";

int yq_store_owe_reconcile(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           const char *reason, int64_t now_ms, struct yq_error *err)
{
    char owed[YQ_KEY_MAX], going[YQ_KEY_MAX], done[YQ_KEY_MAX], now[24];
    (void)snprintf(now, sizeof(now), "%" PRId64, now_ms);
    const char *argv[] = {"EVAL",
                          yq_store_owe_script,
                          "3",
                          yq_key(keys, id, "owed", owed),
                          yq_key(keys, id, "reconcile", going),
                          yq_key(keys, id, "reconciled", done),
                          reason,
                          now};
    return run(r, 8, argv, err);
}

/* By whole nodes of the stream, and some thousand entries a call. */
static int trim_stream(struct yq_redis *r, const char *key, const char *how, int64_t bound,
                       struct yq_error *err)
{
    long long trimmed = 1;
    for (int i = 0; i < YQ_TRIM_ROUNDS && trimmed > 0; i++) {
        redisReply *reply =
            yq_redis_command(r, err, "XTRIM %s %s ~ %lld", key, how, (long long)bound);
        if (reply == NULL)
            return -1;
        trimmed = reply->integer;
        freeReplyObject(reply);
    }
    return 0;
}

int yq_store_trim(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_retention *keep, struct yq_error *err)
{
    static const char *const streams[] = {"audit", "runs"};
    int64_t oldest = keep->now_ms > keep->keep_ms ? keep->now_ms - keep->keep_ms : 0;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        char key[YQ_KEY_MAX];
        (void)yq_key(keys, id, streams[i], key);
        if (trim_stream(r, key, "MINID", oldest, err) != 0 ||
            (keep->most > 0 && trim_stream(r, key, "MAXLEN", keep->most, err) != 0))
            return -1;
    }
    return 0;
}

int yq_store_note_group(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        bool *ret_again, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(r, err, "SET %s made NX", yq_key(keys, id, "group", key));
    if (reply == NULL)
        return -1;
    *ret_again = reply->type == REDIS_REPLY_NIL;
    freeReplyObject(reply);
    return 0;
}
