/* The simulated eteams as a process of its own, and JSON over HTTP with it. */
#include "eteams_peer.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/sim_process.h"

#define DEADLINE_S 30

struct peer {
    struct sim_process *sim;
    char token[80];
    CURL *easy;
    cJSON *answer;
    struct yq_buf raw;
    long status;
    double seconds;
    struct yq_arena *arena;
};

struct peer *peer_start(const char *options)
{
    struct peer *p = yq_calloc(1, sizeof(*p));
    char *words = yq_printf("eteams %s", options);
    p->sim = sim_process_start(words);
    p->easy = curl_easy_init();
    p->arena = yq_arena_new();
    free(words);
    return p;
}

bool peer_stop(struct peer *p)
{
    curl_easy_cleanup(p->easy);
    bool well = sim_process_stop(p->sim);
    cJSON_Delete(p->answer);
    yq_buf_release(&p->raw);
    yq_arena_free(p->arena);
    free(p);
    return well;
}

void peer_move_clock(struct peer *p, int64_t ms)
{
    sim_process_move_clock(p->sim, ms);
}

const char *peer_url(const struct peer *p)
{
    return sim_process_url(p->sim);
}

static size_t collect(char *bytes, size_t size, size_t n, void *arg)
{
    yq_buf_add(arg, bytes, size * n);
    return size * n;
}

/* type NULL = a GET. */
static const cJSON *request(struct peer *p, const char *path, const char *type, const char *body)
{
    char *url = yq_printf("%s%s", peer_url(p), path);
    struct curl_slist *headers = NULL;
    cJSON_Delete(p->answer);
    p->answer = NULL;
    p->status = 0;
    yq_buf_clear(&p->raw);
    curl_easy_reset(p->easy);
    curl_easy_setopt(p->easy, CURLOPT_URL, url);
    curl_easy_setopt(p->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(p->easy, CURLOPT_FORBID_REUSE, 1L); /* else curl repeats what was cut */
    curl_easy_setopt(p->easy, CURLOPT_TIMEOUT, (long)DEADLINE_S);
    curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, &p->raw);
    if (type != NULL) {
        headers = curl_slist_append(headers, type);
        curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(p->easy) == CURLE_OK)
        curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &p->status);
    curl_easy_getinfo(p->easy, CURLINFO_TOTAL_TIME, &p->seconds);
    p->answer = yq_json_parse(yq_buf_text(&p->raw), p->raw.len, NULL);
    curl_slist_free_all(headers);
    free(url);
    return p->answer;
}

__attribute__((format(printf, 3, 0))) static const cJSON *
post_json(struct peer *p, const char *path, const char *format, va_list args)
{
    char *body = NULL;
    if (vasprintf(&body, format, args) < 0)
        abort(); /* out of memory */
    for (char *c = body; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    const cJSON *answer = request(p, path, "Content-Type: application/json", body);
    free(body);
    return answer;
}

const cJSON *peer_get(struct peer *p, const char *path)
{
    return request(p, path, NULL, NULL);
}

const cJSON *peer_post(struct peer *p, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const cJSON *answer = post_json(p, path, format, args);
    va_end(args);
    return answer;
}

const cJSON *peer_form(struct peer *p, const char *path, const char *fields)
{
    return request(p, path, "Content-Type: application/x-www-form-urlencoded", fields);
}

const cJSON *peer_call(struct peer *p, const char *name, const char *format, ...)
{
    va_list args;
    if (p->token[0] == '\0')
        (void)peer_new_token(p);
    char *path = yq_printf("/api/hrm/restful/%s?access_token=%s", name, p->token);
    va_start(args, format);
    const cJSON *answer = post_json(p, path, format, args);
    va_end(args);
    free(path);
    return answer;
}

static const cJSON *expect_done(const struct peer *p, const char *name, const cJSON *answer)
{
    if (answer_code(answer) == 0)
        return answer;
    (void)fprintf(stderr, "%s: %s\n", name, yq_buf_text(&p->raw));
    abort();
}

const cJSON *peer_control(struct peer *p, const char *name, const char *format, ...)
{
    va_list args;
    char *path = yq_printf("/_sim/%s", name);
    va_start(args, format);
    const cJSON *answer = post_json(p, path, format, args);
    va_end(args);
    free(path);
    return expect_done(p, name, answer);
}

const cJSON *peer_look(struct peer *p, const char *name)
{
    char *path = yq_printf("/_sim/%s", name);
    const cJSON *answer = peer_get(p, path);
    free(path);
    return expect_done(p, name, answer);
}

const char *peer_raw(const struct peer *p)
{
    return yq_buf_text(&p->raw);
}

long peer_status(const struct peer *p)
{
    return p->status;
}

double peer_seconds(const struct peer *p)
{
    return p->seconds;
}

const char *peer_token(const struct peer *p)
{
    return p->token;
}

const char *peer_new_token(struct peer *p)
{
    char form[256];
    const cJSON *a =
        peer_get(p, "/oauth2/authorize?corpid=sim-eteams-corp&response_type=code&state=1");
    const char *code = cJSON_GetStringValue(yq_json_get(a, "code"));
    (void)snprintf(form, sizeof(form),
                   "app_key=sim-app-key&app_secret=sim-app-secret&grant_type=authorization_code"
                   "&code=%s",
                   code ? code : "");
    a = peer_form(p, "/oauth2/access_token", form);
    const char *token = cJSON_GetStringValue(yq_json_get(a, "acessToken"));
    (void)snprintf(p->token, sizeof(p->token), "%s", token ? token : "");
    return p->token;
}

int64_t json_number(const cJSON *object, const char *name)
{
    int64_t n;
    return yq_json_int(object, name, &n) ? n : -999;
}

int answer_code(const cJSON *answer)
{
    const cJSON *message = yq_json_get(answer, "message");
    if (answer == NULL)
        return -998;
    return (int)json_number(message ? message : answer, "errcode");
}

static const cJSON *rows_of(const cJSON *answer)
{
    const cJSON *data = yq_json_get(answer, "data");
    return cJSON_IsObject(data) ? yq_json_get(data, "data") : data;
}

const cJSON *answer_row(const cJSON *answer, int i)
{
    return cJSON_GetArrayItem(rows_of(answer), i);
}

int answer_rows(const cJSON *answer)
{
    const cJSON *rows = rows_of(answer);
    return cJSON_IsArray(rows) ? cJSON_GetArraySize(rows) : -1;
}

int answer_total(const cJSON *answer)
{
    return (int)json_number(yq_json_get(answer, "data"), "total");
}

int row_code(const cJSON *answer, int i)
{
    return (int)json_number(answer_row(answer, i), "errcode");
}

const char *row_text(const cJSON *answer, int i, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(answer_row(answer, i), name));
    return text ? text : "";
}

const char *peer_keep_id(struct peer *p, int i)
{
    return yq_arena_strdup(p->arena, row_text(p->answer, i, "id"));
}

const char *peer_root(struct peer *p)
{
    const cJSON *state = peer_look(p, "state");
    return yq_arena_strdup(p->arena, cJSON_GetStringValue(yq_json_get(state, "root")));
}
