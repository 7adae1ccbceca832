/* The head of a request: one pass over its lines, then the rules that tie its headers together. */
#include "service/http_request.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define REFUSE 400
#define LENGTH_DIGITS 15 /* far above any limit on bodies, far below an overflow */

/* Characters of a token (RFC 9110 §5.6.2). */
static bool is_token_char(unsigned char c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c) != NULL);
}

static bool is_token(struct yq_text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (!is_token_char((unsigned char)t.data[i]))
            return false;
    }
    return t.len > 0;
}

/* No control characters but the tab. */
static bool is_field_text(struct yq_text t)
{
    unsigned bad = 0;
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bad |= (unsigned)(c < ' ' && c != '\t') | (unsigned)(c == 0x7f);
    }
    return bad == 0;
}

static bool is_visible(struct yq_text t)
{
    unsigned bad = 0;
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bad |= (unsigned)(c <= ' ') | (unsigned)(c >= 0x7f);
    }
    return bad == 0;
}

static bool equals(struct yq_text t, const char *text)
{
    return t.len == strlen(text) && strncasecmp(t.data, text, t.len) == 0;
}

static struct yq_text cut(struct yq_text *rest, char at)
{
    const char *found = memchr(rest->data, at, rest->len);
    size_t len = found != NULL ? (size_t)(found - rest->data) : rest->len;
    struct yq_text first = {rest->data, len};
    size_t skip = found != NULL ? len + 1 : len;
    *rest = (struct yq_text){rest->data + skip, rest->len - skip};
    return first;
}

static struct yq_text trim(struct yq_text t)
{
    while (t.len > 0 && (t.data[0] == ' ' || t.data[0] == '\t'))
        t = (struct yq_text){t.data + 1, t.len - 1};
    while (t.len > 0 && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
        t.len--;
    return t;
}

/* Takes a line without its CRLF. A CR or LF that stands alone is no end of a line. */
static bool take_line(struct yq_text *rest, struct yq_text *ret)
{
    const char *end = memchr(rest->data, '\r', rest->len);
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - rest->data);
    if (len + 2 > rest->len || end[1] != '\n')
        return false;
    *ret = (struct yq_text){rest->data, len};
    *rest = (struct yq_text){end + 2, rest->len - len - 2};
    return true;
}

/* "http://host/path" means "/path" to a server (RFC 9112 §3.2.2). */
static bool strip_authority(struct yq_text *target)
{
    size_t scheme = 0;
    if (target->len > 7 && strncasecmp(target->data, "http://", 7) == 0)
        scheme = 7;
    else if (target->len > 8 && strncasecmp(target->data, "https://", 8) == 0)
        scheme = 8;
    struct yq_text rest = {target->data + scheme, target->len - scheme};
    if (scheme > 0) {
        struct yq_text authority = cut(&rest, '/');
        if (rest.data == authority.data + authority.len)
            return false;
        rest = (struct yq_text){rest.data - 1, rest.len + 1};
    }
    *target = rest;
    return rest.len > 0 && rest.data[0] == '/';
}

static int read_version(struct yq_text version, struct yq_request *r)
{
    if (version.len != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.')
        return REFUSE;
    if (version.data[5] != '1')
        return 505;
    if (version.data[7] != '0' && version.data[7] != '1')
        return REFUSE;
    r->old = version.data[7] == '0';
    r->keep_alive = !r->old;
    return 0;
}

static int read_first_line(struct yq_text line, struct yq_request *r)
{
    struct yq_text rest = line;
    struct yq_text method = cut(&rest, ' ');
    struct yq_text target = cut(&rest, ' ');
    if (!is_token(method) || !is_visible(target) || !strip_authority(&target))
        return REFUSE;
    int status = read_version(rest, r);
    if (status != 0)
        return status;
    r->head_only = method.len == 4 && memcmp(method.data, "HEAD", 4) == 0;
    if (r->head_only || (method.len == 3 && memcmp(method.data, "GET", 3) == 0))
        r->method = YQ_METHOD_GET;
    else if (method.len == 4 && memcmp(method.data, "POST", 4) == 0)
        r->method = YQ_METHOD_POST;
    r->path = cut(&target, '?');
    if (target.data != r->path.data + r->path.len)
        r->query = target;
    return 0;
}

/* Digits only: "5, 5", "+5" and "" are doubled or contradictory lengths. */
static int read_length(struct yq_text value, size_t *ret)
{
    if (value.len == 0 || value.len > LENGTH_DIGITS)
        return REFUSE;
    size_t sum = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return REFUSE;
        sum = sum * 10 + (size_t)(value.data[i] - '0');
    }
    *ret = sum;
    return 0;
}

static void read_connection(struct yq_text value, struct yq_request *r)
{
    while (value.len > 0) {
        struct yq_text option = trim(cut(&value, ','));
        if (equals(option, "close"))
            r->keep_alive = false;
        else if (r->old && equals(option, "keep-alive"))
            r->keep_alive = true;
    }
}

struct seen { /* how often each header stands there that may stand there once */
    unsigned lengths, encodings, hosts;
};

static int note_header(struct yq_text name, struct yq_text value, struct yq_request *r,
                       struct seen *seen)
{
    switch (name.len) {
    case 4:
        seen->hosts += equals(name, "Host");
        return 0;
    case 6:
        if (equals(name, "Expect") && equals(value, "100-continue"))
            r->expects_continue = !r->old;
        return 0;
    case 10:
        if (equals(name, "Connection"))
            read_connection(value, r);
        return 0;
    case 14:
        if (!equals(name, "Content-Length"))
            return 0;
        seen->lengths++;
        return read_length(value, &r->content_length);
    case 17:
        if (!equals(name, "Transfer-Encoding"))
            return 0;
        seen->encodings++;
        r->chunked = true;
        return equals(value, "chunked") ? 0 : 501;
    default:
        return 0;
    }
}

static int read_header(struct yq_text line, struct yq_request *r, struct seen *seen)
{
    struct yq_text value = line;
    struct yq_text name = cut(&value, ':');
    if (name.len == line.len || !is_token(name) || !is_field_text(value))
        return REFUSE;
    if (r->header_count == YQ_REQUEST_HEADERS)
        return 431;
    value = trim(value);
    r->headers[r->header_count].name = name;
    r->headers[r->header_count].value = value;
    r->header_count++;
    return note_header(name, value, r, seen);
}

/* Two lengths, or a length beside an encoding, let two parsers see two different requests. */
static int check_framing(const struct yq_request *r, const struct seen *seen)
{
    if (seen->lengths + seen->encodings > 1)
        return REFUSE;
    if (seen->hosts > 1 || (seen->hosts == 0 && !r->old))
        return REFUSE;
    if (seen->encodings > 0 && r->old)
        return REFUSE;
    return 0;
}

static void reset(struct yq_request *r)
{
    r->method = YQ_METHOD_OTHER;
    r->head_only = r->old = r->keep_alive = r->expects_continue = r->chunked = false;
    r->content_length = 0;
    r->query = (struct yq_text){NULL, 0};
    r->body = (struct yq_text){NULL, 0};
    r->header_count = 0;
}

int yq_request_parse(const char *head, size_t len, struct yq_request *ret)
{
    struct yq_text rest = {head, len};
    struct yq_text line;
    struct seen seen = {0};
    reset(ret);
    if (!take_line(&rest, &line))
        return REFUSE; /* cannot happen: a head is handed over with its empty line */
    int status = read_first_line(line, ret);
    while (status == 0) {
        if (!take_line(&rest, &line))
            return REFUSE;
        if (line.len == 0)
            return rest.len == 0 ? check_framing(ret, &seen) : REFUSE;
        status = read_header(line, ret, &seen);
    }
    return status;
}

struct yq_text yq_request_header(const struct yq_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (equals(r->headers[i].name, name))
            return r->headers[i].value;
    }
    return (struct yq_text){NULL, 0};
}
