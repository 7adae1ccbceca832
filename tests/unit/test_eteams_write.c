/* eteams: what becomes of written rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eteams_world.h"

#define RESULT(key, id, code)                                                                      \
    "{\"id\":\"" id "\",\"operate\":\"add\",\"errcode\":\"" code                                   \
    "\",\"errmsg\":\"\",\"extKeyMap\":"                                                            \
    "{\"yq_key\":\"" key "\"}}"

static int write_rows(struct world *w, enum yq_eteams_write kind, struct yq_eteams_row *rows,
                      size_t n)
{
    return yq_eteams_write(w->e, w->h, kind, rows, n, "run-1", NULL, NULL);
}

static void writes_rows_and_finds_their_results(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/syncEmployee", NULL,
                     "{" OK ",\"data\":[" RESULT("k2", C, "410007") "," RESULT(
                         "k0", A, "0") ",{"
                                       "\"id\":" B ",\"operate\":\"update\",\"errcode\":0}," RESULT(
                                           "k3", "", "0") "]}"}}}};
    struct yq_eteams_row rows[] = {{.json = "\"username\":\"a\""},
                                   {.id = B, .json = "\"id\":\"" B "\""},
                                   {.json = "\"username\":\"c\""},
                                   {.json = "\"username\":\"d\""},
                                   {.id = "x", .json = "\"id\":\"x\""}};
    open_world(&w, "T");
    assert_int_equal(write_rows(&w, YQ_WRITE_MEMBER, rows, 5), 0);
    expect_request(&w, "/syncEmployee", 0,
                   "/api/hrm/restful/syncEmployee?access_token=T\n{\"data\":[{\"username\":\"a\","
                   "\"yq_key\":\"k0\"},{\"id\":\"" B "\",\"yq_key\":\"k1\"},{\"username\":\"c\","
                   "\"yq_key\":\"k2\"},{\"username\":\"d\",\"yq_key\":\"k3\"}],\"dataRule\":{"
                   "\"employee\":\"id\",\"department\":\"id\",\"position\":\"id\"},\"extKey\":"
                   "\"yq_key\",\"apiTaskId\":\"run-1\"}");
    assert_int_equal(rows[0].error.kind, YQ_ERROR_NONE);
    assert_string_equal(rows[0].new_id, A);
    assert_int_equal(rows[1].error.kind, YQ_ERROR_NONE);
    assert_string_equal(rows[1].new_id, "");
    assert_int_equal(rows[2].error.kind, YQ_ERROR_REFUSED);
    assert_int_equal(rows[2].error.code, 410007);
    assert_int_equal(rows[3].error.kind, YQ_ERROR_UNKNOWN); /* added, but as whom? */
    assert_int_equal(rows[4].error.kind, YQ_ERROR_REFUSED);
    close_world(&w);
}

static void without_keys_nobody_is_mixed_up(void **state)
{
    (void)state;
    struct world w = {.script = {{{"/syncEmployee", "\"k1\"",
                                   "{" OK ",\"data\":[{\"id\":\"" A
                                   "\",\"errcode\":\"0\"},{\"id\":\"" B "\",\"errcode\":\"0\"}]}"},
                                  {"/syncEmployee", NULL,
                                   "{" OK ",\"data\":[{\"id\":\"" A "\",\"errcode\":\"0\"}]}"}}}};
    struct yq_eteams_row two[] = {{.json = "\"username\":\"a\""}, {.json = "\"username\":\"b\""}};
    struct yq_eteams_row one[] = {{.json = "\"username\":\"a\""}};
    open_world(&w, "T");
    assert_int_equal(write_rows(&w, YQ_WRITE_MEMBER, two, 2), 0);
    assert_int_equal(two[0].error.kind, YQ_ERROR_UNKNOWN);
    assert_int_equal(two[1].error.kind, YQ_ERROR_UNKNOWN);
    assert_int_equal(write_rows(&w, YQ_WRITE_MEMBER, one, 1), 0);
    assert_int_equal(one[0].error.kind, YQ_ERROR_NONE);
    assert_string_equal(one[0].new_id, A);
    close_world(&w);
}

static void sends_state_calls_with_bare_ids(void **state)
{
    (void)state;
    struct world w = {
        .script = {{{"/rehireEmployee", NULL,
                     "{" OK ",\"data\":[{\"id\":\"" B "\",\"operate\":\"update\"},{\"id\":\"" A
                     "\",\"errcode\":\"410012\"}]}"},
                    {"/enableDepartment", NULL, REFUSE("410013")},
                    {"/syncDepartment", NULL, "{" OK ",\"data\":[{\"id\":\"" C "\"}]}"}}}};
    struct yq_eteams_row rows[] = {{.id = A}, {.id = B}}, org[] = {{.id = C}};
    open_world(&w, "T");
    assert_int_equal(write_rows(&w, YQ_WRITE_REHIRE, rows, 2), 0);
    expect_request(&w, "/rehireEmployee", 0,
                   "/api/hrm/restful/rehireEmployee?access_token=T\n{\"datas\":[{\"id\":" A
                   "},{\"id\":" B "}]}");
    assert_int_equal(rows[0].error.kind, YQ_ERROR_NONE);
    assert_true(rows[0].already && !rows[1].already);
    assert_int_equal(rows[1].error.kind, YQ_ERROR_NONE);
    assert_int_equal(write_rows(&w, YQ_WRITE_ENABLE, org, 1), 0);
    assert_true(org[0].already && org[0].error.kind == YQ_ERROR_NONE);
    for (int i = 0; i < 2; i++) { /* no disableDepartment here: by status, and remembered */
        assert_int_equal(write_rows(&w, YQ_WRITE_DISABLE, org, 1), 0);
        assert_int_equal(org[0].error.kind, YQ_ERROR_NONE);
    }
    assert_int_equal(peer_server_count(w.server, "/disableDepartment"), 1);
    char *seen = peer_server_request(w.server, "/syncDepartment", 0);
    assert_non_null(strstr(seen, "{\"id\":\"" C "\",\"status\":\"0\",\"yq_key\":\"k0\"}"));
    free(seen);
    close_world(&w);
}

static void splits_what_is_too_much(void **state)
{
    (void)state;
    /* The server refuses whole calls that hold the bad row, or more than two rows. */
    struct world w = {
        .script = {{{"/syncEmployee", "\"k2\"", REFUSE("410002")},
                    {"/syncEmployee", "\"bad\"", REFUSE("410001")},
                    {"/syncEmployee", "\"k1\"",
                     "{" OK ",\"data\":[" RESULT("k0", A, "0") "," RESULT("k1", B, "0") "]}"},
                    {"/syncEmployee", NULL, "{" OK ",\"data\":[" RESULT("k0", C, "0") "]}"}}}};
    struct yq_eteams_row rows[] = {{.json = "\"username\":\"a\""},
                                   {.json = "\"username\":\"b\""},
                                   {.json = "\"username\":\"bad\""},
                                   {.json = "\"username\":\"d\""}};
    open_world(&w, "T");
    assert_int_equal(write_rows(&w, YQ_WRITE_MEMBER, rows, 4), 0);
    assert_string_equal(rows[0].new_id, A);
    assert_string_equal(rows[1].new_id, B);
    assert_int_equal(rows[2].error.kind, YQ_ERROR_REFUSED);
    assert_int_equal(rows[2].error.code, 410001);
    assert_string_equal(rows[3].new_id, C);
    close_world(&w);
}

static void says_what_is_not_known(void **state)
{
    (void)state;
    static const struct {
        struct script_line answer;
        int rc;
        enum yq_error_kind add, update, later;
    } table[] = {
        {{"/syncEmployee", NULL, "{" OK "}"},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN},
        {{"/syncEmployee", NULL, "{" OK ",\"data\":null}"},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN},
        {{"/syncEmployee", NULL, "", .cut = true},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL, "", .status = 504},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL, "", .status = 404},
         0,
         YQ_ERROR_RETRY,
         YQ_ERROR_RETRY,
         YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL, "<html>"}, 0, YQ_ERROR_UNKNOWN, YQ_ERROR_UNKNOWN, YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL, REFUSE("500000")},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL, REFUSE("403001")},
         -1,
         YQ_ERROR_FATAL,
         YQ_ERROR_FATAL,
         YQ_ERROR_RETRY},
        {{"/syncEmployee", NULL,
          "{" OK ",\"data\":[" RESULT("k0", "", "500000") "," RESULT("k1", "", "500000") "]}"},
         0,
         YQ_ERROR_UNKNOWN,
         YQ_ERROR_RETRY,
         YQ_ERROR_UNKNOWN},
        {{"/syncEmployee", NULL,
          "{" OK ",\"data\":[" RESULT("k0", "", "410019") "," RESULT("k1", "", "410018") "]}"},
         0,
         YQ_ERROR_REFUSED,
         YQ_ERROR_REFUSED,
         YQ_ERROR_REFUSED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct world w = {.script = {{table[i].answer}}};
        struct yq_eteams_row rows[101] = {{.json = "\"username\":\"a\""},
                                          {.id = B, .json = "\"id\":\"" B "\""}};
        for (int n = 2; n < 101; n++)
            rows[n].json = "\"username\":\"x\"";
        open_world(&w, "T");
        assert_int_equal(write_rows(&w, YQ_WRITE_MEMBER, rows, 101), table[i].rc);
        if (rows[0].error.kind != table[i].add || rows[1].error.kind != table[i].update ||
            rows[100].error.kind != table[i].later)
            fail_msg("%zu: %d %d %d", i, rows[0].error.kind, rows[1].error.kind,
                     rows[100].error.kind);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_rows_and_finds_their_results),
        cmocka_unit_test(without_keys_nobody_is_mixed_up),
        cmocka_unit_test(sends_state_calls_with_bare_ids),
        cmocka_unit_test(splits_what_is_too_much),
        cmocka_unit_test(says_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
