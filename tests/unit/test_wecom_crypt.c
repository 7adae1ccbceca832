/* The callback cipher against every published vector, both ways, and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../vectors/cipher_blocks.h"
#include "../vectors/wecom_vectors.h"
#include "crypto/wecom_crypt.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct yq_wecom_crypt *crypt;

static int set_up(void **state)
{
    (void)state;
    crypt = yq_wecom_crypt_new();
    return crypt == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    yq_wecom_crypt_free(crypt);
    return 0;
}

static struct yq_text text(const char *s)
{
    return (struct yq_text){s, strlen(s)};
}

static void load_key(const char *aes_key, uint8_t key[YQ_WECOM_AES_KEY])
{
    assert_int_equal(yq_wecom_key(aes_key, strlen(aes_key), key), 0);
}

static enum yq_crypt_result verify(const struct wecom_vector *v, const char *nonce)
{
    return yq_wecom_verify(crypt, text(v->signature), text(v->token), text(v->timestamp),
                           text(nonce), text(v->encrypted));
}

static void test_vectors_verify_and_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        const struct wecom_vector *v = &wecom_vectors[i];
        uint8_t key[YQ_WECOM_AES_KEY];
        load_key(v->aes_key, key);
        if (v->token != NULL)
            assert_int_equal(verify(v, v->nonce), YQ_CRYPT_OK);
        struct yq_text message, receiver;
        assert_int_equal(yq_wecom_open(crypt, key, text(v->encrypted), &message, &receiver),
                         YQ_CRYPT_OK);
        assert_int_equal(message.len, v->message_len);
        assert_string_equal(message.data, v->message); /* NUL-ended */
        assert_int_equal(receiver.len, strlen(v->receiver));
        assert_memory_equal(receiver.data, v->receiver, receiver.len);
    }
    print_message("%zu vectors verified and opened\n", COUNT(wecom_vectors));
}

static void test_vectors_seal(void **state)
{
    (void)state;
    size_t sealed_count = 0;
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        const struct wecom_vector *v = &wecom_vectors[i];
        if (v->random == NULL)
            continue;
        uint8_t key[YQ_WECOM_AES_KEY];
        load_key(v->aes_key, key);
        struct yq_text sealed;
        assert_int_equal(yq_wecom_seal(crypt, key, (const uint8_t *)v->random,
                                       (struct yq_text){v->message, v->message_len},
                                       text(v->receiver), &sealed),
                         YQ_CRYPT_OK);
        assert_int_equal(sealed.len, strlen(v->encrypted));
        assert_string_equal(sealed.data, v->encrypted);
        sealed_count++;
        if (v->token == NULL)
            continue;
        char signature[YQ_WECOM_SIGNATURE + 1];
        assert_int_equal(yq_wecom_sign(crypt, text(v->token), text(v->timestamp), text(v->nonce),
                                       sealed, signature),
                         0);
        assert_string_equal(signature, v->signature);
    }
    print_message("%zu vectors sealed\n", sealed_count);
    assert_int_equal(sealed_count, 12);
}

static const struct wecom_vector *vector(const char *name)
{
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        if (strcmp(wecom_vectors[i].name, name) == 0)
            return &wecom_vectors[i];
    }
    fail_msg("no vector %s", name);
    return NULL;
}

static void test_negative_vectors(void **state)
{
    (void)state;
    struct wecom_vector a4 = *vector("A4");
    a4.encrypted = WECOM_VECTOR_A4_OTHER;
    assert_int_equal(verify(&a4, a4.nonce), YQ_CRYPT_SIGNATURE);
    a4.signature = WECOM_VECTOR_A4_OTHER_SIGNATURE;
    assert_int_equal(verify(&a4, a4.nonce), YQ_CRYPT_OK);
    const struct wecom_vector *f1 = vector("F1");
    assert_int_equal(verify(f1, "437374424"), YQ_CRYPT_SIGNATURE);
}

static void test_every_signature_character_counts(void **state)
{
    (void)state;
    struct wecom_vector v = *vector("B2");
    for (size_t i = 0; i < YQ_WECOM_SIGNATURE; i++) {
        char other[YQ_WECOM_SIGNATURE + 1];
        strcpy(other, vector("B2")->signature);
        other[i] = other[i] == '0' ? '1' : '0';
        v.signature = other;
        assert_int_equal(verify(&v, v.nonce), YQ_CRYPT_SIGNATURE);
    }
    v.signature = "";
    assert_int_equal(verify(&v, v.nonce), YQ_CRYPT_SIGNATURE);
}

/* The parts are sorted as bytes: the order in which they are given says nothing. */
static void test_parts_are_sorted(void **state)
{
    (void)state;
    struct yq_text parts[] = {text("b"), text("abc"), text("ab"), text("\xc3\xa9")};
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 3, 0, 1}, {1, 0, 3, 2}};
    for (size_t i = 0; i < COUNT(orders); i++) {
        char signature[YQ_WECOM_SIGNATURE + 1];
        const int *o = orders[i];
        assert_int_equal(
            yq_wecom_sign(crypt, parts[o[0]], parts[o[1]], parts[o[2]], parts[o[3]], signature), 0);
        /* printf 'ababcb\303\251' | sha1sum */
        assert_string_equal(signature, "678b6f0dc66726426f92d4824bc06aab525f7278");
    }
}

static void test_surplus_bits_of_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wecom_vectors); i++) {
        static const char alphabet[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        uint8_t key[YQ_WECOM_AES_KEY], same[YQ_WECOM_AES_KEY];
        char aes_key[YQ_WECOM_AES_KEY_TEXT + 1];
        strcpy(aes_key, wecom_vectors[i].aes_key);
        load_key(aes_key, key);
        size_t last = (size_t)(strchr(alphabet, aes_key[42]) - alphabet);
        for (size_t bits = 0; bits < 4; bits++) {
            aes_key[42] = alphabet[(last & ~(size_t)3) | bits];
            if (aes_key[42] == '+' || aes_key[42] == '/')
                continue;
            load_key(aes_key, same);
            assert_memory_equal(same, key, sizeof(key));
        }
        aes_key[42] = alphabet[(last + 4) % 60];
        load_key(aes_key, same);
        assert_memory_not_equal(same, key, sizeof(key));
    }
    uint8_t key[YQ_WECOM_AES_KEY];
    char hex[2 * YQ_WECOM_AES_KEY + 1];
    load_key(vector("A1")->aes_key, key);
    yq_hex_encode(key, sizeof(key), hex);
    assert_string_equal(hex, "8d69989bbaabe67328014c194631ad0719b3dca035b64023df292447aab60760");
    load_key(vector("C1")->aes_key, key);
    yq_hex_encode(key, sizeof(key), hex);
    assert_string_equal(hex, "83c5467d012a96e521a0a3a5ca39a6965f10f42e6d5455135f94f6aa4988f52b");
}

static void test_malformed_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2CA",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2=",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2 ",
        "+WmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2\xc3",
    };
    for (size_t i = 0; i < COUNT(keys); i++) {
        uint8_t key[YQ_WECOM_AES_KEY];
        assert_int_equal(yq_wecom_key(keys[i], strlen(keys[i]), key), -1);
    }
}

static void test_every_padding(void **state)
{
    (void)state;
    uint8_t key[YQ_WECOM_AES_KEY];
    char message[64];
    bool seen[33] = {false};
    load_key(vector("F1")->aes_key, key);
    memset(message, 'm', sizeof(message));
    for (size_t len = 0; len < sizeof(message); len++) {
        struct yq_text sealed, opened, receiver;
        assert_int_equal(yq_wecom_seal(crypt, key, (const uint8_t *)"0123456789abcdef",
                                       (struct yq_text){message, len}, text("ww1"), &sealed),
                         YQ_CRYPT_OK);
        size_t frame =
            (size_t)yq_base64_decode(sealed.data, sealed.len, (uint8_t[YQ_BASE64_DECODED(256)]){0});
        size_t pad = frame - 20 - len - 3;
        assert_in_range(pad, 1, 32);
        seen[pad] = true;
        assert_int_equal(yq_wecom_open(crypt, key, sealed, &opened, &receiver), YQ_CRYPT_OK);
        assert_int_equal(opened.len, len);
        assert_memory_equal(opened.data, message, len);
        assert_int_equal(opened.data[len], '\0');
        assert_int_equal(receiver.len, 3);
        assert_memory_equal(receiver.data, "ww1", 3);
    }
    for (size_t pad = 1; pad <= 32; pad++)
        assert_true(seen[pad]);
}

struct frame {
    size_t len;
    uint32_t message_len;
    int pad;
    enum yq_crypt_result expected;
};

/* Frames of nothing but their length and the value of their last byte. */
static void test_bounds_of_frames(void **state)
{
    (void)state;
    static const struct frame frames[] = {
        {32, 0, 12, YQ_CRYPT_OK},
        {32, 0, 1, YQ_CRYPT_OK},
        {32, 11, 1, YQ_CRYPT_OK},
        {32, 12, 1, YQ_CRYPT_LENGTH},
        {32, 0, 13, YQ_CRYPT_LENGTH},
        {32, 0, 32, YQ_CRYPT_LENGTH},
        {32, 0, 0, YQ_CRYPT_PADDING},
        {32, 0, 33, YQ_CRYPT_PADDING},
        {32, 0, 255, YQ_CRYPT_PADDING},
        {48, 0, 28, YQ_CRYPT_OK},
        {48, 1, 28, YQ_CRYPT_LENGTH},
        {48, 0, 29, YQ_CRYPT_LENGTH},
        {64, 12, 32, YQ_CRYPT_OK},
        {64, 13, 32, YQ_CRYPT_LENGTH},
        {64, 43, 1, YQ_CRYPT_OK},
        {64, 44, 1, YQ_CRYPT_LENGTH},
        {64, 0x7fffffff, 1, YQ_CRYPT_LENGTH},
        {64, 0x80000000, 1, YQ_CRYPT_LENGTH},
        {64, 0xffffffff, 1, YQ_CRYPT_LENGTH},
        {64, 0xffffffec, 1, YQ_CRYPT_LENGTH},
        {16, 0, 1, YQ_CRYPT_BASE64},
        {0, 0, 0, YQ_CRYPT_BASE64},
    };
    uint8_t key[YQ_WECOM_AES_KEY];
    load_key(vector("F1")->aes_key, key);
    for (size_t i = 0; i < COUNT(frames); i++) {
        const struct frame *f = &frames[i];
        uint8_t bytes[64] = {0};
        char base64[YQ_BASE64_ENCODED(sizeof(bytes))];
        for (size_t b = 0; b < 4; b++)
            bytes[16 + b] = (uint8_t)(f->message_len >> (24 - 8 * b));
        if (f->len > 0)
            bytes[f->len - 1] = (uint8_t)f->pad;
        (void)cipher_blocks(key, bytes, f->len, base64);
        struct yq_text message = {NULL, 77}, receiver = {NULL, 77};
        enum yq_crypt_result result = yq_wecom_open(crypt, key, text(base64), &message, &receiver);
        if (result != f->expected)
            fail_msg("frame %zu: %d instead of %d", i, (int)result, (int)f->expected);
        if (result == YQ_CRYPT_OK)
            assert_int_equal(20 + message.len + receiver.len, f->len - (size_t)f->pad);
        else
            assert_int_equal(message.len, 77); /* untouched */
    }
}

static void test_malformed_ciphertexts(void **state)
{
    (void)state;
    uint8_t key[YQ_WECOM_AES_KEY];
    struct yq_text message, receiver;
    const char *good = vector("F1")->encrypted;
    size_t len = strlen(good);
    load_key(vector("F1")->aes_key, key);
    for (size_t cut = 0; cut < len; cut++) {
        if (cut == 64)
            continue; /* 48 bytes: see below */
        assert_int_equal(
            yq_wecom_open(crypt, key, (struct yq_text){good, cut}, &message, &receiver),
            YQ_CRYPT_BASE64);
    }
    assert_int_equal(yq_wecom_open(crypt, key, (struct yq_text){good, 64}, &message, &receiver),
                     YQ_CRYPT_PADDING); /* ends in the middle of the frame */
    assert_int_equal(yq_wecom_open(crypt, key, (struct yq_text){good, len}, &message, &receiver),
                     YQ_CRYPT_OK); /* still usable */
}

/* Buffers grow and are reused: a short message after a long one. */
static void test_long_and_short(void **state)
{
    (void)state;
    uint8_t key[YQ_WECOM_AES_KEY];
    static char message[200000];
    load_key(vector("F1")->aes_key, key);
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = (char)('a' + i % 26);
    static const size_t lengths[] = {sizeof(message), 0, 1, 5000, 31};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct yq_text sealed, opened, receiver;
        assert_int_equal(yq_wecom_seal(crypt, key, (const uint8_t *)"0123456789abcdef",
                                       (struct yq_text){message, lengths[i]}, text(""), &sealed),
                         YQ_CRYPT_OK);
        assert_int_equal(yq_wecom_open(crypt, key, sealed, &opened, &receiver), YQ_CRYPT_OK);
        assert_int_equal(opened.len, lengths[i]);
        assert_memory_equal(opened.data, message, lengths[i]);
        assert_int_equal(receiver.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_verify_and_open),
        cmocka_unit_test(test_vectors_seal),
        cmocka_unit_test(test_negative_vectors),
        cmocka_unit_test(test_every_signature_character_counts),
        cmocka_unit_test(test_parts_are_sorted),
        cmocka_unit_test(test_surplus_bits_of_a_key),
        cmocka_unit_test(test_malformed_keys),
        cmocka_unit_test(test_every_padding),
        cmocka_unit_test(test_bounds_of_frames),
        cmocka_unit_test(test_malformed_ciphertexts),
        cmocka_unit_test(test_long_and_short),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
