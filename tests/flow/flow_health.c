/* What a machine asks: is it alive, is it ready, how is it doing? */
#include "story.h"

#include <time.h>

#include "support/talk.h"
#include "support/temp_redis.h"

/* One GET on the admin listener; caller frees the body. */
static int get(struct stage *s, const char *path, const char *headers, char **ret_body)
{
    struct talk_answer answer;
    int status = talk_once(stage_admin_url(s, 0), "GET", path, headers, NULL, 0, &answer);
    *ret_body = strdup(yq_buf_text(&answer.body));
    talk_answer_release(&answer);
    return status;
}

static void healthy_and_ready(void **state)
{
    struct stage *s = story(state);
    char *body;
    assert_int_equal(get(s, "/healthz", "", &body), 200);
    free(body);
    assert_int_equal(get(s, "/readyz", "", &body), 200);
    assert_non_null(strstr(body, "\"ready\":true"));
    free(body);
    assert_int_equal(get(s, "/secret", "", &body), 404);
    free(body);
}

static void figures_tell_what_happened(void **state)
{
    struct stage *s = story(state);
    wecom_department(s, 2, "研发", 1);
    wecom_member(s, "li.na", "李娜", "2");
    stage_settle(s, false);
    stage_callback_more(s, "\"quirks\":{\"wrong_signature\":true}");
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"retries\":0}");
    wecom_member(s, "eve", "坏人", "1");
    stage_settle(s, false);
    expect_metric(s, "yunqiao_callbacks_received_total{connection=\"acme\"}", 2);
    expect_metric(s, "yunqiao_events_queued_total{connection=\"acme\"}", 2);
    expect_metric(s, "yunqiao_events_settled_total{connection=\"acme\"}", 2);
    expect_metric(s,
                  "yunqiao_operations_applied_total{connection=\"acme\",operation="
                  "\"member.create\"}",
                  1);
    expect_metric(s, "yunqiao_redis_up", 1);
    assert_true(metric(s, "yunqiao_runs_total{connection=\"acme\",outcome=\"done\"}") >= 1);
    assert_true(metric(s, "yunqiao_peer_tokens_refreshed_total{peer=\"wecom\"}") >= 1);
    assert_true(metric(s, "yunqiao_peer_tokens_refreshed_total{peer=\"eteams\"}") >= 1);
    assert_true(metric(s, "yunqiao_callback_ack_seconds_count") >= 2);
    expect_metric(s, "yunqiao_event_freshness_seconds_count", 2);
    char *body;
    assert_int_equal(get(s, "/metrics", "", &body), 200);
    assert_non_null(strstr(body, "yunqiao_callbacks_refused_total{reason="));
    assert_non_null(strstr(body, "yunqiao_peer_calls_total{peer=\"wecom\""));
    assert_non_null(strstr(body, "yunqiao_peer_calls_total{peer=\"eteams\""));
    assert_null(strstr(body, "李娜"));
    free(body);
}

/* A counter that begins with 1 has not grown, as Prometheus sees it. */
static void counting_begins_at_zero(void **state)
{
    struct stage *s = story(state);
    expect_metric(s, "yunqiao_callbacks_unavailable_total{connection=\"acme\"}", 0);
    expect_metric(s, "yunqiao_events_spooled_total{connection=\"acme\"}", 0);
    expect_metric(s, "yunqiao_events_dead_total{connection=\"acme\"}", 0);
    expect_metric(s, "yunqiao_spool_damaged_total", 0);
    expect_metric(s, "yunqiao_spool_entries", 0);
    expect_metric(s, "yunqiao_spool_bytes", 0);
    expect_metric(s,
                  "yunqiao_peer_calls_total{peer=\"wecom\",api=\"/cgi-bin/gettoken\",result="
                  "\"error\"}",
                  0);
    assert_true(metric(s, "yunqiao_process_start_time_seconds") > (double)time(NULL) - 60);
}

static bool names_redis(struct stage *s)
{
    char *body;
    (void)get(s, "/readyz", "", &body);
    bool named = strstr(body, "redis") != NULL;
    free(body);
    return named;
}

static bool is_well(struct stage *s)
{
    return !names_redis(s);
}

static bool redis_is_down(struct stage *s)
{
    return metric(s, "yunqiao_redis_up") == 0;
}

static void a_missing_redis_is_named(void **state)
{
    struct stage *s = story(state);
    char *body;
    await(s, is_well, "readyz names nothing");
    yq_temp_redis_stop(stage_redis(s));
    await(s, names_redis, "readyz names redis");
    assert_int_equal(get(s, "/healthz", "", &body), 200);
    free(body);
    await(s, redis_is_down, "the gauge falls");
    assert_true(yq_temp_redis_start(stage_redis(s)));
    await(s, is_well, "readyz is content again");
}

static void the_api_wants_its_token(void **state)
{
    struct stage *s = story(state);
    char *body;
    assert_int_equal(get(s, "/api/connections", "", &body), 401);
    free(body);
    assert_int_equal(get(s, "/api/connections", "Authorization: Bearer wrong\r\n", &body), 401);
    free(body);
    assert_int_equal(get(s, "/api/connections", "Authorization: Bearer sim-admin-token\r\n", &body),
                     200);
    assert_non_null(strstr(body, "acme"));
    free(body);
    assert_int_equal(stage_http(s, 0, "GET", "/metrics", NULL, NULL), 404);
    assert_int_equal(stage_http(s, 0, "GET", "/healthz", NULL, NULL), 404);
}

/* Names, mobiles, tokens and secrets stay out of the log. */
static void the_log_keeps_secrets(void **state)
{
    static const char *const secrets[] = {
        "李娜",      "13800001111",   "li.na@example.com",  "sim-app-secret",
        "FlowToken", "access_token=", "sim-contacts-secret"};
    struct stage *s = story_with(
        state, &(struct stage_options){.seed = 1, .top_yaml = "log: { level: debug }\n"});
    tell(s, STAGE_WECOM, "/_sim/faults",
         "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"http_500\",\"count\":1}");
    tell(s, STAGE_ETEAMS, "/_sim/faults",
         "{\"path\":\"/api/hrm/restful/syncEmployee\",\"kind\":\"row_failed\",\"count\":1}");
    stage_wecom_change(s, "{\"do\":\"create_member\",\"userid\":\"li.na\",\"name\":\"李娜\","
                          "\"departments\":[1],\"mobile\":\"13800001111\",\"email\":"
                          "\"li.na@example.com\"}");
    stage_settle(s, true);
    expect_person(s, "li.na", "username", "李娜", NULL);
    char *log = stage_daemon_log(s, 0);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (strstr(log, secrets[i]) != NULL)
            fail_msg("the log holds %s:\n%s", secrets[i], log);
    }
    assert_non_null(strstr(log, "member:li.na"));
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(healthy_and_ready),       STORY(figures_tell_what_happened),
        STORY(counting_begins_at_zero), STORY(a_missing_redis_is_named),
        STORY(the_api_wants_its_token), STORY(the_log_keeps_secrets),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
