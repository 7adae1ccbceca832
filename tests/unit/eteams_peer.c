/* The simulated eteams as a process of its own, and JSON over HTTP with it. */
#include "eteams_peer.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"

#define DEADLINE_S 30
#define ARGUMENTS 24

struct peer {
    pid_t pid;
    FILE *out;
    char url[128], clock_file[64], token[80];
    CURL *easy;
    cJSON *answer;
    struct yq_buf raw;
    long status;
    double seconds;
    struct yq_arena *arena;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static void run_child(struct peer *p, const char *options, const int ends[2])
{
    char *text = yq_strdup(options), *rest = text;
    char *argv[ARGUMENTS] = {(char[]){"yunqiao-sim"}, (char[]){"eteams"}};
    for (size_t n = 2; n + 1 < ARGUMENTS && (argv[n] = strtok_r(rest, " ", &rest)) != NULL;)
        n++;
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    setenv("YUNQIAO_CLOCK", p->clock_file, 1);
    execv(YQ_SIM, argv);
    _exit(127);
}

struct peer *peer_start(const char *options)
{
    struct peer *p = yq_calloc(1, sizeof(*p));
    int ends[2], fd;
    (void)snprintf(p->clock_file, sizeof(p->clock_file), "/tmp/yq-clock-XXXXXX");
    fd = mkstemp(p->clock_file);
    if (fd < 0 || pipe(ends) < 0)
        die("peer_start");
    close(fd);
    peer_move_clock(p, 0);
    p->pid = fork();
    if (p->pid == 0)
        run_child(p, options, ends);
    close(ends[1]);
    p->out = fdopen(ends[0], "r");
    if (p->out == NULL || fscanf(p->out, "listening %127s", p->url) != 1)
        die("yunqiao-sim does not come up");
    p->easy = curl_easy_init();
    p->arena = yq_arena_new();
    return p;
}

bool peer_stop(struct peer *p)
{
    int status = -1;
    curl_easy_cleanup(p->easy);
    (void)kill(p->pid, SIGTERM);
    (void)waitpid(p->pid, &status, 0);
    (void)fclose(p->out);
    (void)unlink(p->clock_file);
    cJSON_Delete(p->answer);
    yq_buf_release(&p->raw);
    yq_arena_free(p->arena);
    free(p);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void peer_move_clock(struct peer *p, int64_t ms)
{
    FILE *f = fopen(p->clock_file, "r+b");
    if (f == NULL || fwrite(&ms, sizeof(ms), 1, f) != 1)
        die(p->clock_file);
    (void)fclose(f);
}

const char *peer_url(const struct peer *p)
{
    return p->url;
}

static size_t collect(char *bytes, size_t size, size_t n, void *arg)
{
    yq_buf_add(arg, bytes, size * n);
    return size * n;
}

/* type NULL = a GET. */
static const cJSON *request(struct peer *p, const char *path, const char *type, const char *body)
{
    char *url = yq_printf("%s%s", p->url, path);
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
        die("vasprintf");
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
