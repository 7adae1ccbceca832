/* One side of a connection: what its threads share, and its token, fetched by one of them for all.
 */
#include "peer_inner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "crypto/secret.h"

#define LOOK_MS 100 /* the watch is asked at least this often */
#define SLOW_WAIT_MS 2000

struct yq_peer *yq_peer_new(const struct yq_peer_options *options)
{
    struct yq_peer *p = yq_calloc(1, sizeof(*p));
    p->options = *options;
    p->base = yq_strdup(options->base);
    size_t len = strlen(p->base);
    while (len > 0 && p->base[len - 1] == '/')
        p->base[--len] = '\0';
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->fetched, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    yq_pace_init(&p->pace, &options->budget, yq_mono_ms(options->clock));
    return p;
}

static void forget_token(struct yq_peer *p)
{
    if (p->token != NULL)
        yq_secret_wipe(p->token, strlen(p->token));
    free(p->token);
    p->token = NULL;
}

void yq_peer_free(struct yq_peer *p)
{
    if (p == NULL)
        return;
    forget_token(p);
    (void)pthread_cond_destroy(&p->fetched);
    (void)pthread_mutex_destroy(&p->lock);
    free(p->base);
    free(p);
}

int yq_watch_check(const struct yq_watch *watch, struct yq_error *err)
{
    return watch != NULL && watch->check != NULL ? watch->check(watch->context, err) : 0;
}

void yq_peer_drop_token(struct yq_peer *p, uint64_t generation)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->generation == generation)
        forget_token(p);
    (void)pthread_mutex_unlock(&p->lock);
}

void yq_peer_wait_token(struct yq_peer *p, int wait_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (int64_t)wait_ms * 1000000;
    until.tv_sec += (time_t)(nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    (void)pthread_mutex_lock(&p->lock);
    if (p->fetching)
        (void)pthread_cond_timedwait(&p->fetched, &p->lock, &until);
    (void)pthread_mutex_unlock(&p->lock);
}

/* Called with the lock held; gives it away while it asks. A life counts from before the request. */
static void fetch(struct yq_peer *p, struct yq_http *h, const struct yq_watch *watch)
{
    p->fetching = true;
    (void)pthread_mutex_unlock(&p->lock);
    int64_t asked = yq_mono_ms(p->options.clock), life = 0;
    struct yq_error failure = {0};
    char *token = p->options.kind->fetch_token(p->options.context, h, watch, &life, &failure);
    (void)pthread_mutex_lock(&p->lock);
    p->fetching = false;
    p->fetches++;
    p->failure = failure;
    if (token != NULL) {
        int64_t margin = p->options.token_margin_ms;
        forget_token(p);
        p->token = token;
        p->token_until = asked + (life < 2 * margin ? life / 2 : life - margin);
        p->generation++;
        p->failure = (struct yq_error){0};
    }
    (void)pthread_cond_broadcast(&p->fetched);
}

/* Called with the lock held: whether there is a token to use. */
static bool has_token(const struct yq_peer *p)
{
    return p->token != NULL && yq_mono_ms(p->options.clock) < p->token_until;
}

enum yq_token_state yq_peer_token(struct yq_peer *p, struct yq_http *h,
                                  const struct yq_watch *watch, uint64_t *waited, char **ret_token,
                                  uint64_t *ret_generation, struct yq_error *err)
{
    enum yq_token_state state = YQ_TOKEN_FAILED;
    bool fetched_here = false;
    (void)pthread_mutex_lock(&p->lock);
    if (!has_token(p) && p->fetching) {
        *waited = p->fetches + 1;
        state = YQ_TOKEN_ELSEWHERE;
        goto out;
    }
    bool shared = *waited > 0 && p->fetches >= *waited;
    if (!has_token(p) &&
        !(shared && p->failure.kind != YQ_ERROR_NONE && p->failure.kind != YQ_ERROR_LOST)) {
        fetch(p, h, watch);
        fetched_here = true;
    }
    *waited = 0;
    /* One that was fetched just now is used even if its life is too short for the margin. */
    if (has_token(p) || (fetched_here && p->token != NULL && p->failure.kind == YQ_ERROR_NONE)) {
        *ret_token = yq_strdup(p->token);
        *ret_generation = p->generation;
        state = YQ_TOKEN_READY;
    } else if (err != NULL) {
        *err = p->failure;
    }
out:
    (void)pthread_mutex_unlock(&p->lock);
    if (fetched_here && state == YQ_TOKEN_READY && p->options.trace.token_refreshed != NULL)
        p->options.trace.token_refreshed(p->options.trace.context, p->options.kind->name);
    return state;
}

/* ---- the pace, which all threads share ---- */

int64_t yq_peer_pace_start(struct yq_peer *p, bool background)
{
    (void)pthread_mutex_lock(&p->lock);
    int64_t wait = yq_pace_start(&p->pace, yq_mono_ms(p->options.clock), background);
    (void)pthread_mutex_unlock(&p->lock);
    return wait;
}

int64_t yq_peer_pace_blocked(struct yq_peer *p, const char *api)
{
    (void)pthread_mutex_lock(&p->lock);
    int64_t wait = yq_pace_blocked(&p->pace, api, yq_mono_ms(p->options.clock));
    (void)pthread_mutex_unlock(&p->lock);
    return wait;
}

void yq_peer_pace_end(struct yq_peer *p, bool background)
{
    (void)pthread_mutex_lock(&p->lock);
    if (background)
        yq_pace_background_ended(&p->pace);
    yq_pace_end(&p->pace);
    (void)pthread_mutex_unlock(&p->lock);
}

int64_t yq_peer_pace_answer(struct yq_peer *p, const char *api, enum yq_answer answer,
                            bool background)
{
    int64_t now = yq_mono_ms(p->options.clock), wait = 0;
    (void)pthread_mutex_lock(&p->lock);
    if (background)
        yq_pace_background_ended(&p->pace);
    switch (answer) {
    case YQ_ANSWER_SLOW:
        yq_pace_too_fast(&p->pace, now);
        wait = SLOW_WAIT_MS;
        break;
    case YQ_ANSWER_BLOCKED:
        yq_pace_end(&p->pace);
        wait = yq_pace_block(&p->pace, api, now);
        break;
    case YQ_ANSWER_OK:
    case YQ_ANSWER_ITEM:
        yq_pace_good(&p->pace, now);
        break;
    default:
        yq_pace_end(&p->pace);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return wait;
}

/* ---- one request for itself ---- */

struct asked {
    struct yq_http_response *ret;
    bool done;
};

static void take_answer(void *context, struct yq_http_response *response)
{
    struct asked *a = context;
    *a->ret = *response;
    response->body = (struct yq_buf)YQ_BUF_INIT;
    a->done = true;
}

int yq_peer_ask(struct yq_http *h, const struct yq_http_request *request,
                const struct yq_watch *watch, struct yq_http_response *ret, struct yq_error *err)
{
    struct asked a = {.ret = ret};
    if (yq_watch_check(watch, err) < 0 || yq_http_start(h, request, take_answer, &a, err) < 0)
        return -1;
    while (!a.done) {
        if (yq_watch_check(watch, err) < 0 || yq_http_poll(h, LOOK_MS, err) < 0) {
            yq_http_abort(h);
            return -1;
        }
    }
    if (ret->status != 0)
        return 0;
    if (err != NULL)
        *err = ret->error;
    return -1;
}
