/* One callback: whose is it, is it authentic, what does it say; then into the queue. */
#include "service/callback.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "model/envelope.h"
#include "model/event.h"
#include "service/log.h"
#include "service/metrics.h"

struct company {
    const struct yq_connection_settings *settings;
    UT_hash_handle hh; /* by id */
};

struct yq_callback {
    const struct yq_settings *settings; /* held */
    struct company *companies;          /* the array that the hash is made of */
    struct company *by_id;
    struct yq_intake *intake;
    const struct yq_clock *clock;
    struct yq_envelope_opener *opener;
    struct yq_event_reader *reader;
    struct yq_event event; /* reused: the intake copies */
    struct yq_buf scratch; /* of the query */
};

/* Why it was not authentic is for the metrics alone. */
static void refuse(struct yq_exchange *x, enum yq_refusal why)
{
    yq_metric_add(YQ_METRIC_REFUSED, yq_refusal_name(why), NULL, NULL, 1);
    yq_exchange_answer_text(x, 403, "forbidden\n");
}

static const struct company *find_company(const struct yq_callback *c, struct yq_text id)
{
    struct company *found = NULL;
    HASH_FIND(hh, c->by_id, id.data, id.len, found);
    return found;
}

/* timestamp is a text of WeCom's; a window is only kept where one is configured. */
static bool is_stale(const struct yq_callback *c, const struct yq_connection_settings *s,
                     struct yq_text timestamp)
{
    if (s->callback_max_age_ms == 0)
        return false;
    int64_t seconds = 0;
    for (size_t i = 0; i < timestamp.len; i++) {
        if (timestamp.data[i] < '0' || timestamp.data[i] > '9' || i == 15)
            return true;
        seconds = seconds * 10 + (timestamp.data[i] - '0');
    }
    int64_t age = yq_wall_ms(c->clock) - seconds * 1000;
    return age > s->callback_max_age_ms || age < -s->callback_max_age_ms;
}

static void on_stored(void *context, const char *id, bool stored)
{
    struct yq_exchange *x = context;
    if (!stored) {
        yq_exchange_answer_text(x, 503, "unavailable\n");
        return;
    }
    yq_metric_add(YQ_METRIC_RECEIVED, id, NULL, NULL, 1);
    yq_metric_observe(YQ_METRIC_ACK_SECONDS, yq_exchange_seconds(x));
    yq_exchange_answer(x, 200, "text/plain", "success", 7);
}

static void take_event(struct yq_callback *c, const struct yq_connection_settings *s,
                       struct yq_text text, struct yq_exchange *x)
{
    const char *why;
    yq_event_read(c->reader, text.data, text.len, &c->event, &why);
    if (why != NULL) {
        yq_metric_add(YQ_METRIC_UNKNOWN_EVENTS, s->id, NULL, NULL, 1);
        yq_log_calm(YQ_LOG_WARN, "event.unknown", s->id, why);
    }
    yq_intake_push(c->intake, s, &c->event, on_stored, x);
}

static void take_query(struct yq_callback *c, struct yq_text query, struct yq_envelope_query *ret)
{
    yq_buf_clear(&c->scratch);
    yq_buf_reserve(&c->scratch, query.len + 4);
    yq_envelope_query_parse(query.len > 0 ? query.data : "", query.len, c->scratch.data, ret);
}

void yq_callback_handle(void *context, struct yq_exchange *x)
{
    struct yq_callback *c = context;
    const struct yq_request *r = yq_exchange_request(x);
    const struct company *company = find_company(c, yq_exchange_rest(x));
    if (company == NULL) {
        yq_metric_add(YQ_METRIC_REFUSED, "path", NULL, NULL, 1);
        yq_exchange_answer_text(x, 404, "not found\n");
        return;
    }
    const struct yq_connection_settings *s = company->settings;
    struct yq_envelope_query query;
    take_query(c, r->query, &query);
    struct yq_text text;
    enum yq_refusal refusal =
        r->method == YQ_METHOD_GET
            ? yq_envelope_open_echo(c->opener, &s->callback, &query, &text)
            : yq_envelope_open_body(c->opener, &s->callback, &query,
                                    r->body.len > 0 ? r->body.data : "", r->body.len, &text);
    if (refusal == YQ_REFUSAL_NONE && is_stale(c, s, query.timestamp))
        refusal = YQ_REFUSAL_STALE;
    if (refusal != YQ_REFUSAL_NONE)
        refuse(x, refusal);
    else if (r->method == YQ_METHOD_GET)
        yq_exchange_answer(x, 200, "text/plain", text.data, text.len);
    else
        take_event(c, s, text, x);
}

static void know_companies(struct yq_callback *c, const struct yq_settings *settings)
{
    c->settings = yq_settings_hold(settings);
    c->companies = yq_calloc(settings->connection_count + 1, sizeof(*c->companies));
    for (size_t i = 0; i < settings->connection_count; i++) {
        struct company *company = &c->companies[i];
        company->settings = &settings->connections[i];
        HASH_ADD_KEYPTR(hh, c->by_id, company->settings->id, strlen(company->settings->id),
                        company);
    }
}

static void forget_companies(struct yq_callback *c)
{
    HASH_CLEAR(hh, c->by_id);
    free(c->companies);
    yq_settings_free(c->settings);
}

struct yq_callback *yq_callback_new(const struct yq_settings *settings, struct yq_intake *intake,
                                    const struct yq_clock *clock)
{
    struct yq_callback *c = yq_calloc(1, sizeof(*c));
    c->intake = intake;
    c->clock = clock;
    c->opener = yq_envelope_opener_new();
    c->reader = yq_event_reader_new();
    yq_event_init(&c->event);
    know_companies(c, settings);
    return c;
}

void yq_callback_reload(struct yq_callback *c, const struct yq_settings *settings)
{
    if (c == NULL)
        return;
    forget_companies(c);
    know_companies(c, settings);
}

void yq_callback_free(struct yq_callback *c)
{
    if (c == NULL)
        return;
    forget_companies(c);
    yq_envelope_opener_free(c->opener);
    yq_event_reader_free(c->reader);
    yq_event_release(&c->event);
    yq_buf_release(&c->scratch);
    free(c);
}
