/* What came in: counts per path, calls in flight, the last raw requests; and the limits that follow
 * from it (wecom.md §6.1). */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "wecom_sim.h"

#define WIRE 500              /* requests kept */
#define WIRE_BODY (64 * 1024) /* bytes kept of each */

struct path {
    char *name;
    uint64_t calls, window_calls;
    int64_t window_ends_ms, blocked_until_ms;
    size_t in_flight, max_in_flight;
    struct wecom_traffic *traffic;
    UT_hash_handle hh;
};

struct wire {
    char *method, *path, *query, *body;
};

struct wecom_traffic {
    struct path *paths;
    uint64_t calls;
    size_t in_flight, max_in_flight;
    struct wire wire[WIRE];
    uint64_t wired; /* requests ever seen; the newest is wire[(wired - 1) % WIRE] */
};

static struct path *path_of(struct wecom_traffic *t, const char *name)
{
    struct path *p;
    HASH_FIND_STR(t->paths, name, p);
    if (p == NULL) {
        p = yq_calloc(1, sizeof *p);
        p->name = yq_strdup(name);
        p->traffic = t;
        HASH_ADD_KEYPTR(hh, t->paths, p->name, strlen(p->name), p);
    }
    return p;
}

static void wire_free(struct wire *x)
{
    free(x->method);
    free(x->path);
    free(x->query);
    free(x->body);
    *x = (struct wire){NULL, NULL, NULL, NULL};
}

struct wecom_traffic *wecom_traffic_new(void)
{
    return yq_calloc(1, sizeof(struct wecom_traffic));
}

static void forget_wire(struct wecom_traffic *t)
{
    for (size_t i = 0; i < WIRE; i++)
        wire_free(&t->wire[i]);
    t->wired = 0;
}

void wecom_traffic_free(struct wecom_traffic *t)
{
    struct path *p, *next;
    if (t == NULL)
        return;
    HASH_ITER (hh, t->paths, p, next) {
        HASH_DEL(t->paths, p);
        free(p->name);
        free(p);
    }
    forget_wire(t);
    free(t);
}

void wecom_traffic_reset(struct wecom *w)
{
    struct wecom_traffic *t = w->traffic;
    for (struct path *p = t->paths; p != NULL; p = p->hh.next) {
        p->calls = p->window_calls = 0;
        p->max_in_flight = p->in_flight;
    }
    t->calls = 0;
    t->max_in_flight = t->in_flight;
    forget_wire(t);
    wecom_traffic_forget_limits(w);
}

/* The query as JSON text, without what is secret in it. */
static char *safe_query(const struct sim_request *r)
{
    static const char *const names[] = {"corpid",  "userid", "department_id", "id",
                                        "agentid", "tagid",  "fetch_child",   "debug"};
    struct yq_buf out = YQ_BUF_INIT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = sim_query(r, names[i]);
        if (value != NULL)
            yq_buf_addf(&out, "%s%s=%s", out.len ? "&" : "", names[i], value);
    }
    return yq_buf_steal(&out);
}

void wecom_traffic_note(struct wecom *w, const struct sim_request *r)
{
    struct wecom_traffic *t = w->traffic;
    struct wire *x = &t->wire[t->wired++ % WIRE];
    wire_free(x);
    x->method = yq_strdup(r->method);
    x->path = yq_strdup(r->path);
    x->query = safe_query(r);
    x->body = yq_strndup(r->body, r->body_len < WIRE_BODY ? r->body_len : WIRE_BODY);
    path_of(t, r->path)->calls++;
    t->calls++;
}

int wecom_traffic_limit(struct wecom *w, const char *name)
{
    struct path *p = path_of(w->traffic, name);
    const struct wecom_settings *s = &w->settings;
    int64_t now = sim_now_ms();
    if (now < p->blocked_until_ms)
        return 45009;
    if (s->rate > 0) {
        if (now >= p->window_ends_ms) {
            p->window_ends_ms = now + s->window_s * 1000;
            p->window_calls = 0;
        }
        if (++p->window_calls > (uint64_t)s->rate) {
            p->blocked_until_ms = now + s->window_s * 1000;
            return 45009;
        }
    }
    return s->concurrency > 0 && p->in_flight >= (size_t)s->concurrency ? 45033 : 0;
}

void wecom_traffic_block(struct wecom *w, const char *name, int64_t seconds)
{
    path_of(w->traffic, name)->blocked_until_ms = sim_now_ms() + seconds * 1000;
}

void wecom_traffic_forget_limits(struct wecom *w)
{
    for (struct path *p = w->traffic->paths; p != NULL; p = p->hh.next)
        p->blocked_until_ms = p->window_ends_ms = 0;
}

static void on_over(void *arg)
{
    struct path *p = arg;
    p->in_flight--;
    p->traffic->in_flight--;
}

void wecom_traffic_busy(struct wecom *w, const char *name, struct sim_reply *reply)
{
    struct wecom_traffic *t = w->traffic;
    struct path *p = path_of(t, name);
    if (++p->in_flight > p->max_in_flight)
        p->max_in_flight = p->in_flight;
    if (++t->in_flight > t->max_in_flight)
        t->max_in_flight = t->in_flight;
    reply->over = on_over;
    reply->over_arg = p;
}

void wecom_traffic_put(struct wecom *w, struct yq_buf *out)
{
    const struct wecom_traffic *t = w->traffic;
    wecom_put_int(out, "calls", (int64_t)t->calls);
    wecom_put_int(out, "in_flight", (int64_t)t->in_flight);
    wecom_put_int(out, "max_in_flight", (int64_t)t->max_in_flight);
    wecom_put_name(out, "paths");
    yq_buf_addc(out, '{');
    for (const struct path *p = t->paths; p != NULL; p = p->hh.next) {
        if (p->calls == 0)
            continue;
        wecom_put_comma(out);
        yq_buf_add_json_string(out, p->name);
        yq_buf_adds(out, ":{");
        wecom_put_int(out, "calls", (int64_t)p->calls);
        wecom_put_int(out, "max_in_flight", (int64_t)p->max_in_flight);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, '}');
}

void wecom_wire_put(struct wecom *w, struct yq_buf *out, size_t n)
{
    const struct wecom_traffic *t = w->traffic;
    size_t kept = t->wired < WIRE ? (size_t)t->wired : WIRE;
    n = n < kept ? n : kept;
    wecom_put_name(out, "requests");
    yq_buf_addc(out, '[');
    for (uint64_t i = t->wired - n; i < t->wired; i++) {
        const struct wire *x = &t->wire[i % WIRE];
        wecom_put_comma(out);
        yq_buf_addc(out, '{');
        wecom_put_text(out, "method", x->method);
        wecom_put_text(out, "path", x->path);
        wecom_put_text(out, "query", x->query);
        wecom_put_text(out, "body", x->body);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}
