/* Look-ups in the oracle's trees, one after the other from the front, and comparisons. */
#include "facts.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

void differ(struct judge *j, const char *whom, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    yq_buf_addf(j->out, "%s: %s\n", whom, line);
    j->differences++;
}

/* ---- trees ---- */

const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

uint32_t id_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? (uint32_t)item->valuedouble : 0;
}

bool option_true(const struct judge *j, const char *key, bool fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(j->c->options, key);
    return item ? cJSON_IsTrue(item) : fallback;
}

bool option_is(const struct judge *j, const char *key, const char *value)
{
    return strcmp(text_of(j->c->options, key), value) == 0;
}

static bool lists_text(const cJSON *list, const char *value)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, list) {
        if (cJSON_IsString(item) && strcasecmp(item->valuestring, value) == 0)
            return true;
    }
    return false;
}

bool option_lists(const struct judge *j, const char *key, const char *value)
{
    return lists_text(cJSON_GetObjectItemCaseSensitive(j->c->options, key), value);
}

const cJSON *find_record(const cJSON *state, const char *table, const char *id)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(state, table)) {
        if (strcmp(text_of(item, "id"), id) == 0)
            return item;
    }
    return NULL;
}

const cJSON *find_wecom_department(const struct judge *j, uint32_t id)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "departments")) {
        if (id_of(item, "id") == id)
            return item;
    }
    return NULL;
}

const cJSON *find_wecom_member(const struct judge *j, const char *userid)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(j->c->wecom, "members")) {
        if (same_userid(text_of(item, "userid"), userid))
            return item;
    }
    return NULL;
}

static const cJSON *visible(const struct judge *j, const char *table)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(j->c->wecom, "visible");
    return cJSON_GetObjectItemCaseSensitive(all, table);
}

bool department_visible(const struct judge *j, uint32_t id)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, visible(j, "departments")) {
        if ((uint32_t)item->valuedouble == id)
            return true;
    }
    return false;
}

bool member_visible(const struct judge *j, const char *userid)
{
    return lists_text(visible(j, "members"), userid);
}

bool touched(const struct judge *j, const char *subject, const char *kind)
{
    const cJSON *kinds = cJSON_GetObjectItemCaseSensitive(j->c->touched, subject);
    return kinds != NULL && (kind == NULL || lists_text(kinds, kind));
}

bool member_touched(const struct judge *j, const char *userid, const char *kind)
{
    char subject[96];
    (void)snprintf(subject, sizeof(subject), "member:%s", userid);
    for (char *c = subject; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return touched(j, subject, kind);
}

/* ---- links ---- */

const char *linked_department(const cJSON *links, uint32_t id)
{
    char key[16];
    (void)snprintf(key, sizeof(key), "%u", id);
    const cJSON *link = cJSON_GetObjectItemCaseSensitive(links, key);
    return link != NULL ? text_of(link, "eteams") : NULL;
}

const char *linked_member(const cJSON *links, const char *userid)
{
    const cJSON *link;
    cJSON_ArrayForEach (link, links) {
        if (same_userid(link->string, userid))
            return text_of(link, "eteams");
    }
    return NULL;
}

const char *owner_of_record(const cJSON *links, const char *eteams)
{
    const cJSON *link;
    cJSON_ArrayForEach (link, links) {
        if (strcmp(text_of(link, "eteams"), eteams) == 0)
            return link->string;
    }
    return NULL;
}

const char *root_of(const cJSON *state)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(state, "departments")) {
        const char *parent = text_of(item, "parent");
        if (*parent == '\0' || strcmp(parent, "0") == 0)
            return text_of(item, "id");
    }
    return "";
}

const char *counterpart(const struct judge *j, const cJSON *links, uint32_t id)
{
    return id == 1 ? root_of(j->c->before) : linked_department(links, id);
}

/* ---- people ---- */

bool in_service(const cJSON *person)
{
    const char *status = text_of(person, "personnel_status");
    return strlen(status) == 1 && *status >= '1' && *status <= '5';
}

const char *main_department_of(const cJSON *person)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(person, "department");
    const cJSON *first = cJSON_GetArrayItem(list, 0);
    return cJSON_IsString(first) ? first->valuestring : "";
}

const cJSON *next_post(const cJSON *state, const char *person, const cJSON *from)
{
    const cJSON *posts = cJSON_GetObjectItemCaseSensitive(state, "posts");
    const cJSON *post = from ? from->next : posts ? posts->child : NULL;
    while (post != NULL && strcmp(text_of(post, "id"), person) != 0)
        post = post->next;
    return post;
}

bool has_post(const cJSON *state, const char *person, const char *department)
{
    for (const cJSON *p = NULL; (p = next_post(state, person, p)) != NULL;) {
        if (strcmp(text_of(p, "departmentId"), department) == 0)
            return true;
    }
    return false;
}

bool is_ours(const cJSON *post)
{
    return strcmp(text_of(post, "externalSyncType"), "openapi") == 0 &&
           strncmp(text_of(post, "externalSyncId"), "yq-", 3) == 0;
}

/* ---- comparisons ---- */

bool same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool same_userid(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* Code points after NFC, without blanks around; the full-width bar counts as the half-width one. */
static size_t name_points(const char *name, utf8proc_int32_t *out, size_t max)
{
    utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)name);
    size_t n = 0, first = 0, at = 0, len = nfc ? strlen((char *)nfc) : 0;
    while (at < len && n < max) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate(nfc + at, (utf8proc_ssize_t)(len - at), &c);
        if (step <= 0)
            break;
        at += (size_t)step;
        out[n++] = c == 0xFF5C ? '|' : c;
    }
    free(nfc);
    while (n > 0 && (out[n - 1] == 0x3000 || out[n - 1] == 0xA0 || (out[n - 1] <= ' ')))
        n--;
    while (first < n && (out[first] == 0x3000 || out[first] == 0xA0 || out[first] <= ' '))
        first++;
    memmove(out, out + first, (n - first) * sizeof(*out));
    return n - first;
}

bool same_name(const char *a, const char *b)
{
    utf8proc_int32_t left[256], right[256];
    size_t n = name_points(a, left, 256), m = name_points(b, right, 256);
    return n == m && memcmp(left, right, n * sizeof(*left)) == 0;
}

static void mobile_digits(const char *mobile, char out[64])
{
    size_t n = 0;
    if (strncmp(mobile, "+86", 3) == 0)
        mobile += 3;
    else if (strncmp(mobile, "0086", 4) == 0)
        mobile += 4;
    for (; *mobile != '\0' && n < 63; mobile++) {
        if (isdigit((unsigned char)*mobile) || (*mobile == '+' && n == 0))
            out[n++] = *mobile;
    }
    out[n] = '\0';
}

bool same_mobile(const char *a, const char *b)
{
    char left[64], right[64];
    mobile_digits(a, left);
    mobile_digits(b, right);
    return strcmp(left, right) == 0;
}

bool same_email(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static char sex_letter(const char *sex)
{
    return *sex == '1' || *sex == 'm' ? 'm' : *sex == '2' || *sex == 'f' ? 'f' : ' ';
}

bool same_sex(const char *a, const char *b)
{
    return sex_letter(a) == sex_letter(b);
}
