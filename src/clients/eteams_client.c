/* An eteams tenant: what its answers mean, and which of the assumed interfaces it has. */
#include "clients/eteams_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "eteams_inner.h"
#include "peer_text.h"

#define LACKS_MS 600000
#define READ_MS 30000 /* eteams.md §2.1 */

static enum yq_answer answer_of(int code)
{
    switch (yq_eteams_classify(code)) {
    case YQ_ETEAMS_OK:
        return YQ_ANSWER_OK;
    case YQ_ETEAMS_TOKEN:
        return YQ_ANSWER_TOKEN;
    case YQ_ETEAMS_SLOW:
        return YQ_ANSWER_SLOW;
    case YQ_ETEAMS_RETRY:
        return YQ_ANSWER_RETRY;
    case YQ_ETEAMS_FATAL:
        return YQ_ANSWER_FATAL;
    case YQ_ETEAMS_DONE:
    case YQ_ETEAMS_SPLIT:
    case YQ_ETEAMS_MISSING:
        return YQ_ANSWER_ITEM;
    case YQ_ETEAMS_ROW:
        break;
    }
    /* Codes that nobody knows say nothing about the subject (eteams.md §3, last row). */
    return code >= 410001 && code <= 410099 ? YQ_ANSWER_ITEM : YQ_ANSWER_RETRY;
}

static enum yq_answer classify(void *context, int status, const cJSON *reply, int *ret_code,
                               struct yq_error *err)
{
    (void)context;
    if (status != 200) {
        *ret_code = status;
        (void)yq_error_set(err, YQ_ERROR_RETRY, "HTTP %d", status);
        return status == 401 ? YQ_ANSWER_TOKEN : status == 429 ? YQ_ANSWER_SLOW : YQ_ANSWER_RETRY;
    }
    if (!cJSON_IsObject(reply)) {
        (void)yq_error_set(err, YQ_ERROR_RETRY, "not JSON as eteams sends it: is open_base right?");
        return YQ_ANSWER_RETRY;
    }
    const char *text;
    char words[YQ_WORDS_MAX];
    int code = yq_eteams_errcode(reply, &text);
    yq_peer_words(text, words);
    if (code == -2)
        (void)yq_error_set(err, YQ_ERROR_RETRY, "an answer without an error code");
    else
        (void)yq_error_set(err, YQ_ERROR_RETRY, "%d%s", code, words);
    *ret_code = code == -2 ? 0 : code;
    return answer_of(code);
}

static const struct yq_peer_kind kind = {
    .name = "eteams",
    .path_prefix = "/api/hrm/restful/",
    .token_parameter = "access_token",
    .fetch_token = yq_eteams_fetch_token,
    .classify = classify,
};

struct yq_eteams *yq_eteams_new(const struct yq_eteams_options *options)
{
    struct yq_eteams *e = yq_calloc(1, sizeof(*e));
    e->options = *options;
    if (e->options.http.total_ms == 0)
        e->options.http.total_ms = READ_MS;
    e->connection = yq_strdup(options->connection);
    e->open_base = yq_strdup(options->open_base);
    size_t len = strlen(e->open_base);
    while (len > 0 && e->open_base[len - 1] == '/')
        e->open_base[--len] = '\0';
    e->corp_id = yq_strdup(options->corp_id ? options->corp_id : "");
    e->app_key = yq_strdup(options->app_key ? options->app_key : "");
    e->app_secret = yq_strdup(options->app_secret ? options->app_secret : "");
    if (options->static_token != NULL && *options->static_token != '\0')
        e->static_token = yq_strdup(options->static_token);
    for (int i = 0; i < YQ_CAP_COUNT; i++)
        atomic_init(&e->missing_until[i], INT64_MIN);
    (void)pthread_mutex_init(&e->lock, NULL);
    e->peer = yq_peer_new(&(struct yq_peer_options){
        .kind = &kind,
        .context = e,
        .base = e->open_base,
        .http = e->options.http,
        .budget = options->budget,
        .token_margin_ms = ET_TOKEN_MARGIN_S * 1000,
        .clock = options->clock,
        .trace = options->trace,
    });
    return e;
}

void yq_eteams_free(struct yq_eteams *e)
{
    if (e == NULL)
        return;
    yq_peer_free(e->peer);
    yq_secret_wipe(e->app_secret, strlen(e->app_secret));
    if (e->static_token != NULL)
        yq_secret_wipe(e->static_token, strlen(e->static_token));
    free(e->static_token);
    free(e->app_secret);
    free(e->app_key);
    free(e->corp_id);
    free(e->open_base);
    free(e->connection);
    free(e->root);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

bool yq_eteams_has(const struct yq_eteams *e, enum yq_eteams_cap cap)
{
    return yq_mono_ms(e->options.clock) >= atomic_load(&e->missing_until[cap]);
}

void yq_eteams_lacks(struct yq_eteams *e, enum yq_eteams_cap cap)
{
    atomic_store(&e->missing_until[cap], yq_mono_ms(e->options.clock) + LACKS_MS);
}

bool yq_eteams_call_missing(const struct yq_error *err)
{
    return err->code == 404 || err->code == 405 || err->code == 404001 || err->code == 403001;
}

bool yq_eteams_call_refused(const struct yq_error *err)
{
    return err->kind == YQ_ERROR_REFUSED;
}
