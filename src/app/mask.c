/* What is personal, and how much of it shows. */
#include "mask.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_local(char c) /* of an e-mail's name or host */
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("._%+-", c) != NULL);
}

bool yq_mask_is_personal(const char *field)
{
    static const char *const names[] = {"mobile",   "telephone", "phone", "email",
                                        "biz_mail", "bizmail",   "mail",  "address"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(field, names[i]) == 0)
            return true;
    }
    return false;
}

static void mask_part(const char *value, size_t len, struct yq_buf *out)
{
    const char *at = memchr(value, '@', len);
    if (at != NULL && at > value) {
        yq_buf_addc(out, value[0]);
        yq_buf_adds(out, "***");
        yq_buf_add(out, at, len - (size_t)(at - value));
    } else if (len >= 11) {
        yq_buf_add(out, value, len - 8);
        yq_buf_adds(out, "****");
        yq_buf_add(out, value + len - 4, 4);
    } else {
        yq_buf_adds(out, len > 0 ? "****" : "");
    }
}

void yq_mask_value(const char *value, struct yq_buf *out)
{
    mask_part(value, strlen(value), out);
}

void yq_mask_json(cJSON *tree)
{
    for (cJSON *item = tree->child; item != NULL; item = item->next) {
        if (cJSON_IsString(item) && item->string != NULL && yq_mask_is_personal(item->string)) {
            struct yq_buf hidden = YQ_BUF_INIT;
            yq_mask_value(item->valuestring, &hidden);
            (void)cJSON_SetValuestring(item, yq_buf_text(&hidden));
            yq_buf_release(&hidden);
        } else if (cJSON_IsNumber(item) && item->string != NULL &&
                   yq_mask_is_personal(item->string)) {
            cJSON_SetNumberValue(item, 0);
        } else {
            yq_mask_json(item);
        }
    }
}

/* Length of the e-mail that begins here, or 0. */
static size_t email_at(const char *text)
{
    size_t name = 0, host = 0;
    while (is_local(text[name]))
        name++;
    if (name == 0 || text[name] != '@')
        return 0;
    while (is_local(text[name + 1 + host]))
        host++;
    return memchr(text + name + 1, '.', host) != NULL ? name + 1 + host : 0;
}

/* Length of the Chinese mobile that begins here, or 0. */
static size_t mobile_at(const char *text)
{
    size_t len = 0;
    while (is_digit(text[len]))
        len++;
    bool plain = len == 11 && text[0] == '1' && text[1] >= '3';
    bool country = len == 13 && strncmp(text, "861", 3) == 0;
    return plain || country ? len : 0;
}

/* Length of the name in "<Name>", if it is a personal element, else 0. */
static size_t element_at(const char *text)
{
    char name[16];
    size_t len = text[0] == '<' ? strcspn(text + 1, "<> \t\r\n/") : 0;
    if (len < 1 || len >= sizeof(name) || text[1 + len] != '>')
        return 0;
    memcpy(name, text + 1, len);
    name[len] = '\0';
    return yq_mask_is_personal(name) ? len : 0;
}

/* Copies "<Name>…" up to its end tag with the content hidden; returns the bytes it took. */
static size_t mask_element(const char *text, size_t name, struct yq_buf *out)
{
    static const char open[] = "<![CDATA[";
    const char *content = text + name + 2;
    bool cdata = strncmp(content, open, sizeof(open) - 1) == 0;
    if (cdata)
        content += sizeof(open) - 1;
    const char *end = strstr(content, cdata ? "]]>" : "<");
    size_t len = end != NULL ? (size_t)(end - content) : strlen(content);
    yq_buf_add(out, text, (size_t)(content - text));
    mask_part(content, len, out);
    return (size_t)(content - text) + len;
}

void yq_mask_text(const char *text, struct yq_buf *out)
{
    for (size_t i = 0; text[i] != '\0';) {
        bool inside = i > 0 && is_local(text[i - 1]);
        size_t name = element_at(text + i);
        size_t len = inside ? 0 : email_at(text + i);
        if (len == 0 && (i == 0 || !is_digit(text[i - 1])))
            len = mobile_at(text + i);
        if (name > 0) {
            i += mask_element(text + i, name, out);
        } else if (len > 0) {
            mask_part(text + i, len, out);
            i += len;
        } else {
            yq_buf_addc(out, text[i++]);
        }
    }
}
