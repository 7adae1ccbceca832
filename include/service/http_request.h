/* The head of an HTTP/1.1 request and its framing, from bytes. Strict where leniency is how
 * requests are smuggled past a proxy: lines end with CRLF, no folded headers, no blank before a
 * colon, one length only. No sockets. */
#ifndef YQ_SERVICE_HTTP_REQUEST_H
#define YQ_SERVICE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/wecom_crypt.h"

#define YQ_REQUEST_HEADERS 64

enum yq_method { YQ_METHOD_OTHER = 0, YQ_METHOD_GET = 1, YQ_METHOD_POST = 2 };

struct yq_request {
    enum yq_method method; /* HEAD counts as GET, whose answer is sent without its body */
    bool head_only;        /* it was HEAD */
    bool old;              /* HTTP/1.0 */
    bool keep_alive;
    bool expects_continue; /* Expect: 100-continue */
    bool chunked;
    size_t content_length; /* 0 where chunked */
    struct yq_text path;   /* as sent: nothing is decoded */
    struct yq_text query;  /* behind '?'; data NULL: there is none */
    struct {
        struct yq_text name, value; /* value without blanks around it */
    } headers[YQ_REQUEST_HEADERS];
    size_t header_count;
    struct yq_text body; /* set once it is complete */
};

/* Parses a head of len bytes, its empty line included. Everything in *ret points into the bytes.
 * Returns 0, or the status to refuse with: 400, 431, 501 or 505; *ret is then undefined. */
int yq_request_parse(const char *head, size_t len, struct yq_request *ret);
/* The value of the first header of that name, in any case; data NULL: there is none. */
struct yq_text yq_request_header(const struct yq_request *r, const char *name);

/* Takes a chunked body apart, in place. All zero is its start. */
struct yq_chunked {
    size_t decoded; /* bytes of the body, at the front */
    size_t used;    /* bytes of the buffer that are done with, those at the front included */
    size_t left;    /* of the present chunk */
    size_t trailer; /* bytes of trailer lines so far */
    enum { YQ_CHUNK_SIZE, YQ_CHUNK_DATA, YQ_CHUNK_END, YQ_CHUNK_TRAILER, YQ_CHUNK_DONE } state;
};
/* Goes on with `bytes`, the body from its beginning, of which *len are there; *len shrinks by what
 * framing was cut out. Returns 0 (look at state), or the status to refuse with: 400 or 413. */
int yq_chunked_decode(struct yq_chunked *c, char *bytes, size_t *len, size_t max_body);

#endif
