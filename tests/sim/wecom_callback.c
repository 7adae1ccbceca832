/* Where events go, their envelopes, and the verification of a URL (wecom.md §1). */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "crypto/encoding.h"
#include "crypto/wecom_crypt.h"
#include "wecom_sim.h"

#define VERIFY_MS 1000L

static struct yq_text text_of(const char *text)
{
    return (struct yq_text){.data = text, .len = strlen(text)};
}

struct wecom_callback *wecom_callback_new(void)
{
    struct wecom_callback *c = yq_calloc(1, sizeof *c);
    c->agent_id = -1;
    c->crypt = yq_wecom_crypt_new();
    return c;
}

void wecom_callback_free(struct wecom_callback *c)
{
    if (c == NULL)
        return;
    yq_wecom_crypt_free(c->crypt);
    yq_buf_release(&c->noted);
    free(c->url);
    free(c->token);
    free(c);
}

static void read_quirks(const cJSON *body, struct wecom_quirks *q)
{
    const struct {
        const char *name;
        bool *flag;
    } table[] = {
        {"creation_burst", &q->creation_burst},
        {"delete_update", &q->delete_update},
        {"main_department_only", &q->main_department_only},
        {"no_cdata", &q->no_cdata},
        {"blank_cdata", &q->blank_cdata},
        {"random_order", &q->random_order},
        {"subscribe", &q->subscribe},
        {"own_writes", &q->own_writes},
        {"wrong_receiver", &q->wrong_receiver},
        {"wrong_signature", &q->wrong_signature},
    };
    const cJSON *quirks = yq_json_get(body, "quirks");
    *q = (struct wecom_quirks){false};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        *table[i].flag = yq_json_bool(quirks, table[i].name, false);
}

static bool is(const cJSON *body, const char *name, const char *value)
{
    const char *text = wecom_get_text(body, name);
    return text != NULL && strcmp(text, value) == 0;
}

int wecom_callback_configure(struct wecom *w, const cJSON *body)
{
    struct wecom_callback *c = w->callback;
    const char *url = wecom_get_text(body, "url"), *token = wecom_get_text(body, "token");
    const char *key_text = wecom_get_text(body, "encoding_aes_key");
    uint8_t key[YQ_WECOM_AES_KEY];
    if (url == NULL || token == NULL || key_text == NULL ||
        yq_wecom_key(key_text, strlen(key_text), key) < 0)
        return 40058;
    free(c->url);
    free(c->token);
    c->url = yq_strdup(url);
    c->token = yq_strdup(token);
    memcpy(c->key, key, sizeof key);
    c->trimmed = is(body, "mode", "trimmed");
    c->json = is(body, "format", "json");
    c->agent_id = wecom_get_int(body, "agent_id", -1);
    read_quirks(body, &c->quirks);
    return 0;
}

void wecom_callback_note(struct wecom *w)
{
    yq_buf_clear(&w->callback->noted);
}

void wecom_callback_queue(struct wecom *w, const char *text)
{
    struct wecom_callback *c = w->callback;
    yq_buf_addf(&c->noted, "%s{\"id\":%llu,\"text\":", c->noted.len ? "," : "",
                (unsigned long long)++c->last_id);
    yq_buf_add_json_string(&c->noted, text);
    yq_buf_addc(&c->noted, '}');
    if (c->url != NULL)
        wecom_delivery_add(w, c->last_id, text);
}

/* What is sealed and signed; the texts belong to the caller. */
struct sealed {
    char *encrypted;
    char timestamp[24], nonce[24], signature[YQ_WECOM_SIGNATURE + 1];
};

static struct sealed seal(struct wecom *w, const char *token, const uint8_t *key, const char *text)
{
    struct wecom_callback *c = w->callback;
    struct sealed s;
    struct yq_text encrypted;
    uint8_t seed[YQ_WECOM_RANDOM / 2];
    char random[YQ_WECOM_RANDOM + 1]; /* hex characters, as in real traffic */
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)sim_random_below(&w->random, 256);
    yq_hex_encode(seed, sizeof seed, random);
    const char *receiver = c->quirks.wrong_receiver ? "wwsomebodyelse" : w->corp_id;
    if (yq_wecom_seal(c->crypt, key, (const uint8_t *)random, text_of(text), text_of(receiver),
                      &encrypted) != YQ_CRYPT_OK)
        abort(); /* no memory */
    s.encrypted = yq_strndup(encrypted.data, encrypted.len);
    snprintf(s.timestamp, sizeof s.timestamp, "%lld", (long long)(sim_now_ms() / 1000));
    snprintf(s.nonce, sizeof s.nonce, "%llu",
             (unsigned long long)(1000000000 + sim_random_below(&w->random, 1000000000)));
    if (yq_wecom_sign(c->crypt, text_of(token), text_of(s.timestamp), text_of(s.nonce),
                      text_of(s.encrypted), s.signature) < 0)
        abort();
    if (c->quirks.wrong_signature)
        s.signature[0] = s.signature[0] == '0' ? '1' : '0';
    return s;
}

static void put_envelope(struct wecom *w, const char *encrypted, struct yq_buf *out)
{
    const struct wecom_callback *c = w->callback;
    char agent[24] = "";
    if (c->agent_id >= 0)
        snprintf(agent, sizeof agent, "%lld", (long long)c->agent_id);
    if (c->json) {
        yq_buf_addf(out, "{\"tousername\":\"%s\",\"encrypt\":\"%s\",\"agentid\":\"%s\"}",
                    w->corp_id, encrypted, agent);
        return;
    }
    /* The order of real traffic, or that of the documentation. */
    bool documented = c->quirks.random_order && sim_random_below(&w->random, 2) == 0;
    yq_buf_addf(out, "<xml><ToUserName><![CDATA[%s]]></ToUserName>", w->corp_id);
    if (documented)
        yq_buf_addf(out, "<AgentID><![CDATA[%s]]></AgentID>", agent);
    yq_buf_addf(out, "<Encrypt><![CDATA[%s]]></Encrypt>", encrypted);
    if (!documented)
        yq_buf_addf(out, "<AgentID><![CDATA[%s]]></AgentID>", agent);
    yq_buf_adds(out, "</xml>");
}

void wecom_callback_seal(struct wecom *w, const char *text, char **ret_query, char **ret_body)
{
    struct yq_buf body = YQ_BUF_INIT;
    struct sealed s = seal(w, w->callback->token, w->callback->key, text);
    put_envelope(w, s.encrypted, &body);
    *ret_query =
        yq_printf("msg_signature=%s&timestamp=%s&nonce=%s", s.signature, s.timestamp, s.nonce);
    *ret_body = yq_buf_steal(&body);
    free(s.encrypted);
}

static size_t collect(char *bytes, size_t size, size_t n, void *arg)
{
    struct yq_buf *b = arg;
    if (b->len + size * n <= 64 * 1024)
        yq_buf_add(b, bytes, size * n);
    return size * n;
}

/* Asks and waits; the receiver must not need us to answer. */
static void ask(const char *url, const char *expected, struct yq_buf *out)
{
    struct yq_buf body = YQ_BUF_INIT;
    CURL *easy = curl_easy_init();
    long status = 0;
    double seconds = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, VERIFY_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Mozilla/4.0");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME, &seconds);
    bool verified = result == CURLE_OK && status == 200 &&
                    strcmp(yq_buf_text(&body), expected) == 0 && body.len == strlen(expected);
    wecom_put_name(out, "verified");
    yq_buf_adds(out, verified ? "true" : "false");
    wecom_put_int(out, "status", status);
    wecom_put_text(out, "body", yq_buf_text(&body));
    wecom_put_text(out, "expected", expected);
    wecom_put_int(out, "ms", (int64_t)(seconds * 1000));
    curl_easy_cleanup(easy);
    yq_buf_release(&body);
}

int wecom_callback_verify(struct wecom *w, const cJSON *body, struct yq_buf *out)
{
    const struct wecom_callback *c = w->callback;
    const char *url = wecom_get_text(body, "url"), *token = wecom_get_text(body, "token");
    const char *key_text = wecom_get_text(body, "encoding_aes_key");
    uint8_t key[YQ_WECOM_AES_KEY];
    char echo[24];
    memcpy(key, c->key, sizeof key);
    if (key_text != NULL && yq_wecom_key(key_text, strlen(key_text), key) < 0)
        return 40058;
    url = url ? url : c->url;
    token = token ? token : c->token;
    if (url == NULL || token == NULL)
        return 40058;
    snprintf(echo, sizeof echo, "%llu",
             (unsigned long long)(1000000000000000000u + (sim_random_next(&w->random) >> 2)));
    struct sealed s = seal(w, token, key, echo);
    char *escaped = curl_easy_escape(NULL, s.encrypted, 0);
    char *full =
        yq_printf("%s%cmsg_signature=%s&timestamp=%s&nonce=%s&echostr=%s", url,
                  strchr(url, '?') ? '&' : '?', s.signature, s.timestamp, s.nonce, escaped);
    ask(full, echo, out);
    free(full);
    curl_free(escaped);
    free(s.encrypted);
    return 0;
}
