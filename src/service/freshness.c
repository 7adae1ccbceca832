/* Which fields were seen, collected in memory, and written where it is news or a minute old. */
#include "freshness.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "service/log.h"

#define WRITE_MS 60000
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define BIT(field) (UINT32_C(1) << (field))
#define MEMBER_BITS (BIT(YQ_SEEN_DEPARTMENTS) - 1)
#define DEPARTMENT_BITS ((BIT(YQ_SEEN_COUNT) - 1) & ~MEMBER_BITS)

enum way { EVENT, READ, UNREAD, EVENTS, WAYS }; /* of EVENTS only the first two bits are used */
static const char *const ways[WAYS] = {"event", "read", "unread", "events"};

static const char *const names[YQ_SEEN_COUNT] = {
#define X(name, text) [YQ_FIELD_##name] = "member." text,
    YQ_MEMBER_FIELDS(X)
#undef X
        [YQ_SEEN_POSITION] = "member.position",
#define X(name, text) [YQ_SEEN_DEPARTMENT_##name] = "department." text,
    YQ_DEPARTMENT_FIELDS(X)
#undef X
};

struct seen { /* bits */
    uint32_t by[WAYS];
};

struct yq_seen_fields {
    pthread_mutex_t lock;
    struct seen pending, written; /* not written yet; written once at least */
    int64_t written_ms;           /* monotonic */
};

struct yq_seen_fields *yq_seen_fields_new(void)
{
    struct yq_seen_fields *s = yq_calloc(1, sizeof(*s));
    (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

void yq_seen_fields_free(struct yq_seen_fields *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *yq_seen_field_name(unsigned field)
{
    return field < YQ_SEEN_COUNT ? names[field] : "?";
}

/* ---- what a view shows ---- */

/* An event that creates a subject may say much that no later one does: only changes count. */
static void see_event(const struct yq_evidence *e, struct seen *ret)
{
    const struct yq_wecom_department *d = e->reported_department;
    if (e->updated_at == 0 || e->created_at != 0)
        return;
    if (e->subject.kind == YQ_SUBJECT_MEMBER)
        ret->by[EVENTS] |= BIT(0);
    if (e->subject.kind == YQ_SUBJECT_MEMBER && e->reported_member != NULL)
        ret->by[EVENT] |= e->reported_member->known & MEMBER_BITS;
    if (e->subject.kind != YQ_SUBJECT_DEPARTMENT)
        return;
    ret->by[EVENTS] |= BIT(1);
    if (d != NULL && d->name != NULL)
        ret->by[EVENT] |= BIT(YQ_SEEN_DEPARTMENT_NAME);
    if (d != NULL && d->parent != 0)
        ret->by[EVENT] |= BIT(YQ_SEEN_DEPARTMENT_PARENT);
    if (d != NULL && d->order > 0)
        ret->by[EVENT] |= BIT(YQ_SEEN_DEPARTMENT_ORDER);
}

static void see_departments(const struct yq_view *v, struct seen *ret)
{
    uint32_t had = 0;
    bool any = false;
    for (const struct yq_wecom_department *d = v->wecom_departments; d != NULL; d = d->hh.next) {
        if (d->fact != YQ_PRESENT)
            continue;
        any = true;
        had |= d->name != NULL ? BIT(YQ_SEEN_DEPARTMENT_NAME) : 0;
        had |= d->parent != 0 ? BIT(YQ_SEEN_DEPARTMENT_PARENT) : 0;
        had |= d->order >= 0 ? BIT(YQ_SEEN_DEPARTMENT_ORDER) : 0;
        had |= d->leaders != NULL ? BIT(YQ_SEEN_DEPARTMENT_LEADERS) : 0;
    }
    if (!any)
        return;
    ret->by[READ] |= had;
    /* The root alone has no parent, which says nothing about the others. */
    ret->by[UNREAD] |= DEPARTMENT_BITS & ~had & ~BIT(YQ_SEEN_DEPARTMENT_PARENT);
}

static void see_members(const struct yq_view *v, struct seen *ret)
{
    uint32_t had = 0;
    bool any = false;
    for (const struct yq_wecom_member *m = v->wecom_members; m != NULL; m = m->hh.next) {
        if (m->fact != YQ_PRESENT)
            continue;
        any = true;
        had |= m->known & MEMBER_BITS;
    }
    if (!any)
        return;
    ret->by[READ] |= had;
    ret->by[UNREAD] |= MEMBER_BITS & ~had;
}

/* ---- writing it down ---- */

static bool is_news(const struct yq_seen_fields *s)
{
    for (int way = 0; way < WAYS; way++) {
        if ((s->pending.by[way] & ~s->written.by[way]) != 0)
            return true;
    }
    return false;
}

static bool is_something(const struct seen *s)
{
    uint32_t all = 0;
    for (int way = 0; way < WAYS; way++)
        all |= s->by[way];
    return all != 0;
}

/* Adds it to what is pending; true when the caller is to write that, which *ret_due then has. */
static bool collect(const struct yq_seen_note *n, const struct seen *seen, struct seen *ret_due)
{
    struct yq_seen_fields *s = n->connection->seen;
    int64_t now = yq_mono_ms(n->clock);
    (void)pthread_mutex_lock(&s->lock);
    for (int way = 0; way < WAYS; way++)
        s->pending.by[way] |= seen->by[way];
    bool due = is_something(&s->pending) && (is_news(s) || now - s->written_ms >= WRITE_MS);
    if (due) {
        *ret_due = s->pending;
        s->pending = (struct seen){0};
        s->written_ms = now;
        for (int way = 0; way < WAYS; way++)
            s->written.by[way] |= ret_due->by[way];
    }
    (void)pthread_mutex_unlock(&s->lock);
    return due;
}

static const char *field_of(struct yq_arena *arena, int way, unsigned bit)
{
    if (way == EVENTS)
        return bit == 0 ? "events:member" : "events:department";
    return yq_arena_printf(arena, "%s:%s", ways[way], names[bit]);
}

static int write_down(const struct yq_seen_note *n, const struct seen *seen, struct yq_error *err)
{
    char key[YQ_KEY_MAX], now[24];
    const char *argv[2 + 2 * WAYS * YQ_SEEN_COUNT];
    struct yq_arena *arena = yq_arena_new();
    int argc = 2;
    argv[0] = "HSET";
    argv[1] = yq_key(n->keys, n->connection->settings->id, "fields", key);
    (void)snprintf(now, sizeof(now), "%" PRId64, yq_wall_ms(n->clock));
    for (int way = 0; way < WAYS; way++) {
        for (unsigned bit = 0; bit < YQ_SEEN_COUNT; bit++) {
            if ((seen->by[way] & BIT(bit)) == 0)
                continue;
            argv[argc++] = field_of(arena, way, bit);
            argv[argc++] = now;
        }
    }
    redisReply *reply = yq_redis_argv(n->redis, argc, argv, NULL, err);
    yq_arena_free(arena);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

/* What could not be written waits for the next note. */
static void take_back(const struct yq_seen_note *n, const struct seen *seen)
{
    struct yq_seen_fields *s = n->connection->seen;
    (void)pthread_mutex_lock(&s->lock);
    for (int way = 0; way < WAYS; way++)
        s->pending.by[way] |= seen->by[way];
    (void)pthread_mutex_unlock(&s->lock);
}

static void note(const struct yq_seen_note *n, const struct seen *seen)
{
    struct seen due;
    struct yq_error err = {0};
    if (!collect(n, seen, &due) || write_down(n, &due, &err) == 0)
        return;
    take_back(n, &due);
    yq_log_calm(YQ_LOG_WARN, "fields.not_written", n->connection->settings->id, err.text);
}

void yq_seen_note_view(const struct yq_seen_note *n, const struct yq_view *v)
{
    struct seen seen = {0};
    for (const struct yq_evidence *e = v->evidence; e != NULL; e = e->hh.next)
        see_event(e, &seen);
    see_departments(v, &seen);
    see_members(v, &seen);
    note(n, &seen);
}

void yq_seen_note_people(const struct yq_seen_note *n, const struct yq_snapshot *people)
{
    struct seen seen = {0};
    if (people->count == 0)
        return;
    seen.by[READ] = people->known & MEMBER_BITS;
    seen.by[UNREAD] = MEMBER_BITS & ~people->known;
    note(n, &seen);
}

/* ---- reading it ---- */

static int64_t time_of(const struct yq_pairs *fields, const char *way, const char *name)
{
    char field[64];
    (void)snprintf(field, sizeof(field), "%s:%s", way, name);
    const char *text = yq_pairs_get(fields, field);
    return text != NULL ? strtoll(text, NULL, 10) : 0;
}

struct yq_freshness yq_freshness_of(const struct yq_pairs *fields, unsigned field)
{
    const char *name = yq_seen_field_name(field);
    struct yq_freshness f = {.event_ms = time_of(fields, ways[EVENT], name),
                             .read_ms = time_of(fields, ways[READ], name),
                             .unread_ms = time_of(fields, ways[UNREAD], name)};
    f.events_ms =
        time_of(fields, ways[EVENTS], field < YQ_SEEN_DEPARTMENTS ? "member" : "department");
    bool readable = f.read_ms > 0 && f.unread_ms - f.read_ms < DAY_MS;
    if (f.event_ms > 0)
        f.kind = readable ? YQ_FRESHNESS_EVENTS : YQ_FRESHNESS_EVENT_ONLY;
    else if (readable)
        f.kind = YQ_FRESHNESS_RECONCILE;
    else if (f.unread_ms > 0)
        f.kind = YQ_FRESHNESS_UNREADABLE;
    return f;
}
