/* One blocking connection to Redis, over hiredis: lazy, reconnecting, with deadlines.
 *
 * Belongs to one thread. After an error the connection is closed, and the next command opens it
 * anew; a command whose answer was lost is never repeated here. */
#ifndef YQ_CLIENTS_REDIS_H
#define YQ_CLIENTS_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define YQ_REDIS_SENTINELS 7
struct yq_redis_sentinel {
    char host[256];
    int port;
};

struct yq_redis_address {
    char host[256]; /* or the path of a unix socket, when port is 0 */
    int port;
    int database;
    char user[128], password[256]; /* empty: none */
    /* Whom to ask, at every connect, where the master of that name is; host and port are not used
     * then. Asked without a password. */
    char master[64];
    struct yq_redis_sentinel sentinels[YQ_REDIS_SENTINELS];
    size_t sentinel_count; /* 0: Redis is at host */
};

/* redis://[user:password@]host[:port][/db] and unix:/path[?db=N]; the user may be empty; percent
 * escapes are decoded. The error never holds the password. */
int yq_redis_address_parse(const char *url, struct yq_redis_address *ret, struct yq_error *err);

/* text: HOST[:PORT]; 26379 is the usual port. */
int yq_redis_add_sentinel(struct yq_redis_address *a, const char *text, struct yq_error *err);
/* What a Sentinel answered to SENTINEL get-master-addr-by-name; -1: it knows of none. */
int yq_redis_read_master(const redisReply *reply, struct yq_redis_sentinel *ret);
/* What a Redis answered to ROLE. */
bool yq_redis_is_master(const redisReply *reply);

struct yq_redis;

/* Connects at the first command. Makes the process ignore SIGPIPE where nothing else was chosen.
 * timeout_ms bounds connecting and each answer; a command that
 * blocks in Redis itself passes its own time on top (yq_redis_wait). */
struct yq_redis *yq_redis_new(const struct yq_redis_address *address, int timeout_ms);
void yq_redis_free(struct yq_redis *r);

/* Connects, where that is not so: not needed before a command. */
int yq_redis_connect(struct yq_redis *r, struct yq_error *err);
/* How often it has connected, or tried to. Where that has grown between two commands, the address
 * may have led the second one to another Redis than the first. */
uint64_t yq_redis_connections(const struct yq_redis *r);

/* Sends one command, waits for the answer. The caller frees the reply with freeReplyObject. NULL
 * with RETRY when Redis cannot be reached, is loading, read-only or out of memory; LIMIT never;
 * LOST when a script of ours finds the lease gone; INVALID for any other error answer (a bug, a
 * wrong password, or a key of another type), whose text, code first, is in err.
 *
 * RETRY after a command that writes: it may have happened, when only its answer was lost. What is
 * written here is harmless twice, or an accepted double (XADD). */
redisReply *yq_redis_command(struct yq_redis *r, struct yq_error *err, const char *format, ...);
redisReply *yq_redis_argv(struct yq_redis *r, int argc, const char **argv, const size_t *lens,
                          struct yq_error *err);
/* The same for a command that may block for extra_ms in Redis. */
redisReply *yq_redis_wait(struct yq_redis *r, int extra_ms, int argc, const char **argv,
                          struct yq_error *err);
/* Pipelining: append several, then take as many replies in order. An error answer (INVALID) leaves
 * the others to be taken; once the connection is lost, all that are left say RETRY. */
int yq_redis_append(struct yq_redis *r, int argc, const char **argv, const size_t *lens,
                    struct yq_error *err);
redisReply *yq_redis_reply(struct yq_redis *r, struct yq_error *err);

/* A Lua script, by its digest (EVALSHA), loaded when Redis does not know it. `script` must be a
 * static object: a connection remembers by its address what it has loaded, up to 32. argv holds the
 * keys first. */
struct yq_redis_script {
    const char *text;
};
redisReply *yq_redis_script(struct yq_redis *r, const struct yq_redis_script *script, int key_count,
                            int argc, const char **argv, const size_t *lens, struct yq_error *err);

/* Keys: "PREFIX:{ID}:NAME" of a connection, "PREFIX:NAME" of the whole installation. */
#define YQ_KEY_MAX 256
struct yq_keys {
    char prefix[32];
};
const char *yq_key(const struct yq_keys *k, const char *id, const char *name, char out[YQ_KEY_MAX]);
const char *yq_global_key(const struct yq_keys *k, const char *name, char out[YQ_KEY_MAX]);

/* What is wrong with Redis' own settings for our promise (design §3.2): appendonly, appendfsync,
 * maxmemory-policy. Writes a sentence per fault, separated by "; "; empty when all is well.
 * Returns -1 only if Redis could not be asked. CONFIG being forbidden is one such sentence. */
int yq_redis_check_settings(struct yq_redis *r, struct yq_buf *ret_faults, struct yq_error *err);

#endif
