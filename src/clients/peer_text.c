/* Percent-encoding, and a peer's words made fit to be read by others. */
#include "peer_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

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

void yq_peer_words(const char *message, char out[YQ_WORDS_MAX])
{
    size_t used = 0;
    const char *end = strstr(message, ", hint");
    for (const char *at = message; *at != '\0' && (end == NULL || at < end);) {
        bool private;
        size_t len = word(at, &private);
        if (end != NULL && at + len > end)
            len = (size_t)(end - at);
        for (size_t i = 0; i < len && !private; i++) {
            unsigned char c = (unsigned char)at[i];
            if (used < YQ_WORDS_MAX - 1 && c >= 0x20 && c != 0x7f)
                out[used++] = (char)c;
        }
        if (private && used < YQ_WORDS_MAX - 1)
            out[used++] = '*';
        at += len;
        for (; *at == ' '; at++) {
            if (used > 0 && out[used - 1] != ' ' && used < YQ_WORDS_MAX - 1)
                out[used++] = ' ';
        }
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    if (used == YQ_WORDS_MAX - 1) { /* perhaps cut inside a character */
        while (used > 0 && ((unsigned char)out[used - 1] & 0xc0) == 0x80)
            used--;
        if (used > 0 && (unsigned char)out[used - 1] >= 0xc0)
            used--;
    }
    out[used] = '\0';
}
