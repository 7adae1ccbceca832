/* The log's lines, as they come out of the other end of stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/log.h"

static int caught[2], real_stderr;
static char text[1 << 16];

static void catch (void)
{
    assert_int_equal(pipe2(caught, O_NONBLOCK), 0);
    real_stderr = dup(STDERR_FILENO);
    dup2(caught[1], STDERR_FILENO);
}

static const char *release(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(caught[1]);
    size_t len = 0;
    ssize_t n;
    while ((n = read(caught[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(caught[0]);
    return text;
}

/* One line without its time. */
#define LINE(...) (catch (), yq_log(YQ_LOG_INFO, __VA_ARGS__, NULL), strchr(release(), ' ') + 1)

static void test_line(void **state)
{
    (void)state;
    catch ();
    yq_log(YQ_LOG_WARN, "event.applied", "connection", "acme", "ops", yq_log_int(-2), NULL);
    const char *line = release();
    int year, rest;
    assert_int_equal(sscanf(line, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ%n", &year, &rest), 1);
    assert_int_equal(rest, 24);
    assert_string_equal(line + 24, " warn event.applied connection=acme ops=-2\n");
}

static void test_quotes_and_leaves_out(void **state)
{
    (void)state;
    assert_string_equal(LINE("a", "k", "two words", "n", (char *)NULL, "e", ""),
                        "info a k=\"two words\" e=\"\"\n");
    assert_string_equal(LINE("a", "k", "a\"b\\c"), "info a k=\"a\\\"b\\\\c\"\n");
    assert_string_equal(LINE("a", "k", "x\ninfo forged=1\x1b\x7f"),
                        "info a k=\"x\\ninfo forged=1\\x1b\\x7f\"\n");
    assert_string_equal(LINE("a", "k", "李娜"), "info a k=李娜\n");
}

static void test_hides_what_a_peer_said(void **state)
{
    (void)state;
    assert_string_equal(LINE("a", "error", "sync: 410004 “李娜 is there”", "n", "1"),
                        "info a error=\"sync: 410004 “*”\" n=1\n");
    assert_string_equal(LINE("a", "k", "“李”"), "info a k=“*”\n");
    catch ();
    yq_log_calm(YQ_LOG_WARN, "run.failed", "acme", "user/get: 60111 “no li.na");
    assert_string_equal(strchr(release(), ' ') + 1,
                        "warn run.failed key=acme text=\"user/get: 60111 “*”\"\n");
}

static void test_masks_mobiles(void **state)
{
    (void)state;
    assert_string_equal(LINE("a", "k", "13812345678"), "info a k=138****5678\n");
    assert_string_equal(LINE("a", "k", "+8613812345678,x"), "info a k=+86138****5678,x\n");
    assert_string_equal(LINE("a", "k", "at 008619912345678."),
                        "info a k=\"at 0086199****5678.\"\n");
    assert_string_equal(LINE("a", "k", "1767225600000-0"), "info a k=1767225600000-0\n");
    assert_string_equal(LINE("a", "k", "9007199254740993123"), "info a k=9007199254740993123\n");
    assert_string_equal(LINE("a", "k", "12345678901"), "info a k=12345678901\n");
    assert_string_equal(LINE("a", "k", "1381234567"), "info a k=1381234567\n");
    assert_string_equal(LINE("a", "plan", "b8ff1153671dfc2223cb13312343427f"),
                        "info a plan=b8ff1153671dfc2223cb13312343427f\n");
    assert_string_equal(LINE("a", "k", "b8ff1153671dfc2223cb133123434270a"),
                        "info a k=b8ff1153671dfc2223cb133123434270a\n");
    assert_string_equal(LINE("a", "k", "abc13812345678"), "info a k=abc138****5678\n");
}

static void test_cuts_what_is_too_long(void **state)
{
    (void)state;
    static char lots[10000];
    memset(lots, 'x', sizeof(lots) - 1);
    const char *line = LINE("a", "k", lots);
    assert_true(strlen(line) < 4096);
    assert_int_equal(line[strlen(line) - 1], '\n');
    memset(lots, '"', sizeof(lots) - 1);
    line = LINE("a", "k", lots);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_levels(void **state)
{
    (void)state;
    catch ();
    yq_log(YQ_LOG_DEBUG, "quiet", NULL);
    yq_log_set_level(YQ_LOG_ERROR);
    yq_log(YQ_LOG_WARN, "quiet", NULL);
    yq_log_calm(YQ_LOG_WARN, "quiet", "a", "b");
    yq_log_set_level(YQ_LOG_DEBUG);
    yq_log(YQ_LOG_DEBUG, "loud", NULL);
    yq_log_set_level(YQ_LOG_INFO);
    assert_string_equal(strchr(release(), ' '), " debug loud\n");
}

static void test_numbers_live_together(void **state)
{
    (void)state;
    const char *numbers[8];
    for (int i = 0; i < 8; i++)
        numbers[i] = yq_log_int(i * INT64_C(1000000000000));
    for (int i = 1; i < 8; i++) {
        assert_int_equal(numbers[i][0], '0' + i);
        assert_int_equal(strlen(numbers[i]), 13);
    }
}

static void test_calm(void **state)
{
    (void)state;
    catch ();
    for (int i = 0; i < 1000; i++)
        yq_log_calm(YQ_LOG_ERROR, "redis.lost", "one", "gone");
    yq_log_calm(YQ_LOG_ERROR, "redis.lost", "two", "gone");
    yq_log_calm(YQ_LOG_ERROR, "redis.lost", NULL, "gone");
    const char *lines = release();
    assert_non_null(strstr(lines, " error redis.lost key=one text=gone\n"));
    assert_non_null(strstr(lines, " error redis.lost key=two text=gone\n"));
    assert_non_null(strstr(lines, " error redis.lost text=gone\n"));
    size_t count = 0;
    for (const char *c = lines; *c != '\0'; c++)
        count += *c == '\n';
    assert_int_equal(count, 3);
    catch ();
    for (int i = 0; i < 200; i++) /* more facts than there is room for */
        yq_log_calm(YQ_LOG_ERROR, "many", yq_log_int(i), "x");
    assert_non_null(strstr(release(), "key=199"));
}

static void *write_many(void *name)
{
    for (int i = 0; i < 100; i++)
        yq_log(YQ_LOG_INFO, name, "k", "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
               NULL);
    return NULL;
}

static void test_lines_of_threads_stay_whole(void **state)
{
    (void)state;
    static char names[][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    catch ();
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, write_many, names[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *at = (char *)release();
    int lines = 0;
    for (char *line; (line = strsep(&at, "\n")) != NULL && *line != '\0'; lines++)
        assert_int_equal(strlen(line), 24 + strlen(" info a k=") + 54);
    assert_int_equal(lines, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_quotes_and_leaves_out),
        cmocka_unit_test(test_hides_what_a_peer_said),
        cmocka_unit_test(test_masks_mobiles),
        cmocka_unit_test(test_cuts_what_is_too_long),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_numbers_live_together),
        cmocka_unit_test(test_calm),
        cmocka_unit_test(test_lines_of_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
