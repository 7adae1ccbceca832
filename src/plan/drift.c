/* Two whole snapshots compared: one walk over WeCom's people and the links, side by side, with a
 * look into eteams' for each. */
#include "plan/drift.h"

#include <assert.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/sort.h"

#define STATUS_DISABLED 2 /* wecom.md §4.3 */
#define STATUS_LEFT 5
#define ROOT 1
#define AHEAD 8 /* links: their records are fetched while others are compared */

/* ---- links ---- */

void yq_drift_add_member(struct yq_drift_links *l, const char *userid, const char *eteams,
                         bool left, const char *const *posts, size_t post_count)
{
    yq_grow(&l->members, &l->member_capacity, l->member_count, sizeof(*l->members));
    struct yq_drift_member *m = &l->members[l->member_count++];
    *m = (struct yq_drift_member){.member = yq_userid_hash(userid),
                                  .eteams = yq_id_hash(eteams),
                                  .posts = (uint32_t)l->post_size,
                                  .left = left};
    for (size_t i = 0; i < post_count && m->post_count < UINT16_MAX; i++) {
        yq_grow(&l->posts, &l->post_capacity, l->post_size, sizeof(*l->posts));
        l->posts[l->post_size++] = yq_digest(posts[i]);
        m->post_count++;
    }
}

void yq_drift_add_department(struct yq_drift_links *l, uint32_t id, const char *eteams)
{
    yq_grow(&l->departments, &l->department_capacity, l->department_count, sizeof(*l->departments));
    l->departments[l->department_count++] = (struct yq_drift_department){id, yq_digest(eteams)};
}

void yq_drift_add_unseen(struct yq_drift_links *l, const char *eteams)
{
    yq_grow(&l->unseen, &l->unseen_capacity, l->unseen_count, sizeof(*l->unseen));
    l->unseen[l->unseen_count++] = yq_digest(eteams);
}

void yq_drift_links_release(struct yq_drift_links *l)
{
    free(l->members);
    free(l->departments);
    free(l->posts);
    free(l->unseen);
    *l = (struct yq_drift_links){0};
}

/* ---- the search ---- */

struct search {
    const struct yq_snapshot *wecom, *eteams;
    const struct yq_drift_links *links;
    const struct yq_policy *policy;
    bool shows_parts; /* eteams' lists tell part-time departments */
    yq_drift_report *report;
    void *context;
};

static int compare_departments(const void *left, const void *right)
{
    const struct yq_drift_department *a = left, *b = right;
    return a->id < b->id ? -1 : a->id > b->id;
}

/* What stands for that department in eteams; 0: nothing yet. */
static uint32_t counterpart(const struct search *s, uint32_t id)
{
    const struct yq_drift_department *list = s->links->departments;
    size_t low = 0, high = s->links->department_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->links->department_count && list[low].id == id ? list[low].eteams : 0;
}

static bool has(const uint32_t *list, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == value)
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

static bool never_touched(const struct search *s, uint32_t department)
{
    return has(s->policy->never_touch_departments, s->policy->never_touch_department_count,
               department);
}

/* Where the person belongs: what plan_placement.c would settle on. */
#define PLACES_MAX 64
struct place {
    uint32_t main;            /* 0: whichever of `all` eteams has */
    uint32_t all[PLACES_MAX]; /* without doubles */
    size_t count;
};

/* Returns false if that cannot be told here, so that the engine must look. */
static bool find_place(const struct search *s, const struct yq_snapshot_person *w,
                       struct place *ret)
{
    ret->main = 0;
    ret->count = 0;
    for (uint16_t i = 0; i < w->part_count; i++) {
        uint32_t id = yq_snapshot_parts(s->wecom, w)[i], eteams = counterpart(s, id);
        if (eteams == 0 && never_touched(s, id))
            continue;
        if (eteams == 0 || ret->count == PLACES_MAX)
            return false;
        if (id == w->main)
            ret->main = eteams;
        if (!has(ret->all, ret->count, eteams))
            ret->all[ret->count++] = eteams;
    }
    if (ret->count == 0) { /* R10: under the root */
        ret->main = counterpart(s, ROOT);
        ret->all[ret->count++] = ret->main;
        return ret->main != 0;
    }
    return true;
}

/* A department that he is not in, and not one of which nobody can know. */
static bool is_surplus(const struct search *s, const struct place *place, uint32_t department)
{
    return !has(place->all, place->count, department) &&
           !has(s->links->unseen, s->links->unseen_count, department);
}

/* Part-time departments that are lacking, or too many: in mode `incremental` of ours only, since
 * others may have been made in eteams (decisions.md 16). */
static bool posts_differ(const struct search *s, const struct place *place,
                         const struct yq_snapshot_person *e, const struct yq_drift_member *link)
{
    const uint32_t *posts = s->links->posts + link->posts;
    const uint32_t *parts = yq_snapshot_parts(s->eteams, e);
    size_t lacking = 0;
    for (size_t i = 0; i < place->count; i++) {
        uint32_t wanted = place->all[i];
        bool there = s->shows_parts ? has(parts, e->part_count, wanted)
                                    : has(posts, link->post_count, wanted);
        lacking += wanted != e->main && !there;
    }
    for (size_t i = 0; i < link->post_count; i++)
        lacking += is_surplus(s, place, posts[i]) || posts[i] == e->main;
    for (size_t i = 0; i < e->part_count && s->policy->part_time == YQ_PART_TIME_FULL; i++)
        lacking += is_surplus(s, place, parts[i]);
    return lacking > 0;
}

static bool place_differs(const struct search *s, const struct yq_snapshot_person *w,
                          const struct yq_snapshot_person *e, const struct yq_drift_member *link)
{
    struct place place;
    if (!w->departments_known)
        return false;
    if (!find_place(s, w, &place))
        return w->part_count > 0;
    if (place.main != 0 ? place.main != e->main : !has(place.all, place.count, e->main))
        return true;
    return s->policy->part_time != YQ_PART_TIME_NONE && posts_differ(s, &place, e, link);
}

static void tell(const struct search *s, enum yq_drift_kind kind,
                 const struct yq_snapshot_person *w, uint64_t member)
{
    for (char **id = s->policy->never_touch_members; id != NULL && *id != NULL; id++) {
        if (yq_userid_hash(*id) == member)
            return;
    }
    struct yq_drift_found found = {
        .kind = kind, .userid = w ? yq_snapshot_id(s->wecom, w) : NULL, .member = member};
    s->report(s->context, &found);
}

static bool leaves(const struct search *s, const struct yq_snapshot_person *w)
{
    bool resigns = s->policy->disabled_members == YQ_DISABLED_RESIGN; /* decisions.md 21 */
    return w->status == STATUS_LEFT || (w->status == STATUS_DISABLED && resigns);
}

static bool superiors_differ(const struct search *s, const struct yq_snapshot_person *w,
                             const struct yq_snapshot_person *e)
{
    const struct yq_drift_compared c = {.wecom = s->wecom,
                                        .eteams = s->eteams,
                                        .w = w,
                                        .e = e,
                                        .source = s->policy->superior_source};
    return s->links->leaders != NULL && yq_drift_superiors_differ(s->links, &c);
}

/* Who has a job number in eteams keeps it, whatever it is (decisions.md 4); otherwise only whoever
 * is new, or had another userid, gets one. */
static bool lacks_job_num(const struct search *s, const struct yq_snapshot_person *e)
{
    return s->policy->write_job_num == YQ_JOB_NUM_ALWAYS && e->no_job_num;
}

static bool differs(const struct search *s, const struct yq_snapshot_person *w,
                    const struct yq_snapshot_person *e, const struct yq_drift_member *link)
{
    return fields_differ(w, e) || lacks_job_num(s, e) || place_differs(s, w, e, link) ||
           superiors_differ(s, w, e);
}

static void compare_linked(const struct search *s, const struct yq_snapshot_person *w,
                           const struct yq_drift_member *link)
{
    const struct yq_snapshot_person *e = yq_snapshot_find(s->eteams, link->eteams);
    bool serves = e != NULL && e->status == 1;
    if (leaves(s, w)) {
        if (serves)
            tell(s, YQ_DRIFT_LEFT, w, w->key);
    } else if (link->left) {
        tell(s, YQ_DRIFT_RETURNED, w, w->key);
    } else if (!serves) {
        if (s->eteams->complete)
            tell(s, YQ_DRIFT_STALE, w, w->key);
    } else if (differs(s, w, e, link)) {
        tell(s, YQ_DRIFT_CHANGED, w, w->key);
    }
}

/* A link whose member is not in the list. */
static void miss(const struct search *s, const struct yq_drift_member *link)
{
    if (s->wecom->complete && !link->left)
        tell(s, YQ_DRIFT_GONE, NULL, link->member);
}

static void find_members(const struct search *s)
{
    const struct yq_drift_member *link = s->links->members, *end = link + s->links->member_count;
    for (size_t i = 0; i < s->wecom->count; i++) {
        const struct yq_snapshot_person *w = &s->wecom->people[i];
        if (end - link > AHEAD)
            yq_snapshot_expect(s->eteams, link[AHEAD].eteams);
        for (; link < end && link->member < w->key; link++)
            miss(s, link);
        if (link < end && link->member == w->key)
            compare_linked(s, w, link++);
        else if (!leaves(s, w))
            tell(s, YQ_DRIFT_NEW, w, w->key);
    }
    for (; link < end; link++)
        miss(s, link);
}

void yq_drift_find(const struct yq_snapshot *wecom, const struct yq_snapshot *eteams,
                   struct yq_drift_links *links, const struct yq_policy *policy,
                   yq_drift_report *report, void *context)
{
    assert(wecom->sealed && eteams->sealed);
    yq_sort_by_key(links->members, links->member_count, sizeof(*links->members));
    if (links->department_count > 1)
        qsort(links->departments, links->department_count, sizeof(*links->departments),
              compare_departments);
    struct search s = {.wecom = wecom,
                       .eteams = eteams,
                       .links = links,
                       .policy = policy,
                       .shows_parts = eteams->has_parts,
                       .report = report,
                       .context = context};
    find_members(&s);
}
