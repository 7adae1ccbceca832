/* Many small allocations with one release. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CHUNK ((size_t)32 * 1024)
#define ALIGN (_Alignof(max_align_t))

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

struct yq_arena {
    struct chunk *chunks; /* the first one is the one being filled */
    size_t total;
};

struct yq_arena *yq_arena_new(void)
{
    return yq_calloc(1, sizeof(struct yq_arena));
}

void yq_arena_free(struct yq_arena *arena)
{
    if (arena == NULL)
        return;
    for (struct chunk *c = arena->chunks, *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

void yq_arena_clear(struct yq_arena *arena)
{
    struct chunk *kept = arena->chunks;
    while (kept != NULL && kept->size != CHUNK)
        kept = kept->next;
    for (struct chunk *c = arena->chunks, *next; c != NULL; c = next) {
        next = c->next;
        if (c != kept)
            free(c);
    }
    arena->chunks = kept;
    arena->total = kept ? sizeof(*kept) + kept->size : 0;
    if (kept == NULL)
        return;
    memset(kept->bytes, 0, kept->used);
    kept->used = 0;
    kept->next = NULL;
}

static void *take(struct yq_arena *arena, size_t size, size_t align)
{
    struct chunk *c = arena->chunks;
    size_t at = c ? (c->used + align - 1) & ~(align - 1) : 0;
    if (c == NULL || at + size > c->size) {
        size_t room = size > CHUNK / 4 ? size : CHUNK;
        c = yq_calloc(1, sizeof(*c) + room);
        c->size = room;
        arena->total += sizeof(*c) + room;
        if (room != CHUNK &&
            arena->chunks != NULL) { /* a large one must not end the present chunk */
            c->next = arena->chunks->next;
            arena->chunks->next = c;
        } else {
            c->next = arena->chunks;
            arena->chunks = c;
        }
        at = 0;
    }
    c->used = at + size;
    return c->bytes + at;
}

void *yq_arena_alloc(struct yq_arena *arena, size_t size)
{
    return take(arena, size, ALIGN);
}

char *yq_arena_strndup(struct yq_arena *arena, const char *text, size_t len)
{
    if (text == NULL)
        return NULL;
    char *copy = take(arena, len + 1, 1);
    memcpy(copy, text, len);
    return copy;
}

char *yq_arena_strdup(struct yq_arena *arena, const char *text)
{
    return text ? yq_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *yq_arena_printf(struct yq_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = take(arena, (size_t)(n < 0 ? 0 : n) + 1, 1);
    (void)vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, format, again);
    va_end(again);
    return text;
}

size_t yq_arena_size(const struct yq_arena *arena)
{
    return arena->total;
}
