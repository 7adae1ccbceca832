/* Failing on demand: by count, or at random with a seed. One table names every kind of fault. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_sim.h"

#define DEEP 5000 /* levels of the nested answer */

enum when { BEFORE, AFTER };

static void freq(struct wecom *w, const struct wecom_fault *f, const char *path)
{
    wecom_traffic_block(w, path, f->window_s);
}

static void end_token(struct wecom *w, bool expired)
{
    for (enum wecom_kind k = 0; k < WECOM_KINDS; k++)
        wecom_token_end(w, k, expired);
}

static void nul_escape(struct yq_buf *body);
static void truncated(struct yq_buf *body);
static void empty_list(struct yq_buf *body);
static void half_list(struct yq_buf *body);
static void wrong_types(struct yq_buf *body);

static const struct kind {
    const char *name;
    enum when when;
    int status, errcode; /* BEFORE: the answer; errcode 0: none, `text` instead */
    const char *text;
    void (*spoil)(struct yq_buf *body); /* AFTER */
} kinds[] = {
    {"busy", BEFORE, 200, -1, NULL, NULL},
    {"conflict", BEFORE, 200, 6000, NULL, NULL},
    {"freq", BEFORE, 200, 45009, NULL, NULL},
    {"concurrency", BEFORE, 200, 45033, NULL, NULL},
    {"token_dead", BEFORE, 200, 40014, NULL, NULL},
    {"token_expired", BEFORE, 200, 42001, NULL, NULL},
    {"http_500", BEFORE, 500, 0, "Internal Server Error", NULL},
    {"http_502", BEFORE, 502, 0, "Bad Gateway", NULL},
    {"garbage", BEFORE, 200, 0, "errcode=0&errmsg=ok\x01\xff", NULL},
    {"html", BEFORE, 200, 0, "<html><body><h1>502 Bad Gateway</h1></body></html>", NULL},
    {"deep", BEFORE, 200, 0, NULL, NULL},
    {"cut", BEFORE, 200, 0, "", NULL},
    {"cut_after", AFTER, 200, 0, NULL, NULL},
    {"slow", AFTER, 200, 0, NULL, NULL},
    {"errcode_missing", AFTER, 200, 0, NULL, NULL},
    {"empty_list", AFTER, 200, 0, NULL, empty_list},
    {"half_list", AFTER, 200, 0, NULL, half_list},
    {"truncated", AFTER, 200, 0, NULL, truncated},
    {"nul_escape", AFTER, 200, 0, NULL, nul_escape},
    {"wrong_types", AFTER, 200, 0, NULL, wrong_types},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* The next `count` calls of a path after `skip` others; a negative count: for ever. */
struct planned {
    char *path; /* "*": any */
    size_t kind;
    int64_t count, skip, window_s, delay_ms;
    struct planned *prev, *next;
};

struct wecom_faults {
    struct planned *planned;
    int64_t percent; /* of all calls, at random */
    bool allowed[KINDS];
    int64_t window_s, delay_ms;
    struct sim_random random;
    uint64_t hits[KINDS];
};

static size_t kind_of(const char *name)
{
    size_t i = 0;
    while (i < KINDS && (name == NULL || strcmp(kinds[i].name, name) != 0))
        i++;
    return i;
}

struct wecom_faults *wecom_faults_new(void)
{
    return yq_calloc(1, sizeof(struct wecom_faults));
}

static void clear(struct wecom_faults *f)
{
    struct planned *p, *next;
    DL_FOREACH_SAFE(f->planned, p, next)
    {
        free(p->path);
        free(p);
    }
    f->planned = NULL;
    f->percent = 0;
}

void wecom_faults_free(struct wecom_faults *f)
{
    if (f != NULL)
        clear(f);
    free(f);
}

void wecom_faults_clear(struct wecom *w)
{
    clear(w->faults);
    memset(w->faults->hits, 0, sizeof w->faults->hits);
    wecom_traffic_forget_limits(w);
}

static bool add_random(struct wecom_faults *f, const cJSON *fault)
{
    const cJSON *item;
    bool allowed[KINDS] = {false};
    cJSON_ArrayForEach (item, yq_json_get(fault, "kinds")) {
        size_t k = kind_of(cJSON_GetStringValue(item));
        if (k == KINDS)
            return false;
        allowed[k] = true;
    }
    memcpy(f->allowed, allowed, sizeof allowed);
    f->percent = wecom_get_int(fault, "rate_percent", 0);
    f->window_s = wecom_get_int(fault, "window_s", 60);
    f->delay_ms = wecom_get_int(fault, "delay_ms", 1000);
    sim_random_seed(&f->random, (uint64_t)wecom_get_int(fault, "seed", 1));
    return true;
}

bool wecom_faults_add(struct wecom *w, const cJSON *fault)
{
    struct wecom_faults *f = w->faults;
    if (yq_json_get(fault, "rate_percent") != NULL)
        return add_random(f, fault);
    const char *path = wecom_get_text(fault, "path");
    size_t kind = kind_of(wecom_get_text(fault, "kind"));
    if (kind == KINDS)
        return false;
    struct planned *p = yq_calloc(1, sizeof *p);
    p->path = yq_strdup(path ? path : "*");
    p->kind = kind;
    p->count = wecom_get_int(fault, "count", 1);
    p->skip = wecom_get_int(fault, "skip", 0);
    p->window_s = wecom_get_int(fault, "window_s", 60);
    p->delay_ms = wecom_get_int(fault, "delay_ms", 1000);
    DL_APPEND(f->planned, p);
    return true;
}

void wecom_faults_put(struct wecom *w, struct yq_buf *out)
{
    const struct planned *p;
    int64_t waiting = 0;
    wecom_put_name(out, "hits");
    yq_buf_addc(out, '{');
    for (size_t k = 0; k < KINDS; k++)
        if (w->faults->hits[k] > 0)
            wecom_put_int(out, kinds[k].name, (int64_t)w->faults->hits[k]);
    yq_buf_addc(out, '}');
    DL_FOREACH(w->faults->planned, p)
    {
        waiting += p->count;
    }
    wecom_put_int(out, "waiting", waiting);
}

static struct wecom_fault hit(struct wecom_faults *f, size_t kind, int64_t window_s,
                              int64_t delay_ms)
{
    f->hits[kind]++;
    return (struct wecom_fault){.kind = kinds[kind].name,
                                .window_s = window_s,
                                .delay_ms = strcmp(kinds[kind].name, "slow") == 0 ? delay_ms : 0};
}

static struct wecom_fault random_fault(struct wecom_faults *f)
{
    size_t some = 0, picked = KINDS;
    if (f->percent <= 0 || (int64_t)sim_random_below(&f->random, 100) >= f->percent)
        return (struct wecom_fault){NULL, 0, 0};
    for (size_t k = 0; k < KINDS; k++)
        if (f->allowed[k] && sim_random_below(&f->random, ++some) == 0)
            picked = k;
    if (picked == KINDS)
        return (struct wecom_fault){NULL, 0, 0};
    return hit(f, picked, f->window_s, f->delay_ms);
}

struct wecom_fault wecom_faults_next(struct wecom *w, const char *path)
{
    struct planned *p;
    DL_FOREACH(w->faults->planned, p)
    {
        if (strcmp(p->path, "*") != 0 && strcmp(p->path, path) != 0)
            continue;
        if (p->skip > 0) {
            p->skip--;
            continue;
        }
        struct wecom_fault f = hit(w->faults, p->kind, p->window_s, p->delay_ms);
        p->count -= p->count > 0;
        if (p->count == 0) {
            DL_DELETE(w->faults->planned, p);
            free(p->path);
            free(p);
        }
        return f;
    }
    return random_fault(w->faults);
}

static void put_deep(struct yq_buf *out)
{
    yq_buf_adds(out, "{\"errcode\":0,\"errmsg\":\"ok\",\"x\":");
    for (int i = 0; i < DEEP; i++)
        yq_buf_addc(out, '[');
    for (int i = 0; i < DEEP; i++)
        yq_buf_addc(out, ']');
    yq_buf_addc(out, '}');
}

bool wecom_fault_before(struct wecom *w, const struct wecom_fault *fault, const char *path,
                        const char *empty, struct sim_reply *reply)
{
    size_t k = kind_of(fault->kind);
    if (k == KINDS || kinds[k].when != BEFORE)
        return false;
    reply->status = kinds[k].status;
    reply->cut = strcmp(fault->kind, "cut") == 0;
    if (kinds[k].errcode == 45009)
        freq(w, fault, path);
    else if (kinds[k].errcode == 40014 || kinds[k].errcode == 42001)
        end_token(w, kinds[k].errcode == 42001);
    if (kinds[k].errcode != 0) {
        yq_buf_addc(&reply->body, '{');
        wecom_error_put(w, &reply->body, kinds[k].errcode);
        yq_buf_adds(&reply->body, empty);
        yq_buf_addc(&reply->body, '}');
    } else if (kinds[k].text != NULL) {
        yq_buf_adds(&reply->body, kinds[k].text);
        reply->content_type = "text/html";
    } else {
        put_deep(&reply->body);
    }
    return true;
}

void wecom_fault_after(const struct wecom_fault *fault, struct sim_reply *reply)
{
    size_t k = kind_of(fault->kind);
    if (k == KINDS)
        return;
    if (kinds[k].spoil != NULL)
        kinds[k].spoil(&reply->body);
    reply->cut = strcmp(fault->kind, "cut_after") == 0;
}

static void truncated(struct yq_buf *body)
{
    body->len /= 2;
    body->data[body->len] = '\0';
}

/* Into the last name of the answer, or into errmsg. */
static void nul_escape(struct yq_buf *body)
{
    static const char *const before[] = {"\"name\":\"", "\"userid\":\"", "\"errmsg\":\""};
    struct yq_buf out = YQ_BUF_INIT;
    const char *at = NULL;
    for (size_t i = 0; i < 3 && at == NULL; i++) {
        at = strstr(yq_buf_text(body), before[i]);
        at = at != NULL ? at + strlen(before[i]) : NULL;
    }
    if (at == NULL)
        return;
    yq_buf_add(&out, body->data, (size_t)(at - body->data));
    yq_buf_adds(&out, "x\\u0000");
    yq_buf_adds(&out, at);
    yq_buf_release(body);
    *body = out;
}

/* Prints the changed tree into the body. */
static void replace_body(struct yq_buf *body, cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);
    yq_buf_clear(body);
    yq_buf_adds(body, text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

/* All lists of the answer keep only so many percent of their rows; nothing else tells of it. */
static void cut_lists(struct yq_buf *body, int percent)
{
    cJSON *tree = yq_json_parse(body->data, body->len, NULL), *item;
    cJSON_ArrayForEach (item, tree) {
        int kept = cJSON_IsArray(item) ? cJSON_GetArraySize(item) * percent / 100 : 0;
        while (cJSON_IsArray(item) && cJSON_GetArraySize(item) > kept)
            cJSON_DeleteItemFromArray(item, kept);
    }
    if (yq_json_get(tree, "next_cursor") != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(tree, "next_cursor", cJSON_CreateString(""));
    replace_body(body, tree);
}

static void empty_list(struct yq_buf *body)
{
    cut_lists(body, 0);
}

static void half_list(struct yq_buf *body)
{
    cut_lists(body, 50);
}

static void wrong_types(struct yq_buf *body)
{
    cJSON *tree = yq_json_parse(body->data, body->len, NULL), *next;
    for (cJSON *item = tree ? tree->child : NULL; item != NULL; item = next) {
        next = item->next;
        if (strcmp(item->string, "errcode") == 0 || strcmp(item->string, "errmsg") == 0)
            continue;
        cJSON *other = cJSON_IsString(item)   ? cJSON_CreateNumber(17)
                       : cJSON_IsNumber(item) ? cJSON_CreateString("seventeen")
                       : cJSON_IsArray(item)  ? cJSON_CreateObject()
                                              : cJSON_CreateArray();
        char *name = yq_strdup(item->string);
        cJSON_ReplaceItemInObjectCaseSensitive(tree, name, other);
        free(name);
    }
    replace_body(body, tree);
}
