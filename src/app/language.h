/* The language of what administrators read: English or Chinese, through gettext. */
#ifndef YQ_APP_LANGUAGE_H
#define YQ_APP_LANGUAGE_H

#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text) /* marked for translation, translated where it is printed */

/* "en", "zh", or "auto" (LANGUAGE, LC_ALL, LC_MESSAGES, LANG). May be called again. Works where no
 * Chinese locale is installed, as long as the C library has C.UTF-8. */
void yq_language_set(const char *language);

#endif
