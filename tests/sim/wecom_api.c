/* /cgi-bin: which endpoint, who may call it, and the frame of every answer (wecom.md §0.2, §0.3).
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

enum access {
    OPEN,    /* no token */
    ANYBODY, /* any token */
    DETAILS, /* the contacts assistant gets 48009 */
    APP,     /* the self-built app only: 48002 */
    CONTACTS /* the contacts assistant only: 48002 */
};

static const struct endpoint {
    const char *path;
    enum access access;
    bool post;
    const char *empty; /* fields that a failed answer carries all the same */
    wecom_endpoint *call;
} endpoints[] = {
    {"/cgi-bin/gettoken", OPEN, false, "", wecom_gettoken},
    {"/cgi-bin/getcallbackip", ANYBODY, false, ",\"ip_list\":[]", wecom_getcallbackip},
    {"/cgi-bin/user/get", DETAILS, false,
     ",\"department\":[],\"order\":[],\"is_leader_in_dept\":[],\"direct_leader\":[]",
     wecom_user_get},
    {"/cgi-bin/user/simplelist", DETAILS, false, ",\"userlist\":[]", wecom_user_simplelist},
    {"/cgi-bin/user/list", DETAILS, false, ",\"userlist\":[]", wecom_user_list},
    {"/cgi-bin/user/list_id", CONTACTS, true, ",\"dept_user\":[]", wecom_user_list_id},
    {"/cgi-bin/user/create", CONTACTS, true, "", wecom_user_create_call},
    {"/cgi-bin/user/update", CONTACTS, true, "", wecom_user_update_call},
    {"/cgi-bin/user/delete", CONTACTS, false, "", wecom_user_delete_call},
    {"/cgi-bin/department/list", DETAILS, false, ",\"department\":[]", wecom_department_list},
    {"/cgi-bin/department/simplelist", ANYBODY, false, ",\"department_id\":[]",
     wecom_department_simplelist},
    {"/cgi-bin/department/get", DETAILS, false, "", wecom_department_get},
    {"/cgi-bin/department/create", CONTACTS, true, "", wecom_department_create_call},
    {"/cgi-bin/department/update", CONTACTS, true, "", wecom_department_update_call},
    {"/cgi-bin/department/delete", CONTACTS, false, "", wecom_department_delete_call},
    {"/cgi-bin/tag/list", ANYBODY, false, ",\"taglist\":[]", wecom_tag_list},
    {"/cgi-bin/tag/get", ANYBODY, false, ",\"userlist\":[],\"partylist\":[]", wecom_tag_get},
    {"/cgi-bin/agent/get", APP, false, "", wecom_agent_get},
};

bool wecom_call_sees_department(struct wecom_call *c, const struct wecom_department *department)
{
    return c->kind == WECOM_CONTACTS || wecom_sees_department(c->w->directory, department);
}

bool wecom_call_sees_member(struct wecom_call *c, const struct wecom_member *m)
{
    return c->kind == WECOM_CONTACTS || wecom_sees_member(c->w->directory, m);
}

size_t *wecom_shuffled(struct wecom *w, size_t n)
{
    size_t *order = yq_calloc(n, sizeof *order);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; w->settings.shuffle && i > 1; i--) {
        size_t k = (size_t)sim_random_below(&w->random, i), kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
    return order;
}

static const struct endpoint *find_endpoint(const char *path)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (strcmp(endpoints[i].path, path) == 0)
            return &endpoints[i];
    return NULL;
}

static int check_access(struct wecom_call *c, const struct endpoint *e)
{
    if (e->access == OPEN)
        return 0;
    int code = wecom_token_check(c->w, sim_query(c->request, "access_token"), &c->kind);
    if (code != 0)
        return code;
    bool contacts = c->kind == WECOM_CONTACTS;
    if (e->access == DETAILS && contacts && !c->w->settings.contacts_details)
        return 48009;
    if ((e->access == APP && contacts) || (e->access == CONTACTS && !contacts))
        return 48002;
    return 0;
}

static int run(struct wecom_call *c, const struct endpoint *e)
{
    int code = check_access(c, e);
    if (code == 0)
        code = wecom_traffic_limit(c->w, e->path);
    if (code != 0)
        return code;
    if (e->post) {
        c->body = yq_json_parse(c->request->body, c->request->body_len, NULL);
        if (!cJSON_IsObject(c->body))
            return 40058;
    }
    return e->call(c);
}

static void process(struct wecom *w, const struct endpoint *e, const struct sim_request *request,
                    struct yq_buf *out, bool errcode_missing)
{
    struct yq_buf fields = YQ_BUF_INIT;
    struct wecom_call call = {.w = w, .request = request, .out = &fields, .done = "ok"};
    yq_buf_addc(out, '{');
    yq_buf_addc(&fields, ' '); /* so that every field gets its comma */
    int code = run(&call, e);
    if (code != 0) {
        wecom_error_put(w, out, code);
        yq_buf_adds(out, e->empty);
    } else {
        if (!errcode_missing)
            wecom_put_int(out, "errcode", 0);
        wecom_put_text(out, "errmsg", call.done);
        yq_buf_add(out, fields.data + 1, fields.len - 1);
    }
    yq_buf_addc(out, '}');
    cJSON_Delete(call.body);
    yq_buf_release(&fields);
}

void wecom_api(struct wecom *w, const struct sim_request *request, struct sim_reply *reply)
{
    const struct endpoint *e = find_endpoint(request->path);
    wecom_traffic_note(w, request);
    if (e == NULL) {
        reply->status = 404;
        reply->content_type = "text/plain";
        yq_buf_adds(&reply->body, "404 page not found\n");
        return;
    }
    struct wecom_fault fault = wecom_faults_next(w, e->path);
    reply->delay_ms = w->delay_ms + fault.delay_ms;
    if (!wecom_fault_before(w, &fault, e->path, e->empty, reply)) {
        bool bare = w->settings.errcode_missing ||
                    (fault.kind != NULL && strcmp(fault.kind, "errcode_missing") == 0);
        process(w, e, request, &reply->body, bare);
        wecom_fault_after(&fault, reply);
    }
    wecom_traffic_busy(w, e->path, reply);
}
