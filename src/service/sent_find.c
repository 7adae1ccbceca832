/* What became of what was sent: asking eteams by the values that were sent. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_client.h"
#include "clients/store.h"
#include "model/normal.h"
#include "sent_inner.h"
#include "service/connection.h"

/* ---- asking ---- */

static int ask_for_people(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                          struct yq_error *err)
{
    struct yq_lookup **lookups = yq_calloc(3 * all->count + 1, sizeof(*lookups));
    const char **ids = NULL;
    size_t count = 0, hits = 0, capacity = 0;
    for (size_t i = 0; i < all->count; i++) {
        for (int f = 0; f < 3; f++) {
            struct yq_lookup *l = all->items[i].lookups[f];
            if (l != NULL && l->fact == YQ_UNASKED)
                lookups[count++] = l;
        }
    }
    int done =
        count ? yq_eteams_look_up(s->connection->eteams, s->http, v, lookups, count, s->watch, err)
              : 0;
    for (size_t i = 0; done == 0 && i < count; i++) {
        for (size_t k = 0; k < lookups[i]->hit_count; k++) {
            yq_grow(&ids, &capacity, hits, sizeof(*ids));
            ids[hits++] = lookups[i]->hits[k]->id;
            lookups[i]->hits[k]->owner_asked = true;
        }
    }
    if (hits > 0)
        done = yq_store_load_member_owners(s->redis, s->keys, s->connection->settings->id, ids,
                                           hits, v, err);
    free(ids);
    free(lookups);
    return done;
}

/* The children of where they were sent to, and whose they are. */
static int ask_for_departments(const struct yq_sync *s, struct yq_view *v,
                               const struct yq_suspects *all, struct yq_error *err)
{
    const char **ids = yq_calloc(all->count, sizeof(*ids)), **children = NULL;
    size_t count = 0, child_count = 0, capacity = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct yq_eteams_department *above = all->items[i].above;
        if (above != NULL && above->children == YQ_UNASKED)
            ids[count++] = above->id;
    }
    int done = count ? yq_eteams_read_children(s->connection->eteams, s->http, v, ids, count,
                                               s->watch, err)
                     : 0;
    for (struct yq_eteams_department *d = v->eteams_departments; d != NULL; d = d->hh.next) {
        yq_grow(&children, &capacity, child_count, sizeof(*children));
        children[child_count++] = d->id;
        d->owner_asked = true;
    }
    if (done == 0 && count > 0 && child_count > 0)
        done = yq_store_load_department_owners(s->redis, s->keys, s->connection->settings->id,
                                               children, child_count, v, err);
    free(ids);
    free(children);
    return done;
}

static int ask_for_resigned(const struct yq_sync *s, struct yq_view *v,
                            const struct yq_suspects *all, struct yq_error *err)
{
    const char **ids = yq_calloc(all->count, sizeof(*ids));
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i].resigned != NULL)
            ids[count++] = all->items[i].resigned;
    }
    int done =
        count ? yq_eteams_read_members(s->connection->eteams, s->http, v, ids, count, s->watch, err)
              : 0;
    free(ids);
    return done;
}

/* The record that the member of a suspect is linked with; NULL: none. */
static const char *linked_record(const struct yq_view *v, const struct yq_suspect *m)
{
    const struct yq_link_member *link = yq_view_member_link(v, m->subject.userid);
    return link != NULL ? link->eteams : NULL;
}

static int ask_for_posts(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                         struct yq_error *err)
{
    const char **ids = yq_calloc(all->count, sizeof(*ids));
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *id = all->items[i].post ? linked_record(v, &all->items[i]) : NULL;
        bool again = false; /* several posts of one person */
        for (size_t k = 0; id != NULL && k < count && !again; k++)
            again = strcmp(ids[k], id) == 0;
        if (id != NULL && !again)
            ids[count++] = id;
    }
    int done =
        count ? yq_eteams_read_posts(s->connection->eteams, s->http, v, ids, count, s->watch, err)
              : 0;
    free(ids);
    return done;
}

int yq_sent_ask(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                struct yq_error *err)
{
    bool asked = ask_for_people(s, v, all, err) == 0 && ask_for_departments(s, v, all, err) == 0 &&
                 ask_for_resigned(s, v, all, err) == 0 && ask_for_posts(s, v, all, err) == 0;
    return asked ? 0 : -1;
}

/* ---- what the answers say ---- */

/* In service, nobody's, and with the name that was sent. */
static struct yq_sent_answer find_person(struct yq_view *v, const struct yq_suspect *m)
{
    for (int f = 0; f < 3; f++) {
        const struct yq_lookup *l = m->lookups[f];
        if (l != NULL && l->fact != YQ_PRESENT)
            return (struct yq_sent_answer){.error = l->error};
        for (size_t i = 0; l != NULL && i < l->hit_count; i++) {
            const struct yq_eteams_member *row = l->hits[i];
            if (row->in_service && !row->secondary && row->owner == NULL &&
                yq_same_name(v->arena, m->name, row->name))
                return (struct yq_sent_answer){.known = true, .id = row->id};
        }
    }
    return (struct yq_sent_answer){.known = true};
}

static struct yq_sent_answer find_resigned(const struct yq_view *v, const struct yq_suspect *m)
{
    const struct yq_eteams_member *row = yq_view_find_eteams_member(v, m->resigned);
    if (row == NULL || row->fact == YQ_UNREADABLE)
        return (struct yq_sent_answer){.error = row != NULL ? row->error : NULL};
    bool gone = row->fact == YQ_PRESENT && !row->in_service;
    return (struct yq_sent_answer){.known = true, .id = gone ? row->id : NULL};
}

/* Below the record that was meant, enabled, nobody's, and with the name that was sent. */
static struct yq_sent_answer find_department(struct yq_view *v, const struct yq_suspect *m)
{
    const struct yq_eteams_department *above = m->above;
    if (above != NULL && above->children == YQ_UNREADABLE)
        return (struct yq_sent_answer){.error = above->error};
    for (const struct yq_eteams_department *d = v->eteams_departments; above && d; d = d->hh.next) {
        if (d->fact == YQ_PRESENT && d->enabled && d->owner == NULL && d->parent != NULL &&
            d->name != NULL && strcmp(d->parent, above->id) == 0 &&
            yq_same_name(v->arena, m->name, d->name))
            return (struct yq_sent_answer){.known = true, .id = d->id};
    }
    return (struct yq_sent_answer){.known = true};
}

/* The posts themselves are in the row; where this eteams cannot tell them, nobody can. */
static struct yq_sent_answer find_posts(const struct yq_view *v, const struct yq_suspect *m)
{
    const char *id = linked_record(v, m);
    const struct yq_eteams_member *row = id ? yq_view_find_eteams_member(v, id) : NULL;
    if (row != NULL && row->posts_fact == YQ_UNREADABLE)
        return (struct yq_sent_answer){.error = row->error};
    bool told = row != NULL && row->posts_fact == YQ_PRESENT;
    return (struct yq_sent_answer){.known = true, .id = told ? id : NULL};
}

/* A link says by itself what became of a creation. */
struct yq_sent_answer yq_sent_answer(struct yq_view *v, const struct yq_suspect *m)
{
    if (m->resigned != NULL)
        return find_resigned(v, m);
    if (m->post)
        return find_posts(v, m);
    if (m->subject.kind == YQ_SUBJECT_MEMBER)
        return yq_view_member_link(v, m->subject.userid) != NULL
                   ? (struct yq_sent_answer){.known = true}
                   : find_person(v, m);
    return yq_view_department_link(v, m->subject.id) != NULL
               ? (struct yq_sent_answer){.known = true}
               : find_department(v, m);
}
