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

enum likeness { OTHER, SAME_PERSON, LOOKS_ALIKE };

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
    if (same_text(now->values[YQ_FIELD_MOBILE], mobile) ||
        same_text(now->values[YQ_FIELD_EMAIL], email))
        return SAME_PERSON;
    bool told_apart =
        (now->values[YQ_FIELD_MOBILE] && mobile[0]) || (now->values[YQ_FIELD_EMAIL] && email[0]);
    bool same_place = now->main.id != NULL && row->department_count > 0 &&
                      strcmp(now->main.id, row->departments[0]) == 0;
    return same_place && !told_apart ? LOOKS_ALIKE : OTHER;
}

/* The next newcomer of this plan from *e on that is as like the leaver as asked; NULL: none, or
 * (*ret_open) not known yet. */
static struct member *next_newcomer(struct planner *p, const struct member *m,
                                    const struct yq_evidence **e, enum likeness likeness,
                                    bool *ret_open)
{
    for (; *e != NULL; *e = (*e)->hh.next) {
        if ((*e)->subject.kind != YQ_SUBJECT_MEMBER || (*e)->created_at == 0 || *e == m->evidence)
            continue;
        struct member *now = settle_member(p, (*e)->subject.userid);
        if (now->progress == OPEN)
            *ret_open = true;
        else if (now->fate == JOINS && compare(p, m, now) == likeness)
            return now;
    }
    return NULL;
}

static void ask_a_person(struct member *m, const struct member *other)
{
    conclude(m->verdict, YQ_VERDICT_CASE, YQ_REASON_LOOKS_LIKE, other->w->userid, NULL);
    m->fate = FROZEN;
}

/* Looks for the leaver among those who are created in this plan. Who surely is the same takes the
 * record over; where some only look alike, neither they nor the leaver are touched (decisions.md
 * 19). */
static enum progress find_successor(struct planner *p, struct member *m)
{
    bool open = false;
    const struct yq_evidence *e = p->view->evidence;
    struct member *now = next_newcomer(p, m, &e, SAME_PERSON, &open);
    if (open)
        return m->progress = OPEN;
    if (now != NULL) {
        now->successor_of = m;
        m->successor = now;
        return READY;
    }
    e = p->view->evidence;
    while ((now = next_newcomer(p, m, &e, LOOKS_ALIKE, &open)) != NULL) {
        ask_a_person(m, now);
        ask_a_person(now, m);
        e = e->hh.next;
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

/* ---- R13 ---- */

static void withdraw(struct planner *p, const struct yq_operation *resign,
                     enum yq_verdict_kind kind, enum yq_reason_code code, const char *arg)
{
    struct yq_subject subject = resign->subject;
    const char *target = resign->target;
    size_t kept = 0;
    for (size_t i = 0; i < p->plan->operation_count; i++) {
        struct yq_operation *op = p->plan->operations[i];
        bool of_leaver = op->target != NULL && strcmp(op->target, target) == 0 &&
                         (op->kind == YQ_OP_MEMBER_RESIGN || op->kind == YQ_OP_POST_REMOVE);
        if (!of_leaver)
            p->plan->operations[kept++] = op;
    }
    p->plan->operation_count = kept;
    conclude(verdict(p, &subject), kind, code, arg, NULL);
}

static int compare_resigns(const void *left, const void *right)
{
    const struct yq_operation *a = *(struct yq_operation *const *)left;
    const struct yq_operation *b = *(struct yq_operation *const *)right;
    return strcmp(a->target, b->target);
}

static bool is_administrator(const struct planner *p, const char *id, bool listed)
{
    for (size_t i = 0; listed && i < p->view->administrator_count; i++) {
        if (p->view->administrators[i].super && strcmp(p->view->administrators[i].id, id) == 0)
            return true;
    }
    char *const *list = p->policy->protected_ids;
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, id) == 0)
            return true;
    }
    return false;
}

static bool resigned_here(struct yq_operation *const *resigns, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(resigns[i]->target, id) == 0)
            return true;
    }
    return false;
}

/* Another administrator in service who is not leaving in this plan? OPEN while that is not known.
 */
static enum progress another_stays(struct planner *p, struct yq_operation *const *resigns,
                                   size_t count, bool *ret_stays)
{
    for (size_t i = 0; i < p->view->administrator_count; i++) {
        const struct yq_administrator *a = &p->view->administrators[i];
        if (!a->super || resigned_here(resigns, count, a->id))
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

static bool configured(char *const *list)
{
    return list != NULL && *list != NULL;
}

/* The list is empty or cannot be read: no resignations, unless the configuration says who they are.
 */
static void without_list(struct planner *p, struct yq_operation **resigns, size_t count)
{
    bool passing = p->view->administrators_fact == YQ_UNREADABLE;
    for (size_t i = 0; i < count; i++) {
        if (passing)
            withdraw(p, resigns[i], YQ_VERDICT_WAIT, YQ_REASON_ADMINISTRATORS_UNKNOWN, NULL);
        else if (!configured(p->policy->protected_ids))
            withdraw(p, resigns[i], YQ_VERDICT_CASE, YQ_REASON_ADMINISTRATORS_UNKNOWN, NULL);
        else if (is_administrator(p, resigns[i]->target, false))
            withdraw(p, resigns[i], YQ_VERDICT_CASE, YQ_REASON_LAST_ADMINISTRATOR, NULL);
    }
}

void guard_administrators(struct planner *p)
{
    size_t count = 0;
    struct yq_operation **resigns =
        yq_arena_alloc(p->arena, (p->plan->operation_count + 1) * sizeof(*resigns));
    for (size_t i = 0; i < p->plan->operation_count; i++) {
        if (p->plan->operations[i]->kind == YQ_OP_MEMBER_RESIGN)
            resigns[count++] = p->plan->operations[i];
    }
    if (count == 0)
        return;
    if (p->view->administrators_fact == YQ_UNASKED) {
        need(p, YQ_NEED_ADMINISTRATORS, NULL, 0);
        return;
    }
    if (p->view->administrators_fact != YQ_PRESENT) {
        without_list(p, resigns, count);
        return;
    }
    qsort(resigns, count, sizeof(*resigns), compare_resigns);
    bool stays = false;
    for (size_t i = 0; i < count && !stays; i++) {
        if (!is_administrator(p, resigns[i]->target, true))
            continue;
        if (another_stays(p, resigns, count, &stays) != READY)
            return;
        if (!stays) { /* the one with the smallest id stays (decisions.md 22) */
            withdraw(p, resigns[i], YQ_VERDICT_CASE, YQ_REASON_LAST_ADMINISTRATOR, NULL);
            stays = true;
        }
    }
}
