/* What peers must not be believed: a table of answers that are broken, and what each leads to. None
 * makes anybody absent, present or complete; writes stay unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "clients/eteams_client.h"
#include "clients/wecom_client.h"
#include "support/fake_clock.h"
#include "support/peer_server.h"

#define TOKEN "{\"errcode\":0,\"access_token\":\"T\",\"expires_in\":7200}"
#define OK "\"message\":{\"errcode\":\"0\"}"
#define ID "4000000000000000101"

/* Broken whoever says it. */
#define BROKEN_ANYWHERE(X)                                                                         \
    X("")                                                                                          \
    X(" ")                                                                                         \
    X("{")                                                                                         \
    X("null")                                                                                      \
    X("[]")                                                                                        \
    X("[{\"errcode\":0}]")                                                                         \
    X("\"ok\"")                                                                                    \
    X("0")                                                                                         \
    X("<html><body>login</body></html>")                                                           \
    X("{\"errcode\":0}}")                                                                          \
    X("{\"errcode\":0} trailing")                                                                  \
    X("{\"errcode\":\"zero\"}")                                                                    \
    X("{\"errcode\":[]}")                                                                          \
    X("{\"errcode\":{}}")                                                                          \
    X("{\"errcode\":1e400}")                                                                       \
    X("{\"errcode\":0.5}")                                                                         \
    X("{\"errcode\":99999999999999999999999}")                                                     \
    X("{\"errcode\":true}")                                                                        \
    X("{'errcode':0}")                                                                             \
    X("{\"errcode\":0,\"errmsg\":\"\\u0000\"}")                                                    \
    X("\xef\xbb\xbf{")                                                                             \
    X("{\"errcode\":-1}")

static const char *const wecom_member_answers[] = {
#define X(text) text,
    BROKEN_ANYWHERE(X)
#undef X
        "{}",
    "{\"errcode\":0,\"errmsg\":\"ok\"}",
    "{\"errcode\":0,\"userid\":null}",
    "{\"errcode\":0,\"userid\":7}",
    "{\"errcode\":0,\"userid\":[\"li.na\"]}",
    "{\"errcode\":0,\"userid\":{\"li.na\":1}}",
    "{\"errcode\":0,\"userid\":\"\"}",
    "{\"errcode\":0,\"userid\":\"li.nb\"}",
    "{\"errcode\":0,\"userid\":\"li.na\\u0000\"}",
    "{\"errcode\":0,\"userid\":\"li.na \"}",
    "{\"errcode\":0,\"UserId\":\"li.na\"}",
    "{\"errcode\":0,\"userid\":\"other\",\"userid\":\"li.na\"}",
    "{\"errcode\":60111,\"errcode\":-1,\"userid\":\"li.na\"", /* cut off */
};

static const char *const wecom_department_answers[] = {
#define X(text) text,
    BROKEN_ANYWHERE(X)
#undef X
        "{\"errcode\":0}",
    "{\"errcode\":0,\"department\":[]}",
    "{\"errcode\":0,\"department\":[{\"id\":12,\"parentid\":1}]}",
    "{\"errcode\":0,\"department\":null}",
    "{\"errcode\":0,\"department\":{\"id\":13}}",
    "{\"errcode\":0,\"department\":{\"id\":\"twelve\"}}",
    "{\"errcode\":0,\"department\":{\"id\":12.5}}",
    "{\"errcode\":0,\"department\":{\"id\":4294967308}}", /* 12 in 32 bits */
    "{\"errcode\":0,\"department\":{\"id\":12,\"parentid\":\"x\"}}",
    "{\"errcode\":0,\"department\":{\"id\":12,\"parentid\":-1}}",
    "{\"errcode\":0,\"department\":{\"id\":12,\"parentid\":4294967297}}",
};

static const char *const eteams_answers[] = {
#define X(text) text,
    BROKEN_ANYWHERE(X)
#undef X
        "{}",
    "{\"data\":{\"total\":0,\"data\":[]}}", /* no code at all */
    "{" OK "}",
    "{" OK ",\"data\":null}",
    "{" OK ",\"data\":\"\"}",
    "{" OK ",\"data\":{}}",
    "{" OK ",\"data\":{\"total\":0}}",
    "{" OK ",\"data\":{\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":0,\"data\":{}}}",
    "{" OK ",\"data\":{\"total\":0,\"data\":null}}",
    "{" OK ",\"data\":{\"total\":-1,\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":\"many\",\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":999999999,\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":1e30,\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[7]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[null]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[[]]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":4e18,\"name\":\"n\"}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":-" ID ",\"name\":\"n\"}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":\"" ID "\\u0000\",\"name\":\"n\"}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":\"" ID "x\",\"name\":\"n\"}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":[" ID "],\"name\":\"n\"}]}}",
    "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":\"" ID
    "\",\"department\":[{}],\"parent\":{}}]}}",
    "{" OK ",\"data\":{\"total\":2,\"data\":[{\"id\":\"41\",\"name\":\"n\"},{\"id\":\"41\","
    "\"name\":\"n\"}]}}",
    "{" OK ",\"data\":[{\"id\":\"\"}]}",
    "{\"message\":{\"errcode\":\"-1\"},\"errcode\":\"0\",\"data\":{\"total\":0,\"data\":[]}}",
    "{\"message\":[],\"data\":{\"total\":0,\"data\":[]}}",
    "{\"message\":{\"errcode\":\"410001\"},\"data\":{\"total\":0,\"data\":[]}}",
    "{\"message\":{\"errcode\":\"999\"},\"data\":{\"total\":0,\"data\":[]}}",
    "{" OK ",\"data\":{\"total\":0,\"data\":[]}", /* cut off at the last byte */
};

static const char *const write_answers[] = {
#define X(text) text,
    BROKEN_ANYWHERE(X)
#undef X
        "{" OK "}",
    "{" OK ",\"data\":{}}",
    "{" OK ",\"data\":[]}",
    "{" OK ",\"data\":[7]}",
    "{" OK ",\"data\":[null]}",
    "{" OK ",\"data\":[[]]}",
    "{" OK ",\"data\":[{}]}",
    "{" OK ",\"data\":[{\"id\":\"\"}]}",
    "{" OK ",\"data\":[{\"id\":4e18,\"errcode\":\"0\"}]}",
    "{" OK ",\"data\":[{\"id\":\"x\",\"errcode\":\"0\"}]}",
    "{" OK ",\"data\":[{\"id\":\"" ID "\",\"errcode\":\"ok\"}]}",
    "{" OK ",\"data\":[{\"id\":\"" ID "\",\"errcode\":[]}]}",
    "{" OK ",\"data\":[{\"id\":\"" ID
    "\",\"errcode\":0,\"extKeyMap\":{\"yq_key\":\"k7\"}}],\"x\":1}",
    "{" OK ",\"data\":[{\"id\":\"1\",\"errcode\":0},{\"id\":\"2\",\"errcode\":0}]}",
    "{" OK ",\"data\":[{\"errcode\":0,\"extKeyMap\":{\"yq_key\":\"k0\"}}]}",
};

/* ---- the server says one thing ---- */

struct said {
    const char *answer;
    const char *spelt; /* NULL, or a long text instead */
};

static void handler(void *context, const struct peer_request *rq, struct peer_reply *reply)
{
    const struct said *s = context;
    if (strstr(rq->path, "gettoken") != NULL)
        reply->body = TOKEN;
    else
        reply->body = s->spelt ? s->spelt : s->answer;
}

struct world {
    struct said said;
    struct peer_server *server;
    struct yq_http *h;
    struct yq_wecom *wecom;
    struct yq_eteams *eteams;
    struct fake_clock clock;
};

/* The clock is moved on while we wait, so that "too fast" costs the test nothing. */
static int move_clock(void *context, struct yq_error *err)
{
    (void)err;
    ((struct fake_clock *)context)->now_ms += 1;
    return 0;
}

static int setup(void **state)
{
    static struct world w;
    w.clock = (struct fake_clock)FAKE_CLOCK(1000000);
    w.server = peer_server_new(handler, &w.said);
    w.h = yq_http_new();
    w.wecom = yq_wecom_new(&(struct yq_wecom_options){.api_base = peer_server_url(w.server),
                                                      .corp_id = "ww",
                                                      .app_secret = "s",
                                                      .budget = {1e6, 4},
                                                      .clock = &w.clock.clock});
    w.eteams = yq_eteams_new(&(struct yq_eteams_options){.connection = "acme",
                                                         .open_base = peer_server_url(w.server),
                                                         .static_token = "T",
                                                         .budget = {1e6, 4},
                                                         .clock = &w.clock.clock});
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    yq_wecom_free(w->wecom);
    yq_eteams_free(w->eteams);
    yq_http_free(w->h);
    peer_server_free(w->server);
    return 0;
}

#define EACH(w, list, i)                                                                           \
    for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]) && ((w)->said.answer = (list)[i]); i++)

static void wecom_members_stay_unreadable(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    const char *ids[] = {"li.na"};
    EACH(w, wecom_member_answers, i)
    {
        struct yq_view *v = yq_view_new();
        assert_int_equal(yq_wecom_read_members(w->wecom, w->h, v, ids, 1, &watch, NULL), 0);
        const struct yq_wecom_member *m = yq_view_find_wecom_member(v, "li.na");
        if (m->fact != YQ_UNREADABLE || m->known != 0 || m->error == NULL ||
            HASH_COUNT(v->wecom_members) != 1)
            fail_msg("%zu: %s", i, w->said.answer);
        yq_view_free(v);
    }
}

static void wecom_departments_stay_unreadable(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    const uint32_t ids[] = {12};
    EACH(w, wecom_department_answers, i)
    {
        struct yq_view *v = yq_view_new();
        assert_int_equal(yq_wecom_read_departments(w->wecom, w->h, v, ids, 1, &watch, NULL), 0);
        const struct yq_wecom_department *d = yq_view_find_wecom_department(v, 12);
        if (d->fact != YQ_UNREADABLE || d->error == NULL || HASH_COUNT(v->wecom_departments) != 1)
            fail_msg("%zu: %s", i, w->said.answer);
        yq_view_free(v);
    }
}

static void eteams_rows_stay_unreadable(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    const char *ids[] = {ID};
    EACH(w, eteams_answers, i)
    {
        struct yq_view *v = yq_view_new();
        struct yq_lookup *l = yq_view_lookup(v, YQ_BY_ACCOUNT, "li.na");
        assert_int_equal(yq_eteams_read_members(w->eteams, w->h, v, ids, 1, &watch, NULL), 0);
        assert_int_equal(yq_eteams_read_departments(w->eteams, w->h, v, ids, 1, &watch, NULL), 0);
        assert_int_equal(yq_eteams_read_children(w->eteams, w->h, v, ids, 1, &watch, NULL), 0);
        assert_int_equal(yq_eteams_read_posts(w->eteams, w->h, v, ids, 1, &watch, NULL), 0);
        assert_int_equal(yq_eteams_look_up(w->eteams, w->h, v, &l, 1, &watch, NULL), 0);
        const struct yq_eteams_member *m = yq_view_find_eteams_member(v, ID);
        const struct yq_eteams_department *d = yq_view_find_eteams_department(v, ID);
        bool two_rows = strstr(w->said.answer, "\"41\"") != NULL; /* true for whom they name */
        if (m->fact != YQ_UNREADABLE || m->error == NULL || d->fact != YQ_UNREADABLE)
            fail_msg("row %zu: %s", i, w->said.answer);
        if ((d->children != YQ_UNREADABLE || l->fact != YQ_UNREADABLE) && !two_rows)
            fail_msg("children or look-up %zu: %s", i, w->said.answer);
        if (HASH_COUNT(v->eteams_members) != 1u + two_rows)
            fail_msg("somebody else %zu: %s", i, w->said.answer);
        yq_view_free(v);
    }
}

static void eteams_lists_are_refused(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    EACH(w, eteams_answers, i)
    {
        struct yq_view *v = yq_view_new();
        struct yq_error err = {0};
        const char *root = NULL;
        int members = yq_eteams_list_members(w->eteams, w->h, v, &watch, &err);
        int departments = yq_eteams_list_departments(w->eteams, w->h, v, &watch, &err);
        if (members == 0 || departments == 0 || v->eteams_members_complete ||
            v->eteams_departments_complete || err.kind != YQ_ERROR_RETRY)
            fail_msg("%zu: %s", i, w->said.answer);
        assert_int_equal(yq_eteams_find_root(w->eteams, w->h, &watch, &root, &err), -1);
        assert_null(root);
        yq_eteams_read_administrators(w->eteams, w->h, v, &watch, &err);
        if (v->administrators_fact == YQ_PRESENT)
            fail_msg("administrators %zu: %s", i, w->said.answer);
        yq_view_free(v);
    }
}

static void writes_stay_unknown(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    EACH(w, write_answers, i)
    {
        struct yq_eteams_row rows[] = {{.json = "\"username\":\"a\""}};
        assert_int_equal(
            yq_eteams_write(w->eteams, w->h, YQ_WRITE_MEMBER, rows, 1, "run", &watch, NULL), 0);
        if (rows[0].error.kind != YQ_ERROR_UNKNOWN || rows[0].new_id[0] != '\0' || rows[0].already)
            fail_msg("%zu: %s: %s", i, w->said.answer, rows[0].error.text);
    }
}

/* Nested so deep that a parser would run out of stack, if it let itself. */
static void deep_answers_are_no_json(void **state)
{
    struct world *w = *state;
    struct yq_watch watch = {.check = move_clock, .context = &w->clock};
    static const char *const opens[] = {"[", "{\"a\":"};
    const char *ids[] = {"li.na"}, *people[] = {ID};
    for (size_t n = 0; n < 2; n++) {
        struct yq_buf deep = YQ_BUF_INIT;
        yq_buf_adds(&deep, "{\"errcode\":0,\"userid\":\"li.na\",\"x\":");
        for (int i = 0; i < 100000; i++)
            yq_buf_adds(&deep, opens[n]);
        w->said.spelt = yq_buf_text(&deep);
        struct yq_view *v = yq_view_new();
        assert_int_equal(yq_wecom_read_members(w->wecom, w->h, v, ids, 1, &watch, NULL), 0);
        assert_int_equal(yq_view_find_wecom_member(v, "li.na")->fact, YQ_UNREADABLE);
        assert_int_equal(yq_eteams_read_members(w->eteams, w->h, v, people, 1, &watch, NULL), 0);
        assert_int_equal(yq_view_find_eteams_member(v, ID)->fact, YQ_UNREADABLE);
        yq_view_free(v);
        w->said.spelt = NULL;
        yq_buf_release(&deep);
    }
}

/* After all of that: one good answer, and all is well. */
static void nothing_of_it_lasts(void **state)
{
    struct world *w = *state;
    struct yq_view *v = yq_view_new();
    const char *ids[] = {"li.na"}, *people[] = {ID};
    w->said.answer = "{\"errcode\":0,\"userid\":\"Li.Na\",\"name\":\"n\"}";
    assert_int_equal(yq_wecom_read_members(w->wecom, w->h, v, ids, 1, NULL, NULL), 0);
    assert_int_equal(yq_view_find_wecom_member(v, "li.na")->fact, YQ_PRESENT);
    w->said.answer = "{" OK ",\"data\":{\"total\":1,\"data\":[{\"id\":" ID "}]}}";
    assert_int_equal(yq_eteams_read_members(w->eteams, w->h, v, people, 1, NULL, NULL), 0);
    assert_int_equal(yq_view_find_eteams_member(v, ID)->fact, YQ_PRESENT);
    yq_view_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wecom_members_stay_unreadable),
        cmocka_unit_test(wecom_departments_stay_unreadable),
        cmocka_unit_test(eteams_rows_stay_unreadable),
        cmocka_unit_test(eteams_lists_are_refused),
        cmocka_unit_test(writes_stay_unknown),
        cmocka_unit_test(deep_answers_are_no_json),
        cmocka_unit_test(nothing_of_it_lasts),
    };
    print_message("%zu answers of WeCom, %zu of eteams\n",
                  (sizeof(wecom_member_answers) + sizeof(wecom_department_answers)) /
                      sizeof(char *),
                  (sizeof(eteams_answers) + sizeof(write_answers)) / sizeof(char *));
    return cmocka_run_group_tests(tests, setup, teardown);
}
