/* One value of the configuration: from its text to its place in the settings. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "config_table.h"
#include "crypto/secret.h"
#include "language.h"

#define SECRET_MAX (64 * 1024) /* bytes of a secret's file */

struct unit {
    const char *name;
    int64_t factor;
};
static const struct unit durations[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1},
                                    {"B", 1},
                                    {"KiB", 1024},
                                    {"MiB", INT64_C(1024) * 1024},
                                    {"GiB", INT64_C(1024) * 1024 * 1024},
                                    {NULL, 0}};
static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* Digits and a unit. Returns 0, or -1 where it is neither, or too large. */
static int parse_amount(const char *text, const struct unit *units, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 15)
        return -1;
    int64_t number = strtoll(text, NULL, 10);
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (strcmp(text + digits, u->name) == 0)
            return __builtin_mul_overflow(number, u->factor, ret) ? -1 : 0;
    }
    return -1;
}

/* The largest unit that leaves a whole number. */
static const char *print_amount(int64_t value, const struct unit *units, char out[40])
{
    const struct unit *best = &units[0];
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (value != 0 && value % u->factor == 0)
            best = u;
    }
    snprintf(out, 40, "%lld%s", (long long)(value / best->factor), best->name);
    return out;
}

static int place_in_choices(const char *choices, const char *text)
{
    size_t len = strlen(text);
    int place = 0;
    for (const char *c = choices;; place++) {
        size_t size = strcspn(c, "|");
        if (size == len && memcmp(c, text, len) == 0)
            return place;
        if (c[size] == '\0')
            return -1;
        c += size + 1;
    }
}

/* Where the value may be shown, the sentence ends with it. */
static int refuse(struct yq_config_draft *d, const struct yq_option *o,
                  const struct yq_config_place *place, const char *text, const char *must)
{
    if ((o->flags & YQ_OPTION_SECRET) != 0 || !place->literal || strlen(text) > 80)
        yq_config_fault(d, place->line, place->key, "%s", must);
    else
        yq_config_fault(d, place->line, place->key, _("%s, not \"%s\""), must, text);
    return -1;
}

static int store_text(struct yq_config_draft *d, const struct yq_option *o, void *at,
                      const char *text, const struct yq_config_place *place)
{
    const char *must = NULL;
    if (text[0] == '\0' && (o->flags & YQ_OPTION_REQUIRED) != 0)
        return refuse(d, o, place, text, _("must not be empty"));
    if (o->choices != NULL && place_in_choices(o->choices, text) < 0) {
        char *sentence = yq_printf(_("must be one of %s"), o->choices);
        (void)refuse(d, o, place, text, sentence);
        free(sentence);
        return -1;
    }
    if (o->check != NULL && text[0] != '\0')
        must = o->check(text);
    if (must != NULL)
        return refuse(d, o, place, text, _(must));
    free(*(char **)at);
    *(char **)at = yq_strdup(text);
    return 0;
}

static int store_choice(struct yq_config_draft *d, const struct yq_option *o, void *at,
                        const char *text, const struct yq_config_place *place)
{
    const char *choices = o->type == YQ_OPTION_BOOL ? "false|true" : o->choices;
    int chosen = place_in_choices(choices, text);
    char *sentence = NULL;
    if (chosen < 0)
        sentence = yq_printf(_("must be one of %s"), choices);
    else if (o->later != NULL && strcmp(o->later, text) == 0)
        sentence = yq_printf(_("%s is not supported yet"), text);
    if (sentence != NULL) {
        chosen < 0 ? (void)refuse(d, o, place, text, sentence)
                   : yq_config_fault(d, place->line, place->key, "%s", sentence);
        free(sentence);
        return -1;
    }
    if (o->type == YQ_OPTION_BOOL)
        *(bool *)at = chosen == 1;
    else
        *(unsigned *)at = (unsigned)chosen;
    return 0;
}

static const struct unit *units_of(const struct yq_option *o)
{
    if (o->type == YQ_OPTION_DURATION)
        return durations;
    return o->type == YQ_OPTION_SIZE ? sizes : no_units;
}

static void put_amount(const struct yq_option *o, void *at, int64_t value)
{
    if (o->type == YQ_OPTION_INT)
        *(int *)at = (int)value;
    else if (o->type == YQ_OPTION_SIZE)
        *(size_t *)at = (size_t)value;
    else if (o->type == YQ_OPTION_NUMBER)
        *(double *)at = (double)value;
    else
        *(int64_t *)at = value;
}

static char *amount_sentence(const struct yq_option *o, const struct unit *units)
{
    char from[40], to[40];
    print_amount(o->min, units, from);
    print_amount(o->max, units, to);
    if (o->type == YQ_OPTION_DURATION)
        return yq_printf(_("must be a time from %s to %s, in ms, s, m, h or d"), from, to);
    if (o->type == YQ_OPTION_SIZE)
        return yq_printf(_("must be a size from %s to %s, in B, KiB or MiB"), from, to);
    return yq_printf(_("must be a whole number from %s to %s"), from, to);
}

static int store_amount(struct yq_config_draft *d, const struct yq_option *o, void *at,
                        const char *text, const struct yq_config_place *place)
{
    int64_t value;
    const struct unit *units = units_of(o);
    bool zero = o->type == YQ_OPTION_DURATION && strcmp(text, "0") == 0;
    if (zero)
        value = 0;
    else if (parse_amount(text, units, &value) != 0)
        value = -1;
    if (value >= 0 && value >= o->min && value <= o->max) {
        put_amount(o, at, value);
        return 0;
    }
    char *must = amount_sentence(o, units);
    (void)refuse(d, o, place, text, must);
    free(must);
    return -1;
}

int yq_config_store(struct yq_config_draft *d, const struct yq_option *o, void *base,
                    const char *text, const struct yq_config_place *place)
{
    void *at = (char *)base + o->offset;
    switch (o->type) {
    case YQ_OPTION_TEXT:
        return store_text(d, o, at, text, place);
    case YQ_OPTION_CHOICE:
    case YQ_OPTION_BOOL:
        return store_choice(d, o, at, text, place);
    case YQ_OPTION_TEXTS:
    case YQ_OPTION_NOTHING: /* cannot happen: who reads the text sees that it is a list first */
        yq_config_fault(d, place->line, place->key, _("must be a list"));
        return -1;
    default:
        return store_amount(d, o, at, text, place);
    }
}

int yq_config_store_item(struct yq_config_draft *d, const struct yq_option *o, void *base,
                         const char *text, const struct yq_config_place *place)
{
    char ***list = (char ***)(void *)((char *)base + o->offset);
    const char *must = text[0] == '\0' ? N_("must not be empty") : o->check(text);
    size_t count = 0;
    if (must != NULL)
        return refuse(d, o, place, text, _(must));
    while (*list != NULL && (*list)[count] != NULL)
        count++;
    *list = yq_realloc(*list, count + 2, sizeof(char *));
    (*list)[count] = yq_strdup(text);
    (*list)[count + 1] = NULL;
    return 0;
}

/* The name between "${" and "}", or NULL when there is none. */
static char *variable_name(const char *at)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = strspn(at, all);
    if (len == 0 || at[len] != '}' || strchr(letters, at[0]) == NULL)
        return NULL;
    return yq_strndup(at, len);
}

/* One ${NAME} at `at`; returns its length in the text, or 0 with a fault noted. A secret that
 * merely looks like one must not show: the name is told only where it is the whole value. */
static size_t expand_one(struct yq_config_draft *d, bool secret, const char *text, const char *at,
                         const struct yq_config_place *place, struct yq_buf *out)
{
    char *name = variable_name(at + 2);
    if (name == NULL) {
        yq_config_fault(
            d, place->line, place->key,
            _("holds \"${\" without a name and \"}\"; a literal one is written \"$${\""));
        return 0;
    }
    size_t len = strlen(name) + 3;
    const char *value = getenv(name);
    if (value != NULL) {
        yq_buf_adds(out, value);
    } else if (secret && (at != text || text[len] != '\0')) {
        yq_config_fault(d, place->line, place->key,
                        _("names an environment variable that is not set"));
    } else {
        yq_config_fault(d, place->line, place->key, _("environment variable %s is not set"), name);
    }
    free(name);
    return value != NULL ? len : 0;
}

char *yq_config_expand(struct yq_config_draft *d, const struct yq_option *o, const char *text,
                       struct yq_config_place *place)
{
    struct yq_buf out = YQ_BUF_INIT;
    bool secret = (o->flags & YQ_OPTION_SECRET) != 0;
    place->literal = true;
    for (const char *c = text; *c != '\0';) {
        if (strncmp(c, "$${", 3) == 0) {
            yq_buf_adds(&out, "${");
            c += 3;
            continue;
        }
        if (strncmp(c, "${", 2) != 0) {
            yq_buf_addc(&out, *c++);
            continue;
        }
        size_t len = expand_one(d, secret, text, c, place, &out);
        if (len == 0) {
            if (out.data != NULL)
                yq_secret_wipe(out.data, out.cap);
            yq_buf_release(&out);
            return NULL;
        }
        place->literal = false;
        c += len;
    }
    return yq_buf_steal(&out);
}

/* The path as seen from the configuration's folder. */
static char *beside(const char *config, const char *file)
{
    const char *slash = strrchr(config, '/');
    if (file[0] == '/' || slash == NULL)
        return yq_strdup(file);
    return yq_printf("%.*s/%s", (int)(slash - config), config, file);
}

/* Only from a regular file: a pipe or a terminal would keep the program waiting. */
static ssize_t read_all(const char *path, char *out, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat about;
    size_t len = 0;
    ssize_t got = -1;
    if (fd < 0)
        return -1;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode)) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    while (len < room && (got = read(fd, out + len, room - len)) > 0)
        len += (size_t)got;
    int saved = errno;
    close(fd);
    errno = saved;
    return got < 0 ? -1 : (ssize_t)len;
}

char *yq_config_read_secret(struct yq_config_draft *d, const char *file,
                            const struct yq_config_place *place)
{
    char *path = beside(d->path, file), *text = yq_calloc(SECRET_MAX + 2, 1), *ret = NULL;
    ssize_t len = read_all(path, text, SECRET_MAX + 1);
    if (len < 0) {
        yq_config_fault(d, place->line, place->key, _("cannot be read: %s"), strerror(errno));
    } else if (len > SECRET_MAX || memchr(text, '\0', (size_t)len) != NULL) {
        yq_config_fault(d, place->line, place->key, _("is no file with a secret"));
    } else {
        if (len > 0 && text[len - 1] == '\n')
            len--;
        if (len > 0 && text[len - 1] == '\r')
            len--;
        ret = yq_strndup(text, (size_t)len);
    }
    yq_secret_wipe(text, SECRET_MAX + 2);
    free(text);
    free(path);
    return ret;
}
