/* The client of eteams against a peer that a test writes. */
#ifndef TEST_ETEAMS_WORLD_H
#define TEST_ETEAMS_WORLD_H

#include "clients/eteams_client.h"
#include "support/fake_clock.h"
#include "support/peer_script.h"

#define CODE                                                                                       \
    {                                                                                              \
        "/oauth2/authorize", NULL, "{\"errcode\":\"0\",\"code\":\"c0de\"}"                         \
    }
#define TOKEN                                                                                      \
    {                                                                                              \
        "/oauth2/access_token", NULL,                                                              \
            "{\"errcode\":\"0\",\"accessToken\":\"T/1\",\"expires_in\":7200}"                      \
    }
#define OK "\"message\":{\"errcode\":\"0\",\"errmsg\":\"success\"}"
#define PAGE(total, rows)                                                                          \
    "{" OK ",\"data\":{\"current\":1,\"total\":" total ",\"data\":[" rows "]}}"
#define PERSON(id, more) "{\"id\":\"" id "\"," more "\"status\":\"normal\"}"
#define REFUSE(code) "{\"message\":{\"errcode\":\"" code "\",\"errmsg\":\"no\"}}"
#define A "4000000000000000101"
#define B "4000000000000000103"
#define C "4000000000000000105"

struct world {
    struct script script;
    struct peer_server *server;
    struct yq_eteams *e;
    struct yq_http *h;
    struct yq_view *v;
    struct fake_clock clock;
};

/* static_token NULL: the token is fetched, by CODE and TOKEN. */
void open_world(struct world *w, const char *static_token);
void close_world(struct world *w);
/* The nth request with that end of its path, as peer_server_request shows it. */
void expect_request(struct world *w, const char *path, int nth, const char *expected);
/* Somebody of the view; fails the test if there is no such row. */
const struct yq_eteams_member *person(struct world *w, const char *id);
int read_people(struct world *w, const char *const *ids, size_t n, struct yq_error *err);

#endif
