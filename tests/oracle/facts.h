/* Reading the oracle's trees: plain look-ups and its own way of comparing values. */
#ifndef TEST_ORACLE_FACTS_H
#define TEST_ORACLE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "oracle.h"

struct judge {
    const struct oracle_case *c;
    struct yq_buf *out;
    size_t differences;
};

void differ(struct judge *j, const char *whom, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *text_of(const cJSON *object, const char *key); /* "" where there is none */
uint32_t id_of(const cJSON *object, const char *key);
bool option_true(const struct judge *j, const char *key, bool fallback);
bool option_is(const struct judge *j, const char *key, const char *value);
bool option_lists(const struct judge *j, const char *key, const char *value);

/* The element of an array of objects whose id is this text. */
const cJSON *find_record(const cJSON *state, const char *table, const char *id);
const cJSON *find_wecom_department(const struct judge *j, uint32_t id);
const cJSON *find_wecom_member(const struct judge *j, const char *userid);
bool department_visible(const struct judge *j, uint32_t id);
bool member_visible(const struct judge *j, const char *userid);
/* Was the subject touched by such an event, or by any (kind NULL)? */
bool touched(const struct judge *j, const char *subject, const char *kind);
bool member_touched(const struct judge *j, const char *userid, const char *kind);

/* eteams' id of a linked subject; NULL where there is no link. */
const char *linked_department(const cJSON *links, uint32_t id);
const char *linked_member(const cJSON *links, const char *userid);
/* The key of the link that points to an eteams record; NULL: nobody's. */
const char *owner_of_record(const cJSON *links, const char *eteams);
/* The department that W's stands for: its link, and the root for W's root. */
const char *counterpart(const struct judge *j, const cJSON *links, uint32_t id);
const char *root_of(const cJSON *state);

bool in_service(const cJSON *person);
const char *main_department_of(const cJSON *person);
/* Part-time posts of a person as [{departmentId,externalSyncType},…]: the index of the next after
 * `from`, or NULL. */
const cJSON *next_post(const cJSON *state, const char *person, const cJSON *from);
bool has_post(const cJSON *state, const char *person, const char *department);
bool is_ours(const cJSON *post);

bool same_text(const char *a, const char *b);
bool same_userid(const char *a, const char *b);
bool same_name(const char *a, const char *b);   /* NFC, blanks around cut */
bool same_mobile(const char *a, const char *b); /* digits; +86 is nothing */
bool same_email(const char *a, const char *b);  /* case ignored */
bool same_sex(const char *a, const char *b);    /* "1" is "male" */

/* oracle_departments.c */
void judge_departments(struct judge *j);
/* No counterpart can be expected: a case, an unreadable name, or below such a one. */
bool department_unreadable(const struct judge *j, uint32_t id);
bool department_excused(const struct judge *j, uint32_t id);

/* oracle_people.c: who is who */
enum fate { FATE_NONE, FATE_WORKS, FATE_LEFT };
enum fate fate_of(const struct judge *j, const char *userid);
/* The userid before a change of userid; the same where there was none. */
const char *userid_before(const struct judge *j, const char *userid);
/* The person of a W member that was there before the run: linked, or found (decision 3); NULL for a
 * new one. *ret_case: a person must decide, nothing may happen. */
const cJSON *person_before(const struct judge *j, const cJSON *member, bool *ret_case);
/* Found by no key, since mobile and e-mail cannot be read: and yet a person of that name and
 * department is there, who is nobody else's. A person decides, unless an operator has said that he
 * is to be made. */
bool may_be_there(const struct judge *j, const cJSON *member);
/* In a history: somebody else was linked meanwhile with a person whom this member could be, too. */
bool contested(const struct judge *j, const cJSON *member);
/* The deleted member who becomes this one, or whom he is too much like (decision 19). */
const char *predecessor(const struct judge *j, const cJSON *member, bool *ret_sure);
/* The touched new member who may be this deleted one. */
const cJSON *successor(const struct judge *j, const char *userid, bool *ret_sure);
/* Rule 13: would resigning all leavers leave no administrator, and is this the one who stays? */
bool kept_as_administrator(const struct judge *j, const cJSON *person);

/* oracle_superiors.c: rule S2 of one member who works; must: he was in question. */
void judge_superiors(struct judge *j, const cJSON *m, const cJSON *was, const cJSON *is, bool must);
/* Are they as before? */
bool judge_own_superiors(struct judge *j, const cJSON *was, const cJSON *is);

/* oracle_members.c */
/* Decision 18: a key that the old account was bound to is somebody else's by now, in eteams or in
 * W: taking him back would clash, so a person decides. */
bool bound_elsewhere(const struct judge *j, const cJSON *m, const char *id);
void judge_members(struct judge *j);

#endif
