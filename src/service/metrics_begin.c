/* Where counting begins: a series that is there with 0 before its first step lets Prometheus see
 * that step; one that begins with 1 has not grown. */
#include "clients/eteams_contract.h"
#include "clients/wecom_client.h"
#include "model/envelope.h"
#include "model/operation.h"
#include "service/metrics.h"
#include "service/settings.h"

#define LENGTH(list) (sizeof(list) / sizeof((list)[0]))

static const enum yq_metric of_connection[] = {
    YQ_METRIC_RECEIVED, YQ_METRIC_UNAVAILABLE, YQ_METRIC_UNKNOWN_EVENTS, YQ_METRIC_QUEUED,
    YQ_METRIC_SPOOLED,  YQ_METRIC_NOOP,        YQ_METRIC_SETTLED,        YQ_METRIC_RETRIED,
    YQ_METRIC_DEAD,     YQ_METRIC_HELD,
};
static const char *const outcomes[] = {"done", "held", "waiting", "failed", "cancelled"};
static const struct {
    const char *peer, *api;
} token_calls[] = {
    {"wecom", YQ_WECOM_TOKEN_API}, {"eteams", ET_P_AUTHORIZE}, {"eteams", ET_P_TOKEN}};
static const char *const results[] = {"ok", "error", "http", "no_answer"};

static void begin_connection(const char *id)
{
    for (size_t i = 0; i < LENGTH(of_connection); i++)
        yq_metric_add(of_connection[i], id, NULL, NULL, 0);
    for (size_t i = 0; i < LENGTH(outcomes); i++)
        yq_metric_add(YQ_METRIC_RUNS, id, outcomes[i], NULL, 0);
    for (int k = 0; k < YQ_OPERATION_KIND_COUNT; k++) {
        const char *kind = yq_operation_kind_name((enum yq_operation_kind)k);
        yq_metric_add(YQ_METRIC_APPLIED, id, kind, NULL, 0);
        yq_metric_add(YQ_METRIC_FAILED, id, kind, NULL, 0);
    }
}

static void begin_tokens(void)
{
    yq_metric_add(YQ_METRIC_TOKENS, "wecom", NULL, NULL, 0);
    yq_metric_add(YQ_METRIC_TOKENS, "eteams", NULL, NULL, 0);
    for (size_t i = 0; i < LENGTH(token_calls); i++) {
        for (size_t r = 0; r < LENGTH(results); r++)
            yq_metric_add(YQ_METRIC_CALLS, token_calls[i].peer, token_calls[i].api, results[r], 0);
    }
}

void yq_metrics_begin(const struct yq_settings *settings)
{
    for (size_t i = 0; i < settings->connection_count; i++)
        begin_connection(settings->connections[i].id);
    begin_tokens();
    for (int why = YQ_REFUSAL_NONE + 1; why < YQ_REFUSAL_COUNT; why++)
        yq_metric_add(YQ_METRIC_REFUSED, yq_refusal_name((enum yq_refusal)why), NULL, NULL, 0);
    yq_metric_add(YQ_METRIC_REFUSED, "guesses", NULL, NULL, 0);
    yq_metric_add(YQ_METRIC_SPOOL_DAMAGED, NULL, NULL, NULL, 0);
}
