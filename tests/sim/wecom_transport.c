/* POSTs on the simulator's own loop: libcurl's multi interface over libevent. */
#include "wecom_transport.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"

struct flight {
    CURL *easy;
    void *item;
    struct flight *prev, *next;
};

struct wecom_transport {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct curl_slist *xml, *json;
    struct flight *flights, *idle; /* idle ones keep their handle */
    wecom_transport_done *done;
    void *context;
};

static void finish(struct wecom_transport *t, CURL *easy, CURLcode result)
{
    struct flight *f;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&f);
    if (result == CURLE_OK)
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(t->multi, easy);
    DL_DELETE(t->flights, f);
    DL_PREPEND(t->idle, f);
    t->done(t->context, f->item, status);
}

static void collect_finished(struct wecom_transport *t)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(t->multi, &left)) != NULL)
        if (message->msg == CURLMSG_DONE)
            finish(t, message->easy_handle, message->data.result);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct wecom_transport *t = arg;
    int running;
    int bits = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(t->multi, fd, bits, &running);
    collect_finished(t);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct wecom_transport *t = arg;
    int running;
    (void)fd;
    (void)what;
    curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_finished(t);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct wecom_transport *t = arg;
    struct event *watch = known;
    short bits =
        (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    (void)easy;
    if (watch != NULL)
        event_free(watch);
    watch = NULL;
    if (what != CURL_POLL_REMOVE) {
        watch = event_new(t->base, fd, (short)(bits | EV_PERSIST), on_socket, t);
        event_add(watch, NULL);
    }
    curl_multi_assign(t->multi, fd, watch);
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct wecom_transport *t = arg;
    struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    (void)multi;
    if (ms < 0)
        evtimer_del(t->timer);
    else
        evtimer_add(t->timer, &after);
    return 0;
}

struct wecom_transport *wecom_transport_new(struct event_base *base, wecom_transport_done *done,
                                            void *context)
{
    struct wecom_transport *t = yq_calloc(1, sizeof *t);
    t->base = base;
    t->done = done;
    t->context = context;
    t->timer = evtimer_new(base, on_timer, t);
    t->xml = curl_slist_append(curl_slist_append(NULL, "Content-Type: text/xml"), "Expect:");
    t->json =
        curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), "Expect:");
    t->multi = curl_multi_init();
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 256L);
    return t;
}

static void free_flights(struct wecom_transport *t, struct flight *list, bool under_way)
{
    struct flight *f, *next;
    DL_FOREACH_SAFE(list, f, next)
    {
        if (under_way)
            curl_multi_remove_handle(t->multi, f->easy);
        curl_easy_cleanup(f->easy);
        free(f);
    }
}

void wecom_transport_free(struct wecom_transport *t)
{
    if (t == NULL)
        return;
    free_flights(t, t->flights, true);
    free_flights(t, t->idle, false);
    curl_multi_cleanup(t->multi);
    event_free(t->timer);
    curl_slist_free_all(t->xml);
    curl_slist_free_all(t->json);
    free(t);
}

static size_t discard(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * n;
}

void wecom_transport_post(struct wecom_transport *t, const struct wecom_post *post)
{
    struct flight *f = t->idle;
    if (f != NULL) {
        DL_DELETE(t->idle, f);
        curl_easy_reset(f->easy);
    } else {
        f = yq_calloc(1, sizeof *f);
        f->easy = curl_easy_init();
    }
    f->item = post->item;
    DL_APPEND(t->flights, f);
    curl_easy_setopt(f->easy, CURLOPT_PRIVATE, (char *)f);
    curl_easy_setopt(f->easy, CURLOPT_URL, post->url);
    curl_easy_setopt(f->easy, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, post->json ? t->json : t->xml);
    curl_easy_setopt(f->easy, CURLOPT_USERAGENT, "Mozilla/4.0");
    curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, post->deadline_ms);
    curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(f->easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, discard);
    curl_multi_add_handle(t->multi, f->easy);
}
