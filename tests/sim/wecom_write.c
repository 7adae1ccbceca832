/* Writing by the contacts assistant: user/ and department/ create, update, delete (wecom.md §5). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

#define UNSORTED "其他（待设置部门）"

static bool calls_back(const struct wecom *w)
{
    return w->callback->quirks.own_writes;
}

/* The department into which those come that have none, made where it is missing. */
static struct wecom_department *unsorted_department(struct wecom *w)
{
    struct wecom_department *n, *made = NULL;
    for (n = w->directory->root->children; n != NULL; n = n->next)
        if (strcmp(n->name, UNSORTED) == 0)
            return n;
    int code = wecom_department_create(w->directory, 0, WECOM_ROOT, UNSORTED, 0, &made);
    return code == 0 ? made : w->directory->root;
}

/* settings.auto_departments: unknown departments of a new member are made (wecom.md §5.1). */
static void make_missing_departments(struct wecom_call *c, struct wecom_member_input *in)
{
    struct yq_buf made_list = YQ_BUF_INIT;
    struct wecom_directory *d = c->w->directory;
    if (!in->has_departments) {
        in->has_departments = true;
        in->department_count = 1;
        in->departments[0] = unsorted_department(c->w)->id;
    }
    for (size_t i = 0; i < in->department_count; i++) {
        struct wecom_department *made;
        if (wecom_department_find(d, in->departments[i]) != NULL)
            continue;
        char *name = yq_printf("部门%u", in->departments[i]);
        uint32_t parent = unsorted_department(c->w)->id;
        if (wecom_department_create(d, in->departments[i], parent, name, 0, &made) == 0) {
            yq_buf_addf(&made_list, "%s{\"name\":\"%s\",\"id\":%u}", made_list.len ? "," : "", name,
                        made->id);
        }
        free(name);
    }
    if (made_list.len > 0)
        yq_buf_addf(c->out, ",\"created_department_list\":{\"department_info\":[%s]}",
                    made_list.data);
    yq_buf_release(&made_list);
}

/* `enable` of the API in the terms of the status. */
static void read_enable(const cJSON *body, const struct wecom_member *m,
                        struct wecom_member_input *in)
{
    int64_t enable = wecom_get_int(body, "enable", -1);
    in->status = -1;
    if (enable == 0)
        in->status = WECOM_DISABLED;
    else if (enable == 1 && m != NULL && m->status == WECOM_DISABLED)
        in->status = m->activated ? WECOM_ACTIVE : WECOM_NOT_ACTIVATED;
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

int wecom_user_create_call(struct wecom_call *c)
{
    struct wecom_member_input in;
    struct wecom_member *made;
    const char *userid = wecom_get_text(c->body, "userid");
    int code = wecom_member_parse(c->body, &wecom_api_names, &in);
    if (code != 0)
        return code;
    if (is_empty(userid))
        return 41009;
    if (is_empty(in.text[WECOM_MOBILE]) && is_empty(in.text[WECOM_EMAIL]))
        return 60129;
    if (wecom_member_find(c->w->directory, userid) != NULL)
        return 60102;
    read_enable(c->body, NULL, &in);
    if (c->w->settings.auto_departments)
        make_missing_departments(c, &in);
    code = wecom_member_create(c->w->directory, userid, &in, &made);
    if (code != 0)
        return code;
    c->done = "created";
    if (calls_back(c->w))
        wecom_notify_member_created(c->w, made);
    return 0;
}

int wecom_user_update_call(struct wecom_call *c)
{
    struct wecom_member_input in;
    unsigned changed = 0;
    const char *userid = wecom_get_text(c->body, "userid");
    const char *new_userid = wecom_get_text(c->body, "new_userid");
    int code = wecom_member_parse(c->body, &wecom_api_names, &in);
    if (code != 0)
        return code;
    if (is_empty(userid))
        return 41009;
    struct wecom_member *m = wecom_member_find(c->w->directory, userid);
    if (m == NULL)
        return 60111;
    read_enable(c->body, m, &in);
    if (m->status == WECOM_ACTIVE)
        in.text[WECOM_MOBILE] = NULL; /* ignored without a word (wecom.md §5.1) */
    char *old = yq_strdup(m->userid);
    code = wecom_member_update(c->w->directory, m, &in, &changed);
    if (code == 0 && !is_empty(new_userid))
        code = wecom_member_rename(c->w->directory, m, new_userid);
    if (code == 0 && calls_back(c->w))
        wecom_notify_member_updated(c->w, m, changed, strcmp(old, m->userid) != 0 ? old : NULL);
    free(old);
    c->done = "updated";
    return code;
}

int wecom_user_delete_call(struct wecom_call *c)
{
    const char *userid = sim_query(c->request, "userid");
    if (is_empty(userid))
        return 41009;
    struct wecom_member *m = wecom_member_find(c->w->directory, userid);
    if (m == NULL)
        return 60111;
    if (c->w->directory->creator != NULL && strcmp(c->w->directory->creator, m->key) == 0)
        return 301005;
    if (calls_back(c->w))
        wecom_notify_member_deleted(c->w, m);
    c->done = "deleted";
    return wecom_member_delete(c->w->directory, m);
}

int wecom_department_create_call(struct wecom_call *c)
{
    struct wecom_department *made;
    uint32_t parent, id = 0;
    int64_t order = wecom_get_int(c->body, "order", 0);
    const cJSON *wanted = yq_json_get(c->body, "id");
    if (!wecom_get_id(yq_json_get(c->body, "parentid"), &parent) || order < 0 ||
        order > UINT32_MAX || (wanted != NULL && (!wecom_get_id(wanted, &id) || id == 0)))
        return 40058;
    int code = wecom_department_create(c->w->directory, id, parent, wecom_get_text(c->body, "name"),
                                       (uint32_t)order, &made);
    if (code != 0)
        return code;
    wecom_put_int(c->out, "id", made->id);
    c->done = "created";
    if (calls_back(c->w))
        wecom_notify_department_created(c->w, made);
    return 0;
}

int wecom_department_update_call(struct wecom_call *c)
{
    struct wecom_department_change change = {
        .name = wecom_get_text(c->body, "name"),
        .parent = wecom_get_int(c->body, "parentid", -1),
        .order = wecom_get_int(c->body, "order", -1),
    };
    uint32_t id;
    unsigned changed;
    if (!wecom_get_id(yq_json_get(c->body, "id"), &id) || change.parent > UINT32_MAX ||
        change.order > UINT32_MAX)
        return 40058;
    struct wecom_department *n = wecom_department_find(c->w->directory, id);
    if (n == NULL)
        return 60003;
    int code = wecom_department_update(c->w->directory, n, &change, &changed);
    if (code == 0 && calls_back(c->w))
        wecom_notify_department_updated(c->w, n, changed);
    c->done = "updated";
    return code;
}

int wecom_department_delete_call(struct wecom_call *c)
{
    const char *text = sim_query(c->request, "id");
    if (is_empty(text))
        return 41019;
    uint32_t id = (uint32_t)strtoul(text, NULL, 10);
    struct wecom_department *n = wecom_department_find(c->w->directory, id);
    if (n == NULL)
        return 60003;
    int code = wecom_department_delete(c->w->directory, n);
    if (code == 0 && calls_back(c->w))
        wecom_notify_department_deleted(c->w, id);
    c->done = "deleted";
    return code;
}
