/* What the files of the eteams client share. */
#ifndef YQ_CLIENTS_ETEAMS_INNER_H
#define YQ_CLIENTS_ETEAMS_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "clients/eteams_client.h"
#include "clients/eteams_codec.h"
#include "clients/eteams_contract.h"

/* Interfaces and parameters whose names are ASSUMED: which of them this eteams lacks. */
enum yq_eteams_cap {
    YQ_CAP_EXTRA_QUERY,
    YQ_CAP_ADMIN,
    YQ_CAP_DISABLE,
    YQ_CAP_LOCK,
    YQ_CAP_LEAVERS,    /* userStatusList with both values */
    YQ_CAP_EMAIL_LIST, /* accurateEmailList as an array */
    YQ_CAP_COUNT,
};

struct yq_eteams {
    struct yq_eteams_options options;
    char *connection, *open_base, *corp_id, *app_key, *app_secret, *static_token;
    struct yq_peer *peer;
    _Atomic int64_t missing_until[YQ_CAP_COUNT]; /* monotonic: not asked again before that */
    pthread_mutex_t lock;                        /* guards root */
    char *root;
};

/* 1…20 digits, the first not 0. */
bool yq_eteams_is_id(const char *text);
/* The id in a string or a number; NULL if it is none. Borrowed from item or the arena. */
const char *yq_eteams_id(struct yq_arena *arena, const cJSON *item);

bool yq_eteams_has(const struct yq_eteams *e, enum yq_eteams_cap cap);
/* This eteams lacks it. Forgotten after some minutes, since a gateway that restarts says the same.
 */
void yq_eteams_lacks(struct yq_eteams *e, enum yq_eteams_cap cap);
/* The call says that there is no such interface, or that the application may not use it. */
bool yq_eteams_call_missing(const struct yq_error *err);
/* The server understood and refused the request as such. */
bool yq_eteams_call_refused(const struct yq_error *err);

/* Step one and two of eteams.md §1.3; the function of yq_peer_kind. */
char *yq_eteams_fetch_token(void *context, struct yq_http *h, const struct yq_watch *watch,
                            int64_t *ret_life_ms, struct yq_error *err);

/* ---- paged queries ---- */

/* One query with all its pages. */
struct yq_query {
    const char *api;
    struct yq_buf head; /* inside of the request body, without `current` and `pageSize` */
    int page_rows;      /* 0: ET_PAGE_ROWS */
    int tries;          /* so often a page is asked for that fails in passing; 0: once */
    int64_t most;       /* a larger `total` means that the question was not understood; 0: none */
    const char *key;    /* member by which equal rows are told; NULL: none */
    /* Takes a row; -1 where it is malformed. Called again for the same row if the pages are read
     * again. */
    int (*row)(void *context, const cJSON *row, struct yq_error *err);
    bool counted;                 /* the watch is told how many rows are there, and of how many */
    void (*again)(void *context); /* the pages are read again from the first; may be NULL */
    void *context;
    /* after the run: */
    struct yq_error error; /* NONE: every row was there and was taken */
};

/* Runs them side by side. Returns 0, each query's error standing in it; -1 for LOST or FATAL
 * without a token. */
int yq_query_run(struct yq_eteams *e, struct yq_http *h, struct yq_query *queries, size_t count,
                 const struct yq_watch *watch, struct yq_error *err);
/* The first error of these that ends the run (FATAL): -1. */
int yq_query_fatal(const struct yq_query *queries, size_t count, struct yq_error *err);

/* Names of a list of ids or values in a request: `"ids":["1","2"]`, or bare. */
void yq_query_list(struct yq_buf *out, const char *name, const char *const *values, size_t count,
                   bool bare);
/* The parameters of every question about people. */
void yq_query_people(const struct yq_eteams *e, struct yq_buf *out, bool leavers);
/* The same for all who are in service, with no more fields than a snapshot needs. */
void yq_query_snapshot(const struct yq_eteams *e, struct yq_buf *out);

#endif
