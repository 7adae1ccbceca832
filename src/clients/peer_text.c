/* Percent-encoding, and a peer's words made fit to be read by others. */
#include "peer_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define WORDS_MAX 81    /* bytes of a peer's words, with the end */
#define LONG_NUMBER 6   /* digits in a row that may be a mobile or an id */
#define LONG_WORD 15    /* letters and digits in a row that may be a secret or a token … */
#define LONGEST_WORD 31 /* … also without a digit */

void yq_url_add(struct yq_buf *out, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (isalnum(*c) || strchr("-._~", *c) != NULL)
            yq_buf_addc(out, (char)*c);
        else
            yq_buf_add(out, (char[]){'%', hex[*c >> 4], hex[*c & 15]}, 3);
    }
}

void yq_url_add_pair(struct yq_buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        yq_buf_addc(out, '&');
    yq_buf_adds(out, name);
    yq_buf_addc(out, '=');
    yq_url_add(out, value);
}

/* What stands in a row in a word that a peer repeats. */
struct row {
    size_t digits, letters; /* digits; letters, digits, - and _ */
    bool has_digit;         /* among the letters */
};

static bool is_private(struct row *r, char c)
{
    bool digit = isdigit((unsigned char)c) != 0;
    bool letter = isalnum((unsigned char)c) || c == '-' || c == '_';
    r->digits = digit ? r->digits + 1 : 0;
    r->letters = letter ? r->letters + 1 : 0;
    r->has_digit = letter && (digit || r->has_digit);
    return c == '@' || r->digits > LONG_NUMBER || r->letters > LONGEST_WORD ||
           (r->letters > LONG_WORD && r->has_digit);
}

/* The length of the word that starts here, and whether nobody may read it. */
static size_t word(const char *text, bool *ret_private)
{
    struct row row = {0};
    size_t len = 0;
    *ret_private = false;
    for (; text[len] != '\0' && text[len] != ' '; len++) {
        if (is_private(&row, text[len]))
            *ret_private = true;
    }
    return len;
}

/* The length of a quotation mark of either kind that starts here, or 0: a peer does not end its own
 * words. */
static size_t mark(const char *at)
{
    bool is = strncmp(at, YQ_WORDS_OPEN, strlen(YQ_WORDS_OPEN)) == 0 ||
              strncmp(at, YQ_WORDS_CLOSE, strlen(YQ_WORDS_CLOSE)) == 0;
    return is ? strlen(YQ_WORDS_OPEN) : 0;
}

static void choose(const char *message, char out[WORDS_MAX])
{
    size_t used = 0;
    const char *end = strstr(message, ", hint");
    for (const char *at = message; *at != '\0' && (end == NULL || at < end);) {
        bool private;
        size_t len = word(at, &private);
        if (end != NULL && at + len > end)
            len = (size_t)(end - at);
        for (size_t i = 0; i < len && !private; i++) {
            size_t skip = mark(at + i);
            unsigned char c = skip > 0 ? '"' : (unsigned char)at[i];
            if (used < WORDS_MAX - 1 && c >= 0x20 && c != 0x7f)
                out[used++] = (char)c;
            i += skip > 0 ? skip - 1 : 0;
        }
        if (private && used < WORDS_MAX - 1)
            out[used++] = '*';
        at += len;
        for (; *at == ' '; at++) {
            if (used > 0 && out[used - 1] != ' ' && used < WORDS_MAX - 1)
                out[used++] = ' ';
        }
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    if (used == WORDS_MAX - 1) { /* perhaps cut inside a character */
        while (used > 0 && ((unsigned char)out[used - 1] & 0xc0) == 0x80)
            used--;
        if (used > 0 && (unsigned char)out[used - 1] >= 0xc0)
            used--;
    }
    out[used] = '\0';
}

void yq_peer_words(const char *message, char out[YQ_WORDS_MAX])
{
    char words[WORDS_MAX];
    choose(message, words);
    out[0] = '\0';
    if (*words != '\0')
        (void)snprintf(out, YQ_WORDS_MAX, " %s%s%s", YQ_WORDS_OPEN, words, YQ_WORDS_CLOSE);
}
