/* The company as the simulated WeCom knows it: departments, members, tags, and the range that the
 * self-built app may see, with the rules that WeCom enforces (wecom.md §4, §5).
 *
 * Whatever can be refused returns WeCom's error code, 0 for success, and changes nothing when it
 * refuses. Both the API and the console go through these functions. */
#ifndef SIM_WECOM_DIRECTORY_H
#define SIM_WECOM_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#define WECOM_ROOT 1u
#define WECOM_DEPARTMENTS_MAX 100 /* of one member */
#define WECOM_LEADERS_MAX 5       /* direct leaders of one member */
#define WECOM_LEVELS_MAX 15
#define WECOM_NODES_MAX 30000 /* members and departments directly in a department */

struct wecom_member;

struct wecom_department {
    uint32_t id, order;
    char *name;
    char *place; /* "PARENT/NAME", the key of by_place */
    struct wecom_department *parent, *children, *prev, *next;
    struct wecom_membership *memberships;
    size_t member_count, child_count;
    uint64_t seen; /* visible if equal to the directory's generation */
    UT_hash_handle hh, hh_place;
};

struct wecom_membership {
    struct wecom_member *member;
    struct wecom_department *department;
    uint32_t order;
    bool leader;
    struct wecom_membership *prev, *next;
};

/* The text fields of a member; one table with their names is in wecom_member.c. */
enum wecom_text {
    WECOM_NAME,
    WECOM_POSITION,
    WECOM_MOBILE,
    WECOM_EMAIL,
    WECOM_ALIAS,
    WECOM_TELEPHONE,
    WECOM_TEXTS
};
/* Bits of a change: 1 << text, and these. */
#define WECOM_CHANGED(text) (1u << (text))
#define WECOM_CHANGED_DEPARTMENTS (1u << 8)
#define WECOM_CHANGED_MAIN (1u << 9)
#define WECOM_CHANGED_LEADER_IN (1u << 10)
#define WECOM_CHANGED_DIRECT (1u << 11)
#define WECOM_CHANGED_GENDER (1u << 12)
#define WECOM_CHANGED_STATUS (1u << 13)

enum wecom_status { WECOM_ACTIVE = 1, WECOM_DISABLED = 2, WECOM_NOT_ACTIVATED = 4, WECOM_LEFT = 5 };

struct wecom_member {
    size_t number; /* index in the directory's list; never given twice */
    char *userid;
    char *key;                    /* lower case */
    char *text[WECOM_TEXTS];      /* never NULL */
    char *mobile_key, *email_key; /* keys of the indexes; NULL where the field is empty */
    int gender, status;
    bool activated; /* was active once */
    bool renamed;   /* the userid can be changed once only */
    struct wecom_membership **places;
    size_t place_count;
    struct wecom_department *main;
    struct wecom_member *leaders[WECOM_LEADERS_MAX];
    size_t leader_count;
    size_t led; /* how many others name this one as a leader */
    uint64_t seen;
    UT_hash_handle hh, hh_mobile, hh_email;
};

struct wecom_tag {
    uint32_t id;
    char *name;
    struct wecom_member **members;
    size_t member_count, member_cap;
    struct wecom_department **departments;
    size_t department_count, department_cap;
    UT_hash_handle hh;
};

/* What the administrator ticked for the self-built app. */
struct wecom_range {
    struct wecom_department **departments;
    size_t department_count, department_cap;
    struct wecom_member **members;
    size_t member_count, member_cap;
    struct wecom_tag **tags;
    size_t tag_count, tag_cap;
};

struct wecom_directory {
    struct wecom_department *root, *departments, *by_place;
    struct wecom_member *members, *by_mobile, *by_email;
    struct wecom_member **list; /* by number, NULL where somebody was deleted */
    size_t list_len, list_cap;
    struct wecom_tag *tags;
    struct wecom_range range;
    uint32_t last_department, last_tag;
    char *creator;       /* key of the one who cannot be deleted, or NULL */
    uint64_t generation; /* of the marks `seen` */
    bool stale;          /* the marks must be set again */
};

/* What a console form or an API call says about a member. Not said: NULL, -1 or false. */
struct wecom_member_input {
    const char *text[WECOM_TEXTS];
    int gender, status;
    bool has_departments, has_orders, has_leader_in, has_direct;
    uint32_t departments[WECOM_DEPARTMENTS_MAX + 1], orders[WECOM_DEPARTMENTS_MAX + 1];
    bool leader_in[WECOM_DEPARTMENTS_MAX + 1];
    size_t department_count, order_count, leader_in_count;
    int64_t main;
    const char *direct[WECOM_LEADERS_MAX + 1];
    size_t direct_count;
};
#define WECOM_MEMBER_INPUT_INIT                                                                    \
    {                                                                                              \
        .gender = -1, .status = -1, .main = -1                                                     \
    }

/* A root with that name and nobody in it; the range is the whole company. */
struct wecom_directory *wecom_directory_new(const char *root_name);
void wecom_directory_free(struct wecom_directory *d);
/* The made-up company of tests/sim/company.h. */
struct wecom_directory *wecom_directory_make(uint64_t seed, size_t people, size_t departments);

struct wecom_department *wecom_department_find(struct wecom_directory *d, uint32_t id);
/* id 0: the next free one. */
int wecom_department_create(struct wecom_directory *d, uint32_t id, uint32_t parent,
                            const char *name, uint32_t order, struct wecom_department **ret);
/* name NULL, parent -1, order -1: unchanged. *ret_changed: 1 the name, 2 the parent, 4 the order.
 */
struct wecom_department_change {
    const char *name;
    int64_t parent, order;
};
int wecom_department_update(struct wecom_directory *d, struct wecom_department *department,
                            const struct wecom_department_change *change, unsigned *ret_changed);
/* Only an empty one: 60005, 60006, 60007. */
int wecom_department_delete(struct wecom_directory *d, struct wecom_department *department);
bool wecom_department_is_under(const struct wecom_department *department,
                               const struct wecom_department *top);

/* Looks up without case. */
struct wecom_member *wecom_member_find(struct wecom_directory *d, const char *userid);
int wecom_member_create(struct wecom_directory *d, const char *userid,
                        const struct wecom_member_input *input, struct wecom_member **ret);
int wecom_member_update(struct wecom_directory *d, struct wecom_member *m,
                        const struct wecom_member_input *input, unsigned *ret_changed);
int wecom_member_rename(struct wecom_directory *d, struct wecom_member *m, const char *userid);
int wecom_member_delete(struct wecom_directory *d, struct wecom_member *m);
/* What a member's fields are called in the JSON of the control side, by enum wecom_text; they are
 * the API's names too. */
extern const char *const wecom_text_names[WECOM_TEXTS];

struct wecom_tag *wecom_tag_find(struct wecom_directory *d, uint32_t id);
int wecom_tag_create(struct wecom_directory *d, uint32_t id, const char *name,
                     struct wecom_tag **ret);
void wecom_tag_delete(struct wecom_directory *d, struct wecom_tag *t);
/* Adding what is there already and removing what is not does nothing and returns false. */
bool wecom_tag_add_member(struct wecom_directory *d, struct wecom_tag *t, struct wecom_member *m);
bool wecom_tag_add_department(struct wecom_directory *d, struct wecom_tag *t,
                              struct wecom_department *department);
void wecom_tag_clear(struct wecom_directory *d, struct wecom_tag *t);

void wecom_range_clear(struct wecom_directory *d);
void wecom_range_add_department(struct wecom_directory *d, struct wecom_department *department);
void wecom_range_add_member(struct wecom_directory *d, struct wecom_member *m);
void wecom_range_add_tag(struct wecom_directory *d, struct wecom_tag *t);
/* What the app sees (wecom.md §4.5): ticked departments with all beneath them, ticked persons, and
 * both by way of ticked tags. */
bool wecom_sees_department(struct wecom_directory *d, const struct wecom_department *department);
bool wecom_sees_member(struct wecom_directory *d, const struct wecom_member *m);

/* Used among the files of the directory only. */
int wecom_member_check(struct wecom_directory *d, const struct wecom_member_input *in,
                       const struct wecom_member *m); /* m NULL: a new one */
bool wecom_userid_is_legal(const char *userid);
char *wecom_lower_case(const char *text);
/* Two spellings of one number have one key: without "+86" and hyphens. NULL for an empty one. */
char *wecom_mobile_key(const char *mobile);
void wecom_marks_forget_member(struct wecom_directory *d, const struct wecom_member *m);
void wecom_marks_forget_department(struct wecom_directory *d,
                                   const struct wecom_department *department);

#endif
