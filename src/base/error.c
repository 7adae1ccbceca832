/* Errors as a kind and a sentence. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int yq_error_set(struct yq_error *err, enum yq_error_kind kind, const char *format, ...)
{
    if (err == NULL)
        return -1;
    *err = (struct yq_error){.kind = kind};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args); /* a cut sentence still helps */
    va_end(args);
    return -1;
}

int yq_error_prefix(struct yq_error *err, const char *prefix)
{
    if (err == NULL)
        return -1;
    char text[sizeof(err->text)];
    int n = snprintf(text, sizeof(text), "%s: ", prefix);
    if (n > 0 && (size_t)n < sizeof(text))
        (void)snprintf(text + n, sizeof(text) - (size_t)n, "%.*s",
                       (int)(sizeof(text) - (size_t)n - 1), err->text);
    __builtin_memcpy(err->text, text, sizeof(text));
    return -1;
}

void yq_error_hide_words(const char *text, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    while (used < size && *text != '\0') {
        const char *open = strstr(text, YQ_WORDS_OPEN);
        const char *close = open != NULL ? strstr(open, YQ_WORDS_CLOSE) : NULL;
        int before = (int)(open != NULL ? (size_t)(open - text) : strlen(text));
        int n = snprintf(out + used, size - used, "%.*s%s", before, text,
                         open == NULL ? "" : YQ_WORDS_OPEN "*" YQ_WORDS_CLOSE);
        used += (size_t)n;
        text = close != NULL ? close + strlen(YQ_WORDS_CLOSE) : "";
        if (open == NULL)
            return;
    }
}

const char *yq_error_kind_name(enum yq_error_kind kind)
{
    switch (kind) {
    case YQ_ERROR_NONE:
        return "none";
    case YQ_ERROR_INVALID:
        return "invalid";
    case YQ_ERROR_DENIED:
        return "denied";
    case YQ_ERROR_RETRY:
        return "retry";
    case YQ_ERROR_UNKNOWN:
        return "unknown";
    case YQ_ERROR_REFUSED:
        return "refused";
    case YQ_ERROR_LIMIT:
        return "limit";
    case YQ_ERROR_LOST:
        return "lost";
    case YQ_ERROR_FATAL:
        return "fatal";
    }
    return "?";
}
