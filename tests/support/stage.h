/* A whole installation on a stage: a private redis-server, both simulators and the real daemon,
 * each a process of its own on ports of its own, in a temporary directory; a clock that moves only
 * when told. Everything is ended by its process id when the stage is freed, also when a test fails.
 *
 * The programs are those of the build directory: yunqiao and yunqiao-sim. Fatal mistakes of the
 * stage itself end the test with a message (cmocka's fail_msg). */
#ifndef SUPPORT_STAGE_H
#define SUPPORT_STAGE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stage;
struct yq_redis_address;

struct stage_options {
    uint64_t seed;
    size_t people, departments;  /* of the company in WeCom; 0: empty but for the root */
    bool mirrored;               /* eteams starts with the same company */
    const char *callback_mode;   /* "full" (default) or "trimmed" */
    const char *connection_yaml; /* more lines for the connection, indented by 4; `sync` comes
                                    first; NULL: none */
    const char *pace;            /* of both peers; default "per_second: 500, in_flight: 4" */
    const char *prefix;          /* of its keys in Redis; default "yq", which stories look at */
    const char *redis_yaml;      /* more members of `redis`, as in "user: u, password: p" */
    const char *top_yaml;        /* more lines for the top level; NULL: none */
    int workers;                 /* default 2 */
    bool no_daemon;              /* do not start it yet */
    int descriptors;             /* that the daemon may have; 0: as many as the test */
    bool no_spool;               /* what Redis does not take is answered 503 */
    bool real_clock;             /* nobody moves the clock: for measuring */
    bool contacts_only;          /* no app: no app_secret, no agent_id */
    const char *callback;        /* keys of `callback`, as in "token: T, encoding_aes_key: K"; NULL:
                                    those that WeCom has */
    const char *reconcile;       /* of the connection's `sync`, as in "departments: 10m"; NULL:
                                    none but by command */
};

struct stage *stage_new(const struct stage_options *options);
void stage_free(struct stage *s);

/* ---- processes ---- */
void stage_start_daemon(struct stage *s, int index); /* several may run; waits for its "ready" */
/* With these roles alone, as in "receiver,admin". */
void stage_start_daemon_as(struct stage *s, int index, const char *roles);
void stage_kill_daemon(struct stage *s, int index, int signal); /* waits for its end */
void stage_await_end(struct stage *s, int index);               /* it ends by itself, and well */
/* Daemons started from now on are passed this listening socket as the system does (sd_listen_fds);
 * -1: none. */
void stage_pass_listener(struct stage *s, int fd);
bool stage_daemon_runs(struct stage *s, int index);
pid_t stage_daemon_pid(struct stage *s, int index);
char *stage_daemon_log(struct stage *s, int index); /* all it wrote so far; caller frees */
const char *stage_public_url(struct stage *s, int index);
const char *stage_admin_url(struct stage *s, int index);
const char *stage_eteams_url(struct stage *s);
const char *stage_config(struct stage *s); /* path of the configuration */
struct yq_temp_redis *
stage_redis(struct stage *s); /* see temp_redis.h: stop, kill, restart, suspend */
const char *stage_directory(struct stage *s);
/* The daemons are configured for another Redis than the stage's own, which is looked at from now on
 * (stage_redis_text, stage_settle). */
void stage_look_at_redis(struct stage *s, const struct yq_redis_address *address);
/* Writes the configuration again, as it would be for these options. */
void stage_configure(struct stage *s, const struct stage_options *options);
/* Runs `yunqiao ARGS… -c CONFIG`; returns its exit status, and what it printed (caller frees). */
int stage_command(struct stage *s, char **ret_output, const char *arg, ...)
    __attribute__((sentinel));

/* ---- time: moves the clock of all processes ---- */
void stage_advance(struct stage *s, int64_t ms);

/* ---- talking to the simulators: JSON in, JSON out (caller deletes); NULL body = GET ---- */
enum stage_peer { STAGE_WECOM, STAGE_ETEAMS };
cJSON *stage_call(struct stage *s, enum stage_peer peer, const char *path, const char *body_format,
                  ...) __attribute__((format(printf, 4, 5)));
/* POST /_sim/change on WeCom with this JSON. */
void stage_wecom_change(struct stage *s, const char *json_format, ...)
    __attribute__((format(printf, 2, 3)));
/* How WeCom calls back from now on: more members of POST /_sim/callback, as in
 * "\"quirks\":{\"creation_burst\":true}"; static text. */
void stage_callback_more(struct stage *s, const char *members);
/* A request to the daemon's public listener; returns the HTTP status; body may be NULL. */
int stage_http(struct stage *s, int index, const char *method, const char *path_and_query,
               const char *body, char **ret_body);

/* ---- waiting, with a deadline in real time; fails the test with what is missing ---- */
/* Until nothing is under way: WeCom has delivered all, the queue has nothing waiting or pending but
 * what waits for a later attempt (allow_retries: then the clock is moved until that is done, too,
 * and goes faster while a worker is at it, who may be waiting for a peer's pace). */
void stage_settle(struct stage *s, bool allow_retries);
/* Redis, for what a test looks at itself: one command, its reply as text (caller frees). */
char *stage_redis_text(struct stage *s, const char *command, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- what eteams holds ---- */
/* The person in service who is linked with that userid (from link:member), as in /_sim/state; NULL
 * if there is none. Belongs to the state that *ret_state gets; delete that. */
const cJSON *stage_person(struct stage *s, const char *userid, cJSON **ret_state);
const cJSON *stage_person_by(const cJSON *state, const char *field, const char *value);
const cJSON *stage_department_by_name(const cJSON *state, const char *name);
/* Rows written with the values they already had, so far. */
int stage_noop_rows(struct stage *s);

#endif
