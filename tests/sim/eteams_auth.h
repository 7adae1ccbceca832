/* Codes and tokens of the simulated open platform. */
#ifndef SIM_ETEAMS_AUTH_H
#define SIM_ETEAMS_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_http.h"

struct et_ticket;

struct et_auth {
    char *corp_id, *app_key, *app_secret;
    char *static_token; /* accepted without any dance; NULL = none */
    int64_t token_life_ms;
    struct et_ticket *tickets; /* by their text */
    struct sim_random random;
    uint64_t issued; /* access tokens so far */
};

bool et_auth_token_lives(struct et_auth *a, const char *token);
void et_auth_revoke(struct et_auth *a, const char *token); /* NULL is fine */
void et_auth_revoke_all(struct et_auth *a);
void et_auth_release(struct et_auth *a);

struct et_call;
void et_authorize(struct et_call *call);
void et_access_token(struct et_call *call);
void et_refresh_token(struct et_call *call);

#endif
