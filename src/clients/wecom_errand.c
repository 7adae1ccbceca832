/* Many calls of one kind to WeCom: each answer taken as soon as it is there, those that failed in
 * passing asked for again at the end. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "peer_text.h"
#include "wecom_listing.h"

#define CHUNK 250 /* calls of one run: bounds the memory, not the pace */
#define TRIES 3   /* of a call that fails in passing; the others come in between */

void yq_listing_lacks(struct listing *l, const struct yq_error *why)
{
    if (l->facts->error.kind == YQ_ERROR_NONE)
        l->facts->error = *why;
}

void yq_listing_lacks_text(struct listing *l, const char *why)
{
    struct yq_error err;
    (void)yq_error_set(&err, YQ_ERROR_RETRY, "%s", why);
    yq_listing_lacks(l, &err);
}

struct sent {
    struct listing *l;
    const struct errand *errand;
    struct task task;
};

/* Runs as soon as the answer is there, so that its tree is not kept. */
static void take_answer(struct yq_call *call)
{
    struct sent *s = call->context;
    struct yq_error err = {0};
    if (call->error.kind == YQ_ERROR_NONE &&
        s->errand->take(s->l, &s->task, call->reply, &err) < 0) {
        err.kind = YQ_ERROR_RETRY; /* the next answer may be well again */
        call->error = err;
    }
    yq_arena_clear(s->l->scratch);
    cJSON_Delete(call->reply);
    call->reply = NULL;
}

static char *query_of(const struct errand *e, const struct task *t)
{
    struct yq_buf query = YQ_BUF_INIT;
    if (e->parameter == NULL)
        return NULL;
    if (t->text == NULL)
        return yq_printf("%s=%u", e->parameter, t->number);
    yq_url_add_pair(&query, e->parameter, t->text);
    return yq_buf_steal(&query);
}

/* Deals with one that failed. Returns 1 if it is to be tried again, -1 if the run ends. */
static int settle(struct listing *l, const struct errand *e, const struct task *t,
                  const struct yq_call *call, bool last, struct yq_error *err)
{
    if (call->error.kind == YQ_ERROR_FATAL && !e->spared) {
        if (!yq_wecom_shut(l->w, l->c, &call->error))
            return yq_wecom_fatal(l->c, call, err);
        l->shut = true;
        return 0;
    }
    if (call->error.kind == YQ_ERROR_RETRY && !last)
        return 1;
    e->refused(l, t, &call->error);
    return 0;
}

/* Keeps in tasks those that are to be tried again. */
static int run_chunk(struct listing *l, const struct errand *e, struct task *tasks, size_t *count,
                     bool last, struct yq_error *err)
{
    struct yq_call calls[CHUNK] = {{0}};
    struct sent sent[CHUNK];
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        sent[i] = (struct sent){l, e, tasks[i]};
        calls[i] = (struct yq_call){.api = e->api,
                                    .query = query_of(e, &tasks[i]),
                                    .context = &sent[i],
                                    .done = take_answer};
    }
    int rc = yq_wecom_run(l->c, l->h, calls, *count, l->watch, err);
    for (size_t i = 0; i < *count; i++) {
        int again = rc == 0 && calls[i].error.kind != YQ_ERROR_NONE
                        ? settle(l, e, &sent[i].task, &calls[i], last, err)
                        : 0;
        if (again > 0)
            tasks[kept++] = sent[i].task;
        rc = again < 0 ? -1 : rc;
        free((char *)calls[i].query);
    }
    yq_calls_release(calls, *count);
    *count = kept;
    return rc;
}

int yq_listing_run(struct listing *l, const struct errand *e, struct task *tasks, size_t count,
                   struct yq_error *err)
{
    for (int n = 1; n <= TRIES && count > 0; n++) {
        size_t left = 0;
        for (size_t from = 0; from < count && !l->shut; from += CHUNK) {
            size_t size = count - from < CHUNK ? count - from : CHUNK;
            if (run_chunk(l, e, tasks + from, &size, n == TRIES, err) < 0)
                return -1;
            memmove(tasks + left, tasks + from, size * sizeof(*tasks));
            left += size;
        }
        count = l->shut ? 0 : left;
    }
    return 0;
}
