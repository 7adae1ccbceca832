/* The daemon: one loop for both listeners, threads for the rest. Started from the back, so that
 * nothing comes in before somebody works on it, and stopped from the front. */
#include "service/serve.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "clients/system_clock.h"
#include "service/admin.h"
#include "service/alarms.h"
#include "service/callback.h"
#include "service/core_dumps.h"
#include "service/heartbeat.h"
#include "service/intake.h"
#include "service/log.h"
#include "service/scheduler.h"
#include "service/worker.h"

#define FIRST_REDIS_MS 1000 /* so long Redis is given before callbacks are taken without it */
#define IDLE_MS 60000       /* a connection between two requests */
#define STOP_MS 10000       /* for all of it */
#define DRAIN_MS 6000       /* of that, for requests that are under way */
#define DRAIN_LOOK_MS 20    /* how often to see whether they are done */

struct daemon {
    const struct yq_settings *settings; /* held */
    const struct yq_reloader *reloader;
    const struct yq_clock *clock;
    unsigned roles;
    struct event_base *base;
    struct event *terminate, *interrupt, *hang_up, *drain;
    struct yq_heartbeat *heartbeat;
    struct yq_scheduler *scheduler;
    struct yq_alarms *alarms;
    struct yq_workers *workers;
    struct yq_intake *intake;
    struct yq_callback *callback;
    struct yq_route routes[2];
    struct yq_http_server *public_server, *admin_server;
    struct yq_admin *admin;
    bool ready;
    bool reload_wanted;    /* said so while starting */
    int64_t stop_began_ms; /* 0: not stopping */
};

/* The real time: a test that moves the clock must not cut a stop short. */
static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the end ---- */

static int open_connections(const struct daemon *d)
{
    return (d->public_server != NULL ? yq_http_server_open(d->public_server) : 0) +
           (d->admin_server != NULL ? yq_http_server_open(d->admin_server) : 0);
}

static void on_drain(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct daemon *d = context;
    if (open_connections(d) == 0 || now_ms() - d->stop_began_ms >= DRAIN_MS)
        event_base_loopbreak(d->base);
}

/* The second signal does not wait. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    static const struct timeval look = {0, DRAIN_LOOK_MS * 1000};
    struct daemon *d = context;
    if (d->stop_began_ms != 0) {
        event_base_loopbreak(d->base);
        return;
    }
    yq_log(YQ_LOG_INFO, "serve.stopping", "signal", yq_log_int(number), NULL);
    d->stop_began_ms = now_ms();
    d->ready = false;
    yq_http_server_stop(d->public_server);
    yq_http_server_stop(d->admin_server);
    yq_workers_stop_soon(d->workers);
    event_add(d->drain, &look);
}

/* ---- another configuration ---- */

static void set_log_level(const char *name)
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
static void change_to(struct daemon *d, struct yq_settings *next)
{
    const struct yq_settings *old = d->settings;
    d->settings = next;
    yq_workers_reload(d->workers, next);
    yq_scheduler_reload(d->scheduler, next);
    yq_alarms_reload(d->alarms, next);
    yq_admin_reload(d->admin, next);
    yq_intake_reload(d->intake, next);
    yq_callback_reload(d->callback, next);
    int changed = log_connections(next, old, "connection.added", "connection.changed") +
                  log_connections(old, next, "connection.removed", NULL);
    yq_log(YQ_LOG_INFO, "config.reloaded", "connections",
           yq_log_int((long long)next->connection_count), "changed", yq_log_int(changed), NULL);
    set_log_level(next->log_level); /* what was said so far, was said under the old one */
    yq_settings_free(old);
}

static void reload(struct daemon *d)
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

static void on_hang_up(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what;
    struct daemon *d = context;
    if (d->reloader == NULL || d->stop_began_ms != 0)
        return;
    if (d->ready)
        reload(d);
    else
        d->reload_wanted = true;
}

/* ---- readiness ---- */

static void name_degraded(struct yq_buf *out, bool is_degraded, const char *name)
{
    if (is_degraded)
        yq_buf_addf(out, "%s\"%s\"", out->len > 0 ? "," : "", name);
}

static bool is_ready(void *context, struct yq_buf *degraded)
{
    const struct daemon *d = context;
    bool up = d->intake != NULL ? yq_intake_up(d->intake) : yq_heartbeat_redis_up(d->heartbeat);
    name_degraded(degraded, !up, "redis_unreachable");
    name_degraded(degraded, !yq_heartbeat_redis_safe(d->heartbeat), "redis_settings_unsafe");
    name_degraded(degraded, d->workers != NULL && yq_workers_alive(d->workers) == 0,
                  "workers_missing");
    return d->ready;
}

/* ---- the beginning ---- */

static struct yq_http_server *listen_on(struct daemon *d, const char *address,
                                        const struct yq_route *routes, struct yq_error *err)
{
    const struct yq_settings *s = d->settings;
    struct yq_http_limits limits = {.max_body = s->http.max_body,
                                    .max_headers = s->http.max_headers,
                                    .deadline_ms = s->http.deadline_ms,
                                    .idle_ms = IDLE_MS,
                                    .max_connections = s->http.max_connections,
                                    .backlog = s->http.backlog};
    return yq_http_server_new(d->base, address, &limits, routes, err);
}

/* Who sees that we listen may send at once, and shall not be told 503 for nothing. */
static void await_redis(struct daemon *d)
{
    int64_t until = now_ms() + FIRST_REDIS_MS;
    while (!yq_intake_up(d->intake) && d->stop_began_ms == 0 && now_ms() < until)
        event_base_loop(d->base, EVLOOP_ONCE);
}

static int start_receiver(struct daemon *d, struct yq_error *err)
{
    d->intake = yq_intake_new(d->base, d->settings, d->clock, err);
    if (d->intake == NULL)
        return -1;
    await_redis(d);
    d->callback = yq_callback_new(d->settings, d->intake, d->clock);
    d->routes[0] = (struct yq_route){YQ_CALLBACK_PATH, YQ_METHOD_GET | YQ_METHOD_POST,
                                     yq_callback_handle, d->callback};
    d->routes[1] = (struct yq_route){.path = ""};
    d->public_server = listen_on(d, d->settings->listen, d->routes, err);
    return d->public_server != NULL ? 0 : -1;
}

static int start_admin(struct daemon *d, struct yq_error *err)
{
    const char *address = d->settings->admin_listen;
    if (address == NULL || address[0] == '\0')
        return 0;
    d->admin = yq_admin_new(&(struct yq_admin_options){.base = d->base,
                                                       .settings = d->settings,
                                                       .clock = d->clock,
                                                       .context = d,
                                                       .ready = is_ready},
                            err);
    if (d->admin == NULL)
        return -1;
    d->admin_server = listen_on(d, address, yq_admin_routes(d->admin), err);
    return d->admin_server != NULL ? 0 : -1;
}

static int start_roles(struct daemon *d, struct yq_error *err)
{
    d->heartbeat = yq_heartbeat_start(d->settings, d->roles, d->clock, err);
    if (d->heartbeat == NULL)
        return -1;
    if ((d->roles & YQ_ROLE_SCHEDULER) != 0 &&
        ((d->scheduler = yq_scheduler_start(d->settings, d->clock, err)) == NULL ||
         (d->alarms = yq_alarms_start(d->settings, d->clock, err)) == NULL))
        return -1;
    if ((d->roles & YQ_ROLE_WORKER) != 0 &&
        (d->workers = yq_workers_start(d->settings, d->clock, err)) == NULL)
        return -1;
    if ((d->roles & YQ_ROLE_RECEIVER) != 0 && start_receiver(d, err) != 0)
        return -1;
    if ((d->roles & YQ_ROLE_ADMIN) != 0 && start_admin(d, err) != 0)
        return -1;
    return 0;
}

/* In the opposite order; works however far the start got. */
static void stop_roles(struct daemon *d)
{
    yq_admin_free(d->admin);
    yq_http_server_free(d->admin_server);
    yq_intake_free(d->intake);
    yq_http_server_free(d->public_server);
    yq_callback_free(d->callback);
    if (d->workers != NULL) {
        int64_t used = d->stop_began_ms != 0 ? now_ms() - d->stop_began_ms : 0;
        yq_workers_stop(d->workers, used < STOP_MS ? (int)(STOP_MS - used) : 0);
    }
    yq_alarms_stop(d->alarms);
    yq_scheduler_stop(d->scheduler);
    yq_heartbeat_stop(d->heartbeat);
}

static void make_loop(struct daemon *d)
{
    struct event_config *config = event_config_new();
    if (config != NULL)
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* one thread has it */
    d->base = config != NULL ? event_base_new_with_config(config) : NULL;
    if (d->base == NULL)
        abort(); /* no memory, or a system without epoll */
    event_config_free(config);
    d->terminate = evsignal_new(d->base, SIGTERM, on_signal, d);
    d->interrupt = evsignal_new(d->base, SIGINT, on_signal, d);
    d->hang_up = evsignal_new(d->base, SIGHUP, on_hang_up, d);
    d->drain = event_new(d->base, -1, EV_PERSIST, on_drain, d);
    if (d->terminate == NULL || d->interrupt == NULL || d->hang_up == NULL || d->drain == NULL)
        abort();
    event_add(d->terminate, NULL);
    event_add(d->interrupt, NULL);
    event_add(d->hang_up, NULL);
}

static void free_loop(struct daemon *d)
{
    event_free(d->terminate);
    event_free(d->interrupt);
    event_free(d->hang_up);
    event_free(d->drain);
    event_base_loop(d->base, EVLOOP_NONBLOCK); /* what the resolver has put off */
    event_base_free(d->base);
}

/* Every connection needs a descriptor. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* otherwise the cap of the system holds */
}

/* For whoever started us: where to go, and that it makes sense to. */
static void announce(const struct daemon *d)
{
    if (d->public_server != NULL)
        printf("listening callbacks %s\n", yq_http_server_url(d->public_server));
    if (d->admin_server != NULL)
        printf("listening admin %s\n", yq_http_server_url(d->admin_server));
    printf("ready\n");
    (void)fflush(stdout);
    yq_log(YQ_LOG_INFO, "serve.ready", "version", YQ_VERSION, NULL);
}

int yq_serve(const struct yq_settings *s, unsigned roles, const struct yq_reloader *reloader,
             struct yq_error *err)
{
    struct daemon d = {.settings = yq_settings_hold(s),
                       .reloader = reloader,
                       .clock = yq_system_clock(),
                       .roles = roles};
    set_log_level(s->log_level);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    if (!s->core_dumps)
        yq_core_dumps_forbid();
    make_loop(&d);
    int result = start_roles(&d, err);
    if (result == 0) {
        d.ready = true;
        announce(&d);
        if (d.reload_wanted)
            reload(&d);
        event_base_dispatch(d.base);
        yq_log(YQ_LOG_INFO, "serve.stopped", NULL);
    }
    stop_roles(&d);
    free_loop(&d);
    yq_settings_free(d.settings);
    return result;
}
