/* What the guard held: the operations that a person is asked about, and the evidence that is needed
 * to plan them anew once they are approved. Kept as JSON under plan:HASH (docs/redis.md). Pure. */
#ifndef YQ_PLAN_HELD_H
#define YQ_PLAN_HELD_H

#include "plan/plan.h"

#define YQ_HELD_VERSION 2
#define YQ_HELD_MS                                                                                 \
    (INT64_C(7) * 24 * 60 * 60 * 1000) /* a plan expires after 7 days (design §5)                 \
                                        */

struct yq_held_row {
    enum yq_operation_kind kind;
    struct yq_subject subject;
    char key[YQ_SUBJECT_MAX];
    bool counted;       /* a removal or a move to the root; else it waits for one of these */
    const char *target; /* eteams id; NULL: made by the operation */
    const char *rule;
    const char *name;         /* of the person; NULL: not known */
    const char *details;      /* the fields that it writes, the department of a post; words */
    const char *evidence;     /* JSON as yq_evidence_write makes it; NULL: none */
    struct yq_held_row *same; /* the next row of this subject */
    UT_hash_handle hh;        /* by key, the first row of each subject */
};

struct yq_held_plan {
    struct yq_arena *arena; /* owns it all, itself too */
    char hash[33];
    int64_t at;              /* milliseconds: when it was held */
    const char *run;         /* that held it */
    const char *since;       /* id of the oldest event behind it */
    const char *replaced_by; /* hash; then there are no rows */
    struct yq_held_row **rows;
    size_t row_count, capacity;
    size_t people; /* rows that count */
    struct yq_held_row *subjects;
};

struct yq_held_plan *yq_held_new(void);
void yq_held_free(struct yq_held_plan *h);
/* Adds what the guard holds in p, with the evidence of v. */
void yq_held_collect(struct yq_held_plan *h, const struct yq_plan *p, const struct yq_view *v);
/* Do they hold somebody in common? */
bool yq_held_overlaps(const struct yq_held_plan *a, const struct yq_held_plan *b);
/* Takes over those rows of an older plan whose subjects p has not looked at. */
void yq_held_take_over(struct yq_held_plan *h, const struct yq_held_plan *older,
                       const struct yq_plan *p);
/* Names the rows that count, in whatever order they are: the same people give the same hash. */
void yq_held_name(struct yq_held_plan *h);

void yq_held_write(const struct yq_held_plan *h, struct yq_buf *out);
/* NULL with an error for what cannot be read, also when it is of another version. */
struct yq_held_plan *yq_held_read(const char *json, size_t len, struct yq_error *err);

/* The first row of a subject, or NULL. */
const struct yq_held_row *yq_held_find(const struct yq_held_plan *h, const char *key);
/* Is it in the plan: the same kind, of the same subject and record, with no more than its details?
 */
bool yq_held_allows(const struct yq_held_plan *h, const struct yq_operation *op);

#endif
