/* Walking through the stored events that are to be sent again. */
#include "service/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store_inspect.h"

#define PAGE 500

struct walk {
    struct yq_redis *redis;
    const struct yq_keys *keys;
    const char *id;
    const struct yq_replay *replay;
    yq_replay_take *take;
    void *context;
    struct yq_replay_counts *counts;
    struct yq_queue_progress progress;
    struct yq_event_reader *reader;
    struct yq_event event;    /* reused */
    char first[YQ_ENTRY_MAX]; /* the first entry of the range that is still kept */
};

/* ---- one event ---- */

static void keep_stored(struct yq_event *e, const struct yq_delivery *d)
{
    e->kind = d->kind;
    e->subject = d->subject;
    e->at = d->at;
    yq_buf_clear(&e->data);
    yq_buf_adds(&e->data, d->data);
}

/* From its text, which a mended parser may understand better. What only its entry knows (an event
 * of a suite, or one without a text) stays as it was stored. Returns false when nothing can be
 * read. */
static bool read_anew(struct walk *w, const struct yq_delivery *d)
{
    struct yq_event *e = &w->event;
    yq_event_read(w->reader, d->raw, strlen(d->raw), e, NULL);
    if (d->raw[0] == '\0')
        (void)snprintf(e->digest, sizeof(e->digest), "%s", d->digest);
    if (e->kind == YQ_EVENT_UNKNOWN && !d->broken)
        keep_stored(e, d);
    e->source = YQ_SOURCE_REPLAY;
    e->origin = d->origin[0] != '\0' ? d->origin : d->entry;
    return e->kind != YQ_EVENT_UNKNOWN;
}

static bool was_sent_again(const struct walk *w, const struct yq_delivery *d)
{
    return d->origin[0] != '\0' && w->first[0] != '\0' &&
           yq_entry_compare(d->origin, w->first) >= 0;
}

static enum yq_replay_left judge(struct walk *w, const struct yq_delivery *d)
{
    if (yq_entry_state_of(&w->progress, d->entry) != YQ_ENTRY_DONE)
        return YQ_REPLAY_OPEN;
    if (!d->broken && !yq_event_kind_is_report(d->kind))
        return YQ_REPLAY_NO_REPORT;
    if (was_sent_again(w, d))
        return YQ_REPLAY_AGAIN;
    if (!read_anew(w, d))
        return YQ_REPLAY_UNREADABLE;
    return yq_event_kind_is_report(w->event.kind) ? YQ_REPLAY_TAKEN : YQ_REPLAY_NO_REPORT;
}

static bool is_wanted(const struct walk *w, const struct yq_delivery *d)
{
    const struct yq_event_filter *f = &w->replay->filter;
    const struct yq_event *e = &w->event;
    return yq_event_filter_takes(f, d->entry, d->kind, &d->subject, d->broken) ||
           yq_event_filter_takes(f, d->entry, e->kind, &e->subject, false);
}

static int consider(struct walk *w, const struct yq_delivery *d, struct yq_error *err)
{
    bool named = w->replay->entries != NULL;
    (void)read_anew(w, d);
    if (!named && !is_wanted(w, d))
        return 0;
    enum yq_replay_left why = judge(w, d);
    w->counts->events[why]++;
    if (why == YQ_REPLAY_TAKEN)
        return w->take != NULL ? w->take(w->context, &w->event, err) : 0;
    if (named && w->counts->why == YQ_REPLAY_TAKEN) {
        w->counts->why = why;
        memcpy(w->counts->entry, d->entry, YQ_ENTRY_MAX);
    }
    return 0;
}

/* ---- the walk ---- */

/* Up to what is the end when it begins: what it sends itself comes behind. */
static int walk_range(struct walk *w, struct yq_error *err)
{
    const struct yq_event_filter *f = &w->replay->filter;
    char from[YQ_ENTRY_MAX + 1], last[YQ_ENTRY_MAX];
    size_t count = PAGE;
    int rc = yq_store_last_entry(w->redis, w->keys, w->id, "events", last, err);
    if (f->last[0] != '\0' && yq_entry_compare(f->last, last) < 0)
        memcpy(last, f->last, sizeof(last));
    (void)snprintf(from, sizeof(from), "%s", f->first[0] != '\0' ? f->first : "-");
    while (rc == 0 && count == PAGE) {
        struct yq_deliveries page = {0};
        rc = yq_queue_range(w->redis, w->keys, w->id, from, last, false, PAGE, &page, err);
        count = page.count;
        if (w->first[0] == '\0' && count > 0)
            memcpy(w->first, page.items[0].entry, sizeof(w->first));
        for (size_t i = 0; i < count && rc == 0; i++)
            rc = consider(w, &page.items[i], err);
        if (count > 0)
            (void)snprintf(from, sizeof(from), "(%s", page.items[count - 1].entry);
        yq_deliveries_release(&page);
    }
    return rc;
}

static int by_entry(const void *a, const void *b)
{
    return yq_entry_compare(*(const char *const *)a, *(const char *const *)b);
}

static int look_up(struct walk *w, const char *entry, struct yq_error *err)
{
    struct yq_deliveries found = {0};
    int rc = yq_queue_range(w->redis, w->keys, w->id, entry, entry, false, 1, &found, err);
    if (rc == 0 && found.count == 1) {
        rc = consider(w, &found.items[0], err);
    } else if (rc == 0) {
        w->counts->events[YQ_REPLAY_MISSING]++;
        if (w->counts->why == YQ_REPLAY_TAKEN) {
            w->counts->why = YQ_REPLAY_MISSING;
            (void)snprintf(w->counts->entry, sizeof(w->counts->entry), "%s", entry);
        }
    }
    yq_deliveries_release(&found);
    return rc;
}

/* In the order in which they came, each once. */
static int walk_named(struct walk *w, struct yq_error *err)
{
    char *text = yq_strdup(w->replay->entries), *rest = NULL;
    const char **entries = yq_calloc(YQ_REPLAY_NAMED_MAX, sizeof(*entries));
    size_t count = 0;
    int rc = 0;
    for (char *e = strtok_r(text, " ", &rest); e != NULL && count < YQ_REPLAY_NAMED_MAX;
         e = strtok_r(NULL, " ", &rest))
        entries[count++] = e;
    qsort(entries, count, sizeof(*entries), by_entry);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (i == 0 || yq_entry_compare(entries[i - 1], entries[i]) != 0)
            rc = look_up(w, entries[i], err);
    }
    free(entries);
    free(text);
    return rc;
}

int yq_replay_each(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                   const struct yq_replay *replay, yq_replay_take *take, void *context,
                   struct yq_replay_counts *ret, struct yq_error *err)
{
    struct walk w = {.redis = r,
                     .keys = keys,
                     .id = id,
                     .replay = replay,
                     .take = take,
                     .context = context,
                     .counts = ret};
    *ret = (struct yq_replay_counts){0};
    if (yq_queue_read_progress(r, keys, id, &w.progress, err) != 0)
        return -1;
    w.reader = yq_event_reader_new();
    yq_event_init(&w.event);
    int rc = replay->entries != NULL ? walk_named(&w, err) : walk_range(&w, err);
    yq_event_release(&w.event);
    yq_event_reader_free(w.reader);
    yq_queue_progress_release(&w.progress);
    return rc;
}

/* ---- the command ---- */

void yq_replay_write(const struct yq_replay *replay, struct yq_buf *out)
{
    const struct yq_event_filter *f = &replay->filter;
    yq_buf_addf(out, "\"first\":\"%s\",\"last\":\"%s\",\"kind\":\"%s\",\"subject\":", f->first,
                f->last, f->by_kind ? yq_event_kind_name(f->kind) : "");
    yq_buf_add_json_string(out, f->subject);
    if (replay->entries == NULL)
        return;
    yq_buf_adds(out, ",\"entries\":");
    yq_buf_add_json_string(out, replay->entries);
}

static int copy_member(struct yq_arena *arena, const cJSON *tree, const char *name, char *out,
                       size_t size)
{
    const char *text = yq_json_text(arena, tree, name);
    return (size_t)snprintf(out, size, "%s", text != NULL ? text : "") < size ? 0 : -1;
}

int yq_replay_read(struct yq_arena *arena, const char *data, struct yq_replay *ret,
                   struct yq_error *err)
{
    struct yq_replay r = {0};
    struct yq_event_filter *f = &r.filter;
    char kind[64];
    cJSON *tree = yq_json_parse(data, strlen(data), err);
    if (tree == NULL)
        return -1;
    int rc = copy_member(arena, tree, "first", f->first, sizeof(f->first)) |
             copy_member(arena, tree, "last", f->last, sizeof(f->last)) |
             copy_member(arena, tree, "subject", f->subject, sizeof(f->subject)) |
             copy_member(arena, tree, "kind", kind, sizeof(kind));
    const char *entries = yq_json_text(arena, tree, "entries");
    r.entries = entries != NULL ? yq_arena_strdup(arena, entries) : NULL;
    f->by_kind = kind[0] != '\0';
    if (f->by_kind && yq_event_kind_parse(kind, &f->kind) != 0)
        rc = -1;
    cJSON_Delete(tree);
    if (rc != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "which events cannot be made out");
    *ret = r;
    return 0;
}
