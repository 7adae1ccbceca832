/* What was written: counts, the rows that changed nothing, and a history with before and after. */
#ifndef SIM_ETEAMS_JOURNAL_H
#define SIM_ETEAMS_JOURNAL_H

#include <stdint.h>

#include "eteams_tenant.h"

/* What a row did. The names are those of GET /_sim/writes. */
#define ET_WRITES(X)                                                                               \
    X(ET_CREATE, "creates")                                                                        \
    X(ET_UPDATE, "updates")                                                                        \
    X(ET_RESIGN, "resigns")                                                                        \
    X(ET_REHIRE, "rehires")                                                                        \
    X(ET_POST_ADD, "post_adds")                                                                    \
    X(ET_POST_REMOVE, "post_removes")

#define ET_NUMBER(id, name) id,
enum et_write_kind { ET_WRITES(ET_NUMBER) ET_WRITE_KINDS };
#undef ET_NUMBER

#define ET_EXAMPLES 20

struct et_entry {
    uint64_t seq;
    char *json;
};

struct et_journal {
    uint64_t rows, noop_rows, failed, done[ET_WRITE_KINDS];
    char *examples[ET_EXAMPLES]; /* of rows that changed nothing, as JSON */
    size_t example_count;
    struct et_entry *entries;
    size_t count, capacity;
    uint64_t last_seq;
};

/* Who writes, and into what. One row at a time: changed tells whether that row changed anything. */
struct et_writer {
    struct et_tenant *tenant;
    struct et_journal *journal;
    const char *call; /* last part of the path, or "manual" */
    bool manual;      /* an administrator by hand, not the interface */
    bool changed;
};

/* New values; NULL = as it was. */
struct et_change {
    const char *value[ET_FIELDS];
};

/* Changes a record, or adds one where r is NULL; minds create_time and update_time. Returns it. */
struct et_record *et_write(struct et_writer *w, struct et_table *t, struct et_record *r,
                           const struct et_change *change);
void et_write_removal(struct et_writer *w, struct et_table *t, struct et_record *r);

/* A row is over: counted as what it did, as failed (code), or as one that changed nothing. */
void et_journal_row(struct et_journal *j, const struct et_writer *w, enum et_write_kind kind,
                    int code, const cJSON *row);

void et_journal_print_counts(const struct et_journal *j, struct yq_buf *out);
void et_journal_print_history(const struct et_journal *j, uint64_t after, struct yq_buf *out);
/* Forgets the counts and the examples; the history stays. */
void et_journal_reset(struct et_journal *j);
void et_journal_release(struct et_journal *j);

#endif
