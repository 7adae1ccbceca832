/* Sorting many rows by a number, in place: no copy of the rows is made. */
#ifndef YQ_BASE_SORT_H
#define YQ_BASE_SORT_H

#include <stddef.h>

#define YQ_SORT_ROW_MAX 64

/* Rows of `size` bytes (at most YQ_SORT_ROW_MAX) whose first eight bytes are their key, a uint64_t.
 * Rows of equal keys come in any order. */
void yq_sort_by_key(void *rows, size_t count, size_t size);

#endif
