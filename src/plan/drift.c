/* Two whole snapshots compared: one walk over WeCom's people and the links, side by side, with a
 * look into eteams' for each. */
#include "plan/drift.h"

#include <stdlib.h>

#define STATUS_DISABLED 2 /* wecom.md §4.3 */
#define STATUS_LEFT 5

struct search {
    const struct yq_snapshot *wecom, *eteams;
    const struct yq_drift_links *links;
    const struct yq_policy *policy;
    yq_drift_report *report;
    void *context;
};

static int compare_members(const void *left, const void *right)
{
    const struct yq_drift_member *a = left, *b = right;
    return a->member < b->member ? -1 : a->member > b->member;
}

static int compare_departments(const void *left, const void *right)
{
    const struct yq_drift_department *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* What stands for that department in eteams; 0: nothing yet. */
static uint64_t counterpart(const struct search *s, uint32_t id)
{
    const struct yq_drift_department key = {.id = id};
    const struct yq_drift_department *found =
        s->links->department_count
            ? bsearch(&key, s->links->departments, s->links->department_count, sizeof(key),
                      compare_departments)
            : NULL;
    return found ? found->eteams : 0;
}

static bool has_part(const struct search *s, const struct yq_snapshot_person *e, uint64_t hash)
{
    for (uint16_t i = 0; i < e->part_count; i++) {
        if (s->eteams->parts[e->parts + i] == hash)
            return true;
    }
    return false;
}

static bool fields_differ(const struct yq_snapshot_person *w, const struct yq_snapshot_person *e)
{
    for (int f = 0; f < YQ_DIGEST_COUNT; f++) {
        if (w->digests[f] != 0 && w->digests[f] != e->digests[f])
            return true;
    }
    return false;
}

/* Main and part-time departments. Part-time ones that only eteams has may be its own: the engine
 * tells them apart, so that a differing number is enough to look closer only where WeCom wins. */
static bool place_differs(const struct search *s, const struct yq_snapshot_person *w,
                          const struct yq_snapshot_person *e)
{
    if (w->part_count == 0)
        return false; /* not known, or none visible: under the root, which the engine decides */
    bool main_seen = false;
    uint16_t wanted = 0;
    for (uint16_t i = 0; i < w->part_count; i++) {
        uint32_t id = (uint32_t)s->wecom->parts[w->parts + i];
        uint64_t hash = counterpart(s, id);
        if (hash == 0)
            return true;
        if (hash == e->main) {
            main_seen = w->main == 0 || w->main == id || main_seen;
            if (w->main != 0 && w->main != id)
                return true;
            continue;
        }
        wanted++;
        if (!has_part(s, e, hash) && s->policy->part_time != YQ_PART_TIME_NONE)
            return true;
    }
    return !main_seen || (wanted != e->part_count && s->policy->part_time != YQ_PART_TIME_NONE);
}

static void tell(const struct search *s, enum yq_drift_kind kind,
                 const struct yq_snapshot_person *w, uint64_t member)
{
    struct yq_drift_found found = {
        .kind = kind, .userid = w ? yq_snapshot_id(s->wecom, w) : NULL, .member = member};
    s->report(s->context, &found);
}

static void compare_linked(const struct search *s, const struct yq_snapshot_person *w,
                           const struct yq_drift_member *link)
{
    bool leaves = w->status == STATUS_LEFT || (w->status == STATUS_DISABLED &&
                                               s->policy->disabled_members == YQ_DISABLED_RESIGN);
    const struct yq_snapshot_person *e = yq_snapshot_find(s->eteams, link->eteams);
    bool serves = e != NULL && e->status == 1;
    if (leaves) {
        if (serves)
            tell(s, YQ_DRIFT_LEFT, w, w->key);
    } else if (link->left) {
        tell(s, YQ_DRIFT_RETURNED, w, w->key);
    } else if (!serves) {
        if (s->eteams->complete)
            tell(s, YQ_DRIFT_STALE, w, w->key);
    } else if (fields_differ(w, e) || place_differs(s, w, e)) {
        tell(s, YQ_DRIFT_CHANGED, w, w->key);
    }
}

static void find_members(const struct search *s)
{
    const struct yq_drift_links *links = s->links;
    size_t l = 0;
    for (size_t i = 0; i < s->wecom->count; i++) {
        const struct yq_snapshot_person *w = &s->wecom->people[i];
        for (; l < links->member_count && links->members[l].member < w->key; l++) {
            if (s->wecom->complete && !links->members[l].left)
                tell(s, YQ_DRIFT_GONE, NULL, links->members[l].member);
        }
        if (l < links->member_count && links->members[l].member == w->key)
            compare_linked(s, w, &links->members[l++]);
        else if (w->status != STATUS_LEFT)
            tell(s, YQ_DRIFT_NEW, w, w->key);
    }
    for (; l < links->member_count; l++) {
        if (s->wecom->complete && !links->members[l].left)
            tell(s, YQ_DRIFT_GONE, NULL, links->members[l].member);
    }
}

void yq_drift_find(const struct yq_snapshot *wecom, const struct yq_snapshot *eteams,
                   struct yq_drift_links *links, const struct yq_policy *policy,
                   yq_drift_report *report, void *context)
{
    if (links->member_count > 1)
        qsort(links->members, links->member_count, sizeof(*links->members), compare_members);
    if (links->department_count > 1)
        qsort(links->departments, links->department_count, sizeof(*links->departments),
              compare_departments);
    struct search s = {wecom, eteams, links, policy, report, context};
    find_members(&s);
}
