/* One side of one connection: base address, token, pace, and the way a batch of calls is carried
 * out.
 *
 * yq_peer_run sends its calls side by side up to the pace, gets a token when there is none (single
 * flight over all threads), repeats a call once with a new token where the old one was refused,
 * starts calls again that were refused for being too fast, and leaves every other decision to the
 * caller: a call that failed says how. What differs between WeCom and eteams is a table of
 * functions.
 *
 * A yq_peer is shared by the threads of the process and locks itself; tokens live only in it. */
#ifndef YQ_CLIENTS_PEER_H
#define YQ_CLIENTS_PEER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "clients/http_client.h"
#include "clients/pace.h"

/* What an answer means for whoever called (wecom.md §6.2, eteams.md §3). */
enum yq_answer {
    YQ_ANSWER_OK,
    YQ_ANSWER_TOKEN,   /* get a new token, repeat once */
    YQ_ANSWER_SLOW,    /* too fast: wait, repeat */
    YQ_ANSWER_BLOCKED, /* this API is shut for its window */
    YQ_ANSWER_RETRY,   /* passing fault */
    YQ_ANSWER_ITEM,    /* refused, for this subject only */
    YQ_ANSWER_FATAL,   /* refused, for the whole connection */
};

struct yq_call {
    const char *api;   /* path without the base; static text: also names the metric */
    const char *query; /* "userid=li.na" or NULL; encoded, without the token */
    const char *body;  /* JSON, or NULL for GET */
    bool write;        /* a lost answer leaves it unknown whether it happened */
    void *context;     /* the caller's */
    void (*done)(struct yq_call *call); /* told once the call is dealt with, from yq_peer_run, so
                                           that a large reply need not be kept; may be NULL */
    /* after the run: */
    cJSON *reply; /* the parsed answer, also where it was refused; the caller's to delete */
    struct yq_error
        error;          /* NONE = OK. code: the peer's. UNKNOWN for a write whose answer was lost */
    int64_t started_ms; /* monotonic; 0 = it was never sent */
};

/* Asked before every call and some times a second: is it still ours to go on? Returns 0, or -1 with
 * the error (LOST) that the run then ends with. */
struct yq_watch {
    int (*check)(void *context, struct yq_error *err);
    void *context;
    bool background; /* its calls leave a share of the pace to others (clients/pace.h) */
    /* Called once in every run of calls, when the first ones are on their way: for what can be done
     * while their answers are awaited. NULL: nothing. */
    void (*meanwhile)(void *context);
    void *meanwhile_context;
    /* Told, with the context of `check`, how far the reading of a whole directory is: lists of
     * departments in WeCom, people in eteams. NULL: nobody asks. */
    void (*progress)(void *context, size_t done, size_t total);
};

/* Told of every answer: for metrics and for `explain`. Must be quick and thread-safe. */
struct yq_peer_trace {
    void (*answered)(void *context, const char *peer, const char *api, int status, int code,
                     int64_t took_us);
    void (*token_refreshed)(void *context, const char *peer);
    void *context;
};

struct yq_peer_kind {
    const char *name;            /* "wecom", "eteams" */
    const char *path_prefix;     /* left out where an error names an API: "/cgi-bin/" */
    const char *token_parameter; /* "access_token" */
    /* Fetches a token: blocking, through h (yq_peer_ask); the text is the caller's. life_ms from
     * now on. FATAL: none is to be had with this configuration. */
    char *(*fetch_token)(void *context, struct yq_http *h, const struct yq_watch *watch,
                         int64_t *ret_life_ms, struct yq_error *err);
    /* Classifies a parsed answer; *ret_code and the text of err ("60111 userid not found") where it
     * is no OK. reply may be NULL: what came was no JSON. */
    enum yq_answer (*classify)(void *context, int status, const cJSON *reply, int *ret_code,
                               struct yq_error *err);
};

struct yq_peer;

struct yq_peer_options {
    const struct yq_peer_kind *kind;
    void *context;               /* for the kind's functions */
    const char *base;            /* "https://qyapi.weixin.qq.com"; copied */
    struct yq_http_options http; /* borrowed */
    struct yq_pace_budget budget;
    int64_t token_margin_ms; /* renew that much before the end; half the life where it is shorter */
    const struct yq_clock *clock;
    struct yq_peer_trace trace;
};

struct yq_peer *yq_peer_new(const struct yq_peer_options *options);
void yq_peer_free(struct yq_peer *p);

/* Carries out the calls; each one's result stands in it. h must have no requests of others. After a
 * FATAL answer the other calls of that API get the same error without being sent. Returns 0 when
 * every call was dealt with (also where some failed); -1 with LOST when the watch said stop, or
 * FATAL when no token is to be had: then calls that were not sent have error RETRY. */
int yq_peer_run(struct yq_peer *p, struct yq_http *h, struct yq_call *calls, size_t count,
                const struct yq_watch *watch, struct yq_error *err);
void yq_calls_release(struct yq_call *calls, size_t count); /* deletes the replies */

/* One request outside the pace, as for a token: waits for the answer, asking the watch meanwhile.
 * Returns 0 when there is a status; the caller releases ret->body. With LOST all requests of h are
 * dropped. */
int yq_peer_ask(struct yq_http *h, const struct yq_http_request *request,
                const struct yq_watch *watch, struct yq_http_response *ret, struct yq_error *err);

#endif
