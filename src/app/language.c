/* Finding the catalogue and switching gettext on, also where hardly any locale is installed. */
#include "language.h"

#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "yunqiao"

/* What the environment asks for, in gettext's order. A locale need not be installed for that. */
static bool wants_chinese(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *language = getenv("LANGUAGE"), *locale = "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && locale[0] == '\0'; i++)
        locale = getenv(names[i]) ? getenv(names[i]) : "";
    bool is_c = locale[0] == '\0' || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
    if (!is_c && language != NULL && language[0] != '\0')
        return strncmp(language, "zh", 2) == 0;
    return strncmp(locale, "zh", 2) == 0;
}

/* Beside the program as it was built, as it was installed, or above a test. */
static void bind_catalogue(void)
{
    static const char *const places[] = {"share/locale", "../share/locale", "../../share/locale"};
    char program[PATH_MAX], folder[PATH_MAX + 32], catalogue[PATH_MAX + 96];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (len <= 0)
        return;
    program[len] = '\0';
    char *slash = strrchr(program, '/');
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(folder, sizeof(folder), "%s/%s", program, places[i]);
        snprintf(catalogue, sizeof(catalogue), "%s/zh_CN/LC_MESSAGES/" DOMAIN ".mo", folder);
        if (access(catalogue, R_OK) == 0) {
            bindtextdomain(DOMAIN, folder);
            return;
        }
    }
}

/* In the locale "C" the C library translates nothing; in any other, C.UTF-8 included, LANGUAGE
 * decides. */
void yq_language_set(const char *language)
{
    bool chinese =
        strcmp(language, "zh") == 0 || (strcmp(language, "auto") == 0 && wants_chinese());
    if (!chinese) {
        setlocale(LC_MESSAGES, "C");
        return;
    }
    if (setlocale(LC_MESSAGES, "zh_CN.UTF-8") == NULL && setlocale(LC_MESSAGES, "C.UTF-8") == NULL)
        return;
    setenv("LANGUAGE", "zh_CN", 1);
    bind_catalogue();
    bind_textdomain_codeset(DOMAIN, "UTF-8");
    textdomain(DOMAIN);
}
