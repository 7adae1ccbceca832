/* Waiting until nothing is under way, and looking at what eteams holds then. */
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/system_clock.h"
#include "stage_inner.h"
#include "support/wait.h"

#define SETTLE_MS 90000
#define HURRY_MS 10    /* real time after which the clock of a worker that is at it is moved */
#define HURRY_TIMES 10 /* so much faster than real time: it may be waiting for a peer's pace */
#define CONNECTIONS_MAX 16

/* KEYS: events, lease, ready, delayed. ARGV: group, connection. Answers {entries nobody has read,
 * (1000 at the most), entries not acknowledged, 1 while somebody works or shall, when it is due or
 * ""}. */
static const char standing[] =
    "local waiting, pending = redis.call('XLEN', KEYS[1]), 0\n"
    "for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do\n"
    "  local g = {}\n"
    "  for i = 1, #flat, 2 do g[flat[i]] = flat[i + 1] end\n"
    "  if g['name'] == ARGV[1] then\n"
    "    pending = g['pending']\n"
    "    waiting = #redis.call('XRANGE', KEYS[1], '(' .. g['last-delivered-id'], '+', 'COUNT', "
    "1000)\n"
    "  end\n"
    "end\n"
    "local busy = redis.call('EXISTS', KEYS[2])\n"
    "if redis.call('ZSCORE', KEYS[3], ARGV[2]) then busy = 1 end\n"
    "return {waiting, pending, busy, redis.call('ZSCORE', KEYS[4], ARGV[2]) or ''}\n";

struct settling {
    struct stage *s;
    bool allow_retries;
    int64_t hurried_ms; /* real time of the last push */
    char why[160];
};

static void hurry(struct settling *w)
{
    int64_t now = yq_mono_ms(yq_system_clock());
    if (!w->allow_retries || now - w->hurried_ms < HURRY_MS)
        return;
    if (w->hurried_ms != 0)
        stage_advance(w->s, HURRY_MS * HURRY_TIMES);
    w->hurried_ms = now;
}

static bool connection_is_quiet(struct settling *w, const char *id)
{
    struct stage *s = w->s;
    struct yq_keys keys;
    char events[YQ_KEY_MAX], lease[YQ_KEY_MAX], ready[YQ_KEY_MAX], delayed[YQ_KEY_MAX];
    (void)snprintf(keys.prefix, sizeof(keys.prefix), "%s", s->prefix);
    const char *argv[] = {"EVAL",
                          standing,
                          "4",
                          yq_key(&keys, id, "events", events),
                          yq_key(&keys, id, "lease", lease),
                          yq_global_key(&keys, "ready", ready),
                          yq_global_key(&keys, "delayed", delayed),
                          YQ_QUEUE_GROUP,
                          id};
    redisReply *r = stage_ask_redis(s, 9, argv);
    if (r == NULL) {
        (void)snprintf(w->why, sizeof(w->why), "redis answers nothing");
        return false;
    }
    long long waiting = r->element[0]->integer, pending = r->element[1]->integer;
    bool busy = r->element[2]->integer != 0;
    int64_t due = strtoll(r->element[3]->str, NULL, 10);
    int64_t now = yq_wall_ms(yq_system_clock()) + s->clock_ms;
    freeReplyObject(r);
    (void)snprintf(w->why, sizeof(w->why),
                   "%s: %lld entries wait, %lld are pending, %s, due in %" PRId64 " ms", id,
                   waiting, pending, busy ? "a worker is at it" : "no worker is at it",
                   due > 0 ? due - now : 0);
    if (waiting == 0 && pending == 0)
        return true;
    if (busy)
        hurry(w);
    if (waiting > 0 || busy || due <= now)
        return false;
    if (w->allow_retries)
        stage_advance(s, due - now + 1);
    return !w->allow_retries;
}

/* Every connection that has a queue. */
static bool connections_are_quiet(struct settling *w)
{
    char pattern[32];
    (void)snprintf(pattern, sizeof(pattern), "%s:{*}:events", w->s->prefix);
    const char *argv[] = {"KEYS", pattern};
    bool quiet = true;
    redisReply *keys = stage_ask_redis(w->s, 2, argv);
    if (keys == NULL) {
        (void)snprintf(w->why, sizeof(w->why), "redis answers nothing");
        return false;
    }
    for (size_t i = 0; i < keys->elements && quiet; i++) {
        char id[64];
        const char *at = strchr(keys->element[i]->str, '{') + 1;
        (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "}"), at);
        quiet = connection_is_quiet(w, id);
    }
    freeReplyObject(keys);
    return quiet;
}

/* A file of the spool is removed when all of it is in Redis. */
static bool spool_is_empty(struct settling *w)
{
    glob_t found;
    char *pattern = yq_printf("%s/spool/*/*.spool", w->s->directory);
    int rc = glob(pattern, 0, NULL, &found);
    size_t count = rc == 0 ? found.gl_pathc : 0;
    if (rc == 0)
        globfree(&found);
    free(pattern);
    (void)snprintf(w->why, sizeof(w->why), "%zu files of the spool are not in Redis", count);
    return count == 0;
}

static bool is_quiet(void *arg)
{
    struct settling *w = arg;
    int64_t pending = -1;
    int lost = stage_lost_daemon(w->s);
    if (lost >= 0)
        stage_fail(w->s, "daemon %d has ended by itself", lost);
    cJSON *json = stage_call(w->s, STAGE_WECOM, "/_sim/deliveries", NULL);
    (void)yq_json_int(json, "pending", &pending); /* stays -1: never quiet */
    cJSON_Delete(json);
    (void)snprintf(w->why, sizeof(w->why), "WeCom still has %" PRId64 " events to deliver",
                   pending);
    return pending == 0 && spool_is_empty(w) && connections_are_quiet(w);
}

void stage_settle(struct stage *s, bool allow_retries)
{
    struct settling w = {.s = s, .allow_retries = allow_retries};
    if (!yq_wait_until(is_quiet, &w, stage_patience(SETTLE_MS)))
        stage_fail(s, "nothing settles: %s", w.why);
}

/* ---- what eteams holds ---- */

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(row, name));
    return text != NULL ? text : "";
}

static const cJSON *find(const cJSON *rows, const char *field, const char *value)
{
    const cJSON *row;
    cJSON_ArrayForEach (row, rows) {
        if (strcmp(text_of(row, field), value) == 0)
            return row;
    }
    return NULL;
}

const cJSON *stage_person_by(const cJSON *state, const char *field, const char *value)
{
    return find(yq_json_get(state, "members"), field, value);
}

const cJSON *stage_department_by_name(const cJSON *state, const char *name)
{
    return find(yq_json_get(state, "departments"), "name", name);
}

/* Statuses 1 to 5 are those of people in service. */
static bool in_service(const cJSON *person)
{
    const char *status = text_of(person, "personnel_status");
    return status[0] >= '1' && status[0] <= '5' && status[1] == '\0';
}

const cJSON *stage_person(struct stage *s, const char *userid, cJSON **ret_state)
{
    const cJSON *person = NULL;
    char *key = yq_strdup(userid);
    for (char *c = key; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
    *ret_state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    char *text = stage_redis_text(s, "HGET %s:{acme}:link:member %s", s->prefix, key);
    cJSON *link = yq_json_parse(text, strlen(text), NULL);
    if (link != NULL)
        person = stage_person_by(*ret_state, "id", text_of(link, "eteams"));
    if (person != NULL && !in_service(person))
        person = NULL;
    cJSON_Delete(link);
    free(text);
    free(key);
    return person;
}

int stage_noop_rows(struct stage *s)
{
    int64_t rows = -1;
    cJSON *json = stage_call(s, STAGE_ETEAMS, "/_sim/writes", NULL);
    if (!yq_json_int(json, "noop_rows", &rows))
        stage_fail(s, "the simulator does not count no-op rows");
    cJSON_Delete(json);
    return (int)rows;
}
