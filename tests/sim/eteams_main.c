/* The simulated eteams as a program: its paths, its options, its loop. */
#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_call.h"
#include "sim_main.h"

#define HR "/api/hrm/restful/"
#define MAX_ROWS 400

struct options {
    const char *listen, *state;
    uint64_t seed;
    size_t people, departments;
};

static void sync_department(struct et_call *call)
{
    et_rows(call, "data", "department", et_org_sync_row);
}

static void enable_department(struct et_call *call)
{
    et_rows(call, "datas", NULL, et_org_enable_row);
}

static void disable_department(struct et_call *call)
{
    et_rows(call, "datas", NULL, et_org_disable_row);
}

static void sync_employee(struct et_call *call)
{
    et_rows(call, "data", "employee", et_employee_sync_row);
}

static void rehire_employee(struct et_call *call)
{
    et_rows(call, "datas", NULL, et_employee_rehire_row);
}

static void resign_employee(struct et_call *call)
{
    et_rows(call, "datas", NULL, et_employee_resign_row);
}

static void sync_extra(struct et_call *call)
{
    et_rows(call, "data", "employee", et_extra_sync_row);
}

/* The oldest call, of use as a connection test only. */
static void list_v1(struct et_call *call)
{
    et_answer(call, 0, "success");
}

/* place: the narrowest one; assumed: it stands nowhere in the documentation. */
static const struct route {
    const char *method, *path;
    void (*run)(struct et_call *call);
    enum et_fault_where place;
    bool assumed;
} routes[] = {
    {"GET", "/oauth2/authorize", et_authorize, ET_AT_AUTHORIZE, false},
    {"POST", "/oauth2/access_token", et_access_token, ET_AT_TOKEN, false},
    {"POST", "/oauth2/refresh_token", et_refresh_token, ET_AT_TOKEN, false},
    {"GET", "/department/v1/list", list_v1, ET_AT_BUSINESS, false},
    {"POST", HR "queryOrg", et_query_org, ET_AT_QUERY, false},
    {"POST", HR "queryEmployee", et_query_employee, ET_AT_QUERY, false},
    {"POST", HR "syncDepartment", sync_department, ET_AT_ROWS, false},
    {"POST", HR "enableDepartment", enable_department, ET_AT_ROWS, false},
    {"POST", HR "syncEmployee", sync_employee, ET_AT_ROWS, false},
    {"POST", HR "rehireEmployee", rehire_employee, ET_AT_ROWS, false},
    {"POST", HR "syncExtra", sync_extra, ET_AT_ROWS, false},
    {"POST", HR "disableDepartment", disable_department, ET_AT_ROWS, true},
    {"POST", HR "resignEmployee", resign_employee, ET_AT_ROWS, true},
    {"POST", HR "queryExtra", et_query_extra, ET_AT_QUERY, true},
    {"POST", HR "queryAdmin", et_query_admin, ET_AT_QUERY, true},
    {"POST", HR "queryExternalLink", et_query_external_link, ET_AT_QUERY, true},
    {"POST", HR "setFieldLock", et_set_field_lock, ET_AT_BUSINESS, true},
};

static bool wants_token(const struct route *route)
{
    return route->place != ET_AT_AUTHORIZE && route->place != ET_AT_TOKEN;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const struct route *find_route(const struct et_sim *sim, const char *method,
                                      const char *path)
{
    const cJSON *off;
    cJSON_ArrayForEach (off, sim->options.assumed_off) {
        if (cJSON_IsString(off) && strcmp(off->valuestring, last_part(path)) == 0)
            return NULL;
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (strcmp(routes[i].path, path) == 0 && strcmp(routes[i].method, method) == 0)
            return &routes[i];
    return NULL;
}

static void answer_page(struct et_call *call, int status)
{
    call->reply->status = status;
    call->reply->content_type = "text/html";
    yq_buf_addf(&call->reply->body, "<html><body><h1>%d</h1></body></html>", status);
}

static const char *token_of(const struct et_call *call)
{
    const char *token = sim_query(call->request, "access_token");
    return token ? token : yq_json_text(call->arena, call->body, "access_token");
}

/* An answer with that HTTP status instead of ours? 0 if none. */
static int faulty_status(struct et_call *call)
{
    static const struct {
        enum et_fault_kind kind;
        int status;
    } table[] = {
        {ET_FAULT_HTTP_404, 404}, {ET_FAULT_HTTP_429, 429},         {ET_FAULT_HTTP_500, 500},
        {ET_FAULT_HTTP_502, 502}, {ET_FAULT_HTTP_503, 503},         {ET_FAULT_HTTP_504, 504},
        {ET_FAULT_HTTP_401, 401}, {ET_FAULT_MISSING_ENDPOINT, 404},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (et_meets(call, table[i].kind))
            return table[i].status;
    return 0;
}

/* The faults that keep a call from being processed. A dead token stays dead. */
static bool fails_before(struct et_call *call)
{
    int status = faulty_status(call);
    if (call->fault.kind == ET_FAULT_HTTP_401 || call->fault.kind == ET_FAULT_TOKEN_DEAD_TOP ||
        call->fault.kind == ET_FAULT_TOKEN_DEAD_MESSAGE)
        et_auth_revoke(&call->sim->auth, token_of(call));
    if (status != 0) {
        answer_page(call, status);
    } else if (et_meets(call, ET_FAULT_TOKEN_DEAD_TOP)) {
        et_answer_top(call, 200007, "access_token is invalid");
    } else if (et_meets(call, ET_FAULT_TOKEN_DEAD_MESSAGE)) {
        et_answer(call, 200007, "access_token is invalid");
    } else if (et_meets(call, ET_FAULT_RATE)) {
        et_answer(call, 429001, "too many requests");
    } else if (et_meets(call, ET_FAULT_INTERNAL)) {
        et_answer(call, 500000, "internal error");
    } else if (et_meets(call, ET_FAULT_GARBAGE)) {
        yq_buf_adds(&call->reply->body, "\x1f\x8b{]\xff\xfe garbage");
    } else if (et_meets(call, ET_FAULT_HTML)) {
        call->reply->content_type = "text/html";
        yq_buf_adds(&call->reply->body, "<!DOCTYPE html><html><title>登录</title></html>");
    } else if (et_meets(call, ET_FAULT_CUT)) {
        call->reply->cut = true;
    } else {
        return false;
    }
    return true;
}

static void run(struct et_call *call, const struct route *route)
{
    if (wants_token(route) && !et_auth_token_lives(&call->sim->auth, token_of(call)))
        et_answer(call, 200007, "access_token is invalid");
    else if (wants_token(route) && strcmp(route->method, "POST") == 0 &&
             !cJSON_IsObject(call->body))
        et_answer(call, 410001, "the body is not a JSON object");
    else
        route->run(call);
    if (et_meets(call, ET_FAULT_SLOW))
        call->reply->delay_ms += call->fault.delay_ms;
    if (et_meets(call, ET_FAULT_LOST_ANSWER))
        call->reply->cut = true;
    if (et_meets(call, ET_FAULT_TRUNCATED))
        call->reply->body.len /= 2;
}

static void carry_out(struct et_sim *sim, const char *path, const struct route *route,
                      const struct sim_request *request, struct sim_reply *reply)
{
    bool places[] = {
        [ET_AT_ANY] = true,
        [ET_AT_BUSINESS] = wants_token(route),
        [ET_AT_ASSUMED] = route->assumed,
        [ET_AT_AUTHORIZE] = false,
        [ET_AT_TOKEN] = false,
        [ET_AT_ROWS] = false,
        [ET_AT_QUERY] = false,
    };
    places[route->place] = true;
    cJSON *body =
        request->body_len > 0 ? yq_json_parse(request->body, request->body_len, NULL) : NULL;
    struct et_call call = {
        .sim = sim,
        .request = request,
        .reply = reply,
        .name = last_part(path),
        .body = body,
        .arena = yq_arena_new(),
        .fault = et_faults_pick(&sim->faults, path, places),
    };
    call.writer =
        (struct et_writer){.tenant = &sim->tenant, .journal = &sim->journal, .call = call.name};
    if (!fails_before(&call))
        run(&call, route);
    et_faults_settle(&sim->faults, &call.fault);
    et_traffic_answered(&sim->traffic, path, call.rows, reply);
    yq_arena_free(call.arena);
    cJSON_Delete(body);
}

static void not_found(struct sim_reply *reply, int status)
{
    reply->status = status;
    reply->content_type = "text/html";
    yq_buf_addf(&reply->body, "<html><body><h1>%d</h1></body></html>", status);
}

static void handle(void *context, const struct sim_request *request, struct sim_reply *reply)
{
    struct et_sim *sim = context;
    const struct et_options *o = &sim->options;
    if (strncmp(request->path, "/_sim/", 6) == 0) {
        et_control(sim, request->path + 6, request, reply);
        return;
    }
    size_t prefix = strlen(o->prefix);
    const char *header = o->header_name[0] ? sim_header(request, o->header_name) : o->header_value;
    et_traffic_came(&sim->traffic, request->path, request->body);
    reply->delay_ms = o->delay_ms;
    const struct route *route = NULL;
    if (strncmp(request->path, o->prefix, prefix) == 0)
        route = find_route(sim, request->method, request->path + prefix);
    if (header == NULL || strcmp(header, o->header_value) != 0)
        not_found(reply, 403);
    else if (route == NULL)
        not_found(reply, 404);
    else
        carry_out(sim, request->path + prefix, route, request, reply);
    if (route == NULL)
        et_traffic_answered(&sim->traffic, request->path, 0, reply);
}

static void replace(char **text, const char *value)
{
    free(*text);
    *text = yq_strdup(value);
}

/* Returns false after saying what is wrong. */
static bool read_options(int argc, char **argv, struct options *o, struct et_auth *a)
{
    static const struct option table[] = {
        {"listen", required_argument, NULL, 'l'},     {"seed", required_argument, NULL, 's'},
        {"people", required_argument, NULL, 'p'},     {"departments", required_argument, NULL, 'd'},
        {"state", required_argument, NULL, 'f'},      {"corp-id", required_argument, NULL, 'c'},
        {"app-key", required_argument, NULL, 'k'},    {"app-secret", required_argument, NULL, 'a'},
        {"token-life", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        if (c == 'l')
            o->listen = optarg;
        else if (c == 's')
            o->seed = strtoull(optarg, NULL, 10);
        else if (c == 'p')
            o->people = strtoul(optarg, NULL, 10);
        else if (c == 'd')
            o->departments = strtoul(optarg, NULL, 10);
        else if (c == 'f')
            o->state = optarg;
        else if (c == 'c')
            replace(&a->corp_id, optarg);
        else if (c == 'k')
            replace(&a->app_key, optarg);
        else if (c == 'a')
            replace(&a->app_secret, optarg);
        else if (c == 't')
            a->token_life_ms = strtoll(optarg, NULL, 10) * 1000;
        else
            return false;
    }
    return optind == argc;
}

static bool read_file(const char *path, struct yq_buf *out)
{
    char chunk[64 * 1024];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        yq_buf_add(out, chunk, n);
    bool ok = !ferror(f);
    (void)fclose(f);
    return ok;
}

/* What the file says instead of the usual start. False after a sentence on stderr. */
static bool start_from_file(struct et_tenant *t, const char *path)
{
    struct yq_buf text = YQ_BUF_INIT;
    struct yq_error err = {.text = "cannot be read"};
    cJSON *json = NULL;
    if (read_file(path, &text))
        json = yq_json_parse(yq_buf_text(&text), text.len, &err);
    bool ok = json != NULL && et_tenant_load(t, json, &err) == 0;
    if (!ok)
        (void)fprintf(stderr, "yunqiao-sim: %s: %s\n", path, err.text);
    cJSON_Delete(json);
    yq_buf_release(&text);
    return ok;
}

static bool set_up(struct et_sim *sim, const struct options *o)
{
    sim_random_seed(&sim->auth.random, o->seed + 1);
    et_tenant_start(&sim->tenant, o->seed);
    if (o->people > 0 || o->departments > 1)
        et_tenant_add_company(&sim->tenant, o->people, o->departments);
    return o->state == NULL || start_from_file(&sim->tenant, o->state);
}

static void tear_down(struct et_sim *sim)
{
    et_tenant_release(&sim->tenant);
    et_journal_release(&sim->journal);
    et_auth_release(&sim->auth);
    et_faults_clear(&sim->faults);
    et_traffic_release(&sim->traffic);
    cJSON_Delete(sim->options.assumed_off);
}

int sim_eteams_main(int argc, char **argv)
{
    struct options o = {.listen = "127.0.0.1:0", .seed = 1, .departments = 1};
    struct et_sim sim = {
        .auth = {.corp_id = yq_strdup("sim-eteams-corp"),
                 .app_key = yq_strdup("sim-app-key"),
                 .app_secret = yq_strdup("sim-app-secret"),
                 .token_life_ms = INT64_C(7200) * 1000},
        .options = {.max_rows = MAX_ROWS},
    };
    int status = 2;
    if (read_options(argc, argv, &o, &sim.auth))
        status = set_up(&sim, &o) ? 0 : 1;
    else
        (void)fputs("usage: yunqiao-sim eteams [--listen 127.0.0.1:0] [--seed N] [--people N]\n"
                    "       [--departments N] [--state FILE.json] [--corp-id ID] [--app-key K]\n"
                    "       [--app-secret S] [--token-life SECONDS]\n",
                    stderr);
    if (status == 0) {
        struct event_base *base = sim_http_base();
        status = sim_http_serve(base, o.listen, handle, &sim);
        event_base_free(base);
        libevent_global_shutdown();
    }
    tear_down(&sim);
    return status;
}
