/* Callbacks without a pause. */
#include "callback_load.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "crypto/wecom_crypt.h"
#include "support/talk.h"

#define TOKEN "FlowToken" /* as the stage has them */
#define AES_KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define RECEIVER "ww0123456789abcdef"
#define AT "1767225600"
#define ANSWER_MS 8000
#define APART_US 2000

struct sender {
    struct callback_load *owner;
    pthread_t thread;
    struct yq_wecom_crypt *crypt;
    uint8_t key[YQ_WECOM_AES_KEY];
    struct talk talk; /* fd -1: not connected */
    bool keeps;
};

struct callback_load {
    int port, threads;
    unsigned members;
    struct sender *senders;
    atomic_bool stopping;
    atomic_uint next;
    atomic_long accepted, refused, broken, unwelcome;
};

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static struct yq_text text_of(const char *t)
{
    return (struct yq_text){t, strlen(t)};
}

/* The query and the body of a callback that says nothing but who was created. */
static void write_callback(struct sender *s, unsigned number, struct yq_buf *query,
                           struct yq_buf *body)
{
    char nonce[24], signature[YQ_WECOM_SIGNATURE + 1];
    struct yq_text encrypted;
    struct yq_buf message = YQ_BUF_INIT;
    yq_buf_addf(&message,
                "<xml><ToUserName>" RECEIVER "</ToUserName><FromUserName>sys</FromUserName>"
                "<CreateTime>" AT "</CreateTime><MsgType>event</MsgType>"
                "<Event>change_contact</Event><ChangeType>create_user</ChangeType>"
                "<UserID>user.%u</UserID></xml>",
                number);
    (void)snprintf(nonce, sizeof(nonce), "%u", 1000000000u + number);
    struct yq_text plain = {message.data, message.len};
    if (yq_wecom_seal(s->crypt, s->key, (const uint8_t *)"0123456789abcdef", plain,
                      text_of(RECEIVER), &encrypted) != YQ_CRYPT_OK ||
        yq_wecom_sign(s->crypt, text_of(TOKEN), text_of(AT), text_of(nonce), encrypted,
                      signature) != 0)
        abort();
    yq_buf_addf(query, "msg_signature=%s&timestamp=" AT "&nonce=%s", signature, nonce);
    yq_buf_addf(body, "<xml><ToUserName>" RECEIVER "</ToUserName><Encrypt>%.*s</Encrypt></xml>",
                (int)encrypted.len, encrypted.data);
    yq_buf_release(&message);
}

static void send_request(struct sender *s, unsigned number)
{
    struct yq_buf request = YQ_BUF_INIT, query = YQ_BUF_INIT, body = YQ_BUF_INIT;
    write_callback(s, number, &query, &body);
    yq_buf_addf(&request,
                "POST /wecom/callback/acme?%s HTTP/1.1\r\nHost: h\r\n%sContent-Length: %zu\r\n\r\n",
                query.data, s->keeps ? "" : "Connection: close\r\n", body.len);
    yq_buf_add(&request, body.data, body.len);
    talk_send_bytes(&s->talk, request.data, request.len);
    yq_buf_release(&request);
    yq_buf_release(&query);
    yq_buf_release(&body);
}

/* False when the connection is over. */
static bool hear_answer(struct sender *s)
{
    struct talk_answer a = {0};
    if (!talk_read(&s->talk, &a, ANSWER_MS)) {
        atomic_fetch_add(&s->owner->broken, 1);
        talk_answer_release(&a);
        return false;
    }
    bool good = a.status == 200 && strcmp(yq_buf_text(&a.body), "success") == 0;
    atomic_fetch_add(good ? &s->owner->accepted : &s->owner->unwelcome, 1);
    bool stays = s->keeps && strstr(a.head.data, "Connection: close") == NULL;
    talk_answer_release(&a);
    return stays;
}

static void send_one(struct sender *s)
{
    struct callback_load *l = s->owner;
    if (s->talk.fd < 0)
        s->talk.fd = dial(l->port);
    if (s->talk.fd < 0) {
        atomic_fetch_add(&l->refused, 1);
        return;
    }
    send_request(s, atomic_fetch_add(&l->next, 1) % l->members);
    if (!hear_answer(s))
        talk_close(&s->talk);
}

static void *run(void *context)
{
    struct sender *s = context;
    while (!atomic_load(&s->owner->stopping)) {
        send_one(s);
        (void)usleep(APART_US);
    }
    talk_close(&s->talk);
    return NULL;
}

struct callback_load *callback_load_start(int port, unsigned members, int threads)
{
    struct callback_load *l = yq_calloc(1, sizeof(*l));
    l->port = port;
    l->threads = threads;
    l->members = members;
    l->senders = yq_calloc((size_t)threads, sizeof(*l->senders));
    for (int i = 0; i < threads; i++) {
        struct sender *s = &l->senders[i];
        s->owner = l;
        s->talk.fd = -1;
        s->keeps = i % 2 == 1;
        s->crypt = yq_wecom_crypt_new();
        if (s->crypt == NULL || yq_wecom_key(AES_KEY, YQ_WECOM_AES_KEY_TEXT, s->key) != 0 ||
            pthread_create(&s->thread, NULL, run, s) != 0)
            abort();
    }
    return l;
}

long callback_load_accepted(const struct callback_load *l)
{
    return atomic_load(&l->accepted);
}

struct callback_load_figures callback_load_stop(struct callback_load *l)
{
    atomic_store(&l->stopping, true);
    for (int i = 0; i < l->threads; i++) {
        (void)pthread_join(l->senders[i].thread, NULL);
        yq_wecom_crypt_free(l->senders[i].crypt);
    }
    struct callback_load_figures f = {atomic_load(&l->accepted), atomic_load(&l->refused),
                                      atomic_load(&l->broken), atomic_load(&l->unwelcome)};
    free(l->senders);
    free(l);
    return f;
}
