/* The simulated WeCom as a process of its own, and JSON over HTTP with it. */
#include "wecom_peer.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"

#define DEADLINE_S 20

struct peer {
    pid_t pid;
    FILE *out;
    char url[128], clock_file[64];
};

static void die(const char *what)
{
    perror(what);
    abort();
}

struct peer *peer_start(void)
{
    struct peer *p = yq_calloc(1, sizeof *p);
    int pipe_ends[2], fd;
    snprintf(p->clock_file, sizeof p->clock_file, "/tmp/yq-clock-XXXXXX");
    fd = mkstemp(p->clock_file);
    if (fd < 0 || pipe(pipe_ends) < 0)
        die("peer_start");
    close(fd);
    peer_move_clock(p, 0);
    p->pid = fork();
    if (p->pid == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        setenv("YUNQIAO_CLOCK", p->clock_file, 1);
        execl(YQ_SIM, "yunqiao-sim", "wecom", "--listen", "127.0.0.1:0", (char *)NULL);
        _exit(127);
    }
    close(pipe_ends[1]);
    p->out = fdopen(pipe_ends[0], "r");
    if (p->out == NULL || fscanf(p->out, "listening %127s", p->url) != 1)
        die("yunqiao-sim does not come up");
    return p;
}

bool peer_stop(struct peer *p)
{
    int status = -1;
    kill(p->pid, SIGTERM);
    waitpid(p->pid, &status, 0);
    fclose(p->out);
    unlink(p->clock_file);
    free(p);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void peer_move_clock(struct peer *p, int64_t ms)
{
    FILE *f = fopen(p->clock_file, "r+b");
    if (f == NULL || fwrite(&ms, sizeof ms, 1, f) != 1)
        die(p->clock_file);
    fclose(f);
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

cJSON *peer_call(struct peer *p, const char *path, const char *body, long *ret_status)
{
    struct yq_buf answer = YQ_BUF_INIT;
    CURL *easy = curl_easy_init();
    char *url = yq_printf("%s%s", p->url, path);
    long status = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)DEADLINE_S);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    if (body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    if (curl_easy_perform(easy) == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    cJSON *tree = yq_json_parse(yq_buf_text(&answer), answer.len, NULL);
    if (ret_status != NULL)
        *ret_status = status;
    curl_easy_cleanup(easy);
    yq_buf_release(&answer);
    free(url);
    return tree;
}

int64_t json_int(const cJSON *tree, const char *name)
{
    int64_t n;
    return yq_json_int(tree, name, &n) ? n : -999;
}

const char *json_text(const cJSON *tree, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(tree, name));
    return text ? text : "";
}

static int code_of(cJSON *tree)
{
    int code = (int)json_int(tree, "errcode");
    cJSON_Delete(tree);
    return code;
}

int peer_code(struct peer *p, const char *path, const char *body)
{
    return code_of(peer_call(p, path, body, NULL));
}

int peer_load(struct peer *p, const char *company)
{
    static const char settings[] =
        "{\"sensitive\":false,\"contacts_details\":false,\"errcode_missing\":false,"
        "\"auto_departments\":false,\"rate\":0,\"concurrency\":0}";
    peer_move_clock(p, 0);
    int code = peer_code(p, "/_sim/reset", "{}");
    code = code ? code : peer_code(p, "/_sim/settings", settings);
    return code ? code : peer_code(p, "/_sim/load", company);
}

static cJSON *call_with(struct peer *p, const char *secret, const char *path, const char *body)
{
    char *get = yq_printf("/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=%s", secret);
    cJSON *token = peer_call(p, get, NULL, NULL);
    char *full = yq_printf("/cgi-bin/%s%caccess_token=%s", path, strchr(path, '?') ? '&' : '?',
                           json_text(token, "access_token"));
    cJSON *tree = peer_call(p, full, body, NULL);
    cJSON_Delete(token);
    free(full);
    free(get);
    return tree;
}

cJSON *peer_app(struct peer *p, const char *path, const char *body)
{
    return call_with(p, "sim-app-secret", path, body);
}

cJSON *peer_contacts(struct peer *p, const char *path, const char *body)
{
    return call_with(p, "sim-contacts-secret", path, body);
}

int peer_app_code(struct peer *p, const char *path, const char *body)
{
    return code_of(peer_app(p, path, body));
}

int peer_contacts_code(struct peer *p, const char *path, const char *body)
{
    return code_of(peer_contacts(p, path, body));
}

cJSON *peer_wait_deliveries(struct peer *p)
{
    const struct timespec moment = {.tv_nsec = 5 * 1000 * 1000};
    time_t until = time(NULL) + DEADLINE_S;
    for (;;) {
        cJSON *counts = peer_call(p, "/_sim/deliveries", NULL, NULL);
        if (json_int(counts, "pending") == 0 || time(NULL) > until)
            return counts;
        cJSON_Delete(counts);
        nanosleep(&moment, NULL);
    }
}
