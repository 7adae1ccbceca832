/* The control side of the simulated WeCom: JSON under /_sim/, without authentication. Every answer
 * carries `errcode` (0, or the code with which WeCom refuses) and `errmsg`.
 *
 * POST /_sim/reset       {"seed":1,"people":0,"departments":1}: a made-up company; ends faults,
 * counts, tokens and deliveries (back to "auto"), keeps the callback's address and the settings
 * POST /_sim/load
 * {"departments":[],"members":[],"tags":[],"range":{},"creator":"…"}: a company as GET /_sim/state
 * writes it GET  /_sim/state       the whole truth, and under "visible" what the app sees of it
 * POST /_sim/change      one change or an array of them, as an administrator makes them in the
 * console; stops at the first that is refused ("index"). "events" lists what WeCom sends:
 *   {"do":"create_member","userid","name","departments":[],"main_department","leader_in":[0,1],"orders":[],
 *    "direct_leaders":[],"mobile","email","gender","status","position","alias","telephone"}
 *   {"do":"update_member","userid",…}            arrays are replaced as a whole
 *   {"do":"delete_member","userid"}              {"do":"rename_userid","userid","new_userid"}
 *   {"do":"create_department","name","parent","order","id"}
 *   {"do":"update_department","id","name","parent","order"}
 *   {"do":"delete_department","id","subtree":true}
 *   {"do":"set_range","departments":[],"members":[],"tags":[]}
 *   {"do":"create_tag","id","name"} {"do":"set_tag","id","members":[],"departments":[]}
 * {"do":"delete_tag","id"} POST /_sim/settings    any of sensitive, contacts_details,
 * errcode_missing, shuffle, auto_departments (booleans), rate, window_s, concurrency, token_life_s
 * (numbers; 0 = no limit) POST /_sim/tokens {"end":"app"|"contacts"|"all","as":"dead"|"expired"}:
 * ends tokens early POST /_sim/callback
 * {"url","token","encoding_aes_key","mode":"full"|"trimmed","format":"xml"|"json",
 *                        "agent_id":N,"quirks":{"creation_burst","delete_update","main_department_only",
 *                        "no_cdata","blank_cdata","random_order","subscribe","own_writes",
 *                        "wrong_receiver","wrong_signature"}}
 * POST /_sim/verify      {"url","token","encoding_aes_key"} or {}: the GET verification ->
 * "verified", "status","body","expected","ms". The receiver must not need us meanwhile POST
 * /_sim/delivery    {"mode":"auto"|"hold","retries":3,"retry_ms":3000,"deadline_ms":5000,
 *                        "max_in_flight":1,"envelope":"same"|"reencrypted"}
 * POST /_sim/deliver {"order":"fifo"|"shuffle","seed","duplicate_percent","lose_percent","limit",
 *                        "max_in_flight"}: sends what is held -> "events","duplicates","lost"
 * GET  /_sim/deliveries  counts; nothing is under way when "pending" is 0
 * POST /_sim/faults      {"path":"/cgi-bin/user/get" or
 * "*","kind","count":1,"window_s":60,"delay_ms":1000} or {"rate_percent","kinds":[],"seed"} or
 * {"clear":true}, or an array of these. Kinds: the table in wecom_faults.c GET  /_sim/faults "hits"
 * per kind, "waiting" POST /_sim/delay       {"ms":50}: every API answer comes so much later GET
 * /_sim/calls       calls and most in flight, in all and per path; POST {"reset":true} GET
 * /_sim/wire?n=20   the last requests as they came: method, path, query without secrets, body */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "wecom_sim.h"

struct control {
    const struct sim_request *request;
    const cJSON *body;
    struct yq_buf *out; /* fields of the answer, also beside an error */
    char why[256];      /* more about an error */
};

static int post_reset(struct wecom *w, struct control *c)
{
    wecom_delivery_reset(w);
    wecom_faults_clear(w);
    wecom_traffic_reset(w);
    for (enum wecom_kind k = 0; k < WECOM_KINDS; k++)
        wecom_token_end(w, k, false);
    w->delay_ms = 0;
    uint64_t seed = (uint64_t)wecom_get_int(c->body, "seed", 1);
    sim_random_seed(&w->random, seed);
    wecom_set_directory(w, wecom_directory_make(seed, (size_t)wecom_get_int(c->body, "people", 0),
                                                (size_t)wecom_get_int(c->body, "departments", 1)));
    return 0;
}

static int post_load(struct wecom *w, struct control *c)
{
    struct wecom_directory *d = wecom_state_load(c->body, c->why);
    if (d == NULL)
        return 40058;
    wecom_set_directory(w, d);
    return 0;
}

static int get_state(struct wecom *w, struct control *c)
{
    wecom_state_put(w, c->out);
    return 0;
}

static int post_change(struct wecom *w, struct control *c)
{
    const cJSON *change;
    int code = 0, done = 0;
    wecom_callback_note(w);
    if (!cJSON_IsArray(c->body)) {
        code = wecom_console_change(w, c->body);
    } else {
        cJSON_ArrayForEach (change, c->body) {
            code = wecom_console_change(w, change);
            if (code != 0)
                break;
            done++;
        }
    }
    if (code != 0)
        wecom_put_int(c->out, "index", done);
    wecom_put_name(c->out, "events");
    yq_buf_addf(c->out, "[%s]", yq_buf_text(&w->callback->noted));
    return code;
}

static int post_settings(struct wecom *w, struct control *c)
{
    struct wecom_settings *s = &w->settings;
    s->sensitive = yq_json_bool(c->body, "sensitive", s->sensitive);
    s->contacts_details = yq_json_bool(c->body, "contacts_details", s->contacts_details);
    s->errcode_missing = yq_json_bool(c->body, "errcode_missing", s->errcode_missing);
    s->shuffle = yq_json_bool(c->body, "shuffle", s->shuffle);
    s->auto_departments = yq_json_bool(c->body, "auto_departments", s->auto_departments);
    s->rate = wecom_get_int(c->body, "rate", s->rate);
    s->window_s = wecom_get_int(c->body, "window_s", s->window_s);
    s->concurrency = wecom_get_int(c->body, "concurrency", s->concurrency);
    s->token_life_s = wecom_get_int(c->body, "token_life_s", s->token_life_s);
    wecom_traffic_forget_limits(w);
    return 0;
}

static int post_tokens(struct wecom *w, struct control *c)
{
    const char *which = wecom_get_text(c->body, "end"), *as = wecom_get_text(c->body, "as");
    bool expired = as != NULL && strcmp(as, "expired") == 0;
    if (which == NULL)
        return 40058;
    if (strcmp(which, "contacts") != 0)
        wecom_token_end(w, WECOM_APP, expired);
    if (strcmp(which, "app") != 0)
        wecom_token_end(w, WECOM_CONTACTS, expired);
    return 0;
}

static int post_callback(struct wecom *w, struct control *c)
{
    return wecom_callback_configure(w, c->body);
}

static int post_verify(struct wecom *w, struct control *c)
{
    return wecom_callback_verify(w, c->body, c->out);
}

static int post_delivery(struct wecom *w, struct control *c)
{
    wecom_delivery_configure(w, c->body);
    return 0;
}

static int post_deliver(struct wecom *w, struct control *c)
{
    wecom_delivery_release(w, c->body, c->out);
    return 0;
}

static int get_deliveries(struct wecom *w, struct control *c)
{
    wecom_delivery_put(w, c->out);
    return 0;
}

static int add_fault(struct wecom *w, struct control *c, const cJSON *fault)
{
    if (yq_json_bool(fault, "clear", false)) {
        wecom_faults_clear(w);
        return 0;
    }
    if (wecom_faults_add(w, fault))
        return 0;
    snprintf(c->why, sizeof c->why, "unknown kind of fault");
    return 40058;
}

static int post_faults(struct wecom *w, struct control *c)
{
    const cJSON *fault;
    int code = 0;
    if (!cJSON_IsArray(c->body))
        return add_fault(w, c, c->body);
    cJSON_ArrayForEach (fault, c->body) {
        code = code ? code : add_fault(w, c, fault);
    }
    return code;
}

static int get_faults(struct wecom *w, struct control *c)
{
    wecom_faults_put(w, c->out);
    return 0;
}

static int post_delay(struct wecom *w, struct control *c)
{
    w->delay_ms = wecom_get_int(c->body, "ms", 0);
    return 0;
}

static int get_calls(struct wecom *w, struct control *c)
{
    wecom_traffic_put(w, c->out);
    return 0;
}

static int post_calls(struct wecom *w, struct control *c)
{
    if (yq_json_bool(c->body, "reset", false))
        wecom_traffic_reset(w);
    return 0;
}

static int get_wire(struct wecom *w, struct control *c)
{
    const char *n = sim_query(c->request, "n");
    wecom_wire_put(w, c->out, n ? strtoul(n, NULL, 10) : 20);
    return 0;
}

static const struct route {
    const char *method, *path;
    int (*run)(struct wecom *w, struct control *c);
} routes[] = {
    {"POST", "/_sim/reset", post_reset},
    {"POST", "/_sim/load", post_load},
    {"GET", "/_sim/state", get_state},
    {"POST", "/_sim/change", post_change},
    {"POST", "/_sim/settings", post_settings},
    {"POST", "/_sim/tokens", post_tokens},
    {"POST", "/_sim/callback", post_callback},
    {"POST", "/_sim/verify", post_verify},
    {"POST", "/_sim/delivery", post_delivery},
    {"POST", "/_sim/deliver", post_deliver},
    {"GET", "/_sim/deliveries", get_deliveries},
    {"POST", "/_sim/faults", post_faults},
    {"GET", "/_sim/faults", get_faults},
    {"POST", "/_sim/delay", post_delay},
    {"GET", "/_sim/calls", get_calls},
    {"POST", "/_sim/calls", post_calls},
    {"GET", "/_sim/wire", get_wire},
};

static const struct route *find_route(const struct sim_request *r)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].method, r->method) == 0 && strcmp(routes[i].path, r->path) == 0)
            return &routes[i];
    return NULL;
}

void wecom_control(struct wecom *w, const struct sim_request *request, struct sim_reply *reply)
{
    const struct route *route = find_route(request);
    struct yq_buf fields = YQ_BUF_INIT;
    struct control c = {.request = request, .out = &fields};
    struct yq_error err = {.text = "no JSON"};
    cJSON *body = NULL;
    if (route == NULL) {
        reply->status = 404;
        yq_buf_adds(&reply->body, "{\"errcode\":404,\"errmsg\":\"no such control\"}");
        return;
    }
    bool post = strcmp(request->method, "POST") == 0;
    if (post)
        body = yq_json_parse(request->body, request->body_len, &err);
    c.body = body;
    yq_buf_addc(&fields, ' '); /* so that every field gets its comma */
    int code = post && body == NULL ? 40058 : route->run(w, &c);
    if (post && body == NULL)
        snprintf(c.why, sizeof c.why, "%s", err.text);
    yq_buf_addc(&reply->body, '{');
    wecom_put_int(&reply->body, "errcode", code);
    wecom_put_text(&reply->body, "errmsg",
                   code == 0  ? "ok"
                   : c.why[0] ? c.why
                              : wecom_error_text(code));
    yq_buf_add(&reply->body, fields.data + 1, fields.len - 1);
    yq_buf_addc(&reply->body, '}');
    cJSON_Delete(body);
    yq_buf_release(&fields);
}
