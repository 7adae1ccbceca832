/* Opening and closing the client of eteams, and what came to the peer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eteams_world.h"

void open_world(struct world *w, const char *static_token)
{
    w->clock = (struct fake_clock)FAKE_CLOCK(1000000);
    w->server = peer_server_new(script_answer, &w->script);
    w->h = yq_http_new();
    w->v = yq_view_new();
    w->e = yq_eteams_new(&(struct yq_eteams_options){.connection = "acme",
                                                     .open_base = peer_server_url(w->server),
                                                     .corp_id = "corp",
                                                     .app_key = "key",
                                                     .app_secret = "s&cret",
                                                     .static_token = static_token,
                                                     .budget = {1000, 4},
                                                     .clock = &w->clock.clock});
}

void close_world(struct world *w)
{
    yq_eteams_free(w->e);
    yq_view_free(w->v);
    yq_http_free(w->h);
    peer_server_free(w->server);
}

void expect_request(struct world *w, const char *path, int nth, const char *expected)
{
    char *seen = peer_server_request(w->server, path, nth);
    assert_non_null(seen);
    assert_string_equal(seen, expected);
    free(seen);
}

const struct yq_eteams_member *person(struct world *w, const char *id)
{
    const struct yq_eteams_member *m = yq_view_find_eteams_member(w->v, id);
    assert_non_null(m);
    return m;
}

int read_people(struct world *w, const char *const *ids, size_t n, struct yq_error *err)
{
    return yq_eteams_read_members(w->e, w->h, w->v, ids, n, NULL, err);
}
