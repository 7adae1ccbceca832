/* What a single text of the configuration must look like. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/redis.h"
#include "config_table.h"
#include "crypto/wecom_crypt.h"
#include "language.h"
#include "model/subject.h"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* True if all of it is letters, digits, or one of `more`. */
static bool made_of(const char *text, const char *more)
{
    for (; *text != '\0'; text++) {
        if (!is_alnum(*text) && strchr(more, *text) == NULL)
            return false;
    }
    return true;
}

static bool is_printable(const char *text, bool blanks)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 127 || (c == ' ' && !blanks))
            return false;
    }
    return true;
}

static bool is_number(const char *text, size_t most)
{
    size_t len = strspn(text, "0123456789");
    return len > 0 && len <= most && text[len] == '\0';
}

const char *yq_check_word(const char *text)
{
    return is_printable(text, false) && strlen(text) <= 1024
               ? NULL
               : N_("must not hold blanks or control characters");
}

const char *yq_check_address(const char *text)
{
    static const char *const must = N_("must be HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080");
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || strlen(text) > 255 || !is_number(colon + 1, 5) ||
        atoi(colon + 1) > 65535)
        return must;
    if (text[0] == '[')
        return colon[-1] == ']' && colon - text > 2 ? NULL : must;
    for (const char *c = text; c < colon; c++) {
        if (!is_alnum(*c) && strchr(".-_*", *c) == NULL)
            return must;
    }
    return NULL;
}

/* A number is put behind it while it is made, and the system takes 107 bytes. */
const char *yq_check_socket_path(const char *text)
{
    return text[0] == '/' && strlen(text) <= 90 && is_printable(text, true)
               ? NULL
               : N_("must be a path from / on, of at most 90 bytes");
}

/* The text behind the scheme, or NULL. */
static const char *behind_scheme(const char *text, const char *scheme)
{
    size_t len = strlen(scheme);
    return strncmp(text, scheme, len) == 0 ? text + len : NULL;
}

const char *yq_check_url(const char *text)
{
    const char *host = behind_scheme(text, "https://");
    if (host == NULL)
        host = behind_scheme(text, "http://");
    size_t len = strlen(text);
    if (host == NULL || !(is_alnum(*host) || *host == '[') || !is_printable(text, false) ||
        strpbrk(text, "?#@\\") != NULL || len > 512)
        return N_("must be an address as https://HOST/PATH, without user, query or fragment");
    return text[len - 1] == '/' ? N_("must not end with a slash") : NULL;
}

const char *yq_check_webhook(const char *text)
{
    const char *host = behind_scheme(text, "https://");
    if (host == NULL)
        host = behind_scheme(text, "http://");
    bool fits = host != NULL && (is_alnum(*host) || *host == '[') && is_printable(text, false) &&
                strpbrk(text, "#\\") == NULL && strlen(text) <= 1024;
    size_t len = host != NULL ? strcspn(host, "/?") : 0;
    if (!fits || memchr(host, '@', len) != NULL)
        return N_("must be an address as https://HOST/PATH?QUERY, without user or fragment");
    return NULL;
}

const char *yq_check_proxy(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://", "socks5h://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const char *host = behind_scheme(text, schemes[i]);
        if (host != NULL && *host != '\0' && is_printable(text, false))
            return NULL;
    }
    return N_("must be an address as http://HOST:PORT or socks5h://HOST:PORT");
}

const char *yq_check_redis(const char *text)
{
    struct yq_redis_address address;
    if (yq_redis_address_parse(text, &address, NULL) == 0)
        return NULL;
    return N_("must be redis://[USER:PASSWORD@]HOST[:PORT][/DB] or unix:/PATH[?db=N]");
}

static const char *check_credential(const char *text, size_t most)
{
    return strlen(text) <= most && is_printable(text, false)
               ? NULL
               : N_("is too long, or holds blanks or control characters");
}

const char *yq_check_master(const char *text)
{
    return check_credential(text, sizeof(((struct yq_redis_address *)NULL)->master) - 1);
}

const char *yq_check_redis_user(const char *text)
{
    return check_credential(text, sizeof(((struct yq_redis_address *)NULL)->user) - 1);
}

const char *yq_check_redis_password(const char *text)
{
    return check_credential(text, sizeof(((struct yq_redis_address *)NULL)->password) - 1);
}

const char *yq_check_header(const char *text)
{
    const char *colon = strchr(text, ':');
    bool named = colon != NULL && colon > text;
    for (const char *c = text; named && c < colon; c++)
        named = is_alnum(*c) || strchr("!#$%&'*+-.^_`|~", *c) != NULL;
    return named && is_printable(text, true) ? NULL : N_("must be \"Name: value\"");
}

const char *yq_check_connection_id(const char *text)
{
    size_t len = strlen(text);
    bool fits = len >= 1 && len <= 40 && made_of(text, "_-");
    for (const char *c = text; fits && *c != '\0'; c++)
        fits = *c < 'A' || *c > 'Z';
    return fits ? NULL : N_("must be 1 to 40 of a-z, 0-9, '_' and '-'");
}

const char *yq_check_prefix(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 31 && made_of(text, "_-.:")
               ? NULL
               : N_("must be 1 to 31 letters, digits, '_', '-', '.' or ':'");
}

const char *yq_check_corp_id(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 64 && made_of(text, "_-")
               ? NULL
               : N_("must be 1 to 64 letters, digits, '_' or '-'");
}

const char *yq_check_token(const char *text)
{
    size_t len = strlen(text);
    return len >= 1 && len <= 32 && made_of(text, "") ? NULL
                                                      : N_("must be 1 to 32 letters and digits");
}

const char *yq_check_aes_key(const char *text)
{
    return strlen(text) == YQ_WECOM_AES_KEY_TEXT && made_of(text, "")
               ? NULL
               : N_("must be exactly 43 letters and digits");
}

const char *yq_check_userid(const char *text)
{
    return yq_userid_valid(text, strlen(text))
               ? NULL
               : N_("must be a userid: 1 to 64 letters, digits, '_', '-', '@' or '.'");
}

const char *yq_check_department(const char *text)
{
    uint32_t id;
    return yq_wecom_id_parse(text, strlen(text), &id) == 0
               ? NULL
               : N_("must be a department id: a number from 0 to 4294967295");
}

const char *yq_check_digits(const char *text)
{
    return is_number(text, 20) ? NULL : N_("must be an id of eteams: up to 20 digits, in quotes");
}

const char *yq_check_time_of_day(const char *text)
{
    bool fits =
        *text == '\0' || (strlen(text) == 5 && text[2] == ':' && isdigit((unsigned char)text[0]) &&
                          isdigit((unsigned char)text[1]) && isdigit((unsigned char)text[3]) &&
                          isdigit((unsigned char)text[4]) && atoi(text) < 24 && text[3] < '6');
    return fits ? NULL : N_("must be a time of day in quotes, from \"00:00\" to \"23:59\"");
}

/* A zone that the C library does not know would silently be UTC. Where the system has no zones at
 * all, the name cannot be judged. */
const char *yq_check_time_zone(const char *text)
{
    static const char folder[] = "/usr/share/zoneinfo/";
    static const char *const must = N_("must be a time zone as Asia/Shanghai or UTC");
    char path[sizeof(folder) + 64];
    size_t len = strlen(text);
    if (len < 1 || len > 64 || text[0] == '/' || !made_of(text, "/_+-") || strstr(text, "//"))
        return must;
    if (access(folder, F_OK) != 0)
        return NULL;
    memcpy(path, folder, sizeof(folder) - 1);
    memcpy(path + sizeof(folder) - 1, text, len + 1);
    return access(path, R_OK) == 0 ? NULL : must;
}
