/* A real redis-server of a test's own: on a unix socket in a temporary folder (under $YQ_TEST_DIR,
 * else /tmp), as durable as the program asks for. It ends with the process that started it. */
#ifndef YQ_TESTS_SUPPORT_TEMP_REDIS_H
#define YQ_TESTS_SUPPORT_TEMP_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

#include "clients/redis.h"

struct yq_temp_redis {
    char folder[64];
    char socket[96];
    char url[112];                   /* for a configuration: "unix:/tmp/…/redis.sock" */
    struct yq_redis_address address; /* the same */
    pid_t pid;                       /* 0: not running */
    const char *extra[8];            /* further arguments of the server, NULL-ended; static text */
    char port[8];                    /* of a replica: where its master listens besides */
};

/* Starts one and waits until it answers. Further arguments ("--maxmemory", "1mb", …) end with NULL.
 * NULL with a sentence on stderr if it does not come up. */
struct yq_temp_redis *yq_temp_redis_new(const char *extra, ...);
/* A replica of it, once it has all that the master has; NULL with a sentence on stderr otherwise.
 * The master listens on a port of 127.0.0.1 from then on, until it is started again. */
struct yq_temp_redis *yq_temp_redis_replica(struct yq_temp_redis *master);
/* Ends it and removes the folder. NULL is fine. */
void yq_temp_redis_free(struct yq_temp_redis *t);

bool yq_temp_redis_start(
    struct yq_temp_redis *t); /* again, with its data; false: it does not answer */
/* The same, without waiting until it answers. */
bool yq_temp_redis_launch(struct yq_temp_redis *t);
bool yq_temp_redis_await(struct yq_temp_redis *t); /* false: it does not answer */
void yq_temp_redis_stop(struct yq_temp_redis *t);  /* SIGTERM, and waits for its end */
void yq_temp_redis_kill(struct yq_temp_redis *t);  /* SIGKILL, and waits for its end */
void yq_temp_redis_suspend(
    struct yq_temp_redis *t); /* SIGSTOP: takes connections, answers nothing */
void yq_temp_redis_resume(struct yq_temp_redis *t); /* SIGCONT */

#endif
