/* One company at work: makes its two clients from its settings. */
#include "service/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "freshness.h"
#include "service/metrics.h"

static _Thread_local uint64_t calls; /* answered, of this thread */
static _Thread_local struct yq_connection_heard heard = {.last = -1};

/* Who gives a token may refuse all else. */
static bool fetches_token(const char *api)
{
    return strstr(api, "/gettoken") != NULL || strstr(api, "oauth2/") != NULL;
}

static void hear(const char *peer, const char *api, bool well)
{
    heard.last = strcmp(peer, "eteams") == 0;
    if (well && !fetches_token(api))
        heard.content[heard.last] = true;
}

static void count_call(void *context, const char *peer, const char *api, int status, int code,
                       int64_t took_us)
{
    (void)context;
    (void)took_us;
    const char *result = status == 0 ? "no_answer" : status != 200 ? "http" : code ? "error" : "ok";
    yq_metric_add(YQ_METRIC_CALLS, peer, api, result, 1);
    calls++;
    hear(peer, api, status == 200 && code == 0);
}

static void count_token(void *context, const char *peer)
{
    (void)context;
    yq_metric_add(YQ_METRIC_TOKENS, peer, NULL, NULL, 1);
}

uint64_t yq_connection_calls(void)
{
    return calls;
}

void yq_connection_calls_reset(void)
{
    calls = 0;
}

struct yq_connection_heard yq_connection_heard(void)
{
    return heard;
}

void yq_connection_heard_reset(void)
{
    heard = (struct yq_connection_heard){.last = -1};
}

static struct yq_http_options outgoing(const struct yq_outgoing *o, long total_ms)
{
    return (struct yq_http_options){.proxy = o->proxy,
                                    .ca_file = o->ca_file,
                                    .headers = (const char *const *)o->headers,
                                    .total_ms = total_ms};
}

struct yq_connection *yq_connection_new(const struct yq_settings *settings,
                                        const struct yq_connection_settings *connection,
                                        const struct yq_clock *clock)
{
    static const struct yq_peer_trace trace = {.answered = count_call,
                                               .token_refreshed = count_token};
    struct yq_connection *c = yq_calloc(1, sizeof(*c));
    c->settings = connection;
    c->whole = yq_settings_hold(settings);
    c->seen = yq_seen_fields_new();
    c->wecom = yq_wecom_new(&(struct yq_wecom_options){
        .api_base = settings->wecom_api_base,
        .corp_id = connection->wecom.corp_id,
        .agent_id = connection->wecom.agent_id,
        .app_secret = connection->wecom.app_secret,
        .contacts_secret = connection->wecom.contacts_secret,
        .http = outgoing(&connection->wecom.outgoing, 15000), /* wecom.md §6.4 */
        .budget = connection->wecom.outgoing.pace,
        .clock = clock,
        .trace = trace,
    });
    c->eteams = yq_eteams_new(&(struct yq_eteams_options){
        .connection = connection->id,
        .open_base = connection->eteams.open_base,
        .corp_id = connection->eteams.corp_id,
        .app_key = connection->eteams.app_key,
        .app_secret = connection->eteams.app_secret,
        .superiors = connection->policy.superiors,
        .job_nums = connection->policy.write_job_num == YQ_JOB_NUM_ALWAYS,
        .static_token = connection->eteams.static_token,
        .http = outgoing(&connection->eteams.outgoing, 30000), /* eteams.md §2.1 */
        .budget = connection->eteams.outgoing.pace,
        .clock = clock,
        .trace = trace,
    });
    return c;
}

struct yq_connection *yq_connection_hold(struct yq_connection *c)
{
    (void)atomic_fetch_add(&c->holders, 1);
    return c;
}

void yq_connection_free(struct yq_connection *c)
{
    if (c == NULL || atomic_fetch_sub(&c->holders, 1) > 0)
        return;
    yq_wecom_free(c->wecom);
    yq_eteams_free(c->eteams);
    yq_seen_fields_free(c->seen);
    yq_settings_free(c->whole);
    free(c);
}
