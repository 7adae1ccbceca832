/* Requests side by side on one curl multi handle; the easy handles are kept and used again. */
#include "clients/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/secret.h"

#define CONNECT_MS 5000
#define TOTAL_MS 15000
#define MAX_BODY ((size_t)64 << 20)
#define KEPT_CONNECTIONS 32L

struct transfer {
    struct yq_http *owner;
    CURL *easy;
    struct curl_slist *headers;
    struct yq_buf url, sent_body;
    struct yq_http_response response;
    size_t max_body;
    bool too_large, once;
    int tries; /* how often curl began to send the request */
    yq_http_done *done;
    void *context;
    struct transfer *next, **back; /* among the running ones, or the idle ones */
};

struct yq_http {
    CURLM *multi;
    struct transfer *running, *idle;
    size_t count;
};

static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct yq_http *yq_http_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_curl);
    struct yq_http *h = yq_calloc(1, sizeof(*h));
    h->multi = curl_multi_init();
    if (h->multi == NULL)
        abort(); /* out of memory */
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
    return h;
}

static void unlink_transfer(struct transfer *t)
{
    *t->back = t->next;
    if (t->next != NULL)
        t->next->back = t->back;
}

static void link_transfer(struct transfer **list, struct transfer *t)
{
    t->next = *list;
    t->back = list;
    if (*list != NULL)
        (*list)->back = &t->next;
    *list = t;
}

/* URL and body may hold a token or a secret. */
static void forget(struct transfer *t)
{
    if (t->url.data != NULL)
        yq_secret_wipe(t->url.data, t->url.len);
    if (t->sent_body.data != NULL)
        yq_secret_wipe(t->sent_body.data, t->sent_body.len);
    yq_buf_release(&t->url);
    yq_buf_release(&t->sent_body);
    yq_buf_release(&t->response.body);
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    curl_easy_reset(t->easy);
}

static void retire(struct yq_http *h, struct transfer *t)
{
    (void)curl_multi_remove_handle(h->multi, t->easy);
    unlink_transfer(t);
    h->count--;
    forget(t);
    link_transfer(&h->idle, t);
}

void yq_http_abort(struct yq_http *h)
{
    while (h->running != NULL)
        retire(h, h->running);
}

void yq_http_free(struct yq_http *h)
{
    if (h == NULL)
        return;
    yq_http_abort(h);
    while (h->idle != NULL) {
        struct transfer *t = h->idle;
        unlink_transfer(t);
        curl_easy_cleanup(t->easy);
        free(t);
    }
    (void)curl_multi_cleanup(h->multi);
    free(h);
}

size_t yq_http_running(const struct yq_http *h)
{
    return h->count;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    size_t len = size * count;
    if (len > t->max_body - t->response.body.len) {
        t->too_large = true;
        return 0;
    }
    yq_buf_add(&t->response.body, data, len);
    return len;
}

/* Called when a connection stands and the request is about to be sent. curl sends a request again
 * by itself when a kept connection turns out to be dead; one that must not happen twice is stopped
 * here, unless nothing of it had left. */
static int before_sending(void *context, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    struct transfer *t = context;
    long bytes = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
    if (t->once && t->tries > 0 && bytes > 0)
        return CURL_PREREQFUNC_ABORT;
    t->tries++;
    t->response.sent = true;
    return CURL_PREREQFUNC_OK;
}

static struct transfer *idle_transfer(struct yq_http *h)
{
    struct transfer *t = h->idle;
    if (t != NULL) {
        unlink_transfer(t);
    } else {
        t = yq_calloc(1, sizeof(*t));
        t->easy = curl_easy_init();
        if (t->easy == NULL)
            abort(); /* out of memory */
    }
    CURL *easy = t->easy;
    *t = (struct transfer){.owner = h, .easy = easy};
    return t;
}

static void add_header(struct transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);
    if (longer == NULL)
        abort(); /* out of memory */
    t->headers = longer;
}

static void set_headers(struct transfer *t, const struct yq_http_request *rq)
{
    add_header(t, "Expect:"); /* never wait for 100 Continue */
    for (const char *const *line = rq->options->headers; line != NULL && *line != NULL; line++)
        add_header(t, *line);
    if (rq->content_type != NULL) {
        char *line = yq_printf("Content-Type: %s", rq->content_type);
        add_header(t, line);
        free(line);
    }
    (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_limits(struct transfer *t, const struct yq_http_options *o)
{
    CURL *e = t->easy;
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                           o->connect_ms ? o->connect_ms : CONNECT_MS);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, o->total_ms ? o->total_ms : TOTAL_MS);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, o->proxy ? o->proxy : "");
    if (o->ca_file != NULL)
        (void)curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
    t->max_body = o->max_body ? o->max_body : MAX_BODY;
}

static void set_request(struct transfer *t, const struct yq_http_request *rq)
{
    CURL *e = t->easy;
    yq_buf_adds(&t->url, rq->url);
    (void)curl_easy_setopt(e, CURLOPT_URL, yq_buf_text(&t->url));
    if (rq->body != NULL) {
        yq_buf_add(&t->sent_body, rq->body, rq->body_len);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body_len);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, yq_buf_text(&t->sent_body));
    }
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_sending);
    (void)curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
}

int yq_http_start(struct yq_http *h, const struct yq_http_request *request, yq_http_done *done,
                  void *context, struct yq_error *err)
{
    struct transfer *t = idle_transfer(h);
    t->once = request->once;
    t->done = done;
    t->context = context;
    set_limits(t, request->options);
    set_request(t, request);
    set_headers(t, request);
    link_transfer(&h->running, t);
    h->count++;
    CURLMcode rc = curl_multi_add_handle(h->multi, t->easy);
    if (rc == CURLM_OK)
        return 0;
    retire(h, t);
    return yq_error_set(err, YQ_ERROR_RETRY, "cannot start a request: %s", curl_multi_strerror(rc));
}

static void set_error(struct transfer *t, CURLcode rc)
{
    struct yq_error *err = &t->response.error;
    switch (rc) {
    case CURLE_OK:
        return;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        (void)yq_error_set(err, YQ_ERROR_FATAL, "the configured address is no http or https URL");
        break;
    case CURLE_SSL_CACERT_BADFILE:
        (void)yq_error_set(err, YQ_ERROR_FATAL, "the configured ca_file cannot be read");
        break;
    case CURLE_WRITE_ERROR:
        if (t->too_large) {
            (void)yq_error_set(err, YQ_ERROR_INVALID, "the answer is larger than %zu bytes",
                               t->max_body);
            break;
        }
        /* fall through */
    default:
        /* Only curl's fixed words: its longer ones may quote the URL. */
        (void)yq_error_set(err, YQ_ERROR_RETRY, "%s",
                           rc == CURLE_ABORTED_BY_CALLBACK ? "connection lost after sending"
                                                           : curl_easy_strerror(rc));
    }
    t->response.status = 0;
}

static int64_t date_of(struct transfer *t)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(t->easy, "Date", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return 0;
    time_t date = curl_getdate(header->value, NULL);
    return date > 0 ? (int64_t)date : 0;
}

static void finish(struct yq_http *h, struct transfer *t, CURLcode rc)
{
    long status = 0;
    curl_off_t took = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &took);
    t->response.status = (int)status;
    t->response.took_us = (int64_t)took;
    t->response.date = date_of(t);
    set_error(t, rc);
    struct yq_http_response response = t->response;
    t->response.body = (struct yq_buf)YQ_BUF_INIT;
    yq_http_done *done = t->done;
    void *context = t->context;
    retire(h, t); /* before the call, so that `done` may start the next one */
    done(context, &response);
    yq_buf_release(&response.body);
}

/* Moves all requests on, and ends at most one of them, so that whoever waits to be sent need not
 * wait until several large answers are read. Returns how many ended, or -1. */
static int step(struct yq_http *h, struct yq_error *err)
{
    int running = 0, left = 0;
    CURLMcode rc = curl_multi_perform(h->multi, &running);
    if (rc != CURLM_OK)
        return yq_error_set(err, YQ_ERROR_RETRY, "curl: %s", curl_multi_strerror(rc));
    CURLMsg *message;
    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode result = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish(h, (struct transfer *)(void *)private, result);
        return 1;
    }
    return 0;
}

int yq_http_poll(struct yq_http *h, int wait_ms, struct yq_error *err)
{
    int ended = step(h, err);
    if (ended != 0 || wait_ms <= 0)
        return ended < 0 ? -1 : 0;
    CURLMcode rc = curl_multi_poll(h->multi, NULL, 0, wait_ms, NULL);
    if (rc != CURLM_OK)
        return yq_error_set(err, YQ_ERROR_RETRY, "curl: %s", curl_multi_strerror(rc));
    return step(h, err) < 0 ? -1 : 0;
}
