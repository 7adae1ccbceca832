/* Gathering what Redis holds about one subject. */
#include "service/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "explain_answer.h"
#include "model/link.h"
#include "plan/held.h"

#define STEPS_MAX 64   /* the list of a subject holds no more */
#define SCAN_PAGE 500  /* entries of the stream read at once */
#define SCAN_MAX 20000 /* and in all: the newest ones */
#define DEAD_MAX 1000

struct gathering {
    struct yq_redis *r;
    const struct yq_keys *keys;
    const char *id;
    struct yq_explain *e;
    struct yq_error *err;
};

static const char *copy(struct gathering *g, const char *text)
{
    return yq_arena_strdup(g->e->arena, text != NULL ? text : "");
}

/* ---- reasons: a word, or {"word","reason","args":[…]} ---- */

struct yq_reason yq_explain_reason(struct yq_arena *arena, const cJSON *tree)
{
    struct yq_reason reason = {0};
    const char *name = yq_json_text(arena, tree, "reason");
    const cJSON *arg;
    size_t i = 0;
    if (name == NULL || yq_reason_parse(name, &reason.code) != 0)
        return (struct yq_reason){0};
    cJSON_ArrayForEach (arg, yq_json_get(tree, "args")) {
        if (i < 3 && cJSON_IsString(arg))
            reason.args[i++] = yq_arena_strdup(arena, arg->valuestring);
    }
    return reason;
}

static void read_result(struct gathering *g, const char *text, struct yq_explain_step *step)
{
    cJSON *tree = text[0] == '{' ? yq_json_parse(text, strlen(text), NULL) : NULL;
    const char *word = yq_json_text(g->e->arena, tree, "word");
    step->word = copy(g, word != NULL ? word : text);
    step->reason = yq_explain_reason(g->e->arena, tree);
    cJSON_Delete(tree);
}

/* ---- steps: the audit ---- */

/* Values may be texts, numbers or lists: all but texts are shown as JSON. */
static const char *value_text(struct gathering *g, const cJSON *item)
{
    if (item == NULL || cJSON_IsNull(item))
        return NULL;
    if (cJSON_IsString(item))
        return copy(g, item->valuestring);
    char *text = cJSON_PrintUnformatted(item);
    const char *ret = copy(g, text);
    cJSON_free(text);
    return ret;
}

static void add_change(struct gathering *g, struct yq_explain_step *step, const cJSON *before,
                       const cJSON *after, const char *field)
{
    struct yq_explain_change *c = &step->changes[step->change_count++];
    *c = (struct yq_explain_change){0};
    c->field = copy(g, field);
    c->before = value_text(g, yq_json_get(before, field));
    c->after = value_text(g, yq_json_get(after, field));
}

static void read_changes(struct gathering *g, const struct yq_pairs *fields,
                         struct yq_explain_step *step)
{
    const char *texts[] = {yq_pairs_get(fields, "before"), yq_pairs_get(fields, "after")};
    cJSON *sides[2], *item;
    size_t room = 0;
    for (int i = 0; i < 2; i++) {
        sides[i] = texts[i] != NULL ? yq_json_parse(texts[i], strlen(texts[i]), NULL) : NULL;
        room += (size_t)cJSON_GetArraySize(sides[i]);
    }
    step->changes = yq_arena_alloc(g->e->arena, (room + 1) * sizeof(*step->changes));
    cJSON_ArrayForEach (item, sides[1]) {
        if (item->string != NULL)
            add_change(g, step, sides[0], sides[1], item->string);
    }
    cJSON_ArrayForEach (item, sides[0]) {
        if (item->string != NULL && yq_json_get(sides[1], item->string) == NULL)
            add_change(g, step, sides[0], sides[1], item->string);
    }
    cJSON_Delete(sides[0]);
    cJSON_Delete(sides[1]);
}

static void read_step(struct gathering *g, const struct yq_stream_entry *entry,
                      struct yq_explain_step *step)
{
    const struct yq_pairs *f = &entry->fields;
    const char *result = yq_pairs_get(f, "result");
    memcpy(step->entry, entry->entry, YQ_ENTRY_MAX);
    step->ms = yq_entry_ms(entry->entry);
    step->run = copy(g, yq_pairs_get(f, "run"));
    step->events = copy(g, yq_pairs_get(f, "event"));
    step->rule = copy(g, yq_pairs_get(f, "rule"));
    step->op = copy(g, yq_pairs_get(f, "op"));
    read_result(g, result != NULL ? result : "", step);
    yq_explain_take_answer(g->e->arena, step);
    read_changes(g, f, step);
}

/* The list holds the newest first; what was trimmed from the stream is left out. */
static int gather_steps(struct gathering *g)
{
    struct yq_pairs ids = {0};
    char name[YQ_SUBJECT_MAX + 8];
    snprintf(name, sizeof(name), "audit:%s", g->e->key);
    int result = yq_store_read_list(g->r, g->keys, g->id, name, STEPS_MAX, &ids, g->err);
    g->e->steps = yq_arena_alloc(g->e->arena, (ids.count + 1) * sizeof(*g->e->steps));
    for (size_t i = ids.count; i-- > 0 && result == 0;) {
        const char *entry = ids.items[i].value;
        struct yq_stream_range one = {"audit", entry, entry, false, 1};
        struct yq_stream_entries found = {0};
        result = yq_store_read_stream(g->r, g->keys, g->id, &one, &found, g->err);
        if (result == 0 && found.count == 1)
            read_step(g, &found.items[0], &g->e->steps[g->e->step_count++]);
        yq_stream_entries_release(&found);
    }
    yq_pairs_release(&ids);
    return result;
}

/* ---- events ---- */

static struct yq_explain_event *new_event(struct yq_explain *e)
{
    yq_grow(&e->events, &e->event_capacity, e->event_count, sizeof(*e->events));
    struct yq_explain_event *event = &e->events[e->event_count++];
    *event = (struct yq_explain_event){.source = ""};
    return event;
}

static bool has_event(const struct yq_explain *e, const char *entry)
{
    for (size_t i = 0; i < e->event_count; i++) {
        if (strcmp(e->events[i].entry, entry) == 0)
            return true;
    }
    return false;
}

static void add_delivery(struct gathering *g, const struct yq_delivery *d,
                         const struct yq_queue_progress *progress)
{
    char key[YQ_SUBJECT_MAX];
    yq_subject_key(&d->subject, key);
    if (d->broken || strcmp(key, g->e->key) != 0)
        return;
    struct yq_explain_event *event = new_event(g->e);
    memcpy(event->entry, d->entry, YQ_ENTRY_MAX);
    event->kind = d->kind;
    event->source = copy(g, d->source);
    event->ms = d->queued_ms;
    event->state = yq_entry_state_of(progress, d->entry);
}

/* The newest entries of the stream, for those that are about the subject. */
static int scan_events(struct gathering *g, const struct yq_queue_progress *progress)
{
    char last[YQ_ENTRY_MAX + 1] = "+";
    size_t got = SCAN_PAGE;
    for (size_t seen = 0; got == SCAN_PAGE && seen < SCAN_MAX; seen += got) {
        struct yq_deliveries page = {0};
        if (yq_queue_range(g->r, g->keys, g->id, "-", last, true, SCAN_PAGE, &page, g->err) != 0)
            return -1;
        got = page.count;
        for (size_t i = 0; i < got; i++)
            add_delivery(g, &page.items[i], progress);
        if (got > 0)
            snprintf(last, sizeof(last), "(%s", page.items[got - 1].entry);
        yq_deliveries_release(&page);
    }
    return 0;
}

/* An event that a step names: of another subject, or trimmed. */
static int add_named_event(struct gathering *g, const char *entry,
                           const struct yq_queue_progress *progress)
{
    struct yq_deliveries found = {0};
    if (has_event(g->e, entry))
        return 0;
    if (yq_queue_range(g->r, g->keys, g->id, entry, entry, false, 1, &found, g->err) != 0)
        return -1;
    struct yq_explain_event *event = new_event(g->e);
    snprintf(event->entry, sizeof(event->entry), "%s", entry);
    event->ms = yq_entry_ms(entry);
    event->gone = found.count == 0 || found.items[0].broken;
    event->state = YQ_ENTRY_DONE; /* only what is settled is trimmed */
    if (!event->gone) {
        event->state = yq_entry_state_of(progress, entry);
        event->kind = found.items[0].kind;
        event->source = copy(g, found.items[0].source);
    }
    yq_deliveries_release(&found);
    return 0;
}

static int by_entry(const void *a, const void *b)
{
    return yq_entry_compare(((const struct yq_explain_event *)a)->entry,
                            ((const struct yq_explain_event *)b)->entry);
}

static int gather_events(struct gathering *g)
{
    struct yq_queue_progress progress = {0};
    int result = yq_queue_read_progress(g->r, g->keys, g->id, &progress, g->err);
    if (result == 0)
        result = scan_events(g, &progress);
    for (size_t i = 0; i < g->e->step_count && result == 0; i++) {
        char *ids = yq_strdup(g->e->steps[i].events), *rest = NULL;
        for (char *id = strtok_r(ids, " ", &rest); id != NULL && result == 0;
             id = strtok_r(NULL, " ", &rest))
            result = add_named_event(g, id, &progress);
        free(ids);
    }
    if (g->e->event_count > 1)
        qsort(g->e->events, g->e->event_count, sizeof(*g->e->events), by_entry);
    yq_queue_progress_release(&progress);
    return result;
}

/* ---- how it stands ---- */

static int gather_link(struct gathering *g)
{
    struct yq_explain *e = g->e;
    bool member = e->subject.kind == YQ_SUBJECT_MEMBER;
    const char *field = strchr(e->key, ':') + 1;
    char *json = NULL;
    if (yq_store_read_text(g->r, g->keys, g->id, member ? "link:member" : "link:department", field,
                           &json, g->err) != 0)
        return -1;
    struct yq_link_member m;
    struct yq_link_department d;
    if (json != NULL && member &&
        yq_link_member_read(e->arena, field, json, strlen(json), &m, NULL) == 0) {
        e->link.eteams = m.eteams;
        e->link.how = copy(g, m.how);
        e->link.ms = m.at;
        e->link.left = m.left;
        e->link.posts = m.post_count;
    } else if (json != NULL && !member &&
               yq_link_department_read(e->arena, e->subject.id, json, strlen(json), &d, NULL) ==
                   0) {
        e->link.eteams = d.eteams;
        e->link.how = copy(g, d.how);
        e->link.ms = d.at;
    }
    free(json);
    return 0;
}

static int gather_retry(struct gathering *g)
{
    struct yq_attempts all = {0};
    if (yq_store_load_attempts(g->r, g->keys, g->id, &all, g->err) != 0)
        return -1;
    for (size_t i = 0; i < all.count; i++) {
        const struct yq_attempt *a = &all.items[i];
        if (strcmp(a->key, g->e->key) != 0)
            continue;
        g->e->retry.there = true;
        g->e->retry.running = a->running;
        g->e->retry.attempts = a->attempts;
        g->e->retry.next_ms = a->next_ms;
        g->e->retry.error = copy(g, a->error);
    }
    yq_attempts_release(&all);
    return 0;
}

static int gather_case(struct gathering *g)
{
    char *json = NULL;
    if (yq_store_read_text(g->r, g->keys, g->id, "cases", g->e->key, &json, g->err) != 0)
        return -1;
    if (json != NULL) {
        cJSON *tree = yq_json_parse(json, strlen(json), NULL);
        g->e->open_case.there = true;
        g->e->open_case.reason = yq_explain_reason(g->e->arena, tree);
        (void)yq_json_int(tree, "at", &g->e->open_case.ms);
        cJSON_Delete(tree);
    }
    free(json);
    return 0;
}

/* The plan, of those that still wait for approval, that holds the subject. */
static int gather_held(struct gathering *g)
{
    struct yq_pairs hashes = {0};
    int result = yq_store_read_hash(g->r, g->keys, g->id, "held", &hashes, g->err);
    for (size_t i = 0; i < hashes.count && result == 0 && g->e->held.hash == NULL; i++) {
        char *json = NULL;
        result = yq_store_read_plan(g->r, g->keys, g->id, hashes.items[i].name, &json, g->err);
        struct yq_held_plan *h = json != NULL ? yq_held_read(json, strlen(json), NULL) : NULL;
        if (h != NULL && yq_held_find(h, g->e->key) != NULL) {
            g->e->held.hash = copy(g, h->hash);
            g->e->held.ms = h->at;
            g->e->held.people = h->people;
        }
        yq_held_free(h);
        free(json);
    }
    yq_pairs_release(&hashes);
    return result;
}

/* The newest dead letter of the subject. */
static int gather_dead(struct gathering *g)
{
    struct yq_stream_range newest = {"dead", "-", "+", true, DEAD_MAX};
    struct yq_stream_entries dead = {0};
    int result = yq_store_read_stream(g->r, g->keys, g->id, &newest, &dead, g->err);
    for (size_t i = 0; i < dead.count && g->e->dead.entry == NULL; i++) {
        const struct yq_pairs *f = &dead.items[i].fields;
        const char *text = yq_pairs_get(f, "subject");
        struct yq_subject subject;
        char key[YQ_SUBJECT_MAX];
        if (text == NULL || yq_subject_parse(text, &subject, NULL) != 0)
            continue;
        yq_subject_key(&subject, key);
        if (strcmp(key, g->e->key) != 0)
            continue;
        g->e->dead.entry = copy(g, yq_pairs_get(f, "event"));
        g->e->dead.attempts = copy(g, yq_pairs_get(f, "attempts"));
        g->e->dead.error = copy(g, yq_pairs_get(f, "error"));
        g->e->dead.ms = yq_entry_ms(dead.items[i].entry);
    }
    yq_stream_entries_release(&dead);
    return result;
}

/* ---- names ---- */

static int name_of(struct gathering *g, const char *department, const char **ret)
{
    char key[YQ_KEY_MAX];
    if (department == NULL || department[0] == '\0')
        return 0;
    redisReply *reply = yq_redis_command(g->r, g->err, "HGET %s %s",
                                         yq_key(g->keys, g->id, "names", key), department);
    if (reply == NULL)
        return -1;
    if (reply->type == REDIS_REPLY_STRING)
        *ret = copy(g, reply->str);
    freeReplyObject(reply);
    return 0;
}

/* Nobody knows a department by its id. */
static int gather_names(struct gathering *g)
{
    for (size_t i = 0; i < g->e->step_count; i++) {
        const struct yq_explain_step *s = &g->e->steps[i];
        for (size_t k = 0; k < s->change_count; k++) {
            struct yq_explain_change *c = &s->changes[k];
            if (strcmp(c->field, "department") != 0 && strcmp(c->field, "parent") != 0 &&
                strcmp(c->field, "post") != 0)
                continue;
            if (name_of(g, c->before, &c->before_name) != 0 ||
                name_of(g, c->after, &c->after_name) != 0)
                return -1;
        }
    }
    return 0;
}

int yq_explain_gather(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                      const struct yq_subject *subject, struct yq_explain *ret,
                      struct yq_error *err)
{
    *ret = (struct yq_explain){.arena = yq_arena_new(), .subject = *subject};
    struct gathering g = {r, keys, id, ret, err};
    yq_subject_key(subject, ret->key);
    if (gather_steps(&g) != 0 || gather_events(&g) != 0 || gather_link(&g) != 0 ||
        gather_retry(&g) != 0 || gather_case(&g) != 0 || gather_held(&g) != 0 ||
        gather_dead(&g) != 0 || gather_names(&g) != 0 ||
        yq_explain_gather_compared(r, keys, id, ret, err) != 0 ||
        yq_explain_gather_found(r, keys, id, ret, err) != 0)
        return -1;
    return 0;
}

void yq_explain_release(struct yq_explain *e)
{
    free(e->events);
    yq_arena_free(e->arena);
    *e = (struct yq_explain){0};
}
