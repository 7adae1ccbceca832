/* The configuration file: YAML in, settings out, or every fault in it at once.
 *
 * One table (config_table.c) says which keys there are; nothing else does. In scalar values
 * ${NAME} is replaced by the environment variable, after parsing; $${ stands for a literal ${. Any
 * secret `x` may be given as `x_file`: the content of that file, one newline at its end cut off. */
#ifndef YQ_APP_CONFIG_H
#define YQ_APP_CONFIG_H

#include <stddef.h>

#include "base/buf.h"
#include "service/settings.h"

#define YQ_CONFIG_MAX_BYTES (1024 * 1024)

/* Reads the file. Returns 0 with *ret for yq_settings_free, or -1 with every fault appended to
 * ret_faults, one a line, by line number: "FILE:LINE: KEY: what is wrong". A fault never holds the
 * value of a secret. */
int yq_config_load(const char *path, struct yq_settings **ret, struct yq_buf *ret_faults);

/* The same from memory: `path` names the text in faults, and relative x_file paths start at its
 * folder. */
int yq_config_parse(const char *path, const char *text, size_t len, struct yq_settings **ret,
                    struct yq_buf *ret_faults);

/* Reads the file again while the program runs. What the table does not call reloadable stays as it
 * is `now`, and is named in ret_restart, one a line, where the file says otherwise. Faults as
 * above. */
int yq_config_reload(const char *path, const struct yq_settings *now, struct yq_settings **ret,
                     struct yq_buf *ret_restart, struct yq_buf *ret_faults);

/* The option table as the Markdown page docs/configuration.md. */
void yq_config_print_options(struct yq_buf *out);

/* Calls visit with the path of every option ("connections[].wecom.corp_id"). */
void yq_config_each_option(void (*visit)(void *context, const char *path), void *context);

#endif
