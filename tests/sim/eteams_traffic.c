/* What came over the wire. */
#include "eteams_traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eteams_print.h"

/* The length of the secret behind its name: `":"…"` in JSON, `=…&` in a form; *ret_at is its start.
 */
static size_t secret_after(const char *text, size_t *ret_at)
{
    size_t at = strspn(text, "\" \t\r\n:=");
    *ret_at = at;
    return at == 0 ? 0 : strcspn(text + at, "\"&, }\r\n");
}

/* The body as it came, with "***" for everything secret. */
static char *without_secrets(const char *body)
{
    static const char *const names[] = {"access_token", "refresh_token", "app_secret"};
    struct yq_buf out = YQ_BUF_INIT;
    while (*body != '\0') {
        size_t name = 0, at = 0, len = 0;
        for (size_t i = 0; i < 3 && len == 0; i++) {
            name = strlen(names[i]);
            if (strncmp(body, names[i], name) == 0)
                len = secret_after(body + name, &at);
        }
        if (len == 0) {
            yq_buf_addc(&out, *body++);
            continue;
        }
        yq_buf_add(&out, body, name + at);
        yq_buf_adds(&out, "***");
        body += name + at + len;
    }
    return yq_buf_steal(&out);
}

void et_traffic_came(struct et_traffic *t, const char *path, const char *body)
{
    size_t i = t->wire_seq++ % ET_WIRE;
    free(t->wire[i].path);
    free(t->wire[i].body);
    t->wire[i].path = yq_strdup(path);
    t->wire[i].body = without_secrets(body);
}

static void count_call(struct et_traffic *t, const char *path, size_t rows)
{
    size_t i = 0;
    while (i < t->path_count && strcmp(t->paths[i].path, path) != 0)
        i++;
    if (i == ET_PATHS)
        return; /* more than the interface has: somebody asks at random */
    if (i == t->path_count)
        t->paths[t->path_count++].path = yq_strdup(path);
    t->paths[i].calls++;
    t->paths[i].rows += rows;
}

static void on_over(void *arg)
{
    struct et_traffic *t = arg;
    t->flying--;
}

void et_traffic_answered(struct et_traffic *t, const char *path, size_t rows,
                         struct sim_reply *reply)
{
    count_call(t, path, rows);
    if (++t->flying > t->max_flying)
        t->max_flying = t->flying;
    reply->over = on_over;
    reply->over_arg = t;
}

void et_traffic_print_calls(const struct et_traffic *t, struct yq_buf *out)
{
    yq_buf_adds(out, "{\"calls\":{");
    for (size_t i = 0; i < t->path_count; i++) {
        et_print_name(out, t->paths[i].path);
        yq_buf_addf(out, "{\"calls\":%llu,\"rows\":%llu}", (unsigned long long)t->paths[i].calls,
                    (unsigned long long)t->paths[i].rows);
    }
    yq_buf_addf(out, "},\"in_flight\":%zu,\"max_in_flight\":%zu}", t->flying, t->max_flying);
}

void et_traffic_print_wire(const struct et_traffic *t, size_t n, struct yq_buf *out)
{
    uint64_t first = t->wire_seq > ET_WIRE ? t->wire_seq - ET_WIRE : 0;
    if (t->wire_seq - first > n)
        first = t->wire_seq - n;
    yq_buf_addc(out, '[');
    for (uint64_t seq = first; seq < t->wire_seq; seq++) {
        yq_buf_adds(out, seq > first ? ",{\"path\":" : "{\"path\":");
        yq_buf_add_json_string(out, t->wire[seq % ET_WIRE].path);
        yq_buf_adds(out, ",\"body\":");
        yq_buf_add_json_string(out, t->wire[seq % ET_WIRE].body);
        yq_buf_addc(out, '}');
    }
    yq_buf_addc(out, ']');
}

void et_traffic_reset_calls(struct et_traffic *t)
{
    for (size_t i = 0; i < t->path_count; i++)
        free(t->paths[i].path);
    t->path_count = 0;
    t->max_flying = t->flying;
    memset(t->paths, 0, sizeof(t->paths));
}

void et_traffic_release(struct et_traffic *t)
{
    et_traffic_reset_calls(t);
    for (size_t i = 0; i < ET_WIRE; i++) {
        free(t->wire[i].path);
        free(t->wire[i].body);
    }
    *t = (struct et_traffic){.flying = t->flying, .max_flying = t->flying};
}
