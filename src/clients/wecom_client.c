/* A WeCom company with its one or two secrets: tokens, answers sorted by what to do, and what to
 * tell an operator about the bad ones. */
#include "clients/wecom_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "model/wecom_codec.h"
#include "peer_text.h"
#include "wecom_inner.h"

#define TOKEN_MARGIN_MS 120000
#define SHUT_MS 3600000 /* after 48009: the console may have been used since */
#define BLOCKED_MS 60000

/* ---- answers ---- */

static enum yq_answer answer_of(int code)
{
    switch (yq_wecom_classify(code)) {
    case YQ_WECOM_OK:
        return YQ_ANSWER_OK;
    case YQ_WECOM_TOKEN:
        return YQ_ANSWER_TOKEN;
    case YQ_WECOM_RETRY:
        return YQ_ANSWER_RETRY;
    case YQ_WECOM_LIMIT:
        return YQ_ANSWER_BLOCKED;
    case YQ_WECOM_CONCURRENCY:
        return YQ_ANSWER_SLOW;
    case YQ_WECOM_FATAL:
        return YQ_ANSWER_FATAL;
    case YQ_WECOM_ITEM:
        break;
    }
    /* No details from our address: true of every subject, so the API is not asked again. */
    return code == 48009 ? YQ_ANSWER_FATAL : YQ_ANSWER_ITEM;
}

static enum yq_answer classify(void *context, int status, const cJSON *reply, int *ret_code,
                               struct yq_error *err)
{
    (void)context;
    if (status != 200) {
        *ret_code = status;
        (void)yq_error_set(err, YQ_ERROR_RETRY, "HTTP %d", status);
        return status == 429 ? YQ_ANSWER_SLOW : YQ_ANSWER_RETRY;
    }
    if (reply == NULL || !cJSON_IsObject(reply)) {
        (void)yq_error_set(err, YQ_ERROR_RETRY, "not JSON as WeCom sends it");
        return YQ_ANSWER_RETRY;
    }
    int code = yq_wecom_errcode(reply);
    const cJSON *message = yq_json_get(reply, "errmsg");
    char words[YQ_WORDS_MAX];
    yq_peer_words(cJSON_IsString(message) ? message->valuestring : "", words);
    (void)yq_error_set(err, YQ_ERROR_RETRY, "%d%s", code, words);
    *ret_code = code;
    return answer_of(code);
}

static const struct {
    int code;
    const char *sentence;
} sentences[] = {
    {40001, "is not the secret of this app (it was mistyped or reset, or the app is stopped)"},
    {40013, "goes with wecom.corp_id, which WeCom does not know"},
    {40091, "belongs to another company than wecom.corp_id"},
    {48002,
     "belongs to an app that may not call this (wrong kind of app, or contacts sync is off)"},
    {48001, "belongs to an app without permission for this"},
    {48006, "belongs to an app whose permission was withdrawn because it was unused for long"},
    {48009, "may not read details from this address, and there is no wecom.app_secret"},
    {50003, "belongs to an app that is disabled"},
    {60020, "is not accepted from this address: add it to the app's trusted IPs (企业可信IP)"},
    {301042, "is not accepted from this address: add it to the app's trusted IPs (企业可信IP)"},
    {60031, "belongs to an app that is banned from this"},
    {301007, "belongs to a company that was dissolved or banned"},
};

void yq_wecom_explain(const struct yq_wecom_credential *c, struct yq_error *err)
{
    const char *sentence = NULL;
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (sentences[i].code == err->code)
            sentence = sentences[i].sentence;
    }
    struct yq_error old = *err;
    if (sentence != NULL)
        (void)snprintf(err->text, sizeof(err->text), "%s %s (%.110s)", c->setting, sentence,
                       old.text);
    else
        (void)snprintf(err->text, sizeof(err->text), "%s: %.200s", c->setting, old.text);
}

/* ---- tokens ---- */

static char *token_url(const struct yq_wecom_credential *c)
{
    struct yq_buf query = YQ_BUF_INIT;
    yq_url_add_pair(&query, "corpid", c->owner->corp_id);
    yq_url_add_pair(&query, "corpsecret", c->secret);
    char *url = yq_printf("%s%s?%s", c->owner->api_base, WC_P_TOKEN, yq_buf_text(&query));
    yq_secret_wipe(query.data, query.len);
    yq_buf_release(&query);
    return url;
}

/* The token in a gettoken answer; NULL with an error. */
static char *read_token(const struct yq_wecom_credential *c,
                        const struct yq_http_response *response, int *ret_code,
                        int64_t *ret_life_ms, struct yq_error *err)
{
    cJSON *reply = yq_json_parse(yq_buf_text(&response->body), response->body.len, NULL);
    enum yq_answer answer = classify(NULL, response->status, reply, ret_code, err);
    const cJSON *token = yq_json_get(reply, "access_token");
    int64_t life = 0;
    char *text = NULL;
    if (answer == YQ_ANSWER_OK && cJSON_IsString(token) && *token->valuestring != '\0' &&
        strlen(token->valuestring) <= 512 && yq_json_int(reply, "expires_in", &life) && life > 0) {
        text = yq_strdup(token->valuestring);
        *ret_life_ms = (life < 86400 ? life : 86400) * 1000;
    } else if (answer == YQ_ANSWER_OK) {
        (void)yq_error_set(err, YQ_ERROR_RETRY, "gettoken: an answer without a token");
    } else {
        err->code = *ret_code;
        err->wait_ms = answer == YQ_ANSWER_BLOCKED ? BLOCKED_MS : 0;
        err->kind =
            answer == YQ_ANSWER_FATAL || answer == YQ_ANSWER_ITEM ? YQ_ERROR_FATAL : YQ_ERROR_RETRY;
        (void)yq_error_prefix(err, "gettoken");
        if (err->kind == YQ_ERROR_FATAL)
            yq_wecom_explain(c, err);
    }
    if (cJSON_IsString(token))
        yq_secret_wipe(token->valuestring, strlen(token->valuestring));
    cJSON_Delete(reply);
    return text;
}

static char *fetch_token(void *context, struct yq_http *h, const struct yq_watch *watch,
                         int64_t *ret_life_ms, struct yq_error *err)
{
    struct yq_wecom_credential *c = context;
    const struct yq_peer_trace *trace = &c->owner->options.trace;
    struct yq_http_response response = {0};
    char *url = token_url(c), *token = NULL;
    int code = 0;
    struct yq_http_request request = {.url = url, .options = &c->owner->options.http};
    if (yq_peer_ask(h, &request, watch, &response, err) < 0)
        (void)yq_error_prefix(err, "gettoken");
    else
        token = read_token(c, &response, &code, ret_life_ms, err);
    if (trace->answered != NULL)
        trace->answered(trace->context, "wecom", WC_P_TOKEN, response.status, code,
                        response.took_us);
    if (response.body.data != NULL)
        yq_secret_wipe(response.body.data, response.body.len);
    yq_buf_release(&response.body);
    yq_secret_wipe(url, strlen(url));
    free(url);
    return token;
}

static const struct yq_peer_kind kind = {
    .name = "wecom",
    .path_prefix = "/cgi-bin/",
    .token_parameter = "access_token",
    .fetch_token = fetch_token,
    .classify = classify,
};

/* ---- the client ---- */

static void set_credential(struct yq_wecom *w, struct yq_wecom_credential *c, const char *setting,
                           const char *secret)
{
    *c = (struct yq_wecom_credential){.owner = w, .setting = setting};
    if (secret == NULL || *secret == '\0')
        return;
    c->secret = yq_strdup(secret);
    c->peer = yq_peer_new(&(struct yq_peer_options){
        .kind = &kind,
        .context = c,
        .base = w->api_base,
        .http = w->options.http,
        .budget = w->options.budget,
        .token_margin_ms = TOKEN_MARGIN_MS,
        .clock = w->options.clock,
        .trace = w->options.trace,
    });
}

struct yq_wecom *yq_wecom_new(const struct yq_wecom_options *options)
{
    struct yq_wecom *w = yq_calloc(1, sizeof(*w));
    w->options = *options;
    w->api_base = yq_strdup(options->api_base);
    w->corp_id = yq_strdup(options->corp_id);
    size_t len = strlen(w->api_base);
    while (len > 0 && w->api_base[len - 1] == '/')
        w->api_base[--len] = '\0';
    atomic_init(&w->contacts_shut_until, INT64_MIN);
    set_credential(w, &w->app, "wecom.app_secret", options->app_secret);
    set_credential(w, &w->contacts, "wecom.contacts_secret", options->contacts_secret);
    w->options.app_secret = w->options.contacts_secret = NULL; /* theirs to wipe, not ours */
    return w;
}

static void clear_credential(struct yq_wecom_credential *c)
{
    yq_peer_free(c->peer);
    if (c->secret != NULL)
        yq_secret_wipe(c->secret, strlen(c->secret));
    free(c->secret);
}

void yq_wecom_free(struct yq_wecom *w)
{
    if (w == NULL)
        return;
    clear_credential(&w->app);
    clear_credential(&w->contacts);
    free(w->api_base);
    free(w->corp_id);
    free(w);
}

struct yq_wecom_credential *yq_wecom_reader(struct yq_wecom *w)
{
    if (w->app.peer != NULL)
        return &w->app;
    bool shut = yq_mono_ms(w->options.clock) < atomic_load(&w->contacts_shut_until);
    return w->contacts.peer != NULL && !shut ? &w->contacts : NULL;
}

bool yq_wecom_shut(struct yq_wecom *w, const struct yq_wecom_credential *c,
                   const struct yq_error *err)
{
    if (err->code != 48009 && err->code != 48002)
        return false;
    if (c == &w->contacts)
        atomic_store(&w->contacts_shut_until, yq_mono_ms(w->options.clock) + SHUT_MS);
    return w->contacts.peer != NULL;
}

int yq_wecom_run(struct yq_wecom_credential *c, struct yq_http *h, struct yq_call *calls,
                 size_t count, const struct yq_watch *watch, struct yq_error *err)
{
    return yq_peer_run(c->peer, h, calls, count, watch, err);
}

int yq_wecom_fatal(const struct yq_wecom_credential *c, const struct yq_call *call,
                   struct yq_error *err)
{
    struct yq_error fatal = call->error;
    yq_wecom_explain(c, &fatal);
    if (err != NULL)
        *err = fatal;
    return -1;
}
