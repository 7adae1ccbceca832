/* Tables for people, JSON for programs. */
#ifndef YQ_APP_PRINTING_H
#define YQ_APP_PRINTING_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Rows of `columns` cells each; the first row is the head. Zeroed but for columns. */
struct yq_table {
    size_t columns;
    unsigned right; /* bit per column: aligned right */
    char **cells;
    size_t count, capacity;
};
void yq_table_add(struct yq_table *t, const char *text); /* the next cell; copied */
void yq_table_add_number(struct yq_table *t, int64_t n);
void yq_table_print(const struct yq_table *t, FILE *out);
void yq_table_release(struct yq_table *t);

/* Columns that a text takes on a terminal: Chinese characters take two. */
size_t yq_text_width(const char *text);

/* One line, and deletes the tree. */
void yq_print_json(cJSON *tree, FILE *out);
/* The text as JSON if it is that, else as a string. Never NULL. */
cJSON *yq_json_or_text(const char *text);

#endif
