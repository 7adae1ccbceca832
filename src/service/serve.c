/* The daemon: one loop for both listeners, threads for the rest. Started from the back, so that
 * nothing comes in before somebody works on it, and stopped from the front. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "clients/system_clock.h"
#include "daemon.h"
#include "service/core_dumps.h"
#include "service/log.h"
#include "service/metrics.h"

#define FIRST_REDIS_MS 1000  /* so long Redis is given before callbacks are taken without it */
#define IDLE_MS 60000        /* a connection between two requests */
#define OTHER_DESCRIPTORS 64 /* Redis, the spool, the loop, … */
#define WORKER_DESCRIPTORS 10
#define ADMIN_CONNECTIONS 64 /* where descriptors are short */
#define LEAST_CONNECTIONS 16
#define STOP_MS 8000     /* then what workers have in hand is broken off: over within 10 s */
#define DRAIN_MS 6000    /* of that, for requests that are under way */
#define DRAIN_LOOK_MS 20 /* how often to see whether they are done */

/* The real time: a test that moves the clock must not cut a stop short. */
static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the end ---- */

static int open_connections(const struct yq_daemon *d)
{
    return (d->public_server != NULL ? yq_http_server_open(d->public_server) : 0) +
           (d->admin_server != NULL ? yq_http_server_open(d->admin_server) : 0);
}

static void on_drain(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    struct yq_daemon *d = context;
    if (open_connections(d) == 0 || now_ms() - d->stop_began_ms >= DRAIN_MS)
        event_base_loopbreak(d->base);
}

static void begin_stop(struct yq_daemon *d)
{
    static const struct timeval look = {0, DRAIN_LOOK_MS * 1000};
    d->stop_began_ms = now_ms();
    d->ready = false;
    yq_handover_free(d->handover);
    d->handover = NULL;
    yq_http_server_stop(d->public_server);
    yq_http_server_stop(d->admin_server);
    yq_workers_stop_soon(d->workers);
    event_add(d->drain, &look);
}

/* The second signal does not wait. */
static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct yq_daemon *d = context;
    if (d->stop_began_ms != 0) {
        event_base_loopbreak(d->base);
        return;
    }
    yq_log(YQ_LOG_INFO, "serve.stopping", "signal", yq_log_int(number), NULL);
    begin_stop(d);
}

static void on_succeeded(void *context)
{
    struct yq_daemon *d = context;
    if (d->stop_began_ms != 0)
        return;
    yq_log(YQ_LOG_INFO, "serve.stopping", "cause", "the next process is ready", NULL);
    begin_stop(d);
}

static void on_hang_up(evutil_socket_t number, short what, void *context)
{
    (void)number, (void)what;
    struct yq_daemon *d = context;
    if (d->reloader == NULL || d->stop_began_ms != 0)
        return;
    if (d->ready)
        yq_serve_reload(d);
    else
        d->reload_wanted = true;
}

/* ---- readiness ---- */

static void name_degraded(struct yq_buf *out, bool is_degraded, const char *name)
{
    if (is_degraded)
        yq_buf_addf(out, "%s\"%s\"", out->len > 0 ? "," : "", name);
}

static void name_spool(struct yq_buf *out, struct yq_spool *spool)
{
    struct yq_spool_figures f;
    if (spool == NULL)
        return;
    yq_spool_figures(spool, &f);
    name_degraded(out, f.entries > 0, "spool_in_use");
    name_degraded(out, f.refused, "redis_refuses_writes");
    name_degraded(out, f.full, "spool_full");
    name_degraded(out, f.fault[0] != '\0', "spool_unavailable");
}

static bool is_ready(void *context, struct yq_buf *degraded)
{
    const struct yq_daemon *d = context;
    bool up = d->intake != NULL ? yq_intake_up(d->intake) : yq_heartbeat_redis_up(d->heartbeat);
    name_degraded(degraded, !up, "redis_unreachable");
    name_degraded(degraded, !yq_heartbeat_redis_safe(d->heartbeat), "redis_settings_unsafe");
    name_degraded(degraded, d->workers != NULL && yq_workers_alive(d->workers) == 0,
                  "workers_missing");
    if (d->intake != NULL) {
        name_degraded(degraded, yq_intake_lags(d->intake), "redis_lags");
        name_spool(degraded, yq_intake_spool(d->intake));
    }
    return d->ready;
}

/* Without Redis, which may be what is missing. */
static void tell_spool(void *context, struct yq_buf *out)
{
    const struct yq_daemon *d = context;
    struct yq_spool *spool = d->intake != NULL ? yq_intake_spool(d->intake) : NULL;
    struct yq_spool_figures f;
    if (spool == NULL) {
        yq_buf_adds(out, "{\"spool\":null}");
        return;
    }
    yq_spool_figures(spool, &f);
    yq_buf_addf(out, "{\"spool\":{\"entries\":%zu,\"bytes\":%zu,\"since\":%lld,\"full\":%s,",
                f.entries, f.bytes, (long long)f.since_ms, f.full ? "true" : "false");
    yq_buf_adds(out, "\"fault\":");
    yq_buf_add_json_string(out, f.fault);
    yq_buf_adds(out, ",\"redis_fault\":");
    yq_buf_add_json_string(out, f.redis_fault);
    yq_buf_adds(out, "}}");
}

/* ---- the beginning ---- */

static const char *address_of(const struct yq_daemon *d, enum yq_listener which)
{
    return which == YQ_LISTENER_ADMIN ? d->settings->admin_listen : d->settings->listen;
}

/* A listener that these roles do not use is left alone. */
static int inherit(struct yq_daemon *d, struct yq_error *err)
{
    struct yq_successor self = {.path = d->settings->handover, .roles = d->roles};
    if ((d->roles & YQ_ROLE_RECEIVER) != 0)
        self.addresses[YQ_LISTENER_CALLBACKS] = address_of(d, YQ_LISTENER_CALLBACKS);
    if ((d->roles & YQ_ROLE_ADMIN) != 0)
        self.addresses[YQ_LISTENER_ADMIN] = address_of(d, YQ_LISTENER_ADMIN);
    return yq_inherit_from_system(&d->inherited, err) == 0
               ? yq_inherit_from_process(&d->inherited, &self, err)
               : -1;
}

/* The next process finds us, and the one before may go. */
static int take_place(struct yq_daemon *d, struct yq_error *err)
{
    struct yq_handover_options o = {
        .base = d->base,
        .path = d->settings->handover,
        .roles = d->roles,
        .servers = {d->public_server, d->admin_server},
        .addresses = {d->settings->listen, d->settings->admin_listen},
        .succeeded = on_succeeded,
        .context = d,
    };
    return yq_handover_new(&o, &d->handover, err);
}

/* A crowd at the listeners must not take the descriptors that Redis, the peers and the spool need.
 */
static int connections_of(const struct yq_daemon *d, enum yq_listener which)
{
    const struct yq_settings *s = d->settings;
    struct rlimit limit;
    int most = s->http.max_connections, workers = s->workers_max;
    rlim_t others = OTHER_DESCRIPTORS + (rlim_t)workers * WORKER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= others + 2 * (rlim_t)most)
        return most;
    if (which == YQ_LISTENER_ADMIN)
        return most < ADMIN_CONNECTIONS ? most : ADMIN_CONNECTIONS;
    others += ADMIN_CONNECTIONS;
    rlim_t left =
        limit.rlim_cur > others + LEAST_CONNECTIONS ? limit.rlim_cur - others : LEAST_CONNECTIONS;
    if (left >= (rlim_t)most)
        return most;
    yq_log(YQ_LOG_WARN, "serve.descriptors", "limit", yq_log_int((long long)limit.rlim_cur),
           "connections", yq_log_int((long long)left), "wanted", yq_log_int(most), NULL);
    return (int)left;
}

static struct yq_http_server *listen_on(struct yq_daemon *d, enum yq_listener which,
                                        const struct yq_route *routes, struct yq_error *err)
{
    const char *address = address_of(d, which);
    int inherited = d->inherited.fds[which];
    const struct yq_settings *s = d->settings;
    struct yq_http_limits limits = {.max_body = s->http.max_body,
                                    .max_headers = s->http.max_headers,
                                    .deadline_ms = s->http.deadline_ms,
                                    .idle_ms = IDLE_MS,
                                    .max_connections = connections_of(d, which),
                                    .backlog = s->http.backlog};
    d->inherited.fds[which] = -1;
    return inherited >= 0 ? yq_http_server_adopt(d->base, inherited, &limits, routes)
                          : yq_http_server_new(d->base, address, &limits, routes, err);
}

/* Who sees that we listen may send at once, and shall not be told 503 for nothing. */
static void await_redis(struct yq_daemon *d)
{
    int64_t until = now_ms() + FIRST_REDIS_MS;
    while (!yq_intake_up(d->intake) && d->stop_began_ms == 0 && now_ms() < until)
        event_base_loop(d->base, EVLOOP_ONCE);
}

static int start_receiver(struct yq_daemon *d, struct yq_error *err)
{
    d->intake = yq_intake_new(d->base, d->settings, d->clock, err);
    if (d->intake == NULL)
        return -1;
    yq_heartbeat_watch_spool(d->heartbeat, yq_intake_spool(d->intake));
    await_redis(d);
    d->callback = yq_callback_new(d->settings, d->intake, d->clock);
    d->routes[0] = (struct yq_route){YQ_CALLBACK_PATH, YQ_METHOD_GET | YQ_METHOD_POST,
                                     yq_callback_handle, d->callback};
    d->routes[1] = (struct yq_route){.path = ""};
    d->public_server = listen_on(d, YQ_LISTENER_CALLBACKS, d->routes, err);
    return d->public_server != NULL ? 0 : -1;
}

static int start_admin(struct yq_daemon *d, struct yq_error *err)
{
    const char *address = address_of(d, YQ_LISTENER_ADMIN);
    if (address == NULL || address[0] == '\0')
        return 0;
    d->admin = yq_admin_new(&(struct yq_admin_options){.base = d->base,
                                                       .settings = d->settings,
                                                       .clock = d->clock,
                                                       .context = d,
                                                       .ready = is_ready,
                                                       .spool = tell_spool},
                            err);
    if (d->admin == NULL)
        return -1;
    d->admin_server = listen_on(d, YQ_LISTENER_ADMIN, yq_admin_routes(d->admin), err);
    return d->admin_server != NULL ? 0 : -1;
}

static int start_roles(struct yq_daemon *d, struct yq_error *err)
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
static void stop_roles(struct yq_daemon *d)
{
    yq_handover_free(d->handover);
    yq_inheritance_release(&d->inherited);
    yq_admin_free(d->admin);
    yq_http_server_free(d->admin_server);
    yq_heartbeat_watch_spool(d->heartbeat, NULL);
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

static void make_loop(struct yq_daemon *d)
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

static void free_loop(struct yq_daemon *d)
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
static void announce(const struct yq_daemon *d)
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
    struct yq_daemon d = {.settings = yq_settings_hold(s),
                          .reloader = reloader,
                          .clock = yq_system_clock(),
                          .roles = roles,
                          .inherited = YQ_INHERITANCE_NONE};
    yq_serve_set_log_level(s->log_level);
    yq_metric_set(YQ_METRIC_STARTED, NULL, (double)time(NULL));
    yq_metrics_begin(s);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    if (!s->core_dumps)
        yq_core_dumps_forbid();
    make_loop(&d);
    int result = inherit(&d, err);
    if (result == 0)
        result = start_roles(&d, err);
    if (result == 0)
        result = take_place(&d, err);
    if (result == 0) {
        d.ready = true;
        announce(&d);
        yq_inherit_done(&d.inherited);
        yq_inheritance_release(&d.inherited); /* what is left serves no role of ours */
        if (d.reload_wanted)
            yq_serve_reload(&d);
        event_base_dispatch(d.base);
        yq_log(YQ_LOG_INFO, "serve.stopped", NULL);
    }
    stop_roles(&d);
    free_loop(&d);
    yq_settings_free(d.settings);
    return result;
}
