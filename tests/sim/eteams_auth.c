/* Code and token: single-use codes of ten minutes, tokens with a life, refresh (§1.3). */
#include "eteams_auth.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/memory.h"
#include "eteams_call.h"
#include "eteams_print.h"

#define CODE_LIFE_MS (INT64_C(600) * 1000)
#define REFRESH_LIFE_MS (INT64_C(30) * 86400 * 1000)
#define SWEEP_ABOVE 1000 /* tickets, before the expired ones are looked for */

enum ticket_kind { CODE, ACCESS, REFRESH };

struct et_ticket {
    char text[33];
    enum ticket_kind kind;
    int64_t until_ms;
    UT_hash_handle hh;
};

static void drop(struct et_auth *a, struct et_ticket *t)
{
    HASH_DEL(a->tickets, t);
    free(t);
}

static void sweep(struct et_auth *a)
{
    struct et_ticket *t, *next;
    int64_t now = sim_now_ms();
    HASH_ITER (hh, a->tickets, t, next) {
        if (t->until_ms <= now)
            drop(a, t);
    }
}

static const char *issue(struct et_auth *a, enum ticket_kind kind, int64_t life_ms)
{
    if (HASH_COUNT(a->tickets) > SWEEP_ABOVE)
        sweep(a);
    struct et_ticket *t = yq_calloc(1, sizeof(*t));
    (void)snprintf(t->text, sizeof(t->text), "%016llx%016llx",
                   (unsigned long long)sim_random_next(&a->random),
                   (unsigned long long)sim_random_next(&a->random));
    t->kind = kind;
    t->until_ms = sim_now_ms() + life_ms;
    HASH_ADD_STR(a->tickets, text, t);
    return t->text;
}

/* The ticket if it is of that kind and still lives. */
static struct et_ticket *living(struct et_auth *a, enum ticket_kind kind, const char *text)
{
    struct et_ticket *t = NULL;
    if (text != NULL)
        HASH_FIND_STR(a->tickets, text, t);
    return t != NULL && t->kind == kind && t->until_ms > sim_now_ms() ? t : NULL;
}

bool et_auth_token_lives(struct et_auth *a, const char *token)
{
    if (token != NULL && a->static_token != NULL && strcmp(token, a->static_token) == 0)
        return true;
    return living(a, ACCESS, token) != NULL;
}

void et_auth_revoke(struct et_auth *a, const char *token)
{
    struct et_ticket *t = living(a, ACCESS, token);
    if (t != NULL)
        drop(a, t);
}

void et_auth_revoke_all(struct et_auth *a)
{
    struct et_ticket *t, *next;
    HASH_ITER (hh, a->tickets, t, next) {
        drop(a, t);
    }
}

void et_auth_release(struct et_auth *a)
{
    et_auth_revoke_all(a);
    free(a->corp_id);
    free(a->app_key);
    free(a->app_secret);
    free(a->static_token);
    *a = (struct et_auth){0};
}

/* Letters and digits, at most 128 bytes. */
static bool is_state(const char *state)
{
    size_t len = strspn(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    return len > 0 && len <= 128 && state[len] == '\0';
}

void et_authorize(struct et_call *call)
{
    struct et_auth *a = &call->sim->auth;
    const char *corp_id = sim_query(call->request, "corpid");
    const char *type = sim_query(call->request, "response_type");
    const char *state = sim_query(call->request, "state");
    if (corp_id == NULL || type == NULL || strcmp(type, "code") != 0 ||
        (state != NULL && !is_state(state)) ||
        (state == NULL && et_meets(call, ET_FAULT_STATE_REQUIRED))) {
        et_answer_top(call, 410001, "corpid, response_type or state is wrong");
        return;
    }
    if (strcmp(corp_id, a->corp_id) != 0) {
        et_answer_top(call, 200005, "corpid is not known");
        return;
    }
    et_answer_top(call, 0, "success");
    struct yq_buf *out = &call->reply->body;
    out->len--; /* the brace */
    et_print_name(out, "code");
    yq_buf_add_json_string(out, issue(a, CODE, CODE_LIFE_MS));
    yq_buf_addc(out, '}');
}

/* The members of the body as text, from a form or from JSON. -1: neither, or JSON is refused. */
static int read_fields(struct et_call *call, const char *const names[4], const char *ret[4])
{
    const char *type = sim_header(call->request, "Content-Type");
    if (type != NULL && strncmp(type, "application/json", 16) == 0) {
        if (et_meets(call, ET_FAULT_JSON_TOKEN_REFUSED) || call->body == NULL)
            return -1;
        for (size_t i = 0; i < 4; i++)
            ret[i] = yq_json_text(call->arena, call->body, names[i]);
        return 0;
    }
    struct evkeyvalq form;
    if (type == NULL || strncmp(type, "application/x-www-form-urlencoded", 33) != 0 ||
        evhttp_parse_query_str(call->request->body, &form) < 0)
        return -1;
    for (size_t i = 0; i < 4; i++)
        ret[i] = yq_arena_strdup(call->arena, evhttp_find_header(&form, names[i]));
    evhttp_clear_headers(&form);
    return 0;
}

static void answer_tokens(struct et_call *call)
{
    struct et_auth *a = &call->sim->auth;
    et_answer_top(call, 0, "success");
    struct yq_buf *out = &call->reply->body;
    out->len--; /* the brace */
    const char *token = issue(a, ACCESS, a->token_life_ms);
    a->issued++;
    if (!et_meets(call, ET_FAULT_ONLY_ACESSTOKEN)) {
        et_print_name(out, "accessToken");
        yq_buf_add_json_string(out, token);
    }
    et_print_name(out, "acessToken");
    yq_buf_add_json_string(out, token);
    et_print_name(out, "refreshToken");
    yq_buf_add_json_string(out, issue(a, REFRESH, REFRESH_LIFE_MS));
    yq_buf_addf(out, ",\"expires_in\":%lld}", (long long)(a->token_life_ms / 1000));
}

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

void et_access_token(struct et_call *call)
{
    struct et_auth *a = &call->sim->auth;
    static const char *const names[] = {"app_key", "app_secret", "grant_type", "code"};
    const char *v[4];
    if (read_fields(call, names, v) < 0) {
        et_answer_top(call, -1, "系统繁忙");
        return;
    }
    if (!same(v[0], a->app_key) || !same(v[1], a->app_secret)) {
        et_answer_top(call, 200005, "app_key or app_secret is wrong");
        return;
    }
    struct et_ticket *code = living(a, CODE, v[3]);
    if (!same(v[2], "authorization_code") || code == NULL) {
        et_answer_top(call, 200004, "the code is used up or expired");
        return;
    }
    drop(a, code);
    answer_tokens(call);
}

void et_refresh_token(struct et_call *call)
{
    struct et_auth *a = &call->sim->auth;
    static const char *const names[] = {"app_key", "app_secret", "grant_type", "refresh_token"};
    const char *v[4];
    if (read_fields(call, names, v) < 0) {
        et_answer_top(call, -1, "系统繁忙");
        return;
    }
    if ((v[0] != NULL && !same(v[0], a->app_key)) || (v[1] != NULL && !same(v[1], a->app_secret))) {
        et_answer_top(call, 200005, "app_key or app_secret is wrong");
        return;
    }
    if (!same(v[2], "refresh_token") || living(a, REFRESH, v[3]) == NULL) {
        et_answer_top(call, 200004, "the refresh token is not valid");
        return;
    }
    answer_tokens(call);
}
