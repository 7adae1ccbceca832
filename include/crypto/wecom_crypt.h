/* Verifying, opening and sealing what WeCom sends (contracts: wecom.md §1.4, §1.5).
 *
 * A `struct yq_wecom_crypt` keeps one OpenSSL context per algorithm, so that a callback costs no
 * look-up of algorithms. It belongs to one thread. Keys are passed in each time. */
#ifndef YQ_CRYPTO_WECOM_CRYPT_H
#define YQ_CRYPTO_WECOM_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#define YQ_WECOM_AES_KEY 32      /* bytes */
#define YQ_WECOM_AES_KEY_TEXT 43 /* characters of EncodingAESKey */
#define YQ_WECOM_SIGNATURE 40    /* hex characters */
#define YQ_WECOM_RANDOM 16       /* bytes in front of a sealed message */

struct yq_wecom_crypt;

enum yq_crypt_result {
    YQ_CRYPT_OK = 0,
    YQ_CRYPT_SIGNATURE, /* does not match */
    YQ_CRYPT_BASE64,    /* not strict Base64, or no whole number of blocks */
    YQ_CRYPT_PADDING,   /* pad length not in 1…32 */
    YQ_CRYPT_LENGTH,    /* the message length does not fit */
    YQ_CRYPT_RECEIVER,  /* receive id is none of those expected */
    YQ_CRYPT_FAILED,    /* OpenSSL refused: no memory */
};

struct yq_text { /* pointer and length, not NUL-ended */
    const char *data;
    size_t len;
};

struct yq_wecom_crypt *yq_wecom_crypt_new(void); /* NULL only if OpenSSL has no AES or SHA-1 */
void yq_wecom_crypt_free(struct yq_wecom_crypt *c);

/* EncodingAESKey (43 characters, its 2 surplus bits ignored) to the key. Returns 0 or -1. */
int yq_wecom_key(const char *text, size_t len, uint8_t key[YQ_WECOM_AES_KEY]);

/* hex(SHA1(sorted parts)); writes 40 characters and a NUL. Returns 0 or -1. */
int yq_wecom_sign(struct yq_wecom_crypt *c, struct yq_text token, struct yq_text timestamp,
                  struct yq_text nonce, struct yq_text encrypted, char out[YQ_WECOM_SIGNATURE + 1]);
/* Compares in constant time. Any length of `signature` is allowed. */
enum yq_crypt_result yq_wecom_verify(struct yq_wecom_crypt *c, struct yq_text signature,
                                     struct yq_text token, struct yq_text timestamp,
                                     struct yq_text nonce, struct yq_text encrypted);

/* Opens `encrypted` (Base64). On success *ret_message and *ret_receiver point into memory that
 * belongs to c and lives until its next call; the message is NUL-ended. The caller compares the
 * receiver. */
enum yq_crypt_result yq_wecom_open(struct yq_wecom_crypt *c, const uint8_t key[YQ_WECOM_AES_KEY],
                                   struct yq_text encrypted, struct yq_text *ret_message,
                                   struct yq_text *ret_receiver);

/* Seals with the given 16 random bytes. *ret is NUL-ended Base64 that belongs to c and lives until
 * its next call. Returns YQ_CRYPT_OK or YQ_CRYPT_FAILED. */
enum yq_crypt_result yq_wecom_seal(struct yq_wecom_crypt *c, const uint8_t key[YQ_WECOM_AES_KEY],
                                   const uint8_t random[YQ_WECOM_RANDOM], struct yq_text message,
                                   struct yq_text receiver, struct yq_text *ret);

#endif
