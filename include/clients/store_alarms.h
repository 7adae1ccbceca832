/* What a connection remembers about its alarms, and what they are made of. Whoever changes a field
 * says what it held before, so that of several processes one does it: nothing here needs a lease.
 * Layout: docs/redis.md. */
#ifndef YQ_CLIENTS_STORE_ALARMS_H
#define YQ_CLIENTS_STORE_ALARMS_H

#include "clients/store_inspect.h"
#include "clients/store_reconcile.h"

/* All that alarms depend on, in two round trips. */
struct yq_alarm_facts {
    struct yq_pairs alarms;  /* key -> JSON: those that are open */
    struct yq_pairs alarmed; /* what was done about each: see service/alarms.c */
    struct yq_pairs held;    /* hash of a plan -> whom it holds */
    struct yq_pairs auth;    /* "wecom", "eteams" -> JSON: who refuses to work with us */
    int64_t cases;
    int64_t dead;                 /* letters */
    char last_dead[YQ_ENTRY_MAX]; /* "": none */
    int64_t going_ms;             /* when the reconcile that is going told its progress last; 0 */
    struct yq_reconcile_state reconcile;
};
int yq_store_load_alarm_facts(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              struct yq_alarm_facts *ret, struct yq_error *err);
void yq_alarm_facts_release(struct yq_alarm_facts *f);

/* A field of one of the hashes `alarms` and `alarmed`; NULL stands for "there is none". */
struct yq_alarm_change {
    const char *hash, *field;
    const char *from, *to;
};
/* Returns 1 when it was changed, 0 when it no longer held `from`, -1 when Redis failed. */
int yq_store_change_alarm(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          const struct yq_alarm_change *change, struct yq_error *err);

/* How many cases no alarm counted yet: those in the hash `cases` but not in the set
 * `alarmed:cases`, which forgets those that are decided. */
int yq_store_count_new_cases(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                             int64_t *ret, struct yq_error *err);
/* As yq_store_change_alarm of the alarm `cases`; the cases of this moment count as told. */
int yq_store_raise_cases(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const char *from, const char *to, struct yq_error *err);

/* Key of the installation, with `name` behind it, that keeps messages to one robot apart: returns 1
 * when one may be sent now, 0 when the last one was sent less than apart_ms ago. */
int yq_store_pace_robot(struct yq_redis *r, const struct yq_keys *keys, const char *name,
                        int apart_ms, struct yq_error *err);

#endif
