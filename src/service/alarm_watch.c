/* Which alarms are open: made from what a connection remembers, so that none is lost by whoever
 * raised its cause and died. Those of the visible range are the reconcile's own
 * (reconcile_range.c); here they are only noticed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alarm_inner.h"
#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"
#include "plan/held.h"
#include "service/log.h"
#include "service/reconcile_due.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define CASES_APART_MS (30 * MINUTE_MS) /* further cases are collected for so long */
#define DEAD_APART_MS HOUR_MS
#define HELD_GROWS_MS 15000 /* a reconcile holds part by part: the last one counts */

struct watch {
    struct yq_alarms *a;
    const struct yq_connection_settings *c;
    const struct yq_alarm_facts *f;
    struct yq_arena *arena;
    int64_t now;
    int changes;
};

/* ---- opening and closing ---- */

static int change(struct watch *w, const struct yq_alarm_change *c, struct yq_error *err)
{
    int done = yq_store_change_alarm(w->a->redis, &w->a->keys, w->c->id, c, err);
    w->changes += done > 0;
    return done < 0 ? -1 : done;
}

static const char *json_of(struct watch *w, const struct yq_alarm *alarm)
{
    struct yq_buf json = YQ_BUF_INIT;
    yq_alarm_write(alarm, &json);
    const char *text = yq_arena_strdup(w->arena, yq_buf_text(&json));
    yq_buf_release(&json);
    return text;
}

static const char *open_json(const struct watch *w, const char *key)
{
    return yq_pairs_get(&w->f->alarms, key);
}

static int raise_alarm(struct watch *w, const struct yq_alarm *alarm, struct yq_error *err)
{
    return change(w,
                  &(struct yq_alarm_change){.hash = "alarms",
                                            .field = alarm->key,
                                            .from = open_json(w, alarm->key),
                                            .to = json_of(w, alarm)},
                  err);
}

static int clear_alarm(struct watch *w, const char *key, struct yq_error *err)
{
    const char *json = open_json(w, key);
    if (json == NULL)
        return 0;
    return change(w, &(struct yq_alarm_change){.hash = "alarms", .field = key, .from = json}, err);
}

/* Open while the cause lasts; told once. */
static int keep(struct watch *w, bool lasts, struct yq_alarm *alarm, struct yq_error *err)
{
    alarm->key = yq_alarm_name(alarm->kind);
    alarm->at = w->now;
    if (!lasts)
        return clear_alarm(w, alarm->key, err);
    return open_json(w, alarm->key) != NULL ? 0 : raise_alarm(w, alarm, err);
}

static const char *number(struct watch *w, int64_t n)
{
    return yq_arena_printf(w->arena, "%" PRId64, n);
}

/* The one of that kind that is open. */
static bool find_open(struct watch *w, enum yq_alarm_kind kind, struct yq_alarm *ret)
{
    const char *json = open_json(w, yq_alarm_name(kind));
    return json != NULL && yq_alarm_read(w->arena, yq_alarm_name(kind), json, ret) == 0;
}

/* ---- held plans: one alarm each ---- */

static int raise_held(struct watch *w, const char *hash, struct yq_error *err)
{
    char *json = NULL;
    int rc = yq_store_read_plan(w->a->redis, &w->a->keys, w->c->id, hash, &json, err);
    struct yq_held_plan *h = json != NULL ? yq_held_read(json, strlen(json), NULL) : NULL;
    bool grows = h != NULL && w->f->reconcile.going && w->now - h->at < HELD_GROWS_MS;
    if (h != NULL && h->replaced_by == NULL && w->now - h->at <= YQ_HELD_MS && !grows) {
        struct yq_alarm alarm = {.kind = YQ_ALARM_HELD,
                                 .key = yq_arena_printf(w->arena, "held:%.40s", hash),
                                 .args = {number(w, (int64_t)h->people), hash},
                                 .at = w->now,
                                 .run = h->run};
        rc = raise_alarm(w, &alarm, err);
    }
    yq_held_free(h);
    free(json);
    return rc;
}

static int watch_held(struct watch *w, struct yq_error *err)
{
    for (size_t i = 0; i < w->f->held.count; i++) {
        char key[YQ_ALARM_KEY_MAX];
        const char *hash = w->f->held.items[i].name;
        (void)snprintf(key, sizeof(key), "held:%.40s", hash);
        if (open_json(w, key) == NULL && raise_held(w, hash, err) < 0)
            return -1;
    }
    for (size_t i = 0; i < w->f->alarms.count; i++) {
        const struct yq_pair *open = &w->f->alarms.items[i];
        struct yq_alarm alarm;
        if (strncmp(open->name, "held:", 5) != 0 ||
            yq_alarm_read(w->arena, open->name, open->value, &alarm) < 0)
            continue;
        bool over = yq_pairs_get(&w->f->held, open->name + 5) == NULL ||
                    w->now - alarm.at > YQ_HELD_MS; /* its plan has expired */
        if (over && clear_alarm(w, open->name, err) < 0)
            return -1;
    }
    return 0;
}

/* ---- cases ---- */

static int watch_cases(struct watch *w, struct yq_error *err)
{
    struct yq_alarm open = {0};
    int64_t fresh = 0;
    bool is_open = find_open(w, YQ_ALARM_CASES, &open);
    if (w->f->cases == 0 && !is_open)
        return 0;
    if (yq_store_count_new_cases(w->a->redis, &w->a->keys, w->c->id, &fresh, err) < 0)
        return -1;
    if (w->f->cases == 0)
        return clear_alarm(w, "cases", err);
    if (fresh == 0 || (is_open && w->now - open.at < CASES_APART_MS))
        return 0;
    struct yq_alarm alarm = {.kind = YQ_ALARM_CASES,
                             .key = "cases",
                             .args = {number(w, w->f->cases), number(w, fresh)},
                             .at = w->now};
    int done = yq_store_raise_cases(w->a->redis, &w->a->keys, w->c->id, open_json(w, "cases"),
                                    json_of(w, &alarm), err);
    w->changes += done > 0;
    return done < 0 ? -1 : 0;
}

/* ---- dead letters ---- */

static int watch_dead(struct watch *w, struct yq_error *err)
{
    struct yq_alarm open = {0};
    if (w->f->dead == 0)
        return clear_alarm(w, "dead", err);
    if (find_open(w, YQ_ALARM_DEAD, &open) &&
        (w->now - open.at < DEAD_APART_MS ||
         (open.mark != NULL && yq_entry_compare(open.mark, w->f->last_dead) >= 0)))
        return 0;
    return raise_alarm(w,
                       &(struct yq_alarm){.kind = YQ_ALARM_DEAD,
                                          .key = "dead",
                                          .args = {number(w, w->f->dead)},
                                          .at = w->now,
                                          .mark = w->f->last_dead},
                       err);
}

/* ---- authorisation ---- */

static int watch_auth(struct watch *w, const char *peer, enum yq_alarm_kind kind,
                      struct yq_error *err)
{
    const char *json = yq_pairs_get(&w->f->auth, peer), *text = NULL;
    cJSON *tree = json != NULL ? yq_json_parse(json, strlen(json), NULL) : NULL;
    const cJSON *error = yq_json_get(tree, "error");
    char said[256];
    yq_error_hide_words(cJSON_IsString(error) ? error->valuestring : "?", said, sizeof(said));
    text = yq_arena_strdup(w->arena, said);
    cJSON_Delete(tree);
    return keep(w, json != NULL, &(struct yq_alarm){.kind = kind, .args = {text}}, err);
}

/* ---- reconciles ---- */

static const char *show_time(struct watch *w, int64_t ms)
{
    char out[40];
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    if (ms == 0 || localtime_r(&seconds, &parts) == NULL ||
        strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S", &parts) == 0)
        return "-";
    return yq_arena_strdup(w->arena, out);
}

static int watch_reconcile(struct watch *w, struct yq_error *err)
{
    const struct yq_reconcile_plan plan = {.now_ms = w->now,
                                           .started_ms = w->a->started_ms,
                                           .going_ms = w->f->going_ms,
                                           .at_night = w->c->reconcile_full_at != NULL &&
                                                       w->c->reconcile_full_at[0] != '\0',
                                           .departments_every_ms = w->c->reconcile_departments_ms,
                                           .members_every_ms = w->c->reconcile_members_ms};
    int64_t last = 0;
    enum yq_reconcile_kind kind = yq_reconcile_overdue(&plan, &w->f->reconcile, &last);
    if (kind == YQ_RECONCILE_NONE && w->f->reconcile.going)
        return 0; /* how it ends will show */
    struct yq_alarm alarm = {.kind = YQ_ALARM_RECONCILE_OVERDUE,
                             .args = {yq_reconcile_kind_name(kind), show_time(w, last)}};
    return keep(w, kind != YQ_RECONCILE_NONE, &alarm, err);
}

/* ---- noticed once: the log ---- */

/* Fields of `alarmed` whose alarm is over are forgotten; the one named as the alarm itself stands
 * for having told of it. */
static int forget(struct watch *w, const struct yq_pair *field, struct yq_error *err)
{
    char key[YQ_ALARM_KEY_MAX];
    (void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(field->name, " "), field->name);
    if (open_json(w, key) != NULL)
        return 0;
    int done = change(
        w, &(struct yq_alarm_change){.hash = "alarmed", .field = field->name, .from = field->value},
        err);
    if (done > 0 && strcmp(key, field->name) == 0)
        yq_log(YQ_LOG_INFO, "alarm.cleared", "connection", w->c->id, "alarm", key, NULL);
    return done;
}

static int notice(struct watch *w, const struct yq_pair *open, struct yq_error *err)
{
    struct yq_alarm alarm;
    char at[24];
    const char *noticed = yq_pairs_get(&w->f->alarmed, open->name);
    if (yq_alarm_read(w->arena, open->name, open->value, &alarm) < 0)
        return 0;
    (void)snprintf(at, sizeof(at), "%" PRId64, alarm.at);
    if (noticed != NULL && strcmp(noticed, at) == 0)
        return 0;
    int done = change(w,
                      &(struct yq_alarm_change){
                          .hash = "alarmed", .field = open->name, .from = noticed, .to = at},
                      err);
    if (done > 0)
        yq_log(YQ_LOG_WARN, "alarm.raised", "connection", w->c->id, "alarm", open->name, "run",
               alarm.run, NULL);
    return done;
}

static int watch_noticed(struct watch *w, struct yq_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < w->f->alarmed.count && rc >= 0; i++)
        rc = forget(w, &w->f->alarmed.items[i], err);
    for (size_t i = 0; i < w->f->alarms.count && rc >= 0; i++)
        rc = notice(w, &w->f->alarms.items[i], err);
    return rc < 0 ? -1 : 0;
}

int yq_alarm_watch(struct yq_alarms *a, const struct yq_connection_settings *c,
                   const struct yq_alarm_facts *f, struct yq_error *err)
{
    struct watch w = {.a = a, .c = c, .f = f, .arena = yq_arena_new(), .now = yq_wall_ms(a->clock)};
    int rc = watch_noticed(&w, err);
    if (rc == 0 &&
        (watch_held(&w, err) < 0 || watch_cases(&w, err) < 0 || watch_dead(&w, err) < 0 ||
         watch_auth(&w, "wecom", YQ_ALARM_WECOM_REFUSES, err) < 0 ||
         watch_auth(&w, "eteams", YQ_ALARM_ETEAMS_REFUSES, err) < 0 ||
         watch_reconcile(&w, err) < 0))
        rc = -1;
    yq_arena_free(w.arena);
    return rc < 0 ? -1 : w.changes > 0;
}
