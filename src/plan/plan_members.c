/* Settling members: is it there, in service, known in eteams, and what has to change (R3–R7, R10)?
 */
#include <string.h>

#include "model/normal.h"
#include "planner.h"

#define BURST_SECONDS 5

static enum progress stop(struct member *m, enum progress progress, enum yq_verdict_kind kind,
                          enum yq_reason_code code, const char *arg)
{
    conclude(m->verdict, kind, code, arg, NULL);
    return m->progress = progress;
}

static enum progress leave_alone(struct member *m, enum yq_reason_code code)
{
    m->fate = FROZEN;
    return stop(m, READY, YQ_VERDICT_SKIP, code, NULL);
}

static bool never_touch(const struct planner *p, const char *key)
{
    char *const *list = p->policy->never_touch_members;
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, key) == 0)
            return true;
    }
    return false;
}

const struct yq_evidence *told_by(const struct planner *p, const struct member *m)
{
    const struct found *f = m->evidence == NULL ? renames_to(p, m->key) : NULL;
    return f ? f->what : m->evidence;
}

/* A change of userid takes the link of the old one over (decisions.md 20). */
static void take_over_link(struct planner *p, struct member *m)
{
    for (const struct found *f = renames_to(p, m->key); f != NULL; f = f->next) {
        const struct yq_evidence *e = f->what;
        const struct yq_wecom_member *old = yq_view_find_wecom_member(p->view, e->subject.userid);
        const struct yq_link_member *link = yq_view_member_link(p->view, e->subject.userid);
        if (old == NULL || old->fact != YQ_ABSENT || link == NULL || strcmp(link->key, m->key) == 0)
            continue;
        if (m->link != NULL && strcmp(m->link->how, "created") != 0)
            return; /* two grown records: a person decides */
        m->twin_link = m->link;
        m->link = link;
        m->taken_from = link->userid;
        note_taker(p, m);
        return;
    }
}

/* What WeCom has in that field: as read, else as an event said, unless older than what was heard.
 */
static bool from_event(const struct member *m, enum yq_member_field f)
{
    const struct yq_evidence *e = m->evidence;
    if (m->w->known & YQ_FIELD_BIT(f))
        return false;
    if (e == NULL || e->reported_member == NULL || !(e->reported_member->known & YQ_FIELD_BIT(f)))
        return false;
    return is_news(m, e->reported_at[f], f);
}

/* What was said before the member was created is about somebody else who had the userid. The
 * events of a creation may come in a burst, in any order (wecom.md §2.1.1). */
bool is_news(const struct member *m, int64_t at, enum yq_member_field f)
{
    if (m->evidence != NULL && at + BURST_SECONDS < m->evidence->created_at)
        return false;
    return m->link == NULL || (at >= m->link->heard_at[f] && at + BURST_SECONDS >= m->link->born);
}

static const struct yq_wecom_member *source_of(struct member *m, enum yq_member_field f)
{
    if (m->w->known & YQ_FIELD_BIT(f))
        return m->w;
    if (!from_event(m, f))
        return NULL;
    m->verdict->heard_at[f] = m->evidence->reported_at[f];
    return m->evidence->reported_member;
}

static const char *not_empty(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* Empty values of WeCom never clear those of eteams (design §5). */
static void collect_values(struct planner *p, struct member *m)
{
    const struct yq_wecom_member *w;
    m->verdict->born = m->evidence != NULL ? m->evidence->created_at : 0;
    if ((w = source_of(m, YQ_FIELD_NAME)) != NULL && w->name != NULL)
        m->values[YQ_FIELD_NAME] = not_empty(yq_normal_name(p->arena, w->name));
    if ((w = source_of(m, YQ_FIELD_MOBILE)) != NULL && w->mobile != NULL)
        m->values[YQ_FIELD_MOBILE] = not_empty(yq_normal_mobile(p->arena, w->mobile));
    if ((w = source_of(m, YQ_FIELD_EMAIL)) != NULL && w->email != NULL)
        m->values[YQ_FIELD_EMAIL] = not_empty(yq_normal_email(p->arena, w->email));
    if (p->policy->superiors)
        m->leaders_from = source_of(m, YQ_FIELD_DIRECT_LEADERS);
    m->keys_unknown = m->values[YQ_FIELD_MOBILE] == NULL && m->values[YQ_FIELD_EMAIL] == NULL &&
                      (!source_of(m, YQ_FIELD_MOBILE) || !source_of(m, YQ_FIELD_EMAIL));
    m->said[YQ_FIELD_MOBILE] = m->values[YQ_FIELD_MOBILE];
    m->said[YQ_FIELD_EMAIL] = m->values[YQ_FIELD_EMAIL];
    if ((w = source_of(m, YQ_FIELD_GENDER)) != NULL && w->gender != NULL) {
        const char *gender = yq_normal_gender(w->gender);
        if (gender[0] != '\0')
            m->values[YQ_FIELD_GENDER] = gender[0] == '1' ? "male" : "female";
    }
}

static int status_of(struct member *m)
{
    const struct yq_wecom_member *w = source_of(m, YQ_FIELD_STATUS);
    return w ? w->status : 0;
}

/* Reads the row behind the link; a link whose record is no more is dropped (decisions.md 27). */
enum progress settle_row(struct planner *p, struct member *m)
{
    if (m->link == NULL)
        return READY;
    m->row = yq_view_find_eteams_member(p->view, m->link->eteams);
    if (m->row == NULL || m->row->fact == YQ_UNASKED) {
        need(p, YQ_NEED_ETEAMS_MEMBER, m->link->eteams, 0);
        return m->progress = OPEN;
    }
    m->verdict->eteams = m->row->id;
    if (m->row->fact == YQ_UNREADABLE)
        return stop(m, WAITS, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE,
                    m->row->error ? m->row->error->text : "eteams");
    if (m->row->fact != YQ_PRESENT) {
        m->link_is_stale = true;
        m->row = NULL;
    }
    return READY;
}

void compare_values(struct planner *p, struct member *m)
{
    const struct yq_eteams_member *row = m->row;
    const char *const *v = m->values;
    bool *c = m->changes;
    if (v[YQ_FIELD_NAME] != NULL)
        c[YQ_FIELD_NAME] = !row || !yq_same_name(p->arena, v[YQ_FIELD_NAME], row->name);
    if (v[YQ_FIELD_MOBILE] != NULL)
        c[YQ_FIELD_MOBILE] = !row || !yq_same_mobile(p->arena, v[YQ_FIELD_MOBILE], row->mobile);
    if (v[YQ_FIELD_EMAIL] != NULL)
        c[YQ_FIELD_EMAIL] = !row || !yq_same_email(p->arena, v[YQ_FIELD_EMAIL], row->email);
    if (v[YQ_FIELD_GENDER] != NULL)
        c[YQ_FIELD_GENDER] = !row || row->sex == NULL || strcmp(v[YQ_FIELD_GENDER], row->sex) != 0;
}

static enum progress settle_in_service(struct planner *p, struct member *m)
{
    enum progress step = READY;
    m->fate = m->row ? STAYS : JOINS;
    m->stage = STAGE_MEMBER;
    if (m->row == NULL && m->values[YQ_FIELD_NAME] == NULL)
        return stop(m, WAITS, YQ_VERDICT_WAIT, YQ_REASON_NO_NAME, NULL);
    if (m->row != NULL && !m->row->in_service) {
        step = settle_return(p, m);
        if (step != READY || !m->rehire)
            return step;
    }
    step = place_member(p, m);
    if (step == READY)
        step = look_for_namesakes(p, m);
    if (step != READY || m->fate == FROZEN)
        return m->progress = step;
    compare_values(p, m);
    step = claim_keys(p, m);
    return m->progress = step;
}

/* The one that we made before the change of userid was known is withdrawn. */
static enum progress settle_twin(struct planner *p, struct member *m)
{
    if (m->twin_link == NULL)
        return READY;
    m->twin = yq_view_find_eteams_member(p->view, m->twin_link->eteams);
    if (m->twin == NULL || m->twin->fact == YQ_UNASKED) {
        need(p, YQ_NEED_ETEAMS_MEMBER, m->twin_link->eteams, 0);
        return OPEN;
    }
    if (m->twin->fact == YQ_UNREADABLE) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE,
                 m->twin->error ? m->twin->error->text : "eteams", NULL);
        m->twin = NULL;
        return WAITS;
    }
    if (m->twin->fact != YQ_PRESENT || !m->twin->in_service) {
        m->twin = NULL;
        return READY;
    }
    return posts_of(p, m, m->twin);
}

/* The old name of somebody whose userid changed. Without a link only the new name counts: the event
 * is the only one that there may ever be about it. */
static enum progress settle_renamed(struct planner *p, struct member *m)
{
    struct member *now = settle_member(p, m->evidence->new_userid);
    m->fate = FROZEN;
    if (now->progress == OPEN)
        return m->progress = OPEN;
    if (now->progress == WAITS && now->verdict->kind == YQ_VERDICT_WAIT &&
        (m->link != NULL || now->link == NULL)) { /* its twin, if any, is not known either */
        m->verdict->kind = YQ_VERDICT_WAIT;
        m->verdict->reason = now->verdict->reason;
        return m->progress = WAITS;
    }
    if (m->link == NULL)
        return leave_alone(m, YQ_REASON_NOT_IN_ETEAMS);
    if (now->link != NULL && now->link->left && now->w->fact == YQ_ABSENT)
        return settle_leaver(p, m, "R5"); /* gone under the new name before this one was told */
    if (now->link != NULL && now->taken_from == NULL)
        return stop(m, READY, YQ_VERDICT_CASE, YQ_REASON_SEVERAL_HITS, now->link->eteams);
    bool seen = now->fate == LEAVES ||
                (now->w != NULL && (now->w->fact == YQ_PRESENT || now->w->fact == YQ_HIDDEN));
    if (!seen && m->evidence->waited_ms < p->policy->not_ready_ms)
        return stop(m, WAITS, YQ_VERDICT_WAIT, YQ_REASON_NOT_YET_READABLE, NULL);
    m->fate = RENAMED;
    return stop(m, READY, YQ_VERDICT_CHANGE, YQ_REASON_USERID_CHANGED, m->w->userid);
}

/* Deleted, and not created anew after that? Within one second nobody can tell, so then it is
 * believed only after a while in which WeCom still does not show the member. */
static bool believed_deleted(const struct planner *p, const struct yq_evidence *e)
{
    if (e != NULL && e->gone_confirmed)
        return true;
    if (e == NULL || e->deleted_at == 0 || e->deleted_at < e->created_at)
        return false;
    return e->deleted_at > e->created_at || e->waited_ms >= p->policy->not_ready_ms / 10;
}

/* 60111: left, deleted, never there or out of sight. Only a deletion that WeCom told us of, and
 * that is not older than a creation, makes it a leaver (design §5). */
static enum progress settle_absent(struct planner *p, struct member *m)
{
    const struct yq_evidence *e = m->evidence;
    bool deleted = believed_deleted(p, e);
    if (e != NULL && e->new_userid != NULL)
        return settle_renamed(p, m);
    if (deleted && m->link != NULL) {
        enum progress step = settle_twin(p, m);
        return step == READY ? settle_leaver(p, m, "R5") : step;
    }
    if (e != NULL && e->created_at > 0 && !deleted && e->waited_ms < p->policy->not_ready_ms)
        return stop(m, WAITS, YQ_VERDICT_WAIT, YQ_REASON_NOT_YET_READABLE, NULL);
    if (m->link == NULL && deleted)
        return leave_alone(m, YQ_REASON_NOT_IN_ETEAMS);
    return leave_alone(m,
                       m->link && m->link->left ? YQ_REASON_ALREADY_LEFT : YQ_REASON_OUT_OF_SIGHT);
}

static bool leaves(const struct planner *p, struct member *m)
{
    int status = status_of(m);
    return status == STATUS_LEFT ||
           (status == STATUS_DISABLED && p->policy->disabled_members == YQ_DISABLED_RESIGN);
}

static enum progress settle_present(struct planner *p, struct member *m)
{
    if (leaves(p, m) && m->link == NULL)
        return leave_alone(m, YQ_REASON_LEFT_IN_WECOM);
    if (m->identity != READY)
        return m->progress = m->identity;
    enum progress step = settle_twin(p, m);
    if (step != READY)
        return m->progress = step;
    if (leaves(p, m))
        return settle_leaver(p, m, status_of(m) == STATUS_LEFT ? "R5" : "D21");
    return m->progress = settle_in_service(p, m);
}

static enum progress recognise(struct planner *p, struct member *m)
{
    m->identity = BUSY;
    take_over_link(p, m);
    if (leaves(p, m))
        return READY;
    enum progress step = settle_row(p, m);
    if (step != READY)
        return step;
    collect_values(p, m);
    return m->row ? look_at_job_num(p, m) : identify(p, m);
}

static void settle(struct planner *p, struct member *m)
{
    m->progress = BUSY;
    if (never_touch(p, m->key)) {
        leave_alone(m, YQ_REASON_PROTECTED);
        return;
    }
    switch (m->w ? m->w->fact : YQ_UNASKED) {
    case YQ_UNASKED:
        need(p, YQ_NEED_WECOM_MEMBER, m->key, 0);
        m->progress = OPEN;
        break;
    case YQ_UNREADABLE:
        stop(m, WAITS, YQ_VERDICT_WAIT, YQ_REASON_UNREADABLE,
             m->w->error ? m->w->error->text : "WeCom");
        m->verdict->retry_ms = m->w->error ? m->w->error->wait_ms : 0;
        break;
    case YQ_HIDDEN:
        leave_alone(m, YQ_REASON_OUT_OF_SIGHT);
        break;
    case YQ_ABSENT:
        if (believed_deleted(p, m->evidence)) /* perhaps after a change of userid */
            take_over_link(p, m);
        m->progress = settle_absent(p, m);
        break;
    case YQ_PRESENT:
        m->progress = settle_present(p, m);
        break;
    }
}

struct member *know_member(struct planner *p, const char *userid)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(userid, key);
    struct member *m;
    HASH_FIND_STR(p->members, key, m);
    if (m != NULL)
        return m;
    m = yq_arena_alloc(p->arena, sizeof(*m));
    m->key = yq_arena_strdup(p->arena, key);
    struct yq_subject subject = yq_subject_member(userid);
    m->evidence = yq_view_evidence(p->view, &subject);
    m->verdict = verdict(p, m->evidence ? &m->evidence->subject : &subject);
    m->w = yq_view_find_wecom_member(p->view, m->key);
    m->link = yq_view_member_link(p->view, m->key);
    HASH_ADD_KEYPTR(hh, p->members, m->key, strlen(m->key), m);
    if (m->w != NULL && m->w->fact == YQ_PRESENT && !never_touch(p, m->key))
        m->identity = recognise(p, m);
    return m;
}

struct member *settle_member(struct planner *p, const char *userid)
{
    struct member *m = know_member(p, userid);
    if (m->progress == UNTOUCHED)
        settle(p, m);
    return m;
}
