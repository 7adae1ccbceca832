/* The simulated WeCom fails on demand, blocks who asks too often, and counts what is under way. */
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "support/wait.h"
#include "wecom_peer.h"

static const char company[] =
    "{\"departments\":[{\"id\":1,\"name\":\"corp\",\"parent\":0},"
    "{\"id\":2,\"name\":\"sales\",\"parent\":1}],"
    "\"members\":[{\"userid\":\"wang\",\"name\":\"王伟\",\"departments\":[2]}]}";

static int load(void **state)
{
    (void)state;
    return peer_load(peer, company);
}

static void limits_block_for_their_window(void **state)
{
    (void)state;
    cJSON *token = peer_call(peer, PEER_GETTOKEN, NULL, NULL);
    const char *text = json_text(token, "access_token");
    char *get = yq_printf("/cgi-bin/user/get?userid=wang&access_token=%s", text);
    char *list = yq_printf("/cgi-bin/department/list?access_token=%s", text);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"rate\":3}"), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(peer_code(peer, get, NULL), 0);
    assert_int_equal(peer_code(peer, get, NULL), 45009);
    assert_int_equal(peer_code(peer, list, NULL), 0); /* per API */
    peer_move_clock(peer, 59 * 1000);
    assert_int_equal(peer_code(peer, get, NULL), 45009);
    peer_move_clock(peer, 61 * 1000);
    assert_int_equal(peer_code(peer, get, NULL), 0);

    assert_int_equal(
        peer_code(peer, "/_sim/faults", "{\"path\":\"/cgi-bin/user/get\",\"kind\":\"freq\"}"), 0);
    assert_int_equal(peer_code(peer, get, NULL), 45009);
    assert_int_equal(peer_code(peer, get, NULL), 45009); /* for the whole window */
    peer_move_clock(peer, 122 * 1000);
    assert_int_equal(peer_code(peer, get, NULL), 0);
    free(get);
    free(list);
    cJSON_Delete(token);
}

static size_t count_refusals(char *bytes, size_t size, size_t n, void *arg)
{
    size_t *refused = arg;
    *refused += memmem(bytes, size * n, "\"errcode\":45033", 15) != NULL;
    return size * n;
}

/* Four calls at once; returns how many were refused by 45033. */
static size_t call_four_at_once(void)
{
    CURLM *multi = curl_multi_init();
    CURL *easy[4];
    size_t refused = 0;
    int running = 1;
    char *url = yq_printf("%s%s", peer_url(peer), PEER_GETTOKEN);
    for (size_t i = 0; i < 4; i++) {
        easy[i] = curl_easy_init();
        curl_easy_setopt(easy[i], CURLOPT_URL, url);
        curl_easy_setopt(easy[i], CURLOPT_NOPROXY, "*");
        curl_easy_setopt(easy[i], CURLOPT_WRITEFUNCTION, count_refusals);
        curl_easy_setopt(easy[i], CURLOPT_WRITEDATA, &refused);
        curl_multi_add_handle(multi, easy[i]);
    }
    while (running > 0 && curl_multi_perform(multi, &running) == CURLM_OK)
        curl_multi_poll(multi, NULL, 0, 100, NULL);
    for (size_t i = 0; i < 4; i++) {
        curl_multi_remove_handle(multi, easy[i]);
        curl_easy_cleanup(easy[i]);
    }
    curl_multi_cleanup(multi);
    free(url);
    return refused;
}

static void calls_in_flight_are_counted_and_limited(void **state)
{
    (void)state;
    assert_int_equal(peer_code(peer, "/_sim/delay", "{\"ms\":100}"), 0);
    assert_int_equal(call_four_at_once(), 0);
    cJSON *calls = peer_call(peer, "/_sim/calls", NULL, NULL);
    assert_int_equal(json_int(calls, "calls"), 4);
    assert_int_equal(json_int(calls, "in_flight"), 0);
    assert_int_equal(json_int(calls, "max_in_flight"), 4);
    cJSON_Delete(calls);
    assert_int_equal(peer_code(peer, "/_sim/settings", "{\"concurrency\":3}"), 0);
    assert_int_equal(call_four_at_once(), 1);
}

static int64_t in_flight(void)
{
    cJSON *calls = peer_call(peer, "/_sim/calls", NULL, NULL);
    int64_t n = json_int(calls, "in_flight");
    cJSON_Delete(calls);
    return n;
}

static bool none_in_flight(void *arg)
{
    (void)arg;
    return in_flight() == 0;
}

static void hang_up_after_50_ms(void)
{
    char *url = yq_printf("%s%s", peer_url(peer), PEER_GETTOKEN);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 50L);
    assert_int_equal(curl_easy_perform(easy), CURLE_OPERATION_TIMEDOUT);
    curl_easy_cleanup(easy);
    free(url);
}

static void a_call_without_answer_comes_to_its_end(void **state)
{
    (void)state;
    assert_int_equal(peer_code(peer, "/_sim/delay", "{\"ms\":1000}"), 0);
    hang_up_after_50_ms();
    assert_int_equal(in_flight(), 1); /* WeCom is still at work on it */
    assert_int_equal(peer_code(peer, "/_sim/calls", "{\"reset\":true}"), 0);
    assert_int_equal(in_flight(), 1);
    assert_true(yq_wait_until(none_in_flight, NULL, 10 * 1000));
    assert_int_equal(peer_code(peer, "/_sim/delay", "{\"ms\":0}"), 0);

    assert_int_equal(peer_code(peer, "/_sim/faults", "{\"path\":\"*\",\"kind\":\"cut\"}"), 0);
    assert_int_equal(peer_code(peer, PEER_GETTOKEN, NULL), -999);
    assert_int_equal(in_flight(), 0);
}

static void faults_come_on_demand(void **state)
{
    static const struct {
        const char *kind;
        int code; /* -999: no errcode to be read */
        long status;
    } cases[] = {
        {"busy", -1, 200},
        {"conflict", 6000, 200},
        {"concurrency", 45033, 200},
        {"token_dead", 40014, 200},
        {"token_expired", 42001, 200},
        {"http_500", -999, 500},
        {"http_502", -999, 502},
        {"garbage", -999, 200},
        {"html", -999, 200},
        {"truncated", -999, 200},
        {"cut", -999, 0},
        {"cut_after", -999, 0},
        {"empty_list", 0, 200},
        {"errcode_missing", -999, 200},
        {"nul_escape", -999, 200},
        {"deep", -999, 200},
        {"wrong_types", 0, 200},
        {"slow", 0, 200},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cJSON *token = peer_call(peer, PEER_GETTOKEN, NULL, NULL);
        char *list = yq_printf("/cgi-bin/user/list?department_id=2&access_token=%s",
                               json_text(token, "access_token"));
        char *fault = yq_printf("{\"path\":\"/cgi-bin/user/list\",\"kind\":\"%s\",\"delay_ms\":5}",
                                cases[i].kind);
        long status;
        assert_int_equal(peer_code(peer, "/_sim/faults", fault), 0);
        cJSON *answer = peer_call(peer, list, NULL, &status);
        if (json_int(answer, "errcode") != cases[i].code || status != cases[i].status)
            print_error("%s\n", cases[i].kind);
        assert_int_equal(json_int(answer, "errcode"), cases[i].code);
        assert_int_equal(status, cases[i].status);
        cJSON_Delete(answer);
        cJSON_Delete(token);
        free(list);
        free(fault);
        assert_int_equal(peer_app_code(peer, "user/list?department_id=2", NULL), 0);
    }
    cJSON *hits = peer_call(peer, "/_sim/faults", NULL, NULL);
    assert_int_equal(json_int(yq_json_get(hits, "hits"), "cut_after"), 1);
    assert_int_equal(json_int(hits, "waiting"), 0);
    cJSON_Delete(hits);
}

static void random_faults_come_in_their_share(void **state)
{
    (void)state;
    int busy = 0;
    assert_int_equal(
        peer_code(peer, "/_sim/faults", "{\"rate_percent\":30,\"kinds\":[\"busy\"],\"seed\":5}"),
        0);
    for (int i = 0; i < 200; i++)
        busy += peer_code(peer, PEER_GETTOKEN, NULL) == -1;
    assert_in_range(busy, 30, 90);
    assert_int_equal(peer_code(peer, "/_sim/faults", "{\"clear\":true}"), 0);
    assert_int_equal(peer_code(peer, PEER_GETTOKEN, NULL), 0);
    assert_int_equal(peer_code(peer, "/_sim/faults", "{\"kind\":\"unheard-of\"}"), 40058);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(limits_block_for_their_window, load),
        cmocka_unit_test_setup(calls_in_flight_are_counted_and_limited, load),
        cmocka_unit_test_setup(a_call_without_answer_comes_to_its_end, load),
        cmocka_unit_test_setup(faults_come_on_demand, load),
        cmocka_unit_test_setup(random_faults_come_in_their_share, load),
    };
    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
