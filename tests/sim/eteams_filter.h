/* The filters of queries: lists of texts in the request, and the records they lead to. */
#ifndef SIM_ETEAMS_FILTER_H
#define SIM_ETEAMS_FILTER_H

#include "eteams_call.h"

/* A list of texts; absent = does not filter. */
struct et_list {
    const char **texts;
    size_t count;
    bool present;
};

/* Reads an array of texts and numbers, or one of them alone. -1 if it is anything else. An absent,
 * null or empty list does not filter. */
int et_list_read(struct et_call *call, const char *name, struct et_list *ret);
/* Is the value in it? Also true where it does not filter. */
bool et_list_allows(const struct et_list *list, const char *value);

/* Records to look at, without doubles and in order. */
struct et_candidates {
    struct et_record **rows;
    size_t count, capacity;
};

void et_candidates_add(struct et_candidates *c, const struct et_table *t, int index,
                       const struct et_list *keys);
void et_candidates_add_one(struct et_candidates *c, struct et_record *r);
void et_candidates_sort(struct et_candidates *c, const struct et_table *t);

#endif
