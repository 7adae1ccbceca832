/* eteams' directory read whole by pages: everybody is there, or it is not called complete. By the
 * simulator with its faults, and by answers that a test writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "clients/eteams_listing.h"
#include "clients/system_clock.h"
#include "eteams_peer.h"
#include "support/peer_script.h"

#define PEOPLE 2500 /* three pages */

static struct peer *peer;

struct reader {
    struct yq_eteams *e;
    struct yq_http *h;
    struct yq_view *v;
    struct yq_snapshot s;
    struct yq_error why;
    struct peer_server *server;
    struct script script;
};

static void open_reader(struct reader *r, const char *base, const char *token)
{
    r->h = yq_http_new();
    r->v = yq_view_new();
    yq_snapshot_init(&r->s);
    r->e = yq_eteams_new(&(struct yq_eteams_options){.connection = "acme",
                                                     .open_base = base,
                                                     .corp_id = "sim-eteams-corp",
                                                     .app_key = "sim-app-key",
                                                     .app_secret = "sim-app-secret",
                                                     .static_token = token,
                                                     .budget = {10000, 4},
                                                     .clock = yq_system_clock()});
}

static void close_reader(struct reader *r)
{
    yq_snapshot_release(&r->s);
    yq_eteams_free(r->e);
    yq_view_free(r->v);
    yq_http_free(r->h);
    peer_server_free(r->server);
}

static int list_all(struct reader *r, struct yq_error *err)
{
    yq_view_free(r->v);
    r->v = yq_view_new();
    return yq_eteams_list_all(r->e, r->h, r->v, &r->s, &r->why, NULL, err);
}

static int start(void **state)
{
    (void)state;
    peer = peer_start("--seed 3 --people 2500 --departments 40");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return peer_stop(peer) ? 0 : -1;
}

/* Does the snapshot hold those in service, and nobody else? */
static bool everybody(const struct reader *r)
{
    const cJSON *state = peer_look(peer, "state"), *m;
    size_t count = 0;
    cJSON_ArrayForEach (m, yq_json_get(state, "members")) {
        const char *id = cJSON_GetStringValue(yq_json_get(m, "id"));
        const char *status = cJSON_GetStringValue(yq_json_get(m, "status"));
        bool serves = strcmp(status, "normal") == 0;
        const struct yq_snapshot_person *p = yq_snapshot_find(&r->s, yq_id_hash(id));
        count += serves;
        if ((p != NULL) != serves)
            return false;
    }
    return r->s.count == count && count >= PEOPLE;
}

/* The same people with the same values as the reference? */
static bool same_people(const struct yq_snapshot *a, const struct yq_snapshot *b)
{
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        if (a->people[i].key != b->people[i].key || a->people[i].main != b->people[i].main ||
            memcmp(a->people[i].digests, b->people[i].digests, sizeof(a->people[i].digests)) != 0)
            return false;
    }
    return a->count == b->count;
}

static int64_t calls(const char *name)
{
    char *path = yq_printf("/api/hrm/restful/%s", name);
    const cJSON *tree = peer_look(peer, "calls");
    int64_t n = json_number(yq_json_get(yq_json_get(tree, "calls"), path), "calls");
    free(path);
    return n;
}

static void reads_all_pages(void **state)
{
    (void)state;
    struct reader r = {0};
    struct yq_watch watch = {.background = true};
    peer_control(peer, "calls", "{'reset':true}");
    open_reader(&r, peer_url(peer), NULL);
    assert_int_equal(yq_eteams_list_all(r.e, r.h, r.v, &r.s, &r.why, &watch, NULL), 0);
    assert_int_equal(r.why.kind, YQ_ERROR_NONE);
    assert_true(r.s.complete && r.s.sealed && r.v->eteams_departments_complete);
    assert_int_equal(calls("queryEmployee"), 3); /* as many as there are pages */
    assert_int_equal(calls("queryOrg"), 1);
    assert_true(everybody(&r));
    const cJSON *tree = peer_look(peer, "state");
    const cJSON *m = cJSON_GetArrayItem(yq_json_get(tree, "members"), 17);
    const char *id = cJSON_GetStringValue(yq_json_get(m, "id"));
    const struct yq_snapshot_person *p = yq_snapshot_find(&r.s, yq_id_hash(id));
    assert_int_equal(p->digests[YQ_DIGEST_NAME],
                     yq_digest(cJSON_GetStringValue(yq_json_get(m, "username"))));
    assert_int_not_equal(p->main, 0);
    assert_int_equal(p->status, 1);
    close_reader(&r);
}

/* Whoever leaves is not in the list any more. */
static void leavers_are_not_there(void **state)
{
    (void)state;
    struct reader r = {0};
    const cJSON *m = cJSON_GetArrayItem(yq_json_get(peer_look(peer, "state"), "members"), 30);
    char *id = yq_strdup(cJSON_GetStringValue(yq_json_get(m, "id")));
    open_reader(&r, peer_url(peer), NULL);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_non_null(yq_snapshot_find(&r.s, yq_id_hash(id)));
    peer_control(peer, "change", "{'do':'resign_member','id':'%s'}", id);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.s.complete && everybody(&r));
    assert_null(yq_snapshot_find(&r.s, yq_id_hash(id)));
    peer_control(peer, "options", "{'id_numbers':true,'errcode_numbers':true}");
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.s.complete && everybody(&r));
    peer_control(peer, "options", "{'id_numbers':false,'errcode_numbers':false}");
    free(id);
    close_reader(&r);
}

static const struct {
    const char *kind;
    bool harmless; /* the answer is as good as any */
} faults[] = {
    {"http_429", false},
    {"http_500", false},
    {"http_502", false},
    {"http_503", false},
    {"cut", false},
    {"garbage", false},
    {"html", false},
    {"internal", false},
    {"token_dead_top", false},
    {"token_dead_message", false},
    {"http_401", false},
    {"lost_answer", false},
    {"truncated", false},
    {"nul_escape", false},
    {"total_changes", false},
    {"duplicate_row_across_pages", false},
    {"errcode_number", true},
    {"rows_shuffled", true},
};

static void every_fault(void **state)
{
    (void)state;
    static const char *const names[] = {"queryEmployee", "queryOrg"};
    struct reader r = {0}, good = {0};
    open_reader(&good, peer_url(peer), NULL);
    assert_int_equal(list_all(&good, NULL), 0);
    assert_true(good.s.complete && everybody(&good));
    open_reader(&r, peer_url(peer), NULL);
    for (size_t i = 0; i < 2 * sizeof(faults) / sizeof(faults[0]); i++) {
        const char *name = names[i % 2], *kind = faults[i / 2].kind;
        bool org = i % 2 == 1, pages = strcmp(kind, "duplicate_row_across_pages") == 0;
        if (strcmp(kind, "http_429") == 0)
            continue; /* waits by the clock: tests/unit/test_peer.c */
        for (int skip = 0; skip < 3; skip++) {
            struct yq_error err = {0};
            peer_control(peer, "faults",
                         "[{'clear':true},{'path':'/api/hrm/restful/%s','kind':'%s','skip':%d}]",
                         name, kind, skip);
            int rc = list_all(&r, &err);
            if (rc != 0 || !r.s.complete || !r.v->eteams_departments_complete ||
                !same_people(&r.s, &good.s))
                fail_msg("%s once at %s: %d %s %s", kind, name, rc, err.text, r.why.text);
        }
        struct yq_error err = {0};
        peer_control(peer, "faults",
                     "[{'clear':true},{'path':'/api/hrm/restful/%s','kind':'%s','count':-1}]", name,
                     kind);
        int rc = list_all(&r, &err);
        bool complete = org ? r.v->eteams_departments_complete : r.s.complete;
        bool expected = faults[i / 2].harmless || (org && pages); /* it has one page */
        if (complete != expected)
            fail_msg("%s at %s: complete %d, %d %s %s", kind, name, complete, rc, err.text,
                     r.why.text);
        if (!complete)
            assert_true(rc < 0 || r.why.kind != YQ_ERROR_NONE);
    }
    peer_control(peer, "faults", "{'clear':true}");
    close_reader(&r);
    close_reader(&good);
}

/* ---- answers that a test writes ---- */

#define ANSWER(total, rows)                                                                        \
    "{\"message\":{\"errcode\":\"0\"},\"data\":{\"total\":" total ",\"data\":[" rows "]}}"
#define P(id) "{\"id\":\"" id "\",\"username\":\"n\",\"department\":[\"11\"]}"
#define ORG                                                                                        \
    {                                                                                              \
        "/queryOrg", NULL, ANSWER("1", "{\"id\":\"11\",\"name\":\"corp\",\"parent\":\"0\"}")       \
    }
#define PAGE(n, total, rows)                                                                       \
    {                                                                                              \
        "/queryEmployee", "\"current\":" n ",", ANSWER(total, rows)                                \
    }
#define PAGE_ONCE(n, total, rows)                                                                  \
    {                                                                                              \
        "/queryEmployee", "\"current\":" n ",", ANSWER(total, rows), .times = 1                    \
    }

static const struct {
    const char *about;
    struct script script;
    bool complete;
    size_t people;
    int calls;
} written[] = {
    {"two pages", {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE("2", "3", P("3"))}}, true, 3, 2},
    {"a double, and all are there",
     {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE("2", "3", P("2") "," P("3"))}},
     true,
     3,
     2},
    {"a double in the place of another: three readings, then refused",
     {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE("2", "3", P("2"))}},
     false,
     2,
     6},
    {"the total changes on the way, then not",
     {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE_ONCE("2", "4", P("3")),
       PAGE("2", "3", P("4"))}},
     true,
     3,
     4},
    {"the total always changes",
     {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE("2", "4", P("3"))}},
     false,
     3,
     6},
    {"a page is empty",
     {{ORG, PAGE("1", "3", P("1") "," P("2")), PAGE("2", "3", "")}},
     false,
     2,
     6},
    {"a page fails twice",
     {{ORG,
       PAGE("1", "3", P("1") "," P("2")),
       {"/queryEmployee", "\"current\":2,", "x", .times = 2},
       PAGE("2", "3", P("3"))}},
     true,
     3,
     4},
    {"a page fails for ever",
     {{ORG,
       PAGE("1", "3", P("1") "," P("2")),
       {"/queryEmployee", NULL, "{\"errcode\":\"500000\"}"}}},
     false,
     2,
     4},
    {"nobody, and no error", {{ORG, PAGE("1", "0", "")}}, false, 0, 1},
    {"no rows",
     {{ORG, {"/queryEmployee", NULL, "{\"message\":{\"errcode\":\"0\"}}"}}},
     false,
     0,
     4},
    {"rows without a total",
     {{ORG,
       {"/queryEmployee", NULL,
        "{\"message\":{\"errcode\":\"0\"},\"data\":{\"data\":[" P("1") "]}}"}}},
     false,
     0,
     4},
    {"a malformed row", {{ORG, PAGE("1", "2", P("1") ",{\"id\":\"x\"}")}}, false, 1, 1},
    {"an error with rows",
     {{ORG,
       {"/queryEmployee", NULL,
        "{\"message\":{\"errcode\":\"410001\"},\"data\":{\"total\":1,\"data\":[" P("1") "]}}"}}},
     false,
     0,
     1},
};

static void by_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        struct reader r = {.script = written[i].script};
        struct yq_error err = {0};
        r.server = peer_server_new(script_answer, &r.script);
        open_reader(&r, peer_server_url(r.server), "T");
        int rc = list_all(&r, &err);
        int asked = peer_server_count(r.server, "/queryEmployee");
        if (rc != 0 || r.s.complete != written[i].complete || r.s.count != written[i].people ||
            asked != written[i].calls || (r.why.kind == YQ_ERROR_NONE) != written[i].complete)
            fail_msg("%s: %d %s, %zu people, %d calls, %s", written[i].about, rc, err.text,
                     r.s.count, asked, r.why.text);
        assert_true(r.v->eteams_departments_complete);
        close_reader(&r);
    }
}

static void a_tree_without_departments_is_none(void **state)
{
    (void)state;
    struct reader r = {.script = {{{"/queryOrg", NULL, ANSWER("0", "")}, PAGE("1", "1", P("1"))}}};
    r.server = peer_server_new(script_answer, &r.script);
    open_reader(&r, peer_server_url(r.server), "T");
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.s.complete);
    assert_false(r.v->eteams_departments_complete);
    assert_int_equal(r.why.kind, YQ_ERROR_RETRY);
    close_reader(&r);
}

static int lose(void *context, struct yq_error *err)
{
    int *left = context;
    return (*left)-- > 0 ? 0 : yq_error_set(err, YQ_ERROR_LOST, "lost");
}

static void what_ends_the_run(void **state)
{
    (void)state;
    struct reader r = {0};
    struct yq_error err = {0};
    open_reader(&r, peer_url(peer), NULL);
    for (int left = 0; left < 8; left++) {
        int rest = left;
        struct yq_watch watch = {.check = lose, .context = &rest};
        assert_int_equal(yq_eteams_list_all(r.e, r.h, r.v, &r.s, &r.why, &watch, &err), -1);
        assert_int_equal(err.kind, YQ_ERROR_LOST);
        assert_false(r.s.complete);
    }
    close_reader(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_pages),   cmocka_unit_test(leavers_are_not_there),
        cmocka_unit_test(every_fault),       cmocka_unit_test(by_answers),
        cmocka_unit_test(what_ends_the_run), cmocka_unit_test(a_tree_without_departments_is_none),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
