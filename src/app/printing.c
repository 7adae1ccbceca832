/* Laying out what commands print. */
#include "printing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

void yq_table_add(struct yq_table *t, const char *text)
{
    yq_grow(&t->cells, &t->capacity, t->count, sizeof(*t->cells));
    t->cells[t->count++] = yq_strdup(text);
}

void yq_table_add_number(struct yq_table *t, int64_t n)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, n);
    yq_table_add(t, text);
}

/* From the bytes of UTF-8 alone: three and more bytes are Chinese characters and their punctuation,
 * but for the dashes, quotes and dots of U+2000 to U+2FFF. */
size_t yq_text_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if ((*c & 0xC0) == 0x80)
            continue;
        width += *c >= 0xE3 ? 2 : 1;
    }
    return width;
}

static void print_cell(FILE *out, const char *text, size_t width, int right, int last)
{
    size_t own = yq_text_width(text), pad = width > own ? width - own : 0;
    if (right)
        fprintf(out, "%*s%s", (int)pad, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : (int)pad, "");
    fputs(last ? "\n" : "  ", out);
}

void yq_table_print(const struct yq_table *t, FILE *out)
{
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns, width = 0;
        for (size_t j = column; j < t->count; j += t->columns) {
            size_t w = yq_text_width(t->cells[j]);
            width = w > width ? w : width;
        }
        print_cell(out, t->cells[i], width, (t->right >> column) & 1, column + 1 == t->columns);
    }
}

void yq_table_release(struct yq_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    t->cells = NULL;
    t->count = t->capacity = 0;
}

void yq_print_json(cJSON *tree, FILE *out)
{
    char *text = cJSON_PrintUnformatted(tree);
    fprintf(out, "%s\n", text != NULL ? text : "null");
    cJSON_free(text);
    cJSON_Delete(tree);
}

cJSON *yq_json_or_text(const char *text)
{
    cJSON *tree = yq_json_parse(text, strlen(text), NULL);
    return tree != NULL ? tree : cJSON_CreateString(text);
}
