/* The control side of the simulated eteams: JSON under /_sim/, without authentication. Every answer
 * carries `errcode` (0, or what is wrong) and `errmsg` besides what is said here.
 *
 * POST reset    {"seed":1,"people":0,"departments":1}: a tenant with the root 总部, the super
 *               administrator 管理员 (account "admin") and a made-up company; ends faults, counts,
 *               tokens and the history, keeps the options
 * POST load     {"departments":[],"members":[],"posts":[],"admins":[],"locks":[]}: put in as they
 *               are, without asking any rule; see eteams_load.c
 * GET  state    the whole truth in that form, leavers too; "root" is the root's id
 * POST change   one change or an array of them, as an administrator makes them by hand; stops at
 *               the first that is refused ("index"). "ids" lists the records. "root" stands for the
 *               root's id. Locked fields are refused
 *   {"do":"create_member","username","mobile","email","job_num","department","superior",…}
 *   {"do":"update_member","id",…} {"do":"resign_member","id"} {"do":"rehire_member","id"}
 *   {"do":"create_department","name","parent","disporder"}
 *   {"do":"update_department","id",…} (also rename_department, move_department)
 *   {"do":"disable_department","id"} {"do":"enable_department","id"}
 *   {"do":"add_post","id","departmentId"} {"do":"remove_post","id","departmentId"}: manual ones
 *   {"do":"make_admin","id","adminType":"super"|"sub"} {"do":"remove_admin","id"}
 *   {"do":"lock","field","source"} {"do":"unlock","field"}
 * GET  writes   "rows","noop_rows","failed","creates","updates","resigns","rehires","post_adds",
 *               "post_removes","noop_examples":[{"call","row"}] of the rows that came by the
 *               interface. A no-op row left every value as it was, or was answered with "already
 *               so" (410011 to 410013)
 * POST writes   {"reset":true}
 * GET  history?after=SEQ
 *               "last":SEQ,"rows":[{"seq","what","call","id","at_ms","before","after"}]: only
 *               values that changed; what is department, member, post, admin or lock; call is the
 *               last part of the path, or "manual"
 * POST faults   {"path":"/api/hrm/restful/syncEmployee" or "*","kind","count":1,"skip":0,
 *               "delay_ms":3000} (a negative count is for ever; skip lets so many calls pass),
 *               {"rate_percent","kinds":[],"seed"}, {"clear":true}, or an array of these
 * GET  faults   "hits" per kind, "rules"
 * POST options  any of {"prefix","require_header":{"name","value"},"errcode_numbers",
 *               "id_numbers","assumed_off":["queryExtra",…],"max_rows","licence_limit",
 *               "name_forbids","name_max","token_life_s","static_token"}
 * POST tokens   {"revoke":true}: all codes and tokens end
 * GET  tokens   "issued": access tokens so far
 * POST delay    {"ms":50}: every answer of the interface comes so much later
 * GET  calls    "calls" and rows per path, "in_flight", "max_in_flight"
 * POST calls    {"reset":true}
 * GET  wire?n=20
 *               "requests": the last ones, path and body as received, without secrets */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_call.h"

struct control {
    struct et_sim *sim;
    const struct sim_request *request;
    cJSON *body;
    struct yq_buf *out; /* an object, or nothing */
    struct yq_error err;
};

static int64_t number(const struct control *c, const char *name, int64_t fallback)
{
    int64_t n = fallback;
    (void)yq_json_int(c->body, name, &n);
    return n;
}

static int post_reset(struct control *c)
{
    struct et_sim *sim = c->sim;
    size_t people = (size_t)number(c, "people", 0),
           departments = (size_t)number(c, "departments", 1);
    et_tenant_start(&sim->tenant, (uint64_t)number(c, "seed", 1));
    if (people > 0 || departments > 1)
        et_tenant_add_company(&sim->tenant, people, departments);
    et_journal_release(&sim->journal);
    et_auth_revoke_all(&sim->auth);
    et_faults_clear(&sim->faults);
    et_traffic_release(&sim->traffic);
    sim->options.delay_ms = 0;
    return 0;
}

static int post_load(struct control *c)
{
    return et_tenant_load(&c->sim->tenant, c->body, &c->err);
}

static int get_state(struct control *c)
{
    et_tenant_dump(&c->sim->tenant, c->out);
    return 0;
}

static int post_change(struct control *c)
{
    return et_change(c->sim, c->body, c->out, &c->err);
}

static int get_writes(struct control *c)
{
    et_journal_print_counts(&c->sim->journal, c->out);
    return 0;
}

static int post_writes(struct control *c)
{
    if (yq_json_bool(c->body, "reset", false))
        et_journal_reset(&c->sim->journal);
    return 0;
}

static int get_history(struct control *c)
{
    const char *after = sim_query(c->request, "after");
    et_journal_print_history(&c->sim->journal, after ? strtoull(after, NULL, 10) : 0, c->out);
    return 0;
}

static int post_faults(struct control *c)
{
    const cJSON *item;
    if (!cJSON_IsArray(c->body))
        return et_faults_configure(&c->sim->faults, c->body, &c->err);
    cJSON_ArrayForEach (item, c->body) {
        if (et_faults_configure(&c->sim->faults, item, &c->err) < 0)
            return -1;
    }
    return 0;
}

static int get_faults(struct control *c)
{
    et_faults_print(&c->sim->faults, c->out);
    return 0;
}

/* Copies a text option if it is there. */
static void take_text(const cJSON *object, const char *name, char ret[ET_PREFIX_MAX])
{
    const char *text = cJSON_GetStringValue(yq_json_get(object, name));
    if (text != NULL)
        (void)snprintf(ret, ET_PREFIX_MAX, "%s", text);
}

static int post_options(struct control *c)
{
    struct et_options *o = &c->sim->options;
    struct et_auth *a = &c->sim->auth;
    take_text(c->body, "prefix", o->prefix);
    take_text(yq_json_get(c->body, "require_header"), "name", o->header_name);
    take_text(yq_json_get(c->body, "require_header"), "value", o->header_value);
    o->errcode_numbers = yq_json_bool(c->body, "errcode_numbers", o->errcode_numbers);
    o->id_numbers = yq_json_bool(c->body, "id_numbers", o->id_numbers);
    o->max_rows = number(c, "max_rows", o->max_rows);
    o->licence_limit = number(c, "licence_limit", o->licence_limit);
    take_text(c->body, "name_forbids", o->name_forbids);
    o->name_max = number(c, "name_max", o->name_max);
    a->token_life_ms = number(c, "token_life_s", a->token_life_ms / 1000) * 1000;
    if (yq_json_get(c->body, "assumed_off") != NULL) {
        cJSON_Delete(o->assumed_off);
        o->assumed_off = cJSON_DetachItemFromObjectCaseSensitive(c->body, "assumed_off");
    }
    const char *token = cJSON_GetStringValue(yq_json_get(c->body, "static_token"));
    if (token != NULL) {
        free(a->static_token);
        a->static_token = token[0] ? yq_strdup(token) : NULL;
    }
    return 0;
}

static int post_tokens(struct control *c)
{
    if (yq_json_bool(c->body, "revoke", false))
        et_auth_revoke_all(&c->sim->auth);
    return 0;
}

static int get_tokens(struct control *c)
{
    yq_buf_addf(c->out, "{\"issued\":%llu}", (unsigned long long)c->sim->auth.issued);
    return 0;
}

static int post_delay(struct control *c)
{
    c->sim->options.delay_ms = number(c, "ms", 0);
    return 0;
}

static int get_calls(struct control *c)
{
    et_traffic_print_calls(&c->sim->traffic, c->out);
    return 0;
}

static int post_calls(struct control *c)
{
    if (yq_json_bool(c->body, "reset", false))
        et_traffic_reset_calls(&c->sim->traffic);
    return 0;
}

static int get_wire(struct control *c)
{
    const char *n = sim_query(c->request, "n");
    yq_buf_adds(c->out, "{\"requests\":");
    et_traffic_print_wire(&c->sim->traffic, n ? strtoul(n, NULL, 10) : 20, c->out);
    yq_buf_addc(c->out, '}');
    return 0;
}

static const struct route {
    const char *method, *path;
    int (*run)(struct control *c);
} routes[] = {
    {"POST", "reset", post_reset},   {"POST", "load", post_load},
    {"GET", "state", get_state},     {"POST", "change", post_change},
    {"GET", "writes", get_writes},   {"POST", "writes", post_writes},
    {"GET", "history", get_history}, {"POST", "faults", post_faults},
    {"GET", "faults", get_faults},   {"POST", "options", post_options},
    {"POST", "tokens", post_tokens}, {"GET", "tokens", get_tokens},
    {"POST", "delay", post_delay},   {"GET", "calls", get_calls},
    {"POST", "calls", post_calls},   {"GET", "wire", get_wire},
};

/* Runs the route; -1 with err set. */
static int carry_out(struct control *c, const char *path)
{
    const struct sim_request *r = c->request;
    bool post = strcmp(r->method, "POST") == 0;
    size_t i = 0, n = sizeof(routes) / sizeof(routes[0]);
    while (i < n && (strcmp(routes[i].path, path) != 0 || strcmp(routes[i].method, r->method) != 0))
        i++;
    if (i == n)
        return yq_error_set(&c->err, YQ_ERROR_INVALID, "no such control");
    if (post)
        c->body = yq_json_parse(r->body, r->body_len, &c->err);
    if (post && c->body == NULL)
        return -1;
    return routes[i].run(c);
}

void et_control(struct et_sim *sim, const char *path, const struct sim_request *request,
                struct sim_reply *reply)
{
    struct yq_buf object = YQ_BUF_INIT;
    struct control c = {.sim = sim, .request = request, .out = &object};
    int rc = carry_out(&c, path);
    int code = rc == 0 ? 0 : c.err.code ? c.err.code : 400;
    if (code == 400)
        reply->status = 400;
    yq_buf_addf(&reply->body, "{\"errcode\":%d,\"errmsg\":", code);
    yq_buf_add_json_string(&reply->body, code ? c.err.text : "ok");
    if (object.len > 2) {
        yq_buf_addc(&reply->body, ',');
        yq_buf_add(&reply->body, object.data + 1, object.len - 1);
    } else {
        yq_buf_addc(&reply->body, '}');
    }
    cJSON_Delete(c.body);
    yq_buf_release(&object);
}
