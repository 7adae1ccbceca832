/* Base64 and hexadecimal, strict, into the caller's buffer. */
#ifndef YQ_CRYPTO_ENCODING_H
#define YQ_CRYPTO_ENCODING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Room that the encoded / decoded form of len bytes needs at most (encoded: with the NUL). */
#define YQ_BASE64_ENCODED(len) (((len) + 2) / 3 * 4 + 1)
#define YQ_BASE64_DECODED(len) ((len) / 4 * 3 + 3)

/* Standard alphabet with padding; writes a NUL. Returns the length without it. */
size_t yq_base64_encode(const uint8_t *bytes, size_t len, char *out);
/* Standard alphabet, padding required, no blanks, surplus bits must be zero. Returns the number of
 * bytes, or -1. */
ssize_t yq_base64_decode(const char *text, size_t len, uint8_t *out);
/* Lower case; writes 2*len characters and a NUL. */
void yq_hex_encode(const uint8_t *bytes, size_t len, char *out);

#endif
