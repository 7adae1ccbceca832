/* Reading what a connection remembers, straight from Redis. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/store.h"

#define FIELDS_AT_ONCE 500

/* ---- links ---- */

/* Takes what stands in a hash under one field. Returns 0, or -1 with an error. */
typedef int (*take_field)(struct yq_view *v, const char *field, const redisReply *value,
                          struct yq_error *err);

static int take_all(struct yq_view *v, const char *const *fields, const redisReply *values,
                    take_field take, struct yq_error *err)
{
    for (size_t i = 0; i < values->elements; i++) {
        if (values->element[i]->type != REDIS_REPLY_STRING) /* nil: not in the hash */
            continue;
        if (take(v, fields[i], values->element[i], err) < 0)
            return -1;
    }
    return 0;
}

/* HMGET of many fields, in parts. */
static int load_fields(struct yq_redis *r, const char *key, const char *const *fields, size_t count,
                       take_field take, struct yq_view *v, struct yq_error *err)
{
    const char *argv[FIELDS_AT_ONCE + 2] = {"HMGET", key};
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < FIELDS_AT_ONCE ? count - at : FIELDS_AT_ONCE;
        memcpy(argv + 2, fields + at, n * sizeof(*fields));
        redisReply *reply = yq_redis_argv(r, (int)n + 2, argv, NULL, err);
        if (reply == NULL)
            return -1;
        int rc = take_all(v, fields + at, reply, take, err);
        freeReplyObject(reply);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int take_department_link(struct yq_view *v, const char *field, const redisReply *value,
                                struct yq_error *err)
{
    struct yq_link_department l;
    uint32_t id;
    if (yq_wecom_id_parse(field, strlen(field), &id) < 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "link of a malformed department id");
    if (yq_link_department_read(v->arena, id, value->str, (size_t)value->len, &l, err) < 0)
        return yq_error_prefix(err, field);
    yq_view_set_department_link(v, &l);
    return 0;
}

static int take_member_link(struct yq_view *v, const char *field, const redisReply *value,
                            struct yq_error *err)
{
    struct yq_link_member l;
    if (yq_link_member_read(v->arena, field, value->str, (size_t)value->len, &l, err) < 0)
        return yq_error_prefix(err, field);
    yq_view_set_member_link(v, &l);
    return 0;
}

int yq_store_load_department_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                   const uint32_t *ids, size_t count, struct yq_view *v,
                                   struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    struct yq_arena *arena = yq_arena_new();
    const char **fields = yq_arena_alloc(arena, count * sizeof(*fields));
    for (size_t i = 0; i < count; i++)
        fields[i] = yq_arena_printf(arena, "%" PRIu32, ids[i]);
    int rc = load_fields(r, yq_key(keys, id, "link:department", key), fields, count,
                         take_department_link, v, err);
    yq_arena_free(arena);
    return rc;
}

int yq_store_load_member_links(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                               const char *const *userids, size_t count, struct yq_view *v,
                               struct yq_error *err)
{
    char key[YQ_KEY_MAX], lower[YQ_USERID_MAX + 1];
    struct yq_arena *arena = yq_arena_new();
    const char **fields = yq_arena_alloc(arena, count * sizeof(*fields));
    for (size_t i = 0; i < count; i++) {
        yq_userid_key(userids[i], lower);
        fields[i] = yq_arena_strdup(arena, lower);
    }
    int rc = load_fields(r, yq_key(keys, id, "link:member", key), fields, count, take_member_link,
                         v, err);
    yq_arena_free(arena);
    return rc;
}

/* ---- owners ---- */

/* Whom the reverse hash names for these records; unknown ones are left out. The names are in the
 * arena. Returns how many, or -1. */
static int find_owners(struct yq_redis *r, const char *key, const char *const *eteams_ids,
                       size_t count, struct yq_arena *arena, const char **ret_names,
                       struct yq_error *err)
{
    const char *argv[FIELDS_AT_ONCE + 2] = {"HMGET", key};
    int found = 0;
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < FIELDS_AT_ONCE ? count - at : FIELDS_AT_ONCE;
        memcpy(argv + 2, eteams_ids + at, n * sizeof(*eteams_ids));
        redisReply *reply = yq_redis_argv(r, (int)n + 2, argv, NULL, err);
        if (reply == NULL)
            return -1;
        for (size_t i = 0; i < reply->elements; i++) {
            if (reply->element[i]->type == REDIS_REPLY_STRING)
                ret_names[found++] = yq_arena_strdup(arena, reply->element[i]->str);
        }
        freeReplyObject(reply);
    }
    return found;
}

static int load_owners(struct yq_redis *r, const char *owners, const char *links,
                       const char *const *eteams_ids, size_t count, take_field take,
                       struct yq_view *v, struct yq_error *err)
{
    struct yq_arena *arena = yq_arena_new();
    const char **names = yq_arena_alloc(arena, count * sizeof(*names));
    int found = find_owners(r, owners, eteams_ids, count, arena, names, err);
    int rc = found < 0 ? -1 : load_fields(r, links, names, (size_t)found, take, v, err);
    yq_arena_free(arena);
    return rc;
}

int yq_store_load_department_owners(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                    const char *const *eteams_ids, size_t count, struct yq_view *v,
                                    struct yq_error *err)
{
    char owners[YQ_KEY_MAX], links[YQ_KEY_MAX];
    return load_owners(r, yq_key(keys, id, "linked:department", owners),
                       yq_key(keys, id, "link:department", links), eteams_ids, count,
                       take_department_link, v, err);
}

int yq_store_load_member_owners(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                                const char *const *eteams_ids, size_t count, struct yq_view *v,
                                struct yq_error *err)
{
    char owners[YQ_KEY_MAX], links[YQ_KEY_MAX];
    return load_owners(r, yq_key(keys, id, "linked:member", owners),
                       yq_key(keys, id, "link:member", links), eteams_ids, count, take_member_link,
                       v, err);
}

int yq_store_count_in_service(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                              int64_t *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX], cursor[24] = "0";
    int64_t count = 0;
    (void)yq_key(keys, id, "link:member", key);
    do {
        redisReply *reply = yq_redis_command(r, err, "HSCAN %s %s COUNT 1000", key, cursor);
        if (reply == NULL)
            return -1;
        (void)snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        const redisReply *pairs = reply->element[1];
        for (size_t i = 1; i < pairs->elements; i += 2) /* our own writer's words: no parsing */
            count += strstr(pairs->element[i]->str, ",\"left\":true") == NULL;
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    *ret = count;
    return 0;
}

/* ---- attempts; written by yq_store_put_attempt in store.c ---- */

/* A number that cannot be read is 0. */
static void read_attempt(const redisReply *key, const redisReply *value, struct yq_attempt *ret)
{
    int64_t attempts = 0, deaths = 0;
    struct yq_arena *arena = yq_arena_new();
    cJSON *tree = yq_json_parse(value->str, (size_t)value->len, NULL);
    *ret = (struct yq_attempt){.running = yq_json_bool(tree, "running", false)};
    (void)snprintf(ret->key, sizeof(ret->key), "%s", key->str);
    (void)yq_json_int(tree, "attempts", &attempts);
    (void)yq_json_int(tree, "deaths", &deaths);
    (void)yq_json_int(tree, "first", &ret->first_ms);
    (void)yq_json_int(tree, "next", &ret->next_ms);
    const char *error = yq_json_text(arena, tree, "error");
    (void)snprintf(ret->error, sizeof(ret->error), "%s", error ? error : "");
    ret->attempts = attempts > 0 ? (unsigned)attempts : 0;
    ret->deaths = deaths > 0 ? (unsigned)deaths : 0;
    cJSON_Delete(tree);
    yq_arena_free(arena);
}

int yq_store_load_attempts(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                           struct yq_attempts *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply = yq_redis_command(r, err, "HGETALL %s", yq_key(keys, id, "retry", key));
    if (reply == NULL)
        return -1;
    ret->count = reply->elements / 2;
    ret->items = yq_calloc(ret->count, sizeof(*ret->items));
    for (size_t i = 0; i < ret->count; i++)
        read_attempt(reply->element[2 * i], reply->element[2 * i + 1], &ret->items[i]);
    freeReplyObject(reply);
    return 0;
}

void yq_attempts_release(struct yq_attempts *a)
{
    free(a->items);
    *a = (struct yq_attempts){0};
}

/* ---- removals, settings ---- */

int yq_store_count_removals(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                            int64_t since_ms, int64_t *ret, struct yq_error *err)
{
    char key[YQ_KEY_MAX], since[24];
    (void)snprintf(since, sizeof(since), "%" PRId64, since_ms);
    redisReply *reply =
        yq_redis_command(r, err, "ZCOUNT %s %s +inf", yq_key(keys, id, "removals", key), since);
    if (reply == NULL)
        return -1;
    *ret = reply->integer;
    freeReplyObject(reply);
    return 0;
}

int yq_store_get_paused(struct yq_redis *r, const struct yq_keys *keys, const char *id,
                        bool *ret_paused, struct yq_error *err)
{
    char key[YQ_KEY_MAX];
    redisReply *reply =
        yq_redis_command(r, err, "HGET %s paused", yq_key(keys, id, "settings", key));
    if (reply == NULL)
        return -1;
    *ret_paused = reply->type == REDIS_REPLY_STRING && strcmp(reply->str, "1") == 0;
    freeReplyObject(reply);
    return 0;
}
