/* A tiny receiver of WeCom's callbacks for the test of the simulator. */
#include "wecom_sink.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/wecom_crypt.h"

struct sink {
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows up to `base` */
    char **texts, **encrypted;
    size_t count, text_cap, encrypted_cap;
    int refuse_status, refuse_count;
    struct event_base *base;
    struct evhttp *http;
    struct yq_wecom_crypt *crypt;
    uint8_t key[YQ_WECOM_AES_KEY];
    char url[64];
};

static struct yq_text text_of(const char *text)
{
    return (struct yq_text){.data = text ? text : "", .len = text ? strlen(text) : 0};
}

static char *between(const char *body, const char *from, const char *to)
{
    const char *start = strstr(body, from);
    if (start == NULL)
        return NULL;
    start += strlen(from);
    const char *end = strstr(start, to);
    return end ? yq_strndup(start, (size_t)(end - start)) : NULL;
}

/* The plain text, or "!why". */
static char *open_envelope(struct sink *s, struct evkeyvalq *query, const char *encrypted)
{
    struct yq_text message, receiver;
    enum yq_crypt_result result =
        yq_wecom_verify(s->crypt, text_of(evhttp_find_header(query, "msg_signature")),
                        text_of(SINK_TOKEN), text_of(evhttp_find_header(query, "timestamp")),
                        text_of(evhttp_find_header(query, "nonce")), text_of(encrypted));
    if (result != YQ_CRYPT_OK)
        return yq_strdup("!signature");
    result = yq_wecom_open(s->crypt, s->key, text_of(encrypted), &message, &receiver);
    if (result != YQ_CRYPT_OK)
        return yq_printf("!crypt %d", (int)result);
    if (receiver.len != strlen(SINK_CORP) || memcmp(receiver.data, SINK_CORP, receiver.len) != 0)
        return yq_strdup("!receiver");
    return yq_strndup(message.data, message.len);
}

static void answer(struct evhttp_request *request, int status, const char *body)
{
    struct evbuffer *out = evbuffer_new();
    evbuffer_add(out, body, strlen(body));
    evhttp_send_reply(request, status, NULL, out);
    evbuffer_free(out);
}

static void take_post(struct sink *s, struct evhttp_request *request, struct evkeyvalq *query)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(request);
    struct yq_buf body = YQ_BUF_INIT;
    yq_buf_reserve(&body, evbuffer_get_length(in));
    body.len = (size_t)evbuffer_remove(in, body.data, evbuffer_get_length(in));
    body.data[body.len] = '\0';
    char *encrypted = body.data[0] == '{'
                          ? between(body.data, "\"encrypt\":\"", "\"")
                          : between(body.data, "<Encrypt><![CDATA[", "]]></Encrypt>");
    char *text = open_envelope(s, query, encrypted ? encrypted : "");
    pthread_mutex_lock(&s->lock);
    yq_grow(&s->texts, &s->text_cap, s->count, sizeof *s->texts);
    yq_grow(&s->encrypted, &s->encrypted_cap, s->count, sizeof *s->encrypted);
    s->texts[s->count] = text;
    s->encrypted[s->count++] = encrypted;
    int status = s->refuse_count > 0 ? s->refuse_status : 200;
    s->refuse_count -= s->refuse_count > 0;
    pthread_mutex_unlock(&s->lock);
    answer(request, status, "success");
    yq_buf_release(&body);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    struct sink *s = arg;
    struct evkeyvalq query;
    const char *raw = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    TAILQ_INIT(&query);
    (void)evhttp_parse_query_str(raw ? raw : "", &query);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_POST) {
        take_post(s, request, &query);
    } else {
        char *echo = open_envelope(s, &query, evhttp_find_header(&query, "echostr"));
        answer(request, echo[0] == '!' ? 403 : 200, echo);
        free(echo);
    }
    evhttp_clear_headers(&query);
}

static void *run(void *arg)
{
    struct sink *s = arg;
    event_base_loop(s->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

struct sink *sink_start(void)
{
    struct sink *s = yq_calloc(1, sizeof *s);
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    evthread_use_pthreads();
    pthread_mutex_init(&s->lock, NULL);
    s->crypt = yq_wecom_crypt_new();
    (void)yq_wecom_key(SINK_KEY, strlen(SINK_KEY), s->key);
    s->base = event_base_new();
    s->http = evhttp_new(s->base);
    evhttp_set_gencb(s->http, on_request, s);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(s->http, "127.0.0.1", 0);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/callback", ntohs(address.sin_port));
    pthread_create(&s->thread, NULL, run, s);
    return s;
}

void sink_forget(struct sink *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++) {
        free(s->texts[i]);
        free(s->encrypted[i]);
    }
    s->count = 0;
    s->refuse_count = 0;
    pthread_mutex_unlock(&s->lock);
}

void sink_stop(struct sink *s)
{
    event_base_loopbreak(s->base);
    pthread_join(s->thread, NULL);
    sink_forget(s);
    evhttp_free(s->http);
    event_base_free(s->base);
    yq_wecom_crypt_free(s->crypt);
    pthread_mutex_destroy(&s->lock);
    free(s->texts);
    free(s->encrypted);
    free(s);
    libevent_global_shutdown();
}

const char *sink_url(const struct sink *s)
{
    return s->url;
}

void sink_refuse(struct sink *s, int status, int count)
{
    pthread_mutex_lock(&s->lock);
    s->refuse_status = status;
    s->refuse_count = count;
    pthread_mutex_unlock(&s->lock);
}

size_t sink_count(struct sink *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->count;
    pthread_mutex_unlock(&s->lock);
    return n;
}

char *sink_text(struct sink *s, size_t i)
{
    pthread_mutex_lock(&s->lock);
    char *copy = yq_strdup(i < s->count ? s->texts[i] : "");
    pthread_mutex_unlock(&s->lock);
    return copy;
}

char *sink_encrypted(struct sink *s, size_t i)
{
    pthread_mutex_lock(&s->lock);
    char *copy = yq_strdup(i < s->count && s->encrypted[i] ? s->encrypted[i] : "");
    pthread_mutex_unlock(&s->lock);
    return copy;
}
