/* eteams' token in its two unattended steps: a code, then the token for it (eteams.md §1.3). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "eteams_inner.h"
#include "peer_text.h"

#define RESTARTS 2 /* after 200004: the code was used up */
#define CODE_USED 200004
#define STATIC_LIFE_MS ((int64_t)365 * 86400 * 1000)
#define BUSY "系统繁忙" /* said, among others, to a content type that it does not like */

struct dance {
    struct yq_eteams *e;
    struct yq_http *h;
    const struct yq_watch *watch;
    bool as_json; /* step 2 */
};

static void wipe_text(char *text)
{
    if (text != NULL)
        yq_secret_wipe(text, strlen(text));
    free(text);
}

/* Sends one step; the parsed answer of a success, or NULL. *ret_code: the peer's; *ret_busy: it
 * said so. */
static cJSON *ask(const struct dance *d, const char *path, const struct yq_http_request *request,
                  bool *ret_busy, struct yq_error *err)
{
    const struct yq_peer_trace *trace = &d->e->options.trace;
    struct yq_http_response response = {0};
    cJSON *reply = NULL;
    const char *text = "";
    int code = 0, rc = yq_peer_ask(d->h, request, d->watch, &response, err);
    if (rc == 0 && response.status != 200) {
        rc = yq_error_set(err, YQ_ERROR_RETRY, "HTTP %d", response.status);
    } else if (rc == 0) {
        reply = yq_json_parse(yq_buf_text(&response.body), response.body.len, NULL);
        code = yq_eteams_errcode(reply, &text);
        char words[YQ_WORDS_MAX];
        yq_peer_words(text, words);
        *ret_busy = strstr(text, BUSY) != NULL;
        if (reply == NULL)
            rc = yq_error_set(err, YQ_ERROR_RETRY, "not JSON");
        else if (code != 0)
            rc = yq_error_set(err, YQ_ERROR_RETRY, "%d%s", code, words);
    }
    if (trace->answered != NULL)
        trace->answered(trace->context, "eteams", path, response.status, code, response.took_us);
    if (rc < 0) {
        err->code = code;
        (void)yq_error_prefix(err, path + 1);
        cJSON_Delete(reply);
        reply = NULL;
    }
    if (response.body.data != NULL)
        yq_secret_wipe(response.body.data, response.body.len);
    yq_buf_release(&response.body);
    return reply;
}

/* Text of a member, copied; the tree's own copy is wiped. */
static char *take_text(const cJSON *reply, const char *key)
{
    const cJSON *item = yq_json_get(reply, key);
    if (!cJSON_IsString(item) || *item->valuestring == '\0')
        return NULL;
    char *copy = yq_strdup(item->valuestring);
    yq_secret_wipe(item->valuestring, strlen(item->valuestring));
    return copy;
}

static char *fetch_code(const struct dance *d, struct yq_error *err)
{
    struct yq_buf query = YQ_BUF_INIT;
    bool busy = false;
    yq_url_add_pair(&query, "corpid", d->e->corp_id);
    yq_url_add_pair(&query, "response_type", "code");
    yq_url_add_pair(&query, "state", "yunqiao");
    char *url = yq_printf("%s%s?%s", d->e->open_base, ET_P_AUTHORIZE, yq_buf_text(&query));
    struct yq_http_request request = {.url = url, .options = &d->e->options.http};
    cJSON *reply = ask(d, ET_P_AUTHORIZE, &request, &busy, err);
    char *code = take_text(reply, "code");
    if (reply != NULL && code == NULL)
        (void)yq_error_set(err, YQ_ERROR_RETRY, "oauth2/authorize: an answer without a code");
    cJSON_Delete(reply);
    free(url);
    yq_buf_release(&query);
    return code;
}

static void write_form(const struct yq_eteams *e, const char *code, struct yq_buf *out)
{
    yq_url_add_pair(out, "app_key", e->app_key);
    yq_url_add_pair(out, "app_secret", e->app_secret);
    yq_url_add_pair(out, "grant_type", "authorization_code");
    yq_url_add_pair(out, "code", code);
}

static void write_json(const struct yq_eteams *e, const char *code, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"app_key\":");
    yq_buf_add_json_string(out, e->app_key);
    yq_buf_adds(out, ",\"app_secret\":");
    yq_buf_add_json_string(out, e->app_secret);
    yq_buf_adds(out, ",\"grant_type\":\"authorization_code\",\"code\":");
    yq_buf_add_json_string(out, code);
    yq_buf_addc(out, '}');
}

static char *fetch_by_code(const struct dance *d, const char *code, int64_t *ret_life_ms,
                           bool *ret_busy, struct yq_error *err)
{
    struct yq_buf body = YQ_BUF_INIT;
    (d->as_json ? write_json : write_form)(d->e, code, &body);
    char *url = yq_printf("%s%s", d->e->open_base, ET_P_TOKEN);
    struct yq_http_request request = {
        .url = url,
        .body = yq_buf_text(&body),
        .body_len = body.len,
        .content_type =
            d->as_json ? "application/json; charset=utf-8" : "application/x-www-form-urlencoded",
        .once = true, /* a code works once: a lost answer begins with a new one */
        .options = &d->e->options.http,
    };
    cJSON *reply = ask(d, ET_P_TOKEN, &request, ret_busy, err);
    char *token = take_text(reply, "accessToken");
    if (token == NULL)
        token = take_text(reply, "acessToken"); /* so spelt by older systems */
    int64_t life;
    if (!yq_json_int(reply, "expires_in", &life) || life < 1 || life > 86400 * 30)
        life = 7200;
    *ret_life_ms = life * 1000;
    if (reply != NULL && token == NULL)
        (void)yq_error_set(err, YQ_ERROR_RETRY, "oauth2/access_token: an answer without a token");
    cJSON_Delete(reply);
    free(url);
    yq_secret_wipe(body.data, body.len);
    yq_buf_release(&body);
    return token;
}

/* Codes that say that this configuration gets no token. Unknown ones are tried again later. */
static void judge(bool busy_twice, bool had_code, struct yq_error *err)
{
    enum yq_eteams_class class = yq_eteams_classify(err->code);
    if (class == YQ_ETEAMS_FATAL || busy_twice)
        err->kind = YQ_ERROR_FATAL;
    if (err->code != 200005)
        return;
    (void)yq_error_set(err, YQ_ERROR_FATAL, "eteams refuses %s (200005)",
                       had_code ? "eteams.app_key and eteams.app_secret" : "eteams.corp_id");
    err->code = 200005;
}

char *yq_eteams_fetch_token(void *context, struct yq_http *h, const struct yq_watch *watch,
                            int64_t *ret_life_ms, struct yq_error *err)
{
    struct dance d = {.e = context, .h = h, .watch = watch};
    if (d.e->static_token != NULL) {
        *ret_life_ms = STATIC_LIFE_MS;
        return yq_strdup(d.e->static_token);
    }
    char *token = NULL;
    for (int restarts = 0; token == NULL;) {
        bool busy = false;
        *err = (struct yq_error){0};
        char *code = fetch_code(&d, err);
        bool had_code = code != NULL;
        if (had_code)
            token = fetch_by_code(&d, code, ret_life_ms, &busy, err);
        wipe_text(code);
        bool other_type = busy && !d.as_json;
        if (token == NULL && other_type)
            d.as_json = true;
        else if (token == NULL && (err->code != CODE_USED || restarts++ == RESTARTS)) {
            judge(busy && d.as_json, had_code, err);
            break;
        }
    }
    return token;
}
