/* Who refuses to work with us: set by a run that ends FATAL, taken away by the first call that the
 * same peer answers well. */
#include "authorised.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "service/log.h"

#define CONTENT_MS                                                                                 \
    30000 /* so often the all-clear is repeated: another process may have seen a                   \
             refusal */

static const char *const peers[] = {"wecom", "eteams"};

static int run(const struct yq_authorised_note *n, int argc, const char **argv)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_argv(n->redis, argc, argv, NULL, &err);
    if (reply == NULL) {
        yq_log_calm(YQ_LOG_WARN, "auth.not_written", n->connection->settings->id, err.text);
        return -1;
    }
    freeReplyObject(reply);
    return 0;
}

/* Since when is kept. */
static void refused(const struct yq_authorised_note *n, int peer, const struct yq_error *failure)
{
    char key[YQ_KEY_MAX];
    struct yq_buf json = YQ_BUF_INIT;
    yq_buf_adds(&json, "{\"error\":");
    yq_buf_add_json_string(&json, failure->text);
    yq_buf_addf(&json, ",\"at\":%" PRId64 "}", yq_wall_ms(n->clock));
    const char *argv[] = {"HSETNX", yq_key(n->keys, n->connection->settings->id, "auth", key),
                          peers[peer], yq_buf_text(&json)};
    (void)run(n, 4, argv);
    n->connection->auth_noted_ms[peer] = 0;
    yq_buf_release(&json);
}

static void content(const struct yq_authorised_note *n, int peer)
{
    char key[YQ_KEY_MAX];
    int64_t now = yq_mono_ms(n->clock), noted = n->connection->auth_noted_ms[peer];
    if (noted != 0 && now - noted < CONTENT_MS)
        return;
    const char *argv[] = {"HDEL", yq_key(n->keys, n->connection->settings->id, "auth", key),
                          peers[peer]};
    if (run(n, 3, argv) == 0)
        n->connection->auth_noted_ms[peer] = now;
}

void yq_authorised_note(const struct yq_authorised_note *n, const struct yq_error *failure)
{
    const struct yq_connection_heard heard = yq_connection_heard();
    bool fatal = failure != NULL && failure->kind == YQ_ERROR_FATAL;
    int at_fault = !fatal ? -1 : heard.last >= 0 ? heard.last : 0;
    for (int peer = 0; peer < 2; peer++) {
        if (peer == at_fault)
            refused(n, peer, failure);
        else if (heard.content[peer])
            content(n, peer);
    }
}
