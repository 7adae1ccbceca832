/* A batch of calls to one peer, side by side as the pace allows, until each is dealt with. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/secret.h"
#include "peer_inner.h"
#include "peer_text.h"

#define LOOK_MS 100  /* the watch is asked at least this often */
#define SLOW_TIMES 5 /* so often a call is sent again after "too fast" */

struct job {
    struct run *run;
    struct yq_call *call;
    uint64_t generation; /* of the token it went with */
    int slow;            /* how often it came back as too fast */
    bool repeated;       /* with a new token */
    bool running;
};

struct run {
    struct yq_peer *p;
    struct yq_http *h;
    const struct yq_watch *watch;
    struct job *jobs;
    size_t count;
    size_t *queue, head, queued; /* ring of those that wait to be sent */
    size_t finished, in_flight;
    uint64_t waited;      /* see yq_peer_token */
    bool background;      /* leaves a share of the pace to others */
    const char *shut_api; /* answered FATAL: not asked again in this run */
    struct yq_error shut_error;
    bool wait_used;       /* the caller has had its time (yq_watch.meanwhile) */
    struct yq_error stop; /* NONE: go on */
};

static int64_t now(const struct run *r)
{
    return yq_mono_ms(r->p->options.clock);
}

static void enqueue(struct run *r, const struct job *j)
{
    r->queue[(r->head + r->queued++) % r->count] = (size_t)(j - r->jobs);
}

static void dequeue(struct run *r)
{
    r->head = (r->head + 1) % r->count;
    r->queued--;
}

static void finish(struct job *j)
{
    j->run->finished++;
    if (j->call->done != NULL)
        j->call->done(j->call);
}

/* "user/get: …" */
static void prefix_api(const struct job *j, struct yq_error *err)
{
    const char *prefix = j->run->p->options.kind->path_prefix, *api = j->call->api;
    if (prefix != NULL && strncmp(api, prefix, strlen(prefix)) == 0)
        api += strlen(prefix);
    (void)yq_error_prefix(err, api);
}

/* ---- answers ---- */

/* Once more with a new token; a second refusal ends the run. */
static void token_refused(struct run *r, struct job *j)
{
    yq_peer_drop_token(r->p, j->generation);
    if (!j->repeated) {
        j->repeated = true;
        enqueue(r, j);
        return;
    }
    j->call->error.kind = YQ_ERROR_FATAL;
    r->stop = j->call->error;
    finish(j);
}

/* What an answer that is no OK means for its call; the error's text and code are set already. */
static void settle(struct run *r, struct job *j, enum yq_answer answer, bool may_have_happened)
{
    struct yq_error *err = &j->call->error;
    switch (answer) {
    case YQ_ANSWER_TOKEN:
        token_refused(r, j);
        return;
    case YQ_ANSWER_SLOW:
        err->kind = YQ_ERROR_LIMIT;
        if (j->slow++ < SLOW_TIMES) {
            enqueue(r, j);
            return;
        }
        break;
    case YQ_ANSWER_BLOCKED:
        err->kind = YQ_ERROR_LIMIT;
        break;
    case YQ_ANSWER_ITEM:
        err->kind = YQ_ERROR_REFUSED;
        break;
    case YQ_ANSWER_FATAL:
        err->kind = YQ_ERROR_FATAL;
        r->shut_api = j->call->api;
        r->shut_error = *err;
        break;
    default:
        err->kind = j->call->write && may_have_happened ? YQ_ERROR_UNKNOWN : YQ_ERROR_RETRY;
    }
    finish(j);
}

static void trace(const struct run *r, const struct job *j, const struct yq_http_response *response,
                  int code)
{
    const struct yq_peer_trace *t = &r->p->options.trace;
    if (t->answered != NULL)
        t->answered(t->context, r->p->options.kind->name, j->call->api, response->status, code,
                    response->took_us);
}

static void answered(void *context, struct yq_http_response *response)
{
    struct job *j = context;
    struct run *r = j->run;
    const struct yq_peer_kind *kind = r->p->options.kind;
    j->running = false;
    r->in_flight--;
    cJSON *reply = NULL;
    struct yq_error err = response->error;
    int code = 0;
    enum yq_answer answer = err.kind == YQ_ERROR_FATAL ? YQ_ANSWER_FATAL : YQ_ANSWER_RETRY;
    if (response->status != 0) {
        reply = yq_json_parse(yq_buf_text(&response->body), response->body.len, NULL);
        answer = kind->classify(r->p->options.context, response->status, reply, &code, &err);
    }
    trace(r, j, response, code);
    cJSON_Delete(j->call->reply); /* of an earlier try */
    j->call->reply = reply;
    j->call->error = (struct yq_error){0};
    if (answer != YQ_ANSWER_OK) {
        j->call->error = err;
        j->call->error.code = code;
        prefix_api(j, &j->call->error);
    }
    j->call->error.wait_ms = yq_peer_pace_answer(r->p, j->call->api, answer, r->background);
    /* A gateway's 404 and the like come before the peer; anything else may come after the deed. */
    bool client_error = response->status >= 400 && response->status < 500;
    if (answer == YQ_ANSWER_OK)
        finish(j);
    else
        settle(r, j, answer, response->sent && !client_error);
}

/* ---- sending ---- */

static char *make_url(const struct run *r, const struct job *j, const char *token)
{
    struct yq_buf url = YQ_BUF_INIT;
    yq_buf_adds(&url, r->p->base);
    yq_buf_adds(&url, j->call->api);
    yq_buf_addc(&url, '?');
    if (j->call->query != NULL) {
        yq_buf_adds(&url, j->call->query);
        yq_buf_addc(&url, '&');
    }
    yq_buf_adds(&url, r->p->options.kind->token_parameter);
    yq_buf_addc(&url, '=');
    yq_url_add(&url, token);
    return yq_buf_steal(&url);
}

static void send_job(struct run *r, struct job *j, const char *token)
{
    char *url = make_url(r, j, token);
    struct yq_http_request request = {
        .url = url,
        .body = j->call->body,
        .body_len = j->call->body ? strlen(j->call->body) : 0,
        .content_type = j->call->body ? "application/json; charset=utf-8" : NULL,
        .once = j->call->write,
        .options = &r->p->options.http,
    };
    struct yq_error err = {0};
    j->call->started_ms = now(r);
    j->running = true;
    r->in_flight++;
    if (yq_http_start(r->h, &request, answered, j, &err) < 0) {
        struct yq_http_response none = {.error = err};
        answered(j, &none);
    }
    yq_secret_wipe(url, strlen(url));
    free(url);
}

/* Those that wait are not sent any more. */
static void fail_queued(struct run *r, enum yq_error_kind kind, const struct yq_error *why)
{
    while (r->queued > 0) {
        struct job *j = &r->jobs[r->queue[r->head]];
        dequeue(r);
        int64_t wait = why->wait_ms;
        (void)yq_error_set(&j->call->error, kind, "not sent: %.200s", why->text);
        j->call->error.wait_ms = wait;
        finish(j);
    }
}

/* True if the next call is not to be sent at all; it is finished then. */
static bool refuse_next(struct run *r, struct job *j)
{
    if (r->shut_api != NULL && strcmp(r->shut_api, j->call->api) == 0) {
        dequeue(r);
        j->call->error = r->shut_error;
        finish(j);
        return true;
    }
    int64_t blocked = yq_peer_pace_blocked(r->p, j->call->api);
    if (blocked == 0)
        return false;
    dequeue(r);
    (void)yq_error_set(&j->call->error, YQ_ERROR_LIMIT, "blocked for another %lld s",
                       (long long)((blocked + 999) / 1000));
    j->call->error.wait_ms = blocked;
    prefix_api(j, &j->call->error);
    finish(j);
    return true;
}

/* Leave to send one call now, from the token, the pace and the watch. Returns 0 with a token, a
 * number of milliseconds to wait, or -1 when nothing more is sent. */
static int64_t leave_to_send(struct run *r, char **ret_token, uint64_t *ret_generation)
{
    struct yq_error err = {0};
    char *token = NULL;
    switch (yq_peer_token(r->p, r->h, r->watch, &r->waited, &token, ret_generation, &err)) {
    case YQ_TOKEN_ELSEWHERE:
        if (r->in_flight == 0)
            yq_peer_wait_token(r->p, LOOK_MS);
        return 1;
    case YQ_TOKEN_FAILED:
        if (err.kind == YQ_ERROR_FATAL || err.kind == YQ_ERROR_LOST)
            r->stop = err;
        else
            fail_queued(r, YQ_ERROR_RETRY, &err);
        return -1;
    case YQ_TOKEN_READY:
        break;
    }
    int64_t wait = yq_peer_pace_start(r->p, r->background);
    if (wait == 0 && yq_watch_check(r->watch, &err) < 0) {
        yq_peer_pace_end(r->p, r->background);
        r->stop = err;
        wait = -1;
    }
    if (wait == 0) {
        *ret_token = token;
        return 0;
    }
    yq_secret_wipe(token, strlen(token));
    free(token);
    return wait;
}

/* Sends what may be sent now; returns how long to wait at most. */
static int64_t send_some(struct run *r)
{
    while (r->queued > 0) {
        struct job *j = &r->jobs[r->queue[r->head]];
        if (refuse_next(r, j))
            continue;
        char *token = NULL;
        int64_t wait = leave_to_send(r, &token, &j->generation);
        if (wait != 0)
            return wait < 0 ? 0 : wait < LOOK_MS ? wait : LOOK_MS;
        dequeue(r);
        send_job(r, j, token);
        yq_secret_wipe(token, strlen(token));
        free(token);
    }
    return LOOK_MS;
}

/* ---- the run ---- */

/* The requests are gone without an answer. */
static void drop_running(struct run *r)
{
    for (size_t i = 0; i < r->count; i++) {
        struct job *j = &r->jobs[i];
        if (!j->running)
            continue;
        j->running = false;
        r->in_flight--;
        yq_peer_pace_end(r->p, r->background);
        (void)yq_error_set(&j->call->error, j->call->write ? YQ_ERROR_UNKNOWN : YQ_ERROR_RETRY,
                           "given up before the answer");
        prefix_api(j, &j->call->error);
        finish(j);
    }
}

static void end_run(struct run *r)
{
    if (r->stop.kind == YQ_ERROR_LOST) {
        yq_http_abort(r->h);
        drop_running(r);
    }
    fail_queued(r, YQ_ERROR_RETRY, &r->stop);
}

/* The first calls are handed over; the caller may work until they are answered. */
static void use_the_wait(struct run *r)
{
    struct yq_error err = {0};
    if (r->watch == NULL || r->watch->meanwhile == NULL || r->wait_used || r->in_flight == 0)
        return;
    r->wait_used = true;
    if (yq_http_poll(r->h, 0, &err) < 0) /* they leave now */
        yq_http_abort(r->h);
    r->watch->meanwhile(r->watch->meanwhile_context);
}

static void go(struct run *r)
{
    while (r->finished < r->count) {
        struct yq_error err = {0};
        if (yq_watch_check(r->watch, &err) < 0)
            r->stop = err;
        int64_t wait = r->stop.kind == YQ_ERROR_NONE ? send_some(r) : LOOK_MS;
        if (r->stop.kind != YQ_ERROR_NONE)
            end_run(r);
        use_the_wait(r);
        if (r->finished == r->count)
            break;
        if (yq_http_poll(r->h, (int)wait, &err) < 0)
            yq_http_abort(r->h);
        if (r->in_flight > 0 && yq_http_running(r->h) == 0)
            drop_running(r);
    }
}

int yq_peer_run(struct yq_peer *p, struct yq_http *h, struct yq_call *calls, size_t count,
                const struct yq_watch *watch, struct yq_error *err)
{
    if (count == 0)
        return 0;
    struct run r = {.p = p, .h = h, .watch = watch, .count = count};
    r.background = watch != NULL && watch->background;
    r.jobs = yq_calloc(count, sizeof(*r.jobs));
    r.queue = yq_calloc(count, sizeof(*r.queue));
    for (size_t i = 0; i < count; i++) {
        calls[i].reply = NULL;
        calls[i].error = (struct yq_error){0};
        calls[i].started_ms = 0;
        r.jobs[i] = (struct job){.run = &r, .call = &calls[i]};
        enqueue(&r, &r.jobs[i]);
    }
    go(&r);
    free(r.jobs);
    free(r.queue);
    if (r.stop.kind == YQ_ERROR_NONE)
        return 0;
    if (err != NULL)
        *err = r.stop;
    return -1;
}

void yq_calls_release(struct yq_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cJSON_Delete(calls[i].reply);
        calls[i].reply = NULL;
    }
}
