/* The members: both sides read whole as digests, compared with the links; those who differ run
 * through the engine, which reads each of them again. Whoever leaves stands in one scope with
 * whoever is new, so that the guard judges the run as a whole, and a changed userid is seen. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/eteams_listing.h"
#include "clients/eteams_people.h"
#include "clients/wecom_listing.h"
#include "freshness.h"
#include "led.h"
#include "reconcile.h"
#include "service/log.h"

#define CHUNK 500         /* subjects of one scope, which shares its lists */
#define INDEX_FROM 50     /* so many newcomers are looked up in an index (decisions.md 3) */
#define WITH_LEAVERS 2000 /* newcomers in the scope of the leavers */

struct item {
    const char *userid;
    uint32_t department; /* one of the member's, to be read with others of it; 0: not known */
    enum yq_drift_kind kind;
    const uint32_t *listed; /* all of them, in the arena, where ids alone can be read; else NULL */
    size_t listed_count;
};

struct members {
    struct yq_reconcile *r;
    struct yq_arena *arena;
    struct yq_snapshot wecom, eteams;
    struct yq_drift_links links;
    struct yq_view *tree; /* of WeCom's departments, where superiors are compared; else NULL */
    struct item *items;
    size_t count, capacity;
    struct again { /* who waited for others: tried once more at the end */
        struct item item;
        UT_hash_handle hh;
    } * again, *tried;
};

/* ---- reading ---- */

static void take_link(void *context, const struct yq_link_seen *link)
{
    struct members *m = context;
    const char *posts[YQ_LINK_POSTS_MAX];
    for (size_t i = 0; i < link->post_count; i++)
        posts[i] = link->posts[i];
    yq_drift_add_member(&m->links, link->key, link->eteams, link->left, posts, link->post_count);
}

static int load_links(struct members *m, struct yq_error *err)
{
    struct yq_reconcile *r = m->r;
    struct yq_view *v = yq_view_new();
    const char *root = r->connection->settings->eteams.root_org_id;
    int rc = 0;
    if (root == NULL || root[0] == '\0')
        rc = yq_eteams_find_root(r->connection->eteams, r->c->http, &r->watch, &root, err);
    if (rc == 0)
        rc = yq_store_load_every_department_link(r->c->redis, r->c->keys, r->id, v, err);
    if (rc == 0) {
        for (struct yq_link_department *l = v->department_links; l != NULL; l = l->hh.next) {
            if (l->id != 1)
                yq_drift_add_department(&m->links, l->id, l->eteams);
            if (yq_range_lacks(r, l->id))
                yq_drift_add_unseen(&m->links, l->eteams);
        }
        yq_drift_add_department(&m->links, 1, root);
        rc = yq_store_scan_member_links(r->c->redis, r->c->keys, r->id, take_link, m, err);
    }
    yq_view_free(v);
    return rc;
}

static int read_wecom(struct members *m, struct yq_error *err)
{
    struct yq_reconcile *r = m->r;
    struct yq_wecom_listing listing = {0};
    if (r->superiors)
        m->tree = yq_view_new();
    m->wecom.wants_leaders = m->eteams.wants_leaders = r->superiors;
    int rc = yq_wecom_list_all(r->connection->wecom, r->c->http, m->tree, &m->wecom, &listing,
                               &r->watch, err);
    r->range.members = m->wecom.count;
    r->range.only_persons = listing.only_persons;
    r->range.ids_only = listing.how == YQ_WECOM_IDS;
    r->incomplete |= !listing.complete;
    if (!listing.complete)
        r->half = listing.error;
    yq_wecom_listing_release(&listing);
    if (rc == 0 && !r->dry_run)
        yq_seen_note_people(
            &(struct yq_seen_note){r->connection, r->c->redis, r->c->keys, r->c->clock}, &m->wecom);
    return rc;
}

static int read_eteams(struct members *m, struct yq_error *err)
{
    struct yq_reconcile *r = m->r;
    struct yq_error why = {0};
    yq_reconcile_phase(r, "people", 0);
    int rc = yq_eteams_list_all(r->connection->eteams, r->c->http, NULL, &m->eteams, &why,
                                &r->watch, err);
    if (rc == 0 && !m->eteams.complete) {
        r->incomplete = true;
        r->half = why;
    }
    return rc;
}

static int read_all(struct members *m, struct yq_error *err)
{
    struct yq_reconcile *r = m->r;
    yq_reconcile_phase(r, "members", 0);
    if (read_wecom(m, err) < 0 || read_eteams(m, err) < 0)
        return -1;
    return load_links(m, err);
}

/* ---- comparing ---- */

static void add_item(struct members *m, enum yq_drift_kind kind, const char *userid,
                     uint32_t department)
{
    yq_grow(&m->items, &m->capacity, m->count, sizeof(*m->items));
    m->items[m->count++] = (struct item){.userid = userid, .department = department, .kind = kind};
    m->r->counts.drifted[kind]++;
}

/* What the engine reads will be compared with it. */
static void note_listed(struct members *m, struct item *i, const struct yq_snapshot_person *p)
{
    uint32_t *listed = yq_arena_alloc(m->arena, (p->part_count + 1) * sizeof(*listed));
    memcpy(listed, yq_snapshot_parts(&m->wecom, p), p->part_count * sizeof(*listed));
    i->listed = listed;
    i->listed_count = p->part_count;
}

static void take_found(void *context, const struct yq_drift_found *found)
{
    struct members *m = context;
    if (found->userid == NULL)
        return; /* absence alone proves nothing: reconcile_gone.c */
    const struct yq_snapshot_person *p = yq_snapshot_find(&m->wecom, found->member);
    uint32_t department = p == NULL           ? 0
                          : p->main != 0      ? p->main
                          : p->part_count > 0 ? *yq_snapshot_parts(&m->wecom, p)
                                              : 0;
    add_item(m, found->kind, yq_arena_strdup(m->arena, found->userid), department);
    if (m->r->range.ids_only && p != NULL)
        note_listed(m, &m->items[m->count - 1], p);
}

static bool leaves(const struct item *i)
{
    return i->kind == YQ_DRIFT_LEFT || i->kind == YQ_DRIFT_GONE;
}

static int rank(const struct item *i)
{
    return leaves(i) ? 0 : i->kind == YQ_DRIFT_NEW ? 1 : 2;
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (rank(a) != rank(b))
        return rank(a) < rank(b) ? -1 : 1;
    if (a->department != b->department)
        return a->department < b->department ? -1 : 1;
    return strcmp(a->userid, b->userid);
}

static int compare(struct members *m, struct yq_error *err)
{
    const char **gone = NULL;
    size_t count = 0;
    int rc = yq_reconcile_find_gone(m->r, &m->links, &m->wecom, m->arena, &gone, &count, err);
    struct yq_drift_leaders *leaders =
        m->tree != NULL ? yq_drift_leaders_new(m->tree, &m->wecom) : NULL;
    m->links.leaders = leaders;
    if (rc == 0)
        yq_drift_find(&m->wecom, &m->eteams, &m->links, &m->r->connection->settings->policy,
                      take_found, m);
    yq_drift_leaders_free(leaders);
    yq_view_free(m->tree);
    m->tree = NULL;
    for (size_t i = 0; i < count; i++)
        add_item(m, YQ_DRIFT_GONE, gone[i], 0);
    free(gone);
    if (m->count > 1)
        qsort(m->items, m->count, sizeof(*m->items), compare_items);
    yq_snapshot_release(&m->wecom);
    yq_snapshot_release(&m->eteams);
    yq_drift_links_release(&m->links);
    return rc;
}

/* ---- the engine, scope by scope ---- */

static void add_evidence(struct yq_view *v, const struct item *i)
{
    struct yq_subject subject = yq_subject_member(i->userid);
    struct yq_evidence *e = yq_reconcile_evidence(v, &subject);
    e->gone_confirmed = i->kind == YQ_DRIFT_GONE;
    if (i->department == 0)
        return;
    /* Nothing is said by it; it lets those of one department be read by one list, and is what one
     * listing of ids is compared with. */
    struct yq_wecom_member *m = yq_arena_alloc(v->arena, sizeof(*m));
    size_t count = i->listed != NULL ? i->listed_count : 1;
    uint32_t *departments = yq_arena_alloc(v->arena, count * sizeof(*departments));
    memcpy(departments, i->listed != NULL ? i->listed : &i->department,
           count * sizeof(*departments));
    m->userid = yq_arena_strdup(v->arena, i->userid);
    m->departments = departments;
    m->department_count = count;
    e->reported_member = m;
}

static struct item *find_item(struct item *items, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        struct yq_subject subject = yq_subject_member(items[i].userid);
        char own[YQ_SUBJECT_MAX];
        yq_subject_key(&subject, own);
        if (strcmp(own, key) == 0)
            return &items[i];
    }
    return NULL;
}

struct scope {
    struct members *m;
    size_t from, to;
};

/* Who waits for what other scopes bring, or whose answer was lost, is tried once more; so are all
 * leavers and newcomers who wait, together: they may be one person (decisions.md 19). */
static void look_at(void *context, const struct yq_outcome *o)
{
    struct scope *s = context;
    struct members *m = s->m;
    bool outdated = o->kind != YQ_OUTCOME_SETTLED && o->retry_ms == 1;
    if ((!outdated && o->kind != YQ_OUTCOME_WAIT) || m->r->dry_run)
        return;
    const struct item *i = find_item(m->items + s->from, s->to - s->from, o->key);
    if (i == NULL || (!outdated && !o->on_others && !leaves(i) && i->kind != YQ_DRIFT_NEW))
        return;
    struct again *a;
    HASH_FIND_STR(m->tried, i->userid, a);
    if (a != NULL)
        return;
    m->r->counts.waiting -= o->kind == YQ_OUTCOME_WAIT;
    a = yq_calloc(1, sizeof(*a));
    a->item = *i;
    HASH_ADD_KEYPTR(hh, m->again, a->item.userid, strlen(a->item.userid), a);
}

static int run_scope(struct members *m, size_t from, size_t to, struct yq_error *err);

/* What the store holds for one of them cannot be read: nobody else shall suffer. */
static int run_apart(struct members *m, size_t from, size_t to, struct yq_error *err)
{
    if (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        return run_scope(m, from, middle, err) < 0 ? -1 : run_scope(m, middle, to, err);
    }
    yq_log(YQ_LOG_ERROR, "reconcile.unreadable", "connection", m->r->id, "subject",
           m->items[from].userid, "error", err->text, NULL);
    m->r->counts.failed++;
    return 0;
}

static int run_scope(struct members *m, size_t from, size_t to, struct yq_error *err)
{
    struct yq_view *v = yq_view_new();
    struct scope s = {m, from, to};
    struct yq_error why = {0};
    for (size_t i = from; i < to; i++)
        add_evidence(v, &m->items[i]);
    m->r->scope_from = from;
    m->r->scope_to = to;
    int rc = yq_reconcile_scope(m->r, v, look_at, &s, &why);
    yq_view_free(v);
    if (rc < 0 && why.kind == YQ_ERROR_INVALID)
        rc = run_apart(m, from, to, &why);
    if (rc < 0)
        *err = why;
    return rc;
}

/* From items[from] on: the leavers with some newcomers, then newcomers, then the rest. */
static size_t scope_end(const struct members *m, size_t from)
{
    size_t end = from, most = 0;
    while (end < m->count && leaves(&m->items[end]))
        end++;
    most = end > from ? end + WITH_LEAVERS : from + CHUNK;
    while (end < m->count && end < most &&
           rank(&m->items[end]) == (rank(&m->items[from]) == 0 ? 1 : rank(&m->items[from])))
        end++;
    return end;
}

static int index_people(struct yq_reconcile *r, struct yq_error *err)
{
    if (r->people != NULL || r->counts.drifted[YQ_DRIFT_NEW] <= INDEX_FROM)
        return 0;
    return yq_eteams_index_people(r->connection->eteams, r->c->http, &r->people, &r->watch, err);
}

static int run_all(struct members *m, struct yq_error *err)
{
    int rc = index_people(m->r, err);
    yq_reconcile_phase(m->r, "writing", m->count);
    for (size_t from = 0, end; from < m->count && rc == 0; from = end) {
        end = scope_end(m, from);
        rc = yq_reconcile_check(m->r, err);
        if (rc == 0)
            rc = run_scope(m, from, end, err);
    }
    return rc;
}

static void forget(struct again **list)
{
    struct again *a, *next;
    HASH_ITER (hh, *list, a, next) {
        HASH_DEL(*list, a);
        free(a);
    }
}

/* Whoever waits for a superior who is in eteams by now. */
static int add_arrived(struct members *m, struct yq_error *err)
{
    struct yq_reconcile *r = m->r;
    const char **arrived = NULL;
    size_t count = 0;
    if (!r->superiors || r->dry_run)
        return 0;
    if (yq_led_find_arrived(r->c->redis, r->c->keys, r->id, m->arena, &arrived, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct again *a;
        HASH_FIND_STR(m->tried, arrived[i], a);
        yq_grow(&m->items, &m->capacity, m->count, sizeof(*m->items));
        if (a == NULL)
            m->items[m->count++] = (struct item){.userid = arrived[i], .kind = YQ_DRIFT_CHANGED};
    }
    free(arrived);
    return 0;
}

static int run_again(struct members *m, struct yq_error *err)
{
    m->tried = m->again;
    m->again = NULL;
    m->count = 0;
    for (const struct again *a = m->tried; a != NULL; a = a->hh.next)
        m->items[m->count++] = a->item;
    if (add_arrived(m, err) < 0)
        return -1;
    if (m->count > 1)
        qsort(m->items, m->count, sizeof(*m->items), compare_items);
    return m->count > 0 ? run_all(m, err) : 0;
}

int yq_reconcile_members(struct yq_reconcile *r, struct yq_error *err)
{
    struct members m = {.r = r, .arena = yq_arena_new()};
    yq_snapshot_init(&m.wecom);
    yq_snapshot_init(&m.eteams);
    int rc = read_all(&m, err);
    if (rc == 0)
        rc = compare(&m, err);
    if (rc == 0 && m.count > 0)
        rc = run_all(&m, err);
    if (rc == 0)
        rc = run_again(&m, err);
    yq_people_free(r->people);
    r->people = NULL;
    forget(&m.again);
    forget(&m.tried);
    yq_view_free(m.tree);
    free(m.items);
    yq_snapshot_release(&m.wecom);
    yq_snapshot_release(&m.eteams);
    yq_drift_links_release(&m.links);
    yq_arena_free(m.arena);
    return rc;
}
