/* Growable bytes. All zero is a valid, empty buffer; `data` is NUL-ended whenever it is not NULL.
 */
#ifndef YQ_BASE_BUF_H
#define YQ_BASE_BUF_H

#include <stddef.h>

struct yq_buf {
    char *data;
    size_t len; /* bytes in use, without the NUL */
    size_t cap;
};

#define YQ_BUF_INIT                                                                                \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

/* Makes room for `more` bytes behind the present ones. */
void yq_buf_reserve(struct yq_buf *b, size_t more);
void yq_buf_add(struct yq_buf *b, const void *bytes, size_t len);
void yq_buf_adds(struct yq_buf *b, const char *text);
void yq_buf_addc(struct yq_buf *b, char c);
void yq_buf_addf(struct yq_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends text as the inside of a JSON string: without quotes, escaped. Bytes are taken as UTF-8.
 */
void yq_buf_add_json(struct yq_buf *b, const char *text, size_t len);
/* Appends "text" with its quotes, or null when text is NULL. */
void yq_buf_add_json_string(struct yq_buf *b, const char *text);

/* The text, never NULL. Valid until the next change. */
const char *yq_buf_text(const struct yq_buf *b);
/* Hands the bytes to the caller, who frees them; never NULL; the buffer is empty afterwards. */
char *yq_buf_steal(struct yq_buf *b);
void yq_buf_clear(struct yq_buf *b);   /* keeps the memory */
void yq_buf_release(struct yq_buf *b); /* frees it; the buffer may be used again */

#endif
