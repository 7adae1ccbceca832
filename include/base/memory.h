/* Allocation that does not return without memory.
 *
 * yunqiao is crash-only: an event is durable before it is answered, and a worker that dies is
 * replaced at once, so that running out of memory ends the process with a sentence instead of
 * sending every caller down a path that is never taken otherwise. Sizes that come from outside are
 * bounded before they get here. Memory is released with free(). */
#ifndef YQ_BASE_MEMORY_H
#define YQ_BASE_MEMORY_H

#include <stddef.h>

void *yq_malloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *yq_calloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));
void *yq_realloc(void *old, size_t count, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));
char *yq_strdup(const char *text) __attribute__((malloc, returns_nonnull, warn_unused_result));
char *yq_strndup(const char *text, size_t len)
    __attribute__((malloc, returns_nonnull, warn_unused_result));
char *yq_printf(const char *format, ...)
    __attribute__((malloc, returns_nonnull, warn_unused_result, format(printf, 1, 2)));

/* Grows the array at *items so that one more fits: capacity doubles, starting at 8. */
void yq_grow(void *items, size_t *capacity, size_t count, size_t item_size);

#endif
