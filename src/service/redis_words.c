/* A command in the form that Redis reads. */
#include "redis_words.h"

#include <stddef.h>

static void add_count(struct yq_buf *out, char kind, size_t n)
{
    char text[24];
    size_t at = sizeof(text);
    text[--at] = '\n';
    text[--at] = '\r';
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    text[--at] = kind;
    yq_buf_add(out, text + at, sizeof(text) - at);
}

void yq_redis_words(struct yq_buf *out, int argc, const char *const *argv, const size_t *lens)
{
    yq_buf_clear(out);
    add_count(out, '*', (size_t)argc);
    for (int i = 0; i < argc; i++) {
        add_count(out, '$', lens[i]);
        yq_buf_add(out, argv[i], lens[i]);
        yq_buf_add(out, "\r\n", 2);
    }
}
