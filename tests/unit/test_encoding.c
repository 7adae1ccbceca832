/* Base64, hexadecimal, SHA-256, and the handling of secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/secret.h"

static ssize_t decode(const char *text, uint8_t *out)
{
    return yq_base64_decode(text, strlen(text), out);
}

static void test_known_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *base64;
    } pairs[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[16];
        uint8_t bytes[16];
        size_t len = strlen(pairs[i].plain);
        assert_int_equal(yq_base64_encode((const uint8_t *)pairs[i].plain, len, text),
                         strlen(pairs[i].base64));
        assert_string_equal(text, pairs[i].base64);
        assert_int_equal(decode(text, bytes), len);
        assert_memory_equal(bytes, pairs[i].plain, len);
    }
}

static void test_every_length_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[260];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 151 + 17);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        char text[YQ_BASE64_ENCODED(sizeof(bytes))];
        uint8_t back[YQ_BASE64_DECODED(sizeof(text))];
        size_t n = yq_base64_encode(bytes, len, text);
        assert_int_equal(n, (len + 2) / 3 * 4);
        assert_int_equal(strlen(text), n);
        assert_int_equal(yq_base64_decode(text, n, back), len);
        assert_memory_equal(back, bytes, len);
    }
}

static void test_only_the_alphabet_decodes(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int c = 0; c < 256; c++) {
        bool good = c != 0 && strchr(alphabet, c) != NULL;
        for (size_t at = 0; at < 8; at++) {
            char text[] = "AAAAAAAA";
            uint8_t bytes[8];
            text[at] = (char)c;
            bool padding = c == '=' && at == 7;
            assert_int_equal(yq_base64_decode(text, 8, bytes), good ? 6 : padding ? 5 : -1);
        }
    }
}

static void test_malformed_base64(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "A",     "AA",    "AAA",      "AAAAA",    "=",        "====",      "A===", "AA=A",
        "=AAA",  "A=AA",  "AA==AAAA", "AAA=AAAA", "AB==",     "AP==",      "AAB=", "AAD=",
        "Zm9v ", " Zm9v", "Zm\n9",    "Zm-v",     "Zm_vZm9v", "Zm9vZg==\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t bytes[16];
        if (decode(texts[i], bytes) != -1)
            fail_msg("\"%s\" was decoded", texts[i]);
    }
    uint8_t bytes[4];
    assert_int_equal(decode("AQ==", bytes), 1); /* no surplus bits: fine */
    assert_int_equal(decode("AAE=", bytes), 2);
}

static void test_hex(void **state)
{
    (void)state;
    char text[11];
    yq_hex_encode((const uint8_t[]){0x00, 0x0f, 0xa5, 0x9c, 0xff}, 5, text);
    assert_string_equal(text, "000fa59cff");
    yq_hex_encode(NULL, 0, text);
    assert_string_equal(text, "");
}

static void test_secrets(void **state)
{
    (void)state;
    assert_true(yq_secret_equal("abc", 3, "abc", 3));
    assert_true(yq_secret_equal("", 0, "", 0));
    assert_false(yq_secret_equal("abc", 3, "abd", 3));
    assert_false(yq_secret_equal("abc", 3, "Abc", 3));
    assert_false(yq_secret_equal("abc", 3, "abcd", 4));
    assert_false(yq_secret_equal("abc", 2, "abc", 3));
    uint8_t a[32] = {0}, b[32] = {0}, zeros[32] = {0};
    assert_int_equal(yq_secret_random(a, sizeof(a)), 0);
    assert_int_equal(yq_secret_random(b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, zeros, sizeof(a));
    yq_secret_wipe(a, sizeof(a));
    assert_memory_equal(a, zeros, sizeof(a));
    yq_secret_wipe(NULL, 0);
}

static void test_sha256(void **state)
{
    (void)state;
    struct yq_digest *d = yq_digest_new();
    char hex[YQ_SHA256_HEX];
    assert_int_equal(yq_digest_sha256_hex(d, "abc", 3, hex), 0);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(yq_digest_sha256_hex(d, "", 0, hex), 0); /* the context is reused */
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    yq_digest_free(d);
    yq_digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_pairs),
        cmocka_unit_test(test_every_length_comes_back),
        cmocka_unit_test(test_only_the_alphabet_decodes),
        cmocka_unit_test(test_malformed_base64),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
