/* What sent.c and sent_find.c share. */
#ifndef YQ_SRC_SERVICE_SENT_INNER_H
#define YQ_SRC_SERVICE_SENT_INNER_H

#include "sent.h"

/* Who, and what was sent. */
struct yq_suspect {
    struct yq_subject subject;
    char field[YQ_SENT_FIELD_MAX]; /* of the hash `sent` */
    const char *name;
    const char *job_num;
    const char *resigned;               /* the record of a resignation */
    bool post;                          /* a part-time department */
    struct yq_lookup *lookups[3];       /* of a new person */
    struct yq_eteams_department *above; /* of a new department */
};

struct yq_suspects {
    struct yq_suspect *items;
    size_t count;
};

struct yq_sent_answer {
    bool known;
    const struct yq_error *error; /* why it is not known */
    const char *id;               /* of the record; NULL: it never happened */
};

/* Asks eteams about all of them; their links are in the view. */
int yq_sent_ask(const struct yq_sync *s, struct yq_view *v, const struct yq_suspects *all,
                struct yq_error *err);
struct yq_sent_answer yq_sent_answer(struct yq_view *v, const struct yq_suspect *m);

#endif
