/* command.link and command.unlink: an operator says which record of eteams a subject is. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "clients/store.h"
#include "command.h"
#include "record.h"
#include "runs.h"

struct linking {
    const struct yq_commands *c;
    const struct yq_delivery *d;
    char key[YQ_SUBJECT_MAX];
    bool member;
    struct yq_view *view; /* its own: the engine reads for itself afterwards */
    const char *target;   /* the record that the command names; unlink: that it is linked with */
    struct yq_reason refused;
};

static int refuse(struct linking *l, enum yq_reason_code code, const char *arg, const char *other)
{
    l->refused = (struct yq_reason){.code = code, .args = {arg, other}};
    return 0;
}

static bool is_link_command(const struct yq_delivery *d)
{
    return d->kind == YQ_EVENT_COMMAND_LINK || d->kind == YQ_EVENT_COMMAND_UNLINK;
}

/* ---- what stands now ---- */

static int load_link(struct linking *l, struct yq_error *err)
{
    const struct yq_sync *s = l->c->sync;
    const char *id = l->c->settle->connection, *userid = l->d->subject.userid;
    if (l->member)
        return yq_store_load_member_links(s->redis, s->keys, id, &userid, 1, l->view, err);
    return yq_store_load_department_links(s->redis, s->keys, id, &l->d->subject.id, 1, l->view,
                                          err);
}

/* The record that the subject is linked with, or NULL. */
static const char *linked_with(const struct linking *l)
{
    if (l->member) {
        const struct yq_link_member *m = yq_view_member_link(l->view, l->d->subject.userid);
        return m ? m->eteams : NULL;
    }
    const struct yq_link_department *d = yq_view_department_link(l->view, l->d->subject.id);
    return d ? d->eteams : NULL;
}

static int unreadable(const struct yq_error *why, struct yq_error *err)
{
    return yq_error_set(err, YQ_ERROR_RETRY, "%s", why ? why->text : "eteams cannot be read");
}

static int check_member(struct linking *l, struct yq_error *err)
{
    const struct yq_sync *s = l->c->sync;
    const char *id = l->c->settle->connection;
    if (yq_eteams_read_members(s->connection->eteams, s->http, l->view, &l->target, 1, s->watch,
                               err) < 0 ||
        yq_store_load_member_owners(s->redis, s->keys, id, &l->target, 1, l->view, err) < 0)
        return -1;
    const struct yq_eteams_member *row = yq_view_find_eteams_member(l->view, l->target);
    if (row == NULL || row->fact == YQ_ABSENT)
        return refuse(l, YQ_REASON_NO_RECORD, l->target, NULL);
    if (row->fact != YQ_PRESENT)
        return unreadable(row->error, err);
    if (!row->in_service || row->secondary)
        return refuse(l, YQ_REASON_RECORD_UNFIT, l->target, NULL);
    if (row->owner != NULL && strcmp(row->owner->key, strchr(l->key, ':') + 1) != 0)
        return refuse(l, YQ_REASON_RECORD_TAKEN, l->target, row->owner->userid);
    return 0;
}

static int check_department(struct linking *l, struct yq_error *err)
{
    const struct yq_sync *s = l->c->sync;
    const char *id = l->c->settle->connection;
    if (yq_eteams_read_departments(s->connection->eteams, s->http, l->view, &l->target, 1, s->watch,
                                   err) < 0 ||
        yq_store_load_department_owners(s->redis, s->keys, id, &l->target, 1, l->view, err) < 0)
        return -1;
    const struct yq_eteams_department *row = yq_view_find_eteams_department(l->view, l->target);
    if (row == NULL || row->fact == YQ_ABSENT)
        return refuse(l, YQ_REASON_NO_RECORD, l->target, NULL);
    if (row->fact != YQ_PRESENT)
        return unreadable(row->error, err);
    if (!row->enabled || row->parent == NULL)
        return refuse(l, YQ_REASON_RECORD_UNFIT, l->target, NULL);
    if (row->owner != NULL && row->owner->id != l->d->subject.id)
        return refuse(l, YQ_REASON_RECORD_TAKEN, l->target,
                      yq_arena_printf(l->view->arena, "%u", row->owner->id));
    return 0;
}

/* ---- carrying it out ---- */

static void add_audit(const struct linking *l)
{
    bool link = l->d->kind == YQ_EVENT_COMMAND_LINK, done = l->refused.code == YQ_REASON_NONE;
    struct yq_buf record = YQ_BUF_INIT, result = YQ_BUF_INIT;
    yq_buf_adds(&record, "{\"eteams\":");
    yq_buf_add_json_string(&record, l->target ? l->target : "");
    yq_buf_addc(&record, '}');
    if (done)
        yq_buf_adds(&result, "ok");
    else
        yq_record_reason("failed", &l->refused, &result);
    enum yq_operation_kind kind = link ? YQ_OP_DEPARTMENT_LINK : YQ_OP_DEPARTMENT_UNLINK;
    if (l->member)
        kind = link ? YQ_OP_MEMBER_LINK : YQ_OP_MEMBER_UNLINK;
    yq_store_add_audit(l->c->settle->commit, l->c->settle->keys, l->c->settle->connection,
                       &(struct yq_audit){.run = l->d->entry,
                                          .event = l->d->entry,
                                          .rule = "command",
                                          .op = yq_operation_kind_name(kind),
                                          .subject = l->key,
                                          .before = link ? "{}" : yq_buf_text(&record),
                                          .after = link ? yq_buf_text(&record) : "{}",
                                          .result = yq_buf_text(&result)});
    yq_buf_release(&record);
    yq_buf_release(&result);
}

static void put_link(const struct linking *l)
{
    const struct yq_settle *s = l->c->settle;
    int64_t now = yq_wall_ms(s->clock);
    if (l->member) {
        const struct yq_link_member link = {
            .userid = l->d->subject.userid, .eteams = l->target, .how = "command", .at = now};
        yq_store_put_member_link(s->commit, s->keys, s->connection, &link);
    } else {
        const struct yq_link_department link = {
            .id = l->d->subject.id, .eteams = l->target, .how = "command", .at = now};
        yq_store_put_department_link(s->commit, s->keys, s->connection, &link);
    }
}

static void drop_link(const struct linking *l)
{
    const struct yq_settle *s = l->c->settle;
    if (l->member)
        yq_store_drop_member_link(s->commit, s->keys, s->connection,
                                  yq_view_member_link(l->view, l->d->subject.userid));
    else
        yq_store_drop_department_link(s->commit, s->keys, s->connection,
                                      yq_view_department_link(l->view, l->d->subject.id));
}

static int do_link(struct linking *l, struct yq_error *err)
{
    const struct yq_settle *s = l->c->settle;
    const char *now = linked_with(l);
    cJSON *tree = yq_json_parse(l->d->data, strlen(l->d->data), NULL);
    l->target = yq_arena_strdup(l->view->arena, yq_json_text(l->view->arena, tree, "eteams"));
    cJSON_Delete(tree);
    if (l->target == NULL || l->target[0] == '\0')
        return refuse(l, YQ_REASON_BAD_COMMAND, "eteams", NULL);
    if (now != NULL && strcmp(now, l->target) == 0)
        return 0; /* done before, by an attempt that could not go on */
    if (now != NULL)
        return refuse(l, YQ_REASON_LINKED_ALREADY, now, NULL);
    if ((l->member ? check_member : check_department)(l, err) < 0)
        return -1;
    if (l->refused.code != YQ_REASON_NONE)
        return 0;
    put_link(l);
    add_audit(l);
    yq_store_drop_case(s->commit, s->keys, s->connection, l->key);
    return 0;
}

/* Nothing is written to eteams: whether the rules shall link or make it anew is asked for by sync.
 */
static int do_unlink(struct linking *l)
{
    const struct yq_settle *s = l->c->settle;
    l->target = linked_with(l);
    if (l->target == NULL)
        return refuse(l, YQ_REASON_NOT_LINKED, NULL, NULL);
    drop_link(l);
    add_audit(l);
    yq_store_drop_case(s->commit, s->keys, s->connection, l->key);
    return 0;
}

static int commit(const struct yq_commands *c, struct yq_error *err)
{
    if (yq_commit_count(c->settle->commit) == 0)
        return 0;
    return yq_lease_commit(c->sync->redis, c->sync->keys, c->sync->lease, c->settle->commit, err);
}

/* *ret_over: the command has ended here, and no run of the engine is its own. */
static int carry_out(const struct yq_commands *c, const struct yq_delivery *d, bool *ret_over,
                     struct yq_error *err)
{
    struct linking l = {.c = c, .d = d, .member = d->subject.kind == YQ_SUBJECT_MEMBER};
    yq_subject_key(&d->subject, l.key);
    l.view = yq_view_new();
    int done = load_link(&l, err);
    if (done == 0)
        done = d->kind == YQ_EVENT_COMMAND_LINK ? do_link(&l, err) : do_unlink(&l);
    *ret_over = d->kind == YQ_EVENT_COMMAND_UNLINK || l.refused.code != YQ_REASON_NONE;
    if (done == 0 && l.refused.code != YQ_REASON_NONE) {
        add_audit(&l);
        yq_run_add(c->settle,
                   &(struct yq_run_note){
                       .run = d->entry, .cause = "command", .subjects = 1, .reason = l.refused});
    } else if (done == 0 && *ret_over) {
        yq_run_add_done(c->settle, d->entry);
    }
    yq_view_free(l.view);
    return done;
}

/* Links before an unlink are history: when the group is tried again they must not come back. */
static void retire_links(const struct yq_commands *c, struct yq_group *g, size_t *index)
{
    for (size_t i = *index; i-- > 0;) {
        if (g->deliveries[i]->kind != YQ_EVENT_COMMAND_LINK)
            continue;
        yq_run_add_done(c->settle, g->deliveries[i]->entry);
        (void)yq_settle_delivery(c->settle, g, i); /* the unlink is still there */
        (*index)--;
    }
}

/* *ret_gone: nothing is left of the group. */
static int handle_group(const struct yq_commands *c, struct yq_group *g, bool *ret_gone,
                        struct yq_error *err)
{
    *ret_gone = false;
    for (size_t i = 0; !*ret_gone && i < g->count;) {
        const struct yq_delivery *d = g->deliveries[i];
        bool over = false;
        if (is_link_command(d) && carry_out(c, d, &over, err) < 0)
            return -1;
        if (over && d->kind == YQ_EVENT_COMMAND_UNLINK)
            retire_links(c, g, &i);
        if (over)
            *ret_gone = yq_settle_delivery(c->settle, g, i);
        else
            i++;
        if (is_link_command(d) && commit(c, err) < 0)
            return -1;
    }
    return 0;
}

int yq_carry_out_links(const struct yq_commands *c, struct yq_group **groups, size_t *count,
                       struct yq_error *err)
{
    size_t kept = 0;
    int done = 0;
    for (size_t i = 0; i < *count; i++) {
        bool gone = false;
        if (done == 0)
            done = handle_group(c, groups[i], &gone, err);
        if (!gone)
            groups[kept++] = groups[i];
    }
    *count = kept;
    return done;
}
