/* WeCom's directory read whole from the simulator with its faults: who is in it, and that nothing
 * counts as complete which is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_peer.h"
#include "wecom_reader.h"

/* 1 the root, 2 sales with 3 north beneath it, 4 finance. Sales are ticked, tag 7 with Zhao of
 * finance, and Sun of the root. */
#define TREE                                                                                       \
    "\"departments\":[{\"id\":3,\"name\":\"north\",\"parent\":2},{\"id\":2,\"name\":\"sales\","    \
    "\"parent\":1},{\"id\":4,\"name\":\"finance\",\"parent\":1},{\"id\":1,\"name\":\"corp\","      \
    "\"parent\":0}],\"members\":[{\"userid\":\"Li.Na\",\"name\":\"李娜\",\"departments\":[3,2]," \
    "\"main_department\":3,\"mobile\":\"13800000001\"},{\"userid\":\"wang\",\"name\":\"王伟\","  \
    "\"departments\":[2]},{\"userid\":\"zhao\",\"name\":\"赵六\",\"departments\":[4]},"          \
    "{\"userid\":\"sun\",\"name\":\"孙七\",\"departments\":[1]},{\"userid\":\"Qian\",\"name\":"  \
    "\"钱\",\"departments\":[4]}],\"tags\":[{\"id\":7,\"name\":\"pilots\",\"members\":[\"zhao\"," \
    "\"wang\"],\"departments\":[]}]"
#define RANGE(departments, members, tags)                                                          \
    "{" TREE ",\"range\":{\"departments\":[" departments "],\"members\":[" members                 \
    "],\"tags\":[" tags "]}}"
#define COMPANY RANGE("2", "\"sun\"", "7")

static int calls(const char *path)
{
    cJSON *tree = peer_call(peer, "/_sim/calls", NULL, NULL);
    int64_t n = 0;
    const cJSON *each = yq_json_get(yq_json_get(tree, "paths"), path);
    if (each == NULL)
        each = yq_json_get(tree, path);
    (void)yq_json_int(each, "calls", &n);
    cJSON_Delete(tree);
    return (int)n;
}

static int load(void **state)
{
    (void)state;
    return peer_load(peer, COMPANY) || peer_code(peer, "/_sim/calls", "{\"reset\":true}");
}

static void reads_whom_the_app_sees(void **state)
{
    (void)state;
    struct reader r = {0};
    open_reader(&r, peer_url(peer), "sim-app-secret", NULL);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.complete && r.s.complete && r.s.sealed);
    assert_int_equal(r.l.how, YQ_WECOM_DETAILS);
    assert_false(r.l.whole_company || r.l.only_persons);
    assert_int_equal(HASH_COUNT(r.v->wecom_departments), 2);
    assert_string_equal(yq_view_find_wecom_department(r.v, 3)->name, "north");
    assert_int_equal(r.s.count, 4);
    const struct yq_snapshot_person *li = find(&r, "li.na");
    assert_string_equal(yq_snapshot_id(&r.s, li), "Li.Na");
    assert_int_equal(li->digests[YQ_DIGEST_NAME], yq_digest("李娜"));
    assert_int_equal(li->digests[YQ_DIGEST_MOBILE], 0); /* the app may not read it */
    assert_int_equal(li->main, 3);
    assert_int_equal(li->part_count, 2);
    assert_true(find(&r, "zhao")->departments_known); /* by the tag, without a department */
    assert_int_equal(find(&r, "zhao")->part_count, 0);
    assert_non_null(find(&r, "sun")); /* ticked singly */
    assert_null(find(&r, "qian"));
    assert_true(r.l.range.known);
    assert_int_equal(r.l.range.department_count, 1);
    assert_int_equal(r.l.range.tags[0], 7);
    assert_string_equal(r.l.range.members[0], "sun");
    /* No call that is not needed. */
    assert_int_equal(calls("/cgi-bin/department/list"), 1);
    assert_int_equal(calls("/cgi-bin/agent/get"), 1);
    assert_int_equal(calls("/cgi-bin/tag/get"), 1);
    assert_int_equal(calls("/cgi-bin/user/list"), 2);
    assert_int_equal(calls("/cgi-bin/user/get"), 2);
    close_reader(&r);
}

static void reads_a_whole_company(void **state)
{
    (void)state;
    struct reader r = {0};
    assert_int_equal(peer_load(peer, RANGE("1", "\"Li.Na\"", "7")), 0);
    assert_int_equal(peer_code(peer, "/_sim/calls", "{\"reset\":true}"), 0);
    open_reader(&r, peer_url(peer), "sim-app-secret", NULL);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.complete);
    assert_int_equal(r.s.count, 5);
    assert_int_equal(calls("/cgi-bin/user/list"), 4);
    assert_int_equal(calls("/cgi-bin/user/get"), 0); /* all of them were in a list */
    close_reader(&r);
}

/* R9 */
static void only_persons_are_ticked(void **state)
{
    (void)state;
    struct reader r = {0};
    assert_int_equal(peer_load(peer, RANGE("", "\"sun\",\"Li.Na\"", "")), 0);
    open_reader(&r, peer_url(peer), "sim-app-secret", NULL);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.complete && r.l.only_persons);
    assert_int_equal(r.s.count, 2);
    assert_int_equal(find(&r, "li.na")->part_count, 0);
    assert_int_equal(peer_load(peer, RANGE("", "", "")), 0);
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.only_persons);
    assert_int_equal(r.s.count, 0);
    close_reader(&r);
}

static void the_contacts_secret_reads_ids(void **state)
{
    (void)state;
    struct reader r = {0};
    open_reader(&r, peer_url(peer), NULL, "sim-contacts-secret");
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.complete && r.l.whole_company);
    assert_int_equal(r.l.how, YQ_WECOM_IDS);
    assert_int_equal(r.s.count, 5);
    assert_int_equal(find(&r, "li.na")->part_count, 2);
    assert_int_equal(find(&r, "li.na")->digests[YQ_DIGEST_NAME], 0);
    assert_int_equal(HASH_COUNT(r.v->wecom_departments), 4);
    assert_null(yq_view_find_wecom_department(r.v, 2)->name);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"contacts_details\":true}"), 0);
    close_reader(&r);
    r = (struct reader){0};
    open_reader(&r, peer_url(peer), NULL, "sim-contacts-secret");
    assert_int_equal(list_all(&r, NULL), 0);
    assert_true(r.l.complete && r.l.whole_company);
    assert_int_equal(r.l.how, YQ_WECOM_DETAILS);
    assert_int_equal(find(&r, "li.na")->digests[YQ_DIGEST_MOBILE], yq_digest("13800000001"));
    assert_int_equal(r.s.count, 5);
    bool known = false;
    struct yq_view *v = yq_view_new();
    assert_int_equal(yq_wecom_list_company_departments(r.w, r.h, v, &known, NULL, NULL), 0);
    assert_true(known);
    assert_int_equal(HASH_COUNT(v->wecom_departments), 4);
    yq_view_free(v);
    close_reader(&r);
}

static const char *const paths[] = {"department/list", "agent/get", "tag/get",
                                    "user/list",       "user/get",  "user/list_id"};
static const char *const passing[] = {
    "busy", "conflict",  "http_500",  "http_502",   "garbage",     "html",       "deep",
    "cut",  "cut_after", "truncated", "nul_escape", "wrong_types", "token_dead", "token_expired"};

static void plan_fault(const char *path, const char *kind, int count)
{
    char *body =
        yq_printf("[{\"clear\":true},{\"path\":\"/cgi-bin/%s\",\"kind\":\"%s\",\"count\":%d}]",
                  path, kind, count);
    assert_int_equal(peer_code(peer, "/_sim/faults", body), 0);
    free(body);
}

static bool everybody(struct reader *r, const char *path)
{
    bool ids = strcmp(path, "user/list_id") == 0;
    static const char *const all[] = {"li.na", "wang", "zhao", "sun", "qian"};
    size_t count = ids ? 5 : 4;
    for (size_t i = 0; i < count; i++) {
        if (find(r, all[i]) == NULL)
            return false;
    }
    return r->s.count == count;
}

static int list_by(struct reader *r, const char *path, struct yq_error *err)
{
    if (strcmp(path, "user/list_id") == 0)
        return yq_wecom_list_ids(r->w, r->h, &r->s, NULL, err);
    return list_all(r, err);
}

/* What fails once is asked for again; what fails for good is never called complete. */
static void every_fault_of_every_call(void **state)
{
    (void)state;
    struct reader r = {0};
    open_reader(&r, peer_url(peer), "sim-app-secret", "sim-contacts-secret");
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        for (size_t k = 0; k < sizeof(passing) / sizeof(passing[0]); k++) {
            struct yq_error err = {0};
            plan_fault(paths[p], passing[k], 1);
            int rc = list_by(&r, paths[p], &err);
            if (rc != 0 || !r.s.complete || !everybody(&r, paths[p]))
                fail_msg("%s once at %s: %d, %s %s", passing[k], paths[p], rc, err.text,
                         r.l.error.text);
            plan_fault(paths[p], passing[k], 1000);
            err = (struct yq_error){0};
            rc = list_by(&r, paths[p], &err);
            if (r.s.complete || (rc == 0 && r.l.error.kind == YQ_ERROR_NONE))
                fail_msg("%s at %s was taken for complete", passing[k], paths[p]);
        }
    }
    assert_int_equal(peer_code(peer, "/_sim/faults", "{\"clear\":true}"), 0);
    close_reader(&r);
}

static void what_means_something_else(void **state)
{
    (void)state;
    struct reader r = {0};
    struct yq_error err = {0};
    open_reader(&r, peer_url(peer), "sim-app-secret", "sim-contacts-secret");
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        plan_fault(paths[p], "errcode_missing", 1000); /* is 0 */
        assert_int_equal(list_by(&r, paths[p], &err), 0);
        assert_true(r.s.complete && everybody(&r, paths[p]));
        plan_fault(paths[p], "freq", 1); /* shut for a minute: not waited for */
        (void)list_by(&r, paths[p], &err);
        assert_false(r.s.complete);
        peer_move_clock(peer, 61000 * (int64_t)(p + 1));
        close_reader(&r); /* forgets the block */
        open_reader(&r, peer_url(peer), "sim-app-secret", "sim-contacts-secret");
        plan_fault(paths[p], "empty_list", 1000);
        (void)list_by(&r, paths[p], &err);
        /* Tags and persons that are not ticked after all cannot be told from this. */
        if (strcmp(paths[p], "agent/get") != 0 && strcmp(paths[p], "tag/get") != 0 &&
            strcmp(paths[p], "user/get") != 0 && strcmp(paths[p], "user/list") != 0)
            assert_false(r.s.complete);
    }
    close_reader(&r);
}

/* The token ends half-way, and no other is to be had. */
static void the_token_cannot_be_renewed(void **state)
{
    (void)state;
    static const char *const gettoken[] = {"busy", "http_502", "garbage"};
    for (size_t i = 0; i < 3; i++) {
        struct reader r = {0};
        struct yq_error err = {0};
        assert_int_equal(load(NULL), 0);
        open_reader(&r, peer_url(peer), "sim-app-secret", "sim-contacts-secret");
        assert_int_equal(list_all(&r, &err), 0);
        assert_true(r.s.complete);
        char *body = yq_printf("[{\"path\":\"/cgi-bin/user/list\",\"kind\":\"token_dead\"},"
                               "{\"path\":\"/cgi-bin/gettoken\",\"kind\":\"%s\",\"count\":1000}]",
                               gettoken[i]);
        assert_int_equal(peer_code(peer, "/_sim/faults", body), 0);
        free(body);
        (void)list_all(&r, &err);
        assert_false(r.s.complete);
        close_reader(&r);
    }
}

/* Made-up companies, as the simulator itself sees them; and the pace that is left to others. */
static void larger_companies(void **state)
{
    (void)state;
    for (int seed = 1; seed <= 3; seed++) {
        struct reader r = {0};
        struct yq_watch watch = {.background = true};
        char *body = yq_printf("{\"seed\":%d,\"people\":%d,\"departments\":%d}", seed, 900 * seed,
                               30 * seed);
        assert_int_equal(peer_code(peer, "/_sim/reset", body), 0);
        assert_int_equal(peer_code(peer, "/_sim/change",
                                   seed == 2 ? "{\"do\":\"set_range\",\"departments\":[2,5]}"
                                             : "{\"do\":\"set_range\",\"departments\":[1]}"),
                         0);
        assert_int_equal(peer_code(peer, "/_sim/calls", "{\"reset\":true}"), 0);
        open_reader(&r, peer_url(peer), "sim-app-secret", "sim-contacts-secret");
        assert_int_equal(peer_code(peer, "/_sim/delay", "{\"ms\":10}"), 0);
        assert_int_equal(yq_wecom_list_all(r.w, r.h, r.v, &r.s, &r.l, &watch, NULL), 0);
        assert_true(r.s.complete);
        assert_int_equal(peer_code(peer, "/_sim/delay", "{\"ms\":0}"), 0);
        cJSON *counts = peer_call(peer, "/_sim/calls", NULL, NULL);
        assert_int_equal(json_int(counts, "max_in_flight"), 3); /* of four */
        cJSON_Delete(counts);
        cJSON *tree = peer_call(peer, "/_sim/state", NULL, NULL);
        const cJSON *visible = yq_json_get(tree, "visible"), *id;
        const cJSON *members = yq_json_get(visible, "members");
        assert_int_equal(r.s.count, cJSON_GetArraySize(members));
        assert_int_equal(HASH_COUNT(r.v->wecom_departments),
                         cJSON_GetArraySize(yq_json_get(visible, "departments")));
        cJSON_ArrayForEach (id, members) {
            assert_non_null(find(&r, id->valuestring));
        }
        assert_int_equal(yq_wecom_list_ids(r.w, r.h, &r.s, &watch, NULL), 0);
        assert_int_equal(r.s.count, cJSON_GetArraySize(yq_json_get(tree, "members")));
        cJSON_Delete(tree);
        free(body);
        close_reader(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_whom_the_app_sees, load),
        cmocka_unit_test_setup(reads_a_whole_company, load),
        cmocka_unit_test_setup(only_persons_are_ticked, load),
        cmocka_unit_test_setup(the_contacts_secret_reads_ids, load),
        cmocka_unit_test_setup(every_fault_of_every_call, load),
        cmocka_unit_test_setup(what_means_something_else, load),
        cmocka_unit_test_setup(the_token_cannot_be_renewed, load),
        cmocka_unit_test_setup(larger_companies, load),
    };
    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
