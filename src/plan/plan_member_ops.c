/* Operations and verdicts of the members that were settled. */
#include <string.h>
#include <strings.h>

#include "planner.h"

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

#define HANDS 16 /* so often a key may change hands in one plan, on its way to somebody */

static bool main_differs(const struct member *m)
{
    if (!m->departments_known)
        return false;
    if (m->row == NULL || m->row->department_count == 0 || m->main.id == NULL)
        return true;
    return strcmp(m->row->departments[0], m->main.id) != 0;
}

static bool is_guarded(const struct member *m, bool moves)
{
    if (m->row == NULL || !m->row->in_service)
        return false;
    return moves ? m->to_root && m->fate != LEAVES && main_differs(m)
                 : m->fate == LEAVES && m->successor == NULL;
}

/* Whom the guard may hold, and whose key m takes, or somebody whose key m takes. */
static const char *find_first(const struct member *m, bool moves, int hands)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_MOBILE, YQ_FIELD_EMAIL};
    const char *first = NULL;
    for (size_t i = 0; i < 2 && hands > 0 && first == NULL; i++) {
        const struct member *o = m->claimed_from[fields[i]];
        if (o != NULL && m->changes[fields[i]])
            first = is_guarded(o, moves) ? o->row->id : find_first(o, moves, hands - 1);
    }
    return first;
}

void wait_for_guarded(const struct member *m, struct yq_operation *op)
{
    op->after = find_first(m, false, HANDS);
    if (op->after == NULL && m->twin != NULL)
        op->after = m->twin->id;
    op->after_move = find_first(m, true, HANDS);
}

static struct yq_operation *member_operation(struct planner *p, const struct member *m,
                                             enum yq_operation_kind kind, int stage,
                                             const char *rule)
{
    struct yq_operation *op = operation(p, kind, stage, &m->verdict->subject, rule);
    op->target = m->row ? m->row->id : NULL;
    op->name = m->values[YQ_FIELD_NAME] ? m->values[YQ_FIELD_NAME] : m->row ? m->row->name : NULL;
    wait_for_guarded(m, op);
    return op;
}

/* ---- posts ---- */

static bool wants(const struct member *m, const char *department)
{
    for (size_t i = 0; i < m->part_count; i++) {
        if (m->parts[i].id != NULL && strcmp(m->parts[i].id, department) == 0)
            return true;
    }
    for (size_t i = 0; i < m->unseen_count; i++) {
        if (strcmp(m->unseen[i], department) == 0)
            return true;
    }
    return false;
}

/* Has the person this part-time department already, by whomever it was made? */
static bool has_post(const struct member *m, const char *department)
{
    const struct yq_eteams_member *row = m->row;
    if (row == NULL || department == NULL)
        return false;
    for (size_t i = 0; i < row->post_count; i++) {
        if (strcmp(row->posts[i].department, department) == 0)
            return true;
    }
    if (row->posts_fact == YQ_PRESENT)
        return false;
    for (size_t i = 1; i < row->department_count; i++) {
        if (strcmp(row->departments[i], department) == 0)
            return true;
    }
    for (size_t i = 0; m->link != NULL && i < m->link->post_count; i++) {
        if (strcmp(m->link->posts[i], department) == 0)
            return true;
    }
    return false;
}

static void emit_post_remove(struct planner *p, const struct member *m, int stage,
                             const char *department, const char *external_id)
{
    struct yq_operation *op = member_operation(p, m, YQ_OP_POST_REMOVE, stage, "R7");
    op->department = (struct yq_ref){.id = department};
    op->external_id = external_id;
}

/* Takes away what we made (in mode `full` also what others made), but for what is wanted. */
static void emit_posts_removed(struct planner *p, const struct member *m, int stage, bool all)
{
    const struct yq_eteams_member *row = m->row;
    bool full = p->policy->part_time == YQ_PART_TIME_FULL;
    for (size_t i = 0; i < row->post_count; i++) {
        const struct yq_eteams_post *post = &row->posts[i];
        if ((post->ours || full) && (all || !wants(m, post->department)))
            emit_post_remove(p, m, stage, post->department, post->external_id);
    }
    if (row->posts_fact != YQ_ABSENT || m->link == NULL)
        return;
    for (size_t i = 0; i < m->link->post_count; i++) {
        if (all || !wants(m, m->link->posts[i]))
            emit_post_remove(p, m, stage, m->link->posts[i], NULL);
    }
}

static void emit_posts(struct planner *p, const struct member *m)
{
    if (p->policy->part_time == YQ_PART_TIME_NONE || !m->departments_known)
        return;
    for (size_t i = 0; i < m->part_count; i++) {
        if (has_post(m, m->parts[i].id))
            continue;
        struct yq_operation *op = member_operation(p, m, YQ_OP_POST_ADD, STAGE_POST_ADD, "R7");
        op->department = m->parts[i];
    }
    if (m->row != NULL)
        emit_posts_removed(p, m, STAGE_POST_REMOVE, false);
}

/* ---- the person ---- */

static bool job_num_wanted(const struct planner *p, const struct member *m)
{
    bool empty = m->row == NULL || text_or_empty(m->row->job_num)[0] == '\0';
    bool follows = m->taken_from != NULL && m->link->wrote_job_num &&
                   strcasecmp(text_or_empty(m->row->job_num), m->w->userid) != 0;
    bool reachable = m->values[YQ_FIELD_MOBILE] != NULL || m->values[YQ_FIELD_EMAIL] != NULL;
    switch (p->policy->write_job_num) {
    case YQ_JOB_NUM_NEVER:
        return false;
    case YQ_JOB_NUM_ALWAYS:
        return (empty || follows) && !m->job_num_taken;
    case YQ_JOB_NUM_WHEN_NEEDED:
        return (follows || (m->row == NULL && !reachable)) && !m->job_num_taken;
    }
    return false;
}

static void emit_changes(struct planner *p, const struct member *m, struct yq_operation *op)
{
    static const struct {
        enum yq_member_field field;
        const char *name;
    } columns[] = {{YQ_FIELD_NAME, "username"},
                   {YQ_FIELD_MOBILE, "mobile"},
                   {YQ_FIELD_EMAIL, "email"},
                   {YQ_FIELD_GENDER, "sex"}};
    const struct yq_eteams_member *row = m->row;
    const char *before[] = {row ? row->name : NULL, row ? row->mobile : NULL,
                            row ? row->email : NULL, row ? row->sex : NULL};
    for (size_t i = 0; i < 4; i++) {
        enum yq_member_field f = columns[i].field;
        if (m->changes[f])
            change(op, columns[i].name, m->clear[f] ? "" : before[i], m->values[f]);
    }
    if (job_num_wanted(p, m))
        change(op, "job_num", row ? row->job_num : NULL, m->w->userid);
    if (main_differs(m)) {
        change_ref(op, "department", row && row->department_count ? row->departments[0] : NULL,
                   m->main);
        op->to_root = m->to_root && row != NULL && row->in_service;
    }
}

static void emit_cleared(struct planner *p, const struct member *m)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_MOBILE, YQ_FIELD_EMAIL};
    for (size_t i = 0; i < 2 && m->row != NULL; i++) {
        if (!m->clear[fields[i]] || !m->changes[fields[i]])
            continue;
        struct yq_operation *op =
            member_operation(p, m, YQ_OP_MEMBER_UPDATE, STAGE_FREE_KEY, "D36");
        bool mobile = fields[i] == YQ_FIELD_MOBILE;
        change(op, yq_member_field_name(fields[i]), mobile ? m->row->mobile : m->row->email, "");
    }
}

static void emit_person(struct planner *p, const struct member *m)
{
    struct yq_operation *op;
    if (m->row == NULL) {
        op = member_operation(p, m, YQ_OP_MEMBER_CREATE, m->stage, m->to_root ? "R10" : "R3");
        op->how = "created";
        emit_changes(p, m, op);
        return;
    }
    if (m->how != NULL) {
        op = member_operation(p, m, YQ_OP_MEMBER_LINK, m->stage, "R4");
        op->how = m->how;
    }
    if (m->rehire)
        member_operation(p, m, YQ_OP_MEMBER_REHIRE, m->stage, "D18");
    emit_cleared(p, m);
    struct yq_operation draft = {.change_count = 0};
    emit_changes(p, m, &draft);
    if (draft.change_count == 0)
        return;
    const char *rule = main_differs(m) ? (m->to_root ? "R10" : "R6") : "R3";
    if (draft.change_count == 1 && strcmp(draft.changes[0].field, "job_num") == 0)
        rule = m->taken_from != NULL ? "D20" : "D4";
    op = member_operation(p, m, YQ_OP_MEMBER_UPDATE, m->stage, rule);
    memcpy(op->changes, draft.changes, sizeof(draft.changes));
    op->change_count = draft.change_count;
    op->to_root = draft.to_root;
}

/* Behind the one that is withdrawn: until then its link is the only memory of it. */
static void emit_relink(struct planner *p, const char *userid, const struct yq_link_member *link,
                        const char *rule)
{
    struct yq_subject subject = yq_subject_member(userid);
    const struct member *now = settle_member(p, userid);
    int stage = now->twin ? STAGE_EARLY_LEAVE + 1 : STAGE_BOOK;
    struct yq_operation *op = operation(p, YQ_OP_MEMBER_RELINK, stage, &subject, rule);
    op->after = now->twin ? now->twin->id : NULL;
    op->target = link->eteams;
    op->from_userid = link->userid;
    op->reason = (struct yq_reason){.code = YQ_REASON_USERID_CHANGED, .args = {link->userid}};
}

static void emit_unlink(struct planner *p, const struct member *m)
{
    struct yq_operation *op =
        operation(p, YQ_OP_MEMBER_UNLINK, STAGE_BOOK, &m->verdict->subject, "D27");
    op->target = m->link->eteams;
    op->reason = (struct yq_reason){.code = YQ_REASON_LINK_STALE, .args = {m->link->eteams}};
}

static void emit_leaver(struct planner *p, const struct member *m)
{
    int stage = m->early ? STAGE_EARLY_LEAVE : STAGE_LEAVE;
    emit_posts_removed(p, m, stage - 1, true);
    struct yq_operation *op = member_operation(p, m, YQ_OP_MEMBER_RESIGN, stage, m->rule);
    op->department = (struct yq_ref){.id = p->view->eteams_root};
    op->name = m->row->name;
}

static void emit_twin(struct planner *p, const struct member *m)
{
    struct member leaver = *m;
    leaver.row = m->twin;
    leaver.early = true;
    leaver.rule = "D20";
    leaver.link = m->twin_link;
    leaver.twin = NULL;
    emit_leaver(p, &leaver);
    struct yq_operation *op = p->plan->operations[p->plan->operation_count - 1];
    op->reason = (struct yq_reason){.code = YQ_REASON_MADE_TWICE, .args = {m->link->eteams}};
}

/* ---- verdicts ---- */

static void agree(const struct planner *p, const struct member *m)
{
    static const enum yq_member_field fields[] = {YQ_FIELD_NAME, YQ_FIELD_MOBILE, YQ_FIELD_EMAIL,
                                                  YQ_FIELD_GENDER};
    struct yq_verdict *v = m->verdict;
    for (size_t i = 0; i < 4; i++) {
        if (m->values[fields[i]] != NULL)
            v->agreed[fields[i]] = yq_agreed_hash(m->values[fields[i]]);
    }
    if (m->departments_known && m->main.id != NULL)
        v->agreed[YQ_FIELD_MAIN_DEPARTMENT] = yq_agreed_hash(m->main.id);
    v->eteams = m->row ? m->row->id : NULL;
    (void)p;
}

/* Who waits for a superior, or a post, is looked at again; a case beside that is told then. */
static void conclude_member(struct member *m, bool changed)
{
    struct yq_verdict *v = m->verdict;
    bool reads = m->posts_left.code == YQ_REASON_UNREADABLE;
    const struct yq_reason *waits = reads ? &m->posts_left : &m->chain.waits;
    if (waits->code != YQ_REASON_NONE)
        conclude(v, YQ_VERDICT_WAIT, waits->code, waits->args[0], waits->args[1]);
    else if (v->kind == YQ_VERDICT_CASE)
        return;
    else if (m->trouble.code != YQ_REASON_NONE)
        conclude(v, YQ_VERDICT_CASE, m->trouble.code, m->trouble.args[0], m->trouble.args[1]);
    else if (changed)
        conclude(v, YQ_VERDICT_CHANGE, m->to_root ? YQ_REASON_TO_ROOT : YQ_REASON_NONE, NULL, NULL);
    else if (m->chain.left.code != YQ_REASON_NONE)
        conclude(v, YQ_VERDICT_IN_STEP, m->chain.left.code, m->chain.left.args[0], NULL);
    else if (m->posts_left.code != YQ_REASON_NONE)
        conclude(v, YQ_VERDICT_IN_STEP, m->posts_left.code, m->posts_left.args[0], NULL);
    else
        conclude(v, YQ_VERDICT_IN_STEP, YQ_REASON_IN_STEP, NULL, NULL);
}

static void emit_in_service(struct planner *p, struct member *m)
{
    size_t before = p->plan->operation_count;
    if (m->link_is_stale)
        emit_unlink(p, m);
    if (m->successor_of != NULL)
        emit_relink(p, m->w->userid, m->link, "D19");
    if (m->twin != NULL)
        emit_twin(p, m);
    if (m->row == NULL && m->job_num_taken && !m->values[YQ_FIELD_MOBILE] &&
        !m->values[YQ_FIELD_EMAIL])
        m->trouble = (struct yq_reason){.code = YQ_REASON_NAME_DIFFERS, .args = {m->w->userid}};
    emit_person(p, m);
    emit_posts(p, m);
    emit_superiors(p, m);
    agree(p, m);
    conclude_member(m, p->plan->operation_count > before);
}

/* The link goes over to the new userid; not while the one that was made since cannot be withdrawn,
 * whose link would be forgotten. */
static void emit_renamed(struct planner *p, struct member *m)
{
    const struct member *now = settle_member(p, m->evidence->new_userid);
    if (now->twin_link == NULL || now->fate != FROZEN)
        emit_relink(p, m->evidence->new_userid, m->link, "D20");
    else
        conclude(m->verdict, now->verdict->kind, now->verdict->reason.code,
                 now->verdict->reason.args[0], now->verdict->reason.args[1]);
}

static void emit_one(struct planner *p, struct member *m)
{
    if (m->progress != READY) {
        if (m->row != NULL)
            m->verdict->eteams = m->row->id;
        if (m->verdict->kind == YQ_VERDICT_NONE)
            conclude(m->verdict, YQ_VERDICT_WAIT, YQ_REASON_NOT_YET_READABLE, NULL, NULL);
        return;
    }
    switch (m->fate) {
    case FROZEN:
        if (m->link_is_stale)
            emit_unlink(p, m);
        break;
    case RENAMED:
        emit_renamed(p, m);
        break;
    case LEAVES:
        if (m->successor != NULL) {
            conclude(m->verdict, YQ_VERDICT_CHANGE, YQ_REASON_USERID_CHANGED, m->w->userid, NULL);
            break;
        }
        if (m->twin != NULL)
            emit_twin(p, m);
        emit_leaver(p, m);
        conclude(m->verdict, YQ_VERDICT_CHANGE, YQ_REASON_NONE, NULL, NULL);
        m->verdict->eteams = m->row->id;
        break;
    default:
        emit_in_service(p, m);
        break;
    }
}

void emit_members(struct planner *p)
{
    for (struct member *m = p->members; m != NULL; m = m->hh.next)
        emit_one(p, m);
}
