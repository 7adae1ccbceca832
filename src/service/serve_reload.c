/* SIGHUP: another configuration takes the place of the one that holds, or is refused whole. */
#include <string.h>

#include "daemon.h"
#include "service/log.h"
#include "service/metrics.h"

void yq_serve_set_log_level(const char *name)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int level = YQ_LOG_ERROR; name != NULL && level <= YQ_LOG_DEBUG; level++) {
        if (strcmp(name, names[level]) == 0)
            yq_log_set_level((enum yq_log_level)level);
    }
}

/* A fact for each line; takes the text apart. */
static void log_lines(enum yq_log_level level, const char *what, const char *key,
                      struct yq_buf *text)
{
    char *lines = text->len > 0 ? text->data : NULL;
    for (char *line, *rest = lines; rest != NULL && (line = strtok_r(rest, "\n", &rest)) != NULL;)
        yq_log(level, what, key, line, NULL);
}

/* What of `these` is not in `those`; where it is, but differs: `differ`. */
static int log_connections(const struct yq_settings *these, const struct yq_settings *those,
                           const char *missing, const char *differ)
{
    int count = 0;
    for (size_t i = 0; i < these->connection_count; i++) {
        const struct yq_connection_settings *c = &these->connections[i];
        const struct yq_connection_settings *other = yq_settings_connection(those, c->id);
        const char *what = other == NULL                           ? missing
                           : strcmp(c->digest, other->digest) != 0 ? differ
                                                                   : NULL;
        count += what != NULL;
        if (what != NULL)
            yq_log(YQ_LOG_INFO, what, "connection", c->id, NULL);
    }
    return count;
}

/* Every part goes over as a whole, one after the other, those who work before those who take in.
 * The loop is ours meanwhile: no callback sees one half of it. */
static void change_to(struct yq_daemon *d, struct yq_settings *next)
{
    const struct yq_settings *old = d->settings;
    d->settings = next;
    yq_metrics_begin(next);
    yq_workers_reload(d->workers, next);
    yq_scheduler_reload(d->scheduler, next);
    yq_alarms_reload(d->alarms, next);
    yq_admin_reload(d->admin, next);
    yq_heartbeat_reload(d->heartbeat, next);
    yq_intake_reload(d->intake, next);
    yq_callback_reload(d->callback, next);
    int changed = log_connections(next, old, "connection.added", "connection.changed") +
                  log_connections(old, next, "connection.removed", NULL);
    yq_log(YQ_LOG_INFO, "config.reloaded", "connections",
           yq_log_int((long long)next->connection_count), "changed", yq_log_int(changed), NULL);
    yq_serve_set_log_level(next->log_level); /* what was said so far, was said under the old one */
    yq_settings_free(old);
}

void yq_serve_reload(struct yq_daemon *d)
{
    struct yq_settings *next = NULL;
    struct yq_buf restart = YQ_BUF_INIT, faults = YQ_BUF_INIT;
    const struct yq_reloader *r = d->reloader;
    d->reload_wanted = false;
    if (r->read(r->context, d->settings, &next, &restart, &faults) == 0) {
        log_lines(YQ_LOG_WARN, "config.restart_needed", "option", &restart);
        change_to(d, next);
    } else {
        log_lines(YQ_LOG_ERROR, "config.fault", "fault", &faults);
        yq_log(YQ_LOG_ERROR, "config.refused", "meaning", "what held before holds on", NULL);
    }
    yq_buf_release(&restart);
    yq_buf_release(&faults);
}
