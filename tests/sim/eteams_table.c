/* Records made of text fields, in order and indexed. */
#include "eteams_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

unsigned et_table_hash(const void *key, size_t len)
{
    const unsigned char *bytes = key;
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        hash = (hash ^ c) * 0x100000001b3U;
    }
    return (unsigned)(hash ^ (hash >> 32));
}

const char *et_text(const struct et_record *r, int field)
{
    return r->field[field] ? r->field[field] : "";
}

bool et_is(const struct et_record *r, int field, const char *value)
{
    return strcmp(et_text(r, field), value ? value : "") == 0;
}

int et_field_named(const struct et_schema *s, const char *name)
{
    for (int i = 0; i < s->fields; i++)
        if (strcmp(s->names[i], name) == 0)
            return i;
    return -1;
}

int et_compare_ids(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la != lb)
        return la < lb ? -1 : 1;
    return strcmp(a, b);
}

int et_compare(const struct et_schema *s, const struct et_record *a, const struct et_record *b)
{
    for (size_t i = 0; i < 2; i++) {
        int c = et_compare_ids(et_text(a, s->order[i]), et_text(b, s->order[i]));
        if (c != 0)
            return c;
    }
    return 0;
}

/* The first place whose record does not come before r. */
static size_t place(const struct et_table *t, const struct et_record *r)
{
    size_t low = 0, high = t->count;
    if (high > 0 && et_compare(t->schema, t->rows[high - 1], r) < 0)
        return high; /* new ids only grow */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (et_compare(t->schema, t->rows[mid], r) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static const char *key_of(const struct et_index *index, const char *value)
{
    if (index->mobile && strncmp(value, "+86", 3) == 0)
        value += value[3] == '-' ? 4 : 3;
    return value;
}

struct et_record *et_find(const struct et_table *t, int index, const char *key)
{
    struct et_record *head = t->by[index], *found = NULL;
    if (head == NULL || key == NULL || key[0] == '\0')
        return NULL;
    key = key_of(&t->schema->indexes[index], key);
    HASH_FIND(link[index].hh, head, key, strlen(key), found);
    return found;
}

struct et_record *et_next(const struct et_record *r, int index)
{
    return r->link[index].next;
}

static void hash_in(struct et_table *t, struct et_record *r, int index)
{
    const char *key = key_of(&t->schema->indexes[index], r->field[t->schema->indexes[index].field]);
    HASH_ADD_KEYPTR(link[index].hh, t->by[index], key, strlen(key), r);
}

static void hash_out(struct et_table *t, struct et_record *r, int index)
{
    HASH_DELETE(link[index].hh, t->by[index], r);
}

static void link_in(struct et_table *t, struct et_record *r, int index)
{
    const char *value = r->field[t->schema->indexes[index].field];
    if (value == NULL)
        return;
    struct et_record *first = et_find(t, index, value);
    if (first == NULL) {
        hash_in(t, r, index);
        return;
    }
    r->link[index].prev = first; /* behind the first one, which is the one in the hash */
    r->link[index].next = first->link[index].next;
    if (r->link[index].next != NULL)
        r->link[index].next->link[index].prev = r;
    first->link[index].next = r;
}

static void link_out(struct et_table *t, struct et_record *r, int index)
{
    if (r->field[t->schema->indexes[index].field] == NULL)
        return;
    struct et_record *next = r->link[index].next, *prev = r->link[index].prev;
    if (prev == NULL)
        hash_out(t, r, index);
    else
        prev->link[index].next = next;
    if (next != NULL)
        next->link[index].prev = prev;
    if (prev == NULL && next != NULL)
        hash_in(t, next, index);
    r->link[index].next = r->link[index].prev = NULL;
}

static char *copy(const char *value)
{
    return value != NULL && value[0] != '\0' ? yq_strdup(value) : NULL;
}

struct et_record *et_table_add(struct et_table *t, const char *const *values)
{
    struct et_record *r = yq_calloc(1, sizeof(*r));
    for (int i = 0; i < t->schema->fields; i++)
        r->field[i] = copy(values[i]);
    for (int i = 0; i < t->schema->index_count; i++)
        link_in(t, r, i);
    yq_grow(&t->rows, &t->capacity, t->count, sizeof(struct et_record *));
    size_t at = place(t, r);
    memmove(t->rows + at + 1, t->rows + at, (t->count - at) * sizeof(*t->rows));
    t->rows[at] = r;
    t->count++;
    return r;
}

void et_table_set(struct et_table *t, struct et_record *r, int field, const char *value)
{
    if (et_is(r, field, value))
        return;
    for (int i = 0; i < t->schema->index_count; i++)
        if (t->schema->indexes[i].field == field)
            link_out(t, r, i);
    char *old = r->field[field];
    r->field[field] = copy(value); /* before the old one goes: value may be it */
    free(old);
    for (int i = 0; i < t->schema->index_count; i++)
        if (t->schema->indexes[i].field == field)
            link_in(t, r, i);
}

static void record_free(const struct et_schema *s, struct et_record *r)
{
    for (int i = 0; i < s->fields; i++)
        free(r->field[i]);
    free(r);
}

void et_table_remove(struct et_table *t, struct et_record *r)
{
    size_t at = place(t, r);
    while (t->rows[at] != r)
        at++;
    for (int i = 0; i < t->schema->index_count; i++)
        link_out(t, r, i);
    t->count--;
    memmove(t->rows + at, t->rows + at + 1, (t->count - at) * sizeof(*t->rows));
    record_free(t->schema, r);
}

void et_table_clear(struct et_table *t)
{
    for (int i = 0; i < t->schema->index_count; i++)
        HASH_CLEAR(link[i].hh, t->by[i]);
    for (size_t i = 0; i < t->count; i++)
        record_free(t->schema, t->rows[i]);
    free(t->rows);
    *t = (struct et_table){.schema = t->schema};
}
