/* Members and departments of WeCom, one by one or by lists, into a view. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/wecom_codec.h"
#include "peer_text.h"
#include "wecom_inner.h"

int yq_wecom_no_reader(struct yq_error *err)
{
    return yq_error_set(err, YQ_ERROR_FATAL,
                        "neither wecom.app_secret nor wecom.contacts_secret is set");
}

/* ---- members ---- */

static void member_fact(struct yq_view *v, const char *userid, enum yq_fact fact,
                        const struct yq_error *why)
{
    struct yq_wecom_member *m = yq_view_wecom_member(v, userid);
    m->known = 0;
    m->fact = fact;
    m->error = why ? yq_view_error(v, why) : NULL;
}

/* user/get with success: the member, if it is the one that was asked for. */
static void take_member(struct yq_view *v, const char *userid, const cJSON *reply)
{
    struct yq_error err = {0};
    const cJSON *id = yq_json_get(reply, "userid");
    if (!cJSON_IsString(id))
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "user/get: an answer without a userid");
    else if (strcasecmp(id->valuestring, userid) != 0)
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "user/get: the answer is about another member");
    else if (yq_wecom_read_member(v, reply, &err) != NULL)
        return;
    err.kind = YQ_ERROR_RETRY; /* the next answer may be well again */
    member_fact(v, userid, YQ_UNREADABLE, &err);
}

static void settle_member(struct yq_view *v, const char *userid, const struct yq_call *call)
{
    switch (call->error.kind == YQ_ERROR_NONE ? 0 : call->error.code) {
    case 60111:
    case 60121:
    case 40003:
        member_fact(v, userid, YQ_ABSENT, NULL);
        return;
    case 60011:
    case 60021:
    case 50002:
        member_fact(v, userid, YQ_HIDDEN, NULL);
        return;
    default:
        break;
    }
    if (call->error.kind == YQ_ERROR_NONE)
        take_member(v, userid, call->reply);
    else
        member_fact(v, userid, YQ_UNREADABLE, &call->error);
}

static char *userid_query(const char *userid)
{
    struct yq_buf query = YQ_BUF_INIT;
    yq_url_add_pair(&query, "userid", userid);
    return yq_buf_steal(&query);
}

/* Goes through the answers to user/get or department/get. *ret_shut: read in another way. */
static int check_calls(struct yq_wecom *w, const struct yq_wecom_credential *c,
                       const struct yq_call *calls, size_t count, bool *ret_shut,
                       struct yq_error *err)
{
    *ret_shut = false;
    for (size_t i = 0; i < count; i++) {
        if (calls[i].error.kind != YQ_ERROR_FATAL)
            continue;
        if (!yq_wecom_shut(w, c, &calls[i].error))
            return yq_wecom_fatal(c, &calls[i], err);
        *ret_shut = true;
    }
    return 0;
}

static void release_calls(struct yq_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)calls[i].query);
    yq_calls_release(calls, count);
    free(calls);
}

int yq_wecom_read_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                          const char *const *userids, size_t count, const struct yq_watch *watch,
                          struct yq_error *err)
{
    struct yq_wecom_credential *c = yq_wecom_reader(w);
    if (c == NULL && w->contacts.peer == NULL)
        return yq_wecom_no_reader(err);
    if (c == NULL)
        return yq_wecom_ids_of_members(w, h, v, userids, count, watch, err);
    struct yq_call *calls = yq_calloc(count + 1, sizeof(*calls));
    for (size_t i = 0; i < count; i++) {
        calls[i].api = WC_P_USER_GET;
        calls[i].query = userid_query(userids[i]);
    }
    bool shut = false;
    int rc = yq_wecom_run(c, h, calls, count, watch, err);
    for (size_t i = 0; i < count; i++)
        settle_member(v, userids[i], &calls[i]);
    if (rc == 0)
        rc = check_calls(w, c, calls, count, &shut, err);
    release_calls(calls, count);
    return rc == 0 && shut ? yq_wecom_ids_of_members(w, h, v, userids, count, watch, err) : rc;
}

/* Every well-formed row of a list; those of user/list have the fields of user/get. Called as soon
 * as the list is there, so that its tree is not kept. */
static void take_member_list(struct yq_call *call)
{
    const cJSON *row, *list = yq_json_get(call->reply, "userlist");
    if (call->error.kind != YQ_ERROR_NONE || !cJSON_IsArray(list))
        return;
    cJSON_ArrayForEach (row, list) {
        (void)yq_wecom_read_member(call->context, row, NULL);
    }
    yq_calls_release(call, 1);
}

int yq_wecom_list_members(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                          const uint32_t *departments, size_t count, const struct yq_watch *watch,
                          struct yq_error *err)
{
    struct yq_wecom_credential *c = yq_wecom_reader(w);
    if (c == NULL)
        return 0; /* whoever asked reads singly, and is told there */
    struct yq_call *calls = yq_calloc(count + 1, sizeof(*calls));
    for (size_t i = 0; i < count; i++) {
        calls[i].api = WC_P_USER_LIST;
        calls[i].query = yq_printf("department_id=%u", departments[i]);
        calls[i].context = v;
        calls[i].done = take_member_list;
    }
    int rc = yq_wecom_run(c, h, calls, count, watch, err);
    release_calls(calls, count);
    return rc;
}

/* ---- departments ---- */

static void department_fact(struct yq_view *v, uint32_t id, enum yq_fact fact,
                            const struct yq_error *why)
{
    struct yq_wecom_department *d = yq_view_wecom_department(v, id);
    d->fact = fact;
    d->error = why ? yq_view_error(v, why) : NULL;
}

static void take_department(struct yq_view *v, uint32_t id, const cJSON *reply)
{
    struct yq_error err = {0};
    const cJSON *object = yq_json_get(reply, "department");
    int64_t said = 0;
    if (!yq_json_int(object, "id", &said) || said != (int64_t)id)
        (void)yq_error_set(&err, YQ_ERROR_RETRY, "department/get: the answer is not about %u", id);
    else if (yq_wecom_read_department(v, object, &err) != NULL)
        return;
    err.kind = YQ_ERROR_RETRY;
    department_fact(v, id, YQ_UNREADABLE, &err);
}

void yq_wecom_department_refused(struct yq_view *v, uint32_t id, const struct yq_error *why)
{
    if (why->code == 60123 || why->code == 60003)
        department_fact(v, id, YQ_ABSENT, NULL);
    else if (why->code == 60011)
        department_fact(v, id, YQ_HIDDEN, NULL);
    else
        department_fact(v, id, YQ_UNREADABLE, why);
}

static void settle_department(struct yq_view *v, uint32_t id, const struct yq_call *call)
{
    if (call->error.kind == YQ_ERROR_NONE)
        take_department(v, id, call->reply);
    else
        yq_wecom_department_refused(v, id, &call->error);
}

int yq_wecom_read_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                              const uint32_t *ids, size_t count, const struct yq_watch *watch,
                              struct yq_error *err)
{
    struct yq_wecom_credential *c = yq_wecom_reader(w);
    if (c == NULL && w->contacts.peer == NULL)
        return yq_wecom_no_reader(err);
    if (c == NULL)
        return yq_wecom_ids_of_departments(w, h, v, ids, count, watch, err);
    struct yq_call *calls = yq_calloc(count + 1, sizeof(*calls));
    for (size_t i = 0; i < count; i++) {
        calls[i].api = WC_P_DEPARTMENT_GET;
        calls[i].query = yq_printf("id=%u", ids[i]);
    }
    bool shut = false;
    int rc = yq_wecom_run(c, h, calls, count, watch, err);
    for (size_t i = 0; i < count; i++)
        settle_department(v, ids[i], &calls[i]);
    if (rc == 0)
        rc = check_calls(w, c, calls, count, &shut, err);
    release_calls(calls, count);
    return rc == 0 && shut ? yq_wecom_ids_of_departments(w, h, v, ids, count, watch, err) : rc;
}

int yq_wecom_list_departments(struct yq_wecom *w, struct yq_http *h, struct yq_view *v,
                              const struct yq_watch *watch, struct yq_error *err)
{
    struct yq_wecom_credential *c = yq_wecom_reader(w);
    if (c == NULL && w->contacts.peer == NULL)
        return yq_wecom_no_reader(err);
    if (c == NULL)
        return yq_wecom_ids_of_departments(w, h, v, NULL, 0, watch, err);
    struct yq_call call = {.api = WC_P_DEPARTMENT_LIST};
    bool shut = false;
    int rc = yq_wecom_run(c, h, &call, 1, watch, err);
    if (rc == 0)
        rc = check_calls(w, c, &call, 1, &shut, err);
    if (rc == 0 && !shut && call.error.kind != YQ_ERROR_NONE) {
        if (err != NULL)
            *err = call.error;
        rc = -1;
    }
    const cJSON *row, *list = yq_json_get(call.reply, "department");
    if (rc == 0 && cJSON_IsArray(list)) {
        cJSON_ArrayForEach (row, list) {
            (void)yq_wecom_read_department(v, row, NULL);
        }
    }
    yq_calls_release(&call, 1);
    return rc == 0 && shut ? yq_wecom_ids_of_departments(w, h, v, NULL, 0, watch, err) : rc;
}
