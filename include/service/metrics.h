/* Counters, gauges and histograms of the process, in Prometheus' text form. Thread-safe.
 *
 * One X-macro table holds name, type, labels and help, so that the list in docs/operations.md, the
 * code and the exposition are one. Labels are bounded: connection ids of the configuration, api
 * paths of the clients' constants, fixed words. */
#ifndef YQ_SERVICE_METRICS_H
#define YQ_SERVICE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct yq_settings;

/* id, name (yunqiao_ is put in front), type, label names, help */
#define YQ_METRICS(X)                                                                              \
    X(RECEIVED, "callbacks_received_total", COUNTER, "connection",                                 \
      "Authentic callbacks that were stored and answered with success")                            \
    X(REFUSED, "callbacks_refused_total", COUNTER, "reason", "Requests refused, by reason")        \
    X(UNAVAILABLE, "callbacks_unavailable_total", COUNTER, "connection",                           \
      "Authentic callbacks answered 503 because they could not be stored")                         \
    X(UNKNOWN_EVENTS, "events_unknown_total", COUNTER, "connection",                               \
      "Authentic events that were not understood and kept raw")                                    \
    X(QUEUED, "events_queued_total", COUNTER, "connection", "Events written to the queue")         \
    X(SPOOLED, "events_spooled_total", COUNTER, "connection",                                      \
      "Events stored in the spool, because Redis did not take them")                               \
    X(APPLIED, "operations_applied_total", COUNTER, "connection,operation",                        \
      "Operations carried out in eteams or on links")                                              \
    X(FAILED, "operations_failed_total", COUNTER, "connection,operation", "Operations refused")    \
    X(NOOP, "events_noop_total", COUNTER, "connection", "Events settled without a change")         \
    X(SETTLED, "events_settled_total", COUNTER, "connection", "Events acknowledged")               \
    X(RETRIED, "subjects_retried_total", COUNTER, "connection", "Attempts that must be repeated")  \
    X(DEAD, "events_dead_total", COUNTER, "connection", "Events set aside as dead letters")        \
    X(HELD, "operations_held_total", COUNTER, "connection", "Operations held by the guard")        \
    X(RUNS, "runs_total", COUNTER, "connection,outcome", "Runs of the engine")                     \
    X(CALLS, "peer_calls_total", COUNTER, "peer,api,result", "Calls to the peers")                 \
    X(TOKENS, "peer_tokens_refreshed_total", COUNTER, "peer", "Tokens fetched")                    \
    X(ACK_SECONDS, "callback_ack_seconds", HISTOGRAM, "", "From request to answer")                \
    X(FRESHNESS_SECONDS, "event_freshness_seconds", HISTOGRAM, "",                                 \
      "From callback to written in eteams")                                                        \
    X(QUEUE_DEPTH, "queue_depth", GAUGE, "connection", "Entries not yet acknowledged")             \
    X(QUEUE_AGE, "queue_oldest_seconds", GAUGE, "connection", "Age of the oldest of them")         \
    X(SPOOL_ENTRIES, "spool_entries", GAUGE, "", "Events in the spool that are not in Redis yet")  \
    X(SPOOL_BYTES, "spool_bytes", GAUGE, "", "Bytes of these")                                     \
    X(SPOOL_DAMAGED, "spool_damaged_total", COUNTER, "",                                           \
      "Places in the spool that were unreadable")                                                  \
    X(DEAD_LETTERS, "dead_letters", GAUGE, "connection", "Dead letters that wait for a person")    \
    X(RETRYING, "subjects_retrying", GAUGE, "connection",                                          \
      "Subjects that wait for their next attempt")                                                 \
    X(ALARMS_OPEN, "alarms_open", GAUGE, "connection,alarm",                                       \
      "Alarms that are not over yet, by their name")                                               \
    X(CONNECTIONS_OPEN, "http_connections_open", GAUGE, "", "Open connections of the listeners")   \
    X(REDIS_UP, "redis_up", GAUGE, "", "1 while Redis answers")                                    \
    X(REDIS_LAGS, "redis_lags", GAUGE, "", "1 while too few replicas of Redis have what it took")  \
    X(REDIS_SAFE, "redis_settings_safe", GAUGE, "", "1 while Redis' settings keep the promise")    \
    X(STARTED, "process_start_time_seconds", GAUGE, "",                                            \
      "When this process started, in seconds since 1970")

enum yq_metric {
#define X(id, name, type, labels, help) YQ_METRIC_##id,
    YQ_METRICS(X)
#undef X
        YQ_METRIC_COUNT
};

/* Label values in the order of the table, NULL where the metric has fewer. */
void yq_metric_add(enum yq_metric m, const char *label1, const char *label2, const char *label3,
                   double value);
void yq_metric_set(enum yq_metric m, const char *label1, double value);
void yq_metric_set_pair(enum yq_metric m, const char *label1, const char *label2, double value);
/* A gauge that nobody sets any more is not shown, until it is set again. */
void yq_metric_forget(enum yq_metric m, const char *label1);
/* The counters of these connections and of the process begin at 0, where they have not begun. */
void yq_metrics_begin(const struct yq_settings *settings);
void yq_metric_observe(enum yq_metric m, double seconds);
void yq_metrics_write(
    struct yq_buf *out);     /* with the process' own figures (memory, CPU, descriptors) */
void yq_metrics_reset(void); /* for tests */

#endif
