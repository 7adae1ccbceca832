/* Sending stored events again: which of them, what they say when read anew, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clients/queue.h"
#include "console.h"
#include "service/replay.h"

#define RENAMED                                                                                    \
    "<xml><CreateTime>1767225600</CreateTime><MsgType>event</MsgType><Event>change_contact</"      \
    "Event><ChangeType>update_user</ChangeType><UserID>li.na</UserID><NewUserID>li.na2</"          \
    "NewUserID></xml>"
#define MADE                                                                                       \
    "<xml><CreateTime>1767225601</CreateTime><MsgType>event</MsgType><Event>change_contact</"      \
    "Event><ChangeType>create_party</ChangeType><Id>7</Id><Name>研发</Name></xml>"

static void tell(const char *command)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(console.redis, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    freeReplyObject(reply);
}

static long length(void)
{
    redisReply *reply = yq_redis_command(console.redis, NULL, "XLEN yq:{acme}:events");
    assert_non_null(reply);
    long n = (long)reply->integer;
    freeReplyObject(reply);
    return n;
}

/* An entry as it may stand there; raw is the text that came. */
static void store(const char *entry, const char *kind, const char *subject, const char *source,
                  const char *raw)
{
    redisReply *reply = yq_redis_command(
        console.redis, NULL,
        "XADD yq:{acme}:events %s v 1 kind %s subject %s source %s at 5 digest d data {} raw %s",
        entry, kind, subject, source, raw);
    assert_non_null(reply);
    freeReplyObject(reply);
}

/* All that is there so far was worked on. */
static void settle(void)
{
    tell("XGROUP CREATE yq:{acme}:events sync 0 MKSTREAM");
    tell("XGROUP SETID yq:{acme}:events sync $");
}

/* The newest one; the caller releases. */
static const struct yq_delivery *newest(struct yq_deliveries *d)
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
    expect("replay", 2, "something is missing");
    expect("replay acme", 2, "--from 0 is all");
    expect("replay acme 1-1 --from 0", 2, "which ones");
    expect("replay acme x", 2, "no entry id");
    expect("replay acme --kind odd", 2, "no kind of event");
    expect("replay acme --from yesterday", 2, "is no time");
    expect("replay nobody --from 0", 1, "no connection");
    expect("replay acme --from 0", 0, "no such events");
    expect("replay acme 1-1", 1, "event 1-1: there is no such event");
    expect("replay acme --from 0 --dry-run", 1, "no worker is alive");
}

static void a_mended_parser_reads_the_text_that_came(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    clear_redis();
    store("1-1", "unknown", "all", "callback", RENAMED);
    settle();
    heartbeat("worker", 1000);
    expect("replay acme --from 0 --json", 0, "\"sent\":1,");
    const struct yq_delivery *again = newest(&d);
    assert_int_equal(again->kind, YQ_EVENT_MEMBER_UPDATED);
    assert_string_equal(again->subject.userid, "li.na");
    assert_int_equal(again->at, 1767225600);
    assert_string_equal(again->data, "{\"userid\":\"li.na\",\"new_userid\":\"li.na2\"}");
    assert_string_equal(again->raw, RENAMED);
    assert_string_equal(again->source, "replay");
    assert_string_equal(again->origin, "1-1");
    yq_deliveries_release(&d);
}

/* The entry itself is of a version that nobody knows; its text is as good as ever. */
static void an_unreadable_entry_with_a_good_text(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    clear_redis();
    tell("XADD yq:{acme}:events 1-1 v 9 raw <xml/>");
    redisReply *reply =
        yq_redis_command(console.redis, NULL, "XADD yq:{acme}:events 2-1 v 9 raw %s", MADE);
    assert_non_null(reply);
    freeReplyObject(reply);
    settle();
    expect("replay acme --kind department.created", 0, "events sent again: 1, as ");
    const struct yq_delivery *again = newest(&d);
    assert_false(again->broken);
    assert_int_equal(again->subject.id, 7);
    yq_deliveries_release(&d);
    expect("replay acme 1-1", 1, "event 1-1: its text is still not understood");
    expect("replay acme --from 1-1 --to 1-1", 0, "left out: 1: its text is still not understood");
}

static void only_what_wecom_reported_and_what_is_settled(void **state)
{
    (void)state;
    clear_redis();
    store("1-1", "command.link", "member:li.na", "command", "");
    store("1-2", "superior.changed", "member:li.na", "yunqiao", "");
    store("1-3", "auth.cancelled", "all", "callback", "");
    store("2-1", "member.updated", "member:li.na", "callback", RENAMED);
    settle();
    store("3-1", "member.updated", "member:li.na", "callback", RENAMED);
    expect("replay acme 2-1 1-1", 1, "event 1-1: no report of WeCom's");
    expect("replay acme 2-1 3-1", 1, "event 3-1: not settled yet");
    expect("replay acme 2-1 2-2", 1, "event 2-2: there is no such event");
    assert_int_equal(length(), 5); /* whoever is mistaken about one sends none */
    expect("replay acme --from 0 --json", 0, "\"sent\":1,");
    assert_non_null(strstr(console.out, "\"left_out\":{\"open\":1,\"no_report\":3,"
                                        "\"unreadable\":0,\"again\":0}"));
    assert_int_equal(length(), 6);
}

static void twice_is_not_four_times(void **state)
{
    (void)state;
    struct yq_deliveries d = {0};
    clear_redis();
    store("1-1", "member.updated", "member:li.na", "callback", RENAMED);
    store("1-2", "department.created", "department:7", "callback", MADE);
    settle();
    expect("replay acme --from 0", 0, "sent again: 2");
    assert_non_null(strstr(console.err, "no worker is alive"));
    tell("XGROUP SETID yq:{acme}:events sync $");
    expect("replay acme --from 0", 0, "sent again: 2");
    assert_non_null(strstr(console.out, "left out: 2: sent again itself"));
    tell("XGROUP SETID yq:{acme}:events sync $");
    tell("XTRIM yq:{acme}:events MAXLEN 2"); /* the first ones are no longer kept */
    expect("replay acme --from 0", 0, "sent again: 2");
    assert_string_equal(newest(&d)->origin, "1-2");
    assert_string_equal(d.items[1].origin, "1-1"); /* in their order */
    yq_deliveries_release(&d);
}

static void by_subject_kind_and_entry(void **state)
{
    (void)state;
    clear_redis();
    store("1-1", "member.updated", "member:li.na", "callback", RENAMED);
    store("1-2", "unknown", "all", "callback", MADE);
    settle();
    expect("replay acme --subject member:LI.NA", 0, "sent again: 1,");
    expect("replay acme --kind department.created", 0, "sent again: 1,");
    expect("replay acme --kind unknown", 0, "sent again: 1,");
    expect("replay acme --from 1-2 --to 1-2", 0, "sent again: 1,");
    expect("replay acme 1-2 1-1 1-2", 0, "sent again: 2,");
    expect("replay acme --subject tag:1", 0, "no such events");
}

static void what_a_command_says_is_read_back(void **state)
{
    (void)state;
    struct yq_arena *arena = yq_arena_new();
    struct yq_replay there = {.filter = {.first = "1-1", .last = "2-2", .by_kind = true},
                              .entries = "1-1 2-2"},
                     back;
    struct yq_buf out = YQ_BUF_INIT;
    there.filter.kind = YQ_EVENT_TAG_UPDATED;
    strcpy(there.filter.subject, "tag:5");
    yq_buf_addc(&out, '{');
    yq_replay_write(&there, &out);
    yq_buf_addc(&out, '}');
    assert_int_equal(yq_replay_read(arena, yq_buf_text(&out), &back, NULL), 0);
    assert_string_equal(back.filter.first, "1-1");
    assert_string_equal(back.filter.last, "2-2");
    assert_true(back.filter.by_kind);
    assert_int_equal(back.filter.kind, YQ_EVENT_TAG_UPDATED);
    assert_string_equal(back.filter.subject, "tag:5");
    assert_string_equal(back.entries, "1-1 2-2");
    assert_int_equal(yq_replay_read(arena, "{\"kind\":\"odd\"}", &back, NULL), -1);
    assert_int_equal(yq_replay_read(arena, "{", &back, NULL), -1);
    yq_buf_release(&out);
    yq_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage),
        cmocka_unit_test(a_mended_parser_reads_the_text_that_came),
        cmocka_unit_test(an_unreadable_entry_with_a_good_text),
        cmocka_unit_test(only_what_wecom_reported_and_what_is_settled),
        cmocka_unit_test(twice_is_not_four_times),
        cmocka_unit_test(by_subject_kind_and_entry),
        cmocka_unit_test(what_a_command_says_is_read_back),
    };
    return cmocka_run_group_tests_name("replay", tests, console_start, console_stop);
}
