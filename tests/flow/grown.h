/* What stories about full reconciles say often: two grown directories, changes that nobody hears
 * of, and what the newest run tells of itself. */
#ifndef FLOW_GROWN_H
#define FLOW_GROWN_H

#include "story.h"

/* Two equal companies that do not know each other; nobody calls back. */
struct stage *grown(void **state, size_t people);
/* A figure of GET /_sim/writes of eteams. */
int64_t writes(struct stage *s, const char *name);
int64_t linked(struct stage *s); /* how many members are */
/* `sync acme` ends with that status. */
void sync_all(struct stage *s, int status);
/* A number of the newest run. */
int64_t of_run(struct stage *s, const char *name);
/* A full reconcile was complete once. */
bool is_reconciled(struct stage *s);

/* Changes nobody hears of. */
void silently(struct stage *s, const char *change);
/* `count` members are deleted in WeCom, from the one at `from` on, and nobody hears of it. */
void leave_silently(struct stage *s, size_t from, size_t count);
/* Userids of WeCom, in the order of the state; freed with free_ids. ret_count may be NULL. */
char **userids(struct stage *s, size_t *ret_count);
void free_ids(char **ids);

#endif
