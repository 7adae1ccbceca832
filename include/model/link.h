/* That a WeCom subject and an eteams record are the same, how we know, and what they last agreed
 * on. Stored as JSON in the hashes link:department and link:member; writer and reader stand side by
 * side. */
#ifndef YQ_MODEL_LINK_H
#define YQ_MODEL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define YQ_LINK_VERSION 1

/* What is kept in step about a member. enum, name in JSON. */
#define YQ_MEMBER_FIELDS(X)                                                                        \
    X(NAME, "name")                                                                                \
    X(MOBILE, "mobile")                                                                            \
    X(EMAIL, "email")                                                                              \
    X(GENDER, "gender")                                                                            \
    X(DEPARTMENTS, "departments")                                                                  \
    X(MAIN_DEPARTMENT, "main_department")                                                          \
    X(STATUS, "status")                                                                            \
    X(DIRECT_LEADERS, "direct_leaders")                                                            \
    X(LEADS, "leads") /* the departments that the member leads: read only, never written */

enum yq_member_field {
#define X(name, text) YQ_FIELD_##name,
    YQ_MEMBER_FIELDS(X)
#undef X
        YQ_MEMBER_FIELD_COUNT
};
#define YQ_FIELD_BIT(f) (1u << (f))
const char *yq_member_field_name(enum yq_member_field f);

struct yq_link_department {
    uint32_t id;                         /* WeCom's */
    const char *eteams;                  /* eteams' id */
    const char *how;                     /* "name", "created", "command" */
    int64_t at;                          /* milliseconds: when it was linked */
    uint64_t agreed_name, agreed_parent; /* hashes; 0 = never agreed */
    int64_t heard_at;  /* seconds: event time of a name that only an event told; 0 = none */
    UT_hash_handle hh; /* by id */
};

struct yq_link_member {
    const char *key;    /* lower-case userid */
    const char *userid; /* as WeCom spells it */
    const char *eteams; /* eteams' employee id */
    const char *how;    /* "account", "mobile", "email", "job_num", "created", "command" */
    int64_t at;
    bool left;                /* we resigned the person in eteams */
    bool wrote_job_num;       /* the job number is ours: it follows the userid (decisions.md 20) */
    const char *const *posts; /* department ids of the part-time posts that we made */
    size_t post_count;
    uint64_t agreed[YQ_MEMBER_FIELD_COUNT];  /* hashes of the normalised values; 0 = never */
    int64_t heard_at[YQ_MEMBER_FIELD_COUNT]; /* seconds: event time of a value that only an event
                                                told; an older event never overwrites it */
    int64_t born;      /* seconds: event time of the creation, 0 = not heard; what is older is about
                          somebody who had that userid before */
    UT_hash_handle hh; /* by key */
};

/* Hash of a normalised value; never 0. */
uint64_t yq_agreed_hash(const char *text);

void yq_link_department_write(const struct yq_link_department *l, struct yq_buf *out);
void yq_link_member_write(const struct yq_link_member *l, struct yq_buf *out);
/* Strings go into the arena. An unknown version or missing id is an error that names it. */
int yq_link_department_read(struct yq_arena *arena, uint32_t id, const char *json, size_t len,
                            struct yq_link_department *ret, struct yq_error *err);
int yq_link_member_read(struct yq_arena *arena, const char *key, const char *json, size_t len,
                        struct yq_link_member *ret, struct yq_error *err);

#endif
