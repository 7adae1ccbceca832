/* Values of both sides in the one form in which they are compared, and masked for people to read.
 */
#include "model/normal.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define FULL_WIDTH_BAR "\xEF\xBD\x9C" /* U+FF5C */

static bool is_blank(utf8proc_int32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    if (c >= 0x4E00 && c <= 0x9FFF) /* spares the look-up for most */
        return false;
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

/* True for the characters that nearly all names are made of and that NFC leaves alone: up to Latin
 * Extended and the unified ideographs. Saves the composition for the rest. */
static bool is_plain(utf8proc_int32_t c)
{
    return c < 0x300 || (c >= 0x4E00 && c <= 0x9FFF);
}

/* What stands between the blanks around it, and whether NFC may change it. */
struct span {
    const char *start;
    size_t len;
    bool plain;
};

/* Returns false for invalid UTF-8. */
static bool cut_blanks(const char *text, struct span *ret)
{
    const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
    size_t len = strlen(text), first = len, end = len;
    bool plain = true;
    for (size_t at = 0; at < len;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(s + at, (utf8proc_ssize_t)(len - at), &c);
        if (n <= 0)
            return false;
        if (!is_blank(c)) {
            first = first == len ? at : first;
            end = at + (size_t)n;
            plain = plain && is_plain(c);
        }
        at += (size_t)n;
    }
    *ret = (struct span){text + first, first < end ? end - first : 0, plain};
    return true;
}

static void replace_bars(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        bool bar = strncmp(from, FULL_WIDTH_BAR, 3) == 0;
        *to = bar ? '|' : *from;
        from += bar ? 3 : 1;
    }
    *to = '\0';
}

/* True for names of which nothing is to be cut or composed, told without taking them apart: visible
 * ASCII and the unified ideographs, which are E4 B8 80 to E9 BF BF. */
static bool is_normal(const char *name)
{
    const unsigned char *s = (const unsigned char *)name;
    while (*s != '\0') {
        if (*s > ' ' && *s < 0x7f)
            s++;
        else if (s[0] >= 0xe4 && s[0] <= 0xe9 && s[1] >= (s[0] == 0xe4 ? 0xb8 : 0x80) &&
                 s[1] <= 0xbf && s[2] >= 0x80 && s[2] <= 0xbf)
            s += 3;
        else
            return false;
    }
    return true;
}

const char *yq_normal_name(struct yq_arena *arena, const char *name)
{
    struct span span;
    if (is_normal(name))
        return name;
    if (!cut_blanks(name, &span))
        return name;
    if (span.plain) /* blanks inside are NFC as they stand; the bar is not plain */
        return span.len == strlen(name) ? name : yq_arena_strndup(arena, span.start, span.len);
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t n =
        utf8proc_map((const utf8proc_uint8_t *)span.start, (utf8proc_ssize_t)span.len, &composed,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n < 0)
        return name;
    char *copy = yq_arena_strndup(arena, (const char *)composed, (size_t)n);
    free(composed);
    replace_bars(copy);
    return copy;
}

const char *yq_normal_mobile(struct yq_arena *arena, const char *mobile)
{
    if (mobile[strspn(mobile, "0123456789")] == '\0' && strncmp(mobile, "00", 2) != 0)
        return mobile; /* as nearly all are */
    const char *s = mobile + strspn(mobile, " \t");
    bool international = *s == '+';
    char *digits = yq_arena_alloc(arena, strlen(s) + 2);
    char *out = digits + 1; /* room for a '+' in front */
    size_t n = 0;
    for (; *s != '\0'; s++) {
        if (*s >= '0' && *s <= '9')
            out[n++] = *s;
    }
    if (!international && n >= 2 && memcmp(out, "00", 2) == 0) {
        international = true;
        out += 2;
    }
    if (!international || *out == '\0')
        return out;
    if (strncmp(out, "86", 2) == 0)
        return out + 2;
    *--out = '+';
    return out;
}

static bool is_low_and_cut(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text >= 'A' && *text <= 'Z') || *text == ' ' || (*text >= '\t' && *text <= '\r'))
            return false;
    }
    return true;
}

static const char *lower_and_cut(struct yq_arena *arena, const char *text)
{
    if (is_low_and_cut(text))
        return text;
    text += strspn(text, " \t\r\n");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    char *copy = yq_arena_strndup(arena, text, len);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return copy;
}

const char *yq_normal_email(struct yq_arena *arena, const char *email)
{
    return lower_and_cut(arena, email);
}

const char *yq_normal_account(struct yq_arena *arena, const char *account)
{
    return lower_and_cut(arena, account);
}

const char *yq_normal_gender(const char *gender)
{
    if (strcmp(gender, "1") == 0 || strcmp(gender, "male") == 0)
        return "1";
    if (strcmp(gender, "2") == 0 || strcmp(gender, "female") == 0)
        return "2";
    return "";
}

bool yq_same_name(struct yq_arena *scratch, const char *a, const char *b)
{
    return strcmp(a, b) == 0 || strcmp(yq_normal_name(scratch, a), yq_normal_name(scratch, b)) == 0;
}

bool yq_same_mobile(struct yq_arena *scratch, const char *a, const char *b)
{
    return strcmp(yq_normal_mobile(scratch, a), yq_normal_mobile(scratch, b)) == 0;
}

bool yq_same_email(struct yq_arena *scratch, const char *a, const char *b)
{
    return strcmp(yq_normal_email(scratch, a), yq_normal_email(scratch, b)) == 0;
}

const char *yq_masked_mobile(struct yq_arena *arena, const char *mobile)
{
    const char *number = yq_normal_mobile(arena, mobile);
    size_t len = strlen(number);
    if (len == 0)
        return *mobile == '\0' ? "" : "****";
    int head = len >= 11 ? 3 : 0; /* the shorter, the less is shown */
    int tail = len >= 11 ? 4 : len >= 6 ? 2 : 0;
    return yq_arena_printf(arena, "%.*s****%s", head, number, number + len - (size_t)tail);
}

const char *yq_masked_email(struct yq_arena *arena, const char *email)
{
    const char *at = strrchr(email, '@');
    if (at == NULL)
        return *email == '\0' ? "" : "***";
    int head = at > email && (unsigned char)*email < 0x80 ? 1 : 0; /* never half a character */
    return yq_arena_printf(arena, "%.*s***%s", head, email, at);
}
