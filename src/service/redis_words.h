/* A command in the form that Redis reads, for the asynchronous connection. */
#ifndef YQ_SERVICE_REDIS_WORDS_H
#define YQ_SERVICE_REDIS_WORDS_H

#include "base/buf.h"

/* Replaces what is in out. */
void yq_redis_words(struct yq_buf *out, int argc, const char *const *argv, const size_t *lens);

#endif
