/* What WeCom refuses about a member, and with which code (wecom.md §5.1, §6.3). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "wecom_directory.h"

#define USERID_BYTES 64

char *wecom_lower_case(const char *text)
{
    char *copy = yq_strdup(text);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

char *wecom_mobile_key(const char *mobile)
{
    if (strncmp(mobile, "+86", 3) == 0)
        mobile += 3;
    char *key = yq_strdup(mobile), *to = key;
    for (const char *p = mobile; *p; p++)
        if (*p != '-')
            *to++ = *p;
    *to = '\0';
    if (key[0] != '\0')
        return key;
    free(key);
    return NULL;
}

bool wecom_userid_is_legal(const char *userid)
{
    size_t len = strlen(userid);
    if (len == 0 || len > USERID_BYTES || !isalnum((unsigned char)userid[0]))
        return false;
    for (const char *p = userid; *p; p++)
        if (!isalnum((unsigned char)*p) && strchr("_-@.", *p) == NULL)
            return false;
    return true;
}

static size_t characters_in(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static int check_mobile(struct wecom_directory *d, const char *mobile, const struct wecom_member *m)
{
    struct wecom_member *found = NULL;
    if (strlen(mobile) > 32 || strspn(mobile, "0123456789+-") != strlen(mobile))
        return 60103;
    char *key = wecom_mobile_key(mobile);
    if (key != NULL)
        HASH_FIND(hh_mobile, d->by_mobile, key, strlen(key), found);
    free(key);
    return found != NULL && found != m ? 60104 : 0;
}

static int check_email(struct wecom_directory *d, const char *email, const struct wecom_member *m)
{
    struct wecom_member *found = NULL;
    size_t len = strlen(email);
    if (len == 0)
        return 0;
    const char *at = strchr(email, '@');
    if (len < 6 || len > 64 || at == NULL || at == email || at[1] == '\0')
        return 60105;
    char *key = wecom_lower_case(email);
    HASH_FIND(hh_email, d->by_email, key, strlen(key), found);
    free(key);
    return found != NULL && found != m ? 60106 : 0;
}

static int check_texts(struct wecom_directory *d, const struct wecom_member_input *in,
                       const struct wecom_member *m)
{
    const char *name = in->text[WECOM_NAME], *telephone = in->text[WECOM_TELEPHONE];
    int code = 0;
    if (name != NULL && (name[0] == '\0' || characters_in(name) > 64))
        return 60112;
    if (in->text[WECOM_MOBILE] != NULL)
        code = check_mobile(d, in->text[WECOM_MOBILE], m);
    if (code == 0 && in->text[WECOM_EMAIL] != NULL)
        code = check_email(d, in->text[WECOM_EMAIL], m);
    if (code != 0)
        return code;
    if (in->text[WECOM_POSITION] != NULL && strlen(in->text[WECOM_POSITION]) > 128)
        return 301012;
    if (telephone != NULL &&
        (strlen(telephone) > 32 || strspn(telephone, "0123456789-") != strlen(telephone)))
        return 301013;
    if (in->text[WECOM_ALIAS] != NULL && characters_in(in->text[WECOM_ALIAS]) > 64)
        return 40058;
    return in->gender > 2 ? 40058 : 0;
}

static bool lists(const struct wecom_member_input *in, uint32_t id)
{
    for (size_t i = 0; i < in->department_count; i++)
        if (in->departments[i] == id)
            return true;
    return false;
}

static bool is_in(const struct wecom_member *m, const struct wecom_department *department)
{
    for (size_t i = 0; m != NULL && i < m->place_count; i++)
        if (m->places[i]->department == department)
            return true;
    return false;
}

static int check_departments(struct wecom_directory *d, const struct wecom_member_input *in,
                             const struct wecom_member *m)
{
    size_t count = in->has_departments ? in->department_count : m ? m->place_count : 1;
    if (in->has_departments && in->department_count == 0)
        return 40066;
    if (in->department_count > WECOM_DEPARTMENTS_MAX)
        return 60110;
    for (size_t i = 0; i < in->department_count; i++) {
        struct wecom_department *place = wecom_department_find(d, in->departments[i]);
        if (place == NULL)
            return 60123;
        if (place->child_count + place->member_count >= WECOM_NODES_MAX && !is_in(m, place))
            return 81001;
        for (size_t k = 0; k < i; k++)
            if (in->departments[k] == in->departments[i])
                return 40058;
    }
    if (in->has_orders && in->order_count != count)
        return 40058;
    if (in->has_leader_in && in->leader_in_count != count)
        return 60132;
    return 0;
}

static int check_main(struct wecom_directory *d, const struct wecom_member_input *in,
                      const struct wecom_member *m)
{
    if (in->main < 0)
        return 0;
    if (in->has_departments)
        return lists(in, (uint32_t)in->main) ? 0 : 40058;
    if (m == NULL)
        return in->main == WECOM_ROOT ? 0 : 40058;
    return is_in(m, wecom_department_find(d, (uint32_t)in->main)) ? 0 : 40058;
}

static int check_direct(struct wecom_directory *d, const struct wecom_member_input *in,
                        const struct wecom_member *m)
{
    if (in->direct_count > WECOM_LEADERS_MAX)
        return 60257;
    for (size_t i = 0; i < in->direct_count; i++) {
        const struct wecom_member *leader = wecom_member_find(d, in->direct[i]);
        if (leader == NULL)
            return 60111;
        if (leader == m)
            return 40058;
    }
    return 0;
}

int wecom_member_check(struct wecom_directory *d, const struct wecom_member_input *in,
                       const struct wecom_member *m)
{
    int code = check_texts(d, in, m);
    if (code == 0)
        code = check_departments(d, in, m);
    if (code == 0)
        code = check_main(d, in, m);
    if (code == 0)
        code = check_direct(d, in, m);
    return code;
}
