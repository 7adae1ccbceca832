/* The callbacks of the benchmarks. */
#include "payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct yq_text text(const char *t)
{
    return (struct yq_text){t, strlen(t)};
}

void payload_init(struct payload *p)
{
    *p = (struct payload){.crypt = yq_wecom_crypt_new()};
    if (p->crypt == NULL || yq_wecom_key(PAYLOAD_AES_KEY, YQ_WECOM_AES_KEY_TEXT, p->key) != 0)
        abort();
}

void payload_release(struct payload *p)
{
    yq_wecom_crypt_free(p->crypt);
    yq_buf_release(&p->message);
    yq_buf_release(&p->body);
    yq_buf_release(&p->query);
}

static void write_message(struct yq_buf *out, unsigned number, bool valid)
{
    yq_buf_clear(out);
    yq_buf_addf(out,
                "<xml><ToUserName><![CDATA[" PAYLOAD_RECEIVER "]]></ToUserName>\n"
                "<FromUserName><![CDATA[sys]]></FromUserName>\n"
                "<CreateTime>1767225600</CreateTime>\n"
                "<MsgType><![CDATA[event]]></MsgType>\n"
                "<Event><![CDATA[change_contact]]></Event>\n"
                "<ChangeType><![CDATA[create_user]]></ChangeType>\n"
                "<UserID><![CDATA[%s%u]]></UserID>\n"
                "<Name><![CDATA[\xe6\x9d\x8e\xe5\xa8\x9c]]></Name>\n"
                "<Department><![CDATA[7,12]]></Department>\n"
                "<MainDepartment>12</MainDepartment>\n"
                "<IsLeaderInDept><![CDATA[0,1]]></IsLeaderInDept>\n"
                "<DirectLeader><![CDATA[wang.wei]]></DirectLeader>\n"
                "<Position><![CDATA[Team lead]]></Position>\n"
                "<Mobile>13800000000</Mobile>\n"
                "<Gender>1</Gender>\n"
                "<Email><![CDATA[li.na@example.com]]></Email>\n"
                "<Status>1</Status>\n"
                "<Alias><![CDATA[lina]]></Alias>\n"
                "<Telephone><![CDATA[020-123456]]></Telephone></xml>",
                valid ? "user." : "forged.", number);
}

void payload_make(struct payload *p, unsigned number, bool valid)
{
    write_message(&p->message, number, valid);
    char nonce[24];
    char signature[YQ_WECOM_SIGNATURE + 1];
    struct yq_text encrypted;
    struct yq_text message = {p->message.data, p->message.len};
    (void)snprintf(nonce, sizeof(nonce), "%u", 1000000000u + number);
    if (yq_wecom_seal(p->crypt, p->key, (const uint8_t *)"0123456789abcdef", message,
                      text(PAYLOAD_RECEIVER), &encrypted) != YQ_CRYPT_OK ||
        yq_wecom_sign(p->crypt, text(valid ? PAYLOAD_TOKEN : "forged"), text("1767225600"),
                      text(nonce), encrypted, signature) != 0)
        abort();
    yq_buf_clear(&p->body);
    yq_buf_addf(&p->body,
                "<xml><ToUserName><![CDATA[" PAYLOAD_RECEIVER
                "]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt>"
                "<AgentID><![CDATA[]]></AgentID></xml>",
                encrypted.data);
    yq_buf_clear(&p->query);
    yq_buf_addf(&p->query, "msg_signature=%s&timestamp=1767225600&nonce=%s", signature, nonce);
}

void payload_request(struct payload *p, bool keep_alive, struct yq_buf *out)
{
    yq_buf_addf(out,
                "POST /wecom/callback/" PAYLOAD_CONNECTION "?%s HTTP/1.1\r\n"
                "Host: bridge.example.com\r\n"
                "User-Agent: Mozilla/4.0\r\n"
                "Accept: */*\r\n"
                "Pragma: no-cache\r\n"
                "Content-Type: text/xml\r\n"
                "%sContent-Length: %zu\r\n\r\n",
                p->query.data, keep_alive ? "" : "Connection: close\r\n", p->body.len);
    yq_buf_add(out, p->body.data, p->body.len);
}
