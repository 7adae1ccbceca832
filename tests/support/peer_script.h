/* Answers of a peer_server as a list: the first line that fits a request, and is not used up, is
 * the answer. */
#ifndef YQ_TESTS_SUPPORT_PEER_SCRIPT_H
#define YQ_TESTS_SUPPORT_PEER_SCRIPT_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "support/peer_server.h"

/* Lines say only what matters; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct script_line {
    const char *path_end;
    const char *needle; /* must stand in the query or the body; NULL: any */
    const char *body;
    int status; /* 0: 200 */
    int times;  /* 0: for ever; counted down to -1 */
    bool cut;
};

#define SCRIPT_LINES 32
struct script {
    struct script_line lines[SCRIPT_LINES]; /* ends with a NULL path_end */
};

static inline bool script_fits(const struct script_line *l, const struct peer_request *rq)
{
    size_t len = strlen(rq->path), tail = strlen(l->path_end);
    if (l->times < 0 || len < tail || strcmp(rq->path + len - tail, l->path_end) != 0)
        return false;
    return l->needle == NULL || strstr(rq->query, l->needle) != NULL ||
           strstr(rq->body, l->needle) != NULL;
}

static inline void script_answer(void *context, const struct peer_request *rq,
                                 struct peer_reply *reply)
{
    struct script *s = context;
    for (struct script_line *l = s->lines; l->path_end != NULL; l++) {
        if (!script_fits(l, rq))
            continue;
        reply->body = l->body;
        reply->status = l->status ? l->status : 200;
        reply->cut = l->cut;
        if (l->times > 0 && --l->times == 0)
            l->times = -1;
        return;
    }
    reply->status = 404;
}

#endif
