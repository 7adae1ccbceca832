/* AES-256-CBC over bytes as they are, for frames that no honest sender would make. Says nothing by
 * the code under test but Base64. */
#ifndef YQ_CIPHER_BLOCKS_H
#define YQ_CIPHER_BLOCKS_H

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/encoding.h"

/* len is a multiple of 16 and at most 4096; out has room for YQ_BASE64_ENCODED(len). */
static inline size_t cipher_blocks(const uint8_t *key, const uint8_t *bytes, size_t len, char *out)
{
    uint8_t cipher[4096];
    int written = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (len > sizeof(cipher) || len % 16 != 0 ||
        EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, key) != 1 ||
        EVP_CIPHER_CTX_set_padding(context, 0) != 1 ||
        EVP_EncryptUpdate(context, cipher, &written, bytes, (int)len) != 1 ||
        (size_t)written != len)
        abort();
    EVP_CIPHER_CTX_free(context);
    return yq_base64_encode(cipher, len, out);
}

#endif
