/* Feeds requests to the opener of envelopes. The first byte of the input says how far it may come
 * by itself: 'r' a query, a line end and a body, as they are; 'c' a ciphertext, properly signed;
 * 'f' a frame, properly encrypted and signed; 'm' a message, sealed as WeCom does, which must come
 * back. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../vectors/cipher_blocks.h"
#include "base/buf.h"
#include "base/memory.h"
#include "model/envelope.h"

#define TOKEN "QDG6eK"
#define AES_KEY "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define RECEIVER "wx5823bf96d3bd56c7"
#define FRAME_MAX 4096

static struct yq_envelope_opener *opener;
static struct yq_wecom_crypt *crypt;
static struct yq_envelope_keys keys;

static void set_up(void)
{
    opener = yq_envelope_opener_new();
    crypt = yq_wecom_crypt_new();
    keys.count = 1;
    strcpy(keys.keys[0].token, TOKEN);
    if (yq_wecom_key(AES_KEY, strlen(AES_KEY), keys.keys[0].aes_key) != 0)
        abort();
    keys.receiver_count = 1;
    strcpy(keys.receivers[0], RECEIVER);
}

static struct yq_text text(const char *s)
{
    return (struct yq_text){s, strlen(s)};
}

static void raw_request(const char *input, size_t len)
{
    const char *end = memchr(input, '\n', len);
    size_t query_len = end != NULL ? (size_t)(end - input) : len;
    const char *body = end != NULL ? end + 1 : input + len;
    char *scratch = yq_malloc(query_len + 4);
    struct yq_envelope_query query;
    struct yq_text plain;
    yq_envelope_query_parse(input, query_len, scratch, &query);
    (void)yq_envelope_open_echo(opener, &keys, &query, &plain);
    (void)yq_envelope_open_body(opener, &keys, &query, body, len - (size_t)(body - input), &plain);
    free(scratch);
}

/* The same ciphertext as echostr and in both bodies must meet the same fate. */
static enum yq_refusal signed_request(struct yq_text encrypted, struct yq_text *ret)
{
    char signature[YQ_WECOM_SIGNATURE + 1];
    struct yq_envelope_query query = {
        {signature, YQ_WECOM_SIGNATURE}, text("1"), text("2"), encrypted};
    struct yq_text token = text(TOKEN);
    struct yq_text echo = {NULL, 0};
    struct yq_buf body = YQ_BUF_INIT;
    if (yq_wecom_sign(crypt, token, query.timestamp, query.nonce, encrypted, signature) != 0)
        abort();
    enum yq_refusal by_get = yq_envelope_open_echo(opener, &keys, &query, &echo);
    yq_buf_adds(&body, "{\"encrypt\":\"");
    yq_buf_add(&body, encrypted.data, encrypted.len);
    yq_buf_adds(&body, "\"}");
    enum yq_refusal by_json =
        yq_envelope_open_body(opener, &keys, &query, body.data, body.len, ret);
    yq_buf_clear(&body);
    yq_buf_adds(&body, "<xml><Encrypt>");
    yq_buf_add(&body, encrypted.data, encrypted.len);
    yq_buf_adds(&body, "</Encrypt></xml>");
    enum yq_refusal by_xml = yq_envelope_open_body(opener, &keys, &query, body.data, body.len, ret);
    yq_buf_release(&body);
    if (by_json != by_xml || (by_get != by_xml && by_get != YQ_REFUSAL_QUERY))
        abort(); /* QUERY: an echostr may be too long for a query */
    if (by_xml == YQ_REFUSAL_NONE && ret->data[ret->len] != '\0')
        abort();
    return by_xml;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (opener == NULL)
        set_up();
    if (size < 2 || size > FRAME_MAX)
        return 0;
    uint8_t mode = *data++;
    size--;
    const char *input = (const char *)data;
    char base64[YQ_BASE64_ENCODED(FRAME_MAX)];
    struct yq_text sealed, plain;
    if (mode == 'r') {
        raw_request(input, size);
    } else if (mode == 'c') {
        (void)yq_base64_encode(data, size, base64);
        (void)signed_request(text(base64), &plain);
    } else if (mode == 'f') {
        (void)cipher_blocks(keys.keys[0].aes_key, data, size - size % 16, base64);
        if (size >= 16)
            (void)signed_request(text(base64), &plain);
    } else if (mode == 'm') {
        static const uint8_t random[YQ_WECOM_RANDOM] = "0123456789abcde";
        if (yq_wecom_seal(crypt, keys.keys[0].aes_key, random, (struct yq_text){input, size},
                          text(RECEIVER), &sealed) != YQ_CRYPT_OK ||
            signed_request(sealed, &plain) != YQ_REFUSAL_NONE || plain.len != size ||
            memcmp(plain.data, input, size) != 0)
            abort();
    }
    return 0;
}
