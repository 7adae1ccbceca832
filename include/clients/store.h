/* What a connection remembers in Redis besides its queue: links, attempts, audit, runs, removals of
 * the last 24 hours, held plans, cases, settings. Reading goes straight to Redis; writing by a
 * worker is collected in a yq_commit and carried out under its lease. Layout: docs/redis.md. */
#ifndef YQ_CLIENTS_STORE_H
#define YQ_CLIENTS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/lease.h"
#include "clients/redis.h"
#include "clients/retention.h"
#include "model/link.h"
#include "model/subject.h"
#include "model/view.h"

/* ---- links: hashes link:department, link:member, and their reverse linked:department,
 * linked:member (eteams id -> WeCom id or key) ---- */

/* Loads the links of these WeCom subjects into the view. */
int yq_store_load_department_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                   const uint32_t *ids, size_t count, struct yq_view *v,
                                   struct yq_error *err);
int yq_store_load_member_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               const char *const *userids, size_t count, struct yq_view *v,
                               struct yq_error *err);
/* Loads the links of whoever owns these eteams records into the view, if anybody does. */
int yq_store_load_department_owners(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                    const char *const *eteams_ids, size_t count, struct yq_view *v,
                                    struct yq_error *err);
int yq_store_load_member_owners(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                const char *const *eteams_ids, size_t count, struct yq_view *v,
                                struct yq_error *err);
void yq_store_put_department_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                  const struct yq_link_department *l);
void yq_store_put_member_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                              const struct yq_link_member *l);
void yq_store_drop_department_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                   const struct yq_link_department *l);
void yq_store_drop_member_link(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                               const struct yq_link_member *l);
/* Hash `names`: eteams id -> what the department was last called, for people who read ids. */
void yq_store_put_department_name(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                                  const char *eteams, const char *name);
/* How many members are linked and not left: counts the hash, so ask only when it matters. */
int yq_store_count_in_service(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              int64_t *ret, struct yq_error *err);

/* ---- attempts: hash `retry`, subject key -> JSON {attempts, deaths, first, next, error} ---- */
struct yq_attempt {
    char key[YQ_SUBJECT_MAX];
    unsigned attempts; /* started; counted before the work begins */
    unsigned deaths;   /* attempts whose worker did not come back */
    bool running;      /* an attempt began and has not been settled */
    int64_t first_ms, next_ms;
    char error[200];
};
struct yq_attempts {
    struct yq_attempt *items;
    size_t count;
};
int yq_store_load_attempts(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           struct yq_attempts *ret, struct yq_error *err);
void yq_attempts_release(struct yq_attempts *a);
void yq_store_put_attempt(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const struct yq_attempt *a);
void yq_store_drop_attempt(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *key);

/* ---- audit: stream `audit`, and per subject the list `audit:SUBJECT` of its newest entries ----
 */
struct yq_audit {
    const char *run, *event; /* event: entry ids, separated by blanks */
    const char *rule, *op, *subject, *before, *after, *result; /* before, after: JSON; result: a
                                                                  word or a reason as JSON */
    const char *source; /* "replay" where one of the events was sent again; else NULL */
};
/* Ids are made by Redis inside the script; the per-subject list keeps the newest 64. */
void yq_store_add_audit(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const struct yq_audit *a);

/* ---- removals of the last 24 hours: zset `removals`, subject key -> milliseconds ---- */
int yq_store_count_removals(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            int64_t since_ms, int64_t *ret, struct yq_error *err);
void yq_store_add_removal(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const char *subject_key, int64_t now_ms);

/* ---- held plans: string `plan:HASH` (JSON, 7 days), hash `held` HASH -> one-line summary ---- */
/* *ret_json is NULL where there is none; the caller frees it. */
int yq_store_read_plan(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *hash, char **ret_json, struct yq_error *err);
/* Leaves only the note that a newer one took its place. */
void yq_store_replace_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *hash, const char *json);
void yq_store_drop_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const char *hash);
void yq_store_put_plan(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *hash, const char *json, const char *summary);
/* ---- cases: hash `cases`, subject key -> JSON {word, reason, args, at, told} ---- */
void yq_store_put_case(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const char *subject_key, const char *json);
void yq_store_drop_case(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                        const char *subject_key);
/* ---- zset `blocked`: "RECORD SUBJECT", whose case comes from that record of eteams ---- */
void yq_store_add_blocked(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                          const char *record, const char *subject_key);
/* "RECORD SUBJECT post": the member's part-time department is kept while it is out of sight. */
void yq_store_add_kept_post(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                            const char *record, const char *subject_key);
/* The record has changed: a case.reopened for each of its subjects that still is a case, or has
 * such a post. at: seconds. */
void yq_store_wake_blocked(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                           const char *record, int64_t at);
/* ---- dead letters: stream `dead`; what operators do with them: clients/letters.h ---- */
struct yq_dead {
    const char *entry;                 /* of the event */
    const char *kind, *subject, *data; /* NULL: as they stand in the entry, which cannot be read */
    unsigned attempts, deaths;
    int64_t first_ms; /* of the first attempt; 0: there was none */
    const char *error;
};
/* The letter holds all that the event's entry holds, so that it outlives it. */
void yq_store_add_dead(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                       const struct yq_dead *d);
/* ---- runs: stream `runs` ---- */
void yq_store_add_run(struct yq_commit *c, const struct yq_keys *keys, const char *id,
                      const char *json);

/* ---- what has been told long enough: audit and runs that are too old or too many. Dead letters
 * stay until somebody deals with them. ---- */
int yq_store_trim(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_retention *keep, struct yq_error *err);

/* ---- settings: hash `settings`; owed reconcile: hash `owed`, reason -> milliseconds ---- */
int yq_store_get_paused(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        bool *ret_paused, struct yq_error *err);
int yq_store_set_paused(struct yq_redis *r, const struct yq_keys *keys, const char *id, bool paused,
                        struct yq_error *err);
/* Notes that the consumer group was made. *ret_again: it had been made before, so the old one is
 * lost. */
int yq_store_note_group(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        bool *ret_again, struct yq_error *err);
/* A full reconcile is owed since now. The first time stays: but not where a full run that is going
 * will take it away, or where one was cancelled since. */
int yq_store_owe_reconcile(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           const char *reason, int64_t now_ms, struct yq_error *err);
/* The same for whoever sends it himself. KEYS: owed, reconcile, reconciled; ARGV: reason, now. */
extern const char yq_store_owe_script[];

#endif
