/* Many requests side by side over libcurl's multi interface: deadlines, size limits, TLS always
 * verified, redirects never followed. No retries and no knowledge of any peer here.
 *
 * One yq_http belongs to one thread; connections are kept alive in it. */
#ifndef YQ_CLIENTS_HTTP_CLIENT_H
#define YQ_CLIENTS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct yq_http;

struct yq_http *yq_http_new(void);
void yq_http_free(struct yq_http *h);

struct yq_http_options {        /* borrowed: must outlive the requests */
    const char *proxy;          /* NULL: none, the environment's proxy settings are ignored */
    const char *ca_file;        /* NULL: the system's */
    const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
    long connect_ms;            /* 5000 where 0 */
    long total_ms;              /* 15000 where 0 */
    size_t max_body;            /* 64 MiB where 0; a larger answer is an error */
};

struct yq_http_request {
    const char *url;  /* with the token: never logged, never part of an error text */
    const char *body; /* NULL: GET; else POST */
    size_t body_len;
    const char *content_type;
    bool once; /* never send it again on a fresh connection when a kept one breaks off under it */
    const struct yq_http_options *options;
};

struct yq_http_response {
    int status; /* 0: no answer */
    struct yq_buf body;
    bool sent; /* the request may have reached the peer: a write may have happened */
    int64_t took_us;
    int64_t date;          /* of the answer's Date header, in seconds; 0: none */
    struct yq_error error; /* NONE when there is a status */
};

typedef void yq_http_done(void *context, struct yq_http_response *response);

/* Starts a request; `done` is called from yq_http_poll, never from here. Everything in `request` is
 * copied but the options. */
int yq_http_start(struct yq_http *h, const struct yq_http_request *request, yq_http_done *done,
                  void *context, struct yq_error *err);
/* Moves the running requests on, waiting up to wait_ms for something to happen. Ends at most one of
 * them; the next call finds the others, and does not wait then. */
int yq_http_poll(struct yq_http *h, int wait_ms, struct yq_error *err);
/* How many are running. */
size_t yq_http_running(const struct yq_http *h);
/* Drops the running requests without calling `done`. */
void yq_http_abort(struct yq_http *h);

#endif
