/* The stories' words. */
#include "story.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "model/link.h"
#include "support/talk.h"
#include "support/wait.h"

#define AWAIT_MS 60000
#define PARTS_MAX 64

/* STORY=name runs that one alone; * stands for anything. */
__attribute__((constructor)) static void choose(void)
{
    if (getenv("STORY") != NULL)
        cmocka_set_test_filter(getenv("STORY"));
}

int story_over(void **state)
{
    stage_free(*state);
    *state = NULL;
    return 0;
}

struct stage *story_with(void **state, const struct stage_options *options)
{
    struct stage *s = stage_new(options);
    *state = s;
    return s;
}

struct stage *story(void **state)
{
    return story_with(state, &(struct stage_options){.seed = 1});
}

/* ---- the simulators ---- */

void tell(struct stage *s, enum stage_peer peer, const char *path, const char *format, ...)
{
    char *body;
    int64_t code = -1;
    va_list args;
    va_start(args, format);
    if (vasprintf(&body, format, args) < 0)
        abort();
    va_end(args);
    cJSON *json = stage_call(s, peer, path, "%s", body);
    if (!yq_json_int(json, "errcode", &code) || code != 0) {
        char *text = cJSON_PrintUnformatted(json);
        fail_msg("%s refuses %s: %s", path, body, text);
    }
    cJSON_Delete(json);
    free(body);
}

int64_t ask(struct stage *s, enum stage_peer peer, const char *path, const char *name)
{
    int64_t n = 0;
    char *names = yq_strdup(name), *rest = names, *word;
    cJSON *json = stage_call(s, peer, path, NULL);
    const cJSON *at = json;
    while ((word = strsep(&rest, "|")) != NULL)
        at = yq_json_get(at, word);
    (void)yq_json_item_int(at, &n); /* stays 0 */
    cJSON_Delete(json);
    free(names);
    return n;
}

static const char *text_of(const cJSON *row, const char *name)
{
    const char *text = cJSON_GetStringValue(yq_json_get(row, name));
    return text != NULL ? text : "";
}

double metric(struct stage *s, const char *series)
{
    struct talk_answer a = {0};
    double value = -1;
    size_t len = strlen(series);
    (void)talk_once(stage_admin_url(s, 0), "GET", "/metrics", NULL, NULL, 0, &a);
    for (const char *at = yq_buf_text(&a.body); at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, series, len) == 0 && at[len] == ' ')
            value = strtod(at + len, NULL);
    }
    talk_answer_release(&a);
    return value;
}

/* ---- people ---- */

static const char *department_name(const cJSON *state, const char *id)
{
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(state, "departments")) {
        if (strcmp(text_of(row, "id"), id) == 0)
            return text_of(row, "name");
    }
    return "?";
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "main,part,part", the parts sorted. */
static char *departments_of(const cJSON *state, const cJSON *person)
{
    const char *names[PARTS_MAX];
    struct yq_buf out = YQ_BUF_INIT;
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach (item, yq_json_get(person, "department")) {
        if (n < PARTS_MAX && cJSON_IsString(item))
            names[n++] = department_name(state, item->valuestring);
    }
    if (n > 2)
        qsort(names + 1, n - 1, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++)
        yq_buf_addf(&out, i > 0 ? ",%s" : "%s", names[i]);
    return yq_buf_steal(&out);
}

static void demand_value(const cJSON *state, const cJSON *person, const char *field,
                         const char *value)
{
    bool place = strcmp(field, "department") == 0;
    char *is = place ? departments_of(state, person) : yq_strdup(text_of(person, field));
    if (strcmp(is, value) != 0)
        fail_msg("%s: %s is \"%s\", not \"%s\"", text_of(person, "username"), field, is, value);
    free(is);
}

void expect_person(struct stage *s, const char *userid, ...)
{
    cJSON *state;
    va_list args;
    const cJSON *person = stage_person(s, userid, &state);
    if (person == NULL)
        fail_msg("nobody in service is linked with %s", userid);
    va_start(args, userid);
    for (const char *field; (field = va_arg(args, const char *)) != NULL;)
        demand_value(state, person, field, va_arg(args, const char *));
    va_end(args);
    cJSON_Delete(state);
}

void expect_nobody(struct stage *s, const char *userid)
{
    cJSON *state;
    const cJSON *person = stage_person(s, userid, &state);
    if (person != NULL)
        fail_msg("%s is in service as %s", userid, text_of(person, "username"));
    cJSON_Delete(state);
}

void expect_left(struct stage *s, const char *username, const char *departments)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *person = stage_person_by(state, "username", username);
    if (person == NULL)
        fail_msg("nobody is called %s", username);
    demand_value(state, person, "personnel_status", "6");
    demand_value(state, person, "department", departments);
    cJSON_Delete(state);
}

int count_people(struct stage *s, const char *username)
{
    int n = 0;
    const cJSON *row;
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, yq_json_get(state, "members")) {
        const char *status = text_of(row, "personnel_status");
        n += strcmp(text_of(row, "username"), username) == 0 && *status >= '1' && *status <= '5';
    }
    cJSON_Delete(state);
    return n;
}

char *person_id(struct stage *s, const char *userid)
{
    cJSON *state;
    char *id = yq_strdup(text_of(stage_person(s, userid, &state), "id"));
    cJSON_Delete(state);
    return id;
}

/* ---- departments ---- */

int count_departments(struct stage *s, const char *name)
{
    int n = 0;
    const cJSON *row;
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    cJSON_ArrayForEach (row, yq_json_get(state, "departments"))
        n += strcmp(text_of(row, "name"), name) == 0;
    cJSON_Delete(state);
    return n;
}

static const cJSON *find_department(const cJSON *state, const char *name, const char *parent)
{
    const char *root = text_of(state, "root");
    const cJSON *row;
    cJSON_ArrayForEach (row, yq_json_get(state, "departments")) {
        const char *under = text_of(row, "parent");
        bool placed = *parent == '\0' ? strcmp(under, root) == 0
                                      : strcmp(department_name(state, under), parent) == 0;
        if (placed && strcmp(text_of(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

void expect_department(struct stage *s, const char *name, const char *parent, unsigned wecom_id)
{
    cJSON *state = stage_call(s, STAGE_ETEAMS, "/_sim/state", NULL);
    const cJSON *row = find_department(state, name, parent);
    if (row == NULL)
        fail_msg("there is no department %s under \"%s\"", name, parent);
    if (wecom_id != 0) {
        char *link = stage_redis_text(s, "HGET yq:{acme}:link:department %u", wecom_id);
        if (strstr(link, text_of(row, "id")) == NULL)
            fail_msg("department %u is not linked with %s: %s", wecom_id, name, link);
        free(link);
    }
    cJSON_Delete(state);
}

/* ---- what Redis and the log say ---- */

char *last_audit(struct stage *s, const char *subject)
{
    char *entry = stage_redis_text(s, "LINDEX yq:{acme}:audit:%s 0", subject);
    char *text = *entry != '\0' ? stage_redis_text(s, "XRANGE yq:{acme}:audit %s %s", entry, entry)
                                : yq_strdup("");
    free(entry);
    return text;
}

void expect_in_audit(struct stage *s, const char *subject, const char *text)
{
    char *audit = last_audit(s, subject);
    if (strstr(audit, text) == NULL)
        fail_msg("the audit of %s does not say \"%s\" but\n%s", subject, text, audit);
    free(audit);
}

void expect_dead(struct stage *s, int count)
{
    char *dead = stage_redis_text(s, "XRANGE yq:{acme}:dead - +");
    char *length = stage_redis_text(s, "XLEN yq:{acme}:dead");
    if (atoi(length) != count)
        fail_msg("%s dead letters, not %d:\n%s", length, count, dead);
    free(length);
    free(dead);
}

static bool log_has(struct stage *s, int daemon, const char *text)
{
    char *log = stage_daemon_log(s, daemon);
    bool found = strstr(log, text) != NULL;
    free(log);
    return found;
}

void expect_logged(struct stage *s, int daemon, const char *text)
{
    if (!log_has(s, daemon, text)) {
        char *log = stage_daemon_log(s, daemon);
        fail_msg("daemon %d did not log \"%s\" but\n%s", daemon, text, log);
    }
}

void expect_all_well(struct stage *s)
{
    if (stage_noop_rows(s) != 0) {
        cJSON *json = stage_call(s, STAGE_ETEAMS, "/_sim/writes", NULL);
        fail_msg("rows were written that changed nothing: %s", cJSON_PrintUnformatted(json));
    }
    expect_dead(s, 0);
    char *retry = stage_redis_text(s, "HGETALL yq:{acme}:retry");
    if (*retry != '\0')
        fail_msg("something waits:\n%s", retry);
    free(retry);
}

/* ---- waiting ---- */

struct wait {
    struct stage *s;
    bool (*condition)(struct stage *s);
    int daemon;
    const char *text;
};

static bool holds(void *arg)
{
    struct wait *w = arg;
    return w->condition(w->s);
}

void await(struct stage *s, bool (*condition)(struct stage *s), const char *what)
{
    struct wait w = {.s = s, .condition = condition};
    if (!yq_wait_until(holds, &w, AWAIT_MS))
        fail_msg("in vain awaited: %s", what);
}

static bool is_logged(void *arg)
{
    struct wait *w = arg;
    return log_has(w->s, w->daemon, w->text);
}

void await_log(struct stage *s, int daemon, const char *text)
{
    struct wait w = {.s = s, .daemon = daemon, .text = text};
    if (!yq_wait_until(is_logged, &w, AWAIT_MS))
        expect_logged(s, daemon, text);
}

/* ---- WeCom's deliveries ---- */

void hold_events(struct stage *s)
{
    tell(s, STAGE_WECOM, "/_sim/delivery", "{\"mode\":\"hold\"}");
}

void release_events(struct stage *s, const char *how)
{
    tell(s, STAGE_WECOM, "/_sim/deliver", "%s", how);
}

static bool is_delivered(struct stage *s)
{
    return ask(s, STAGE_WECOM, "/_sim/deliveries", "pending") == 0;
}

void await_deliveries(struct stage *s)
{
    await(s, is_delivered, "WeCom has delivered all");
}

void release_together(struct stage *s, const char *how)
{
    expect_command(s, 0, "pause", "acme", NULL);
    release_events(s, how);
    await_deliveries(s);
    expect_command(s, 0, "resume", "acme", NULL);
}

/* ---- WeCom's console ---- */

void wecom_department(struct stage *s, unsigned id, const char *name, unsigned parent)
{
    stage_wecom_change(s, "{\"do\":\"create_department\",\"id\":%u,\"name\":\"%s\",\"parent\":%u}",
                       id, name, parent);
}

void wecom_member(struct stage *s, const char *userid, const char *name, const char *departments)
{
    uint64_t hash = yq_agreed_hash(userid);
    stage_wecom_change(s,
                       "{\"do\":\"create_member\",\"userid\":\"%s\",\"name\":\"%s\","
                       "\"departments\":[%s],\"mobile\":\"139%08u\",\"gender\":\"2\"}",
                       userid, name, departments, (unsigned)(hash % 100000000));
}
