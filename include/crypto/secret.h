/* Comparing, wiping and drawing secrets. */
#ifndef YQ_CRYPTO_SECRET_H
#define YQ_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* True if both have the same length and bytes; the time taken depends on the lengths alone. */
bool yq_secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);
/* Overwrites, in a way the compiler keeps. */
void yq_secret_wipe(void *p, size_t len);
/* Fills with bytes of the system's random source. Returns 0, or -1 if there are none to be had. */
int yq_secret_random(void *p, size_t len);

#endif
