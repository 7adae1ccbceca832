/* Whom or what a change is about: "member:li.na", "department:12", "tag:5", "all". */
#ifndef YQ_MODEL_SUBJECT_H
#define YQ_MODEL_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define YQ_USERID_MAX 64  /* bytes (wecom.md §4.3) */
#define YQ_SUBJECT_MAX 80 /* bytes of the text form, with the NUL */

enum yq_subject_kind { YQ_SUBJECT_ALL, YQ_SUBJECT_MEMBER, YQ_SUBJECT_DEPARTMENT, YQ_SUBJECT_TAG };

struct yq_subject {
    enum yq_subject_kind kind;
    char userid[YQ_USERID_MAX + 1]; /* MEMBER: as WeCom spells it */
    uint32_t id;                    /* DEPARTMENT, TAG */
};

/* A userid is 1…64 bytes of [0-9A-Za-z_@.-], the first a letter or digit (wecom.md §4.3). */
bool yq_userid_valid(const char *text, size_t len);
/* 32-bit unsigned decimal without sign, blanks or leading zeros. Returns 0 or -1. */
int yq_wecom_id_parse(const char *text, size_t len, uint32_t *ret);

struct yq_subject yq_subject_all(void);
struct yq_subject yq_subject_member(const char *userid); /* userid must be valid */
struct yq_subject yq_subject_department(uint32_t id);
struct yq_subject yq_subject_tag(uint32_t id);

int yq_subject_parse(const char *text, struct yq_subject *ret, struct yq_error *err);
void yq_subject_format(const struct yq_subject *s, char out[YQ_SUBJECT_MAX]);
/* The form under which two spellings of one subject are the same: userids in lower case, because
 * WeCom compares them without case (wecom.md §4.3). */
void yq_subject_key(const struct yq_subject *s, char out[YQ_SUBJECT_MAX]);
/* Lower-case copy of a userid, the key of links and look-ups. */
void yq_userid_key(const char *userid, char out[YQ_USERID_MAX + 1]);

#endif
