/* Any bytes as the head of a request, and as a chunked body that comes in two different ways: all
 * at once and in pieces. Whatever is accepted lies within the bytes and obeys the framing's rules;
 * both ways must come to the same end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "service/http_request.h"

#define MAX_BODY 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_within(struct yq_text t, const char *from, size_t len)
{
    if (t.data != NULL && (t.data < from || t.data + t.len > from + len))
        abort();
}

static void check_head(const char *head, size_t len)
{
    static struct yq_request r;
    int status = yq_request_parse(head, len, &r);
    if (status != 0) {
        if (status != 400 && status != 431 && status != 501 && status != 505)
            abort();
        return;
    }
    check_within(r.path, head, len);
    check_within(r.query, head, len);
    int lengths = 0;
    for (size_t i = 0; i < r.header_count; i++) {
        check_within(r.headers[i].name, head, len);
        check_within(r.headers[i].value, head, len);
        lengths += r.headers[i].name.len == 14 &&
                   strncasecmp(r.headers[i].name.data, "content-length", 14) == 0;
        if (memchr(r.headers[i].value.data, '\n', r.headers[i].value.len) != NULL)
            abort();
    }
    if (r.path.len == 0 || r.path.data[0] != '/' || lengths + r.chunked > 1 || len < 4 ||
        memcmp(head + len - 4, "\r\n\r\n", 4) != 0)
        abort();
}

struct outcome {
    int status;
    bool done;
    size_t decoded, unused;
};

/* step 0: all at once. */
static struct outcome decode(const uint8_t *bytes, size_t len, size_t step, char *room)
{
    struct yq_chunked c = {0};
    struct outcome o = {0};
    size_t here = 0;
    size_t taken = 0;
    do {
        size_t n = step == 0 || step > len - taken ? len - taken : step;
        memcpy(room + here, bytes + taken, n);
        taken += n;
        here += n;
        o.status = yq_chunked_decode(&c, room, &here, MAX_BODY);
    } while (o.status == 0 && c.state != YQ_CHUNK_DONE && taken < len);
    o.done = o.status == 0 && c.state == YQ_CHUNK_DONE;
    o.decoded = c.decoded;
    o.unused = o.done ? here - c.used + (len - taken) : 0;
    if (c.decoded > MAX_BODY || (o.status == 0 && c.used > here))
        abort();
    return o;
}

static void check_chunks(const uint8_t *bytes, size_t len, size_t step)
{
    char *whole = yq_malloc(len + 1);
    char *pieces = yq_malloc(len + 1);
    struct outcome a = decode(bytes, len, 0, whole);
    struct outcome b = decode(bytes, len, step, pieces);
    if (a.done != b.done || (a.status == 0) != (b.status == 0))
        abort();
    if (a.done &&
        (a.decoded != b.decoded || a.unused != b.unused || memcmp(whole, pieces, a.decoded) != 0))
        abort();
    free(whole);
    free(pieces);
}

/* The first byte says which, and how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    if ((bytes[0] & 1) == 0)
        check_head((const char *)bytes + 1, len - 1);
    else
        check_chunks(bytes + 1, len - 1, 1 + bytes[0] / 2);
    return 0;
}
