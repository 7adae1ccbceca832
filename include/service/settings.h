/* The program's settings as plain data: what app/config.c reads from YAML, and what the services
 * are started with. Immutable once read; a reload makes a new one, and whoever still works with the
 * old one holds it until he is done. Holds secrets: wiped when freed. */
#ifndef YQ_SERVICE_SETTINGS_H
#define YQ_SERVICE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/pace.h"
#include "clients/redis.h"
#include "crypto/digest.h"
#include "model/envelope.h"
#include "plan/policy.h"

struct yq_outgoing { /* for calls to one peer */
    char *proxy, *ca_file;
    char **headers; /* "Name: value", NULL-ended; NULL: none */
    struct yq_pace_budget pace;
};

struct yq_connection_settings {
    char *id;      /* [a-z0-9_-]{1,40} */
    size_t number; /* its place in the file, from 0 */
    struct {
        char *corp_id;
        int64_t agent_id;
        char *app_secret, *contacts_secret; /* "" where not configured; never both empty */
        struct yq_outgoing outgoing;
    } wecom;
    struct yq_envelope_keys callback;
    int64_t callback_max_age_ms; /* 0: no freshness window (decisions.md 41) */
    struct {
        char *open_base, *corp_id, *app_key, *app_secret, *static_token, *root_org_id;
        struct yq_outgoing outgoing;
    } eteams;
    struct yq_policy policy;
    bool reconcile_at_start; /* one that is new, or was not compared since the start, is due */
    int64_t reconcile_departments_ms, reconcile_members_ms; /* 0: not by the clock */
    char *reconcile_full_at;    /* "03:00", in time_zone; "": not by the clock */
    char digest[YQ_SHA256_HEX]; /* of all its values: where it is the same, nothing changed */
};

struct yq_settings {
    char *listen;       /* "0.0.0.0:8080" */
    char *admin_listen; /* "" = no admin listener */
    char *admin_token;
    char *handover; /* path of the local socket; "" = none */
    char *redis_url, *redis_prefix;
    char **redis_sentinels;            /* HOST:PORT, NULL-ended; NULL: none */
    char *redis_master;                /* what they call it */
    char *redis_user, *redis_password; /* instead of those in the URL; "" or NULL: none */
    char *spool_dir;                   /* "": no spool */
    size_t spool_max;
    char *wecom_api_base;
    char *language;  /* "auto", "en", "zh" */
    char *time_zone; /* "Asia/Shanghai" */
    bool core_dumps; /* allowed, though they hold secrets */
    char *log_level; /* "error", "warn", "info", "debug" */
    int workers, workers_max;
    int64_t lease_ms, retention_ms, redis_timeout_ms;
    int redis_wait_replicas; /* that must have an event; 0: Redis alone */
    int64_t redis_wait_timeout_ms;
    int retention_max; /* settled events, audit entries and runs of a connection; 0: any number */
    int64_t retry_first_ms, retry_max_ms;
    int retry_attempts;
    struct {
        size_t max_body, max_headers; /* bytes: 256 KiB, 16 KiB */
        int64_t deadline_ms;          /* for a whole request: 5 s */
        int max_connections;          /* 1024 */
        int backlog;                  /* 1024 */
    } http;
    struct {
        char **webhooks, **robots; /* addresses, NULL-ended; NULL: none. Secrets */
        char *proxy, *ca_file;
    } alarms;
    struct yq_connection_settings *connections;
    size_t connection_count;
    _Atomic int holders; /* besides whoever made it */
};

const struct yq_connection_settings *yq_settings_connection(const struct yq_settings *s,
                                                            const char *id);
/* Where Redis is, and as whom we go there. */
int yq_settings_redis(const struct yq_settings *s, struct yq_redis_address *ret,
                      struct yq_error *err);
/* Keeps it alive until one more yq_settings_free; returns it. */
const struct yq_settings *yq_settings_hold(const struct yq_settings *s);
/* Gives up one hold, or what the maker has; the last one frees. NULL is fine. */
void yq_settings_free(const struct yq_settings *s);

#endif
