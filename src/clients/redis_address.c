/* Redis' address from its URL. Errors name the part that is wrong, never its text: it may be the
 * password. */
#include <stdbool.h>
#include <string.h>

#include "clients/redis.h"

#define DEFAULT_PORT 6379
#define SENTINEL_PORT 26379

struct span {
    const char *at;
    size_t len;
};

static int wrong(struct yq_error *err, const char *what)
{
    return yq_error_set(err, YQ_ERROR_INVALID, "Redis URL: %s", what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes percent escapes into out, which has room for size bytes with the NUL. */
static int decode(struct span s, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int c = (unsigned char)s.at[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.at[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_digit(s.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            c = high * 16 + low;
            i += 2;
        }
        if (c == '\0' || n + 1 >= size)
            return -1;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return 0;
}

/* A decimal number without sign or blanks, from 0 to max. */
static int read_number(struct span s, int max, int *ret)
{
    int n = 0;
    if (s.len == 0 || s.len > 5)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return -1;
        n = n * 10 + (s.at[i] - '0');
    }
    if (n > max)
        return -1;
    *ret = n;
    return 0;
}

/* The part of s in front of the first c, which s then begins behind; all of it if there is none. */
static struct span cut(struct span *s, char c)
{
    const char *found = s->len ? memchr(s->at, c, s->len) : NULL;
    size_t len = found ? (size_t)(found - s->at) : s->len;
    struct span head = {s->at, len};
    size_t skip = found ? len + 1 : len;
    *s = (struct span){s->at + skip, s->len - skip};
    return head;
}

static int parse_unix(const char *rest, struct yq_redis_address *a, struct yq_error *err)
{
    struct span query = {rest, strlen(rest)};
    struct span path = cut(&query, '?');
    if (path.len > 2 && memcmp(path.at, "//", 2) == 0) /* unix:///path */
        path = (struct span){path.at + 2, path.len - 2};
    if (path.len < 2 || path.at[0] != '/' || decode(path, a->host, sizeof(a->host)) < 0)
        return wrong(err, "the path of the socket is missing, too long or badly escaped");
    if (query.len == 0)
        return 0;
    if (query.len < 4 || memcmp(query.at, "db=", 3) != 0 ||
        read_number((struct span){query.at + 3, query.len - 3}, 65535, &a->database) < 0)
        return wrong(err, "behind '?' there may only be db=NUMBER");
    return 0;
}

static int parse_credentials(struct span s, struct yq_redis_address *a, struct yq_error *err)
{
    struct span password = s, user = cut(&password, ':');
    if (user.len == s.len)
        return wrong(err, "':' is missing between user and password");
    if (decode(user, a->user, sizeof(a->user)) < 0)
        return wrong(err, "the user is too long or badly escaped");
    if (decode(password, a->password, sizeof(a->password)) < 0)
        return wrong(err, "the password is too long or badly escaped");
    if (a->user[0] != '\0' && a->password[0] == '\0')
        return wrong(err, "a user without a password");
    return 0;
}

/* host, host:port, [IPv6], [IPv6]:port */
static int parse_host(struct span s, struct yq_redis_address *a, struct yq_error *err)
{
    bool bracket = s.len > 0 && s.at[0] == '[';
    struct span host;
    if (bracket) {
        if (memchr(s.at, ']', s.len) == NULL)
            return wrong(err, "the ']' behind the host is missing");
        cut(&s, '[');
        host = cut(&s, ']');
        if (s.len > 0 && s.at[0] != ':')
            return wrong(err, "the host is not understood");
    } else {
        const char *colon = s.len ? memchr(s.at, ':', s.len) : NULL;
        size_t len = colon ? (size_t)(colon - s.at) : s.len;
        host = (struct span){s.at, len};
        s = (struct span){s.at + len, s.len - len};
    }
    if (host.len == 0 || decode(host, a->host, sizeof(a->host)) < 0 || a->host[0] == '/')
        return wrong(err, "the host is missing or not understood");
    a->port = DEFAULT_PORT;
    if (s.len == 0)
        return 0;
    if (read_number((struct span){s.at + 1, s.len - 1}, 65535, &a->port) < 0 || a->port == 0)
        return wrong(err, "the port is not a number from 1 to 65535");
    return 0;
}

static int parse_tcp(const char *rest, struct yq_redis_address *a, struct yq_error *err)
{
    struct span path = {rest, strlen(rest)};
    struct span authority = cut(&path, '/');
    const char *at = authority.len ? memrchr(authority.at, '@', authority.len) : NULL;
    if (at != NULL) {
        size_t len = (size_t)(at - authority.at);
        if (parse_credentials((struct span){authority.at, len}, a, err) < 0)
            return -1;
        authority = (struct span){at + 1, authority.len - len - 1};
    }
    if (parse_host(authority, a, err) < 0)
        return -1;
    if (path.len > 0 && read_number(path, 65535, &a->database) < 0)
        return wrong(err, "the database behind '/' is not a number");
    return 0;
}

int yq_redis_add_sentinel(struct yq_redis_address *a, const char *text, struct yq_error *err)
{
    struct yq_redis_address one = {.port = 0};
    if (a->sentinel_count == YQ_REDIS_SENTINELS)
        return yq_error_set(err, YQ_ERROR_INVALID, "redis.sentinels: too many, %d at most",
                            YQ_REDIS_SENTINELS);
    if (parse_host((struct span){text, strlen(text)}, &one, err) < 0)
        return -1;
    struct yq_redis_sentinel *s = &a->sentinels[a->sentinel_count++];
    memcpy(s->host, one.host, sizeof(s->host));
    s->port = strchr(text, ':') != NULL ? one.port : SENTINEL_PORT;
    return 0;
}

int yq_redis_read_master(const redisReply *reply, struct yq_redis_sentinel *ret)
{
    struct span port;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING ||
        reply->element[0]->len >= sizeof(ret->host))
        return -1;
    port = (struct span){reply->element[1]->str, reply->element[1]->len};
    if (read_number(port, 65535, &ret->port) < 0)
        return -1;
    memcpy(ret->host, reply->element[0]->str, reply->element[0]->len + 1);
    return 0;
}

bool yq_redis_is_master(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           strcmp(reply->element[0]->str, "master") == 0;
}

int yq_redis_address_parse(const char *url, struct yq_redis_address *ret, struct yq_error *err)
{
    struct yq_redis_address a = {0};
    if (strncmp(url, "redis://", 8) == 0) {
        if (parse_tcp(url + 8, &a, err) < 0)
            return -1;
    } else if (strncmp(url, "unix:", 5) == 0) {
        if (parse_unix(url + 5, &a, err) < 0)
            return -1;
    } else if (strncmp(url, "rediss://", 9) == 0) {
        return wrong(err, "TLS (rediss://) is not supported: put a tunnel in front");
    } else {
        return wrong(err, "it must begin with redis:// or unix:/");
    }
    *ret = a;
    return 0;
}
