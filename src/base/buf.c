/* Growable bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void yq_buf_reserve(struct yq_buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    b->data = yq_realloc(b->data, cap, 1);
    b->cap = cap;
}

void yq_buf_add(struct yq_buf *b, const void *bytes, size_t len)
{
    yq_buf_reserve(b, len);
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void yq_buf_adds(struct yq_buf *b, const char *text)
{
    yq_buf_add(b, text, strlen(text));
}

void yq_buf_addc(struct yq_buf *b, char c)
{
    yq_buf_add(b, &c, 1);
}

void yq_buf_addf(struct yq_buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n > 0) {
        yq_buf_reserve(b, (size_t)n);
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void yq_buf_add_json(struct yq_buf *b, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    yq_buf_reserve(b, len);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        yq_buf_add(b, text + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            yq_buf_add(b, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n') {
            yq_buf_add(b, "\\n", 2);
        } else {
            yq_buf_add(b, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
        }
    }
    yq_buf_add(b, text + plain, len - plain);
}

void yq_buf_add_json_string(struct yq_buf *b, const char *text)
{
    if (text == NULL) {
        yq_buf_add(b, "null", 4);
        return;
    }
    yq_buf_addc(b, '"');
    yq_buf_add_json(b, text, strlen(text));
    yq_buf_addc(b, '"');
}

const char *yq_buf_text(const struct yq_buf *b)
{
    return b->data ? b->data : "";
}

char *yq_buf_steal(struct yq_buf *b)
{
    char *data = b->data ? b->data : yq_strdup("");
    *b = (struct yq_buf)YQ_BUF_INIT;
    return data;
}

void yq_buf_clear(struct yq_buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void yq_buf_release(struct yq_buf *b)
{
    free(b->data);
    *b = (struct yq_buf)YQ_BUF_INIT;
}
