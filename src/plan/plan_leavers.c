/* Leavers: resigned, never deleted (R5); unless it is somebody whose userid changed (decisions.md
 * 19), and never the last administrator (R13). */
#include <stdlib.h>
#include <string.h>

#include "model/normal.h"
#include "planner.h"

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && a[0] != '\0' && strcmp(a, b) == 0;
}

enum likeness { OTHER, LOOKS_ALIKE, SAME_PERSON };

/* Could this new member be the leaver under a new userid? The same mobile or e-mail and the same
 * name: yes. The same mobile under another name is a number that was handed on (decisions.md 36).
 * The same name in the same department and nothing else: a person must decide. */
static enum likeness compare(struct planner *p, const struct member *gone, const struct member *now)
{
    const struct yq_eteams_member *row = gone->row;
    const char *name = now->values[YQ_FIELD_NAME];
    if (name == NULL || row->name == NULL || !yq_same_name(p->arena, name, row->name))
        return OTHER;
    const char *mobile = yq_normal_mobile(p->arena, row->mobile ? row->mobile : "");
    const char *email = yq_normal_email(p->arena, row->email ? row->email : "");
    const char *his_mobile = now->said[YQ_FIELD_MOBILE], *his_email = now->said[YQ_FIELD_EMAIL];
    if (same_text(his_mobile, mobile) || same_text(his_email, email))
        return SAME_PERSON;
    if ((his_mobile && mobile[0]) || (his_email && email[0]))
        return OTHER;         /* told apart */
    if (now->main.id == NULL) /* made by this plan, or it waits itself: then nobody can tell */
        return now->main.wecom == 0 ? LOOKS_ALIKE : OTHER;
    bool same_place = row->department_count > 0 && strcmp(now->main.id, row->departments[0]) == 0;
    return same_place ? LOOKS_ALIKE : OTHER;
}

/* A newcomer who cannot be compared yet, because WeCom does not show the member: by the name that
 * the event told; without one it may be anybody. */
static bool may_be_compared_later(struct planner *p, const struct member *m,
                                  const struct member *now)
{
    const struct yq_wecom_member *said = now->evidence ? now->evidence->reported_member : NULL;
    const char *name = now->values[YQ_FIELD_NAME] ? now->values[YQ_FIELD_NAME]
                       : said                     ? said->name
                                                  : NULL;
    return now->progress == WAITS && !now->alike && m->row->name != NULL &&
           (name == NULL || yq_same_name(p->arena, m->row->name, name));
}

struct newcomers {
    struct member *sure, *alike;
    struct member *waiting; /* could be the leaver, but must wait itself */
    bool waits_surely;      /* and not only by name and department */
    bool open, several, later;
};

static void add_waiting(struct newcomers *found, struct member *now, enum likeness likeness)
{
    if (likeness == SAME_PERSON || (likeness == LOOKS_ALIKE && found->waiting == NULL))
        found->waiting = now;
    found->waits_surely |= likeness == SAME_PERSON;
}

static void look_at_newcomer(struct planner *p, struct newcomers *found, const struct member *m,
                             struct member *now)
{
    if (now->fate != JOINS && !now->alike) {
        found->later |= may_be_compared_later(p, m, now);
        return;
    }
    enum likeness likeness = compare(p, m, now);
    if (now->progress == WAITS && !now->alike) {
        add_waiting(found, now, likeness);
    } else if (likeness == SAME_PERSON) {
        found->several |= found->sure != NULL || now->successor_of != NULL || now->alike;
        found->sure = now;
    } else if (likeness == LOOKS_ALIKE) {
        found->alike = now;
    }
}

static struct newcomers look_among_newcomers(struct planner *p, struct member *m)
{
    struct newcomers found = {.open = !settle_newcomers(p)}; /* one may take another leaver */
    const char *const names[] = {m->row->name, NAMELESS};
    for (size_t i = 0; i < 2 && names[0] != NULL; i++) {
        const struct found *f = newcomers_named(p, names[i]);
        for (; f != NULL; f = f->next) {
            struct member *now = f->member;
            if (now != m)
                look_at_newcomer(p, &found, m, now);
        }
    }
    return found;
}

static void ask_a_person(struct member *m, const struct member *other)
{
    conclude(m->verdict, YQ_VERDICT_CASE, YQ_REASON_LOOKS_LIKE, other->w->userid, NULL);
    m->fate = FROZEN;
    m->alike = true;
}

/* Everybody of this plan who is as like the leaver as asked waits for a person, and so does he. */
static void ask_about_all(struct planner *p, struct member *m, enum likeness likeness)
{
    for (const struct found *f = newcomers_named(p, m->row->name); f != NULL; f = f->next) {
        struct member *now = f->member;
        if (now == m)
            continue;
        if ((now->fate != JOINS && !now->alike) || compare(p, m, now) < likeness)
            continue;
        if (now->successor_of != NULL) { /* two leavers, one newcomer */
            ask_a_person(now->successor_of, now);
            now->successor_of->successor = NULL;
            now->successor_of = NULL;
        }
        ask_a_person(m, now);
        ask_a_person(now, m);
    }
}

/* Looks for the leaver among those who are created in this plan. Who surely is the same takes the
 * record over; where some only look alike, neither they nor the leaver are touched (decisions.md
 * 19). */
static enum progress find_successor(struct planner *p, struct member *m)
{
    struct newcomers found = look_among_newcomers(p, m);
    if (found.open)
        return m->progress = OPEN;
    if (found.several) {
        ask_about_all(p, m, SAME_PERSON);
    } else if (found.sure != NULL) {
        found.sure->successor_of = m;
        m->successor = found.sure;
    } else if (found.alike != NULL && !found.waits_surely) {
        ask_about_all(p, m, LOOKS_ALIKE);
    } else if (found.waiting != NULL) { /* not resigned before that is decided */
        conclude(m->verdict, found.waiting->verdict->kind, YQ_REASON_LOOKS_LIKE,
                 found.waiting->w->userid, NULL);
        return m->progress = WAITS;
    } else if (found.later && m->evidence->waited_ms < p->policy->not_ready_ms) {
        conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_NOT_YET_READABLE, NULL, NULL);
        return m->progress = WAITS;
    }
    return READY;
}

enum progress settle_leaver(struct planner *p, struct member *m, const char *rule)
{
    m->fate = LEAVES;
    m->rule = rule;
    enum progress step = settle_row(p, m);
    if (step != READY)
        return step;
    if (m->row == NULL) {
        m->fate = FROZEN;
        conclude(m->verdict, YQ_VERDICT_CHANGE, YQ_REASON_LINK_STALE, m->link->eteams, NULL);
        return m->progress = READY;
    }
    if (!m->row->in_service) {
        m->fate = FROZEN;
        conclude(m->verdict, YQ_VERDICT_IN_STEP, YQ_REASON_ALREADY_LEFT, NULL, NULL);
        return m->progress = READY;
    }
    step = posts_of(p, m, m->row);
    if (step != READY)
        return step;
    m->progress = READY; /* whoever needs what it holds may count on its leaving */
    return m->w->fact == YQ_ABSENT ? find_successor(p, m) : READY;
}

void adopt_records(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        const struct member *gone = m->successor_of;
        if (gone == NULL || m->progress != READY || m->fate != JOINS)
            continue;
        m->row = gone->row;
        m->link = gone->link;
        if (m->taken_from == NULL)
            note_taker(p, m);
        m->taken_from = gone->link->userid;
        m->fate = STAYS;
        m->part_count = 0;
        m->to_root = false;
        compare_values(p, m);
        m->progress = place_member(p, m); /* its present departments count now (decisions.md 6) */
    }
}

/* ---- R13 ---- */

struct leaver { /* a record that is about to be resigned */
    struct member *member;
    const char *id;
};

static void spare(const struct leaver *l, enum yq_verdict_kind kind, enum yq_reason_code code)
{
    l->member->twin = NULL;
    l->member->fate = FROZEN;
    conclude(l->member->verdict, kind, code, NULL, NULL);
}

static int compare_leavers(const void *left, const void *right)
{
    return strcmp(((const struct leaver *)left)->id, ((const struct leaver *)right)->id);
}

static struct leaver *all_leavers(struct planner *p, size_t *ret_count)
{
    struct leaver *list =
        yq_arena_alloc(p->arena, (2 * HASH_COUNT(p->members) + 1) * sizeof(*list));
    size_t count = 0;
    for (struct member *m = p->members; m != NULL; m = m->hh.next) {
        if (m->progress != READY)
            continue;
        if (m->fate == LEAVES && m->successor == NULL)
            list[count++] = (struct leaver){m, m->row->id};
        if (m->twin != NULL)
            list[count++] = (struct leaver){m, m->twin->id};
    }
    if (count > 1)
        qsort(list, count, sizeof(*list), compare_leavers);
    *ret_count = count;
    return list;
}

static bool is_configured_administrator(const struct planner *p, const char *id)
{
    for (char *const *list = p->policy->protected_ids; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, id) == 0)
            return true;
    }
    return false;
}

static bool is_administrator(const struct planner *p, const char *id)
{
    for (size_t i = 0; i < p->view->administrator_count; i++) {
        if (p->view->administrators[i].super && strcmp(p->view->administrators[i].id, id) == 0)
            return true;
    }
    return is_configured_administrator(p, id);
}

static bool leaves_too(const struct leaver *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            return true;
    }
    return false;
}

/* Another administrator in service who is not leaving in this plan? OPEN while that is not known.
 */
static enum progress another_stays(struct planner *p, const struct leaver *list, size_t count,
                                   bool *ret_stays)
{
    for (size_t i = 0; i < p->view->administrator_count; i++) {
        const struct yq_administrator *a = &p->view->administrators[i];
        if (!a->super || leaves_too(list, count, a->id))
            continue;
        const struct yq_eteams_member *row = yq_view_find_eteams_member(p->view, a->id);
        if (row == NULL || row->fact == YQ_UNASKED) {
            need(p, YQ_NEED_ETEAMS_MEMBER, a->id, 0);
            return OPEN;
        }
        if (row->fact == YQ_PRESENT && row->in_service)
            *ret_stays = true;
    }
    return READY;
}

/* The list is empty or cannot be read: no resignations, unless the configuration says who they are.
 */
static void without_list(struct planner *p, const struct leaver *list, size_t count)
{
    bool passing = p->view->administrators_fact == YQ_UNREADABLE;
    bool configured = p->policy->protected_ids != NULL && *p->policy->protected_ids != NULL;
    for (size_t i = 0; i < count; i++) {
        if (passing)
            spare(&list[i], YQ_VERDICT_WAIT, YQ_REASON_ADMINISTRATORS_UNKNOWN);
        else if (!configured)
            spare(&list[i], YQ_VERDICT_CASE, YQ_REASON_ADMINISTRATORS_UNKNOWN);
        else if (is_configured_administrator(p, list[i].id))
            spare(&list[i], YQ_VERDICT_CASE, YQ_REASON_LAST_ADMINISTRATOR);
    }
}

void spare_administrators(struct planner *p)
{
    size_t count;
    const struct leaver *list = all_leavers(p, &count);
    if (count == 0)
        return;
    if (p->view->administrators_fact == YQ_UNASKED) {
        need(p, YQ_NEED_ADMINISTRATORS, NULL, 0);
        return;
    }
    if (p->view->administrators_fact != YQ_PRESENT || p->view->administrator_count == 0) {
        without_list(p, list, count);
        return;
    }
    bool stays = false;
    for (size_t i = 0; i < count && !stays; i++) {
        if (!is_administrator(p, list[i].id))
            continue;
        if (another_stays(p, list, count, &stays) != READY)
            return;
        if (!stays) /* the one with the smallest id stays (decisions.md 22) */
            spare(&list[i], YQ_VERDICT_CASE, YQ_REASON_LAST_ADMINISTRATOR);
        stays = true;
    }
}
