/* Records made of text fields, with indexes: what the simulated tenant keeps everything in.
 *
 * An empty field is NULL inside and "" for et_text. Records stand in the order of their ids, which
 * is the order of all pages. Indexes ignore ASCII case: who cares compares again. */
#ifndef SIM_ETEAMS_TABLE_H
#define SIM_ETEAMS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

/* uthash's own default falls through switch labels, which clang does not like. */
#define HASH_FUNCTION(key, len, hash) ((hash) = et_table_hash((key), (len)))
#define HASH_KEYCMP(a, b, len) strncasecmp((a), (b), (len))
#include <uthash.h>

#define ET_FIELDS 26
#define ET_INDEXES 8

struct et_record {
    char *field[ET_FIELDS];
    struct {
        UT_hash_handle hh;
        struct et_record *next, *prev; /* others with the same key */
    } link[ET_INDEXES];
};

struct et_index {
    int field;
    bool mobile; /* "+86" and "86-" before a Chinese number do not count */
};

struct et_schema {
    const char *const *names; /* of the fields, as on the wire */
    int fields;
    const struct et_index *indexes;
    int index_count;
    int order[2]; /* the fields that give the order */
};

struct et_table {
    const struct et_schema *schema;
    struct et_record *by[ET_INDEXES];
    struct et_record **rows;
    size_t count, capacity;
};

unsigned et_table_hash(const void *key, size_t len);

/* Copies the values, of which there are schema->fields; the table owns the record. */
struct et_record *et_table_add(struct et_table *t, const char *const *values);
/* Changes one field; not one that gives the order. */
void et_table_set(struct et_table *t, struct et_record *r, int field, const char *value);
void et_table_remove(struct et_table *t, struct et_record *r);
void et_table_clear(struct et_table *t);

/* The first record of that key, others by et_next; NULL = none, also for an empty key. */
struct et_record *et_find(const struct et_table *t, int index, const char *key);
struct et_record *et_next(const struct et_record *r, int index);

const char *et_text(const struct et_record *r, int field);
bool et_is(const struct et_record *r, int field, const char *value);
/* The field of that name, -1 if there is none. */
int et_field_named(const struct et_schema *s, const char *name);
/* Ids as numbers: the shorter one is the smaller one. */
int et_compare_ids(const char *a, const char *b);
/* The order of the table. */
int et_compare(const struct et_schema *s, const struct et_record *a, const struct et_record *b);

#endif
