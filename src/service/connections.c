/* Tables of connections: made, exchanged, and freed by whoever is the last to have one. */
#include "connections.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct yq_connection *yq_connections_find(const struct yq_connections *t, const char *id)
{
    for (size_t i = 0; t != NULL && i < t->settings->connection_count; i++) {
        if (strcmp(t->items[i]->settings->id, id) == 0)
            return t->items[i];
    }
    return NULL;
}

/* Everything that the clients are made of, and everything that a run looks at. */
static bool is_unchanged(const struct yq_connection *c, const struct yq_settings *s,
                         const struct yq_connection_settings *next)
{
    return c != NULL && strcmp(c->settings->digest, next->digest) == 0 &&
           strcmp(c->whole->wecom_api_base, s->wecom_api_base) == 0;
}

static struct yq_connections *make(const struct yq_settings *s, const struct yq_connections *before,
                                   const struct yq_clock *clock)
{
    struct yq_connections *t = yq_calloc(1, sizeof(*t));
    t->settings = yq_settings_hold(s);
    t->items = yq_calloc(s->connection_count + 1, sizeof(struct yq_connection *));
    for (size_t i = 0; i < s->connection_count; i++) {
        const struct yq_connection_settings *c = &s->connections[i];
        struct yq_connection *same = yq_connections_find(before, c->id);
        t->items[i] =
            is_unchanged(same, s, c) ? yq_connection_hold(same) : yq_connection_new(s, c, clock);
    }
    return t;
}

/* Tells those who work with the old table. */
static void mark_outdated(struct yq_connections *old, const struct yq_connections *next)
{
    for (size_t i = 0; i < old->settings->connection_count; i++) {
        struct yq_connection *c = old->items[i];
        if (yq_connections_find(next, c->settings->id) != c)
            atomic_store(&c->outdated, true);
    }
    atomic_store(&old->outdated, true);
}

void yq_connections_free(struct yq_connections *t)
{
    if (t == NULL || atomic_fetch_sub(&t->holders, 1) > 0)
        return;
    for (size_t i = 0; i < t->settings->connection_count; i++)
        yq_connection_free(t->items[i]);
    free(t->items);
    yq_settings_free(t->settings);
    free(t);
}

void yq_connections_init(struct yq_connections_place *p, const struct yq_settings *first,
                         const struct yq_clock *clock)
{
    pthread_mutex_init(&p->lock, NULL);
    p->clock = clock;
    p->now = make(first, NULL, clock);
}

void yq_connections_set(struct yq_connections_place *p, const struct yq_settings *next)
{
    pthread_mutex_lock(&p->lock);
    struct yq_connections *old = p->now;
    p->now = make(next, old, p->clock);
    mark_outdated(old, p->now);
    pthread_mutex_unlock(&p->lock);
    yq_connections_free(old);
}

struct yq_connections *yq_connections_take(struct yq_connections_place *p)
{
    pthread_mutex_lock(&p->lock);
    struct yq_connections *now = p->now;
    (void)atomic_fetch_add(&now->holders, 1);
    pthread_mutex_unlock(&p->lock);
    return now;
}

void yq_connections_release(struct yq_connections_place *p)
{
    yq_connections_free(p->now);
    pthread_mutex_destroy(&p->lock);
}
