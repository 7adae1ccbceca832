/* What a connection remembers: written under a lease, read back from Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clients/store.h"
#include "clients/store_reconcile.h"
#include "clients/system_clock.h"
#include "support/temp_redis.h"

static struct yq_temp_redis *server;
static struct yq_redis *redis;
static const struct yq_keys keys = {"yq"};
static struct yq_lease lease;
static struct yq_commit *batch;

static int setup_server(void **state)
{
    (void)state;
    server = yq_temp_redis_new(NULL);
    redis = server ? yq_redis_new(&server->address, 5000) : NULL;
    batch = yq_commit_new();
    return server ? 0 : -1;
}

static int teardown_server(void **state)
{
    (void)state;
    yq_commit_free(batch);
    yq_redis_free(redis);
    yq_temp_redis_free(server);
    return 0;
}

static redisReply *ask(const char *command)
{
    struct yq_error err = {0};
    redisReply *reply = yq_redis_command(redis, &err, command);
    if (reply == NULL)
        fail_msg("%s: %s", command, err.text);
    return reply;
}

static int64_t ask_number(const char *command)
{
    redisReply *reply = ask(command);
    int64_t n = reply->integer;
    freeReplyObject(reply);
    return n;
}

static void expect_text(const char *command, const char *expected)
{
    redisReply *reply = ask(command);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, expected);
    freeReplyObject(reply);
}

static int empty(void **state)
{
    (void)state;
    int64_t retry;
    freeReplyObject(ask("FLUSHALL"));
    return yq_lease_take(redis, &keys, "acme", 600000, yq_system_clock(), &lease, &retry, NULL) ==
                   YQ_LEASE_TAKEN
               ? 0
               : -1;
}

static void commit(void)
{
    struct yq_error err = {0};
    if (yq_lease_commit(redis, &keys, &lease, batch, &err) < 0)
        fail_msg("%s", err.text);
}

static void put_department(uint32_t id, const char *eteams)
{
    struct yq_link_department l = {.id = id, .eteams = eteams, .how = "name", .at = 5};
    l.agreed_name = yq_agreed_hash("研发");
    yq_store_put_department_link(batch, &keys, "acme", &l);
}

static void put_member(const char *userid, const char *eteams, bool left)
{
    struct yq_link_member l = {.userid = userid, .eteams = eteams, .how = "account", .left = left};
    yq_store_put_member_link(batch, &keys, "acme", &l);
}

static void links_come_back_by_either_side(void **state)
{
    (void)state;
    put_department(4294967295u, "1157735123799875584");
    put_department(7, "12");
    put_member("Li.Na", "9007199254740993", false);
    commit();
    struct yq_view *v = yq_view_new();
    const uint32_t ids[] = {7, 8, 4294967295u};
    assert_int_equal(yq_store_load_department_links(redis, &keys, "acme", ids, 3, v, NULL), 0);
    assert_int_equal(HASH_COUNT(v->department_links), 2);
    const struct yq_link_department *l = yq_view_department_link(v, 4294967295u);
    assert_string_equal(l->eteams, "1157735123799875584");
    assert_true(l->agreed_name == yq_agreed_hash("研发"));
    const char *const userids[] = {"nobody", "LI.NA"};
    assert_int_equal(yq_store_load_member_links(redis, &keys, "acme", userids, 2, v, NULL), 0);
    assert_string_equal(yq_view_member_link(v, "li.na")->userid, "Li.Na");
    yq_view_free(v);

    v = yq_view_new();
    const struct yq_eteams_member *row = yq_view_eteams_member(v, "9007199254740993");
    const char *const people[] = {"1", "9007199254740993"}, *const places[] = {"12", "13"};
    assert_int_equal(yq_store_load_member_owners(redis, &keys, "acme", people, 2, v, NULL), 0);
    assert_int_equal(yq_store_load_department_owners(redis, &keys, "acme", places, 2, v, NULL), 0);
    assert_string_equal(row->owner->userid, "Li.Na");
    assert_int_equal(yq_view_department_link(v, 7)->id, 7);
    assert_int_equal(HASH_COUNT(v->department_links), 1);
    assert_int_equal(yq_store_load_department_links(redis, &keys, "acme", NULL, 0, v, NULL), 0);
    assert_int_equal(yq_store_load_department_links(redis, &keys, "other", ids, 3, v, NULL), 0);
    assert_int_equal(HASH_COUNT(v->department_links), 1);
    yq_view_free(v);
}

static void many_links_at_once(void **state)
{
    (void)state;
    enum { COUNT = 1203 };
    static char eteams[COUNT][16];
    uint32_t ids[COUNT];
    const char *owners[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(eteams[i], sizeof(eteams[i]), "e%u", i);
        ids[i] = i + 1;
        owners[i] = eteams[i];
        put_department(ids[i], eteams[i]);
    }
    commit();
    struct yq_view *v = yq_view_new(), *w = yq_view_new();
    assert_int_equal(yq_store_load_department_links(redis, &keys, "acme", ids, COUNT, v, NULL), 0);
    assert_int_equal(yq_store_load_department_owners(redis, &keys, "acme", owners, COUNT, w, NULL),
                     0);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_string_equal(yq_view_department_link(v, ids[i])->eteams, eteams[i]);
        assert_string_equal(yq_view_department_link(w, ids[i])->eteams, eteams[i]);
    }
    yq_view_free(v);
    yq_view_free(w);
}

static void a_dropped_link_leaves_its_successor_alone(void **state)
{
    (void)state;
    put_member("old", "1", false);
    put_department(7, "12");
    commit();
    struct yq_link_member from = {.userid = "OLD", .eteams = "1", .how = "account"};
    put_member("new", "1", false); /* a changed userid takes the link over */
    yq_store_drop_member_link(batch, &keys, "acme", &from);
    struct yq_link_department gone = {.id = 7, .eteams = "12", .how = "name"};
    yq_store_drop_department_link(batch, &keys, "acme", &gone);
    commit();
    expect_text("HGET yq:{acme}:linked:member 1", "new");
    assert_int_equal(ask_number("HLEN yq:{acme}:link:member"), 1);
    assert_int_equal(ask_number("EXISTS yq:{acme}:link:department yq:{acme}:linked:department"), 0);
    from.userid = "new";
    yq_store_drop_member_link(batch, &keys, "acme", &from);
    commit();
    assert_int_equal(ask_number("EXISTS yq:{acme}:link:member yq:{acme}:linked:member"), 0);
}

static void a_spoilt_link_is_an_error_that_names_it(void **state)
{
    (void)state;
    freeReplyObject(ask("HSET yq:{acme}:link:member li.na {\"v\":9}"));
    struct yq_view *v = yq_view_new();
    struct yq_error err = {0};
    const char *const userids[] = {"li.na"};
    assert_int_equal(yq_store_load_member_links(redis, &keys, "acme", userids, 1, v, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_INVALID);
    assert_non_null(strstr(err.text, "li.na"));
    yq_view_free(v);
}

static void in_service_are_those_who_have_not_left(void **state)
{
    (void)state;
    int64_t count = -1;
    assert_int_equal(yq_store_count_in_service(redis, &keys, "acme", &count, NULL), 0);
    assert_int_equal(count, 0);
    for (int i = 0; i < 700; i++) { /* beyond the small form of a hash */
        char userid[16];
        (void)snprintf(userid, sizeof(userid), "u%d", i);
        put_member(userid, userid, i % 7 == 0);
    }
    commit();
    assert_int_equal(yq_store_count_in_service(redis, &keys, "acme", &count, NULL), 0);
    assert_int_equal(count, 600);
}

static void attempts_come_back(void **state)
{
    (void)state;
    struct yq_attempt a = {.key = "member:li.na",
                           .attempts = 3,
                           .deaths = 1,
                           .running = true,
                           .first_ms = 1767225600123,
                           .next_ms = 1767225700456,
                           .error = "eteams said \"no\""};
    yq_store_put_attempt(batch, &keys, "acme", &a);
    (void)snprintf(a.key, sizeof(a.key), "department:7");
    yq_store_put_attempt(batch, &keys, "acme", &a);
    yq_store_drop_attempt(batch, &keys, "acme", "department:7");
    commit();
    struct yq_attempts all = {0};
    assert_int_equal(yq_store_load_attempts(redis, &keys, "acme", &all, NULL), 0);
    assert_int_equal(all.count, 1);
    const struct yq_attempt *b = &all.items[0];
    assert_string_equal(b->key, "member:li.na");
    assert_int_equal(b->attempts, 3);
    assert_int_equal(b->deaths, 1);
    assert_true(b->running);
    assert_int_equal(b->first_ms, 1767225600123);
    assert_int_equal(b->next_ms, 1767225700456);
    assert_string_equal(b->error, "eteams said \"no\"");
    yq_attempts_release(&all);
    freeReplyObject(ask("HSET yq:{acme}:retry member:li.na spoilt"));
    assert_int_equal(yq_store_load_attempts(redis, &keys, "acme", &all, NULL), 0);
    assert_string_equal(all.items[0].key, "member:li.na");
    assert_int_equal(all.items[0].attempts, 0);
    yq_attempts_release(&all);
    assert_int_equal(yq_store_load_attempts(redis, &keys, "other", &all, NULL), 0);
    assert_int_equal(all.count, 0);
    yq_attempts_release(&all);
}

static void audit_is_found_by_its_subject(void **state)
{
    (void)state;
    struct yq_audit a = {.run = "r1",
                         .event = "1-1 2-1",
                         .rule = "R3",
                         .op = "member.create",
                         .subject = "member:Li.Na",
                         .after = "{}",
                         .result = "done"};
    yq_store_add_audit(batch, &keys, "acme", &a);
    a.subject = "department:7";
    yq_store_add_audit(batch, &keys, "acme", &a);
    commit();
    assert_int_equal(ask_number("XLEN yq:{acme}:audit"), 2);
    redisReply *list = ask("LRANGE yq:{acme}:audit:member:li.na 0 -1");
    assert_int_equal(list->elements, 1);
    redisReply *entry = yq_redis_command(redis, NULL, "XRANGE yq:{acme}:audit %s %s",
                                         list->element[0]->str, list->element[0]->str);
    const redisReply *fields = entry->element[0]->element[1];
    static const char *const expected[] = {
        "run",     "r1",           "event",  "1-1 2-1", "rule",  "R3", "op",     "member.create",
        "subject", "member:Li.Na", "before", "",        "after", "{}", "result", "done"};
    assert_int_equal(fields->elements, 16);
    for (size_t i = 0; i < 16; i++)
        assert_string_equal(fields->element[i]->str, expected[i]);
    freeReplyObject(entry);
    freeReplyObject(list);
    assert_int_equal(ask_number("LLEN yq:{acme}:audit:department:7"), 1);
}

static void removals_count_each_person_once(void **state)
{
    (void)state;
    const int64_t now = 1767225600000, hour = 3600000;
    int64_t count = -1;
    yq_store_add_removal(batch, &keys, "acme", "member:a", now - 100 * hour);
    yq_store_add_removal(batch, &keys, "acme", "member:b", now - 23 * hour);
    yq_store_add_removal(batch, &keys, "acme", "member:c", now);
    yq_store_add_removal(batch, &keys, "acme", "member:c", now);
    commit();
    assert_int_equal(yq_store_count_removals(redis, &keys, "acme", now - 24 * hour, &count, NULL),
                     0);
    assert_int_equal(count, 2);
    assert_int_equal(yq_store_count_removals(redis, &keys, "acme", now - hour, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ask_number("ZCARD yq:{acme}:removals"), 2); /* old ones are not kept */
}

static void plans_cases_dead_letters_and_runs(void **state)
{
    (void)state;
    yq_store_put_plan(batch, &keys, "acme", "abc123", "{\"plan\":1}", "5 people");
    yq_store_put_case(batch, &keys, "acme", "member:a", "{\"reason\":\"x\"}");
    yq_store_put_case(batch, &keys, "acme", "member:b", "{}");
    yq_store_drop_case(batch, &keys, "acme", "member:b");
    freeReplyObject(ask("XADD yq:{acme}:events 1-1 v 1 kind old at 1767225600 raw the-text"));
    yq_store_add_dead(batch, &keys, "acme",
                      &(struct yq_dead){.entry = "1-1",
                                        .kind = "member.created",
                                        .subject = "member:a",
                                        .attempts = 5,
                                        .deaths = 1,
                                        .first_ms = 1767225600123,
                                        .error = "refused"});
    yq_store_add_run(batch, &keys, "acme", "{\"outcome\":\"done\"}");
    commit();
    expect_text("GET yq:{acme}:plan:abc123", "{\"plan\":1}");
    int64_t ttl = ask_number("TTL yq:{acme}:plan:abc123");
    assert_true(ttl > 604000 && ttl <= 604800);
    expect_text("HGET yq:{acme}:held abc123", "5 people");
    expect_text("HGET yq:{acme}:cases member:a", "{\"reason\":\"x\"}");
    assert_int_equal(ask_number("HLEN yq:{acme}:cases"), 1);
    redisReply *dead = ask("XRANGE yq:{acme}:dead - +");
    const redisReply *fields = dead->element[0]->element[1];
    static const char *const expected[] = {
        "event",  "1-1", "kind",  "member.created", "subject", "member:a", "attempts", "5",
        "deaths", "1",   "first", "1767225600123",  "error",   "refused",  "data",     "",
        "v",      "1",   "at",    "1767225600",     "raw",     "the-text"};
    assert_int_equal(fields->elements, 22);
    for (size_t i = 0; i < 22; i++)
        assert_string_equal(fields->element[i]->str, expected[i]);
    freeReplyObject(dead);
    redisReply *runs = ask("XRANGE yq:{acme}:runs - +");
    assert_string_equal(runs->element[0]->element[1]->element[1]->str, "{\"outcome\":\"done\"}");
    freeReplyObject(runs);
}

static void paused_and_owed(void **state)
{
    (void)state;
    bool paused = true;
    assert_int_equal(yq_store_get_paused(redis, &keys, "acme", &paused, NULL), 0);
    assert_false(paused);
    assert_int_equal(yq_store_set_paused(redis, &keys, "acme", true, NULL), 0);
    assert_int_equal(yq_store_get_paused(redis, &keys, "acme", &paused, NULL), 0);
    assert_true(paused);
    assert_int_equal(yq_store_get_paused(redis, &keys, "other", &paused, NULL), 0);
    assert_false(paused);
    assert_int_equal(yq_store_set_paused(redis, &keys, "acme", false, NULL), 0);
    assert_int_equal(yq_store_get_paused(redis, &keys, "acme", &paused, NULL), 0);
    assert_false(paused);
    bool again = true;
    assert_int_equal(yq_store_note_group(redis, &keys, "acme", &again, NULL), 0);
    assert_false(again); /* the first group of a connection replaces nothing */
    assert_int_equal(yq_store_note_group(redis, &keys, "acme", &again, NULL), 0);
    assert_true(again);
    assert_int_equal(yq_store_owe_reconcile(redis, &keys, "acme", "group_lost", 100, NULL), 0);
    assert_int_equal(yq_store_owe_reconcile(redis, &keys, "acme", "group_lost", 200, NULL), 0);
    expect_text("HGET yq:{acme}:owed group_lost", "100"); /* since when */
    freeReplyObject(ask("HSET yq:{acme}:reconcile kind full started 150"));
    assert_int_equal(yq_store_owe_reconcile(redis, &keys, "acme", "group_lost", 200, NULL), 0);
    expect_text("HGET yq:{acme}:owed group_lost", "200"); /* that run answers what was before */
    yq_store_add_owed(batch, &keys, "acme", "group_lost", 210);
    yq_store_add_owed(batch, &keys, "acme", "range", 140);
    yq_store_add_owed(batch, &keys, "acme", "range", 220);
    assert_int_equal(yq_lease_commit(redis, &keys, &lease, batch, NULL), 0);
    expect_text("HGET yq:{acme}:owed group_lost", "200");
    expect_text("HGET yq:{acme}:owed range", "220");
    freeReplyObject(ask("DEL yq:{acme}:reconcile"));
}

static void without_redis_reading_fails_and_says_so(void **state)
{
    (void)state;
    struct yq_view *v = yq_view_new();
    struct yq_error err = {0};
    struct yq_attempts attempts = {0};
    const uint32_t id = 7;
    const char *const name = "a";
    int64_t count;
    bool paused;
    yq_temp_redis_kill(server);
    assert_int_equal(yq_store_load_department_links(redis, &keys, "acme", &id, 1, v, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_int_equal(yq_store_load_member_owners(redis, &keys, "acme", &name, 1, v, &err), -1);
    assert_int_equal(yq_store_count_in_service(redis, &keys, "acme", &count, &err), -1);
    assert_int_equal(yq_store_load_attempts(redis, &keys, "acme", &attempts, &err), -1);
    assert_int_equal(yq_store_get_paused(redis, &keys, "acme", &paused, &err), -1);
    put_department(7, "1");
    err = (struct yq_error){0};
    assert_int_equal(yq_lease_commit(redis, &keys, &lease, batch, &err), -1);
    assert_int_equal(err.kind, YQ_ERROR_RETRY);
    assert_true(yq_temp_redis_start(server));
    yq_view_free(v);
}

#define TEST(f) cmocka_unit_test_setup(f, empty)

static void fill(const char *stream)
{
    char command[128];
    struct yq_error err = {0};
    (void)snprintf(command, sizeof(command), "yq:{acme}:%s", stream);
    redisReply *reply =
        yq_redis_command(redis, &err, "EVAL %s 1 %s",
                         "for i = 1, 25000 do\n"
                         "  redis.call('XADD', KEYS[1], (1000 + i) .. '-0', 'f', 'v')\n"
                         "end",
                         command);
    if (reply == NULL)
        fail_msg("%s", err.text);
    freeReplyObject(reply);
}

static void trim(int64_t now_ms, int64_t most)
{
    const struct yq_retention keep = {now_ms, 1000, most};
    assert_int_equal(yq_store_trim(redis, &keys, "acme", &keep, NULL), 0);
}

/* In one go, though Redis takes no more than some thousand away at once; a node of the stream, a
 * hundred entries, may stay. */
static void what_was_told_is_kept_by_age_and_number(void **state)
{
    (void)state;
    trim(1, 10); /* no streams */
    fill("audit");
    fill("runs");
    freeReplyObject(ask("XADD yq:{acme}:dead 1-0 event 1-0"));
    trim(2000, 0);
    assert_int_equal(ask_number("XLEN yq:{acme}:audit"), 25000);
    trim(2000, 24000);
    assert_in_range(ask_number("XLEN yq:{acme}:audit"), 24000, 24100);
    assert_in_range(ask_number("XLEN yq:{acme}:runs"), 24000, 24100);
    trim(2000, 300);
    assert_in_range(ask_number("XLEN yq:{acme}:audit"), 300, 400);
    assert_in_range(ask_number("XLEN yq:{acme}:runs"), 300, 400);
    trim(27000, 300); /* too old are those before 26000 */
    assert_in_range(ask_number("XLEN yq:{acme}:audit"), 1, 101);
    assert_int_equal(ask_number("XLEN yq:{acme}:dead"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_told_is_kept_by_age_and_number),
        TEST(links_come_back_by_either_side),
        TEST(many_links_at_once),
        TEST(a_dropped_link_leaves_its_successor_alone),
        TEST(a_spoilt_link_is_an_error_that_names_it),
        TEST(in_service_are_those_who_have_not_left),
        TEST(attempts_come_back),
        TEST(audit_is_found_by_its_subject),
        TEST(removals_count_each_person_once),
        TEST(plans_cases_dead_letters_and_runs),
        TEST(paused_and_owed),
        TEST(without_redis_reading_fails_and_says_so),
    };
    return cmocka_run_group_tests(tests, setup_server, teardown_server);
}
