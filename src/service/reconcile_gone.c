/* Who has left, as far as absence tells: linked, and in none of two complete listings of the whole
 * company, the second made after the first (decisions.md 1). Whatever is not sure ends in nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/wecom_listing.h"
#include "plan/guard.h"
#include "reconcile.h"
#include "service/log.h"

struct candidates {
    uint64_t *members; /* sorted */
    size_t count;
};

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static bool is_candidate(const struct candidates *c, uint64_t member)
{
    return c->count > 0 &&
           bsearch(&member, c->members, c->count, sizeof(*c->members), compare) != NULL;
}

static void drop_doubles(struct candidates *c)
{
    size_t kept = 0;
    if (c->count > 1)
        qsort(c->members, c->count, sizeof(*c->members), compare);
    for (size_t i = 0; i < c->count; i++) {
        if (kept == 0 || c->members[kept - 1] != c->members[i])
            c->members[kept++] = c->members[i];
    }
    c->count = kept;
}

static void no_removals(const struct yq_reconcile *r, const char *why)
{
    yq_log(YQ_LOG_WARN, "reconcile.no_removals", "connection", r->id, "run", r->run, "why", why,
           NULL);
}

/* ---- is the listing to be relied on? ---- */

/* Where nobody can be asked about singly, absence from lists is all that tells, and listings of one
 * run that do not agree are not to be relied on, but for those who left between them. */
static bool disagree(const struct yq_reconcile *r, const struct yq_snapshot *visible,
                     const struct yq_snapshot *company)
{
    size_t lacking = 0;
    for (size_t i = 0; r->range.ids_only && i < visible->count; i++)
        lacking += yq_snapshot_find(company, visible->people[i].key) == NULL;
    return lacking > visible->count / 1000;
}

/* The whole company, or *ret_sure false. Half of what was there before is no company from which
 * people left, but a list that lacks something; the second time it is believed, and held. */
static int list_company(struct yq_reconcile *r, const struct yq_snapshot *visible,
                        struct yq_snapshot *ret, bool *ret_sure, struct yq_error *err)
{
    *ret_sure = false;
    yq_reconcile_phase(r, "leavers", 0);
    if (yq_wecom_list_ids(r->connection->wecom, r->c->http, ret, &r->watch, err) < 0) {
        no_removals(r, err->text);
        return err->kind == YQ_ERROR_LOST ? -1 : 0;
    }
    bool half = (int64_t)ret->count * 2 < r->range.company_before;
    if (!ret->complete || ret->count == 0) {
        no_removals(r, "the listing of the company is not complete");
    } else if (half) {
        no_removals(r, "the listing of the company has less than half of the people");
        r->range.company = ret->count;
        r->range.shrank = true;
    } else if (disagree(r, visible, ret)) {
        no_removals(r, "listings of the company do not agree");
    } else {
        r->range.company = ret->count;
        *ret_sure = true;
    }
    return 0;
}

/* Linked people who work in the company but cannot be seen any more: more of them than may leave at
 * once is a range that shrank. */
static void judge_range(struct yq_reconcile *r, const struct yq_drift_links *links,
                        const struct yq_snapshot *visible, const struct yq_snapshot *company)
{
    int64_t hidden = 0, before = r->range.company_before - r->range.members_before;
    for (size_t i = 0; i < links->member_count; i++) {
        uint64_t key = links->members[i].member;
        hidden += !links->members[i].left && yq_snapshot_find(company, key) != NULL &&
                  yq_snapshot_find(visible, key) == NULL;
    }
    struct yq_guard_limits limits =
        yq_guard_limits(&r->connection->settings->policy, (int64_t)links->member_count);
    bool known = r->range.company_before > 0;
    if (known && hidden > (before > 0 ? before : 0) + limits.run)
        r->range.shrank = true;
}

/* ---- candidates ---- */

static void find_absent(const struct yq_drift_links *links, const struct yq_snapshot *visible,
                        const struct yq_snapshot *company, struct candidates *ret)
{
    ret->members = yq_calloc(links->member_count + 1, sizeof(*ret->members));
    for (size_t i = 0; i < links->member_count; i++) {
        uint64_t key = links->members[i].member;
        if (!links->members[i].left && yq_snapshot_find(company, key) == NULL &&
            yq_snapshot_find(visible, key) == NULL)
            ret->members[ret->count++] = key;
    }
    drop_doubles(ret);
}

static void keep_absent(struct candidates *c, const struct yq_snapshot *company)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (yq_snapshot_find(company, c->members[i]) == NULL)
            c->members[kept++] = c->members[i];
    }
    c->count = kept;
}

struct naming {
    const struct candidates *c;
    struct yq_arena *arena;
    const char **names;
    size_t count, capacity;
};

static void name_candidate(void *context, const struct yq_link_seen *link)
{
    struct naming *n = context;
    if (link->left || !is_candidate(n->c, yq_userid_hash(link->key)))
        return;
    yq_grow(&n->names, &n->capacity, n->count, sizeof(*n->names));
    n->names[n->count++] = yq_arena_strdup(n->arena, link->key);
}

/* Hashes become userids again. */
static int name_them(struct yq_reconcile *r, const struct candidates *c, struct yq_arena *arena,
                     const char ***ret, size_t *ret_count, struct yq_error *err)
{
    struct naming n = {.c = c, .arena = arena};
    if (yq_store_scan_member_links(r->c->redis, r->c->keys, r->id, name_candidate, &n, err) < 0) {
        free(n.names);
        return -1;
    }
    *ret = n.names;
    *ret_count = n.count;
    return 0;
}

int yq_reconcile_find_gone(struct yq_reconcile *r, const struct yq_drift_links *links,
                           const struct yq_snapshot *visible, struct yq_arena *arena,
                           const char ***ret, size_t *ret_count, struct yq_error *err)
{
    const char *secret = r->connection->settings->wecom.contacts_secret;
    struct yq_snapshot company;
    struct candidates c = {0};
    bool sure = false;
    *ret_count = 0;
    if (r->kind != YQ_RECONCILE_FULL || secret == NULL || secret[0] == '\0')
        return 0;
    yq_snapshot_init(&company);
    int rc = list_company(r, visible, &company, &sure, err);
    if (rc == 0 && sure) {
        judge_range(r, links, visible, &company);
        find_absent(links, visible, &company, &c);
    }
    if (rc == 0 && c.count > 0 && (r->range.shrank || r->incomplete)) {
        no_removals(r, "WeCom shows less than before");
        c.count = 0;
    }
    if (rc == 0 && c.count > 0) {
        yq_snapshot_release(&company);
        yq_snapshot_init(&company);
        rc = list_company(r, visible, &company, &sure, err);
        if (sure)
            keep_absent(&c, &company);
        else
            c.count = 0;
    }
    if (rc == 0 && c.count > 0)
        rc = name_them(r, &c, arena, ret, ret_count, err);
    free(c.members);
    yq_snapshot_release(&company);
    return rc;
}
