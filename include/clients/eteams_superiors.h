/* Superiors of everybody at once, for taking them over and putting them back, and the lock of their
 * fields (eteams.md §2.7). */
#ifndef YQ_CLIENTS_ETEAMS_SUPERIORS_H
#define YQ_CLIENTS_ETEAMS_SUPERIORS_H

#include "base/arena.h"
#include "clients/eteams_client.h"

struct yq_superior_row {
    const char *id;
    const char *superior; /* id; "" where there is none */
    const char *others;   /* ids joined by commas, as eteams has them */
};

struct yq_superior_rows {
    struct yq_arena *arena;
    struct yq_superior_row *rows; /* sorted by id */
    size_t count, capacity;
};
void yq_superior_rows_release(struct yq_superior_rows *r);
/* NULL where there is none. */
const struct yq_superior_row *yq_superior_rows_find(const struct yq_superior_rows *r,
                                                    const char *id);

/* Everybody in service but secondary identities, which are not ours: complete, or an error. REFUSED
 * where this eteams does not tell superiors: then there is nothing to go back to. */
int yq_eteams_list_superiors(struct yq_eteams *e, struct yq_http *h, struct yq_superior_rows *ret,
                             const struct yq_watch *watch, struct yq_error *err);

/* Locks the fields against changes by hand, or unlocks them. *ret_missing: this eteams has no such
 * call, which is no error. */
int yq_eteams_lock_superiors(struct yq_eteams *e, struct yq_http *h, bool lock, bool *ret_missing,
                             const struct yq_watch *watch, struct yq_error *err);

#endif
