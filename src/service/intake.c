/* Events into Redis: one XADD each, one ZADD into the ready set for all that came in the same turn
 * of the loop, and the reconciles that are owed. */
#include "service/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/redis.h"
#include "redis_loop.h"
#include "service/log.h"
#include "service/metrics.h"

#define OWED_REASON "callbacks_unavailable"

struct company { /* what is remembered per connection, also after a reload without it */
    char *id;
    char events_key[YQ_KEY_MAX], owed_key[YQ_KEY_MAX];
    bool touched;      /* has new entries that the ready set does not know of */
    int64_t owed_ms;   /* when a reconcile became owed; 0: none is */
    int64_t paying_ms; /* the owed_ms that Redis is being told of; 0: it is not */
};

struct waiting {
    struct waiting *next; /* in the list of spare ones */
    struct yq_intake *intake;
    struct company *company;
    yq_intake_done *done;
    void *context;
};

struct yq_intake {
    const struct yq_clock *clock;
    struct yq_redis_loop *redis;
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

/* ---- commands in Redis' own form ---- */

static void add_count(struct yq_buf *out, char kind, size_t n)
{
    char text[24];
    size_t at = sizeof(text);
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    text[--at] = kind;
    yq_buf_add(out, text + at, sizeof(text) - at);
}

static void write_command(struct yq_buf *out, int argc, const char *const *argv, const size_t *lens)
{
    yq_buf_clear(out);
    add_count(out, '*', (size_t)argc);
    for (int i = 0; i < argc; i++) {
        add_count(out, '$', lens[i]);
        yq_buf_add(out, argv[i], lens[i]);
        yq_buf_add(out, "\r\n", 2);
    }
}

/* ---- what Redis is told besides ---- */

static int send_words(struct yq_intake *in, int argc, const char *const *argv,
                      yq_redis_loop_reply *fn, void *context)
{
    size_t lens[8];
    for (int i = 0; i < argc; i++)
        lens[i] = strlen(argv[i]);
    write_command(&in->command, argc, argv, lens);
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
    struct company *c = context;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && c->owed_ms == c->paying_ms)
        c->owed_ms = 0;
    c->paying_ms = 0;
}

/* Goes on until Redis has taken it: it may be out of memory, or read-only. */
static void pay_owed(struct yq_intake *in)
{
    in->owing = false;
    for (size_t i = 0; i < in->count; i++) {
        struct company *c = in->companies[i];
        in->owing |= c->owed_ms != 0;
        if (c->owed_ms == 0 || c->paying_ms != 0)
            continue;
        char at[24];
        const char *argv[] = {"HSET", c->owed_key, OWED_REASON, number(c->owed_ms, at)};
        if (send_words(in, 4, argv, on_paid, c) == 0)
            c->paying_ms = c->owed_ms;
    }
}

/* At the latest when the connection is tried, every other second. */
static void on_flush(void *context)
{
    struct yq_intake *in = context;
    tell_ready(in);
    if (in->owing)
        pay_owed(in);
}

static void on_up(void *context)
{
    struct yq_intake *in = context;
    for (size_t i = 0; i < in->numbers; i++) {
        struct company *c = in->by_number[i];
        const char *argv[] = {"SADD", in->connections_key, c->id};
        (void)send_words(in, 3, argv, on_hint, c);
    }
}

/* ---- events ---- */

static void refuse(struct yq_intake *in, struct company *c, yq_intake_done *done, void *context)
{
    yq_metric_add(YQ_METRIC_UNAVAILABLE, c->id, NULL, NULL, 1);
    c->owed_ms = yq_wall_ms(in->clock);
    in->owing = true;
    yq_log_calm(YQ_LOG_ERROR, "callback.unavailable", c->id,
                "events cannot be stored, a reconcile is owed");
    done(context, c->id, false);
}

static void touch(struct yq_intake *in, struct company *c)
{
    if (!c->touched)
        in->touched[in->touched_count++] = c;
    c->touched = true;
}

static void on_stored(void *context, const redisReply *reply)
{
    struct waiting w = *(struct waiting *)context;
    struct waiting *place = context;
    place->next = w.intake->spare;
    w.intake->spare = place;
    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        yq_metric_add(YQ_METRIC_QUEUED, w.company->id, NULL, NULL, 1);
        w.done(w.context, w.company->id, true);
        return;
    }
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        yq_log_calm(YQ_LOG_ERROR, "queue.refused", w.company->id, reply->str);
    refuse(w.intake, w.company, w.done, w.context);
}

static struct waiting *take_waiting(struct yq_intake *in)
{
    struct waiting *w = in->spare;
    if (w == NULL)
        return yq_malloc(sizeof(*w));
    in->spare = w->next;
    return w;
}

void yq_intake_push(struct yq_intake *in, const struct yq_connection_settings *connection,
                    const struct yq_event *e, yq_intake_done *done, void *context)
{
    struct company *c = in->by_number[connection->number];
    struct yq_push push;
    yq_queue_push_args(e, c->events_key, &push);
    write_command(&in->command, push.argc, push.argv, push.lens);
    struct waiting *w = take_waiting(in);
    *w = (struct waiting){.intake = in, .company = c, .done = done, .context = context};
    touch(in, c);
    if (yq_redis_loop_send(in->redis, in->command.data, in->command.len, on_stored, w) == 0)
        return;
    w->next = in->spare;
    in->spare = w;
    refuse(in, c, done, context);
}

bool yq_intake_up(const struct yq_intake *in)
{
    return yq_redis_loop_up(in->redis);
}

/* ---- life ---- */

static struct company *know_company(struct yq_intake *in, const char *id)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->companies[i]->id, id) == 0)
            return in->companies[i];
    }
    struct company *c = yq_calloc(1, sizeof(*c));
    c->id = yq_strdup(id);
    (void)yq_key(&in->keys, id, "events", c->events_key);
    (void)yq_key(&in->keys, id, "owed", c->owed_key);
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
    in->redis = yq_redis_loop_new(&(struct yq_redis_loop_options){
        .base = base,
        .address = &address,
        .timeout_ms = (int)settings->redis_timeout_ms,
        .context = in,
        .on_up = on_up,
        .on_flush = on_flush,
    });
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
    yq_redis_loop_free(in->redis);
    while (in->spare != NULL) {
        struct waiting *next = in->spare->next;
        free(in->spare);
        in->spare = next;
    }
    yq_buf_release(&in->command);
    forget_companies(in);
    free(in);
}
