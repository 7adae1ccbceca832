/* The filters of queries. */
#include "eteams_filter.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int et_list_read(struct et_call *call, const char *name, struct et_list *ret)
{
    const cJSON *value = yq_json_get(call->body, name), *item;
    bool array = cJSON_IsArray(value);
    int n = array ? cJSON_GetArraySize(value) : value != NULL && !cJSON_IsNull(value);
    *ret = (struct et_list){0};
    if (n == 0)
        return 0;
    ret->texts = yq_arena_alloc(call->arena, (size_t)n * sizeof(*ret->texts));
    ret->present = true;
    item = array ? value->child : value;
    for (; item != NULL; item = array ? item->next : NULL) {
        const char *text = yq_json_item_text(call->arena, item);
        if (text == NULL)
            return -1;
        ret->texts[ret->count++] = text;
    }
    return 0;
}

bool et_list_allows(const struct et_list *list, const char *value)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->texts[i], value) == 0)
            return true;
    return !list->present;
}

void et_candidates_add_one(struct et_candidates *c, struct et_record *r)
{
    yq_grow(&c->rows, &c->capacity, c->count, sizeof(struct et_record *));
    c->rows[c->count++] = r;
}

void et_candidates_add(struct et_candidates *c, const struct et_table *t, int index,
                       const struct et_list *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct et_record *r = et_find(t, index, keys->texts[i]);
        for (; r != NULL; r = et_next(r, index))
            et_candidates_add_one(c, r);
    }
}

static int in_order(const void *a, const void *b, void *schema)
{
    const struct et_record *const *x = a, *const *y = b;
    return et_compare(schema, *x, *y);
}

void et_candidates_sort(struct et_candidates *c, const struct et_table *t)
{
    size_t kept = 0;
    if (c->count > 0)
        qsort_r(c->rows, c->count, sizeof(struct et_record *), in_order,
                (void *)(uintptr_t)t->schema);
    for (size_t i = 0; i < c->count; i++)
        if (kept == 0 || c->rows[kept - 1] != c->rows[i])
            c->rows[kept++] = c->rows[i];
    c->count = kept;
}
