/* Which process this is, and whether another one, that may have run here, is provably gone. */
#ifndef YQ_SRC_CLIENTS_PROCESS_H
#define YQ_SRC_CLIENTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* An unreadable part is "" or 0: then nothing can be said of any other process. */
struct yq_process {
    char host[72];
    char boot[40];  /* /proc/sys/kernel/random/boot_id */
    char pidns[32]; /* "pid:[4026531836]": where pid means something */
    pid_t pid;
    unsigned long long start; /* clock ticks since boot: field 22 of /proc/PID/stat */
};

void yq_process_self(struct yq_process *ret);
/* As members of a JSON object, without the braces; and back from an object that has them. Returns
 * 0, or -1 when one is missing. */
void yq_process_write(const struct yq_process *p, struct yq_buf *out);
int yq_process_read(const char *json, struct yq_process *ret);
/* The very same process. */
bool yq_process_is_same(const struct yq_process *a, const struct yq_process *b);
/* True only when p ran on this host, in this boot and this pid namespace, and is gone or a zombie
 * without threads. */
bool yq_process_is_dead(const struct yq_process *self, const struct yq_process *p);

#endif
