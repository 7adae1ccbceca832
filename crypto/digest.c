/* SHA-256 through one kept OpenSSL context. */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/encoding.h"

struct yq_digest {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

struct yq_digest *yq_digest_new(void)
{
    struct yq_digest *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    if (d->sha256 == NULL || d->context == NULL) {
        yq_digest_free(d);
        return NULL;
    }
    return d;
}

void yq_digest_free(struct yq_digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->sha256);
    free(d);
}

int yq_digest_sha256(struct yq_digest *d, const void *bytes, size_t len, uint8_t out[YQ_SHA256])
{
    if (EVP_DigestInit_ex2(d->context, d->sha256, NULL) != 1 ||
        EVP_DigestUpdate(d->context, bytes, len) != 1 ||
        EVP_DigestFinal_ex(d->context, out, NULL) != 1)
        return -1;
    return 0;
}

int yq_digest_sha256_hex(struct yq_digest *d, const void *bytes, size_t len,
                         char out[YQ_SHA256_HEX])
{
    uint8_t sum[YQ_SHA256];
    if (yq_digest_sha256(d, bytes, len, sum) != 0)
        return -1;
    yq_hex_encode(sum, sizeof(sum), out);
    return 0;
}
