/* What is known, for one scope, of both directories and of the links between them: the planner's
 * only input besides the policy.
 *
 * Every fact says how it is known. `UNREADABLE` is not `ABSENT`, and a field that is not in `known`
 * is not empty: what is not known is never compared and never written. A view owns everything in it
 * through one arena; rows are found by key in constant time and live as long as the view. */
#ifndef YQ_MODEL_VIEW_H
#define YQ_MODEL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include <cJSON.h>

#include "base/arena.h"
#include "base/error.h"
#include "model/event.h"
#include "model/link.h"
#include "model/subject.h"

enum yq_fact {
    YQ_UNASKED = 0,
    YQ_PRESENT,
    YQ_ABSENT,     /* the peer says it is not there. For a WeCom member this is ambiguous: left,
                      deleted, never there or out of range all answer 60111 (wecom.md §4.3) */
    YQ_HIDDEN,     /* there, but out of the reading app's range (60011) */
    YQ_UNREADABLE, /* asked, and no answer to rely on */
};

/* ---- WeCom ---- */

struct yq_wecom_department {
    uint32_t id; /* 1 is the root of the company */
    enum yq_fact fact;
    const char *name;           /* NULL: not readable */
    uint32_t parent;            /* 0: none, or not known */
    int64_t order;              /* -1: not known */
    bool link_asked;            /* the links were searched for it */
    const char *const *leaders; /* userids, as far as visible; NULL: not readable */
    size_t leader_count;
    const struct yq_error *error; /* UNREADABLE: why; else NULL */
    UT_hash_handle hh;
};

/* Besides the fields that are kept in step: the member's position was there. Its value is not kept,
 * since eteams is never told. */
#define YQ_KNOWN_POSITION YQ_FIELD_BIT(YQ_MEMBER_FIELD_COUNT)

struct yq_wecom_member {
    const char *key;    /* lower-case userid */
    const char *userid; /* as WeCom spells it */
    enum yq_fact fact;
    uint32_t known; /* bit per enum yq_member_field: readable in this answer, maybe empty */
    const char *name, *mobile, *email;
    const char *gender;          /* "0", "1" male, "2" female */
    int status;                  /* 1 active, 2 disabled, 4 not activated, 5 left; 0 = not known */
    uint32_t main_department;    /* 0: not known or not visible */
    const uint32_t *departments; /* visible ones only */
    size_t department_count;
    const uint32_t *orders; /* parallel to departments, larger in front; NULL: not known */
    const uint32_t *leads;  /* departments that the member leads */
    size_t lead_count;
    const char *const *direct_leaders;
    size_t direct_leader_count;
    bool link_asked;              /* the links were searched for it */
    const struct yq_error *error; /* UNREADABLE: why; else NULL */
    UT_hash_handle hh;
};

/* ---- eteams ---- */

struct yq_eteams_department {
    const char *id;
    enum yq_fact fact;
    const char *parent; /* NULL: none ("0" or missing) */
    const char *name;
    bool enabled;
    enum yq_fact children; /* PRESENT: all of them, disabled ones too, are in the view */
    const struct yq_link_department *owner; /* NULL: linked with no WeCom department */
    bool owner_asked;                       /* the links were searched for one */
    const struct yq_error *error;           /* UNREADABLE row or children: why */
    UT_hash_handle hh;
};

struct yq_eteams_post {      /* a part-time department (eteams.md §1.9) */
    const char *external_id; /* externalSyncId */
    const char *department;  /* id */
    bool ours;               /* externalSyncType is openapi and the id has our prefix */
};

struct yq_eteams_member {
    const char *id;
    enum yq_fact fact;
    const char *user_id, *account, *name, *mobile, *email, *job_num, *sex; /* "" where empty */
    const char *const *departments; /* the first is the main one (eteams.md §2.4) */
    size_t department_count;
    bool superiors_known;      /* the answer had both of the next two */
    const char *superior;      /* id; "" where there is none */
    const char *const *others; /* ids: 其他上级 */
    size_t other_count;
    bool in_service;
    bool secondary;          /* 主次身份: not ours to touch (eteams.md §1.9) */
    enum yq_fact posts_fact; /* PRESENT: all posts are here; ABSENT: this eteams cannot tell */
    const struct yq_eteams_post *posts;
    size_t post_count;
    const struct yq_link_member *owner; /* NULL: linked with no WeCom member */
    bool owner_asked;                   /* the links were searched for one */
    const struct yq_error *error;       /* UNREADABLE row or posts: why */
    UT_hash_handle hh;
};

/* The keys come first, from the strongest to the weakest; a name is none. */
enum yq_lookup_field {
    YQ_BY_ACCOUNT,
    YQ_BY_MOBILE,
    YQ_BY_EMAIL,
    YQ_BY_JOB_NUM,
    YQ_BY_NAME,
    YQ_LOOKUP_COUNT
};
#define YQ_KEY_COUNT YQ_BY_NAME

/* Who in eteams has this account, mobile, e-mail, job number or name? Values are normalised
 * (model/normal.h). */
struct yq_lookup {
    const char *key; /* "0:li.na", "1:13800000000": field number, colon, normalised value */
    enum yq_lookup_field field;
    const char *value; /* normalised */
    const char *asked; /* as it was asked for first: eteams may hold it in that form, too */
    enum yq_fact fact; /* PRESENT: eteams was asked for exactly this, or all its people are in the
                          view; the hits, maybe none, are then all there are */
    struct yq_eteams_member **hits; /* in service only */
    size_t hit_count, hit_capacity;
    const struct yq_error *error; /* UNREADABLE: why */
    UT_hash_handle hh;
};

struct yq_administrator {
    const char *id; /* employee id */
    bool super;
};

/* ---- what the events said ---- */

/* All that waits for one subject, coalesced: the newest of each. Times are WeCom's, in seconds; 0 =
 * no such event. The reported fields fill in only what cannot be read. */
struct yq_evidence {
    struct yq_subject subject;
    char key[YQ_SUBJECT_MAX];
    int64_t created_at, updated_at, deleted_at, entered_at, left_at;
    bool commanded;      /* an operator asks for it */
    bool reconciled;     /* a whole comparison found it: no event, nothing is said anew */
    bool gone_confirmed; /* absent from two complete listings of the whole company (decisions.md 1):
                            with 60111 it counts as deleted */
    bool said_leading;   /* an event said which departments it leads */
    const char *new_userid;                          /* NewUserID, or NULL */
    struct yq_wecom_member *reported_member;         /* known = what was said; NULL: nothing */
    struct yq_wecom_department *reported_department; /* NULL: nothing */
    int64_t reported_at[YQ_MEMBER_FIELD_COUNT];      /* when each reported field was said */
    unsigned attempts;                               /* how often this was tried before */
    int64_t waited_ms;                               /* since these events were first looked at */
    UT_hash_handle hh;
};

/* ---- the view ---- */

struct yq_view {
    struct yq_arena *arena;
    struct yq_evidence *evidence; /* uthash by key, in the order the events came */
    struct yq_wecom_department *wecom_departments;
    struct yq_wecom_member *wecom_members;
    struct yq_wecom_member *wecom_aside; /* read for what they say of others, not in question: who
                                            is only here is nobody's rival */
    size_t listed_people; /* in the listing of ids that members were read from; 0: none was */
    struct yq_eteams_department *eteams_departments;
    struct yq_eteams_member *eteams_members;
    struct yq_lookup *lookups;
    struct yq_link_department *department_links; /* by WeCom id */
    struct yq_link_member *member_links;         /* by lower-case userid */
    bool eteams_members_complete;                /* every in-service person is in the view */
    bool eteams_departments_complete; /* every department, disabled ones too, is in the view */
    enum yq_fact administrators_fact;
    struct yq_administrator *administrators;
    size_t administrator_count;
    const struct yq_error *administrators_error;
    const char *eteams_root; /* id of the department that W's root maps to; NULL: not known yet */
};

struct yq_view *yq_view_new(void);
void yq_view_free(struct yq_view *v);

/* Adds one event's hint for its subject; newer news wins field by field, equal times by call order.
 * `data` is the event's JSON. Returns the evidence, or NULL with an error if data cannot be read.
 */
struct yq_evidence *yq_view_add_event(struct yq_view *v, enum yq_event_kind kind,
                                      const struct yq_subject *subject, int64_t at,
                                      const char *data, struct yq_error *err);
struct yq_evidence *yq_view_evidence(const struct yq_view *v, const struct yq_subject *s);

/* A member's evidence as a JSON object, so that it can be kept: times, waited_ms, what was said. */
void yq_evidence_write(const struct yq_evidence *e, struct yq_buf *out);
/* Adds it to the view. Returns the evidence, or NULL with an error. */
struct yq_evidence *yq_view_add_evidence(struct yq_view *v, const struct yq_subject *subject,
                                         const char *json, struct yq_error *err);

/* The same of parsed JSON, for evidence that is there already; NULL: nothing to add. */
struct yq_evidence *yq_view_recall(struct yq_view *v, struct yq_evidence *e, const cJSON *json,
                                   struct yq_error *err);

/* Find, or make with fact UNASKED. Ids and keys are copied. */
struct yq_wecom_department *yq_view_wecom_department(struct yq_view *v, uint32_t id);
struct yq_wecom_member *yq_view_wecom_member(struct yq_view *v, const char *userid);
struct yq_eteams_department *yq_view_eteams_department(struct yq_view *v, const char *id);
struct yq_eteams_member *yq_view_eteams_member(struct yq_view *v, const char *id);
/* value need not be normalised; NULL if it normalises to nothing. */
struct yq_lookup *yq_view_lookup(struct yq_view *v, enum yq_lookup_field field, const char *value);
/* Only finds one that is there. */
const struct yq_lookup *yq_view_find_lookup(struct yq_view *v, enum yq_lookup_field field,
                                            const char *value);
/* To be called once a row's account, mobile, e-mail, job number and name are set: makes it
 * findable.
 */
void yq_view_index_member(struct yq_view *v, struct yq_eteams_member *m);

/* Only find; NULL if it is not in the view. */
const struct yq_wecom_department *yq_view_find_wecom_department(const struct yq_view *v,
                                                                uint32_t id);
const struct yq_wecom_member *yq_view_find_wecom_member(const struct yq_view *v,
                                                        const char *userid);
/* The row of whoever was asked for aside, if there is none among the members. */
const struct yq_wecom_member *yq_view_find_wecom_aside(const struct yq_view *v, const char *userid);
/* The rows that are read from now on stand aside; and the other way round. */
void yq_view_swap_aside(struct yq_view *v);
const struct yq_eteams_department *yq_view_find_eteams_department(const struct yq_view *v,
                                                                  const char *id);
const struct yq_eteams_member *yq_view_find_eteams_member(const struct yq_view *v, const char *id);
struct yq_link_department *yq_view_department_link(const struct yq_view *v, uint32_t id);
struct yq_link_member *yq_view_member_link(const struct yq_view *v, const char *userid);
/* A copy of the error that lives as long as the view. */
const struct yq_error *yq_view_error(struct yq_view *v, const struct yq_error *err);
/* Take over a copy of the link, and make it the owner of its eteams row if that is in the view.
 * Replaces an older one. */
struct yq_link_department *yq_view_set_department_link(struct yq_view *v,
                                                       const struct yq_link_department *link);
struct yq_link_member *yq_view_set_member_link(struct yq_view *v,
                                               const struct yq_link_member *link);
/* One of the view's own: it is found no more, though it lives as long as the view. */
void yq_view_drop_member_link(struct yq_view *v, struct yq_link_member *link);

#endif
