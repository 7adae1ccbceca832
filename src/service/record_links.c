/* Links as operations and verdicts change them. */
#include "record_links.h"

#include <string.h>

#include "clients/store.h"

const char *yq_record_id(const struct yq_record *r)
{
    return r->sync->connection->settings->id;
}

static void put_department(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    struct yq_link_department link = {
        .id = op->subject.id, .eteams = target, .how = op->how, .at = yq_wall_ms(r->sync->clock)};
    yq_store_put_department_link(r->commit, r->sync->keys, yq_record_id(r),
                                 yq_view_set_department_link(r->view, &link));
}

static void drop_department(struct yq_record *r, const struct yq_operation *op)
{
    const struct yq_link_department *link = yq_view_department_link(r->view, op->subject.id);
    if (link != NULL)
        yq_store_drop_department_link(r->commit, r->sync->keys, yq_record_id(r), link);
}

static void put_member(struct yq_record *r, const struct yq_link_member *link)
{
    yq_store_put_member_link(r->commit, r->sync->keys, yq_record_id(r), link);
}

static bool writes_job_num(const struct yq_operation *op)
{
    for (size_t i = 0; i < op->change_count; i++) {
        if (strcmp(op->changes[i].field, "job_num") == 0)
            return true;
    }
    return false;
}

static bool agree_member(struct yq_link_member *link, const struct yq_verdict *v)
{
    bool changed = v->born > link->born;
    if (changed)
        link->born = v->born;
    for (int f = 0; f < YQ_MEMBER_FIELD_COUNT; f++) {
        if (v->agreed[f] != 0 && link->agreed[f] != v->agreed[f]) {
            link->agreed[f] = v->agreed[f];
            changed = true;
        }
        if (v->heard_at[f] > link->heard_at[f]) {
            link->heard_at[f] = v->heard_at[f];
            changed = true;
        }
    }
    return changed;
}

static void make_member(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(op->subject.userid, key);
    struct yq_link_member link = {.key = key,
                                  .userid = op->subject.userid,
                                  .eteams = target,
                                  .how = op->how,
                                  .at = yq_wall_ms(r->sync->clock),
                                  .wrote_job_num = writes_job_num(op)};
    const struct yq_verdict *v;
    char subject[YQ_SUBJECT_MAX];
    yq_subject_key(&op->subject, subject);
    HASH_FIND_STR(r->plan->verdicts, subject, v);
    if (op->kind == YQ_OP_MEMBER_CREATE && v != NULL) /* its row had all that will be agreed */
        (void)agree_member(&link, v);
    put_member(r, yq_view_set_member_link(r->view, &link));
}

/* Nothing that comes later in this run may write it again. */
static void drop_member(struct yq_record *r, struct yq_link_member *link)
{
    yq_store_drop_member_link(r->commit, r->sync->keys, yq_record_id(r), link);
    yq_view_drop_member_link(r->view, link);
}

/* The new userid takes the link over; what stood under the new one was withdrawn or never was. */
static void move_member(struct yq_record *r, const struct yq_operation *op)
{
    struct yq_link_member *old = yq_view_member_link(r->view, op->from_userid);
    struct yq_link_member *twin = yq_view_member_link(r->view, op->subject.userid);
    if (old == NULL)
        return;
    char key[YQ_USERID_MAX + 1];
    yq_userid_key(op->subject.userid, key);
    struct yq_link_member link = *old;
    link.key = key;
    link.userid = op->subject.userid;
    if (twin != NULL && twin != old)
        drop_member(r, twin);
    drop_member(r, old);
    put_member(r, yq_view_set_member_link(r->view, &link));
}

static void change_posts(struct yq_record *r, struct yq_link_member *link, const char *department,
                         bool add)
{
    const char **posts = yq_arena_alloc(r->view->arena, (link->post_count + 1) * sizeof(*posts));
    size_t count = 0;
    for (size_t i = 0; i < link->post_count; i++) {
        if (strcmp(link->posts[i], department) != 0)
            posts[count++] = link->posts[i];
    }
    if (add)
        posts[count++] = yq_arena_strdup(r->view->arena, department);
    link->posts = posts;
    link->post_count = count;
}

static void update_member(struct yq_record *r, const struct yq_operation *op, const char *target,
                          const char *department)
{
    struct yq_link_member *link = yq_view_member_link(r->view, op->subject.userid);
    bool resigns = op->kind == YQ_OP_MEMBER_RESIGN;
    if (resigns && r->sync->approved == NULL) { /* what was approved does not count */
        char key[YQ_SUBJECT_MAX];
        yq_subject_key(&op->subject, key);
        yq_store_add_removal(r->commit, r->sync->keys, yq_record_id(r), key,
                             yq_wall_ms(r->sync->clock));
    }
    if (link == NULL || target == NULL || strcmp(link->eteams, target) != 0)
        return; /* the record that is withdrawn is not the one that is linked */
    if (resigns || op->kind == YQ_OP_MEMBER_REHIRE) {
        link->left = resigns;
        if (resigns)
            link->post_count = 0;
    } else if (op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) {
        change_posts(r, link, department, op->kind == YQ_OP_POST_ADD);
    } else if (writes_job_num(op)) {
        link->wrote_job_num = true;
    } else {
        return;
    }
    put_member(r, link);
}

const char *yq_record_post_department(struct yq_record *r, const struct yq_operation *op)
{
    if (op->department.id != NULL)
        return op->department.id;
    const struct yq_link_department *link = yq_view_department_link(r->view, op->department.wecom);
    return link ? link->eteams : "";
}

static void note_name(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    if (target != NULL && op->name != NULL)
        yq_store_put_department_name(r->commit, r->sync->keys, yq_record_id(r), target, op->name);
}

void yq_record_link(struct yq_record *r, const struct yq_operation *op, const char *target)
{
    switch (op->kind) {
    case YQ_OP_DEPARTMENT_LINK:
    case YQ_OP_DEPARTMENT_CREATE:
        put_department(r, op, target);
        note_name(r, op, target);
        break;
    case YQ_OP_DEPARTMENT_UPDATE:
        note_name(r, op, target);
        break;
    case YQ_OP_DEPARTMENT_UNLINK:
        drop_department(r, op);
        break;
    case YQ_OP_MEMBER_LINK:
    case YQ_OP_MEMBER_CREATE:
        make_member(r, op, target);
        break;
    case YQ_OP_MEMBER_RELINK:
        move_member(r, op);
        break;
    case YQ_OP_MEMBER_UNLINK: {
        struct yq_link_member *link = yq_view_member_link(r->view, op->subject.userid);
        if (link != NULL)
            drop_member(r, link);
        break;
    }
    case YQ_OP_MEMBER_REHIRE:
    case YQ_OP_MEMBER_UPDATE:
    case YQ_OP_MEMBER_RESIGN:
    case YQ_OP_POST_ADD:
    case YQ_OP_POST_REMOVE:
        update_member(r, op, target, yq_record_post_department(r, op));
        break;
    default:
        break;
    }
}

static bool agree_department(struct yq_link_department *link, const struct yq_verdict *v)
{
    uint64_t name = v->agreed[YQ_FIELD_NAME], parent = v->agreed[YQ_FIELD_MAIN_DEPARTMENT];
    bool changed = (name && name != link->agreed_name) ||
                   (parent && parent != link->agreed_parent) ||
                   v->heard_at[YQ_FIELD_NAME] > link->heard_at;
    link->agreed_name = name ? name : link->agreed_name;
    link->agreed_parent = parent ? parent : link->agreed_parent;
    if (v->heard_at[YQ_FIELD_NAME] > link->heard_at)
        link->heard_at = v->heard_at[YQ_FIELD_NAME];
    return changed;
}

static bool is_planned(struct yq_record *r, const char *key, const char *department)
{
    for (size_t i = 0; key != NULL && i < r->plan->operation_count; i++) {
        const struct yq_operation *op = r->plan->operations[i];
        char own[YQ_SUBJECT_MAX];
        yq_subject_key(&op->subject, own);
        if ((op->kind == YQ_OP_POST_ADD || op->kind == YQ_OP_POST_REMOVE) &&
            strcmp(own, key) == 0 && strcmp(yq_record_post_department(r, op), department) == 0)
            return true;
    }
    return false;
}

static bool knows_post(const struct yq_link_member *link, const char *department)
{
    for (size_t i = 0; i < link->post_count; i++) {
        if (strcmp(link->posts[i], department) == 0)
            return true;
    }
    return false;
}

static bool shows_post(const struct yq_eteams_member *row, const char *department)
{
    for (size_t i = 0; i < row->post_count; i++) {
        if (row->posts[i].ours && strcmp(row->posts[i].department, department) == 0)
            return true;
    }
    return false;
}

bool yq_record_posts(struct yq_record *r, struct yq_link_member *link, const char *key)
{
    bool changed = false;
    const struct yq_eteams_member *row = yq_view_find_eteams_member(r->view, link->eteams);
    if (row == NULL || row->posts_fact != YQ_PRESENT || link->left)
        return false;
    for (size_t i = 0; i < row->post_count; i++) {
        const struct yq_eteams_post *post = &row->posts[i];
        if (post->ours && !knows_post(link, post->department) &&
            !is_planned(r, key, post->department)) {
            change_posts(r, link, post->department, true);
            changed = true;
        }
    }
    for (size_t i = link->post_count; i-- > 0;) {
        const char *department = link->posts[i];
        if (!shows_post(row, department) && !is_planned(r, key, department)) {
            change_posts(r, link, department, false);
            changed = true;
        }
    }
    return changed;
}

void yq_record_agreed(struct yq_record *r, const struct yq_verdict *v)
{
    if (v->subject.kind == YQ_SUBJECT_MEMBER) {
        struct yq_link_member *link = yq_view_member_link(r->view, v->subject.userid);
        bool learnt = link != NULL && yq_record_posts(r, link, v->key);
        if (link != NULL && (agree_member(link, v) || learnt))
            put_member(r, link);
    } else if (v->subject.kind == YQ_SUBJECT_DEPARTMENT) {
        struct yq_link_department *link = yq_view_department_link(r->view, v->subject.id);
        if (link != NULL && agree_department(link, v))
            yq_store_put_department_link(r->commit, r->sync->keys, yq_record_id(r), link);
    }
}
