/* WeCom's callback in its encrypted outer form: from the request's parts to the plain text
 * (wecom.md §1). No sockets: it is fed the query's values and the body's bytes. */
#ifndef YQ_MODEL_ENVELOPE_H
#define YQ_MODEL_ENVELOPE_H

#include <stddef.h>

#include "base/error.h"
#include "crypto/wecom_crypt.h"

#define YQ_ENVELOPE_KEYS 2      /* two at once, while an administrator rotates them */
#define YQ_ENVELOPE_RECEIVERS 4 /* receive ids that are accepted (wecom.md §1.6) */

/* What one callback URL accepts. Filled from the configuration; holds secrets. */
struct yq_envelope_keys {
    size_t count;
    struct {
        char token[33];
        uint8_t aes_key[YQ_WECOM_AES_KEY];
    } keys[YQ_ENVELOPE_KEYS];
    size_t receiver_count; /* 0: any receive id is accepted */
    char receivers[YQ_ENVELOPE_RECEIVERS][72];
};

/* Why something was refused: names the metric `refused{reason}`, never the answer. */
#define YQ_REFUSALS(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(QUERY, "query")       /* msg_signature, timestamp, nonce or echostr missing or too long */   \
    X(ENVELOPE, "envelope") /* body is neither the XML nor the JSON envelope */                    \
    X(SIGNATURE, "signature")                                                                      \
    X(CIPHERTEXT, "ciphertext") /* Base64, block size, padding or length */                        \
    X(RECEIVER, "receiver")                                                                        \
    X(STALE, "stale") /* outside callback.max_age, where one is configured */

enum yq_refusal {
#define X(name, text) YQ_REFUSAL_##name,
    YQ_REFUSALS(X)
#undef X
        YQ_REFUSAL_COUNT
};
const char *yq_refusal_name(enum yq_refusal refusal);

struct yq_envelope_query { /* values percent-decoded exactly once; data NULL = missing */
    struct yq_text msg_signature, timestamp, nonce, echostr;
};

/* Reads the raw query string (behind '?', without it). A literal '+' stays a '+': echostr is Base64
 * (wecom.md §1.2). The values point into `scratch`, which must have room for len + 4 bytes. Doubled
 * names: the first counts. Malformed percent escapes: the value is missing. */
void yq_envelope_query_parse(const char *query, size_t len, char *scratch,
                             struct yq_envelope_query *ret);

/* Opens envelopes: keeps the parser and cipher contexts. Belongs to one thread. */
struct yq_envelope_opener;
struct yq_envelope_opener *yq_envelope_opener_new(void);
void yq_envelope_opener_free(struct yq_envelope_opener *o);

/* GET: checks the query and opens echostr. On success *ret points to the bare bytes to answer with
 * (owned by o, until its next call). */
enum yq_refusal yq_envelope_open_echo(struct yq_envelope_opener *o,
                                      const struct yq_envelope_keys *keys,
                                      const struct yq_envelope_query *query, struct yq_text *ret);
/* POST: finds Encrypt in the body (XML by element name, any order; JSON with `encrypt` or
 * `Encrypt`), verifies with each key, then decrypts and compares the receive id. On success *ret is
 * the plain text, NUL-ended (owned by o, until its next call). */
enum yq_refusal yq_envelope_open_body(struct yq_envelope_opener *o,
                                      const struct yq_envelope_keys *keys,
                                      const struct yq_envelope_query *query, const char *body,
                                      size_t len, struct yq_text *ret);

#endif
