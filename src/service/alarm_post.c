/* Posting alarms: claimed in Redis before, written down after, tried again until the receiver takes
 * them. */
#include <inttypes.h>
#include <libintl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alarm_inner.h"
#include "base/backoff.h"
#include "base/json.h"
#include "base/memory.h"
#include "crypto/digest.h"
#include "service/log.h"

#define CLAIM_MS 60000      /* longer than a post may take, with its answer */
#define AT_ONCE 2           /* posts to one receiver */
#define ROBOT_APART_MS 3100 /* 20 messages a minute are allowed (decided by WeCom) */
#define ROBOT_LIMIT 45009   /* wecom.md §6.3: too often */
#define LIMIT_WAIT_MS 60000

static const struct yq_backoff backoff = {2000, 15 * 60 * 1000};

/* ---- the receivers ---- */

static void name_receiver(struct yq_alarm_receiver *r)
{
    char hex[YQ_SHA256_HEX] = "";
    struct yq_digest *digest = yq_digest_new();
    if (digest == NULL || yq_digest_sha256_hex(digest, r->url, strlen(r->url), hex) != 0)
        abort(); /* no memory */
    memcpy(r->name, hex, sizeof(r->name) - 1);
    yq_digest_free(digest);
}

static size_t count_of(char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    return count;
}

static void add_receivers(struct yq_alarms *a, char *const *urls, bool robot)
{
    for (size_t i = 0; i < count_of(urls); i++) {
        struct yq_alarm_receiver *r = &a->receivers[a->receiver_count++];
        *r = (struct yq_alarm_receiver){.url = urls[i], .robot = robot};
        r->shown = robot ? "alarms.robots" : "alarms.webhooks";
        name_receiver(r);
    }
}

void yq_alarm_make_receivers(struct yq_alarms *a)
{
    size_t count = count_of(a->settings->alarms.webhooks) + count_of(a->settings->alarms.robots);
    a->receivers = yq_calloc(count + 1, sizeof(*a->receivers));
    add_receivers(a, a->settings->alarms.webhooks, false);
    add_receivers(a, a->settings->alarms.robots, true);
}

/* ---- what was done about it so far ---- */

struct state {
    bool done;
    unsigned attempts;
    int64_t next_ms;
};

/* What stands there about another time of the alarm counts for nothing. */
static struct state state_of(const struct yq_alarm *alarm, const char *json)
{
    struct state s = {0};
    int64_t at = 0, attempts = 0, done = 0;
    cJSON *tree = json != NULL ? yq_json_parse(json, strlen(json), NULL) : NULL;
    if (yq_json_int(tree, "at", &at) && at == alarm->at) {
        s.done = yq_json_int(tree, "done", &done);
        if (yq_json_int(tree, "attempts", &attempts) && attempts > 0 && attempts < 1000000)
            s.attempts = (unsigned)attempts;
        (void)yq_json_int(tree, "next", &s.next_ms); /* stays 0: now */
    }
    cJSON_Delete(tree);
    return s;
}

static void write_state(const struct yq_alarm_post *p, int64_t next_ms,
                        char out[YQ_ALARM_CLAIM_MAX])
{
    (void)snprintf(out, YQ_ALARM_CLAIM_MAX,
                   "{\"at\":%" PRId64 ",\"attempts\":%u,\"next\":%" PRId64 "}", p->at, p->attempts,
                   next_ms);
}

/* ---- posting ---- */

static const char *translate(const char *text)
{
    return gettext(text);
}

/* "2026-01-01T08:00:00+0800" in the zone of the process. */
static void show_time(int64_t ms, char out[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (localtime_r(&seconds, &parts) == NULL ||
        strftime(out, 40, "%Y-%m-%dT%H:%M:%S%z", &parts) == 0)
        out[0] = '\0';
}

/* A robot says with HTTP 200 that it did not take it. */
static void judge(struct yq_alarm_post *p, const struct yq_http_response *response)
{
    int64_t code = -1;
    if (response->status == 0) {
        p->error = response->error;
    } else if (response->status < 200 || response->status > 299) {
        (void)yq_error_set(&p->error, YQ_ERROR_RETRY, "HTTP %d", response->status);
    } else if (p->receiver->robot) {
        cJSON *reply = yq_json_parse(yq_buf_text(&response->body), response->body.len, NULL);
        if (!yq_json_int(reply, "errcode", &code))
            (void)yq_error_set(&p->error, YQ_ERROR_RETRY, "an answer without errcode");
        else if (code != 0)
            (void)yq_error_set(&p->error, YQ_ERROR_RETRY, "errcode %lld", (long long)code);
        if (code == ROBOT_LIMIT)
            p->error.wait_ms = LIMIT_WAIT_MS;
        cJSON_Delete(reply);
    }
}

static void ended(void *context, struct yq_http_response *response)
{
    struct yq_alarm_post *p = context;
    p->receiver->running--;
    p->ended = true;
    judge(p, response);
}

static void send(struct yq_alarms *a, const struct yq_alarm *alarm, struct yq_alarm_post *p)
{
    char when[40];
    struct yq_buf body = YQ_BUF_INIT;
    show_time(alarm->at, when);
    const struct yq_alarm_telling telling = {
        .connection = p->connection, .when = when, .translate = translate};
    (p->receiver->robot ? yq_alarm_write_robot : yq_alarm_write_webhook)(alarm, &telling, &body);
    const struct yq_http_request request = {.url = p->receiver->url,
                                            .body = yq_buf_text(&body),
                                            .body_len = body.len,
                                            .content_type = "application/json; charset=utf-8",
                                            .once = true,
                                            .options = &a->options};
    p->receiver->running++;
    if (yq_http_start(a->http, &request, ended, p, &p->error) < 0) {
        p->receiver->running--;
        p->ended = true;
    }
    yq_buf_release(&body);
}

static int claim(struct yq_alarms *a, const struct yq_alarm_post *p, const char *before,
                 struct yq_error *err)
{
    if (p->receiver->robot) {
        int may = yq_store_pace_robot(a->redis, &a->keys, p->receiver->name, ROBOT_APART_MS, err);
        if (may <= 0)
            return may;
    }
    return yq_store_change_alarm(
        a->redis, &a->keys, p->connection,
        &(struct yq_alarm_change){
            .hash = "alarmed", .field = p->field, .from = before, .to = p->claim},
        err);
}

static int post(struct yq_alarms *a, const char *id, const struct yq_alarm *alarm,
                struct yq_alarm_receiver *receiver, const struct yq_pairs *alarmed,
                struct yq_error *err)
{
    char field[YQ_ALARM_FIELD_MAX];
    (void)snprintf(field, sizeof(field), "%.*s %s", YQ_ALARM_KEY_MAX - 1, alarm->key,
                   receiver->name);
    const char *before = yq_pairs_get(alarmed, field);
    struct state s = state_of(alarm, before);
    int64_t now = yq_wall_ms(a->clock);
    if (s.done || s.next_ms > now || receiver->running >= AT_ONCE)
        return 0;
    struct yq_alarm_post *p = yq_calloc(1, sizeof(*p));
    *p = (struct yq_alarm_post){.owner = a,
                                .receiver = receiver,
                                .connection = id,
                                .at = alarm->at,
                                .attempts = s.attempts + 1};
    (void)snprintf(p->key, sizeof(p->key), "%s", alarm->key);
    memcpy(p->field, field, sizeof(field));
    write_state(p, now + CLAIM_MS, p->claim);
    int claimed = claim(a, p, before, err);
    if (claimed <= 0) {
        free(p);
        return claimed;
    }
    p->next = a->posts;
    a->posts = p;
    send(a, alarm, p);
    return 0;
}

int yq_alarm_post_due(struct yq_alarms *a, const char *id, const struct yq_alarm_facts *f,
                      struct yq_error *err)
{
    struct yq_arena *arena = yq_arena_new();
    int rc = 0;
    for (size_t i = 0; i < f->alarms.count && rc == 0; i++) {
        struct yq_alarm alarm;
        const struct yq_pair *open = &f->alarms.items[i];
        if (yq_alarm_read(arena, open->name, open->value, &alarm) < 0)
            continue;
        for (size_t n = 0; n < a->receiver_count && rc >= 0; n++)
            rc = post(a, id, &alarm, &a->receivers[n], &f->alarmed, err);
    }
    yq_arena_free(arena);
    return rc < 0 ? -1 : 0;
}

/* ---- how it ended ---- */

static void tell_end(const struct yq_alarm_post *p)
{
    if (p->error.kind == YQ_ERROR_NONE)
        yq_log(YQ_LOG_INFO, "alarm.sent", "connection", p->connection, "alarm", p->key, "to",
               p->receiver->shown, "receiver", p->receiver->name, "attempts",
               yq_log_int(p->attempts), NULL);
    else
        yq_log(YQ_LOG_WARN, "alarm.not_sent", "connection", p->connection, "alarm", p->key, "to",
               p->receiver->shown, "receiver", p->receiver->name, "attempts",
               yq_log_int(p->attempts), "error", p->error.text, NULL);
}

static int write_end(struct yq_alarms *a, const struct yq_alarm_post *p, struct yq_error *err)
{
    char state[YQ_ALARM_CLAIM_MAX];
    int64_t now = yq_wall_ms(a->clock), wait = 0;
    if (p->error.kind == YQ_ERROR_NONE) {
        (void)snprintf(state, sizeof(state), "{\"at\":%" PRId64 ",\"done\":%" PRId64 "}", p->at,
                       now);
    } else {
        wait = yq_backoff_ms(&backoff, p->attempts, (uint64_t)p->at);
        write_state(p, now + (wait < p->error.wait_ms ? p->error.wait_ms : wait), state);
    }
    return yq_store_change_alarm(
        a->redis, &a->keys, p->connection,
        &(struct yq_alarm_change){
            .hash = "alarmed", .field = p->field, .from = p->claim, .to = state},
        err);
}

int yq_alarm_move_posts(struct yq_alarms *a, struct yq_error *err)
{
    size_t running;
    do {
        running = yq_http_running(a->http);
        if (yq_http_poll(a->http, 0, err) < 0)
            return -1;
    } while (yq_http_running(a->http) < running);
    for (struct yq_alarm_post **at = &a->posts; *at != NULL;) {
        struct yq_alarm_post *p = *at;
        if (!p->ended) {
            at = &p->next;
            continue;
        }
        if (write_end(a, p, err) < 0)
            return -1;
        tell_end(p);
        *at = p->next;
        free(p);
    }
    return 0;
}

void yq_alarm_drop_posts(struct yq_alarms *a)
{
    yq_http_abort(a->http);
    while (a->posts != NULL) {
        struct yq_alarm_post *p = a->posts;
        a->posts = p->next;
        free(p);
    }
}
