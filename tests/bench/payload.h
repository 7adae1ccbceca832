/* The callbacks of the benchmarks: real ones, sealed with a key of their own, in the size of what
 * WeCom sends when a member is created. */
#ifndef YQ_BENCH_PAYLOAD_H
#define YQ_BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/wecom_crypt.h"

#define PAYLOAD_TOKEN "benchToken"
#define PAYLOAD_AES_KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define PAYLOAD_RECEIVER "ww0123456789abcdef"
#define PAYLOAD_CONNECTION "bench"

struct payload {
    struct yq_wecom_crypt *crypt;
    uint8_t key[YQ_WECOM_AES_KEY];
    struct yq_buf message, body, query;
};

void payload_init(struct payload *p);
void payload_release(struct payload *p);
/* Fills message, body and query for the member of that number; not valid: signed with another
 * token. */
void payload_make(struct payload *p, unsigned number, bool valid);
/* The whole request over HTTP. */
void payload_request(struct payload *p, bool keep_alive, struct yq_buf *out);

#endif
