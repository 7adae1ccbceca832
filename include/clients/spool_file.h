/* One file of a spool. Written by appending and syncing; whoever finds it later reads it up to the
 * last whole record. Belongs to one thread. */
#ifndef YQ_CLIENTS_SPOOL_FILE_H
#define YQ_CLIENTS_SPOOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "clients/disk.h"

struct yq_spool_file;

/* Makes it; nothing is synced yet. NULL: nothing of it stays on the disk. */
struct yq_spool_file *yq_spool_file_new(const struct yq_disk *disk, const char *path,
                                        struct yq_error *err);
uint64_t yq_spool_file_salt(const struct yq_spool_file *f);
/* How many bytes are there, and how many of them surely. */
size_t yq_spool_file_size(const struct yq_spool_file *f);
size_t yq_spool_file_synced(const struct yq_spool_file *f);
/* Appends all of it, or nothing. */
int yq_spool_file_add(struct yq_spool_file *f, const struct yq_buf *records, struct yq_error *err);
/* After a failure the file must not be written to any more: what of it reached the disk is unknown,
 * and the next sync would not tell. Nothing is known to be there beyond what was synced before. */
int yq_spool_file_sync(struct yq_spool_file *f, struct yq_error *err);
bool yq_spool_file_usable(const struct yq_spool_file *f);
void yq_spool_file_free(struct yq_spool_file *f); /* closes it; NULL is fine */

/* Reads the bytes from…to (0: its end) of a file. The caller frees them. NULL on a failure. */
char *yq_spool_load(const char *path, size_t from, size_t to, size_t *ret_len,
                    struct yq_error *err);
/* Syncs a folder, so that the names in it stay. */
int yq_spool_sync_folder(const struct yq_disk *disk, const char *path, struct yq_error *err);

#endif
