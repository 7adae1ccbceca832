/* Calling the program, and what a worker would have left in Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/app/commands.h"
#include "clients/lease.h"
#include "clients/queue.h"
#include "clients/system_clock.h"
#include "console.h"

struct console console;

int split(char *line, char **words)
{
    char *rest = NULL;
    int count = 0;
    for (char *w = strtok_r(line, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    words[count] = NULL;
    return count;
}

static int run(const char *line)
{
    char words[512], *argv[32];
    free(console.out);
    free(console.err);
    FILE *out = open_memstream(&console.out, &console.out_len),
         *err = open_memstream(&console.err, &console.err_len);
    snprintf(words, sizeof(words), "yunqiao %s", line);
    int argc = split(words, argv);
    setenv("YUNQIAO_CONFIG", console.config, 1);
    int status = yq_program(argc, argv, out, err);
    fclose(out);
    fclose(err);
    return status;
}

void expect(const char *line, int status, const char *words)
{
    int got = run(line);
    if (got != status || (strstr(console.out, words) == NULL && strstr(console.err, words) == NULL))
        fail_msg("%s: status %d, expected %d and \"%s\"\n%s%s", line, got, status, words,
                 console.out, console.err);
}

void set_language(const char *language)
{
    FILE *f = fopen(console.config, "w");
    assert_non_null(f);
    fprintf(f,
            "redis: {url: \"%s\"}\nlanguage: %s\ntime_zone: UTC\nconnections:\n"
            "- id: acme\n  wecom: {corp_id: ww1, app_secret: x, callback: {token: T, "
            "encoding_aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C}}\n"
            "  eteams: {static_token: s}\n"
            "- id: beta\n  wecom: {corp_id: ww2, app_secret: x, callback: {token: T, "
            "encoding_aes_key: jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C}}\n"
            "  eteams: {static_token: s}\n",
            console.server->url, language);
    fclose(f);
}

int console_start(void **state)
{
    (void)state;
    console.server = yq_temp_redis_new(NULL);
    if (console.server == NULL)
        return -1;
    console.redis = yq_redis_new(&console.server->address, 2000);
    strcpy(console.keys.prefix, "yq");
    snprintf(console.config, sizeof(console.config), "%s/yunqiao.yaml", console.server->folder);
    set_language("en");
    return 0;
}

int console_stop(void **state)
{
    (void)state;
    unlink(console.config);
    yq_redis_free(console.redis);
    yq_temp_redis_free(console.server);
    free(console.out);
    free(console.err);
    return 0;
}

void clear_redis(void)
{
    redisReply *reply = yq_redis_command(console.redis, NULL, "FLUSHALL");
    assert_non_null(reply);
    freeReplyObject(reply);
}

void push(enum yq_event_kind kind, const char *subject, const char *data, char *ret_entry)
{
    struct yq_event e;
    struct yq_error err = {0};
    yq_event_init(&e);
    e.kind = kind;
    assert_int_equal(yq_subject_parse(subject, &e.subject, &err), 0);
    e.source = "callback";
    e.at = time(NULL);
    yq_buf_adds(&e.data, data);
    yq_buf_adds(&e.raw, "<xml><Mobile>13812345678</Mobile></xml>");
    if (yq_queue_push(console.redis, &console.keys, "acme", &e, ret_entry, &err) != 0)
        fail_msg("%s", err.text);
    yq_event_release(&e);
}

void commit(struct yq_commit *c)
{
    struct yq_lease lease;
    struct yq_error err = {0};
    int64_t wait;
    bool more;
    assert_int_equal(yq_lease_take(console.redis, &console.keys, "acme", 30000, yq_system_clock(),
                                   &lease, &wait, &err),
                     YQ_LEASE_TAKEN);
    assert_int_equal(yq_lease_commit(console.redis, &console.keys, &lease, c, &err), 0);
    assert_int_equal(yq_lease_release(console.redis, &console.keys, &lease, &more, &err), 0);
    yq_commit_free(c);
}

void set_hash(const char *key, const char *field, const char *value)
{
    redisReply *reply = yq_redis_command(console.redis, NULL, "HSET %s %s %s", key, field, value);
    assert_non_null(reply);
    freeReplyObject(reply);
}

void heartbeat(const char *role, int64_t age_ms)
{
    char json[128];
    snprintf(json, sizeof(json), "{\"roles\":[\"%s\"],\"at\":%lld}", role,
             (long long)(yq_wall_ms(yq_system_clock()) - age_ms));
    set_hash("yq:processes", "host:1", json);
}
