/* Many small allocations with one release: the strings and rows of one snapshot or one plan. */
#ifndef YQ_BASE_ARENA_H
#define YQ_BASE_ARENA_H

#include <stddef.h>

struct yq_arena;

struct yq_arena *yq_arena_new(void) __attribute__((returns_nonnull, warn_unused_result));
void yq_arena_free(struct yq_arena *arena); /* NULL is fine */

/* Releases all that was taken, and keeps some memory for what comes next. */
void yq_arena_clear(struct yq_arena *arena);

/* All results are zeroed, aligned for any type, and live until the arena is freed. */
void *yq_arena_alloc(struct yq_arena *arena, size_t size) __attribute__((returns_nonnull));
/* Copies; NULL stays NULL. */
char *yq_arena_strdup(struct yq_arena *arena, const char *text);
char *yq_arena_strndup(struct yq_arena *arena, const char *text, size_t len);
char *yq_arena_printf(struct yq_arena *arena, const char *format, ...)
    __attribute__((returns_nonnull, format(printf, 2, 3)));
/* Bytes taken from the system so far. */
size_t yq_arena_size(const struct yq_arena *arena);

#endif
