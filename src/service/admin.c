/* What an operator and a machine may ask this process. */
#include "service/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/queue.h"
#include "crypto/secret.h"
#include "current.h"
#include "guesses.h"
#include "inquiry.h"
#include "service/log.h"
#include "service/metrics.h"

struct yq_admin {
    struct yq_admin_options o;
    struct yq_current current;
    struct yq_keys keys;
    struct yq_inquiry *inquiry;
    struct yq_guesses guesses;
    struct yq_buf text; /* reused */
    struct yq_route routes[5];
};

static void handle_health(void *context, struct yq_exchange *x)
{
    (void)context; /* the loop runs, or nobody would be here */
    yq_exchange_answer_text(x, 200, "ok");
}

static void handle_ready(void *context, struct yq_exchange *x)
{
    struct yq_admin *a = context;
    struct yq_buf degraded = YQ_BUF_INIT;
    bool ready = a->o.ready(a->o.context, &degraded);
    yq_buf_clear(&a->text);
    yq_buf_addf(&a->text, "{\"ready\":%s,\"degraded\":[%s]}", ready ? "true" : "false",
                yq_buf_text(&degraded));
    yq_buf_release(&degraded);
    yq_exchange_answer(x, ready ? 200 : 503, "application/json", a->text.data, a->text.len);
}

static void handle_metrics(void *context, struct yq_exchange *x)
{
    struct yq_admin *a = context;
    yq_buf_clear(&a->text);
    yq_metrics_write(&a->text);
    yq_exchange_answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", a->text.data,
                       a->text.len);
}

/* ---- /api/ ---- */

static bool is_token(const char *token, const struct yq_exchange *x)
{
    static const char scheme[] = "Bearer ";
    struct yq_text given = yq_request_header(yq_exchange_request(x), "Authorization");
    size_t skip = sizeof(scheme) - 1;
    if (token == NULL || token[0] == '\0' || given.len <= skip ||
        strncasecmp(given.data, scheme, skip) != 0)
        return false;
    return yq_secret_equal(given.data + skip, given.len - skip, token, strlen(token));
}

static bool has_token(struct yq_admin *a, const struct yq_exchange *x)
{
    const struct yq_settings *s = yq_current_take(&a->current);
    bool has = is_token(s->admin_token, x);
    yq_settings_free(s);
    return has;
}

static void refuse(struct yq_exchange *x, int status)
{
    yq_metric_add(YQ_METRIC_REFUSED, status == 429 ? "guesses" : "unauthorized", NULL, NULL, 1);
    yq_exchange_header(x, status == 429 ? "Retry-After: 60\r\n" : "WWW-Authenticate: Bearer\r\n");
    yq_exchange_answer_text(x, status,
                            status == 429 ? "too many wrong guesses\n" : "unauthorized\n");
}

/* Whoever was wrong too often is not even compared: the right token would tell. */
static bool is_authorised(struct yq_admin *a, struct yq_exchange *x)
{
    struct sockaddr_storage from;
    int64_t now = yq_mono_ms(a->o.clock);
    yq_exchange_peer(x, &from);
    if (yq_guesses_spent(&a->guesses, &from, now)) {
        refuse(x, 429);
        return false;
    }
    if (has_token(a, x))
        return true;
    if (yq_request_header(yq_exchange_request(x), "Authorization").data != NULL &&
        yq_guesses_count(&a->guesses, &from, now))
        yq_log_calm(YQ_LOG_WARN, "admin.guesses", "/api/", "somebody guesses at admin.token");
    refuse(x, 401);
    return false;
}

static void write_figures(struct yq_buf *out, const struct yq_queue_stats *s)
{
    yq_buf_addf(out,
                "\"length\":%lld,\"waiting\":%lld,\"pending\":%lld,\"dead\":%lld,"
                "\"retrying\":%lld,\"oldest_ms\":%lld}",
                (long long)s->length, (long long)s->waiting, (long long)s->pending,
                (long long)s->dead, (long long)s->retrying, (long long)s->oldest_ms);
}

static int write_connections(const struct yq_admin *a, const struct yq_settings *settings,
                             struct yq_redis *r, struct yq_buf *out, struct yq_error *err)
{
    int64_t now = yq_wall_ms(a->o.clock);
    struct yq_queue_stats all = {0};
    yq_buf_adds(out, "{\"connections\":[");
    for (size_t i = 0; i < settings->connection_count; i++) {
        struct yq_queue_stats s;
        const char *id = settings->connections[i].id;
        if (yq_queue_stats(r, &a->keys, id, now, &s, err) != 0)
            return -1;
        yq_buf_addf(out, "%s{\"id\":\"%s\",", i > 0 ? "," : "", id);
        write_figures(out, &s);
        yq_queue_stats_add(&all, &s);
    }
    yq_buf_adds(out, "],\"all\":{");
    write_figures(out, &all);
    yq_buf_addc(out, '}');
    return 0;
}

/* On the thread of the questions. */
static int list_connections(void *context, struct yq_redis *r, struct yq_buf *out,
                            struct yq_error *err)
{
    struct yq_admin *a = context;
    const struct yq_settings *s = yq_current_take(&a->current);
    int result = write_connections(a, s, r, out, err);
    yq_settings_free(s);
    return result;
}

static const struct {
    const char *path; /* behind /api/ */
    yq_inquiry_work *work;
} questions[] = {
    {"connections", list_connections},
};

static void handle_api(void *context, struct yq_exchange *x)
{
    struct yq_admin *a = context;
    struct yq_text path = yq_exchange_rest(x);
    yq_exchange_header(x, "Cache-Control: no-store\r\n");
    if (!is_authorised(a, x))
        return;
    if (path.len == 5 && memcmp(path.data, "spool", 5) == 0) {
        yq_buf_clear(&a->text);
        a->o.spool(a->o.context, &a->text);
        yq_exchange_answer(x, 200, "application/json", a->text.data, a->text.len);
        return;
    }
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (path.len == strlen(questions[i].path) &&
            memcmp(path.data, questions[i].path, path.len) == 0) {
            yq_inquiry_ask(a->inquiry, questions[i].work, a, x);
            return;
        }
    }
    yq_exchange_answer_text(x, 404, "not found\n");
}

struct yq_admin *yq_admin_new(const struct yq_admin_options *options, struct yq_error *err)
{
    struct yq_inquiry *inquiry = yq_inquiry_new(options->base, options->settings, err);
    if (inquiry == NULL)
        return NULL;
    struct yq_admin *a = yq_calloc(1, sizeof(*a));
    a->o = *options;
    a->inquiry = inquiry;
    yq_current_init(&a->current, options->settings);
    (void)snprintf(a->keys.prefix, sizeof(a->keys.prefix), "%s", options->settings->redis_prefix);
    a->routes[0] = (struct yq_route){"/healthz", YQ_METHOD_GET, handle_health, a};
    a->routes[1] = (struct yq_route){"/readyz", YQ_METHOD_GET, handle_ready, a};
    a->routes[2] = (struct yq_route){"/metrics", YQ_METHOD_GET, handle_metrics, a};
    a->routes[3] = (struct yq_route){"/api/", YQ_METHOD_GET, handle_api, a};
    a->routes[4] = (struct yq_route){.path = ""};
    return a;
}

void yq_admin_reload(struct yq_admin *a, const struct yq_settings *settings)
{
    if (a != NULL)
        yq_current_set(&a->current, settings);
}

void yq_admin_free(struct yq_admin *a)
{
    if (a == NULL)
        return;
    yq_inquiry_free(a->inquiry);
    yq_current_release(&a->current);
    yq_buf_release(&a->text);
    free(a);
}

const struct yq_route *yq_admin_routes(const struct yq_admin *a)
{
    return a->routes;
}
