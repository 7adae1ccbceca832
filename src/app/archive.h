/* What is exported: a file of JSON objects, one a line. The first says what it holds and of which
 * connection, the last how many there are. Each ends with "sum": the first 16 hex digits of the
 * SHA-256 of the line up to there (without `,"sum"`), so that a line that was cut or changed is
 * known by itself, and `jq` reads all of it. */
#ifndef YQ_APP_ARCHIVE_H
#define YQ_APP_ARCHIVE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

#define YQ_ARCHIVE_LINE_MAX (4 * 1024 * 1024) /* bytes; a callback has 256 KiB at most */

struct yq_archive_writer;
/* what: "events", "links". The file stays the caller's. */
struct yq_archive_writer *yq_archive_begin(FILE *out, const char *what, const char *connection);
/* An object without its closing brace, on one line. */
void yq_archive_add(struct yq_archive_writer *w, const struct yq_buf *object);
size_t yq_archive_count(const struct yq_archive_writer *w);
/* Writes the last line. -1: the file could not be written (disk full). */
int yq_archive_end(struct yq_archive_writer *w, struct yq_error *err);
void yq_archive_writer_free(struct yq_archive_writer *w); /* without the last line, unless ended */

struct yq_archive_reader;
/* "-" is the standard input. NULL: it cannot be opened, or its first line is not that of such an
 * export. */
struct yq_archive_reader *yq_archive_open(const char *path, const char *what, struct yq_error *err);
enum yq_archive_result { YQ_ARCHIVE_RECORD, YQ_ARCHIVE_BAD, YQ_ARCHIVE_END };
/* The next record, which belongs to the reader until the next call. BAD: this line, or the end that
 * is missing, as err says in words; the next one may be good. */
enum yq_archive_result yq_archive_next(struct yq_archive_reader *r, const cJSON **ret,
                                       struct yq_error *err);
long yq_archive_line(const struct yq_archive_reader *r); /* its number, from 1 */
void yq_archive_reader_free(struct yq_archive_reader *r);

#endif
