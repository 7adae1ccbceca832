/* Notices that Redis is not the one it was. */
#include "epoch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "clients/store.h"
#include "crypto/secret.h"
#include "service/log.h"

#define OWED_LOST "redis_lost_data"
#define EPOCH_MAX 40

struct known { /* by this process */
    UT_hash_handle hh;
    char id[64];
    char epoch[EPOCH_MAX];
};

struct yq_epochs {
    struct known *all;
};

struct yq_epochs *yq_epochs_new(void)
{
    return yq_calloc(1, sizeof(struct yq_epochs));
}

void yq_epochs_free(struct yq_epochs *e)
{
    struct known *k, *next;
    if (e == NULL)
        return;
    HASH_ITER (hh, e->all, k, next) {
        HASH_DEL(e->all, k);
        free(k);
    }
    free(e);
}

/* 1: ret is filled; 0: there is none. */
static int read_epoch(struct yq_redis *r, const char *key, char ret[EPOCH_MAX],
                      struct yq_error *err)
{
    redisReply *reply = yq_redis_command(r, err, "GET %s", key);
    if (reply == NULL)
        return -1;
    bool found = reply->type == REDIS_REPLY_STRING;
    if (found)
        (void)snprintf(ret, EPOCH_MAX, "%s", reply->str);
    freeReplyObject(reply);
    return found;
}

/* Of several processes one is the first; the others take what it wrote. */
static int make_epoch(struct yq_redis *r, const char *key, struct yq_error *err)
{
    unsigned long long value;
    if (yq_secret_random(&value, sizeof(value)) != 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "the system has no random bytes");
    redisReply *reply = yq_redis_command(r, err, "SET %s %016llx NX", key, value);
    if (reply == NULL)
        return -1;
    freeReplyObject(reply);
    return 0;
}

static int find_epoch(struct yq_redis *r, const char *key, char ret[EPOCH_MAX],
                      struct yq_error *err)
{
    int found = read_epoch(r, key, ret, err);
    if (found == 0 && make_epoch(r, key, err) == 0)
        found = read_epoch(r, key, ret, err);
    if (found == 0)
        return yq_error_set(err, YQ_ERROR_RETRY, "the epoch is gone again");
    return found < 0 ? -1 : 0;
}

static int check_one(struct yq_epochs *e, struct yq_redis *r, const struct yq_keys *keys,
                     const char *id, int64_t now_ms, struct yq_error *err)
{
    char key[YQ_KEY_MAX], epoch[EPOCH_MAX];
    struct known *k;
    if (find_epoch(r, yq_key(keys, id, "epoch", key), epoch, err) != 0)
        return -1;
    HASH_FIND_STR(e->all, id, k);
    if (k == NULL) {
        k = yq_calloc(1, sizeof(*k));
        (void)snprintf(k->id, sizeof(k->id), "%s", id);
        memcpy(k->epoch, epoch, sizeof(epoch));
        HASH_ADD_STR(e->all, id, k);
    }
    if (strcmp(k->epoch, epoch) == 0)
        return 0;
    if (yq_store_owe_reconcile(r, keys, id, OWED_LOST, now_ms, err) != 0)
        return -1; /* seen again next time */
    memcpy(k->epoch, epoch, sizeof(epoch));
    yq_log(YQ_LOG_ERROR, "redis.lost_data", "connection", id, "meaning",
           "Redis was wiped or restored, a reconcile is owed", NULL);
    return 0;
}

int yq_epochs_check(struct yq_epochs *e, struct yq_redis *r, const struct yq_keys *keys,
                    const struct yq_settings *settings, const struct yq_clock *clock,
                    struct yq_error *err)
{
    for (size_t i = 0; i < settings->connection_count; i++) {
        if (check_one(e, r, keys, settings->connections[i].id, yq_wall_ms(clock), err) != 0)
            return -1;
    }
    return 0;
}
