/* Dead letters as an operator sees them: listed, shown, sent again as they came, dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/app/printing.h"
#include "base/json.h"
#include "clients/queue.h"
#include "clients/store.h"
#include "console.h"

#define RENAMED "{\"userid\":\"li.na\",\"new_userid\":\"li.na2\",\"mobile\":\"13812345678\"}"

static char *redis_text(const char *command)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(console.redis, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    char *text = strdup(reply->str != NULL ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

static long count(const char *command)
{
    redisReply *reply = yq_redis_command(console.redis, NULL, command);
    assert_non_null(reply);
    long n = (long)reply->integer;
    freeReplyObject(reply);
    return n;
}

/* An event that was tried in vain, and its letter. */
static void give_up(enum yq_event_kind kind, const char *subject, const char *data, char *entry)
{
    push(kind, subject, data, entry);
    struct yq_commit *c = yq_commit_new();
    yq_store_add_dead(c, &console.keys, "acme",
                      &(struct yq_dead){.entry = entry,
                                        .kind = yq_event_kind_name(kind),
                                        .subject = subject,
                                        .data = data,
                                        .attempts = 12,
                                        .deaths = 1,
                                        .first_ms = 1767225600000,
                                        .error = "peer_refused: 13812345678 is taken"});
    commit(c);
}

/* %s in the command is the event. */
static void expect_about(const char *command, const char *entry, int status, const char *words)
{
    char line[256];
    const char *at = strstr(command, "%s");
    (void)snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - command), command, entry, at + 2);
    expect(line, status, words);
}

/* The newest delivery of the queue; the caller releases. */
static struct yq_delivery *newest(struct yq_deliveries *d)
{
    assert_int_equal(
        yq_queue_range(console.redis, &console.keys, "acme", "-", "+", true, 100, d, NULL), 0);
    assert_true(d->count > 0);
    return &d->items[0];
}

static void usage(void **state)
{
    (void)state;
    clear_redis();
    expect("dead", 2, "dead retry ID EVENT");
    expect("dead list", 2, "something is missing");
    expect("dead list acme --limit none", 2, "1 to 1000000");
    expect("dead list acme --kind x", 2, "no kind of event");
    expect("dead list acme", 0, "no such dead letters");
    expect("dead list acme --json", 0, "[]");
    expect("dead show acme", 2, "something is missing");
    expect("dead show acme x", 2, "no entry id");
    expect("dead show acme 1-1", 1, "acme has no dead letter 1-1");
    expect("dead retry acme", 2, "which ones");
    expect("dead retry acme --all --kind member.updated", 2, "which ones");
    expect("dead retry acme 1-1 --all", 2, "which ones");
    expect("dead retry acme 1x", 2, "no entry id");
    expect("dead retry acme 1-1", 1, "no dead letter 1-1");
    expect("dead retry acme --all", 0, "no such dead letters");
    expect("dead retry acme --all --json", 0, "[]");
    expect("dead drop acme --all", 2, "--reason says why");
    expect("dead drop acme --reason=x", 2, "which ones");
    expect("dead list nobody", 1, "no connection");
}

static void they_are_listed_and_shown(void **state)
{
    (void)state;
    char first[YQ_ENTRY_MAX], second[YQ_ENTRY_MAX];
    clear_redis();
    give_up(YQ_EVENT_MEMBER_UPDATED, "member:li.na", RENAMED, first);
    give_up(YQ_EVENT_DEPARTMENT_CREATED, "department:7", "{\"id\":7}", second);
    expect("dead list acme", 0, "department:7");
    assert_true(strstr(console.out, "department:7") < strstr(console.out, "member:li.na"));
    assert_null(strstr(console.out, "13812345678"));
    expect("dead list acme --limit 1", 0, "and older ones: 1");
    assert_null(strstr(console.out, "member:li.na"));
    expect("dead list acme --subject member:LI.NA", 0, "138****5678 is taken");
    assert_null(strstr(console.out, "department:7"));
    expect("dead list acme --kind department.created --json", 0, "\"attempts\":12,\"deaths\":1");
    expect("dead list acme --to -1d", 0, "no such dead letters");
    expect_about("dead list acme --from %s", second, 0, "department:7");
    assert_null(strstr(console.out, "member:li.na"));
    expect_about("dead show acme %s", first, 0, "tried    12 times, first at 2026-01-01 00:00:00");
    assert_non_null(strstr(console.out, "\"new_userid\":\t\"li.na2\""));
    assert_non_null(strstr(console.out, "138****5678"));
    assert_null(strstr(console.out, "13812345678"));
    assert_non_null(strstr(console.out, "WeCom reported that the member changed"));
    expect_about("dead show acme %s --reveal", first, 0, "<Mobile>13812345678</Mobile>");
    expect_about("dead show acme %s --json", first, 0, "\"story\":{\"subject\":\"member:li.na\"");
    cJSON *json = yq_json_or_text(console.out);
    assert_int_equal(yq_json_get(json, "deaths")->valueint, 1);
    cJSON_Delete(json);
}

static void a_retried_event_is_the_one_that_came(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX], other[YQ_ENTRY_MAX];
    struct yq_deliveries d = {0}, before = {0};
    clear_redis();
    give_up(YQ_EVENT_MEMBER_UPDATED, "member:li.na", RENAMED, entry);
    give_up(YQ_EVENT_DEPARTMENT_CREATED, "department:7", "{\"id\":7}", other);
    newest(&before);
    free(redis_text("XTRIM yq:{acme}:events MAXLEN 0")); /* the retention time is over */
    heartbeat("worker", 1000);
    expect_about("dead retry acme %s", entry, 0, "member:li.na: sent again as event ");
    assert_int_equal(count("XLEN yq:{acme}:dead"), 1);
    assert_int_equal(count("XLEN yq:{acme}:events"), 1);
    assert_int_equal(count("ZCARD yq:ready"), 1);
    const struct yq_delivery *again = newest(&d), *was = &before.items[1];
    assert_false(again->broken);
    assert_int_equal(again->kind, YQ_EVENT_MEMBER_UPDATED);
    assert_string_equal(again->subject.userid, "li.na");
    assert_int_equal(again->at, was->at);
    assert_string_equal(again->data, RENAMED);
    assert_string_equal(again->raw, was->raw);
    assert_string_equal(again->source, "replay");
    assert_string_equal(again->origin, entry);
    yq_deliveries_release(&d);
    yq_deliveries_release(&before);
    expect("explain acme member li.na", 0, "an operator had the dead letter sent again");
    assert_non_null(strstr(console.out, "(replayed)"));
    expect_about("dead retry acme %s", entry, 1, "no dead letter");
}

static void many_are_sent_again_in_their_order(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX], data[64];
    struct yq_deliveries d = {0};
    clear_redis();
    for (int i = 0; i < 450; i++) {
        (void)snprintf(data, sizeof(data), "{\"userid\":\"li.na\",\"name\":\"%d\"}", i);
        give_up(i % 2 ? YQ_EVENT_MEMBER_UPDATED : YQ_EVENT_DEPARTMENT_UPDATED,
                i % 2 ? "member:li.na" : "department:7", data, entry);
    }
    free(redis_text("XTRIM yq:{acme}:events MAXLEN 0"));
    expect("dead retry acme --subject member:li.na --json", 0, "\"found\":true");
    assert_non_null(strstr(console.err, "no worker is alive"));
    assert_int_equal(count("XLEN yq:{acme}:dead"), 225);
    assert_int_equal(
        yq_queue_range(console.redis, &console.keys, "acme", "-", "+", false, 500, &d, NULL), 0);
    assert_int_equal(d.count, 225);
    for (size_t i = 0; i < d.count; i++) {
        (void)snprintf(data, sizeof(data), "{\"userid\":\"li.na\",\"name\":\"%zu\"}", 2 * i + 1);
        assert_string_equal(d.items[i].data, data);
    }
    yq_deliveries_release(&d);
    expect("dead retry acme --all", 0, "department:7: sent again");
    assert_int_equal(count("XLEN yq:{acme}:dead"), 0);
    assert_int_equal(count("XLEN yq:{acme}:events"), 450);
}

static void what_is_dropped_leaves_its_reason(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX], other[YQ_ENTRY_MAX];
    clear_redis();
    give_up(YQ_EVENT_MEMBER_UPDATED, "member:Li.Na", RENAMED, entry);
    give_up(YQ_EVENT_TAG_UPDATED, "tag:5", "{\"id\":5}", other);
    expect_about("dead drop acme %s --reason=left-us", entry, 0, "member:Li.Na: dropped");
    assert_int_equal(count("XLEN yq:{acme}:dead"), 1);
    assert_int_equal(count("XLEN yq:{acme}:events"), 2);
    expect("explain acme member li.na", 0, "an operator dropped the dead letter");
    assert_non_null(strstr(console.out, "reason: left-us"));
    assert_non_null(strstr(console.out, "error: peer_refused: 138****5678 is taken"));
    expect("dead drop acme --kind tag.updated --reason=tags --json", 0, "\"found\":true");
    assert_int_equal(count("XLEN yq:{acme}:dead"), 0);
    assert_int_equal(count("XLEN yq:{acme}:audit"), 2);
}

/* What a newer program wrote, or somebody by hand: kept as it stands for the program that can read
 * it. */
static void an_unreadable_entry_comes_back_as_it_was(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    clear_redis();
    free(redis_text("XADD yq:{acme}:events 5-1 v 2 kind member.moved subject member:li.na at 7 "
                    "data {} raw r more x"));
    struct yq_commit *c = yq_commit_new();
    yq_store_add_dead(c, &console.keys, "acme", &(struct yq_dead){.entry = "5-1", .error = "odd"});
    commit(c);
    free(redis_text("XDEL yq:{acme}:events 5-1"));
    expect("dead list acme", 0, "unreadable");
    expect("dead list acme --kind unknown", 0, "no such dead letters");
    expect("dead list acme --subject all", 0, "no such dead letters");
    expect("dead show acme 5-1", 0, "kind     unreadable");
    expect("dead retry acme 5-1", 0, "sent again");
    assert_true(newest(&d)->broken);
    assert_string_equal(d.items[0].data, "field v holds an unknown version");
    yq_deliveries_release(&d);
    char *fields =
        redis_text("EVAL return(table.concat(redis.call('XRANGE',KEYS[1],'-','+')[1][2],'|')) 1 "
                   "yq:{acme}:events");
    assert_string_equal(fields, "v|2|kind|member.moved|subject|member:li.na|source|replay|at|7|"
                                "digest||data|{}|raw|r|origin|5-1");
    free(fields);
}

/* Letters of a version that kept less: the event's own entry still has the rest. */
static void an_old_letter_takes_the_rest_from_its_event(void **state)
{
    (void)state;
    char entry[YQ_ENTRY_MAX];
    struct yq_deliveries d = {0};
    struct yq_error err = {0};
    clear_redis();
    push(YQ_EVENT_MEMBER_UPDATED, "member:li.na", RENAMED, entry);
    redisReply *reply = yq_redis_command(
        console.redis, &err,
        "XADD yq:{acme}:dead * event %s kind member.updated subject member:li.na attempts 3 error "
        "no data %s",
        entry, RENAMED);
    assert_non_null(reply);
    freeReplyObject(reply);
    expect("dead retry acme --all", 0, "sent again");
    assert_true(newest(&d)->at > 0);
    assert_non_null(strstr(d.items[0].raw, "13812345678"));
    yq_deliveries_release(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage),
        cmocka_unit_test(they_are_listed_and_shown),
        cmocka_unit_test(a_retried_event_is_the_one_that_came),
        cmocka_unit_test(many_are_sent_again_in_their_order),
        cmocka_unit_test(what_is_dropped_leaves_its_reason),
        cmocka_unit_test(an_unreadable_entry_comes_back_as_it_was),
        cmocka_unit_test(an_old_letter_takes_the_rest_from_its_event),
    };
    return cmocka_run_group_tests_name("dead letters", tests, console_start, console_stop);
}
