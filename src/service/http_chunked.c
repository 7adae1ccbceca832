/* A chunked body, taken apart where it lies: each chunk moves up against the one before. */
#include <string.h>

#include "service/http_request.h"

#define REFUSE 400
#define LINE_LIMIT 256 /* of a chunk's size line with its extension */
#define TRAILER_LIMIT 4096
#define SIZE_DIGITS 8
#define NO_LINE ((size_t)-1)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Length of the line at `from` without its CRLF, or NO_LINE when its end is not there yet. */
static size_t line_length(const char *from, size_t len)
{
    const char *end = memmem(from, len, "\r\n", 2);
    return end != NULL ? (size_t)(end - from) : NO_LINE;
}

/* A bare CR or LF among them, which others take for the end of the line. */
static bool has_controls(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* "1a" or "1a;name=value". */
static int read_size(const char *line, size_t len, size_t *ret)
{
    size_t size = 0;
    size_t digits = 0;
    while (digits < len && hex_digit(line[digits]) >= 0) {
        if (digits == SIZE_DIGITS)
            return REFUSE;
        size = size << 4 | (size_t)hex_digit(line[digits++]);
    }
    if (digits == 0 || (digits < len && line[digits] != ';'))
        return REFUSE;
    if (has_controls(line + digits, len - digits))
        return REFUSE;
    *ret = size;
    return 0;
}

/* The steps return 0 when they took something, 1 when they need more bytes, or a status. */
static int take_size(struct yq_chunked *c, const char *bytes, size_t len, size_t max_body)
{
    size_t line = line_length(bytes + c->used, len - c->used);
    if (line == NO_LINE ? len - c->used > LINE_LIMIT : line > LINE_LIMIT)
        return REFUSE;
    if (line == NO_LINE)
        return 1;
    int status = read_size(bytes + c->used, line, &c->left);
    if (status != 0)
        return status;
    if (c->left > max_body - c->decoded)
        return 413;
    c->used += line + 2;
    c->state = c->left > 0 ? YQ_CHUNK_DATA : YQ_CHUNK_TRAILER;
    return 0;
}

static int take_data(struct yq_chunked *c, char *bytes, size_t len)
{
    size_t n = len - c->used < c->left ? len - c->used : c->left;
    memmove(bytes + c->decoded, bytes + c->used, n);
    c->decoded += n;
    c->used += n;
    c->left -= n;
    if (c->left > 0)
        return 1;
    c->state = YQ_CHUNK_END;
    return 0;
}

static int take_end(struct yq_chunked *c, const char *bytes, size_t len)
{
    if (len - c->used < 2)
        return 1;
    if (memcmp(bytes + c->used, "\r\n", 2) != 0)
        return REFUSE;
    c->used += 2;
    c->state = YQ_CHUNK_SIZE;
    return 0;
}

/* "name: value", or the empty line at the end. */
static bool is_trailer(const char *line, size_t len)
{
    if (len == 0)
        return true;
    bool named = line[0] != ':' && line[0] != ' ' && line[0] != '\t';
    return named && memchr(line, ':', len) != NULL && !has_controls(line, len);
}

/* Trailers are dropped: nothing here has a use for them. */
static int take_trailer(struct yq_chunked *c, const char *bytes, size_t len)
{
    size_t line = line_length(bytes + c->used, len - c->used);
    size_t seen = line == NO_LINE ? len - c->used : line + 2;
    if (c->trailer + seen > TRAILER_LIMIT)
        return REFUSE;
    if (line == NO_LINE)
        return 1;
    if (!is_trailer(bytes + c->used, line))
        return REFUSE;
    c->trailer += seen;
    c->used += seen;
    if (line == 0)
        c->state = YQ_CHUNK_DONE;
    return 0;
}

static int step(struct yq_chunked *c, char *bytes, size_t len, size_t max_body)
{
    switch (c->state) {
    case YQ_CHUNK_SIZE:
        return take_size(c, bytes, len, max_body);
    case YQ_CHUNK_DATA:
        return take_data(c, bytes, len);
    case YQ_CHUNK_END:
        return take_end(c, bytes, len);
    case YQ_CHUNK_TRAILER:
        return take_trailer(c, bytes, len);
    case YQ_CHUNK_DONE:
        break;
    }
    return 1;
}

int yq_chunked_decode(struct yq_chunked *c, char *bytes, size_t *len, size_t max_body)
{
    int status = 0;
    while (status == 0)
        status = step(c, bytes, *len, max_body);
    if (status != 1)
        return status;
    memmove(bytes + c->decoded, bytes + c->used, *len - c->used);
    *len -= c->used - c->decoded;
    c->used = c->decoded;
    return 0;
}
