/* WAIT, behind what was written. */
#include "replicas.h"

#include <stdio.h>
#include <string.h>

#include "redis_words.h"
#include "service/log.h"
#include "service/metrics.h"

void yq_replicas_init(struct yq_replicas *r)
{
    r->last = &r->first;
    yq_metric_set(YQ_METRIC_REDIS_LAGS, NULL, 0);
}

void yq_replicas_expect(struct yq_replicas *r)
{
    r->due = true;
}

void yq_replicas_add(struct yq_replicas *r, struct yq_written *w)
{
    w->next = NULL;
    *r->last = w;
    r->last = &w->next;
}

bool yq_replicas_behind(const struct yq_replicas *r)
{
    return r->behind;
}

/* Answers keep the order of the commands: whoever waits here wrote before the WAIT that was
 * answered. */
static void tell_all(struct yq_replicas *r, bool enough)
{
    struct yq_written *w = r->first;
    r->first = NULL;
    r->last = &r->first;
    while (w != NULL) {
        struct yq_written *next = w->next;
        w->told(w->context, enough);
        w = next;
    }
}

static void note(struct yq_replicas *r, bool enough, const redisReply *reply)
{
    bool was_behind = r->behind;
    char text[64];
    r->behind = !enough;
    yq_metric_set(YQ_METRIC_REDIS_LAGS, NULL, r->behind);
    if (!enough) {
        (void)snprintf(text, sizeof(text), "%lld of %d replicas in time", reply->integer,
                       r->wanted);
        yq_log_calm(YQ_LOG_ERROR, "redis.lags", NULL,
                    reply->type == REDIS_REPLY_ERROR ? reply->str : text);
    } else if (was_behind) {
        yq_log(YQ_LOG_INFO, "redis.replicated", "replicas", yq_log_int(reply->integer), NULL);
        r->caught_up(r->context);
    }
}

static void on_answer(void *context, const redisReply *reply)
{
    struct yq_replicas *r = context;
    bool enough =
        reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer >= r->wanted;
    r->asked = false;
    if (reply != NULL)
        note(r, enough, reply);
    tell_all(r, enough);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) /* of a replica, which it now is */
        yq_redis_loop_renew(r->redis, reply->str);
    if (r->due)
        yq_replicas_ask(r);
}

void yq_replicas_ask(struct yq_replicas *r)
{
    char replicas[16], timeout[24];
    if (r->wanted == 0 || r->asked || (!r->due && !r->behind))
        return;
    (void)snprintf(replicas, sizeof(replicas), "%d", r->wanted);
    (void)snprintf(timeout, sizeof(timeout), "%lld", (long long)r->timeout_ms);
    const char *argv[] = {"WAIT", replicas, timeout};
    size_t lens[] = {4, strlen(replicas), strlen(timeout)};
    struct yq_buf command = YQ_BUF_INIT;
    yq_redis_words(&command, 3, argv, lens);
    r->due = false;
    r->asked = true;
    if (yq_redis_loop_send(r->redis, command.data, command.len, on_answer, r) != 0) {
        r->asked = false;
        tell_all(r, false);
    }
    yq_buf_release(&command);
}
