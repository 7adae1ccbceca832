/* Taking options out of the words of a command line. */
#include "arguments.h"

#include <string.h>

#include "language.h"

struct taking {
    const struct yq_argument *known;
    int argc, at;
    char **argv;
    bool lenient;
    struct yq_error *err;
};

/* The option that the word names; *ret_value points behind '=', or is NULL. */
static const struct yq_argument *find(const struct yq_argument *known, const char *word,
                                      const char **ret_value)
{
    size_t len = strcspn(word, "=");
    *ret_value = word[len] == '=' ? word + len + 1 : NULL;
    for (; known->name != NULL; known++) {
        if (strlen(known->name) == len && memcmp(known->name, word, len) == 0)
            return known;
    }
    return NULL;
}

/* 1: it was taken; 0: it stays; -1: error. */
static int take(struct taking *t)
{
    const char *word = t->argv[t->at], *value;
    const struct yq_argument *a = find(t->known, word, &value);
    if (a == NULL && t->lenient)
        return 0;
    if (a == NULL)
        return yq_error_set(t->err, YQ_ERROR_INVALID, _("unknown option %.80s"), word);
    if (a->flag != NULL && value != NULL)
        return yq_error_set(t->err, YQ_ERROR_INVALID, _("option %s takes no value"), a->name);
    if (a->flag != NULL) {
        *a->flag = true;
        return 1;
    }
    if (value == NULL && t->at + 1 < t->argc)
        value = t->argv[++t->at];
    if (value == NULL || *value == '\0')
        return yq_error_set(t->err, YQ_ERROR_INVALID, _("option %s needs a value"), a->name);
    *a->value = value;
    return 1;
}

int yq_arguments_take(const struct yq_argument *known, int argc, char **argv, bool lenient,
                      int *ret_count, struct yq_error *err)
{
    struct taking t = {known, argc, 0, argv, lenient, err};
    int count = 0;
    bool ended = false;
    for (; t.at < argc; t.at++) {
        char *word = argv[t.at];
        bool is_end = !ended && strcmp(word, "--") == 0;
        if (is_end && !lenient) {
            ended = true;
            continue;
        }
        ended = ended || is_end;
        int taken = !ended && word[0] == '-' && word[1] != '\0' ? take(&t) : 0;
        if (taken < 0)
            return -1;
        if (taken == 0)
            argv[count++] = word;
    }
    *ret_count = count;
    return 0;
}
