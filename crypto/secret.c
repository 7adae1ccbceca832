/* Comparing, wiping and drawing secrets. */
#include "crypto/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sys/random.h>

bool yq_secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

void yq_secret_wipe(void *p, size_t len)
{
    if (len > 0)
        OPENSSL_cleanse(p, len);
}

int yq_secret_random(void *p, size_t len)
{
    unsigned char *to = p;
    while (len > 0) {
        ssize_t n = getrandom(to, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        to += n;
        len -= (size_t)n;
    }
    return 0;
}
