/* Subjects and their text forms. */
#include "model/subject.h"

#include <string.h>

static const char *const prefixes[] = {
    [YQ_SUBJECT_ALL] = "all",
    [YQ_SUBJECT_MEMBER] = "member:",
    [YQ_SUBJECT_DEPARTMENT] = "department:",
    [YQ_SUBJECT_TAG] = "tag:",
};

/* Not <ctype.h>: a locale must not change what an id is. */
static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool yq_userid_valid(const char *text, size_t len)
{
    if (len < 1 || len > YQ_USERID_MAX || !is_letter_or_digit(text[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        char c = text[i];
        if (!is_letter_or_digit(c) && c != '_' && c != '-' && c != '@' && c != '.')
            return false;
    }
    return true;
}

int yq_wecom_id_parse(const char *text, size_t len, uint32_t *ret)
{
    if (len < 1 || len > 10 || (text[0] == '0' && len > 1))
        return -1;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > UINT32_MAX)
        return -1;
    *ret = (uint32_t)value;
    return 0;
}

struct yq_subject yq_subject_all(void)
{
    return (struct yq_subject){.kind = YQ_SUBJECT_ALL};
}

static struct yq_subject member_of(const char *userid, size_t len)
{
    struct yq_subject s = {.kind = YQ_SUBJECT_MEMBER};
    memcpy(s.userid, userid, len);
    return s;
}

struct yq_subject yq_subject_member(const char *userid)
{
    return member_of(userid, strnlen(userid, YQ_USERID_MAX));
}

struct yq_subject yq_subject_department(uint32_t id)
{
    return (struct yq_subject){.kind = YQ_SUBJECT_DEPARTMENT, .id = id};
}

struct yq_subject yq_subject_tag(uint32_t id)
{
    return (struct yq_subject){.kind = YQ_SUBJECT_TAG, .id = id};
}

static int parse_id(enum yq_subject_kind kind, const char *text, struct yq_subject *ret,
                    struct yq_error *err)
{
    uint32_t id;
    if (yq_wecom_id_parse(text, strlen(text), &id) != 0)
        return yq_error_set(err, YQ_ERROR_INVALID, "a subject's id is not a 32-bit number");
    *ret = (struct yq_subject){.kind = kind, .id = id};
    return 0;
}

int yq_subject_parse(const char *text, struct yq_subject *ret, struct yq_error *err)
{
    for (int kind = YQ_SUBJECT_MEMBER; kind <= YQ_SUBJECT_TAG; kind++) {
        size_t len = strlen(prefixes[kind]);
        if (strncmp(text, prefixes[kind], len) != 0)
            continue;
        text += len;
        if (kind != YQ_SUBJECT_MEMBER)
            return parse_id((enum yq_subject_kind)kind, text, ret, err);
        len = strlen(text);
        if (!yq_userid_valid(text, len))
            return yq_error_set(err, YQ_ERROR_INVALID, "a subject's userid is malformed");
        *ret = member_of(text, len);
        return 0;
    }
    if (strcmp(text, prefixes[YQ_SUBJECT_ALL]) == 0) {
        *ret = yq_subject_all();
        return 0;
    }
    return yq_error_set(err, YQ_ERROR_INVALID,
                        "a subject is member:USERID, department:ID, tag:ID or all");
}

/* Without printf: this runs for every callback. */
static void put_number(uint32_t value, char *out)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        *out++ = digits[--count];
    *out = '\0';
}

void yq_subject_format(const struct yq_subject *s, char out[YQ_SUBJECT_MAX])
{
    const char *prefix = prefixes[s->kind];
    size_t len = strlen(prefix);
    memcpy(out, prefix, len + 1);
    if (s->kind == YQ_SUBJECT_MEMBER)
        memcpy(out + len, s->userid, strlen(s->userid) + 1);
    else if (s->kind != YQ_SUBJECT_ALL)
        put_number(s->id, out + len);
}

void yq_subject_key(const struct yq_subject *s, char out[YQ_SUBJECT_MAX])
{
    yq_subject_format(s, out);
    for (char *c = out; *c != '\0'; c++)
        *c = lower(*c);
}

void yq_userid_key(const char *userid, char out[YQ_USERID_MAX + 1])
{
    size_t i = 0;
    for (; userid[i] != '\0' && i < YQ_USERID_MAX; i++)
        out[i] = lower(userid[i]);
    out[i] = '\0';
}
