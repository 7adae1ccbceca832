/* What the files of the stage share: stage.c (the installation), stage_process.c (its processes),
 * stage_talk.c (HTTP and Redis), stage_look.c (waiting, and what eteams holds). */
#ifndef SUPPORT_STAGE_INNER_H
#define SUPPORT_STAGE_INNER_H

#include "base/buf.h"
#include "clients/redis.h"
#include "support/stage.h"
#include "support/temp_redis.h"

#define STAGE_DAEMONS 4
#define STAGE_REDIS_MS 2000

/* A program that runs, with files for what it writes: NAME.out (of this run), NAME.log (of all). */
struct stage_process {
    pid_t pid; /* 0: does not run */
    char name[24];
};

struct stage_daemon {
    struct stage_process process;
    bool wanted; /* it runs until the test ends it */
    char public_url[64], admin_url[64];
};

struct stage {
    char directory[64], config[96], clock_file[96];
    int64_t clock_ms;
    bool real_clock;
    int passed_fd;   /* to daemons; 0: none */
    int descriptors; /* of daemons; 0: as many as we have */
    struct yq_temp_redis *redis;
    char prefix[16];       /* of keys */
    struct yq_redis *look; /* our own connection; NULL until it is used */
    struct stage_process peers[2];
    char peer_url[2][64];
    struct stage_daemon daemons[STAGE_DAEMONS];
    const char *callback_mode, *callback_more;
    void *easy; /* CURL handle */
    struct stage *next;
};

/* Deadlines are for a sanitized build on two busy cores; YQ_STAGE_PATIENCE multiplies them. */
int stage_patience(int ms);
/* Ends the test with this and the end of what the daemons logged. */
void stage_fail(struct stage *s, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* The first daemon that ended without being told, or -1. */
int stage_lost_daemon(struct stage *s);

/* ---- stage_process.c ---- */
void stage_print_log(struct stage *s, const char *name); /* its end, on stderr */
char *stage_file(struct stage *s, const char *name);     /* a whole file of the directory */
/* argv[0] is the path of the program. wrapped: behind the words of YQ_STAGE_WRAP, if any. */
void stage_spawn(struct stage *s, struct stage_process *p, const char *const *argv, bool wrapped);
/* Waits for the line that begins with `word`; copies what stands behind the blank. */
void stage_await_line(struct stage *s, struct stage_process *p, const char *word, char *ret,
                      size_t size);
bool stage_process_runs(struct stage_process *p);
/* Sends the signal and waits; SIGKILL when that takes too long. Returns the status of waitpid. */
int stage_end_process(struct stage_process *p, int signal);
/* Waits without a signal. */
int stage_await_process(struct stage_process *p);

/* ---- stage_talk.c ---- */
struct stage_request {
    const char *method, *url, *body; /* body NULL: none */
};
/* The HTTP status, 0 without an answer. */
int stage_request(struct stage *s, const struct stage_request *r, struct yq_buf *ret_body);
/* NULL while Redis does not answer. */
redisReply *stage_ask_redis(struct stage *s, int argc, const char **argv);
void stage_point_callback(struct stage *s); /* WeCom calls the first daemon that runs */

#endif
