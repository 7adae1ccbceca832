/* WeCom's directory read whole: the tree, then user/list of each department, side by side, each
 * answer made into digests as soon as it is there. */
#include "clients/wecom_listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/wecom_codec.h"
#include "wecom_listing.h"

#define TRIES 3         /* of a page that fails in passing */
#define TOO_LARGE 45029 /* wecom.md §4.3 */
#define NO_DEPARTMENT 60003
#define NO_SUCH_DEPARTMENT 60123 /* the same; which of the two is not said (wecom.md §4.2) */

void yq_wecom_listing_release(struct yq_wecom_listing *l)
{
    for (size_t i = 0; i < l->range.member_count; i++)
        free(l->range.members[i]);
    free(l->range.members);
    free(l->range.departments);
    free(l->range.tags);
    free(l->failed);
    *l = (struct yq_wecom_listing){0};
}

/* ---- the tree ---- */

int yq_listing_take_tree(struct listing *l, const cJSON *list, struct yq_error *err)
{
    const cJSON *row;
    if (!cJSON_IsArray(list))
        return yq_error_set(err, YQ_ERROR_RETRY, "department/list: an answer without the list");
    cJSON_ArrayForEach (row, list) {
        if (yq_wecom_read_department(l->departments, row, err) == NULL)
            return -1;
    }
    return 0;
}

static int take_department(struct listing *l, const struct task *t, const cJSON *reply,
                           struct yq_error *err)
{
    const cJSON *object = yq_json_get(reply, "department");
    int64_t id;
    if (!yq_json_int(object, "id", &id) || id != (int64_t)t->number)
        return yq_error_set(err, YQ_ERROR_RETRY, "department/get: not about %u", t->number);
    return yq_wecom_read_department(l->departments, object, err) ? 0 : -1;
}

/* ---- departments that are deleted meanwhile ---- */

/* It may have been deleted since the tree was read. */
static bool has_vanished(struct listing *l, const struct task *t, const struct yq_error *why)
{
    if (why->code != NO_DEPARTMENT && why->code != NO_SUCH_DEPARTMENT)
        return false;
    yq_grow(&l->vanished, &l->vanished_capacity, l->vanished_count, sizeof(*l->vanished));
    l->vanished[l->vanished_count++] = t->number;
    return true;
}

static void department_refused(struct listing *l, const struct task *t, const struct yq_error *why)
{
    if (!has_vanished(l, t, why))
        yq_listing_lacks(l, why);
}

/* The second time it is believed. */
static bool is_gone(struct listing *l, const struct task *t, const struct yq_error *why)
{
    bool gone = has_vanished(l, t, why);
    if (gone)
        yq_view_wecom_department(l->departments, t->number)->fact = YQ_ABSENT;
    return gone;
}

static int ask_again(struct listing *l, const struct errand *e, struct yq_error *err)
{
    size_t count = l->vanished_count;
    struct task *tasks = yq_calloc(count + 1, sizeof(*tasks));
    for (size_t i = 0; i < count; i++)
        tasks[i].number = l->vanished[i];
    int rc = yq_listing_run(l, e, tasks, count, err);
    l->vanished_count = 0;
    free(tasks);
    return rc;
}

/* ---- the tree, department by department ---- */

/* One task per department of the view; the caller frees them. */
static struct task *each_department(const struct listing *l, size_t *ret_count)
{
    const struct yq_wecom_department *d = l->departments->wecom_departments;
    struct task *tasks = yq_calloc(HASH_COUNT(d) + 1, sizeof(*tasks));
    for (*ret_count = 0; d != NULL; d = d->hh.next) {
        if (d->fact == YQ_PRESENT)
            tasks[(*ret_count)++].number = d->id;
    }
    return tasks;
}

static void department_refused_again(struct listing *l, const struct task *t,
                                     const struct yq_error *why)
{
    if (!is_gone(l, t, why))
        yq_listing_lacks(l, why);
}

/* The list is too large for one answer: the ids in one, then each department by itself. */
static int read_tree_singly(struct listing *l, struct yq_error *err)
{
    static const struct errand get = {WC_P_DEPARTMENT_GET, "id", take_department,
                                      department_refused, false};
    static const struct errand again = {WC_P_DEPARTMENT_GET, "id", take_department,
                                        department_refused_again, false};
    struct yq_call call = {.api = WC_P_DEPARTMENT_SIMPLELIST};
    struct yq_error why = {0};
    int rc = yq_wecom_run(l->c, l->h, &call, 1, l->watch, err);
    if (rc == 0 && call.error.kind != YQ_ERROR_NONE)
        yq_listing_lacks(l, &call.error);
    else if (rc == 0 && yq_listing_take_tree(l, yq_json_get(call.reply, "department_id"), &why) < 0)
        yq_listing_lacks(l, &why);
    yq_calls_release(&call, 1);
    if (rc == 0) {
        size_t count;
        struct task *tasks = each_department(l, &count);
        rc = yq_listing_run(l, &get, tasks, count, err);
        free(tasks);
    }
    return rc == 0 ? ask_again(l, &again, err) : rc;
}

static int take_list(struct listing *l, const struct task *t, const cJSON *reply,
                     struct yq_error *err)
{
    (void)t;
    return yq_listing_take_tree(l, yq_json_get(reply, "department"), err);
}

static void list_refused(struct listing *l, const struct task *t, const struct yq_error *why)
{
    (void)t;
    if (why->code == TOO_LARGE)
        l->tree_is_large = true;
    else
        yq_listing_lacks(l, why);
}

static int read_tree(struct listing *l, struct yq_error *err)
{
    static const struct errand list = {
        .api = WC_P_DEPARTMENT_LIST, .take = take_list, .refused = list_refused};
    struct task task = {0};
    int rc = yq_listing_run(l, &list, &task, 1, err);
    return rc == 0 && l->tree_is_large ? read_tree_singly(l, err) : rc;
}

/* ---- the members ---- */

static void tell_progress(struct listing *l, size_t more)
{
    l->lists_read += more;
    if (l->watch != NULL && l->watch->progress != NULL)
        l->watch->progress(l->watch->context, l->lists_read, l->lists);
}

static int take_members(struct listing *l, const struct task *t, const cJSON *reply,
                        struct yq_error *err)
{
    const cJSON *row, *list = yq_json_get(reply, "userlist");
    if (!cJSON_IsArray(list))
        return yq_error_set(err, YQ_ERROR_RETRY, "user/list: an answer without the list of %u",
                            t->number);
    cJSON_ArrayForEach (row, list) {
        struct yq_wecom_member m;
        if (yq_wecom_borrow_member(l->scratch, row, &m, err) < 0)
            return -1;
        yq_snapshot_add_wecom(l->members, l->scratch, &m);
    }
    tell_progress(l, 1);
    return 0;
}

static void lacks_members(struct listing *l, const struct task *t, const struct yq_error *why)
{
    struct yq_wecom_listing *f = l->facts;
    yq_listing_lacks(l, why);
    yq_grow(&f->failed, &f->failed_capacity, f->failed_count, sizeof(*f->failed));
    f->failed[f->failed_count++] = t->number;
}

static void members_refused(struct listing *l, const struct task *t, const struct yq_error *why)
{
    if (why->code == TOO_LARGE) {
        yq_grow(&l->large, &l->large_capacity, l->large_count, sizeof(*l->large));
        l->large[l->large_count++] = t->number;
    } else if (!has_vanished(l, t, why)) {
        lacks_members(l, t, why);
    }
}

static void members_refused_again(struct listing *l, const struct task *t,
                                  const struct yq_error *why)
{
    if (!is_gone(l, t, why))
        lacks_members(l, t, why);
}

/* The department is there after all, and its people were not told. */
static int take_unread(struct listing *l, const struct task *t, const cJSON *reply,
                       struct yq_error *err)
{
    struct yq_error why = {0};
    if (take_department(l, t, reply, err) < 0)
        return -1;
    (void)yq_error_set(&why, YQ_ERROR_RETRY,
                       "user/list does not have department %u, which is there", t->number);
    lacks_members(l, t, &why);
    return 0;
}

/* user/simplelist of a large department: its people are read one by one. */
static int take_names(struct listing *l, const struct task *t, const cJSON *reply,
                      struct yq_error *err)
{
    const cJSON *row, *list = yq_json_get(reply, "userlist");
    if (!cJSON_IsArray(list))
        return yq_error_set(err, YQ_ERROR_RETRY, "user/simplelist: an answer without the list");
    cJSON_ArrayForEach (row, list) {
        const cJSON *id = yq_json_get(row, "userid");
        if (!cJSON_IsString(id) || !yq_userid_valid(id->valuestring, strlen(id->valuestring)))
            return yq_error_set(err, YQ_ERROR_RETRY, "user/simplelist: a malformed row");
        yq_snapshot_add_membership(&l->singles, id->valuestring, t->number);
    }
    return 0;
}

static int read_members(struct listing *l, struct yq_error *err)
{
    static const struct errand list = {WC_P_USER_LIST, "department_id", take_members,
                                       members_refused, false};
    static const struct errand names = {WC_P_USER_SIMPLELIST, "department_id", take_names,
                                        members_refused, false};
    static const struct errand again = {WC_P_DEPARTMENT_GET, "id", take_unread,
                                        members_refused_again, false};
    size_t count;
    struct task *tasks = each_department(l, &count);
    l->lists = count;
    tell_progress(l, 0);
    int rc = yq_listing_run(l, &list, tasks, count, err);
    for (count = 0; count < l->large_count; count++)
        tasks[count] = (struct task){.number = l->large[count]};
    if (rc == 0)
        rc = yq_listing_run(l, &names, tasks, count, err);
    if (rc == 0)
        rc = ask_again(l, &again, err);
    free(tasks);
    yq_snapshot_seal(l->members);
    return rc;
}

/* ---- the flow ---- */

static int list_details(struct listing *l, struct yq_error *err)
{
    l->facts->how = YQ_WECOM_DETAILS;
    l->facts->whole_company = l->c == &l->w->contacts;
    int rc = yq_range_read(l, err);
    if (rc == 0 && !l->shut)
        rc = read_tree(l, err);
    if (rc == 0 && !l->shut)
        rc = yq_range_read_tags(l, err);
    if (rc == 0 && !l->shut) {
        yq_range_check_tree(l);
        rc = read_members(l, err);
    }
    if (rc == 0 && !l->shut)
        rc = yq_range_read_singles(l, err);
    return rc;
}

/* -1 if the run ends by this; else the listing lacks something. */
static int ids_ended(struct listing *l, int rc, const struct yq_error *why, struct yq_error *err)
{
    if (rc == 0)
        return 0;
    yq_listing_lacks(l, why);
    if (why->kind != YQ_ERROR_LOST && why->kind != YQ_ERROR_FATAL)
        return 0;
    *err = *why;
    return -1;
}

static int list_ids_alone(struct listing *l, struct yq_error *err)
{
    struct yq_wecom_listing *f = l->facts;
    struct yq_error why = {0};
    yq_wecom_listing_release(f);
    f->how = YQ_WECOM_IDS;
    f->whole_company = true;
    int rc = yq_wecom_ids_of_departments(l->w, l->h, l->departments, NULL, 0, l->watch, &why);
    if (ids_ended(l, rc, &why, err) < 0)
        return -1;
    return ids_ended(l, yq_wecom_list_ids(l->w, l->h, l->members, l->watch, &why), &why, err);
}

int yq_wecom_list_all(struct yq_wecom *w, struct yq_http *h, struct yq_view *departments,
                      struct yq_snapshot *ret_members, struct yq_wecom_listing *ret,
                      const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_wecom_listing facts = {0};
    struct yq_error why = {0};
    struct yq_view *own = departments ? NULL : yq_view_new();
    struct listing l = {.w = w, .h = h, .watch = watch, .c = yq_wecom_reader(w)};
    l.departments = departments ? departments : own;
    l.members = ret_members;
    l.facts = &facts;
    l.scratch = yq_arena_new();
    yq_snapshot_clear(ret_members);
    int rc = l.c == NULL && w->contacts.peer == NULL ? yq_wecom_no_reader(&why) : 0;
    if (rc == 0 && l.c != NULL)
        rc = list_details(&l, &why);
    if (rc == 0 && (l.c == NULL || l.shut))
        rc = list_ids_alone(&l, &why);
    if (rc == 0 && ret_members->count == 0 && !facts.only_persons)
        yq_listing_lacks_text(&l, "WeCom shows nobody at all");
    if (!ret_members->sealed)
        yq_snapshot_seal(ret_members);
    facts.complete = ret_members->complete = rc == 0 && facts.error.kind == YQ_ERROR_NONE;
    yq_snapshot_release(&l.singles);
    yq_arena_free(l.scratch);
    yq_view_free(own);
    free(l.large);
    free(l.vanished);
    if (rc == 0 && ret != NULL)
        *ret = facts;
    else
        yq_wecom_listing_release(&facts);
    if (rc < 0 && err != NULL)
        *err = why;
    return rc;
}

/* ---- ids of the whole company ---- */

static void add_membership(void *snapshot, const char *userid, uint32_t department)
{
    yq_snapshot_add_membership(snapshot, userid, department);
}

static void forget_memberships(void *snapshot)
{
    yq_snapshot_clear(snapshot);
}

int yq_wecom_list_ids(struct yq_wecom *w, struct yq_http *h, struct yq_snapshot *ret,
                      const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_wecom_memberships rows = {
        .row = add_membership, .again = forget_memberships, .context = ret, .tries = TRIES};
    yq_snapshot_clear(ret);
    int rc = w->contacts.peer == NULL
                 ? yq_error_set(err, YQ_ERROR_REFUSED, "there is no wecom.contacts_secret")
                 : yq_wecom_each_membership(w, h, &rows, watch, err);
    yq_snapshot_seal(ret);
    if (rc == 0 && ret->count == 0) /* there is always somebody: whoever founded the company */
        rc = yq_error_set(err, YQ_ERROR_RETRY, "user/list_id shows nobody at all");
    ret->complete = rc == 0;
    return rc;
}

int yq_wecom_list_company_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                                      bool *ret_known, const struct yq_watch *watch,
                                      struct yq_error *err)
{
    struct yq_error why = {0};
    *ret_known = false;
    if (w->contacts.peer == NULL)
        return 0;
    if (yq_wecom_ids_of_departments(w, h, v, NULL, 0, watch, &why) == 0) {
        *ret_known = true;
        return 0;
    }
    if (why.kind != YQ_ERROR_LOST && why.kind != YQ_ERROR_FATAL)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}
