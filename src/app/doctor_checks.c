/* doctor: Redis, the clocks, and whether both peers work with us. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/probe.h"
#include "doctor.h"
#include "service/connection.h"

#define REDIS_LEAST 602  /* major * 100 + minor: trimming a stream by id */
#define REDIS_APART_S 10 /* so far our clock may be from Redis' */
#define PEER_APART_S 60  /* and from a peer's */

/* ---- Redis ---- */

static void redis_fault(struct yq_doctor *d, char *text, const char *advice)
{
    yq_doctor_find(d, &(struct yq_finding){.level = YQ_FINDING_FAULT,
                                           .part = "redis",
                                           .text = text,
                                           .advice = yq_strdup(advice)});
}

/* The value behind "NAME:" in an answer of INFO; "?" where there is none. */
static char *info_value(const redisReply *info, const char *name)
{
    const char *at = info != NULL && info->str != NULL ? strstr(info->str, name) : NULL;
    if (at == NULL)
        return yq_strdup("?");
    at += strlen(name);
    return yq_strndup(at, strcspn(at, "\r\n"));
}

static void check_version(struct yq_doctor *d)
{
    struct yq_error err = {0};
    redisReply *info = yq_redis_command(d->cli->redis, &err, "INFO server");
    if (info == NULL) {
        redis_fault(d, yq_printf(_("Redis does not answer: %s"), err.text),
                    _("start Redis, or correct redis.url; callbacks are answered 503 until then"));
        return;
    }
    d->redis_answers = true;
    char *version = info_value(info, "redis_version:"), *rest = NULL;
    long major = strtol(version, &rest, 10);
    long minor = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
    if (major * 100 + minor < REDIS_LEAST)
        redis_fault(d, yq_printf(_("Redis %s is too old"), version), _("use Redis 6.2 or newer"));
    else
        yq_doctor_find(d, &(struct yq_finding){.part = "redis",
                                               .text = yq_printf(_("Redis %s answers"), version)});
    free(version);
    freeReplyObject(info);
}

static void check_settings(struct yq_doctor *d)
{
    struct yq_buf faults = YQ_BUF_INIT;
    struct yq_error err = {0};
    if (yq_redis_check_settings(d->cli->redis, &faults, &err) < 0)
        redis_fault(d, yq_strdup(err.text), _("look at Redis' log"));
    else if (faults.len > 0)
        redis_fault(d, yq_strdup(yq_buf_text(&faults)),
                    _("correct it in redis.conf: what WeCom was told is stored can be lost"));
    else
        yq_doctor_find(d, &(struct yq_finding){.part = "redis",
                                               .text = yq_strdup(_("Redis' settings keep what it "
                                                                   "acknowledges"))});
    yq_buf_release(&faults);
}

/* ---- clocks ---- */

static void judge_clock(struct yq_doctor *d, const char *connection, const char *whose,
                        int64_t apart_s, int64_t most_s)
{
    bool far = apart_s > most_s || apart_s < -most_s;
    struct yq_finding f = {
        .level = far ? YQ_FINDING_FAULT : YQ_FINDING_OK,
        .part = "clock",
        .connection = connection,
        .text = yq_printf(_("our clock and that of %s: %+lld s apart"), whose, (long long)apart_s)};
    if (far)
        f.advice = yq_strdup(_("set the clocks by NTP: schedules and times in the log depend on "
                               "them"));
    yq_doctor_find(d, &f);
}

static void check_redis_clock(struct yq_doctor *d)
{
    redisReply *now = yq_redis_command(d->cli->redis, NULL, "TIME");
    if (now != NULL && now->type == REDIS_REPLY_ARRAY && now->elements == 2) {
        int64_t theirs = strtoll(now->element[0]->str, NULL, 10);
        judge_clock(d, NULL, "Redis", yq_wall_ms(d->cli->clock) / 1000 - theirs, REDIS_APART_S);
    }
    if (now != NULL)
        freeReplyObject(now);
}

void yq_doctor_check_redis(struct yq_doctor *d)
{
    check_version(d);
    if (!d->redis_answers)
        return;
    check_settings(d);
    check_redis_clock(d);
}

/* ---- peers ---- */

/* What a person can do depends on what kind of failure it is. */
static const char *advice_for(const struct yq_error *err)
{
    switch (err->kind) {
    case YQ_ERROR_FATAL:
        return _("put it right in the configuration or in the peer's console, then restart");
    case YQ_ERROR_LIMIT:
        return _("wait; lower `pace` if it stays");
    default:
        return _("look at network, proxy and ca_file; ask again in a while");
    }
}

static void judge_probe(struct yq_doctor *d, const char *id, const char *peer,
                        const struct yq_probe *p)
{
    struct yq_finding f = {.part = peer, .connection = id};
    if (p->error.kind == YQ_ERROR_NONE) {
        f.text =
            yq_printf(_("%s works: answered in %lld ms"), p->setting, (long long)p->took_us / 1000);
    } else {
        bool named = strncmp(p->error.text, p->setting, strlen(p->setting)) == 0;
        f.level = YQ_FINDING_FAULT;
        f.text = named ? yq_strdup(p->error.text) : yq_printf("%s: %s", p->setting, p->error.text);
        f.advice = yq_strdup(advice_for(&p->error));
    }
    yq_doctor_find(d, &f);
}

static void check_clock_of(struct yq_doctor *d, const char *id, const char *whose, const char *base,
                           const struct yq_outgoing *o)
{
    const struct yq_http_options options = {.proxy = o->proxy,
                                            .ca_file = o->ca_file,
                                            .headers = (const char *const *)o->headers,
                                            .max_body = 1024 * 1024};
    int64_t theirs = yq_peer_date(d->http, base, &options, NULL);
    if (theirs > 0) /* who does not answer is told of already */
        judge_clock(d, id, whose, yq_wall_ms(d->cli->clock) / 1000 - theirs, PEER_APART_S);
}

void yq_doctor_check_peers(struct yq_doctor *d, const struct yq_connection_settings *c)
{
    const struct yq_settings *s = d->cli->settings;
    struct yq_connection *connection = yq_connection_new(s, c, d->cli->clock);
    struct yq_probe probes[YQ_WECOM_PROBES];
    size_t count = yq_wecom_probe(connection->wecom, d->http, probes);
    for (size_t i = 0; i < count; i++)
        judge_probe(d, c->id, "wecom", &probes[i]);
    check_clock_of(d, c->id, _("WeCom"), s->wecom_api_base, &c->wecom.outgoing);
    yq_eteams_probe(connection->eteams, d->http, &probes[0]);
    judge_probe(d, c->id, "eteams", &probes[0]);
    check_clock_of(d, c->id, "eteams", c->eteams.open_base, &c->eteams.outgoing);
    yq_connection_free(connection);
}
