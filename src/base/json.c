/* Reading a peer's JSON without losing digits or the tail of a string. */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define LONG_DIGITS 16 /* from here on an integer may not fit a double */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of the valid UTF-8 sequence at s, 0 if it is none: overlong forms, surrogates and what
 * lies beyond U+10FFFF are none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (c < 0xc2 || c > 0xf4 || len < n)
        return 0;
    unsigned char least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    unsigned char most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < least || s[1] > most)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    return n;
}

#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
/* Of eight bytes: not 0 if one of them is 0; the lowest bit that is set stands in the first. */
#define ZEROS(word) (((word)-EACH(0x01)) & ~(word)&EACH(0x80))

/* From i on to the next byte of a string that is not plain ASCII: eight at a time. */
static size_t skip_plain(const char *s, size_t i, size_t len)
{
    for (; len - i >= 8; i += 8) {
        uint64_t word, found;
        memcpy(&word, s + i, 8);
        found = (word & EACH(0x80)) | ZEROS(word ^ EACH('"')) | ZEROS(word ^ EACH('\\'));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        if (found != 0)
            return i + (size_t)(__builtin_ctzll(found) / 8);
#else
        if (found != 0)
            break;
#endif
    }
    while (i < len && s[i] != '"' && s[i] != '\\' && (unsigned char)s[i] < 0x80)
        i++;
    return i;
}

/* The end of the string that starts behind the quote at i, or len if it does not end. An error
 * where a \u0000 stands in it: cJSON would cut the string there. */
static int find_string_end(const char *s, size_t i, size_t len, size_t *ret, struct yq_error *err)
{
    for (; (i = skip_plain(s, i, len)) < len && s[i] != '"';) {
        size_t step = s[i] == '\\' ? 2 : utf8_length((const unsigned char *)s + i, len - i);
        if (step == 2 && len - i > 5 && memcmp(s + i, "\\u0000", 6) == 0)
            return yq_error_set(err, YQ_ERROR_INVALID, "JSON holds a NUL");
        if (step == 0)
            return yq_error_set(err, YQ_ERROR_INVALID, "JSON is not UTF-8");
        i = len - i > step ? i + step : len;
    }
    *ret = i < len ? i : len;
    return 0;
}

/* The end of the number at i. *ret_long: it is an integer of many digits. */
static size_t number_end(const char *s, size_t i, size_t len, bool *ret_long)
{
    size_t start = i;
    while (i < len && is_digit(s[i]))
        i++;
    bool whole = i == len || (s[i] != '.' && s[i] != 'e' && s[i] != 'E');
    bool fraction = start > 0 && (s[start - 1] == '.' || s[start - 1] == '+');
    *ret_long = whole && !fraction && i - start >= LONG_DIGITS;
    while (!*ret_long && i < len && s[i] != '\0' &&
           (is_digit(s[i]) || strchr(".eE+-", s[i]) != NULL))
        i++;
    return i;
}

/* Copies what is left of s up to `from`, and the integer from there to `end` in quotes. */
static void quote(struct yq_buf *out, const char *s, size_t *copied, size_t from, size_t end)
{
    yq_buf_add(out, s + *copied, from - *copied);
    yq_buf_addc(out, '"');
    yq_buf_add(out, s + from, end - from);
    yq_buf_addc(out, '"');
    *copied = end;
}

/* One pass over the text: refuses what is not UTF-8 or holds a NUL, and copies it to out with its
 * long integers quoted; out stays empty where there are none. */
static int prepare(const char *s, size_t len, struct yq_buf *out, struct yq_error *err)
{
    size_t copied = 0;
    if (len > 0 && memchr(s, '\0', len) != NULL)
        return yq_error_set(err, YQ_ERROR_INVALID, "JSON holds a NUL byte");
    for (size_t i = 0, end; i < len; i = end) {
        unsigned char c = (unsigned char)s[i];
        bool is_long = false;
        end = i + 1;
        if (c == '"') {
            if (find_string_end(s, end, len, &end, err) < 0)
                return -1;
            end++;
        } else if (c >= '0' && c <= '9') {
            end = number_end(s, i, len, &is_long);
            if (is_long)
                quote(out, s, &copied, i > 0 && s[i - 1] == '-' ? i - 1 : i, end);
        } else if (c >= 0x80) {
            return yq_error_set(err, YQ_ERROR_INVALID, "not JSON at byte %zu of %zu", i, len);
        }
    }
    if (copied > 0)
        yq_buf_add(out, s + copied, len - copied);
    return 0;
}

cJSON *yq_json_parse(const char *text, size_t len, struct yq_error *err)
{
    struct yq_buf quoted = YQ_BUF_INIT;
    cJSON *tree = NULL;
    if (prepare(text, len, &quoted, err) < 0)
        goto out;
    const char *from = quoted.len ? quoted.data : text;
    size_t size = quoted.len ? quoted.len : len;
    const char *end = NULL;
    tree = cJSON_ParseWithLengthOpts(from, size, &end, 0);
    while (tree != NULL && end < from + size && *end != '\0' && strchr(" \t\r\n", *end) != NULL)
        end++;
    if (tree == NULL || end != from + size) {
        size_t at = end ? (size_t)(end - from) : 0;
        yq_error_set(err, YQ_ERROR_INVALID, "not JSON at byte %zu of %zu", at, size);
        cJSON_Delete(tree);
        tree = NULL;
    }
out:
    yq_buf_release(&quoted);
    return tree;
}

const cJSON *yq_json_get(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

#define INITIAL(name) ((uint64_t)1 << ((name)[0] & 63))

void yq_json_pick(const cJSON *object, const char *const *keys, size_t count, const cJSON **ret)
{
    for (size_t k = 0; k < count; k++)
        ret[k] = NULL;
    uint64_t initials = 0; /* a bit per first letter: most members are none of these */
    for (size_t k = 0; k < count; k++)
        initials |= INITIAL(keys[k]);
    size_t likely = 0; /* the key behind the last one that was found */
    for (const cJSON *item = cJSON_IsObject(object) ? object->child : NULL; item != NULL;
         item = item->next) {
        if ((initials & INITIAL(item->string)) == 0)
            continue;
        for (size_t tried = 0, k = likely; tried < count; tried++, k++) {
            k = k == count ? 0 : k;
            if (keys[k][0] != item->string[0] || strcmp(keys[k], item->string) != 0)
                continue;
            ret[k] = ret[k] ? ret[k] : item;
            likely = k + 1;
            break;
        }
    }
}

const char *yq_json_item_text(struct yq_arena *arena, const cJSON *item)
{
    if (cJSON_IsString(item))
        return item->valuestring;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? "1" : "0";
    int64_t n;
    if (cJSON_IsNumber(item) && yq_json_item_int(item, &n))
        return yq_arena_printf(arena, "%lld", (long long)n);
    return NULL;
}

const char *yq_json_text(struct yq_arena *arena, const cJSON *object, const char *key)
{
    return yq_json_item_text(arena, yq_json_get(object, key));
}

bool yq_json_item_int(const cJSON *item, int64_t *ret)
{
    if (cJSON_IsNumber(item)) {
        double d = item->valuedouble;
        if (!(fabs(d) < 1e15) || d != (double)(int64_t)d)
            return false;
        *ret = (int64_t)d;
        return true;
    }
    if (!cJSON_IsString(item) || item->valuestring[0] == '\0' ||
        strchr(" \t\n+", item->valuestring[0]))
        return false;
    char *end;
    errno = 0;
    long long n = strtoll(item->valuestring, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret = n;
    return true;
}

bool yq_json_int(const cJSON *object, const char *key, int64_t *ret)
{
    return yq_json_item_int(yq_json_get(object, key), ret);
}

bool yq_json_bool(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *item = yq_json_get(object, key);
    int64_t n;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item);
    return yq_json_item_int(item, &n) ? n != 0 : fallback;
}
