/* What is exported comes back as it was; what was cut or changed is known by its line. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/app/commands.h"
#include "clients/queue.h"
#include "console.h"
#include "crypto/digest.h"

#define MADE                                                                                       \
    "<xml><CreateTime>1767225601</CreateTime><MsgType>event</MsgType><Event>change_contact</"      \
    "Event><ChangeType>create_party</ChangeType><Id>7</Id><Name>\"研发\"\n</Name></xml>"

static char path[160];

static int begin(void **state)
{
    if (console_start(state) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s.ndjson", console.config);
    return 0;
}

static int end(void **state)
{
    (void)unlink(path);
    return console_stop(state);
}

static long number(const char *command)
{
    redisReply *reply = yq_redis_command(console.redis, NULL, command);
    assert_non_null(reply);
    long n = (long)reply->integer;
    freeReplyObject(reply);
    return n;
}

/* A callback of acme as the receiver stores it. */
static void store(const char *kind, const char *subject, const char *raw)
{
    char hex[YQ_SHA256_HEX];
    struct yq_digest *d = yq_digest_new();
    assert_int_equal(yq_digest_sha256_hex(d, raw, strlen(raw), hex), 0);
    yq_digest_free(d);
    redisReply *reply = yq_redis_command(console.redis, NULL,
                                         "XADD yq:{acme}:events * v 1 kind %s subject %s source "
                                         "callback at 1767225601 digest %s data {} raw %s",
                                         kind, subject, hex, raw);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static void write_file(const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* What the command printed becomes the file; caller frees a copy of it. */
static char *export(const char *command)
{
    expect(command, 0, "exported: ");
    write_file(console.out, console.out_len);
    return strdup(console.out);
}

static void import(const char *what, int status, const char *words)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "%s import beta %s", what, path);
    expect(line, status, words);
}

static void events_go_from_one_connection_to_another(void **state)
{
    (void)state;
    clear_redis();
    store("unknown", "all", MADE); /* by a parser that did not know it */
    store("member.updated", "member:li.na", "");
    store("command.sync", "all", "");
    free(export("events export acme"));
    import("events", 0, "imported: 2, left out: 1, bad lines: 0");
    struct yq_deliveries d = {0};
    assert_int_equal(
        yq_queue_range(console.redis, &console.keys, "beta", "-", "+", false, 9, &d, NULL), 0);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.items[0].kind, YQ_EVENT_DEPARTMENT_CREATED);
    assert_int_equal(d.items[0].subject.id, 7);
    assert_string_equal(d.items[0].raw, MADE);
    assert_string_equal(d.items[0].source, "import");
    assert_int_equal(d.items[0].at, 1767225601);
    assert_string_equal(d.items[1].subject.userid, "li.na");
    yq_deliveries_release(&d);
}

static void some_of_them(void **state)
{
    (void)state;
    clear_redis();
    store("member.updated", "member:li.na", "");
    store("member.updated", "member:wang.wei", "");
    free(export("events export acme --subject member:li.na"));
    import("events", 0, "imported: 1, left out: 0, bad lines: 0");
    expect("events export acme --kind nonsense", 2, "no kind of event");
}

static void bad_lines_are_named_and_the_others_taken(void **state)
{
    (void)state;
    clear_redis();
    store("member.updated", "member:li.na", "");
    store("member.updated", "member:wang.wei", "");
    store("member.updated", "member:sun.li", "");
    char *text = export("events export acme");
    char *second = strstr(text, "wang.wei");
    second[0] = 'W';
    write_file(text, strlen(text));
    import("events", 1, "line 3: its checksum is missing or wrong");
    assert_non_null(strstr(console.out, "imported: 2, left out: 0, bad lines: 1"));
    assert_int_equal(number("XLEN yq:{beta}:events"), 2);
    free(text);
}

/* Wherever it is cut: it is noticed, and nothing that was cut is taken for whole. */
static void a_cut_file_is_known(void **state)
{
    (void)state;
    clear_redis();
    store("member.updated", "member:li.na", "");
    store("department.created", "department:7", MADE);
    char *text = export("events export acme");
    size_t len = strlen(text);
    for (size_t cut = 0; cut + 1 < len; cut += 7) {
        write_file(text, cut);
        import("events", 1, cut < strcspn(text, "\n") ? "line 1: " : "");
    }
    expect("events import beta /nonexistent/file", 1, "/nonexistent/file: ");
    free(text);
}

static void lines_that_are_missing_or_many(void **state)
{
    (void)state;
    clear_redis();
    store("member.updated", "member:li.na", "");
    store("member.updated", "member:wang.wei", "");
    char *text = export("events export acme"), *without = strdup(text);
    char *line = strchr(text, '\n') + 1, *next = strchr(line, '\n') + 1;
    strcpy(without + (line - text), next);
    write_file(without, strlen(without));
    import("events", 1, "line 3: lines are missing");
    write_file(text, strlen(text));
    FILE *f = fopen(path, "a");
    fputs("more\n", f);
    fclose(f);
    import("events", 1, "something stands behind the end");
    import("links", 1, "line 1: this is no export of links");
    free(text);
    free(without);
}

static void links_move(void **state)
{
    (void)state;
    clear_redis();
    set_hash("yq:{acme}:link:member", "li.na",
             "{\"v\":1,\"userid\":\"Li.Na\",\"eteams\":\"4005376772622374759\",\"how\":\"mobile\","
             "\"at\":1767225600000,\"posts\":[\"41\"],\"agreed\":{\"name\":\"00000000000000aa\"}}");
    set_hash("yq:{acme}:link:department", "7",
             "{\"v\":1,\"eteams\":\"41\",\"how\":\"name\",\"at\":1767225600000}");
    free(export("links export acme"));
    import("links", 0, "imported: 2, left out: 0, bad lines: 0");
    expect("links beta", 0, "4005376772622374759");
    assert_int_equal(number("HEXISTS yq:{beta}:linked:member 4005376772622374759"), 1);
    assert_int_equal(number("HEXISTS yq:{beta}:linked:department 41"), 1);
    assert_int_equal(number("HLEN yq:{beta}:owed"), 1);
    assert_int_equal(number("EXISTS yq:{beta}:lease"), 0);
    redisReply *reply = yq_redis_command(console.redis, NULL, "HGET yq:{beta}:link:member li.na");
    assert_non_null(strstr(reply->str, "00000000000000aa"));
    freeReplyObject(reply);
    import("links", 0, "imported: 0, left out: 2, bad lines: 0");
}

static void links_that_contradict_are_all_refused(void **state)
{
    (void)state;
    clear_redis();
    set_hash("yq:{acme}:link:member", "li.na",
             "{\"v\":1,\"userid\":\"li.na\",\"eteams\":\"400\",\"how\":\"mobile\",\"at\":1}");
    set_hash("yq:{acme}:link:member", "wang.wei",
             "{\"v\":1,\"userid\":\"wang.wei\",\"eteams\":\"401\",\"how\":\"mobile\",\"at\":1}");
    free(export("links export acme"));
    set_hash("yq:{beta}:linked:member", "401", "sun.li");
    import("links", 1, "record member 401 is linked with sun.li here already");
    assert_non_null(strstr(console.err, "no link was written"));
    assert_int_equal(number("HLEN yq:{beta}:link:member"), 0);
    assert_int_equal(number("HLEN yq:{beta}:owed"), 0);
}

/* The stream goes on being told; the reader ends it. */
static void events_are_followed(void **state)
{
    (void)state;
    int ends[2];
    clear_redis();
    store("member.updated", "member:li.na", "");
    store("department.created", "department:7", MADE);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char words[] = "yunqiao events list acme -f --subject member:li.na", *argv[32];
        int argc = split(words, argv);
        setenv("YUNQIAO_CONFIG", console.config, 1);
        close(ends[0]);
        (void)yq_program(argc, argv, fdopen(ends[1], "w"), stderr);
        _exit(1);
    }
    close(ends[1]);
    char line[256];
    FILE *in = fdopen(ends[0], "r");
    assert_non_null(fgets(line, sizeof(line), in));
    assert_non_null(strstr(line, "member:li.na"));
    store("member.deleted", "member:li.na", "");
    assert_non_null(fgets(line, sizeof(line), in));
    assert_non_null(strstr(line, "member.deleted"));
    kill(child, SIGTERM);
    fclose(in);
    (void)waitpid(child, NULL, 0);
    expect("events list acme -f --to -1h", 2, "without end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_go_from_one_connection_to_another),
        cmocka_unit_test(some_of_them),
        cmocka_unit_test(bad_lines_are_named_and_the_others_taken),
        cmocka_unit_test(a_cut_file_is_known),
        cmocka_unit_test(lines_that_are_missing_or_many),
        cmocka_unit_test(links_move),
        cmocka_unit_test(links_that_contradict_are_all_refused),
        cmocka_unit_test(events_are_followed),
    };
    alarm(60); /* a line that never comes */
    return cmocka_run_group_tests_name("archive", tests, begin, end);
}
