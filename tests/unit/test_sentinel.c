/* Redis Sentinel: two real servers and a real Sentinel; the master dies, and both kinds of
 * connection go on with the next one. As an ACL user with no more rights than docs/redis.md asks
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "clients/redis.h"
#include "clients/system_clock.h"
#include "support/receiver.h"
#include "support/talk.h"
#include "support/temp_sentinel.h"
#include "support/wait.h"
#include "vectors/malformed_callbacks.h"

#define SOON TEMP_SENTINEL_SOON_MS
#define FIRST TEMP_SENTINEL_FIRST
#define SECOND TEMP_SENTINEL_SECOND

static struct temp_sentinel *bridge;
static char user[] = "yunqiao", password[] = "s3cret";

static int add_user(enum temp_sentinel_server which)
{
    redisReply *reply = temp_sentinel_ask(bridge, which,
                                          "ACL SETUSER yunqiao on >s3cret ~yq:* &* +@all -@admin "
                                          "-@dangerous +config|get +info +role");
    bool added = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL)
        freeReplyObject(reply);
    return added ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    bridge = temp_sentinel_new();
    return bridge != NULL && add_user(FIRST) == 0 && add_user(SECOND) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    temp_sentinel_free(bridge);
    return 0;
}

/* ---- the blocking connection ---- */

static bool can_write(void *arg)
{
    struct yq_redis *r = arg;
    redisReply *reply = yq_redis_command(r, NULL, "SET yq:after 2");
    if (reply != NULL)
        freeReplyObject(reply);
    return reply != NULL;
}

static void test_commands_follow_the_master(void **state)
{
    (void)state;
    struct yq_redis_address a;
    struct yq_error err = {0};
    temp_sentinel_address(bridge, "bridge", &a);
    (void)snprintf(a.user, sizeof(a.user), "%s", user);
    (void)snprintf(a.password, sizeof(a.password), "%s", password);
    struct yq_redis *r = yq_redis_new(&a, 1000);
    redisReply *reply = yq_redis_command(r, &err, "SET yq:before 1");
    if (reply == NULL)
        fail_msg("%s", err.text);
    freeReplyObject(reply);
    assert_true(temp_sentinel_says(bridge, FIRST, "GET yq:before", "1"));
    temp_sentinel_kill(bridge, FIRST);
    assert_true(yq_wait_until(can_write, r, SOON));
    assert_true(temp_sentinel_says(bridge, SECOND, "GET yq:after", "2"));
    yq_redis_free(r);
    temp_sentinel_address(bridge, "nobody", &a);
    r = yq_redis_new(&a, 1000);
    assert_null(yq_redis_command(r, &err, "PING"));
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_non_null(strstr(err.text, "no Sentinel knows where nobody is"));
    yq_redis_free(r);
}

/* ---- the receiver's ---- */

static int deliver(const char *url)
{
    struct malformed_request request;
    struct yq_buf target = YQ_BUF_INIT;
    malformed_build(&well_formed_delivery, &request);
    yq_buf_addf(&target, "/wecom/callback/acme?%s", request.query.data);
    int status =
        talk_once(url, "POST", target.data, NULL, request.body.data, request.body.len, NULL);
    yq_buf_release(&target);
    malformed_release(&request);
    return status;
}

static bool is_delivered(void *arg)
{
    return deliver(arg) == 200;
}

static bool has_events(enum temp_sentinel_server which, long long count)
{
    redisReply *reply = temp_sentinel_ask(bridge, which, "XLEN yq:{acme}:events");
    bool has = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer >= count;
    if (reply != NULL)
        freeReplyObject(reply);
    return has;
}

static bool second_has_it(void *arg)
{
    (void)arg;
    return has_events(SECOND, 1);
}

static void test_callbacks_follow_the_master(void **state)
{
    (void)state;
    static char master[] = "bridge";
    char here[64], *sentinels[] = {here, NULL};
    struct receiver r;
    (void)snprintf(here, sizeof(here), "127.0.0.1:%d", bridge->servers[TEMP_SENTINEL_WATCH].port);
    receiver_init(&r, "redis://not.used.example", MALFORMED_TOKEN, MALFORMED_AES_KEY,
                  MALFORMED_RECEIVER);
    r.settings.redis_sentinels = sentinels;
    r.settings.redis_master = master;
    r.settings.redis_user = user;
    r.settings.redis_password = password;
    receiver_start(&r, yq_system_clock());
    assert_true(receiver_wait_redis(&r, true, SOON));
    assert_int_equal(deliver(r.url), 200);
    assert_true(has_events(FIRST, 1));
    assert_true(yq_wait_until(second_has_it, NULL, SOON)); /* it was replicated */
    temp_sentinel_kill(bridge, FIRST);
    assert_true(yq_wait_until(is_delivered, (void *)r.url, SOON));
    assert_true(has_events(SECOND, 2));
    receiver_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commands_follow_the_master, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_callbacks_follow_the_master, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
