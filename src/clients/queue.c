/* The queue of a connection: writing entries, reading them as deliveries, its group. */
#include "clients/queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/system_clock.h"

/* ---- writing ---- */

static void add_word(struct yq_push *p, const char *text, size_t len)
{
    p->argv[p->argc] = text;
    p->lens[p->argc] = len;
    p->argc++;
}

static void add_field(struct yq_push *p, const char *name, const char *text, size_t len)
{
    add_word(p, name, strlen(name));
    add_word(p, text, len);
}

void yq_queue_push_args(const struct yq_event *e, const char *events_key, struct yq_push *ret)
{
    const char *kind = yq_event_kind_name(e->kind);
    const char *source = e->source ? e->source : "";
    struct yq_push *p = ret;
    p->argc = 0;
    (void)snprintf(p->version, sizeof(p->version), "%d", YQ_EVENT_VERSION);
    yq_subject_format(&e->subject, p->subject);
    (void)snprintf(p->at, sizeof(p->at), "%" PRId64, e->at);
    add_word(p, "XADD", 4);
    add_word(p, events_key, strlen(events_key));
    add_word(p, "*", 1);
    add_field(p, "v", p->version, strlen(p->version));
    add_field(p, "kind", kind, strlen(kind));
    add_field(p, "subject", p->subject, strlen(p->subject));
    add_field(p, "source", source, strlen(source));
    add_field(p, "at", p->at, strlen(p->at));
    add_field(p, "digest", e->digest, strlen(e->digest));
    add_field(p, "data", e->data.len ? e->data.data : "{}", e->data.len ? e->data.len : 2);
    add_field(p, "raw", yq_buf_text(&e->raw), e->raw.len);
    if (e->origin != NULL)
        add_field(p, "origin", e->origin, strlen(e->origin));
}

int yq_queue_push(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                  const struct yq_event *e, char ret_entry[YQ_ENTRY_MAX], struct yq_error *err)
{
    char events[YQ_KEY_MAX], ready[YQ_KEY_MAX], now[24];
    struct yq_push push;
    yq_queue_push_args(e, yq_key(keys, id, "events", events), &push);
    (void)snprintf(now, sizeof(now), "%" PRId64, yq_wall_ms(yq_system_clock()));
    const char *wake[] = {"ZADD", yq_global_key(keys, "ready", ready), "NX", now, id};
    if (yq_redis_append(r, push.argc, push.argv, push.lens, err) < 0 ||
        yq_redis_append(r, 5, wake, NULL, err) < 0)
        return -1;
    redisReply *added = yq_redis_reply(r, err);
    redisReply *woken = yq_redis_reply(r, NULL); /* a hint: the sweep makes up for a lost one */
    if (woken != NULL)
        freeReplyObject(woken);
    if (added == NULL)
        return -1;
    if (ret_entry != NULL)
        (void)snprintf(ret_entry, YQ_ENTRY_MAX, "%s", added->str);
    freeReplyObject(added);
    return 0;
}

/* ---- deliveries ---- */

static void release_delivery(struct yq_delivery *d)
{
    free(d->source);
    free(d->data);
    free(d->raw);
    free(d->digest);
}

void yq_deliveries_release(struct yq_deliveries *d)
{
    for (size_t i = 0; i < d->count; i++)
        release_delivery(&d->items[i]);
    free(d->items);
    *d = (struct yq_deliveries){0};
}

/* The value of a field of an entry; NULL if it is missing. */
static const char *find_field(const redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1]->str;
    }
    return NULL;
}

/* Reads what must be there. Returns what is wrong, or NULL. */
static const char *read_required(const redisReply *fields, struct yq_delivery *d)
{
    if (fields->type != REDIS_REPLY_ARRAY)
        return "the entry is not in the stream any more";
    const char *version = find_field(fields, "v"), *kind = find_field(fields, "kind");
    const char *subject = find_field(fields, "subject"), *at = find_field(fields, "at");
    char *end = NULL;
    if (version == NULL)
        return "field v is missing";
    if (strtol(version, &end, 10) != YQ_EVENT_VERSION || *end != '\0')
        return "field v holds an unknown version";
    if (kind == NULL || yq_event_kind_parse(kind, &d->kind) < 0)
        return "field kind is missing or unknown";
    if (subject == NULL || yq_subject_parse(subject, &d->subject, NULL) < 0)
        return "field subject is missing or malformed";
    d->at = at ? strtoll(at, &end, 10) : 0;
    if (at == NULL || end == at || *end != '\0')
        return "field at is missing or no number";
    if (find_field(fields, "data") == NULL)
        return "field data is missing";
    return NULL;
}

static char *copy_field(const redisReply *fields, const char *name)
{
    const char *text = fields->type == REDIS_REPLY_ARRAY ? find_field(fields, name) : NULL;
    return yq_strdup(text ? text : "");
}

static void add_delivery(const redisReply *entry, bool with_raw, struct yq_deliveries *d)
{
    struct yq_delivery added = {.kind = YQ_EVENT_UNKNOWN, .subject = yq_subject_all()};
    const char *id = entry->element[0]->str;
    const redisReply *fields = entry->element[1];
    const char *wrong = read_required(fields, &added);
    if (wrong != NULL) { /* what was read before the fault is not to be used */
        added = (struct yq_delivery){.kind = YQ_EVENT_UNKNOWN, .subject = yq_subject_all()};
        added.broken = true;
    }
    (void)snprintf(added.entry, sizeof(added.entry), "%s", id);
    added.queued_ms = strtoll(id, NULL, 10);
    added.source = copy_field(fields, "source");
    added.digest = copy_field(fields, "digest");
    const char *origin = fields->type == REDIS_REPLY_ARRAY ? find_field(fields, "origin") : NULL;
    (void)snprintf(added.origin, sizeof(added.origin), "%s", origin ? origin : "");
    added.data = wrong ? yq_strdup(wrong) : copy_field(fields, "data");
    added.raw = with_raw ? copy_field(fields, "raw") : NULL;
    yq_grow(&d->items, &d->capacity, d->count, sizeof(*d->items));
    d->items[d->count++] = added;
}

static void add_deliveries(const redisReply *entries, bool with_raw, struct yq_deliveries *d)
{
    for (size_t i = 0; i < entries->elements; i++)
        add_delivery(entries->element[i], with_raw, d);
}

/* ---- reading ---- */

int yq_queue_ensure_group(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          bool *ret_made, struct yq_error *err)
{
    char events[YQ_KEY_MAX];
    struct yq_error why = {0};
    redisReply *reply = yq_redis_command(r, &why, "XGROUP CREATE %s %s 0 MKSTREAM",
                                         yq_key(keys, id, "events", events), YQ_QUEUE_GROUP);
    bool exists = reply == NULL && strncmp(why.text, "BUSYGROUP", 9) == 0;
    if (reply == NULL && !exists) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    if (reply != NULL)
        freeReplyObject(reply);
    *ret_made = !exists;
    return 0;
}

static int read_group(struct yq_redis *r, const char *events, const char *from, size_t count,
                      struct yq_deliveries *d, struct yq_error *err)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%zu", count);
    const char *argv[] = {"XREADGROUP",      "GROUP", YQ_QUEUE_GROUP,
                          YQ_QUEUE_CONSUMER, "COUNT", number,
                          "STREAMS",         events,  from};
    redisReply *reply = yq_redis_argv(r, 9, argv, NULL, err);
    if (reply == NULL)
        return -1;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1) /* nil: nothing there */
        add_deliveries(reply->element[0]->element[1], false, d);
    freeReplyObject(reply);
    return 0;
}

int yq_queue_read_pending(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                          const char *after, size_t count, struct yq_deliveries *d,
                          struct yq_error *err)
{
    char events[YQ_KEY_MAX];
    return read_group(r, yq_key(keys, id, "events", events), *after != '\0' ? after : "0", count, d,
                      err);
}

int yq_queue_read_new(struct yq_redis *r, const struct yq_keys *keys, const char *id, size_t count,
                      struct yq_deliveries *d, struct yq_error *err)
{
    char events[YQ_KEY_MAX];
    return read_group(r, yq_key(keys, id, "events", events), ">", count, d, err);
}

int yq_queue_range(struct yq_redis *r, const struct yq_keys *keys, const char *id, const char *from,
                   const char *to, bool newest_first, size_t count, struct yq_deliveries *d,
                   struct yq_error *err)
{
    char events[YQ_KEY_MAX], number[24];
    (void)snprintf(number, sizeof(number), "%zu", count);
    const char *argv[] = {newest_first ? "XREVRANGE" : "XRANGE",
                          yq_key(keys, id, "events", events),
                          newest_first ? to : from,
                          newest_first ? from : to,
                          "COUNT",
                          number};
    redisReply *reply = yq_redis_argv(r, 6, argv, NULL, err);
    if (reply == NULL)
        return -1;
    add_deliveries(reply, true, d);
    freeReplyObject(reply);
    return 0;
}
