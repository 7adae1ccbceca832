/* One change that a plan wants: to eteams, or to the links. */
#ifndef YQ_MODEL_OPERATION_H
#define YQ_MODEL_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/reason.h"
#include "model/subject.h"

/* enum, text; in the order in which kinds are carried out within one stage. */
#define YQ_OPERATION_KINDS(X)                                                                      \
    X(DEPARTMENT_UNLINK, "department.unlink")                                                      \
    X(DEPARTMENT_LINK, "department.link")                                                          \
    X(DEPARTMENT_ENABLE, "department.enable")                                                      \
    X(DEPARTMENT_CREATE, "department.create")                                                      \
    X(DEPARTMENT_UPDATE, "department.update")                                                      \
    X(MEMBER_RELINK, "member.relink") /* a changed userid takes the link over */                   \
    X(MEMBER_UNLINK, "member.unlink")                                                              \
    X(MEMBER_LINK, "member.link")                                                                  \
    X(MEMBER_REHIRE, "member.rehire")                                                              \
    X(MEMBER_CREATE, "member.create")                                                              \
    X(MEMBER_UPDATE, "member.update")                                                              \
    X(POST_REMOVE, "post.remove")                                                                  \
    X(POST_ADD, "post.add")                                                                        \
    X(MEMBER_SUPERIORS, "member.superiors")                                                        \
    X(MEMBER_RESIGN, "member.resign")                                                              \
    X(DEPARTMENT_DISABLE, "department.disable")

enum yq_operation_kind {
#define X(name, text) YQ_OP_##name,
    YQ_OPERATION_KINDS(X)
#undef X
        YQ_OPERATION_KIND_COUNT
};
const char *yq_operation_kind_name(enum yq_operation_kind kind);
int yq_operation_kind_parse(const char *text, enum yq_operation_kind *ret);

/* A department in eteams: by id, or as "the one that WeCom department N becomes" while it has none.
 */
struct yq_ref {
    const char *id; /* NULL: not known before the run */
    uint32_t wecom; /* the WeCom department behind it; 0: none (eteams' own, or the root) */
};

/* A person in eteams: by id, or as the one whom this run makes for that member. */
struct yq_person {
    const char *id; /* NULL: not known before the run */
    const char *userid;
};

/* One field of a row: what eteams has, and what it shall have. Before is NULL for new records. */
struct yq_change {
    const char *field; /* name as in eteams' rows: "username", "mobile", "email", "sex", "job_num",
                          "name"; "parent" and "department" carry a ref instead of text;
                          "superior" is an id, "other_superior" ids joined by commas */
    const char *before, *after;
    struct yq_ref ref; /* for "parent" and "department": what `after` refers to */
};

#define YQ_OPERATION_CHANGES 8

struct yq_operation {
    enum yq_operation_kind kind;
    int stage;                 /* smaller ones are finished before larger ones begin */
    const char *rule;          /* "R1" … "R13", "D10" (decisions.md) */
    struct yq_subject subject; /* the WeCom subject that it serves */
    const char *target;        /* eteams id of the record; NULL: it is made by this operation */
    struct yq_change changes[YQ_OPERATION_CHANGES];
    size_t change_count;
    struct yq_ref department;          /* POST_*: the part-time department */
    const char *external_id;           /* POST_REMOVE: the post's externalSyncId */
    const struct yq_person *superiors; /* MEMBER_SUPERIORS: the direct one, then the others; while
                                          one has no id, the texts of the changes name them */
    size_t superior_count;
    const char *how;         /* *_LINK, *_CREATE: how the link is known */
    const char *from_userid; /* MEMBER_RELINK: the old userid */
    const char *name;        /* name of the person or department, for whoever reads the plan */
    const char *after;       /* id of the person who must be resigned first; NULL: nobody. Held with
                                that resignation */
    const char *after_move;  /* who must be moved to the root first, likewise */
    bool to_root; /* MEMBER_UPDATE that moves somebody to the root: counted by the guard */
    bool held;    /* by the guard: not carried out */
    bool patient; /* DEPARTMENT_DISABLE: one that is not empty yet is tried again later */
    struct yq_reason reason;
};

#endif
