/* Authentic callbacks. */
#include "callback_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/wecom_crypt.h"

#define TOKEN "FlowToken" /* as the stage has them */
#define AES_KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define RECEIVER "ww0123456789abcdef"
#define AT "1767225600"

struct callback_maker {
    struct yq_wecom_crypt *crypt;
    uint8_t key[YQ_WECOM_AES_KEY];
    unsigned nonce;
};

struct callback_maker *callback_maker_new(void)
{
    struct callback_maker *m = yq_calloc(1, sizeof(*m));
    m->crypt = yq_wecom_crypt_new();
    m->nonce = 1000000000;
    if (m->crypt == NULL || yq_wecom_key(AES_KEY, YQ_WECOM_AES_KEY_TEXT, m->key) != 0)
        abort();
    return m;
}

void callback_maker_free(struct callback_maker *m)
{
    if (m == NULL)
        return;
    yq_wecom_crypt_free(m->crypt);
    free(m);
}

static struct yq_text text_of(const char *t)
{
    return (struct yq_text){t, strlen(t)};
}

void callback_make(struct callback_maker *m, const void *text, size_t len, const char *more,
                   struct yq_buf *request)
{
    static const char before[] = "<xml><ToUserName>" RECEIVER "</ToUserName><Encrypt>";
    static const char behind[] = "</Encrypt></xml>";
    char nonce[24], signature[YQ_WECOM_SIGNATURE + 1];
    struct yq_text encrypted, plain = {text, len};
    (void)snprintf(nonce, sizeof(nonce), "%u", m->nonce++);
    if (yq_wecom_seal(m->crypt, m->key, (const uint8_t *)"0123456789abcdef", plain,
                      text_of(RECEIVER), &encrypted) != YQ_CRYPT_OK ||
        yq_wecom_sign(m->crypt, text_of(TOKEN), text_of(AT), text_of(nonce), encrypted,
                      signature) != 0)
        abort();
    yq_buf_addf(request,
                "POST /wecom/callback/acme?msg_signature=%s&timestamp=" AT
                "&nonce=%s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n",
                signature, nonce, more, sizeof(before) - 1 + encrypted.len + sizeof(behind) - 1);
    yq_buf_adds(request, before);
    yq_buf_add(request, encrypted.data, encrypted.len);
    yq_buf_adds(request, behind);
}

void callback_text(unsigned member, unsigned serial, struct yq_buf *text)
{
    yq_buf_addf(text,
                "<xml><ToUserName>" RECEIVER "</ToUserName><FromUserName>sys</FromUserName>"
                "<CreateTime>" AT "</CreateTime><MsgType>event</MsgType>"
                "<Event>change_contact</Event><ChangeType>update_user</ChangeType>"
                "<UserID>user.%u</UserID><Serial>%u</Serial></xml>",
                member, serial);
}
