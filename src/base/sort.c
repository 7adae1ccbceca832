/* Sorting rows by their keys, byte by byte from the highest (American flag sort). */
#include "base/sort.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define FEW 32 /* so many are sorted by insertion */

static uint64_t key_of(const unsigned char *row)
{
    uint64_t key;
    memcpy(&key, row, sizeof(key));
    return key;
}

static void sort_few(unsigned char *rows, size_t count, size_t size)
{
    unsigned char row[YQ_SORT_ROW_MAX];
    for (size_t i = 1; i < count; i++) {
        uint64_t key = key_of(rows + i * size);
        size_t to = i;
        while (to > 0 && key_of(rows + (to - 1) * size) > key)
            to--;
        if (to == i)
            continue;
        memcpy(row, rows + i * size, size);
        memmove(rows + (to + 1) * size, rows + to * size, (i - to) * size);
        memcpy(rows + to * size, row, size);
    }
}

static void swap_rows(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char row[YQ_SORT_ROW_MAX];
    memcpy(row, a, size);
    memcpy(a, b, size);
    memcpy(b, row, size);
}

/* Sorts by the byte at `shift` and what is below it. */
static void sort_from(unsigned char *rows, size_t count, size_t size, int shift)
{
    size_t next[256] = {0}, end[256], at = 0;
    for (size_t i = 0; i < count; i++)
        next[(key_of(rows + i * size) >> shift) & 0xff]++;
    for (size_t b = 0; b < 256; b++) {
        size_t in_bucket = next[b];
        next[b] = at;
        end[b] = at += in_bucket;
    }
    for (size_t b = 0; b < 256; b++) {
        while (next[b] < end[b]) {
            unsigned char *row = rows + next[b] * size;
            size_t home = (key_of(row) >> shift) & 0xff;
            if (home != b)
                swap_rows(row, rows + next[home] * size, size);
            next[home]++;
        }
    }
    for (size_t b = 0, from = 0; b < 256; from = end[b++]) {
        if (end[b] - from <= FEW)
            sort_few(rows + from * size, end[b] - from, size);
        else if (shift > 0)
            sort_from(rows + from * size, end[b] - from, size, shift - 8);
    }
}

void yq_sort_by_key(void *rows, size_t count, size_t size)
{
    assert(size >= sizeof(uint64_t) && size <= YQ_SORT_ROW_MAX);
    if (count <= FEW)
        sort_few(rows, count, size);
    else
        sort_from(rows, count, size, 56);
}
