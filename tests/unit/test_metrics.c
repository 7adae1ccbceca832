/* Counting, and what Prometheus is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "service/metrics.h"
#include "service/settings.h"

static struct yq_buf out;

static void expect(const char *line)
{
    yq_buf_clear(&out);
    yq_buf_addc(&out, '\n');
    yq_metrics_write(&out);
    char whole[256];
    (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (strstr(out.data, whole) == NULL)
        fail_msg("no line %s in %s", line, out.data);
}

static int set_up(void **state)
{
    (void)state;
    yq_metrics_reset();
    return 0;
}

static void test_counts(void **state)
{
    (void)state;
    yq_metric_add(YQ_METRIC_RECEIVED, "acme", NULL, NULL, 1);
    yq_metric_add(YQ_METRIC_RECEIVED, "acme", NULL, NULL, 2);
    yq_metric_add(YQ_METRIC_RECEIVED, "other", NULL, NULL, 1);
    yq_metric_add(YQ_METRIC_CALLS, "wecom", "user/get", "ok", 1);
    expect("# HELP yunqiao_callbacks_received_total Authentic callbacks that were stored and "
           "answered with success");
    expect("# TYPE yunqiao_callbacks_received_total counter");
    expect("yunqiao_callbacks_received_total{connection=\"acme\"} 3");
    expect("yunqiao_callbacks_received_total{connection=\"other\"} 1");
    expect("yunqiao_peer_calls_total{peer=\"wecom\",api=\"user/get\",result=\"ok\"} 1");
}

static void test_large_counts_stay_exact(void **state)
{
    (void)state;
    yq_metric_add(YQ_METRIC_QUEUED, "acme", NULL, NULL, 123456789012.0);
    yq_metric_add(YQ_METRIC_QUEUED, "acme", NULL, NULL, 1);
    expect("yunqiao_events_queued_total{connection=\"acme\"} 123456789013");
}

static void test_gauges(void **state)
{
    (void)state;
    yq_metric_set(YQ_METRIC_QUEUE_DEPTH, "acme", 7);
    yq_metric_set(YQ_METRIC_QUEUE_DEPTH, "acme", 5);
    yq_metric_set(YQ_METRIC_REDIS_UP, NULL, 1);
    yq_metric_add(YQ_METRIC_CONNECTIONS_OPEN, NULL, NULL, NULL, 3);
    yq_metric_add(YQ_METRIC_CONNECTIONS_OPEN, NULL, NULL, NULL, -1);
    yq_metric_set_pair(YQ_METRIC_ALARMS_OPEN, "acme", "held", 2);
    yq_metric_set_pair(YQ_METRIC_ALARMS_OPEN, "acme", "dead", 0);
    expect("yunqiao_alarms_open{connection=\"acme\",alarm=\"held\"} 2");
    expect("yunqiao_alarms_open{connection=\"acme\",alarm=\"dead\"} 0");
    expect("yunqiao_build_info{version=\"" YQ_VERSION "\"} 1");
    expect("# TYPE yunqiao_queue_depth gauge");
    expect("yunqiao_queue_depth{connection=\"acme\"} 5");
    expect("yunqiao_redis_up 1");
    expect("yunqiao_http_connections_open 2");
}

/* Whatever counts is there with 0 before it counts. */
static void test_counters_begin_at_zero(void **state)
{
    (void)state;
    static char id[] = "novel";
    struct yq_connection_settings connection = {.id = id};
    struct yq_settings settings = {.connections = &connection, .connection_count = 1};
    yq_metrics_begin(&settings);
    yq_metric_add(YQ_METRIC_DEAD, id, NULL, NULL, 1);
    yq_metrics_begin(&settings);
    expect("yunqiao_events_dead_total{connection=\"novel\"} 1");
    expect("yunqiao_events_spooled_total{connection=\"novel\"} 0");
#define COUNTER(name, labels)                                                                      \
    assert_non_null(strstr(out.data, strncmp(labels, "connection", 10) == 0                        \
                                         ? "\nyunqiao_" name "{connection=\"novel\""               \
                                     : *(labels) != '\0' ? "\nyunqiao_" name "{"                   \
                                                         : "\nyunqiao_" name " 0\n"))
#define GAUGE(name, labels) (void)0
#define HISTOGRAM(name, labels) (void)0
#define X(id, name, type, labels, help) type(name, labels);
    YQ_METRICS(X)
#undef X
}

static void test_histogram(void **state)
{
    (void)state;
    static const double seconds[] = {0, 0.0005, 0.0006, 0.3, 100};
    for (size_t i = 0; i < 5; i++)
        yq_metric_observe(YQ_METRIC_ACK_SECONDS, seconds[i]);
    expect("# TYPE yunqiao_callback_ack_seconds histogram");
    expect("yunqiao_callback_ack_seconds_bucket{le=\"0.0005\"} 2");
    expect("yunqiao_callback_ack_seconds_bucket{le=\"0.001\"} 3");
    expect("yunqiao_callback_ack_seconds_bucket{le=\"0.5\"} 4");
    expect("yunqiao_callback_ack_seconds_bucket{le=\"60\"} 4");
    expect("yunqiao_callback_ack_seconds_bucket{le=\"+Inf\"} 5");
    expect("yunqiao_callback_ack_seconds_sum 100.301100");
    expect("yunqiao_callback_ack_seconds_count 5");
}

static void test_label_values_are_escaped(void **state)
{
    (void)state;
    yq_metric_add(YQ_METRIC_REFUSED, "a\"b\\c\nd", NULL, NULL, 1);
    expect("yunqiao_callbacks_refused_total{reason=\"a\\\"b\\\\c\\nd\"} 1");
}

static void test_labels_do_not_run_together(void **state)
{
    (void)state;
    yq_metric_add(YQ_METRIC_APPLIED, "ab", "c", NULL, 1);
    yq_metric_add(YQ_METRIC_APPLIED, "a", "bc", NULL, 1);
    expect("yunqiao_operations_applied_total{connection=\"ab\",operation=\"c\"} 1");
    expect("yunqiao_operations_applied_total{connection=\"a\",operation=\"bc\"} 1");
}

static void test_process(void **state)
{
    (void)state;
    expect("# TYPE yunqiao_process_resident_bytes gauge");
    double bytes = 0;
    assert_int_equal(
        sscanf(strstr(out.data, "\nyunqiao_process_resident_bytes ") + 32, "%lf", &bytes), 1);
    assert_true(bytes > 1 << 20);
    assert_int_equal(
        sscanf(strstr(out.data, "\nyunqiao_process_open_descriptors ") + 34, "%lf", &bytes), 1);
    assert_true(bytes >= 3 && bytes < 1000);
}

static void *count_many(void *context)
{
    (void)context;
    for (int i = 0; i < 20000; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "c%d", i % 500);
        yq_metric_add(YQ_METRIC_SETTLED, name, NULL, NULL, 1);
        yq_metric_observe(YQ_METRIC_FRESHNESS_SECONDS, 0.001);
    }
    return NULL;
}

static void test_threads_count_together(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect("yunqiao_events_settled_total{connection=\"c0\"} 160");
    expect("yunqiao_events_settled_total{connection=\"c499\"} 160");
    expect("yunqiao_event_freshness_seconds_count 80000");
    yq_metrics_reset();
    expect("yunqiao_events_settled_total{connection=\"c0\"} 0");
    yq_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_counts, set_up),
        cmocka_unit_test_setup(test_large_counts_stay_exact, set_up),
        cmocka_unit_test_setup(test_gauges, set_up),
        cmocka_unit_test_setup(test_counters_begin_at_zero, set_up),
        cmocka_unit_test_setup(test_histogram, set_up),
        cmocka_unit_test_setup(test_label_values_are_escaped, set_up),
        cmocka_unit_test_setup(test_labels_do_not_run_together, set_up),
        cmocka_unit_test_setup(test_process, set_up),
        cmocka_unit_test_setup(test_threads_count_together, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
