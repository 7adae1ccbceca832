/* A real Redis Sentinel over two real servers, the second of which follows the first: on ports of
 * 127.0.0.1, as durable as the program asks for, in a temporary folder. They end with the process
 * that started them. The master's name is "bridge". */
#ifndef YQ_TESTS_SUPPORT_TEMP_SENTINEL_H
#define YQ_TESTS_SUPPORT_TEMP_SENTINEL_H

#include <stdbool.h>
#include <sys/types.h>

#include "clients/redis.h"

#define TEMP_SENTINEL_SERVERS 3
#define TEMP_SENTINEL_SOON_MS 30000 /* a fail-over takes some seconds */

enum temp_sentinel_server { TEMP_SENTINEL_FIRST, TEMP_SENTINEL_SECOND, TEMP_SENTINEL_WATCH };

struct temp_sentinel {
    char folder[64];
    struct {
        int port;
        pid_t pid; /* 0: not running */
    } servers[TEMP_SENTINEL_SERVERS];
};

/* Starts all of them and waits until they know each other; NULL where that takes too long. */
struct temp_sentinel *temp_sentinel_new(void);
void temp_sentinel_free(struct temp_sentinel *t);
void temp_sentinel_kill(struct temp_sentinel *t, enum temp_sentinel_server which);

/* A master of that name as the Sentinels know it: of the two in the address one is always down. */
void temp_sentinel_address(const struct temp_sentinel *t, const char *master,
                           struct yq_redis_address *ret);
/* Asks one of the servers itself; NULL without an answer; the caller frees it. */
redisReply *temp_sentinel_ask(const struct temp_sentinel *t, enum temp_sentinel_server which,
                              const char *command);
/* Its answer is a text with this in it. */
bool temp_sentinel_says(const struct temp_sentinel *t, enum temp_sentinel_server which,
                        const char *command, const char *text);

#endif
