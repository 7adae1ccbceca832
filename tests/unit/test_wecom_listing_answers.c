/* WeCom's directory read whole by answers that a test writes: what is missing, what contradicts
 * itself, what ends the run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wecom_reader.h"

#define TOKENS                                                                                     \
    {                                                                                              \
        "/gettoken", NULL, "{\"errcode\":0,\"access_token\":\"T\",\"expires_in\":7200}"            \
    }
#define OK "{\"errcode\":0,"
#define AGENT(persons, parties, tags)                                                              \
    {                                                                                              \
        "/agent/get", NULL,                                                                        \
            OK "\"allow_userinfos\":{\"user\":[" persons "]},\"allow_partys\":{"                   \
               "\"partyid\":[" parties "]},\"allow_tags\":{\"tagid\":[" tags "]}}"                 \
    }
#define AGENT_1 AGENT("", "1", "")
#define DEPARTMENT(id, parent) "{\"id\":" id ",\"name\":\"d" id "\",\"parentid\":" parent "}"
#define LIST_1_2                                                                                   \
    {                                                                                              \
        "/department/list", NULL,                                                                  \
            OK "\"department\":[" DEPARTMENT("1", "0") "," DEPARTMENT("2", "1") "]}"               \
    }
#define MEMBER(id) "\"userid\":\"" id "\",\"name\":\"n\",\"department\":[1],\"status\":1"
#define USERS_1                                                                                    \
    {                                                                                              \
        "/user/list", "department_id=1&", OK "\"userlist\":[{" MEMBER("a") "}]}"                   \
    }
#define USERS_2                                                                                    \
    {                                                                                              \
        "/user/list", "department_id=2&", OK "\"userlist\":[{" MEMBER("b") "}]}"                   \
    }

static const struct written {
    const char *about;
    struct script script;
    const char *why; /* NULL: it is complete */
    size_t people;
    uint32_t failed;
} written[] = {
    {"all is well", {{TOKENS, AGENT_1, LIST_1_2, USERS_1, USERS_2}}, NULL, 2, 0},
    {"one department fails for ever",
     {{TOKENS, AGENT_1, LIST_1_2, USERS_1, {"/user/list", NULL, "{\"errcode\":-1}"}}},
     "user/list: -1",
     1,
     2},
    {"one department fails twice",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", "=2&", "{\"errcode\":-1,\"userlist\":[]}", .times = 1},
       {"/user/list", "=2&", OK "\"x\":1}", .times = 1},
       USERS_2}},
     NULL,
     2,
     0},
    {"a department is out of sight meanwhile",
     {{TOKENS, AGENT_1, LIST_1_2, USERS_1, {"/user/list", NULL, "{\"errcode\":60011}"}}},
     "60011",
     1,
     2},
    {"a department is deleted meanwhile",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":60123}"},
       {"/department/get", "id=2&", "{\"errcode\":60003}"}}},
     NULL,
     1,
     0},
    {"a large one is",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":45029}"},
       {"/user/simplelist", NULL, "{\"errcode\":60003}"},
       {"/department/get", "id=2&", "{\"errcode\":60123}"}}},
     NULL,
     1,
     0},
    {"a department is said to be deleted, and is there",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":60123}"},
       {"/department/get", NULL, OK "\"department\":" DEPARTMENT("2", "1") "}"}}},
     "department 2, which is there",
     1,
     2},
    {"a department is said to be deleted, and then out of sight",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":60123}"},
       {"/department/get", NULL, "{\"errcode\":60011}"}}},
     "60011",
     1,
     2},
    {"a department is said to be deleted, and cannot be asked for",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":60123}"},
       {"/department/get", NULL, "{\"errcode\":-1}"}}},
     "department/get",
     1,
     2},
    {"all of them are",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       {"/user/list", NULL, "{\"errcode\":60123}"},
       {"/department/get", NULL, "{\"errcode\":60123}"}}},
     "nobody",
     0,
     0},
    {"one of a large tree is deleted meanwhile",
     {{TOKENS,
       AGENT_1,
       {"/department/list", NULL, "{\"errcode\":45029}"},
       {"/department/simplelist", NULL,
        OK "\"department_id\":[{\"id\":1,\"parentid\":0,\"order\":1},{\"id\":2,\"parentid\":1,"
           "\"order\":2}]}"},
       {"/department/get", "id=1&", OK "\"department\":" DEPARTMENT("1", "0") "}"},
       {"/department/get", "id=2&", "{\"errcode\":60123}"},
       USERS_1}},
     NULL,
     1,
     0},
    {"an answer without the list",
     {{TOKENS, AGENT_1, LIST_1_2, USERS_1, {"/user/list", NULL, "{\"errcode\":0}"}}},
     "without the list of 2",
     1,
     2},
    {"a malformed row",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, OK "\"userlist\":[{" MEMBER("b") "},{\"userid\":7}]}"}}},
     "userid",
     2,
     2},
    {"nobody at all",
     {{TOKENS, AGENT_1, LIST_1_2, {"/user/list", NULL, OK "\"userlist\":[]}"}}},
     "nobody",
     0,
     0},
    {"an empty tree, though a department is ticked",
     {{TOKENS, AGENT_1, {"/department/list", NULL, OK "\"department\":[]}"}}},
     "lacks department 1",
     0,
     0},
    {"no tree", {{TOKENS, AGENT_1, {"/department/list", NULL, "{\"errcode\":0}"}}}, "list", 0, 0},
    {"a row of the tree is lost",
     {{TOKENS,
       AGENT_1,
       {"/department/list", NULL,
        OK "\"department\":[" DEPARTMENT("1", "0") "," DEPARTMENT("2", "9") "]}"},
       USERS_1,
       USERS_2}},
     "lacks department 9",
     2,
     0},
    {"a malformed department",
     {{TOKENS,
       AGENT_1,
       {"/department/list", NULL, OK "\"department\":[" DEPARTMENT("1", "0") ",{\"id\":\"x\"}]}"},
       USERS_1}},
     "department",
     1,
     0},
    {"the range cannot be read",
     {{TOKENS, {"/agent/get", NULL, "{\"errcode\":301002}"}, LIST_1_2, USERS_1, USERS_2}},
     "301002",
     2,
     0},
    {"the range is not there",
     {{TOKENS, {"/agent/get", NULL, "{\"errcode\":0}"}, LIST_1_2, USERS_1, USERS_2}},
     "agent/get",
     2,
     0},
    {"the range is of another form",
     {{TOKENS,
       {"/agent/get", NULL, OK "\"allow_partys\":{\"partyid\":{}}}"},
       LIST_1_2,
       USERS_1,
       USERS_2}},
     "agent/get",
     2,
     0},
    {"a tree too large for one answer",
     {{TOKENS,
       AGENT_1,
       {"/department/list", NULL, "{\"errcode\":45029}"},
       {"/department/simplelist", NULL,
        OK "\"department_id\":[{\"id\":1,\"parentid\":0,\"order\":1},{\"id\":2,\"parentid\":1,"
           "\"order\":2}]}"},
       {"/department/get", "id=1&", OK "\"department\":" DEPARTMENT("1", "0") "}"},
       {"/department/get", "id=2&", OK "\"department\":" DEPARTMENT("2", "1") "}"},
       USERS_1,
       USERS_2}},
     NULL,
     2,
     0},
    {"one of its departments cannot be read",
     {{TOKENS,
       AGENT_1,
       {"/department/list", NULL, "{\"errcode\":45029}"},
       {"/department/simplelist", NULL, OK "\"department_id\":[{\"id\":1,\"parentid\":0}]}"},
       {"/department/get", NULL, OK "\"department\":" DEPARTMENT("2", "1") "}"},
       USERS_1}},
     "department/get",
     1,
     0},
    {"a department too large for one answer",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":45029}"},
       {"/user/simplelist", "=2&", OK "\"userlist\":[{\"userid\":\"b\"},{\"userid\":\"a\"}]}"},
       {"/user/get", "userid=b", OK MEMBER("b") "}"}}},
     NULL,
     2,
     0},
    {"its people cannot be listed",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":45029}"},
       {"/user/simplelist", NULL, "{\"errcode\":-1}"}}},
     "user/simplelist",
     1,
     2},
    {"its people come without a list",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":45029}"},
       {"/user/simplelist", NULL, OK "\"userlist\":7}"}}},
     "user/simplelist",
     1,
     2},
    {"one of its people has no userid",
     {{TOKENS,
       AGENT_1,
       LIST_1_2,
       USERS_1,
       {"/user/list", NULL, "{\"errcode\":45029}"},
       {"/user/simplelist", NULL, OK "\"userlist\":[{\"userid\":\"\"}]}"}}},
     "user/simplelist",
     1,
     2},
    {"a tag's department that the list does not show",
     {{TOKENS,
       AGENT("", "", "7"),
       {"/tag/get", NULL, OK "\"userlist\":[{\"userid\":\"A\"}],\"partylist\":[2]}"},
       {"/department/list", "id=2&", OK "\"department\":[" DEPARTMENT("2", "1") "]}"},
       {"/department/list", NULL, OK "\"department\":[" DEPARTMENT("1", "0") "]}"},
       USERS_1,
       USERS_2}},
     NULL,
     2,
     0},
    {"and which cannot be read",
     {{TOKENS,
       AGENT("", "", "7"),
       {"/tag/get", NULL, OK "\"userlist\":[],\"partylist\":[2]}"},
       {"/department/list", "id=2&", "{\"errcode\":60011}"},
       {"/department/list", NULL, OK "\"department\":[" DEPARTMENT("1", "0") "]}"},
       USERS_1}},
     "60011",
     1,
     0},
    {"a tag cannot be read",
     {{TOKENS,
       AGENT("", "1", "7"),
       {"/tag/get", NULL, "{\"errcode\":40068}"},
       LIST_1_2,
       USERS_1,
       USERS_2}},
     "40068",
     2,
     0},
    {"someone ticked has left",
     {{TOKENS,
       AGENT("{\"userid\":\"gone\"},{\"userid\":\"c\"}", "1", ""),
       LIST_1_2,
       USERS_1,
       USERS_2,
       {"/user/get", "=gone", "{\"errcode\":60111}"},
       {"/user/get", "=c", OK MEMBER("C") "}"}}},
     NULL,
     3,
     0},
    {"someone ticked cannot be read",
     {{TOKENS,
       AGENT("{\"userid\":\"c\"}", "1", ""),
       LIST_1_2,
       USERS_1,
       USERS_2,
       {"/user/get", NULL, OK MEMBER("d") "}"}}},
     "another member",
     2,
     0},
};

static void by_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        const struct written *c = &written[i];
        struct reader r = {.script = c->script};
        struct yq_error err = {0};
        r.server = peer_server_new(script_answer, &r.script);
        open_reader(&r, peer_server_url(r.server), "app", NULL);
        int rc = list_all(&r, &err);
        if (rc != 0 || r.l.complete != (c->why == NULL) || r.s.complete != r.l.complete ||
            r.s.count != c->people || (c->why != NULL && !strstr(r.l.error.text, c->why)))
            fail_msg("%s: %d %s, %zu people, %s", c->about, rc, err.text, r.s.count,
                     r.l.error.text);
        assert_int_equal(r.l.failed_count, c->failed != 0);
        if (c->failed != 0)
            assert_int_equal(r.l.failed[0], c->failed);
        close_reader(&r);
    }
}

static int lose(void *context, struct yq_error *err)
{
    int *left = context;
    return (*left)-- > 0 ? 0 : yq_error_set(err, YQ_ERROR_LOST, "lost");
}

static void what_ends_the_run(void **state)
{
    (void)state;
    struct reader r = {
        .script = {
            {TOKENS, AGENT_1, LIST_1_2, USERS_1, {"/user/list", NULL, "{\"errcode\":60020}"}}}};
    struct yq_error err = {0};
    r.server = peer_server_new(script_answer, &r.script);
    open_reader(&r, peer_server_url(r.server), "app", NULL);
    assert_int_equal(list_all(&r, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_FATAL);
    assert_false(r.s.complete);
    for (int left = 0; left < 6; left++) {
        int rest = left;
        struct yq_watch watch = {.check = lose, .context = &rest};
        assert_int_equal(yq_wecom_list_all(r.w, r.h, NULL, &r.s, NULL, &watch, &err), -1);
        assert_int_equal(err.kind, YQ_ERROR_LOST);
        assert_false(r.s.complete);
    }
    close_reader(&r);
    r = (struct reader){0};
    open_reader(&r, "http://127.0.0.1:1", NULL, NULL);
    assert_int_equal(list_all(&r, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_FATAL);
    assert_int_equal(yq_wecom_list_ids(r.w, r.h, &r.s, NULL, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_REFUSED);
    close_reader(&r);
}

#define PAGE(cursor, rows) OK "\"next_cursor\":\"" cursor "\",\"dept_user\":[" rows "]}"
#define ROW(id, department) "{\"userid\":\"" id "\",\"department\":" department "}"

static const struct {
    const char *about;
    struct script script;
    bool complete;
    size_t people;
} pages[] = {
    {"two pages, one person on both",
     {{TOKENS,
       {"/user/list_id", "\"c2\"", PAGE("", ROW("A", "2") "," ROW("c", "2"))},
       {"/user/list_id", NULL, PAGE("c2", ROW("a", "1") "," ROW("b", "1"))}}},
     true,
     3},
    {"an empty page in between",
     {{TOKENS,
       {"/user/list_id", "\"c2\"", PAGE("c3", "")},
       {"/user/list_id", "\"c3\"", PAGE("", ROW("c", "2"))},
       {"/user/list_id", NULL, PAGE("c2", ROW("a", "1"))}}},
     true,
     2},
    {"the cursor is refused once: from the first page on",
     {{TOKENS,
       {"/user/list_id", "\"c2\"", "{\"errcode\":50100}", .times = 1},
       {"/user/list_id", "\"c2\"", PAGE("", ROW("c", "2"))},
       {"/user/list_id", "{\"limit", PAGE("c2", ROW("old", "1")), .times = 1},
       {"/user/list_id", NULL, PAGE("c2", ROW("a", "1"))}}},
     true,
     2},
    {"the cursor is refused again and again",
     {{TOKENS,
       {"/user/list_id", "\"c2\"", "{\"errcode\":50100}"},
       {"/user/list_id", NULL, PAGE("c2", ROW("a", "1"))}}},
     false,
     1},
    {"the pages do not end",
     {{TOKENS, {"/user/list_id", NULL, PAGE("c2", ROW("a", "1"))}}},
     false,
     1},
    {"nobody", {{TOKENS, {"/user/list_id", NULL, PAGE("", "")}}}, false, 0},
    {"an error with an empty list",
     {{TOKENS, {"/user/list_id", NULL, "{\"errcode\":48002,\"dept_user\":[]}"}}},
     false,
     0},
    {"no list", {{TOKENS, {"/user/list_id", NULL, "{\"errcode\":0}"}}}, false, 0},
};

static void by_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        struct reader r = {.script = pages[i].script};
        struct yq_error err = {0};
        r.server = peer_server_new(script_answer, &r.script);
        open_reader(&r, peer_server_url(r.server), NULL, "contacts");
        int rc = yq_wecom_list_ids(r.w, r.h, &r.s, NULL, &err);
        if ((rc == 0) != pages[i].complete || r.s.complete != pages[i].complete ||
            r.s.count != pages[i].people)
            fail_msg("%s: %d %s, %zu people", pages[i].about, rc, err.text, r.s.count);
        if (strstr(pages[i].about, "again and again") != NULL)
            assert_int_equal(peer_server_count(r.server, "/user/list_id"), 6);
        assert_int_equal(err.kind != YQ_ERROR_NONE, !pages[i].complete);
        close_reader(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_answers),
        cmocka_unit_test(what_ends_the_run),
        cmocka_unit_test(by_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
