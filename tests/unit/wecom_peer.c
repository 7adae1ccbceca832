/* The simulated WeCom as a process of its own, and JSON over HTTP with it. */
#include "wecom_peer.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "support/sim_process.h"
#include "support/wait.h"

#define DEADLINE_S 20

struct peer {
    struct sim_process *sim;
};

struct peer *peer;

struct peer *peer_start(void)
{
    struct peer *p = yq_calloc(1, sizeof *p);
    p->sim = sim_process_start("wecom");
    return p;
}

bool peer_stop(struct peer *p)
{
    bool well = sim_process_stop(p->sim);
    free(p);
    return well;
}

int peer_group_start(void **state)
{
    (void)state;
    peer = peer_start();
    return 0;
}

int peer_group_stop(void **state)
{
    (void)state;
    return peer_stop(peer) ? 0 : -1;
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

cJSON *peer_call(struct peer *p, const char *path, const char *body, long *ret_status)
{
    struct yq_buf answer = YQ_BUF_INIT;
    CURL *easy = curl_easy_init();
    char *url = yq_printf("%s%s", peer_url(p), path);
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

struct delivery_wait {
    struct peer *peer;
    cJSON *counts;
};

static bool all_delivered(void *arg)
{
    struct delivery_wait *w = arg;
    cJSON_Delete(w->counts);
    w->counts = peer_call(w->peer, "/_sim/deliveries", NULL, NULL);
    return json_int(w->counts, "pending") == 0;
}

cJSON *peer_wait_deliveries(struct peer *p)
{
    struct delivery_wait w = {.peer = p};
    (void)yq_wait_until(all_delivered, &w, DEADLINE_S * 1000);
    return w.counts;
}
