/* Reading the configuration as a whole, and gathering its faults by line. */
#include "app/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config_table.h"
#include "crypto/secret.h"
#include "language.h"

#define KEY_SHOWN 120 /* characters of a key; it may be anything */

/* Keys and values come from the file: no line ends or other control characters get through. */
static void add_clean(struct yq_buf *out, const char *key, size_t most)
{
    for (size_t i = 0; key[i] != '\0'; i++) {
        if (i == most) {
            yq_buf_adds(out, "…");
            return;
        }
        yq_buf_addc(out, (unsigned char)key[i] < ' ' || key[i] == 127 ? '?' : key[i]);
    }
}

void yq_config_fault(struct yq_config_draft *d, size_t line, const char *key, const char *format,
                     ...)
{
    struct yq_buf text = YQ_BUF_INIT;
    char sentence[512];
    va_list args;
    if (d->fault_count >= YQ_CONFIG_FAULTS)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    add_clean(&text, key, KEY_SHOWN);
    yq_buf_adds(&text, key[0] != '\0' ? ": " : "");
    add_clean(&text, sentence, sizeof(sentence));
    yq_grow(&d->faults, &d->fault_capacity, d->fault_count, sizeof(*d->faults));
    d->faults[d->fault_count++] = (struct yq_config_fault){line, yq_buf_steal(&text)};
}

/* Stable, and short: there are never many. */
static void sort_faults(struct yq_config_draft *d)
{
    for (size_t i = 1; i < d->fault_count; i++) {
        struct yq_config_fault f = d->faults[i];
        size_t at = i;
        for (; at > 0 && d->faults[at - 1].line > f.line; at--)
            d->faults[at] = d->faults[at - 1];
        d->faults[at] = f;
    }
}

static void print_faults(struct yq_config_draft *d, struct yq_buf *out)
{
    sort_faults(d);
    for (size_t i = 0; i < d->fault_count; i++) {
        yq_buf_addf(out, "%s:%zu: %s\n", d->path, d->faults[i].line, d->faults[i].text);
        free(d->faults[i].text);
    }
    if (d->fault_count == YQ_CONFIG_FAULTS)
        yq_buf_addf(out, _("%s: more than that is not shown\n"), d->path);
    free(d->faults);
}

int yq_config_parse(const char *path, const char *text, size_t len, struct yq_settings **ret,
                    struct yq_buf *ret_faults)
{
    struct yq_config_draft d = {.path = path, .s = yq_calloc(1, sizeof(*d.s))};
    yq_config_read_yaml(&d, text, len);
    yq_config_finish(&d);
    bool good = d.fault_count == 0;
    print_faults(&d, ret_faults);
    if (!good) {
        yq_settings_free(d.s);
        return -1;
    }
    *ret = d.s;
    return 0;
}

int yq_config_load(const char *path, struct yq_settings **ret, struct yq_buf *ret_faults)
{
    int result = -1;
    char *text = NULL;
    size_t len = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        yq_buf_addf(ret_faults, _("%s: cannot be read: %s\n"), path, strerror(errno));
        return -1;
    }
    text = yq_malloc(YQ_CONFIG_MAX_BYTES + 1);
    len = fread(text, 1, YQ_CONFIG_MAX_BYTES + 1, file);
    if (ferror(file) != 0)
        yq_buf_addf(ret_faults, _("%s: cannot be read: %s\n"), path, strerror(errno));
    else if (len > YQ_CONFIG_MAX_BYTES)
        yq_buf_addf(ret_faults, _("%s: is larger than 1 MiB\n"), path);
    else
        result = yq_config_parse(path, text, len, ret, ret_faults);
    fclose(file);
    yq_secret_wipe(text, len);
    free(text);
    return result;
}
