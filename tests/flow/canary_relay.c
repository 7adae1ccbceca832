/* Passing on and spoiling. */
#include "canary_relay.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/stage.h"

const struct swapped swapped[SECRETS] = {
    {"wAcanaryV2secretQ8ofZtheXapp0Kq3Wz7RtY5uPm1", "sim-app-secret"},
    {"cOcanaryN7secretT3assistantYd9Lw2Bx6Vr4Hs8J", "sim-contacts-secret"},
    {"eKcanary5key7f3a9d1b6c2e8f4a0d7b", "sim-app-key"},
    {"eScanary9secret4b8e1f7a3c6d0b5e2", "sim-app-secret"},
};

/* ---- tokens ---- */

static pthread_mutex_t issued_lock = PTHREAD_MUTEX_INITIALIZER;
static char issued[256][128]; /* tokens that the peers gave */
static size_t issued_count;

void issued_forget(void)
{
    issued_count = 0;
}

static void note_issued(const char *answer, const char *field)
{
    char name[40];
    (void)snprintf(name, sizeof(name), "\"%s\":\"", field);
    const char *at = strstr(answer, name);
    size_t len = at != NULL ? strcspn(at + strlen(name), "\"") : 0;
    if (len < 16 || len >= sizeof(issued[0]))
        return;
    (void)pthread_mutex_lock(&issued_lock);
    if (issued_count < sizeof(issued) / sizeof(issued[0]))
        (void)snprintf(issued[issued_count++], sizeof(issued[0]), "%.*s", (int)len,
                       at + strlen(name));
    (void)pthread_mutex_unlock(&issued_lock);
}

size_t issued_total(void)
{
    (void)pthread_mutex_lock(&issued_lock);
    size_t total = issued_count;
    (void)pthread_mutex_unlock(&issued_lock);
    return total;
}

void issued_each(void (*look)(void *context, const char *token), void *context)
{
    (void)pthread_mutex_lock(&issued_lock);
    for (size_t i = 0; i < issued_count; i++)
        look(context, issued[i]);
    (void)pthread_mutex_unlock(&issued_lock);
}

/* ---- calls ---- */

static size_t collect(char *bytes, size_t size, size_t n, void *arg)
{
    yq_buf_add(arg, bytes, size * n);
    return size * n;
}

static char *replace_all(const char *text, const char *from, const char *to)
{
    struct yq_buf out = YQ_BUF_INIT;
    const char *at;
    for (; (at = strstr(text, from)) != NULL; text = at + strlen(from)) {
        yq_buf_add(&out, text, (size_t)(at - text));
        yq_buf_adds(&out, to);
    }
    yq_buf_adds(&out, text);
    return yq_buf_steal(&out);
}

static char *as_theirs(const char *text)
{
    char *copy = yq_strdup(text);
    for (size_t i = 0; i < sizeof(swapped) / sizeof(swapped[0]); i++) {
        char *next = replace_all(copy, swapped[i].ours, swapped[i].theirs);
        free(copy);
        copy = next;
    }
    return copy;
}

static void pass_on(struct relay *r, const struct peer_request *rq, struct peer_reply *reply)
{
    struct yq_buf answer = YQ_BUF_INIT;
    char *query = as_theirs(rq->query), *body = as_theirs(rq->body);
    char *url = yq_printf("%s%s%s%s", r->target, rq->path, *query ? "?" : "", query);
    bool json = *body == '{' || *body == '[';
    struct curl_slist *headers =
        curl_slist_append(NULL, json ? "Content-Type: application/json"
                                     : "Content-Type: application/x-www-form-urlencoded");
    long status = 502;
    curl_easy_reset(r->easy);
    curl_easy_setopt(r->easy, CURLOPT_URL, url);
    curl_easy_setopt(r->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, &answer);
    if (strcmp(rq->method, "POST") == 0) {
        curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(r->easy) == CURLE_OK)
        curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    reply->status = (int)status;
    reply->to_free = yq_buf_steal(&answer);
    reply->body = reply->to_free;
    free(url);
    free(query);
    free(body);
}

static void write_rows(const struct peer_request *rq, const char *said, struct yq_buf *out)
{
    cJSON *body = yq_json_parse(rq->body, strlen(rq->body), NULL), *item;
    const char *key = cJSON_GetStringValue(yq_json_get(body, "extKey"));
    const cJSON *rows = NULL, *row;
    cJSON_ArrayForEach (item, body) {
        if (cJSON_IsArray(item))
            rows = item;
    }
    yq_buf_adds(out, "{\"message\":{\"errcode\":\"0\",\"errmsg\":\"success\"},\"data\":[");
    cJSON_ArrayForEach (row, rows) {
        const char *value = key ? cJSON_GetStringValue(yq_json_get(row, key)) : NULL;
        yq_buf_addf(out, "%s{\"id\":\"\",\"operate\":\"fail\",\"errcode\":\"410018\",\"errmsg\":",
                    row == rows->child ? "" : ",");
        yq_buf_add_json_string(out, said);
        if (value != NULL)
            yq_buf_addf(out, ",\"extKeyMap\":{\"%s\":\"%s\"}", key, value);
        yq_buf_adds(out, "}");
    }
    yq_buf_adds(out, "]}");
    cJSON_Delete(body);
}

/* What was said, from another place on each time, and every other time in single words. */
static char *said(struct relay *r, const struct peer_request *rq)
{
    char *all = yq_printf("%s %s %s", rq->path, rq->query, rq->body);
    size_t len = strlen(all), from = r->echoes * 53u % len;
    for (char *c = all; r->echoes % 2 == 0 && *c != '\0'; c++)
        if (strchr("\"{}[],:&=?", *c) != NULL)
            *c = ' ';
    while (from > 0 && ((unsigned char)all[from] & 0xc0) == 0x80)
        from--;
    char *part = yq_printf("%s", all + from);
    free(all);
    return part;
}

static void echo(struct relay *r, const struct peer_request *rq, struct peer_reply *reply)
{
    struct yq_buf out = YQ_BUF_INIT;
    char *text = said(r, rq);
    r->echoes++;
    switch (r->way++ % WAYS) {
    case 3:
        yq_buf_adds(&out, r->wecom ? "{\"errcode\":40058,\"errmsg\":"
                                   : "{\"message\":{\"errcode\":\"410099\",\"errmsg\":");
        yq_buf_add_json_string(&out, text);
        yq_buf_adds(&out, r->wecom ? "}" : "}}");
        break;
    case 0:
        reply->status = 500;
        yq_buf_adds(&out, text);
        break;
    case 1:
        yq_buf_adds(&out, text);
        break;
    default:
        if (r->wecom)
            yq_buf_adds(&out, "{\"errcode\":-1,\"errmsg\":"), yq_buf_add_json_string(&out, text),
                yq_buf_adds(&out, "}");
        else
            write_rows(rq, text, &out);
    }
    free(text);
    reply->to_free = yq_buf_steal(&out);
    reply->body = reply->to_free;
}

static bool ends_like(const char *path, const char *end)
{
    size_t len = strlen(path), tail = strlen(end);
    return len >= tail && strcmp(path + len - tail, end) == 0;
}

void relay(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    struct relay *r = context;
    const char *spoilt = r->spoilt;
    if (spoilt != NULL && ends_like(rq->path, spoilt)) {
        echo(r, rq, reply);
        return;
    }
    static const char *const fields[] = {"access_token", "accessToken", "refreshToken", "code"};
    pass_on(r, rq, reply);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        note_issued(reply->body, fields[i]);
}
