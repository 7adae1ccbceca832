/* Allocation that ends the process when there is no memory. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p)
{
    if (p != NULL)
        return p;
    static const char text[] = "yunqiao: out of memory\n";
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    abort();
}

void *yq_malloc(size_t size)
{
    return must(malloc(size ? size : 1));
}

void *yq_calloc(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *yq_realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        must(NULL);
    return must(realloc(old, bytes ? bytes : 1));
}

char *yq_strdup(const char *text)
{
    return must(strdup(text));
}

char *yq_strndup(const char *text, size_t len)
{
    return must(strndup(text, len));
}

char *yq_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    return must(n < 0 ? NULL : text);
}

void yq_grow(void *items, size_t *capacity, size_t count, size_t item_size)
{
    if (count < *capacity)
        return;
    void **array = items;
    *capacity = *capacity ? *capacity * 2 : 8;
    *array = yq_realloc(*array, *capacity, item_size);
}
