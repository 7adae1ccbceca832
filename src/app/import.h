/* What the commands that take exports in have in common. */
#ifndef YQ_APP_IMPORT_H
#define YQ_APP_IMPORT_H

#include "archive.h"
#include "commands.h"

struct yq_import {
    struct yq_cli *cli;
    const char *id; /* of the connection */
    struct yq_archive_reader *archive;
    size_t taken, left_out, bad; /* lines */
};

/* Reads "ID FILE" and opens that; prints what is wrong. The caller frees the reader. */
enum yq_exit yq_import_begin(struct yq_import *m, const char *what, int argc, char **argv);
/* Returns -1 with INVALID for a record that is refused; with another kind where it makes no sense
 * to go on. */
typedef int yq_import_take(struct yq_import *m, const cJSON *record, struct yq_error *err);
/* Every record; bad lines are told and counted. -1: it was broken off. */
int yq_import_each(struct yq_import *m, yq_import_take *take, struct yq_error *err);
/* "line 7: WHY". Returns -1. */
int yq_import_refuse(const struct yq_import *m, struct yq_error *err, const char *why);
void yq_import_print(const struct yq_import *m);

#endif
