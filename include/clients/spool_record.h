/* The bytes of a spool: a head, then records, each with a checksum. Pure.
 *
 *   head    "YQSPOOL1", salt (8), CRC-32C of both (4)
 *   record  "yqr\n", length of the body (4), number (8), CRC-32C (4), body
 *   body    connection and words of the entry, each: length (4), bytes, NUL
 *
 * Numbers are little-endian. A record's checksum covers the salt, too: what stands in another file,
 * or inside of an event, is never taken for a record of this one. Numbers grow within a folder, and
 * none is ever used twice. */
#ifndef YQ_CLIENTS_SPOOL_RECORD_H
#define YQ_CLIENTS_SPOOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define YQ_SPOOL_HEAD 20
#define YQ_SPOOL_RECORD_HEAD 20
#define YQ_SPOOL_WORDS 32
#define YQ_SPOOL_BODY_MAX ((size_t)64 * 1024 * 1024)

struct yq_spool_record {
    uint64_t number;
    const char *id; /* of the connection; all texts are NUL-ended, and lie in the bytes read */
    size_t argc;
    const char *argv[YQ_SPOOL_WORDS]; /* fields and values of the entry */
    size_t lens[YQ_SPOOL_WORDS];
};

void yq_spool_write_head(struct yq_buf *out, uint64_t salt);
/* Returns 0, or -1 when it is none. */
int yq_spool_read_head(const char *data, size_t len, uint64_t *ret_salt);

void yq_spool_write_body(struct yq_buf *out, const char *id, int argc, const char *const *argv,
                         const size_t *lens);
/* A body that was written before becomes a record. */
void yq_spool_write_record(struct yq_buf *out, uint64_t salt, uint64_t number, const void *body,
                           size_t len);

struct yq_spool_reader {
    const char *data; /* behind the head, or behind any record */
    size_t len, at;
    uint64_t salt;
};
enum yq_spool_sight {
    YQ_SPOOL_END,    /* no record from `at` on: what is left of the bytes is a torn tail */
    YQ_SPOOL_DAMAGE, /* not readable here, but there is a record behind it: `at` stands there now */
    YQ_SPOOL_RECORD,
};
enum yq_spool_sight yq_spool_read(struct yq_spool_reader *r, struct yq_spool_record *ret);

#endif
