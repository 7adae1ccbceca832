/* What the two files of the WeCom listing share: wecom_listing.c (the flow, departments and their
 * members) and wecom_range.c (what is ticked for the app, and who is visible by that alone). */
#ifndef YQ_SRC_CLIENTS_WECOM_LISTING_H
#define YQ_SRC_CLIENTS_WECOM_LISTING_H

#include <cjson/cJSON.h>

#include "clients/wecom_listing.h"
#include "wecom_inner.h"

/* One listing under way. */
struct listing {
    struct yq_wecom *w;
    struct yq_http *h;
    const struct yq_watch *watch;
    struct yq_wecom_credential *c;
    struct yq_view *departments;
    struct yq_snapshot *members;
    struct yq_wecom_listing *facts;
    struct yq_snapshot singles; /* who is to be read one by one, unless a list has them */
    struct yq_arena *scratch;   /* of one answer */
    uint32_t *large;            /* departments whose people are too many for one answer */
    size_t large_count, large_capacity;
    uint32_t
        *vanished; /* departments that WeCom says it does not have: to be asked for once more */
    size_t vanished_count, vanished_capacity;
    size_t lists, lists_read; /* of the members of one department each */
    bool tree_is_large;
    bool shut; /* the credential may not read details at all */
};

/* One call of many of the same kind: the value of its parameter. */
struct task {
    uint32_t number;
    const char *text; /* instead of the number; borrowed */
};
/* How a kind of call is made and taken. */
struct errand {
    const char *api, *parameter; /* NULL: it has none */
    /* Takes the answer; -1 where it is not as it should be: then it is asked for again. */
    int (*take)(struct listing *l, const struct task *t, const cJSON *reply, struct yq_error *err);
    /* It was refused for good, or failed again and again. */
    void (*refused)(struct listing *l, const struct task *t, const struct yq_error *why);
    bool spared; /* a FATAL answer is about this call alone */
};
/* Runs one call per task, side by side; tasks is used up. -1 for LOST and FATAL; with l->shut it
 * ends early. */
int yq_listing_run(struct listing *l, const struct errand *e, struct task *tasks, size_t count,
                   struct yq_error *err);
/* The listing is not complete: the first reason counts. */
void yq_listing_lacks(struct listing *l, const struct yq_error *why);
void yq_listing_lacks_text(struct listing *l, const char *why);
/* The rows of a department list, all of them, or -1. */
int yq_listing_take_tree(struct listing *l, const cJSON *list, struct yq_error *err);

/* What is ticked for the app. */
int yq_range_read(struct listing *l, struct yq_error *err);
/* Reads the tags that are ticked, and the departments that only they show. */
int yq_range_read_tags(struct listing *l, struct yq_error *err);
/* Does the list of departments agree with what is ticked? */
void yq_range_check_tree(struct listing *l);
/* Reads whoever is visible but in no list: sealed members needed. */
int yq_range_read_singles(struct listing *l, struct yq_error *err);

#endif
