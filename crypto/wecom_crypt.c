/* Verifying, opening and sealing what WeCom sends: SHA-1 over sorted parts, AES-256-CBC with blocks
 * of 32 bytes, and a frame of random bytes, length, message and receive id (wecom.md §1.4, §1.5).
 */
#include "crypto/wecom_crypt.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encoding.h"
#include "crypto/secret.h"

#define SHA1_BYTES 20
#define PAD_BLOCK 32
#define FRAME_HEAD (YQ_WECOM_RANDOM + 4) /* random bytes and the message length */
#define PARTS 4

struct room { /* grows, never shrinks; wiped before it is freed */
    uint8_t *data;
    size_t cap;
};

struct yq_wecom_crypt {
    EVP_MD *sha1;
    EVP_MD_CTX *digest;
    EVP_CIPHER *aes;
    EVP_CIPHER_CTX *decrypt, *encrypt;
    struct room cipher; /* bytes of the ciphertext, on either way */
    struct room opened; /* what yq_wecom_open handed out */
    struct room frame;  /* what yq_wecom_seal encrypts */
    struct room sealed; /* what yq_wecom_seal handed out */
};

static void room_release(struct room *r)
{
    yq_secret_wipe(r->data, r->cap);
    free(r->data);
    *r = (struct room){NULL, 0};
}

/* Makes it hold len bytes; the old ones are lost. */
static bool room_take(struct room *r, size_t len)
{
    if (len <= r->cap)
        return true;
    size_t cap = r->cap > 0 ? r->cap : 2048;
    while (cap < len)
        cap *= 2;
    room_release(r);
    r->data = malloc(cap);
    r->cap = r->data != NULL ? cap : 0;
    return r->data != NULL;
}

static EVP_CIPHER_CTX *cipher_context(const EVP_CIPHER *aes, int encrypt)
{
    static const uint8_t zeros[YQ_WECOM_AES_KEY];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL)
        return NULL;
    if (EVP_CipherInit_ex2(context, aes, zeros, zeros, encrypt, NULL) == 1 &&
        EVP_CIPHER_CTX_set_padding(context, 0) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

struct yq_wecom_crypt *yq_wecom_crypt_new(void)
{
    struct yq_wecom_crypt *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    c->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    c->digest = EVP_MD_CTX_new();
    c->aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (c->sha1 == NULL || c->digest == NULL || c->aes == NULL)
        goto fail;
    c->decrypt = cipher_context(c->aes, 0);
    c->encrypt = cipher_context(c->aes, 1);
    if (c->decrypt == NULL || c->encrypt == NULL)
        goto fail;
    return c;
fail:
    yq_wecom_crypt_free(c);
    return NULL;
}

void yq_wecom_crypt_free(struct yq_wecom_crypt *c)
{
    if (c == NULL)
        return;
    EVP_CIPHER_CTX_free(c->decrypt);
    EVP_CIPHER_CTX_free(c->encrypt);
    EVP_CIPHER_free(c->aes);
    EVP_MD_CTX_free(c->digest);
    EVP_MD_free(c->sha1);
    room_release(&c->cipher);
    room_release(&c->opened);
    room_release(&c->frame);
    room_release(&c->sealed);
    free(c);
}

int yq_wecom_key(const char *text, size_t len, uint8_t key[YQ_WECOM_AES_KEY])
{
    if (len != YQ_WECOM_AES_KEY_TEXT)
        return -1;
    char padded[YQ_WECOM_AES_KEY_TEXT + 1];
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i])) /* wecom.md §1.1 */
            return -1;
        padded[i] = text[i];
    }
    padded[len] = 'A'; /* 43 characters hold 258 bits, and the last one two too many */
    uint8_t bytes[YQ_WECOM_AES_KEY + 1];
    ssize_t n = yq_base64_decode(padded, sizeof(padded), bytes);
    if (n == (ssize_t)sizeof(bytes))
        memcpy(key, bytes, YQ_WECOM_AES_KEY);
    yq_secret_wipe(padded, sizeof(padded));
    yq_secret_wipe(bytes, sizeof(bytes));
    return n == (ssize_t)sizeof(bytes) ? 0 : -1;
}

static bool part_less(struct yq_text a, struct yq_text b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order < 0 : a.len < b.len;
}

int yq_wecom_sign(struct yq_wecom_crypt *c, struct yq_text token, struct yq_text timestamp,
                  struct yq_text nonce, struct yq_text encrypted, char out[YQ_WECOM_SIGNATURE + 1])
{
    struct yq_text parts[PARTS] = {token, timestamp, nonce, encrypted};
    for (size_t i = 1; i < PARTS; i++) {
        struct yq_text part = parts[i];
        size_t at = i;
        for (; at > 0 && part_less(part, parts[at - 1]); at--)
            parts[at] = parts[at - 1];
        parts[at] = part;
    }
    if (EVP_DigestInit_ex2(c->digest, c->sha1, NULL) != 1)
        return -1;
    for (size_t i = 0; i < PARTS; i++) {
        if (EVP_DigestUpdate(c->digest, parts[i].data, parts[i].len) != 1)
            return -1;
    }
    uint8_t sum[SHA1_BYTES];
    if (EVP_DigestFinal_ex(c->digest, sum, NULL) != 1)
        return -1;
    yq_hex_encode(sum, sizeof(sum), out);
    return 0;
}

enum yq_crypt_result yq_wecom_verify(struct yq_wecom_crypt *c, struct yq_text signature,
                                     struct yq_text token, struct yq_text timestamp,
                                     struct yq_text nonce, struct yq_text encrypted)
{
    char expected[YQ_WECOM_SIGNATURE + 1];
    if (yq_wecom_sign(c, token, timestamp, nonce, encrypted, expected) != 0)
        return YQ_CRYPT_FAILED;
    return yq_secret_equal(signature.data, signature.len, expected, YQ_WECOM_SIGNATURE)
               ? YQ_CRYPT_OK
               : YQ_CRYPT_SIGNATURE;
}

/* The IV is the first half of the key; len is a whole number of AES blocks. */
static bool run_cipher(EVP_CIPHER_CTX *context, const uint8_t *key, const uint8_t *from, size_t len,
                       uint8_t *to)
{
    int written = 0;
    return len <= INT_MAX && EVP_CipherInit_ex2(context, NULL, key, key, -1, NULL) == 1 &&
           EVP_CipherUpdate(context, to, &written, from, (int)len) == 1 && (size_t)written == len;
}

/* Takes random bytes, length, message, receive id and padding apart. One byte behind `len` is ours:
 * the receive id moves there, to make room for the NUL behind the message. */
static enum yq_crypt_result split_frame(uint8_t *frame, size_t len, struct yq_text *ret_message,
                                        struct yq_text *ret_receiver)
{
    uint8_t pad = frame[len - 1];
    if (pad < 1 || pad > PAD_BLOCK)
        return YQ_CRYPT_PADDING;
    size_t end = len - pad; /* len is at least 32 */
    if (end < FRAME_HEAD)
        return YQ_CRYPT_LENGTH;
    const uint8_t *head = frame + YQ_WECOM_RANDOM;
    uint32_t message_len =
        (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    if (message_len > end - FRAME_HEAD)
        return YQ_CRYPT_LENGTH;
    uint8_t *message = frame + FRAME_HEAD;
    uint8_t *receiver = message + message_len;
    size_t receiver_len = end - FRAME_HEAD - message_len;
    memmove(receiver + 1, receiver, receiver_len);
    *receiver = '\0';
    *ret_message = (struct yq_text){(const char *)message, message_len};
    *ret_receiver = (struct yq_text){(const char *)receiver + 1, receiver_len};
    return YQ_CRYPT_OK;
}

enum yq_crypt_result yq_wecom_open(struct yq_wecom_crypt *c, const uint8_t key[YQ_WECOM_AES_KEY],
                                   struct yq_text encrypted, struct yq_text *ret_message,
                                   struct yq_text *ret_receiver)
{
    if (!room_take(&c->cipher, YQ_BASE64_DECODED(encrypted.len)))
        return YQ_CRYPT_FAILED;
    ssize_t len = yq_base64_decode(encrypted.data, encrypted.len, c->cipher.data);
    if (len < PAD_BLOCK || len % 16 != 0)
        return YQ_CRYPT_BASE64;
    if (!room_take(&c->opened, (size_t)len + 1) ||
        !run_cipher(c->decrypt, key, c->cipher.data, (size_t)len, c->opened.data))
        return YQ_CRYPT_FAILED;
    return split_frame(c->opened.data, (size_t)len, ret_message, ret_receiver);
}

enum yq_crypt_result yq_wecom_seal(struct yq_wecom_crypt *c, const uint8_t key[YQ_WECOM_AES_KEY],
                                   const uint8_t random[YQ_WECOM_RANDOM], struct yq_text message,
                                   struct yq_text receiver, struct yq_text *ret)
{
    if (message.len > UINT32_MAX / 4 || receiver.len > UINT32_MAX / 4)
        return YQ_CRYPT_FAILED;
    size_t used = FRAME_HEAD + message.len + receiver.len;
    size_t pad = PAD_BLOCK - used % PAD_BLOCK; /* a whole block where nothing is missing */
    size_t len = used + pad;
    if (!room_take(&c->frame, len) || !room_take(&c->cipher, len) ||
        !room_take(&c->sealed, YQ_BASE64_ENCODED(len)))
        return YQ_CRYPT_FAILED;
    uint8_t *to = c->frame.data;
    memcpy(to, random, YQ_WECOM_RANDOM);
    to += YQ_WECOM_RANDOM;
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(message.len >> shift);
    if (message.len > 0)
        memcpy(to, message.data, message.len);
    to += message.len;
    if (receiver.len > 0)
        memcpy(to, receiver.data, receiver.len);
    to += receiver.len;
    memset(to, (int)pad, pad);
    if (!run_cipher(c->encrypt, key, c->frame.data, len, c->cipher.data))
        return YQ_CRYPT_FAILED;
    char *text = (char *)c->sealed.data;
    *ret = (struct yq_text){text, yq_base64_encode(c->cipher.data, len, text)};
    return YQ_CRYPT_OK;
}
