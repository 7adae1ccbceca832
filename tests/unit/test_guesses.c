/* Ten wrong guesses a minute and address, in a table of fixed size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "../../src/service/guesses.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage a = {0};
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)(void *)&a)->sin_addr) == 1)
        a.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&a)->sin6_addr) == 1)
        a.ss_family = AF_INET6;
    else
        fail_msg("%s", text);
    return a;
}

static void guess(struct yq_guesses *g, const char *from, int times, int64_t now)
{
    struct sockaddr_storage a = address(from);
    for (int i = 0; i < times; i++)
        (void)yq_guesses_count(g, &a, now);
}

static bool spent(const struct yq_guesses *g, const char *from, int64_t now)
{
    struct sockaddr_storage a = address(from);
    return yq_guesses_spent(g, &a, now);
}

static void test_ten_in_a_minute(void **state)
{
    (void)state;
    struct yq_guesses g = {0};
    struct sockaddr_storage a = address("10.0.0.1");
    guess(&g, "10.0.0.1", 9, 1000);
    assert_false(spent(&g, "10.0.0.1", 1000));
    assert_true(yq_guesses_count(&g, &a, 30000));
    assert_true(spent(&g, "10.0.0.1", 60999));
    assert_false(spent(&g, "10.0.0.2", 60999));
    assert_false(spent(&g, "10.0.0.1", 61000));
    assert_false(yq_guesses_count(&g, &a, 61000)); /* counts from one again */
    assert_false(spent(&g, "10.0.0.1", 61000));
}

static void test_one_network_of_ipv6_is_one(void **state)
{
    (void)state;
    struct yq_guesses g = {0};
    guess(&g, "2001:db8::1", 5, 0);
    guess(&g, "2001:db8::2", 5, 0);
    assert_true(spent(&g, "2001:db8::3", 0));
    assert_false(spent(&g, "2001:db8:0:1::3", 0));
}

static void test_all_addresses_have_a_bound(void **state)
{
    (void)state;
    struct yq_guesses g = {0};
    int let_through = 0;
    for (int i = 0; i < 100000; i++) {
        struct sockaddr_storage a = address("10.0.0.0");
        ((struct sockaddr_in *)(void *)&a)->sin_addr.s_addr += htonl((uint32_t)i % 5000);
        if (yq_guesses_spent(&g, &a, 0))
            continue;
        let_through++;
        (void)yq_guesses_count(&g, &a, 0);
    }
    assert_int_equal(let_through, 640);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_in_a_minute),
        cmocka_unit_test(test_one_network_of_ipv6_is_one),
        cmocka_unit_test(test_all_addresses_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
