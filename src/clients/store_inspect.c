/* Reading what stands in Redis for operators. */
#include "clients/store_inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define PENDING_PAGE 1000

/* ---- pairs ---- */

const char *yq_pairs_get(const struct yq_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].name, name) == 0)
            return p->items[i].value;
    }
    return NULL;
}

void yq_pairs_release(struct yq_pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].name);
        free(p->items[i].value);
    }
    free(p->items);
    *p = (struct yq_pairs){0};
}

static char *text_of(const redisReply *reply)
{
    bool is_text = reply != NULL && reply->str != NULL;
    return is_text ? yq_strndup(reply->str, reply->len) : yq_strdup("");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct yq_pair *)a)->name, ((const struct yq_pair *)b)->name);
}

/* From an array of names and values in turn. */
static void fill_pairs(const redisReply *array, struct yq_pairs *ret)
{
    size_t count = array != NULL && array->type == REDIS_REPLY_ARRAY ? array->elements / 2 : 0;
    ret->items = yq_calloc(count, sizeof(*ret->items));
    ret->count = count;
    for (size_t i = 0; i < count; i++) {
        ret->items[i].name = text_of(array->element[2 * i]);
        ret->items[i].value = text_of(array->element[2 * i + 1]);
    }
}

static const char *key_of(const struct yq_keys *keys, const char *id, const char *name,
                          char out[YQ_KEY_MAX])
{
    return id != NULL ? yq_key(keys, id, name, out) : yq_global_key(keys, name, out);
}

static int wrong_answer(struct yq_error *err)
{
    return yq_error_set(err, YQ_ERROR_INVALID, "Redis gave an answer of an unexpected form");
}

int yq_store_read_hash(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, struct yq_pairs *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(r, err, "HGETALL %s", key_of(keys, id, name, key));
    if (reply == NULL)
        return -1;
    fill_pairs(reply, ret);
    qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
    freeReplyObject(reply);
    return 0;
}

int yq_store_read_text(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, const char *field, char **ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    key_of(keys, id, name, key);
    redisReply *reply = field != NULL ? yq_redis_command(r, err, "HGET %s %s", key, field)
                                      : yq_redis_command(r, err, "GET %s", key);
    if (reply == NULL)
        return -1;
    *ret = reply->type == REDIS_REPLY_STRING ? text_of(reply) : NULL;
    freeReplyObject(reply);
    return 0;
}

int yq_store_read_list(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                       const char *name, size_t count, struct yq_pairs *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply =
        yq_redis_command(r, err, "LRANGE %s 0 %d", key_of(keys, id, name, key), (int)count - 1);
    if (reply == NULL)
        return -1;
    ret->items = yq_calloc(reply->elements, sizeof(*ret->items));
    ret->count = reply->elements;
    for (size_t i = 0; i < reply->elements; i++) {
        ret->items[i].name = yq_strdup("");
        ret->items[i].value = text_of(reply->element[i]);
    }
    freeReplyObject(reply);
    return 0;
}

int yq_store_count_hash(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        const char *name, int64_t *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(r, err, "HLEN %s", key_of(keys, id, name, key));
    if (reply == NULL)
        return -1;
    *ret = reply->integer;
    freeReplyObject(reply);
    return 0;
}

/* ---- streams ---- */

void yq_stream_entries_release(struct yq_stream_entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        yq_pairs_release(&e->items[i].fields);
    free(e->items);
    *e = (struct yq_stream_entries){0};
}

static void copy_entry_id(char out[YQ_ENTRY_MAX], const redisReply *reply)
{
    size_t len = reply->str != NULL && reply->len < YQ_ENTRY_MAX ? (size_t)reply->len : 0;
    if (len > 0)
        memcpy(out, reply->str, len);
    out[len] = '\0';
}

/* An array of [id, [name, value, …]]; an entry that was deleted meanwhile has no fields. */
static int add_entries(const redisReply *array, struct yq_stream_entries *ret, struct yq_error *err)
{
    for (size_t i = 0; i < array->elements; i++) {
        const redisReply *e = array->element[i];
        if (e->type != REDIS_REPLY_ARRAY || e->elements != 2)
            return wrong_answer(err);
        yq_grow(&ret->items, &ret->capacity, ret->count, sizeof(*ret->items));
        struct yq_stream_entry *entry = &ret->items[ret->count++];
        *entry = (struct yq_stream_entry){0};
        copy_entry_id(entry->entry, e->element[0]);
        fill_pairs(e->element[1], &entry->fields);
    }
    return 0;
}

int yq_store_read_stream(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const struct yq_stream_range *range, struct yq_stream_entries *ret,
                         struct yq_error *err)
{
    char key[YQ_KEY_MAX], count[24];
    yq_key(keys, id, range->name, key);
    snprintf(count, sizeof(count), "%zu", range->count);
    bool back = range->newest_first;
    redisReply *reply =
        yq_redis_command(r, err, "%s %s %s %s COUNT %s", back ? "XREVRANGE" : "XRANGE", key,
                         back ? range->to : range->from, back ? range->from : range->to, count);
    if (reply == NULL)
        return -1;
    int result = add_entries(reply, ret, err);
    freeReplyObject(reply);
    return result;
}

int yq_store_last_entry(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        const char *name, char ret[YQ_ENTRY_MAX], struct yq_error *err)
{
    struct yq_stream_entries found = {0};
    struct yq_stream_range newest = {name, "-", "+", true, 1};
    int result = yq_store_read_stream(r, keys, id, &newest, &found, err);
    if (result == 0)
        memcpy(ret, found.count > 0 ? found.items[0].entry : "0-0",
               found.count > 0 ? YQ_ENTRY_MAX : sizeof("0-0"));
    yq_stream_entries_release(&found);
    return result;
}

int yq_store_wait_stream(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                         const char *name, const char *after, int wait_ms,
                         struct yq_stream_entries *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX], wait[24];
    snprintf(wait, sizeof(wait), "%d", wait_ms > 0 ? wait_ms : 1);
    const char *argv[] = {"XREAD", "BLOCK", wait, "STREAMS", yq_key(keys, id, name, key), after};
    redisReply *reply = yq_redis_wait(r, wait_ms, 6, argv, err);
    int result = 0;
    if (reply == NULL)
        return -1;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->elements == 2)
        result = add_entries(reply->element[0]->element[1], ret, err);
    freeReplyObject(reply);
    return result;
}

/* ---- the group's progress ---- */

/* The answer of XINFO GROUPS: an array of groups, each names and values in turn. */
static void find_last_read(const redisReply *groups, char ret[YQ_ENTRY_MAX])
{
    for (size_t i = 0; i < groups->elements; i++) {
        struct yq_pairs group = {0};
        fill_pairs(groups->element[i], &group);
        const char *name = yq_pairs_get(&group, "name");
        const char *last = yq_pairs_get(&group, "last-delivered-id");
        if (name != NULL && last != NULL && strcmp(name, YQ_QUEUE_GROUP) == 0)
            snprintf(ret, YQ_ENTRY_MAX, "%s", last);
        yq_pairs_release(&group);
    }
}

/* One page of pending entries behind the last one; returns how many, or -1. */
static int read_pending_page(struct yq_redis *r, const char *key, struct yq_queue_progress *p,
                             struct yq_error *err)
{
    char from[YQ_ENTRY_MAX + 1] = "-";
    if (p->pending_count > 0)
        snprintf(from, sizeof(from), "(%s", p->pending[p->pending_count - 1]);
    redisReply *reply =
        yq_redis_command(r, err, "XPENDING %s %s %s + %d", key, YQ_QUEUE_GROUP, from, PENDING_PAGE);
    if (reply == NULL)
        return -1;
    int count = (int)reply->elements;
    p->pending = yq_realloc(p->pending, p->pending_count + (size_t)count + 1, YQ_ENTRY_MAX);
    for (int i = 0; i < count; i++) {
        const redisReply *row = reply->element[i];
        if (row->elements > 0)
            copy_entry_id(p->pending[p->pending_count++], row->element[0]);
    }
    freeReplyObject(reply);
    return count;
}

int yq_queue_read_progress(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           struct yq_queue_progress *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    struct yq_queue_progress p = {.last_read = "0-0"};
    struct yq_error why = {0};
    int got = 0;
    yq_key(keys, id, "events", key);
    redisReply *reply = yq_redis_command(r, &why, "XINFO GROUPS %s", key);
    if (reply == NULL && why.kind != YQ_ERROR_INVALID) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    if (reply != NULL)
        find_last_read(reply, p.last_read);
    bool has_group = reply != NULL && reply->elements > 0;
    freeReplyObject(reply);
    do
        got = has_group ? read_pending_page(r, key, &p, err) : 0;
    while (got == PENDING_PAGE);
    if (got < 0) {
        yq_queue_progress_release(&p);
        return -1;
    }
    *ret = p;
    return 0;
}

void yq_queue_progress_release(struct yq_queue_progress *p)
{
    free(p->pending);
    *p = (struct yq_queue_progress){0};
}

static int compare_entries(const void *a, const void *b)
{
    return yq_entry_compare(a, b);
}

enum yq_entry_state yq_entry_state_of(const struct yq_queue_progress *p, const char *entry)
{
    if (yq_entry_compare(entry, p->last_read) > 0)
        return YQ_ENTRY_WAITING;
    bool open = p->pending_count > 0 &&
                bsearch(entry, p->pending, p->pending_count, YQ_ENTRY_MAX, compare_entries) != NULL;
    return open ? YQ_ENTRY_PENDING : YQ_ENTRY_DONE;
}

int64_t yq_entry_ms(const char *entry)
{
    return strtoll(entry, NULL, 10);
}

int yq_entry_compare(const char *a, const char *b)
{
    char *a_end, *b_end;
    unsigned long long a_ms = strtoull(a, &a_end, 10), b_ms = strtoull(b, &b_end, 10);
    if (a_ms != b_ms)
        return a_ms < b_ms ? -1 : 1;
    unsigned long long a_seq = *a_end == '-' ? strtoull(a_end + 1, NULL, 10) : 0;
    unsigned long long b_seq = *b_end == '-' ? strtoull(b_end + 1, NULL, 10) : 0;
    return a_seq < b_seq ? -1 : a_seq > b_seq;
}
