/* Where a member belongs in eteams: main department and part-time departments (R6, R7, R10;
 * decisions.md 6, 16). */
#include <string.h>

#include "planner.h"

static bool same_ref(struct yq_ref a, struct yq_ref b)
{
    if (a.id != NULL && b.id != NULL)
        return strcmp(a.id, b.id) == 0;
    return a.id == NULL && b.id == NULL && a.wecom == b.wecom;
}

static bool has_ref(const struct yq_ref *list, size_t count, struct yq_ref ref)
{
    for (size_t i = 0; i < count; i++) {
        if (same_ref(list[i], ref))
            return true;
    }
    return false;
}

/* The departments as WeCom has them: as read, else as an event said. */
static const struct yq_wecom_member *source(struct member *m)
{
    if (m->w->known & YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS))
        return m->w;
    const struct yq_evidence *e = m->evidence;
    if (e == NULL || e->reported_member == NULL ||
        !(e->reported_member->known & YQ_FIELD_BIT(YQ_FIELD_DEPARTMENTS)))
        return NULL;
    int64_t at = e->reported_at[YQ_FIELD_DEPARTMENTS];
    if (!is_news(m, at, YQ_FIELD_DEPARTMENTS))
        return NULL;
    m->verdict->heard_at[YQ_FIELD_DEPARTMENTS] = at;
    return e->reported_member;
}

/* What stands for the department: also while its own place in the tree has to wait, or is a case;
 * not what is disabled and stays so. */
static struct yq_ref usable_ref(const struct planner *p, const struct department *d)
{
    bool unsettled = d->progress == WAITS || d->progress == HIDES;
    if (unsettled && d->link != NULL && !d->link_is_stale &&
        !is_closed(yq_view_find_eteams_department(p->view, d->link->eteams)))
        return (struct yq_ref){.id = d->link->eteams, .wecom = d->id};
    return d->ref;
}

/* Out of sight is left out (R10); what is a case, or on its way, is waited for. */
static bool waits(const struct department *d)
{
    return d->progress == WAITS ||
           (d->progress == HIDES && d->reason.code != YQ_REASON_OUT_OF_SIGHT &&
            d->reason.code != YQ_REASON_PROTECTED);
}

/* Resolves the visible departments in WeCom's order; what is hidden, gone or a case is left out. */
static enum progress resolve(struct planner *p, struct member *m, const struct yq_wecom_member *w,
                             struct yq_ref *refs, size_t *ret_count)
{
    enum progress step = READY;
    for (size_t i = 0; i < w->department_count; i++) {
        const struct department *d = settle_department(p, w->departments[i], false);
        if (d->progress == OPEN)
            step = OPEN;
        struct yq_ref ref = usable_ref(p, d);
        if (ref.id == NULL && waits(d) && step == READY) {
            conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_PARENT_WAITS,
                     yq_arena_printf(p->arena, "%u", d->id), yq_reason_name(d->reason.code));
            step = WAITS;
        }
        if ((d->progress == READY || ref.id != NULL) && !has_ref(refs, *ret_count, ref))
            refs[(*ret_count)++] = ref;
    }
    return step;
}

/* What stands for main_department, where that is visible and can be used; for a newcomer, where it
 * is not visible, what stands for the first that is. */
static bool named_main(struct planner *p, const struct member *m, const struct yq_wecom_member *w,
                       struct yq_ref *ret)
{
    uint32_t main = m->w->main_department ? m->w->main_department : w->main_department;
    bool visible = false;
    for (size_t i = 0; i < w->department_count; i++)
        visible |= w->departments[i] == main;
    if (!visible && (m->row != NULL || w->department_count == 0))
        return false;
    const struct department *d = settle_department(p, visible ? main : w->departments[0], false);
    struct yq_ref ref = usable_ref(p, d);
    if (d->progress != READY && ref.id == NULL)
        return false;
    *ret = ref;
    return true;
}

/* decisions.md 6: main_department, else eteams' present main department where that is among the
 * visible ones, else the first. */
static struct yq_ref choose_main(struct planner *p, const struct member *m,
                                 const struct yq_wecom_member *w, const struct yq_ref *refs,
                                 size_t count)
{
    struct yq_ref named;
    if (named_main(p, m, w, &named))
        return named;
    if (m->row != NULL && m->row->department_count > 0) {
        struct yq_ref present = {.id = m->row->departments[0]};
        for (size_t i = 0; i < count; i++) {
            if (same_ref(refs[i], present))
                return refs[i];
        }
    }
    return refs[0];
}

enum progress posts_of(struct planner *p, struct member *m, const struct yq_eteams_member *row)
{
    if (row->posts_fact == YQ_UNASKED) {
        need(p, YQ_NEED_POSTS, row->id, 0);
        return m->progress = OPEN;
    }
    if (row->posts_fact == YQ_UNREADABLE) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE,
                 row->error ? row->error->text : "eteams", NULL);
        return m->progress = WAITS;
    }
    return READY;
}

/* Can there be any? An attempt that did not end may have left one that neither the link knows nor
 * the list of departments shows: where the main one is now. */
static enum progress posts_known(struct planner *p, struct member *m)
{
    bool some = m->part_count > 0 || (m->link != NULL && m->link->post_count > 0) ||
                (m->row != NULL && m->row->department_count > 1) ||
                (m->evidence != NULL && m->evidence->attempts > 1);
    if (m->row == NULL || !some || p->policy->part_time == YQ_PART_TIME_NONE)
        return READY;
    return posts_of(p, m, m->row);
}

/* ---- posts in departments out of sight ---- */

/* Does WeCom not show the department that is linked with this one of eteams? Where that cannot be
 * read, it is asked again. */
static enum progress is_unseen(struct planner *p, struct member *m, const char *eteams,
                               bool *ret_unseen)
{
    const struct yq_eteams_department *row = yq_view_find_eteams_department(p->view, eteams);
    *ret_unseen = false;
    if (row == NULL || row->fact == YQ_UNASKED) {
        need(p, YQ_NEED_ETEAMS_DEPARTMENT, eteams, 0);
        return OPEN;
    }
    if (row->owner == NULL || row->owner->id == WECOM_ROOT)
        return READY;
    const struct yq_wecom_department *w = yq_view_find_wecom_department(p->view, row->owner->id);
    if (w == NULL || w->fact == YQ_UNASKED) {
        need(p, YQ_NEED_WECOM_DEPARTMENT, NULL, row->owner->id);
        return OPEN;
    }
    *ret_unseen = w->fact == YQ_HIDDEN || w->fact == YQ_UNREADABLE;
    if (w->fact == YQ_UNREADABLE)
        m->posts_left = (struct yq_reason){.code = YQ_REASON_UNREADABLE,
                                           .args = {w->error ? w->error->text : "WeCom"}};
    else if (*ret_unseen && m->posts_left.code == YQ_REASON_NONE)
        m->posts_left =
            (struct yq_reason){.code = YQ_REASON_POST_UNSEEN,
                               .args = {yq_arena_printf(p->arena, "%u", row->owner->id)}};
    return READY;
}

static enum progress keep_if_unseen(struct planner *p, struct member *m, const char *eteams)
{
    bool unseen = false;
    const struct yq_ref ref = {.id = eteams};
    if (has_ref(m->parts, m->part_count, ref) || same_ref(m->main, ref))
        return READY;
    enum progress step = is_unseen(p, m, eteams, &unseen);
    if (unseen)
        m->unseen[m->unseen_count++] = eteams;
    return step;
}

/* WeCom tells of a member only the departments that can be seen: nobody can know whether he is
 * still in one of the others. His post there stays as it is (decisions.md 26). */
static enum progress keep_unseen(struct planner *p, struct member *m)
{
    const struct yq_eteams_member *row = m->row;
    if (row == NULL || p->policy->part_time == YQ_PART_TIME_NONE)
        return READY;
    bool full = p->policy->part_time == YQ_PART_TIME_FULL;
    bool linked = row->posts_fact == YQ_ABSENT && m->link != NULL;
    size_t count = linked ? m->link->post_count : row->post_count;
    enum progress worst = READY;
    m->unseen = yq_arena_alloc(p->arena, (count + 1) * sizeof(*m->unseen));
    m->unseen_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!linked && !row->posts[i].ours && !full)
            continue;
        enum progress step =
            keep_if_unseen(p, m, linked ? m->link->posts[i] : row->posts[i].department);
        if (step == OPEN || worst == READY)
            worst = step;
    }
    m->verdict->kept_posts = m->unseen;
    m->verdict->kept_count = m->unseen_count;
    return worst;
}

static enum progress settle_posts(struct planner *p, struct member *m)
{
    enum progress step = posts_known(p, m);
    return step == READY ? keep_unseen(p, m) : step;
}

static bool wait_expired(const struct planner *p, const struct member *m)
{
    return m->evidence == NULL || m->evidence->waited_ms >= p->policy->not_ready_ms;
}

enum progress place_member(struct planner *p, struct member *m)
{
    const struct yq_wecom_member *w = source(m);
    if (w == NULL) {
        m->departments_known = false;
        if (m->row != NULL)
            return READY;
        enum yq_verdict_kind kind = wait_expired(p, m) ? YQ_VERDICT_CASE : YQ_VERDICT_WAIT;
        conclude(m->verdict, kind, YQ_REASON_NO_DEPARTMENTS, NULL, NULL);
        return WAITS;
    }
    m->departments_known = true;
    struct yq_ref *refs = yq_arena_alloc(p->arena, (w->department_count + 1) * sizeof(*refs));
    size_t count = 0;
    enum progress step = resolve(p, m, w, refs, &count);
    if (step == WAITS) /* where a leaver is looked for, the main department tells them apart */
        (void)named_main(p, m, w, &m->main);
    if (step != READY)
        return step;
    if (count == 0) { /* R10 */
        if (p->view->eteams_root == NULL)
            return OPEN;
        m->to_root = true;
        m->main = (struct yq_ref){.id = p->view->eteams_root};
        return settle_posts(p, m);
    }
    m->main = choose_main(p, m, w, refs, count);
    m->parts = yq_arena_alloc(p->arena, (count + 1) * sizeof(*refs));
    for (size_t i = 0; i < count; i++) {
        if (!same_ref(refs[i], m->main))
            m->parts[m->part_count++] = refs[i];
    }
    return settle_posts(p, m);
}
