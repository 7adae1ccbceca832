/* From the parts of a callback's request to its plain text: query, envelope, signature, cipher,
 * receive id, in this order. */
#include "model/envelope.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/xml.h"

/* Far above what WeCom sends (40, 10, 10…16 and some 100 characters). */
#define SIGNATURE_MAX 128
#define TIMESTAMP_MAX 32
#define NONCE_MAX 128
#define ECHOSTR_MAX 4096

struct yq_envelope_opener {
    struct yq_xml *xml;
    struct yq_wecom_crypt *crypt;
};

const char *yq_refusal_name(enum yq_refusal refusal)
{
    static const char *const names[] = {
#define X(name, text) [YQ_REFUSAL_##name] = text,
        YQ_REFUSALS(X)
#undef X
    };
    return (unsigned)refusal < YQ_REFUSAL_COUNT ? names[refusal] : "?";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes once, from `text` to *scratch, which is moved on. Malformed: data NULL. */
static struct yq_text percent_decode(const char *text, size_t len, char **scratch)
{
    char *start = *scratch;
    char *to = start;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            *to++ = text[i];
            continue;
        }
        int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return (struct yq_text){NULL, 0};
        *to++ = (char)(high << 4 | low);
        i += 2;
    }
    *scratch = to;
    return (struct yq_text){start, (size_t)(to - start)};
}

struct parameter {
    const char *name;
    size_t len;
    struct yq_text *value;
    bool seen;
};

static void take_pair(struct parameter *parameters, size_t count, struct yq_text pair,
                      char **scratch)
{
    const char *equals = memchr(pair.data, '=', pair.len);
    size_t name_len = equals != NULL ? (size_t)(equals - pair.data) : pair.len;
    for (size_t i = 0; i < count; i++) {
        struct parameter *p = &parameters[i];
        if (p->len != name_len || memcmp(p->name, pair.data, name_len) != 0)
            continue;
        if (p->seen)
            return;
        p->seen = true;
        size_t skip = equals != NULL ? name_len + 1 : name_len;
        *p->value = percent_decode(pair.data + skip, pair.len - skip, scratch);
        return;
    }
}

#define PARAMETER(name)                                                                            \
    {                                                                                              \
#name, sizeof(#name) - 1, &ret->name, false                                                \
    }

void yq_envelope_query_parse(const char *query, size_t len, char *scratch,
                             struct yq_envelope_query *ret)
{
    *ret = (struct yq_envelope_query){0};
    struct parameter parameters[] = {PARAMETER(msg_signature), PARAMETER(timestamp),
                                     PARAMETER(nonce), PARAMETER(echostr)};
    for (size_t at = 0; at < len;) {
        const char *pair = query + at;
        const char *end = memchr(pair, '&', len - at);
        size_t pair_len = end != NULL ? (size_t)(end - pair) : len - at;
        if (pair_len > 0)
            take_pair(parameters, sizeof(parameters) / sizeof(parameters[0]),
                      (struct yq_text){pair, pair_len}, &scratch);
        at += pair_len + 1;
    }
}

struct yq_envelope_opener *yq_envelope_opener_new(void)
{
    struct yq_envelope_opener *o = yq_calloc(1, sizeof(*o));
    o->xml = yq_xml_new();
    o->crypt = yq_wecom_crypt_new();
    if (o->crypt == NULL)
        abort(); /* OpenSSL without AES or SHA-1: nothing of this program can work */
    return o;
}

void yq_envelope_opener_free(struct yq_envelope_opener *o)
{
    if (o == NULL)
        return;
    yq_xml_free(o->xml);
    yq_wecom_crypt_free(o->crypt);
    free(o);
}

static bool fits(const struct yq_text *value, size_t max)
{
    return value->data != NULL && value->len > 0 && value->len <= max;
}

static bool query_complete(const struct yq_envelope_query *q)
{
    return fits(&q->msg_signature, SIGNATURE_MAX) && fits(&q->timestamp, TIMESTAMP_MAX) &&
           fits(&q->nonce, NONCE_MAX);
}

static bool receiver_accepted(const struct yq_envelope_keys *keys, struct yq_text receiver)
{
    for (size_t i = 0; i < keys->receiver_count; i++) {
        const char *accepted = keys->receivers[i];
        if (strlen(accepted) == receiver.len && memcmp(accepted, receiver.data, receiver.len) == 0)
            return true;
    }
    return keys->receiver_count == 0;
}

/* Verifies, decrypts and compares with one pair of token and key. */
static enum yq_refusal open_with(struct yq_envelope_opener *o, const struct yq_envelope_keys *keys,
                                 size_t which, const struct yq_envelope_query *q,
                                 struct yq_text encrypted, struct yq_text *ret)
{
    struct yq_text token = {keys->keys[which].token, strlen(keys->keys[which].token)};
    if (yq_wecom_verify(o->crypt, q->msg_signature, token, q->timestamp, q->nonce, encrypted) !=
        YQ_CRYPT_OK)
        return YQ_REFUSAL_SIGNATURE;
    struct yq_text message;
    struct yq_text receiver;
    if (yq_wecom_open(o->crypt, keys->keys[which].aes_key, encrypted, &message, &receiver) !=
        YQ_CRYPT_OK)
        return YQ_REFUSAL_CIPHERTEXT;
    if (!receiver_accepted(keys, receiver))
        return YQ_REFUSAL_RECEIVER;
    *ret = message;
    return YQ_REFUSAL_NONE;
}

/* Tries each key: two of them may share the token while the other half is being rotated. What is
 * reported is how far the best of them got. */
static enum yq_refusal open_any(struct yq_envelope_opener *o, const struct yq_envelope_keys *keys,
                                const struct yq_envelope_query *q, struct yq_text encrypted,
                                struct yq_text *ret)
{
    enum yq_refusal best = YQ_REFUSAL_SIGNATURE;
    for (size_t i = 0; i < keys->count; i++) {
        enum yq_refusal refusal = open_with(o, keys, i, q, encrypted, ret);
        if (refusal == YQ_REFUSAL_NONE)
            return refusal;
        if (refusal > best)
            best = refusal;
    }
    return best;
}

enum yq_refusal yq_envelope_open_echo(struct yq_envelope_opener *o,
                                      const struct yq_envelope_keys *keys,
                                      const struct yq_envelope_query *query, struct yq_text *ret)
{
    if (!query_complete(query) || !fits(&query->echostr, ECHOSTR_MAX))
        return YQ_REFUSAL_QUERY;
    return open_any(o, keys, query, query->echostr, ret);
}

static enum yq_refusal open_xml(struct yq_envelope_opener *o, const struct yq_envelope_keys *keys,
                                const struct yq_envelope_query *query, struct yq_text body,
                                struct yq_text *ret)
{
    if (yq_xml_parse(o->xml, body.data, body.len, NULL) != 0)
        return YQ_REFUSAL_ENVELOPE;
    const struct yq_text *encrypted = yq_xml_get(o->xml, "Encrypt");
    if (encrypted == NULL || encrypted->len == 0)
        return YQ_REFUSAL_ENVELOPE;
    return open_any(o, keys, query, *encrypted, ret);
}

static enum yq_refusal open_json(struct yq_envelope_opener *o, const struct yq_envelope_keys *keys,
                                 const struct yq_envelope_query *query, struct yq_text body,
                                 struct yq_text *ret)
{
    enum yq_refusal refusal = YQ_REFUSAL_ENVELOPE;
    cJSON *root = yq_json_parse(body.data, body.len, NULL);
    const cJSON *encrypted = yq_json_get(root, "encrypt");
    if (encrypted == NULL)
        encrypted = yq_json_get(root, "Encrypt");
    const char *text = cJSON_GetStringValue(encrypted);
    if (text != NULL && text[0] != '\0')
        refusal = open_any(o, keys, query, (struct yq_text){text, strlen(text)}, ret);
    cJSON_Delete(root);
    return refusal;
}

static char first_byte(const char *body, size_t len)
{
    size_t i = 0;
    while (i < len && (body[i] == ' ' || body[i] == '\t' || body[i] == '\r' || body[i] == '\n'))
        i++;
    return i < len ? body[i] : '\0';
}

enum yq_refusal yq_envelope_open_body(struct yq_envelope_opener *o,
                                      const struct yq_envelope_keys *keys,
                                      const struct yq_envelope_query *query, const char *body,
                                      size_t len, struct yq_text *ret)
{
    if (!query_complete(query))
        return YQ_REFUSAL_QUERY;
    struct yq_text whole = {body, len};
    if (first_byte(body, len) == '{')
        return open_json(o, keys, query, whole, ret);
    return open_xml(o, keys, query, whole, ret);
}
