/* Events into Redis: one XADD each, one ZADD into the ready set for all that came in the same turn
 * of the loop, and the reconciles that are owed. What Redis does not take goes to the spool. */
#include "service/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/redis.h"
#include "clients/spool_record.h"
#include "clients/store.h"
#include "redis_loop.h"
#include "redis_words.h"
#include "replicas.h"
#include "service/log.h"
#include "service/metrics.h"

#define LOOK_BACK_MS                                                                               \
    INT64_C(3600000)   /* so long no entry is trimmed, whatever the configuration                  \
                        */
#define BODY_KEPT 8192 /* bytes of memory that are kept for the next event */

enum owed { OWED_UNAVAILABLE, OWED_LOST, OWED_COUNT };
static const char *const owed_reasons[] = {
    [OWED_UNAVAILABLE] = "callbacks_unavailable",
    [OWED_LOST] = "redis_lost_events",
};

struct debt {
    struct company *company;
    int64_t owed_ms;   /* when a reconcile became owed; 0: none is */
    int64_t paying_ms; /* the owed_ms that Redis is being told of; 0: it is not */
};

struct company { /* what is remembered per connection, also after a reload without it */
    struct yq_intake *intake;
    char *id;
    char events_key[YQ_KEY_MAX];
    char owed_key[YQ_KEY_MAX], reconcile_key[YQ_KEY_MAX], reconciled_key[YQ_KEY_MAX];
    char last[YQ_ENTRY_MAX]; /* the newest entry that Redis said it has; "": none yet */
    bool touched;            /* has new entries that the ready set does not know of */
    struct debt debts[OWED_COUNT];
    struct yq_spool_share *share; /* NULL: there is no spool */
};

struct waiting {
    struct waiting *next; /* in the list of spare ones */
    struct yq_intake *intake;
    struct company *company;
    yq_intake_done *done;
    void *context;
    struct yq_buf body; /* for the spool; empty where there is none */
    struct yq_written written;
};

struct yq_intake {
    const struct yq_clock *clock;
    struct yq_redis_loop *redis;
    struct yq_replicas replicas;
    struct yq_spool *spool; /* NULL: no folder is configured */
    struct yq_keys keys;
    struct company **companies; /* all that ever were */
    size_t count, capacity;
    struct company **by_number; /* those of the settings that hold */
    size_t numbers;
    char ready_key[YQ_KEY_MAX], connections_key[YQ_KEY_MAX];
    bool owing;               /* some company is owed a reconcile */
    struct company **touched; /* room for all */
    size_t touched_count;
    struct waiting *spare;
    struct yq_buf command; /* reused */
};

/* ---- what Redis is told besides ---- */

static int send_words(struct yq_intake *in, int argc, const char *const *argv,
                      yq_redis_loop_reply *fn, void *context)
{
    size_t lens[8];
    for (int i = 0; i < argc; i++)
        lens[i] = strlen(argv[i]);
    yq_redis_words(&in->command, argc, argv, lens);
    return yq_redis_loop_send(in->redis, in->command.data, in->command.len, fn, context);
}

/* What goes wrong here is made good by the scheduler's sweep or the next start. */
static void on_hint(void *context, const redisReply *reply)
{
    const struct company *c = context;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        yq_log_calm(YQ_LOG_ERROR, "redis.refused", c->id, reply->str);
}

static const char *number(int64_t n, char out[24])
{
    (void)snprintf(out, 24, "%lld", (long long)n);
    return out;
}

static void tell_ready(struct yq_intake *in)
{
    char now[24];
    if (in->touched_count > 0)
        (void)number(yq_wall_ms(in->clock), now);
    for (size_t i = 0; i < in->touched_count; i++) {
        struct company *c = in->touched[i];
        c->touched = false;
        const char *argv[] = {"ZADD", in->ready_key, "NX", now, c->id};
        (void)send_words(in, 5, argv, on_hint, c);
    }
    in->touched_count = 0;
}

static void on_paid(void *context, const redisReply *reply)
{
    struct debt *d = context;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && d->owed_ms == d->paying_ms)
        d->owed_ms = 0;
    d->paying_ms = 0;
}

static void pay(struct yq_intake *in, struct debt *d, const char *reason)
{
    char at[24];
    const struct company *c = d->company;
    if (d->owed_ms == 0 || d->paying_ms != 0 || !yq_redis_loop_up(in->redis))
        return;
    const char *argv[] = {"EVAL",           yq_store_owe_script, "3",    c->owed_key,
                          c->reconcile_key, c->reconciled_key,   reason, number(d->owed_ms, at)};
    if (send_words(in, 8, argv, on_paid, d) == 0)
        d->paying_ms = d->owed_ms;
}

/* Goes on until Redis has taken it: it may be out of memory, or read-only. */
static void pay_owed(struct yq_intake *in)
{
    in->owing = false;
    for (size_t i = 0; i < in->count; i++) {
        for (size_t k = 0; k < OWED_COUNT; k++) {
            struct debt *d = &in->companies[i]->debts[k];
            in->owing |= d->owed_ms != 0;
            pay(in, d, owed_reasons[k]);
        }
    }
}

static void owe(struct company *c, enum owed what)
{
    c->debts[what].owed_ms = yq_wall_ms(c->intake->clock);
    c->intake->owing = true;
}

/* At the latest when the connection is tried, every other second. */
static void on_flush(void *context)
{
    struct yq_intake *in = context;
    tell_ready(in);
    if (in->owing)
        pay_owed(in);
    yq_replicas_ask(&in->replicas);
}

/* An entry that Redis had acknowledged is not there: it was wiped, restored, or replaced by one
 * that had not got it yet. */
static void on_looked(void *context, const redisReply *reply)
{
    struct company *c = context;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements > 0)
        return;
    yq_log(YQ_LOG_ERROR, "redis.lost_events", "connection", c->id, "entry", c->last, "meaning",
           "Redis has lost what it had stored, a reconcile is owed", NULL);
    c->last[0] = '\0';
    owe(c, OWED_LOST);
}

/* Before anything new is written. */
static void look_for_last(struct yq_intake *in, struct company *c)
{
    if (c->last[0] == '\0' || yq_wall_ms(in->clock) - strtoll(c->last, NULL, 10) >= LOOK_BACK_MS)
        return;
    const char *argv[] = {"XRANGE", c->events_key, c->last, c->last};
    (void)send_words(in, 4, argv, on_looked, c);
}

static void on_up(void *context)
{
    struct yq_intake *in = context;
    for (size_t i = 0; i < in->numbers; i++) {
        struct company *c = in->by_number[i];
        const char *argv[] = {"SADD", in->connections_key, c->id};
        look_for_last(in, c);
        (void)send_words(in, 3, argv, on_hint, c);
    }
    if (in->spool != NULL)
        yq_spool_poke(in->spool);
}

static void on_caught_up(void *context)
{
    struct yq_intake *in = context;
    if (in->spool != NULL)
        yq_spool_poke(in->spool);
}

/* ---- events ---- */

static void refuse(struct company *c, yq_intake_done *done, void *context)
{
    yq_metric_add(YQ_METRIC_UNAVAILABLE, c->id, NULL, NULL, 1);
    owe(c, OWED_UNAVAILABLE);
    yq_log_calm(YQ_LOG_ERROR, "callback.unavailable", c->id,
                "events cannot be stored, a reconcile is owed");
    done(context, c->id, false);
}

static struct waiting *take_waiting(struct yq_intake *in)
{
    struct waiting *w = in->spare;
    if (w == NULL)
        return yq_calloc(1, sizeof(*w));
    in->spare = w->next;
    return w;
}

/* Its memory serves the next one. Returns what was in it. */
static struct waiting put_back(struct waiting *w)
{
    struct waiting was = *w;
    if (w->body.cap > BODY_KEPT)
        yq_buf_release(&w->body);
    w->next = w->intake->spare;
    w->intake->spare = w;
    return was;
}

static void on_spooled(void *context, bool stored)
{
    struct waiting w = put_back(context);
    if (stored)
        w.done(w.context, w.company->id, true);
    else
        refuse(w.company, w.done, w.context);
}

static void store_elsewhere(struct waiting *w, const char *why)
{
    if (w->intake->spool != NULL)
        yq_spool_push(w->intake->spool, w->company->share, &w->body, why, on_spooled, w);
    else
        on_spooled(w, false);
}

static void touch(struct yq_intake *in, struct company *c)
{
    if (!c->touched)
        in->touched[in->touched_count++] = c;
    c->touched = true;
}

/* The address may lead to another one, who takes it. */
static bool is_of_a_replica(const char *text)
{
    return strncmp(text, "READONLY ", 9) == 0 || strncmp(text, "MASTERDOWN ", 11) == 0;
}

static const char too_few[] = "too few replicas have what Redis took";

static void on_replicated(void *context, bool enough)
{
    struct waiting *w = context;
    if (!enough) {
        store_elsewhere(w, too_few);
        return;
    }
    struct waiting was = put_back(w);
    was.done(was.context, was.company->id, true);
}

/* Redis has it. Where it must have replicas, and they are behind, this is an accepted double. */
static void take_entry(struct waiting *w, const redisReply *entry)
{
    struct yq_intake *in = w->intake;
    struct company *c = w->company;
    if (entry->len < sizeof(c->last))
        memcpy(c->last, entry->str, entry->len + 1);
    yq_metric_add(YQ_METRIC_QUEUED, c->id, NULL, NULL, 1);
    if (in->replicas.wanted == 0) {
        on_replicated(w, true);
    } else if (in->spool != NULL && yq_replicas_behind(&in->replicas)) {
        on_replicated(w, false); /* as those before it */
    } else {
        w->written = (struct yq_written){.told = on_replicated, .context = w};
        yq_replicas_add(&in->replicas, &w->written);
    }
}

static void on_stored(void *context, const redisReply *reply)
{
    struct waiting *w = context;
    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        take_entry(w, reply);
        return;
    }
    bool refused = reply != NULL && reply->type == REDIS_REPLY_ERROR;
    if (refused)
        yq_log_calm(YQ_LOG_ERROR, "queue.refused", w->company->id, reply->str);
    struct yq_redis_loop *redis = w->intake->redis;
    store_elsewhere(w, refused ? reply->str : "Redis does not answer");
    if (refused && is_of_a_replica(reply->str))
        yq_redis_loop_renew(redis, reply->str);
}

/* Why it goes to the spool at once: what that holds of the connection is older, and comes first.
 * NULL: it does not. */
static const char *why_elsewhere(const struct yq_intake *in, const struct company *c)
{
    if (in->spool == NULL)
        return NULL;
    if (yq_replicas_behind(&in->replicas))
        return too_few;
    return yq_spool_holds(c->share) || !yq_redis_loop_up(in->redis) ? "Redis cannot be reached"
                                                                    : NULL;
}

void yq_intake_push(struct yq_intake *in, const struct yq_connection_settings *connection,
                    const struct yq_event *e, yq_intake_done *done, void *context)
{
    struct company *c = in->by_number[connection->number];
    struct yq_push push;
    yq_queue_push_args(e, c->events_key, &push);
    struct waiting *w = take_waiting(in);
    yq_buf_clear(&w->body);
    *w = (struct waiting){
        .intake = in, .company = c, .done = done, .context = context, .body = w->body};
    if (in->spool != NULL)
        yq_spool_write_body(&w->body, connection->id, push.argc - YQ_PUSH_FIELDS,
                            push.argv + YQ_PUSH_FIELDS, push.lens + YQ_PUSH_FIELDS);
    const char *why = why_elsewhere(in, c);
    if (why != NULL) {
        store_elsewhere(w, why);
        return;
    }
    yq_redis_words(&in->command, push.argc, push.argv, push.lens);
    touch(in, c);
    yq_replicas_expect(&in->replicas);
    if (yq_redis_loop_send(in->redis, in->command.data, in->command.len, on_stored, w) != 0)
        store_elsewhere(w, "Redis cannot be reached");
}

struct yq_spool *yq_intake_spool(const struct yq_intake *in)
{
    return in->spool;
}

bool yq_intake_up(const struct yq_intake *in)
{
    return yq_redis_loop_up(in->redis);
}

bool yq_intake_lags(const struct yq_intake *in)
{
    return yq_replicas_behind(&in->replicas);
}

/* ---- life ---- */

static struct company *know_company(struct yq_intake *in, const char *id)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->companies[i]->id, id) == 0)
            return in->companies[i];
    }
    struct company *c = yq_calloc(1, sizeof(*c));
    c->intake = in;
    c->id = yq_strdup(id);
    for (size_t k = 0; k < OWED_COUNT; k++)
        c->debts[k].company = c;
    c->share = in->spool != NULL ? yq_spool_share(in->spool, id) : NULL;
    (void)yq_key(&in->keys, id, "events", c->events_key);
    (void)yq_key(&in->keys, id, "owed", c->owed_key);
    (void)yq_key(&in->keys, id, "reconcile", c->reconcile_key);
    (void)yq_key(&in->keys, id, "reconciled", c->reconciled_key);
    yq_grow(&in->companies, &in->capacity, in->count, sizeof(struct company *));
    in->companies[in->count++] = c;
    return c;
}

static void know_companies(struct yq_intake *in, const struct yq_settings *settings)
{
    free(in->by_number);
    in->numbers = settings->connection_count;
    in->by_number = yq_calloc(in->numbers + 1, sizeof(struct company *));
    for (size_t i = 0; i < in->numbers; i++)
        in->by_number[i] = know_company(in, settings->connections[i].id);
    in->touched = yq_realloc(in->touched, in->count + 1, sizeof(struct company *));
}

static void forget_companies(struct yq_intake *in)
{
    for (size_t i = 0; i < in->count; i++) {
        free(in->companies[i]->id);
        free(in->companies[i]);
    }
    free(in->companies);
    free(in->by_number);
    free(in->touched);
}

static void start_spool(struct yq_intake *in, struct event_base *base,
                        const struct yq_settings *settings, const struct yq_redis_address *address)
{
    if (settings->spool_dir == NULL || settings->spool_dir[0] == '\0')
        return;
    in->spool = yq_spool_start(&(struct yq_spool_options){
        .base = base,
        .folder = settings->spool_dir,
        .max_bytes = settings->spool_max,
        .address = address,
        .redis_timeout_ms = (int)settings->redis_timeout_ms,
        .redis_prefix = settings->redis_prefix,
        .wait_replicas = settings->redis_wait_replicas,
        .wait_timeout_ms = settings->redis_wait_timeout_ms,
        .clock = in->clock,
    });
    for (size_t i = 0; i < in->count; i++)
        in->companies[i]->share = yq_spool_share(in->spool, in->companies[i]->id);
}

struct yq_intake *yq_intake_new(struct event_base *base, const struct yq_settings *settings,
                                const struct yq_clock *clock, struct yq_error *err)
{
    struct yq_redis_address address;
    if (yq_settings_redis(settings, &address, err) != 0)
        return NULL;
    struct yq_intake *in = yq_calloc(1, sizeof(*in));
    in->clock = clock;
    (void)snprintf(in->keys.prefix, sizeof(in->keys.prefix), "%s", settings->redis_prefix);
    know_companies(in, settings);
    (void)yq_global_key(&in->keys, "ready", in->ready_key);
    (void)yq_global_key(&in->keys, "connections", in->connections_key);
    start_spool(in, base, settings, &address);
    in->redis = yq_redis_loop_new(&(struct yq_redis_loop_options){
        .base = base,
        .address = &address,
        .timeout_ms = (int)settings->redis_timeout_ms,
        .context = in,
        .on_up = on_up,
        .on_flush = on_flush,
    });
    in->replicas = (struct yq_replicas){.redis = in->redis,
                                        .wanted = settings->redis_wait_replicas,
                                        .timeout_ms = settings->redis_wait_timeout_ms,
                                        .context = in,
                                        .caught_up = on_caught_up};
    yq_replicas_init(&in->replicas);
    return in;
}

void yq_intake_reload(struct yq_intake *in, const struct yq_settings *settings)
{
    if (in == NULL)
        return;
    know_companies(in, settings);
    on_up(in); /* the new ones are made known */
}

void yq_intake_free(struct yq_intake *in)
{
    if (in == NULL)
        return;
    yq_redis_loop_free(in->redis); /* what it had not answered yet goes to the spool */
    yq_spool_stop(in->spool);
    while (in->spare != NULL) {
        struct waiting *next = in->spare->next;
        yq_buf_release(&in->spare->body);
        free(in->spare);
        in->spare = next;
    }
    yq_buf_release(&in->command);
    forget_companies(in);
    free(in);
}
