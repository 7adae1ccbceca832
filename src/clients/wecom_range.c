/* What an administrator ticked for the app, and who is visible by that alone: members of tags,
 * persons ticked singly, whom no department shows (wecom.md §4.4, §4.5; R9, R10). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/wecom_codec.h"
#include "wecom_listing.h"

/* ---- agent/get ---- */

static int read_numbers(const cJSON *list, uint32_t **ret, size_t *ret_count)
{
    const cJSON *item;
    *ret_count = 0;
    if (list != NULL && !cJSON_IsArray(list))
        return -1;
    *ret = yq_calloc((list ? (size_t)cJSON_GetArraySize(list) : 0) + 1, sizeof(**ret));
    cJSON_ArrayForEach (item, list) {
        int64_t n;
        if (!yq_json_item_int(item, &n) || n < 1 || n > UINT32_MAX)
            return -1;
        (*ret)[(*ret_count)++] = (uint32_t)n;
    }
    return 0;
}

static int read_persons(struct listing *l, const cJSON *list, const char *from)
{
    struct yq_wecom_range *r = &l->facts->range;
    const cJSON *row;
    size_t capacity = r->member_count;
    if (list != NULL && !cJSON_IsArray(list))
        return -1;
    cJSON_ArrayForEach (row, list) {
        const cJSON *id = yq_json_get(row, "userid");
        if (!cJSON_IsString(id) || !yq_userid_valid(id->valuestring, strlen(id->valuestring)))
            return -1;
        yq_snapshot_add_membership(&l->singles, id->valuestring, 0);
        if (strcmp(from, WC_P_AGENT_GET) != 0)
            continue;
        yq_grow(&r->members, &capacity, r->member_count, sizeof(*r->members));
        r->members[r->member_count++] = yq_strdup(id->valuestring);
    }
    return 0;
}

static void forget_range(struct yq_wecom_range *r)
{
    for (size_t i = 0; i < r->member_count; i++)
        free(r->members[i]);
    free(r->members);
    free(r->departments);
    free(r->tags);
    *r = (struct yq_wecom_range){0};
}

static bool is_object_or_none(const cJSON *item)
{
    return item == NULL || cJSON_IsObject(item);
}

static int take_range(struct listing *l, const struct task *t, const cJSON *reply,
                      struct yq_error *err)
{
    (void)t;
    struct yq_wecom_range *r = &l->facts->range;
    const cJSON *persons = yq_json_get(reply, "allow_userinfos");
    const cJSON *parties = yq_json_get(reply, "allow_partys");
    const cJSON *tags = yq_json_get(reply, "allow_tags");
    bool none = persons == NULL && parties == NULL && tags == NULL;
    if (none || !is_object_or_none(persons) || !is_object_or_none(parties) ||
        !is_object_or_none(tags) ||
        read_persons(l, yq_json_get(persons, "user"), WC_P_AGENT_GET) < 0 ||
        read_numbers(yq_json_get(parties, "partyid"), &r->departments, &r->department_count) < 0 ||
        read_numbers(yq_json_get(tags, "tagid"), &r->tags, &r->tag_count) < 0) {
        forget_range(r);
        return yq_error_set(err, YQ_ERROR_RETRY, "agent/get: an answer without the range");
    }
    r->known = true;
    l->facts->only_persons = r->department_count == 0 && r->tag_count == 0;
    return 0;
}

static void refused(struct listing *l, const struct task *t, const struct yq_error *why)
{
    (void)t;
    yq_listing_lacks(l, why);
}

int yq_range_read(struct listing *l, struct yq_error *err)
{
    static const struct errand get = {WC_P_AGENT_GET, "agentid", take_range, refused, true};
    char *agent = yq_printf("%lld", (long long)l->w->options.agent_id);
    struct task task = {.text = agent};
    bool asks = l->c == &l->w->app && l->w->options.agent_id != 0;
    int rc = asks ? yq_listing_run(l, &get, &task, 1, err) : 0;
    free(agent);
    return rc;
}

/* ---- tags ---- */

static bool shows(const struct listing *l, uint32_t department)
{
    const struct yq_wecom_department *d = yq_view_find_wecom_department(l->departments, department);
    return d != NULL && d->fact == YQ_PRESENT;
}

/* The department of a tag that the list does not show: to be asked for with what is beneath. It
 * waits in the view as a row that is not yet present. */
static int take_tag(struct listing *l, const struct task *t, const cJSON *reply,
                    struct yq_error *err)
{
    const cJSON *persons = yq_json_get(reply, "userlist"), *list = yq_json_get(reply, "partylist");
    uint32_t *ids = NULL;
    size_t count = 0;
    int rc = 0;
    if (!cJSON_IsArray(persons) || !cJSON_IsArray(list) ||
        read_persons(l, persons, WC_P_TAG_GET) < 0 || read_numbers(list, &ids, &count) < 0)
        rc = yq_error_set(err, YQ_ERROR_RETRY, "tag/get: an answer without the people of tag %u",
                          t->number);
    for (size_t i = 0; rc == 0 && i < count; i++)
        (void)yq_view_wecom_department(l->departments, ids[i]);
    free(ids);
    return rc;
}

static int take_branch(struct listing *l, const struct task *t, const cJSON *reply,
                       struct yq_error *err)
{
    if (yq_listing_take_tree(l, yq_json_get(reply, "department"), err) < 0)
        return -1;
    return shows(l, t->number)
               ? 0
               : yq_error_set(err, YQ_ERROR_RETRY, "department/list: not about %u", t->number);
}

int yq_range_read_tags(struct listing *l, struct yq_error *err)
{
    static const struct errand tag = {WC_P_TAG_GET, "tagid", take_tag, refused, false};
    static const struct errand branch = {WC_P_DEPARTMENT_LIST, "id", take_branch, refused, false};
    const struct yq_wecom_range *r = &l->facts->range;
    struct task *tasks = yq_calloc(r->tag_count + 1, sizeof(*tasks));
    for (size_t i = 0; i < r->tag_count; i++)
        tasks[i].number = r->tags[i];
    int rc = yq_listing_run(l, &tag, tasks, r->tag_count, err);
    free(tasks);
    const struct yq_wecom_department *d = l->departments->wecom_departments;
    size_t count = 0;
    tasks = yq_calloc(HASH_COUNT(d) + 1, sizeof(*tasks));
    for (; d != NULL; d = d->hh.next) {
        if (d->fact != YQ_PRESENT && r->tag_count > 0)
            tasks[count++].number = d->id;
    }
    if (rc == 0 && !l->shut)
        rc = yq_listing_run(l, &branch, tasks, count, err);
    free(tasks);
    return rc;
}

static bool ticks(const struct yq_wecom_range *r, uint32_t department)
{
    for (size_t i = 0; i < r->department_count; i++) {
        if (r->departments[i] == department)
            return true;
    }
    return false;
}

/* A branch hangs in the air only where it was ticked by itself: else a row of the list was lost. (A
 * tag's branches are not known here.) */
static void check_branches(struct listing *l)
{
    const struct yq_wecom_range *r = &l->facts->range;
    const struct yq_wecom_department *d = l->departments->wecom_departments;
    for (; d != NULL && r->known && r->tag_count == 0; d = d->hh.next) {
        struct yq_error err;
        if (d->fact != YQ_PRESENT || d->parent == 0 || shows(l, d->parent) || ticks(r, d->id))
            continue;
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "department/list lacks department %u, above %u",
                           d->parent, d->id);
        yq_listing_lacks(l, &err);
    }
}

/* Ticked departments must be there; an empty tree needs a reason. */
void yq_range_check_tree(struct listing *l)
{
    const struct yq_wecom_range *r = &l->facts->range;
    struct yq_error err;
    for (size_t i = 0; i < r->department_count; i++) {
        if (shows(l, r->departments[i]))
            continue;
        (void)yq_error_set(&err, YQ_ERROR_RETRY,
                           "department/list lacks department %u, which is ticked for the app",
                           r->departments[i]);
        yq_listing_lacks(l, &err);
    }
    check_branches(l);
    if (!r->known && l->departments->wecom_departments == NULL)
        yq_listing_lacks_text(l, "department/list shows no department at all");
}

/* ---- people without a visible department ---- */

static int take_single(struct listing *l, const struct task *t, const cJSON *reply,
                       struct yq_error *err)
{
    struct yq_wecom_member m;
    if (yq_wecom_borrow_member(l->scratch, reply, &m, err) < 0)
        return -1;
    if (strcasecmp(m.userid, t->text) != 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "user/get: the answer is about another member");
    yq_snapshot_add_wecom(l->members, l->scratch, &m);
    return 0;
}

/* Whoever was ticked may have left since, or not be visible after all: that is an answer. */
static void single_refused(struct listing *l, const struct task *t, const struct yq_error *why)
{
    (void)t;
    bool gone = why->code == 60111 || why->code == 60011;
    if (why->kind != YQ_ERROR_REFUSED || !gone)
        yq_listing_lacks(l, why);
}

int yq_range_read_singles(struct listing *l, struct yq_error *err)
{
    static const struct errand get = {WC_P_USER_GET, "userid", take_single, single_refused, false};
    yq_snapshot_seal(&l->singles);
    struct task *tasks = yq_calloc(l->singles.count + 1, sizeof(*tasks));
    size_t count = 0;
    for (size_t i = 0; i < l->singles.count; i++) {
        const struct yq_snapshot_person *p = &l->singles.people[i];
        if (yq_snapshot_find(l->members, p->key) == NULL)
            tasks[count++].text = yq_snapshot_id(&l->singles, p);
    }
    int rc = yq_listing_run(l, &get, tasks, count, err);
    free(tasks);
    if (!l->members->sealed)
        yq_snapshot_seal(l->members);
    return rc;
}
