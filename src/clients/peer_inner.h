/* What peer.c (the token) and peer_run.c (the calls) share. */
#ifndef YQ_CLIENTS_PEER_INNER_H
#define YQ_CLIENTS_PEER_INNER_H

#include <pthread.h>

#include "clients/peer.h"

struct yq_peer {
    struct yq_peer_options options;
    char *base;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t fetched;
    char *token;
    int64_t token_until;     /* monotonic */
    uint64_t generation;     /* of the token; grows with each */
    bool fetching;           /* some thread is at it */
    uint64_t fetches;        /* that ended */
    struct yq_error failure; /* of the last fetch; NONE = it brought a token */
    struct yq_pace pace;
};

enum yq_token_state {
    YQ_TOKEN_READY,
    YQ_TOKEN_ELSEWHERE, /* another thread fetches it */
    YQ_TOKEN_FAILED,
};

/* A copy of the token, fetched if there is none. *waited is 0 at first; it remembers for which
 * fetch of another thread this caller waits, so that it shares the result. */
enum yq_token_state yq_peer_token(struct yq_peer *p, struct yq_http *h,
                                  const struct yq_watch *watch, uint64_t *waited, char **ret_token,
                                  uint64_t *ret_generation, struct yq_error *err);
/* Waits up to wait_ms for another thread's fetch to end. */
void yq_peer_wait_token(struct yq_peer *p, int wait_ms);
/* The peer refused this token: forget it, unless it has been replaced already. */
void yq_peer_drop_token(struct yq_peer *p, uint64_t generation);

/* 0: a call may start, and is counted; otherwise how long to wait. */
int64_t yq_peer_pace_start(struct yq_peer *p, bool background);
/* How long this API stays shut; 0: it is open. */
int64_t yq_peer_pace_blocked(struct yq_peer *p, const char *api);
/* A call that was counted ended without an answer. */
void yq_peer_pace_end(struct yq_peer *p, bool background);
/* It ended with this one. Returns how long to leave the API alone, 0 = no matter. */
int64_t yq_peer_pace_answer(struct yq_peer *p, const char *api, enum yq_answer answer,
                            bool background);

int yq_watch_check(const struct yq_watch *watch, struct yq_error *err);

#endif
