/* The real clock, moved by a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <time.h>
#include <unistd.h>

#include "clients/system_clock.h"

static char path[] = "/tmp/yq-clock-XXXXXX";

static void write_offset(int fd, int64_t ms, size_t len)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, &ms, len, 0), len);
}

static void time_follows_the_file(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(setenv("YUNQIAO_CLOCK", path, 1), 0);
    const struct yq_clock *clock = yq_system_clock();
    assert_true(yq_system_clock_is_moved());
    int64_t wall = yq_wall_ms(clock), mono = yq_mono_ms(clock); /* no file yet: the real time */
    assert_true(llabs(wall - (int64_t)time(NULL) * 1000) < 5000);
    close(fd);

    FILE *f = fopen(path, "w+");
    assert_non_null(f);
    write_offset(fileno(f), 3 * day, sizeof(int64_t));
    assert_true(yq_wall_ms(clock) - wall >= 3 * day);
    assert_true(yq_mono_ms(clock) - mono >= 3 * day);
    assert_true(yq_mono_ms(clock) - mono < 3 * day + 60000);
    write_offset(fileno(f), 5 * day, sizeof(int64_t)); /* read anew at every call */
    assert_true(yq_wall_ms(clock) - wall >= 5 * day);
    write_offset(fileno(f), 7 * day, 3); /* half a number is none */
    assert_true(yq_wall_ms(clock) - wall < day);
    fclose(f);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(time_follows_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
