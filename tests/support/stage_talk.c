/* The stage talks: HTTP with the simulators and the daemon, commands with Redis. */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "stage_inner.h"

#define ANSWER_S 30L
#define WORDS_MAX 64

static const char callback_token[] = "FlowToken";
static const char callback_key[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

static size_t collect(char *bytes, size_t size, size_t n, void *arg)
{
    yq_buf_add(arg, bytes, size * n);
    return size * n;
}

int stage_request(struct stage *s, const struct stage_request *r, struct yq_buf *ret_body)
{
    long status = 0;
    if (s->easy == NULL)
        s->easy = curl_easy_init();
    CURL *easy = s->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)stage_patience(1) * ANSWER_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ret_body);
    if (r->body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
    if (curl_easy_perform(easy) == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static cJSON *call(struct stage *s, enum stage_peer peer, const char *path, const char *body)
{
    struct yq_buf answer = YQ_BUF_INIT;
    struct yq_error err = {.text = "no answer"};
    char *url = yq_printf("%s%s", s->peer_url[peer], path);
    const struct stage_request r = {body ? "POST" : "GET", url, body};
    int status = stage_request(s, &r, &answer);
    cJSON *json = status != 0 ? yq_json_parse(yq_buf_text(&answer), answer.len, &err) : NULL;
    if (json == NULL)
        stage_fail(s, "%s answers %d, no JSON (%s): %.500s", url, status, err.text,
                   yq_buf_text(&answer));
    yq_buf_release(&answer);
    free(url);
    return json;
}

__attribute__((format(printf, 1, 0))) static char *format_text(const char *format, va_list args)
{
    char *text;
    if (vasprintf(&text, format, args) < 0)
        abort();
    return text;
}

cJSON *stage_call(struct stage *s, enum stage_peer peer, const char *path, const char *body_format,
                  ...)
{
    char *body = NULL;
    va_list args;
    va_start(args, body_format);
    if (body_format != NULL)
        body = format_text(body_format, args);
    va_end(args);
    cJSON *json = call(s, peer, path, body);
    free(body);
    return json;
}

void stage_wecom_change(struct stage *s, const char *json_format, ...)
{
    int64_t code = -1;
    va_list args;
    va_start(args, json_format);
    char *body = format_text(json_format, args);
    va_end(args);
    cJSON *json = call(s, STAGE_WECOM, "/_sim/change", body);
    if (!yq_json_int(json, "errcode", &code) || code != 0) {
        char *text = cJSON_PrintUnformatted(json);
        stage_fail(s, "WeCom refuses %s: %s", body, text);
    }
    cJSON_Delete(json);
    free(body);
}

void stage_point_callback(struct stage *s)
{
    int first = 0;
    while (first < STAGE_DAEMONS && (!stage_process_runs(&s->daemons[first].process) ||
                                     s->daemons[first].public_url[0] == '\0'))
        first++;
    if (first == STAGE_DAEMONS)
        return;
    cJSON *json =
        stage_call(s, STAGE_WECOM, "/_sim/callback",
                   "{\"url\":\"%s/wecom/callback/acme\",\"token\":\"%s\",\"encoding_aes_key\":"
                   "\"%s\",\"mode\":\"%s\"%s%s}",
                   s->daemons[first].public_url, callback_token, callback_key, s->callback_mode,
                   s->callback_more ? "," : "", s->callback_more ? s->callback_more : "");
    cJSON_Delete(json);
}

void stage_callback_more(struct stage *s, const char *members)
{
    s->callback_more = members;
    stage_point_callback(s);
}

int stage_http(struct stage *s, int index, const char *method, const char *path_and_query,
               const char *body, char **ret_body)
{
    struct yq_buf answer = YQ_BUF_INIT;
    char *url = yq_printf("%s%s", s->daemons[index].public_url, path_and_query);
    const struct stage_request r = {method, url, body};
    int status = stage_request(s, &r, &answer);
    if (ret_body != NULL)
        *ret_body = yq_buf_steal(&answer);
    yq_buf_release(&answer);
    free(url);
    return status;
}

/* ---- Redis ---- */

redisReply *stage_ask_redis(struct stage *s, int argc, const char **argv)
{
    struct yq_error err = {0};
    if (s->look == NULL)
        s->look = yq_redis_new(&s->redis->address, stage_patience(STAGE_REDIS_MS));
    redisReply *reply = yq_redis_argv(s->look, argc, argv, NULL, &err);
    if (reply == NULL && err.kind == YQ_ERROR_RETRY) /* a connection from before a restart */
        reply = yq_redis_argv(s->look, argc, argv, NULL, &err);
    if (reply == NULL && err.kind != YQ_ERROR_RETRY)
        stage_fail(s, "redis: %s: %s", argv[0], err.text);
    return reply;
}

static void reply_text(const redisReply *reply, struct yq_buf *out)
{
    if (reply->type == REDIS_REPLY_INTEGER) {
        yq_buf_addf(out, "%lld", reply->integer);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++) {
            yq_buf_adds(out, i > 0 ? "\n" : "");
            reply_text(reply->element[i], out);
        }
    } else if (reply->type != REDIS_REPLY_NIL) {
        yq_buf_add(out, reply->str, reply->len);
    }
}

char *stage_redis_text(struct stage *s, const char *command, ...)
{
    const char *words[WORDS_MAX];
    struct yq_buf out = YQ_BUF_INIT;
    int n = 0;
    va_list args;
    va_start(args, command);
    char *text = format_text(command, args), *rest = text;
    va_end(args);
    for (char *word; n < WORDS_MAX && (word = strtok_r(rest, " ", &rest)) != NULL;)
        words[n++] = word;
    redisReply *reply = stage_ask_redis(s, n, words);
    if (reply == NULL)
        stage_fail(s, "redis does not answer %s", text);
    reply_text(reply, &out);
    freeReplyObject(reply);
    free(text);
    return yq_buf_steal(&out);
}
