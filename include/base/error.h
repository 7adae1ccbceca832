/* Why something failed, and what the caller can do about it.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL), and takes a `struct yq_error *`
 * as its last parameter, which may be NULL. The kind is chosen so that the caller's decision is one
 * switch; the text is a sentence for the person on call, without secrets. What a peer said stands
 * in it between YQ_WORDS_OPEN and YQ_WORDS_CLOSE, wherever the text goes: it may repeat a person's
 * name, which whoever looks into a dead letter may read, but no log. */
#ifndef YQ_BASE_ERROR_H
#define YQ_BASE_ERROR_H

#include <stddef.h>
#include <stdint.h>

enum yq_error_kind {
    YQ_ERROR_NONE = 0,
    YQ_ERROR_INVALID, /* the input is wrong and stays wrong: refuse it, name what is at fault */
    YQ_ERROR_DENIED,  /* not authentic, or not allowed: say as little as possible */
    YQ_ERROR_RETRY,   /* passing fault: nothing was done, or it is harmless to do it again */
    YQ_ERROR_UNKNOWN, /* a write may or may not have happened: read back before repeating it */
    YQ_ERROR_REFUSED, /* the peer said no for good, to this subject only */
    YQ_ERROR_LIMIT,   /* a quota is used up: try again after wait_ms */
    YQ_ERROR_LOST,    /* we no longer hold the lease: stop, somebody else goes on */
    YQ_ERROR_FATAL,   /* the whole connection cannot work (credentials, permission, address) */
};

struct yq_error {
    enum yq_error_kind kind;
    int code;        /* the peer's own error code, 0 if there is none */
    int64_t wait_ms; /* LIMIT and RETRY: how long to wait at least, in milliseconds; 0 = unknown */
    char text[256];
};

/* Fills err (if not NULL), and returns -1, so that `return yq_error_set(…)` reads well. */
int yq_error_set(struct yq_error *err, enum yq_error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text. Returns -1. */
int yq_error_prefix(struct yq_error *err, const char *prefix);

/* Around a peer's words: no sentence of ours has these marks, and none is inside. */
#define YQ_WORDS_OPEN "“"
#define YQ_WORDS_CLOSE "”"
/* Copies a text to out, of at most size bytes with its end, with '*' in the place of each peer's
 * words; where a cut took the closing mark away, up to the text's end. */
void yq_error_hide_words(const char *text, char *out, size_t size);

/* "invalid", "denied", …; never NULL. */
const char *yq_error_kind_name(enum yq_error_kind kind);

#endif
