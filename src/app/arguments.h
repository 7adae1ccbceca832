/* Options of the command line: "--name value", "--name=value", "--flag", in any place. */
#ifndef YQ_APP_ARGUMENTS_H
#define YQ_APP_ARGUMENTS_H

#include <stdbool.h>

#include "base/error.h"

struct yq_argument {
    const char *name;   /* "--member"; a list ends with NULL */
    const char **value; /* takes a value, or */
    bool *flag;         /* is set */
};

/* Takes the known options out of argv (which holds no program name) and leaves what is not an
 * option at its front; *ret_count says how much that is. "--" ends the options. An option that is
 * not known, that misses its value or that has one too many is an error; with `lenient` what is
 * not known stays where it is. */
int yq_arguments_take(const struct yq_argument *known, int argc, char **argv, bool lenient,
                      int *ret_count, struct yq_error *err);

#endif
