/* The simulated WeCom calls back as the real one does: envelopes, trimmed events, bursts, repeats,
 * and what a test asks it to do to the order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "wecom_peer.h"
#include "wecom_sink.h"

static struct sink *sink;

static const char company[] =
    "{\"departments\":[{\"id\":1,\"name\":\"corp\",\"parent\":0},"
    "{\"id\":2,\"name\":\"sales\",\"parent\":1},{\"id\":3,\"name\":\"north\",\"parent\":2},"
    "{\"id\":4,\"name\":\"finance\",\"parent\":1}],"
    "\"members\":[{\"userid\":\"li.na\",\"name\":\"李娜\",\"departments\":[3,4]},"
    "{\"userid\":\"wang\",\"name\":\"王伟\",\"departments\":[3]}],"
    "\"tags\":[{\"id\":5,\"name\":\"t\",\"members\":[\"wang\"],\"departments\":[2]}]}";

static int start(void **state)
{
    sink = sink_start();
    return peer_group_start(state);
}

static int stop(void **state)
{
    int result = peer_group_stop(state);
    sink_stop(sink);
    return result;
}

static int load(void **state)
{
    (void)state;
    sink_forget(sink);
    return peer_load(peer, company);
}

/* `more`: further members of the JSON object, with a comma in front. */
static void call_back(const char *more)
{
    char *body = yq_printf("{\"url\":\"%s\",\"token\":\"%s\",\"encoding_aes_key\":\"%s\"%s}",
                           sink_url(sink), SINK_TOKEN, SINK_KEY, more);
    assert_int_equal(peer_code(peer, "/_sim/callback", body), 0);
    free(body);
}

static void change(const char *body)
{
    assert_int_equal(peer_code(peer, "/_sim/change", body), 0);
}

/* Everything that was delivered, in order, in one text. */
static char *delivered(void)
{
    cJSON_Delete(peer_wait_deliveries(peer));
    char *all = yq_strdup("");
    for (size_t i = 0; i < sink_count(sink); i++) {
        char *text = sink_text(sink, i), *longer = yq_printf("%s%s\n", all, text);
        free(text);
        free(all);
        all = longer;
    }
    return all;
}

static size_t times(const char *all, const char *part)
{
    size_t n = 0;
    for (const char *at = all; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void url_is_verified(void **state)
{
    (void)state;
    call_back("");
    cJSON *ok = peer_call(peer, "/_sim/verify", "{}", NULL);
    assert_true(cJSON_IsTrue(yq_json_get(ok, "verified")));
    assert_int_equal(json_int(ok, "status"), 200);
    cJSON_Delete(ok);
    cJSON *bad = peer_call(peer, "/_sim/verify", "{\"token\":\"other\"}", NULL);
    assert_false(cJSON_IsTrue(yq_json_get(bad, "verified")));
    assert_int_equal(json_int(bad, "status"), 403);
    cJSON_Delete(bad);
}

static void changes_are_delivered_in_order(void **state)
{
    (void)state;
    call_back("");
    cJSON *answer =
        peer_call(peer, "/_sim/change",
                  "[{\"do\":\"create_department\",\"name\":\"west\",\"parent\":2,\"id\":30},"
                  "{\"do\":\"update_member\",\"userid\":\"wang\",\"departments\":[30,4],\"main_"
                  "department\":4},"
                  "{\"do\":\"update_department\",\"id\":30,\"name\":\"south\"},"
                  "{\"do\":\"update_member\",\"userid\":\"wang\",\"position\":\"a<b>]]>c\"},"
                  "{\"do\":\"set_tag\",\"id\":5,\"members\":[\"li.na\"],\"departments\":[2]}]",
                  NULL);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(answer, "events")), 5);
    char *all = delivered();
    for (int i = 0; i < 5; i++) {
        char *text = sink_text(sink, (size_t)i);
        const cJSON *event = cJSON_GetArrayItem(yq_json_get(answer, "events"), i);
        assert_string_equal(text, json_text(event, "text"));
        free(text);
    }
    assert_non_null(strstr(all, "<ChangeType><![CDATA[create_party]]></ChangeType><Id>30</Id>"
                                "<Name><![CDATA[west]]></Name><ParentId>2</ParentId>"));
    assert_non_null(strstr(all, "<UserID><![CDATA[wang]]></UserID><Department><![CDATA[30,4]]>"
                                "</Department><MainDepartment>4</MainDepartment>"));
    assert_non_null(strstr(all, "<Id>30</Id><Name><![CDATA[south]]></Name></xml>"));
    assert_non_null(strstr(all, "<![CDATA[a<b>]]]]><![CDATA[>c]]>"));
    assert_non_null(strstr(all, "<AddUserItems><![CDATA[li.na]]></AddUserItems>"
                                "<DelUserItems><![CDATA[wang]]></DelUserItems>"));
    free(all);
    cJSON_Delete(answer);
}

static void trimmed_mode_is_silent_about_names(void **state)
{
    (void)state;
    call_back(",\"mode\":\"trimmed\"");
    change("[{\"do\":\"update_department\",\"id\":2,\"name\":\"renamed\"},"
           "{\"do\":\"update_member\",\"userid\":\"wang\",\"name\":\"x\",\"position\":\"y\"},"
           "{\"do\":\"update_member\",\"userid\":\"li.na\",\"main_department\":4},"
           "{\"do\":\"update_department\",\"id\":3,\"parent\":4},"
           "{\"do\":\"update_member\",\"userid\":\"wang\",\"departments\":[4]},"
           "{\"do\":\"rename_userid\",\"userid\":\"wang\",\"new_userid\":\"wang2\"},"
           "{\"do\":\"create_member\",\"userid\":\"n\",\"name\":\"N\",\"departments\":[4],"
           "\"mobile\":\"13800000009\"}]");
    char *all = delivered();
    assert_int_equal(sink_count(sink), 4);
    assert_int_equal(times(all, "Name>") - times(all, "UserName>"), 0);
    assert_int_equal(times(all, "Mobile"), 0);
    assert_non_null(strstr(all, "<Id>3</Id><ParentId>4</ParentId></xml>"));
    assert_non_null(strstr(all, "<NewUserID><![CDATA[wang2]]></NewUserID>"));
    free(all);
}

static void quirks_of_real_traffic(void **state)
{
    (void)state;
    call_back(",\"quirks\":{\"creation_burst\":true,\"delete_update\":true,"
              "\"main_department_only\":true,\"blank_cdata\":true}");
    change("[{\"do\":\"create_member\",\"userid\":\"n\",\"name\":\"N\",\"departments\":[4]},"
           "{\"do\":\"update_member\",\"userid\":\"li.na\",\"main_department\":4},"
           "{\"do\":\"delete_member\",\"userid\":\"n\"}]");
    static const char *const order[] = {"update_user", "update_user", "create_user",
                                        "update_user", "delete_user", "update_user"};
    free(delivered());
    assert_int_equal(sink_count(sink), 6);
    for (size_t i = 0; i < 6; i++) {
        char *text = sink_text(sink, i);
        assert_non_null(strstr(text, order[i]));
        assert_non_null(strstr(text, "<UserID> <![CDATA["));
        assert_int_equal(strstr(text, "<Name>") != NULL, i == 2);
        assert_int_equal(strstr(text, "<Department>") != NULL, i != 3 && i != 4);
        free(text);
    }
    sink_forget(sink);
    call_back(",\"quirks\":{\"no_cdata\":true,\"random_order\":true}");
    change("{\"do\":\"update_member\",\"userid\":\"li.na\",\"name\":\"a&b\"}");
    char *all = delivered();
    assert_null(strstr(all, "CDATA"));
    assert_non_null(strstr(all, "<Name>a&amp;b</Name>"));
    free(all);
}

static void json_and_forged_envelopes(void **state)
{
    (void)state;
    call_back(",\"format\":\"json\"");
    change("{\"do\":\"delete_member\",\"userid\":\"wang\"}");
    free(delivered());
    char *text = sink_text(sink, 0);
    cJSON *tree = yq_json_parse(text, strlen(text), NULL);
    assert_string_equal(json_text(tree, "ChangeType"), "delete_user");
    assert_string_equal(json_text(tree, "UserID"), "wang");
    cJSON_Delete(tree);
    free(text);
    call_back(",\"quirks\":{\"wrong_signature\":true}");
    change("{\"do\":\"update_department\",\"id\":2,\"name\":\"x\"}");
    cJSON_Delete(peer_wait_deliveries(peer));
    call_back(",\"quirks\":{\"wrong_receiver\":true}");
    change("{\"do\":\"update_department\",\"id\":2,\"name\":\"y\"}");
    char *all = delivered();
    assert_non_null(strstr(all, "!signature\n!receiver\n"));
    free(all);
}

static void branch_is_deleted_with_its_people_moved(void **state)
{
    (void)state;
    call_back("");
    change("{\"do\":\"delete_department\",\"id\":2,\"subtree\":true}");
    char *all = delivered();
    assert_int_equal(times(all, "delete_party"), 2);
    assert_int_equal(times(all, "update_user"), 2);
    assert_non_null(strstr(all, "wang]]></UserID><Department><![CDATA[1]]>"));
    assert_non_null(strstr(all, "li.na]]></UserID><Department><![CDATA[4]]>"));
    free(all);
    cJSON *after = peer_call(peer, "/_sim/state", NULL, NULL);
    assert_int_equal(cJSON_GetArraySize(yq_json_get(after, "departments")), 2);
    cJSON_Delete(after);
}

/* What is sent while the sink refuses `refused` times: ciphertexts of the first two attempts alike?
 */
static void expect_repeats(const char *envelope, int refused, bool same)
{
    char *delivery = yq_printf("{\"retry_ms\":20,\"retries\":3,\"envelope\":\"%s\"}", envelope);
    assert_int_equal(peer_code(peer, "/_sim/delivery", delivery), 0);
    sink_refuse(sink, 500, refused);
    change("{\"do\":\"update_member\",\"userid\":\"wang\",\"departments\":[4]}");
    cJSON *counts = peer_wait_deliveries(peer);
    size_t attempts = refused < 4 ? (size_t)refused + 1 : 4;
    assert_int_equal(sink_count(sink), attempts);
    assert_int_equal(json_int(counts, "retries"), attempts - 1);
    assert_int_equal(json_int(counts, "acknowledged"), refused < 4);
    assert_int_equal(json_int(counts, "failed"), refused >= 4);
    char *first = sink_encrypted(sink, 0), *second = sink_encrypted(sink, 1);
    char *text = sink_text(sink, 0), *again = sink_text(sink, 1);
    assert_int_equal(strcmp(first, second) == 0, same);
    assert_string_equal(text, again);
    free(first);
    free(second);
    free(text);
    free(again);
    cJSON_Delete(counts);
    free(delivery);
}

static void refused_ones_are_repeated(void **state)
{
    (void)state;
    call_back("");
    expect_repeats("same", 2, true);
}

static void repeats_may_be_sealed_anew(void **state)
{
    (void)state;
    call_back("");
    expect_repeats("reencrypted", 1, false);
}

static void dropped_after_three_repeats(void **state)
{
    (void)state;
    call_back("");
    expect_repeats("same", 9, true);
}

static void held_ones_are_shuffled_doubled_and_lost(void **state)
{
    (void)state;
    call_back("");
    assert_int_equal(peer_code(peer, "/_sim/delivery", "{\"mode\":\"hold\"}"), 0);
    for (int i = 0; i < 60; i++) {
        char *body = yq_printf(
            "{\"do\":\"create_member\",\"userid\":\"m%02d\",\"name\":\"m\",\"departments\":[4]}",
            i);
        change(body);
        free(body);
    }
    cJSON *held = peer_call(peer, "/_sim/deliveries", NULL, NULL);
    assert_int_equal(json_int(held, "held"), 60);
    assert_int_equal(sink_count(sink), 0);
    cJSON_Delete(held);
    cJSON *sent = peer_call(peer, "/_sim/deliver",
                            "{\"order\":\"shuffle\",\"seed\":4,\"duplicate_percent\":40,"
                            "\"lose_percent\":20,\"limit\":50,\"max_in_flight\":4}",
                            NULL);
    int64_t duplicates = json_int(sent, "duplicates"), lost = json_int(sent, "lost");
    assert_int_equal(json_int(sent, "events"), 50);
    assert_in_range(duplicates, 5, 30);
    assert_in_range(lost, 2, 25);
    cJSON_Delete(sent);
    char *all = delivered();
    assert_int_equal(sink_count(sink), 50 - lost + duplicates);
    size_t here = 0, twice = 0, unordered = 0;
    const char *before = all;
    for (int i = 0; i < 60; i++) {
        char name[16];
        snprintf(name, sizeof name, "[m%02d]", i);
        size_t n = times(all, name);
        here += n > 0;
        twice += n == 2;
        const char *at = strstr(all, name);
        unordered += at != NULL && at < before;
        before = at != NULL ? at : before;
    }
    assert_int_equal(here, 50 - lost);
    assert_int_equal(twice, duplicates);
    assert_true(unordered > 5);
    free(all);
    assert_int_equal(peer_code(peer, "/_sim/deliver", "{}"), 0);
    cJSON *rest = peer_wait_deliveries(peer);
    assert_int_equal(json_int(rest, "held"), 0);
    assert_int_equal(json_int(rest, "acknowledged"), sink_count(sink));
    cJSON_Delete(rest);
}

static void range_changes_are_told_per_member(void **state)
{
    (void)state;
    call_back(",\"quirks\":{\"subscribe\":true}");
    change("[{\"do\":\"set_range\",\"departments\":[4]},"
           "{\"do\":\"update_member\",\"userid\":\"wang\",\"departments\":[4]}]");
    char *all = delivered();
    assert_int_equal(sink_count(sink), 3);
    assert_int_equal(times(all, "<FromUserName><![CDATA[wang]]>"), 2);
    assert_non_null(
        strstr(all, "<Event><![CDATA[unsubscribe]]></Event><AgentID>1000002</AgentID>"));
    char *last = sink_text(sink, 2);
    assert_non_null(strstr(last, "<Event><![CDATA[subscribe]]>"));
    free(last);
    free(all);
}

static void writes_of_the_assistant_are_not_called_back(void **state)
{
    (void)state;
    call_back("");
    assert_int_equal(peer_contacts_code(peer, "user/delete?userid=wang", NULL), 0);
    cJSON *counts = peer_wait_deliveries(peer);
    assert_int_equal(json_int(counts, "events"), 0);
    cJSON_Delete(counts);
    call_back(",\"quirks\":{\"own_writes\":true}");
    assert_int_equal(peer_contacts_code(peer, "user/delete?userid=li.na", NULL), 0);
    free(delivered());
    assert_int_equal(sink_count(sink), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(url_is_verified, load),
        cmocka_unit_test_setup(changes_are_delivered_in_order, load),
        cmocka_unit_test_setup(trimmed_mode_is_silent_about_names, load),
        cmocka_unit_test_setup(quirks_of_real_traffic, load),
        cmocka_unit_test_setup(json_and_forged_envelopes, load),
        cmocka_unit_test_setup(branch_is_deleted_with_its_people_moved, load),
        cmocka_unit_test_setup(refused_ones_are_repeated, load),
        cmocka_unit_test_setup(repeats_may_be_sealed_anew, load),
        cmocka_unit_test_setup(dropped_after_three_repeats, load),
        cmocka_unit_test_setup(held_ones_are_shuffled_doubled_and_lost, load),
        cmocka_unit_test_setup(range_changes_are_told_per_member, load),
        cmocka_unit_test_setup(writes_of_the_assistant_are_not_called_back, load),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
