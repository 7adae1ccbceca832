/* How far a reconcile has come, while somebody waits for it, and what it did once it has ended. */
#ifndef YQ_APP_PROGRESS_H
#define YQ_APP_PROGRESS_H

#include <cjson/cJSON.h>

#include "commands.h"

struct yq_progress {
    char last[160]; /* told already */
    bool bar;       /* a bar stands on the terminal */
};

/* Looks at the run that is going: a bar on a terminal, else a line of JSON on the error output,
 * each time that something has changed. Nothing where no such run is going. */
void yq_progress_tell(struct yq_cli *cli, const char *id, const char *run, struct yq_progress *p);
/* Takes the bar away. */
void yq_progress_end(struct yq_cli *cli, struct yq_progress *p);

/* What a reconcile's entry of `runs` counts, in words. Nothing for other runs. */
void yq_print_reconcile(struct yq_cli *cli, const cJSON *run);

#endif
