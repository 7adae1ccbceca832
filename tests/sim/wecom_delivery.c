/* Delivering events: queued or held, in order or not, repeated until a 200 or given up (wecom.md
 * §1.7).
 *
 * An item is in one list: held, queue, flying or resting (waiting for its repeat). */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"
#include "wecom_transport.h"

struct item {
    struct wecom *w;
    uint64_t id;
    char *text;
    char *query, *body; /* the envelope, once sealed */
    int64_t attempts;
    struct event *timer;
    struct item **list;
    struct item *prev, *next;
};

struct counts {
    uint64_t events, duplicates, sent, acknowledged, failed, lost, retries;
};

struct wecom_delivery {
    struct wecom_transport *transport;
    struct item *held, *queue, *flying, *resting;
    size_t held_count, queue_count, flying_count, resting_count;
    struct counts counts;
    long last_status;
    bool hold, reseal; /* repeats get a new envelope */
    int64_t max_in_flight, retries, retry_ms, deadline_ms;
};

static size_t *count_of(struct wecom_delivery *d, struct item **list)
{
    return list == &d->held     ? &d->held_count
           : list == &d->queue  ? &d->queue_count
           : list == &d->flying ? &d->flying_count
                                : &d->resting_count;
}

static void put_into(struct wecom_delivery *d, struct item *i, struct item **list)
{
    if (i->list != NULL) {
        DL_DELETE(*i->list, i);
        (*count_of(d, i->list))--;
    }
    i->list = list;
    if (list != NULL) {
        DL_APPEND(*list, i);
        (*count_of(d, list))++;
    }
}

static void item_free(struct wecom_delivery *d, struct item *i)
{
    put_into(d, i, NULL);
    if (i->timer != NULL)
        event_free(i->timer);
    free(i->text);
    free(i->query);
    free(i->body);
    free(i);
}

static void seal_item(struct item *i)
{
    if (i->body == NULL)
        wecom_callback_seal(i->w, i->text, &i->query, &i->body);
}

static void unseal_item(struct item *i)
{
    free(i->query);
    free(i->body);
    i->query = i->body = NULL;
}

static void pump(struct wecom *w)
{
    struct wecom_delivery *d = w->delivery;
    while (d->queue != NULL && d->flying_count < (size_t)d->max_in_flight) {
        struct item *i = d->queue;
        const char *to = w->callback->url;
        seal_item(i);
        put_into(d, i, &d->flying);
        i->attempts++;
        d->counts.sent++;
        d->counts.retries += i->attempts > 1;
        char *url = yq_printf("%s%c%s", to, strchr(to, '?') ? '&' : '?', i->query);
        wecom_transport_post(d->transport, &(struct wecom_post){.url = url,
                                                                .body = i->body,
                                                                .json = w->callback->json,
                                                                .deadline_ms = (long)d->deadline_ms,
                                                                .item = i});
        free(url);
    }
}

/* Time for the repeat: it goes before what has waited less. */
static void on_repeat(evutil_socket_t fd, short what, void *arg)
{
    struct item *i = arg;
    struct wecom_delivery *d = i->w->delivery;
    (void)fd;
    (void)what;
    put_into(d, i, &d->queue);
    DL_DELETE(d->queue, i);
    DL_PREPEND(d->queue, i);
    pump(i->w);
}

static void rest(struct wecom_delivery *d, struct item *i)
{
    struct timeval after = {.tv_sec = (time_t)(d->retry_ms / 1000),
                            .tv_usec = (suseconds_t)(d->retry_ms % 1000 * 1000)};
    put_into(d, i, &d->resting);
    if (d->reseal)
        unseal_item(i);
    if (i->timer == NULL)
        i->timer = evtimer_new(i->w->base, on_repeat, i);
    evtimer_add(i->timer, &after);
}

static void on_done(void *context, void *item, long status)
{
    struct wecom *w = context;
    struct wecom_delivery *d = w->delivery;
    struct item *i = item;
    d->last_status = status;
    if (status == 200) {
        d->counts.acknowledged++;
        item_free(d, i);
    } else if (i->attempts > d->retries) {
        d->counts.failed++;
        item_free(d, i);
    } else {
        rest(d, i);
    }
    pump(w);
}

static void set_defaults(struct wecom_delivery *d)
{
    d->hold = d->reseal = false;
    d->max_in_flight = 1;
    d->retries = 3;
    d->retry_ms = 3000;
    d->deadline_ms = 5000;
}

struct wecom_delivery *wecom_delivery_new(struct wecom *w)
{
    struct wecom_delivery *d = yq_calloc(1, sizeof *d);
    d->transport = wecom_transport_new(w->base, on_done, w);
    set_defaults(d);
    return d;
}

static void drop_all(struct wecom_delivery *d)
{
    struct item **lists[] = {&d->held, &d->queue, &d->flying, &d->resting}, *i, *next;
    for (size_t k = 0; k < 4; k++)
        DL_FOREACH_SAFE(*lists[k], i, next)
        {
            item_free(d, i);
        }
}

void wecom_delivery_free(struct wecom_delivery *d)
{
    if (d == NULL)
        return;
    wecom_transport_free(d->transport);
    drop_all(d);
    free(d);
}

void wecom_delivery_reset(struct wecom *w)
{
    struct wecom_delivery *d = w->delivery;
    wecom_transport_free(d->transport);
    drop_all(d);
    d->transport = wecom_transport_new(w->base, on_done, w);
    d->counts = (struct counts){.events = 0};
    d->last_status = 0;
    set_defaults(d);
}

static struct item *new_item(struct wecom *w, uint64_t id, const char *text)
{
    struct item *i = yq_calloc(1, sizeof *i);
    i->w = w;
    i->id = id;
    i->text = yq_strdup(text);
    return i;
}

void wecom_delivery_add(struct wecom *w, uint64_t id, const char *text)
{
    struct wecom_delivery *d = w->delivery;
    d->counts.events++;
    put_into(d, new_item(w, id, text), d->hold ? &d->held : &d->queue);
    pump(w);
}

void wecom_delivery_configure(struct wecom *w, const cJSON *body)
{
    struct wecom_delivery *d = w->delivery;
    const char *mode = wecom_get_text(body, "mode"), *repeat = wecom_get_text(body, "envelope");
    if (mode != NULL)
        d->hold = strcmp(mode, "hold") == 0;
    if (repeat != NULL)
        d->reseal = strcmp(repeat, "reencrypted") == 0;
    d->retries = wecom_get_int(body, "retries", d->retries);
    d->retry_ms = wecom_get_int(body, "retry_ms", d->retry_ms);
    d->deadline_ms = wecom_get_int(body, "deadline_ms", d->deadline_ms);
    d->max_in_flight = wecom_get_int(body, "max_in_flight", d->max_in_flight);
    while (!d->hold && d->held != NULL)
        put_into(d, d->held, &d->queue);
    pump(w);
}

static bool chance(struct sim_random *r, int64_t percent)
{
    return (int64_t)sim_random_below(r, 100) < percent;
}

/* A second delivery of the same event: in the very same envelope, or in a new one. */
static struct item *duplicate(struct item *i, bool same)
{
    struct item *copy = new_item(i->w, i->id, i->text);
    if (same) {
        seal_item(i);
        copy->query = yq_strdup(i->query);
        copy->body = yq_strdup(i->body);
    }
    return copy;
}

struct release {
    struct sim_random random;
    int64_t duplicate_percent, lose_percent, limit;
    bool shuffle;
    struct item **items;
    size_t count, cap;
    uint64_t events, duplicates, lost;
};

static void take_held(struct wecom_delivery *d, struct release *r)
{
    while (d->held != NULL && (r->limit < 0 || (int64_t)r->events < r->limit)) {
        struct item *i = d->held;
        r->events++;
        put_into(d, i, NULL);
        if (chance(&r->random, r->lose_percent)) {
            r->lost++;
            item_free(d, i);
            continue;
        }
        bool twice = chance(&r->random, r->duplicate_percent);
        struct item *copy = twice ? duplicate(i, sim_random_below(&r->random, 2) == 0) : NULL;
        yq_grow(&r->items, &r->cap, r->count, sizeof *r->items);
        r->items[r->count++] = i;
        if (copy == NULL)
            continue;
        yq_grow(&r->items, &r->cap, r->count, sizeof *r->items);
        r->items[r->count++] = copy;
        r->duplicates++;
    }
}

static void shuffle(struct release *r)
{
    for (size_t n = r->count; n > 1; n--) {
        size_t k = (size_t)sim_random_below(&r->random, n);
        struct item *kept = r->items[n - 1];
        r->items[n - 1] = r->items[k];
        r->items[k] = kept;
    }
}

void wecom_delivery_release(struct wecom *w, const cJSON *body, struct yq_buf *out)
{
    struct wecom_delivery *d = w->delivery;
    const char *order = wecom_get_text(body, "order");
    struct release r = {
        .duplicate_percent = wecom_get_int(body, "duplicate_percent", 0),
        .lose_percent = wecom_get_int(body, "lose_percent", 0),
        .limit = wecom_get_int(body, "limit", -1),
        .shuffle = order != NULL && strcmp(order, "shuffle") == 0,
    };
    sim_random_seed(&r.random, (uint64_t)wecom_get_int(body, "seed", 1));
    d->max_in_flight = wecom_get_int(body, "max_in_flight", d->max_in_flight);
    take_held(d, &r);
    if (r.shuffle)
        shuffle(&r);
    for (size_t k = 0; k < r.count; k++)
        put_into(d, r.items[k], &d->queue);
    d->counts.duplicates += r.duplicates;
    d->counts.lost += r.lost;
    free(r.items);
    wecom_put_int(out, "events", (int64_t)r.events);
    wecom_put_int(out, "duplicates", (int64_t)r.duplicates);
    wecom_put_int(out, "lost", (int64_t)r.lost);
    pump(w);
}

void wecom_delivery_put(struct wecom *w, struct yq_buf *out)
{
    const struct wecom_delivery *d = w->delivery;
    const struct counts *c = &d->counts;
    size_t pending = d->queue_count + d->flying_count + d->resting_count;
    wecom_put_int(out, "events", (int64_t)c->events);
    wecom_put_int(out, "held", (int64_t)d->held_count);
    wecom_put_int(out, "queued", (int64_t)d->queue_count);
    wecom_put_int(out, "in_flight", (int64_t)d->flying_count);
    wecom_put_int(out, "resting", (int64_t)d->resting_count);
    wecom_put_int(out, "pending", (int64_t)pending);
    wecom_put_int(out, "sent", (int64_t)c->sent);
    wecom_put_int(out, "acknowledged", (int64_t)c->acknowledged);
    wecom_put_int(out, "failed", (int64_t)c->failed);
    wecom_put_int(out, "lost", (int64_t)c->lost);
    wecom_put_int(out, "duplicates", (int64_t)c->duplicates);
    wecom_put_int(out, "retries", (int64_t)c->retries);
    wecom_put_int(out, "last_status", d->last_status);
}
