/* The departments: both trees read whole, compared with the links; what differs is one scope of the
 * engine, whose view already holds all it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/wecom_listing.h"
#include "freshness.h"
#include "model/normal.h"
#include "reconcile.h"

#define WECOM_ROOT 1u    /* wecom.md §4.2 */
#define NOT_EMPTY 410005 /* eteams.md §3 */

/* ---- reading ---- */

/* All links are in the view: the engine need not look for them. */
static void mark_asked(struct yq_view *v)
{
    for (struct yq_wecom_department *d = v->wecom_departments; d != NULL; d = d->hh.next)
        d->link_asked = true;
    for (struct yq_eteams_department *d = v->eteams_departments; d != NULL; d = d->hh.next)
        d->owner_asked = true;
}

static int read_all(struct yq_reconcile *r, struct yq_view *v, struct yq_error *err)
{
    const char *root = r->connection->settings->eteams.root_org_id;
    if (root != NULL && root[0] != '\0')
        v->eteams_root = yq_arena_strdup(v->arena, root);
    if (yq_wecom_list_departments(r->connection->wecom, r->c->http, v, &r->watch, err) < 0 ||
        yq_eteams_list_departments(r->connection->eteams, r->c->http, v, &r->watch, err) < 0 ||
        yq_store_load_every_department_link(r->c->redis, r->c->keys, r->id, v, err) < 0)
        return -1;
    mark_asked(v);
    if (!r->dry_run)
        yq_seen_note_view(
            &(struct yq_seen_note){r->connection, r->c->redis, r->c->keys, r->c->clock}, v);
    return 0;
}

/* ---- comparing ---- */

/* What its parent stands for in eteams; NULL: nothing yet. */
static const char *wanted_parent(const struct yq_view *v, const struct yq_wecom_department *d)
{
    if (d->parent == 0 || d->parent == WECOM_ROOT)
        return v->eteams_root;
    const struct yq_link_department *link = yq_view_department_link(v, d->parent);
    if (link != NULL)
        return link->eteams;
    const struct yq_wecom_department *parent = yq_view_find_wecom_department(v, d->parent);
    return parent != NULL && parent->fact == YQ_PRESENT ? NULL : v->eteams_root;
}

static bool name_differs(struct yq_view *v, const struct yq_wecom_department *d,
                         const struct yq_eteams_department *row)
{
    return d->name != NULL && !yq_same_name(v->arena, yq_normal_name(v->arena, d->name), row->name);
}

static bool root_differs(struct yq_view *v, const struct yq_wecom_department *d)
{
    const struct yq_eteams_department *row =
        v->eteams_root != NULL ? yq_view_find_eteams_department(v, v->eteams_root) : NULL;
    return row != NULL && row->fact == YQ_PRESENT && name_differs(v, d, row);
}

static bool differs(struct yq_view *v, const struct yq_wecom_department *d)
{
    if (d->id == WECOM_ROOT)
        return root_differs(v, d);
    const struct yq_link_department *link = yq_view_department_link(v, d->id);
    if (link == NULL)
        return d->name != NULL; /* without a name it cannot be made */
    const struct yq_eteams_department *row = yq_view_find_eteams_department(v, link->eteams);
    if (row == NULL || row->fact != YQ_PRESENT || !row->enabled)
        return true;
    const char *parent = wanted_parent(v, d);
    if (parent == NULL || row->parent == NULL || strcmp(parent, row->parent) != 0)
        return true;
    return name_differs(v, d, row);
}

static bool never_touch(const struct yq_reconcile *r, uint32_t id)
{
    const struct yq_policy *p = &r->connection->settings->policy;
    for (size_t i = 0; i < p->never_touch_department_count; i++) {
        if (p->never_touch_departments[i] == id)
            return true;
    }
    return false;
}

static bool compares(const struct yq_reconcile *r, uint32_t id)
{
    bool root = id == WECOM_ROOT && !r->connection->settings->policy.rename_root;
    return !root && !never_touch(r, id);
}

static void add(struct yq_reconcile *r, struct yq_view *v, uint32_t id)
{
    struct yq_subject subject = yq_subject_department(id);
    (void)yq_reconcile_evidence(v, &subject);
    r->counts.departments++;
}

static void find_differing(struct yq_reconcile *r, struct yq_view *v)
{
    for (struct yq_wecom_department *d = v->wecom_departments; d != NULL; d = d->hh.next) {
        if (d->fact != YQ_PRESENT)
            continue;
        r->range.departments++;
        if (compares(r, d->id) && differs(v, d))
            add(r, v, d->id);
    }
}

/* ---- linked, but not in the list: gone, or out of sight ---- */

static size_t find_absent(const struct yq_reconcile *r, const struct yq_view *v, uint32_t *ids)
{
    size_t count = 0;
    for (const struct yq_link_department *l = v->department_links; l != NULL; l = l->hh.next) {
        const struct yq_wecom_department *d = yq_view_find_wecom_department(v, l->id);
        bool seen = d != NULL && d->fact == YQ_PRESENT;
        if (!seen && l->id != WECOM_ROOT && compares(r, l->id))
            ids[count++] = l->id;
    }
    return count;
}

/* Those that the whole company's tree still has are out of sight, and stay as they are; the engine
 * asks for each of the others by its id, and only that answer says that it is gone. Without that
 * tree, those known to be out of sight are asked for by the full reconcile only. Where they are to
 * be disabled, their people go first, which the full reconcile alone sees to. */
static int sort_absent(struct yq_reconcile *r, struct yq_view *v, const uint32_t *ids, size_t count,
                       struct yq_error *err)
{
    struct yq_view *company = yq_view_new();
    bool known = false, closes = r->connection->settings->policy.disable_departments;
    int rc = yq_wecom_list_company_departments(r->connection->wecom, r->c->http, company, &known,
                                               &r->watch, err);
    for (size_t i = 0; i < count && rc == 0; i++) {
        const struct yq_wecom_department *d =
            known ? yq_view_find_wecom_department(company, ids[i]) : NULL;
        bool hidden = d != NULL && d->fact == YQ_PRESENT;
        if (!known && r->kind != YQ_RECONCILE_FULL)
            hidden = yq_range_was_missing(r, ids[i]);
        if (hidden)
            yq_view_wecom_department(v, ids[i])->fact = YQ_HIDDEN;
        else if (r->kind == YQ_RECONCILE_FULL || !closes)
            add(r, v, ids[i]);
    }
    yq_view_free(company);
    return rc;
}

/* Neither seen nor gone for sure: another list still has it, or nobody could say. */
static bool is_missing(const struct yq_wecom_department *d)
{
    return d != NULL && (d->fact == YQ_HIDDEN || d->fact == YQ_UNREADABLE);
}

/* The name of a branch that went out of sight; NULL where its parent did, too. */
static const char *branch(const struct yq_view *v, const struct yq_link_department *l)
{
    const struct yq_eteams_department *row = yq_view_find_eteams_department(v, l->eteams);
    const struct yq_eteams_department *parent =
        row != NULL && row->parent != NULL ? yq_view_find_eteams_department(v, row->parent) : NULL;
    const struct yq_wecom_department *above =
        parent != NULL && parent->owner != NULL
            ? yq_view_find_wecom_department(v, parent->owner->id)
            : NULL;
    if (is_missing(above))
        return NULL;
    return row != NULL ? row->name : "?";
}

static void tell_range(struct yq_reconcile *r, const struct yq_view *v, const uint32_t *ids,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct yq_wecom_department *d = yq_view_find_wecom_department(v, ids[i]);
        const struct yq_link_department *l = yq_view_department_link(v, ids[i]);
        if (d != NULL && d->fact == YQ_HIDDEN && l != NULL)
            yq_range_add_missing(r, ids[i], branch(v, l));
        else if (is_missing(d) && l != NULL)
            yq_range_add_unread(r, ids[i]);
    }
}

/* ---- gone, but not empty ---- */

static void look_at(void *context, const struct yq_outcome *o)
{
    struct yq_reconcile *r = context;
    unsigned id;
    if (o->kind != YQ_OUTCOME_WAIT || o->error.code != NOT_EMPTY ||
        sscanf(o->key, "department:%u", &id) != 1)
        return;
    r->counts.waiting--;
    yq_grow(&r->closing, &r->closing_capacity, r->closing_count, sizeof(*r->closing));
    r->closing[r->closing_count++] = id;
}

int yq_reconcile_close_departments(struct yq_reconcile *r, struct yq_error *err)
{
    if (r->closing_count == 0)
        return 0;
    struct yq_view *v = yq_view_new();
    yq_reconcile_phase(r, "departments", r->closing_count);
    for (size_t i = 0; i < r->closing_count; i++) {
        struct yq_subject subject = yq_subject_department(r->closing[i]);
        yq_reconcile_evidence(v, &subject)->waited_ms =
            r->connection->settings->policy.not_ready_ms; /* now or never */
    }
    int rc = yq_reconcile_scope(r, v, NULL, NULL, err);
    yq_view_free(v);
    return rc;
}

/* ---- the phase ---- */

static int bring_in_step(struct yq_reconcile *r, struct yq_view *v, struct yq_error *err)
{
    uint32_t *absent = yq_calloc(HASH_COUNT(v->department_links) + 1, sizeof(*absent));
    size_t count = find_absent(r, v, absent);
    int rc = 0;
    find_differing(r, v);
    if (count > 0)
        rc = sort_absent(r, v, absent, count, err);
    if (rc == 0 && r->counts.departments > 0) {
        yq_reconcile_phase(r, "departments", r->counts.departments);
        rc = yq_reconcile_scope(r, v, look_at, r, err);
    }
    if (rc == 0)
        tell_range(r, v, absent, count);
    free(absent);
    return rc;
}

int yq_reconcile_departments(struct yq_reconcile *r, struct yq_error *err)
{
    struct yq_view *v = yq_view_new();
    yq_reconcile_phase(r, "departments", 0);
    int rc = read_all(r, v, err);
    if (rc == 0)
        rc = bring_in_step(r, v, err);
    yq_view_free(v);
    return rc;
}
