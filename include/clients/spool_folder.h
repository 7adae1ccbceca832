/* The folders of a spool: one for each process, below the configured one, locked as long as the
 * process lives (flock: the kernel lets go of it, however the process ends). A folder that nobody
 * has locked belongs to whoever locks it next. In it: "lock", and files "00000001.spool", ….
 *
 * A name begins with the time of its making, so that names are in the order of their age. */
#ifndef YQ_CLIENTS_SPOOL_FOLDER_H
#define YQ_CLIENTS_SPOOL_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "clients/disk.h"

#define YQ_SPOOL_PATH_MAX 4096

struct yq_spool_folder {
    char name[64]; /* unlike that of any other, ever */
    char path[YQ_SPOOL_PATH_MAX];
    int lock;
};

/* Makes what is missing of the root, and a folder of our own in it, synced. */
int yq_spool_folder_make(const struct yq_disk *disk, const char *root, int64_t now_ms,
                         struct yq_spool_folder *ret, struct yq_error *err);
/* Locks the oldest folder that nobody has. 1: *ret is it; 0: there is none; -1: the root cannot be
 * read. */
int yq_spool_folder_adopt(const char *root, struct yq_spool_folder *ret, struct yq_error *err);
/* The numbers of its files, in order. The caller frees *ret. */
int yq_spool_folder_list(const struct yq_spool_folder *f, unsigned **ret, size_t *ret_count,
                         struct yq_error *err);
void yq_spool_folder_file(const struct yq_spool_folder *f, unsigned number,
                          char out[YQ_SPOOL_PATH_MAX + 32]);
/* Lets go of it; removes it where no file is left. */
void yq_spool_folder_leave(struct yq_spool_folder *f);

#endif
