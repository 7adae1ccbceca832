/* What the files of the alarms share: alarms.c (the thread), alarm_watch.c (which are open),
 * alarm_post.c (posting them). */
#ifndef YQ_SRC_SERVICE_ALARM_INNER_H
#define YQ_SRC_SERVICE_ALARM_INNER_H

#include "base/clock.h"
#include "clients/http_client.h"
#include "clients/store_alarms.h"
#include "current.h"
#include "model/alarm.h"
#include "service/settings.h"

#define YQ_ALARM_FIELD_MAX 96 /* key, blank, receiver */
#define YQ_ALARM_CLAIM_MAX 128

struct yq_alarm_receiver {
    const char *url;   /* a secret: never logged */
    const char *shown; /* "alarms.robots[0]" */
    char name[17];     /* a digest of the address, by which it is known in Redis */
    bool robot;
    int running; /* posts */
};

/* One post, from its claim until its end is written down. */
struct yq_alarm_post {
    struct yq_alarm_post *next;
    struct yq_alarms *owner;
    struct yq_alarm_receiver *receiver;
    const char *connection;
    char key[YQ_ALARM_KEY_MAX], field[YQ_ALARM_FIELD_MAX], claim[YQ_ALARM_CLAIM_MAX];
    int64_t at;
    unsigned attempts;
    bool ended; /* `error` says how; not written down yet */
    struct yq_error error;
};

struct yq_alarms {
    struct yq_current current;
    const struct yq_settings *settings; /* held: those that the receivers are of */
    const struct yq_clock *clock;
    struct yq_keys keys;
    struct yq_redis *redis;
    struct yq_http *http;
    struct yq_http_options options;
    struct yq_alarm_receiver *receivers;
    size_t receiver_count;
    struct yq_alarm_post *posts;
    struct yq_ticker *ticker;
    int64_t looked_ms, started_ms; /* monotonic (0: not yet), wall */
};

/* ---- alarm_watch.c ---- */

/* Opens and closes the alarms of a connection by what was read. Returns 1 when it changed
 * anything: then `f` is outdated; 0, or -1 when Redis failed. */
int yq_alarm_watch(struct yq_alarms *a, const struct yq_connection_settings *c,
                   const struct yq_alarm_facts *f, struct yq_error *err);

/* ---- alarm_post.c ---- */

void yq_alarm_make_receivers(struct yq_alarms *a);
/* Begins to post what is open, due, and claimed by nobody. */
int yq_alarm_post_due(struct yq_alarms *a, const char *id, const struct yq_alarm_facts *f,
                      struct yq_error *err);
/* Moves the posts on, and writes down how they ended. */
int yq_alarm_move_posts(struct yq_alarms *a, struct yq_error *err);
void yq_alarm_drop_posts(struct yq_alarms *a);

#endif
