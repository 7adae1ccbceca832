/* SHA-256, to recognise equal content; nothing is authenticated by it. */
#ifndef YQ_CRYPTO_DIGEST_H
#define YQ_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define YQ_SHA256 32     /* bytes */
#define YQ_SHA256_HEX 65 /* characters, with the NUL */

/* Keeps the algorithm and a context, so that a digest costs no look-up. Belongs to one thread. */
struct yq_digest;

struct yq_digest *yq_digest_new(void); /* NULL only if OpenSSL has no SHA-256, or no memory */
void yq_digest_free(struct yq_digest *d);

/* Returns 0, or -1 if OpenSSL refused: no memory. */
int yq_digest_sha256(struct yq_digest *d, const void *bytes, size_t len, uint8_t out[YQ_SHA256]);
/* The same in lower-case hex, with a NUL. */
int yq_digest_sha256_hex(struct yq_digest *d, const void *bytes, size_t len,
                         char out[YQ_SHA256_HEX]);

#endif
