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

/* The end of the string that starts behind the quote at i, or len if it does not end.
 * *ret_zero is set when a NUL or a \u0000 stands in it: cJSON would cut the string there. */
static size_t string_end(const char *s, size_t i, size_t len, bool *ret_zero)
{
    while (i < len && s[i] != '"') {
        if (s[i] == '\0' || (len - i > 5 && memcmp(s + i, "\\u0000", 6) == 0))
            *ret_zero = true;
        i += s[i] == '\\' ? 2 : 1;
    }
    return i < len ? i : len;
}

/* Length of the valid UTF-8 sequence at s, 0 if it is none: overlong forms, surrogates and what
 * lies beyond U+10FFFF are none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
    static const struct {
        unsigned char first, last, second_from, second_to;
        size_t length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                 {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        if (s[0] < forms[f].first || s[0] > forms[f].last)
            continue;
        if (len < forms[f].length || s[1] < forms[f].second_from || s[1] > forms[f].second_to)
            return 0;
        for (size_t i = 2; i < forms[f].length; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
        }
        return forms[f].length;
    }
    return 0;
}

static bool valid_utf8(const char *text, size_t len)
{
    for (size_t i = 0, step; i < len; i += step) {
        step = (unsigned char)text[i] < 0x80
                   ? 1
                   : utf8_length((const unsigned char *)text + i, len - i);
        if (step == 0)
            return false;
    }
    return true;
}

/* Copies text to out with its long integers quoted. */
static int quote_long_integers(const char *s, size_t len, struct yq_buf *out, struct yq_error *err)
{
    size_t copied = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\0')
            return yq_error_set(err, YQ_ERROR_INVALID, "JSON holds a NUL byte");
        if (s[i] == '"') {
            bool zero = false;
            i = string_end(s, i + 1, len, &zero);
            if (zero)
                return yq_error_set(err, YQ_ERROR_INVALID, "JSON holds a NUL");
        } else if (is_digit(s[i])) {
            size_t start = i;
            while (i < len && is_digit(s[i]))
                i++;
            bool whole = i == len || (s[i] != '.' && s[i] != 'e' && s[i] != 'E');
            bool fraction = start > 0 && (s[start - 1] == '.' || s[start - 1] == '+');
            bool negative = start > 0 && s[start - 1] == '-';
            if (whole && !fraction && i - start >= LONG_DIGITS) {
                size_t from = negative ? start - 1 : start;
                yq_buf_add(out, s + copied, from - copied);
                yq_buf_addc(out, '"');
                yq_buf_add(out, s + from, i - from);
                yq_buf_addc(out, '"');
                copied = i;
            } else {
                while (i < len && (is_digit(s[i]) || strchr(".eE+-", s[i]) != NULL) && s[i] != '\0')
                    i++;
            }
            i--;
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
    if (!valid_utf8(text, len)) {
        yq_error_set(err, YQ_ERROR_INVALID, "JSON is not UTF-8");
        goto out;
    }
    if (quote_long_integers(text, len, &quoted, err) < 0)
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
        if (!(fabs(d) < 1e15) || d != floor(d))
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
